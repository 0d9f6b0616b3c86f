"""The ports behind the registers, each worked by a small program as a game would."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.m65816.bus import Bus, Console
from knowledge.m65816.cpu import open_cpu
from knowledge.m65816.layout import lay_out
from knowledge.m65816.machine import Machine
from knowledge.m65816.outcome import HardwareAccess, Outcome, Script, Start
from knowledge.m65816.ports.dma import DMA_LIMIT
from knowledge.m65816.ports.traffic import LOG_LIMIT
from knowledge.m65816.program import Block, Program, snippet
from knowledge.m65816.registers import Registers
from knowledge.snes.registers import register_at
from tests.oracle.rom import Code

LINE, FRAME, VBLANK = 1364, 1364 * 262, 1364 * 225
TABLE = bytes(range(1, 65))


class Work(Code):
    """A program that keeps what it reads at $7E4000 on."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = 0

    def keep(self, register: int) -> None:
        self.read(register)
        self.store(0x7E4000 + self.kept)
        self.kept += 1

    def word(self, register: int, value: int) -> None:
        self.write(register, value & 0xFF)
        self.write(register + 1, value >> 8)

    def dma(self, control: int, port: int, address: int, count: int, *, channel: int = 0) -> None:
        for index, value in enumerate((control, port, address & 0xFF, address >> 8 & 0xFF, address >> 16)):
            self.write(0x4300 + channel * 16 + index, value)
        self.word(0x4305 + channel * 16, count)
        self.write(0x420B, 1 << channel)

    def loop(self, register: int, branch: str) -> None:
        """LDA.w register, and back while the branch is taken."""
        self.put("LDA", "absolute", register)
        self.put(branch, "relative", -5)

    def run(self, script: Script | None = None, *, budget: int = 100_000, start: Start | None = None) -> Outcome:
        blocks = (Block(0x008000, bytes(self.data) + b"\x6b"), Block(0x018000, TABLE))
        return Machine(Program(blocks), cpu="python").run(start or Start(script=script or Script()), budget=budget)

    def kept_of(self, outcome: Outcome) -> list[int]:
        return [outcome.memory[0x7E4000 + index] for index in range(self.kept)]


def kept(work: Work, script: Script | None = None) -> list[int]:
    outcome = work.run(script)
    assert outcome.stop == "rtl"
    return work.kept_of(outcome)


def codes(outcome: Outcome) -> list[str]:
    return [remark.code for remark in outcome.remarks]


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


def test_the_work_ram_port_steps_over_all_128_kib() -> None:
    work = Work()
    for register, value in ((0x2181, 0xFF), (0x2182, 0xFF), (0x2183, 0xFF), (0x2180, 7), (0x2180, 8)):
        work.write(register, value)

    assert work.run().memory == {0x7FFFFF: 7, 0x7E0000: 8}


def test_a_loop_that_waits_for_vertical_blank_ends_even_when_the_program_runs_alone() -> None:
    for register in (0x4212, 0x4210):
        work = Work()
        work.loop(register, "BPL")
        outcome = work.run()
        assert outcome.stop == "rtl"
        assert VBLANK <= outcome.clocks < VBLANK + 200


def test_the_nmi_flag_is_cleared_by_reading_it() -> None:
    work = Work()
    work.loop(0x4210, "BPL")
    work.keep(0x4210)

    assert kept(work)[0] >> 7 == 0


def test_waiting_for_the_end_of_a_blank_and_the_next_takes_a_frame() -> None:
    work = Work()
    work.loop(0x4212, "BPL")
    work.loop(0x4212, "BMI")
    work.loop(0x4212, "BPL")

    assert VBLANK + FRAME <= work.run().clocks < VBLANK + FRAME + 200


def test_a_timer_sets_its_flag_at_its_line() -> None:
    work = Work()
    work.word(0x4207, 0)
    work.word(0x4209, 100)
    work.write(0x4200, 0x20)
    work.loop(0x4211, "BPL")
    work.keep(0x4211)
    work.read(0x2137)
    work.keep(0x213D)

    flag, line = kept(work)

    assert (flag >> 7, line) == (0, 100)


