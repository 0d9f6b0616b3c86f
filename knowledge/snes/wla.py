"""The WLA symbol file as asar 1.91 writes it: labels, source files, and which line made which address."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from knowledge.snes.symbol_table import Problem, Problems, SymbolError

__all__ = [
    "LONGEST_LINE",
    "LONGEST_TEXT",
    "NAME",
    "LineAddress",
    "WlaFile",
    "note_repeats",
    "numbered_lines",
    "read_wla",
]

LONGEST_TEXT = 32_000_000
"""Characters a symbol file may have."""
LONGEST_LINE = 2_000
"""Characters a line may have."""

NAME = re.compile(r"[^\s\x00-\x1f\x7f\ud800-\udfff]{1,1000}")
"""What a name may be: no blanks, no control characters, no half of a surrogate pair."""
_LABEL = re.compile(r"([0-9A-Fa-f]{2}):([0-9A-Fa-f]{4})[ \t]+(\S.*)")
_LINE = re.compile(r"([0-9A-Fa-f]{2}):([0-9A-Fa-f]{4}) ([0-9A-Fa-f]{4}):([0-9A-Fa-f]{8})")
_FILE = re.compile(r"([0-9A-Fa-f]{4}) [0-9A-Fa-f]{8} (.+)")


class LineAddress(NamedTuple):
    """The address of the first byte that a command in the source made."""

    address: int
    """SNES address, 24 bits."""
    file: int
    """Number of the source file."""
    line: int
    """1-based, as asar says it: within a macro's body one too low."""


class WlaFile(NamedTuple):
    """A WLA symbol file."""

    labels: dict[str, int]
    """SNES address by label, without the anonymous ones (`:neg_1_1`), in the order of the addresses."""
    lines: tuple[LineAddress, ...]
    """In the order in which they were assembled."""
    files: dict[int, str]
    rom_crc32: str
    """CRC-32 of the image, 8 hex digits; empty when there is none."""
    problems: tuple[Problem, ...] = ()


def numbered_lines(text: str, problems: Problems) -> Iterator[tuple[int, str]]:
    """Give the lines that hold something, with their 1-based numbers; too long ones become problems.

    Raises SymbolError when the whole is too long.
    """
    if len(text) > LONGEST_TEXT:
        raise SymbolError(f"the symbol file has {len(text)} characters; split it below {LONGEST_TEXT}")
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if len(line) > LONGEST_LINE:
            problems.add(number, f"line of {len(line)} characters left out; the longest may have {LONGEST_LINE}")
        elif line.strip():
            yield number, line.strip()


def read_wla(text: str) -> WlaFile:
    """Read a WLA symbol file; what cannot be read is among the problems. Raises SymbolError when it is too long."""
    problems = Problems()
    labels: list[tuple[int, str, int]] = []
    lines: list[LineAddress] = []
    files: dict[int, str] = {}
    checksum, section = "", "labels"
    for number, line in numbered_lines(text, problems):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].lower()
        elif line.startswith(";"):
            continue
        elif section == "labels":
            labels += _label(number, line, problems)
        elif section == "addr-to-line mapping":
            lines += _address(number, line, problems)
        elif section == "source files" and (named := _FILE.fullmatch(line)):
            files[int(named[1], 16)] = named[2]
        elif section == "rom checksum":
            checksum = line[:8]
    return WlaFile(_by_address(labels, problems), tuple(lines), files, checksum, problems.listed())


def _label(number: int, line: str, problems: Problems) -> list[tuple[int, str, int]]:
    match = _LABEL.fullmatch(line)
    if match is None:
        problems.add(number, f"no label: {line[:60]!r}; expected `bb:aaaa name`")
        return []
    if not NAME.fullmatch(match[3]):
        problems.add(number, f"label with blanks or control characters left out: {match[3][:60]!r}")
        return []
    anonymous = match[3].startswith(":")
    return [] if anonymous else [(number, match[3], int(match[1] + match[2], 16))]


def _address(number: int, line: str, problems: Problems) -> list[LineAddress]:
    match = _LINE.fullmatch(line)
    if match is None:
        problems.add(number, f"no line address: {line[:60]!r}; expected `bb:aaaa ffff:llllllll`")
        return []
    return [LineAddress(int(match[1] + match[2], 16), int(match[3], 16), int(match[4], 16))]


def _by_address(labels: list[tuple[int, str, int]], problems: Problems) -> dict[str, int]:
    note_repeats(labels, problems)
    last = {name: address for _, name, address in labels}
    return dict(sorted(last.items(), key=lambda item: (item[1], item[0])))


def note_repeats(found: Iterable[tuple[int, str, int]], problems: Problems) -> None:
    """Note the names that come twice among (line, name, address)."""
    first: dict[str, tuple[int, int]] = {}
    for number, name, address in found:
        line, known = first.setdefault(name, (number, address))
        if line != number and address == known:
            problems.add(number, f"{name[:60]} comes twice, in line {line} too")
        elif line != number:
            problems.add(
                number, f"{name[:60]} is ${address:06X} here and ${known:06X} in line {line}; the last is kept"
            )
