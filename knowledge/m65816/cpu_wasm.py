"""The WebAssembly CPU: the prebuilt artifact run by wasmtime, its storage in linear memory shown without copies."""

import atexit
import ctypes
import functools
import struct
from array import array
from collections.abc import Callable, Collection, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from knowledge.m65816.cpu import (
    NEVER,
    POKES,
    STOPS,
    SWEPT,
    BusCycle,
    Code,
    CpuKind,
    CpuStop,
    Halt,
    Quiet,
    Record,
    Step,
    Sweep,
    SweepStart,
)
from knowledge.m65816.cpu_places import Places, check_starts, settle
from knowledge.m65816.memory import PAGE, PAGES, Io, Memory
from knowledge.m65816.outcome import CodeError
from knowledge.m65816.registers import Registers

if TYPE_CHECKING:
    import wasmtime

__all__ = ["ARTIFACT", "Unavailable", "WasmCpu"]

ARTIFACT = Path(__file__).parent / "cpu.wasm"

_CONTROL = struct.Struct("<qqq20i")
"""The head of the control block: clock, event, cycles; A X Y S D DB PC P E, pending, budget, left, why, journal, steps,
bus, telling, ranges, stops, storage. Behind them marks and sweeping."""
_OUT = struct.Struct("<q8xq9ii4xiiiii")
_TAIL = struct.Struct("<ii")
_EVENT = struct.Struct("<q")
_STEP = struct.Struct("<10iqq")
_CYCLE = struct.Struct("<Ii")
_START = struct.Struct(f"<10i{POKES}I")
_PADS = [(0,) * (POKES - count) for count in range(POKES + 1)]
_RANGES = 1024
_SLICE = 1024
"""Instructions of a recorded run, or starts of a sweep, in one call."""
_LONGEST = 1 << 30
"""Instructions of a run in one call, at most."""
_FULL = 8
"""Number of the stop that only says that the journal is full."""
_WASM_PAGE = 0x10000


class Unavailable(RuntimeError):
    """WebAssembly cannot run here; the text says why."""


class _Layout(NamedTuple):
    """Addresses in linear memory, in the order of `layout` in cpu_wasm.c."""

    control: int
    read_doors: int
    write_doors: int
    reads: int
    writes: int
    clocks: int
    range_from: int
    range_to: int
    stop_at: int
    journal: int
    steps: int
    bus: int
    starts: int
    results: int


@cache
def _module() -> "tuple[wasmtime.Engine, wasmtime.Module]":
    try:
        import wasmtime
    except (ImportError, OSError) as error:
        raise Unavailable(str(error)) from error
    try:
        engine = _configured(cached=True)
    except wasmtime.WasmtimeError:  # no folder to keep compiled code in
        engine = _configured(cached=False)
    atexit.register(_module.cache_clear)  # while wasmtime can still free it
    try:
        return engine, wasmtime.Module(engine, ARTIFACT.read_bytes())
    except (OSError, wasmtime.WasmtimeError) as error:
        raise Unavailable(str(error)) from error


def _configured(*, cached: bool) -> "wasmtime.Engine":
    import wasmtime

    config = wasmtime.Config()
    config.cache = cached
    return wasmtime.Engine(config)


class _Doors:
    """What the artifact calls. It keeps no hold on the store, which keeps hold on it for good."""

    def __init__(self) -> None:
        self.io: Io = Quiet()
        self.view = memoryview(bytearray(8))
        self.event = 0

    def read(self, address: int, clock: int, pc: int) -> int:
        value = self.io.read(address, clock, pc)
        _EVENT.pack_into(self.view, self.event, min(self.io.event, NEVER))
        return value

    def write(self, address: int, value: int, clock: int, pc: int) -> int:
        held = self.io.write(address, value, clock, pc)
        _EVENT.pack_into(self.view, self.event, min(self.io.event, NEVER))
        return held

    def poll(self, clock: int) -> int:
        pending = self.io.poll(clock)
        _EVENT.pack_into(self.view, self.event, min(self.io.event, NEVER))
        return pending

    def link(
        self, store: "wasmtime.Store", engine: "wasmtime.Engine", module: "wasmtime.Module"
    ) -> "wasmtime.Instance":
        """Return an instance whose imports are these."""
        import wasmtime

        linker = wasmtime.Linker(engine)
        i32, i64 = wasmtime.ValType.i32(), wasmtime.ValType.i64()
        doors: tuple[tuple[str, list[wasmtime.ValType], Callable[..., int]], ...] = (
            ("read", [i32, i64, i32], self.read),
            ("write", [i32, i32, i64, i32], self.write),
            ("poll", [i64], self.poll),
        )
        for name, takes, answer in doors:
            linker.define_func("host", name, wasmtime.FuncType(takes, [i32]), answer)
        return linker.instantiate(store, module)


