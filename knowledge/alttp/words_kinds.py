"""How a question says which kind of fact it is about: the words that name a kind, and where they stand."""

import re
from typing import NamedTuple

from schemas.fact import FactKind

__all__ = ["KIND_PHRASES", "Hint", "hinted"]

KIND_PHRASES: dict[FactKind, str] = {
    "menu_item": r"(?:item )?menu (?:item|slot|position|entry)|inventory slot",
    "sprite_state": r"sprite (?:state|status)|enemy state",
    "link_state": r"(?:link|player)(?:'?s)? (?:action |current )?(?:state|status)|"
    r"state (?:id|number)(?= .{0,60}\b(?:link|player)\b)",
    "room_tag": r"(?:room|dungeon|header) tag|tag",
    "room_effect": r"room effect|floor effect",
    "room_object": r"(?:room|dungeon|underworld) object|tile object",
    "door_type": r"door type|type of door|kind of door",
    "tile_type": r"tile (?:type|attribute|behaviou?r|property|kind)|terrain(?: type)?|tile",
    "secret": r"(?:pot |bush )?secret",
    "ram": r"ram address|wram address|ram location|memory (?:address|location)|ram (?:byte|variable|mirror|copy|flag)|"
    r"variable|(?:shadow|buffered|queued) (?:copy|value)|ram|wram|sram|address|(?<=which )byte|(?<=what )byte",
    "register": r"(?:hardware |ppu |cpu |dma |snes )?register|reg|mmio|i/o port|"
    r"(?<=which )port|(?<=what )port",
    "routine": r"routine|subroutine|function|procedure|handler|code|proc",
    "data": r"(?:data|pointer|lookup|rom) table|rom data|table|pointers",
    "sublabel": r"local label|sublabel",
    "overlord": r"overlord",
    "ancilla": r"ancilla(?:ry)?(?: object)?",
    "garnish": r"garnish(?:es)?",
    "sprite": r"sprite|enemy|monster|boss|npc|mob|foe|creature",
    "item": r"(?:receipt |receive |received |get )?item|receipt",
    "overworld": r"(?:overworld|ow|light world|dark world) (?:screen|area|map)|screen|area|overworld",
    "room": r"(?:dungeon|underworld|uw) room|room|chamber",
    "module": r"(?:main )?(?:module|game ?mode|sub-?module)",
    "song": r"song|music(?: track)?|theme|track|tune|bgm|jingle|sound effect|sfx|sound",
    "entrance": r"entrance|way in(?:to)?|entry",
    "dungeon": r"dungeon",
    "follower": r"follower|tag-?along|companion",
}
"""Kind of fact to the phrases that name it, as a pattern; where two kinds share a word the first says which."""

_PLURAL = r"(?:e?s)?"
_ANY = "|".join(f"(?P<{kind}>{phrase})" for kind, phrase in KIND_PHRASES.items())
_FOUND = re.compile(rf"\b(?:{_ANY}){_PLURAL}\b")
_ID = re.compile(r"\W*(?:id|number|no|num|code|value|index)s?\b")
_ASKED = re.compile(
    r"(?:\b(?:which|what|whose|find|list)(?:'s)?(?: (?:is|are|the|snes|hardware|kind of|sort of|type of))*)\s*$"
)
_OF = re.compile(r"\W*(?:(?:id|number|no|num|code|index|value|slot)s?\W+)?(?:of|for|that|which|where|with|to|who|in)\b")
_LINK = re.compile(r"\b(?:of|for|in|at|by|from|per|each|every|the|this|that)(?: (?:the|a|an|each|every|this))?\s*$")


class Hint(NamedTuple):
    """A kind that a question names."""

    kind: FactKind
    strength: int
    """3: it is asked for (`which song ...`, `item id of ...`), 2: it heads or ends the question, 1: it is mentioned."""
    words: str
    """The words that name it."""


def hinted(text: str) -> list[Hint]:
    """Return the kinds that a lower-case question names, the strongest first; each kind once.

    Of several that may be its head the last one is: `dungeon module` is a module.
    """
    found: dict[FactKind, Hint] = {}
    for match in _FOUND.finditer(text):
        kind = next(name for name, value in match.groupdict().items() if value is not None)
        number = _ID.match(text, match.end())
        words = match.group() + (number.group() if number else "")
        hint = Hint(kind, _strength(text, match), words)  # type: ignore[arg-type]  # the groups are the kinds
        if hint.strength == 2:
            found = {
                known: old._replace(strength=min(old.strength, 1)) if old.strength == 2 else old
                for known, old in found.items()
            }
        if hint.kind not in found or found[hint.kind].strength <= hint.strength:
            found[hint.kind] = hint
    return sorted(found.values(), key=lambda hint: -hint.strength)


def _strength(text: str, match: re.Match[str]) -> int:
    before, after = text[: match.start()], text[match.end() :]
    if match.group() == "address":
        return 3 if not before.strip() and _OF.match(after) else 1
    if _ASKED.search(before[-60:]) or _ID.match(after) or (not before.strip() and _OF.match(after)):
        return 3
    if _LINK.search(before[-24:]):
        return 1
    return 2 if not after.strip(" ?.!") or not before.strip() or _OF.match(after) else 1
