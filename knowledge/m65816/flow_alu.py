"""Arithmetic, logic, shifts and comparisons on what flow analysis knows of the accumulator and the indexes."""

from collections.abc import Callable
from typing import Final

from knowledge.m65816.flow_work import ACCUMULATOR, A, Work
from knowledge.m65816.instruction import Instruction
from knowledge.m65816.registers import C, D, N, V, Z

__all__ = ["ALU"]


def _immediate(instruction: Instruction) -> int | None:
    return instruction.operand if instruction.opcode.mode.startswith("immediate") else None


def _known(work: Work, flag: int) -> int | None:
    return (1 if work.p & flag else 0) if work.known & flag else None


def _bits(name: str, byte: int | None, operand: int) -> int | None:
    """Combine one byte; AND with $00 and ORA with $FF are known without knowing the byte."""
    if name == "AND":
        return 0 if operand == 0 else None if byte is None else byte & operand
    if name == "ORA":
        return 0xFF if operand == 0xFF else None if byte is None else byte | operand
    return None if byte is None else byte ^ operand


def _logic(work: Work, instruction: Instruction) -> None:
    operand, name = _immediate(instruction), instruction.opcode.mnemonic
    if operand is None or work.m is None:
        work.set_accumulator(None)
        return
    work.a = _bits(name, work.a, operand & 0xFF)
    work.touched |= A
    if work.m == 0:
        work.b = _bits(name, work.b, operand >> 8)
        work.touched |= ACCUMULATOR
    work.judge(work.accumulator, 8 if work.m else 16)


def _add(work: Work, instruction: Instruction) -> None:
    operand, value, carry = _immediate(instruction), work.accumulator, _known(work, C)
    if operand is None or value is None or carry is None or _known(work, D) != 0:
        work.set_accumulator(None)
        work.forget(V | C)
        return
    bits = 8 if work.m else 16
    mask, sign = (1 << bits) - 1, 1 << bits - 1
    if instruction.opcode.mnemonic == "SBC":
        operand ^= mask
    total = value + operand + carry
    overflow = ~(value ^ operand) & (value ^ total) & sign
    work.set_accumulator(total & mask)
    work.know(V | C, (V if overflow else 0) | (C if total > mask else 0))


def _compare(work: Work, instruction: Instruction) -> None:
    name = instruction.opcode.mnemonic
    operand = _immediate(instruction)
    if name == "CMP":
        value, bits = work.accumulator, 8 if work.m else 16
    else:
        value, bits = work.index(name[2]), 8 if work.x else 16
    if operand is None or value is None:
        work.forget(N | Z | C)
        return
    work.judge(value - operand & (1 << bits) - 1, bits)
    work.know(C, C if value >= operand else 0)


def _bit(work: Work, instruction: Instruction) -> None:
    operand, value = _immediate(instruction), work.accumulator
    if operand is None:
        work.forget(N | V | Z)
    elif value is None:
        work.forget(Z)
    else:
        work.know(Z, 0 if value & operand else Z)


def _shift(work: Work, instruction: Instruction) -> None:
    name, value, carry = instruction.opcode.mnemonic, work.accumulator, _known(work, C)
    if value is None or (name[0] == "R" and carry is None):
        work.set_accumulator(None)
        work.forget(C)
        return
    bits = 8 if work.m else 16
    into = (carry or 0) if name[0] == "R" else 0
    if name in ("ASL", "ROL"):
        out, value = value >> bits - 1, (value << 1 | into) & (1 << bits) - 1
    else:
        out, value = value & 1, value >> 1 | into << bits - 1
    work.set_accumulator(value)
    work.know(C, C if out else 0)


def _count(work: Work, instruction: Instruction) -> None:
    value = work.accumulator
    if value is not None:
        value = value + (1 if instruction.opcode.mnemonic == "INC" else -1) & (0xFF if work.m else 0xFFFF)
    work.set_accumulator(value)


ALU: Final[dict[str, Callable[[Work, Instruction], None]]] = {
    "AND": _logic, "ORA": _logic, "EOR": _logic, "ADC": _add, "SBC": _add, "CMP": _compare, "CPX": _compare,
    "CPY": _compare, "BIT": _bit, "ASL": _shift, "LSR": _shift, "ROL": _shift, "ROR": _shift, "INC": _count,
    "DEC": _count,
}  # fmt: skip
"""Mnemonic -> what it does; shifts and counts are those of the accumulator."""
