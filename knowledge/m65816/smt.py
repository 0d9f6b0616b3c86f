"""Proof by z3 that two programs agree on every input, for code whose paths are few and whose addresses are plain.

Both programs run on the same free values: registers, flags, RAM, the caller's stack. Each pair of paths that can be
taken together asks the solver for an input on which something live differs; when there is none for any pair, the
programs are equal under the contract. What the proof assumes beside the contract is in `ASSUMPTIONS`.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from knowledge.m65816.program import Program
from knowledge.m65816.smt_paths import explore
from knowledge.m65816.smt_state import STACK_HIGH, STACK_LOW, State, World, in_stack
from knowledge.m65816.smt_values import Bits, Unsupported, Value, smt_available
from schemas.contract import Contract, Input

__all__ = ["ASSUMPTIONS", "Model", "Proof", "prove", "smt_available"]

ASSUMPTIONS = (
    f"S lies between ${STACK_LOW:04X} and ${STACK_HIGH:04X} at entry, and the stack's bytes are not named by address",
)
_MOST_PAIRS = 600
_RESOURCES = 20_000_000
"""z3's own measure of work for one question; unlike seconds it gives the same answer on every machine."""


class Model(NamedTuple):
    """An input, as the solver gives it."""

    registers: dict[str, int]
    """By name: A B X Y S D DB and flags n v d i z c; those the question depends on."""
    memory: dict[int, int]


class Proof(NamedTuple):
    """What the solver found."""

    result: Literal["equal", "differs", "unknown"]
    reason: str
    model: Model | None = None


def prove(
    original: Program, candidate: Program, contract: Contract, *, frame: int = 3, resources: int = _RESOURCES
) -> Proof:
    """Return whether two programs agree under a contract: equal, or an input on which they differ, or unknown.

    `frame` is how many bytes lie between S before the call, of which an input on S speaks, and S at the first
    instruction: 3 for a call, 4 for an interrupt in native mode.
    `unknown` says what is not modelled: reads of hardware, loops with an unknown count, addresses that
    may lie anywhere. A model should be run before it is believed.
    """
    if not smt_available():
        return Proof("unknown", "z3 is not installed (the extra `smt`)")
    try:
        _check_inputs(contract, frame)
        world = _world(contract, frame)
        given = _given(world, contract, frame)
        _check_given(world, given)
        firsts = explore(world, original, contract, given=given)
        seconds = explore(world, candidate, contract, given=given)
        world.check_apart()
        return _compare(world, given, (firsts, seconds), contract, resources)
    except Unsupported as error:
        return Proof("unknown", f"not modelled: {error}")


def _bounds(one: Input) -> tuple[int, int]:
    return (min(one.values), max(one.values)) if one.values else (one.low, one.high)


def _check_inputs(contract: Contract, frame: int) -> None:
    """Raise Unsupported for inputs that what is assumed of the stack would narrow, or that lie in it."""
    for one in contract.inputs:
        low, high = _bounds(one)
        if one.name == "S" and not STACK_LOW + frame <= low <= high <= STACK_HIGH + frame:
            raise Unsupported(f"an S before the call outside ${STACK_LOW + frame:04X} to ${STACK_HIGH + frame:04X}")
        if one.name.startswith("$") and in_stack(int(one.name[1:], 16), int(one.name[1:], 16) + one.size - 1):
            raise Unsupported(f"an input in the stack, {one.name}")


def _check_given(world: World, given: list[Any]) -> None:
    """Raise Unsupported when no input at all is left: everything would hold of it."""
    solver = world.bits.z3.SolverFor("QF_AUFBV", ctx=world.bits.context)
    solver.set("rlimit", _RESOURCES)
    solver.add(*given)
    if solver.check() != world.bits.z3.sat:
        raise Unsupported("inputs that no state is known to fulfil")


