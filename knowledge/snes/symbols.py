"""Symbol files read and written: WLA, no$sns, Mesen's labels and asar's own text; and asar's listing by line."""

import re
from collections.abc import Iterator, Mapping

from knowledge.m65816.program import Listing, SourceLine
from knowledge.snes.wla import read_wla

__all__ = ["listing_from_wla"]

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
