"""The Python CPU: the generated loop, the code it has decoded, and the doors to all that is not plain memory."""

import functools
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from knowledge.m65816.cpu import (
    ABORT,
    IRQ,
    NEVER,
    NMI,
    RESET,
    STOPS,
    SWEPT,
    WRITES,
    BusCycle,
    Code,
    CpuKind,
    Halt,
    Quiet,
    Record,
    Step,
    Sweep,
    SweepStart,
)
from knowledge.m65816.cpu_places import Places, check_starts, settle
from knowledge.m65816.cpu_python import HALTED, IDS, OPERATIONS, run
from knowledge.m65816.memory import HARDWARE, PAGE, PAGES, Io, Memory
from knowledge.m65816.registers import Registers

__all__ = ["WAIT_POLLS", "Entry", "PythonCpu"]

Entry = tuple[int, int, int, int, int]
"""A decoded instruction: number of the operation, operand, next PC, clocks charged first, cycles."""

WAIT_POLLS = 10_000
"""How often a WAI polls before it is said to wait for nothing."""

_LENGTHS = {st: tuple(OPERATIONS[number][0] for number in row) for st, row in IDS.items()}
_SPANS = 64
"""Pages of writable storage with decoded code that are looked after; with more, decoding starts anew."""
_BRANCHES = frozenset((0x10, 0x30, 0x50, 0x70, 0x80, 0x90, 0xB0, 0xD0, 0xF0))
_LONG_BRANCHES = frozenset((0x82, 0x62))
_PRIORITY = ((RESET, 4), (ABORT, 3), (NMI, 1))


class _Touched(Exception):  # no error: a sweep met hardware
    """A run of a sweep asked for hardware."""


class _Doors(NamedTuple):
    """A page table as the loop looks it up."""

    pages: tuple[tuple[int, int], ...]
    """Where byte 0 of the address space would lie, and the clocks; (0, 0): not memory."""
    mirrors: Mapping[int, Sequence[int]]
    """The pages that show a part of the storage, by its offset."""


@functools.lru_cache(maxsize=64)
def _doors(table: tuple[int, ...], clocks: tuple[int, ...]) -> _Doors:
    """Work a page table out. Programs of one kind have the same ones, so that this is done once for all of them."""
    rows = ((n, offset, g) for n, offset, g in zip(range(PAGES), table, clocks, strict=True))
    pages = tuple((offset - n * PAGE, g) if offset >= 0 and g else (0, 0) for n, offset, g in rows)
    mirrors: dict[int, list[int]] = {}
    for page, offset in enumerate(table):
        if offset >= 0:
            mirrors.setdefault(offset, []).append(page)
    return _Doors(pages, mirrors)


