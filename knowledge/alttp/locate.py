"""Rows by the addresses that a question spells out, with their mirrors, their arrays and their ROM version."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from knowledge.alttp.index import Index
from knowledge.alttp.locate_arrays import ARRAY, array_of, in_routine, is_element, place_in
from knowledge.snes.addresses import Spelled, fold, lorom_address, show, spelled
from knowledge.snes.registers import canonical

__all__ = ["Match", "by_address"]

_FOLLOWS = 0x400  # bytes: an address so far behind a label of unknown size may still be in it
_ROM = 0x100000  # bytes of the game
_PORTS = ((0x2100, 0x21FF), (0x4000, 0x43FF))  # such an address without its bank means the hardware, not work RAM


class Match(NamedTuple):
    """One row that matches, with the reason; the lower the tier the stronger the evidence."""

    entry: int
    tier: int
    score: float
    reason: str
    place: str = ""
    """Where the address that was asked for lies in the row, when it is not the row's own."""


def _at(index: Index, address: int, tier: int, said: str, *, named: bool = False) -> Iterator[Match]:
    """Give the rows that begin at an address; with `named`, only those that have a name."""
    for entry in index.spans.at(address):
        row = index.entry(entry)
        if named and not row.name:
            continue
        inside = array_of(index, address) if is_element(row) else None
        place = place_in(index.entry(inside.entry), address, inside.start) if inside else ""
        yield Match(
            entry, tier, 1.0, said, place.replace("in this row", f"from {show(inside.start)}") if inside else ""
        )


def _inside(index: Index, address: int, tier: int, said: str) -> Iterator[Match]:
    """Give the rows that an address lies inside; a described array before the bare label of its element."""
    bare = any(is_element(index.entry(entry)) for entry in index.spans.at(address))
    array = array_of(index, address) if bare else None
    for order, inside in enumerate(index.spans.around(address)):
        best = array is not None and array.entry == inside.entry and inside.size <= ARRAY
        place = place_in(index.entry(inside.entry), address, inside.start)
        yield Match(inside.entry, -1 if best else tier, 1.0 / (1 + order), said, place)


def _rom(index: Index, address: int, tier: int, said: str) -> Iterator[Match]:
    """Give the label of unknown size that a ROM address follows, where no row begins there or reaches there."""
    if address & 0x8000 and address < 0x200000 and not index.spans.at(address) and not index.spans.around(address):
        found = in_routine(index, address, _FOLLOWS)
        if found:
            yield Match(found[0].entry, tier, 1.0, said, found[1])


def _address(index: Index, found: Spelled) -> Iterator[Match]:
    """Give the rows that one spelled address may mean."""
    if found.pc:
        if found.value < _ROM:
            address = lorom_address(found.value)
            said = f"{found.text} is {show(address)} (LoROM)"
            yield from _at(index, address, 0, said)
            yield from _inside(index, address, 1, said)
            yield from _rom(index, address, 3, said)
    elif found.banked or found.value < 0x6000:
        yield from _full(index, found)
    else:
        yield from _bankless(index, found)


def _full(index: Index, found: Spelled) -> Iterator[Match]:
    """Give the rows for an address with its bank, or below $6000, where banks $00-$3F are alike."""
    address = fold(found.value)
    if 0x2000 <= address < 0x6000:
        address = canonical(address)
    same = address == found.value and (found.banked or 0x2000 <= address < 0x6000)
    said = f"address {show(address)}" if same else f"{found.text} is {show(address)}"
    yield from _at(index, address, 0, said)
    if not found.banked and address >= 0x2000 and not index.spans.at(address):
        yield from _at(index, 0x7E0000 | found.value, 2, f"{found.text} in bank $7E", named=True)
        if not any(first <= found.value <= last for first, last in _PORTS):
            yield from _inside(index, 0x7E0000 | found.value, 3, f"{found.text} in bank $7E")
    yield from _inside(index, address, 1, said)
    for entry in index.jp.at(address):
        us = index.entry(entry).cell("us_address")
        if us != show(address):
            yield Match(entry, 2, 1.0, f"{show(address)} is its JP 1.0 address; US 1.0 {us or 'has no such label'}")
    yield from _rom(index, address, 3, said)


def _bankless(index: Index, found: Spelled) -> Iterator[Match]:
    """Give the rows that four digits from $6000 up may mean: described work RAM, else any bank alike."""
    work = 0x7E0000 | found.value
    described = any(index.entry(entry).cell("description") for entry in index.spans.at(work))
    yield from _at(index, work, 0 if described else 1, f"{found.text} in bank $7E")
    for bank in (0x7F, 0x70):
        yield from _at(index, bank << 16 | found.value, 1, f"{found.text} in bank ${bank:02X}", named=True)
    for bank in range(0x20 if found.value >= 0x8000 else 0):
        yield from _at(index, bank << 16 | found.value, 1, f"{found.text} in bank ${bank:02X}")
    yield from _inside(index, work, 2, f"{found.text} in bank $7E")


_JAPANESE = re.compile(r"\b(?:jp|jpn|jap|japan|japanese|j ?1\.0|super famicom)(?![a-z])", re.IGNORECASE)
_AMERICAN = re.compile(r"\bUS(?:A)?\b|\b(?:us|usa) (?:rom|version|1\.0|address)\b|\b[Aa]merican?\b")
_COUNTER = re.compile(r"\bpc\s*=\s*(?=\$)", re.IGNORECASE)  # `PC=$078000` is the program counter, no place in a file


def _japanese(index: Index, found: Spelled) -> Iterator[Match]:
    """Give the rows that an address of the JP 1.0 ROM means: the label there, or the last one before it."""
    address = lorom_address(found.value) if found.pc else fold(found.value)
    if not address & 0x8000 or address >= 0x200000 or not (found.pc or found.banked):
        return
    entries, back = index.jp.at(address), 0
    if not entries:
        for inside in index.jp.before(address, within=_FOLLOWS):
            if inside.start >> 16 == address >> 16 and index.kind(inside.entry) != "sublabel":
                entries, back = [inside.entry], address - inside.start
                break
    for entry in entries:
        row = index.entry(entry)
        us = row.cell("us_address")
        place = f"{show(address)} (JP 1.0) is {row.name} + ${back:X}" if back else ""
        yield Match(entry, -1, 1.0, f"{show(address)} in the JP 1.0 ROM; US 1.0 {us or 'has no such label'}", place)


def by_address(index: Index, query: str) -> Iterator[Match]:
    """Give the rows for every address in the question, in order; those of the ROM version that it names come first."""
    japanese = _JAPANESE.search(query) is not None
    american = not japanese and _AMERICAN.search(query) is not None
    for found in spelled(_COUNTER.sub("", query)):
        if japanese:
            yield from _japanese(index, found)
        for match in _address(index, found):
            if not (american and "is its JP 1.0 address" in match.reason):
                yield match
