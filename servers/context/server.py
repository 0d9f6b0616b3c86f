"""The `context` server: what agents know and leave for each other, as text files under one context root.

Reads and writes stay beneath the root. `history/` and `.afs/` are read-only: the recorder of runs and the suite
itself write them. A write says whether it may overwrite, and an etag keeps two agents from undoing each other.
"""

import contextlib
import difflib
from collections.abc import Generator
from typing import Annotated, Literal

from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.beneath import Entry, Kind, NotThereError, Root
from servers.machine.errors import ServerError
from servers.machine.face import READS, WRITES, Face
from servers.machine.names import show
from servers.machine.paging import END, Page, page_of, read_text
from servers.machine.search import Match, search
from servers.settings import Settings, version

__all__ = [
    "Action",
    "ContextEntry",
    "ContextFile",
    "ContextList",
    "ContextMatch",
    "ContextMatches",
    "ContextWritten",
    "build",
    "list_files",
    "main",
    "read_file",
    "search_files",
    "write_file",
]

CONTENT_LIMIT = 1_000_000
"""Largest file that a tool writes, in bytes."""

SEALED = {
    "/history": "only the recorder of runs writes history/; choose another folder, e.g. memory/",
    "/.afs": "the suite keeps its own state in .afs/; choose another folder, e.g. memory/",
}
"""Top folders that no tool writes, and why (the policies of the context layout)."""

Action = Literal["created", "replaced", "appended to"]
"""What a write did to a file."""

_Offset = Annotated[int, Field(ge=0, description="number of entries to skip, 0 or more")]


class ContextFile(Frozen):
    """A range of a text file; offsets and sizes are bytes."""

    path: str
    text: str
    offset: int
    next_offset: int = Field(description="offset of the next page; -1 at the end of the file")
    size: int
    etag: str = Field(description="give it to write_context to be sure that nobody changed the file meanwhile")
    note: str = ""

    def as_text(self) -> str:
        """Return a line about the file and the range, then the text itself."""
        more = "" if self.next_offset == END else f"; more: call again with offset={self.next_offset}"
        note = f"; {self.note}" if self.note else ""
        head = f"{self.path} (from byte {self.offset} of {self.size}, etag {self.etag}{note}{more})"
        return f"{head}\n\n{self.text}"


class ContextEntry(Frozen):
    """One file or folder; `size` is bytes, of a file."""

    path: str
    kind: Kind
    size: int = 0


class ContextList(Frozen):
    """A page of what is under a folder."""

    path: str
    entries: tuple[ContextEntry, ...]
    total: int
    offset: int
    next_offset: int = Field(description="offset of the next page; -1 on the last one")
    complete: bool = Field(description="false when the folder holds more than could be listed")

    def as_text(self) -> str:
        """Return one line an entry; a folder ends with a slash."""
        where = self.path or "the context root"
        if not self.entries:
            return f"{where}: nothing here (0 of {self.total}, offset {self.offset})"
        lines = [_entry_line(entry) for entry in self.entries]
        some = "" if self.complete else ", and more that could not be listed"
        lines.insert(0, f"{where}: {len(lines)} of {self.total} entries from offset {self.offset}{some}")
        if self.next_offset != END:
            lines.append(f"more: call again with offset={self.next_offset}")
        return "\n".join(lines)


def _entry_line(entry: ContextEntry) -> str:
    if entry.kind == "folder":
        return f"{entry.path}/"
    return f"{entry.path} ({entry.size} bytes)" if entry.kind == "file" else f"{entry.path} ({entry.kind})"


class ContextMatch(Frozen):
    """One matching line; line 0 says that the file's name matches."""

    path: str
    line: int
    text: str


class ContextMatches(Frozen):
    """A page of matches."""

    query: str
    matches: tuple[ContextMatch, ...]
    total: int
    offset: int
    next_offset: int = Field(description="offset of the next page; -1 on the last one")
    files_searched: int
    files_skipped: int = Field(description="binary, above 8 MB or unreadable")
    complete: bool = Field(description="false when there were too many matches or too little time")

    def as_text(self) -> str:
        """Return one line a match, as `path:line: text`."""
        files = f"{self.files_searched} files searched, {self.files_skipped} skipped"
        least = "" if self.complete else "at least "
        if not self.matches:
            step = "" if self.total else "; try one shorter word, or call list_context"
            return f"{least}{self.total} matches for {show(self.query)}, offset {self.offset} ({files}){step}"
        lines = [
            f"{match.path}:{match.line}: {match.text}" if match.line else f"{match.path} (file name matches)"
            for match in self.matches
        ]
        count = f"{len(lines)} of {least}{self.total} matches for {show(self.query)} from offset {self.offset}"
        lines.insert(0, f"{count} ({files})")
        if self.next_offset != END:
            lines.append(f"more: call again with offset={self.next_offset}")
        return "\n".join(lines)


