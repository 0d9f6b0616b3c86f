"""Rows by address: those that begin at one, those that it lies inside, and the label before it."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

__all__ = ["Inside", "PlaceList", "Spans"]

LARGEST = 0x3000
"""Bytes: no row of the tables is longer (the decompression buffer)."""

_WALK = 400  # rows before an address that are looked through for one that reaches it


class PlaceList:
    """Places of rows as they are met; each is one number."""

    def __init__(self) -> None:
        """Begin with none."""
        self.packed = array("Q")

    def add(self, start: int, entry: int, size: int) -> None:
        """Add where a row lies; `size` in bytes, 0 where it is not known."""
        self.packed.append(start << 40 | entry << 16 | min(size, LARGEST))


class Inside(NamedTuple):
    """A row that an address lies inside."""

    entry: int
    start: int
    size: int


class Spans:
    """Rows by their first address, with their sizes."""

    def __init__(self, places: PlaceList) -> None:
        """Sort and keep the places."""
        ordered = sorted(places.packed)
        self._starts = array("I", [place >> 40 for place in ordered])
        self._entries = array("I", [place >> 16 & 0xFFFFFF for place in ordered])
        self._sizes = array("H", [place & 0xFFFF for place in ordered])
        ends = (start + (size or 1) for start, size in zip(self._starts, self._sizes, strict=True))
        self._reach = array("I", accumulate(ends, max))
        """The end of what reaches furthest of all rows up to each."""

    def at(self, address: int) -> list[int]:
        """Return the rows that begin at an address."""
        low = bisect_left(self._starts, address)
        return list(self._entries[low : bisect_right(self._starts, address, low)])

    def between(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Give (address, row) of the rows that begin within a range, both ends included."""
        low = bisect_left(self._starts, first)
        for place in range(low, bisect_right(self._starts, last, low)):
            yield self._starts[place], self._entries[place]

    def around(self, address: int) -> list[Inside]:
        """Return the rows that an address lies inside, though not at their beginning, the smallest first."""
        place = bisect_left(self._starts, address) - 1
        found: list[Inside] = []
        last = max(-1, place - _WALK)
        while place > last and self._reach[place] > address:
            start, size = self._starts[place], self._sizes[place]
            if address < start + size:
                found.append(Inside(self._entries[place], start, size))
            place -= 1
        return sorted(found, key=lambda inside: (inside.size, -inside.start))

    def before(self, address: int, *, within: int) -> Iterator[Inside]:
        """Give the rows that begin before an address, at most `within` bytes before it, the nearest first."""
        place = bisect_left(self._starts, address) - 1
        while place >= 0 and address - self._starts[place] <= within:
            yield Inside(self._entries[place], self._starts[place], self._sizes[place])
            place -= 1
