"""Exact text replaced in a file's bytes, and the difference that it makes, at the places where it was made."""

from __future__ import annotations

import codecs
import difflib
from typing import TYPE_CHECKING, NamedTuple

from servers.machine.errors import ServerError
from servers.machine.names import show
from servers.machine.wire import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MOST_PLACES", "Replacement"]

MOST_PLACES = 10_000
"""Places of one edit."""
_DIFF_LIMIT = 6_000
_LINES_NAMED = 8
_CONTEXT = 2
"""Lines shown before and behind a change."""
_PLACES_SHOWN = 200
_COMPARED = 400
"""Lines of one change that are compared with each other; longer ones are shown whole, the old before the new."""
_LINE = 400


class _Span(NamedTuple):
    """Whole lines of a file in which something is replaced: from this byte to that, and the places in them."""

    start: int
    end: int
    places: tuple[int, ...]


class Replacement:
    """One replacement, called with the bytes of the file. Bytes that are not UTF-8 stay as they are.

    Where a file's lines end in CRLF, so do those of the texts; a file that begins with the mark of UTF-16 stays so.
    """

    def __init__(self, path: str, old: bytes, new: bytes, count: int) -> None:
        """Replace `old` by `new`, both UTF-8, in a file that holds it exactly `count` times; `path` is for errors."""
        self._path, self._old, self._new, self._count = path, old, new, count
        self._before = b""
        self._places: list[int] = []

    def __call__(self, data: bytes) -> bytes:
        """Return the content with the replacement. Raises ServerError where the text is not there so often."""
        codec = _codec_of(data)
        text = self._decoded(data, codec) if codec else data
        if b"\r\n" in text and b"\r\n" not in self._old and text.count(b"\n") == text.count(b"\r\n"):
            self._old = self._old.replace(b"\n", b"\r\n")
            self._new = self._new.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        found = text.count(self._old)
        if found != self._count:
            raise ServerError(self._wrong(text, found))
        self._before, self._places = text, list(_places(text, self._old))
        after = text.replace(self._old, self._new)
        return after.decode("utf-8").encode(codec) if codec else after

    def _decoded(self, data: bytes, codec: str) -> bytes:
        try:
            return data.decode(codec).encode("utf-8")
        except UnicodeDecodeError as error:
            text = f"{show(self._path)} begins as UTF-16 and is not sound; write it whole with write_file"
            raise ServerError(text) from error

    def _wrong(self, data: bytes, found: int) -> str:
        if not found:
            near = _nearest(data, self._old)
            hint = f"; the nearest line is {near}" if near else ""
            if not self._old.isascii() and not _is_utf8(data):
                hint = "; it is not UTF-8, so that only text in plain ASCII is found in it"
            return f"{show(self._path)} does not hold that text{hint}; read the file and give the exact text"
        lines: list[str] = []
        for at in _places(data, self._old):
            if len(lines) == _LINES_NAMED:
                lines.append("...")
                break
            lines.append(str(data.count(b"\n", 0, at) + 1))
        every = f", or count={found} to replace all" if found <= MOST_PLACES else ""
        return (
            f"{show(self._path)} holds that text {found} times (lines {', '.join(lines)}), not {self._count}; give "
            f"more of the text around the place{every}"
        )

    def diff(self) -> str:
        """Return the unified difference at the first places, at most about 6,000 characters."""
        parts, told = [f"--- {self._path}\n+++ {self._path}"], 0
        line, at, moved = 1, 0, 0
        for span in self._spans():
            line, at = line + self._before.count(b"\n", at, span.start), span.start
            old, new = self._before[span.start : span.end], self._after(span)
            parts.append(_hunk(_lines(old), _lines(new), line, line + moved))
            moved += new.count(b"\n") - old.count(b"\n")
            told += len(span.places)
            if sum(map(len, parts)) > _DIFF_LIMIT:
                break
        more = len(self._places) - told
        return shorten("\n".join(parts), _DIFF_LIMIT) + (f"\n[... {more} more places ...]" if more else "")

    def _spans(self) -> Iterator[_Span]:
        """Give the lines that change with those around them; what touches is one span."""
        last: _Span | None = None
        for at in self._places[:_PLACES_SHOWN]:
            start, end = self._around(at)
            if last is not None and start > last.end:
                yield last
                last = None
            last = _Span(start, end, (at,)) if last is None else _Span(last.start, end, (*last.places, at))
        if last is not None:
            yield last

    def _around(self, at: int) -> tuple[int, int]:
        """Return where the lines around a place begin and end."""
        start, end = self._before.rfind(b"\n", 0, at) + 1, at + len(self._old)
        for _ in range(_CONTEXT):
            start = self._before.rfind(b"\n", 0, max(0, start - 1)) + 1
        for _ in range(_CONTEXT + 1):
            found = self._before.find(b"\n", end)
            end = len(self._before) if found < 0 else found + 1
        return start, end

    def _after(self, span: _Span) -> bytes:
        parts, at = list[bytes](), span.start
        for place in span.places:
            parts += [self._before[at:place], self._new]
            at = place + len(self._old)
        return b"".join([*parts, self._before[at : span.end]])


def _codec_of(data: bytes) -> str:
    """Return the codec of a text in UTF-16; empty for any other."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return ""
    marks = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
    return marks.get(data[:2], "")


def _places(data: bytes, text: bytes) -> Iterator[int]:
    at = data.find(text)
    while at >= 0:
        yield at
        at = data.find(text, at + len(text))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _lines(data: bytes) -> list[str]:
    lines = data.decode("utf-8", "backslashreplace").removeprefix("\ufeff").split("\n")
    return lines if lines[-1] else lines[:-1]


def _hunk(old: list[str], new: list[str], first: int, then: int) -> str:
    """Return one hunk of a unified difference; `first` and `then` are the numbers of the first lines."""
    head = f"@@ -{first},{len(old)} +{then},{len(new)} @@"
    if len(old) + len(new) > _COMPARED:
        return "\n".join([head, *(f"-{line}" for line in old), *(f"+{line}" for line in new)])
    lines = [head]
    for same, start, end, low, high in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if same == "equal":
            lines += [f" {line}" for line in old[start:end]]
        else:
            lines += [*(f"-{line}" for line in old[start:end]), *(f"+{line}" for line in new[low:high])]
    return "\n".join(line.removesuffix("\r") for line in lines)


def _nearest(data: bytes, old: bytes) -> str:
    """Return the line of a file that is most like the first line of a text that is not in it."""
    first = next((line for line in old.decode("utf-8", "replace").splitlines() if line.strip()), "")[:_LINE]
    lines = [line[:_LINE] for line in data[: 1 << 20].decode("utf-8", "replace").splitlines()[:20_000]]
    short = [line for line in lines if line.strip()]
    near = difflib.get_close_matches(first, short[:4_000], n=1, cutoff=0.6)
    return f"{lines.index(near[0]) + 1}: {show(near[0])}" if near else ""
