"""Rewrites of loops: counting down, and what is the same on each pass done once."""

from collections.abc import Iterator
from typing import NamedTuple

from knowledge.m65816.opcodes import effects, find
from knowledge.m65816.optimize.facts import halves
from knowledge.m65816.optimize.line import Line, changed
from knowledge.m65816.optimize.local import Edit, View, at_line
from knowledge.m65816.optimize.passes import accumulates, independent
from knowledge.m65816.optimize.step import Opaque, is_opaque, step

__all__ = ["Loop", "loop_edits", "loops"]

_PURE = frozenset(("LDA", "LDX", "LDY", "TXA", "TYA", "TAX", "TAY", "TXY", "TYX", "CLC", "SEC"))
_FLAGS = frozenset("nzc")


class Loop(NamedTuple):
    """Lines that run again and again: from the head to a branch back to it, entered from above alone."""

    head: int
    latch: int


def loop_edits(view: View) -> Iterator[Edit]:
    """Yield every rewrite of a loop."""
    for loop in loops(view):
        yield from _hoisted(view, loop)
        yield from _counted_down(view, loop)
        yield from _in_register(view, loop)
        yield from _stored_once(view, loop)


def loops(view: View) -> Iterator[Loop]:
    """Yield the innermost loops of plain code that are entered from the line above and left at their end."""
    graph = view.graph
    for latch, line in enumerate(graph.lines):
        head = None if line.aim is None else graph.index[line.aim]
        if head is None or head > latch or line.opcode.access != "branch" or line.name in ("BRA", "BRL"):
            continue
        inside = range(head, latch + 1)
        entered = all(
            set(graph.predecessors[number]) <= ({head - 1, latch} if number == head else set(inside))
            for number in inside
        )
        left = all(set(graph.successors[number]) <= set(inside) for number in range(head, latch))
        plain = not any(
            is_opaque(graph.lines[number]) or graph.lines[number].opcode.access == "call" for number in inside
        )
        apart = head and graph.adjoin(head - 1, latch + 1) and graph.lines[head - 1].aim != line.aim
        if (
            head
            and apart
            and head != graph.entry
            and entered
            and left
            and plain
            and view.facts.before[head] is not None
        ):
            yield Loop(head, latch)


def _writes(line: Line) -> frozenset[str]:
    return halves(effects(line.opcode, line.m, line.x, operand=line.operand).writes)


def _reads(line: Line) -> frozenset[str]:
    return halves(effects(line.opcode, line.m, line.x, operand=line.operand).reads)


def _hoisted(view: View, loop: Loop) -> Iterator[Edit]:
    """A load whose result is the same on each pass, once before the loop."""
    lines = view.graph.lines
    for number in range(loop.head, loop.latch):
        line = lines[number]
        if line.controls:
            return
        if line.name in _PURE and _stays(view, loop, number):
            body = [*lines[loop.head : number], *lines[number + 1 : loop.latch]]
            if not body:
                return
            latch = lines[loop.latch]._replace(aim=body[0].key)
            inner = [one._replace(aim=lines[number + 1].key) if one.aim == line.key else one for one in body]
            yield Edit(loop.head, loop.latch + 1, (line, *inner, latch), "hoist", "nothing in the loop changes it")


def _stays(view: View, loop: Loop, number: int) -> bool:
    """Whether a line would do nothing from the second pass on, had the first not been followed by other writes."""
    lines, line = view.graph.lines, view.graph.lines[number]
    others = [lines[at] for at in range(loop.head, loop.latch + 1) if at != number]
    changes = _writes(line) - _FLAGS
    if any(_writes(other) & (changes | _reads(line)) for other in others):
        return False
    if number > loop.head and _writes(line) & view.needed[loop.head].names:
        return False
    if line.name in ("CLC", "SEC"):
        return not any("c" in _writes(other) for other in others)
    if view.live[number].names & _writes(line) & _FLAGS:
        return False
    return line.opcode.mode.startswith(("immediate", "implied")) or _same_value(view, loop, number)


def _same_value(view: View, loop: Loop, number: int) -> bool:
    """Whether a load from memory gives the same on each pass: before the loop and in it, the same term."""
    first, state = at_line(view, loop.head - 1), at_line(view, number)
    if first is None or state is None:
        return False
    line = view.graph.lines[number]
    try:
        step(first, view.graph.lines[loop.head - 1])
        first.m, first.x = line.m, line.x
        before, after = first.copy(), state.copy()
        step(before, line)
        step(after, line)
    except Opaque:
        return False
    names = _writes(line) - _FLAGS
    return before.events == first.events and all(before.get(name) == after.get(name) for name in names)


class _Count(NamedTuple):
    """How an index register runs through a loop."""

    register: str
    set_at: int
    """The line that loads its first value."""
    first: int
    end: int
    """What it is compared with."""
    by: int
    """What it grows by on each pass."""
    body: int
    """The line behind the body: the first of those that count."""


def _count(view: View, loop: Loop) -> _Count | None:
    lines = view.graph.lines
    compare, latch = lines[loop.latch - 1], lines[loop.latch]
    if compare.name not in ("CPX", "CPY") or not compare.opcode.mode.startswith("immediate"):
        return None
    if latch.name not in ("BNE", "BCC") or loop.latch in view.graph.leaders or loop.latch - 1 in view.graph.leaders:
        return None
    register, by = compare.name[2], 0
    body = loop.latch - 1
    while body > loop.head and lines[body - 1].name == "IN" + register and body not in view.graph.leaders:
        by, body = by + 1, body - 1
    half = {"X": {"X", "XH"}, "Y": {"Y", "YH"}}[register]
    if not by or any(_writes(line) & half for line in lines[loop.head : body]):
        return None
    for number in range(loop.head - 1, max(loop.head - 8, -1), -1):
        line = lines[number]
        if line.name == "LD" + register and line.opcode.mode == "immediate_x":
            return _Count(register, number, line.operand, compare.operand, by, body)
        if line.controls or (_reads(line) | _writes(line)) & half or number in view.graph.leaders - {0}:
            return None
    return None


