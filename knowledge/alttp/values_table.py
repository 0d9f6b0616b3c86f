"""What of the game can be decoded: `value_kinds.csv` says which bytes hold what, `values.csv` what a value means.

A row of `values.csv` is for one value (`0x02`), a range (`0x01-0x04`), a bit (`bit 3`), or some bits, all their values
(`bits 5-0`) or one of them (`bits 7-6=2`). Words in braces take numbers: `{n}` the value, `{eighth}` its eighth,
`{above}` one more, `{below}` what lacks to 256. The `sources` are those of `SOURCES.md`.
"""

import csv
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, cast

from schemas.fact import FactKind

__all__ = ["HOW", "Kind", "Place", "ValueRow", "kinds", "places", "rows_of"]

HOW = Literal["words", "bits", "rows", "effect", "module", "submodule"]
"""How a kind is decoded: a word for each value, for each bit, by the ids of a table, as sound effect or (sub)module."""

_FOLDER = Path(__file__).resolve().parent
_VALUE = re.compile(
    r"0x(?P<low>[0-9A-F]+)(?:-0x(?P<high>[0-9A-F]+))?|bits? (?P<first>\d+)(?:-(?P<last>\d+))?(?:=(?P<is>\d+))?"
)


class Kind(NamedTuple):
    """Something that a byte or a word of the game's memory holds."""

    name: str
    aliases: tuple[str, ...]
    places: tuple["Place", ...]
    how: HOW
    width: int
    """Bits: 8 or 16."""
    rows: FactKind | None
    """The table whose ids the values are."""
    prefix: str
    """What stands before the id in a key of that table: `SFX2.`."""
    note: str
    sources: tuple[str, ...]


class Place(NamedTuple):
    """Where a kind is held: one address, or an array of slots."""

    address: int
    slots: int
    """1 for what is no array."""


class ValueRow(NamedTuple):
    """The words for some values of a kind."""

    low: int
    high: int
    """The values that it is for; those of the bits when `mask` is not 0."""
    mask: int
    """The bits that it is for; 0 for the whole value."""
    words: str
    sources: tuple[str, ...]

    @property
    def shift(self) -> int:
        """How far the lowest bit of the mask is from bit 0."""
        return (self.mask & -self.mask).bit_length() - 1

    @property
    def bits(self) -> str:
        """The bits as people write them: `3`, `5-0`."""
        high = self.mask.bit_length() - 1
        return str(high) if high == self.shift else f"{high}-{self.shift}"


def _read(name: str) -> list[dict[str, str]]:
    with (_FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _split(cell: str) -> tuple[str, ...]:
    return tuple(filter(None, cell.split("|")))


def _place(text: str) -> Place:
    address, _, slots = text.partition("*")
    return Place(int(address.removeprefix("$"), 16), int(slots or 1))


@cache
def kinds() -> tuple[Kind, ...]:
    """Return all that can be decoded, in the order of the table."""
    return tuple(
        Kind(
            row["name"],
            _split(row["aliases"]),
            tuple(map(_place, _split(row["places"]))),
            cast(HOW, row["how"]),
            int(row["width"]),
            cast(FactKind, row["rows"].partition(":")[0]) if row["rows"] else None,
            f"{row['rows'].partition(':')[2]}." if ":" in row["rows"] else "",
            row["note"],
            _split(row["sources"]),
        )
        for row in _read("value_kinds.csv")
    )


@cache
def places() -> Mapping[int, tuple[Kind, Place, int]]:
    """Return what is held at each address: the kind, its place and the slot in it."""
    out: dict[int, tuple[Kind, Place, int]] = {}
    for kind in kinds():
        for place in kind.places:
            for slot in range(place.slots):
                out.setdefault(place.address + slot * kind.width // 8, (kind, place, slot))
    return out


@cache
def _rows() -> Mapping[str, tuple[ValueRow, ...]]:
    out: dict[str, list[ValueRow]] = {}
    for row in _read("values.csv"):
        match = _VALUE.fullmatch(row["value"])
        if match is None:
            raise ValueError(f"values.csv: no value in {row['value']!r} of {row['name']}")
        out.setdefault(row["name"], []).append(_value_row(match.groupdict(), row))
    return {name: tuple(found) for name, found in out.items()}


def _value_row(part: dict[str, str | None], row: dict[str, str]) -> ValueRow:
    if part["first"] is None:
        low = int(part["low"] or "0", 16)
        return ValueRow(low, int(part["high"] or f"{low:X}", 16), 0, row["words"], _split(row["sources"]))
    first = int(part["first"])
    last = int(part["last"] or first)
    top = (1 << first - last + 1) - 1
    low = int(part["is"]) if part["is"] else 1 if first == last else 0
    high = low if part["is"] else top
    return ValueRow(low, high, top << last, row["words"], _split(row["sources"]))


def rows_of(kind: Kind) -> tuple[ValueRow, ...]:
    """Return the rows of a kind; none for one whose values are the ids of a table."""
    return _rows().get(kind.name, ())
