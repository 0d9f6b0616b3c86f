"""How runs of the CPUs begin, are interrupted, cost and end; both CPUs alike, derived by hand from the data sheet."""

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
    VPB,
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


def test_every_cycle_of_an_instruction_is_paid_for_once(cpu: Cpu) -> None:
    """Flat memory takes 8 clocks an access and 6 an internal cycle, whatever the opcode."""
    for code in range(256):
        for p, e, d in ((0x00, 0, 0), (0x30, 0, 1), (0x30, 1, 0), (0x20, 0, 5)):
            put(cpu, {0x8000: f"{code:02x} 20 30 00"})
            record = cpu.record(at(p=p, e=e, d=d, s=0x1FF, x=0x90, y=0x91), Quiet(), budget=1, code=ANYWHERE)
            paid = sum(8 if cycle.kind else 6 for cycle in record.bus)
            assert (code, record.halt.clock, record.halt.cycles) == (code, paid, len(record.bus))
