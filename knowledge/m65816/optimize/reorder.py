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
_GROUP = 7
"""Lines that are moved together, and their load."""


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
            if lines[later].name == "LDA" and lines[number].name in ("STA", "LDA"):
                yield from _grouped(view, number, later)


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


def _grouped(view: View, number: int, load: int) -> Iterator[Edit]:
    """What is done with a byte or word that was just stored or loaded: done at once, without loading it again."""
    lines, leaders = view.graph.lines, view.graph.leaders
    one, again = lines[number], lines[load]
    start = at_line(view, number + 1)
    if (one.opcode.mode, one.operand, one.m) != (again.opcode.mode, again.operand, again.m) or start is None:
        return
    old = start.copy()
    try:
        for line in lines[number + 1 : load + 1]:
            step(old, line)
        for end in range(load + 1, min(load + _GROUP, len(lines))):
            if lines[end].controls or is_opaque(lines[end]) or end in leaders or load in leaders:
                return
            step(old, lines[end])
            made = (*lines[load + 1 : end + 1], *lines[number + 1 : load])
            if lines[end].opcode.access in ("write", "modify") and _same(view, end, start, old, made):
                yield Edit(number + 1, end + 1, made, "at_once", f"{one.name} leaves the value in A")
    except Opaque:
        return


def _same(view: View, later: int, start: State, old: State, lines: tuple[Line, ...]) -> bool:
    new = start.copy()
    try:
        for line in lines:
            step(new, line)
    except Opaque:
        return False
    return agree(old, new, view.live[later])
