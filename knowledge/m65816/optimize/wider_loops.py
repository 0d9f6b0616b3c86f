"""Loops over bytes made loops over words, and changes of width taken out of loops."""

from collections.abc import Iterator
from typing import NamedTuple

from knowledge.m65816.opcodes import effects, find
from knowledge.m65816.optimize.cost import clocks_of
from knowledge.m65816.optimize.facts import halves
from knowledge.m65816.optimize.line import UNKNOWN, Line, changed
from knowledge.m65816.optimize.local import Edit, View
from knowledge.m65816.optimize.loops import Loop, loops
from knowledge.m65816.optimize.passes import independent
from knowledge.m65816.optimize.state import Key
from knowledge.m65816.optimize.turns import behind

__all__ = ["wider_loop_edits"]

_BYTEWISE = frozenset(("LDA", "STA", "STZ", "AND", "ORA", "EOR"))
_FLAGS = frozenset("nzc")
_M = 0x20


def wider_loop_edits(view: View) -> Iterator[Edit]:
    """Yield loops that handle two bytes a pass, and loops without REP and SEP inside."""
    for loop in loops(view):
        yield from _by_words(view, loop)
        yield from _one_width(view, loop)


class _Bytes(NamedTuple):
    """A loop over bytes: its counter runs through all of `size` values from 0, or from 1, on."""

    register: str
    size: int
    first: int
    """The lowest value of the counter."""
    body: int
    """The line behind the body."""
    setter: int


def _writes(line: Line) -> frozenset[Key]:
    return frozenset(halves(effects(line.opcode, line.m, line.x, operand=line.operand).writes))


def _counted(view: View, loop: Loop) -> _Bytes | None:
    lines, at = view.graph.lines, loop.latch - 1
    end = None
    if lines[at].name in ("CPX", "CPY") and lines[at].opcode.mode == "immediate_x":
        end, at = lines[at].operand, at - 1
    name = lines[at].name
    if name not in ("INX", "INY", "DEX", "DEY") or at <= loop.head:
        return None
    register, latch = name[2], lines[loop.latch].name
    if any(number in view.graph.leaders for number in range(loop.head + 1, loop.latch + 1)):
        return None
    setter = _setter(view, loop.head, register)
    if setter is None or any(_writes(line) & {register, register + "H"} for line in lines[loop.head : at]):
        return None
    first = lines[setter].operand
    if name.startswith("IN"):
        if end is None or end <= first or latch not in ("BNE", "BCC"):
            return None
        return _Bytes(register, end - first, first, at, setter)
    if end is None and latch == "BPL" and first < (0x80 if lines[at].x else 0x8000):
        return _Bytes(register, first + 1, 0, at, setter)
    if end is None and latch == "BNE" and first:
        return _Bytes(register, first, 1, at, setter)
    return None


def _setter(view: View, head: int, register: str) -> int | None:
    """Return the line that sets the counter, with nothing but constant loads between it and the loop."""
    for number in range(head - 1, max(head - 3, -1), -1):
        line = view.graph.lines[number]
        if line.name == "LD" + register and line.opcode.mode == "immediate_x":
            return number
        if line.name != "LDA" or line.opcode.mode != "immediate_m" or number in view.graph.leaders - {0}:
            return None
    return None


def _by_words(view: View, loop: Loop) -> Iterator[Edit]:
    count, lines = _counted(view, loop), view.graph.lines
    if count is None or count.size % 2 or count.size < 4 or not lines[loop.head].m:
        return
    body = lines[loop.head : count.body]
    start = min(count.setter, loop.head - 1 if _is_constant(lines[loop.head - 1]) else count.setter)
    if start and _is_constant(lines[start - 1]) and start not in view.graph.leaders and count.setter == start:
        start -= 1
    if start in view.graph.leaders and start != count.setter and start != view.graph.entry:
        return
    wide = _wide_body(body, count)
    before = _wide_body(tuple(line for line in lines[start : loop.head] if line.name == "LDA"), count)
    if wide is None or before is None or not _may_run(view, loop, count, loaded=bool(before)):
        return
    for shift in (0, 1):
        made = _words(lines, loop, count, wide, shift)
        if made is not None:
            model = lines[loop.head]
            setter, inner = made
            top = lines[start].key
            rest = [line._replace(key=-1) if line.key == top else line for line in (*before, setter)]
            done = (_flag(model, "REP")._replace(key=top), *rest, *inner, _flag(model, "SEP"))
            spared = sum(clocks_of(line) for line in inner) * view.graph.weights[loop.head] / 2
            why = "each pass is for itself, so two make one"
            yield Edit(start, loop.latch + 1, done, "wider_loop", why, spared)
            return


def _is_constant(line: Line) -> bool:
    return line.name == "LDA" and line.opcode.mode == "immediate_m"


