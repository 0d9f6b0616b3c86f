"""The disassembler, and its text through the real asar: the same bytes come back."""

import random

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.m65816.disassemble import disassemble
from knowledge.m65816.flow import Entry
from knowledge.m65816.flow_state import State
from knowledge.m65816.instruction import Instruction
from knowledge.m65816.opcodes import OPCODES
from knowledge.m65816.program import Block, Program, snippet
from knowledge.m65816.spell import spell
from knowledge.snes.mapping import Mapper
from servers.machine.asar import Assembly, assemble_code, find_asar
from servers.machine.errors import ServerError
from servers.settings import Settings

HERE = Settings.from_environment()
NATIVE = State(m=1, x=1, d=0, db=0)
VALUES = (
    0,
    1,
    0x12,
    0x7F,
    0x80,
    0xFE,
    0xFF,
    0x100,
    0x1234,
    0x2100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x12345,
    0x7E0010,
    0xFFFFFF,
)


def _asar_there() -> bool:
    try:
        find_asar(HERE)
    except ServerError:
        return False
    return True


needs_asar = pytest.mark.skipif(not _asar_there(), reason="asar is absent: afs fetch asar")


def assembled(text: str) -> Assembly:
    async def run() -> Assembly:
        return await assemble_code(text, HERE)

    return anyio.run(run)


def image(program: Program) -> dict[int, int]:
    return {block.address + at: byte for block in program.blocks for at, byte in enumerate(block.data)}


def back(text: str) -> dict[int, int]:
    result = assembled(text)
    assert result.ok, result.diagnostics[:3]
    return {block.address + at: byte for block in result.blocks for at, byte in enumerate(block.data)}


def same(program: Program, *entries: Entry) -> None:
    """Disassemble, assemble, and compare; zero bytes may be missing, since the blank ROM holds zeros."""
    got = back(disassemble(program, entries).source(columns=True))
    want = image(program)
    assert {at: got.get(at, 0) for at in want} == want
    assert all(at in want or byte == 0 for at, byte in got.items())


def test_code_follows_the_widths_and_the_rest_is_data() -> None:
    program = snippet(bytes.fromhex("C230 A93412 AD0C80 F001 60 60 0102"))
    lines = disassemble(program, [Entry(0x8000, NATIVE)]).lines
    assert [line.text for line in lines] == [
        "rep #$30",
        "lda.w #$1234",
        "lda.w DATA_00800C",
        "beq CODE_00800B",
        "rts",
        "rts",
        "db $01,$02",
    ]
    assert [line.labels for line in lines[-2:]] == [("CODE_00800B",), ("DATA_00800C",)]
    assert (lines[1].m, lines[1].x) == (0, 0)


def test_names_that_are_given_stand_for_their_addresses() -> None:
    program = snippet(bytes.fromhex("20048060 8D0021 22341200 60"))
    found = disassemble(program, [Entry(0x8000, NATIVE)], names={"Main": 0x8000, "Draw": 0x8004, "INIDISP": 0x2100})
    assert [line.text for line in found.lines] == ["jsr Draw", "rts", "sta.w INIDISP", "jsl $001234", "rts"]
    assert [line.labels for line in found.lines[:3]] == [("Main",), (), ("Draw",)]
    assert found.outside == {"INIDISP": 0x2100}


def test_names_that_asar_would_not_take_are_passed_over() -> None:
    program = snippet(bytes.fromhex("20038060"))
    found = disassemble(program, names={"nop": 0x8003, "a": 0x8003, "x y": 0x8003, "../etc": 0x8003})
    assert found.lines[0].text == "jsr CODE_008003"


def test_a_given_name_that_looks_like_a_made_one_is_not_used_twice() -> None:
    program = snippet(bytes.fromhex("20038060"))
    assert disassemble(program, names={"CODE_008003": 0x9000}).lines[0].text == "jsr CODE_008003_"


def test_columns_show_address_bytes_and_widths() -> None:
    text = disassemble(snippet(bytes.fromhex("C22060")), [Entry(0x8000, NATIVE)]).source(columns=True)
    assert "; 008000: C2 20                   M8 X8" in text
    assert "M16 X8" in text


def test_an_unknown_width_is_shown_as_unknown() -> None:
    assert "M? X?" in disassemble(snippet(b"\x60"), [Entry(0x8000, State())]).source(columns=True)


@pytest.mark.asar
@needs_asar
def test_every_opcode_in_every_width_with_many_operands_comes_back_from_asar() -> None:
    every = [
        Instruction(0x8000, row, value & (1 << 8 * (row.length(m, x) - 1)) - 1, m, x)
        for row in OPCODES
        for m in (0, 1)
        for x in (0, 1)
        for value in VALUES
    ]
    for first in range(0, len(every), 4000):
        part = every[first : first + 4000]
        got = assembled("org $008000\n" + "\n".join(spell(each) for each in part))
        assert got.ok, got.diagnostics[:3]
        assert b"".join(block.data for block in got.blocks) == b"".join(each.data for each in part)


@pytest.mark.asar
@needs_asar
@pytest.mark.parametrize(("mapper", "address"), [("lorom", 0x128000), ("hirom", 0xC00000), ("exlorom", 0x108000)])
def test_every_opcode_comes_back_as_a_program_of_its_own(mapper: Mapper, address: int) -> None:
    for m, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
        data, entries = b"", list[Entry]()
        for row in OPCODES:
            entries.append(Entry(address + len(data), State(m=m, x=x, db=address >> 16)))
            data += bytes((row.code, 0x05, 0x80, address >> 16))[: row.length(m, x)]
        same(Program((Block(address, data),), mapper), *entries)


@pytest.mark.asar
@needs_asar
def test_branches_to_the_middle_of_instructions_and_out_of_the_block_come_back() -> None:
    same(snippet(bytes.fromhex("F001 AD0080 D07F 8280FF 62FF7F 10F0 4C1234 60")), Entry(0x8000, NATIVE))


@pytest.mark.asar
@needs_asar
def test_a_branch_that_wraps_in_its_bank_comes_back() -> None:
    same(snippet(bytes.fromhex("80FE F0F0 60"), address=0xFFF0), Entry(0xFFF2, NATIVE))
    same(Program((Block(0xC00000, bytes.fromhex("F0F0 82F0FF 60")),), "hirom"), Entry(0xC00000, NATIVE))


@pytest.mark.asar
@needs_asar
def test_blocks_in_several_banks_come_back() -> None:
    blocks = (Block(0x008000, bytes.fromhex("2200801260")), Block(0x128000, bytes.fromhex("5C008000AF008012")))
    same(Program(blocks), Entry(0x8000, NATIVE))


@pytest.mark.asar
@needs_asar
def test_code_for_ram_keeps_its_own_addresses() -> None:
    data = bytes.fromhex("200620 4C0020 60")
    got = assembled(disassemble(Program((Block(0x7E2000, data),)), [Entry(0x7E2000, NATIVE)]).source())
    assert got.blocks[0].data == data


@pytest.mark.asar
@needs_asar
@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1 << 32), st.integers(1, 1500), st.sampled_from([None, 0, 1]))
def test_any_bytes_come_back_from_asar(seed: int, size: int, width: int | None) -> None:
    noise = random.Random(seed)
    places = [Entry(0x8000 + noise.randrange(size), State(m=width, x=width, db=0)) for _ in range(12)]
    same(snippet(noise.randbytes(size)), *places)
