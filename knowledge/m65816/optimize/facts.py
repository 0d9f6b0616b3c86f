"""What holds before each line of a program, as terms: values followed forward along all ways until nothing changes."""

from dataclasses import dataclass

from knowledge.m65816.opcodes import BRANCHES, effects
from knowledge.m65816.optimize.graph import Graph
from knowledge.m65816.optimize.line import UNKNOWN, Line
from knowledge.m65816.optimize.ranges import ranges
from knowledge.m65816.optimize.state import ANYWHERE, NAMES, Key, Place, State, Stored
from knowledge.m65816.optimize.step import Opaque, step
from knowledge.m65816.optimize.terms import Terms
from schemas.contract import Contract

__all__ = ["Facts", "halves", "states"]

_BOTH = {"X": ("X", "XH"), "Y": ("Y", "YH"), "D": ("D", "DH")}
_LIMIT = 60
"""Visits of one line after which its state is left as unknown."""


def halves(names: frozenset[str]) -> frozenset[str]:
    """Return register names by byte: X stands for X and XH."""
    return frozenset(half for name in names for half in _BOTH.get(name, (name,)))


@dataclass(frozen=True)
class Facts:
    """The state before each line; None for a line that is never reached."""

    before: tuple[State | None, ...]
    known: frozenset[tuple[int, int]]
    """The bytes of memory that the program names by their addresses."""


def _unknown(terms: Terms, key: Key, reason: int) -> int:
    if isinstance(key, str):
        return terms.make("after", reason, key, bits=1 if key in "nvzcdi" else 0xFF)
    return terms.make("after", reason, *key)


def start_state(terms: Terms, contract: Contract, known: frozenset[tuple[int, int]]) -> State:
    """Return the state at the entry."""
    state = State(terms, m=contract.m, x=contract.x)
    if contract.d is not None:
        state.env["D"], state.env["DH"] = contract.d & 0xFF, contract.d >> 8
    if contract.db is not None:
        state.env["DB"] = contract.db
    if contract.decimal is not None:
        state.env["d"] = int(contract.decimal)
    if contract.x:
        state.env["XH"] = state.env["YH"] = 0
    for key in known:
        state.env.setdefault(key, state.get(key))
    return state


def _opaque_after(state: State, line: Line, names: frozenset[str]) -> State:
    """Return the state behind something that is not described: all of `names` and all memory unknown."""
    after = state.copy()
    reason = state.terms.make("line", line.key)
    for name in names:
        after.env[name] = _unknown(state.terms, name, reason)
    after.forget_memory(state.terms.make("after", reason))
    after.env = {key: value for key, value in after.env.items() if isinstance(key, str) or names != frozenset(NAMES)}
    if line.opcode.access != "call":
        after.stack, after.depth = reason, 0
    return after


class _Solver:
    def __init__(self, graph: Graph, terms: Terms, contract: Contract, known: frozenset[tuple[int, int]]) -> None:
        self.graph, self.terms = graph, terms
        self.before: list[State | None] = [None] * len(graph.lines)
        self.visits = [0] * len(graph.lines)
        self.ways: list[dict[int, State]] = [{} for _ in graph.lines]
        self.left = list[int]()
        self.ranges = ranges(graph)
        self._arrive(-1, graph.entry, start_state(terms, contract, known))

    def solve(self) -> None:
        while self.left:
            number = self.left.pop()
            state = self.before[number]
            if state is not None:
                self._pass(number, state)

    def _pass(self, number: int, state: State) -> None:
        line, ways = self.graph.lines[number], self.graph.successors[number]
        if line.opcode.access == "call":
            self._call(number, line, state)
            return
        after = state.copy()
        after.events = self.terms.make("line", line.key)
        try:
            step(after, line)
        except Opaque:
            after = _opaque_after(state, line, _changes(line))
            after = self._widths(after, ways)
        if BRANCHES.get(line.name):
            self._fork(number, line, after)
            return
        for target in ways:
            self._arrive(number, target, after)

    def _widths(self, after: State, ways: tuple[int, ...]) -> State:
        if ways:
            after.m, after.x = self.graph.lines[ways[0]].m, self.graph.lines[ways[0]].x
        return after

    def _call(self, number: int, line: Line, state: State) -> None:
        names = frozenset(NAMES)
        target = None if line.aim is None else self.graph.index[line.aim]
        if target is not None:
            names = self._clobbers(target, set())
            inside = state.copy()
            inside.stack, inside.depth = self.terms.make("routine", target), 0
            inside.env = {key: value for key, value in inside.env.items() if isinstance(key, str) or key[0] != 1}
            self._arrive(number, target, inside)
        for behind in self.graph.successors[number]:
            after = _opaque_after(state, line, names)
            self._arrive(number, behind, self._widths(after, (behind,)))

    def _clobbers(self, target: int, seen: set[int]) -> frozenset[str]:
        seen.add(target)
        names: set[str] = set()
        for number in self.graph.bodies[target]:
            line = self.graph.lines[number]
            names |= _changes(line)
            if line.opcode.access == "call" and (line.aim is None or self.graph.index[line.aim] not in seen):
                names |= set(NAMES) if line.aim is None else self._clobbers(self.graph.index[line.aim], seen)
        return frozenset(names)

    def _fork(self, number: int, line: Line, after: State) -> None:
        node = self.terms.node(after.events)
        taken = int(node[3]) if node[0] == "event" and node[2] == "branch" else None
        aim = None if line.aim is None else self.graph.index[line.aim]
        for target in self.graph.successors[number]:
            if taken is None or taken >= 256:
                way = after if taken is None or aim == number + 1 else _refined(after, taken, int(target == aim))
                self._arrive(number, target, way)
            elif (target == aim) == bool(taken) or aim == number + 1:
                self._arrive(number, target, after)

    def _arrive(self, source: int, target: int, state: State) -> None:
        ways = self.ways[target]
        ways[source] = state
        self.visits[target] += 1
        joined = _joined(list(ways.values()), self.graph.lines[target].key, give_up=self.visits[target] > _LIMIT)
        for name, bits in self.ranges.get(target, {}).items():
            if joined.get(name) >= 256:
                joined.env[name] = self.terms.make("counter", self.graph.lines[target].key, name, bits=bits)
        if self.graph.lines[target].m == UNKNOWN:
            joined.m = UNKNOWN
        old = self.before[target]
        if old is None or not _equal(old, joined):
            self.before[target] = joined
            self.left.append(target)


