"""What asar says, read into data: its diagnostics, its prints and its symbol file.

The formats are those of asar 1.91: `FILE:LINE (called from FILE:LINE): error: (Ecode): message [source]` on
standard error, and the WLA symbol file.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from knowledge.m65816.program import Listing, SourceLine
from schemas.diagnostic import Diagnostic
from servers.machine.wire import clean, shorten

__all__ = ["SymbolFile", "listing", "parse_diagnostics", "parse_prints", "parse_symbols"]

_LONGEST_LINE = 4_000
_MOST_DIAGNOSTICS = 200
_DIAGNOSTIC = re.compile(
    r"^(?:(?P<file>[^\s:][^:]*?)(?::(?P<line>\d+))?(?P<calls>(?: \(called from [^()]+?:\d+\))*): )?"
    r"(?P<severity>error|warning): \((?P<code>[EW]\w+)\): (?P<message>.*)$"
)
_CALL = re.compile(r"\(called from ([^()]+?:\d+)\)")
_SOURCE = re.compile(r" \[(?P<source>[^\n]*)\]$")
_LABEL = re.compile(r"^([0-9A-Fa-f]{2}):([0-9A-Fa-f]{4}) ([^:\s].*)$")
_ADDRESS_TO_LINE = re.compile(r"^([0-9A-Fa-f]{2}):([0-9A-Fa-f]{4}) ([0-9A-Fa-f]{4}):([0-9A-Fa-f]{8})$")
_LAST_WORDS = ("Errors were detected while assembling the patch.", "A fatal error was detected while assembling")


class SymbolFile(NamedTuple):
    """A WLA symbol file. Addresses are 24-bit SNES addresses."""

    labels: dict[str, int]
    lines: tuple[tuple[int, int, int], ...]
    """(address, number of the file, 1-based line), in the order in which they were assembled."""
    files: dict[int, str]
    rom_crc32: str
    """CRC-32 of the image, 8 hex digits."""


def parse_diagnostics(stderr: str, *, lines: int) -> list[Diagnostic]:
    """Read asar's diagnostics in their order. `lines` is the length of the program: no line number is above it."""
    found: list[Diagnostic] = []
    for raw in stderr.splitlines():
        match = _DIAGNOSTIC.match(raw[:_LONGEST_LINE])
        if match is None or len(found) == _MOST_DIAGNOSTICS:
            continue
        message, source = match["message"], ""
        if place := _SOURCE.search(message):
            message, source = message[: place.start()], place["source"]
        call = _CALL.search(match["calls"] or "")
        found.append(
            Diagnostic(
                severity="error" if match["severity"] == "error" else "warning",
                code=match["code"],
                message=shorten(clean(message), 300),
                file=clean(match["file"] or "")[:100],
                line=min(int(match["line"] or 0), lines),
                source=clean(source)[:100],
                called_from=clean(call[1])[:100] if call else "",
            )
        )
    return found


def parse_prints(stdout: str) -> list[str]:
    """Return what the program printed, a line each, without asar's own last words."""
    lines = stdout.splitlines()
    while lines and (not lines[-1].strip() or lines[-1].startswith(_LAST_WORDS)):
        lines.pop()
    return lines


def parse_symbols(text: str) -> SymbolFile:
    """Read a WLA symbol file: labels by address, without the anonymous ones (+ and -)."""
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        if line.startswith("[") and line.endswith("]"):
            current = sections.setdefault(line[1:-1], [])
        elif line and not line.startswith(";"):
            current.append(line)
    found = (match for match in map(_LABEL.match, sections.get("labels", ())) if match is not None)
    by_address = sorted((int(match[1] + match[2], 16), match[3]) for match in found)
    labels = {name: address for address, name in by_address}
    checksum = sections.get("rom checksum", [""])[0]
    return SymbolFile(labels, _lines(sections.get("addr-to-line mapping", ())), _files(sections), checksum)


def _lines(section: Sequence[str]) -> tuple[tuple[int, int, int], ...]:
    return tuple(
        (int(match[1] + match[2], 16), int(match[3], 16), int(match[4], 16))
        for match in map(_ADDRESS_TO_LINE.match, section)
        if match is not None
    )


def _files(sections: dict[str, list[str]]) -> dict[int, str]:
    files: dict[int, str] = {}
    for line in sections.get("source files", ()):
        number, _, rest = line.partition(" ")
        files[int(number, 16)] = rest.partition(" ")[2]
    return files


def listing(symbols: SymbolFile, texts: Mapping[str, str]) -> Listing:
    """Put the lines of a program's files beside the address where each began to write, -1 where it wrote nothing."""
    first: dict[tuple[str, int], int] = {}
    for address, file, line in symbols.lines:
        first.setdefault((symbols.files.get(file, ""), line), address)
    lines = [
        SourceLine(name, number, line, first.get((name, number), -1))
        for name, text in texts.items()
        for number, line in enumerate(text.split("\n"), start=1)
    ]
    return Listing(tuple(lines), symbols.labels)
