"""What a search in files gives back: files, each with its matching lines and the lines around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.paging import END
from servers.machine.wire import clean

if TYPE_CHECKING:
    from servers.machine.ripgrep_records import Line

__all__ = ["GrepFile", "GrepLine", "GrepPage", "shown_line"]

_SNIPPET = 240
"""Characters shown of a line."""


class GrepLine(Frozen):
    """One line of a file, shortened around the match where it is long."""

    line: int
    column: int = Field(description="character at which the match begins, from 1; 0: a line around a match")
    text: str

    @property
    def weight(self) -> int:
        """Characters that it takes in a result, about."""
        return 46 + len(repr(self.text))


class GrepFile(Frozen):
    """A file that has matches, and those of this page."""

    path: str
    matches: int = Field(description="matching lines in the whole file")
    lines: tuple[GrepLine, ...] = ()
    note: str = Field(default="", description="why lines are not shown")

    def as_text(self) -> str:
        """Return the path with the count, then one line a line: `12:5: text`, around a match `13- text`."""
        note = f", {self.note}" if self.note else ""
        head = f"{self.path} ({self.matches}{note})"
        rows = [
            f"  {row.line}:{row.column}: {row.text}" if row.column else f"  {row.line}- {row.text}"
            for row in self.lines
        ]
        return "\n".join([head, *rows])


class GrepPage(Frozen):
    """A page of matches, in order of paths and lines."""

    files: tuple[GrepFile, ...]
    matches: int = Field(description="matching lines in all files")
    matching_files: int
    searched: int = Field(description="files whose text was searched; 0: not known")
    offset: int
    next_offset: int = Field(description="offset of the next page; -1 on the last one")
    complete: bool = Field(description="false when something could not be searched")
    note: str = ""

    def as_text(self) -> str:
        """Return the counts, then each file with its lines."""
        head = f"{self.matches} matching lines in {self.matching_files} of {self.searched} files searched"
        lines = [f"{head}, from offset {self.offset}"]
        if not self.complete:
            lines.append(f"not complete: {self.note}")
        lines += [file.as_text() for file in self.files]
        if self.next_offset != END:
            lines.append(f"more: call again with offset={self.next_offset}")
        return "\n".join(lines)


def shown_line(line: Line) -> GrepLine:
    """Return a line as it is shown: cleaned, and at most 240 characters of it, around the match."""
    raw = line.text.rstrip(b"\r\n")
    start = max(0, line.start)
    column = line.before + len(raw[:start].decode("utf-8", "replace")) + 1 if line.start >= 0 else 0
    at = len(raw[:start].decode("utf-8", "backslashreplace"))
    text = raw.decode("utf-8", "backslashreplace")
    if line.before or len(text) > _SNIPPET:
        begin = max(0, min(at - _SNIPPET // 3, len(text) - _SNIPPET))
        end = begin + _SNIPPET
        text = ("..." if begin or line.before else "") + text[begin:end] + ("..." if end < len(text) else "")
    return GrepLine(line=line.number, column=column, text=clean(text))
