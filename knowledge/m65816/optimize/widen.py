"""Pairs of 8-bit accesses made one 16-bit access, and runs of copies written anew: proposals for `agree` to judge."""

from collections.abc import Iterator
from typing import NamedTuple

from knowledge.m65816.opcodes import Mode, find
from knowledge.m65816.optimize.cost import clocks_of
from knowledge.m65816.optimize.line import Line, changed
from knowledge.m65816.optimize.local import Edit, View, agree, at_line
from knowledge.m65816.optimize.place import places
from knowledge.m65816.optimize.state import State
from knowledge.m65816.optimize.step import Opaque, is_opaque, step

__all__ = ["widening_edits"]

_PAIRED = ("LDA", "STA", "STZ", "ADC", "SBC", "AND", "ORA", "EOR")
_SHORT = 2
_LONGEST = 6
"""Lines of one half of a pair."""


def widening_edits(view: View) -> Iterator[Edit]:
    """Yield stretches of 8-bit code rewritten with 16-bit accesses, or as the fewest copies."""
    for first, end in _stretches(view):
        start = at_line(view, first)
        if start is None or start.m == 0:
            continue
        for number in range(first, end - _SHORT + 1):
            state = at_line(view, number)
            if state is not None:
                yield from _paired(view, number, end, state)
                yield from _copies(view, number, end, state)


def _stretches(view: View) -> Iterator[tuple[int, int]]:
    """Yield the longest runs of lines that control enters at the top alone and leaves at the bottom."""
    leaders, first = view.graph.leaders, 0
    for number, line in enumerate((*view.graph.lines, None)):
        stops = line is None or line.controls or is_opaque(line) or number in leaders
        if stops:
            if number - first >= _SHORT:
                yield first, number
            first = number if line is not None and not line.controls and not is_opaque(line) else number + 1


def _judged(view: View, first: int, end: int, lines: list[Line], rule: str) -> Iterator[Edit]:
    """Yield the edit when terms show that it does the same, and it is cheaper."""
    gone = view.graph.lines[first:end]
    if sum(clocks_of(line) for line in lines) >= sum(clocks_of(line) for line in gone):
        return
    start = at_line(view, first)
    if start is None:
        return
    old, new = start.copy(), start.copy()
    try:
        for line in gone:
            step(old, line)
        for line in lines:
            step(new, line)
    except Opaque:
        return
    if agree(old, new, view.live[end - 1]):
        yield Edit(first, end, tuple(lines), rule, "")


def _wide(line: Line) -> Line:
    return line._replace(m=0)


def _flags(line: Line, name: str) -> Line:
    row = find(name, "immediate_8")
    return line._replace(opcode=row or line.opcode, operand=0x20, aim=None, m=1 if name == "REP" else 0)


def _half(low: Line, high: Line) -> Line | None:
    """Return the 16-bit line that does what two 8-bit ones do to neighbouring bytes."""
    if low.opcode != high.opcode or low.name not in _PAIRED or low.m == 0 or high.m == 0:
        return None
    if low.opcode.mode == "immediate_m":
        return _wide(low)._replace(operand=high.operand << 8 | low.operand)
    if low.opcode.mode.startswith("direct_indirect") or high.operand != low.operand + 1:
        return None
    return _wide(low)


def _chunk(lines: tuple[Line, ...], first: int, end: int) -> tuple[list[Line], int] | None:
    """Return the 16-bit form of the lines from `first` on and how many lines it stands for."""
    for size in range(_LONGEST, 0, -1):
        low = [at for at in range(first, min(first + size, end)) if lines[at].name not in ("CLC", "SEC")]
        high = first + size
        if len(low) != size - sum(lines[at].name in ("CLC", "SEC") for at in range(first, min(high, end))):
            continue
        if not low or high + len(low) > end:
            continue
        halves = [_half(lines[one], lines[high + number]) for number, one in enumerate(low)]
        if all(half is not None for half in halves):
            made = iter(halves)
            wide = [_wide(lines[at]) if at not in low else next(made) for at in range(first, high)]
            return [line for line in wide if line is not None], size + len(low)
    return None


def _paired(view: View, first: int, end: int, state: State) -> Iterator[Edit]:
    lines = view.graph.lines
    wide: list[Line] = []
    place, found = first, list[tuple[int, list[Line]]]()
    while place < end:
        chunk = _chunk(lines, place, end)
        if chunk is None:
            break
        wide += chunk[0]
        place += chunk[1]
        found.append((place, list(wide)))
    for stop, body in reversed(found):
        model = lines[first]
        around = [_flags(model, "REP"), *body, _flags(model, "SEP")]
        yield from _judged(view, first, stop, around, "widen")
        yield from _through_index(view, first, stop, around, "widen")
        if stop < len(lines) and stop not in view.graph.leaders and _switches(lines[stop], "REP"):
            yield from _judged(view, first, stop + 1, around[:-1], "widen")
        if first and first not in view.graph.leaders and _switches(lines[first - 1], "SEP"):
            yield from _judged(view, first - 1, stop, around[1:], "widen")


def _switches(line: Line, name: str) -> bool:
    return line.name == name and line.operand == 0x20


def _through_index(view: View, first: int, end: int, lines: list[Line], rule: str) -> Iterator[Edit]:
    """The same words through an index register that is 16 bits wide, without REP and SEP."""
    if lines[0].x:
        return
    for register in "XY":
        made = [_indexed(line, register) for line in lines if line.name not in ("REP", "SEP")]
        if all(line is not None for line in made):
            yield from _judged(view, first, end, [line for line in made if line is not None], rule)


