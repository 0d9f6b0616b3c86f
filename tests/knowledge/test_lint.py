"""The linter's face: findings with their paths, options, comments, formats, and what hostile input does to it."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.m65816.cycles import count
from knowledge.m65816.flow import Entry
from knowledge.m65816.flow_state import State
from knowledge.m65816.lint.catalogue import POINTS, docs, rules
from knowledge.m65816.lint.check import lint
from knowledge.m65816.lint.finding import Finding, as_json
from knowledge.m65816.lint.options import AddressRange, LintOptions
from knowledge.m65816.lint.sarif import as_sarif
from knowledge.m65816.machine import Machine
from knowledge.m65816.outcome import CodeError
from knowledge.m65816.program import Block, Listing, Program, SourceLine, snippet

EIGHT = State(m=1, x=1, d=0, db=0)
BAD = "a9 80 8d 00 21 c2 20 a9 34 12 8d 00 21 60"
"""lda #$80, sta $2100, rep #$20, lda #$1234, sta $2100, rts."""


def code(text: str, address: int = 0x008000) -> Program:
    return snippet(bytes.fromhex(text), address=address)


def found(text: str, *, options: LintOptions | None = None, state: State = EIGHT) -> dict[str, Finding]:
    program = code(text)
    return {item.name: item for item in lint(program, entries=[Entry(0x8000, state)], options=options)}


def lines(*rows: tuple[int, str]) -> Listing:
    return Listing(tuple(SourceLine("a.asm", number, text, at) for number, (at, text) in enumerate(rows, 1)))


def test_a_wide_write_is_reported_with_the_instruction_that_made_it_wide() -> None:
    item = found(BAD)["wide-write"]
    assert (item.rule, item.severity, item.address, item.source) == ("AFS901", "warning", 0x800A, "sta $2100")
    assert [(step.address, "rep #$20" in step.text) for step in item.path] == [(0x8005, True)]
    assert "$2101 (OBSEL)" in item.message
    assert "sep #$20" in item.fix


def test_an_rtl_that_answers_a_jsr_is_reported_with_its_path() -> None:
    item = found("20 04 80 60 e6 10 6b")["jsr-to-rtl"]
    assert item.address == 0x8000
    assert [step.address for step in item.path] == [0x8004, 0x8006]


def test_an_immediate_of_the_wrong_width_names_the_line_and_where_the_width_comes_from() -> None:
    program = code("e2 20 a9 34 12 85 10 60")
    listing = lines((0x8000, " sep #$20"), (0x8002, " lda #$1234"), (0x8005, " sta $10"), (0x8007, " rts"))
    (item,) = lint(program, listing=listing)
    assert (item.rule, item.place, item.source) == ("AFS201", "a.asm:2", "lda #$1234")
    assert str(item.path[0]).startswith("a.asm:1 ($008000): 8-bit A (M = 1) from sep #$20")


def test_the_width_that_a_called_routine_left_is_traced_into_it() -> None:
    text = "e2 20 20 08 80 a9 12 60 c2 20 60"
    listing = lines(
        (0x8000, "main: sep #$20"), (0x8002, " jsr work"), (0x8005, " lda #$12"), (0x8007, " rts"),
        (0x8008, "work: rep #$20"), (0x800A, " rts"),
    )  # fmt: skip
    items = {item.name: item for item in lint(code(text), listing=listing)}
    assert items["immediate-width"].line == 3
    assert items["immediate-width"].path[0].line == 5


def test_bytes_without_a_known_width_raise_only_what_holds_in_every_width() -> None:
    assert lint(code("8d 00 21 60")) == ()
    assert [item.name for item in lint(code("9c 10 42 60"))] == ["read-only-write"]


def test_equal_programs_give_equal_findings_in_the_order_of_the_source() -> None:
    program = code(BAD)
    first = lint(program, entries=[Entry(0x8000, EIGHT)])
    assert first == lint(program, entries=[Entry(0x8000, EIGHT)])
    assert [item.address for item in first] == sorted(item.address for item in first)


