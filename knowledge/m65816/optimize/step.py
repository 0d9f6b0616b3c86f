"""One instruction carried out on terms."""

from collections.abc import Callable

from knowledge.m65816.opcodes import BRANCHES, FLAGS
from knowledge.m65816.optimize.line import Line
from knowledge.m65816.optimize.place import places
from knowledge.m65816.optimize.state import Place, State

__all__ = ["TRIGGERS", "Opaque", "is_opaque", "step"]

TRIGGERS = frozenset((0x2180, 0x2181, 0x2182, 0x2183, 0x420B, 0x420C))
"""Registers whose access moves memory: WRAM port and DMA."""


class Opaque(Exception):  # it is no error: the instruction is one to leave alone
    """An instruction that terms do not describe: nothing is rewritten across it."""


_HALVES = {"A": ("A", "B"), "X": ("X", "XH"), "Y": ("Y", "YH"), "D": ("D", "DH")}


def _take(state: State, register: str, size: int) -> list[int]:
    return [state.get(half) for half in _HALVES[register][:size]]


def _put(state: State, register: str, values: list[int]) -> None:
    for half, value in zip(_HALVES[register], values, strict=False):
        state.env[half] = value
    if register in ("X", "Y") and state.x:
        state.env[register + "H"] = 0


def _flags(state: State, values: list[int]) -> None:
    state.env["n"] = state.terms.bit(7, values[-1])
    state.env["z"] = state.terms.zero(*values)


def _width(state: State, line: Line) -> int:
    width = line.opcode.width
    return {"m": 2 - state.m, "x": 2 - state.x, "8": 1, "16": 2}.get(width, 1)


def _where(state: State, line: Line, size: int) -> list[Place]:
    found = places(state, line, size)
    if found is None or any(place.space == 0 and place.address in TRIGGERS for place in found):
        raise Opaque(line.name)
    return found


def _operand(state: State, line: Line, size: int) -> list[int]:
    if line.opcode.mode.startswith("immediate"):
        if line.size - 1 != size:
            raise Opaque("an immediate of the other width")
        return list(line.operand.to_bytes(size, "little"))
    return [state.load(place) for place in _where(state, line, size)]


def _sum(state: State, one: list[int], two: list[int], carry: int) -> tuple[list[int], int]:
    terms, values = state.terms, list[int]()
    for left, right in zip(one, two, strict=True):
        values.append(terms.add(left, right, carry))
        carry = terms.carry(left, right, carry)
    return values, carry


def _add(state: State, line: Line) -> None:
    size = 2 - state.m
    one, two = _take(state, "A", size), _operand(state, line, size)
    if state.get("d") != 0:
        _add_decimal(state, line, one, two)
        return
    if line.name == "SBC":
        two = [state.terms.inverse(value) for value in two]
    values, carry = _sum(state, one, two, state.get("c"))
    terms = state.terms
    state.env["v"] = terms.make("overflow", *sorted((one[-1], two[-1])), values[-1], bits=1)
    state.env["c"] = carry
    _put(state, "A", values)
    _flags(state, values)


def _add_decimal(state: State, line: Line, one: list[int], two: list[int]) -> None:
    parts: tuple[int | str, ...] = (line.name, state.get("d"), state.get("c"), *one, *two)
    values = [state.terms.make("decimal", byte, *parts) for byte in range(len(one))]
    state.env["v"] = state.terms.make("decimal", "v", *parts, bits=1)
    state.env["c"] = state.terms.make("decimal", "c", *parts, bits=1)
    _put(state, "A", values)
    _flags(state, values)


def _compare(state: State, line: Line) -> None:
    register = {"CMP": "A", "CPX": "X", "CPY": "Y"}[line.name]
    size = _width(state, line)
    one = _take(state, register, size)
    two = [state.terms.inverse(value) for value in _operand(state, line, size)]
    values, state.env["c"] = _sum(state, one, two, 1)
    state.env["n"] = state.terms.bit(7, values[-1])
    terms = state.terms
    if size == 1:
        state.env["z"] = terms.zero(values[0])
    else:
        differences = [terms.differ(left, terms.inverse(right)) for left, right in zip(one, two, strict=True)]
        state.env["z"] = terms.zero(*differences)


