"""Rewrites within straight-line code: lines left out or exchanged, where terms show that nothing live changes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from knowledge.m65816.optimize.cost import clocks_of
from knowledge.m65816.optimize.facts import Facts
from knowledge.m65816.optimize.graph import Graph
from knowledge.m65816.optimize.line import Line
from knowledge.m65816.optimize.liveness import Live
from knowledge.m65816.optimize.state import Key, State
from knowledge.m65816.optimize.step import Opaque, is_opaque, step
from knowledge.m65816.optimize.variants import variants

__all__ = ["Edit", "View", "agree", "at_line", "local_edits"]

DEPTH = 12
"""Lines that one rewrite may span."""


class Edit(NamedTuple):
    """Lines `start` up to but not with `end` replaced by others."""

    start: int
    end: int
    lines: tuple[Line, ...]
    rule: str
    why: str
    gain: float = 0.0
    """What it saves besides what the lines' costs show, as they are counted there: passes of a loop."""


@dataclass(frozen=True)
class View:
    """A program with all that is known about it."""

    graph: Graph
    facts: Facts
    live: tuple[Live, ...]
    """What matters behind each line."""
    needed: tuple[Live, ...]
    """What matters before each line."""
    clobbers: frozenset[str]
    """Registers and flags that are dead at the end."""

    @property
    def timed(self) -> bool:
        """Whether it touches hardware, so that time between two accesses may matter."""
        return any(
            line.opcode.mode.startswith("absolute")
            and line.opcode.access in ("read", "write", "modify")
            and not line.operand & 0x400000
            and 0x2000 <= line.operand & 0xFFFF <= 0x5FFF
            for line in self.graph.lines
        )


def at_line(view: View, number: int) -> State | None:
    """Return a state to work on from before a line; None where nothing is known or the line is never reached."""
    before = view.facts.before[number]
    if before is None:
        return None
    state = before.copy()
    state.events = state.terms.make("line", view.graph.lines[number].key)
    return state


def agree(old: State, new: State, live: Live) -> bool:
    """Return whether two states from the same start differ in nothing that is live."""
    if old.events != new.events or old.m != new.m or old.x != new.x:
        return False
    if old.depth != new.depth or old.stack != new.stack:
        return False
    if any(old.get(name) != new.get(name) for name in live.names):
        return False
    return _memory_agrees(old, new, live)


def _memory_agrees(old: State, new: State, live: Live) -> bool:
    if old.stores != new.stores:
        ours = sorted(stored.number for stored in old.stores if stored.place.by)
        if ours != sorted(stored.number for stored in new.stores if stored.place.by):
            return False
    keys: set[Key] = {key for key in old.env if not isinstance(key, str)}
    keys |= {key for key in new.env if not isinstance(key, str)}
    for key in keys:
        if key in live.dead or (key[0] == 1 and isinstance(key[1], int) and key[1] <= old.depth):
            continue
        if old.get(key) != new.get(key):
            return False
    return True


def local_edits(view: View, *, edits: int) -> Iterator[Edit]:
    """Yield every rewrite that changes at most so many lines of straight-line code and makes it cheaper."""
    leaders = view.graph.leaders
    for number, line in enumerate(view.graph.lines):
        state = at_line(view, number)
        if state is not None and not is_opaque(line):
            yield from _Walk(view, leaders, number, edits).edits(state)


_ANY_WIDTH = frozenset(
    ("PLP", "PHP", "REP", "SEP", "SEC", "CLC", "CLD", "SED", "CLV", "XBA", "PHB", "PLB", "PHD", "PLD")
)
_ANY_M = frozenset(("INX", "INY", "DEX", "DEY", "LDX", "LDY", "STX", "STY", "CPX", "CPY", "TXY", "TYX", "PHX", "PHY"))


def _fitted(line: Line, state: State) -> Line:
    """Return a line as it is in the widths of a state, when it does the same in any."""
    if (line.m, line.x) == (state.m, state.x):
        return line
    if line.name in _ANY_WIDTH or (line.name in _ANY_M and line.x == state.x):
        return line._replace(m=state.m, x=state.x)
    return line


class _Walk:
    """All ways through the lines from one on with a few of them changed; the first always is."""

    def __init__(self, view: View, leaders: frozenset[int], start: int, edits: int) -> None:
        self.view, self.leaders, self.start, self.most = view, leaders, start, edits
        self.lines = view.graph.lines
        self.timed = view.timed

    def edits(self, state: State) -> Iterator[Edit]:
        yield from self._go(self.start, state, state.copy(), (), self.most, 0)

    def _go(
        self, number: int, old: State, new: State, lines: tuple[Line, ...], left: int, saved: int
    ) -> Iterator[Edit]:
        line = self.lines[number]
        if line.opcode.access in ("call", "return", "jump") or is_opaque(line):
            return
        earlier, old = old, old.copy()
        try:
            step(old, line)
        except Opaque:
            return
        for chosen, changes in self._choices(number, line, earlier, new, left):
            after = new.copy()
            try:
                chosen = tuple(_fitted(one, after) for one in chosen)
                for one in chosen:
                    step(after, one)
            except Opaque:
                continue
            done = (*lines, *chosen)
            gain = saved + clocks_of(line) - sum(clocks_of(one) for one in chosen)
            if agree(old, after, self.view.live[number]):
                if gain > 0 and (changes or number > self.start):
                    yield self._edit(number, done)
                continue
            if self._goes_on(number) and left - changes >= 0:
                yield from self._go(number + 1, old, after, done, left - changes, gain)

    def _goes_on(self, number: int) -> bool:
        following = number + 1
        return (
            following - self.start < DEPTH
            and self.view.graph.successors[number] == (following,)
            and following not in self.leaders
        )

    def _choices(
        self, number: int, line: Line, old: State, new: State, left: int
    ) -> Iterator[tuple[tuple[Line, ...], int]]:
        if number > self.start:
            yield (line,), 0
        if left:
            if line.name != "NOP" or not (self.timed or self.view.graph.weights[number] > 1):
                yield (), 1
            for variant in dict.fromkeys((*variants(line, new, old), *variants(line, old, old))):
                yield (variant,), 1

    def _edit(self, number: int, lines: tuple[Line, ...]) -> Edit:
        gone = self.lines[self.start : number + 1]
        kept = {line.meaning for line in lines}
        dropped = [line for line in gone if line.meaning not in kept]
        rule = "redundant" if len(lines) < len(gone) else "exchange"
        return Edit(self.start, number + 1, lines, rule, ", ".join(line.name for line in dropped))