def _counted_down(view: View, loop: Loop) -> Iterator[Edit]:
    count = _count(view, loop)
    if count is None or (count.end - count.first) % count.by or count.end - count.first < 2 * count.by:
        return
    lines, half = view.graph.lines, halves(frozenset(count.register))
    dead = half | _FLAGS
    after = view.needed[loop.latch + 1] if loop.latch + 1 < len(lines) else None
    left = frozenset[str]().union(*(_writes(line) for line in lines[loop.head : count.body]))
    if accumulates(view, loop.head, count.body):
        left -= {"A", "B"}
    if after is None or after.names & (dead | left) or view.needed[loop.head].names & _FLAGS:
        return
    if not independent(view, loop.head, count.body, count.register, count.end - count.first, count.by):
        return
    top = 0x80 if lines[loop.head].x else 0x8000
    setter, model = lines[count.set_at], lines[loop.latch]
    if count.first == 0 and count.end - count.by < top:
        name, shift = "BPL", 0
    elif count.first == count.by:
        name, shift = "BNE", 0
    else:
        return
    row, down = find(name, "relative"), changed(lines[loop.latch - 1], "DE" + count.register, "implied", 0)
    if row is None or down is None:
        return
    setter = setter._replace(operand=count.end - count.by + shift)
    counting = [down._replace(key=lines[count.body + at].key) for at in range(count.by)]
    made = (setter, *lines[count.set_at + 1 : count.body], *counting, model._replace(opcode=row))
    yield Edit(count.set_at, loop.latch + 1, made, "count_down", "")


def _in_register(view: View, loop: Loop) -> Iterator[Edit]:
    """A sum in memory that each pass loads, adds to and stores: kept in the accumulator until the loop is over."""
    lines = view.graph.lines
    found = [at for at in range(loop.head, loop.latch) if lines[at].name == "STA" and not lines[at].controls]
    if len(found) != 1 or any(lines[at].controls for at in range(loop.head, loop.latch)):
        return
    end = found[0]
    four = [*range(end - 3, end + 1)]
    if four[0] < loop.head or any(at in view.graph.leaders for at in four[1:]):
        return
    load, carry, add, store = (lines[at] for at in four)
    if (
        carry.name != "CLC"
        or add.name != "ADC"
        or load.name != "LDA"
        or store.opcode.mode not in ("direct", "absolute")
    ):
        return
    at_sum = [line for line in (load, add) if (line.opcode.mode, line.operand) == (store.opcode.mode, store.operand)]
    rest = [lines[at] for at in range(loop.head, loop.latch + 1) if at not in four]
    if len(at_sum) != 1 or any((_reads(line) | _writes(line)) & {"A", "B"} for line in rest):
        return
    other = add if at_sum[0] is load else load
    if not _apart(view, loop, end) or "v" in view.live[loop.latch].names or view.needed[loop.head].names & {"A", "B"}:
        return
    added = changed(other, "ADC", other.opcode.mode, other.operand)
    first = changed(store, "LDA", store.opcode.mode, store.operand)
    if added is None or first is None or loop.latch + 1 >= len(lines):
        return
    body = [*lines[loop.head : four[0]], carry, added, *lines[end + 1 : loop.latch]]
    latch = lines[loop.latch]._replace(aim=body[0].key)
    why = "nothing else in the loop reads or writes the sum, or uses the accumulator"
    yield Edit(loop.head, loop.latch + 1, (first, *body, latch, store), "sum_in_register", why)


def _stored_once(view: View, loop: Loop) -> Iterator[Edit]:
    """A store to one place on each pass, which nothing in the loop reads: only the last one counts."""
    lines = view.graph.lines
    inside = range(loop.head, loop.latch)
    if loop.latch + 1 >= len(lines) or any(lines[at].controls for at in inside):
        return
    for number in inside:
        store = lines[number]
        if store.name not in ("STA", "STX", "STY", "STZ") or store.opcode.mode not in ("direct", "absolute"):
            continue
        operand = (store.opcode.mode, store.operand)
        if any((lines[at].opcode.mode, lines[at].operand) == operand for at in inside if at != number):
            continue
        if any(_reads(store) & _writes(lines[at]) for at in range(number + 1, loop.latch)):
            continue
        body = [*lines[loop.head : number], *lines[number + 1 : loop.latch]]
        if body and _apart(view, loop, number):
            latch = lines[loop.latch]._replace(aim=body[0].key)
            yield Edit(loop.head, loop.latch + 1, (*body, latch, store), "store_behind", "only the last store counts")


def _apart(view: View, loop: Loop, store: int) -> bool:
    """Whether no other access in the loop may meet what a line stores to."""
    from knowledge.m65816.optimize.passes import touches
    from knowledge.m65816.optimize.state import overlap

    mine = touches(view, store)
    if mine is None or any(place.volatile or place.by or place.space for place in mine.places):
        return False
    line = view.graph.lines[store]
    for number in range(loop.head, loop.latch):
        other = view.graph.lines[number]
        if (other.opcode.mode, other.operand) == (line.opcode.mode, line.operand):
            continue
        there = touches(view, number)
        if there is None or any(overlap(one, two) for one in there.places for two in mine.places):
            return False
    return True
