"""Whether a number of two or three hex digits is an address of the direct page, or a value, an id, a port."""

import re

from knowledge.alttp.validation.claims import Address, Claim
from knowledge.alttp.validation.known import numbered, rows_at
from knowledge.alttp.validation.meaning import OWNERS, VAGUE, Meaning, shares
from schemas.fact import FactKind

__all__ = ["is_short_address", "is_value", "lists_values"]

_AMOUNT = re.compile(
    r"\W*(?:\d+|half|one|two|three|four|five|six|seven|eight|nine|ten|twelve|sixteen|twenty)\b(?![- ]?bit)(?!-)",
    re.IGNORECASE,
)
"""How an amount begins: `$18 means three hearts` speaks of a value."""
_PLACES = re.compile(
    r"\b(?:address\w*|addr|ram|wram|locations?|variables?|memory|direct[- ]page|dp|registers?|where|copy|copies|"
    r"shadows?|"
    r"mirrors?|queues?|queued|coordinates?|symbols?|labels?)\b",
    re.IGNORECASE,
)
_NUMBERS = re.compile(
    r"\b(?:values|ids?|types|states|modes|(?:sub)?modules|bits|codes|commands|levels|rooms|numbers|items|songs|masks|"
    r"sprites|ancillae|enemies|dungeons|areas|screens|steps|constants|means|meanings?)\b",
    re.IGNORECASE,
)
_CODES = re.compile(
    r"\b(?:commands?|ids|types|values|codes|opcodes|masks|states|modes|constants|kinds|effects|songs|tiles|"
    r"sounds|receipts)\b",
    re.IGNORECASE,
)
"""Words of a paragraph whose short numbers may all be values."""
_HELD = re.compile(r"\$(?:7[EFef]:?)?[0-9A-Fa-f]{2,4}\b")
_ID_KINDS: tuple[FactKind, ...] = (
    "sprite", "ancilla", "overlord", "garnish", "item", "menu_item", "room", "overworld", "module", "link_state",
    "sprite_state", "song", "entrance", "tile_type", "dungeon", "follower", "room_tag",
)  # fmt: skip


def lists_values(head: str, *, table: bool = False) -> bool:
    """Tell whether the line above a list, or the head of a table's column, says that its short numbers are values.

    The column of a table must say that it has addresses; a list may say so, or say nothing.
    """
    if _PLACES.search(head) and not (_HELD.search(head) and _NUMBERS.search(head)):
        return False
    return table or _NUMBERS.search(head) is not None or _HELD.search(head) is not None


def is_short_address(address: Address, claim: Claim) -> bool:
    """Tell whether two or three digits are an address: where something is or holds, and is called so."""
    if claim.manner in ("is", "equals") and _AMOUNT.match(claim.phrase):
        return False
    if re.search(
        rf"(?i)(?:\\b(?:writ|stor|put|load|sav|set)\\w*|\\bvalue|=|#)\\s*[`*]*{re.escape(address.text)}\\b",
        claim.around,
    ) or _among_values(address.text, claim.around):
        return False  # it is written somewhere as a value, or one of a list of values
    if claim.manner == "equals" and not _PLACES.search(claim.around) and not _all_are(claim):
        return False  # `the room tag is $18` says a value
    if address.digits == 2 and _CODES.search(claim.around) and not _PLACES.search(claim.around):
        return False
    return address.digits >= 2 and claim.manner in ("is", "in", "equals", "cell", "comment")


_BUS = re.compile(r"\b(?:H?DMA|BBAD\w|B[- ]?bus|PPU|registers?|target|destination)\b|\$43[0-9x][0-9x]", re.IGNORECASE)


def is_value(claim: Claim, said: Meaning) -> bool:
    """Tell whether two to four digits are an id of what is said, or the port of a channel, rather than an address."""
    return _is_port(claim, said) or _is_id(claim, said)


def _is_id(claim: Claim, said: Meaning) -> bool:
    """Tell whether a short number is the id of what is said: `$05` is the boomerang among ancillae."""
    first = claim.addresses[0]
    telling = said.needed - VAGUE - OWNERS or said.needed
    if first.digits > 4 or first.value > 0x1FF or claim.manner in ("define", "comment"):
        return False
    rows = [*(numbered(kind, first.value) for kind in _ID_KINDS), numbered("dungeon", first.value * 2)]
    return any(one is not None and shares(telling, one.said, one.squeezed, strict=True) for one in rows)


def _is_port(claim: Claim, said: Meaning) -> bool:
    """Tell whether two digits are a PPU register as a DMA channel is told it: `$22 is CGRAM` means $2122."""
    first = claim.addresses[0]
    register = (
        rows_at(0x2100 | first.value) if first.digits == 2 and _BUS.search(f"{claim.around} {claim.wide}") else ()
    )
    telling = said.needed - VAGUE or said.needed
    return any(one.kind == "register" and shares(telling, one.said, one.squeezed) for one in register)


def _among_values(text: str, around: str) -> bool:
    """Tell whether a short number stands behind an address and a colon, or beside plain numbers: `$FF is B1, 0 1F`."""
    number = re.escape(text)
    listed = rf"\$[0-9A-Fa-f:]{{2,7}}[^.;\n$]{{0,60}}:\s*[`*]*{number}\b"
    beside = (
        rf"{number}[`*]* (?:is|=|means) [^.;\n$]{{1,40}}(?:,|\band)\s*[`*]*\d{{1,3}}[`*]* (?:is|=|means)?\s?[A-Za-z]"
    )
    return re.search(listed, around) is not None or re.search(beside, around) is not None


_IS = re.compile(r"\b(?:is|are|=)\s*[`*]*(?P<address>\$(?:00)?[0-9A-Fa-f]{2})\b(?![:\w])", re.IGNORECASE)


def _all_are(claim: Claim) -> bool:
    """Tell whether a paragraph says of several things that they are short addresses, one beside the other."""
    return len({match["address"] for match in _IS.finditer(claim.around)}) > 1
