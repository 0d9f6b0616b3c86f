"""Checks of what a text says of places of the game: where a boss is fought, and where an entrance leads."""

import re
from collections.abc import Iterator
from functools import lru_cache

from knowledge.alttp.atlas import atlas
from knowledge.alttp.validation.claims import doubtful
from knowledge.alttp.validation.found import Found
from knowledge.alttp.validation.known import Row, behind, numbered
from knowledge.alttp.validation.passages import Passages, Statement
from schemas.fact import FactKind

__all__ = ["check_places"]

_HEX = r"[`*]*(?:0x|\$)(?P<{name}>[0-9A-Fa-f]{{1,3}})\b[`*]*"
_LEADS = re.compile(
    rf"\b[Ee]ntrance\s+(?:id\s+|number\s+)?{_HEX.format(name='entrance')}(?:\s*\([^()]{{1,60}}\))?\s+(?:leads?|goes|"
    r"takes you|takes Link|brings you|brings Link|puts you|puts Link|opens|sends you|drops you|maps|points)\s+"
    rf"(?:straight |directly )?(?:in)?to\s+(?:the )?(?:underworld |dungeon )?[Rr]oom\s+{_HEX.format(name='room')}"
)
_IN_ROOM = re.compile(
    r"\b(?P<who>[A-Z][\w']+(?:\s(?:the\s)?[A-Z][\w']+)?)[`*]*\s+(?:is|are|waits|wait|appears?|sits?|lives?|resides?)?"
    rf"\s*(?:fought |found |located |met |placed |only )*in\s+(?:the\s+)?(?:boss\s+|dungeon\s+|underworld\s+)?"
    rf"[Rr]oom\s+{_HEX.format(name='room')}"
)
_BOSS_ROOM = re.compile(
    r"\b[Bb]oss(?:'s|'| )?\s?room\s+(?:of|in|for)\s+(?:the\s+)?(?P<who>[A-Z][\w']+(?:\s(?:of\s)?[A-Z][\w']+)?)[`*]*\s*"
    rf"(?:is|=|:|\()\s*(?:room )?{_HEX.format(name='room')}"
)
_NO_LONGER = re.compile(r"(?i)\b(?:randomi[sz]|custom|move|moved|shuffl|put|place)\w*\b")
_FEW = 8
"""A sprite in so many rooms or less is one whose rooms are known: a boss, a person."""
_BOSSES = {
    "armos knights": 0x53, "armos knight": 0x53, "lanmolas": 0x54, "lanmola": 0x54, "moldorm": 0x09,
    "agahnim": 0x7A, "helmasaur king": 0x92, "king helmasaur": 0x92, "arrghus": 0x8C, "mothula": 0x88, "blind": 0xCE,
    "blind the thief": 0xCE, "kholdstare": 0xA2, "vitreous": 0xBD, "trinexx": 0xCB, "ganon": 0xD6,
}  # fmt: skip
"""What people call the bosses, and the sprite of each."""


def check_places(found: Passages) -> Iterator[Found]:
    """Give what is wrong in what a text says of entrances and of the rooms of bosses."""
    for said in found.statements:
        if doubtful(said.text) or _NO_LONGER.search(said.text):
            continue
        for match in _LEADS.finditer(said.text):
            yield from _leads(match, said)
        for match in _IN_ROOM.finditer(said.text):
            yield from _fought(match, said)
        for match in _BOSS_ROOM.finditer(said.text):
            yield from _boss_room(match, said)


@lru_cache(maxsize=256)
def _rooms(ref: str, relation: str) -> frozenset[str]:
    """Return the rooms that a sprite appears in or an entrance leads to."""
    edges = atlas().edges(ref)
    return frozenset(edge.object for edge in edges if edge.relation == relation and edge.subject == ref)


def _room(number: int) -> Row | None:
    return numbered("room", number)


def _leads(match: re.Match[str], said: Statement) -> Iterator[Found]:
    kind: FactKind = "entrance"
    one, room = numbered(kind, int(match["entrance"], 16)), _room(int(match["room"], 16))
    rooms = _rooms(one.ref, "leads_to") if one else frozenset[str]()
    if one and room and len(rooms) == 1 and room.ref not in rooms:
        yield Found(
            "wrong-id",
            said.start + match.start(),
            said.start + match.end(),
            f"Entrance {one.id} ({one.name}) does not lead to room {room.id} ({room.name}).",
            f"It leads to {_named(rooms)}.",
            behind(one),
        )


def _named(rooms: frozenset[str]) -> str:
    found = [numbered("room", int(ref.partition(":")[2], 16)) for ref in sorted(rooms)]
    return " and ".join(f"room {one.id} ({one.name})" for one in found if one)


def _fought(match: re.Match[str], said: Statement) -> Iterator[Found]:
    number = _BOSSES.get(match["who"].lower(), _BOSSES.get(match["who"].split()[-1].lower(), -1))
    one, room = (numbered("sprite", number) if number >= 0 else None), _room(int(match["room"], 16))
    rooms = _rooms(one.ref, "appears_in") if one else frozenset[str]()
    if one is None or room is None or not rooms or len(rooms) > _FEW or room.ref in rooms or _mentions(room, match):
        return
    yield Found(
        "wrong-id",
        said.start + match.start(),
        said.start + match.end(),
        f"{one.name} is not in room {room.id} ({room.name}).",
        f"It is in {_named(rooms)}.",
        behind(room),
    )


def _boss_room(match: re.Match[str], said: Statement) -> Iterator[Found]:
    room = _room(int(match["room"], 16))
    fights = frozenset(ref for number in _BOSSES.values() for ref in _rooms(f"sprite:{number:02X}", "appears_in"))
    named = [numbered("room", int(ref.partition(":")[2], 16)) for ref in fights]
    right = [one for one in named if one and one.name.lower().startswith(match["who"].lower())]
    if room and right and room not in right:
        yield Found(
            "wrong-id",
            said.start + match.start(),
            said.start + match.end(),
            f"Room {room.id} ({room.name}) is not the boss room of {match['who']}.",
            f"That is {' or '.join(f'room {one.id} ({one.name})' for one in right)}.",
            behind(right[0]),
        )


def _mentions(room: Row, match: re.Match[str]) -> bool:
    """Tell whether the tables say the boss of the room in any word."""
    words = match["who"].lower().split()
    return any(word[:5] in said or said.startswith(word[:5]) for word in words for said in (*room.said, room.squeezed))