def _changes(line: Line) -> frozenset[str]:
    names = halves(effects(line.opcode, line.m, line.x, operand=line.operand).writes) & frozenset(NAMES)
    if line.name in ("XCE", "TCS", "TXS", "RTI", "BRK", "COP", "WAI", "STP"):
        return frozenset(NAMES)
    return names


def _refined(state: State, flag: int, value: int) -> State:
    """Return the state on a way that is only taken when a flag has a value."""
    terms, found = state.terms, {flag: value, state.terms.opposite(flag): 1 - value}
    kind, *parts = terms.node(flag)
    if kind == "opposite":
        kind, *parts = terms.node(int(parts[0]))
        value = 1 - value
    if value and kind == "same" and int(parts[0]) < 256:
        found[int(parts[1])] = int(parts[0])
    elif value and kind == "zero":
        found |= dict.fromkeys((int(part) for part in parts), 0)
    after = state.copy()
    after.env = {key: found.get(term, term) for key, term in state.env.items()}
    return after


def _equal(one: State, two: State) -> bool:
    return (one.env, one.stores, one.stack, one.depth) == (two.env, two.stores, two.stack, two.depth)


def _joined(ways: list[State], line: int, *, give_up: bool) -> State:
    """Return what holds on all ways."""
    first = ways[0]
    joined, terms = first.copy(), first.terms
    joined.events = 0
    if all(_equal(first, way) for way in ways[1:]) and not give_up:
        return joined
    if give_up or any(way.stores != first.stores for way in ways):
        number = terms.make("join", line)
        joined.stores = (Stored(number, Place(ANYWHERE, 0, by=(number,)), 0),)
    framed = all((way.stack, way.depth) == (first.stack, first.depth) for way in ways)
    if not framed:
        joined.stack, joined.depth = terms.make("frame", line), 0
    joined.env = {}
    alike: dict[tuple[int, ...], Key] = {}
    for key in sorted({key for way in ways for key in way.env}, key=_rank):
        if framed or isinstance(key, str) or key[0] != 1:
            values = [way.get(key) for way in ways]
            first_key = key if give_up else alike.setdefault((_is_flag(key), *values), key)
            joined.env[key] = _value(values, terms, line, first_key, give_up=give_up)
    return joined


def _rank(key: Key) -> tuple[int, int, str]:
    return (0, 0, key) if isinstance(key, str) else (*key, "")


def _is_flag(key: Key) -> bool:
    return isinstance(key, str) and key in "nvzcdi"


def _value(values: list[int], terms: Terms, line: int, key: Key, *, give_up: bool) -> int:
    if not give_up and all(value == values[0] for value in values):
        return values[0]
    parts = (key,) if isinstance(key, str) else key
    return terms.make("either", line, *parts, bits=1 if _is_flag(key) else 0xFF)


def states(graph: Graph, terms: Terms, contract: Contract) -> Facts:
    """Return what holds before each line, for every start that the contract allows."""
    first = _Solver(graph, terms, contract, frozenset())
    first.solve()
    seen = {key for state in first.before if state is not None for key in state.env}
    known = frozenset(key for key in seen if not isinstance(key, str) and key[0] == 0)
    solver = _Solver(graph, terms, contract, known)
    solver.solve()
    return Facts(tuple(solver.before), known)
