"""Where an operand lies, in plain words: the effective address as far as D, DB and the symbols give it."""

from collections.abc import Mapping
from typing import NamedTuple

from knowledge.m65816.flow_state import State
from knowledge.m65816.instruction import Instruction
from knowledge.snes.mapping import Mapper
from knowledge.snes.memory_map import region
from knowledge.snes.registers import Register, register_at

__all__ = ["MODE_WORDS", "Place", "address_words", "place_of"]

MODE_WORDS = {
    "implied": "no operand",
    "accumulator": "works on the accumulator itself",
    "immediate_m": "the operand is the value itself, as wide as the accumulator (M flag)",
    "immediate_x": "the operand is the value itself, as wide as the index registers (X flag)",
    "immediate_8": "the operand is the value itself, always one byte",
    "immediate_16": "the operand is the value itself, always two bytes",
    "direct": "direct page: address = D + operand, in bank $00",
    "direct_x": "direct page indexed: address = D + operand + X, in bank $00",
    "direct_y": "direct page indexed: address = D + operand + Y, in bank $00",
    "direct_indirect": "a 16-bit pointer at D + operand; the data bank (DB) gives its bank",
    "direct_x_indirect": "a 16-bit pointer at D + operand + X; the data bank (DB) gives its bank",
    "direct_indirect_y": "a 16-bit pointer at D + operand; the data bank (DB) gives its bank, then Y is added",
    "direct_indirect_long": "a 24-bit pointer at D + operand",
    "direct_indirect_long_y": "a 24-bit pointer at D + operand, then Y is added",
    "absolute": "a 16-bit address; the data bank (DB) gives its bank",
    "absolute_x": "a 16-bit address in the data bank (DB), then X is added",
    "absolute_y": "a 16-bit address in the data bank (DB), then Y is added",
    "absolute_long": "a full 24-bit address",
    "absolute_long_x": "a full 24-bit address, then X is added",
    "absolute_indirect": "a 16-bit pointer in bank $00 holds the target, in the bank of the code",
    "absolute_x_indirect": "a 16-bit pointer at operand + X, in the bank of the code, holds the target",
    "absolute_indirect_long": "a 24-bit pointer in bank $00 holds the target",
    "relative": "a signed distance of one byte from the next instruction, -128 to 127",
    "relative_long": "a signed distance of two bytes from the next instruction, anywhere in the bank",
    "stack_relative": "address = S + operand, in bank $00",
    "stack_relative_indirect_y": "a 16-bit pointer at S + operand; the data bank (DB) gives its bank, then Y is added",
    "block_move": "two banks, the destination first, as in the bytes (WDC's own syntax has the source first)",
}
"""How each addressing mode finds its operand. In a jump or call, `absolute` means the bank of the code."""


class Place(NamedTuple):
    """Where an operand lies."""

    words: str
    address: int | None = None
    """SNES address of its first byte, where it is known (before indexing: `exact` is False then)."""
    exact: bool = False
    register: Register | None = None
    """The hardware register there, known or likely."""
    doubt: str = ""
    """What was taken for granted in naming the register."""


def _named(address: int, symbols: Mapping[int, str], mapper: Mapper) -> str:
    if address in symbols:
        return symbols[address]
    area, offset = region(address, mapper)
    return symbols.get(0x7E0000 | offset, "") if area == "wram" else ""


def address_words(address: int, symbols: Mapping[int, str], mapper: Mapper) -> str:
    """Return an address with the area and the name that it has: `WRAM $7E0010 (Mode)`, `register INIDISP ($2100)`."""
    area, offset = region(address, mapper)
    name = _named(address, symbols, mapper)
    said = f" ({name})" if name else ""
    if area == "wram":
        return f"WRAM ${0x7E0000 | offset:06X}{said}"
    if area == "register":
        register = register_at(address)
        return (
            f"register {register.name} (${address & 0xFFFF:04X})"
            if register
            else f"${address & 0xFFFF:04X} (no register)"
        )
    if area == "open_bus":
        return f"${address:06X} (open bus: nothing is mapped there)"
    word = {"rom": "ROM", "sram": "SRAM", "coprocessor": "coprocessor"}[area]
    return f"{word} ${address:06X}{said}"


def _direct(instruction: Instruction, state: State, symbols: Mapping[int, str], mapper: Mapper) -> Place:
    """Return the place in the direct page that the operand names, before any index."""
    operand, mode = instruction.operand, instruction.opcode.mode
    index = "" if mode not in ("direct_x", "direct_y", "direct_x_indirect") else f" + {mode[7].upper()}"
    if state.d is None:
        return Place(f"direct page ${operand:02X}{index} (address D + ${operand:02X}{index})")
    address = state.d + operand & 0xFFFF
    words = f"{address_words(address, symbols, mapper)}{index} (direct page ${operand:02X}{index})"
    return Place(words, address, not index, register_at(address))


def _absolute(instruction: Instruction, state: State, symbols: Mapping[int, str], mapper: Mapper) -> Place:
    mode, operand = instruction.opcode.mode, instruction.operand
    index = f" + {mode[-1].upper()}" if mode.endswith(("_x", "_y")) else ""
    if mode.startswith("absolute_long"):
        return Place(address_words(operand, symbols, mapper) + index, operand, not index, register_at(operand))
    if state.db is not None:
        address = state.db << 16 | operand
        words = f"{address_words(address, symbols, mapper)}{index}"
        return Place(words, address, not index, register_at(address))
    register = register_at(operand) if operand >= 0x2000 else None
    if register:
        return Place(
            f"register {register.name} (${operand:04X}){index}",
            operand,
            not index,
            register,
            "if the data bank (DB) is $00-$3F or $80-$BF",
        )
    if operand < 0x2000:
        name = _named(operand, symbols, mapper)
        said = f" ({name})" if name else ""
        words = f"address ${operand:04X}{index}{said} in the data bank (WRAM, unless DB is $40-$7D or $C0-$FF)"
        return Place(words)
    return Place(f"address ${operand:04X}{index} in the data bank (DB)")


def place_of(instruction: Instruction, state: State, symbols: Mapping[int, str], mapper: Mapper) -> Place:
    """Return where the data of an instruction lies; for accumulator and immediate modes there is no such place."""
    mode, operand = instruction.opcode.mode, instruction.operand
    bank = "in the data bank (DB)" if state.db is None else f"in bank ${state.db:02X}"
    if mode in ("direct", "direct_x", "direct_y"):
        return _direct(instruction, state, symbols, mapper)
    if mode.startswith("direct"):
        pointer = _direct(instruction, state, symbols, mapper).words
        long, index = "long" in mode, " + Y" if mode.endswith("_y") else ""
        size, where = ("24-bit", "") if long else ("16-bit", f", {bank}")
        return Place(f"the address{index} that the {size} pointer at {pointer} holds{where}")
    if mode == "stack_relative":
        return Place(f"the stack at S + ${operand:02X}")
    if mode == "stack_relative_indirect_y":
        return Place(f"the address + Y that the 16-bit pointer on the stack at S + ${operand:02X} holds, {bank}")
    return _absolute(instruction, state, symbols, mapper)
