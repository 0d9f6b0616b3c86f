"""Checks of what a text says of single bits, and of what a value means."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from knowledge.alttp.validation.check_code import register_fact
from knowledge.alttp.validation.choice import misplaced
from knowledge.alttp.validation.claims import addresses, doubtful
from knowledge.alttp.validation.found import Found
from knowledge.alttp.validation.known import behind, rows_at
from knowledge.alttp.validation.passages import Passages, Statement, TableRow
from knowledge.alttp.values import ValueTextError, decode_value
from knowledge.snes.addresses import fold, show
from knowledge.snes.bit_fields import fields
from knowledge.snes.registers import find_register, register_at
from schemas.finding import Behind

__all__ = ["check_bits"]

_NAME = re.compile(r"\b[A-Z][A-Z0-9]{1,9}\b")
_PLACE = (
    r"(?:the )?(?:register |RAM |address |byte |variable "
    r")?[`*_(]*(?P<place>\$[0-9A-Fa-f]{2}(?::?[0-9A-Fa-f]{2,4})?(?![0-9A-Fa-f])|0x7[EF][0-9A-Fa-f]{4}|"
    r"[A-Z][A-Z0-9]{1,9})[`*_)]*"
)
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
    rf"\b{_BITS}\s+(?:of|in|at|from)\s+{_PLACE}(?:\s*\([^()]{{1,40}}\))?[`*_]*\s*{_SAYS.replace('[`*_]*', '', 1)}"
)
_TO = re.compile(
    rf"\b(?:[Ss]et(?:ting)?|[Cc]lear(?:ing)?|[Tt]est(?:ing)?|[Cc]heck(?:ing)?|[Uu]se|[Tt]oggl(?:e|ing))"
    rf"\s+(?:the\s+)?{_BITS}\s+(?:of|in|at)\s+{_PLACE}"
    rf"(?:\s*\([^()]{{1,40}}\))?\s*(?:to|for|in order to|means|turns|enables|disables|selects)\s+(?:see "
    rf"(?:if|whether)|know (?:if|whether)|(?:en|dis)able|turn (?:on|off)|force|start|select|check(?: for)?|"
    rf"detect|get)?\s*(?P<phrase>[^.;,|\n]{{2,60}})"
)
_FOR = re.compile(
    rf"\b[Tt]o\s+(?:(?:en|dis)able|turn (?:on|off)|force|start|select|use|activate|get)"
    rf"\s+(?P<phrase>[^.;|\n]{{2,50}}?),?\s+(?:you (?:must |should |can )?)?(?:set|clear|use|write)"
    rf"\s+(?:the\s+)?{_BITS}\s+(?:of|in)\s+{_PLACE}"
)
_NAMED = re.compile(
    rf"(?:\b[Tt]he |\b[Aa] )(?P<phrase>[A-Za-z][\w -]{{2,40}}?) (?:bit|flag)s?\s*(?:,|\(|:|\u2014|-)\s*"
    rf"(?:i\.e\.,?\s*|which is |that is,? )?{_BITS}\s+(?:of|in)\s+{_PLACE}"
)
_IS = re.compile(
    rf"(?P<phrase>[A-Za-z][^.;:|,()\n]{{2,60}}?)\s+(?:is|are|lives in|sits in)(?: (?:controlled|set|enabled|"
    rf"selected|reported|indicated|held|stored|given|found|turned on))?(?: (?:by|in|at|with|through)"
    rf")?\s+{_BITS}\s+(?:of|in)\s+{_PLACE}"
)
_THERE = re.compile(rf"{_PLACE}(?:\s*\([^()]{{1,40}}\))?[`*_]*\s*(?:,|:|'s|has|uses|\u2014|-)?\s*{_BITS}{_SAYS}")
_ANY = re.compile(rf"\b{_BITS}{_SAYS}")
_ITEM = re.compile(rf"^\s*(?:[-*+\u2022]|\d+[.)])?\s*[`*_]*{_BITS}[`*_]*{_SAYS}")
_VALUE = r"[`*]*(?P<mark>#?\$|0x|#)?(?P<value>[0-9A-Fa-f]{1,4})(?![0-9A-Za-z])[`*]*"
_VALUE_IS = re.compile(
    rf"(?<![\w$.\[])(?<!bit )(?<!bits ){_VALUE}\s*(?:=|:|means?|is|for|when|if|while|stands for|indicates|represents|"
    rf"\u2192|->|\u2014|\u2013|\()\s*(?:the |that |a |an |when |if |Link is |he is |facing "
    rf")*(?P<phrase>[A-Za-z][^.;,|()\n=]{{1,48}})"
)
_VALUE_ITEM = re.compile(
    rf"^\s*(?:[-*+\u2022])\s*{_VALUE}\s*(?:=|:|\u2192|->|\u2014|\u2013|-|is|means)"
    rf"\s*(?P<phrase>[A-Za-z][^.;,|()\n=]{{1,48}})"
)
_TURNED = re.compile(rf"(?P<phrase>[A-Za-z][\w' -]{{1,40}}?)\s+is\s+{_VALUE}\s*(?=[,.;)]|and\b|$)")
_THEN = re.compile(
    rf"(?<![\w$.\[]){_VALUE},?\s*(?:then )?(?:the (?:game|player)|you|Link)(?:'re|'s| is| are)(?: currently)?"
    r"(?: in| on| at)?(?: the)? (?P<phrase>[A-Za-z][^.;,|()\n=]{1,40})"
)
_HOLDS = re.compile(
    rf"{_PLACE}\s*(?:is|=|==|equals|holds|contains)\s*(?:set to )?{_VALUE},?\s*(?:(?:means|then|and)\s+)?"
    r"(?:(?:the (?:game|player)|you|Link)(?:'re|'s| is| are)(?: currently)?(?: in| on| at)?|means)\s+(?:the )?"
    r"(?P<phrase>[A-Za-z][^.;,|()\n=]{1,40})"
)
_PAIR = re.compile(
    r"(?:^|[:,(]|\band)\s*[`*]*(?P<mark>)(?P<value>\d)[`*]*\s+(?P<phrase>[a-z]+)(?=\s*(?:[,.)]|$|and\b|or\b))"
)
_NEXT = re.compile(r",?\s+(?:and|or|while)\s+[`*#]*(?:0x|\$|\d)")
_SHIFTED = re.compile(
    r"(?i)\b(?:bits? \d+ (?:of|in) (?:A|X|Y|P|the (?:accumulator|status|result|value|operand|vram address|"
    r"tilemap|attribute))|spc|dsp|vram)\b"
)
_RECEIPT = re.compile(r"(?i)\breceipts?\b")
"""Ids of items that Link receives are other numbers than what the save holds of them."""


class _Place(NamedTuple):
    address: int
    """Of a register, or of a byte of the game's memory."""
    register: bool


