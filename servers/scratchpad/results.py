"""What the tools of the scratchpad answer, each complete as data and as text."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.paging import END

__all__ = [
    "ScratchpadCleared",
    "ScratchpadEntry",
    "ScratchpadFile",
    "ScratchpadList",
    "ScratchpadPromoted",
    "ScratchpadUndone",
    "ScratchpadVersion",
    "ScratchpadVersions",
    "ScratchpadWritten",
]

_SCOPE = "whose it is: run, project or shared"


def _more(next_offset: int) -> list[str]:
    return [] if next_offset == END else [f"more: call again with offset={next_offset}"]


class ScratchpadFile(Frozen):
    """A range of a scratchpad file; offsets and sizes are bytes."""

    filename: str
    scope: str = Field(description=_SCOPE)
    version: int = Field(description="number of the old version; 0: the file as it is now")
    text: str
    offset: int
    next_offset: int = Field(description="offset of the next page; -1 at the end of the file")
    size: int
    etag: str
    note: str = ""

    def as_text(self) -> str:
        """Return a line about the file and the range, then the text itself."""
        more = "".join(f"; {line}" for line in _more(self.next_offset))
        note = f"; {self.note}" if self.note else ""
        old = f"version {self.version}, " if self.version else ""
        about = f"{self.scope}, {old}from byte {self.offset} of {self.size}, etag {self.etag}"
        return f"{self.filename} ({about}{note}{more})\n\n{self.text}"


class ScratchpadEntry(Frozen):
    """One scratchpad file and its size in bytes."""

    filename: str
    scope: str = Field(description=_SCOPE)
    size: int

    def as_text(self) -> str:
        """Return one line."""
        return f"{self.filename} ({self.size} bytes, {self.scope})"


class ScratchpadList(Frozen):
    """A page of the scratchpad's files, the nearest scratchpad first."""

    files: tuple[ScratchpadEntry, ...]
    total: int
    runs: int = Field(description="runs that have notes of their own, which are not listed here")
    offset: int
    next_offset: int = Field(description="offset of the next page; -1 on the last one")

    def as_text(self) -> str:
        """Return one line a file."""
        runs = [f"{self.runs} runs have notes of their own (scope run with their id)"] if self.runs else []
        if not self.files:
            step = "" if self.total else "; write_scratchpad makes the first file"
            return "\n".join([f"no files here ({self.total} in the scratchpad, offset {self.offset}){step}", *runs])
        lines = [f"{len(self.files)} of {self.total} scratchpad files from offset {self.offset}"]
        lines += [entry.as_text() for entry in self.files]
        return "\n".join([*lines, *runs, *_more(self.next_offset)])


class ScratchpadWritten(Frozen):
    """What a write did; sizes are bytes."""

    filename: str
    scope: str = Field(description=_SCOPE)
    action: Literal["wrote", "replaced", "appended to", "left"]
    written: int = Field(description="bytes of the content given")
    size: int = Field(description="bytes of the file now")
    etag: str
    version: int = Field(description="number under which the old content is kept; 0: nothing was changed")

    def as_text(self) -> str:
        """Return one line."""
        same = " as it was" if self.action == "left" else ""
        done = f"{self.action} {self.filename}{same} in the {self.scope} scratchpad: {self.written} bytes"
        kept = f"; what was before is version {self.version}" if self.version else ""
        return f"{done}, now {self.size} bytes (etag {self.etag}{kept})"


class ScratchpadCleared(Frozen):
    """What was cleared; all of it can be brought back."""

    filenames: tuple[str, ...] = Field(description="at most 200 of the names")
    count: int
    scope: str = Field(description=_SCOPE)

    def as_text(self) -> str:
        """Return a line, then the names."""
        if not self.count:
            return f"the {self.scope} scratchpad has no notes to clear"
        head = f"cleared {self.count} notes of the {self.scope} scratchpad; undo_scratchpad brings each back:"
        rest = [f"... and {self.count - len(self.filenames)} more"] if self.count > len(self.filenames) else []
        return "\n".join([head, *self.filenames, *rest])


class ScratchpadVersion(Frozen):
    """A content that a note had before a change; `size` is -1 where there was no file."""

    version: int
    kept: str = Field(description="when it was replaced")
    change: str = Field(description="what replaced it: write, append, clear or undo")
    size: int

    def as_text(self) -> str:
        """Return one line."""
        what = "no file" if self.size < 0 else f"{self.size} bytes"
        return f"version {self.version}: {what}, until the {self.change} of {self.kept}"


class ScratchpadVersions(Frozen):
    """The versions of one note, the newest first."""

    filename: str
    scope: str = Field(description=_SCOPE)
    versions: tuple[ScratchpadVersion, ...]

    def as_text(self) -> str:
        """Return one line a version."""
        if not self.versions:
            return f"{self.filename} ({self.scope}) has no older versions"
        step = "read_scratchpad shows one, undo_scratchpad brings one back"
        lines = [f"{len(self.versions)} older versions of {self.filename} ({self.scope}), the newest first; {step}"]
        return "\n".join([*lines, *(version.as_text() for version in self.versions)])


class ScratchpadUndone(Frozen):
    """What an undo brought back."""

    filename: str
    scope: str = Field(description=_SCOPE)
    restored: int = Field(description="number of the version that is now the file")
    kept: int = Field(description="number under which the content before the undo is kept")
    size: int = Field(description="bytes of the file now; -1: the file is gone again")
    etag: str

    def as_text(self) -> str:
        """Return one line."""
        now = "is gone again" if self.size < 0 else f"has {self.size} bytes again (etag {self.etag})"
        back = f"undo_scratchpad with version={self.kept} takes this back"
        return f"{self.filename} ({self.scope}) {now}, as version {self.restored} says; {back}"


class ScratchpadPromoted(Frozen):
    """Where a note of the scratchpad was copied to; paths are below the context root."""

    filename: str
    scope: str = Field(description=_SCOPE)
    to: str
    path: str
    id: str = Field(description="id of the new note; empty for a plain file")
    source: str = Field(description="what the copy says of where it is from")
    size: int

    def as_text(self) -> str:
        """Return one line."""
        ident = f" (id {self.id})" if self.id else ""
        done = f"copied {self.filename} ({self.scope}) to {self.to}: {self.path}{ident}, {self.size} bytes"
        return f"{done}; source: {self.source}"
