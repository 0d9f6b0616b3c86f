"""What may still be read behind each line: registers and flags that are live, and bytes of memory that are dead."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from knowledge.m65816.opcodes import Mode, effects
from knowledge.m65816.optimize.facts import Facts, halves
from knowledge.m65816.optimize.graph import Graph
from knowledge.m65816.optimize.line import Line
from knowledge.m65816.optimize.place import places, reads_pointer
from knowledge.m65816.optimize.state import ANYWHERE, NAMES, Place, State, overlap
from knowledge.m65816.optimize.step import TRIGGERS, is_opaque
from knowledge.snes.addresses import fold
from schemas.contract import Contract

__all__ = ["EVERYTHING", "Live", "Liveness", "liveness"]


class Live(NamedTuple):
    """What matters at one point."""

    names: frozenset[str]
    """Registers by byte and flags that may be read."""
    dead: frozenset[tuple[int, int]]
    """Bytes of memory that are written before they are read, or that the contract calls dead."""


EVERYTHING = Live(frozenset(NAMES), frozenset())


@dataclass(frozen=True)
class _Touch:
    """What one line reads and writes."""

    reads: frozenset[str]
    writes: frozenset[str]
    loads: tuple[Place, ...]
    stores: frozenset[tuple[int, int]]
    opaque: bool = False


_OPAQUE = _Touch(frozenset(NAMES), frozenset(), (), frozenset(), opaque=True)


def _size(line: Line) -> int:
    return {"m": 2 - line.m, "x": 2 - line.x, "16": 2}.get(line.opcode.width, 1)


def _touch(line: Line, state: State | None) -> _Touch:
    reads, writes = effects(line.opcode, line.m, line.x, operand=line.operand)
    names = frozenset(NAMES)
    if line.opcode.access in ("call", "return", "jump"):
        return _Touch(halves(reads) & names, frozenset(), (), frozenset())
    if is_opaque(line) or state is None:
        return _OPAQUE
    loads: list[Place] = []
    stores: set[tuple[int, int]] = set()
    access = line.opcode.access
    if (access in ("read", "write", "modify") and not line.opcode.mode.startswith("immediate")) or line.name == "PEI":
        where = places(state.copy(), line, _size(line))
        if where is None:
            return _OPAQUE
        if access != "write":
            loads += where
        if access in ("write", "modify"):
            stores |= {
                (0, place.address) for place in where if place.space == 0 and not place.by and not place.volatile
            }
        loads += _pointer(line, state)
        if any(place.volatile and (place.by or place.address in TRIGGERS) for place in where):
            loads.append(Place(ANYWHERE, 0))
    read = halves(reads)
    return _Touch(read & names, halves(writes) & names, tuple(loads), frozenset(stores))


def _pointer(line: Line, state: State) -> Sequence[Place]:
    size = reads_pointer(line)
    if not size:
        return ()
    mode: Mode = "direct_x" if line.opcode.mode == "direct_x_indirect" else "direct"
    row = line.opcode._replace(mode=mode)
    return places(state.copy(), line._replace(opcode=row), size) or ()


def _before(after: Live, touch: _Touch) -> Live:
    if touch.opaque:
        return EVERYTHING
    dead = after.dead | touch.stores
    if dead and touch.loads:
        dead = frozenset(key for key in dead if not any(overlap(Place(*key), place) for place in touch.loads))
    return Live((after.names - touch.writes) | touch.reads, dead)


def _at_exit(contract: Contract, universe: frozenset[tuple[int, int]]) -> Live:
    dead: set[tuple[int, int]] = set()
    spans = [(fold(span.start), fold(span.end)) for span in contract.memory_clobbers]
    for key in universe:
        if key[0] == 0 and any(low <= key[1] <= high for low, high in spans):
            dead.add(key)
    live = {name for name in ("A", "B", "X", "Y", "D", "DB", *"nvzcdi") if name not in contract.clobbers}
    return Live(halves(frozenset(live)), frozenset(dead))


class Liveness(NamedTuple):
    """What matters before and behind each line."""

    before: tuple[Live, ...]
    after: tuple[Live, ...]


def liveness(graph: Graph, facts: Facts, contract: Contract) -> Liveness:
    """Return what may still be read at each line."""
    touches = [_touch(line, state) for line, state in zip(graph.lines, facts.before, strict=True)]
    universe = frozenset[tuple[int, int]](key for touch in touches for key in touch.stores) | facts.known
    at_exit = _at_exit(contract, universe)
    nothing = Live(frozenset(), universe)
    after = [nothing] * len(graph.lines)
    before = [nothing] * len(graph.lines)
    changed = True
    while changed:
        changed = False
        for number in reversed(range(len(graph.lines))):
            found = _meet(graph, number, before, at_exit, nothing)
            after[number] = found
            entry = _before(found, touches[number])
            if entry != before[number]:
                before[number], changed = entry, True
    return Liveness(tuple(before), tuple(after))


def _meet(graph: Graph, number: int, before: list[Live], at_exit: Live, nothing: Live) -> Live:
    line = graph.lines[number]
    ways: list[Live] = []
    if line.opcode.access == "return":
        ways = [before[target] for target in graph.returns[number]]
        if number in graph.exits:
            ways.append(at_exit)
    elif line.opcode.access == "call":
        ways = [before[graph.index[line.aim]]] if line.aim is not None else [EVERYTHING]
    else:
        ways = [before[target] for target in graph.successors[number]]
        if not ways or (line.opcode.access == "jump" and line.aim is None):
            ways = [EVERYTHING]
    if not ways:
        return nothing
    names = frozenset[str]().union(*(way.names for way in ways))
    dead = ways[0].dead
    for way in ways[1:]:
        dead &= way.dead
    return Live(names, dead)
