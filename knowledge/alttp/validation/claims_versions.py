"""What a text says of a label's address in each version of the game: `Name (US $X, JP $Y)`, and tables of both."""

import re
from collections.abc import Iterator

from knowledge.alttp.validation.claims import Claim, addresses, doubtful
from knowledge.alttp.validation.passages import Passages, Statement, TableRow

__all__ = ["of_versions"]

_TAG = r"(?:US(?: ?1\.[0-2])?|USA|JP(?: ?1\.[0-2])?|Japan(?:ese)?|NA)"
_ADDRESS = r"[`*]*\$[0-9A-Fa-f]{2}:?[0-9A-Fa-f]{4}[`*]*"
_BOTH = re.compile(
    rf"(?P<name>\b[A-Za-z]\w{{4,60}})[`*]*\s{{0,2}}[(:,\u2014\u2013-]\s{{0,2}}"
    rf"(?P<one>{_TAG}[:=]?\s{{0,2}}{_ADDRESS})\s{{0,2}}(?:[,;/|]|and)\s{{0,2}}(?P<two>{_TAG}[:=]?\s{{0,2}}{_ADDRESS})"
)
_MOVED = re.compile(
    rf"(?P<name>\b[A-Za-z]\w{{4,60}})[`*]*\s{{0,2}}(?:(?:goes|went|moves|moved|shifts|shifted|changes|changed|is moved)"
    rf"\s(?:from\s)?|:\s?)(?P<one>{_ADDRESS})\s{{0,2}}(?:to|->|=>|\u2192)\s{{0,2}}(?P<two>{_ADDRESS})"
)
_STAYS = re.compile(
    rf"(?P<name>\b[A-Za-z]\w{{4,60}})[`*]*\s(?:stays|remains|keeps|is still)(?: put)?(?: at)?\s(?P<one>{_ADDRESS})"
)
_COLUMN = re.compile(r"\W*(?P<tag>us|usa|jp|japan(?:ese)?)\b", re.IGNORECASE)
_LABEL = re.compile(r"[`*]*(?P<name>[A-Za-z]\w{4,60})[`*]*")


def of_versions(found: Passages) -> Iterator[Claim]:
    """Give each address that a text ties to a label and to one version."""
    for said in found.statements:
        if not doubtful(said.text):
            yield from _pairs(said)
            yield from _moved(said)
    for row in found.rows:
        if not doubtful(row.text):
            yield from _columns(row)


def _pairs(said: Statement) -> Iterator[Claim]:
    for match in _BOTH.finditer(said.text):
        start, end = (said.start + place for place in match.span("name"))
        for part in ("one", "two"):
            there = addresses(match[part], said.start + match.start(part))
            yield Claim(tuple(there), match["name"], match[part], start, end, "is", said.around)


def _moved(said: Statement) -> Iterator[Claim]:
    """Give both addresses of a label that moves from one version to the other, and that of one that does not."""
    for match in (*_MOVED.finditer(said.text), *_STAYS.finditer(said.text)):
        start, end = (said.start + place for place in match.span("name"))
        for part in ("one", "two"):
            if part in match.re.groupindex:
                there = addresses(match[part], said.start + match.start(part))
                yield Claim(tuple(there), match["name"], "", start, end, "is", "")


def _columns(row: TableRow) -> Iterator[Claim]:
    """Give the addresses of a row in columns that name a version, when one cell is a label."""
    labels = [(start, match["name"]) for start, text in row.cells if (match := _LABEL.fullmatch(text))]
    for (start, text), header in zip(row.cells, row.header, strict=False):
        tag = _COLUMN.match(header)
        there = addresses(text, start)
        if tag and len(labels) == 1 and len(there) == 1 and there[0].digits == 6:
            at, name = labels[0]
            wide = f"{'JP' if tag['tag'][0] in 'jJ' else 'US'} {text}"
            yield Claim(tuple(there), name, wide, at, at + len(name), "is", row.around)
