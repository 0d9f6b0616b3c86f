"""The machine: a program, a CPU and the console around it, started as often as one likes.

Starting again is cheap: only what the last run wrote is put back. A run begins with the registers of its Start and a
frame pushed on the stack, so that S is 3 lower at the first instruction (4 for the frame of a native interrupt).
"""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from random import Random
from typing import Literal, NamedTuple

from knowledge.m65816.bus import Bus
from knowledge.m65816.cpu import VDA, VPA, CpuStop, Halt, Record, Sweep, SweepStart, open_cpu
from knowledge.m65816.layout import Layout, lay_out
from knowledge.m65816.memory import PAGE, ROM, SRAM
from knowledge.m65816.outcome import CodeError, Cost, Outcome, Script, Start, Stop, TraceLine
from knowledge.m65816.ports.video import SIZES
from knowledge.m65816.program import Program
from knowledge.m65816.registers import Registers

__all__ = ["TRACE_LIMIT", "Machine"]

TRACE_LIMIT = 100_000
"""Lines that a trace holds, at most."""

_CHUNK = 4096
"""Instructions that are recorded at a time."""
_MANY = 10_000
"""Bytes from which on it is quicker to copy the whole memory than to put single bytes back."""
_IMAGES = 4
"""Filled memories that are kept, by their seed."""
_FREE = Cost(0, 0, 0)
_SILENT = Start().script
_WIDTHS = {"a": 0xFFFF, "x": 0xFFFF, "y": 0xFFFF, "s": 0xFFFF, "d": 0xFFFF, "db": 0xFF, "p": 0xFF, "e": 1}
_STOPS: dict[CpuStop, Stop] = {
    "budget": "budget",
    "end": "end",
    "outside": "outside",
    "stp": "stp",
    "wai": "wai",
    "interrupt": "interrupt",
    "io": "outside",
}


@lru_cache(maxsize=8)
def _poison(seed: int, size: int) -> bytes:
    return Random(repr(seed)).randbytes(size) if seed else b"\x55" * size


class _Frame(NamedTuple):
    """Where the code returns to."""

    offset: int
    """Of both return addresses."""
    bank: int
    """Of the one that RTL finds; RTS finds the bank that the code starts in."""


def _frame(start: int, layout: Layout) -> _Frame:
    """Return a place to return to that is no code, in a bank where the program is not."""
    banks = {first >> 16 for first, _ in layout.code}
    bank = next(
        (bank for bank in (0xBF, 0x3F, 0xFF, 0x6F) if bank not in banks and bank != start >> 16),
        0x7E if start >> 16 == 0x7F else 0x7F,
    )
    taken = [(first & 0xFFFF, last - 1 & 0xFFFF) for first, last in layout.code if first >> 16 == start >> 16]
    free = (at for at in (0xFFFF, 0x7FFF, 0x0FFF, 0xEFFF) if not any(first <= at <= last for first, last in taken))
    return _Frame(next(free, 0xFFFF), bank)