def _indexed(line: Line, register: str) -> Line | None:
    if line.m:
        return line
    mode = "immediate_x" if line.opcode.mode == "immediate_m" else line.opcode.mode
    name = {"LDA": "LD", "STA": "ST"}.get(line.name)
    made = None if name is None else changed(line, name + register, mode, line.operand)
    return None if made is None else made._replace(m=1)


class _Copy(NamedTuple):
    """One byte that a stretch stores: where, and what."""

    address: int
    value: int
    line: Line


def _stored(view: View, first: int, end: int, state: State) -> tuple[list[_Copy], int]:
    """Return the last store to each byte up to the first line that does more than copy, and where that line is."""
    found: dict[int, _Copy] = {}
    state = state.copy()
    for number in range(first, end):
        line = view.graph.lines[number]
        if line.name not in ("LDA", "STA", "STZ") or line.m == 0:
            return list(found.values()), number
        if line.name != "LDA":
            where = places(state.copy(), line, 1)
            if where is None or where[0].space or where[0].by or where[0].volatile:
                return list(found.values()), number
            found.pop(where[0].address, None)
            held = 0 if line.name == "STZ" else state.get("A")
            found[where[0].address] = _Copy(where[0].address, held, line)
        try:
            step(state, line)
        except Opaque:
            return list(found.values()), number
    return list(found.values()), end


def _copies(view: View, first: int, end: int, state: State) -> Iterator[Edit]:
    """The same bytes stored in another order: each value loaded once, words where two bytes lie side by side."""
    if first and view.graph.lines[first - 1].name == "LDA" and first - 1 not in view.graph.leaders:
        return
    stored, stop = _stored(view, first, end, state)
    if len(stored) < _SHORT or stop - first < 3:
        return
    sources = _sources(view, first, stop, state)
    for wide in (False, True):
        lines = _written(stored, sources, view.graph.lines[first], wide=wide)
        if lines is not None:
            yield from _judged(view, first, stop, lines, "rewrite_copies")
            yield from _through_index(view, first, stop, lines, "rewrite_copies")


def _sources(view: View, first: int, stop: int, start: State) -> dict[int, Line]:
    """Return the first load of each value that is loaded from memory that the stretch has not written."""
    found: dict[int, Line] = {}
    state = start.copy()
    for line in view.graph.lines[first:stop]:
        try:
            step(state, line)
        except Opaque:
            break
        if line.name == "LDA":
            found.setdefault(state.get("A"), line)
    return found


def _written(stored: list[_Copy], sources: dict[int, Line], model: Line, *, wide: bool) -> list[Line] | None:
    left = {copy.address: copy for copy in stored}
    words: list[tuple[_Copy, _Copy]] = []
    if wide:
        for address in sorted(left):
            low, high = left.get(address), left.get(address + 1)
            if low is not None and high is not None and _side_by_side(low, high, sources):
                words.append((low, high))
                del left[address], left[address + 1]
        if not words:
            return None
    lines = _bytes(list(left.values()), sources, model)
    if lines is None or not words:
        return lines
    body = _words(words, sources, model)
    return None if body is None else [*lines, _flags(model, "REP"), *body, _flags(model, "SEP")]


def _side_by_side(low: _Copy, high: _Copy, sources: dict[int, Line]) -> bool:
    if high.line.opcode.mode != low.line.opcode.mode or high.line.operand != low.line.operand + 1:
        return False
    if low.value < 256 and high.value < 256:
        return True
    one, two = sources.get(low.value), sources.get(high.value)
    if one is None or two is None or "indirect" in one.opcode.mode:
        return False
    return one.opcode == two.opcode and two.operand == one.operand + 1 and not one.opcode.mode.startswith("immediate")


def _bytes(stored: list[_Copy], sources: dict[int, Line], model: Line) -> list[Line] | None:
    lines: list[Line] = []
    groups: dict[int, list[_Copy]] = {}
    for copy in stored:
        groups.setdefault(copy.value, []).append(copy)
    for value, copies in groups.items():
        zeros = [changed(copy.line, "STZ", copy.line.opcode.mode, copy.line.operand) for copy in copies]
        if value == 0 and all(zero is not None for zero in zeros):
            lines += [zero for zero in zeros if zero is not None]
            continue
        load = changed(model, "LDA", "immediate_m", value) if value < 256 else sources.get(value)
        stores = [changed(copy.line, "STA", copy.line.opcode.mode, copy.line.operand) for copy in copies]
        if load is None or any(store is None for store in stores):
            return None
        lines += [load, *(store for store in stores if store is not None)]
    return lines


def _words(words: list[tuple[_Copy, _Copy]], sources: dict[int, Line], model: Line) -> list[Line] | None:
    lines: list[Line] = []
    groups: dict[tuple[int, int], list[_Copy]] = {}
    for low, high in words:
        groups.setdefault((low.value, high.value), []).append(low)
    for (one, two), copies in groups.items():
        mode: Mode = copies[0].line.opcode.mode
        if one == two == 0 and find("STZ", mode) is not None and all(c.line.opcode.mode == mode for c in copies):
            made = [changed(_wide(copy.line), "STZ", mode, copy.line.operand) for copy in copies]
        else:
            constant = one < 256 and two < 256
            load = changed(_wide(model), "LDA", "immediate_m", two << 8 | one) if constant else sources.get(one)
            made = [None if load is None else _wide(load)]
            made += [changed(_wide(copy.line), "STA", copy.line.opcode.mode, copy.line.operand) for copy in copies]
        if any(line is None for line in made):
            return None
        lines += [line for line in made if line is not None]
    return lines
