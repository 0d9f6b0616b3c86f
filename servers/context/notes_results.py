"""What the tools for notes and handoffs give back, each complete as fields and as text."""

from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.artifacts import Artifact
from servers.machine.paging import END

__all__ = ["HandoffRead", "NoteList", "NoteRow", "NoteWritten", "row_of", "written"]


class NoteWritten(Frozen):
    """A new note or handoff, or a new revision of one."""

    path: str
    id: str = Field(description="give it as revises to write a new revision")
    kind: str
    title: str
    created: str
    revises: str
    size: int

    def as_text(self) -> str:
        """Return one line."""
        step = f", revises {self.revises}" if self.revises else ""
        return f"{self.kind} {self.title!r}: {self.path} ({self.size} bytes, id {self.id}, {self.created}{step})"


def written(note: Artifact) -> NoteWritten:
    """Return what was written."""
    return NoteWritten(
        path=note.path,
        id=note.id,
        kind=note.kind,
        title=note.title,
        created=note.created,
        revises=note.revises,
        size=note.size,
    )


class NoteRow(Frozen):
    """A note or handoff, without its text."""

    path: str
    id: str
    kind: str
    title: str
    created: str
    agent: str = Field(description="who wrote it, with the model after an @; empty: it does not say")
    tags: tuple[str, ...]
    revises: str = Field(description="id of the older revision; empty: it is the first")
    source: str
    size: int

    def as_text(self) -> str:
        """Return one line."""
        parts = [f"id {self.id}", f"{self.size} bytes"]
        parts += [f"by {self.agent}"] if self.agent else []
        parts += [f"tags {', '.join(self.tags)}"] if self.tags else []
        parts += [f"revises {self.revises}"] if self.revises else []
        parts += [f"source {self.source}"] if self.source else []
        return f"{self.created or 'no date'} {self.kind} {self.title!r}: {self.path} ({'; '.join(parts)})"


def row_of(note: Artifact) -> NoteRow:
    """Return a note without its text."""
    return NoteRow(
        path=note.path,
        id=note.id,
        kind=note.kind,
        title=note.title[:300],
        created=note.created,
        agent=f"{note.agent}@{note.model}" if note.model else note.agent,
        tags=note.tags[:20],
        revises=note.revises,
        source=note.source[:300],
        size=note.size,
    )


class NoteList(Frozen):
    """A page of notes, the newest first."""

    notes: tuple[NoteRow, ...]
    files: int = Field(description="files of notes and handoffs in all, older revisions too")
    offset: int
    next_offset: int = Field(description="offset of the next page; -1 on the last one")
    complete: bool = Field(description="false when there were more files than could be looked through")

    def as_text(self) -> str:
        """Return one line a note."""
        if not self.notes:
            return f"no notes here from offset {self.offset} on (of {self.files} files); create_note writes one"
        some = "" if self.complete else ", and more that were not looked through"
        lines = [f"{len(self.notes)} notes from offset {self.offset} (of {self.files} files{some})"]
        lines += [note.as_text() for note in self.notes]
        if self.next_offset != END:
            lines.append(f"more: call again with offset={self.next_offset}")
        return "\n".join(lines)


class HandoffRead(Frozen):
    """A handoff and a range of its text; offsets and sizes are bytes of the file."""

    path: str
    id: str
    title: str
    created: str
    agent: str
    source: str
    revises: str
    newer: tuple[str, ...] = Field(description="ids of newer revisions, where there are any: read these instead")
    text: str
    offset: int
    next_offset: int = Field(description="offset of the next page; -1 at the end of the file")
    size: int
    etag: str
    note: str = ""

    def as_text(self) -> str:
        """Return some lines about the handoff, then its text."""
        lines = [
            f"handoff {self.title!r} (id {self.id}, {self.created or 'no date'}, by {self.agent or 'nobody named'})",
            f"{self.path} (from byte {self.offset} of {self.size}, etag {self.etag})",
        ]
        lines += [self.note] if self.note else []
        lines += [f"revises {self.revises}"] if self.revises else []
        lines += [f"source: {self.source}"] if self.source else []
        lines += [f"there is a newer revision: read_handoff with id {', '.join(self.newer)}"] if self.newer else []
        more = [f"more: call again with offset={self.next_offset}"] if self.next_offset != END else []
        return "\n".join([*lines, "", self.text, *more])