class Machine:
    """A program that can be run. Not for several threads at once.

    Raises CodeError for a program that cannot be laid out: no bytes, blocks outside ROM and RAM, blocks that overlap.
    """

    def __init__(self, program: Program, *, cpu: Literal["auto", "python", "wasm"] = "auto") -> None:
        self.program = program
        self.layout = lay_out(program)
        first = program.start
        if not any(low <= first < high for low, high in self.layout.code):
            raise CodeError(f"the entry ${first:06X} lies in none of the blocks; start at an address that has code")
        self.cpu = open_cpu(cpu, storage=self.layout.storage)
        memory = self.cpu.memory
        memory.reads[:], memory.writes[:] = self.layout.reads, self.layout.writes
        self._storage = memory.storage
        for offset, data in self.layout.rom:
            self._storage[offset : offset + len(data)] = data
        self._return = _frame(first, self.layout)
        self.code = self.layout.code
        """Ranges that may be executed, for `Cpu.run` and `Cpu.sweep`."""
        self.stops = tuple((bank << 16 | self._return.offset) for bank in (first >> 16, self._return.bank))
        """Return addresses, likewise."""
        self.bus = Bus(self.cpu, self.layout, fast_rom=program.fast_rom)
        self._images: dict[int, bytes] = {}
        self._image = b""
        self._seed = -1
        self._stale: list[Collection[int]] = []
        self._frame: Literal["call", "interrupt"] = "call"

    def run(
        self,
        start: Start = Start(),  # noqa: B008  # frozen, so that calls may share it
        *,
        budget: int = 100_000,
        clock: int = 0,
        profile: bool = False,
        trace: bool = False,
        watch: bool = False,
    ) -> Outcome:
        """Run from a start for at most `budget` instructions.

        `clock` is how many master clocks after the upper left of the screen the run begins: where the beam stands then.
        `watch` looks at every access of the bus, and so also remarks reads of ROM bytes that no block holds but that
        share a page of 8 KiB with one; it is slower. `profile` and `trace` fill those fields of the outcome.
        Raises CodeError for a start that names no memory, or for values out of range.
        """
        if budget < 1 or clock < 0:
            raise CodeError(
                f"a budget of {budget} instructions from clock {clock} cannot be run; give at least 1, from 0"
            )
        entry = self.prepare(start)
        if profile or trace or (watch and self.layout.gaps):
            recorder = _Recorder(self, clock, watch=watch, trace=trace)
            halt = recorder.run(entry, budget)
            costs = recorder.costs if profile else {}
            return self._outcome(halt, clock, profile=costs, trace=tuple(recorder.lines))
        halt = self.cpu.run(entry, self.bus, budget=budget, code=self.code, stops=self.stops, clock=clock)
        return self._outcome(halt, clock)

    def data_reads(self, start: Start, *, budget: int = 100_000) -> frozenset[int]:
        """Run from a start and return where in the storage it read data (see `layout.offset` for addresses)."""
        entry = self.prepare(start)
        recorder = _Recorder(self, 0, watch=False, trace=False, listen=True)
        self._outcome(recorder.run(entry, budget), 0)
        return frozenset(recorder.reads)

    def prepare(self, start: Start) -> Registers:
        """Set all memory and hardware as a start says; return the registers at the first instruction.

        For `sweep`: vary A, X, Y, P, D and DB of what this returns; S, PB and PC belong to the frame on the stack.
        """
        given = start.registers
        _check_registers(given)
        if start.script is not _SILENT:
            _check_script(start.script)
        self._restore(start.poison)
        stale: list[int] = []
        self._stale.append(stale)
        for address, value in start.memory.items():
            self._poke(address, value, stale)
        if start.video:
            _check_video(start.video)
        entry = given.copy()
        entry.pb, entry.pc = self.program.start >> 16, self.program.start & 0xFFFF
        entry.s = self._push(given, start.frame, stale)
        self._frame = start.frame
        self.bus.reset(start.script, start.video)
        return entry

    def sweep(self, starts: Sequence[SweepStart], *, budget: int) -> Sweep:
        """Run many starts on the memory that `prepare` set, each as if alone; see `Cpu.sweep`."""
        return self.cpu.sweep(starts, budget=budget, code=self.code, stops=self.stops)

    def ending(self, stop: CpuStop, bank: int) -> Stop:
        """Return how a run ended, by what the CPU says of it and the PB it ended with."""
        if stop != "stop":
            return _STOPS[stop]
        if self._frame == "interrupt":
            return "rti"
        return "rtl" if bank == self._return.bank else "rts"

    def _outcome(
        self, halt: Halt, began: int, *, profile: dict[int, Cost] | None = None, trace: tuple[TraceLine, ...] = ()
    ) -> Outcome:
        bus, storage, layout = self.bus, self._storage, self.layout
        self._stale.append(halt.written)
        stop = self.ending(halt.stop, halt.registers.pb)
        memory = {
            offset | 0x7E0000 if offset < SRAM else layout.address(offset): storage[offset] for offset in halt.written
        }
        if not bus.used:
            return Outcome(
                halt.registers,
                stop,
                halt.instructions,
                halt.cycles,
                halt.clock - began,
                memory,
                (),
                (),
                profile or {},
                trace,
            )
        self._stale.append(bus.journal)
        memory |= {layout.address(offset): storage[offset] for offset in bus.journal}
        return Outcome(
            halt.registers,
            "budget" if bus.spent else stop,
            halt.instructions,
            halt.cycles,
            halt.clock - began,
            memory,
            bus.traffic.hardware(began),
            bus.traffic.told(),
            profile or {},
            trace,
            bus.video(),
        )

    def _restore(self, seed: int) -> None:
        """Put back what the last run wrote, or fill the memory anew for another seed."""
        storage, image = self._storage, self._image
        if seed != self._seed:
            self._fill(seed)
        elif sum(map(len, self._stale)) > _MANY:
            storage[: len(image)] = image
        else:
            for offsets in self._stale:
                for offset in offsets:
                    storage[offset] = image[offset]
        self._stale = []

    def _fill(self, seed: int) -> None:
        size = SRAM + self.layout.sram
        pattern = _poison(seed, size)
        image = self._images.get(seed)
        if image is None:
            fresh = bytearray(pattern)
            for offset, data in self.layout.ram:
                fresh[offset : offset + len(data)] = data
            if len(self._images) >= _IMAGES:
                self._images.clear()
            image = self._images[seed] = bytes(fresh)
        self._storage[:size] = image
        for offset, length in self.layout.gaps:
            self._storage[offset : offset + length] = pattern[-length:]
        self._image, self._seed = image, seed

    def _poke(self, address: int, value: int | bytes, stale: list[int]) -> None:
        data = _as_bytes(address, value)
        last = (
            0x7FFFFF if address <= 0x7FFFFF else 0xFFFFFF
        )  # behind WRAM its mirrors begin: no run of bytes goes there
        while data:
            offset = self.layout.offset(address) if 0 <= address <= last else -1
            if offset < 0:
                raise CodeError(
                    f"${address:06X} is neither WRAM nor SRAM, so that no start can set it; "
                    "use $7E0000-$7FFFFF, or put the bytes into a block of the program"
                )
            size = min(len(data), PAGE - address % PAGE)
            self._storage[offset : offset + size] = data[:size]
            stale.extend(range(offset, offset + size))
            address, data = address + size, data[size:]

    def _push(self, given: Registers, frame: Literal["call", "interrupt"], stale: list[int]) -> int:
        """Push the frame; return S below it."""
        offset, bank = self._return
        if frame == "call":
            data = (offset - 1 & 0xFF, offset - 1 >> 8, bank)
        else:
            data = (given.p, offset & 0xFF, offset >> 8, *(() if given.e else (bank,)))
        s = given.s
        for value in reversed(data):
            if given.e:
                s = 0x100 | s & 0xFF
            place = self.layout.offset(s)
            if place < 0:
                raise CodeError(f"S = ${given.s:04X} points to no memory; let it point into $0004-$1FFF")
            self._storage[place] = value
            stale.append(place)
            s = s - 1 & 0xFFFF
        return 0x100 | s & 0xFF if given.e else s


