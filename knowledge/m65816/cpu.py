"""The face of the CPU: what it runs on, how it is started, and what a run came to.

Two CPUs stand behind it, made from one statement of what each opcode does (`cpu_spec`): pure Python, the reference that
always works, and WebAssembly. They agree on registers, memory, cycles, clocks and every access of the bus.

Time passed to `Io` is the master clock at which the access begins; an instruction's own fetches and the internal cycles
before its first data access are already in it. Interrupts are taken between instructions.
"""

import os
import struct
from collections.abc import Collection, Iterator, Sequence
from typing import Literal, NamedTuple, Protocol, get_args

from knowledge.m65816.memory import ROM, Io, Memory
from knowledge.m65816.outcome import CodeError
from knowledge.m65816.registers import Registers

__all__ = [
    "ABORT",
    "ANYWHERE",
    "CPU_KINDS",
    "IRQ",
    "NEVER",
    "NMI",
    "POKES",
    "RESET",
    "STOPS",
    "SWEPT",
    "VDA",
    "VPA",
    "VPB",
    "WRITE",
    "WRITES",
    "BusCycle",
    "Code",
    "Cpu",
    "CpuKind",
    "CpuStop",
    "Halt",
    "Quiet",
    "Record",
    "Step",
    "Sweep",
    "SweepStart",
    "Swept",
    "open_cpu",
]

CpuKind = Literal["python", "wasm"]
CPU_KINDS: tuple[CpuKind, ...] = get_args(CpuKind)

CpuStop = Literal["budget", "end", "outside", "stop", "stp", "wai", "interrupt", "io"]
"""Why the CPU halted: the budget is used up; PC is the address just past a range of the code; PC, or the last byte of
the instruction, is anywhere else outside the code (or on a page that is no plain memory); PC is one of the stops; STP;
WAI while `Io` announces nothing; BRK, COP or an interrupt whose vector leads out of the code; in a sweep alone, an
access that `Io` would have to answer, or more than 65,520 bytes written. The instruction at PC has not run, but for
`stp`, `wai` (PC is behind them) and `io` (it ran half: the result of that run is void)."""
STOPS: tuple[CpuStop, ...] = get_args(CpuStop)
"""In the order of their numbers in the raw records of a sweep."""

Code = Sequence[tuple[int, int]]
"""Where execution may go: ranges (first address, address behind the last), 24 bits, within one bank or over many."""
ANYWHERE: Code = ((0, 0x1000000),)

NEVER = 1 << 62
"""Master clock of an event that does not come: what `Io.event` says when nothing is to be polled."""
NMI, IRQ, ABORT, RESET = 1, 2, 4, 8
"""What `Io.poll` may answer, added up. NMI, ABORT and RESET are told once; IRQ is the line, asked again at the next
poll. An `Io` whose IRQ line changes sets its `event` to 0, so that it is polled before the next instruction."""

VDA, VPA, VPB, WRITE = 1, 2, 4, 8
"""Kind of a bus cycle, added up as the pins say it: data address valid, program address valid (both: an opcode),
vector pull, write. 0: an internal cycle, which touches nothing."""

POKES = 8
"""Bytes that a start of a sweep may set, at most."""
WRITES = 32
"""Writes that a result of a sweep lists, at most."""
SWEPT = struct.Struct(f"<6H4B4B3I{WRITES}I")
"""One raw result of a sweep: A, X, Y, S, D, PC; DB, PB, P, E; number of the stop in STOPS, writes listed, 1 when there
were more, 0; instructions, cycles, clocks; the writes in order as `value << 24 | address`, zeros behind the last."""


class Halt(NamedTuple):
    """What a run of the CPU came to."""

    registers: Registers
    stop: CpuStop
    instructions: int
    """Instructions and interrupt sequences; each byte of a block move is one."""
    cycles: int
    """CPU cycles of this run."""
    clock: int
    """Master clock at the end; the run began at the `clock` it was given."""
    written: tuple[int, ...]
    """Offsets into the storage of all bytes of plain memory that this run wrote, in the order of first writing."""
    pending: int = 0
    """Hand it, the registers and the clock to the next `run` to go on."""


class BusCycle(NamedTuple):
    """One cycle of the bus."""

    address: int
    """24 bits; for an internal cycle what the data sheet shows on the address pins."""
    value: int
    """The byte read or written; -1 in an internal cycle."""
    kind: int
    """VDA, VPA, VPB and WRITE added up; 0: internal."""


class Step(NamedTuple):
    """The state before one instruction of a recorded run."""

    registers: Registers
    cycles: int
    clock: int


class Record(NamedTuple):
    """A run with all that happened."""

    halt: Halt
    steps: tuple[Step, ...]
    bus: tuple[BusCycle, ...]
    """Every cycle in order; empty when not asked for. DMA is no cycle of the CPU."""