def _place(text: str) -> _Place | None:
    """Return the register or the RAM address that a text names."""
    if text[:1] == "$" or text[:2] == "0x":
        found = addresses(text)
        if not found:
            return None
        address = fold(found[0].value if found[0].digits != 4 or found[0].value < 0xC000 else 0x7E0000 | found[0].value)
        return _Place(address, register_at(address) is not None and address < 0x10000)
    register = find_register(text)
    return _Place(register.address, register=True) if register and not text.isdigit() else None


@lru_cache(maxsize=512)
def _bits_of(place: _Place) -> tuple[tuple[int, int, str], ...]:
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


def _fact(place: _Place) -> Behind | None:
    if place.register:
        register = register_at(place.address)
        return register_fact(register) if register else None
    rows = rows_at(place.address)
    return behind(rows[0]) if rows else None


def _bit(place: _Place | None, match: re.Match[str], start: int) -> Iterator[Found]:
    known = _bits_of(place) if place else ()
    first, last = int(match["first"]), int(match["last"] or match["first"])
    groups = match.groupdict()
    phrase = groups.get("paren") or groups["phrase"] or ""
    low, high = min(first, last), max(first, last)
    if place is None or len(known) < 2 or _SHIFTED.search(match.group()):
        return
    here = [text for bottom, top, text in known if bottom <= high and top >= low]
    others = [(bottom, top, text) for bottom, top, text in known if not (bottom <= high and top >= low)]
    found = misplaced(phrase, " ".join(here), [text for _, _, text in others])
    fact = _fact(place)
    if found < 0 or fact is None:
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


def _only_place(text: str) -> _Place | None:
    """Return the one register or byte that a text names; None when it names none or several."""
    found: set[_Place] = set()
    for address in addresses(text):
        place = _place(address.text.split(",")[0])
        if place:
            found.add(place)
    for name in _NAME.findall(text):
        register = find_register(name)
        if register and name == register.name:
            found.add(_Place(register.address, register=True))
    return found.pop() if len(found) == 1 else None


def check_bits(found: Passages) -> Iterator[Found]:
    """Give what is wrong in what a text says of bits and values."""
    force: _Place | None = None
    paragraph = ""
    for said in found.statements:
        item = _ITEM.match(said.text) or _VALUE_ITEM.match(said.text)
        if item is None:
            goes_on = said.around == paragraph or said.text.lstrip()[:1] in "-*+"
            force = _only_place(said.text) or (force if goes_on and not addresses(said.text) else None)
        paragraph = said.around
        if doubtful(said.text):
            continue
        yield from _statement(said, force, item)
    for row in found.rows:
        yield from _row(row)


