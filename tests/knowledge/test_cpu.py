"""What the CPUs do where the single-step files are silent, derived by hand from the data sheet; both CPUs alike."""

import os
import subprocess
import sys

import pytest

from knowledge.m65816.conformance import flat_cpu
from knowledge.m65816.cpu import (
    ABORT,
    ANYWHERE,
    CPU_KINDS,
    IRQ,
    NEVER,
    NMI,
    RESET,
    VDA,
    VPA,
    VPB,
    WRITE,
    Code,
    Cpu,
    CpuKind,
    Halt,
    Quiet,
    SweepStart,
    open_cpu,
)
from knowledge.m65816.memory import HARDWARE, PAGE
from knowledge.m65816.outcome import CodeError
from knowledge.m65816.registers import Registers


@pytest.fixture(scope="module", params=CPU_KINDS)
def shared_cpu(request: pytest.FixtureRequest) -> Cpu:
    kind: CpuKind = request.param
    return flat_cpu(kind)


@pytest.fixture
def cpu(shared_cpu: Cpu) -> Cpu:
    for bank in (0x00, 0x01, 0x12, 0x13, 0x7E, 0x7F, 0xFF):
        shared_cpu.memory.storage[bank << 16 : (bank + 1) << 16] = bytes(0x10000)
    return shared_cpu


def put(cpu: Cpu, bytes_at: dict[int, str]) -> None:
    for address, text in bytes_at.items():
        data = bytes.fromhex(text)
        cpu.memory.storage[address : address + len(data)] = data


def step(cpu: Cpu, code: str, start: Registers, *, budget: int = 1) -> Halt:
    put(cpu, {start.pb << 16 | start.pc: code})
    return cpu.run(start, Quiet(), budget=budget, code=ANYWHERE)


def at(**values: int) -> Registers:
    """Registers at $8000 in native mode, 16 bits wide unless `p` says otherwise."""
    return Registers(**{"pc": 0x8000, "p": 0, **values})


WORD = "34 12"


@pytest.mark.parametrize(
    ("code", "start", "memory", "cycles"),
    [
        ("a5 20", {"d": 0xFFF0}, {0x10: WORD}, 5),
        ("a5 ff", {"d": 0xFF00}, {0xFFFF: "34", 0: "12"}, 4),
        ("b5 20", {"d": 0x100, "x": 0xFFF0}, {0x110: WORD}, 5),
        ("ad 00 30", {"db": 0x12}, {0x123000: WORD}, 5),
        ("ad ff ff", {"db": 0x12}, {0x12FFFF: WORD}, 5),
        ("bd ff ff", {"db": 0x12, "x": 2}, {0x130001: WORD}, 6),
        ("b9 00 f0", {"db": 0x12, "y": 0x2000}, {0x131000: WORD}, 6),
        ("bd ff ff", {"db": 0xFF, "x": 2}, {0x000001: WORD}, 6),
        ("af 00 30 7e", {}, {0x7E3000: WORD}, 6),
        ("bf ff ff 7e", {"x": 3}, {0x7F0002: WORD}, 6),
        ("b2 20", {"db": 0x12}, {0x20: "ff ff", 0x12FFFF: WORD}, 6),
        ("b2 ff", {"d": 0xFF00, "db": 0x12}, {0xFFFF: "00", 0x0000: "30", 0x123000: WORD}, 6),
        ("a1 20", {"db": 0x12, "x": 0x10}, {0x30: "00 30", 0x123000: WORD}, 7),
        ("b1 20", {"db": 0x12, "y": 0x10}, {0x20: "f8 ff", 0x130008: WORD}, 7),
        ("a7 20", {}, {0x20: "00 30 7e", 0x7E3000: WORD}, 7),
        ("b7 20", {"y": 0x10}, {0x20: "f8 ff 7e", 0x7F0008: WORD}, 7),
        ("a3 05", {"s": 0x1F0}, {0x1F5: WORD}, 5),
        ("a3 20", {"s": 0xFFF0}, {0x10: WORD}, 5),
        ("b3 05", {"s": 0x1F0, "db": 0x12, "y": 0x10}, {0x1F5: "f8 ff", 0x130008: WORD}, 8),
    ],
)
def test_lda_reaches_the_word_that_its_mode_names(
    cpu: Cpu, code: str, start: dict[str, int], memory: dict[int, str], cycles: int
) -> None:
    put(cpu, memory)
    halt = step(cpu, code, at(**start))
    assert (halt.registers.a, halt.cycles, halt.registers.pc) == (0x1234, cycles, 0x8000 + len(bytes.fromhex(code)))


