"""The check of a model's answer: what a fact contradicts is found, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.alttp.tables import fact, tables
from knowledge.alttp.validate import MOST, findings, validate_output

HERE = Path(__file__).parent
RECALL = 0.95


def answers(name: str) -> list[dict[str, Any]]:
    with (HERE / name).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def codes(text: str) -> list[str]:
    return [finding.code for finding in findings(text)]


def test_no_correct_answer_has_a_finding() -> None:
    asked = answers("answers_correct.jsonl")
    wrong = {answer["id"]: [one.as_text() for one in found] for answer in asked if (found := findings(answer["text"]))}
    assert len(asked) >= 200
    assert not wrong


def test_at_least_95_of_100_planted_errors_are_found() -> None:
    asked = answers("answers_corrupted.jsonl")
    missed: list[str] = []
    for answer in asked:
        first, last = answer["lines"]
        found = [one for one in findings(answer["text"]) if first <= one.line <= last and one.code in answer["codes"]]
        if not found:
            missed.append(answer["id"])
    assert len(asked) >= 250
    assert len(missed) <= (1 - RECALL) * len(asked), missed


def test_each_reviewed_row_said_in_its_own_words_contradicts_nothing() -> None:
    table = tables()["ram"]
    facts = [fact(table, row) for row in table.rows[::17]]
    said = [f"- `{one.id}`: {one.description}" for one in facts if one.description]
    said += [f"`{one.name}` is at {one.id}." for one in facts if one.name]
    assert len(said) > 300
    assert {text: codes(text) for text in said if codes(text)} == {}


def test_each_register_said_in_its_own_words_contradicts_nothing() -> None:
    table = tables()["register"]
    facts = [fact(table, row) for row in table.rows]
    said = [f"{one.id} ({one.name}): {one.description}." for one in facts]
    assert {text: codes(text) for text in said if codes(text)} == {}


def test_the_name_of_another_register_is_always_found() -> None:
    table = tables()["register"]
    facts = [fact(table, row) for row in table.rows]
    pairs = zip(facts, [*facts[40:], *facts[:40]], strict=True)
    said = [f"{other.name} is at {one.id}." for one, other in pairs if other.name not in one.aliases]
    assert [text for text in said if "wrong-address" not in codes(text)] == []


def test_a_finding_says_what_is_wrong_what_is_right_and_by_which_fact() -> None:
    text = "Some words.\n\n`$7EF36B` holds Link's magic power."
    (found,) = findings(text)
    assert (found.code, found.line, found.fact.ref) == ("wrong-name", 3, "ram:7EF36B")
    assert "heart pieces" in found.problem
    assert "$7EF36E" in found.right
    assert "jpdasm" in found.fact.sources
    assert "US 1.0" in found.fact.rom_version
    assert text[found.start : found.end] == "Link's magic power"
    assert found.quote in found.as_text()


@pytest.mark.parametrize(
    "text",
    [
        "`$7EF36B` isn't magic power.",
        "It is a myth that $7EF36B is the magic power.",
        "> $7EF36B is the magic power\n\nThat's wrong.",
        "In Super Metroid, $7EF36B holds the magic power.",
        "If $7EF36B were the magic power, this would work.",
        "Some docs say $7EF36B is the magic power.",
        "Wrong:\n\n```asm\n    LDA $2100\n```",
        "This is SPC700 code:\n\n```asm\nmov a,#$10\nmov $f2,a\n```",
        "```c\nmov(1); LDA = 0x2100;\n```",
        "```asm\n    PEA $7E7E : PLB : PLB\n    LDA $2100\n```",
        "```asm\nmacro MOV(a, b)\n    LDA <a>\nendmacro\n    %MOV($10, $12)\n```",
        "With the ROM expanded to 2 MB, put it at $208000.",
        "The SA-1 has registers such as $2200, and the Satellaview $2199.",
    ],
)
def test_what_is_denied_quoted_or_of_another_machine_is_no_finding(text: str) -> None:
    assert codes(text) == []


def test_a_part_behind_not_is_left_out_and_the_part_before_it_checked() -> None:
    assert codes("`$7EF36E` is the magic power, not the heart pieces.") == []
    assert codes("`$7EF36B` is the magic power, not the heart pieces.") == ["wrong-name"]


def test_an_address_in_an_array_is_checked_as_its_element() -> None:
    assert codes("$0D05 is the low byte of the Y coordinate of sprite 5.") == []
    assert codes("$0D05 is the low byte of the X coordinate of sprite 5.") == ["wrong-name"]


def test_mirrors_and_short_addresses_are_the_same_byte() -> None:
    for address in ("$7E0010", "$10", "$0010", "$80:0010", "7E0010"):
        assert codes(f"{address} is the main module.") == []
        assert codes(f"{address} is Link's X coordinate.") == ["wrong-name"], address


def test_findings_are_given_page_by_page() -> None:
    text = "\n\n".join(f"`$7EF36B` holds Link's magic power ({number})." for number in range(30))
    first = validate_output(text, limit=20)
    second = validate_output(text, limit=20, offset=20)
    assert (first.total, len(first.findings), first.next_offset) == (30, 20, 20)
    assert (len(second.findings), second.next_offset) == (10, 0)
    assert validate_output(text, offset=500).findings == ()
    assert "next offset 20" in first.as_text()


def test_a_text_without_findings_says_that_this_is_no_proof() -> None:
    assert "was not checked" in validate_output("All is well.").as_text()


@pytest.mark.parametrize(
    "piece",
    [
        *("$", "`", "```\n", "| a ", "(", " ", "\n", "bit 7 of ", "Link_", "7EF36D", "is ", " : ", "$7EF36D ", "\x00"),
        *("- $10: a\n", "LDA $2100 : ", "sprite 0x41 is ", "`STZ ($10),Y` ", "\ud800"),
        "set bit 3 of the $7EF36D (in the room which is at ",
    ],
)
def test_a_long_hostile_text_ends_soon_with_few_findings(piece: str) -> None:
    text = (piece * (200_000 // len(piece) + 1))[:200_000]
    assert len(findings(text)) <= MOST


def test_a_megabyte_of_errors_is_cut_at_the_most() -> None:
    text = "`$7EF36B` holds Link's magic power.\n\n" * 28_000
    found = validate_output(text)
    assert len(text) > 1_000_000
    assert (found.total, found.truncated) == (MOST, True)


PIECES = [
    *("$7EF36D", "$2100", "is", "bit 7 of", "LDA", "STZ ($10),Y", "`", "```asm\n", "\n", "|", "(", ")", "sprite 0x41"),
    *(
        "=",
        "magic",
        "8-bit",
        "REP #$20",
        "takes 3 cycles",
        "not",
        "- ",
        "#",
        "Link_Main",
        ";",
        ",",
        "0x41 is 65 decimal",
    ),
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)), max_size=40))
def test_any_text_is_checked_and_each_finding_lies_in_it(pieces: list[str]) -> None:
    text = " ".join(pieces)
    for found in findings(text):
        assert 0 <= found.start < found.end <= len(text)
        assert text.count("\n", 0, found.start) + 1 == found.line
