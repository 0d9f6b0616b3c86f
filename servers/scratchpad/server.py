"""The `scratchpad` server: short-lived working notes of agents, in one folder of the context root.

Many processes write here at once: each write is whole, and appends of several agents lose nothing and do not mix.
The folder is `scratchpad/`, or `scratchpad/common/` where the context root has layout version 2.
"""

import contextlib
from collections.abc import Generator
from typing import Annotated, Literal

from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.beneath import Entry, NotThereError, Root
from servers.machine.errors import ServerError
from servers.machine.face import APPENDS, READS, WRITES, Face
from servers.machine.layout import scratchpad_of
from servers.machine.names import show
from servers.machine.paging import END, Page, page_of, read_text
from servers.settings import Settings, version

__all__ = [
    "ScratchpadEntry",
    "ScratchpadFile",
    "ScratchpadList",
    "ScratchpadWritten",
    "append_file",
    "build",
    "list_files",
    "main",
    "read_file",
    "write_file",
]

FILE_LIMIT = 1_000_000
"""Largest scratchpad file, in bytes."""

COUNT_LIMIT = 1_000
"""Most files in the scratchpad."""

STATE = "state.md"
"""The file that agents keep their state in; read where no name is given."""

_DEPTH = 20
_FILENAME = "name of the note, e.g. state.md or plan.md; may have folders, e.g. agents/din.md"
_Filename = Annotated[str, Field(description=_FILENAME)]


class ScratchpadFile(Frozen):
    """A range of a scratchpad file; offsets and sizes are bytes."""

    filename: str
    text: str
    offset: int
    next_offset: int = Field(description="offset of the next page; -1 at the end of the file")
    size: int
    etag: str
    note: str = ""

    def as_text(self) -> str:
        """Return a line about the file and the range, then the text itself."""
        more = "" if self.next_offset == END else f"; more: call again with offset={self.next_offset}"
        note = f"; {self.note}" if self.note else ""
        head = f"{self.filename} (from byte {self.offset} of {self.size}, etag {self.etag}{note}{more})"
        return f"{head}\n\n{self.text}"


class ScratchpadEntry(Frozen):
    """One scratchpad file and its size in bytes."""

    filename: str
    size: int


class ScratchpadList(Frozen):
    """A page of the scratchpad's files."""

    files: tuple[ScratchpadEntry, ...]
    total: int
    offset: int
    next_offset: int = Field(description="offset of the next page; -1 on the last one")

    def as_text(self) -> str:
        """Return one line a file."""
        if not self.files:
            step = "" if self.total else "; write_scratchpad makes the first file"
            return f"no files here ({self.total} in the scratchpad, offset {self.offset}){step}"
        lines = [f"{entry.filename} ({entry.size} bytes)" for entry in self.files]
        lines.insert(0, f"{len(lines)} of {self.total} scratchpad files from offset {self.offset}")
        if self.next_offset != END:
            lines.append(f"more: call again with offset={self.next_offset}")
        return "\n".join(lines)


class ScratchpadWritten(Frozen):
    """What a write did; sizes are bytes."""

    filename: str
    action: Literal["wrote", "replaced", "appended to"]
    written: int = Field(description="bytes of the content given")
    size: int = Field(description="bytes of the file now")
    etag: str

    def as_text(self) -> str:
        """Return one line."""
        done = f"{self.action} {self.filename} in the scratchpad: {self.written} bytes"
        return f"{done}, now {self.size} bytes (etag {self.etag})"


@contextlib.contextmanager
def _opened(settings: Settings, *, create: bool) -> Generator[Root, None, None]:
    """Open the scratchpad, with `create` making it. Raises NotThereError where there is none yet."""
    with Root(settings.context_root, create=create) as root:
        pad = root.below(scratchpad_of(root), create=create)
    with pad:
        yield pad


def _name(filename: str) -> str:
    """Return the name below the scratchpad; models also write it with the folder in front."""
    name = filename.removeprefix("scratchpad/")
    if not name.strip():
        raise ServerError(f"the filename is empty; name a file, e.g. {STATE}")
    return name


def _data(content: str) -> bytes:
    try:
        data = content.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ServerError("the content is not valid Unicode (a lone surrogate); send plain text") from error
    if len(data) > FILE_LIMIT:
        raise ServerError(f"the content has {len(data)} bytes, more than {FILE_LIMIT}; write it in parts")
    return data


def _files(pad: Root) -> list[Entry]:
    found = pad.entries(depth=_DEPTH, cap=20 * COUNT_LIMIT).entries
    return [entry for entry in found if entry.kind == "file"]


def _room(pad: Root, name: str) -> None:
    try:
        pad.read(name, limit=0, tagged=False)
    except NotThereError:
        if len(_files(pad)) >= COUNT_LIMIT:
            raise ServerError(
                f"the scratchpad already holds {COUNT_LIMIT} files; append to one of them (call list_scratchpad)"
            ) from None


