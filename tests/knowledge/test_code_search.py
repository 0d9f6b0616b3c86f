"""The search over codebases: by name, address, register, words, callers and meaning, over two made-up source trees."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.code_graph.index import CodeIndex
from knowledge.code_graph.search import Found
from knowledge.code_graph.types import CodeError, contents

GAME = """org $068000
; Runs each sprite that is in the room
Sprite_Main:
    LDX #$0F
.next
    JSR Sprite_Move
    JSR Sprite_CheckCollision
    DEX
    BPL .next
    RTL

; Does the box of Link touch the box of the sprite?
Sprite_CheckCollision:
    LDA $0D10,X
    CMP $22
    BNE .apart
    JSR Link_TakeDamage
.apart
    RTS

Sprite_Move:
    LDA $0D50,X
    CLC
    ADC $0D10,X
    STA $0D10,X
    RTS

Link_TakeDamage:
    LDA $7EF36D
    SEC
    SBC #$08 ; one heart
    STA $7EF36D
    RTS

; Copies a queue of tiles
NMI_UploadTiles:
    LDA #$80
    STA $2115
    REP #$20
    LDA #$1801
    STA $4300
    LDA $0118
    STA $2116
    SEP #$20
    LDA #$01
    STA $420B
    RTS

NMI_WaitForHDMA:
    LDA $4212
    STA $420C
    RTS

Module_Set:
    STA $10
    STZ $11
    RTS

Sprite_DrawShadow:
    LDA $10
    JSR Sprite_Move
    RTS
"""
HACK = """!game_mode = $7E0010
org $308000
NewCollision:
    JSL Sprite_CheckCollision
    LDA.l !game_mode
    RTL
Hack_UploadFont:
    LDA #$01
    STA $4310
    STA $420B
    STZ $2116
    RTL
Table: dw NewCollision ; who uses the table of collision?
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeIndex]:
    made = CodeIndex(tmp_path_factory.mktemp("search") / "code.db")
    made.update("game", [contents("sprites.asm", GAME.encode())])
    made.update("hack", [contents("hack.asm", HACK.encode())])
    yield made
    made.close()


def names(found: Found, count: int = 3) -> list[str]:
    return [hit.node for hit in found.hits[:count]]


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("CheckCollision", ["game:Sprite_CheckCollision"]),
        ("sprite_checkcollision", ["game:Sprite_CheckCollision"]),
        ("how does sprite collision work?", ["game:Sprite_CheckCollision"]),
        ("where does Link take damage", ["game:Link_TakeDamage"]),
        ("moving the sprites", ["game:Sprite_Move"]),
        ("upload of tiles", ["game:NMI_UploadTiles"]),
        ("one heart", ["game:Link_TakeDamage"]),
        ("who writes $7E0010", ["game:Module_Set"]),
        ("what writes $10?", ["game:Module_Set"]),
        ("who writes $7EF36D", ["game:Link_TakeDamage"]),
        ("which routine reads 7E0010", ["game:Sprite_DrawShadow", "hack:NewCollision"]),
        ("who calls Link_TakeDamage", ["game:Sprite_CheckCollision"]),
        ("callers of Sprite_Move", ["game:Sprite_DrawShadow", "game:Sprite_Main"]),
        ("$2116", ["game:NMI_UploadTiles", "hack:Hack_UploadFont"]),
        ("VMADDL", ["game:NMI_UploadTiles", "hack:Hack_UploadFont"]),
        ("all DMA transfer routines", ["game:NMI_UploadTiles", "hack:Hack_UploadFont"]),
        ("HDMA", ["game:NMI_WaitForHDMA"]),
        ("$068000", ["game:Sprite_Main"]),
        ("$308000", ["hack:NewCollision"]),
        ("!game_mode", ["hack:!game_mode"]),
    ],
)
def test_the_best_place_comes_first(index: CodeIndex, question: str, first: list[str]) -> None:
    assert sorted(names(index.search(question), len(first))) == first


def test_a_hit_says_why_and_shows_the_line(index: CodeIndex) -> None:
    hit = index.search("who writes $7EF36D").hits[0]
    assert (hit.name, hit.kind, hit.file, hit.line, hit.callers) == ("Link_TakeDamage", "routine", "sprites.asm", 32, 1)
    assert "writes $7EF36D" in hit.reasons and "has 1 caller" in hit.reasons
    assert hit.excerpt == "    STA $7EF36D\n    RTS"
    word = index.search("box of Link").hits[0]
    assert (word.name, word.line) == ("Sprite_CheckCollision", 12)