class ContextWritten(Frozen):
    """What a write did; sizes are bytes."""

    path: str
    action: Action
    written: int = Field(description="bytes of the content given")
    size: int = Field(description="bytes of the file now")
    etag: str

    def as_text(self) -> str:
        """Return one line."""
        return f"{self.action} {self.path}: wrote {self.written} bytes, now {self.size} bytes (etag {self.etag})"


@contextlib.contextmanager
def _opened(settings: Settings, path: str) -> Generator[Root, None, None]:
    try:
        root = Root(settings.context_root, sealed=SEALED)
    except NotThereError as error:
        where = show(str(settings.context_root))
        raise ServerError(
            f"the context root {where} does not exist yet; write_context makes it, or set AFS_CONTEXT_ROOT"
        ) from error
    with root:
        try:
            yield root
        except NotThereError as error:
            raise _missing(root, path) from error


def _missing(root: Root, path: str) -> ServerError:
    near: list[str] = []
    with contextlib.suppress(ServerError):
        names = [entry.path for entry in root.entries(depth=4, cap=2_000).entries]
        near = difflib.get_close_matches(path, names, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(map(show, near))}? or " if near else ""
    return ServerError(f"there is no {show(path)} in the context; {hint}call list_context to see what is there")


def _named(path: str) -> str:
    if not path.strip():
        raise ServerError("the path is empty; name a file, e.g. memory/notes.md, or call list_context")
    return path


def read_file(settings: Settings, path: str, *, offset: int, limit: int) -> ContextFile:
    """Return at most `limit` bytes of a text file from byte `offset` on. Raises ServerError."""
    with _opened(settings, path) as root:
        page = read_text(root, _named(path), offset=offset, limit=limit)
    return ContextFile(
        path=path,
        text=page.text,
        offset=page.offset,
        next_offset=page.next_offset,
        size=page.size,
        etag=page.etag,
        note=page.note,
    )


def _weight(entry: Entry) -> int:
    return len(repr(entry.path)) + 60


def list_files(settings: Settings, path: str, *, depth: int, limit: int, offset: int) -> ContextList:
    """Return a page of the entries under a folder. Raises ServerError."""
    with _opened(settings, path) as root:
        listing = root.entries(path, depth=depth)
    page: Page[Entry] = page_of(listing.entries, offset=offset, limit=limit, weigh=_weight)
    return ContextList(
        path=path,
        entries=tuple(
            ContextEntry(path=entry.path, kind=entry.kind, size=entry.size if entry.kind == "file" else 0)
            for entry in page.items
        ),
        total=len(listing.entries),
        offset=offset,
        next_offset=page.next_offset,
        complete=listing.complete,
    )


def _files_under(root: Root, path: str) -> tuple[Entry, ...]:
    """Return what a search goes through: knowledge before the record of runs, and not the suite's own state."""
    try:
        entries = root.entries(path, depth=1_000).entries
    except NotThereError:
        raise
    except ServerError:  # not a folder: perhaps a file, which says so itself if not
        size = root.read(path, limit=0, tagged=False).size
        return (Entry(path, "file", size),)
    wanted = [entry for entry in entries if path or not entry.path.startswith(".afs/")]
    return tuple(sorted(wanted, key=lambda entry: entry.path.startswith("history/")))


def _match_weight(match: Match) -> int:
    return len(repr(match.path)) + len(repr(match.text)) + 60


def search_files(settings: Settings, query: str, *, path: str, regex: bool, limit: int, offset: int) -> ContextMatches:
    """Return a page of the lines that match `query`. Raises ServerError."""
    with _opened(settings, path) as root:
        found = search(root, query, _files_under(root, path), regex=regex)
    page: Page[Match] = page_of(found.matches, offset=offset, limit=limit, weigh=_match_weight)
    return ContextMatches(
        query=query,
        matches=tuple(ContextMatch(path=item.path, line=item.line, text=item.text) for item in page.items),
        total=len(found.matches),
        offset=offset,
        next_offset=page.next_offset,
        files_searched=found.searched,
        files_skipped=found.skipped,
        complete=found.complete,
    )


