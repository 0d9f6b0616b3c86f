"""Checks of lists whose first line says what the items are: rooms, ids, sizes of several arrays."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from knowledge.alttp.validation.check_code import register_fact
from knowledge.alttp.validation.check_ids import KINDS, compare
from knowledge.alttp.validation.check_sizes import measured
from knowledge.alttp.validation.claims import addresses, doubtful
from knowledge.alttp.validation.found import Found
from knowledge.alttp.validation.known import behind
from knowledge.alttp.validation.passages import Passages, Statement
from knowledge.snes.addresses import show
from knowledge.snes.registers import find_register, registers
from schemas.fact import FactKind

__all__ = ["check_lists"]

_ITEM = re.compile(
    r"^\s*(?:[-*+\u2022]|\d+[.)])\s|^[\s`*]*(?:0x|\$)[0-9A-Fa-f]|^\s{2,}\S|^[^.;:]{2,40}\s0x[0-9A-Fa-f]{2,3}[`*\s]*$"
)
_WORDS = "|".join(sorted(KINDS, key=len, reverse=True))
_HEADS = re.compile(
    rf"\b(?P<kind>{_WORDS})s?\s+(?:ids?|numbers?|types?)\b|"
    rf"\b(?:ids?|numbers?) of (?:the |all |some )?(?P<of>{_WORDS})s?\b"
    rf"|\b(?P<boss>boss rooms?)\b|\b(?P<ancilla>ancillae)\b"
    rf"|^\W*(?P<short>{_WORDS})s?(?: in short| so far| quickly)?\s*:",
    re.IGNORECASE,
)
_FIRST = re.compile(
    r"^(?:\s*\d+[.)]\s)?[\s*+\u2022`-]*(?:[A-Z][a-z]+ [`*]*)?(?:0x|\$)"
    r"(?P<number>[0-9A-Fa-f]{1,4})\b[`*]*\s*(?:=|:|is|\u2192|->|\u2014|\u2013|-)?\s*"
    r"(?:the |a |an )?(?P<phrase>[A-Za-z][\w' -]{2,40}?)(?=\s*(?:[,.;(\n]|$))"
)
_LAST = re.compile(
    r"^[\s*+\u2022`-]*(?:the |a |an )?(?P<phrase>[A-Za-z][\w' -]{2,40}?)(?:\s*\((?P<aside>[^()]{1,30})\))?[`*]*\s*"
    r"(?:=|:|is|has|\u2192|->|\u2014|\u2013|-)?\s*[`*]*0x(?P<number>[0-9A-Fa-f]{1,3})\b[`*]*(?=\s*(?:[,.;(\n]|$))"
)
_CHAIN = re.compile(
    r"(?:^|[,:]\s*|\band\s+)\s*(?:0x|\$)(?P<number>[0-9A-Fa-f]{1,3})\s+(?:is |= ?|the )*"
    r"(?P<phrase>[A-Za-z][\w' -]{2,40}?)(?=\s*(?:[,.;(]|$))"
)
"""Ids of a list in one line."""
_IS_ID = re.compile(
    r"(?:^|[,;.:]\s*|\band\s+)(?:the |a |an )?(?P<phrase>[A-Za-z][\w' -]{2,40}?)\s+(?:is|has|uses|=)\s+(?:the )?id\s+"
    r"[`*]*(?:0x|\$)(?P<number>[0-9A-Fa-f]{1,3})\b"
)
_OPENS = re.compile(r":(?:\s*$|\s*(?:0x|\$)[0-9A-Fa-f])")
_OTHER_ID = re.compile(r"\b(?:slot|menu|cursor|value|byte|save|message|custom|gfx|graphics)\b", re.IGNORECASE)
_EACH = re.compile(
    r"^\W*(?:each|all|every one)(?: one)?(?: of (?:those|these|them|the))?(?: \w+)?"
    r"(?: (?:tables?|arrays?|lists?|bytes))?"
    r"\s+(?:is|are|has|have|takes?|holds?|spans?)\s+(?P<n>\d{1,4}|sixteen|eight|ten|twelve|thirty-two)\s+"
    r"(?P<what>bytes|entries|slots|elements)\b",
    re.IGNORECASE,
)
_NUMBERS = {"sixteen": 16, "eight": 8, "ten": 10, "twelve": 12, "thirty-two": 32}


class _Introduced(NamedTuple):
    said: Statement
    head: str
    """The line that introduces the list; empty outside of lists."""
    before: Statement | None


def _introduced(found: Passages) -> Iterator[_Introduced]:
    head, before = "", None
    for said in found.statements:
        item = _ITEM.match(said.text) is not None
        yield _Introduced(said, head if item else "", before)
        if not item:
            head = said.text
        before = said


def check_lists(found: Passages) -> Iterator[Found]:
    """Give what is wrong in items that only their list's first line explains."""
    for one in _introduced(found):
        if doubtful(one.said.text) or doubtful(one.head):
            continue
        yield from _queued(one.said)
        yield from _titled(one)
        yield from _songs(one.said)
        first = one.said.text.split("\n")[0]
        if _OPENS.search(first) and (own := _kind(first.partition(":")[0] + ":")):
            yield from _item(one.said, own)
        kind = _kind(one.head) if one.head and not addresses(one.said.text.split("\n")[0]) else None
        if kind:
            yield from _item(one.said, kind)
        kind = _kind(f"{one.before.text if one.before else ''} {one.said.text}")
        for match in _IS_ID.finditer(one.said.text) if kind else ():
            yield from _compared(match, one.said, kind)
        yield from _each(one)


