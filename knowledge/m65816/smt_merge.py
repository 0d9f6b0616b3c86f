"""Two paths that meet at one instruction, joined into one state whose values depend on the way taken."""

from typing import Any

from knowledge.m65816.smt_state import State
from knowledge.m65816.smt_values import Bits, Value

__all__ = ["merged"]


def merged(first: State, second: State) -> State | None:
    """Return one state for both; None where they differ in what has to be one thing (widths, S, counters, banks)."""
    if not _alike(first, second):
        return None
    bits = first.world.bits
    common = 0
    while common < min(len(first.path), len(second.path)) and first.path[common].eq(second.path[common]):
        common += 1
    z3 = bits.z3
    mine, yours = (_all(bits, state.path[common:]) for state in (first, second))
    way = bits.bit(mine)
    both = first.fork()
    both.path = [*first.path[:common], z3.Or(mine, yours)]

    def chosen(one: Value, other: Value, width: int) -> Value:
        return one if bits.same(one, other) else bits.chosen(way, one, other, width)

    both.low, both.high = chosen(first.low, second.low, 8), chosen(first.high, second.high, 8)
    both.x, both.y = chosen(first.x, second.x, 16), chosen(first.y, second.y, 16)
    both.flags = {name: chosen(flag, second.flags[name], 1) for name, flag in first.flags.items()}
    both.pushed = {place: chosen(first.pushed[place], second.pushed[place], 8) for place in _held(first)}
    both.hardware = [
        (register, chosen(one, other, 8))
        for (register, one), (_, other) in zip(first.hardware, second.hardware, strict=True)
    ]
    for place in sorted(first.written | second.written):
        byte = chosen(_cell(first, place), _cell(second, place), 8)
        both.fresh[place] = both.waiting[place] = byte
    both.written = first.written | second.written
    return both


def _all(bits: Bits, conditions: list[Any]) -> Any:
    return bits.z3.And([*conditions, bits.term(0, 1) == bits.z3.BitVecVal(0, 1, bits.context)])


def _held(state: State) -> list[int]:
    return sorted(place for place in state.pushed if place > state.sp)


def _cell(state: State, place: int) -> Value:
    if place in state.fresh:
        return state.fresh[place]
    return state.world.bits.z3.Select(state.array, state.world.bits.term(place, 24))


def _alike(first: State, second: State) -> bool:
    if (first.m, first.narrow, first.sp, first.stop) != (second.m, second.narrow, second.sp, second.stop):
        return False
    if first.wild or second.wild or _held(first) != _held(second):
        return False
    if [register for register, _ in first.hardware] != [register for register, _ in second.hardware]:
        return False
    bits = first.world.bits
    if not bits.same(first.d, second.d) or not bits.same(first.db, second.db):
        return False
    counters = ((first.x, second.x), (first.y, second.y))
    return all(bits.same(one, other) or not (isinstance(one, int) or isinstance(other, int)) for one, other in counters)
