"""Symbol files read and written: WLA, no$sns, Mesen's labels and asar's own text; and asar's listing by line."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, get_args

from knowledge.m65816.program import Listing, SourceLine
from knowledge.snes.mapping import Mapper
from knowledge.snes.symbol_mlb import MEMORIES, read_mlb, write_mlb
from knowledge.snes.symbol_table import Problem, Problems, SymbolError, SymbolTable, table_of
from knowledge.snes.symbol_text import read_asar, read_nocash, read_wla_labels, write_asar, write_nocash, write_wla
from knowledge.snes.wla import note_repeats, read_wla

__all__ = ["FORMATS", "Format", "Written", "detect", "listing_from_wla", "read_symbols", "write_symbols"]

Format = Literal["wla", "nocash", "mlb", "asar"]
FORMATS: tuple[Format, ...] = get_args(Format)
"""WLA and no$sns as asar writes them, Mesen's labels, and `Name = $7E0010` lines for asar."""

_NO_SNS = re.compile(r"[0-9A-Fa-f]{6,8}[ \t]+\S")
_WLA = re.compile(r"\[[\w -]+\]|[0-9A-Fa-f]{2}:[0-9A-Fa-f]{4}[ \t]")
_MLB = re.compile(rf"(?:{'|'.join(MEMORIES)}|Spc\w+|Sa1\w+|Gsu\w+|[A-Z]+):[0-9A-Fa-f]")
_ASAR = re.compile(r"!?[A-Za-z_]\w*[ \t]*:?=|org\b|[A-Za-z_]\w*:(?:[ \t]|$)", re.IGNORECASE)
_MACRO = re.compile(r"\s*(macro\s+\w+\s*\(|endmacro\b)", re.IGNORECASE)


def listing_from_wla(text: str, sources: Mapping[str, str]) -> Listing:
    """Return the listing of a program from asar's WLA symbols and the text of its source files by name.

    Every line of every source is in it, in the order of the files and their lines. A line that made bytes several
    times (two commands on a line, a macro, a loop) comes once for each address; one that made none has address -1. The
    lines of a macro's body, which asar 1.91 numbers one too low, are put right. A file without text has the lines that
    made bytes, with empty text. Raises SymbolError when the symbol file is too long.
    """
    wla = read_wla(text)
    made: dict[int, dict[int, list[int]]] = {number: {} for number in wla.files}
    texts = {number: _split(sources.get(name, "")) for number, name in wla.files.items()}
    shifted = {number: _macro_lines(lines) for number, lines in texts.items()}
    for address, file, line in wla.lines:
        if file in made:
            made[file].setdefault(line + (line in shifted[file]), []).append(address)
    lines: list[SourceLine] = []
    for file in sorted(made):
        lines += _listed(wla.files[file], texts[file], made[file])
    return Listing(tuple(lines), wla.labels)


def _macro_lines(lines: list[str]) -> set[int]:
    """Return the line numbers that asar gives to the commands of macro bodies."""
    found: set[int] = set()
    start = 0
    for number, line in enumerate(lines, 1):
        match = _MACRO.match(line)
        if match and match[1].lower() == "endmacro":
            found.update(range(start, number - 1) if start else ())
            start = 0
        elif match and not start:
            start = number
    return found


def _listed(name: str, texts: list[str], made: dict[int, list[int]]) -> Iterator[SourceLine]:
    for number, text in enumerate(texts, 1):
        for address in sorted(made.get(number, (-1,))):
            yield SourceLine(name, number, text.rstrip("\r"), address)
    for number in sorted(line for line in made if line > len(texts)):
        for address in sorted(made[number]):
            yield SourceLine(name, number, "", address)


def _split(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


class Written(NamedTuple):
    """A symbol file as text."""

    text: str
    problems: tuple[Problem, ...]
    """Names that were changed, and what the format cannot hold."""


def detect(text: str) -> Format:
    """Return the format that the first telling line is in. SymbolError when there is none."""
    for line in text[:100_000].removeprefix("\ufeff").split("\n"):
        start = line.strip()[:200]
        if not start or start.startswith(";"):
            continue
        for form, pattern in (("wla", _WLA), ("mlb", _MLB), ("nocash", _NO_SNS), ("asar", _ASAR)):
            if pattern.match(start):
                return form  # type: ignore[return-value]  # the four names above are the formats
        break
    raise SymbolError(f"no known symbol format; give format as one of {', '.join(FORMATS)}")


def read_symbols(text: str, format: str = "", *, mapper: Mapper = "lorom") -> SymbolTable:
    """Return the symbols of a text in a format, or in the one that it looks like.

    Lines that cannot be read, and names that come twice, are in the table's problems with their line numbers. `mapper`
    turns Mesen's ROM offsets into SNES addresses. SymbolError when the format is unknown or the text is too long.
    """
    form = _checked(format) if format else detect(text)
    problems = Problems()
    if form == "wla":
        return table_of(read_wla_labels(text, problems), problems)
    if form == "mlb":
        found = read_mlb(text, problems, mapper)
    else:
        found = read_nocash(text, problems) if form == "nocash" else read_asar(text, problems)
    kept = list(found)
    note_repeats(((number, symbol.name, symbol.address) for number, symbol in kept), problems)
    return table_of((symbol for _, symbol in kept), problems)


def _checked(format: str) -> Format:
    for known in FORMATS:
        if format == known:
            return known
    raise SymbolError(f"no symbol format {format[:40]!r}; it is one of {', '.join(FORMATS)}")


def write_symbols(table: SymbolTable, format: str, *, mapper: Mapper = "lorom") -> Written:
    """Return a table as text in a format; what the format cannot hold is in the problems. SymbolError when the format
    is unknown."""
    form, problems = _checked(format), Problems()
    if form == "mlb":
        text = write_mlb(table.symbols, problems, mapper)
    else:
        write = {"wla": write_wla, "nocash": write_nocash, "asar": write_asar}[form]
        text = write(table.symbols, problems)
    return Written(text, problems.listed())