def _world(contract: Contract, frame: int) -> World:
    bits = Bits()
    z3 = bits.z3
    index = 8 if contract.x else 16
    widths = {"A": 8, "B": 8, "X": index, "Y": index, "S": 16, "D": 16, "DB": 8} | dict.fromkeys("nvdizc", 1)
    names = {name: bits.variable(name, width) for name, width in widths.items()}
    byte = z3.BitVecSort(8, bits.context)
    memory = z3.Array("memory", z3.BitVecSort(24, bits.context), byte)
    stack = z3.Array("stack", z3.BitVecSort(16, bits.context), byte)
    bounds = {
        int(one.name[1:], 16): _bounds(one) for one in contract.inputs if one.name.startswith("$") and one.size == 2
    }
    world = World(bits, memory, stack, names, bounds, emulation=bool(contract.e))
    for one in contract.inputs:
        _note_input(world, one, contract, frame)
    return world


def _note_input(world: World, one: Input, contract: Contract, frame: int) -> None:
    """Keep what is known of an input beside the fact itself: its one value, or its largest."""
    bits, names = world.bits, world.names
    low, high = _bounds(one)
    if one.name == "S":
        bits.bound(names["S"], high - frame, smallest=low - frame)
        return
    if one.name.startswith("$"):
        cells = {f"${int(one.name[1:], 16) + index:06X}": low >> 8 * index & 0xFF for index in range(one.size)}
        world.fixed |= cells if low == high else {}
        return
    wide = one.name == "A" and not contract.m
    value = bits.joined(names["B"], names["A"], 8, 8) if wide else names[one.name]
    bits.bound(value, min(high, (1 << int(value.size())) - 1), smallest=low)
    if low == high:
        world.fixed |= {"A": low & 0xFF, "B": low >> 8} if wide else {one.name: low}


def _given(world: World, contract: Contract, frame: int) -> list[Any]:
    """Return what holds at the first instruction."""
    bits, z3 = world.bits, world.bits.z3
    s = world.names["S"]
    facts = [z3.UGE(s, bits.term(STACK_LOW, 16)), z3.ULE(s, bits.term(STACK_HIGH, 16))]
    for one in contract.inputs:
        if one.name.startswith("$"):
            place = int(one.name[1:], 16)
            cells = [z3.Select(world.memory, bits.term(place + index, 24)) for index in range(one.size)]
            value: Any = cells[0] if one.size == 1 else z3.Concat(cells[1], cells[0])
        else:
            wide = one.name == "A" and not contract.m
            value = z3.Concat(world.names["B"], world.names["A"]) if wide else world.names[one.name]
            value = s + bits.term(frame, 16) if one.name == "S" else value
        width = value.size()
        limit = (1 << width) - 1
        if one.values:
            facts.append(z3.Or([value == bits.term(each, width) for each in one.values]))
        else:
            facts.append(z3.UGE(value, bits.term(one.low, width)))
            facts.append(z3.ULE(value, bits.term(min(one.high, limit), width)))
    return facts


def _compare(
    world: World, given: list[Any], paths: tuple[list[State], list[State]], contract: Contract, resources: int
) -> Proof:
    firsts, seconds = paths
    if len(firsts) * len(seconds) > _MOST_PAIRS:
        raise Unsupported("too many pairs of paths")
    bits, z3 = world.bits, world.bits.z3
    solver = z3.SolverFor("QF_AUFBV", ctx=bits.context)
    solver.set("rlimit", resources)
    solver.set("timeout", 20_000)
    solver.add(*given)
    for first in firsts:
        for second in seconds:
            wrong = _differences(world, first, second, contract)
            if not wrong:
                continue
            solver.push()
            solver.add(*first.path, *second.path, z3.Or(wrong))
            answer = solver.check()
            if answer == z3.sat:
                return Proof("differs", "the solver found an input", _model(world, solver.model()))
            if answer != z3.unsat:
                return Proof("unknown", "the solver came to no answer within its limit")
            solver.pop()
    return Proof("equal", f"no input tells {len(firsts)} path(s) from {len(seconds)}")


