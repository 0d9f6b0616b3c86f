"""Registers saved and restored around code, loops included, that leaves them as they are."""

from collections.abc import Iterator

from knowledge.m65816.optimize.facts import halves
from knowledge.m65816.optimize.line import Line
from knowledge.m65816.optimize.local import Edit, View
from knowledge.m65816.optimize.state import State
from knowledge.m65816.optimize.step import is_opaque

__all__ = ["saving_edits"]

_PULLS = {"PHA": "PLA", "PHX": "PLX", "PHY": "PLY", "PHP": "PLP", "PHB": "PLB", "PHD": "PLD"}
_KEPT = {"PHA": ("A", "B"), "PHX": ("X", "XH"), "PHY": ("Y", "YH"), "PHB": ("DB",), "PHD": ("D", "DH")}
_SAVED = "nvzcdi"


def saving_edits(view: View) -> Iterator[Edit]:
    """Yield pairs of a push and a pull left out: what is pulled is still there, or nobody reads it."""
    lines = view.graph.lines
    for first, line in enumerate(lines):
        if line.name in _PULLS:
            for last in range(first + 2, len(lines)):
                if lines[last].controls and lines[last].ends and lines[last].opcode.access == "return":
                    break
                if lines[last].name == _PULLS[line.name] and _pair(view, first, last):
                    why = "what is pulled is still there, or nothing reads it"
                    yield Edit(first, last + 1, lines[first + 1 : last], "needless_push", why)
                    break


def _pair(view: View, first: int, last: int) -> bool:
    before, then = view.facts.before[first], view.facts.before[last]
    if before is None or then is None or not view.graph.adjoin(first, last):
        return False
    line = view.graph.lines[first]
    size = _size(line)
    if (before.stack, before.depth - size) != (then.stack, then.depth) or (before.m, before.x) != (then.m, then.x):
        return False
    return _alone(view, first, last) and _same(view, line, last, then, size)


def _size(line: Line) -> int:
    if line.name == "PHD":
        return 2
    return {"PHA": 2 - line.m, "PHX": 2 - line.x, "PHY": 2 - line.x}.get(line.name, 1)


def _alone(view: View, first: int, last: int) -> bool:
    """Whether the lines between are entered at the push and left at the pull, and look at nothing of the stack."""
    graph = view.graph
    for number in range(first + 1, last + 1):
        line = graph.lines[number]
        if not set(graph.predecessors[number]) <= set(range(first, last)) or (first in graph.predecessors[number]) != (
            number == first + 1
        ):
            return False
        if number == last:
            return True
        unknown = is_opaque(line) or line.opcode.access in ("call", "return", "jump")
        if unknown or line.opcode.mode.startswith("stack_relative"):
            return False
        if not set(graph.successors[number]) <= set(range(first + 1, last + 1)):
            return False
    return False


def _same(view: View, line: Line, last: int, then: State, size: int) -> bool:
    """Whether leaving out the pull changes nothing that is read behind it."""
    live = view.live[last].names
    held = [then.get((1, then.depth + 1 + byte)) for byte in range(size)]
    if line.name != "PHP":
        kept = _KEPT[line.name][:size]
        changes = {name for name, value in zip(kept, held, strict=True) if then.get(name) != value}
        return not (halves(frozenset(changes)) | {"n", "z"}) & live
    kind, *parts = then.terms.node(held[0])
    if kind != "flags" or (int(parts[0]), int(parts[1])) != (then.m, then.x):
        return False
    flags = zip(_SAVED, parts[2:], strict=True)
    return not {name for name, value in flags if then.get(name) != int(value)} & live
