"""Checks of sizes: how many bytes a variable or a register has, how many elements an array."""

import re
from collections.abc import Iterator

from knowledge.alttp.validation.assembly import is_mnemonic
from knowledge.alttp.validation.check_code import register_fact
from knowledge.alttp.validation.claims import Address, addresses, doubtful
from knowledge.alttp.validation.found import Found
from knowledge.alttp.validation.known import Row, behind, rows_at
from knowledge.alttp.validation.passages import Passages, Statement, TableRow
from knowledge.snes.addresses import fold, show
from knowledge.snes.registers import Register, find_register, register_at

__all__ = ["check_sizes", "measured"]

_COUNT = r"(?P<n>\d{1,4}|one|two|three|four|single|sixteen|eight|ten|twelve)"
_WORDS = {"one": 1, "single": 1, "two": 2, "three": 3, "four": 4, "eight": 8, "ten": 10, "twelve": 12, "sixteen": 16}
_BYTES = re.compile(
    rf"(?<![$#%x.,+-])\b(?:{_COUNT}[- ]bytes?\b"
    r"(?!\s+(?:apart|later|before|after|into|offset|header|opcode|instruction|per))"
    r"|(?P<bits>8|16|24)[- ]bits?\b|(?P<word>word)(?:(?:-sized| variable| value)\b|(?=\s*(?:[.,;)]|$))))"
    r"(?!\s*(?:mode|write|writes|read|reads|access|accesses|accumulator|A\b|store|load|loads|stores|index|"
    r"registers? mode|compare|comparison|math|"
    r"arithmetic|operation|lda|sta|add|addition|copy|rep|m\b|x\b|immediate|pixel|tile|colou?r))",
    re.IGNORECASE,
)
_ELEMENTS = re.compile(
    rf"(?<![$#%x.,+-])\b{_COUNT}[- ](?:entries|entry|slots?|sprites?|elements?|element|enemies|ancillae)\b",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:'s|\u2019s)\W*$|\b(?:is|are|as|has|holds|stores|a|an|the|=|:|takes?(?: up)?|occup(?:y|ies)|uses|spans|"
    r"size|long|wide|of|only|just|and|both|stored as|\()\W*$",
    re.IGNORECASE,
)
_LISTED = re.compile(r"^[\s*+\u2022`-]*\$[0-9A-Fa-f:]{4,7}[`*]*\s[^.;\n]{2,60},\s*$")
"""An item of a list that ends with the size: `- $7EF359 sword, 1 byte`."""
_ACCESSED = re.compile(
    r"\b(?:rep|sep|lda|sta|in 16-bit|in 8-bit|with (?:a )?16-bit|with (?:an )?8-bit|pair|pairs|together|"
    r"combined|along with|low byte|high byte|twice|two writes|split|(?:bytes?|bits?|words?) (?:per|for each) "
    r"(?:entry|sprite|slot|element|channel|"
    r"dungeon|area|room)|each (?:entry|element|slot|one)?|latch\w*|pointer to|little[- ]endian)\b",
    re.IGNORECASE,
)
_OTHERWISE = re.compile(
    r"\b(?:it|also|writes?|overwrites?|wide|mode|accumulator|when|if|while|would|result)\b", re.IGNORECASE
)
_SLOTS = 20  # bytes: the arrays of sprites and followers have one byte for each
_LARGE = 0x400


def _number(match: re.Match[str]) -> int:
    part = match.groupdict()
    if part.get("bits"):
        return int(part["bits"]) // 8
    if part.get("word"):
        return 2
    text = part["n"].lower()
    return _WORDS.get(text) or int(text)


def _whole(address: Address) -> int:
    value = address.value
    return 0x7E0000 | value if address.digits == 4 and 0xC000 <= value < 0xF500 else fold(value)


def measured(address: Address) -> Row | None:
    """Return the row that begins at an address and has a documented size."""
    value = _whole(address)
    found = [one for one in rows_at(value) if one.address == value and one.kind == "ram" and one.measured and one.solid]
    inside = any(one.address < value and one.title for one in rows_at(value))
    return found[0] if len(found) == 1 and not inside and found[0].said.isdisjoint(("jp", "us")) else None


