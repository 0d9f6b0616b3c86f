"""Checks of ids: which sprite, item, room or module a number is."""

import re
from collections.abc import Iterator
from functools import lru_cache

from knowledge.alttp.validation.assembly import split_comment
from knowledge.alttp.validation.choice import misplaced, said_as
from knowledge.alttp.validation.claims import addresses, doubtful
from knowledge.alttp.validation.found import Found
from knowledge.alttp.validation.known import Row, all_words, behind, facts, numbered, row
from knowledge.alttp.validation.passages import Passages, Statement, TableRow
from knowledge.alttp.words import plain_words
from schemas.fact import FactKind

__all__ = ["KINDS", "check_ids", "compare"]

KINDS: dict[str, FactKind] = {
    "sprite": "sprite",
    "enemy": "sprite",
    "item": "item",
    "receipt": "item",
    "room": "room",
    "underworld room": "room",
    "dungeon room": "room",
    "overworld screen": "overworld",
    "overworld area": "overworld",
    "overworld map": "overworld",
    "area": "overworld",
    "screen": "overworld",
    "overworld": "overworld",
    "module": "module",
    "main module": "module",
    "game mode": "module",
    "link state": "link_state",
    "player state": "link_state",
    "ancilla": "ancilla",
    "overlord": "overlord",
    "garnish": "garnish",
    "song": "song",
    "music track": "song",
    "music": "song",
    "follower": "follower",
    "tagalong": "follower",
    "entrance": "entrance",
    "dungeon": "dungeon",
    "tile type": "tile_type",
    "song command": "song",
    "music command": "song",
}
_WORD = "|".join(sorted(KINDS, key=len, reverse=True))
_ID = (
    rf"(?P<kind>{_WORD})s?(?: (?:id|ids|type|number|index|no\.?|value|receipt|slot id)"
    rf")?\s*[`*(#:]*\s*(?P<mark>0x|\$|\#\$)?"
    r"(?P<number>[0-9A-Fa-f]{1,3})(?:\b|h\b)(?!-[A-Za-z])[`*)]*"
)
_PHRASE = r"(?:the |a |an |called |named |our |actually )*[`*_\"]*(?P<phrase>[A-Za-z][^.;,|()\n=:\u2014]{2,60})"
_IS = re.compile(
    rf"\b{_ID}\s*(?:,? (?:that's|that is|which is|i\.e\.)|is|=|:|\u2192|->|\u2014|\u2013|-|\(|corresponds to|"
    r"refers to|means|spawns|creates|gives(?: Link| you| him| the player)?|places|contains|holds|for|"
    r"to (?:get|spawn|create|make|place|add|have)|(?=(?:the|a|an)"
    rf"\s))\s*{_PHRASE}",
    re.I,
)
_THEN = re.compile(
    rf"\b{_ID},?\s+(?:then )?(?:he|it|she|Link|the (?:game|player))(?:'s| is)(?: currently)? {_PHRASE}", re.IGNORECASE
)
_NAMED = re.compile(
    rf"(?P<phrase>[A-Za-z][\w'\u2019-]*(?: [A-Za-z0-9][\w'\u2019-]*){{0,3}}?)[`*_\"]*\s*"
    rf"(?:\(|is|are|=|has|have|uses|:|as)\s*(?:the |its |an? |with )?\b{_ID}"
)
_OWNED = re.compile(
    rf"\b[Tt]he (?P<kind>{_WORD})(?: (?:id|number|index|value))? (?:of|for) (?:the |a |an )?"
    rf"(?P<phrase>[A-Za-z][\w' -]{{2,40}}?) (?:is|=)\s*[`*]*(?P<mark>0x|\$)(?P<number>[0-9A-Fa-f]{{1,3}})\b"
    rf"|\b(?P<phrase2>[A-Za-z][\w' -]{{2,40}}?)(?:'s|s')\s+(?P<kind2>{_WORD})(?: (?:id|number|index|value))? (?:is|=)"
    rf"\s*[`*]*(?P<mark2>0x|\$)(?P<number2>[0-9A-Fa-f]{{1,3}})\b"
)
_CHAIN = re.compile(
    r"(?:[:,]|\band\b)\s*(?:the\s+)?[`*]*(?:0x|\$)(?P<number>[0-9A-Fa-f]{1,3})\b[`*]*\s*(?:=|:|is|for|means|\u2192|->)?\s*"
    r"(?:the |a |an )?(?P<phrase>[A-Za-z][\w' -]{2,40}?)(?=\s*(?:[,.;)(]|$|\band [`*0$]))"
)
_NEXT = re.compile(r",?\s+(?:and|or|while)\s+[`*#]*(?:0x|\$|\d)")
_BEFORE = re.compile(
    r".*\b(?:the|a|an|spawns?|places?|and|or|like|of|for|give|gives|is|use|replace|add|puts?|with|to|in|as|"
    r"called|boss|enemy|named|also|then)\s+",
    re.I,
)
_NUMBERED = re.compile(rf"\b{_ID}", re.IGNORECASE)
_HEADER = re.compile(rf"\b(?P<kind>{_WORD})s?\b", re.IGNORECASE)
_MARKED = re.compile(r"^[`*]*(?:0x|\$|#\$)(?P<number>[0-9A-Fa-f]{1,3})[`*]*$")
_NUMBERS = re.compile(r"(?i)\bids?\b|number|hex|^(?:sprite|module|room|song)s?$")
_NUMERIC = re.compile(r"^(?:[0-9A-F]{2}|[0-9]+[A-F]?)$")


