"""Contracts as people type them: what is read, what is refused, and how both are told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.m65816.contracts import check_contract, describe, parse_contract, read_contract
from knowledge.m65816.outcome import CodeError
from schemas.contract import Contract, Input, MemoryRange


def test_an_entry_is_read_in_all_its_spellings() -> None:
    expected = Contract(m=1, x=0, d=0, db=0x7E)
    for text in ("m8 x16 d=$0000 db=$7E", "a8,i16,db=$7e", "m=1 x=0 dbr=126", "A8 X16; dp = 0 db = 0x7E"):
        assert parse_contract(entry=text) == expected


def test_an_entry_may_leave_things_open() -> None:
    contract = parse_contract(entry="m16 x16 d=any db=? decimal=any")
    assert (contract.m, contract.x, contract.d, contract.db, contract.decimal) == (0, 0, None, None, None)


def test_emulation_mode_is_8_bit_by_itself() -> None:
    contract = parse_contract(entry="e=1")
    assert (contract.e, contract.m, contract.x) == (1, 1, 1)


def test_what_a_live_list_leaves_out_is_dead_among_registers_and_result_flags() -> None:
    contract = parse_contract(live="A X c $7E0010-$7E001F")
    assert contract.clobbers == {"B", "Y", "n", "v", "z"}
    assert contract.memory_clobbers == ()


def test_nothing_live_still_keeps_the_stack_the_widths_and_the_banks() -> None:
    assert parse_contract(live="none").clobbers == {"A", "B", "X", "Y", "n", "v", "z", "c"}


def test_clobbers_name_registers_flags_groups_and_memory() -> None:
    contract = parse_contract(clobbers="A, nzc, overflow and Y; $0F00-$0FFF $7E2000.w $7F:0000..$7F:00FF")
    assert contract.clobbers == {"A", "n", "z", "c", "v", "Y"}
    assert contract.memory_clobbers == (
        MemoryRange(start=0x7E0F00, end=0x7E0FFF),
        MemoryRange(start=0x7E2000, end=0x7E2001),
        MemoryRange(start=0x7F0000, end=0x7F00FF),
    )


@pytest.mark.parametrize("text", ["flag x", "x flag", "Flag X", "flag:x"])
def test_the_index_width_flag_is_told_from_register_x_by_its_kind(text: str) -> None:
    assert parse_contract(clobbers=text).clobbers == {"x"}


@pytest.mark.parametrize("text", ["X", "register X", "reg x", "X register", "x register"])
def test_register_x_is_told_from_its_flag_by_case_or_kind(text: str) -> None:
    assert parse_contract(clobbers=text).clobbers == {"X"}


def test_a_letter_of_two_meanings_is_read_and_the_reading_is_told() -> None:
    assert any("flag x" in note for note in read_contract(clobbers="x").notes)
    small = read_contract(live="a x")
    assert "X" not in small.contract.clobbers
    assert any("register X" in note for note in small.notes)
    carry = read_contract(clobbers="C")
    assert carry.contract.clobbers == {"c"}
    assert any("carry" in note for note in carry.notes)


def test_a_16_bit_accumulator_is_live_as_a_whole() -> None:
    reading = read_contract(entry="m16", live="A")
    assert not {"A", "B"} & reading.contract.clobbers
    assert any("16-bit" in note for note in reading.notes)


def test_inputs_are_read_as_ranges_lists_and_single_values() -> None:
    contract = parse_contract(inputs=["A=0..15", "X in 0,2,4", "c=1; $7E0010.w=0..$7FFF", "Y<$10"])
    assert contract.inputs == (
        Input(name="A", low=0, high=15),
        Input(name="X", low=0, high=4, values=(0, 2, 4)),
        Input(name="c", low=1, high=1),
        Input(name="$7E0010", size=2, low=0, high=0x7FFF),
        Input(name="Y", low=0, high=15),
    )


def test_the_low_ram_mirror_is_the_same_memory() -> None:
    assert parse_contract(inputs=["$0010=5"]).inputs[0].name == "$7E0010"
    assert parse_contract(inputs=["$80:0010=5"]).inputs[0].name == "$7E0010"


WRONG: list[tuple[dict[str, object], str]] = [
    ({"entry": "m9"}, "m8 x16"),
    ({"entry": "m=4"}, "8 or 16"),
    ({"entry": "m8 m16"}, "twice"),
    ({"entry": "e=1 m16"}, "emulation"),
    ({"entry": "d=$10000"}, "more than"),
    ({"clobbers": "Q"}, "A B X Y"),
    ({"clobbers": "register m"}, "no register"),
    ({"clobbers": "flag y"}, "no flag"),
    ({"clobbers": "$20-$10"}, "backwards"),
    ({"clobbers": "$2100"}, "not all RAM"),
    ({"clobbers": "$008000-$008010"}, "not all RAM"),
    ({"clobbers": "$1FF0-$2010"}, "not all RAM"),
    ({"clobbers": "A = 5"}, "not understood"),
    ({"live": "A", "clobbers": "A"}, "both"),
    ({"live": "$10-$20", "clobbers": "$20"}, "overlap"),
    ({"inputs": ["A=0..300"]}, "more than"),
    ({"inputs": ["A=300"]}, "more than"),
    ({"inputs": ["X=256"]}, "holds"),
    ({"inputs": ["A=5..2"]}, "backwards"),
    ({"inputs": ["A"]}, "not understood"),
    ({"inputs": ["m=1"]}, "entry"),
    ({"inputs": ["D=3"]}, "d=any"),
    ({"inputs": ["A=1", "A=2"]}, "join"),
    ({"inputs": ["$10.w=1", "$11=2"]}, "join"),
    ({"inputs": ["$2140=1"]}, "not all RAM"),
    ({"budget": 0}, "budget"),
]


@pytest.mark.parametrize(("texts", "hint"), WRONG, ids=[str(texts) for texts, _ in WRONG])
def test_a_wrong_contract_is_refused_with_the_right_spelling(texts: dict[str, object], hint: str) -> None:
    with pytest.raises(CodeError, match=hint.replace("=", "[=]")):
        parse_contract(**texts)  # type: ignore[arg-type]  # wrong on purpose, one field at a time


def test_a_contract_made_by_hand_is_checked_too() -> None:
    for wrong in (
        Contract(clobbers=frozenset({"Q"})),
        Contract(memory_clobbers=(MemoryRange(start=5, end=4),)),
        Contract(inputs=(Input(name="A", low=9, high=3),)),
        Contract(inputs=(Input(name="Z9"),)),
        Contract(e=1, m=0),
        Contract(inputs=(Input(name="A", high=0x100),)),
    ):
        with pytest.raises(CodeError):
            check_contract(wrong)


def test_a_description_tells_flags_from_registers() -> None:
    text = describe(parse_contract(entry="m16 x8", clobbers="X, flag x, A", inputs=["$10.w=0..5"]))
    assert "register X" in text
    assert "flag x" in text
    assert "$7E0010 (2 bytes) = 0..5" in text
    assert "A 16-bit, X and Y 8-bit" in text


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_a_contract_or_a_clear_error(entry: str, live: str, clobbers: str, wanted: str) -> None:
    try:
        contract = parse_contract(entry=entry, live=live, clobbers=clobbers, inputs=[wanted])
    except CodeError as error:
        assert len(str(error)) > 20
    else:
        assert describe(contract)


LETTERS = st.text(alphabet="AaBbXxYySsDdnvmizcCe $0127EF-.:,=fwlgr", max_size=30)


@settings(deadline=None, max_examples=300)
@given(LETTERS, LETTERS, LETTERS)
def test_near_misses_are_contracts_or_clear_errors(live: str, clobbers: str, wanted: str) -> None:
    try:
        contract = parse_contract(live=live, clobbers=clobbers, inputs=[wanted] if wanted else [])
    except CodeError as error:
        assert len(str(error)) > 20
    else:
        check_contract(contract)
