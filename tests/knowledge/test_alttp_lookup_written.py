"""Questions written by people who did not write the lookup, and the ways in which they ask: versions, ids, chatter."""

import csv
from pathlib import Path
from typing import NamedTuple

import pytest

from knowledge.alttp.lookup import lookup

WRITTEN = Path(__file__).parent / "questions_written.csv"
UNSEEN = Path(__file__).parent / "questions_unseen.csv"
"""Questions whose wording nobody looked at while the words of the tables were chosen."""
RIGHT = 0.97
RIGHT_UNSEEN = 0.97


class Written(NamedTuple):
    question: str
    kind: str
    answer: str
    also: tuple[str, ...]
    """Other answers that are right; of a relation, the facts that must be listed."""


def written(path: Path = WRITTEN) -> list[Written]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Written(row["question"], row["kind_of_question"], row["answer"], tuple(row["also"].split()))
            for row in csv.DictReader(file)
        ]


def answered(question: str) -> str:
    """Return the ref of the answer, or `ambiguous` or `none`."""
    found = lookup(question)
    return found.answer.ref if found.answer else "ambiguous" if found.found else "none"


def is_right(asked: Written) -> bool:
    if asked.kind == "relation":
        found = lookup(asked.question, limit=20)
        listed = {one.ref for one in found.related}
        return found.answer is not None and found.answer.ref == asked.answer and listed >= set(asked.also)
    return answered(asked.question) in (asked.answer, *asked.also)


def test_of_the_questions_that_others_wrote_97_in_100_are_answered_right() -> None:
    asked = written()
    wrong = [
        f"{one.question!r}: {answered(one.question)}, not {one.answer} {one.also}" for one in asked if not is_right(one)
    ]
    assert len(asked) >= 110
    assert len(wrong) <= (1 - RIGHT) * len(asked), "\n".join(wrong)


def test_of_the_questions_that_nobody_chose_words_for_97_in_100_are_answered_right() -> None:
    asked = written(UNSEEN)
    wrong = [f"{one.question!r}: {answered(one.question)}, not {one.answer}" for one in asked if not is_right(one)]
    assert len(asked) >= 470
    assert len(wrong) <= (1 - RIGHT_UNSEEN) * len(asked), "\n".join(wrong)


def test_no_nonsense_that_others_wrote_is_answered() -> None:
    nonsense = [one.question for path in (WRITTEN, UNSEEN) for one in written(path) if one.kind == "nonsense"]
    assert len(nonsense) >= 44
    assert {question: answered(question) for question in nonsense} == dict.fromkeys(nonsense, "none")


@pytest.mark.parametrize(
    "question",
    ["$07999D in the JP ROM", "jp $07:999D", "$07999D (Japanese version)", "JP 1.0 $07999D", "pc:0x3999D jp"],
)
def test_an_address_of_the_jp_rom_means_the_row_there_and_says_both_addresses(question: str) -> None:
    found = lookup(question)
    assert found.answer is not None
    assert (found.answer.us_address, found.answer.jp_address) == ("$0799AD", "$07999D")
    assert "JP 1.0" in found.reason


def test_an_address_inside_a_routine_of_the_jp_rom_is_placed_by_its_jp_address() -> None:
    found = lookup("$07999F in the JP ROM")
    assert found.answer is not None
    assert (found.answer.ref, found.place) == ("routine:0799AD", "$07999F (JP 1.0) is Link_ReceiveItem + $2")


def test_an_address_of_the_us_rom_has_no_jp_candidates() -> None:
    found = lookup("$07999D in the US ROM")
    assert found.answer is not None
    assert found.answer.ref == "routine:07996C"
    assert found.others == ()


def test_a_ram_address_is_the_same_in_both_versions() -> None:
    assert answered("$7EF36D in the Japanese version") == "ram:7EF36D"


@pytest.mark.parametrize(
    ("question", "ref"),
    [
        ("which ancilla is number $1F", "ancilla:1F"),
        ("id 0x41 sprite", "sprite:41"),
        ("sprite with id 41", "sprite:41"),
        ("0x53 enemy", "sprite:53"),
        ("what is item number 12 (hex)", "item:12"),
        ("item 12 decimal", "item:0C"),
        ("the 3rd overlord", "overlord:03"),
        ("what door has id 0x18", "door_type:18"),
        ("OW area 81", "overworld:81"),
    ],
)
def test_an_id_is_understood_in_any_order(question: str, ref: str) -> None:
    assert answered(question) == ref


def test_a_number_as_wide_as_the_ids_of_its_table_is_hexadecimal_with_the_decimal_one_as_a_candidate() -> None:
    found = lookup("sprite 41")
    assert found.answer is not None
    assert found.answer.ref == "sprite:41"
    assert [other.ref for other in found.others] == ["sprite:29"]


def test_the_program_counter_is_no_place_in_a_file() -> None:
    assert answered("which routine does PC=$099CF0 fall in?") == "routine:099CE2"


@pytest.mark.parametrize("question", ["$21C4", "$4123", "$43FC"])
def test_an_unused_port_without_its_bank_is_not_taken_for_work_ram(question: str) -> None:
    assert answered(question) == "none"


@pytest.mark.parametrize(
    ("question", "relation"),
    [("xrefs to LinkCheckMagicCost", "what uses"), ("list everything that writes M7A", "what writes")],
)
def test_a_relation_is_understood_in_other_words(question: str, relation: str) -> None:
    found = lookup(question)
    assert found.relation.startswith(relation)
    assert found.related


@pytest.mark.parametrize(
    ("question", "ref"),
    [("Trinnex boss room", "room:0A4"), ("what adress holds the pendents", "ram:7EF374")],
)
def test_typing_errors_in_plain_words_are_corrected(question: str, ref: str) -> None:
    assert answered(question) == ref


@pytest.mark.parametrize("chatter", ["hey folks, ", "could somebody please remind me: ", "so I was wondering, "])
def test_chatter_does_not_hide_what_is_asked_for(chatter: str) -> None:
    assert answered(chatter + "which byte has link's health") == "ram:7EF36D"


@pytest.mark.parametrize("question", ["hey, where is the health of Samus Aran kept", "Mario's fire flower counter"])
def test_a_word_of_another_game_blocks_an_answer_however_chatty_the_rest(question: str) -> None:
    assert answered(question) == "none"