def _logic(state: State, line: Line) -> None:
    size, terms = 2 - state.m, state.terms
    work = {"AND": terms.both, "ORA": terms.either, "EOR": terms.differ}[line.name]
    operand = _operand(state, line, size)
    values = [work(one, two) for one, two in zip(_take(state, "A", size), operand, strict=True)]
    _put(state, "A", values)
    _flags(state, values)


def _bit(state: State, line: Line) -> None:
    size, terms = 2 - state.m, state.terms
    operand = _operand(state, line, size)
    both = [terms.both(one, two) for one, two in zip(_take(state, "A", size), operand, strict=True)]
    state.env["z"] = terms.zero(*both)
    if line.opcode.mode != "immediate_m":
        state.env["n"], state.env["v"] = terms.bit(7, operand[-1]), terms.bit(6, operand[-1])


def _load(state: State, line: Line) -> None:
    values = _operand(state, line, _width(state, line))
    _put(state, line.name[2], values)
    _flags(state, values)


def _store(state: State, line: Line) -> None:
    size = _width(state, line)
    values = [0] * size if line.name == "STZ" else _take(state, line.name[2], size)
    for place, value in zip(_where(state, line, size), values, strict=True):
        state.store(place, value)


def _shifted(state: State, name: str, values: list[int]) -> list[int]:
    terms, carry = state.terms, state.get("c") if name in ("ROL", "ROR") else 0
    done: list[int] = []
    for value in values if name in ("ASL", "ROL") else reversed(values):
        if name in ("ASL", "ROL"):
            done.append(terms.add(value, value, carry))
            carry = terms.bit(7, value)
        else:
            done.append(terms.right(value, carry))
            carry = terms.bit(0, value)
    state.env["c"] = carry
    return done if name in ("ASL", "ROL") else done[::-1]


def _modified(state: State, name: str, values: list[int]) -> list[int]:
    if name in ("INC", "INX", "INY", "DEC", "DEX", "DEY"):
        one = [1, 0] if name.startswith("IN") else [0xFF, 0xFF]
        done = _sum(state, values, one[: len(values)], 0)[0]
    elif name in ("TSB", "TRB"):
        terms, mask = state.terms, _take(state, "A", len(values))
        state.env["z"] = terms.zero(*(terms.both(one, two) for one, two in zip(mask, values, strict=True)))
        if name == "TSB":
            return [terms.either(one, two) for one, two in zip(mask, values, strict=True)]
        return [terms.both(terms.inverse(one), two) for one, two in zip(mask, values, strict=True)]
    else:
        done = _shifted(state, name, values)
    _flags(state, done)
    return done


def _modify(state: State, line: Line) -> None:
    size = 2 - state.m
    if line.opcode.mode == "accumulator":
        _put(state, "A", _modified(state, line.name, _take(state, "A", size)))
        return
    where = _where(state, line, size)
    values = _modified(state, line.name, [state.load(place) for place in where])
    for place, value in reversed(list(zip(where, values, strict=True))):
        state.store(place, value)


def _count(state: State, line: Line) -> None:
    register = line.name[2]
    _put(state, register, _modified(state, line.name, _take(state, register, 2 - state.x)))


def _transfer(state: State, line: Line) -> None:
    source, target = {"TCD": ("A", "D"), "TDC": ("D", "A")}.get(line.name, (line.name[1], line.name[2]))
    size = 2 if line.name in ("TCD", "TDC") else 2 - (state.m if target == "A" else state.x)
    values = _take(state, source, size)
    _put(state, target, values)
    _flags(state, values)


def _exchange(state: State, line: Line) -> None:
    state.env["A"], state.env["B"] = state.get("B"), state.get("A")
    _flags(state, [state.get("A")])


def _set_flag(state: State, line: Line) -> None:
    state.env[line.name[2].lower()] = int(line.name.startswith("SE"))


def _widths(state: State, line: Line) -> None:
    bit = int(line.name == "SEP")
    for name, mask in FLAGS.items():
        if not line.operand & mask:
            continue
        if name == "m":
            state.m = bit
        elif name == "x":
            state.x = bit
            if bit:
                state.env["XH"] = state.env["YH"] = 0
        elif name == "i":
            raise Opaque(line.name)
        else:
            state.env[name] = bit