@pytest.mark.parametrize(
    ("code", "start", "memory"),
    [
        ("b5 20", {"d": 0x200, "x": 0xF0}, {0x210: "34"}),
        ("b5 20", {"d": 0x201, "x": 0xF0}, {0x311: "34"}),
        ("a1 ff", {"d": 0x200, "x": 0x00}, {0x2FF: "00", 0x200: "30", 0x3000: "34"}),
        ("a1 f7", {"d": 0x11A, "x": 0xEE}, {0x2FF: "00", 0x200: "30", 0x3000: "34"}),
        ("b2 ff", {"d": 0x200}, {0x2FF: "00", 0x200: "30", 0x3000: "34"}),
        ("b2 fe", {"d": 0x201}, {0x2FF: "00", 0x300: "30", 0x3000: "34"}),
        ("b1 ff", {"d": 0x200, "y": 1}, {0x2FF: "ff", 0x200: "30", 0x3100: "34"}),
        ("a7 ff", {"d": 0x200}, {0x2FF: "00", 0x300: "30 00", 0x3000: "34"}),
        ("a3 10", {"s": 0x1F8}, {0x208: "34"}),
    ],
)
def test_emulation_mode_wraps_the_direct_page_for_old_modes_alone(
    cpu: Cpu, code: str, start: dict[str, int], memory: dict[int, str]
) -> None:
    put(cpu, memory)
    assert step(cpu, code, at(e=1, **start)).registers.a & 0xFF == 0x34


@pytest.mark.parametrize(
    ("code", "written", "s"),
    [
        ("48", {0x100: 0x78}, 0x1FF),  # PHA
        ("20 00 90", {0x100: 0x80, 0x1FF: 0x02}, 0x1FE),  # JSR: old, stays in page 1
        ("22 00 90 12", {0x100: 0x00, 0x0FF: 0x80, 0x0FE: 0x03}, 0x1FD),  # JSL
        ("fc 00 90", {0x100: 0x80, 0x0FF: 0x02}, 0x1FE),  # JSR (abs,X)
        ("f4 34 12", {0x100: 0x12, 0x0FF: 0x34}, 0x1FE),  # PEA
        ("0b", {0x100: 0x20, 0x0FF: 0x01}, 0x1FE),  # PHD
        ("62 00 10", {0x100: 0x90, 0x0FF: 0x03}, 0x1FE),  # PER
    ],
)
def test_only_new_instructions_leave_page_1_while_they_push_in_emulation_mode(
    cpu: Cpu, code: str, written: dict[int, int], s: int
) -> None:
    halt = step(cpu, code, at(e=1, s=0x100, a=0x5678, d=0x2001))
    assert {address: cpu.memory.storage[address] for address in halt.written} == written
    assert halt.registers.s == s


@pytest.mark.parametrize(
    ("code", "place", "s"), [("68", 0x100, 0x100), ("ab", 0x200, 0x100), ("2b", 0x200, 0x101), ("6b", 0x200, 0x102)]
)
def test_pulls_in_emulation_mode_wrap_for_pla_and_not_for_plb_pld_rtl(cpu: Cpu, code: str, place: int, s: int) -> None:
    record_start = at(e=1, s=0x1FF)
    put(cpu, {0x8000: code})
    record = cpu.record(record_start, Quiet(), budget=1, code=ANYWHERE)
    pulled = [cycle.address for cycle in record.bus if cycle.kind == VDA]
    assert (pulled[0], record.halt.registers.s) == (place, s)