def test_the_latched_counters_are_read_in_two_halves_that_213f_puts_back() -> None:
    work = Work()
    work.loop(0x4212, "BPL")
    work.read(0x2137)
    for register in (0x213D, 0x213F, 0x213D, 0x213D, 0x213F):
        work.keep(register)

    low, status, again, high, cleared = kept(work)

    assert (low, again, high & 1) == (225, 225, 0)
    assert (status & 0x40, cleared & 0x40) == (0x40, 0)


def interrupted(handler: bytes, main: Work, script: Script, *, budget: int = 60_000) -> Outcome:
    vectors = bytes.fromhex("0090" * 6)  # all of $FFE4-$FFEF
    blocks = (Block(0x008000, bytes(main.data) + b"\x6b"), Block(0x009000, handler), Block(0x00FFE4, vectors))
    return Machine(Program(blocks), cpu="python").run(Start(registers=Registers(p=0x30), script=script), budget=budget)


def test_an_nmi_comes_once_a_frame_when_it_is_switched_on() -> None:
    main = Work()
    main.write(0x4200, 0x80)
    for _ in range(3):
        main.put("WAI")

    outcome = interrupted(bytes.fromhex("eeff10 40"), main, Script(nmi=True))  # INC $10FF : RTI

    assert outcome.stop == "rtl"
    assert outcome.memory[0x7E10FF] == (0x55 + 3) & 0xFF
    assert VBLANK + 2 * FRAME <= outcome.clocks < VBLANK + 2 * FRAME + 400


def test_an_irq_comes_each_frame_at_its_line_until_it_is_acknowledged() -> None:
    main = Work()
    main.word(0x4209, 50)
    main.write(0x4200, 0x20)
    for _ in range(2):
        main.put("WAI")
    handler = bytes.fromhex("48 ad1142 eeff10 68 40")  # PHA : LDA $4211 : INC $10FF : PLA : RTI

    outcome = interrupted(handler, main, Script(nmi=True))

    assert (outcome.stop, outcome.memory[0x7E10FF]) == ("rtl", 0x57)
    assert FRAME + 50 * LINE <= outcome.clocks < FRAME + 50 * LINE + 400


def test_waiting_for_an_interrupt_that_nothing_will_send_stops_the_run() -> None:
    main = Work()
    main.put("WAI")

    assert interrupted(b"\x40", main, Script(nmi=True)).stop == "wai"
    assert interrupted(b"\x40", main, Script()).stop == "wai"


def test_switching_nmi_on_within_vertical_blank_brings_it_at_once() -> None:
    main = Work()
    main.loop(0x4212, "BPL")
    main.write(0x4200, 0x80)
    main.put("NOP")
    main.keep(0x7E10FF)

    outcome = interrupted(bytes.fromhex("eeff10 40"), main, Script(nmi=True))

    assert outcome.memory[0x7E4000] == 0x56


def test_video_memory_used_while_the_picture_is_drawn_is_remarked_and_the_byte_is_lost() -> None:
    work = Work()
    work.write(0x2100, 0x0F)
    work.word(0x2116, 0)
    work.write(0x2118, 0x12)

    drawn = work.run(Script(nmi=True))
    alone = work.run(Script())

    assert (codes(drawn), drawn.video["vram"][0]) == (["video_busy"], 0)
    assert (codes(alone), alone.video["vram"][0]) == ([], 0x12)


@pytest.mark.parametrize("forced", [True, False])
def test_video_memory_is_open_in_forced_and_in_vertical_blank(*, forced: bool) -> None:
    work = Work()
    work.write(0x2100, 0x80 if forced else 0x0F)
    if not forced:
        work.loop(0x4212, "BPL")
    for register in (0x2104, 0x2104, 0x2118, 0x2122, 0x2122):
        work.write(register, 1)

    assert codes(work.run(Script(nmi=True))) == []


