"""What kind of fact a question leans to: a state is a variable, an action is code, the console's words a register."""

import re
from collections.abc import Mapping

from knowledge.alttp.words import WEAK, plain_split, stem
from knowledge.alttp.words_kinds import Hint, hinted
from schemas.fact import FactKind

__all__ = ["asked_kinds", "is_owned", "is_rom", "is_state", "is_target", "leanings", "said_first"]

_WHO = r"(?:i|we|you|link|the player|the hero|player|hero)"
_STATE = re.compile(
    r"\bhow (?:many|much|far|fast|long|high)\b|\b(?:number|amount|count|total|level|status) of\b|"
    rf"\b(?:am|is|are|was|do|does|did|has|have) {_WHO}\b|\b(?:my|i've|i have)\b|"
    rf"\b{_WHO} (?:am|is|are|currently)\b|"
    r"\b(?:has|have|is|are|was|did) .{1,60}\b(?:been|yet|already|right now|currently)\b"
)
"""A quantity or a state is a variable."""

_OWNED = re.compile(
    rf"\b(?:do|does|did|has|have|if|when|whether) {_WHO} (?:have|has|own|owns|got|get|carry|hold|possess)|"
    rf"\b(?:did|have|has) {_WHO} (?:already )?(?:pick|find|got|get|obtain|collect|found|bought|buy|earn)|"
    r"\bin (?:the|my|link's) (?:inventory|bag)\b"
)
_SAVED = re.compile(
    r"\b(?:owned|own|owns|obtained|collected|acquired|inventory|possession|possessed|"
    r"in the save|save file|sram)\b"
)
_HARDWARE = re.compile(
    r"\b(?:\w*(?:bgmode|inidisp|mosaic|hdmaen|cgwsel|cgadsub|obsel|nmitimen|coldata|m7[a-d])\w*|ppu\d?|"
    r"oam (?:\w+ )?(?:address|data)|wram (?:address|data)|apu|spc(?:700)?|vram|cgram|hdma|dma|irq|latch\w*|mode 7|"
    r"window \d|mosaic|colou?r math|h-?blank|v-?blank|forced? blank|scanline|dot counter|main screen|sub ?screen|"
    r"fixed colou?r|open bus|hardware|hw|ntsc|multiplicand|multiplier|divisor|dividend|quotient)\b"
)
"""Words of the console rather than of the game."""

_PRESENT = frozenset(
    ["current", "currently", "now", "previous", "equipped", "selected", "array", "arrays", "slot", "slots", "table"]
)
_SHADOW = re.compile(r"\b(?:shadow|mirror|queued?|buffered|ram copy|copy of|copy in ram|ram value)\b")
_VERB = re.compile(
    r"\s*(?:decompress|play|redraw|refresh|draw|load|clear|spawn|check|handle|dispatch|jump|copy|upload|transfer|calculate|compute|give|"
    r"kill|move|run|execute|initiali[sz]e|init|update|get|find|set up|apply|fade|wait for|test|make|create|prepare|"
    r"reset|read|write|add|teleport|swing|show|hide|place|build|rebuild|save|restore|erase|start|process|queue|damage|hurt|destroy|delete|remove|open|close|unlock|light|knock|push|aim|shoot|throw|cast)(?:e?s|ing)?\b"
)
"""A question that begins so names what code does."""

_ACTS = re.compile(
    r"\s*(?:(?:save|load|draw|clear|spawn|check|handle|play|give|kill|move|run|update|decompres|read|write|upload|erase|"
    r"restore|store|create|remove|delete|reserve|convert|initiali[sz]e)(?:s|es)?|applies|apply|copies|copy) "
    r"(?:the|a|an|link|all|one|new|sprites?|graphics|palettes?)\b|what (?:handles|draws|moves|spawns|decompresses)\b"
)
"""So does one that says what something does."""

_ROM = re.compile(r"\b(?:in|from|of|inside) (?:the )?rom\b|\brom (?:data|table|address|location|offset)\b")
"""What lies in the ROM is no variable."""

_TARGET = re.compile(
    r"\b(?:vram|oam|cgram|wram|apu|bg\d?|tilemap|chr|character|tile data|tile graphics|source|destination|table|bus)"
    r"(?: (?:write|read|word|data))? (?:address|port)\b|\bwram (?:data|address|port)\b"
)
"""What a register holds or is: its address is no address that is asked for."""

_DOES = re.compile(
    r"^\s*(?:what|which|who|the|code|bit|part)(?: \w+){0,2} (?:moves|draws|loads|handles|spawns|kills|creates|checks|"
    r"decompresses|plays|runs|uploads|gives|applies|computes|calculates|dispatches|initiali[sz]es|updates|makes|tests|"
    r"prepares|builds|damages|saves|places|puts|starts|copies|opens|picks)\b|"
    r"\b(?:code (?:that|which|to|for)|logic|handling|dispatcher?|called when|gets called)\b|\bcode\W*$"
)
"""So does a question for who does something."""

_NOUN = re.compile(
    r"\b(?:timers?|counters?|countdown|flags?|bits|bitfield|bitmask|coordinates?|position|velocity|speed|amount|status|"
    r"buffers?|array|seed|direction|contents|owned|possession|progress|variable|pending|currently|(?:right )?now|"
    r"whether|is|are|am|tracks?|stored|kept|value|byte|queue|index|selected|chosen|facing|remaining|left)\b"
)
"""A question with such a word is more likely for a variable than for code."""