_COPIED = re.compile(
    r"[`*]*\$(?P<address>(?:7E00|00)?[0-9A-Fa-f]{2})[`*]*\s+"
    r"(?:is copied|is written|goes|is sent|ends up|is the (?:queue|shadow|copy))"
    r"\s+(?:to|into|in|for|of)\s+[`*]*(?P<name>[A-Z][A-Z0-9]{2,9})\b"
)


def _queued(said: Statement) -> Iterator[Found]:
    """Check which copy in work RAM is said to go to which PPU register."""
    for match in _COPIED.finditer(said.text):
        register, place = find_register(match["name"]), f"$7E00{match['address'][-2:].upper()}"
        others = [one.name for one in registers() if place in one.queued_at]
        if register and register.queued_at.startswith("$7E00") and others and register.name not in others:
            yield Found(
                "wrong-name",
                said.start + match.start(),
                said.start + match.end(),
                f"{place} goes to {others[0]}, not to {register.name}.",
                f"{register.name} is written from {register.queued_at}.",
                register_fact(register),
            )


def _kind(head: str) -> FactKind | None:
    """Return the kind whose ids a line says that follow; None when it says none, several, or other numbers."""
    kinds: set[FactKind] = set()
    for match in _HEADS.finditer(head):
        word = (match["kind"] or match["of"] or match["short"] or "").lower()
        kinds.add("room" if match["boss"] else "ancilla" if match["ancilla"] else KINDS[word])
    return kinds.pop() if len(kinds) == 1 and not _OTHER_ID.search(head) else None


def _item(said: Statement, kind: FactKind) -> Iterator[Found]:
    at = 0
    for line in said.text.split("\n"):
        chain = list(_CHAIN.finditer(line))
        match = _FIRST.match(line) or _LAST.match(line)
        for one in chain if len(chain) > 1 else [match] if match else []:
            yield from _compared(one, said, kind, at)
            aside = one.groupdict().get("aside")
            if aside and kind == "room":  # whose room it is: `Tower of Hera (Moldorm): 0x007`
                yield from _compared(one, said, kind, at, phrase=aside)
        at += len(line) + 1


def _compared(
    match: re.Match[str], said: Statement, kind: FactKind | None, at: int = 0, *, phrase: str = ""
) -> Iterator[Found]:
    if kind:
        span = (said.start + at + match.start(), said.start + at + match.end())
        yield from compare(kind, [int(match["number"], 16)], phrase or match["phrase"], *span, match["number"])


_TITLED = re.compile(
    r"^\s*[-*+\u2022]\s[`*]*(?P<kind>sprite|overlord|room)\s(?:id|number)[`*:=\s]*(?:0x|\$)"
    r"(?P<number>[0-9A-Fa-f]{1,3})[`*]*\s*$",
    re.IGNORECASE,
)
_TITLE = re.compile(r"^[\W_]*(?:the |an? )?(?P<phrase>[A-Za-z][\w'-]*(?: [A-Za-z][\w'-]*){0,3})[\W_]*$", re.IGNORECASE)


def _titled(one: _Introduced) -> Iterator[Found]:
    """Check `- sprite id: $6C` in a list under a title that is the name of one sprite and nothing more."""
    match, title = _TITLED.match(one.said.text), _TITLE.match(one.head)
    if match and title:
        span = (one.said.start + match.start("number"), one.said.start + match.end("number"))
        kind = KINDS[match["kind"].lower()]
        yield from compare(kind, [int(match["number"], 16)], title["phrase"], *span, match["number"])


_SONGS = re.compile(r"\b(?:song|music) (?:commands?|ids?|numbers?|values?)\b", re.IGNORECASE)
_COMMAND = re.compile(
    r"[`*]*\$(?P<number>F[0-9A-F])[`*]*\s(?:(?:is|means?|for|=)\s)?(?:the |an? )?[\"`]?"
    r"(?P<phrase>[A-Za-z][\w ]{2,40}?)[\"`]?(?=\s*(?:[,.;)]|$|\band [`*$]))"
)


def _songs(said: Statement) -> Iterator[Found]:
    """Check what commands for the song, `$F0` and more, are said to do."""
    if _SONGS.search(said.text) and all(one.digits == 2 for one in addresses(said.text)):
        for match in _COMMAND.finditer(said.text):
            yield from _compared(match, said, "song")


def _each(one: _Introduced) -> Iterator[Found]:
    """Check `Each of those tables is 32 bytes long` for the arrays of the sentence before."""
    match = _EACH.match(one.said.text)
    if match is None or one.before is None or one.before.around != one.said.around or doubtful(one.before.text):
        return
    text = match["n"].lower()
    number = int(text) if text.isdigit() else _NUMBERS[text]
    rows = [measured(address) for address in addresses(one.before.text)]
    known = [row for row in rows if row]
    if len(known) > 1 and len(known) == len(rows) and all(row.size > 4 and number != row.size for row in known):
        yield Found(
            "wrong-size",
            one.said.start + match.start(),
            one.said.start + match.end(),
            f"{show(known[0].address)} has not {number} {match['what']}.",
            f"It has {known[0].size} bytes, one for each element.",
            behind(known[0]),
        )