@lru_cache(maxsize=64)
def _names(kind: FactKind) -> tuple[tuple[int, str], ...]:
    """Return (entry, names in words) of a kind."""
    out: list[tuple[int, str]] = []
    for entry in facts().of_kind(kind):
        one = row(entry)
        if "." not in one.ref:
            out.append((entry, one.name))
    return tuple(out)


def check_ids(found: Passages) -> Iterator[Found]:
    """Give what is wrong in what a text says of ids."""
    for said in found.statements:
        if doubtful(said.text) or re.search(r"(?i)\bslots?\b(?! id)", said.text):
            continue
        for match in _IS.finditer(said.text):
            yield from _check(match, match["phrase"], said.start, said.text)
        for match in _THEN.finditer(said.text):
            yield from _check(match, match["phrase"], said.start, said.text)
        for match in _NAMED.finditer(said.text):
            phrase = _BEFORE.sub("", match["phrase"])
            if phrase:
                yield from _check(match, phrase, said.start, said.text)
        yield from _owned(said)
        yield from _chained(said)
    yield from _commented(found)
    for row_found in found.rows:
        if len(row_found.cells) > 1 and not doubtful(row_found.text):
            yield from _row(row_found)


def _row(found: TableRow) -> Iterator[Found]:
    """Check a table of ids: a column of numbers under a heading that says so, and the name beside it."""
    head = _HEADER.search(" ".join(found.header)) or _HEADER.search(found.around)
    numbers = [at for at, name in enumerate(found.header) if _NUMBERS.search(name)]
    place = next((at for at in numbers if at < len(found.cells) and _MARKED.match(found.cells[at][1])), -1)
    if head is None or not 0 <= place < len(found.cells) or place > 1:
        return
    marked = _MARKED.match(found.cells[place][1])
    if marked:
        start, text = found.cells[1 - place]
        kind, first, end = KINDS[head["kind"].lower()], found.cells[place][0], start + len(text)
        yield from compare(
            kind, [int(marked["number"], 16)], text, min(first, start), max(first + 1, end), marked["number"]
        )


def _commented(found: Passages) -> Iterator[Found]:
    """Check the ids in comments of code: `; hookshot = item 0x0A`."""
    for line in found.code:
        comment = split_comment(line.text)[1]
        start = line.start + line.text.rfind(comment)
        if comment and not doubtful(comment):
            for match in _IS.finditer(comment):
                yield from _check(match, match["phrase"], start, comment)
            for match in _NAMED.finditer(comment):
                yield from _check(match, _BEFORE.sub("", match["phrase"]), start, comment)


def _owned(said: Statement) -> Iterator[Found]:
    """Check `the id of P is N` and `P's id is N`."""
    for match in _OWNED.finditer(said.text):
        word, phrase, number = (match[name] or match[f"{name}2"] for name in ("kind", "phrase", "number"))
        span = (said.start + match.start(), said.start + match.end())
        kind = KINDS[str(word).lower()]
        yield from compare(kind, [int(number, 16)], _BEFORE.sub("", phrase), *span, number)


