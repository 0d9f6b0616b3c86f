"""What one instruction costs, from what is known before it: CPU cycles and master clocks, least and most.

An instruction's cycles are its bytes fetched, its data, pointers and stack bytes, and internal cycles; internal ones
take 6 clocks, the others what their place takes. The stack is taken to lie in work RAM.
"""

from typing import Final, NamedTuple

from knowledge.m65816.cycles_speed import ANYWHERE, BANK_0, Speed, across, at, in_any_bank
from knowledge.m65816.flow_state import State
from knowledge.m65816.instruction import Instruction
from knowledge.m65816.opcodes import MODES

__all__ = ["FREE", "INDEXED", "Cost", "cost", "hits", "worst"]

_INTERNAL: Final = 6
_STACK: Final = Speed(8, 8, 8, 8)
INDEXED: Final = frozenset(mode for mode in MODES if mode.endswith("_y") or ("_x" in mode and mode != "immediate_x"))
"""Modes whose address depends on X or Y."""
_PULLED: Final = {"RTS": 2, "RTL": 3, "JSR": 2, "JSL": 3, "PEI": 2}


class Cost(NamedTuple):
    """Least and most of CPU cycles and of master clocks, with slow ROM and with fast ROM in banks $80-$FF."""

    cycles: int
    most_cycles: int
    slow: int
    most_slow: int
    fast: int
    most_fast: int
    reasons: tuple[str, ...] = ()
    """Why least and most differ."""

    def plus(self, other: "Cost") -> "Cost":
        """Return both, one after the other."""
        return Cost(
            self.cycles + other.cycles,
            self.most_cycles + other.most_cycles,
            self.slow + other.slow,
            self.most_slow + other.most_slow,
            self.fast + other.fast,
            self.most_fast + other.most_fast,
        )


FREE: Final = Cost(0, 0, 0, 0, 0, 0)


def worst(one: Cost, two: Cost) -> Cost:
    """Return the range that holds both."""
    return Cost(
        min(one.cycles, two.cycles),
        max(one.most_cycles, two.most_cycles),
        min(one.slow, two.slow),
        max(one.most_slow, two.most_slow),
        min(one.fast, two.fast),
        max(one.most_fast, two.most_fast),
        tuple(dict.fromkeys((*one.reasons, *two.reasons))),
    )


class _Extra(NamedTuple):
    """Internal cycles beside those of the table."""

    sure: int
    maybe: int
    reasons: tuple[str, ...]


def _index(instruction: Instruction, state: State) -> int | None:
    """Return what indexes the address; 0 when nothing does."""
    mode = instruction.opcode.mode
    if mode.endswith("_y"):
        return state.yr
    return state.xr if "_x" in mode and mode != "immediate_x" else 0


def _most_index(state: State) -> int:
    return 0xFF if state.x == 1 else 0xFFFF


def _page_crossed(instruction: Instruction, state: State) -> bool | None:
    """Return whether indexing costs a cycle; None when that is unknown."""
    if state.x == 0:
        return True
    index = _index(instruction, state)
    if index == 0:
        return False
    if not instruction.opcode.mode.startswith("absolute"):
        return None
    low = instruction.operand & 0xFF
    if low == 0:
        return False
    return None if index is None else low + index > 0xFF


def _extra(instruction: Instruction, state: State, *, taken: bool) -> _Extra:
    modifiers, sure, maybe = instruction.opcode.modifiers, 0, 0
    reasons: list[str] = []
    if "w" in modifiers:
        if state.d is None:
            maybe += 1
            reasons.append("the low byte of D is unknown")
        else:
            sure += state.d & 0xFF != 0
    if "p" in modifiers:
        crossed = _page_crossed(instruction, state)
        if crossed is None:
            maybe += 1
            reasons.append("the index may cross a page")
        else:
            sure += crossed
    if taken:
        sure += "t" in modifiers
        target = instruction.target
        if "e" in modifiers and state.e == 1 and target is not None:
            sure += (target ^ instruction.next) & 0xFF00 != 0
    return _Extra(sure, maybe, tuple(reasons))


def _width(instruction: Instruction, state: State) -> int:
    """Return the bytes of data: 0, 1 or 2."""
    row = instruction.opcode
    if row.width == "m":
        return 2 - (state.m or 0)
    if row.width == "x":
        return 2 - (state.x or 0)
    return {"8": 1, "16": 2, "": 0}[row.width]


