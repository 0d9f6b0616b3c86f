"""Rows by what a question spells out: ids (`sprite 0x41`) and addresses, with their mirrors and arrays."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from knowledge.alttp.index import Entry, Index
from knowledge.snes.addresses import Spelled, fold, lorom_address, show, spelled
from schemas.fact import AskedKind

__all__ = ["Match", "by_address", "by_id", "names_an_id"]

_ARRAY = 512  # bytes: a longer row is a buffer, whose parts have names of their own

_ID = re.compile(
    r"\b(?P<world>sprite|enemy|monster|item|receipt|room|overworld(?: (?:screen|area|map))?|screen|area)s?"
    r"(?:\s+(?:id|number|no\.?|index|type))?\s*[#:=]?\s*"
    r"(?P<mark>0x|\$|\#\$|\#)?(?P<number>[0-9a-f]{1,3})(?P<h>h)?(?![\w'])",
    re.IGNORECASE,
)
_WORLD = {
    "enemy": "sprite",
    "monster": "sprite",
    "receipt": "item",
    "screen": "overworld",
    "area": "overworld",
}
_BARE_NUMBER = re.compile(r"\s*(?:0x|\$|\#\$?)?(?P<number>[0-9a-f]{1,3})h?\s*", re.IGNORECASE)


class Match(NamedTuple):
    """One row that matches, with the reason; the lower the tier the stronger the evidence."""

    entry: int
    tier: int
    score: float
    reason: str
    place: str = ""
    """Where the address that was asked for lies in the row, when it is not the row's own."""


def by_id(index: Index, query: str, kind: AskedKind) -> Iterator[Match]:
    """Give the rows that the question names by id; a number without a mark may be hexadecimal or decimal."""
    found = [(part["world"].lower().split()[0], part) for part in _ID.finditer(query)]
    if not found and kind in ("sprite", "item", "room"):
        bare = _BARE_NUMBER.fullmatch(query)
        found = [(kind, bare)] if bare else []
    for word, part in found:
        world = _WORLD.get(word, word)
        groups = part.groupdict()
        number = groups["number"]
        marked = bool(groups.get("mark") or groups.get("h")) or "0x" in part.group().lower() or "$" in part.group()
        if not (marked or number[0].isdigit()):
            continue  # "sprite face" is no id
        yield from _numbered(index, world, number, marked=marked)


def _numbered(index: Index, world: str, number: str, *, marked: bool) -> Iterator[Match]:
    hexadecimal = index.ids.get((world, int(number, 16)))
    if hexadecimal is not None:
        yield Match(hexadecimal, 0, 1.0, f"{world} id 0x{int(number, 16):02X}")
    if marked or not number.isdigit() or int(number) == int(number, 16):
        return
    decimal = index.ids.get((world, int(number)))
    if decimal is not None:
        yield Match(decimal, 0, 1.0, f"{world} id {number} if the number is decimal")


def _at(index: Index, address: int, tier: int, said: str, *, named: bool = False) -> Iterator[Match]:
    """Give the rows that begin at an address; with `named`, only those that have a name."""
    for entry in index.starts.get(address, ()):
        if not named or index.entries[entry].cell("name"):
            yield Match(entry, tier, 1.0, said)


def _inside(index: Index, address: int, tier: int, said: str) -> Iterator[Match]:
    """Give the rows that an address lies inside; a described array before the bare label of its element."""
    bare = [entry for entry in index.starts.get(address, ()) if _is_element(index.entries[entry])]
    for order, (entry, start) in enumerate(index.around(address)):
        row = index.entries[entry]
        array = row.cell("description") and not row.cell("size_basis") and int(row.cell("size")) <= _ARRAY
        place = f"{show(address)} is byte {address - start} of {row.cell('size')} in this row"
        yield Match(entry, -1 if bare and array else tier, 1.0 / (1 + order), said, place)


def _is_element(entry: Entry) -> bool:
    return entry.kind == "ram" and not entry.cell("description") and entry.cell("size_basis") == "gap"


def _address(index: Index, found: Spelled) -> Iterator[Match]:
    """Give the rows that one spelled address may mean."""
    if found.pc:
        address = lorom_address(found.value)
        said = f"{found.text} is {show(address)} (LoROM)"
        yield from _at(index, address, 0, said)
        yield from _inside(index, address, 1, said)
    elif found.banked or found.value < 0x6000:
        yield from _full(index, found)
    else:
        yield from _bankless(index, found)


def _full(index: Index, found: Spelled) -> Iterator[Match]:
    """Give the rows for an address with its bank, or below $6000, where banks $00-$3F are alike."""
    address = fold(found.value)
    same = address == found.value and (found.banked or 0x2000 <= address < 0x6000)
    said = f"address {show(address)}" if same else f"{found.text} is {show(address)}"
    yield from _at(index, address, 0, said)
    if not found.banked and address >= 0x2000 and address not in index.starts:
        yield from _at(index, 0x7E0000 | found.value, 2, f"{found.text} in bank $7E", named=True)
        yield from _inside(index, 0x7E0000 | found.value, 3, f"{found.text} in bank $7E")
    yield from _inside(index, address, 1, said)
    for entry in index.jp_starts.get(address, ()):
        us = index.entries[entry].cell("us_address")
        if us != show(address):
            yield Match(entry, 2, 1.0, f"{show(address)} is its JP 1.0 address; US 1.0 {us}")


def _bankless(index: Index, found: Spelled) -> Iterator[Match]:
    """Give the rows that four digits from $6000 up may mean: described work RAM, else any bank alike."""
    work = 0x7E0000 | found.value
    described = any(index.entries[entry].cell("description") for entry in index.starts.get(work, ()))
    yield from _at(index, work, 0 if described else 1, f"{found.text} in bank $7E")
    for bank in (0x7F, 0x70):
        yield from _at(index, bank << 16 | found.value, 1, f"{found.text} in bank ${bank:02X}", named=True)
    for bank in range(0x20 if found.value >= 0x8000 else 0):
        yield from _at(index, bank << 16 | found.value, 1, f"{found.text} in bank ${bank:02X}")
    yield from _inside(index, work, 2, f"{found.text} in bank $7E")


def names_an_id(query: str) -> bool:
    """Tell whether the question names an id with its kind, so that its number is no address."""
    return _ID.search(query) is not None


def by_address(index: Index, query: str) -> Iterator[Match]:
    """Give the rows for every address in the question, in order."""
    for found in spelled(query):
        yield from _address(index, found)