def test_a_word_that_is_modified_goes_back_high_byte_first(cpu: Cpu) -> None:
    put(cpu, {0x8000: "ee 00 30", 0x3000: "ff 00"})
    record = cpu.record(at(), Quiet(), budget=1, code=ANYWHERE)
    assert [tuple(cycle) for cycle in record.bus] == [
        (0x8000, 0xEE, VDA | VPA),
        (0x8001, 0x00, VPA),
        (0x8002, 0x30, VPA),
        (0x3000, 0xFF, VDA),
        (0x3001, 0x00, VDA),
        (0x3001, -1, 0),
        (0x3001, 0x01, VDA | WRITE),
        (0x3000, 0x00, VDA | WRITE),
    ]


@pytest.mark.parametrize(
    ("code", "a", "p", "result", "flags"),
    [
        ("69 01 00", 0x9999, 0x09, 0x0001, 0x09),  # 9999 + 1 + 1 = 1 0001
        ("69 27 48", 0x1598, 0x08, 0x6425, 0x08),
        ("69 00 50", 0x3000, 0x08, 0x8000, 0xC8),
        ("e9 01 00", 0x0000, 0x09, 0x9999, 0x88),
        ("e9 45 12", 0x6789, 0x09, 0x5544, 0x09),
        ("69 01", 0x1299, 0x28, 0x1200, 0x2B),
        ("e9 01", 0x1200, 0x29, 0x1299, 0xA8),
    ],
)
def test_decimal_sums_and_differences_are_exact_in_both_widths(
    cpu: Cpu, code: str, a: int, p: int, result: int, flags: int
) -> None:
    registers = step(cpu, code, at(a=a, p=p)).registers
    assert (registers.a, registers.p & ~0x40) == (result, flags & ~0x40)
    if a == 0x3000:
        assert registers.p & 0x40


@pytest.mark.parametrize(
    ("code", "start", "pc", "cycles"),
    [
        ("d0 10", {"p": 0}, 0x8012, 3),
        ("d0 10", {"p": 2}, 0x8002, 2),
        ("d0 80", {"p": 0}, 0x7F82, 3),
        ("d0 80", {"p": 0, "e": 1}, 0x7F82, 4),
        ("80 fe", {}, 0x8000, 3),
        ("82 fd ff", {}, 0x8000, 4),
        ("82 00 90", {}, 0x1003, 4),
        ("4c 00 90", {"pb": 0x12}, 0x129000, 3),
        ("5c 00 90 7e", {}, 0x7E9000, 4),
        ("6c ff ff", {"pb": 0x12}, 0x127856, 5),
        ("7c ff ff", {"pb": 0x12, "x": 1}, 0x123412, 6),
        ("dc ff ff", {"pb": 0x12}, 0x9A7856, 6),
    ],
)
def test_branches_and_jumps_stay_in_their_bank_and_wrap_in_it(
    cpu: Cpu, code: str, start: dict[str, int], pc: int, cycles: int
) -> None:
    put(cpu, {0xFFFF: "56", 0x0000: "78 9a", 0x120000: "12 34"})
    halt = step(cpu, code, at(**start))
    assert (halt.registers.pb << 16 | halt.registers.pc, halt.cycles) == (pc, cycles)


def test_pc_wraps_within_its_bank_in_the_middle_of_an_instruction(cpu: Cpu) -> None:
    put(cpu, {0x12FFFF: "a9", 0x120000: "34 12"})
    halt = cpu.run(at(pb=0x12, pc=0xFFFF), Quiet(), budget=1, code=ANYWHERE)
    assert (halt.registers.a, halt.registers.pc, halt.registers.pb) == (0x1234, 2, 0x12)


