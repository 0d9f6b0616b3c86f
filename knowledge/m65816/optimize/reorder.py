"""Lines moved to where their operand is already in a register, or where nothing stands between them and their use."""

from collections.abc import Iterator

from knowledge.m65816.optimize.cost import clocks_of
from knowledge.m65816.optimize.line import Line
from knowledge.m65816.optimize.local import Edit, View, agree, at_line
from knowledge.m65816.optimize.state import State
from knowledge.m65816.optimize.step import Opaque, is_opaque, step

__all__ = ["moving_edits"]

_FAR = 14
"""Lines that one may be moved over."""


def moving_edits(view: View) -> Iterator[Edit]:
    """Yield lines moved up within straight-line code, together with one line that the move makes needless."""
    leaders, lines = view.graph.leaders, view.graph.lines
    for number in range(len(lines)):
        state = at_line(view, number)
        if state is None:
            continue
        for later in range(number + 1, min(number + _FAR, len(lines))):
            before = lines[later - 1]
            if before.controls or is_opaque(before) or later in leaders or is_opaque(lines[later]):
                break
            if not lines[later].controls and lines[later].opcode.access in ("write", "modify"):
                yield from _moved(view, number, later, state)


def _moved(view: View, number: int, later: int, start: State) -> Iterator[Edit]:
    lines = view.graph.lines
    old = start.copy()
    try:
        for line in lines[number : later + 1]:
            step(old, line)
    except Opaque:
        return
    between = lines[number:later]
    for gone in range(len(between)):
        kept = (*between[:gone], *between[gone + 1 :])
        if lines[number + gone].opcode.access in ("write", "modify"):
            continue
        new_lines = (lines[later], *kept)
        if clocks_of(between[gone]) and _same(view, later, start, old, new_lines):
            why = f"{lines[later].name} moved to where its value is still held"
            yield Edit(number, later + 1, new_lines, "earlier_store", why)


def _same(view: View, later: int, start: State, old: State, lines: tuple[Line, ...]) -> bool:
    new = start.copy()
    try:
        for line in lines:
            step(new, line)
    except Opaque:
        return False
    return agree(old, new, view.live[later])
