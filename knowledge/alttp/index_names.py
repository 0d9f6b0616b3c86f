"""The names of all rows as one sorted text: found exactly, by their beginning, by a part, and with one typing error."""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

__all__ = ["MOST_STARS", "NameHit", "NameList", "Names"]

MOST_STARS = 8
"""Parts that a pattern may have."""

_LEAST = 6  # letters: a shorter name is not found with a typing error
_KEYS = 3000  # names that begin or end alike, more are not compared


class NameList:
    """Names as they are met, kept as a few long texts."""

    def __init__(self) -> None:
        """Begin with none."""
        self._new: list[str] = []
        self._packed: list[str] = []

    def add(self, name: str, entry: int, source: int) -> None:
        """Add a squeezed name, the row that bears it and the number of the source; 0 for the row's own name."""
        self._new.append(f"{name}\t{entry:05x}{source:02x}")

    def pack(self) -> None:
        """Join what was added, which takes far less memory."""
        if self._new:
            self._packed.append("\n".join(self._new))
            self._new = []

    def ordered(self) -> list[str]:
        """Return all names in order, each with its row and source; they are forgotten here."""
        self.pack()
        packed, self._packed = self._packed, []
        return sorted("\n".join(packed).split("\n")) if packed else []


class NameHit(NamedTuple):
    """A name that was met."""

    name: str
    """Squeezed."""
    entry: int
    source: int


class Names:
    """Squeezed names in alphabetical order, each with its row and its source; one text and three arrays."""

    def __init__(self, rows: NameList) -> None:
        """Sort and keep the names."""
        ordered = rows.ordered()
        self._entries = array("I", [int(row[-7:-2], 16) for row in ordered])
        self._sources = bytes([int(row[-2:], 16) for row in ordered])
        self._starts = array("I", accumulate([len(row) - 7 for row in ordered], initial=0))
        self._text = "\n".join([row[:-8] for row in ordered])

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._entries)

    def at(self, place: int) -> str:
        """Return the name at a place in the order."""
        return self._text[self._starts[place] : self._starts[place + 1] - 1]

    def _hit(self, place: int) -> NameHit:
        return NameHit(self.at(place), self._entries[place], self._sources[place])

    def _prefix(self, prefix: str) -> range:
        low = bisect_left(range(len(self)), prefix, key=self.at)
        high = bisect_left(range(len(self)), prefix + "\U0010ffff", low, key=self.at)
        return range(low, high)

    def exact(self, name: str) -> list[NameHit]:
        """Return who bears exactly this squeezed name."""
        if not name:
            return []
        place = bisect_left(range(len(self)), name, key=self.at)
        out: list[NameHit] = []
        while place < len(self) and self.at(place) == name:
            out.append(self._hit(place))
            place += 1
        return out

    def starting(self, prefix: str) -> Iterator[NameHit]:
        """Give who bears a name that begins so, in alphabetical order."""
        return map(self._hit, self._prefix(prefix))

    def containing(self, part: str) -> Iterator[NameHit]:
        """Give who bears a name with this part, in alphabetical order; each name once."""
        at = self._text.find(part) if part else -1
        while at >= 0:
            place = bisect_right(self._starts, at) - 1
            yield self._hit(place)
            at = self._text.find(part, self._starts[place + 1])

    def matching(self, pattern: str) -> Iterator[NameHit]:
        """Give who bears a name that a squeezed pattern with `*` and `?` describes; too many stars match nothing."""
        parts = re.split(r"\*+", pattern)
        if len(parts) > MOST_STARS:
            return
        literal = max(re.split(r"[*?]+", pattern), key=len)
        found = self.containing(literal) if literal else map(self._hit, range(len(self)))
        compiled = [re.compile(re.escape(part).replace(r"\?", ".")) for part in parts]
        for hit in found:
            if _described(hit.name, compiled):
                yield hit

    @cached_property
    def _backwards(self) -> "array[int]":
        """The places of the names, in the order of the names read backwards."""
        return array("I", sorted(range(len(self)), key=lambda place: self.at(place)[::-1]))

    def _suffix(self, suffix: str) -> Iterator[int]:
        order, wanted = self._backwards, suffix[::-1]
        tail = len(suffix)
        low = bisect_left(order, wanted, key=lambda place: self.at(place)[: -tail - 1 : -1])
        high = bisect_right(order, wanted, low, key=lambda place: self.at(place)[: -tail - 1 : -1])
        return iter(order[low:high])

    def near(self, name: str) -> list[NameHit]:
        """Return who bears a name that differs by one typing error: a letter more, less, other, or two exchanged.

        One error leaves the first or the last half of a name as it is, so that only names are compared that begin
        or end alike.
        """
        if len(name) < _LEAST:
            return []
        from rapidfuzz.distance import OSA

        half = len(name) // 2 - 1
        places = [*self._prefix(name[:half])[:_KEYS]]
        for count, place in enumerate(self._suffix(name[-half:])):
            if count >= _KEYS:
                break
            places.append(place)
        starts, low, high = self._starts, len(name), len(name) + 2
        alike = {place for place in places if low <= starts[place + 1] - starts[place] <= high}
        found = [place for place in alike if OSA.distance(name, self.at(place), score_cutoff=1) == 1]
        return [self._hit(place) for place in sorted(found)]


def _described(name: str, parts: list[re.Pattern[str]]) -> bool:
    """Tell whether a name has the parts in their order, the first at its beginning and the last at its end."""
    first = parts[0].match(name)
    if len(parts) == 1:
        return parts[0].fullmatch(name) is not None
    if first is None:
        return False
    at = first.end()
    for part in parts[1:-1]:
        found = part.search(name, at)
        if found is None:
            return False
        at = found.end()
    last = len(parts[-1].pattern.replace("\\", ""))
    return len(name) - last >= at and parts[-1].fullmatch(name, len(name) - last) is not None