def _statement(said: Statement, force: _Place | None, item: re.Match[str] | None) -> Iterator[Found]:
    done = False
    for pattern in (_OF, _TO, _FOR, _NAMED, _IS, _THERE):
        for match in pattern.finditer(said.text):
            done = True
            yield from _bit(_place(match["place"]), match, said.start)
    if done:
        yield from _others_there(said)
        return
    if item is None:
        yield from _plain(said, force)
        return
    place = _only_place(said.text) or force or _only_place(said.heading)
    if "first" in item.re.groupindex:
        yield from _bit(place, item, said.start)
    elif place is not None and not addresses(item["phrase"]):
        yield from _value(place, item, said.start)


def _others_there(said: Statement) -> Iterator[Found]:
    """Check a list of bits behind the one place that a sentence names: `$212C: bit 0 is BG1, bit 1 is BG2`."""
    listed = _THERE.search(said.text)
    place = _only_place(said.text)
    if listed and place is not None and place == _place(listed["place"]):
        for match in _ANY.finditer(said.text, listed.end()):
            yield from _bit(place, match, said.start)


def _plain(said: Statement, force: _Place | None) -> Iterator[Found]:
    """Check the bits and values in a sentence that names its register or byte once, or not at all."""
    place = _only_place(said.text)
    spoken = place or (force if not addresses(said.text) else None)
    if spoken is not None:
        for match in _ANY.finditer(said.text):
            yield from _bit(spoken, match, said.start)
    for match in _HOLDS.finditer(said.text):
        held = _place(match["place"])
        if held and held != place:
            yield from _value(held, match, said.start)
    if place and not place.register and not _RECEIPT.search(said.text):
        for pattern in (_VALUE_IS, _TURNED, _THEN):
            for match in pattern.finditer(said.text):
                yield from _value(place, match, said.start)
        pairs = list(_PAIR.finditer(said.text))
        for match in pairs if len(pairs) > 2 else ():
            yield from _value(place, match, said.start)


def _numbers(match: re.Match[str]) -> list[int]:
    """Return what a number may be: marked ones are hexadecimal, bare ones of two digits may be either."""
    text = match["value"]
    if match["mark"] in ("$", "0x", "#$"):
        return [int(text, 16)]
    if match["mark"] == "#" or not text.isdigit():
        return [int(text)] if text.isdigit() else []
    return [int(text)] if len(text) == 1 else [int(text), int(text, 16)]


@lru_cache(maxsize=256)
def _values_of(address: int) -> tuple[tuple[int, str, str], ...]:
    """Return (value, words, ref) of the values known at an address; none for bits and unknown places."""
    out: list[tuple[int, str, str]] = []
    for value in range(256):
        try:
            said = decode_value(address, value)
        except ValueTextError:
            return ()
        if said.known and not (said.parts and value & (value - 1)):
            out.append((value, said.words, said.ref or said.about))
        if value == 0 and said.width == 16 and not said.known:
            return ()
    return tuple(out)


def _value(place: _Place, match: re.Match[str], start: int) -> Iterator[Found]:
    if place.register or len(_NEXT.split(match["phrase"])[0].split()) > 7:
        return
    known = _values_of(place.address)
    phrase = _NEXT.split(match["phrase"])[0]
    numbers = _numbers(match)
    if not known or not numbers or fold(numbers[0]) == place.address or numbers[0] > 0xFF:
        return
    right: tuple[int, str, str] | None = None
    for number in numbers:
        here = " ".join(words for value, words, _ in known if value == number)
        others = [one for one in known if one[0] != number]
        at = misplaced(phrase, here, [words for _, words, _ in others]) if here else -1
        if at < 0:
            return
        right = others[at]
    rows = rows_at(place.address)
    if right and rows:
        yield Found(
            "wrong-value",
            start + match.start(),
            start + match.end(),
            f"{match['value']} in {show(place.address)} is not {' '.join(phrase.split())!r}.",
            f"0x{right[0]:02X} is {right[1]}.",
            behind(rows[0]),
        )


def _row(found: TableRow) -> Iterator[Found]:
    """Check a table whose first column is a bit or a value, under a heading that names the byte."""
    if len(found.cells) < 2 or not found.header or doubtful(found.text):
        return
    place = _only_place(found.around)
    head = found.header[0]
    if place is None:
        return
    bits = re.search(r"\bbits?\b", head)
    text = f"bit {found.cells[0][1]}: {found.cells[1][1]}" if bits else f"- {found.cells[0][1]}: {found.cells[1][1]}"
    match = (_ITEM if bits else _VALUE_ITEM).match(text)
    if match is None or not (bits or re.search(r"\b(?:value|hex|id|mode|state)\b", head)):
        return
    for one in _bit(place, match, 0) if bits else _value(place, match, 0):
        yield one._replace(start=found.cells[0][0], end=found.cells[1][0] + len(found.cells[1][1]))