def write_file(
    settings: Settings, path: str, content: str, *, mode: Literal["create", "replace", "append"], etag: str
) -> ContextWritten:
    """Write a text file under the context root, making the root where it is missing. Raises ServerError."""
    _named(path)
    try:
        data = content.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ServerError("the content is not valid Unicode (a lone surrogate); send plain text") from error
    if len(data) > CONTENT_LIMIT:
        raise ServerError(f"the content has {len(data)} bytes, more than {CONTENT_LIMIT}; write it in parts")
    with Root(settings.context_root, create=True, sealed=SEALED) as root:
        try:
            if mode == "append":
                done = root.append(path, data, limit=CONTENT_LIMIT, etag=etag)
            else:
                done = root.write(path, data, mode=mode, etag=etag)
        except NotThereError as error:
            raise _missing(root, path) from error
    changed: Action = "appended to" if mode == "append" else "replaced"
    action: Action = changed if done.existed else "created"
    return ContextWritten(path=done.path, action=action, written=len(data), size=done.size, etag=done.etag)


def build(settings: Settings) -> Face:
    """Return the server; nothing is read or written before a tool is called."""
    face = Face(
        "context",
        title="AFS context",
        instructions="Text files that agents share under one context root: memory, knowledge, notes. "
        "Search first, then read the file that matches. Paths are relative to the root.",
        version=version(),
    )

    _offer_reading(face, settings)
    _offer_finding(face, settings)
    _offer_writing(face, settings)
    return face


def _offer_reading(face: Face, settings: Settings) -> None:
    @face.offer(READS, title="Read a context file")
    def read_context(
        path: Annotated[str, Field(description="path relative to the context root, e.g. memory/notes.md")],
        offset: Annotated[int, Field(ge=0, description="byte to begin at, 0 or more")] = 0,
        limit: Annotated[int, Field(ge=100, le=30_000, description="bytes to return, 100 to 30000")] = 8_000,
    ) -> ContextFile:
        """Read a text file of the shared context. A long file comes in pages: call again with next_offset."""
        return read_file(settings, path, offset=offset, limit=limit)


def _offer_finding(face: Face, settings: Settings) -> None:
    @face.offer(READS, title="List context files")
    def list_context(
        path: Annotated[str, Field(description="folder relative to the context root; empty: the root")] = "",
        depth: Annotated[int, Field(ge=1, le=20, description="levels of folders to list, 1 to 20")] = 1,
        limit: Annotated[int, Field(ge=1, le=500, description="entries to return, 1 to 500")] = 100,
        offset: _Offset = 0,
    ) -> ContextList:
        """List the files and folders of the shared context. Any path it shows can be read as it is shown."""
        return list_files(settings, path, depth=depth, limit=limit, offset=offset)

    @face.offer(READS, title="Search context files")
    def search_context(
        query: Annotated[str, Field(description="text to look for, at most 500 characters, case ignored")],
        path: Annotated[str, Field(description="file or folder to search in; empty: everywhere")] = "",
        mode: Annotated[
            Literal["literal", "regex"], Field(description="literal: plain text; regex: Rust regular expression")
        ] = "literal",
        limit: Annotated[int, Field(ge=1, le=200, description="matches to return, 1 to 200")] = 20,
        offset: Annotated[int, Field(ge=0, description="number of matches to skip, 0 or more")] = 0,
    ) -> ContextMatches:
        """Search the text and the names of all context files for a word; gives path, line number and line."""
        return search_files(settings, query, path=path, regex=mode == "regex", limit=limit, offset=offset)


def _offer_writing(face: Face, settings: Settings) -> None:
    @face.offer(WRITES, title="Write a context file")
    def write_context(
        path: Annotated[str, Field(description="path relative to the context root, e.g. memory/notes.md")],
        content: Annotated[str, Field(description="the text, at most 1,000,000 bytes")],
        mode: Annotated[
            Literal["create", "replace", "append"],
            Field(description="create: a new file only; replace: overwrite; append: add lines at the end"),
        ] = "create",
        etag: Annotated[str, Field(description="etag of read_context; refuses if the file changed since")] = "",
    ) -> ContextWritten:
        """Write a text file of the shared context. Overwriting needs mode replace; history/ is read-only."""
        return write_file(settings, path, content, mode=mode, etag=etag)


def main() -> None:
    """Serve over standard input and output."""
    build(Settings.from_environment()).run()
