"""Symbol files line by line: WLA, no$sns and asar's own text, read into symbols and written from them."""

import re
from collections.abc import Iterable, Iterator

from knowledge.snes.symbol_table import Problems, Symbol
from knowledge.snes.wla import NAME, numbered_lines, read_wla

__all__ = [
    "read_asar",
    "read_nocash",
    "read_wla_labels",
    "renamed",
    "write_asar",
    "write_nocash",
    "write_wla",
]

_NOCASH = re.compile(r"(?:[0-9A-Fa-f]{2})?([0-9A-Fa-f]{6})[ \t]+(\S.*)")
_ASSIGNED = re.compile(
    r"!?(?P<name>[A-Za-z_]\w*)[ \t]*:?=[ \t]*\$(?P<address>[0-9A-Fa-f]{1,6})[ \t]*(?:;[ \t]?(?P<comment>.*))?", re.ASCII
)
_ORG = re.compile(r"(?:org|base)[ \t]+\$(?P<address>[0-9A-Fa-f]{1,6})[ \t]*(?:;.*)?", re.IGNORECASE)
_LABEL = re.compile(r"(?P<name>[A-Za-z_]\w*):[ \t]*(?:;[ \t]?(?P<comment>.*))?", re.ASCII)
_ASAR_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_wla_labels(text: str, problems: Problems) -> Iterator[Symbol]:
    """Give the labels of a WLA symbol file."""
    wla = read_wla(text)
    for problem in wla.problems:
        problems.add(*problem)
    yield from (Symbol(name, address) for name, address in wla.labels.items())


def read_nocash(text: str, problems: Problems) -> Iterator[tuple[int, Symbol]]:
    """Give the symbols of a no$sns file with their lines: `00008002 Main_sub`; anonymous labels are left out."""
    for number, line in numbered_lines(text, problems):
        match = _NOCASH.fullmatch(line)
        if line.startswith(";"):
            continue
        if match is None or not NAME.fullmatch(match[2]):
            problems.add(number, f"no symbol: {line[:60]!r}; expected `00bbaaaa name`")
        elif not match[2].startswith((":", ".")):
            yield number, Symbol(match[2], int(match[1], 16))


def read_asar(text: str, problems: Problems) -> Iterator[tuple[int, Symbol]]:
    """Give the symbols of asar text with their lines: `Name = $7E0010`, `!Name = $7E0010`, and labels right behind an
    `org`; other commands are problems."""
    place: int | None = None
    for number, line in numbered_lines(text, problems):
        assigned, org, label = _ASSIGNED.fullmatch(line), _ORG.fullmatch(line), _LABEL.fullmatch(line)
        if line.startswith(";"):
            continue
        if assigned:
            yield number, Symbol(assigned["name"], int(assigned["address"], 16), 1, assigned["comment"] or "")
        elif org:
            place = int(org["address"], 16)
        elif label and place is not None:
            yield number, Symbol(label["name"], place, 1, label["comment"] or "")
        else:
            problems.add(number, f"no symbol: {line[:60]!r}; expected `Name = $bbaaaa`, or an org and a label")
            place = None


def renamed(symbols: Iterable[Symbol], allowed: re.Pattern[str], problems: Problems) -> Iterator[Symbol]:
    """Give the symbols with names that a format can hold; each change is a problem, and no two become the same."""
    every = list(symbols)
    taken = {symbol.name for symbol in every if allowed.fullmatch(symbol.name)}
    counts: dict[str, int] = {}
    for symbol in every:
        if allowed.fullmatch(symbol.name):
            yield symbol
            continue
        plain = re.sub(r"[^A-Za-z0-9_]", "_", symbol.name)
        plain = name = plain if allowed.fullmatch(plain) else f"_{plain}"
        while name in taken:
            counts[plain] = counts.get(plain, 1) + 1
            name = f"{plain}_{counts[plain]}"
        taken.add(name)
        problems.add(0, f"{symbol.name[:60]!r} is written as {name[:60]!r}: the format has no such name")
        yield symbol._replace(name=name)


def _plain(symbols: Iterable[Symbol], problems: Problems, form: str) -> Iterator[Symbol]:
    """Give the symbols that `address name` can hold."""
    lost = 0
    for symbol in symbols:
        if not NAME.fullmatch(symbol.name) or symbol.name.startswith((":", ".", ";", "[")):
            problems.add(0, f"{symbol.name[:60]!r} left out: {form} has no such name")
            continue
        lost += bool(symbol.comment) or symbol.size != 1
        yield symbol
    if lost:
        problems.add(0, f"{lost} comments or sizes left out: {form} has none; mlb holds them")


def write_wla(symbols: Iterable[Symbol], problems: Problems) -> str:
    """Return a WLA symbol file."""
    lines = [
        f"{symbol.address >> 16:02X}:{symbol.address & 0xFFFF:04X} {symbol.name}"
        for symbol in _plain(symbols, problems, "wla")
    ]
    return "\n".join(["; wla symbolic information file", "", "[labels]", *lines, ""])


def write_nocash(symbols: Iterable[Symbol], problems: Problems) -> str:
    """Return a no$sns symbol file."""
    lines = [f"{symbol.address:08X} {symbol.name}" for symbol in _plain(symbols, problems, "nocash")]
    return "\n".join([";no$sns symbolic information file", *lines, ""])


def write_asar(symbols: Iterable[Symbol], problems: Problems) -> str:
    """Return asar text that gives each name its address, to be included in a patch."""
    lines: list[str] = []
    sizes = 0
    for symbol in renamed(symbols, _ASAR_NAME, problems):
        comment = " ".join(re.sub(r"[\ud800-\udfff]", "?", symbol.comment).split())
        lines.append(f"{symbol.name} = ${symbol.address:06X}" + (f" ; {comment}" if comment else ""))
        sizes += symbol.size != 1
    if sizes:
        problems.add(0, f"{sizes} sizes left out: asar text has none; mlb holds them")
    return "\n".join(["; symbols for asar", *lines, ""])
