"""Whether the passes of a loop depend on each other, so that they may run in the opposite order."""

from typing import NamedTuple

from knowledge.m65816.opcodes import effects
from knowledge.m65816.optimize.facts import halves
from knowledge.m65816.optimize.line import Line
from knowledge.m65816.optimize.local import View, at_line
from knowledge.m65816.optimize.place import places, reads_pointer
from knowledge.m65816.optimize.state import Place

__all__ = ["Touch", "accumulates", "independent", "touches"]

_COUNTERS = ("INC", "DEC")


class Touch(NamedTuple):
    """The bytes that one line reads or writes."""

    line: Line
    places: tuple[Place, ...]
    writes: bool


def touches(view: View, number: int) -> Touch | None:
    """Return what a line touches in memory; None where that is not known."""
    line, state = view.graph.lines[number], at_line(view, number)
    access = line.opcode.access
    if access not in ("read", "write", "modify") or line.opcode.mode.startswith("immediate"):
        return Touch(line, (), writes=False) if access in ("", "branch", "read") else None
    if state is None or reads_pointer(line) or line.opcode.mode.startswith("stack"):
        return None
    size = 2 - (line.x if line.opcode.width == "x" else line.m)
    found = places(state, line, size)
    if found is None or any(place.volatile or place.space for place in found):
        return None
    return Touch(line, tuple(found), writes=access != "read")


def independent(view: View, head: int, end: int, register: str, span: int, by: int) -> bool:
    """Return whether the lines from `head` up to `end` may run for the index's values in any order."""
    lines = view.graph.lines[head:end]
    half = halves(frozenset(register))
    written = frozenset[str]().union(*(_writes(line) for line in lines)) - half
    if accumulates(view, head, end):
        written -= {"A", "B"}
    if written & view.needed[head].names:
        return False
    found = [touches(view, number) for number in range(head, end)]
    known = [touch for touch in found if touch is not None]
    if len(known) != len(found):
        return False
    sums = _sums(lines)
    for touch in known:
        if touch.writes and not all(_commute(touch, other, sums, span, by) for other in known):
            return False
    return True


def accumulates(view: View, head: int, end: int) -> bool:
    """Return whether lines only add to the accumulator, or only combine it by one bitwise operation: in any order."""
    lines, state = view.graph.lines[head:end], at_line(view, head)
    users = [at for at, line in enumerate(lines) if (_writes(line) | _reads(line)) & {"A", "B"}]
    names = {lines[at].name for at in users}
    if state is None or len(names) != 1 or not names <= {"ADC", "EOR", "ORA", "AND"}:
        return False
    if names != {"ADC"}:
        return True
    return state.get("d") == 0 and all(at and lines[at - 1].name == "CLC" for at in users)


def _reads(line: Line) -> frozenset[str]:
    return halves(effects(line.opcode, line.m, line.x, operand=line.operand).reads)


def _writes(line: Line) -> frozenset[str]:
    return halves(effects(line.opcode, line.m, line.x, operand=line.operand).writes)


def _sums(lines: tuple[Line, ...]) -> frozenset[tuple[str, int]]:
    """Return the operands of `LDA other, CLC, ADC sum, STA sum`, in either order: sums commute."""
    found: set[tuple[str, int]] = set()
    for first, carry, add, store in zip(lines, lines[1:], lines[2:], lines[3:], strict=False):
        operand = (store.opcode.mode, store.operand)
        named = [(line.opcode.mode, line.operand) == operand for line in (first, add)]
        if (first.name, carry.name, add.name, store.name) == ("LDA", "CLC", "ADC", "STA") and sum(named) == 1:
            uses = sum((line.opcode.mode, line.operand) == operand for line in lines)
            if uses == 2:
                found.add(operand)
    return frozenset(found)


def _commute(one: Touch, other: Touch, sums: frozenset[tuple[str, int]], span: int, by: int) -> bool:
    """Whether a write and another access come to the same in any order of the passes."""
    if not other.places:
        return True
    same = (one.line.opcode.mode, one.line.operand) == (other.line.opcode.mode, other.line.operand)
    if same and not one.places[0].by:
        counts = one.line.name in _COUNTERS and other.line.name == one.line.name
        return counts or (one.line.opcode.mode, one.line.operand) in sums
    if same:
        return _steps_apart(len(one.places), by)
    first, second = one.places[0].address, other.places[0].address
    reach = span if one.places[0].by and other.places[0].by else span if one.places[0].by or other.places[0].by else 0
    if one.places[0].by != other.places[0].by and one.places[0].by and other.places[0].by:
        return False
    low, high = second - first - len(one.places) + 1, second - first + len(other.places) - 1
    if low > reach or high < -reach:
        return True
    both = bool(one.places[0].by and other.places[0].by)
    return both and not any(
        distance % by == 0 and distance != 0 and abs(distance) < span for distance in range(low, high + 1)
    )


def _steps_apart(size: int, by: int) -> bool:
    """Whether the bytes that one access touches on two passes never meet."""
    return size <= by
