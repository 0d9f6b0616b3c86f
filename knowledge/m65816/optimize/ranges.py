"""What a loop's counter may hold: the bits that its values have between the first and the last pass."""

from typing import NamedTuple

from knowledge.m65816.opcodes import effects
from knowledge.m65816.optimize.graph import Graph
from knowledge.m65816.optimize.line import Line
from knowledge.m65816.optimize.step import is_opaque

__all__ = ["Ranges", "ranges"]

_BACK = 8
"""Lines above a loop among which the counter's first value is looked for."""

Ranges = dict[int, dict[str, int]]
"""By the first line of a loop: the bits that X, XH, Y or YH can have there."""


class _Span(NamedTuple):
    register: str
    low: int
    high: int
    by: int


def ranges(graph: Graph) -> Ranges:
    """Return the bits that counters can have at the heads of loops, for counts that start from a constant."""
    found: Ranges = {}
    heads = [graph.index[line.aim] for line in graph.lines if line.aim is not None]
    for latch, line in enumerate(graph.lines):
        head = None if line.aim is None else graph.index[line.aim]
        if not head or head >= latch or line.opcode.access != "branch" or heads.count(head) > 1:
            continue
        span = _span(graph, head, latch) if _alone(graph, head, latch) else None
        if span is not None:
            found[head] = _bits(span)
    return found


def _alone(graph: Graph, head: int, latch: int) -> bool:
    """Whether the loop is entered at its head from the line above alone, and holds nothing unknown."""
    inside = set(range(head, latch + 1))
    return (
        set(graph.predecessors[head]) <= {head - 1, latch}
        and graph.following[head - 1] == head
        and all(set(graph.predecessors[at]) <= inside for at in inside - {head})
        and not any(is_opaque(graph.lines[at]) or graph.lines[at].opcode.access == "call" for at in inside)
    )


def _changes(line: Line, register: str) -> bool:
    return register in effects(line.opcode, line.m, line.x, operand=line.operand).writes or (
        line.name in ("SEP", "PLP") and line.operand & 0x10 != 0
    )


def _span(graph: Graph, head: int, latch: int) -> _Span | None:
    lines, at = graph.lines, latch - 1
    end = None
    if lines[at].name in ("CPX", "CPY") and lines[at].opcode.mode == "immediate_x":
        end, at = lines[at].operand, at - 1
    register, by = lines[at].name[2], 0
    if lines[at].name not in ("INX", "INY", "DEX", "DEY"):
        return None
    count = lines[at].name
    while at >= head and lines[at].name == count:
        by, at = by + 1, at - 1
    if any(number in graph.leaders for number in range(at + 2, latch + 1)):
        return None
    if any(_changes(line, register) for line in lines[head : at + 1]):
        return None
    first = _first(graph, head, register)
    if first is None:
        return None
    if count.startswith("IN"):
        return _up(register, first, end, by, lines[latch].name)
    return _down(register, first, end, by, lines[latch])


def _first(graph: Graph, head: int, register: str) -> int | None:
    for number in range(head - 1, max(head - _BACK, -1), -1):
        line = graph.lines[number]
        if line.name == "LD" + register and line.opcode.mode == "immediate_x":
            return line.operand
        if line.controls or is_opaque(line) or _changes(line, register) or number in graph.leaders:
            return None
    return None


def _up(register: str, first: int, end: int | None, by: int, latch: str) -> _Span | None:
    if end is None or end <= first or latch not in ("BNE", "BCC") or (latch == "BNE" and (end - first) % by):
        return None
    return _Span(register, first, end - 1, by)


def _down(register: str, first: int, end: int | None, by: int, latch: Line) -> _Span | None:
    top = 0x80 if latch.x else 0x8000
    if end is None and latch.name == "BPL" and first < top:
        return _Span(register, 0, first, by)
    if end is None and latch.name == "BNE" and first and first % by == 0:
        return _Span(register, by, first, by)
    if end == 2 * top - 1 and latch.name == "BNE" and by == 1:
        return _Span(register, 0, first, by)
    return None


def _bits(span: _Span) -> dict[str, int]:
    mask = (1 << span.high.bit_length()) - 1
    step = span.by & -span.by
    if span.low % step == 0 and span.high % step in (0, step - 1):
        mask &= -step
    return {span.register: mask & 0xFF, span.register + "H": mask >> 8}
