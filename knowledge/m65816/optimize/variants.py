"""Other instructions that may do what a line does, given what the registers hold."""

from collections.abc import Iterator

from knowledge.m65816.opcodes import BRANCHES, Mode, find
from knowledge.m65816.optimize.line import Line, changed
from knowledge.m65816.optimize.place import places
from knowledge.m65816.optimize.state import State
from knowledge.m65816.optimize.step import Opaque, step
from knowledge.snes.addresses import fold

__all__ = ["variants"]

_TRANSFERS = {"A": (("TXA", "X"), ("TYA", "Y")), "X": (("TAX", "A"), ("TYX", "Y")), "Y": (("TAY", "A"), ("TXY", "X"))}
_HALF = {"A": "B", "X": "XH", "Y": "YH"}
_SHORTER: dict[Mode, tuple[Mode, ...]] = {
    "absolute_long": ("absolute", "direct"),
    "absolute_long_x": ("absolute_x", "direct_x"),
    "absolute": ("direct",),
    "absolute_x": ("direct_x", "absolute", "direct"),
    "absolute_y": ("direct_y", "absolute", "direct"),
    "direct_x": ("direct",),
    "direct_y": ("direct",),
}


def variants(line: Line, state: State, original: State) -> Iterator[Line]:
    """Yield lines that may stand in a line's place, cheaper by themselves or together with another change.

    `state` is what holds before the line after the changes so far, `original` what held before them.
    They are proposals: whether one does the same is for the caller to find out.
    """
    if line.opcode.access == "branch" and line.opcode.mode == "relative":
        yield from _branches(line, state, original)
        return
    if line.opcode.mode in _SHORTER:
        yield from _nearer(line, state)
    if line.name in ("LDA", "LDX", "LDY"):
        yield from _loads(line, state)
    elif line.name in ("STA", "STX", "STY"):
        yield from _stores(line, state)
    elif line.name in ("ADC", "SBC") and line.opcode.mode == "immediate_m":
        yield from _sums(line, state, original)
    if line.name in ("ADC", "SBC", "AND", "ORA", "EOR", "TXA", "TYA", "LDA"):
        yield from _constant(line, state)
    elif line.name == "CMP":
        yield from _comparisons(line, state)


def _some(*lines: Line | None) -> Iterator[Line]:
    return (line for line in lines if line is not None)


def _branches(line: Line, state: State, original: State) -> Iterator[Line]:
    flag = BRANCHES[line.name]
    if not flag:
        return
    holds, terms = original.get(flag), state.terms
    if line.name in ("BPL", "BVC", "BCC", "BNE"):
        holds = terms.opposite(holds)
    for name, other in BRANCHES.items():
        row = find(name, "relative")
        if other and name != line.name and row is not None:
            value = state.get(other)
            if (terms.opposite(value) if name in ("BPL", "BVC", "BCC", "BNE") else value) == holds:
                yield line._replace(opcode=row)


def _nearer(line: Line, state: State) -> Iterator[Line]:
    """The same place through a shorter addressing mode."""
    where = places(state.copy(), line, 1)
    if not where:
        return
    place, low, high = where[0], state.get("D"), state.get("DH")
    if place.space or low >= 256 or high >= 256:
        return
    for mode in _SHORTER[line.opcode.mode]:
        if mode.startswith("direct"):
            offset = place.address - 0x7E0000 - (high << 8 | low)
            offset = offset if 0 <= offset <= 0xFF else fold(place.address) - (high << 8 | low)
            if 0 <= offset <= 0xFF:
                yield from _some(_mode(line, mode, offset))
        else:
            yield from _some(_mode(line, mode, place.address & 0xFFFF if not place.by else line.operand & 0xFFFF))


def _mode(line: Line, mode: Mode, operand: int) -> Line | None:
    return changed(line, line.name, mode, operand)


def _loads(line: Line, state: State) -> Iterator[Line]:
    register = line.name[2]
    if line.opcode.mode.startswith("immediate"):
        return
    size = 2 - (line.m if register == "A" else line.x)
    where = places(state.copy(), line, size)
    if where is None or any(place.volatile for place in where):
        return
    probe = state.copy()
    values = [probe.load(place) for place in where]
    if all(value < 256 for value in values):
        immediate = "immediate_m" if register == "A" else "immediate_x"
        yield from _some(changed(line, line.name, immediate, int.from_bytes(bytes(values), "little")))
    for name, source in _TRANSFERS[register]:
        held = [state.get(source), state.get(_HALF[source])][:size]
        if held == values:
            yield from _some(changed(line, name, "implied", 0))


def _stores(line: Line, state: State) -> Iterator[Line]:
    register, mode, operand = line.name[2], line.opcode.mode, line.operand
    size = 2 - (line.m if register == "A" else line.x)
    values = [state.get(register), state.get(_HALF[register])][:size]
    if not any(values) and size == 2 - line.m:
        yield from _some(changed(line, "STZ", mode, operand))
    for other in "AXY":
        width = 2 - (line.m if other == "A" else line.x)
        if other != register and width == size and [state.get(other), state.get(_HALF[other])][:size] == values:
            yield from _some(changed(line, "ST" + other, mode, operand))


def _sums(line: Line, state: State, original: State) -> Iterator[Line]:
    top = 0xFF if line.m else 0xFFFF
    root, ahead = _offset(state)
    other, behind = _offset(original)
    if line.m and root == other and ahead != behind:
        further = behind - ahead if line.name == "ADC" else ahead - behind
        yield from _some(changed(line, line.name, "immediate_m", line.operand + further & top))
    yield from _some(
        changed(line, "INC", "accumulator", 0),
        changed(line, "DEC", "accumulator", 0),
        changed(line, line.name, "immediate_m", line.operand + 1 & top),
        changed(line, line.name, "immediate_m", line.operand - 1 & top),
    )


def _comparisons(line: Line, state: State) -> Iterator[Line]:
    """The same comparison with an index register that holds what the accumulator holds."""
    mode = "immediate_x" if line.opcode.mode == "immediate_m" else line.opcode.mode
    if line.m != line.x:
        return
    for name in "XY":
        if all(
            state.get(one) == state.get(two) for one, two in zip("AB"[: 2 - line.m], (name, name + "H"), strict=False)
        ):
            yield from _some(changed(line, "CP" + name, mode, line.operand))


def _constant(line: Line, state: State) -> Iterator[Line]:
    """The value that comes out, when it is always the same."""
    after = state.copy()
    try:
        step(after, line)
    except Opaque:
        return
    values = [after.get(half) for half in "AB"[: 2 - line.m]]
    if after.events == state.events and all(value < 256 for value in values):
        yield from _some(changed(line, "LDA", "immediate_m", int.from_bytes(bytes(values), "little")))


def _offset(state: State) -> tuple[int, int]:
    """Return the accumulator's low byte as a term and what is added to it."""
    value = state.get("A")
    kind, *parts = state.terms.node(value)
    return (int(parts[0]), int(parts[1])) if kind == "plus" else (value, 0)