def _direct(instruction: Instruction, state: State, count: int) -> list[Speed]:
    """Return the speed of bytes at a direct page address; for the indexed-indirect mode those of its pointer."""
    indexed = instruction.opcode.mode in ("direct_x", "direct_y", "direct_x_indirect")
    index = _index(instruction, state) if indexed else 0
    if state.d is None:
        return [BANK_0] * count
    start = state.d + instruction.operand
    if state.e == 1 and state.d & 0xFF == 0 and indexed:
        return [across(state.d, state.d + 0x100)] * count
    if index is None:
        last = start + _most_index(state) + 1
        return [BANK_0 if last > 0xFFFF else across(start, last)] * count
    return [at(start + index + number & 0xFFFF) for number in range(count)]


def _absolute(instruction: Instruction, state: State, count: int) -> list[Speed]:
    """Return the speed of bytes at an absolute or long address."""
    index = _index(instruction, state)
    bank = state.db
    start = instruction.operand
    if instruction.opcode.mode.startswith("absolute_long"):
        bank, start = start >> 16, start & 0xFFFF
    most = _most_index(state) if index is None else index
    if bank is None:
        return [in_any_bank(start + (index or 0), start + most + count - 1)] * count
    start += bank << 16
    if index is None:
        return [across(start, start + most + 1)] * count
    return [at(start + index + number & 0xFFFFFF) for number in range(count)]


def _data(instruction: Instruction, state: State, count: int) -> list[Speed]:
    """Return the speed of each byte of data."""
    mode = instruction.opcode.mode
    if mode == "stack_relative":
        return [_STACK] * count
    if "indirect" in mode:
        return [ANYWHERE] * count
    return _direct(instruction, state, count) if mode.startswith("direct") else _absolute(instruction, state, count)


def _pointer(instruction: Instruction, state: State) -> list[Speed]:
    """Return the speed of each byte of a pointer."""
    mode, operand = instruction.opcode.mode, instruction.operand
    if mode == "stack_relative_indirect_y":
        return [_STACK] * 2
    if mode.startswith("direct") and "indirect" in mode:
        return _direct(instruction, state, 3 if "long" in mode else 2)
    if mode == "absolute_x_indirect":
        bank = instruction.address & 0xFF0000
        if state.xr is None:
            return [across(bank, bank | 0xFFFF)] * 2
        return [at(bank | operand + state.xr + number & 0xFFFF) for number in range(2)]
    if mode in ("absolute_indirect", "absolute_indirect_long"):
        return [at(operand + number & 0xFFFF) for number in range(3 if "long" in mode else 2)]
    return []


def _accesses(instruction: Instruction, state: State) -> list[Speed]:
    """Return the speed of every byte that goes over the bus; WDM's second byte does not."""
    row = instruction.opcode
    bank, start = instruction.address & 0xFF0000, instruction.address & 0xFFFF
    found = [at(bank | start + number & 0xFFFF) for number in range(1 if row.mnemonic == "WDM" else instruction.size)]
    found += _pointer(instruction, state)
    count = _width(instruction, state)
    if row.mnemonic in ("BRK", "COP"):
        return found + [_STACK] * (4 - (state.e or 0)) + [at(0xFFE0)] * 2
    if row.mnemonic == "RTI":
        return found + [_STACK] * (4 - (state.e or 0))
    found += [_STACK] * _PULLED.get(row.mnemonic, 0)
    if row.mnemonic == "PEI":
        return found + _direct(instruction, state, 2)
    if row.access in ("push", "pull"):
        return found + [_STACK] * count
    if row.access in ("read", "write", "modify") and not row.mode.startswith("immediate"):
        data = _data(instruction, state, count)
        found += data * 2 if row.access == "modify" else data
    return found


def _summed(cycles: tuple[int, int], accesses: list[Speed], reasons: tuple[str, ...]) -> Cost:
    least, most = cycles
    idle = least - len(accesses)
    slow, most_slow, fast, most_fast = (sum(each[place] for each in accesses) for place in range(4))
    more = (most - least) * _INTERNAL
    if (slow, fast) != (most_slow, most_fast):
        reasons = (*reasons, "the speed of the memory is unknown")
    return Cost(
        least, most, idle * _INTERNAL + slow, idle * _INTERNAL + most_slow + more,
        idle * _INTERNAL + fast, idle * _INTERNAL + most_fast + more, reasons,
    )  # fmt: skip