def _differences(world: World, first: State, second: State, contract: Contract) -> list[Any]:
    """Return the conditions under which two final states differ in something live; empty when they never do."""
    bits = world.bits
    always = [bits.term(0, 1) == bits.z3.BitVecVal(0, 1, bits.context)]
    live = [name not in contract.clobbers for name in ("S", "m", "x")]
    if first.stop != second.stop or any(
        wanted and one != other
        for wanted, one, other in zip(
            live, (first.sp, first.m, first.narrow), (second.sp, second.m, second.narrow), strict=True
        )
    ):
        return always
    addresses = [[register for register, _ in one.hardware] for one in (first, second)]
    if addresses[0] != addresses[1]:
        if contract.hardware == "final":
            raise Unsupported("other hardware writes, compared by what they come to")
        return always
    pairs = [(one, other, 8) for (_, one), (_, other) in zip(first.hardware, second.hardware, strict=True)]
    pairs += _register_pairs(first, second, contract) + _stack_pairs(first, second)
    wrong = [_unequal(bits, *pair) for pair in pairs if not bits.same(pair[0], pair[1])]
    return wrong + _memory_differences(world, first, second, contract)


def _unequal(bits: Bits, one: Value, other: Value, width: int) -> Any:
    return bits.term(one, width) != bits.term(other, width)


def _register_pairs(first: State, second: State, contract: Contract) -> list[tuple[Value, Value, int]]:
    rows: list[tuple[str, Value, Value, int]] = [
        ("A", first.low, second.low, 8),
        ("B", first.high, second.high, 8),
        ("X", first.x, second.x, 16),
        ("Y", first.y, second.y, 16),
        ("D", first.d, second.d, 16),
        ("DB", first.db, second.db, 8),
    ]
    rows += [(name, first.flags[name], second.flags[name], 1) for name in first.flags]
    return [(one, other, width) for name, one, other, width in rows if name not in contract.clobbers]


def _stack_pairs(first: State, second: State) -> list[tuple[Value, Value, int]]:
    """Return what both left above S."""
    above = [place for place in first.pushed.keys() | second.pushed.keys() if place > max(first.sp, second.sp)]
    pairs: list[tuple[Value, Value, int]] = []
    for place in sorted(above):
        one, other = (state.stacked(place - state.sp) for state in (first, second))
        pairs.append((one, other, 8))
    return pairs


def _memory_differences(world: World, first: State, second: State, contract: Contract) -> list[Any]:
    bits, z3 = world.bits, world.bits.z3
    ranges = [(one.start, one.end) for one in contract.memory_clobbers]
    if not first.wild and not second.wild:
        wrong: list[Any] = []
        for place in sorted(first.written | second.written):
            if any(low <= place <= high for low, high in ranges):
                continue
            one, other = (_cell(world, state, place) for state in (first, second))
            if not bits.same(one, other):
                wrong.append(_unequal(bits, one, other, 8))
        return wrong
    one, other = first.flush(), second.flush()
    if one.eq(other):
        return []
    place = bits.variable("place", 24)
    differs = z3.Select(one, place) != z3.Select(other, place)
    outside = [z3.Or(z3.ULT(place, bits.term(low, 24)), z3.UGT(place, bits.term(high, 24))) for low, high in ranges]
    return [z3.And([differs, *outside])]


def _cell(world: World, state: State, place: int) -> Value:
    if place in state.fresh:
        return state.fresh[place]
    return world.bits.z3.Select(state.array, world.bits.term(place, 24))


def _model(world: World, model: Any) -> Model:
    """Return the input that a model stands for."""
    known = {str(one): one for one in model.decls()}
    registers: dict[str, int] = {}
    for name, value in world.names.items():
        if name in known:
            registers[name] = model.eval(value, model_completion=True).as_long()
    memory: dict[int, int] = {}
    for index in world.reads:
        place = model.eval(index, model_completion=True).as_long()
        cell = world.bits.z3.Select(world.memory, world.bits.term(place, 24))
        memory[place] = model.eval(cell, model_completion=True).as_long()
    bottom = registers.get("S", STACK_HIGH)
    _stack_bytes(world, model, memory, bottom)
    return Model(registers, memory)


def _stack_bytes(world: World, model: Any, memory: dict[int, int], bottom: int) -> None:
    places: Sequence[int] = sorted(set(world.stack_reads))
    for offset in places:
        cell = world.bits.z3.Select(world.stack, world.bits.term(offset & 0xFFFF, 16))
        memory[0x7E0000 | bottom + offset & 0x1FFF] = model.eval(cell, model_completion=True).as_long()