@pytest.mark.parametrize(
    ("code", "x", "y", "want"), [("54 7f 7e", 0x10, 0x20, (0x13, 0x23)), ("44 7f 7e", 0x12, 0x22, (0xF, 0x1F))]
)
def test_a_block_move_takes_seven_cycles_a_byte_and_can_be_cut(
    cpu: Cpu, code: str, x: int, y: int, want: tuple[int, int]
) -> None:
    put(cpu, {0x7E0010: "01 02 03"})
    first = step(cpu, code, at(a=2, x=x, y=y, db=9))
    assert (first.registers.pc, first.registers.a, first.registers.db, first.cycles) == (0x8000, 1, 0x7F, 7)
    rest = cpu.run(first.registers, Quiet(), budget=2, code=ANYWHERE, clock=first.clock)
    assert (rest.registers.pc, rest.registers.a, rest.cycles) == (0x8003, 0xFFFF, 14)
    assert (rest.registers.x, rest.registers.y) == want
    assert bytes(cpu.memory.storage[0x7F0020:0x7F0023]) == b"\1\2\3"


def test_widths_follow_rep_sep_xce_and_cut_the_index_registers(cpu: Cpu) -> None:
    registers = step(cpu, "e2 10 c2 10", at(x=0x1234, y=0x5678), budget=2).registers
    assert (registers.x, registers.y, registers.p) == (0x34, 0x78, 0)
    registers = step(cpu, "38 fb", at(x=0x1234, s=0x5678), budget=2).registers
    assert (registers.x, registers.s, registers.p, registers.e) == (0x34, 0x178, 0x30, 1)
    assert step(cpu, "c2 30", at(e=1)).registers.p == 0x30
    registers = step(cpu, "18 fb c2 30", at(e=1), budget=3).registers
    assert (registers.p, registers.e) == (1, 0)


class Pending(Quiet):
    """Hardware that has something pending from the start, or after some time."""

    def __init__(self, what: int, *, event: int = 0) -> None:
        self.what = what
        self.event = event

    def poll(self, clock: int) -> int:
        self.event = NEVER
        return self.what


VECTORS = {0xFFE4: "00 a4 00 a6 00 a8 00 aa", 0xFFEE: "00 ae", 0xFFF4: "00 b4", 0xFFF8: "00 b8 00 ba 00 bc 00 be"}


@pytest.mark.parametrize(
    ("what", "start", "pc", "stack", "cycles"),
    [
        (NMI, {"p": 0x08, "pb": 0x12}, 0xAA00, "08 00 80 12", 8),
        (IRQ, {"p": 0x00, "pb": 0x12}, 0xAE00, "00 00 80 12", 8),
        (IRQ, {"p": 0x04}, 0x8001, "", 2),
        (ABORT, {}, 0xA800, "00 00 80 00", 8),
        (NMI, {"e": 1}, 0xBA00, "20 00 80", 7),
        (IRQ, {"e": 1}, 0xBE00, "20 00 80", 7),
        (ABORT, {"e": 1}, 0xB800, "20 00 80", 7),
        (RESET, {"s": 0x5678}, 0xBC00, "", 8),
        (NMI | IRQ, {}, 0xAA00, "00 00 80 00", 8),
    ],
)
def test_an_interrupt_goes_through_its_vector_with_its_frame(
    cpu: Cpu, what: int, start: dict[str, int], pc: int, stack: str, cycles: int
) -> None:
    put(cpu, {0x8000: "ea", 0x128000: "ea", **VECTORS})
    halt = cpu.run(at(**{"s": 0x1FF, **start}), Pending(what), budget=1, code=ANYWHERE)
    frame = bytes.fromhex(stack)
    low = 0x200 - len(frame)
    assert halt.registers.pb << 16 | halt.registers.pc == pc
    assert bytes(cpu.memory.storage[low:0x200]) == frame
    assert halt.cycles == (7 if what == RESET else cycles)
    if stack:
        assert halt.registers.p & 0x0C == 4