def _may_run(view: View, loop: Loop, count: _Bytes, *, loaded: bool) -> bool:
    """Whether nothing behind the loop reads what its passes leave in registers, nor one pass what another left."""
    if loop.latch + 1 >= len(view.graph.lines):
        return False
    after, needed = view.needed[loop.latch + 1].names, view.needed[loop.head].names
    dead = {"A", "B", "n", "z", "c", *halves(frozenset(count.register))}
    if after & dead or needed & _FLAGS or "B" in needed or ("A" in needed and not loaded):
        return False
    return independent(view, loop.head, count.body, count.register, count.size, 1)


def _wide_body(body: tuple[Line, ...], count: _Bytes) -> list[Line] | None:
    wide: list[Line] = []
    for line in body:
        mode = line.opcode.mode
        if line.name not in _BYTEWISE or not line.m:
            return None
        if mode == "immediate_m":
            wide.append(line._replace(m=0, operand=line.operand * 0x101))
        elif mode.endswith("_" + count.register.lower()) and "indirect" not in mode:
            wide.append(line._replace(m=0))
        else:
            return None
    return wide


def _words(
    lines: tuple[Line, ...], loop: Loop, count: _Bytes, wide: list[Line], shift: int
) -> tuple[Line, list[Line]] | None:
    """Return the line that sets the counter, and the loop that counts words down to 0, or with `shift` to 2."""
    top = 0x80 if lines[loop.head].x else 0x8000
    last = count.size - 2
    if (shift == 0) != (last < top) or last + 2 > 2 * top - 1:
        return None
    moved = count.first - 2 * shift
    body: list[Line] = []
    for line in wide:
        indexed = not line.opcode.mode.startswith("immediate")
        operand = line.operand + moved if indexed else line.operand
        if operand < 0 or (line.opcode.mode.startswith("direct") and operand > 0xFF):
            return None
        body.append(line._replace(operand=operand))
    down, row = (
        changed(lines[count.body], "DE" + count.register, "implied", 0),
        find("BNE" if shift else "BPL", "relative"),
    )
    if down is None or row is None:
        return None
    setter = lines[count.setter]._replace(operand=last + 2 * shift, m=0)
    counting = [down._replace(key=lines[count.body].key, m=0), down._replace(key=-1, m=0)]
    latch = lines[loop.latch]._replace(opcode=row, m=0, aim=body[0].key)
    return setter, [*body, *counting, latch]


def _flag(line: Line, name: str) -> Line:
    row = find(name, "immediate_8")
    return line._replace(key=-1, opcode=row or line.opcode, operand=_M, aim=None, m=1 if name == "REP" else 0)


def _switches(line: Line, name: str) -> bool:
    return line.name == name and line.operand == _M


def _one_width(view: View, loop: Loop) -> Iterator[Edit]:
    """REP first and SEP later on each pass (or the other way round): once before the loop and once behind it."""
    lines = view.graph.lines
    inside = lines[loop.head : loop.latch + 1]
    outer = inside[-1].m
    there, back = ("REP", "SEP") if outer else ("SEP", "REP")
    switches = [at for at, line in enumerate(inside) if line.name in ("REP", "SEP", "PHP", "PLP")]
    if len(switches) != 2 or not (_switches(inside[switches[0]], there) and _switches(inside[switches[1]], back)):
        return
    body: list[Line] = []
    for at, line in enumerate(inside):
        if at in switches:
            continue
        if line.m == outer and line.opcode.width == "m":
            wide = _masked(inside, at, switches[0])
            if wide is None:
                return
            body.append(wide)
        else:
            body.append(line._replace(m=1 - outer))
    before = behind(view, loop.head)
    if not body or before is None or outer == UNKNOWN or (inside[0].m != outer and switches[0]):
        return
    index = {line.key: number for number, line in enumerate(inside)}
    fixed = [_aimed(line, inside, switches, index) for line in body]
    first, last = inside[switches[0]], inside[switches[1]]._replace(key=-1)
    made = (first._replace(key=-2, m=before.m), *fixed, last)
    why = "nothing else in the loop depends on the width"
    yield Edit(loop.head, loop.latch + 1, made, "one_width", why)


def _masked(inside: tuple[Line, ...], at: int, switch: int) -> Line | None:
    """Return a byte's load as a word's, when the upper byte is masked off at once."""
    line = inside[at]
    follows = inside[switch + 1] if switch + 1 < len(inside) else None
    if line.m != 1 or at + 1 != switch or line.name != "LDA" or line.opcode.mode == "immediate_m" or follows is None:
        return None
    if (follows.name, follows.opcode.mode, follows.operand & 0xFF00) != ("AND", "immediate_m", 0):
        return None
    return line._replace(m=0)


def _aimed(line: Line, inside: tuple[Line, ...], switches: list[int], index: dict[int, int]) -> Line:
    """Lead what led to a line that goes to the one behind it."""
    if line.aim is None or line.aim not in index:
        return line
    place = index[line.aim]
    while place in switches:
        place += 1
    return line._replace(aim=inside[place].key)
