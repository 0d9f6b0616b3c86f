"""Links between codebases: by name, by address and by the likeness of code."""

import csv
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.code_graph.index import CodeIndex
from knowledge.code_graph.links import Link, all_links, links
from knowledge.code_graph.links_view import LinksView
from knowledge.code_graph.types import CodeError, contents

CORPUS = Path(__file__).parent / "link_corpus"
MOVE = " lda $0D50,x\n asl a\n asl a\n clc\n adc $0D70,x\n sta $0D70,x\n lda $0D10,x\n adc #$00\n sta $0D10,x\n rts\n"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[CodeIndex]:
    made = CodeIndex(tmp_path / "code.db")
    yield made
    made.close()


def put(index: CodeIndex, **texts: str) -> None:
    for codebase, text in texts.items():
        index.update(codebase, [contents("main.asm", text.encode())])


def names(found: tuple[Link, ...]) -> set[tuple[str, str]]:
    return {(link.left.name, link.right.name) for link in found}


def test_routines_that_were_renamed_moved_and_edited_are_found_again(index: CodeIndex) -> None:
    put(
        index,
        ours=(CORPUS / "disassembly.asm").read_text(encoding="utf-8"),
        hack=(CORPUS / "rewrite.asm").read_text(encoding="utf-8"),
    )
    with (CORPUS / "pairs.csv").open(encoding="utf-8", newline="") as file:
        true = {(row["left"], row["right"]) for row in csv.DictReader(file)}
    found = names(links(index, "ours", "hack", limit=1_000).links)
    assert len(true) == 30
    assert found <= true, found - true
    assert len(found & true) / len(true) >= 0.9, true - found


def test_links_hold_both_ways(index: CodeIndex) -> None:
    put(
        index,
        ours=(CORPUS / "disassembly.asm").read_text(encoding="utf-8"),
        hack=(CORPUS / "rewrite.asm").read_text(encoding="utf-8"),
    )
    there = {
        (link.left.name, link.right.name, link.confidence, link.ambiguous) for link in all_links(index, "ours", "hack")
    }
    back = {
        (link.right.name, link.left.name, link.confidence, link.ambiguous) for link in all_links(index, "hack", "ours")
    }
    assert there == back != set()


def test_identical_code_under_another_name_is_the_same(index: CodeIndex) -> None:
    put(
        index,
        a="Sprite_Move:\n" + MOVE,
        b="step:\n" + MOVE.replace("rts", "rtl").replace("lda $0D50,x", "lda.l $7E0D50,x"),
    )
    (link,) = links(index, "a", "b").links
    assert (link.left.name, link.right.name, link.relation) == ("Sprite_Move", "step", "same_as")
    assert [each.way for each in link.evidence] == ["likeness"]
    assert link.evidence[0].text == "the same instructions"


def test_an_edited_routine_is_like_and_says_where_it_differs_first(index: CodeIndex) -> None:
    put(index, a="Sprite_Move:\n" + MOVE, b="step:\n" + MOVE.replace(" asl a\n clc\n", " clc\n nop\n"))
    (link,) = links(index, "a", "b").links
    (evidence,) = link.evidence
    assert (link.relation, evidence.way) == ("like", "likeness")
    assert (evidence.left, evidence.right) == (4, 4)
    assert evidence.shared >= 4


@pytest.mark.parametrize(
    ("ours", "theirs"), [("Link_Main", "LinkMain"), ("Link_Main", "link_main"), ("Ancilla_Draw2", "AncillaDraw2")]
)
def test_names_meet_in_any_spelling(index: CodeIndex, ours: str, theirs: str) -> None:
    put(index, a=f"{ours}:\n lda $10\n rts\n", b=f"{theirs}:\n stz $12\n jmp Elsewhere\n")
    (link,) = links(index, "a", "b").links
    assert (link.left.name, link.right.name) == (ours, theirs)
    assert [each.way for each in link.evidence] == ["name"]


def test_names_of_two_conventions_meet_through_aliases(index: CodeIndex) -> None:
    put(index, a="Link_Main:\n lda $10\n rts\n", b="Player_Control:\n lda $10\n rts\n")
    assert not links(index, "a", "b").links
    aliases = {"linkmain": "routine:078000", "Player_Control": "routine:078000"}
    (link,) = links(index, "a", "b", aliases=aliases).links
    assert link.evidence[0].text == "Link_Main and Player_Control are names of one thing"


def test_addresses_meet_in_all_mirrors(index: CodeIndex) -> None:
    put(index, a="org $018000\nOne:\n lda $10\n rts\n", b="org $818000\nTwo:\n lda $10\n rts\n")
    (link,) = links(index, "a", "b").links
    assert [(each.way, each.text) for each in link.evidence] == [("address", "both at $018000")]


def test_several_ways_make_a_link_surer(index: CodeIndex) -> None:
    put(index, a="org $018000\nMove:\n" + MOVE, b="org $018000\nMove:\n" + MOVE)
    (link,) = links(index, "a", "b").links
    assert {each.way for each in link.evidence} == {"name", "address", "likeness"}
    for way in ("name", "address", "likeness"):
        (alone,) = all_links(index, "a", "b", ways=(way,))
        assert alone.confidence < link.confidence or alone.confidence == 1.0


