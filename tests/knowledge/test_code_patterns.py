"""Idioms and anti-patterns in source code, against labelled snippets and through an index of real files."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.code_graph.index import CodeIndex
from knowledge.code_graph.patterns import find_patterns, pattern_ids, patterns_in
from knowledge.code_graph.patterns_language import patterns, read_element
from knowledge.code_graph.patterns_live import CONDITIONS, ENDS
from knowledge.code_graph.types import CodeError, contents

CORPUS = Path(__file__).parent / "pattern_corpus" / "snippets.asm"


class Snippet(NamedTuple):
    number: int
    expected: frozenset[str]
    text: str


def snippets() -> list[Snippet]:
    parts = CORPUS.read_text(encoding="utf-8").split(";= ")[1:]
    found: list[Snippet] = []
    for number, part in enumerate(parts):
        head, _, text = part.partition("\n")
        label = "" if text.startswith("Far_Entry:") else "Main:\n"
        found.append(Snippet(number, frozenset(head.split()) - {"-"}, label + text))
    return found


@pytest.fixture
def index(tmp_path: Path) -> Iterator[CodeIndex]:
    made = CodeIndex(tmp_path / "code.db")
    yield made
    made.close()


def found_in(index: CodeIndex, text: str, *, name: str = "main.asm") -> dict[str, list[tuple[int, int]]]:
    """Return the lines of each pattern in a text."""
    index.update("hack", [contents(name, text.encode())])
    found: dict[str, list[tuple[int, int]]] = {}
    for place in find_patterns(index, codebase="hack", limit=1_000).places:
        found.setdefault(place.pattern, []).append((place.first, place.last))
    return found


def test_a_labelled_corpus_is_read_with_precision_and_recall(index: CodeIndex) -> None:
    corpus = snippets()
    index.update("hack", [contents(f"s{each.number:03}.asm", each.text.encode()) for each in corpus])
    got: dict[str, set[str]] = {}
    for place in find_patterns(index, codebase="hack", limit=10_000).places:
        got.setdefault(place.file, set()).add(place.pattern)
    right = wrong = missed = 0
    said: list[str] = []
    for each in corpus:
        mine = got.get(f"s{each.number:03}.asm", set())
        right += len(mine & each.expected)
        wrong += len(mine - each.expected)
        missed += len(each.expected - mine)
        if mine ^ each.expected:
            said.append(f"{each.number}: more {mine - each.expected}, less {each.expected - mine}\n{each.text}")
    assert len(corpus) >= 120
    assert sum(not each.expected for each in corpus) >= 40
    assert right / (right + wrong) >= 0.95, said
    assert right / (right + missed) >= 0.95, said


def test_the_corpus_has_each_pattern() -> None:
    held = frozenset[str]().union(*(each.expected for each in snippets()))
    assert held == frozenset(pattern_ids())


def test_each_pattern_is_found_in_its_own_example(index: CodeIndex) -> None:
    files = {each.id: ("" if each.example[0].isalpha() else "Main:\n") + each.example + "\n" for each in patterns()}
    index.update("hack", [contents(f"{name}.asm", text.encode()) for name, text in files.items()])
    for each in patterns():
        places = find_patterns(index, codebase="hack", pattern=each.id, limit=1_000).places
        assert f"{each.id}.asm" in {place.file for place in places}, each.id


def test_the_catalogue_is_whole() -> None:
    ids = pattern_ids()
    assert len(ids) == len(set(ids)) >= 25
    for each in patterns():
        assert each.title and each.why and each.example and each.variants, each.id
        assert set(each.unless) <= set(CONDITIONS), each.id
        assert each.to in ("", *ENDS), each.id


def test_a_place_names_file_lines_routine_and_text(index: CodeIndex) -> None:
    text = "First:\n nop\n rts\nSecond:\n nop\n lda #$00\n sta $10\n rts\n"
    index.update("hack", [contents("code/main.asm", text.encode())])
    (place,) = find_patterns(index, codebase="hack", pattern="zero_by_a").places
    assert (place.file, place.first, place.last, place.routine) == ("code/main.asm", 6, 7, "Second")
    assert place.excerpt == " lda #$00\n sta $10"
    assert place.kind == "anti_pattern"


def test_a_label_in_the_middle_breaks_a_run(index: CodeIndex) -> None:
    assert "add_one" in found_in(index, "Main:\n clc\n adc #$01\n rts\n")
    assert "add_one" not in found_in(index, "Main:\n clc\nEntry:\n adc #$01\n rts\n")
    assert "add_one" not in found_in(index, "Main:\n clc\n.entry\n adc #$01\n rts\n")


def test_a_conditional_or_a_macro_in_the_middle_breaks_a_run(index: CodeIndex) -> None:
    assert "add_one" not in found_in(index, "Main:\n clc\n if !x\n adc #$01\n endif\n rts\n")
    assert "add_one" not in found_in(index, "Main:\n clc\n %step()\n adc #$01\n rts\n")


def test_the_words_of_other_assemblers_are_the_same_instructions(index: CodeIndex) -> None:
    ca65 = ".proc Main\n  rep #$20\n  lda z:$10\n  clc\n  adc a:$0012\n  sta z:$10\n  sep #$20\n  rts\n.endproc\n"
    found = found_in(index, ca65, name="main.s")
    assert found["add_16bit_wide"] == [(4, 5)]
    assert found["width_switch"] == [(2, 7)]
    wla = '.SECTION "Code"\nMain:\n lda.b #$00\n sta.b $10\n rts\n.ENDS\n'
    assert found_in(index, wla)["zero_by_a"] == [(3, 4)]
    listing = "#_008000: LDA.b #$00\n#_008002: STA.b $10\n#_008004: RTS\n"
    assert found_in(index, f"Main:\n{listing}")["zero_by_a"] == [(2, 3)]


def test_a_register_counts_under_its_name_and_under_a_define(index: CodeIndex) -> None:
    assert "forced_blank" in found_in(index, "Main:\n lda #$8F\n sta INIDISP\n rts\n")
    assert "forced_blank" in found_in(index, "!SCREEN = $2100\nMain:\n lda #$8F\n sta !SCREEN\n rts\n")
    assert "forced_blank" in found_in(index, "Main:\n lda #$8F\n sta.l $802100\n rts\n")
    assert "forced_blank" not in found_in(index, "Main:\n lda #$8F\n sta.l $7E2100\n rts\n")


def test_a_define_that_is_a_number_counts_as_the_number(index: CodeIndex) -> None:
    assert "add_one" in found_in(index, "!ONE = 1\nMain:\n clc\n adc #!ONE\n rts\n")
    assert "add_one" not in found_in(index, "!ONE = 2\nMain:\n clc\n adc #!ONE\n rts\n")


def test_nested_loops_are_both_found(index: CodeIndex) -> None:
    text = "Main:\n ldy #$03\n.outer\n ldx #$0F\n.inner\n inc $10,x\n dex\n bpl .inner\n dey\n bpl .outer\n rts\n"
    assert found_in(index, text)["count_down_loop"] == [(2, 10), (4, 8)]


def test_counts_come_with_the_most_frequent_first_and_places_in_pages(index: CodeIndex) -> None:
    routine = "R{0}:\n lda #$00\n sta $10\n rts\n"
    index.update("a", [contents("a.asm", "".join(routine.format(n) for n in range(7)).encode())])
    index.update("b", [contents("b.asm", b"B:\n bra .on\n.on\n lda #$00\n sta $10\n rts\n")])
    found = find_patterns(index, kind="anti_pattern", limit=3, offset=6)
    assert [(each.pattern, each.total) for each in found.counts] == [("zero_by_a", 8), ("jump_to_next", 1)]
    assert found.total == 9
    assert [(place.codebase, place.pattern) for place in found.places] == [
        ("a", "zero_by_a"), ("b", "jump_to_next"), ("b", "zero_by_a"),
    ]  # fmt: skip
    assert find_patterns(index, kind="idiom").total == 0


def test_an_edit_is_seen(index: CodeIndex) -> None:
    assert "zero_by_a" in found_in(index, "Main:\n lda #$00\n sta $10\n rts\n")
    assert "zero_by_a" not in found_in(index, "Main:\n stz $10\n rts\n")


def test_an_unknown_pattern_or_codebase_is_refused_with_the_next_step(index: CodeIndex) -> None:
    with pytest.raises(CodeError, match="dma_setup"):
        find_patterns(index, pattern="dma")
    with pytest.raises(CodeError):
        find_patterns(index, codebase="none")


def test_a_line_that_is_no_pattern_is_refused() -> None:
    for text in ("lad #00", "lda ??", "", "3+", "lda {a"):
        with pytest.raises(ValueError):
            read_element(text)


WORDS = st.sampled_from(
    [
        "lda",
        "sta",
        "clc",
        "adc",
        "sec",
        "sbc",
        "rep",
        "sep",
        "php",
        "plp",
        "pha",
        "pla",
        "phx",
        "plx",
        "jsr",
        "rts",
        "bra",
        "bne",
        "beq",
        "dex",
        "bpl",
        "inx",
        "asl",
        "tax",
        "cmp",
        "nop",
        "jmp",
    ]
)
OPERANDS = st.sampled_from(
    ("", "#$00", "#$20", "$10", "$10,x", "Main", ".l", "$420B", "$4300", "(Main,x)", "[$00],y", "-")
)
LINES = st.one_of(
    st.tuples(WORDS, OPERANDS).map(lambda pair: f" {pair[0]} {pair[1]}"),
    st.sampled_from((".l", "Other:", "-", " dw Main", " if x", " endif", " %m()", "macro m()", "endmacro", "+")),
    st.text(max_size=20),
)


@given(st.lists(LINES, max_size=60))
@settings(deadline=None, max_examples=60)
def test_any_text_has_an_answer_with_places_within_it(lines: list[str]) -> None:
    index = CodeIndex(Path(":memory:"))
    text = "Main:\n" + "\n".join(lines)
    index.update("any", [contents("a.asm", text.encode())])
    for place in find_patterns(index, limit=10_000).places:
        assert 1 <= place.first <= place.last <= text.count("\n") + 1
    index.close()


def test_long_runs_of_one_instruction_take_time_in_proportion(index: CodeIndex) -> None:
    index.update("hack", [contents("a.asm", b"Main:\n" + b" clc\n lda $10\n" * 4_000 + b" asl a\n" * 4_000)])
    counts = {each.pattern: each.total for each in find_patterns(index).counts}
    assert counts["shift_run"] == 4_000 // 16


def test_bodies_can_be_looked_at_without_an_index(index: CodeIndex) -> None:
    index.update("hack", [contents("a.asm", b"Main:\n lda #$00\n sta $10\n rts\n")])
    assert [pattern.id for pattern, _ in patterns_in(index.bodies("hack"))] == ["zero_by_a"]