_LINKS = re.compile(r"\b(?:link|player|hero)'s\b")
_NUMBERED = re.compile(r"\b(?:id|number)\W*$|^\W*(?:what(?:'s| is) )?(?:the )?(?:id|number) (?:of|for) ")
"""What has a number is a thing of the game."""

_HOW = re.compile(r"\bhow (?:do i|do you|to|can i|would i)\b")
_LEAD = re.compile(
    r"^\W*(?:(?:so|ok|okay|hey|hi|um|well|also|and|please|quick question|question)\W+)*"
    r"(?:how (?:do|can|could|would|should|might|am|to)(?: (?:i|you|we|one|someone|supposed to))*|"
    r"(?:is there )?(?:a |any )?way to|"
    r"(?:i|we) (?:want|need|would like|'d like|wanna|have|am trying|'m trying)(?: to)?|"
    r"what (?:do|should|can) (?:i|you|we) (?:call|run|jsl|use|invoke)(?: to)?|trying to|looking to) "
)
"""How a question for a way to do something begins."""

_SETS = re.compile(
    r"\s*(?:give|set|change|make|get|stop|disable|enable|force|freeze|check|tell|know|detect|prevent|keep|find|see|turn|"
    r"put|lock|unlock|max|increase|decrease|limit|add|remove|have|hide|show|skip|let|allow|move)\b"
)
"""What is done by a write to a variable as often as by code."""

_BROAD: frozenset[FactKind] = frozenset(("ram", "register", "routine", "data"))
_BY_ID: tuple[FactKind, ...] = ("sprite", "item", "room", "overworld", "song", "entrance", "dungeon")
_LEAN, _FIRM, _ACTION, _ACTION_ON, _COUNTED = (
    1.35,
    1.5,
    2.0,
    3.0,
    2.2,
)  # what a row of the kind gains that a question leans to


def is_owned(text: str) -> bool:
    """Tell whether a lower-case question is about what Link has."""
    return bool(_OWNED.search(text) or _SAVED.search(text))


def is_rom(text: str) -> bool:
    """Tell whether a lower-case question is about what lies in the ROM."""
    return bool(_ROM.search(text))


def is_target(text: str) -> bool:
    """Tell whether a lower-case question is about an address or port that a register holds or is."""
    return bool(_TARGET.search(text))


def is_state(text: str) -> bool:
    """Tell whether a lower-case question is about a quantity or a state."""
    return is_owned(text) or bool(_STATE.search(text))


def leanings(text: str, hints: list[Hint], *, state: bool) -> dict[FactKind, float]:
    """Return what the rows of some kinds gain by the turn of a lower-case question that asks for no kind."""
    lead = _LEAD.match(text)
    act = text[lead.end() :] if lead else text
    acts = bool(_VERB.match(act) or _DOES.search(text))
    if any(hint.strength > 1 for hint in hints):
        return {"routine": _ACTION_ON} if acts and hints[0].strength < 3 and hints[0].kind not in _BROAD else {}
    if lead and _SETS.match(act) and not _HARDWARE.search(text):
        return {"ram": _LEAN}
    if hints and _VERB.match(act):
        return {"routine": _ACTION_ON}
    if _ACTS.match(act) and not _STATE.search(text):
        return {"routine": _ACTION}
    return _leaning(text, acts=acts, state=state)


def _leaning(text: str, *, acts: bool, state: bool) -> dict[FactKind, float]:
    """Return the same for a question that names no kind and asks for no action outright."""
    if is_target(text):
        return {"register": _FIRM}
    if state or _LINKS.search(text):
        return {"ram": _LEAN}
    if _HARDWARE.search(text):
        return {"register": _FIRM}
    if acts:
        return {"routine": _ACTION}
    if _HOW.search(text):
        return {"register": _LEAN}
    if _NUMBERED.search(text):
        return dict.fromkeys(_BY_ID, _COUNTED)
    return {"ram": _LEAN} if _NOUN.search(text) else {}


def said_first(hints: list[Hint]) -> set[str]:
    """Return the stems of the words that name the kind that is named most plainly."""
    return {stem(word) for hint in hints[:1] for word in plain_split(hint.words)}


def asked_kinds(text: str, words: Mapping[str, str], *, state: bool) -> list[Hint]:
    """Return the kinds that are named; the current room is a variable, and no room, and so is a bare `room id`."""
    hints = hinted(text)
    if _SHADOW.search(text) and _HARDWARE.search(text):
        return [Hint("ram", 3, "")]
    if not hints:
        return hints
    if _HARDWARE.search(text) or is_target(text):
        hints = [hint for hint in hints if hint.words != "address"]
    named = said_first(hints)
    strong = [word for word in words if word not in named and word not in WEAK]
    if (
        strong
        and _PRESENT.isdisjoint([words[word] for word in strong])
        and not (state and hints and hints[0].strength < 3)
    ):
        return hints
    return [hint for hint in hints if hint.kind in _BROAD] or [Hint("ram", 2, "")]