def _chained(said: Statement) -> Iterator[Found]:
    """Check the ids that follow the first of a list: `Sprite 0x54 is Lanmolas, 0x09 Moldorm`."""
    kinds: list[FactKind] = list({KINDS[match["kind"].lower()] for match in _NUMBERED.finditer(said.text)})
    head = _NUMBERED.search(said.text)
    if len(kinds) != 1 or head is None or addresses(said.text):
        return
    for match in _CHAIN.finditer(said.text, max(head.start(), head.start("number") - 6)):
        span = (said.start + match.start(), said.start + match.end())
        yield from compare(kinds[0], [int(match["number"], 16)], match["phrase"], *span, match["number"], said.text)


def _check(match: re.Match[str], phrase: str, start: int, text: str) -> Iterator[Found]:
    kind = KINDS[match["kind"].lower()]
    number = match["number"]
    if (
        kind == "overworld"
        and match["kind"].lower() in ("area", "screen")
        and not re.search(r"(?i)overworld|area id|light world|dark world", text)
    ):
        return
    if match["mark"]:
        numbers = [int(number, 16)]
    elif number.isdigit():
        numbers = list({int(number), int(number, 16)})
    elif _NUMERIC.match(number) and any(letter.isdigit() for letter in number):
        numbers = [int(number, 16)]
    else:
        return
    phrase = _NEXT.split(phrase)[0]
    yield from compare(kind, numbers, phrase, start + match.start(), start + match.end(), number, text)


def compare(
    kind: FactKind, numbers: list[int], phrase: str, start: int, end: int, shown: str, around: str = ""
) -> Iterator[Found]:
    """Give that a phrase means another id of a kind than each of the numbers that may be meant."""
    right = -1
    one: Row | None = None
    names = _names(kind)
    for number in numbers:
        one = numbered(kind, number)
        if one is None:
            return
        others = [(entry, name) for entry, name in names if entry != one.entry]
        at = misplaced(phrase, all_words(one), [name for _, name in others])
        if at < 0 and kind in ("module", "tile_type"):
            at = _exact(phrase, one.name, [name for _, name in others], around)
        if at < 0:
            at = _by_last_word(phrase, all_words(one), [name for _, name in others])
        if at < 0:
            return
        right = others[at][0]
    better = row(right)
    if one is None or (kind == "dungeon" and better == numbered(kind, numbers[0] * 2)):
        return  # dungeons are also counted one by one
    yield Found(
        "wrong-id",
        start,
        end,
        f"{one.id if len(numbers) == 1 else f'{kind} {shown}'} is not {' '.join(phrase.split())[:60]!r}: it "
        f"is {one.name}.",
        f"{better.name} is {better.id}.",
        behind(one),
    )


def _exact(phrase: str, here: str, others: list[str], around: str) -> int:
    """Return the name that a phrase is word for word, when nothing around says what else the name here says."""
    for part in said_as(phrase):
        words = frozenset(plain_words(part)) - {"the", "mode", "module", "normal", "play", "main", "gameplay", "dur"}
        mine = frozenset(plain_words(here)) - words
        found = [place for place, name in enumerate(others) if frozenset(plain_words(name)) == words]
        if len(found) == 1 and mine and not any(word[:4] in around.lower() for word in mine):
            return found[0]
    return -1


def _by_last_word(phrase: str, here: str, others: list[str]) -> int:
    """Return the place of the one name that is the last word of a phrase (`moon pearl` for `Pearl`); -1 if none is."""
    for part in said_as(phrase):
        words = part.lower().split()
        last = frozenset(plain_words(words[-1])) if 2 <= len(words) <= 3 else frozenset[str]()
        if last and not any(_shared(word, here) for word in plain_words(part)):
            found = [place for place, name in enumerate(others) if frozenset(plain_words(name)) == last]
            return found[0] if len(found) == 1 else -1
    return -1


def _shared(word: str, here: str) -> bool:
    return any(word[:5] in (other, other[:5]) for other in plain_words(here))