class _Recorder:
    """Runs in chunks and keeps what a profile, a trace and a watch ask for."""

    def __init__(self, machine: Machine, clock: int, *, watch: bool, trace: bool, listen: bool = False) -> None:
        self._machine, self._began = machine, clock
        self._gaps = machine.layout.gaps if watch else ()
        self._listens = listen
        self.reads: set[int] = set()
        self._traces = trace
        self._pc = 0
        self.lines: list[TraceLine] = []
        self.costs: dict[int, Cost] = {}

    def run(self, entry: Registers, budget: int) -> Halt:
        """Run to the end; return it as if it had been one run."""
        machine, left = self._machine, budget
        registers, pending, clock, cycles = entry, 0, self._began, 0
        written: dict[int, None] = {}
        while True:
            record = machine.cpu.record(
                registers,
                machine.bus,
                budget=min(left, _CHUNK),
                code=machine.code,
                stops=machine.stops,
                clock=clock,
                pending=pending,
                bus=bool(self._gaps) or self._listens,
            )
            halt = record.halt
            self._keep(record, cycles)
            if self._gaps:
                self._watch(record)
            if self._listens:
                self._listen(record)
            written |= dict.fromkeys(halt.written)
            cycles += halt.cycles
            left -= halt.instructions
            if halt.stop != "budget" or left <= 0:
                return halt._replace(instructions=budget - left, cycles=cycles, written=tuple(written))
            registers, pending, clock = halt.registers, halt.pending, halt.clock

    def _keep(self, record: Record, before: int) -> None:
        halt, steps = record.halt, record.steps
        if self._traces:
            room = TRACE_LIMIT - len(self.lines)
            self.lines += (
                TraceLine(step.registers, before + step.cycles, step.clock - self._began) for step in steps[:room]
            )
        times = [(step.cycles, step.clock) for step in steps] + [(halt.cycles, halt.clock)]
        for step, (cycles, clock) in zip(steps, times[1:], strict=True):
            address = step.registers.pb << 16 | step.registers.pc
            old = self.costs.get(address, _FREE)
            spent = cycles - step.cycles, clock - step.clock
            self.costs[address] = Cost(old.times + 1, old.cycles + spent[0], old.clocks + spent[1])

    def _listen(self, record: Record) -> None:
        """Keep where data was read from."""
        reads = self._machine.layout.reads
        self.reads |= {
            reads[address // PAGE] + address % PAGE
            for address, _, kind in record.bus
            if kind == VDA and reads[address // PAGE] >= 0
        }

    def _watch(self, record: Record) -> None:
        """Remark the reads of bytes that no block holds."""
        reads = self._machine.layout.reads
        for address, _, kind in record.bus:
            if kind == VDA | VPA:
                self._pc = address
            elif kind == VDA and reads[address // PAGE] >= ROM:
                offset = reads[address // PAGE] + address % PAGE
                if any(start <= offset < start + size for start, size in self._gaps):
                    self._machine.bus.look(self._pc, address)


def _check_registers(registers: Registers) -> None:
    for name, most in _WIDTHS.items():
        value = getattr(registers, name)
        if not 0 <= value <= most:
            raise CodeError(f"{name.upper()} = {value:#x} does not fit; give 0 to ${most:X}")


def _as_bytes(address: int, value: int | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    if not 0 <= value <= 0xFF:
        raise CodeError(f"{value:#x} at ${address:06X} is no byte; give 0 to $FF, or several bytes in order")
    return bytes((value,))


def _check_video(video: Mapping[str, bytes]) -> None:
    for name, data in video.items():
        if name not in SIZES:
            raise CodeError(f"no video memory named {name!r}; use {', '.join(SIZES)}")
        if len(data) != SIZES[name]:
            raise CodeError(f"{name} has {SIZES[name]:,} bytes, {len(data):,} were given; give all of them")


def _check_script(script: Script) -> None:
    if not all(0 <= buttons <= 0xFFFF for pad in script.joypads for buttons in pad):
        raise CodeError("the buttons of a joypad do not fit; give 0 to $FFFF for each frame")
    if not all(0 <= port <= 3 and 0 <= value <= 0xFF for port, value in script.apu):
        raise CodeError("an answer of the APU does not fit; give (port 0 to 3, value 0 to $FF)")
