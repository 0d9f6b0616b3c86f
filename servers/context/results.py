"""What the context's file tools give back, each complete as fields and as text."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.beneath import Kind
from servers.machine.paging import END

__all__ = ["Action", "ContextEntry", "ContextFile", "ContextList", "ContextWritten"]

Action = Literal["created", "replaced", "appended to"]
"""What a write did to a file."""


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
