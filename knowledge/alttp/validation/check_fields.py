"""Checks of what a text says that each value of a register's field means: `bits 1-0: 0 = 1 word, 1 = 64 words`."""

import re
from collections.abc import Iterator
from functools import lru_cache

from knowledge.alttp.validation.choice import misplaced
from knowledge.alttp.validation.found import Found
from knowledge.alttp.validation.meaning import axes_of, phrase_words
from knowledge.alttp.validation.places import Place, fact_of
from knowledge.snes.addresses import show
from knowledge.snes.bit_fields import decode, fields
from knowledge.snes.registers import register_at

__all__ = ["check_buttons", "check_field"]

_WIDEST = 3  # bits of a field whose values are told one by one
_SEVERAL = re.compile(r"[`*]*(?:%?[01]{1,3}|\d)[`*]*\s*(?:,|and|or|/)\s*$")
_PAIR = re.compile(
    r"(?:^|[\s(,:;])[`*]*(?P<bits>%)?(?P<value>[01]{2,3}|\d)[`*]*\s*(?:=|:|means?(?: that)?|is|for|gives|selects|"
    r"\u2192|->|\u2014|\u2013|(?=turns|makes|puts|shows|hides|blanks|steps|increments|after|disables|enables))\s*"
    r"(?P<phrase>(?:turns |makes |puts )?[^,;:()=\n.]{2,60})"
)
_SIZED = re.compile(
    r"\b(?P<n>\d{1,4}|one|two|three|four|eight|sixteen|thirty-two)[ -](?P<unit>words?|colou?rs?|lines?)\b"
)
_TWO = re.compile(r"\b(?P<n>\d{1,2}x\d{1,2})\b")
_WORDS = {"one": "1", "two": "2", "three": "3", "four": "4", "eight": "8", "sixteen": "16", "thirty-two": "32"}
_PICTURE = re.compile(r"\b(?:picture|screen|display|image)\b", re.IGNORECASE)
_DARK = re.compile(r"\b(?:off|black|blank|blanked|blanks|hides|hidden|dark)\b", re.IGNORECASE)
_LIT = re.compile(r"\b(?:on|shown|shows|visible|lit)\b", re.IGNORECASE)
_BUTTON = re.compile(
    r"^[\s`*]*(?:the )?(?P<name>[ABXYLR]|Start|Select|Up|Down|Left|Right)[`*]*"
    r"(?: (?:button|shoulder|key|held|pressed))?"
    r"\s*(?:[.,;)]|$)"
)
_BUTTON_OF = re.compile(r"\b(?:button|pad) (?P<name>\w+)", re.IGNORECASE)


@lru_cache(maxsize=256)
def _meanings(address: int, low: int, high: int) -> tuple[str, ...]:
    """Return what each value of a field means; none where they are not told one by one."""
    register = register_at(address)
    found = [one for one in fields(register) if (one.low, one.high) == (low, high)] if register else []
    if register is None or len(found) != 1 or high - low >= _WIDEST or high > 7:
        return ()
    name = found[0].name
    said = [
        next((part.words for part in decode(register, value << low).fields if part.name == name), "")
        for value in range(1 << found[0].width)
    ]
    return tuple(said) if all(said) else ()


def check_field(place: Place, bits: tuple[int, int], text: str, start: int) -> Iterator[Found]:
    """Check the values that a text behind `bits low-high` of a register tells one by one."""
    known = _meanings(place.address, *bits) if place.register else ()
    fact = fact_of(place)
    for match in _PAIR.finditer(text) if known and fact else ():
        digits = match["value"]
        value = int(digits, 2 if len(digits) > 1 else 10)
        if value >= len(known) or _SEVERAL.search(text, 0, match.start("value")):
            continue
        others = [one for one in known if one != known[value]]
        if fact and _contradicts(match["phrase"], known[value], others):
            yield Found(
                "wrong-bits",
                start + match.start("value"),
                start + match.end(),
                f"{digits} in {_spoken(bits)} of {show(place.address)} is not {' '.join(match['phrase'].split())!r}.",
                f"It is: {known[value]}.",
                fact,
            )


def _spoken(bits: tuple[int, int]) -> str:
    return f"bit {bits[0]}" if bits[0] == bits[1] else f"bits {bits[1]}-{bits[0]}"


def _contradicts(phrase: str, here: str, others: list[str]) -> bool:
    """Tell whether a phrase says another size, the other byte, or what another value means."""
    mine, theirs = _sizes(phrase), _sizes(here)
    if mine and theirs:
        return mine.isdisjoint(theirs)
    half, right = axes_of(phrase_words(phrase)).get("half"), axes_of(phrase_words(here)).get("half")
    if half and right:
        return half.isdisjoint(right) and len(half) == 1
    if _PICTURE.search(phrase) and _PICTURE.search(here):
        told = here.partition("(")[2] or here
        dark, lit = _DARK.search(phrase) is not None, _LIT.search(phrase) is not None
        return dark != lit and dark != (_DARK.search(told) is not None)
    return misplaced(phrase, here, others) >= 0


def _sizes(text: str) -> frozenset[tuple[str, str]]:
    found = {(_WORDS.get(match["n"], match["n"]), match["unit"][:4]) for match in _SIZED.finditer(text)}
    return frozenset(found | {(match["n"], "x") for match in _TWO.finditer(text)})


def check_buttons(place: Place, bit: int, phrase: str, here: str, span: tuple[int, int]) -> Iterator[Found]:
    """Check the button that one bit of a joypad register or of its copy is said to be."""
    said, fact = _BUTTON.match(phrase), fact_of(place)
    right = _BUTTON_OF.search(here) or re.fullmatch(r"(?P<name>[ABXYLR]|Start|Select|Up|Down|Left|Right)", here)
    if said and right and fact and said["name"].lower() != right["name"].lower():
        yield Found(
            "wrong-bits",
            *span,
            f"Bit {bit} of {show(place.address)} is not {said['name']}.",
            f"It is {right['name']}.",
            fact,
        )
