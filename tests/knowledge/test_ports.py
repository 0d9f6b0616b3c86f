"""The ports behind the registers, each worked by a small program as a game would."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.m65816.bus import Bus, Console
from knowledge.m65816.cpu import open_cpu
from knowledge.m65816.layout import lay_out
from knowledge.m65816.machine import Machine
from knowledge.m65816.outcome import HardwareAccess, Start
from knowledge.m65816.ports.dma import DMA_LIMIT
from knowledge.m65816.ports.traffic import LOG_LIMIT
from knowledge.m65816.program import Block, Program, snippet
from knowledge.snes.registers import register_at
from tests.oracle.work import Work, codes, kept


def test_every_register_answers_reads_and_takes_writes_as_the_table_says() -> None:
    cpu = open_cpu("python")
    console = Console(Bus(cpu, lay_out(snippet(b"\xea")), fast_rom=False))
    for address in (*range(0x2100, 0x2144), *range(0x2180, 0x2184), 0x4016, 0x4017, *range(0x4200, 0x4220)):
        known = register_at(address)
        if known is None:
            assert address not in console.readers, hex(address)
            continue
        assert (address in console.readers) == ("r" in known.access), hex(address)
        assert "w" in known.access or address not in console.writers, hex(address)


def test_every_register_that_can_be_written_takes_the_write_without_a_remark() -> None:
    work = Work()
    writable = [address for address in range(0x2100, 0x4380) if (row := register_at(address)) and "w" in row.access]
    for address in writable:
        work.write(address, 0)

    outcome = work.run()

    assert (codes(outcome), len(outcome.hardware)) == ([], len(writable))


def test_the_log_holds_each_access_in_order_with_its_clock_and_instruction() -> None:
    work = Work()
    work.write(0x2100, 0x8F)
    work.read(0x804212)

    outcome = work.run()

    assert outcome.hardware[0] == HardwareAccess(16 + 32, 0x2100, 0x8F, "write", "cpu", 0x008002)
    assert outcome.hardware[1][1:] == (0x4212, outcome.registers.a & 0xFF, "read", "cpu", 0x008006)
    assert outcome.hardware[1].clock == 48 + 6 + 32


def test_a_word_written_to_two_registers_is_logged_low_byte_first() -> None:
    work = Work()
    work.put("REP", "immediate_8", 0x20)
    work.write(0x2116, 0x1234)

    assert [(row.address, row.value) for row in work.run().hardware] == [(0x2116, 0x34), (0x2117, 0x12)]


def test_a_log_that_is_full_says_how_much_is_missing() -> None:
    work = Work()
    work.dma(0x08, 0x80, 0x008000, 0)
    work.dma(0x08, 0x80, 0x008000, 0)

    outcome = work.run()

    assert len(outcome.hardware) == LOG_LIMIT
    assert (codes(outcome), "were not kept" in outcome.remarks[-1].message) == (["log_full"], True)


@pytest.mark.parametrize("a", [0, 1, 7, 0x80, 0xFF])
@pytest.mark.parametrize("b", [0, 1, 3, 0x81, 0xFF])
def test_a_product_is_there_after_eight_cycles(a: int, b: int) -> None:
    work = Work()
    work.write(0x4202, a)
    work.write(0x4203, b)
    for _ in range(3):
        work.put("NOP")
    work.keep(0x4216)
    work.keep(0x4217)

    outcome = work.run()

    assert (work.kept_of(outcome), codes(outcome)) == ([a * b & 0xFF, a * b >> 8], [])


@pytest.mark.parametrize(("dividend", "divisor"), [(0, 1), (0xFFFF, 1), (1000, 7), (0x1234, 0xFF), (5, 9), (77, 0)])
def test_a_quotient_and_remainder_are_there_after_sixteen_cycles(dividend: int, divisor: int) -> None:
    work = Work()
    work.word(0x4204, dividend)
    work.write(0x4206, divisor)
    for _ in range(8):
        work.put("NOP")
    for register in range(0x4214, 0x4218):
        work.keep(register)
    quotient, remainder = divmod(dividend, divisor) if divisor else (0xFFFF, dividend)

    outcome = work.run()

    assert work.kept_of(outcome) == [quotient & 0xFF, quotient >> 8, remainder & 0xFF, remainder >> 8]
    assert codes(outcome) == []


def latency(start: int, result: int, *between: str, address: int) -> list[str]:
    work = Work()
    work.write(0x4202, 0xFF)
    work.write(start, 0xFF)
    for mnemonic in between:
        work.put(mnemonic)
    work.put("LDA", "absolute", result)
    program = Program((Block(address, bytes(work.data) + b"\x6b"),), fast_rom=address >= 0x800000)
    return codes(Machine(program, cpu="python").run())


@pytest.mark.parametrize("address", [0x008000, 0x808000])
def test_a_read_one_cycle_early_is_remarked_and_one_in_time_is_not(address: int) -> None:
    # the fetch of LDA.w takes three cycles more
    assert latency(0x4203, 0x4216, "NOP", "NOP", address=address) == ["early_result"]
    assert latency(0x4203, 0x4216, "NOP", "XBA", address=address) == []
    assert latency(0x4206, 0x4214, *["NOP"] * 6, address=address) == ["early_result"]
    assert latency(0x4206, 0x4214, *["NOP"] * 5, "XBA", address=address) == []


def test_an_early_read_shows_the_steps_done_so_far() -> None:
    work = Work()
    work.write(0x4202, 0x80)
    work.write(0x4203, 0x03)
    work.keep(0x4217)
    for _ in range(4):
        work.put("NOP")
    work.keep(0x4217)

    assert kept(work) == [0x00, 0x01]


@pytest.mark.parametrize(("a", "b"), [(0x1234, 0x12), (0x8000, 0x80), (0xFFFF, 0xFF), (0x7FFF, 0x81)])
def test_the_mode_7_product_is_signed_and_there_at_once(a: int, b: int) -> None:
    work = Work()
    for register, value in ((0x211B, a & 0xFF), (0x211B, a >> 8), (0x211C, b), (0x211C, b)):
        work.write(register, value)
    for register in (0x2134, 0x2135, 0x2136):
        work.keep(register)
    product = (a - (a >> 15 << 16)) * (b - (b >> 7 << 8))

    assert kept(work) == list((product & 0xFFFFFF).to_bytes(3, "little"))


@given(address=st.integers(0, 0x7FFF), remap=st.integers(0, 3))
@settings(deadline=None, max_examples=40)
def test_a_remapped_vram_address_is_a_rotation_that_loses_nothing(address: int, remap: int) -> None:
    work = Work()
    work.write(0x2115, 0x80 | remap << 2)
    work.word(0x2116, address)
    work.word(0x2118, 0xBEEF)
    width = (0, 5, 6, 7)[remap]
    low = address & (1 << width + 3) - 1 if remap else 0
    rotated = address - low + ((low << 3 | low >> width) & (1 << width + 3) - 1) if remap else address

    vram = work.run().video["vram"]

    assert vram[rotated * 2 : rotated * 2 + 2] == b"\xef\xbe"
    assert sum(map(bool, vram)) == 2


def test_vram_reads_lag_one_word_behind_until_the_first_read_is_thrown_away() -> None:
    work = Work()
    work.write(0x2115, 0x80)
    work.word(0x2116, 0x100)
    for word in (0x1111, 0x2222, 0x3333):
        work.word(0x2118, word)
    work.word(0x2116, 0x100)
    for _ in range(3):
        work.keep(0x2139)
        work.keep(0x213A)

    assert kept(work) == [0x11, 0x11, 0x11, 0x11, 0x22, 0x22]


def test_the_start_gives_video_memory_and_the_outcome_tells_only_what_was_touched() -> None:
    work = Work()
    work.word(0x2116, 0)
    work.read(0x2139)
    vram = bytes(range(256)) * 256

    assert work.run(start=Start(video={"vram": vram})).video == {"vram": vram}
    assert Work().run().video == {}


@pytest.mark.parametrize(
    ("mode", "ports"),
    [
        (0, (0, 0, 0, 0)),
        (1, (0, 1, 0, 1)),
        (2, (0, 0, 0, 0)),
        (3, (0, 0, 1, 1)),
        (4, (0, 1, 2, 3)),
        (5, (0, 1, 0, 1)),
        (6, (0, 0, 0, 0)),
        (7, (0, 0, 1, 1)),
    ],
)
@pytest.mark.parametrize(("step", "values"), [(0, (5, 6, 7, 8, 9)), (0x08, (5,) * 5), (0x10, (5, 4, 3, 2, 1))])
def test_each_dma_mode_sends_its_bytes_to_its_ports(
    mode: int, ports: tuple[int, ...], step: int, values: tuple[int, ...]
) -> None:
    work = Work()
    work.dma(step | mode, 0x26, 0x018004, 5)
    for register in (0x4302, 0x4303, 0x4305, 0x4306):
        work.keep(register)

    outcome = work.run()
    sent = [(row.address, row.value) for row in outcome.hardware if row.by == "dma"]

    assert sent == [(0x2126 + offset, value) for offset, value in zip((*ports, ports[0]), values, strict=True)]
    end = 0x8004 + {0: 5, 8: 0, 16: -5}[step]
    assert work.kept_of(outcome) == [end & 0xFF, end >> 8, 0, 0]


def test_dma_holds_the_cpu_for_eight_clocks_a_byte_and_a_channel() -> None:
    def clocks(count: int, channels: int) -> int:
        work = Work()
        for channel in range(8):
            for register, value in ((0, 8), (1, 0x22), (2, 0), (3, 0x80), (4, 1), (5, count), (6, 0)):
                work.write(0x4300 + channel * 16 + register, value)
        work.write(0x420B, channels)
        return work.run().clocks

    idle = clocks(1, 0)
    assert clocks(9, 0x01) - clocks(1, 0x01) == 64
    assert clocks(1, 0x03) - clocks(1, 0x01) == 16
    assert 8 + 8 + 12 <= clocks(1, 0x01) - idle <= 8 + 8 + 24


def test_dma_reads_ports_into_memory_and_the_bytes_count_as_written() -> None:
    work = Work()
    work.write(0x2115, 0x80)
    work.word(0x2116, 0)
    work.dma(0x01, 0x18, 0x018000, 8)
    work.word(0x2116, 0)
    work.read(0x2139)
    work.read(0x213A)
    work.dma(0x81, 0x39, 0x7E6000, 6, channel=7)

    outcome = work.run()

    assert [outcome.memory[0x7E6000 + index] for index in range(6)] == [1, 2, 3, 4, 5, 6]
    assert [row.kind for row in outcome.hardware if row.by == "dma" and row.pc == outcome.hardware[-1].pc] == [
        "read"
    ] * 6


def test_dma_with_a_count_of_0_moves_all_65536_bytes() -> None:
    work = Work()
    work.write(0x2115, 0x80)
    work.word(0x2116, 0)
    work.dma(0x09, 0x18, 0x018000, 0)

    assert work.run().video["vram"] == b"\x01" * 0x10000


def test_dma_from_work_ram_to_the_work_ram_port_moves_nothing_and_is_remarked() -> None:
    work = Work()
    for register, value in ((0x2181, 0), (0x2182, 0x50), (0x2183, 0)):
        work.write(register, value)
    work.dma(0x00, 0x80, 0x7E2000, 16)

    outcome = work.run()

    assert (outcome.memory, codes(outcome)) == ({}, ["dma"])


def test_dma_that_wraps_within_its_bank_is_remarked() -> None:
    work = Work()
    work.write(0x2181, 0)
    work.dma(0x00, 0x22, 0x7EFFFC, 8)

    assert codes(work.run()) == ["dma"]


def test_a_program_that_moves_bytes_for_ever_is_stopped() -> None:
    work = Work()
    work.dma(0x08, 0x22, 0x018000, 0)
    work.write(0x420B, 0xFF)
    work.put("BRA", "relative", -8)

    outcome = work.run(budget=2_000)

    assert outcome.stop == "budget"
    assert f"{DMA_LIMIT:,}" in "".join(remark.message for remark in outcome.remarks)


def test_hdma_is_kept_and_said_not_to_run() -> None:
    work = Work()
    work.write(0x4312, 0x34)
    work.write(0x420C, 0x02)
    work.keep(0x4312)

    outcome = work.run()

    assert (work.kept_of(outcome), codes(outcome)) == ([0x34], ["dma"])
