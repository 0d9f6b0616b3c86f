"""Where an instruction's operand lies: its addressing mode worked out on terms."""

from knowledge.m65816.optimize.line import Line
from knowledge.m65816.optimize.state import ANYWHERE, Place, State
from knowledge.snes.addresses import fold

__all__ = ["places", "reads_pointer"]

_EVERYWHERE = 0xFFFFFF


def _is_hardware(low: int, high: int) -> bool:
    """Whether addresses with mirrors folded touch the registers ($2000-$5FFF of a system bank)."""
    return low <= 0x5FFF and high >= 0x2000


def _absolute(address: int, reach: int, index: tuple[int, ...]) -> Place:
    low, high = fold(address & 0xFFFFFF), fold(min(address + reach, 0xFFFFFF))
    if high - low != reach:
        volatile = _is_hardware(address & 0xFFFF, min((address & 0xFFFF) + min(reach, 0xFF), 0xFFFF))
        return Place(ANYWHERE, address, _EVERYWHERE, (address, *index), volatile and not address & 0x400000)
    volatile = not address & 0x400000 and _is_hardware(low, high) and (reach < 0x100 or low >= 0x2000)
    return Place(0, low, reach, index, volatile)


def _index(state: State, name: str) -> tuple[int, int, tuple[int, ...]]:
    """Return (what the index adds at least, how much more it may add, its terms)."""
    low, high = state.get(name), state.get(name + "H")
    if low < 256 and high < 256:
        return high << 8 | low, 0, ()
    reach = state.terms.bits(low) | state.terms.bits(high) << 8
    return 0, reach, (low, high)


def _in_bank(state: State, address: int, index: tuple[int, int, tuple[int, ...]], size: int) -> list[Place]:
    """Places of an absolute operand, whose bank is DB."""
    bank, (added, reach, terms) = state.get("DB"), index
    if bank < 256:
        return [_absolute((bank << 16) + address + added + byte, reach, terms) for byte in range(size)]
    parts = (bank, address, added, *terms)
    return [Place(ANYWHERE, 0, _EVERYWHERE, (*parts, byte), volatile=True) for byte in range(size)]


def _direct(state: State, offset: int, index: tuple[int, int, tuple[int, ...]], size: int) -> list[Place]:
    added, reach, terms = index
    low, high = state.get("D"), state.get("DH")
    if low < 256 and high < 256:
        first = (high << 8 | low) + offset + added
        if first + reach + size - 1 <= 0xFFFF:
            return [_absolute(first + byte, reach, terms) for byte in range(size)]
        if not terms:
            return [_absolute(first + byte & 0xFFFF, 0, ()) for byte in range(size)]
        return [Place(ANYWHERE, 0, _EVERYWHERE, (0x10000, first, *terms, byte)) for byte in range(size)]
    parts = (low, high, offset, added, *terms)
    return [Place(ANYWHERE, 0, _EVERYWHERE, (*parts, byte), volatile=True) for byte in range(size)]


def _pointed(state: State, pointer: list[Place], index: tuple[int, int, tuple[int, ...]], size: int) -> list[Place]:
    values = [state.load(place) for place in pointer]
    if len(values) == 2:
        values.append(state.get("DB"))
    added, reach, terms = index
    if all(value < 256 for value in values):
        base = values[2] << 16 | values[1] << 8 | values[0]
        return [_absolute(base + added + byte, reach, terms) for byte in range(size)]
    parts = (*values, added, *terms)
    return [Place(ANYWHERE, 0, _EVERYWHERE, (*parts, byte)) for byte in range(size)]


_NONE = (0, 0, ())


def reads_pointer(line: Line) -> int:
    """Return how many bytes of the direct page the operand's pointer has: 0, 2 or 3."""
    mode = line.opcode.mode
    if not mode.startswith("direct") or "indirect" not in mode:
        return 0
    return 3 if "long" in mode else 2


def places(state: State, line: Line, size: int) -> list[Place] | None:
    """Return the place of each byte of the operand's data; None for a mode that is not worked out here."""
    mode, operand = line.opcode.mode, line.operand
    indexed = _index(state, "X") if "_x" in mode else _index(state, "Y") if mode.endswith("_y") else _NONE
    if mode in ("absolute", "absolute_x", "absolute_y"):
        return _in_bank(state, operand, indexed, size)
    if mode in ("absolute_long", "absolute_long_x"):
        added, reach, terms = indexed
        return [_absolute(operand + added + byte, reach, terms) for byte in range(size)]
    if mode in ("direct", "direct_x", "direct_y"):
        return _direct(state, operand, indexed, size)
    if mode == "stack_relative":
        return [Place(1, state.depth + operand + byte) for byte in range(size)]
    wide = reads_pointer(line)
    if not wide:
        return None
    inner = indexed if mode == "direct_x_indirect" else _NONE
    outer = indexed if mode.endswith("_y") else _NONE
    return _pointed(state, _direct(state, operand, inner, wide), outer, size)