def test_rules_are_left_out_and_added_by_id_name_or_prefix() -> None:
    assert "wide-write" not in found(BAD, options=LintOptions(ignore=frozenset(("AFS901",))))
    assert "wide-write" not in found(BAD, options=LintOptions(ignore=frozenset(("wide-write",))))
    assert "wide-write" not in found(BAD, options=LintOptions(ignore=frozenset(("AFS9",))))
    near = "e6 10 4c 00 80"
    assert "use-bra" not in found(near)
    assert "use-bra" in found(near, options=LintOptions(select=frozenset(("AFS1505",))))
    assert "use-bra" in found(near, options=LintOptions(pedantic=True))


def test_a_rule_that_does_not_exist_is_an_error_that_says_how_to_name_one() -> None:
    with pytest.raises(CodeError, match="AFS201"):
        lint(code("60"), options=LintOptions(select=frozenset(("AFS9999",))))


def test_the_level_leaves_out_what_is_below_it() -> None:
    twice = "c2 20 85 10 e2 20 e2 20 60"
    assert "redundant-width-change" in found(twice)
    assert found(twice, options=LintOptions(level="warning")) == {}


def test_a_suggestion_says_what_it_saves() -> None:
    item = found("e6 10 20 06 80 60 e6 12 60")["tail-call"]
    assert item.severity == "suggestion"
    assert item.gain is not None
    assert (item.gain.cycles, item.gain.bytes) == (9, 1)


def test_a_hook_that_cuts_an_instruction_of_the_original_is_an_error() -> None:
    original = bytearray(0x8000)
    original[0x100:0x108] = bytes.fromhex("a5 10 8d 00 21 9c 34 12")
    options = LintOptions(original=bytes(original))
    hook = Program((Block(0x008100, bytes.fromhex("22 00 80 20")), Block(0x208000, b"\x6b")))
    assert [item.name for item in lint(hook, options=options)] == ["hook-cuts-instruction", "outside-rom"]
    whole = Program((Block(0x008100, bytes.fromhex("22 00 80 20 ea")),))
    assert lint(whole, options=options) == ()


def test_a_hook_that_never_comes_back_may_end_anywhere() -> None:
    original = bytes.fromhex("a5 10 8d 00 21 9c 34 12") + bytes(0x7FF8)
    hook = Program((Block(0x008000, bytes.fromhex("5c 00 80 20")),))
    assert lint(hook, options=LintOptions(original=original)) == ()


def test_original_bytes_are_compared_with_the_expected_ones() -> None:
    options = LintOptions(original=bytes.fromhex("a9 01") + bytes(0x7FFE), expected={0x008000: b"\xa9\x02"})
    names = [item.name for item in lint(Program((Block(0x009000, b"\x60"),)), options=options)]
    assert names == ["unexpected-original"]


def test_bytes_outside_of_the_allowed_ranges_are_an_error() -> None:
    options = LintOptions(allowed=(AddressRange(0x008000, 0x0080FF),))
    inside, over, far = Block(0x008010, b"\x60"), Block(0x0080FF, b"\xea\x60"), Block(0x018000, b"\x60")
    assert lint(Program((inside,)), options=options) == ()
    for block in (over, far):
        assert [item.name for item in lint(Program((block,)), options=options)] == ["outside-allowed"]


def test_large_blocks_over_original_code_are_told_on_request() -> None:
    program = Program((Block(0x008000, bytes.fromhex("e6 10") * 30 + b"\x60"),))
    full = LintOptions(original=bytes(range(256)) * 128, select=frozenset(("AFS1108",)))
    free = LintOptions(original=bytes(0x8000), select=frozenset(("AFS1108",)))
    assert "overwrites-original" in {item.name for item in lint(program, options=full)}
    assert lint(program, options=free) == ()


