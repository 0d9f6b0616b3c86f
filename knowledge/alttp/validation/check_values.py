"""Checks of what a text says that a value of a byte means: one by one, in lists, and in comments of code."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from knowledge.alttp.validation.choice import misplaced
from knowledge.alttp.validation.claims import ADDRESS, addresses
from knowledge.alttp.validation.found import Found
from knowledge.alttp.validation.known import all_words, behind, of_ref, rows_at
from knowledge.alttp.validation.passages import Statement
from knowledge.alttp.validation.places import PLACE, Place, place_of
from knowledge.alttp.values import ValueTextError, decode_value
from knowledge.snes.addresses import fold, show

__all__ = [
    "VALUE_ITEM",
    "check_continued",
    "check_value",
    "check_values",
    "value_found",
    "value_item",
    "values_of",
]

_VALUE = r"[`*]*(?P<mark>#?\$|0x|#)?(?P<value>[0-9A-Fa-f]{1,4})(?![0-9A-Za-z])[`*]*"
_VALUE_IS = re.compile(
    rf"(?<![\w$.\[])(?<!bit )(?<!bits ){_VALUE}\s*(?:=|:|means?|is|for|when|if|while|stands for|indicates|represents|"
    rf"\u2192|->|\u2014|\u2013|\()\s*(?:the |that |a |an |when |if |Link is |he is |facing "
    rf")*(?P<phrase>[A-Za-z](?:(?!\s(?:and|or|while)\s[`*#]*(?:0x|\$|\d))[^.;,|()\n=]){{1,48}})"
)
VALUE_ITEM = re.compile(
    rf"^\s*(?:[-*+\u2022]|\d+[.)])\s*{_VALUE}\s*(?:=|:|\u2192|->|\u2014|\u2013|-|is|means)"
    rf"\s*(?P<phrase>[A-Za-z][^.;,|()\n=]{{1,48}})"
)
"""An item of a list that says what one value means."""
_PLAIN_ITEM = re.compile(
    rf"^\s*{_VALUE}\s*(?:=|:|\u2192|->|\u2014|\u2013|-)\s*(?P<phrase>[A-Za-z][^.;,|()\n=]{{1,48}})"
)
"""The same without a bullet."""
_TURNED = re.compile(rf"(?P<phrase>[A-Za-z][\w' -]{{1,40}}?)\s+is\s+{_VALUE}\s*(?=[,.;)]|and\b|$)")
_THEN = re.compile(
    rf"(?<![\w$.\[]){_VALUE},?\s*(?:then )?(?:the (?:game|player)|you|Link)(?:'re|'s| is| are)(?: currently)?"
    r"(?: in| on| at)?(?: the)? (?P<phrase>[A-Za-z][^.;,|()\n=]{1,40})"
)
_INDEXED = r"(?:\s?,\s?[XYxy]\b[`*)]*)?"
_HOLDS = re.compile(
    rf"{PLACE}{_INDEXED}\s*(?:is|=|==|equals|holds|contains)\s*(?:set to )?{_VALUE},?\s*(?:(?:means|then|and)\s+)?"
    r"(?:(?:the (?:game|player)|you|Link)(?:'re|'s| is| are)(?: currently)?(?: in| on| at)?|means)\s+(?:the )?"
    r"(?P<phrase>[A-Za-z][^.;,|()\n=]{1,40})"
)
_WHEN = re.compile(
    rf"\b(?P<phrase>[A-Za-z][\w' -]{{2,60}}?),?\s+(?:when(?:ever)?|if|while|as long as)\s+{PLACE}{_INDEXED}"
    rf"\s*(?:is|=|==|equals|holds|contains|reads|has)\s*(?:set to |equal to )?{_VALUE}(?=[\s,.;:)]|$)"
)
_GOAL = (
    r",?\s+(?:(?:and|which|this|that|then|so)\s+)*(?:to|for|if you want|you(?:'ll)? get|gives?|plays?|starts?|"
    r"makes?|puts?|selects?|equips?|sends?|turns?|enters?|triggers?)\s+(?:(?:enter|get|start|play|make|trigger|"
    r"select|switch to|go to|equip|give|show|load|have|be|put|send|turn|force|you|the player|Link|him|the game|in|on|"
    r"into|to|a|an|the)\s+)*(?P<phrase>[A-Za-z][\w' -]{2,40})"
)
_SET = re.compile(
    rf"\b(?:[Ss]et(?:ting)?|[Cc]hang(?:e|ing)|[Pp]ut(?:ting)?)\s+{PLACE}{_INDEXED}(?: \([^()]{{1,40}}\))?"
    rf"\s+(?:to|=)\s+{_VALUE}{_GOAL}"
)
_STORE = re.compile(
    rf"\b(?:[Ww]rit(?:e|ing)|[Ss]tor(?:e|ing)|[Pp]ut(?:ting)?|[Pp]ok(?:e|ing))\s+{_VALUE}\s+(?:in|into|to|at)"
    rf"\s+{PLACE}{_INDEXED}(?: \([^()]{{1,40}}\))?{_GOAL}"
)
_PLAIN_PAIR = re.compile(
    r"(?:^|[:,(\u2014-]|\band)\s*[`*]*(?P<mark>)(?P<value>\d)[`*]*\s+(?:=\s*|is\s+|for\s+)?"
    r"(?P<phrase>[a-z][a-z' -]{1,30}?)"
    r"(?=\s*(?:[,.)]|$|\n|and \d|or \d))"
)
_PAIR = re.compile(
    r"(?:^|[:,(]|\band)\s*[`*]*(?P<mark>)(?P<value>\d)[`*]*\s+(?P<phrase>[a-z]+)(?=\s*(?:[,.)]|$|and\b|or\b))"
)
_LISTING = re.compile(
    rf"^[\s*+-]*{PLACE}{_INDEXED}(?:\s*\([^()]{{1,60}}\))?[`*]*(?:\s+(?:values?|modes?|states?|ids?))?\s*(?::|\u2014|\s-\s)"
)
_LISTED = re.compile(
    r"(?:^|[:,(\u2014]|\band\b|\bor\b)\s*[`*]*(?P<mark>\$|0x|#\$)(?P<value>[0-9A-Fa-f]{1,2})\b[`*]*\s*(?:=|:|is|for|"
    r"means|\u2192|->|\u2014)?\s*(?P<phrase>[A-Za-z][\w' /-]{1,40}?)(?=\s*(?:[,.;)]|$|\band [`*$0])|\bor [`*$0])"
)
_NEXT = re.compile(r",?\s+(?:and|or|while)\s+[`*#]*(?:0x|\$|\d)")
_RECEIPT = re.compile(r"(?i)\breceipts?\b")
"""Ids of items that Link receives are other numbers than what the save holds of them."""


class _Known(NamedTuple):
    """What one value means."""

    value: int
    words: str
    ref: str


def value_item(text: str, force: Place | None) -> re.Match[str] | None:
    """Return an item of a list of values: with a bullet, or one whose number is a value of the byte named before."""
    match = VALUE_ITEM.match(text)
    if match or force is None or force.register:
        return match
    plain = _PLAIN_ITEM.match(text)
    numbers = _numbers(plain) if plain and plain["mark"] else []
    return plain if any(one.value in numbers for one in values_of(force.address)) else None


def check_continued(said: Statement, force: Place) -> Iterator[Found]:
    """Check the values of the byte that a sentence before names: `In the dark world, $0E is Skull Woods`."""
    for match in _VALUE_IS.finditer(said.text) if not force.register else ():
        if match["mark"] in ("$", "0x") and len(match["value"]) <= 2 and not _RECEIPT.search(said.text):
            yield from check_value(force, match, said.start)


def check_values(said: Statement, place: Place | None) -> Iterator[Found]:
    """Check the values in a sentence that names one byte, or names the byte of each value."""
    for pattern in (_HOLDS, _WHEN, _SET, _STORE):
        for match in pattern.finditer(said.text):
            held = place_of(match["place"])
            if held and (held != place or pattern is not _HOLDS):
                yield from check_value(held, match, said.start)
    if place and not place.register and not _RECEIPT.search(said.text):
        for pattern in (_VALUE_IS, _TURNED, _THEN):
            for match in pattern.finditer(said.text):
                yield from check_value(place, match, said.start)
        pairs = list(_PAIR.finditer(said.text))
        for match in pairs if len(pairs) > 2 else ():
            yield from check_value(place, match, said.start)
    yield from _listing(said)


def _listing(said: Statement) -> Iterator[Found]:
    """Check values that follow their byte and a colon: `$5D: 0x04 swimming, 0x11 dashing`."""
    head = _LISTING.match(said.text)
    place = place_of(head["place"]) if head else None
    if head is None or place is None or place.register:
        return
    rest = addresses(said.text[head.end() :])
    pairs = list(_LISTED.finditer(said.text, head.end() - 1))
    plain = list(_PLAIN_PAIR.finditer(said.text, head.end() - 2))
    if len(plain) > 1 and not rest and not said.text[head.end() : plain[0].start("value")].strip("`* "):
        for match in plain:
            yield from check_value(place, match, said.start)
    if len(pairs) > 1 and all(one.digits <= 2 for one in rest) and not ADDRESS.search(pairs[0]["phrase"]):
        for match in pairs:
            yield from check_value(place, match, said.start)


def _numbers(match: re.Match[str]) -> list[int]:
    """Return what a number may be: marked ones are hexadecimal, bare ones of two digits may be either."""
    text = match["value"]
    if match["mark"] in ("$", "0x", "#$"):
        return [int(text, 16)]
    if match["mark"] == "#" or not text.isdigit():
        return [int(text)] if text.isdigit() else []
    return [int(text)] if len(text) == 1 else [int(text), int(text, 16)]


@lru_cache(maxsize=2048)
def values_of(address: int) -> tuple[_Known, ...]:
    """Return the values known at an address; none for bits and unknown places."""
    out: list[_Known] = []
    for value in range(256):
        try:
            said = decode_value(address, value)
        except ValueTextError:
            return ()
        if said.known and not (said.parts and value & (value - 1)):
            out.append(_Known(value, said.words, said.ref))
        if value == 0 and said.width == 16 and not said.known:
            return ()
    return tuple(out)


def check_value(place: Place, match: re.Match[str], start: int) -> Iterator[Found]:
    """Check what a match says of a value (groups `mark`, `value` and `phrase`) of a byte."""
    phrase = _NEXT.split(match["phrase"])[0]
    numbers = _numbers(match)
    if numbers and fold(numbers[0]) != place.address:
        yield from value_found(place, numbers, phrase, (start + match.start(), start + match.end()))


def value_found(place: Place, numbers: list[int], phrase: str, span: tuple[int, int]) -> Iterator[Found]:
    """Give that a phrase means another value of a byte than each of the numbers that may be meant."""
    known = () if place.register or len(phrase.split()) > 7 or numbers[0] > 0xFF else values_of(place.address)
    right: _Known | None = None
    for number in numbers:
        here = " ".join(_said(one) for one in known if one.value == number)
        others = [one for one in known if one.value != number]
        at = misplaced(phrase, here, [one.words for one in others]) if here else -1
        if at < 0:
            return
        right = others[at]
    rows = rows_at(place.address)
    if right and rows:
        yield Found(
            "wrong-value",
            *span,
            f"0x{numbers[0]:02X} in {show(place.address)} is not {' '.join(phrase.split())!r}.",
            f"0x{right.value:02X} is {right.words}.",
            behind(rows[0]),
        )


def _said(one: _Known) -> str:
    """Return all that is said of a value, with the names and keywords of the fact that it is the id of."""
    found = of_ref(one.ref) if one.ref else None
    return f"{one.words} {all_words(found, described=False)}" if found else one.words