@pytest.mark.parametrize(
    ("code", "start", "pc", "stack", "cycles"),
    [
        ("00 ff", {"pb": 0x12}, 0xA600, "00 02 80 12", 8),
        ("02 ff", {}, 0xA400, "00 02 80 00", 8),
        ("00 ff", {"e": 1}, 0xBE00, "30 02 80", 7),
        ("02 ff", {"e": 1}, 0xB400, "30 02 80", 7),
    ],
)
def test_brk_and_cop_skip_their_signature_and_rti_comes_back(
    cpu: Cpu, code: str, start: dict[str, int], pc: int, stack: str, cycles: int
) -> None:
    put(cpu, {**VECTORS, pc: "40"})
    halt = step(cpu, code, at(**{"s": 0x1FF, **start}))
    frame = bytes.fromhex(stack)
    assert (halt.registers.pb << 16 | halt.registers.pc, halt.cycles) == (pc, cycles)
    assert bytes(cpu.memory.storage[0x200 - len(frame) : 0x200]) == frame
    if not start.get("e"):
        back = cpu.run(halt.registers, Quiet(), budget=1, code=ANYWHERE)
        assert (back.registers.pb, back.registers.pc, back.registers.s) == (start.get("pb", 0), 0x8002, 0x1FF)


def test_a_vector_is_pulled_with_vpb_and_one_out_of_the_code_stops_the_run(cpu: Cpu) -> None:
    put(cpu, {0x8000: "00 00", **VECTORS})
    record = cpu.record(at(s=0x1FF), Quiet(), budget=5, code=((0x8000, 0x9000),))
    assert record.halt.stop == "interrupt"
    assert [cycle.address for cycle in record.bus if cycle.kind & VPB] == [0xFFE6, 0xFFE7]


def test_wai_sleeps_until_the_event_and_stp_ends_the_run(cpu: Cpu) -> None:
    put(cpu, {0x8000: "cb db"})
    asleep = cpu.run(at(), Quiet(), budget=9, code=ANYWHERE)
    assert (asleep.stop, asleep.registers.pc, asleep.instructions) == ("wai", 0x8001, 1)
    masked = cpu.run(at(p=4), Pending(IRQ, event=6000), budget=9, code=ANYWHERE)
    assert (masked.stop, masked.registers.pc, masked.clock >= 6000) == ("stp", 0x8002, True)
    assert masked.cycles == 6 + (masked.clock - 2 * (8 + 6 + 6)) // 6


@pytest.mark.parametrize(
    ("bytes_at", "code", "stops", "stop", "pc"),
    [
        ({0x8000: "ea ea"}, ((0x8000, 0x8002),), (), "end", 0x8002),
        ({0x8000: "4c 00 90"}, ((0x8000, 0x8003),), (), "outside", 0x9000),
        ({0x8000: "4c 00 90"}, ((0x8000, 0x8003),), (0x9000,), "stop", 0x9000),
        ({0x8000: "ea a9"}, ((0x8000, 0x8002),), (), "outside", 0x8001),
        ({0x8000: "80 fe"}, ((0x8000, 0x8002),), (), "budget", 0x8000),
        ({0x8000: "ea ea ea ea"}, ((0x8000, 0x8004),), (0x8002,), "stop", 0x8002),
        ({0x8000: "4c ff 9f", 0x9FFF: "a9 34 12"}, ((0x8000, 0xB000),), (0xA002,), "stop", 0xA002),
        ({0x8000: "ea"}, ((0x9000, 0x9001), (0x8000, 0x8001)), (), "end", 0x8001),
        ({}, (), (), "outside", 0x8000),
    ],
)
def test_a_run_ends_where_the_code_does(
    cpu: Cpu, bytes_at: dict[int, str], code: Code, stops: tuple[int, ...], stop: str, pc: int
) -> None:
    put(cpu, bytes_at)
    halt = cpu.run(at(), Quiet(), budget=20, code=code, stops=stops)
    assert (halt.stop, halt.registers.pc) == (stop, pc)


