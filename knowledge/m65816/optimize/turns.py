"""The tests of loops: moved to the bottom, and left out where the counter's own flags tell as much."""

from collections.abc import Iterator

from knowledge.m65816.opcodes import BRANCHES, effects, find
from knowledge.m65816.optimize.control import INVERSE
from knowledge.m65816.optimize.facts import halves
from knowledge.m65816.optimize.line import Line
from knowledge.m65816.optimize.local import Edit, View, at_line
from knowledge.m65816.optimize.state import State
from knowledge.m65816.optimize.step import Opaque, is_opaque, step

__all__ = ["behind", "turning_edits"]

_TEST = 4
"""Lines that a test has at most, its branch included."""


def turning_edits(view: View) -> Iterator[Edit]:
    """Yield loops with their test at the bottom, and counts down to -1 without their comparison."""
    graph = view.graph
    for latch, line in enumerate(graph.lines):
        head = None if line.aim is None else graph.index[line.aim]
        if (
            not head
            or head >= latch
            or not graph.adjoin(head - 1, latch + 1)
            or view.facts.before[latch] is None
            or line.opcode.access == "call"
        ):
            continue
        if graph.lines[head - 1].aim == line.aim:
            continue
        if line.name in ("BRA", "JMP"):
            yield from _rotated(view, head, latch)
        elif line.name == "BNE":
            yield from _to_minus_one(view, head, latch)


def _writes(line: Line) -> frozenset[str]:
    return halves(effects(line.opcode, line.m, line.x, operand=line.operand).writes)


def _test(view: View, head: int, latch: int) -> int | None:
    """Return the branch that ends the test at the top of a loop."""
    graph = view.graph
    for number in range(head, min(head + _TEST, latch)):
        line = graph.lines[number]
        if line.opcode.access == "branch":
            leaves = line.aim is not None and graph.index[line.aim] == latch + 1
            return number if leaves and line.name in INVERSE else None
        if is_opaque(line) or line.controls or (number > head and number in graph.leaders):
            return None
    return None


def _rotated(view: View, head: int, latch: int) -> Iterator[Edit]:
    graph, branch = view.graph, _test(view, head, latch)
    entered = set(graph.predecessors[head]) <= {head - 1, latch}
    if branch is None or not head or not entered or head == graph.entry or branch + 1 in graph.leaders:
        return
    row = find(INVERSE[graph.lines[branch].name], "relative")
    body = graph.lines[branch + 1 : latch]
    if row is None or not body:
        return
    test = graph.lines[head:branch]
    back = graph.lines[latch]._replace(opcode=row, aim=body[0].key, operand=0)
    if _never_leaves(view, head, branch) and not _needed_from(view, test, branch):
        bottom = (*body, *test, back)
        yield Edit(head, latch + 1, bottom, "test_at_bottom", "the first pass is always made")
    top = graph.lines[head : branch + 1]
    yield Edit(head, latch + 1, (*top, *body, *test, back), "test_at_bottom", "one branch on each pass in place of two")


def _needed_from(view: View, test: tuple[Line, ...], branch: int) -> bool:
    """Whether the body reads what the test leaves."""
    written = frozenset[str]().union(*(_writes(line) for line in test))
    return bool(written & view.live[branch].names & view.needed[branch + 1].names)


def _never_leaves(view: View, head: int, branch: int) -> bool:
    """Whether the test lets the first pass through: run from what holds before the loop."""
    state = at_line(view, head - 1)
    lines = view.graph.lines
    if state is None or lines[head - 1].controls:
        return False
    state.events = 0
    try:
        step(state, lines[head - 1])
        events = state.events
        for line in lines[head : branch + 1]:
            step(state, line)
    except Opaque:
        return False
    node = state.terms.node(state.events)
    return node[:3] == ("event", events, "branch") and node[3] == 0


def _to_minus_one(view: View, head: int, latch: int) -> Iterator[Edit]:
    """`DEX, CPX #$FF, BNE` from a small number: the sign says when the counter has passed 0."""
    lines, graph = view.graph.lines, view.graph
    compare, count = lines[latch - 1], lines[latch - 2]
    top = 0xFF if compare.x else 0xFFFF
    if compare.name not in ("CPX", "CPY") or compare.opcode.mode != "immediate_x" or compare.operand != top:
        return
    register = compare.name[2]
    if count.name != "DE" + register or latch - 2 < head or {latch, latch - 1} & graph.leaders:
        return
    half = halves(frozenset(register))
    others = [lines[number] for number in range(head, latch - 2)]
    if any(_writes(line) & half or is_opaque(line) or line.opcode.access == "call" for line in others):
        return
    inside = set(range(head, latch + 1))
    for number in inside:
        if not set(graph.predecessors[number]) <= (inside | {head - 1} if number == head else inside):
            return
    first = behind(view, head)
    row = find("BPL", "relative")
    if first is None or row is None or (view.needed[latch + 1].names | view.needed[head].names) & frozenset("nzc"):
        return
    low, high = first.get(register), first.get(register + "H")
    if low < 256 and high < 256 and 0 <= (high << 8 | low) <= top >> 1:
        turned = lines[latch]._replace(opcode=row)
        yield Edit(latch - 1, latch + 1, (turned,), "sign_ends_loop", "the counter starts below the sign bit")


def behind(view: View, head: int) -> State | None:
    """Return the state behind the line above a loop."""
    state = at_line(view, head - 1) if head else None
    if state is None:
        return None
    line = view.graph.lines[head - 1]
    if line.ends or (line.opcode.access == "branch" and not BRANCHES.get(line.name)):
        return None
    try:
        step(state, line)
    except Opaque:
        return None
    return state
