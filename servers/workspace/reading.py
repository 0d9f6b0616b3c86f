"""Reading a file of the workspace: a range of bytes or lines, in its own encoding; of a binary file, its bytes."""

from __future__ import annotations

import base64
import codecs
import os
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.errors import ServerError
from servers.machine.face import READS, Face
from servers.machine.names import show
from servers.machine.paging import END, PAGE_BUDGET
from servers.machine.wire import clean, weight
from servers.workspace.opened import Opened, named

if TYPE_CHECKING:
    from servers.machine.beneath import Chunk, Root

__all__ = ["Encoding", "FileText", "offer_reading", "show_file"]

Encoding = Literal["auto", "utf-8", "utf-16", "latin-1", "cp1252", "shift_jis", "euc_jp", "hex", "base64"]
"""How bytes become text: `auto` takes the byte order mark, else UTF-8."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_SCAN_LIMIT = 512 << 20
_CHUNK = 1 << 20
_ROW = 16


class FileText(Frozen):
    """A range of a file as text; offsets and sizes are bytes."""

    path: str
    text: str
    offset: int
    next_offset: int = Field(description="offset of the next page; -1 at the end of the file")
    size: int
    etag: str = Field(description="give it to write_file or edit_file to be sure that nobody changed the file")
    encoding: str
    first_line: int = Field(default=0, description="number of the first line shown; 0: not counted")
    note: str = ""

    def as_text(self) -> str:
        """Return a line about the file and the range, then the text itself."""
        more = "" if self.next_offset == END else f"; more: call again with offset={self.next_offset}"
        line = f", line {self.first_line} on" if self.first_line else ""
        note = f"; {self.note}" if self.note else ""
        head = f"{self.path} (from byte {self.offset} of {self.size}{line}, {self.encoding}, etag {self.etag}"
        return f"{head}{note}{more})\n\n{self.text}"


class _Range(NamedTuple):
    """What of a file is shown: from this byte on, at most so many; the line that begins there."""

    offset: int
    limit: int
    line: int = 0


class _Text(NamedTuple):
    text: str
    used: int
    note: str = ""


def show_file(
    opened: Opened, path: str, *, offset: int, limit: int, line: int = 0, lines: int = 0, encoding: Encoding = "auto"
) -> FileText:
    """Return a range of a file: by bytes, or `lines` lines from `line` on (negative: from the end).

    Raises ServerError: nothing there, no regular file, binary (with what shows it), a range behind the end.
    """
    with opened.at(named(path)) as (root, inner):
        wanted = _range(root, inner, offset=offset, limit=limit, line=line, lines=lines)
        chunk = root.read(inner, limit=wanted.limit + 4, offset=wanted.offset)
        if wanted.offset and wanted.offset >= chunk.size:
            raise ServerError(
                f"offset {wanted.offset} is past the end of {show(path)} ({chunk.size} bytes); start at offset 0"
            )
        name = _encoding(root, inner, chunk, wanted, asked=encoding)
    shown = _shown(chunk.data, name, wanted, last=wanted.offset + len(chunk.data) >= chunk.size)
    end = wanted.offset + shown.used
    return FileText(
        path=path,
        text=shown.text,
        offset=wanted.offset,
        next_offset=end if end < chunk.size and shown.used else END,
        size=chunk.size,
        etag=chunk.etag,
        encoding=name,
        first_line=wanted.line,
        note=shown.note,
    )


def _range(root: Root, path: str, *, offset: int, limit: int, line: int, lines: int) -> _Range:
    if not line and not lines:
        return _Range(offset if offset >= 0 else max(0, root.state(path).size + offset), limit)
    if offset:
        raise ServerError("give offset or line, not both; offset counts bytes, line counts lines")
    with root.opened(path) as fd:
        size = os.fstat(fd).st_size
        if size > _SCAN_LIMIT:
            raise ServerError(f"{show(path)} has {size} bytes, too many to count its lines; use offset")
        first = line or 1
        if first < 0:
            first = max(1, _count(fd) + 1 + first)
        start = _start_of(fd, first)
        if start is None:
            raise ServerError(f"{show(path)} has only {_count(fd)} lines; ask for a lower line")
        end = _start_of(fd, lines + 1, start=start) if lines else None
    return _Range(start, min(limit, (size if end is None else end) - start), first)


def _count(fd: int) -> int:
    """Count the lines of a file; the last one need not end."""
    count, offset, last = 0, 0, b"\n"
    while part := os.pread(fd, _CHUNK, offset):
        count += part.count(b"\n")
        offset, last = offset + len(part), part[-1:]
    return count + (last != b"\n")


def _start_of(fd: int, line: int, start: int = 0) -> int | None:
    """Return the byte at which a line begins, counted from `start`; None behind the end."""
    left, offset = line - 1, start
    while left > 0:
        part = os.pread(fd, _CHUNK, offset)
        if not part:
            return None
        found = part.count(b"\n")
        if found < left:
            left, offset = left - found, offset + len(part)
            continue
        at = -1
        for _ in range(left):
            at = part.index(b"\n", at + 1)
        offset, left = offset + at + 1, 0
    return offset if offset < os.fstat(fd).st_size or line == 1 else None


def _encoding(root: Root, path: str, chunk: Chunk, wanted: _Range, *, asked: Encoding) -> str:
    """Return the codec to read with; refuse to show a binary file as text."""
    head = chunk.data if not wanted.offset else root.read(path, limit=4, tagged=False).data
    mark = next((name for bom, name in _MARKS if head.startswith(bom)), "")
    if asked == "utf-16":
        return mark if mark.startswith("utf-16") else "utf-16-le"
    if asked != "auto":
        return asked
    if mark:
        return mark
    if b"\0" in chunk.data:
        raise ServerError(
            f"{show(path)} is a binary file of {chunk.size} bytes; encoding hex or base64 shows its bytes, and "
            "encoding utf-16 a text without byte order mark"
        )
    return "utf-8"


def _shown(data: bytes, name: str, wanted: _Range, *, last: bool) -> _Text:
    room = wanted.limit
    while True:
        found = _decoded(_cut(data, room, name), name, wanted.offset, last=last and room >= len(data))
        written = weight(found.text)
        if written <= PAGE_BUDGET or room <= _ROW:
            return found
        room = max(_ROW, min(room - 1, found.used * PAGE_BUDGET // written))


def _cut(data: bytes, room: int, name: str) -> bytes:
    """Cut to `room` bytes, behind a line's end where one is near."""
    if len(data) <= room:
        return data
    if name == "hex":
        return data[: max(_ROW, room // 5 // _ROW * _ROW)]
    if name == "base64":
        return data[: max(3, room // 4 * 3)]
    line = data.rfind(b"\n", room // 2, room) + 1 if not name.startswith("utf-16") else 0
    return data[: line or room]


def _decoded(data: bytes, name: str, offset: int, *, last: bool) -> _Text:
    if name == "hex":
        rows = range(0, len(data), _ROW)
        lines = [f"{offset + row:06X}: {data[row : row + _ROW].hex(' ').upper()}" for row in rows]
        return _Text("\n".join(lines), len(data), "bytes in hexadecimal, 16 a line, after their offset")
    if name == "base64":
        return _Text(base64.b64encode(data).decode("ascii"), len(data), "bytes in base64")
    codec = "utf-8" if name == "utf-8-sig" else name
    decoder = codecs.getincrementaldecoder(codec)("backslashreplace")
    text = decoder.decode(data, final=last)
    used = len(data) - len(decoder.getstate()[0])
    strange = text.encode(codec, "replace") != data[:used]
    notes = [f"not {codec}: odd bytes are shown as \\xNN"] if strange else []
    text = text.removeprefix("\ufeff") if not offset else text
    if clean(text) != text:
        notes.append("control characters are shown as \\xNN or \\uNNNN")
    return _Text(text, used, "; ".join(notes))


def offer_reading(face: Face, opened: Opened) -> None:
    """Offer `read_file`."""

    @face.offer(READS, title="Read a file")
    def read_file(
        path: Annotated[str, Field(description="file, relative to the workspace root or absolute inside it")],
        offset: Annotated[
            int,
            Field(
                ge=-1_000_000_000_000,
                le=1_000_000_000_000,
                description="byte to begin at; negative: from the end; -1000000000000 to 1000000000000",
            ),
        ] = 0,
        limit: Annotated[int, Field(ge=100, le=30_000, description="bytes to return, 100 to 30000")] = 8_000,
        line: Annotated[
            int,
            Field(
                ge=-1_000_000_000,
                le=1_000_000_000,
                description="line to begin at; -20: the last 20; 0: use offset; -1000000000 to 1000000000",
            ),
        ] = 0,
        lines: Annotated[int, Field(ge=0, le=5_000, description="lines to return, 0 to 5000; 0: as fit")] = 0,
        encoding: Annotated[
            Encoding, Field(description="auto: byte order mark, else UTF-8; hex, base64: bytes")
        ] = "auto",
    ) -> FileText:
        """Read a text file of the workspace by bytes or lines. A long file comes in pages: use next_offset."""
        return show_file(opened, path, offset=offset, limit=limit, line=line, lines=lines, encoding=encoding)
