"""Runs the corpus on our own CPU and console, and says where they differ from what the emulator made of it.

The bytes of a difference are told as `offset: ours, the emulator's`.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from knowledge.m65816.cpu import ANYWHERE, IRQ, NEVER, NMI, Cpu, CpuKind, Quiet
from knowledge.m65816.machine import Machine
from knowledge.m65816.memory import PAGE, ROM, WRAM
from knowledge.m65816.opcodes import OPCODES
from knowledge.m65816.outcome import Start
from knowledge.m65816.program import Block, Program
from knowledge.m65816.registers import Registers
from tests.oracle.accesses import LATCH_READ, LATCH_WRITE, Access
from tests.oracle.corpus import Recorded
from tests.oracle.interrupts import Interrupted
from tests.oracle.port_programs import CODE, DATA, STACK, PortProgram
from tests.oracle.ports import PORT_DATA, WORK_START, Images
from tests.oracle.rom import LAST_PAGE, pattern

__all__ = ["STORAGE", "Mismatch", "interrupt_mismatches", "late_accesses", "mismatches", "port_differences", "wire"]

STORAGE = ROM + PAGE
"""Bytes of storage that the CPU needs: WRAM, and one page of ROM."""
_WRAM_SIZE = 0x20000
_WORK = 0x7E0000
_DMA_STEP = 16
"""Clocks by which each start of a DMA may differ: it waits for a step of 8 clocks that is counted from power-on."""


class Mismatch(NamedTuple):
    """One instruction that ended differently."""

    row: Recorded
    text: str

    def __str__(self) -> str:
        row = OPCODES[self.row.opcode]
        return f"{row.mnemonic} {row.mode} ${row.code:02X} from {self.row.start}: {self.text}"


def wire(cpu: Cpu) -> None:
    """Show the CPU what the emulator's CPU saw: WRAM with its mirrors, and the last page of bank $00."""
    memory = cpu.memory
    for bank in (*range(0x40), *range(0x80, 0xC0)):
        memory.show(bank * 8, WRAM, writable=True)
    for page in range(16):
        memory.show(0x7E * 8 + page, WRAM + page * PAGE, writable=True)
    memory.show(7, ROM, writable=False)
    memory.clocks[1], memory.clocks[2] = 6, 0  # the PPU's registers and the CPU's, which the latch is in
    memory.storage[ROM + PAGE - 0x100 : ROM + PAGE] = LAST_PAGE
    cpu.remap()


def _steps(row: Recorded) -> int:
    return row.start.a + 1 if OPCODES[row.opcode].mnemonic in ("MVN", "MVP") else 1


def _difference(want: Registers, got: Registers) -> str:
    return "" if want == got else f"registers are\n  {got}, the emulator has\n  {want}"


def _unequal(want: bytes, got: bytes) -> str:
    places = [place for place in range(len(want)) if want[place] != got[place]][:4]
    return ", ".join(f"$7E0000+${place:05X} holds ${got[place]:02X}, not ${want[place]:02X}" for place in places)


def _blank() -> bytes:
    return bytes(pattern(offset) for offset in range(_WRAM_SIZE))


def _memory_told(row: Recorded, cpu: Cpu, blank: bytes, s: int) -> str:
    """Compare all of WRAM but the byte at S, which the recording lost."""
    expected = bytearray(blank)
    for place, byte in (row.memory | row.changed).items():
        expected[place] = byte
    found = bytes(cpu.memory.storage[:_WRAM_SIZE])
    if s < _WRAM_SIZE:
        expected[s] = found[s]
    wanted = bytes(expected)
    return "" if found == wanted else _unequal(wanted, found)


def _set(row: Recorded, cpu: Cpu, blank: bytes) -> None:
    cpu.memory.storage[:_WRAM_SIZE] = blank
    for place, byte in row.memory.items():
        cpu.memory.storage[place] = byte


def mismatches(rows: Iterable[Recorded], cpu: Cpu) -> Iterator[Mismatch]:
    """Yield every recorded instruction on which a wired CPU differs in registers, in any byte of WRAM, or in time."""
    blank = _blank()
    for row in rows:
        _set(row, cpu, blank)
        halt = cpu.run(row.start, Quiet(), budget=_steps(row), code=ANYWHERE)
        same = row.clocks in (-1, halt.clock)
        time = "" if same else f"takes {halt.clock} clocks, {row.clocks} on the emulator"
        told = _difference(row.end, halt.registers), _memory_told(row, cpu, blank, row.end.s), time
        if any(told):
            yield Mismatch(row, "; ".join(text for text in told if text))


