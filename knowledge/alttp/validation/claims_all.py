"""What a whole text says of addresses: its sentences, the rows of its tables, the definitions in its code."""

import re
from collections.abc import Iterator

from knowledge.alttp.validation.assembly import is_mnemonic
from knowledge.alttp.validation.claims import ADDRESS, OTHER_GAME, Claim, addresses, doubtful
from knowledge.alttp.validation.claims_prose import of_statement
from knowledge.alttp.validation.claims_refer import of_references
from knowledge.alttp.validation.claims_versions import of_versions
from knowledge.alttp.validation.passages import Passages, TableRow
from knowledge.alttp.validation.short_numbers import lists_values

__all__ = ["claims"]

_LIST_ITEM = re.compile(r"^\s*(?:[-*+\u2022]|\d+[.)])\s")
_COUNT = re.compile(
    r"^\W*(?:\d+|0x\w+|[rw/ -]+|\d+ ?(?:bytes?|bits?|words?)?|yes|no|n/a|-|[\d, -]+)\W*$", re.IGNORECASE
)
_LESS = re.compile(
    r"\b(?:size|bytes?|length|len|type|access|width|r/w|rw|bits?|value|example|default|format|hex|dec)\b"
)


def _of_row(found: TableRow) -> Iterator[Claim]:
    if doubtful(found.text) or OTHER_GAME.search(found.around):
        return
    places = [(place, addresses(text, start)) for place, (start, text) in enumerate(found.cells) if len(text) < 60]
    held = [(place, there) for place, there in places if there and len(there) <= 2 and _is_address(found, place)]
    if len(held) != 1:
        return
    at, there = held[0]
    head = found.header[at] if at < len(found.header) else ""
    if all(one.digits < 4 for one in there) and lists_values(head, table=True):
        return
    wide = " ".join(text for place, (_, text) in enumerate(found.cells) if place != at)
    for place, (start, text) in enumerate(found.cells):
        header = found.header[place] if place < len(found.header) else ""
        if place == at or _COUNT.match(text) or _LESS.search(header) or len(text) > 90:
            continue
        around = f"{found.around} {' '.join(found.header)}"
        yield Claim(tuple(there), text, wide, start, start + len(text), "cell", around)


def _is_address(found: TableRow, place: int) -> bool:
    """Tell whether a cell is an address and nothing else."""
    return not re.sub(r"[`*_\s,()xXyY/+-]|\u2013|to", "", ADDRESS.sub("", found.cells[place][1]))


_DEFINED = re.compile(
    r"^\s*(?:!|\bdefine\s+|\.define\s+|#define\s+)?(?P<name>[A-Za-z_][\w.]{2,60})\s*(?:=|:=|\bequ\b|\bEQU\b|\s)\s*"
    r"(?P<address>\$[0-9A-Fa-f:]{2,7})\s*(?:;\s*(?P<comment>.*))?$"
)


def _of_code(found: Passages) -> Iterator[Claim]:
    for line in found.code:
        match = _DEFINED.match(line.text)
        if (
            match is None
            or is_mnemonic(match["name"])
            or match["name"].lower()
            in (
                "org",
                "db",
                "dw",
                "dl",
                "dd",
                "jsl",
                "jml",
                "jsr",
                "jmp",
                "base",
            )
        ):
            continue
        there = addresses(match["address"], line.start + match.start("address"))
        if len(there) != 1 or (there[0].digits < 4) or doubtful(line.text):
            continue
        start = line.start + match.start("name")
        wide = f"{match['name']} {match['comment'] or ''}"
        yield Claim(tuple(there), match["name"], wide, start, start + len(match["name"]), "define", line.intro)


_CALLS = re.compile(
    r"^\s*(?:JSL|JSR|JML|JMP)(?:\.[wl])?\s+(?P<name>[A-Za-z]\w*_\w+|[A-Z][a-z]+[A-Z]\w*)\s*(?:;|//)\s*[(`]*"
    r"(?:(?:US|JP)(?: 1\.0)?:? )?(?P<address>\$[0-9A-Fa-f]{2}:?[0-9A-Fa-f]{4})\b",
    re.IGNORECASE,
)


def _of_calls(found: Passages) -> Iterator[Claim]:
    """Give the address that a comment says of the label that is called."""
    for line in found.code:
        match = _CALLS.match(line.text)
        if match and not doubtful(line.text):
            there = addresses(match["address"], line.start + match.start("address"))
            start, end = (line.start + place for place in match.span("name"))
            yield Claim(tuple(there), match["name"], line.text, start, end, "is", line.intro)


def claims(found: Passages) -> Iterator[Claim]:
    """Give what a text says of addresses, in prose, tables and definitions."""
    head = ""
    for said in found.statements:
        item = _LIST_ITEM.match(said.text) is not None
        short = item and lists_values(head)
        yield from (one for one in of_statement(said) if not short or one.addresses[0].digits >= 4)
        head = head if item else said.text[-200:]
    for row in found.rows:
        yield from _of_row(row)
    yield from _of_code(found)
    yield from _of_calls(found)
    yield from of_versions(found)
    yield from of_references(found)