def check_sizes(found: Passages) -> Iterator[Found]:
    """Give what is wrong in what a text says of sizes."""
    for said in found.statements:
        if not doubtful(said.text) and not _ACCESSED.search(said.text):
            yield from _statement(said)
            yield from _slots(said)
    for row in found.rows:
        yield from _columns(row)


_SLOT_ARRAYS = {"sprite": 0x7E0E20, "ancilla": 0x7E0C4A, "overlord": 0x7E0B00, "garnish": 0x7FF800}
"""Where each kind of object has its types, one byte a slot."""
_KIND_SLOTS = re.compile(
    rf"\b(?:there (?:are|is room for)|(?:the game|alttp|it|snes|you|which) (?:has|have|supports?))\s+"
    rf"(?:(?:only|exactly|just|room for|always)\s+)*[*`_]*"
    rf"{_COUNT.replace('|one|', '|thirty|five|six|seven|nine|one|')}[*`_]*"
    r"\s+(?P<kind>sprite|ancilla|overlord|garnish) slots?\b(?! (?:left|free|for|that|which|in use|open|reserved))",
    re.IGNORECASE,
)


def _slots(said: Statement) -> Iterator[Found]:
    """Check how many slots a kind of object is said to have."""
    for match in _KIND_SLOTS.finditer(said.text):
        start = _SLOT_ARRAYS[match["kind"].lower()]
        row = next((one for one in rows_at(start) if one.address == start and one.measured), None)
        number = {"thirty": 30, "five": 5, "six": 6, "seven": 7, "nine": 9}.get(match["n"].lower()) or _number(match)
        if row and row.size != number:
            yield from _of_row(row, number, (said.start + match.start(), said.start + match.end()), elements=True)


def _statement(said: Statement) -> Iterator[Found]:
    there = addresses(said.text)
    for pattern, elements in ((_BYTES, False), (_ELEMENTS, True)):
        for match in pattern.finditer(said.text):
            head = said.text[max(0, match.start() - 90) : match.start()]
            line_ends = said.text[match.end() : match.end() + 1] in ("", "\n")
            if not _ABOUT.search(head[-16:]) and not (line_ends and _LISTED.match(head)):
                continue
            span = (said.start + match.start(), said.start + match.end())
            if elements and _EVERY.search(said.text) and len(there) > 1:
                yield from _of_each(there, _number(match), span)
                continue
            one = _meant(there, said.text, match.start())
            if one is None:
                yield from _of_named(said.text, _number(match), span, elements=elements)
                continue
            register = register_at(one.value) if one.digits == 4 else None
            if register:
                yield from _of_register(register, _number(match), span, elements=elements)
            elif row := measured(one):
                yield from _of_row(row, _number(match), span, elements=elements)


_EVERY = re.compile(r"\b(?:each|every|all|both)\b", re.IGNORECASE)


def _of_each(there: list[Address], number: int, span: tuple[int, int]) -> Iterator[Found]:
    """Check a number of elements that is said of each of several arrays, which all have the same."""
    rows = [measured(one) for one in there]
    sizes = {row.size for row in rows if row}
    first = rows[0]
    if first and None not in rows and len(sizes) == 1 and first.size > 4:
        yield from _of_row(first, number, span, elements=True)


_ANOTHER = re.compile(r",?\s+and\s+(?:the|an?|its|this|that)\s+\W*$", re.IGNORECASE)
"""What begins to speak of another thing, right before its size: `$0BE0, and the 56-byte table`."""


def _meant(there: list[Address], text: str, at: int) -> Address | None:
    """Return the address that a size is said of: the only one, or the one just before it."""
    if len({_whole(one) for one in there}) == 1:
        if there[0].end < at and _ANOTHER.search(text, there[0].end, at):
            return None
        between = text[at : there[0].start] if there[0].start > at else ""
        return None if len(between) > 60 or _OTHERWISE.search(between) else there[0]
    before = [one for one in there if one.end <= at]
    near = before[-1] if before and at - before[-1].end < 40 else None
    if near and len(before) > 1 and near.start - before[-2].end < 14:
        return None  # several are named together
    return near if near and not re.search(r"[.;]\s|\band\b|\bto\b", text[near.end : at]) else None