def _moved(bank: int, index: int | None, count: int, *, down: bool) -> Speed:
    """Return the speed of the bytes that a block move reads, or writes."""
    if index is not None:
        first, last = (index - count + 1, index) if down else (index, index + count - 1)
        if first >= 0 and last <= 0xFFFF:
            return across(bank << 16 | first, bank << 16 | last)
    return across(bank << 16, bank << 16 | 0xFFFF)


def _block_move(instruction: Instruction, state: State) -> Cost:
    """Return what MVN or MVP costs over all its bytes."""
    start = instruction.address
    fetched = [at(start & 0xFF0000 | start + number & 0xFFFF) for number in range(3)]
    known = state.accumulator
    least, most = (1, 0x10000) if known is None else (known + 1, known + 1)
    down = instruction.opcode.mnemonic == "MVP"
    moved = [
        _moved(instruction.operand >> 8, state.xr, most, down=down),
        _moved(instruction.operand & 0xFF, state.yr, most, down=down),
    ]
    one = _summed((7, 7), fetched + moved, ())
    reasons = () if known is not None else ("the number of bytes to move, in A, is unknown",)
    return Cost(
        7 * least,
        7 * most,
        one.slow * least,
        one.most_slow * most,
        one.fast * least,
        one.most_fast * most,
        (*reasons, *one.reasons),
    )


def _exactly(instruction: Instruction, state: State, *, taken: bool) -> Cost:
    """Return the cost with M, X and E known."""
    row = instruction.opcode
    if row.access == "move":
        return _block_move(instruction, state)
    extra = _extra(instruction, state, taken=taken)
    least = row.cycles + extra.sure
    least += "m" in row.modifiers and state.m == 0
    least += 2 if "mm" in row.modifiers and state.m == 0 else 0
    least += "x" in row.modifiers and state.x == 0
    least += "n" in row.modifiers and state.e == 0
    return _summed((least, least + extra.maybe), _accesses(instruction, state), extra.reasons)


def _matters(instruction: Instruction, state: State) -> list[State]:
    """Return the states that the unknown ones of M, X and E leave, those that cost the same left out."""
    row = instruction.opcode
    states = [state]
    if state.e is None and row.modifiers & {"e", "n", "m", "mm", "x", "p"}:
        states = [state._replace(e=0), state._replace(e=1, m=1, x=1)]
    by_m = row.width == "m" or not row.modifiers.isdisjoint(("m", "mm"))
    by_x = row.width == "x" or not row.modifiers.isdisjoint(("x", "p")) or _index(instruction, state) is None
    ways: list[State] = []
    for one in states:
        for m in (0, 1) if one.m is None and by_m else (one.m,):
            ways += [one._replace(m=m, x=x) for x in ((0, 1) if one.x is None and by_x else (one.x,))]
    return ways


def cost(instruction: Instruction, state: State, *, taken: bool = False) -> Cost:
    """Return what an instruction costs when it is met in a state; `taken` says it for a branch."""
    ways = _matters(instruction, state)
    total = _exactly(instruction, ways[0], taken=taken)
    for way in ways[1:]:
        other = _exactly(instruction, way, taken=taken)
        if other[:6] != total[:6]:
            total = worst(total, other)._replace(
                reasons=tuple(dict.fromkeys((*total.reasons, *other.reasons, "the width (M or X) is unknown")))
            )
    return total


def hits(instruction: Instruction, state: State, register: int) -> bool:
    """Return whether an instruction writes a hardware register (16 bits, e.g. $420B), or may by a near index."""
    row = instruction.opcode
    if row.access not in ("write", "modify") or not row.mode.startswith("absolute"):
        return False
    bank = instruction.operand >> 16 if "long" in row.mode else state.db
    if bank is not None and bank & 0x40:
        return False
    start, index = instruction.operand & 0xFFFF, _index(instruction, state)
    count = 2 if state.m != 1 else 1
    if index is None:
        return register & 0xFF00 <= start <= register
    return start + index <= register < start + index + count
