"""Instructions and registers in plain words, for every opcode in every width."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.m65816.cycles_instruction import cost
from knowledge.m65816.explain import cycles_of, explain
from knowledge.m65816.flow_state import State
from knowledge.m65816.instruction import Instruction, decode
from knowledge.m65816.mnemonic_words import WORDS
from knowledge.m65816.opcodes import BY_MNEMONIC, OPCODES
from knowledge.m65816.outcome import CodeError
from knowledge.m65816.reference import opcode_index, opcode_page, register_index, register_page
from knowledge.snes.mapping import MAPPERS, Mapper
from knowledge.snes.registers import registers

NAMES = {0x7E0010: "Mode", 0x018000: "Far", 0x008000: "Here", 0x7E1234: "Buffer"}


def at(code: str, *, m: int = 1, x: int = 1) -> Instruction:
    return decode(bytes.fromhex(code), 0x008000, m=m, x=x)


ANYTHING = st.builds(
    Instruction,
    st.integers(0, 0xFFFFFF),
    st.sampled_from(OPCODES),
    st.integers(0, 0xFFFFFF),
    st.integers(0, 1),
    st.integers(0, 1),
).map(lambda item: item._replace(operand=item.operand & (1 << 8 * (item.size - 1)) - 1))
STATES = st.builds(
    State,
    m=st.sampled_from([0, 1, None]),
    x=st.sampled_from([0, 1, None]),
    e=st.sampled_from([0, 1, None]),
    d=st.none() | st.integers(0, 0xFFFF),
    db=st.none() | st.integers(0, 0xFF),
)


@pytest.mark.parametrize(
    ("code", "m", "state", "sentence"),
    [
        (
            "A510",
            1,
            State(d=0),
            "Loads the 8-bit accumulator (A) from WRAM $7E0010 (Mode) (direct page $10). Sets N and Z.",
        ),
        ("A510", 0, State(), "Loads the 16-bit accumulator (A) from direct page $10 (address D + $10). Sets N and Z."),
        ("8D0021", 1, State(db=0), "Stores the 8-bit accumulator (A) to register INIDISP ($2100)."),
        ("A901", 1, State(), "Loads the 8-bit accumulator (A) with the value $01 (1). Sets N and Z."),
        ("A93412", 0, State(), "Loads the 16-bit accumulator (A) with the value $1234 (4660). Sets N and Z."),
        ("22008001", 1, State(), "Calls $018000 (Far). Pushes a 3-byte return address; the routine must end with RTL."),
        ("80FE", 1, State(), "Always branches to $008000 (Here)."),
        ("E610", 0, State(d=0), "Adds 1 to the 16-bit value at WRAM $7E0010 (Mode) (direct page $10). Sets N and Z."),
        ("1A", 1, State(), "Adds 1 to the 8-bit accumulator (A). Sets N and Z."),
        ("BD3412", 1, State(db=0x7E), "Loads the 8-bit accumulator (A) from WRAM $7E1234 (Buffer) + X. Sets N and Z."),
        ("18", 1, State(), "Sets the carry flag to 0."),
        ("60", 1, State(), "Returns to the caller that used JSR: pulls a 2-byte address from the stack."),
        (
            "547E00",
            1,
            State(),
            "Copies A + 1 bytes from bank $00 at X to bank $7E at Y, both going up. DB is then $7E.",
        ),
    ],
)
def test_an_instruction_is_said_in_one_plain_sentence(code: str, m: int, state: State, sentence: str) -> None:
    assert explain(at(code, m=m), state=state, symbols=NAMES).sentence == sentence


def test_rep_and_sep_name_the_flags_and_what_follows() -> None:
    assert explain(at("C230")).sentence == (
        "Sets to 0 the flags M (accumulator width) and X (index width). "
        "From here on the accumulator and the X and Y registers are 16 bits."
    )
    assert explain(at("E220")).sentence.endswith("From here on the accumulator is 8 bits.")
    assert explain(at("C200")).sentence == "Sets to 0 no flag at all."
    assert "stay 1" in explain(at("C230"), state=State(e=1)).notes[0]


def test_a_whole_explanation_reads_as_lines() -> None:
    text = str(explain(at("8D0021", m=0), state=State(db=0x80)))
    assert text.splitlines() == [
        "$008000  8D 00 21  sta.w $2100: Stores the 16-bit accumulator (A) to register INIDISP ($2100).",
        "flags: none change",
        "operand: a 16-bit address; the data bank (DB) gives its bank",
        "cost: 3 bytes, 5 CPU cycles (+1: the accumulator is 16 bits (M = 0))",
        "register: INIDISP ($2100, write-only): display blanking and master brightness",
        "register: OBSEL ($2101, write-only): object size and tile base",
        "note: 16 bits wide: the high byte is that of $2101",
    ]


@pytest.mark.parametrize(
    ("code", "m", "state", "note"),
    [
        ("AD0021", 1, State(db=0), "INIDISP is write-only: a read gives open bus, not its value"),
        ("8D1042", 1, State(db=0), "RDNMI is read-only: the write does nothing"),
        ("8D0021", 1, State(), "named if the data bank (DB) is $00-$3F or $80-$BF"),
        ("6910", 1, State(), "with the decimal flag (D) set it works on BCD digits instead"),
        ("A910", 1, State(m=0), "M is 0 here, but it was decoded with M = 1"),
    ],
)
def test_what_to_look_out_for_is_noted(code: str, m: int, state: State, note: str) -> None:
    assert note in explain(at(code, m=m), state=state).notes


def test_another_bank_has_no_registers() -> None:
    assert explain(at("8D0021"), state=State(db=0x7E)).registers == ()
    assert explain(at("8F00217E")).registers == ()
    assert explain(at("8F002180")).registers != ()


@given(ANYTHING, STATES, st.sampled_from(MAPPERS))
@settings(deadline=None)
def test_every_instruction_is_explained_in_every_state(instruction: Instruction, state: State, mapper: Mapper) -> None:
    said = explain(instruction, state=state, symbols=NAMES, mapper=mapper)
    text = str(said)
    assert said.data == instruction.data
    assert said.cycles.low <= said.cycles.high
    assert said.sentence.endswith(".") and "{" not in text and "  " not in said.sentence
    assert len(text) < 1_500


def test_every_opcode_says_its_width_its_flags_and_its_cycles() -> None:
    for row, m, x in product(OPCODES, (0, 1), (0, 1)):
        said = explain(decode(bytes((row.code, 0xFF, 0xFF, 0xFF)), 0x8000, m=m, x=x), state=State(d=0, db=0))
        narrow = m if row.width == "m" else x
        if row.width in ("m", "x") and row.mnemonic not in ("STZ", "BIT"):
            assert f"{8 if narrow else 16}-bit" in said.sentence or f"{'byte' if narrow else '16'}" in said.sentence
        for flag in row.flags_written:
            assert row.mnemonic in ("PLP", "RTI") or f"{flag.upper()}:" in said.flags
        assert (said.flags == "none change") == (not row.flags_written)


def test_cycles_give_reasons_for_what_they_add_and_what_varies() -> None:
    assert str(explain(at("A510"), state=State(d=0)).cycles) == "3 CPU cycles"
    assert str(explain(at("A510")).cycles) == "3 to 4 CPU cycles (+1 if the low byte of D is not 0)"
    assert explain(at("A510"), state=State(d=1)).cycles[:2] == (4, 4)
    assert explain(at("BD3412", m=0, x=0), state=State(db=0)).cycles[:2] == (6, 6)
    assert explain(at("BD3412")).cycles[:2] == (4, 5)
    assert explain(at("D0FE")).cycles[:2] == (2, 3)
    assert explain(decode(b"\xd0\x7f", 0x80F0, m=1, x=1), state=State(e=1)).cycles[:2] == (2, 4)


def test_cycles_are_those_of_the_static_count_for_every_opcode_and_width() -> None:
    operands = (b"\x10\x80\x02", b"\x00\x80\x02", b"\x80\xff\x02")
    for row, m, x, e, d, operand in product(OPCODES, (0, 1), (0, 1), (0, 1, None), (0, 1, None), operands):
        if row.access == "move" or (e != 0 and not (m and x)):
            continue
        instruction = decode(bytes((row.code,)) + operand, 0x80F0, m=m, x=x)
        state = State(m=m, x=x, e=e, d=d)
        taken = cost(instruction, state, taken=row.access == "branch")
        least = taken if row.mnemonic in ("BRA", "BRL") else cost(instruction, state)
        said = cycles_of(instruction, state)
        assert (said.low, said.high) == (least.cycles, taken.most_cycles), (row, state, operand)


def test_every_mnemonic_has_a_page_with_each_of_its_opcodes() -> None:
    assert set(WORDS) == set(BY_MNEMONIC)
    index = opcode_index()
    for name, rows in BY_MNEMONIC.items():
        page = opcode_page(name.lower())
        assert page.startswith(f"# {name}: {WORDS[name].title}")
        assert f"- {name}: " in index
        assert "{" not in page
        for row in rows:
            assert f"| ${row.code:02X} | `" in page
            assert opcode_page(f"${row.code:02x}") == page
            assert all(f"\n- {modifier}: " in page for modifier in row.modifiers)
    assert opcode_page("JML") == opcode_page("JMP")


def test_every_register_has_a_page_with_its_bits() -> None:
    index = register_index()
    for register in registers():
        page = register_page(register.name)
        assert page == register_page(f"{register.address:04x}")
        assert f"- {register.spelled} {register.name}: " in index
        assert all(f"- {bits}" in page for bits in register.bits)
        assert ", ".join(register.sources) in page


@pytest.mark.parametrize("name", ["", "FOO", "LDA #$10", "$1000", "\ud800"])
def test_a_page_that_is_not_there_is_refused_with_the_next_step(name: str) -> None:
    with pytest.raises(CodeError, match="index lists all"):
        opcode_page(name)
    with pytest.raises(CodeError, match="index lists all"):
        register_page(name)