def test_code_in_ram_that_writes_itself_runs_what_it_wrote(cpu: Cpu) -> None:
    # LDA #$1A1A, STA $8008, NOP, NOP (become INC A twice), LDX #0
    put(cpu, {0x8000: "a9 1a 1a 8d 08 80 ea ea ea ea a2 00 00"})
    for _ in range(2):
        put(cpu, {0x8000: "a9 1a 1a 8d 08 80 ea ea ea ea"})
        assert cpu.run(at(), Quiet(), budget=7, code=ANYWHERE).registers.a == 0x1A1C
    put(cpu, {0x8000: "a9 00 00"})
    assert cpu.run(at(), Quiet(), budget=1, code=ANYWHERE).registers.a == 0


class FastRom(Quiet):
    """Hardware that makes ROM fast when it is told to, and holds the CPU for a transfer."""

    def __init__(self, cpu: Cpu) -> None:
        self.cpu = cpu
        self.told: list[tuple[int, int, int, int]] = []

    def write(self, address: int, value: int, clock: int, pc: int) -> int:
        self.told.append((address, value, clock, pc))
        if address & 0xFFFF == 0x420D:
            self.cpu.memory.clocks[0x80_8000 >> 13] = 6
            self.cpu.remap()
        return 1000 if address & 0xFFFF == 0x420B else 0


@pytest.mark.parametrize("kind", CPU_KINDS)
def test_clocks_follow_the_pages_the_hardware_and_a_switch_to_fast_rom(kind: CpuKind) -> None:
    cpu = open_cpu(kind, storage=PAGE)
    page = 0x80_8000 >> 13
    cpu.memory.show(page, 0, writable=False)
    cpu.memory.clocks[0x80_4000 >> 13] = 0
    # SEP #$20; STA $4016; STA $4202; STA $420D; STA $420B; NOP
    code = bytes.fromhex("e220 8d1640 8d0242 8d0d42 8d0b42 ea".replace(" ", ""))
    cpu.memory.storage[: len(code)] = code
    cpu.remap()
    io = FastRom(cpu)
    halt = cpu.run(Registers(pb=0x80, pc=0x8000, db=0x80), io, budget=6, code=((0x808000, 0x808000 + len(code)),))
    assert [clock for _, _, clock, _ in io.told] == [22 + 24, 46 + 12 + 24, 82 + 6 + 24, 112 + 6 + 18]
    assert (halt.clock, halt.cycles, halt.stop) == (136 + 6 + 1000 + 6 + 6, 3 + 4 * 4 + 2, "budget")
    assert [pc for _, _, _, pc in io.told] == [0x808002, 0x808005, 0x808008, 0x80800B]


def test_slices_of_a_run_add_up_to_the_run(cpu: Cpu) -> None:
    put(cpu, {0x8000: "e2 20 a2 00 00 a5 10 9d 00 30 e6 10 e8 e0 40 00 d0 f3"})
    whole = cpu.run(at(), Quiet(), budget=200, code=ANYWHERE)
    put(cpu, {0x10: "00"})
    part = cpu.run(at(), Quiet(), budget=77, code=ANYWHERE)
    rest = cpu.run(
        part.registers, Quiet(), budget=123, code=ANYWHERE, clock=part.clock, pending=part.pending
    )  # fmt: skip
    assert (rest.registers, rest.clock) == (whole.registers, whole.clock)
    assert part.cycles + rest.cycles == whole.cycles
    assert set(part.written) | set(rest.written) == set(whole.written)
    assert cpu.run(at(), Quiet(), budget=0, code=ANYWHERE).stop == "budget"


