"""Symbolic bytes and flags in one normal form, so that equal numbers mean equal values whatever the code did before.

A term is an int: 0 to 255 is that constant, anything higher names a node of the table. Bytes and flags (0 or 1) share
the table. All arithmetic is stated byte by byte with carries between, so that a 16-bit addition and two 8-bit ones come
to the same terms. What has no rule stays opaque: two terms that differ may still be equal, never the other way round.
"""

__all__ = ["Terms"]


class Terms:
    """A table of terms; one for each optimisation."""

    def __init__(self) -> None:
        self._ids: dict[tuple[int | str, ...], int] = {}
        self._nodes: list[tuple[int | str, ...]] = []
        self._bits: list[int] = []

    def make(self, kind: str, *parts: int | str, bits: int = 0xFF) -> int:
        """Return the term of a node; `bits` says which bits of its value can be 1."""
        if not bits:
            return 0
        node = (kind, *parts)
        known = self._ids.get(node)
        if known is None:
            known = self._ids[node] = 256 + len(self._nodes)
            self._nodes.append(node)
            self._bits.append(bits)
        return known

    def node(self, term: int) -> tuple[int | str, ...]:
        """Return a term's node; a constant's is `("constant", value)`."""
        return ("constant", term) if term < 256 else self._nodes[term - 256]

    def bits(self, term: int) -> int:
        """Return the bits of a byte that can be 1."""
        return term if term < 256 else self._bits[term - 256]

    def _of(self, kind: str, term: int) -> tuple[int | str, ...] | None:
        if term < 256:
            return None
        node = self._nodes[term - 256]
        return node if node[0] == kind else None

    def both(self, one: int, two: int) -> int:
        """Return `one AND two`."""
        one, two = min(one, two), max(one, two)
        if two < 256:
            return one & two
        if one == two or (not self.bits(two) & ~one and one < 256):
            return two
        if not self.bits(one) & self.bits(two):
            return 0
        inner = self._of("and", two)
        if inner is not None and one < 256 and int(inner[1]) < 256:
            return self.both(one & int(inner[1]), int(inner[2]))
        return self.make("and", one, two, bits=self.bits(one) & self.bits(two))

    def either(self, one: int, two: int) -> int:
        """Return `one OR two`."""
        one, two = min(one, two), max(one, two)
        if two < 256:
            return one | two
        if one in (0, two):
            return two
        if one == 0xFF:
            return one
        inner = self._of("or", two)
        if inner is not None and one < 256 and int(inner[1]) < 256:
            return self.either(one | int(inner[1]), int(inner[2]))
        return self.make("or", one, two, bits=self.bits(one) | self.bits(two))

    def differ(self, one: int, two: int) -> int:
        """Return `one EOR two`."""
        one, two = min(one, two), max(one, two)
        if two < 256:
            return one ^ two
        if one == two:
            return 0
        if one == 0:
            return two
        inner = self._of("eor", two)
        if inner is not None and one < 256 and int(inner[1]) < 256:
            return self.differ(one ^ int(inner[1]), int(inner[2]))
        return self.make("eor", one, two, bits=self.bits(one) | self.bits(two))

    def inverse(self, one: int) -> int:
        """Return `NOT one`."""
        return self.differ(one, 0xFF)

    def add(self, one: int, two: int, carry: int) -> int:
        """Return the low byte of `one + two + carry`."""
        one, two = max(one, two), min(one, two)
        if carry < 256 and two < 256:
            return self._add_constant(one, two + carry & 0xFF)
        if one == self.inverse(two) and carry < 256:
            return 0xFF + carry & 0xFF
        if carry == 0 and not self.bits(one) & self.bits(two):
            return self.either(one, two)
        bits = 0xFF
        if one == two:
            inner = self._of("and", one)
            if inner is not None and int(inner[1]) < 256 and carry == 0:
                return self.both(int(inner[1]) << 1 & 0xFF, self.add(int(inner[2]), int(inner[2]), 0))
            bits = self.bits(one) << 1 & 0xFF | (carry != 0)
        return self.make("add", one, two, carry, bits=bits)

    def _add_constant(self, one: int, constant: int) -> int:
        if one < 256:
            return one + constant & 0xFF
        if constant == 0:
            return one
        inner = self._of("plus", one)
        if inner is not None:
            return self._add_constant(int(inner[1]), int(inner[2]) + constant & 0xFF)
        if not self.bits(one) & constant:
            return self.either(one, constant)
        return self.make("plus", one, constant)

    def carry(self, one: int, two: int, carry: int) -> int:
        """Return the carry out of `one + two + carry`."""
        one, two = max(one, two), min(one, two)
        if carry < 256 and two < 256:
            return self._carry_constant(one, two + carry)
        if one == self.inverse(two):
            return carry
        if carry == 0 and (one == two):
            return self.bit(7, one)
        if self.bits(one) + self.bits(two) + (carry if carry < 256 else 1) < 256:
            return 0
        return self.make("carry", one, two, carry, bits=1)

    def _carry_constant(self, one: int, added: int) -> int:
        if one < 256:
            return (one + added) >> 8
        if added >= 256:
            return 1
        if self.bits(one) + added < 256:
            return 0
        if added == 0x80:
            return self.bit(7, one)
        if added == 0xFF:
            return self.opposite(self.zero(one))
        if added == 1:
            return self.same(one, 0xFF)
        return self.make("carry", one, added, 0, bits=1)

    def right(self, one: int, into: int) -> int:
        """Return `one` shifted right with the flag `into` coming in at the top."""
        if one < 256 and into < 256:
            return one >> 1 | into << 7
        inner = self._of("and", one)
        if inner is not None and int(inner[1]) < 256 and into == 0:
            return self.both(int(inner[1]) >> 1, self.right(int(inner[2]), 0))
        return self.make("right", one, into, bits=self.bits(one) >> 1 | (0x80 if into else 0))

    def opposite(self, flag: int) -> int:
        """Return `NOT flag`."""
        if flag < 256:
            return 1 - flag
        inner = self._of("opposite", flag)
        return int(inner[1]) if inner is not None else self.make("opposite", flag, bits=1)

    def bit(self, number: int, one: int) -> int:
        """Return one bit of a byte as a flag."""
        if not self.bits(one) >> number & 1:
            return 0
        if one < 256:
            return 1
        kind, *parts = self._nodes[one - 256]
        if kind in ("and", "or", "eor") and int(parts[0]) < 256:
            there, inner = int(parts[0]) >> number & 1, int(parts[1])
            if kind == "or":
                return 1 if there else self.bit(number, inner)
            return self.opposite(self.bit(number, inner)) if kind == "eor" and there else self.bit(number, inner)
        if kind == "right":
            return self.bit(number + 1, int(parts[0])) if number < 7 else int(parts[1])
        if kind == "add" and parts[0] == parts[1]:
            return self.bit(number - 1, int(parts[0])) if number else int(parts[2])
        if self.bits(one) == 1:
            return self.make("flag", one, bits=1)
        return self.make("bit", number, one, bits=1)

    def same(self, one: int, two: int) -> int:
        """Return whether two bytes are equal, as a flag."""
        one, two = min(one, two), max(one, two)
        if two < 256:
            return int(one == two)
        if one == two:
            return 1
        return self.zero(two) if one == 0 else self._same(one, two)

    def _same(self, one: int, two: int) -> int:
        if one < 256:
            if one & ~self.bits(two):
                return 0
            if self.bits(two) == one and one & one - 1 == 0:
                return self.bit(one.bit_length() - 1, two)
            inner = self._of("plus", two)
            if inner is not None:
                return self.same(int(inner[1]), one - int(inner[2]) & 0xFF)
            inner = self._of("eor", two)
            if inner is not None and int(inner[1]) < 256:
                return self.same(int(inner[2]), one ^ int(inner[1]))
        return self.make("same", one, two, bits=1)

    def zero(self, *values: int) -> int:
        """Return whether all these bytes are 0, as a flag."""
        parts: set[int] = set()
        for value in values:
            parts |= self._or_parts(value)
        parts.discard(0)
        if any(0 < part < 256 for part in parts):
            return 0
        if not parts:
            return 1
        return self._zero_byte(parts.pop()) if len(parts) == 1 else self.make("zero", *sorted(parts), bits=1)

    def _or_parts(self, value: int) -> set[int]:
        inner = self._of("or", value)
        return {value} if inner is None else self._or_parts(int(inner[1])) | self._or_parts(int(inner[2]))

    def _zero_byte(self, one: int) -> int:
        bits = self.bits(one)
        if bits & bits - 1 == 0:
            return self.opposite(self.bit(bits.bit_length() - 1, one))
        kind, *parts = self._nodes[one - 256]
        if kind == "plus":
            return self.same(int(parts[0]), -int(parts[1]) & 0xFF)
        if kind == "eor":
            return self.same(int(parts[0]), int(parts[1]))
        if kind == "add" and parts[2] == 1:
            for here, there in ((0, 1), (1, 0)):
                inner = self._of("eor", int(parts[here]))
                if inner is not None and inner[1] == 0xFF:
                    return self.same(int(inner[2]), int(parts[there]))
        return self.make("zero", one, bits=1)