class _Line(Quiet):
    """An `Io` on which one interrupt arrives after the first instruction and stays."""

    def __init__(self, kind: int) -> None:
        self._kind = kind
        self.event = 1

    def poll(self, clock: int) -> int:
        """Tell the interrupt; an NMI only once."""
        if not clock:
            return 0
        if self._kind == NMI:
            self.event = NEVER
        return self._kind


def interrupt_mismatches(rows: Iterable[Interrupted], cpu: Cpu) -> Iterator[Mismatch]:
    """Yield every recorded interrupt on which a wired CPU differs in registers or in any byte of WRAM."""
    blank = _blank()
    for kind, row in rows:
        _set(row, cpu, blank)
        line = _Line(NMI if kind == "nmi" else IRQ)
        landing = row.end.pb << 16 | row.end.pc
        halt = cpu.run(row.start, line, budget=4, code=ANYWHERE, stops=(landing,))
        told = _difference(row.end, halt.registers), _memory_told(row, cpu, blank, row.end.s)
        if any(told):
            yield Mismatch(row, "; ".join(text for text in told if text))


class _Ear(Quiet):
    """An `Io` that keeps when a register was read and written first."""

    def __init__(self) -> None:
        self.heard: dict[tuple[str, int], int] = {}

    def read(self, address: int, clock: int, pc: int) -> int:
        """Note the time; answer 0."""
        self.heard.setdefault(("read", address), clock)
        return 0

    def write(self, address: int, value: int, clock: int, pc: int) -> int:
        """Note the time."""
        self.heard.setdefault(("write", address), clock)
        return 0


def late_accesses(rows: Iterable[Access], cpu: Cpu) -> Iterator[str]:
    """Yield every recorded access that a wired CPU makes at another time, or not at all."""
    for row in rows:
        for place, byte in row.memory.items():
            cpu.memory.storage[place] = byte
        ear = _Ear()
        cpu.run(row.start, ear, budget=1, code=ANYWHERE)
        clock = ear.heard.get((row.kind, LATCH_READ if row.kind == "read" else LATCH_WRITE), -1)
        if clock not in row.clocks:
            name = f"{OPCODES[row.opcode].mnemonic} {OPCODES[row.opcode].mode}"
            yield f"{name} from {row.start}: {row.kind} at {clock}, on the emulator at {row.clocks}"


def port_differences(program: PortProgram, images: Images, *, cpu: CpuKind) -> list[str]:
    """Return where our console differs from the emulator after a program: images, WRAM, and the time it took."""
    machine = Machine(Program((Block(CODE, program.code), Block(DATA, PORT_DATA))), cpu=cpu)
    blank = {"vram": bytes(0x10000), "cgram": bytes(512), "oam": bytes(544)}
    out = machine.run(Start(Registers(s=0x1FF, p=0x24), memory={_WORK: WORK_START}, video=blank))
    told = [] if out.stop == "rtl" else [f"stopped by {out.stop}"]
    for name, want in (("vram", images.vram), ("cgram", images.cgram), ("oam", images.oam)):
        got = out.video.get(name, blank[name])
        if name == "cgram":
            got = bytes(value & (0x7F if index & 1 else 0xFF) for index, value in enumerate(got))
        places = [place for place in range(len(want)) if got[place] != want[place]]
        told += [f"{name} ${place:04X}: ${got[place]:02X}, ${want[place]:02X}" for place in places[:4]]
    work = {
        place - _WORK: byte
        for place, byte in out.memory.items()
        if place >= _WORK and place - _WORK not in STACK and byte != WORK_START[place - _WORK]
    }
    told += [f"WRAM {item}" for item in sorted(work.items() ^ images.work.items())[:4]]
    starts = sum(access.address == 0x420B and access.kind == "write" for access in out.hardware)
    if images.clocks >= 0 and abs(out.clocks - images.clocks) > _DMA_STEP * starts:
        told.append(f"takes {out.clocks} clocks, {images.clocks} on the emulator, {starts} starts of DMA")
    return told
