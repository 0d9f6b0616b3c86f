"""What a search in files is asked, and the counts that it begins with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from heapq import nsmallest
from operator import methodcaller
from typing import Literal, NamedTuple, overload

from servers.machine.errors import ServerError

__all__ = ["Case", "CountReader", "Counts", "FileCount", "FileCounts", "Mode", "Query"]

Mode = Literal["regex", "literal", "word"]
"""What a pattern is: an expression of ripgrep, plain text, or plain text that stands as a word of its own."""
Case = Literal["smart", "sensitive", "ignore"]
"""`smart` ignores the case of a pattern without capitals."""

_PATTERN_LIMIT = 2_000
_GLOB_LIMIT = 500
_MOST_GLOBS = 50
_FIRST = 1_000
"""Files that are put in order at once."""
_COUNTS_LIMIT = 128 << 20
"""Bytes of names with their counts: about a million files."""
_ROW = re.compile(rb"(?:\./)?([^\0]*\0\d+)\n")
_NUMBER = re.compile(rb"\0(\d+)\n")
_SEARCHED = re.compile(rb"^(\d+) files searched$", re.MULTILINE)
_CAPITAL = re.compile(r"\\[pP]\{[^}]*\}|\\.|([A-Z])", re.DOTALL)


class Query(NamedTuple):
    """What is searched: a pattern for one line, and globs of ripgrep for the names of files."""

    pattern: str
    mode: Mode = "regex"
    case: Case = "smart"
    globs: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise ServerError for a pattern or a glob that is empty, too long, or no text that can be searched."""
        if not self.pattern:
            raise ServerError("the pattern is empty; give text to look for, or call list_files for names")
        if len(self.pattern) > _PATTERN_LIMIT:
            raise ServerError(
                f"the pattern has {len(self.pattern)} characters, more than {_PATTERN_LIMIT}; search a part of it"
            )
        if len(self.globs) > _MOST_GLOBS:
            raise ServerError(f"there are {len(self.globs)} globs, more than {_MOST_GLOBS}; give fewer")
        if "\n" in self.pattern or "\r" in self.pattern:
            raise ServerError("the pattern spans lines; search one line of it, then read around what is found")
        for text in (self.pattern, *self.globs):
            if "\0" in text or not _plain(text):
                raise ServerError("a NUL or a lone surrogate cannot be searched; leave it out, or use \\x00 in a regex")
        for glob in self.globs:
            if not glob.strip("!/ ") or len(glob) > _GLOB_LIMIT:
                raise ServerError(f"each glob has 1 to {_GLOB_LIMIT} characters, like *.asm or !build/**; correct it")

    def expression(self) -> str:
        """Return the query as one expression of ripgrep."""
        plain = self.pattern if self.mode == "regex" else re.escape(self.pattern)
        text = rf"(?:^|\W)(?:{plain})(?:\W|$)" if self.mode == "word" else plain
        capital = any(found[1] for found in _CAPITAL.finditer(self.pattern))
        folded = self.case == "ignore" or (self.case == "smart" and not capital)
        return f"(?i){text}" if folded else text


class FileCount(NamedTuple):
    """A file's path below the folder, and how many of its lines match."""

    path: bytes
    lines: int


class FileCounts(Sequence[FileCount]):
    """Files with their counts, in order of their paths; each is made when it is asked for, since most never are."""

    def __init__(self, rows: list[bytes]) -> None:
        """Take rows of a path, a NUL and a number, in any order."""
        self._rows = rows
        self._first = nsmallest(_FIRST, rows, key=_parts)
        self._sorted = len(self._first) == len(rows)
        if self._sorted:
            self._rows = self._first

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> FileCount: ...

    @overload
    def __getitem__(self, index: slice) -> list[FileCount]: ...

    def __getitem__(self, index: int | slice) -> FileCount | list[FileCount]:
        if isinstance(index, slice):
            return [_file(row) for row in self._up_to(index.stop)[index]]
        return _file(self._up_to(index + 1)[index])

    def _up_to(self, end: int | None) -> list[bytes]:
        """Return rows that are in order up to an index; few ask for more than the first ones."""
        if not self._sorted and end is not None and 0 < end <= len(self._first):
            return self._first
        if not self._sorted:
            self._rows.sort(key=_parts)
            self._sorted = True
        return self._rows


class Counts(NamedTuple):
    """The files that match, in order of their paths; not `complete` when time or memory ran out.

    `lines` counts their matching lines, `searched` all files that were read (0: not known), `unreadable` what could
    not be.
    """

    files: Sequence[FileCount]
    lines: int
    searched: int
    unreadable: int
    complete: bool


class CountReader:
    """A reader of what `rg --count --null --stats` prints."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._data = bytearray()

    def take(self, chunk: bytes) -> bool:
        """Read one part; False when there is more than is kept."""
        self._data += chunk
        return len(self._data) <= _COUNTS_LIMIT

    def counts(self, errors: str, *, complete: bool) -> Counts:
        """Return what was read, beside what the program said of its errors."""
        files = FileCounts(_ROW.findall(self._data))
        lines = sum(map(int, _NUMBER.findall(self._data)))
        searched = _SEARCHED.search(self._data, max(0, len(self._data) - 1_000))
        return Counts(files, lines, int(searched[1]) if searched else 0, errors.count("(os error"), complete)


_parts = methodcaller("replace", b"/", b"\0")
"""Returns what puts a path in order by its parts: no byte of a name is less than the one between them."""


def _file(row: bytes) -> FileCount:
    path, _, lines = row.partition(b"\0")
    return FileCount(path, int(lines))


def _plain(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