def _of_named(text: str, number: int, span: tuple[int, int], *, elements: bool) -> Iterator[Found]:
    """Check a size that is said of a register by name alone."""
    named = {name for name in re.findall(r"\b[A-Z][A-Z0-9]{3,9}\b", text) if find_register(name)}
    register = (
        find_register(next(iter(named)))
        if len(named) == 1 and not _OTHERWISE.search(text) and not addresses(text)
        else None
    )
    if register:
        yield from _of_register(register, number, span, elements=elements)


def _of_register(register: Register, number: int, span: tuple[int, int], *, elements: bool) -> Iterator[Found]:
    paired = register_at(register.address + 1) if register.name.endswith("L") or "low" in register.description else None
    if elements or number == 1 or register.width != 1 or paired or number not in (2, 3) or register.width_note:
        return
    yield Found(
        "wrong-size",
        *span,
        f"{register.name} ({register.spelled}) is not {number} bytes.",
        "It is 1 byte.",
        register_fact(register),
    )


def _of_row(one: Row, number: int, span: tuple[int, int], *, elements: bool) -> Iterator[Found]:
    if number < 1 or number > _LARGE or one.size > _LARGE:
        return
    array = one.size > 4
    if elements:
        wrong = array and "array" in one.said and number not in (one.size, one.size // 2, one.size // 4)
    elif array:
        wrong = number > 2 and number not in (one.size, 3, 4) and not (number * 2 == one.size and one.size > _SLOTS)
    else:
        wrong = number != one.size and number <= 4 and not _goes_on(one, number)
    if wrong:
        what = "elements" if elements else f"byte{'s' if one.size != 1 else ''}"
        yield Found(
            "wrong-size",
            *span,
            f"{show(one.address)} is not {number} "
            f"{'elements' if elements else f'byte{chr(115) if number != 1 else str()}'} long.",
            f"It has {one.size} {what}.",
            behind(one),
        )


def _goes_on(one: Row, number: int) -> bool:
    """Tell whether the bytes behind a row belong to it under a name of their own: a high byte."""
    if number < one.size:
        return False
    behind_it = rows_at(one.address + one.size)
    return (
        any(not next_one.title.isdisjoint(("high", "hi", "upp")) or "copy" in next_one.title for next_one in behind_it)
        or not behind_it
    )


_SIZE = re.compile(r"\b(?:size|bytes|length|width|len)\b")


def _is_code(text: str) -> bool:
    """Tell whether a cell is an instruction, whose size is no variable's."""
    word = re.match(r"[`*\s]*([A-Za-z]{3})\b", text)
    return word is not None and is_mnemonic(word[1])


def _columns(found: TableRow) -> Iterator[Found]:
    place = next((place for place, name in enumerate(found.header) if _SIZE.search(name)), -1)
    if place < 0 or place >= len(found.cells) or doubtful(found.text):
        return
    there = [
        one for start, text in found.cells if len(text) < 40 and not _is_code(text) for one in addresses(text, start)
    ]
    text = found.cells[place][1].strip("`* ")
    match = re.fullmatch(r"(?P<n>\d{1,4})(?: ?(?:bytes?|b))?", text, re.IGNORECASE) or re.fullmatch(
        r"(?P<bits>8|16|24)[- ]bits?", text
    )
    if len(there) != 1 or match is None:
        return
    span = (found.cells[place][0], found.cells[place][0] + len(found.cells[place][1]))
    register = register_at(there[0].value) if there[0].digits == 4 else None
    if register:
        yield from _of_register(register, _number(match), span, elements=False)
    elif one := measured(there[0]):
        yield from _of_row(one, _number(match), span, elements=False)