def _push(state: State, line: Line) -> None:
    name = line.name
    if name in ("PHA", "PHX", "PHY", "PHD"):
        values = _take(state, name[2], _width(state, line))
    elif name == "PEA":
        values = list(line.operand.to_bytes(2, "little"))
    elif name == "PEI":
        values = [state.load(place) for place in _where(state, line, 2)]
    else:
        values = [state.get("DB")] if name == "PHB" else [state.terms.make("bank")]
    for value in reversed(values):
        state.push(value)


_SAVED = "nvzcdi"


def _push_flags(state: State, line: Line) -> None:
    flags = [state.get(flag) for flag in _SAVED]
    state.push(state.terms.make("flags", state.m, state.x, *flags))


def _pull_flags(state: State, line: Line) -> None:
    kind, *parts = state.terms.node(state.pull())
    if kind != "flags":
        raise Opaque(line.name)
    state.m, state.x = int(parts[0]), int(parts[1])
    for flag, value in zip(_SAVED, parts[2:], strict=True):
        state.env[flag] = int(value)
    if state.x:
        state.env["XH"] = state.env["YH"] = 0


def _interrupts(state: State, line: Line) -> None:
    state.event(line.name)
    state.env["i"] = int(line.name == "SEI")


def _pull(state: State, line: Line) -> None:
    values = [state.pull() for _ in range(_width(state, line))]
    if line.name == "PLB":
        state.env["DB"] = values[0]
    else:
        _put(state, line.name[2], values)
    _flags(state, values)


def _branch(state: State, line: Line) -> None:
    flag = BRANCHES.get(line.name, "")
    if line.aim is None:
        raise Opaque(line.name)
    taken = 1
    if flag:
        taken = state.get(flag)
        if line.name in ("BPL", "BVC", "BCC", "BNE"):
            taken = state.terms.opposite(taken)
    state.event("branch", taken, line.aim)


def _nothing(state: State, line: Line) -> None:
    """NOP."""


_STEPS: dict[str, Callable[[State, Line], None]] = {
    **dict.fromkeys(("ADC", "SBC"), _add),
    **dict.fromkeys(("CMP", "CPX", "CPY"), _compare),
    **dict.fromkeys(("AND", "ORA", "EOR"), _logic),
    "BIT": _bit,
    **dict.fromkeys(("LDA", "LDX", "LDY"), _load),
    **dict.fromkeys(("STA", "STX", "STY", "STZ"), _store),
    **dict.fromkeys(("ASL", "LSR", "ROL", "ROR", "INC", "DEC", "TSB", "TRB"), _modify),
    **dict.fromkeys(("INX", "INY", "DEX", "DEY"), _count),
    **dict.fromkeys(("TAX", "TAY", "TXA", "TYA", "TXY", "TYX", "TCD", "TDC"), _transfer),
    "XBA": _exchange,
    **dict.fromkeys(("CLC", "SEC", "CLD", "SED", "CLV"), _set_flag),
    **dict.fromkeys(("REP", "SEP"), _widths),
    **dict.fromkeys(("PHA", "PHX", "PHY", "PHD", "PHB", "PHK", "PEA", "PEI"), _push),
    **dict.fromkeys(("PLA", "PLX", "PLY", "PLD", "PLB"), _pull),
    "PHP": _push_flags,
    "PLP": _pull_flags,
    **dict.fromkeys(("CLI", "SEI"), _interrupts),
    **dict.fromkeys((*BRANCHES, "JMP"), _branch),
    "NOP": _nothing,
}


def is_opaque(line: Line) -> bool:
    """Return whether terms do not describe a line's mnemonic at all."""
    return line.name not in _STEPS


def step(state: State, line: Line) -> None:
    """Carry a line out on a state; raises Opaque where terms do not describe it (the state is then spoilt)."""
    if state.m != line.m or state.x != line.x:
        raise Opaque("the widths are not those of the line")
    work = _STEPS.get(line.name)
    if work is None:
        raise Opaque(line.name)
    work(state, line)