def test_handlers_are_named_by_the_caller_where_no_vector_tells() -> None:
    program = code("48 e6 10 68 40")
    state = State(m=0, x=0)
    assert lint(program, entries=[Entry(0x8000, state)]) == ()
    items = lint(program, entries=[Entry(0x8000, state)], options=LintOptions(nmi=(0x8000,)))
    assert [item.name for item in items] == ["interrupt-not-acknowledged"]


def test_with_closed_entries_labels_that_they_do_not_reach_are_told() -> None:
    program = code("60 e6 10 60")
    listing = Listing(
        (SourceLine("a.asm", 1, "main: rts", 0x8000), SourceLine("a.asm", 2, "left: inc $10", 0x8001),
         SourceLine("a.asm", 3, " rts", 0x8003)),
        {"main": 0x8000, "left": 0x8001},
    )  # fmt: skip
    entries = [Entry(0x8000, EIGHT)]
    assert lint(program, listing=listing, entries=entries) == ()
    names = {item.name for item in lint(program, listing=listing, entries=entries, options=LintOptions(closed=True))}
    assert names == {"unreachable-code", "unused-label"}


def test_a_finding_becomes_a_diagnostic_with_its_place_path_and_next_step() -> None:
    item = found(BAD)["wide-write"]
    said = item.diagnostic()
    assert (said.severity, said.code) == ("warning", "AFS901 wide-write")
    assert "$00800A" in said.message
    assert "rep #$20" in said.message
    assert said.next_step == item.fix
    hint = found("e6 10 20 06 80 60 e6 12 60")["tail-call"].diagnostic()
    assert hint.message.startswith("suggestion: ")


def test_findings_become_plain_json() -> None:
    items = lint(code(BAD), entries=[Entry(0x8000, EIGHT)])
    rows: list[dict[str, Any]] = json.loads(json.dumps(as_json(items)))
    row = next(row for row in rows if row["rule"] == "AFS901")
    assert row["address"] == "$00800A"
    assert row["path"] == [str(step) for step in found(BAD)["wide-write"].path]


def test_findings_become_sarif_with_every_rule_a_level_a_place_and_a_path() -> None:
    items = lint(code(BAD), entries=[Entry(0x8000, EIGHT)])
    log: dict[str, Any] = json.loads(json.dumps(as_sarif(items, version="1.0")))
    (run,) = log["runs"]
    listed = run["tool"]["driver"]["rules"]
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in listed] == [rule.id for rule in rules()]
    assert {rule["defaultConfiguration"]["level"] for rule in listed} == {"error", "warning", "note"}
    for result, item in zip(run["results"], items, strict=True):
        assert listed[result["ruleIndex"]]["id"] == result["ruleId"] == item.rule
        assert result["message"]["text"].startswith(item.message)
        assert result["locations"][0]["physicalLocation"]["address"]["absoluteAddress"] == item.address
    flows = [result["codeFlows"] for result in run["results"] if "codeFlows" in result]
    assert flows


