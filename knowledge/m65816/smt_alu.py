"""Arithmetic of the 65816 on symbolic values: results and flags, binary and decimal.

The decimal steps are those of the CPU: each digit is adjusted before the next one takes its carry, and V comes from
the sum before its last digit is adjusted.
"""

from typing import NamedTuple

from knowledge.m65816.smt_values import Bits, Value

__all__ = ["Sum", "added", "compared", "rotated", "set_nz"]


class Sum(NamedTuple):
    """A result with the flags that came of it."""

    value: Value
    carry: Value
    overflow: Value


def set_nz(flags: dict[str, Value], bits: Bits, value: Value, width: int) -> None:
    """Set N and Z from a result."""
    flags["n"] = bits.part(value, width - 1, width - 1)
    flags["z"] = bits.is_zero(value, width)


def _binary(bits: Bits, left: Value, right: Value, carry: Value, width: int) -> Sum:
    wider = width + 1
    total = bits.add(bits.widened(left, width, wider), bits.widened(right, width, wider), wider)
    total = bits.add(total, bits.widened(carry, 1, wider), wider)
    value = bits.part(total, width - 1, 0)
    return Sum(value, bits.part(total, width, width), _overflow(bits, left, right, value, width))


def _overflow(bits: Bits, left: Value, right: Value, value: Value, width: int) -> Value:
    top = width - 1
    a, b, r = (bits.part(one, top, top) for one in (left, right, value))
    return bits.both(bits.inverse(bits.differing(a, b, 1), 1), bits.differing(a, r, 1), 1)


def _decimal(bits: Bits, left: Value, right: Value, carry: Value, width: int, *, subtract: bool) -> Sum:
    """`right` is inverted already when subtracting. A digit's sum has 5 bits and a sixth against wrapping."""
    value: Value = 0
    raw: Value = 0
    for place in range(0, width, 4):
        one, other = (bits.widened(bits.part(each, place + 3, place), 4, 6) for each in (left, right))
        total = bits.add(bits.add(one, other, 6), bits.widened(carry, 1, 6), 6)
        raw = bits.part(total, 3, 0)
        carry = bits.above(total, 15 if subtract else 9, 6)
        adjusted = bits.add(total, -6 & 63 if subtract else 6, 6)
        kept = bits.chosen(carry, total, adjusted, 6) if subtract else bits.chosen(carry, adjusted, total, 6)
        digit = bits.part(kept, 3, 0)
        value = bits.joined(digit, value, 4, place) if place else digit
    top = bits.part(raw, 3, 3)
    a, b = (bits.part(one, width - 1, width - 1) for one in (left, right))
    overflow = bits.both(bits.inverse(bits.differing(a, b, 1), 1), bits.differing(a, top, 1), 1)
    return Sum(value, carry, overflow)


def added(
    bits: Bits, left: Value, right: Value, *, carry: Value, width: int, decimal: Value, subtract: bool = False
) -> Sum:
    """Return `left + right + carry`, or `left - right - (1 - carry)`, in the mode that D says."""
    operand = bits.inverse(right, width) if subtract else right
    if isinstance(decimal, int) and not decimal:
        return _binary(bits, left, operand, carry, width)
    inside = _decimal(bits, left, operand, carry, width, subtract=subtract)
    if isinstance(decimal, int):
        return inside
    plain = _binary(bits, left, operand, carry, width)
    return Sum(
        bits.chosen(decimal, inside.value, plain.value, width),
        bits.chosen(decimal, inside.carry, plain.carry, 1),
        bits.chosen(decimal, inside.overflow, plain.overflow, 1),
    )


def compared(bits: Bits, flags: dict[str, Value], left: Value, right: Value, width: int) -> None:
    """Set N, Z and C as CMP, CPX and CPY do."""
    total = _binary(bits, left, bits.inverse(right, width), 1, width)
    set_nz(flags, bits, total.value, width)
    flags["c"] = total.carry


def rotated(bits: Bits, name: str, flags: dict[str, Value], value: Value, width: int) -> Value:
    """Return what ASL, LSR, ROL or ROR makes of a value; set N, Z and C."""
    into = flags["c"] if name in ("ROL", "ROR") else 0
    if name in ("ASL", "ROL"):
        result = bits.joined(bits.part(value, width - 2, 0), into, width - 1, 1)
        flags["c"] = bits.part(value, width - 1, width - 1)
    else:
        result = bits.joined(into, bits.part(value, width - 1, 1), 1, width - 1)
        flags["c"] = bits.part(value, 0, 0)
    set_nz(flags, bits, result, width)
    return result
