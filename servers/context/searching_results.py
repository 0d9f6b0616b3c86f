"""What a search of the context answers: files with the line that matches, and how the search went."""

from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.names import show
from servers.machine.paging import END

__all__ = ["ContextMatch", "ContextMatches"]


class ContextMatch(Frozen):
    """One match: a line of a file; line 0 says that the file's name matches."""

    path: str
    line: int
    text: str
    title: str = Field(default="", description="the headings above the line")

    def as_text(self) -> str:
        """Return one line."""
        if not self.line:
            return f"{self.path} (file name matches)"
        title = f"  [{self.title}]" if self.title else ""
        return f"{self.path}:{self.line}: {self.text}{title}"


class ContextMatches(Frozen):
    """A page of matches: by words one for each file, best first; by text or expression every line."""

    query: str
    matches: tuple[ContextMatch, ...]
    total: int
    offset: int
    next_offset: int = Field(description="offset of the next page; -1 on the last one")
    files_searched: int
    files_skipped: int = Field(description="binary, above 8 MB, unreadable, or kept out of searches by their owner")
    complete: bool = Field(description="false when there were too many matches or too little time")
    note: str = ""

    def as_text(self) -> str:
        """Return one line a match, as `path:line: text`."""
        files = f"{self.files_searched} files searched, {self.files_skipped} skipped"
        least = "" if self.complete else "at least "
        if not self.matches:
            step = "" if self.total else "; try one shorter word, or call list_context"
            lines = [f"{least}{self.total} matches for {show(self.query)}, offset {self.offset} ({files}){step}"]
        else:
            lines = [match.as_text() for match in self.matches]
            count = f"{len(lines)} of {least}{self.total} matches for {show(self.query)} from offset {self.offset}"
            lines.insert(0, f"{count} ({files})")
        if self.note:
            lines.insert(1, f"note: {self.note}")
        if self.next_offset != END:
            lines.append(f"more: call again with offset={self.next_offset}")
        return "\n".join(lines)