def test_codebases_kinds_and_pages_narrow_the_search(index: CodeIndex) -> None:
    assert {hit.codebase for hit in index.search("collision", codebases=["hack"]).hits} == {"hack"}
    assert names(index.search("collision", kind="data")) == ["hack:Table"]
    whole = index.search("sprite collision", limit=100)
    pages: list[str] = []
    offset = 0
    while True:
        page = index.search("sprite collision", limit=2, offset=offset)
        assert len(page.hits) <= 2 and page.total == whole.total
        pages += names(page)
        offset = page.next_offset
        if not offset:
            break
    assert pages == names(whole, 100) and len(set(pages)) == whole.total > 2
    with pytest.raises(CodeError, match="no codebase 'absent'; index it first, or take game, hack"):
        index.search("x", codebases=["absent"])


@pytest.mark.parametrize("question", ["", "   ", "zyxwv plugh", "$", "the of and", "?", "\0", "$FFFFFFFFFF"])
def test_what_is_not_there_is_not_found(index: CodeIndex, question: str) -> None:
    assert index.search(question) == Found((), 0, 0)


@pytest.mark.parametrize(
    "question", ['"', "a OR", "NEAR(", "name:x", "x*", "-x", "(((", "'; DROP TABLE symbol; --", "% _", "^a", "{a b}: c"]
)
def test_signs_of_sql_and_full_text_are_only_letters(index: CodeIndex, question: str) -> None:
    assert index.search(f"collision {question}").hits[0].name in ("NewCollision", "Sprite_CheckCollision", "Table")
    assert index.search(question).total >= 0
    assert [known.name for known in index.codebases()] == ["game", "hack"]


@settings(max_examples=150, deadline=None)
@given(question=st.text(st.characters(), max_size=60), offset=st.integers(-5, 1 << 40), limit=st.integers(-5, 1 << 40))
def test_any_question_has_an_answer(index: CodeIndex, question: str, offset: int, limit: int) -> None:
    found = index.search(question, offset=offset, limit=limit)
    assert len(found.hits) <= min(found.total, 100)
    assert index.routine("game", question) == () == tuple(index.accesses("game", owner=f"?{question}"))
    for view in index.views():
        assert view.node(view.resolve(question)) is None or view.resolve(question)
        assert view.node(question) is None and view.edges(f"hack:{question}") == () == view.edges(question)
        assert len(view.find(question, offset=offset, limit=limit)) <= 100


def test_a_question_of_a_megabyte_is_answered_from_its_beginning(index: CodeIndex) -> None:
    assert index.search("Link_TakeDamage " + "x$7E0010 " * 120_000).hits[0].name == "Link_TakeDamage"


def meant(texts: Sequence[str]) -> Sequence[Sequence[float]]:
    """Vectors that know that hurting is damage, and nothing else."""
    return [[float(text.startswith(("Link_TakeDamage", "hurt"))), 0.1, 0.0] for text in texts]


def test_vectors_add_what_words_do_not_say(tmp_path: Path) -> None:
    index = CodeIndex(tmp_path / "code.db")
    index.update("game", [contents("sprites.asm", GAME.encode())])
    assert index.search("hurt").total == 0
    assert index.embed("game", meant, model="tiny") == 8
    assert index.embed("game", meant, model="tiny") == 0
    found = index.search("hurt", embed=meant, model="tiny")
    assert found.hits[0].name == "Link_TakeDamage" and "near in meaning" in found.hits[0].reasons[0]
    assert index.search("hurt", embed=meant, model="another").total == 0
    index.update("game", [contents("sprites.asm", GAME.replace("#$08", "#$04").encode())])
    assert index.embed("game", meant, model="tiny") == 8
    with pytest.raises(CodeError, match="0 vectors came"):
        index.embed("game", lambda _: [], model="broken")
    index.close()


def test_facts_by_name_are_those_that_are_given(tmp_path: Path) -> None:
    def ref_of(address: int) -> str:
        return "ram:7E0D10" if 0x7E0D10 <= address < 0x7E0D20 else "routine:068123" if address == 0x068123 else ""

    index = CodeIndex(tmp_path / "code.db", name_of=ref_of)
    index.update("hack", [contents("a.asm", b"Main: LDA $0D15\n JSL $068123\n STA $10\n RTL\n")])
    assert [use.target for use in index.accesses("hack")] == ["ram:7E0D10", "routine:068123", "$10"]
    (view,) = index.views()
    assert [edge.subject for edge in view.edges("routine:068123")] == ["hack:Main"]
    index.close()
