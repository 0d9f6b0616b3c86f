"""Checks of what a text says of single bits; it also leads what is said of values to their check."""

import re
from collections.abc import Iterator
from functools import lru_cache

from knowledge.alttp.validation.check_fields import check_buttons, check_field
from knowledge.alttp.validation.check_values import (
    VALUE_ITEM,
    check_continued,
    check_value,
    check_values,
    value_item,
    values_of,
)
from knowledge.alttp.validation.choice import misplaced
from knowledge.alttp.validation.claims import addresses, doubtful
from knowledge.alttp.validation.found import Found
from knowledge.alttp.validation.passages import Passages, Statement, TableRow
from knowledge.alttp.validation.places import PLACE, Place, fact_of, only_place, place_of
from knowledge.alttp.values import ValueTextError, decode_value
from knowledge.snes.addresses import show
from knowledge.snes.bit_fields import fields
from knowledge.snes.registers import register_at
from schemas.finding import Behind

__all__ = ["bits_at", "check_bits"]

_BITS = r"[Bb]its?\s+[`*]*(?P<first>\d{1,2})(?:\s*(?:-|\u2013|to|through)\s*(?P<last>\d{1,2}))?[`*]*"
_SAYS = (
    r"(?:\s+(?:of it|of (?:this|that|the same) (?:register|byte)|there|here))?"
    r"[`*_]*\s*(?:\((?P<paren>[^()]{2,60})\)|(?:(?:is|are|=|:|"
    r"means|holds?|controls?|"
    r"enables?|selects?|sets?|indicates?|stands for|represents?|turns?(?: on| off)?|activates?|starts?|triggers?|says?|"
    r"tells|shows|"
    r"contains?|disables?|gives?|reports?|specif(?:y|ies)|determines?|chooses?|choose|picks?|configures?|"
    r"defines?|encodes?|adjusts?|\u2192|->|\u2014|\u2013|-)"
    r"(?: used (?:to|for)| the| for| you| that| if| whether| when| set (?:when|if))*)"
    r"\s+(?P<phrase>(?:(?!,\s*[`*]*[Bb]its?\s)[^.;|\n]){2,90}))"
)
_OF = re.compile(
    rf"\b{_BITS}\s+(?:of|in|at|from)\s+{PLACE}(?:\s*\([^()]{{1,40}}\))?[`*_]*\s*{_SAYS.replace('[`*_]*', '', 1)}"
)
_TO = re.compile(
    rf"\b(?:[Ss]et(?:ting)?|[Cc]lear(?:ing)?|[Tt]est(?:ing)?|[Cc]heck(?:ing)?|[Uu]se|[Tt]oggl(?:e|ing))"
    rf"\s+(?:the\s+)?{_BITS}\s+(?:of|in|at)\s+{PLACE}"
    rf"(?:\s*\([^()]{{1,40}}\))?\s*(?:to|for|in order to|means|turns|enables|disables|selects)\s+(?:see "
    rf"(?:if|whether)|know (?:if|whether)|(?:en|dis)able|turn (?:on|off)|force|start|select|check(?: for)?|"
    rf"detect|get)?\s*(?P<phrase>[^.;,|\n]{{2,60}})"
)
_FOR = re.compile(
    rf"\b[Tt]o\s+(?:(?:en|dis)able|turn (?:on|off)|force|start|select|use|activate|get)"
    rf"\s+(?P<phrase>[^.;|\n]{{2,50}}?),?\s+(?:you (?:must |should |can )?)?(?:set|clear|use|write)"
    rf"\s+(?:the\s+)?{_BITS}\s+(?:of|in)\s+{PLACE}"
)
_NAMED = re.compile(
    rf"(?:\b[Tt]he |\b[Aa] )(?P<phrase>[A-Za-z][\w -]{{2,40}}?) (?:bit|flag)s?\s*(?:,|\(|:|\u2014|-)\s*"
    rf"(?:i\.e\.,?\s*|which is |that is,? )?{_BITS}\s+(?:of|in)\s+{PLACE}"
)
_IS = re.compile(
    rf"(?P<phrase>[A-Za-z][^.;:|,()\n]{{2,60}}?)(?::|\s+(?:is|are|lives in|sits in))(?: (?:controlled|set|enabled|"
    rf"selected|reported|indicated|held|stored|given|found|turned on))?(?: (?:by|in|at|with|through)"
    rf")?\s+{_BITS}\s+(?:of|in)\s+{PLACE}"
)
_THERE = re.compile(rf"{PLACE}(?:\s*\([^()]{{1,40}}\))?[`*_]*\s*(?:,|:|'s|has|uses|\u2014|-)?\s*{_BITS}{_SAYS}")
_ANY = re.compile(rf"\b{_BITS}{_SAYS}")
_LOOSE = re.compile(rf"(?:[:,(]|\band\b)\s*{_BITS}\s+(?P<phrase>[A-Za-z][^.,;:|()=\n]{{2,60}})")
"""An item of a list behind one place, without a verb."""
_ITEM = re.compile(rf"^\s*(?:[-*+\u2022]|\d+[.)])?\s*[`*_]*{_BITS}[`*_]*{_SAYS}")
_IDLE = re.compile(
    r"\b(?:unused|reserved|ignored|zero|0|1|open[- ]bus|nothing|no|none|clear|garbage|undefined|undocumented|any|mdr|"
    r"unknown|unclear|same|don't|irrelevant|meaningless|left|written|kept|free|spare|padding|constant|always|random)\b",
    re.IGNORECASE,
)
"""Words that are said of bits that do nothing."""
_MEANS = re.compile(
    r"(?i)\b(?:controls?|enables?|selects?|disables?|activates?|starts?|triggers?|turns? (?:on|off)|picks?|sets?|"
    r"chooses?|indicates?|reports?|tells|shows|is|are|holds?|means|determines?|for|to)\b|[=:(\u2192\u2014\u2013]|->"
)
_NEXT_BIT = re.compile(r"\b[Bb]its?\s+[`*]*\d")
_SHIFTED = re.compile(
    r"(?i)\b(?:bits? \d+ (?:of|in) (?:A|X|Y|P|the (?:accumulator|status|result|value|operand|vram address|"
    r"tilemap|attribute))|spc|dsp|vram (?:address|word|entry))\b"
)


