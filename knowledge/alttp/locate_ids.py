"""Rows by the ids that a question spells out: `sprite 0x41`, `id $41 sprite`, `the ancilla with number 1F`."""

import re
from collections.abc import Iterator

from knowledge.alttp.index import Index
from knowledge.alttp.locate import Match
from schemas.fact import AskedKind, FactKind

__all__ = ["by_id", "by_ref", "names_an_id"]

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
    "ow": "overworld",
    "overlord": "overlord",
    "ancilla": "ancilla",
    "garnish": "garnish",
    "submodule": "module",
    "module": "module",
    "boss": "sprite",
    "npc": "sprite",
    "creature": "sprite",
    "companion": "follower",
    "door": "door_type",
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
_KINDS = "|".join(sorted((key.replace(" ", "[ _-]") for key in _WORLDS), key=len, reverse=True))
_ID = re.compile(
    rf"\b(?P<world>{_KINDS})s?"
    r"(?:\s+(?:screen|area|map(?!16|32|8)|type|track|state))?(?:\s+(?:id|number|no\.?|index|slot))?\s*[#:=]?\s*"
    + _NUMBER.format("")
    + r"(?:\s*(?:[.,/]|,?\s*sub-?module)\s*" + _NUMBER.format("s")
    + r"(?:\s*(?:[.,/]|,?\s*(?:step|sub-?sub-?module))\s*" + _NUMBER.format("t") + r")?)?",
    re.IGNORECASE,
)  # fmt: skip
_LINKS = (
    r"(?:[\s,]+(?:with|whose|which|that|is|are|has|have|having|the|a|an|of|by|under|goes|called|known|as|at|its|in|"
    r"hex|type|kind))*"
)
_SAYS = r"(?:id|number|num|no\.?|index|value|code|\#)"
_WIDE = re.compile(
    r"\b(?P<world>room|overworld|entrance|module|song|item|dungeon)s?\s+(?:id\s+|number\s+)?0x(?P<number>[0-9a-f]{4})\b",
    re.I,
)
"""An id with more digits than its table has: one that is too great is no address."""
_TURNED = (
    re.compile(rf"\b(?P<world>{_KINDS})s?{_LINKS}[\s,:]+{_SAYS}[\s:=]*(?:is\s+)?" + _NUMBER.format(""), re.IGNORECASE),
    re.compile(
        rf"\b{_SAYS}[\s:=]*(?:is\s+)?" + _NUMBER.format("") + rf"{_LINKS}[\s,:]+(?P<world>{_KINDS})s?\b", re.IGNORECASE
    ),
    re.compile(rf"^\W*(?P<mark>0x|\$)(?P<number>[0-9a-f]{{1,3}})(?P<h>h)?\s+(?P<world>{_KINDS})\W*$", re.IGNORECASE),
    re.compile(rf"\b(?P<mark>)(?P<number>[0-9]{{1,3}})(?P<h>)(?:st|nd|rd|th)\s+(?P<world>{_KINDS})\b", re.IGNORECASE),
)
"""The same the other way round, or with words between: `which ancilla is number $1F`, `id 41 sprite`."""

_DECIMAL = re.compile(r"\bdec(?:imal)?\b", re.IGNORECASE)
_HEXADECIMAL = re.compile(r"\bhex(?:adecimal)?\b", re.IGNORECASE)
_SOUND = re.compile(
    r"\b(?:sfx|sound(?: effect)?)\s*(?P<bank>[123])(?:[.,/ ]|\s+(?:id|number))\s*(?:0x|\$)?(?P<id>[0-9a-f]{1,2})\b",
    re.I,
)
_BARE_NUMBER = re.compile(r"\s*(?:0x|\$|\#\$?)?(?P<number>[0-9a-f]{1,3})h?\s*", re.IGNORECASE)
_REF = re.compile(r"\s*(?:alttp://)?(?P<kind>[a-z_]{3,12})[:/](?P<key>[0-9A-Za-z.]{1,14})\s*")


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
    for part in _parts(query):
        world = _world(part["world"])
        if world == "module" and part.groupdict().get("snumber"):
            yield from _submodule(index, part)
        elif _DECIMAL.search(query) and not part["mark"] and part["number"].isdecimal():
            yield from _numbered(index, world, f"{int(part['number']):X}", marked=True)
        else:
            marked = bool(part["mark"] or part["h"] or _HEXADECIMAL.search(query) or world == "overworld")
            yield from _numbered(index, world, part["number"], marked=marked)
    for wide in _WIDE.finditer(query):
        yield from _numbered(index, _world(wide["world"]), wide["number"], marked=True)
    bare = _BARE_NUMBER.fullmatch(query)
    if bare and kind != "any":
        yield from _numbered(index, kind, bare["number"], marked="x" in query.lower() or "$" in query)


def _parts(query: str) -> list[re.Match[str]]:
    """Return the ids of a question, each with its kind."""
    found = [part for part in _ID.finditer(query) if _meant(_world(part["world"]), part)]
    for pattern in () if found else _TURNED:
        turned = pattern.search(query)
        if turned and (turned["mark"] or turned["h"] or turned["number"][0].isdigit()):
            return [turned]
    return found


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
        written = len(number) == len(index.ref(decimal).partition(":")[2])  # as wide as the table writes its ids
        yield Match(decimal, 0, 0.9 if written else 1.0, f"{said} id {number} if the number is decimal")


def names_an_id(query: str) -> bool:
    """Tell whether the question names an id with its kind, so that its number is no address."""
    return bool(_parts(query)) or _WIDE.search(query) is not None
