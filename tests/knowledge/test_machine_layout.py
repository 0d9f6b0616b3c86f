"""Where a machine has its ROM, its RAM and its blocks, mapper by mapper."""

import pytest

from knowledge.m65816.machine import Machine
from knowledge.m65816.outcome import Outcome, Start
from knowledge.m65816.program import Block, Program, snippet
from knowledge.m65816.registers import Registers
from knowledge.snes.mapping import MAPPERS, Mapper
from knowledge.snes.memory_map import mirrors, region
from tests.oracle.rom import Code

RTL, STP = b"\x6b", b"\xdb"


def codes(outcome: Outcome) -> list[str]:
    return [remark.code for remark in outcome.remarks]


def reads(address: int) -> bytes:
    """LDA.l address : RTL"""
    code = Code()
    code.read(address)
    return bytes(code.data) + RTL


def run(code: bytes, start: Start | None = None, *, address: int = 0x008000, mapper: Mapper = "lorom") -> Outcome:
    return Machine(snippet(code, address=address, mapper=mapper), cpu="python").run(start or Start())


@pytest.mark.parametrize(
    ("mapper", "address"),
    [
        ("lorom", 0x018123),
        ("lorom", 0x40C123),
        ("hirom", 0xC08123),
        ("hirom", 0x410123),
        ("exlorom", 0xC18123),
        ("exlorom", 0x418123),
        ("exhirom", 0x408123),
    ],
)
def test_a_block_is_seen_and_executed_at_each_of_its_mirrors(mapper: Mapper, address: int) -> None:
    code = bytes((0xA9, 0x77)) + RTL
    places = [
        bank << 16 | found.offset for found in mirrors(address, mapper) for bank in range(found.first, found.last + 1)
    ]

    for place in places:
        program = Program((Block(address, code),), mapper, entry=place)
        outcome = Machine(program, cpu="python").run()
        assert (outcome.stop, outcome.registers.a) == ("rtl", 0x77), hex(place)
    assert len(places) > 1


@pytest.mark.parametrize("mapper", ["lorom", "hirom", "exlorom", "exhirom"])
def test_a_rom_is_seen_where_the_memory_map_says(mapper: Mapper) -> None:
    size = 0x600000 if mapper.startswith("ex") else 0x400000
    rom = b"".join(page.to_bytes(2, "little") * 0x1000 for page in range(size // 0x2000))
    machine = Machine(Program((Block(0x7E2000, RTL),), mapper, rom=rom), cpu="python")

    for page in range(0, 0x1000000, 0x2000):
        found = region(page, mapper)
        shown = machine.cpu.memory.reads[page // 0x2000]
        if found.area == "rom" and found.offset < size:
            word = bytes(machine.cpu.memory.storage[shown : shown + 2])
            assert int.from_bytes(word, "little") == found.offset // 0x2000, hex(page)


def test_a_small_rom_shows_again_behind_its_end() -> None:
    rom = bytes(0x8000) + b"\x33" * 0x8000
    code = Code()
    code.read(0x03FFFF)

    outcome = Machine(Program((Block(0x008000, bytes(code.data) + RTL),), rom=rom), cpu="python").run()

    assert outcome.registers.a == 0x33


def test_a_rom_of_three_parts_is_folded_part_by_part() -> None:
    rom = b"".join(bytes((part,)) * 0x80000 for part in range(3))
    machine = Machine(Program((Block(0x7E2000, RTL),), rom=rom), cpu="python")
    memory = machine.cpu.memory

    seen = [memory.storage[memory.reads[(bank << 16 | 0x8000) // 0x2000]] for bank in (0x00, 0x10, 0x20, 0x30)]

    assert seen == [0, 1, 2, 2]


def header(code: int) -> bytes:
    rom = bytearray(0x8000)
    rom[0x7FD8] = code
    rom[0x7FDC:0x7FE0] = b"\x00\x00\xff\xff"
    return bytes(rom)


def test_the_header_says_how_much_sram_there_is_and_where_it_repeats() -> None:
    code = Code()
    code.load(5)
    code.store(0x702010)
    block = Block(0x008000, bytes(code.data) + RTL)

    small = Machine(Program((block,), rom=header(3)), cpu="python").run()
    none = Machine(Program((block,), rom=header(0)), cpu="python").run()

    assert small.memory == {0x700010: 5}
    assert (none.memory, codes(none)) == ({}, ["unmapped"])


def test_hirom_has_its_sram_below_the_rom() -> None:
    code = Code()
    code.load(5)
    code.store(0xA06010)
    code.store(0x217FFF)

    outcome = run(bytes(code.data) + RTL, address=0xC08000, mapper="hirom")

    assert outcome.memory == {0x206010: 5, 0x217FFF: 5}


def test_code_in_work_ram_runs_and_can_change_itself_and_is_whole_again_in_the_next_run() -> None:
    code = Code()
    code.load(0x6B)
    code.put("STA", "absolute", 0x1005)
    code.put("NOP")
    machine = Machine(Program((Block(0x7E1000, bytes(code.data) + STP),)), cpu="python")
    start = Start(registers=Registers(db=0x7E))

    assert [machine.run(start).stop for _ in range(2)] == ["rtl", "rtl"]
    assert Machine(Program((Block(0x7E1000, STP),), entry=0x001000), cpu="python").run().stop == "stp"


@pytest.mark.parametrize("mapper", MAPPERS)
def test_a_snippet_runs_under_every_mapper_of_asar(mapper: Mapper) -> None:
    assert (
        run(
            RTL,
            address=0xC08000 if mapper == "exhirom" else 0x808000 if mapper == "exlorom" else 0x008000,
            mapper=mapper,
        ).stop
        == "rtl"
    )