def write_file(settings: Settings, filename: str, content: str) -> ScratchpadWritten:
    """Make `content` the whole text of a scratchpad file. Raises ServerError; the old text is intact then."""
    name, data = _name(filename), _data(content)
    with _opened(settings, create=True) as pad:
        _room(pad, name)
        done = pad.write(name, data, mode="replace")
    action: Literal["wrote", "replaced"] = "replaced" if done.existed else "wrote"
    return ScratchpadWritten(filename=done.path, action=action, written=len(data), size=done.size, etag=done.etag)


def append_file(settings: Settings, filename: str, content: str) -> ScratchpadWritten:
    """Add `content` on a new line at the end of a scratchpad file. Raises ServerError; nothing is lost then."""
    name, data = _name(filename), _data(content)
    with _opened(settings, create=True) as pad:
        _room(pad, name)
        done = pad.append(name, data, limit=FILE_LIMIT)
    action: Literal["wrote", "appended to"] = "appended to" if done.existed else "wrote"
    return ScratchpadWritten(filename=done.path, action=action, written=len(data), size=done.size, etag=done.etag)


def read_file(settings: Settings, filename: str, *, offset: int, limit: int) -> ScratchpadFile:
    """Return at most `limit` bytes of a scratchpad file from byte `offset` on. Raises ServerError."""
    name = _name(filename or STATE)
    try:
        with _opened(settings, create=False) as pad:
            page = read_text(pad, name, offset=offset, limit=limit)
    except NotThereError as error:
        raise ServerError(
            f"there is no {show(name)} in the scratchpad; call list_scratchpad to see what is there, "
            "or write_scratchpad to make it"
        ) from error
    return ScratchpadFile(
        filename=name,
        text=page.text,
        offset=page.offset,
        next_offset=page.next_offset,
        size=page.size,
        etag=page.etag,
        note=page.note,
    )


def _weight(entry: Entry) -> int:
    return len(repr(entry.path)) + 40


def list_files(settings: Settings, *, limit: int, offset: int) -> ScratchpadList:
    """Return a page of the scratchpad's files, folders included in their names. Raises ServerError."""
    try:
        with _opened(settings, create=False) as pad:
            files = _files(pad)
    except NotThereError:  # no scratchpad yet: it holds nothing
        files = []
    page: Page[Entry] = page_of(files, offset=offset, limit=limit, weigh=_weight)
    return ScratchpadList(
        files=tuple(ScratchpadEntry(filename=entry.path, size=entry.size) for entry in page.items),
        total=len(files),
        offset=offset,
        next_offset=page.next_offset,
    )


def build(settings: Settings) -> Face:
    """Return the server; nothing is read or written before a tool is called."""
    face = Face(
        "scratchpad",
        title="AFS scratchpad",
        instructions="Working notes of agents: plans, findings, state.md. Shared by all agents of this context.",
        version=version(),
    )
    _offer_writing(face, settings)
    _offer_reading(face, settings)
    return face


def _offer_writing(face: Face, settings: Settings) -> None:
    @face.offer(WRITES, title="Write a scratchpad file")
    def write_scratchpad(
        filename: _Filename,
        content: Annotated[str, Field(description="the whole text of the file, at most 1,000,000 bytes")],
    ) -> ScratchpadWritten:
        """Write a note into the scratchpad, replacing the file's old text. To add a line, use append_scratchpad."""
        return write_file(settings, filename, content)

    @face.offer(APPENDS, title="Append to a scratchpad file")
    def append_scratchpad(
        filename: _Filename,
        content: Annotated[str, Field(description="the text to add; it begins on a new line")],
    ) -> ScratchpadWritten:
        """Add text at the end of a scratchpad file, on a new line; a missing file is made."""
        return append_file(settings, filename, content)


def _offer_reading(face: Face, settings: Settings) -> None:
    @face.offer(READS, title="Read a scratchpad file")
    def read_scratchpad(
        filename: Annotated[str, Field(description=f"{_FILENAME}; empty: state.md")] = "",
        offset: Annotated[int, Field(ge=0, description="byte to begin at, 0 or more")] = 0,
        limit: Annotated[int, Field(ge=100, le=30_000, description="bytes to return, 100 to 30000")] = 8_000,
    ) -> ScratchpadFile:
        """Read a scratchpad file. A long file comes in pages: call again with next_offset."""
        return read_file(settings, filename, offset=offset, limit=limit)

    @face.offer(READS, title="List scratchpad files")
    def list_scratchpad(
        limit: Annotated[int, Field(ge=1, le=500, description="files to return, 1 to 500")] = 100,
        offset: Annotated[int, Field(ge=0, description="number of files to skip, 0 or more")] = 0,
    ) -> ScratchpadList:
        """List the files of the scratchpad with their sizes."""
        return list_files(settings, limit=limit, offset=offset)


def main() -> None:
    """Serve over standard input and output."""
    build(Settings.from_environment()).run()