class PythonCpu:
    """The reference CPU. See `knowledge.m65816.cpu.Cpu` for its face."""

    kind: CpuKind = "python"

    def __init__(self, storage: int) -> None:
        self.mem = bytearray(storage)
        self.memory = Memory(memoryview(self.mem))
        self.rp: list[tuple[int, int]] = []
        """By page: what to add to an address to get the place in `mem`, clocks; (0, 0): ask `r8`."""
        self.wp: list[tuple[int, int]] = []
        self.journal: dict[int, int] = {}
        """Last value by offset of the storage, of all that the run wrote."""
        self.caches: list[dict[int, Entry]] = [{} for _ in range(16)]
        """By state (8: DL is not 0): decoded instructions by PC."""
        self.event = 0
        self.why = self.left = self.cycles = self.clock = 0
        self._io: Io = Quiet()
        self._pending = 0
        self._places = Places((), ())
        self._coded: dict[int, list[tuple[dict[int, Entry], int]]] = {}
        """Decoded instructions that lie on a byte of writable storage, by its offset."""
        self._spans: dict[int, tuple[int, int]] = {}
        """First and last coded offset by page of the storage."""
        self._shown: dict[int, bytes] = {}
        """What lay in each span when the last run ended."""
        self._mirrors: Mapping[int, Sequence[int]] = {}
        self._writes: list[tuple[int, int]] | None = None
        self._undo: dict[int, int] = {}
        self._steps: list[Step] = []
        self._bus: list[BusCycle] | None = None
        self.remap()

    def remap(self) -> None:
        """See `Cpu.remap`."""
        memory = self.memory
        clocks = tuple(memory.clocks)
        self.rp[:] = _doors(tuple(memory.reads), clocks).pages
        self.wp[:], self._mirrors = _doors(tuple(memory.writes), clocks)
        self._forget()

    def _forget(self) -> None:
        for cache in self.caches:
            cache.clear()
        self._coded.clear()
        self._spans.clear()
        self._shown.clear()

    # What the loop calls.

    def decode(self, pc: int, st: int) -> Entry:
        """Return the instruction at an address in a state, and keep it; or the entry that ends the run."""
        if reason := self._places.reason(pc):
            return HALTED, STOPS.index(reason), pc, 0, 0
        offset = self.memory.reads[pc >> 13]
        if offset == HARDWARE:
            return HALTED, 2, pc, 0, 0
        opcode = self.mem[offset + (pc & 0x1FFF)]
        number = IDS[st & 7][opcode]
        length, lead, cycles, deep, fetches = OPERATIONS[number]
        operand, clocks, offsets = self._fetch(pc, length, fetches)
        if operand < 0:
            return HALTED, 2, pc, 0, 0
        nx = pc & 0xFF0000 | pc + length & 0xFFFF
        if opcode in _BRANCHES:
            operand = pc & 0xFF0000 | nx + (operand ^ 0x80) - 0x80 & 0xFFFF
        elif opcode in _LONG_BRANCHES:
            operand = pc & 0xFF0000 | nx + operand & 0xFFFF
        deep &= st >> 3
        entry = (number, operand, nx, clocks + 6 * (lead + deep), cycles + deep)
        cache = self.caches[st]
        cache[pc] = entry
        if offsets:
            self._watch(cache, pc, offsets)
        return entry

    def _fetch(self, pc: int, length: int, fetches: int) -> tuple[int, int, list[int]]:
        """Return operand (-1: outside the code, or no plain memory), clocks, offsets that can be written."""
        memory, operand, clocks = self.memory, 0, 0
        offsets: list[int] = []
        for number in range(length):
            address = pc & 0xFF0000 | pc + number & 0xFFFF
            page = address >> 13
            offset = memory.reads[page]
            if offset == HARDWARE or not self._places.inside(address):
                return -1, 0, []
            if number < fetches:
                clocks += memory.clocks[page] or _slow(address)
            offset += address & 0x1FFF
            if number:
                operand |= self.mem[offset] << 8 * (number - 1)
            if memory.reads[page] in self._mirrors:
                offsets.append(offset)
        return operand, clocks, offsets

    def _watch(self, cache: dict[int, Entry], pc: int, offsets: list[int]) -> None:
        """Remember where a decoded instruction lies in writable memory, and let writes there take the slow door."""
        for offset in offsets:
            self._coded.setdefault(offset, []).append((cache, pc))
            block = offset & ~0x1FFF
            if block not in self._spans:
                for page in self._mirrors.get(block, ()):
                    self.wp[page] = (0, 0)
            low, high = self._spans.get(block, (offset, offset))
            self._spans[block] = min(low, offset), max(high, offset)

    def _drop(self, offset: int) -> None:
        for cache, pc in self._coded.pop(offset, ()):
            cache.pop(pc, None)

    def _drop_all(self) -> None:
        for offset in list(self._coded):
            self._drop(offset)

    def enter(self, number: int, pc: int, st: int) -> Entry:
        """Return the entry of an interrupt: 1 NMI, 2 IRQ, 3 ABORT, 4 RESET."""
        operation = IDS[st & 7][255 + number]
        _, lead, cycles, *_ = OPERATIONS[operation]
        return operation, 0, pc, (self.memory.clocks[pc >> 13] or _slow(pc)) + 6 * lead, cycles

    def attend(self, clock: int, masked: int) -> int:
        """Poll if it is time; return the interrupt to take now, 0 for none, and set `event`."""
        if clock >= self._io.event:
            self._pending = self._pending & ~IRQ | self._io.poll(clock)
        taken = 0
        for bit, number in _PRIORITY:
            if self._pending & bit:
                self._pending &= ~bit
                taken = number
                break
        else:
            if self._pending & IRQ and not masked:
                taken = 2
        self.event = 0 if self._pending else self._io.event
        return taken

    def wait(self, clock: int) -> int:
        """Return the clocks until something is pending, in whole cycles; -1 when nothing is to come."""
        start = clock
        for _ in range(WAIT_POLLS):
            if self._pending:
                return clock - start
            event = self._io.event
            if event >= NEVER:
                return -1
            clock += max(1, (event - clock + 5) // 6) * 6
            self._pending = self._pending & ~IRQ | self._io.poll(clock)
        return -1

    def lost(self, pc: int) -> bool:
        """Return whether an address is neither code nor a stop."""
        return self._places.reason(pc) in ("outside", "end")

    def r8(self, address: int, clock: int, pc: int) -> int:
        """Read a byte through the slow door: value, clocks << 8."""
        page = address >> 13
        cost = self.memory.clocks[page] or _slow(address)
        offset = self.memory.reads[page]
        if offset != HARDWARE:
            return self.mem[offset + (address & 0x1FFF)] | cost << 8
        if self._writes is not None:
            raise _Touched
        return self._io.read(address, clock, pc) & 0xFF | cost << 8

    def r16(self, first: int, second: int, clock: int, pc: int) -> int:
        """Read two bytes through the slow door: value, clocks << 16."""
        low = self.r8(first, clock, pc)
        high = self.r8(second, clock + (low >> 8), pc)
        return low & 0xFF | (high & 0xFF) << 8 | (low >> 8) + (high >> 8) << 16

    def w8(self, address: int, value: int, clock: int, pc: int) -> int:
        """Write a byte through the slow door; return the clocks."""
        page = address >> 13
        cost = self.memory.clocks[page] or _slow(address)
        offset = self.memory.writes[page]
        if offset == HARDWARE:
            if self._writes is not None:
                raise _Touched
            held = self._io.write(address, value, clock, pc)
            if self._coded:
                self._drop_all()
            return cost + held
        offset += address & 0x1FFF
        if self._writes is not None:
            self._writes.append((address, value))
            self._undo.setdefault(offset, self.mem[offset])
        self.journal[offset] = self.mem[offset] = value
        if offset in self._coded:
            self._drop(offset)
        return cost

    def w16(self, first: int, second: int, one: int, two: int, clock: int, pc: int) -> int:
        """Write two bytes through the slow door in the order given; return the clocks."""
        cost = self.w8(first, one, clock, pc)
        return cost + self.w8(second, two, clock + cost, pc)

    def fetched(self, pc: int, number: int) -> None:
        """Tell the fetch of byte `number` of the instruction at `pc`."""
        if self._bus is None:
            return
        address = pc & 0xFF0000 | pc + number & 0xFFFF
        offset = self.memory.reads[address >> 13]
        value = 0 if offset == HARDWARE else self.mem[offset + (address & 0x1FFF)]
        self._bus.append(BusCycle(address, value, 2 if number else 3))

    def seen(self, address: int, value: int, kind: int) -> None:
        """Tell a cycle of the bus."""
        if self._bus is not None:
            self._bus.append(BusCycle(address & 0xFFFFFF, value, kind))

    def note(
        self, a: int, x: int, y: int, s: int, d: int, db: int, pc: int, p: int, st: int, cycles: int, clock: int
    ) -> None:
        """Tell the state before an instruction."""
        registers = Registers(a, x, y, s, d, db, pc >> 16, pc & 0xFFFF, p, st >> 2 & 1)
        self._steps.append(Step(registers, cycles, clock))

    # The face.

    def _prepare(self, io: Io, code: Code, stops: Collection[int], pending: int) -> None:
        self._io, self._pending = io, pending
        if not self._places.same(code, stops):
            self._places = Places(code, stops)
            self._forget()
        elif len(self._spans) > _SPANS:
            self.remap()
        elif self._shown:
            for block, (low, high) in self._spans.items():
                if self._shown.get(block) != bytes(self.mem[low : high + 1]):
                    for offset in [offset for offset in self._coded if low <= offset <= high]:
                        self._drop(offset)
        self.journal = {}

    def _keep(self) -> None:
        self._shown = {block: bytes(self.mem[low : high + 1]) for block, (low, high) in self._spans.items()}

    def _halt(self, registers: Registers, budget: int) -> Halt:
        self._keep()
        executed = budget - self.left
        written = tuple(self.journal)
        return Halt(registers, STOPS[self.why], executed, self.cycles, self.clock, written, self._pending)

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
        """See `Cpu.run`."""
        self._prepare(io, code, stops, pending)
        own = settle(registers)
        run(self, own, max(budget, 0), clock)
        return self._halt(own, max(budget, 0))

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
        """See `Cpu.record`."""
        from knowledge.m65816 import cpu_python_recorded

        self._prepare(io, code, stops, pending)
        self._steps, self._bus = [], [] if bus else None
        own = settle(registers)
        cpu_python_recorded.run(self, own, max(budget, 0), clock)
        return Record(self._halt(own, max(budget, 0)), tuple(self._steps), tuple(self._bus or ()))

    def sweep(
        self, starts: Sequence[SweepStart], *, budget: int, code: Code, stops: Collection[int] = (), clock: int = 0
    ) -> Sweep:
        """See `Cpu.sweep`."""
        check_starts(starts, self.memory)
        self._prepare(_QUIET, code, stops, 0)
        kept, self.wp = self.wp, [(0, 0)] * PAGES
        out: list[bytes] = []
        try:
            for start in starts:
                out.append(self._one(start, budget, clock))
        finally:
            self.wp, self._writes = kept, None
            for block in self._spans:
                for page in self._mirrors.get(block, ()):
                    self.wp[page] = (0, 0)
        self._keep()
        return Sweep(b"".join(out))

    def _one(self, start: SweepStart, budget: int, clock: int) -> bytes:
        self._writes, self._undo, self._pending = [], {}, 0
        own = settle(start.registers)
        try:
            for address, value in start.pokes:
                self.w8(address, value, 0, 0)
            self._writes = []
            run(self, own, budget, clock)
        except _Touched:
            return _VOID
        finally:
            for offset, old in self._undo.items():
                if self.mem[offset] != old:
                    self.mem[offset] = old
                    self._drop(offset)
        words = [value << 24 | address for address, value in self._writes[:WRITES]]
        head = (own.a, own.x, own.y, own.s, own.d, own.pc, own.db, own.pb, own.p, own.e, self.why, len(words))
        spent = (budget - self.left, self.cycles, self.clock - clock)
        return SWEPT.pack(*head, len(self._writes) > WRITES, 0, *spent, *words, *[0] * (WRITES - len(words)))


_QUIET = Quiet()
_VOID = SWEPT.pack(*[0] * 10, STOPS.index("io"), *[0] * (6 + WRITES))


def _slow(address: int) -> int:
    """Return the clocks of an access to a page whose time is 0: the old joypad registers are slow."""
    return 12 if 0x4000 <= address & 0xFFFF < 0x4200 else 6