@cache
def _linear(length: int) -> "type[ctypes.Array[ctypes.c_ubyte]]":
    """Return the type of linear memory as Python sees it, with room for the store that it keeps alive."""
    return type("Linear", (ctypes.c_ubyte * length,), {})


@functools.lru_cache(maxsize=64)
def _tables(at: int, reads: tuple[int, ...], writes: tuple[int, ...], clocks: tuple[int, ...]) -> tuple[bytes, ...]:
    """Return the page tables as the artifact keeps them, and for reads and writes what the loop looks up for a page:
    where its byte 0 would lie, and its clocks (0: not memory).

    Programs of one kind have the same tables, so that this is worked out once for all of them.
    """
    raw = [array("i", table).tobytes() for table in (reads, writes, clocks)]
    for table in (reads, writes):
        doors = array("I", bytes(8 * PAGES))
        doors[::2] = array("I", [(at + offset - page * PAGE) & 0xFFFFFFFF for page, offset in enumerate(table)])
        doors[1::2] = array("I", [c if offset >= 0 else 0 for offset, c in zip(table, clocks, strict=True)])
        raw.append(doors.tobytes())
    return tuple(raw)


_LAYOUTS: list[_Layout] = []


class WasmCpu:
    """The fast CPU. See `knowledge.m65816.cpu.Cpu` for its face."""

    kind: CpuKind = "wasm"

    def __init__(self, storage: int) -> None:
        engine, module = _module()
        import wasmtime

        self._doors = _Doors()
        try:
            self._store = wasmtime.Store(engine)
            exports = self._doors.link(self._store, engine, module).exports(self._store)
            self._linear = cast("wasmtime.Memory", exports["memory"])
            self._at, self._marks = self._grow(storage)
        except wasmtime.WasmtimeError as error:  # no room in the address space
            raise Unavailable(str(error)) from error
        length = self._linear.data_len(self._store)
        first = ctypes.addressof(self._linear.data_ptr(self._store).contents)
        self._doors.view = memoryview((ctypes.c_ubyte * length).from_address(first)).cast("B")
        kept = _linear(length).from_address(first)
        vars(kept)["store"] = self._store
        self._bytes = memoryview(kept).cast("B")
        self.memory = Memory(self._bytes[self._at : self._at + storage])
        names = ("layout", "prepare", "run", "record", "recover", "sweep")
        self._calls = {name: cast("wasmtime.Func", exports[name]) for name in names}
        self._layout = self._asked_layout()
        self._doors.event = self._layout.control + 8
        self._places = Places((), ())
        self._call("prepare")
        self.remap()

    def _grow(self, storage: int) -> tuple[int, int]:
        """Make room behind what the artifact uses; return the places of the storage and of its marks."""
        at = self._linear.data_len(self._store)
        needed = at + 2 * storage + PAGE
        self._linear.grow(self._store, (needed - at + _WASM_PAGE - 1) // _WASM_PAGE)
        return at, at + storage

    def _call(self, name: str, *given: int) -> int:
        return cast("int", self._calls[name](self._store, *given))

    def _asked_layout(self) -> _Layout:
        """Return where things lie, which is the same in all instances of the artifact."""
        if not _LAYOUTS:
            _LAYOUTS.append(_Layout(*(self._call("layout", number) for number in range(len(_Layout._fields)))))
        return _LAYOUTS[0]

    # The face.

    def _put(self, place: int, data: "array[int]") -> None:
        raw = data.tobytes()
        self._bytes[place : place + len(raw)] = raw

    def remap(self) -> None:
        """See `Cpu.remap`."""
        memory, layout = self.memory, self._layout
        tables = _tables(self._at, tuple(memory.reads), tuple(memory.writes), tuple(memory.clocks))
        places = (layout.reads, layout.writes, layout.clocks, layout.read_doors, layout.write_doors)
        for place, raw in zip(places, tables, strict=True):
            self._bytes[place : place + len(raw)] = raw

    def _prepare(self, io: Io, code: Code, stops: Collection[int]) -> None:
        self._doors.io = io
        if self._places.same(code, stops):
            return
        self._places = Places(code, stops)
        ranges, ends = self._places.ranges, sorted(self._places.stops)
        if len(ranges) > _RANGES or len(ends) > _RANGES:
            raise CodeError(f"{len(ranges)} ranges of code and {len(ends)} stops; at most {_RANGES} of each")
        self._put(self._layout.range_from, array("i", [start for start, _ in ranges]))
        self._put(self._layout.range_to, array("i", [end for _, end in ranges]))
        self._put(self._layout.stop_at, array("i", ends))

    def _set(self, own: Registers, budget: int, clock: int, pending: int, *, telling: bool) -> None:
        pc = own.pb << 16 | own.pc
        state = (own.a, own.x, own.y, own.s, own.d, own.db, pc, own.p, own.e, pending, budget, 0, 0)
        counts = (0, 0, 0, int(telling), len(self._places.ranges), len(self._places.stops), self._at)
        event = min(self._doors.io.event, NEVER)
        _CONTROL.pack_into(self._bytes, self._layout.control, clock, event, 0, *state, *counts)
        _TAIL.pack_into(self._bytes, self._layout.control + _CONTROL.size, self._marks, 0)

    def _slice(
        self, name: str, own: Registers, budget: int, clock: int, pending: int, *, telling: bool = False
    ) -> Halt:
        """Run one slice; `stop` is `budget` also when the journal is full."""
        self._set(own, budget, clock, pending, telling=telling)
        try:
            self._calls[name](self._store)
        except BaseException:
            self._call("recover")
            raise
        out = _CONTROL.unpack_from(self._bytes, self._layout.control)
        journal = self._layout.journal
        written = tuple(self._bytes[journal : journal + 4 * out[16]].cast("I"))
        clock, _, cycles, a, x, y, s, d, db, pc, p, e, pending, _, left, why = out[:16]
        registers = Registers(a, x, y, s, d, db, pc >> 16, pc & 0xFFFF, p, e)
        stop: CpuStop = "budget" if why == _FULL else STOPS[cast("int", why)]
        return Halt(registers, stop, budget - left, cycles, clock, written, pending)

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
        self._prepare(io, code, stops)
        halt = self._slice("run", settle(registers), min(max(budget, 0), _LONGEST), clock, pending)
        while halt.stop == "budget" and halt.instructions < budget:
            count = min(budget - halt.instructions, _LONGEST)
            more = self._slice("run", halt.registers, count, halt.clock, halt.pending)
            halt = _joined(halt, more)
        return halt

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
        self._prepare(io, code, stops)
        halt = Halt(settle(registers), "budget", 0, 0, clock, (), pending)
        steps: list[Step] = []
        cycles: list[BusCycle] = []
        first = True
        while first or (halt.stop == "budget" and halt.instructions < budget):
            count = max(0, min(_SLICE, budget - halt.instructions))
            more = self._slice("record", halt.registers, count, halt.clock, halt.pending, telling=bus)
            self._tell(steps, cycles, halt.cycles)
            halt, first = _joined(halt, more), False
        return Record(halt, tuple(steps), tuple(cycles))

    def _tell(self, steps: list[Step], cycles: list[BusCycle], before: int) -> None:
        """Add what a recorded slice left in its buffers."""
        out = _CONTROL.unpack_from(self._bytes, self._layout.control)
        at = self._layout.steps
        for row in _STEP.iter_unpack(self._bytes[at : at + out[17] * _STEP.size]):
            a, x, y, s, d, db, pc, p, e, _, spent, clock = row
            steps.append(Step(Registers(a, x, y, s, d, db, pc >> 16, pc & 0xFFFF, p, e), before + spent, clock))
        at = self._layout.bus
        for place, value in _CYCLE.iter_unpack(self._bytes[at : at + out[18] * _CYCLE.size]):
            cycles.append(BusCycle(place & 0xFFFFFF, value, place >> 24))

    def sweep(
        self, starts: Sequence[SweepStart], *, budget: int, code: Code, stops: Collection[int] = (), clock: int = 0
    ) -> Sweep:
        """See `Cpu.sweep`."""
        check_starts(starts, self.memory)
        self._prepare(Quiet(), code, stops)
        self._set(Registers(), 0, clock, 0, telling=False)
        out: list[bytes] = []
        for first in range(0, len(starts), _SLICE):
            part = starts[first : first + _SLICE]
            raw = b"".join(map(_packed, part))
            self._bytes[self._layout.starts : self._layout.starts + len(raw)] = raw
            self._call("sweep", len(part), budget, clock)
            at = self._layout.results
            out.append(bytes(self._bytes[at : at + len(part) * SWEPT.size]))
        return Sweep(b"".join(out))


def _packed(start: SweepStart) -> bytes:
    """Return a start as the artifact takes it; it settles the registers itself."""
    r, pokes = start
    state = (r.a & 0xFFFF, r.x & 0xFFFF, r.y & 0xFFFF, r.s & 0xFFFF, r.d & 0xFFFF, r.db & 0xFF)
    place = (r.pb & 0xFF) << 16 | r.pc & 0xFFFF
    words = [value << 24 | address for address, value in pokes]
    return _START.pack(*state, place, r.p & 0xFF, r.e & 1, len(words), *words, *_PADS[len(words)])


def _joined(halt: Halt, more: Halt) -> Halt:
    written = tuple(dict.fromkeys(halt.written + more.written)) if halt.written else more.written
    instructions, cycles = halt.instructions + more.instructions, halt.cycles + more.cycles
    return Halt(more.registers, more.stop, instructions, cycles, more.clock, written, more.pending)