def test_the_joypads_are_read_automatically_once_a_frame() -> None:
    work = Work()
    work.write(0x4200, 0x01)
    for frame in range(3):
        for branch in ("BPL", "BMI")[: 1 if frame == 0 else 2][::-1]:
            work.loop(0x4212, branch)
        work.put("LDA", "absolute", 0x4212)
        work.put("AND", "immediate_m", 1)
        work.put("BEQ", "relative", -7)
        work.put("LDA", "absolute", 0x4212)
        work.put("AND", "immediate_m", 1)
        work.put("BNE", "relative", -7)
        for register in (0x4218, 0x4219, 0x421A):
            work.keep(register)

    script = Script(joypads=((0x8010, 0x4020, 0x2040), (0x0080,)))

    assert kept(work, script) == [0x10, 0x80, 0x80, 0x20, 0x40, 0x80, 0x40, 0x20, 0x80]


def test_a_program_that_only_looks_at_the_joypads_sees_the_first_buttons() -> None:
    work = Work()
    work.keep(0x4218)
    work.keep(0x4219)
    work.keep(0x421B)

    assert kept(work, Script(joypads=((0x1280,),))) == [0x80, 0x12, 0x00]


def test_joypads_read_while_the_automatic_read_is_at_work_are_remarked() -> None:
    work = Work()
    work.write(0x4200, 0x01)
    work.put("LDA", "absolute", 0x4212)
    work.put("AND", "immediate_m", 1)
    work.put("BEQ", "relative", -7)
    work.read(0x4218)

    assert codes(work.run()) == ["early_result"]


def test_a_joypad_read_bit_by_bit_shifts_out_its_buttons_then_ones() -> None:
    work = Work()
    work.write(0x4016, 1)
    work.write(0x4016, 0)
    for _ in range(18):
        work.keep(0x4016)
    for _ in range(2):
        work.keep(0x4017)

    seen = kept(work, Script(joypads=((0xC010,), (0x8000,), (0x4000,))))

    assert [value & 1 for value in seen[:18]] == [1, 1] + [0] * 9 + [1] + [0] * 4 + [1, 1]
    assert [value & 3 for value in seen[18:]] == [1, 0]
    assert seen[1] & 2


def test_the_sound_ports_show_their_script_and_then_what_was_written() -> None:
    work = Work()
    for _ in range(3):
        work.keep(0x2140)
    work.write(0x2140, 0x77)
    work.keep(0x2144)
    work.keep(0x2141)

    assert kept(work, Script(apu=((0, 1), (0, 2)))) == [1, 2, 0xAA, 0x77, 0xBB]


def test_an_upload_to_the_sound_cpu_gets_through_its_handshakes() -> None:
    work = Work()
    work.put("REP", "immediate_8", 0x20)
    work.put("LDA", "absolute", 0x2140)
    work.put("CMP", "immediate_m", 0xBBAA)
    work.put("BNE", "relative", -8)
    work.put("SEP", "immediate_8", 0x20)
    work.write(0x2140, 0xCC)
    work.put("CMP", "absolute", 0x2140)
    work.put("BNE", "relative", -5)

    assert work.run().stop == "rtl"


@settings(deadline=None, max_examples=60)
@given(settings_bytes=st.binary(min_size=8, max_size=8), mask=st.integers(0, 255))
def test_any_dma_that_a_program_can_ask_for_ends(settings_bytes: bytes, mask: int) -> None:
    work = Work()
    for channel in range(2):
        for index, value in enumerate(settings_bytes[: 5 if channel else 7]):
            work.write(0x4300 + channel * 16 + index, value)
    work.write(0x4306, 0x01)
    work.write(0x4316, 0x01)
    work.write(0x420B, mask & 0x03)

    assert work.run().stop in ("rtl", "rts", "outside", "budget", "end", "interrupt")
