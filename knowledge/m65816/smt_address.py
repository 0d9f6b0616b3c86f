"""Effective addresses and data of an instruction on a symbolic state."""

from typing import NamedTuple

from knowledge.m65816.instruction import Instruction
from knowledge.m65816.smt_state import Address, Image, State, ram_address, register_address, table_byte
from knowledge.m65816.smt_values import Unsupported, Value

__all__ = ["Place", "load", "place_of", "read_bytes", "store"]

_DELAYED = (0x420B, 0x420C, 0x2180)
"""Registers whose writes move memory: DMA, HDMA, the WRAM port."""


class Place(NamedTuple):
    """Where an operand lies: on the stack at S + `stacked`, or at an address whose second byte may wrap."""

    address: Address = Address(0, 0, 0)
    stacked: int | None = None
    in_bank: bool = False
    """Whether the bytes behind it wrap at the end of the bank."""


def _byte_place(state: State, place: Place, index: int) -> Address:
    bits, address = state.world.bits, place.address
    if not index:
        return address
    if place.in_bank and address.high & 0xFFFF == 0xFFFF:
        if not isinstance(address.value, int):
            raise Unsupported("an operand that may wrap at the end of its bank")
        there = address.value & 0xFF0000 | address.value + index & 0xFFFF
        return Address(there, there, there)
    if address.high + index > 0xFFFFFF:
        raise Unsupported("an operand at the end of the address space")
    return Address(bits.add(address.value, index, 24), address.low + index, address.high + index)


def _read(state: State, image: Image, address: Address) -> Value:
    ram = ram_address(address, state.world.bits)
    if ram is not None:
        return state.read_ram(ram)
    return table_byte(image, address, state.world.bits)


def _write(state: State, image: Image, address: Address, byte: Value) -> None:
    ram = ram_address(address, state.world.bits)
    if ram is not None:
        state.write_ram(ram, byte)
        return
    register = register_address(address)
    if register is None or (register in _DELAYED and not (register != 0x2180 and isinstance(byte, int) and byte == 0)):
        raise Unsupported("a write to something other than WRAM and plain registers")
    state.hardware.append((register, byte))


def read_bytes(state: State, image: Image, place: Place, count: int) -> Value:
    """Return `count` bytes at a place, as one little-endian value."""
    bits = state.world.bits
    value: Value = 0
    for index in range(count):
        if place.stacked is not None:
            byte = state.stacked(place.stacked + index)
        else:
            byte = _read(state, image, _byte_place(state, place, index))
        value = bits.joined(byte, value, 8, 8 * index) if index else byte
    if count == 2 and not isinstance(value, int) and place.stacked is None:
        _note_bounds(state, place, value)
    return value


def _note_bounds(state: State, place: Place, value: Value) -> None:
    """Note the bounds that the contract gives a word in RAM, as long as nothing may have been written there."""
    ram = ram_address(place.address, state.world.bits)
    if ram is None or ram.value not in state.world.bounds:
        return
    written = {ram.value, ram.value + 1} & state.written
    if not written and not any(low <= ram.high + 1 and high >= ram.low for low, high in state.wild):
        low, high = state.world.bounds[ram.value]
        state.world.bits.bound(value, high, smallest=low)


