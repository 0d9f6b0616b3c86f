"""Bit vectors that are plain integers as long as they can be, and z3 terms from where they cannot."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

__all__ = ["Bits", "Unsupported", "Value", "smt_available"]

Value = Any
"""An `int`, or a z3 bit vector of the width that the operation says. z3 has no types to state it with."""


class Unsupported(ValueError):
    """Code that the symbolic execution does not model; the text says what it met."""


def smt_available() -> bool:
    """Return whether z3 is installed (the optional extra `smt`)."""
    return find_spec("z3") is not None


class Bits:
    """Operations on values, in a z3 context of their own, so that threads need not know of each other."""

    def __init__(self) -> None:
        self.z3: Any = import_module("z3")
        self.context: Any = self.z3.Context()
        self.bounds: dict[int, int] = {}
        """Largest value by the id of a term, where it is known to be less than its width allows."""
        self.lows: dict[int, int] = {}
        """Smallest value by the id of a term, where it is known to be more than 0."""
        self._kept: list[Any] = []

    def variable(self, name: str, width: int) -> Value:
        """Return a free value."""
        return self.z3.BitVec(name, width, self.context)

    def term(self, value: Value, width: int) -> Any:
        """Return the z3 term of a value."""
        return self.z3.BitVecVal(value, width, self.context) if isinstance(value, int) else value

    def plain(self, term: Any) -> Value:
        """Return a term simplified, as an integer when it is constant."""
        simple = self.z3.simplify(term)
        return simple.as_long() if self.z3.is_bv_value(simple) else simple

    def bound(self, value: Value, largest: int, *, smallest: int = 0) -> Value:
        """Note the largest and the smallest value that a term can have, and return the term."""
        if not isinstance(value, int):
            self.bounds[value.get_id()] = largest
            if smallest:
                self.lows[value.get_id()] = smallest
            self._kept.append(value)
        return value

    def add(self, left: Value, right: Value, width: int) -> Value:
        """Return the sum, wrapped to the width."""
        if isinstance(left, int) and isinstance(right, int):
            return left + right & (1 << width) - 1
        if isinstance(right, int):
            left, right = right, left
        return right if isinstance(left, int) and left == 0 else self.term(left, width) + right

    def both(self, left: Value, right: Value, width: int) -> Value:
        """Return the bitwise AND."""
        if isinstance(left, int) and isinstance(right, int):
            return left & right
        return self.term(left, width) & self.term(right, width)

    def either(self, left: Value, right: Value, width: int) -> Value:
        """Return the bitwise OR."""
        if isinstance(left, int) and isinstance(right, int):
            return left | right
        return self.term(left, width) | self.term(right, width)

    def differing(self, left: Value, right: Value, width: int) -> Value:
        """Return the bitwise exclusive OR."""
        if isinstance(left, int) and isinstance(right, int):
            return left ^ right
        return self.term(left, width) ^ self.term(right, width)

    def inverse(self, value: Value, width: int) -> Value:
        """Return all bits turned over."""
        return value ^ (1 << width) - 1 if isinstance(value, int) else ~value

    def part(self, value: Value, high: int, low: int) -> Value:
        """Return the bits `high` to `low`, both included."""
        if isinstance(value, int):
            return value >> low & (1 << high - low + 1) - 1
        if low == 0 and value.size() == high + 1:
            return value
        return self.plain(self.z3.Extract(high, low, value))

    def joined(self, high: Value, low: Value, high_width: int, low_width: int) -> Value:
        """Return `high` and `low` side by side."""
        if isinstance(high, int) and isinstance(low, int):
            return high << low_width | low
        both = self.z3.Concat(self.term(high, high_width), self.term(low, low_width))
        joined = self.plain(both)
        return self.bound(joined, self.largest(low, low_width)) if isinstance(high, int) and high == 0 else joined

    def widened(self, value: Value, width: int, wider: int) -> Value:
        """Return the value with zeros above."""
        return self.joined(0, value, wider - width, width) if wider > width else value

    def is_zero(self, value: Value, width: int) -> Value:
        """Return one bit: 1 when the value is 0."""
        if isinstance(value, int):
            return int(value == 0)
        return self.bit(value == self.term(0, width))

    def bit(self, condition: Any) -> Value:
        """Return a z3 condition as one bit."""
        one, zero = self.z3.BitVecVal(1, 1, self.context), self.z3.BitVecVal(0, 1, self.context)
        return self.z3.If(condition, one, zero)

    def above(self, value: Value, limit: int, width: int) -> Value:
        """Return one bit: 1 when the unsigned value is larger than the limit."""
        if isinstance(value, int):
            return int(value > limit)
        return self.bit(self.z3.UGT(value, self.term(limit, width)))

    def chosen(self, bit: Value, yes: Value, no: Value, width: int) -> Value:
        """Return `yes` where the bit is 1, else `no`."""
        if isinstance(bit, int):
            return yes if bit else no
        if isinstance(yes, int) and isinstance(no, int) and yes == no:
            return yes
        return self.z3.If(bit == self.term(1, 1), self.term(yes, width), self.term(no, width))

    def same(self, left: Value, right: Value) -> bool:
        """Return whether two values are equal without asking a solver."""
        if isinstance(left, int) or isinstance(right, int):
            return bool(isinstance(left, int) and isinstance(right, int) and left == right)
        return bool(left.eq(right))

    def smallest(self, value: Value) -> int:
        """Return a lower bound of the unsigned value."""
        return int(value) if isinstance(value, int) else self.lows.get(value.get_id(), 0)

    def largest(self, value: Value, width: int) -> int:
        """Return a bound of the unsigned value, found from the shape of the term alone."""
        if isinstance(value, int):
            return int(value)
        known = self.bounds.get(value.get_id())
        if known is None:
            known = min((1 << width) - 1, self._shaped(value, width))
            self.bound(value, known)
        return known

    def _shaped(self, value: Any, width: int) -> int:
        full, z3 = (1 << width) - 1, self.z3
        kind, parts = value.decl().kind(), value.children()
        if kind == z3.Z3_OP_BAND:
            return min(self.largest(part, width) for part in parts)
        if kind == z3.Z3_OP_CONCAT and len(parts) == 2:
            low = int(parts[1].size())
            return self.largest(parts[0], width - low) << low | self.largest(parts[1], low)
        if kind == z3.Z3_OP_EXTRACT:
            return self.largest(parts[0], int(parts[0].size())) >> int(value.params()[1])
        if kind == z3.Z3_OP_ITE:
            return max(self.largest(part, width) for part in parts[1:])
        if kind == z3.Z3_OP_BADD:
            total = sum(self.largest(part, width) for part in parts)
            return total if total <= full else full
        return int(value.as_long()) if z3.is_bv_value(value) else full
