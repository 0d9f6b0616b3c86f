"""Rewrites of control flow: jumps to jumps, branches around branches, calls before returns, unreachable code."""

from collections.abc import Iterator

from knowledge.m65816.opcodes import BRANCHES, find
from knowledge.m65816.optimize.graph import Graph
from knowledge.m65816.optimize.line import Line
from knowledge.m65816.optimize.local import Edit, View, at_line
from knowledge.m65816.optimize.step import Opaque, step

__all__ = ["INVERSE", "control_edits"]

INVERSE = {
    "BPL": "BMI",
    "BMI": "BPL",
    "BVC": "BVS",
    "BVS": "BVC",
    "BCC": "BCS",
    "BCS": "BCC",
    "BNE": "BEQ",
    "BEQ": "BNE",
}
_TAIL = 6
"""Bytes of a tail that is written twice rather than jumped to."""


def control_edits(view: View) -> Iterator[Edit]:
    """Yield every rewrite of the ways between lines."""
    graph = view.graph
    for number, line in enumerate(graph.lines):
        if view.facts.before[number] is None:
            yield Edit(number, number + 1, (), "unreachable", "no path leads here")
            continue
        if line.aim is not None and line.opcode.access != "call":
            yield from _jump(view, number, line)
        if line.opcode.access == "call" and line.aim is not None:
            yield from _call(graph, number, line)


def _goes_always(line: Line) -> bool:
    return line.name in ("BRA", "BRL") or (line.name == "JMP" and line.aim is not None)


def _jump(view: View, number: int, line: Line) -> Iterator[Edit]:
    graph = view.graph
    target = graph.index[line.aim if line.aim is not None else line.key]
    there = graph.lines[target]
    if target == graph.following[number]:
        yield Edit(number, number + 1, (), "jump_to_next", "it leads to the instruction behind it")
        return
    yield from _decided(view, number, line)
    behind = graph.following[number]
    again = behind is not None and there.meaning == graph.lines[behind].meaning
    if again and there.ends and there.opcode.access in ("return", "jump", "branch"):
        yield Edit(number, number + 1, (), "both_ways", "it leads to the same either way")
    if _goes_always(there) and there.aim not in (line.aim, line.key):
        yield Edit(number, number + 1, (line._replace(aim=there.aim),), "jump_to_jump", "its target jumps on")
    if _goes_always(line):
        if there.opcode.access == "return":
            yield Edit(number, number + 1, (there._replace(key=line.key),), "jump_to_return", "its target returns")
        elif line.name != "BRA":
            row = find("BRA", "relative")
            if row is not None:
                yield Edit(number, number + 1, (line._replace(opcode=row),), "short_jump", "the target is near")
        yield from _tail(graph, number, target)
    elif graph.adjoin(number, number + 2):
        yield from _around(graph, number, line, target)


def _decided(view: View, number: int, line: Line) -> Iterator[Edit]:
    state = at_line(view, number)
    if state is None or not BRANCHES.get(line.name):
        return
    try:
        step(state, line)
    except Opaque:
        return
    taken = state.terms.node(state.events)[3]
    row = find("BRA", "relative")
    if taken == 0 and view.graph.following[number] is not None:
        yield Edit(number, number + 1, (), "never_taken", "its condition never holds here")
    elif taken == 1 and row is not None:
        yield Edit(number, number + 1, (line._replace(opcode=row),), "always_taken", "its condition always holds here")


def _around(graph: Graph, number: int, line: Line, target: int) -> Iterator[Edit]:
    behind = graph.lines[number + 1]
    alone = graph.predecessors[number + 1] == (number,)
    if target != number + 2 or not alone or line.name not in INVERSE:
        return
    row = find(INVERSE[line.name], "relative")
    if _goes_always(behind) and row is not None:
        turned = line._replace(opcode=row, aim=behind.aim)
        yield Edit(number, number + 2, (turned,), "branch_around_jump", "the opposite branch leads there directly")


def _tail(graph: Graph, number: int, target: int) -> Iterator[Edit]:
    """A jump to a few instructions that end in a return or jump: those instructions in its place."""
    lines: list[Line] = []
    for at, there in enumerate(graph.lines[target : target + 4], target):
        lines.append(there)
        if there.ends:
            break
        if there.controls or not graph.adjoin(at, at + 1):
            return
    if len(lines) > 1 and lines[-1].ends and sum(line.size for line in lines) <= _TAIL:
        lines[0] = lines[0]._replace(key=graph.lines[number].key)
        yield Edit(number, number + 1, tuple(lines), "tail_here", "what it leads to is as short as the jump")


def _call(graph: Graph, number: int, line: Line) -> Iterator[Edit]:
    target = graph.index[line.aim if line.aim is not None else line.key]
    if not graph.adjoin(number, number + 1):
        return
    behind, jump = graph.lines[number + 1], find("JMP", line.opcode.mode)
    ends = {
        graph.lines[inside].name for inside in graph.bodies[target] if graph.lines[inside].opcode.access == "return"
    }
    if behind.opcode.access == "return" and ends == {behind.name} and jump is not None:
        yield Edit(number, number + 1, (line._replace(opcode=jump),), "tail_call", "the routine returns for this one")
    body = _inlined(graph, number, target)
    if body is not None:
        yield Edit(number, number + 1, body, "inline", "the routine is short, or called from here alone")


def _inlined(graph: Graph, number: int, target: int) -> tuple[Line, ...] | None:
    lines: list[Line] = []
    for at, there in enumerate(graph.lines[target : target + 24], target):
        if there.opcode.access == "return" and lines:
            break
        if (
            there.controls
            or there.opcode.mode.startswith("stack")
            or there.name in ("PHK", "PLA", "PLB", "PLD", "PLP", "PLX", "PLY")
        ):
            return None
        if not graph.adjoin(at, at + 1):
            return None
        lines.append(there)
    else:
        return None
    calls = sum(line.aim == graph.lines[target].key for line in graph.lines)
    if not lines or (calls > 1 and sum(line.size for line in lines) > 6):
        return None
    lines[0] = lines[0]._replace(key=graph.lines[number].key)
    return tuple(lines)