def store(state: State, image: Image, place: Place, value: Value, *, width: int, downward: bool = False) -> None:
    """Write a value of 8 or 16 bits; the instructions that modify write its high byte first."""
    bits = state.world.bits
    order = range(width // 8)
    for index in reversed(order) if downward else order:
        byte = bits.part(value, 8 * index + 7, 8 * index)
        if place.stacked is not None:
            state.world.uses_stack = True
            state.pushed[state.sp + place.stacked + index] = byte
        else:
            _write(state, image, _byte_place(state, place, index), byte)


def load(state: State, image: Image, instruction: Instruction, width: int) -> Value:
    """Return the data that an instruction reads, 8 or 16 bits."""
    if instruction.opcode.mode.startswith("immediate"):
        return instruction.operand
    return read_bytes(state, image, place_of(state, image, instruction), width // 8)


def _index(state: State, value: Value) -> Address:
    """Return an index register as an address part, with its bounds."""
    bits = state.world.bits
    wide = bits.widened(value, 16, 24)
    return Address(wide, bits.smallest(value), bits.largest(value, 16))


def _plus(state: State, base: Address, index: Address, *, wraps: int) -> Address:
    """Return the sum; `wraps`: 24 for the whole space, 16 where it must stay in bank 0."""
    bits = state.world.bits
    low, high = base.low + index.low, base.high + index.high
    value = bits.add(base.value, index.value, 24)
    if high >= 1 << wraps:
        if not isinstance(value, int):
            raise Unsupported("an index that may wrap")
        low = high = value = value & (1 << wraps) - 1
    return Address(value, low, high)


def _fixed(value: int) -> Address:
    return Address(value, value, value)


def _bank(state: State) -> int:
    if not isinstance(state.db, int):
        raise Unsupported("data addressed through an unknown DB")
    return state.db << 16


def _direct(state: State, instruction: Instruction, index: Value = 0) -> Address:
    if not isinstance(state.d, int):
        raise Unsupported("direct addressing with an unknown D")
    base = state.d + instruction.operand & 0xFFFF
    place = _plus(state, _fixed(base), _index(state, index), wraps=16)
    last = 0xFE if "indirect" in instruction.opcode.mode else 0xFF
    if state.world.emulation and place.high - (state.d & 0xFF00) > last:
        raise Unsupported("direct addressing that may wrap in its page, in emulation mode")
    return place


def _pointer(state: State, image: Image, at: Place, size: int) -> Address:
    """Return what a pointer of 2 bytes (with DB) or 3 bytes names."""
    bits = state.world.bits
    value = read_bytes(state, image, at, 2)
    if size == 3:
        next_place = Place(_byte_place(state, at, 2), in_bank=True)
        bank = read_bytes(state, image, next_place, 1)
        if not isinstance(bank, int):
            raise Unsupported("a pointer whose bank is unknown")
        base = bank << 16
    else:
        base = _bank(state)
    index = _index(state, value)
    return Address(bits.add(index.value, base, 24), base + index.low, base + index.high)


def place_of(state: State, image: Image, instruction: Instruction) -> Place:
    """Return where the operand of a memory instruction lies; raise Unsupported where that cannot be said."""
    mode, operand = instruction.opcode.mode, instruction.operand
    if mode == "stack_relative":
        return Place(stacked=operand)
    if mode.startswith("direct"):
        return _direct_place(state, image, instruction)
    if mode == "stack_relative_indirect_y":
        pointer = _pointer(state, image, Place(stacked=operand), 2)
        return Place(_plus(state, pointer, _index(state, state.y), wraps=24))
    long = mode.startswith("absolute_long")
    if mode not in ("absolute", "absolute_x", "absolute_y", "absolute_long", "absolute_long_x"):
        raise Unsupported(f"{instruction.opcode.mnemonic} {mode}")
    base = _fixed(operand if long else _bank(state) | operand)
    index = state.x if mode.endswith("_x") else state.y if mode.endswith("_y") else 0
    return Place(_plus(state, base, _index(state, index), wraps=24))


def _direct_place(state: State, image: Image, instruction: Instruction) -> Place:
    mode = instruction.opcode.mode
    inner = {"direct_x": state.x, "direct_y": state.y, "direct_x_indirect": state.x}.get(mode, 0)
    at = Place(_direct(state, instruction, inner), in_bank=True)
    if mode in ("direct", "direct_x", "direct_y"):
        return at
    pointer = _pointer(state, image, at, 3 if "long" in mode else 2)
    index = state.y if mode.endswith("_y") else 0
    return Place(_plus(state, pointer, _index(state, index), wraps=24))
