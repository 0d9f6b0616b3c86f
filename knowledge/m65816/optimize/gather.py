"""Stretches of one width exchanged, so that neighbours of the same width need no change between them."""

from collections.abc import Iterator

from knowledge.m65816.optimize.line import Line
from knowledge.m65816.optimize.local import Edit, View, agree, at_line
from knowledge.m65816.optimize.step import Opaque, is_opaque, step

__all__ = ["gathering_edits"]

_FAR = 30
"""Lines that one exchange may span."""
_SWITCHES = (("REP", 0x20), ("SEP", 0x20))


def gathering_edits(view: View) -> Iterator[Edit]:
    """Yield `SEP, bytes, REP, words, SEP` as `words, SEP, bytes`, and the other way round."""
    lines, leaders = view.graph.lines, view.graph.leaders
    for first, line in enumerate(lines):
        if not _switches(line):
            continue
        marks = [first]
        for number in range(first + 1, min(first + _FAR, len(lines))):
            if number in leaders or lines[number].controls or is_opaque(lines[number]):
                break
            if _switches(lines[number]):
                marks.append(number)
            if len(marks) == 3:
                yield from _exchanged(view, marks)
                break


def _switches(line: Line) -> bool:
    return (line.name, line.operand) in _SWITCHES


def _exchanged(view: View, marks: list[int]) -> Iterator[Edit]:
    first, second, third = marks
    lines = view.graph.lines
    if lines[first].name != lines[third].name or lines[second].name == lines[first].name:
        return
    made = (*lines[second + 1 : third], lines[third], *lines[first + 1 : second])
    old = at_line(view, first)
    if old is None:
        return
    new = old.copy()
    try:
        for line in lines[first : third + 1]:
            step(old, line)
        for line in made:
            step(new, line)
    except Opaque:
        return
    if agree(old, new, view.live[third]):
        yield Edit(first, third + 1, made, "gather_widths", "they touch different places")