def test_sarif_names_files_by_relative_references() -> None:
    listing = Listing((SourceLine("my code\\a b.asm", 3, " sta.b $1234", 0x8000),))
    (item,) = lint(code("85 34"), listing=listing)
    place = as_sarif([item])["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "my%20code/a%20b.asm"
    assert place["region"] == {"startLine": 3}


def test_rules_have_stable_ids_below_each_point_and_a_row_in_the_documentation() -> None:
    every = rules()
    assert len({rule.id for rule in every}) == len({rule.name for rule in every}) == len(every)
    assert {rule.point for rule in every} == set(POINTS)
    text = docs()
    assert all(f"| {rule.id} | {rule.name} |" in text for rule in every)


def test_a_comment_in_a_text_is_no_suppression() -> None:
    program = code("ad 00 21 60")
    listing = lines((0x8000, ' lda $2100 : print "; lint: ignore AFS903"'), (0x8003, " rts"))
    assert [item.name for item in lint(program, listing=listing)] == ["write-only-read"]


def test_the_number_of_findings_is_bounded() -> None:
    program = Program((Block(0x8000, bytes.fromhex("ad0021") * 5_000 + b"\x60"),))
    items = lint(program, entries=[Entry(0x8000, EIGHT)], options=LintOptions(most=50))
    assert len(items) == 50


@settings(deadline=None, max_examples=120)
@given(st.binary(min_size=1, max_size=200), st.sampled_from((None, 0, 1)))
def test_no_bytes_make_the_linter_fail(data: bytes, width: int | None) -> None:
    options = LintOptions(pedantic=True, original=bytes(0x8000))
    items = lint(snippet(data), entries=[Entry(0x8000, State(m=width, x=width))], options=options)
    assert json.dumps(as_sarif(items))
    assert all(item.fix and item.message for item in items)


@settings(deadline=None, max_examples=120)
@given(
    st.lists(
        st.tuples(
            st.integers(-1, 0x8020), st.text(max_size=40) | st.sampled_from(["a: lda #$12", " db 300", ".b jsr a"])
        )
    ),
    st.binary(min_size=1, max_size=40),
)
def test_no_text_makes_the_linter_fail(rows: list[tuple[int, str]], data: bytes) -> None:
    listing = lines(*rows)
    items = lint(snippet(data), listing=listing, options=LintOptions(pedantic=True))
    assert all(item.rule.startswith("AFS") for item in items)


@pytest.mark.parametrize(
    "pattern", ["f8", "ad0021", "08", "48", "a900", "80fe", "d000", "20 0080", "7c 0080", "00", "8d0b42"]
)
def test_a_bank_of_one_instruction_is_linted_with_bounded_work(pattern: str) -> None:
    data = bytes.fromhex(pattern)
    program = Program((Block(0x8000, (data * 0x8000)[:0x2000]),))
    items = lint(program, entries=[Entry(0x8000, EIGHT)], options=LintOptions(pedantic=True))
    assert len(items) <= 1_000


def test_the_table_of_rules_is_read_from_its_own_file() -> None:
    table = Path(__file__).resolve().parents[2] / "knowledge" / "m65816" / "lint" / "rules.toml"
    assert table.read_text(encoding="utf-8").count("[[rule]]") == len(rules())


IMPOSSIBLE: dict[str, Program] = {
    "no bytes": Program(()),
    "address": Program((Block(-1, b"\x60"),)),
    "no SNES address": Program((Block(0x1008000, b"\x60"),)),
    "crosses the end of its bank": Program((Block(0x00FFFF, b"\xea\x60"),)),
    "no mapper": Program((Block(0x8000, b"\x60"),), mapper=cast("Any", "sa2")),
    "none of the blocks": Program((Block(0x8000, b"\x60"),), entry=0x9000),
    "the entry": Program((Block(0x8000, b"\x60"),), entry=0x1008000),
}


@pytest.mark.parametrize("said", IMPOSSIBLE)
def test_a_program_that_cannot_be_is_refused_by_lint_count_and_the_machine_alike(said: str) -> None:
    program = IMPOSSIBLE[said]
    with pytest.raises(CodeError, match=said):
        lint(program)
    with pytest.raises(CodeError, match=said):
        count(program)
    with pytest.raises(CodeError):
        Machine(program)


def test_an_entry_of_the_caller_where_nothing_lies_is_refused() -> None:
    with pytest.raises(CodeError, match=r"\$009000"):
        lint(code("60"), entries=[Entry(0x9000)])
    with pytest.raises(CodeError, match=r"\$009000"):
        count(code("60"), Entry(0x9000))
    assert lint(code("60"), entries=[Entry(0x808000)]) == ()


def test_blocks_over_each_other_are_a_finding_of_lint_and_an_error_of_count() -> None:
    program = Program((Block(0x8000, b"\xea\xea\x60"), Block(0x8001, b"\xea\x60")))
    assert "org-overlap" in {item.name for item in lint(program)}
    with pytest.raises(CodeError, match="same bytes"):
        count(program)