def test_a_sweep_lists_the_writes_of_each_start_in_order(cpu: Cpu) -> None:
    # LDA $10; STA $3000; STA $3000; PHA
    put(cpu, {0x8000: "a5 10 8d 00 30 8d 00 30 48"})
    starts = [SweepStart(at(p=0x30, s=0x1FF), ((0x10, value), (0x11, 1))) for value in range(256)]
    found = cpu.sweep(starts, budget=10, code=((0x8000, 0x8009),))
    assert [item.stop for item in found] == ["end"] * 256
    assert [item.writes for item in found] == [
        ((0x3000, value), (0x3000, value), (0x1FF, value)) for value in range(256)
    ]
    assert (found[7].registers.a, found[-1].registers.a, found[7].instructions) == (7, 255, 4)
    assert (cpu.memory.storage[0x10], cpu.memory.storage[0x3000]) == (0, 0)


def test_a_sweep_marks_more_writes_than_it_lists_and_runs_that_need_hardware(cpu: Cpu) -> None:
    put(cpu, {0x8000: "a2 40 00 48 ca d0 fc"})
    long = cpu.sweep([SweepStart(at(s=0x1FF))], budget=500, code=((0x8000, 0x8007),))[0]
    assert (len(long.writes), long.more, long.stop) == (32, True, "end")
    page = 0x4000 >> 13
    shown = cpu.memory.reads[page]
    cpu.memory.reads[page] = cpu.memory.writes[page] = HARDWARE
    cpu.remap()
    try:
        put(cpu, {0x8000: "ad 16 40"})
        assert cpu.sweep([SweepStart(at())], budget=1, code=((0x8000, 0x8003),))[0].stop == "io"
    finally:
        cpu.memory.show(page, shown, writable=True)
        cpu.remap()


@pytest.mark.parametrize(
    ("start", "match"),
    [
        (SweepStart(at(), tuple((number, 0) for number in range(9))), "at most 8"),
        (SweepStart(at(), ((0x1000000, 0),)), "name a byte of WRAM or SRAM"),
        (SweepStart(at(), ((0, 256),)), "name a byte of WRAM or SRAM"),
    ],
)
def test_a_start_that_cannot_be_set_is_refused(cpu: Cpu, start: SweepStart, match: str) -> None:
    with pytest.raises(CodeError, match=match):
        cpu.sweep([start], budget=1, code=ANYWHERE)


@pytest.mark.parametrize("code", [((5, 5),), ((-1, 5),), ((0, 0x1000001),)])
def test_a_range_of_code_that_is_none_is_refused(cpu: Cpu, code: Code) -> None:
    with pytest.raises(CodeError, match="24-bit"):
        cpu.run(at(), Quiet(), budget=1, code=code)


@pytest.mark.parametrize(("asked", "kind"), [("python", "python"), ("wasm", "wasm"), ("auto", "wasm"), ("", "wasm")])
def test_the_environment_chooses_the_cpu_and_webassembly_is_the_default(
    monkeypatch: pytest.MonkeyPatch, asked: str, kind: str
) -> None:
    monkeypatch.setenv("AFS_CPU", asked)
    assert open_cpu().kind == kind
    assert open_cpu("python").kind == "python"


def test_a_cpu_that_is_not_known_is_refused_with_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFS_CPU", "6502")
    with pytest.raises(CodeError, match="auto, python, wasm"):
        open_cpu()


def test_without_wasmtime_python_is_taken_silently_and_wasm_says_why() -> None:
    program = (
        "import sys; sys.modules['wasmtime'] = None\n"
        "from knowledge.m65816.cpu import open_cpu\n"
        "assert open_cpu().kind == 'python'\n"
        "try: open_cpu('wasm')\n"
        "except ValueError as error: assert 'take python instead' in str(error), error\n"
        "else: raise SystemExit('no error')\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "AFS_CPU"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, env=environment, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_face_imports_neither_wasmtime_nor_the_generated_loop() -> None:
    program = "import sys, knowledge.m65816.cpu; print([n for n in sys.modules if 'wasmtime' in n or 'cpu_' in n])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode("utf-8").strip() == "[]"
