"""What an address within a row is: a slot of a sprite, ancilla or overlord array, a byte, a place in a routine."""

import re
from typing import NamedTuple

from knowledge.alttp.index import Entry, Index
from knowledge.alttp.index_spans import Inside
from knowledge.snes.addresses import show

__all__ = ["Slot", "array_of", "in_routine", "is_element", "place_in", "slot_of"]

ARRAY = 512
"""Bytes: a longer row is a buffer, whose parts have names of their own."""

_FAMILY = re.compile(r"(SPR|ANC|OL|GRN)0+(?=[A-Z_])|(FOLLOWER)(?=[XYZL])|(TORCHTM)0")
_WHAT = {
    "SPR": ("sprite", (16,)),
    "ANC": ("ancilla", (10, 5)),
    "OL": ("overlord", (8,)),
    "GRN": ("garnish", (30,)),
    "FOLLOWER": ("follower trail step", (20,)),
    "TORCHTM": ("torch", (16,)),
}
"""Beginning of the name of an array's first element (jpdasm) to what its elements are and how many there are."""

_TITLE = re.compile(r"[^:;(]*array: |[^:;(]*trail: ")
_COUNT = re.compile(r"\s*\((?:\d+|16-bit)[^)]*\)\s*$")


class Slot(NamedTuple):
    """One element of an array."""

    what: str
    """`sprite`, `ancilla`, `overlord`, `garnish`."""
    number: int
    byte: int
    """Which byte of an element of several bytes."""
    width: int
    """Bytes of one element."""


def slot_of(name: str, size: int, offset: int) -> Slot | None:
    """Return which element of an array an offset lies in, by the array's name; None for what is no known array."""
    found = _FAMILY.match(name)
    if found is None:
        return None
    what, counts = _WHAT[next(filter(None, found.groups()))]
    for count in counts:
        if size and size % count == 0 and size // count in (1, 2):
            width = size // count
            return Slot(what, offset // width, offset % width, width)
    return None


def is_element(entry: Entry) -> bool:
    """Tell whether a row is the bare label of one element of an array that has a row of its own."""
    return entry.kind == "ram" and not entry.cell("description") and entry.cell("size_basis") == "gap"


def array_of(index: Index, address: int) -> Inside | None:
    """Return the described array of known size that an address lies inside, though not at its beginning."""
    for inside in index.spans.around(address):
        if inside.size <= ARRAY and index.kind(inside.entry) == "ram":
            row = index.entry(inside.entry)
            if not row.cell("size_basis") and (row.cell("description") or slot_of(row.name, inside.size, 0)):
                return inside
    return None


def place_in(row: Entry, address: int, start: int) -> str:
    """Return where in a row an address lies, in words: `$7E0D05 is sprite 5, Y coordinate, low byte (...)`."""
    size = int(row.cell("size"))
    offset = address - start
    if row.kind in ("routine", "data"):
        return f"{show(address)} is {row.name} + ${offset:X} (byte {offset} of {size})"
    slot = slot_of(row.name, size, offset)
    bytes_said = f"byte {offset} of {size} in this row"
    if slot is None:
        return f"{show(address)} is {bytes_said}"
    half = f", {'high' if slot.byte else 'low'} byte of two" if slot.width == 2 else ""
    text = _COUNT.sub("", _TITLE.sub("", row.cell("description"), count=1))
    text = f", {text}" if text else f" of {row.name}"
    return f"{show(address)} is {slot.what} {slot.number}{text}{half} ({bytes_said})"


def in_routine(index: Index, address: int, within: int) -> tuple[Inside, str] | None:
    """Return the ROM label that an address follows, and where after it: `Sprite_Main + $5`.

    Only a label of unknown size that lies at most `within` bytes before the address, in its bank.
    """
    local = ""
    for found in index.spans.before(address, within=within):
        if found.start >> 16 != address >> 16:
            return None
        row = index.entry(found.entry)
        offset = address - found.start
        if row.kind == "sublabel":
            local = local or f"{row.name} + ${offset:X}"
        elif found.size:
            return None  # an address behind its end is no part of it
        else:
            also = f", {local}" if local else ""
            return found, f"{show(address)} is {row.name} + ${offset:X}{also}"
    return None
