"""Rows by what a question spells out: ids (`sprite 0x41`) and addresses, with their mirrors and arrays."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from knowledge.alttp.index import Index
from knowledge.alttp.locate_arrays import ARRAY, array_of, in_routine, is_element, place_in
from knowledge.snes.addresses import Spelled, fold, lorom_address, show, spelled
from knowledge.snes.registers import canonical
from schemas.fact import AskedKind, FactKind

__all__ = ["Match", "by_address", "by_id", "by_ref", "names_an_id"]

_FOLLOWS = 0x400  # bytes: an address so far behind a label of unknown size may still be in it
_ROM = 0x100000  # bytes of the game

_WORLDS: dict[str, FactKind] = {
    "sprite state": "sprite_state",
    "sprite status": "sprite_state",
    "link state": "link_state",
    "player state": "link_state",
    "menu item": "menu_item",
    "menu slot": "menu_item",
    "room tag": "room_tag",
    "room effect": "room_effect",
    "room object": "room_object",
    "tile type": "tile_type",
    "tile": "tile_type",
    "door type": "door_type",
    "sprite": "sprite",
    "enemy": "sprite",
    "monster": "sprite",
    "item": "item",
    "receipt": "item",
    "room": "room",
    "overworld": "overworld",
    "screen": "overworld",
    "area": "overworld",
    "overlord": "overlord",
    "ancilla": "ancilla",
    "garnish": "garnish",
    "submodule": "module",
    "module": "module",
    "song": "song",
    "music": "song",
    "track": "song",
    "entrance": "entrance",
    "dungeon": "dungeon",
    "follower": "follower",
    "tagalong": "follower",
    "tag": "room_tag",
    "secret": "secret",
}
"""Word before a number to the kind whose id the number is."""

_NUMBER = r"(?P<{0}mark>0x|\#?\$|\#)?(?P<{0}number>[0-9a-f]{{1,3}})(?P<{0}h>h)?(?![\w'])"
_ID = re.compile(
    rf"\b(?P<world>{'|'.join(sorted((key.replace(' ', '[ _-]') for key in _WORLDS), key=len, reverse=True))})s?"
    r"(?:\s+(?:screen|area|map|type|track|state))?(?:\s+(?:id|number|no\.?|index|slot))?\s*[#:=]?\s*"
    + _NUMBER.format("")
    + r"(?:\s*(?:[.,/]|,?\s*sub-?module)\s*" + _NUMBER.format("s")
    + r"(?:\s*(?:[.,/]|,?\s*(?:step|sub-?sub-?module))\s*" + _NUMBER.format("t") + r")?)?",
    re.IGNORECASE,
)  # fmt: skip
_SOUND = re.compile(
    r"\b(?:sfx|sound(?: effect)?)\s*(?P<bank>[123])(?:[.,/ ]|\s+(?:id|number))\s*(?:0x|\$)?(?P<id>[0-9a-f]{1,2})\b",
    re.I,
)
_BARE_NUMBER = re.compile(r"\s*(?:0x|\$|\#\$?)?(?P<number>[0-9a-f]{1,3})h?\s*", re.IGNORECASE)
_REF = re.compile(r"\s*(?:alttp://)?(?P<kind>[a-z_]{3,12})[:/](?P<key>[0-9A-Za-z.]{1,14})\s*")


class Match(NamedTuple):
    """One row that matches, with the reason; the lower the tier the stronger the evidence."""

    entry: int
    tier: int
    score: float
    reason: str
    place: str = ""
    """Where the address that was asked for lies in the row, when it is not the row's own."""


def by_ref(index: Index, query: str) -> Iterator[Match]:
    """Give the row of a ref, `ram:7EF36D` or `alttp://sprite/41`."""
    found = _REF.fullmatch(query)
    if found:
        entry = index.find(found["kind"].lower(), found["key"].upper())
        if entry >= 0:
            yield Match(entry, -2, 1.0, f"ref {index.ref(entry)}")


def by_id(index: Index, query: str, kind: AskedKind) -> Iterator[Match]:
    """Give the rows that the question names by id; a number without a mark may be hexadecimal or decimal."""
    for sound in _SOUND.finditer(query):
        entry = index.find("song", f"SFX{sound['bank']}.{int(sound['id'], 16):02X}")
        if entry >= 0:
            yield Match(entry, 0, 1.0, f"sound effect {sound['bank']}.0x{int(sound['id'], 16):02X}")
    for part in _ID.finditer(query):
        world = _world(part["world"])
        if part["snumber"] and world == "module":
            yield from _submodule(index, part)
        elif _meant(world, part):
            marked = bool(part["mark"] or part["h"])
            yield from _numbered(index, world, part["number"], marked=marked)
    bare = _BARE_NUMBER.fullmatch(query)
    if bare and kind != "any":
        yield from _numbered(index, kind, bare["number"], marked="x" in query.lower() or "$" in query)


def _world(word: str) -> FactKind:
    return _WORLDS[re.sub(r"[ _-]", " ", word.lower())]


def _meant(world: FactKind, part: re.Match[str]) -> bool:
    """Tell whether a number behind a word is an id: `sprite face` has none, `room tag 1` is a field of a room."""
    number = part["number"]
    marked = bool(part["mark"] or part["h"])
    if world in ("room_tag", "tile_type") and not marked and len(number) < 2:
        return part["world"].lower() in ("tile type", "tile_type", "tile-type")
    return marked or number[0].isdigit()


def _submodule(index: Index, part: re.Match[str]) -> Iterator[Match]:
    """Give the submodule, or the step of one, that two or three numbers name; their digits are hexadecimal."""
    numbers = [part[name] for name in ("number", "snumber", "tnumber") if part[name]]
    key = ".".join(f"{int(number, 16):02X}" for number in numbers)
    entry = index.find("module", key)
    if entry >= 0:
        yield Match(entry, 0, 1.0, "module " + ".".join(f"0x{one}" for one in key.split(".")))


def _numbered(index: Index, kind: FactKind, number: str, *, marked: bool) -> Iterator[Match]:
    said = kind.replace("_", " ")
    hexadecimal = index.numbered(kind, int(number, 16))
    if hexadecimal >= 0:
        yield Match(hexadecimal, 0, 1.0, f"{said} id 0x{int(number, 16):02X}")
    if marked or not number.isdecimal() or int(number) == int(number, 16):
        return
    decimal = index.numbered(kind, int(number))
    if decimal >= 0:
        yield Match(decimal, 0, 1.0, f"{said} id {number} if the number is decimal")


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


def names_an_id(query: str) -> bool:
    """Tell whether the question names an id with its kind, so that its number is no address."""
    return any(_meant(_world(part["world"]), part) for part in _ID.finditer(query))


def by_address(index: Index, query: str) -> Iterator[Match]:
    """Give the rows for every address in the question, in order."""
    for found in spelled(query):
        yield from _address(index, found)