@lru_cache(maxsize=512)
def bits_at(place: Place) -> tuple[tuple[int, int, str], ...]:
    """Return (lowest bit, highest bit, words) of the fields at a place; none where none are known."""
    if place.register:
        register = register_at(place.address)
        out = [(one.low, one.high, f"{one.label}: {one.meaning}") for one in fields(register)] if register else []
        above = (
            register_at(place.address + 1)
            if register and register.name.endswith("L") and max([one[1] for one in out] or [0]) < 8
            else None
        )
        return (
            *out,
            *((one.low + 8, one.high + 8, f"{one.label}: {one.meaning}") for one in (fields(above) if above else ())),
        )
    single: list[tuple[int, int, str]] = []
    for bit in range(8):
        try:
            said = decode_value(place.address, 1 << bit)
        except ValueTextError:
            return ()
        single += [
            (int(part.bits), int(part.bits), part.words)
            for part in said.parts
            if part.bits.isdigit() and int(part.bits) == bit
        ]
    return tuple(single)


def _bit(place: Place | None, match: re.Match[str], start: int) -> Iterator[Found]:
    known = bits_at(place) if place else ()
    first, last = int(match["first"]), int(match["last"] or match["first"])
    groups = match.groupdict()
    phrase = groups.get("paren") or groups["phrase"] or ""
    low, high = min(first, last), max(first, last)
    if place is None or not known or _SHIFTED.search(match.group()):
        return
    here = [text for bottom, top, text in known if bottom <= high and top >= low]
    others = [(bottom, top, text) for bottom, top, text in known if not (bottom <= high and top >= low)]
    found = misplaced(phrase, " ".join(here), [text for _, _, text in others])
    fact = fact_of(place)
    if fact is None:
        return
    if low == high and len(here) == 1 and found < 0:
        yield from check_buttons(place, low, phrase, here[0], (start + match.start(), start + match.end()))
    if found < 0 or len(known) < 2:
        if (
            not here
            and _is_idle(place, high)
            and (match.re is _LOOSE or _MEANS.search(match.group()))
            and not _IDLE.search(phrase)
        ):
            yield _unused(place, match, start, fact)
        elif low < 8:
            said = _NEXT_BIT.split(match.string[match.end("first") :])[0]
            yield from check_field(place, (low, high), said, start + match.end("first"))
        return
    bottom, top, text = others[found]
    right = f"bit {top}" if top == bottom else f"bits {top}-{bottom}"
    is_now = f"It is {here[0]!r}." if here else "It is not used."
    yield Found(
        "wrong-bits",
        start + match.start(),
        start + match.end(),
        f"Bit {first} of {show(place.address)} is not {' '.join(phrase.split())[:60]!r}. {is_now}",
        f"That is {right}: {text}.",
        fact.model_copy(update={"text": f"{show(place.address)} {right}: {text}"}),
    )


def _is_idle(place: Place, high: int) -> bool:
    """Tell whether a bit without a field is one that does nothing: all fields of its register are in one byte."""
    return place.register and high < 8 and max(top for _, top, _ in bits_at(place)) < 8 and place.address >= 0x2100


def _unused(place: Place, match: re.Match[str], start: int, fact: Behind) -> Found:
    used = ", ".join(f"bit {top}" if top == low else f"bits {top}-{low}" for low, top, _ in bits_at(place))
    return Found(
        "wrong-bits",
        start + match.start(),
        start + match.end(),
        f"Bit {match['first']} of {show(place.address)} does nothing.",
        f"It uses {used}.",
        fact,
    )


