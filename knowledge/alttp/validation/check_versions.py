"""Checks of addresses that a text gives for one version of the game without a label: the other version's."""

import re
from collections.abc import Iterator
from functools import lru_cache

from knowledge.alttp.validation.claims import addresses, doubtful
from knowledge.alttp.validation.found import Found
from knowledge.alttp.validation.known import Row, behind, facts, row, rows_at
from knowledge.alttp.validation.passages import Passages, Statement
from knowledge.alttp.words import name_words
from knowledge.snes.addresses import fold, show

__all__ = ["check_versions", "labels_at"]

_TAGGED = re.compile(
    r"\b(?P<tag>US|JP)(?: ?1\.0)?(?: ROM| address| version)?[:=]?\s*[`*(]*"
    r"(?P<address>\$[0-9A-Fa-f]{2}:?[0-9A-Fa-f]{4})\b"
    r"(?!\s*(?:[`*)]\s*)?\(?(?:US|JP)\b)"
)
_LEAST = 5  # letters of a word that tells a routine


def check_versions(found: Passages) -> Iterator[Found]:
    """Give addresses tagged with a version at which the other version has the routine that the text speaks of."""
    before = ""
    for said in found.statements:
        if not doubtful(said.text):
            for match in _TAGGED.finditer(said.text):
                yield from _tagged(match, said, f"{before} {said.around}".lower())
        before = said.around


def _tagged(match: re.Match[str], said: Statement, around: str) -> Iterator[Found]:
    value = fold(addresses(match["address"])[0].value)
    us = match["tag"] == "US"
    if any((one.address if us else one.jp_address) == value for one in labels_at(value)):
        return
    for one in labels_at(value):
        other, right = (one.jp_address, one.address) if us else (one.address, one.jp_address)
        words = [word for word in name_words(one.name) if len(word) >= _LEAST and word.isalpha()]
        if other == value and right >= 0 and words and all(word.lower() in around for word in words):
            start = said.start + match.start("address")
            problem = f"{match['address']} is not the {match['tag']} 1.0 address of {one.name}."
            fact = f"In {match['tag']} 1.0 it is {show(right)}."
            yield Found("wrong-version", start, start + len(match["address"]), problem, fact, behind(one))
            return


@lru_cache(maxsize=1)
def _japanese() -> dict[int, int]:
    """Return the routine that begins at each JP 1.0 address."""
    index = facts()
    cells = ((index.entry(entry).cell("jp_address"), entry) for entry in index.of_kind("routine"))
    return {int(cell.removeprefix("$"), 16): entry for cell, entry in cells if cell}


def labels_at(value: int) -> list[Row]:
    """Return the labels that begin at an address, or around it, in one version or the other."""
    entry = _japanese().get(value, -1)
    jp = [row(entry)] if entry >= 0 else []
    return [one for one in (*rows_at(value), *jp) if one.kind in ("routine", "data", "sublabel")]