class SweepStart(NamedTuple):
    """One start of a sweep."""

    registers: Registers
    pokes: tuple[tuple[int, int], ...] = ()
    """(24-bit address, byte) set before the run, at most 8, in plain writable memory."""


class Swept(NamedTuple):
    """One result of a sweep."""

    registers: Registers
    stop: CpuStop
    instructions: int
    cycles: int
    clocks: int
    writes: tuple[tuple[int, int], ...]
    """(24-bit address, byte) of the writes in order, repeats too; the first 32."""
    more: bool
    """There were more writes than that."""


class Sweep(Sequence[Swept]):
    """The results of a sweep in the order of the starts, decoded when asked for."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        """The raw results one after another, `SWEPT.size` bytes each: compare slices of it where speed matters."""

    def __len__(self) -> int:
        return len(self.data) // SWEPT.size

    def __getitem__(self, index: int) -> Swept:  # type: ignore[override]  # no slices: they would be lists, not sweeps
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return _swept(SWEPT.unpack_from(self.data, index % len(self) * SWEPT.size))

    def __iter__(self) -> Iterator[Swept]:
        return map(_swept, SWEPT.iter_unpack(self.data))


def _swept(row: tuple[int, ...]) -> Swept:
    a, x, y, s, d, pc, db, pb, p, e, stop, count, more, _, instructions, cycles, clocks = row[:17]
    writes = tuple((word & 0xFFFFFF, word >> 24) for word in row[17 : 17 + count])
    return Swept(
        Registers(a, x, y, s, d, db, pb, pc, p, e), STOPS[stop], instructions, cycles, clocks, writes, bool(more)
    )


class Cpu(Protocol):
    """A 65C816 on a memory. One run at a time; a run leaves nothing behind but the storage."""

    kind: CpuKind
    memory: Memory

    def remap(self) -> None:
        """Take over the page tables and access times of `memory`, and forget decoded code.

        Call it after changing `memory.reads`, `writes` or `clocks`, or bytes of pages that cannot be written; it may be
        called from within `Io.write` (FastROM switched on). Writable bytes may be changed between runs without it.
        """
        ...

    def run(
        self,
        registers: Registers,
        io: Io,
        *,
        budget: int,
        code: Code,
        stops: Collection[int] = (),
        clock: int = 0,
        pending: int = 0,
    ) -> Halt:
        """Run at most `budget` instructions from `registers`, which are settled first and left as they are.

        `stops` are 24-bit addresses at which it halts before executing (return addresses). Keep `code` and `stops`
        the same from run to run where possible: decoded code is kept for them. To run on, hand over what came back.
        """
        ...

    def record(
        self,
        registers: Registers,
        io: Io,
        *,
        budget: int,
        code: Code,
        stops: Collection[int] = (),
        clock: int = 0,
        pending: int = 0,
        bus: bool = True,
    ) -> Record:
        """Run like `run` and tell every step and, if asked, every bus cycle. Slower; the outcome is the same."""
        ...

    def sweep(
        self, starts: Sequence[SweepStart], *, budget: int, code: Code, stops: Collection[int] = (), clock: int = 0
    ) -> Sweep:
        """Run from each start on the same memory, which is put back after each; `Io` is never asked.

        Raises CodeError for a start with more than 8 pokes, or a poke outside plain writable memory.
        """
        ...


class Quiet:
    """An `Io` for programs without hardware: reads answer 0, writes are dropped, nothing comes."""

    event = NEVER

    def read(self, address: int, clock: int, pc: int) -> int:
        """Return 0."""
        return 0

    def write(self, address: int, value: int, clock: int, pc: int) -> int:
        """Drop the byte, hold for no clock."""
        return 0

    def poll(self, clock: int) -> int:
        """Return nothing pending."""
        return 0


def open_cpu(kind: Literal["auto", "python", "wasm"] = "auto", *, storage: int = ROM) -> Cpu:
    """Return a CPU with a memory of `storage` bytes, zeroed, no page shown yet (`cpu.memory.show`, then `cpu.remap`).

    `auto` takes WebAssembly where wasmtime can run it, else Python. The environment variable AFS_CPU (python, wasm)
    decides for `auto`. Raises CodeError for `wasm` where it cannot run.
    """
    wanted = os.environ.get("AFS_CPU") or "auto" if kind == "auto" else kind
    if wanted not in ("auto", *CPU_KINDS):
        raise CodeError(f"no CPU named {wanted!r}; AFS_CPU is one of auto, {', '.join(CPU_KINDS)}")
    if wanted != "python":
        from knowledge.m65816 import cpu_wasm

        try:
            return cpu_wasm.WasmCpu(storage)
        except cpu_wasm.Unavailable as error:
            if wanted == "wasm":
                raise CodeError(f"the WebAssembly CPU cannot run here ({error}); take python instead") from error
    from knowledge.m65816.cpu_run import PythonCpu

    return PythonCpu(storage)
