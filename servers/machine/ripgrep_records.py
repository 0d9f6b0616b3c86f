"""What `rg --json` prints of open files, read as it comes, with lines of any length in bounded memory."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Line", "Records"]

_LONGEST = 4 << 20
"""Bytes of a record; of a longer one only what stands before and behind the text is kept."""
_HEAD = 100
_MARK = b'},"line_number":'
"""Behind the text of a record: a quote in the text is escaped, so this can stand nowhere else."""
_ROOM = 1_000
_BEHIND = re.compile(
    rb'\},"line_number":(\d+),"absolute_offset":(\d+),"submatches":\[(?:\{"match":\{.{0,400}?\},"start":(\d+))?'
)


class Line(NamedTuple):
    """One line: its number, its text without `before` bytes, and the byte of the text at which the match begins.

    A line around a match has the start -1. A line too long to keep has an `offset` in the file and no text.
    """

    number: int
    text: bytes
    start: int
    before: int = 0
    offset: int = -1


class Records:
    """A reader of the records of open files; `take` gets the output in parts, `files` tells what was read."""

    def __init__(self, paths: Mapping[bytes, int], *, skip: Mapping[int, int]) -> None:
        """Know each file by the path that it is searched by; leave out the first matches of some."""
        self._paths, self._skip = paths, skip
        self._found: dict[int, list[Line]] = {}
        self._lines: list[Line] = []
        self._left = 0
        self._rest = b""
        self._long: _LongRecord | None = None

    def files(self) -> dict[int, list[Line]]:
        """Return the lines by descriptor."""
        return self._found

    def take(self, chunk: bytes) -> bool:
        """Read one part of the output."""
        if self._long is not None:
            end = chunk.find(b"\n")
            self._long.add(chunk if end < 0 else chunk[:end])
            if end < 0:
                return True
            self._add(self._long.line())
            self._long, chunk = None, chunk[end + 1 :]
        *records, self._rest = (self._rest + chunk).split(b"\n")
        for record in records:
            self._record(record)
        if len(self._rest) > _LONGEST:
            self._long, self._rest = _LongRecord(self._rest), b""
        return True

    def _record(self, record: bytes) -> None:
        kind = record[9:14]
        if kind == b"begin":
            data = json.loads(record)["data"]
            fd = self._paths[_bytes(data["path"])]
            self._lines, self._left = [], self._skip.get(fd, 0)
            self._found[fd] = self._lines
        elif kind == b"match" and self._left:
            self._pass()
        elif kind in (b"match", b"conte"):
            data = json.loads(record)["data"]
            start = data["submatches"][0]["start"] if data["submatches"] else 0
            text, before = _bytes(data["lines"]), data.get("before", 0)
            self._add(Line(data["line_number"] or 0, text, start if kind == b"match" else -1, before))

    def _add(self, line: Line) -> None:
        if line.start >= 0 and self._left:
            self._pass()
        else:
            self._lines.append(line)

    def _pass(self) -> None:
        self._left -= 1
        self._lines.clear()


class _LongRecord:
    """A record whose line is too long to keep."""

    def __init__(self, data: bytes) -> None:
        self._head = data[:_HEAD]
        self._window = self._behind = b""
        self.add(data)

    def add(self, data: bytes) -> None:
        if self._behind:
            self._behind += data[: max(0, _ROOM - len(self._behind))]
            return
        window = self._window + data
        at = window.find(_MARK)
        self._behind = window[at : at + _ROOM] if at >= 0 else b""
        self._window = window[-len(_MARK) :]

    def line(self) -> Line:
        found = _BEHIND.match(self._behind)
        number, offset, start = (int(found[1]), int(found[2]), int(found[3] or 0)) if found else (0, 0, 0)
        return Line(number, b"", start if self._head[9:14] == b"match" else -1, offset=offset)


def _bytes(value: object) -> bytes:
    """Return what ripgrep writes as text, or in base64 where it is not UTF-8."""
    named = cast("dict[str, str]", value)
    text = named.get("text")
    return base64.b64decode(named["bytes"]) if text is None else text.encode("utf-8")
