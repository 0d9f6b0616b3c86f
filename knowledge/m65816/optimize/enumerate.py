"""Bounded enumeration: a window of straight-line code against every short sequence over its own operands."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from knowledge.m65816.opcodes import effects
from knowledge.m65816.optimize.cost import clocks_of
from knowledge.m65816.optimize.facts import halves
from knowledge.m65816.optimize.line import Line, changed
from knowledge.m65816.optimize.local import Edit, View, agree, at_line
from knowledge.m65816.optimize.place import places
from knowledge.m65816.optimize.state import Key, State
from knowledge.m65816.optimize.step import Opaque, is_opaque, step

__all__ = ["enumerated_edits"]

WINDOW = 8
"""Lines of a window at most."""
_ALPHABET = 160
"""Instructions that sequences are made of, at most."""
_PAIRS = 400
"""Pairs of instructions that are tried for one window."""
_ON_MEMORY = (
    *("LDA", "STA", "STZ", "INC", "DEC", "ASL", "LSR", "ROL", "ROR", "ADC", "SBC", "AND", "ORA", "EOR", "CMP"),
    *("TSB", "TRB", "BIT"),
)
_ON_INDEX = ("LDX", "LDY", "STX", "STY", "CPX", "CPY")
_ON_A = ("INC", "DEC", "ASL", "LSR", "ROL", "ROR")
_IMPLIED = ("TAX", "TAY", "TXA", "TYA", "INX", "INY", "DEX", "DEY", "CLC", "SEC", "XBA")
_CONSTANTS = ("LDA", "AND", "ORA", "EOR")


class _Letter(NamedTuple):
    """One instruction of the alphabet."""

    line: Line
    clocks: int
    writes: frozenset[Key]


class _Goal(NamedTuple):
    """What a sequence must come to."""

    end: int
    old: State
    clocks: int
    needs: tuple[tuple[Key, int], ...]
    """What is live and differs from the start: the key, and its value at the end."""


def enumerated_edits(view: View) -> Iterator[Edit]:
    """Yield windows with a cheaper sequence of at most two instructions that comes to the same."""
    for number, line in enumerate(view.graph.lines):
        start = at_line(view, number)
        if start is not None and not is_opaque(line) and not line.controls:
            goals = _goals(view, number, start)
            if goals:
                yield from _reached(view, number, start, goals)


def _goals(view: View, first: int, start: State) -> list[_Goal]:
    leaders, lines = view.graph.leaders, view.graph.lines
    goals: list[_Goal] = []
    old, clocks = start.copy(), 0
    for number in range(first, min(first + WINDOW, len(lines))):
        line = lines[number]
        if line.controls or is_opaque(line) or line.name == "NOP" or (number > first and number in leaders):
            break
        try:
            step(old, line)
        except Opaque:
            break
        clocks += clocks_of(line)
        if old.events != start.events:
            break
        if number > first and old.m == start.m and old.x == start.x:
            goals.append(_Goal(number + 1, old.copy(), clocks, _needs(start, old, view, number)))
    return goals


def _needs(start: State, old: State, view: View, number: int) -> tuple[tuple[Key, int], ...]:
    live = view.live[number]
    keys: list[Key] = sorted(live.names)
    keys += [key for key in old.env if not isinstance(key, str) and key[0] == 0 and key not in live.dead]
    return tuple((key, old.get(key)) for key in keys if old.get(key) != start.get(key))


def _alphabet(view: View, first: int, end: int, start: State) -> list[_Letter]:
    found: dict[tuple[int, int], Line] = {}
    model = view.graph.lines[first]

    def add(line: Line | None) -> None:
        if line is not None and len(found) < _ALPHABET:
            found.setdefault((line.opcode.code, line.operand), line)

    window = view.graph.lines[first:end]
    indexed = any(line.name in _ON_INDEX for line in window)
    for line in window:
        _from_line(line, add, indexed=indexed)
    for name in _ON_A:
        add(changed(model, name, "accumulator", 0))
    for name in _IMPLIED:
        add(changed(model, name, "implied", 0))
    same = [line for line in found.values() if (line.m, line.x) == (start.m, start.x)]
    letters = [_letter(line._replace(key=model.key), start) for line in same]
    return [letter for letter in letters if letter is not None]


def _from_line(line: Line, add: Callable[[Line | None], None], *, indexed: bool) -> None:
    mode, operand = line.opcode.mode, line.operand
    if line.opcode.access in ("read", "write", "modify") and not mode.startswith("immediate"):
        for name in (*_ON_MEMORY, *(_ON_INDEX if indexed else ())):
            add(changed(line, name, mode, operand))
    elif mode == "immediate_m":
        top = 0xFF if line.m else 0xFFFF
        for value in dict.fromkeys((operand, operand ^ top, -operand & top)):
            for name in _CONSTANTS:
                add(changed(line, name, mode, value))
        add(changed(line, "ADC", mode, operand))
        add(changed(line, "SBC", mode, operand))
    elif mode == "immediate_x":
        add(line)
        if line.m == line.x:
            add(changed(line, "LDA", "immediate_m", operand))
    if line.opcode.width == "" and line.name not in _IMPLIED and not line.controls:
        add(line)


def _letter(line: Line, start: State) -> _Letter | None:
    writes: set[Key] = set(halves(effects(line.opcode, line.m, line.x, operand=line.operand).writes))
    if line.x:
        writes -= {"XH", "YH"}
    if line.opcode.access in ("write", "modify"):
        where = places(start.copy(), line, 2 - line.m if line.opcode.width == "m" else 2 - line.x)
        if where is None or any(place.volatile for place in where):
            return None
        writes |= {(place.space, place.address) for place in where}
    return _Letter(line, clocks_of(line), frozenset(writes))


def _after(state: State, line: Line) -> State | None:
    after = state.copy()
    try:
        step(after, line)
    except Opaque:
        return None
    return after


def _fits(goal: _Goal, state: State, view: View) -> bool:
    if any(state.get(key) != value for key, value in goal.needs):
        return False
    return agree(goal.old, state, view.live[goal.end - 1])


def _reached(view: View, first: int, start: State, goals: list[_Goal]) -> Iterator[Edit]:
    letters = _alphabet(view, first, goals[-1].end, start)
    ones = [(letter, _after(start, letter.line)) for letter in letters]
    for goal in goals:
        if _fits(goal, start, view):
            yield Edit(first, goal.end, (), "nothing", "")
            continue
        needed = {key for key, _ in goal.needs}
        cheapest = goal.clocks
        for one, state in ones:
            if state is None or one.clocks >= cheapest:
                continue
            if needed <= one.writes and _fits(goal, state, view):
                cheapest = one.clocks
                yield Edit(first, goal.end, (one.line,), "sequence", "")
        yield from _twice(view, first, goal, ones, needed, cheapest)


def _twice(
    view: View,
    first: int,
    goal: _Goal,
    ones: list[tuple[_Letter, State | None]],
    needed: set[Key],
    cheapest: int,
) -> Iterator[Edit]:
    if goal.end - first < 3:
        return
    live = view.live[goal.end - 1]

    def harm(letter: _Letter) -> frozenset[Key]:
        """Return what is live, has to stay as it is, and is written."""
        return frozenset(
            key
            for key in letter.writes - needed
            if (key in live.names if isinstance(key, str) else key not in live.dead)
        )

    useful = [letter for letter, _ in ones if letter.writes & needed and not harm(letter)]
    useful.sort(key=lambda letter: -len(letter.writes & needed))
    tried = 0
    for one, state in ones:
        if state is None or harm(one):
            continue
        left = needed - one.writes
        for two in useful:
            if one.clocks + two.clocks >= cheapest or not left <= two.writes:
                continue
            tried += 1
            if tried > _PAIRS:
                return
            after = _after(state, two.line)
            if after is not None and _fits(goal, after, view):
                cheapest = one.clocks + two.clocks
                yield Edit(first, goal.end, (one.line, two.line), "sequence", "")
