"""What an operand's expression comes to: numbers, symbols, sums and shifts, as all the assemblers write them."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

__all__ = ["LONGEST", "Number", "Token", "evaluate", "literal", "symbols_in", "tokens"]

LONGEST = 400
"""Characters of an expression that are looked at."""
_DEEPEST = 16
"""Parentheses and signs within each other that are followed."""
_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<hex>(?:\$|0[xX])[0-9A-Fa-f]+)"
    r"|(?P<bin>(?:%|0[bB])[01]+)"
    r"|(?P<dec>\d+)"
    r"|(?P<quote>'[^'\n]'|\"[^\"\n]*\")"
    r"|(?P<name>!\{\w+\}|!\w+|\{\w[\w.]*\}|<:?\w+>|[?@]?(?:\.*[^\W\d]\w*)(?:(?:::|\.|@)\w+)*)"
    r"|(?P<op><<|>>|\*\*|[-+*/&|^~()<>,:#=!])"
    r")"
)
_BINDS = {"|": 1, "^": 2, "&": 3, "<<": 4, ">>": 4, "+": 5, "-": 5, "*": 6, "/": 6}
_TOO_LARGE = 1 << 32


class Token(NamedTuple):
    """A piece of an expression."""

    kind: str
    """`hex`, `bin`, `dec`, `quote`, `name` or `op`."""
    text: str
    start: int
    end: int


class Number(NamedTuple):
    """What an expression comes to."""

    value: int
    size: int
    """Bytes that its longest number was written with (1, 2 or 3); 0 when it is a plain label, whose size the assembler
    chooses."""


def tokens(text: str) -> Iterator[Token]:
    """Give the pieces of an expression; it ends at what is no part of one."""
    text = text[:LONGEST]
    place = 0
    while match := _TOKEN.match(text, place):
        kind = match.lastgroup or ""
        yield Token(kind, match[kind], match.start(kind), match.end(kind))
        place = match.end()


def symbols_in(text: str) -> list[Token]:
    """Return the names in an expression, without those of functions (`bank(`, `.loword(`)."""
    every = list(tokens(text))
    names: list[Token] = []
    for place, token in enumerate(every):
        if token.kind == "name":
            called = place + 1 < len(every) and every[place + 1].text == "("
            if not called or token.text[0] in "!{<":
                names.append(token)
    return names


def literal(text: str) -> Number | None:
    """Return the value and size of one literal number: `$7E0010`, `%101`, `18`; None for anything else."""
    text = text.strip()
    if text[:1] == "$" or text[:2].lower() == "0x":
        digits = text[1 if text[0] == "$" else 2 :]
        return _hex(digits)
    if text[:1] == "%" and text[1:] and not text[1:].strip("01"):
        return _sized(int(text[1:60], 2), (len(text) + 6) // 8)
    if text.isascii() and text.isdigit() and len(text) < 12:
        value = int(text)
        return _sized(value, 1 if value < 0x100 else 2 if value < 0x10000 else 3)
    return None


def _hex(digits: str) -> Number | None:
    try:
        return _sized(int(digits[:12], 16), (len(digits) + 1) // 2)
    except ValueError:
        return None


def _sized(value: int, size: int) -> Number:
    return Number(value, max(1, min(size, 3)))


class _Unknown(Exception):
    """The expression has something in it that has no number."""


def evaluate(text: str, number_of: Callable[[str], Number | None]) -> Number | None:
    """Return what an expression comes to, None when a part of it is not known. `number_of` gives that of a name."""
    plain = literal(text)
    if plain is not None:
        return plain
    every = list(tokens(text))
    if not every or every[-1].end < len(text[:LONGEST].rstrip()) or len(text) > LONGEST:
        return None
    try:
        reader = _Reader(every, number_of)
        found = reader.sum(0, 0)
        return found if reader.place == len(every) else None
    except _Unknown:
        return None


class _Reader:
    """Reads an expression by precedence, from the tokens on."""

    def __init__(self, every: list[Token], number_of: Callable[[str], Number | None]) -> None:
        self._every = every
        self._number_of = number_of
        self.place = 0

    def _next(self) -> Token:
        return self._every[self.place] if self.place < len(self._every) else Token("", "", 0, 0)

    def sum(self, least: int, depth: int) -> Number:
        """Return a sum of terms that bind at least so strongly."""
        left = self._term(depth)
        while (operator := self._next().text) in _BINDS and _BINDS[operator] >= least:
            self.place += 1
            right = self.sum(_BINDS[operator] + 1, depth)
            left = Number(_apply(operator, left.value, right.value), max(left.size, right.size))
        return left

    def _term(self, depth: int) -> Number:
        token = self._next()
        self.place += 1
        if depth > _DEEPEST:
            raise _Unknown
        if token.kind in ("hex", "bin", "dec"):
            return self._known(literal(token.text))
        if token.kind == "name":
            return self._known(self._number_of(token.text))
        if token.text == "(":
            inner = self.sum(0, depth + 1)
            if self._next().text != ")":
                raise _Unknown
            self.place += 1
            return inner
        if token.text in ("-", "+", "~", "<", ">", "^"):
            return _signed(token.text, self._term(depth + 1))
        raise _Unknown

    @staticmethod
    def _known(number: Number | None) -> Number:
        if number is None:
            raise _Unknown
        return number


def _signed(sign: str, number: Number) -> Number:
    """Return a number behind a sign: `<` its low byte, `>` the next, `^` its bank, as ca65 and wla-dx have them."""
    value = number.value
    if sign in "<>^":
        return Number(value >> {"<": 0, ">": 8, "^": 16}[sign] & 0xFF, 1)
    return Number({"-": -value, "+": value, "~": ~value}[sign], number.size)


def _apply(operator: str, left: int, right: int) -> int:
    if (operator == "/" and not right) or (operator in ("<<", ">>") and not 0 <= right < 32):
        raise _Unknown
    value = {
        "|": lambda: left | right,
        "^": lambda: left ^ right,
        "&": lambda: left & right,
        "<<": lambda: left << right,
        ">>": lambda: left >> right,
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "/": lambda: left // right,
    }[operator]()
    if abs(value) >= _TOO_LARGE:
        raise _Unknown
    return value