def test_code_that_differs_speaks_against_a_name(index: CodeIndex) -> None:
    other = " ldy #$05\n.next\n phy\n jsr Work\n ply\n stx $2116\n dey\n bpl .next\n rtl\n"
    put(index, a="Sprite_Move:\n" + MOVE, b="Sprite_Move:\n" + MOVE, c="Sprite_Move:\n" + other)
    assert all_links(index, "a", "c")[0].confidence < 0.6 < all_links(index, "a", "b")[0].confidence


def test_several_equals_are_said_to_be_ambiguous(index: CodeIndex) -> None:
    put(index, a="One:\n" + MOVE, b="Left:\n" + MOVE + "Right:\n" + MOVE)
    found = links(index, "a", "b")
    assert names(found.links) == {("One", "Left"), ("One", "Right")}
    assert all(link.ambiguous and link.relation == "like" for link in found.links)
    assert found.ambiguous == 2


def test_routines_too_short_to_tell_are_not_linked_by_their_code(index: CodeIndex) -> None:
    put(index, a="One:\n jsr Work\n rts\n", b="Two:\n jsr Other\n rts\n")
    assert not links(index, "a", "b").links


def test_tables_are_linked_by_name_and_address(index: CodeIndex) -> None:
    put(index, a="org $0DB000\nSpriteHP:\n db 1, 2\n", b="org $0DB000\nsprite_hp:\n db 3, 4\n")
    (link,) = links(index, "a", "b").links
    assert link.left.kind == "data"
    assert {each.way for each in link.evidence} == {"name", "address"}


def test_an_edit_is_seen(index: CodeIndex) -> None:
    put(index, a="One:\n" + MOVE, b="Two:\n" + MOVE)
    assert links(index, "a", "b").total == 1
    put(index, b="Two:\n stz $10\n rts\n")
    assert links(index, "a", "b").total == 0


def test_pages_and_counts_are_of_all_links(index: CodeIndex) -> None:
    put(
        index,
        a="".join(f"R{n}:\n lda #${n:02X}\n" + MOVE for n in range(20)),
        b="".join(f"R{n}:\n lda #${n:02X}\n" + MOVE for n in range(20)),
    )
    found = links(index, "a", "b", ways=("name",), limit=6, offset=18)
    assert (len(found.links), found.total, dict(found.counts)) == (2, 20, {"name": 20})


def test_the_same_codebase_twice_or_an_absent_one_is_refused(index: CodeIndex) -> None:
    put(index, a="One:\n" + MOVE)
    with pytest.raises(CodeError, match="another"):
        links(index, "a", "a")
    with pytest.raises(CodeError):
        links(index, "a", "none")


def test_links_are_a_layer_of_the_graph(index: CodeIndex) -> None:
    put(index, a="Sprite_Move:\n" + MOVE, b="step:\n" + MOVE, c="Table:\n db 1\n")
    view = LinksView(index)
    assert view.layer == "links"
    assert view.count() == (2, 1)
    (edge,) = view.edges("a:Sprite_Move", direction="out")
    assert (edge.subject, edge.relation, edge.object, edge.layer) == ("a:Sprite_Move", "same_as", "b:step", "links")
    assert "the same instructions" in edge.note
    assert edge.source == "main.asm:1 and main.asm:1"
    (back,) = view.edges("b:step", direction="out")
    assert (back.subject, back.object) == ("b:step", "a:Sprite_Move")
    assert view.resolve("STEP") == "b:step"
    assert view.resolve("nothing") == ""
    assert [node.name for node in view.find("move")] == ["a:Sprite_Move"]
    assert view.node("b:step") is not None and view.node("b:none") is None
    assert list(view.pairs()) == [("a:Sprite_Move", "same_as", "b:step")]
    before = view.stamp()
    put(index, b="step:\n rts\n")
    assert view.stamp() != before
    assert view.count() == (0, 0)


def test_a_thousand_clones_do_not_make_a_million_links(index: CodeIndex) -> None:
    text = "".join(f"R{{0}}{n}:\n" + MOVE for n in range(1_000))
    put(index, a=text.replace("{0}", "a"), b=text.replace("{0}", "b"))
    assert links(index, "a", "b").total == 0


def test_many_routines_are_linked_each_to_its_own(index: CodeIndex) -> None:
    rng = random.Random(7)
    words = (
        "lda $10",
        "sta $12",
        "inx",
        "dey",
        "clc",
        "adc #$04",
        "and #$1F",
        "sta $2116",
        "jsr Work",
        "asl a",
        "tax",
        "lda Table,x",
    )
    bodies = ["".join(f" {rng.choice(words)}\n" for _ in range(rng.randrange(12, 40))) for _ in range(300)]
    put(index, a="".join(f"A{n}:\n{body} rts\n" for n, body in enumerate(bodies)))
    order = list(enumerate(bodies))
    rng.shuffle(order)
    put(index, b="".join(f"B{n}:\n nop\n{body} rts\n" for n, body in order))
    found = links(index, "a", "b", limit=1_000)
    assert {(left[1:], right[1:]) for left, right in names(found.links)} == {(str(n), str(n)) for n in range(300)}