def check_bits(found: Passages) -> Iterator[Found]:
    """Give what is wrong in what a text says of bits and values."""
    force: Place | None = None
    paragraph = ""
    for said in found.statements:
        item = _ITEM.match(said.text) or value_item(said.text, force)
        if item is None:
            goes_on = said.around == paragraph or said.text.lstrip()[:1] in "-*+"
            force = (None if _are_values(said.text, force) else _place_of_all(said.text)) or (
                force if goes_on and not _long(said.text) else None
            )
        paragraph = said.around
        if doubtful(said.text):
            continue
        yield from _statement(said, force, item)
    for row in found.rows:
        yield from _row(row)


_NEAR = 4  # bytes: places that hold the same values lie together


def _long(text: str) -> bool:
    """Tell whether a text names an address of more than two digits."""
    return any(one.digits > 2 for one in addresses(text))


def _are_values(text: str, force: Place | None) -> bool:
    """Tell whether all addresses in a text are rather values of the byte named before."""
    found = addresses(text) if force and not force.register else []
    if force is None or not found or any(one.digits > 2 for one in found):
        return False
    known = {one.value for one in values_of(force.address)}
    return all(one.value in known for one in found)


def _place_of_all(text: str) -> Place | None:
    """Return the one byte that a text names, or the first of several that hold the same values (bottles)."""
    one = only_place(text)
    if one is not None:
        return one
    places = [place for address in addresses(text) if (place := place_of(address.text.split(",")[0]))]
    if len(places) < 2 or any(place.register or abs(place.address - places[0].address) > _NEAR for place in places):
        return None
    known = {values_of(place.address) for place in places}
    return places[0] if len(known) == 1 and known != {()} else None


def _statement(said: Statement, force: Place | None, item: re.Match[str] | None) -> Iterator[Found]:
    done = False
    for pattern in (_OF, _TO, _FOR, _NAMED, _IS, _THERE):
        for match in pattern.finditer(said.text):
            there = place_of(match["place"])
            done = done or there is not None
            yield from _bit(there, match, said.start)
    if done:
        yield from _others_there(said)
        return
    if item is None:
        yield from _plain(said, force)
        return
    own = said.text[: item.end()].split("\n")[0]
    place = only_place(own) or force or only_place(said.heading)
    if force and "value" in item.re.groupindex and item["mark"] and len(item["value"]) <= 2:
        place = force  # `- $04 - right` below a line that names the byte
    if "first" in item.re.groupindex:
        yield from _bit(place, item, said.start)
    elif place is not None and not addresses(item["phrase"]):
        yield from check_value(place, item, said.start)


def _others_there(said: Statement) -> Iterator[Found]:
    """Check a list of bits behind the one place that a sentence names: `$212C: bit 0 is BG1, bit 1 is BG2`."""
    listed = _THERE.search(said.text)
    place = only_place(said.text)
    if listed and place is not None and place == place_of(listed["place"]):
        for match in _ANY.finditer(said.text, listed.end()):
            yield from _bit(place, match, said.start)
    yield from _loose(said, place)


def _loose(said: Statement, place: Place | None) -> Iterator[Found]:
    """Check a list without verbs: `bit 7 forced blank, bits 3-0 brightness`."""
    found = list(_LOOSE.finditer(said.text)) if place is not None else []
    for match in found if len(found) > 1 else ():
        if not re.match(r"(?:of|in|at|from|is|are|to|and|or|on|set|clear)\b", match["phrase"]):
            yield from _bit(place, match, said.start)


def _plain(said: Statement, force: Place | None) -> Iterator[Found]:
    """Check the bits and values in a sentence that names its register or byte once, or not at all."""
    place = only_place(said.text)
    spoken = place or (force if not addresses(said.text) else None)
    if spoken is not None:
        for match in _ANY.finditer(said.text):
            yield from _bit(spoken, match, said.start)
    yield from _loose(said, spoken)
    yield from check_values(said, place)
    if force and not _long(said.text):
        yield from check_continued(said, force)


def _row(found: TableRow) -> Iterator[Found]:
    """Check a table whose first column is a bit or a value, under a heading that names the byte."""
    if len(found.cells) < 2 or not found.header or doubtful(found.text):
        return
    place = _place_of_all(found.around)
    head = found.header[0]
    if place is None:
        return
    bits = re.search(r"\bbits?\b", head)
    text = f"bit {found.cells[0][1]}: {found.cells[1][1]}" if bits else f"- {found.cells[0][1]}: {found.cells[1][1]}"
    match = (_ITEM if bits else VALUE_ITEM).match(text)
    if match is None or not (bits or re.search(r"\b(?:value|hex|id|mode|state)\b", head)):
        return
    for one in _bit(place, match, 0) if bits else check_value(place, match, 0):
        yield one._replace(start=found.cells[0][0], end=found.cells[1][0] + len(found.cells[1][1]))
