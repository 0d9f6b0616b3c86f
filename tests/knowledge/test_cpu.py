"""What the CPUs do where the single-step files are silent, derived by hand from the data sheet; both CPUs alike."""

import pytest

from knowledge.m65816.conformance import flat_cpu
from knowledge.m65816.cpu import (
    ANYWHERE,
    CPU_KINDS,
    VDA,
    VPA,
    WRITE,
    Cpu,
    CpuKind,
    Halt,
    Quiet,
)
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
