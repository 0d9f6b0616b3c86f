"""Carries into the upper bytes of counters: a branch around INC or DEC in place of an addition of 0."""

from collections.abc import Iterator

from knowledge.m65816.opcodes import find
from knowledge.m65816.optimize.line import Line, changed
from knowledge.m65816.optimize.local import Edit, View, at_line

__all__ = ["carry_edits"]

_TURNED = {"ADC": ("BCC", "INC"), "SBC": ("BCS", "DEC")}
_DEAD = frozenset("nvzc") | {"A"}
_IN_MEMORY = ("direct", "absolute", "direct_x", "absolute_x")


def carry_edits(view: View) -> Iterator[Edit]:
    """Yield `LDA upper, ADC #0, STA upper` as a branch around `INC upper`, and SBC likewise."""
    lines, leaders = view.graph.lines, view.graph.leaders
    for number in range(1, len(lines) - 3):
        load, add, store, behind = lines[number : number + 4]
        if (load.name, store.name) != ("LDA", "STA") or add.name not in _TURNED or add.operand:
            continue
        if not view.graph.adjoin(number - 1, number + 3) or {number + 1, number + 2} & leaders:
            continue
        dead = _DEAD if load.m else _DEAD | {"B"}
        if view.live[number + 2].names & dead or (behind.controls and behind.aim == behind.key):
            continue
        made = _made(view, number, behind)
        if made is not None:
            yield Edit(number, number + 3, made, "carry_by_branch", "a carry is rare, and nothing reads the sum behind")


def _made(view: View, number: int, behind: Line) -> tuple[Line, ...] | None:
    load, add, store = view.graph.lines[number : number + 3]
    state = at_line(view, number)
    if state is None or state.get("d") != 0 or add.opcode.mode != "immediate_m":
        return None
    if (load.opcode.mode, load.operand) != (store.opcode.mode, store.operand) or load.opcode.mode not in _IN_MEMORY:
        return None
    if any(place in range(0x2000, 0x6000) for place in (load.operand,) if load.opcode.mode.startswith("absolute")):
        return None
    branch, count = _TURNED[add.name]
    row, work = find(branch, "relative"), changed(store, count, store.opcode.mode, store.operand)
    if row is None or work is None:
        return None
    return load._replace(opcode=row, operand=0, aim=behind.key), work
