"""Notes: what an agent learnt, each a file that is never changed; a new revision is a new file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field

from servers.context.notes_found import find_note, newest_first, note_files
from servers.context.notes_results import NoteList, NoteRow, NoteWritten, row_of, written
from servers.context.opened import Opened, Reach, Whose
from servers.machine.artifacts import Artifact, Draft, Kind, Sensitivity, home_of, publish
from servers.machine.errors import ServerError
from servers.machine.face import APPENDS, READS, Face
from servers.machine.paging import END, PAGE_BUDGET

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ABOUT_AGENT", "ABOUT_REVISES", "ABOUT_WHOSE", "notes_in", "offer_notes", "write_note"]

ABOUT_AGENT = "who writes, with the model after an @ if known, e.g. din@qwen2.5-coder"
ABOUT_REVISES = "id of what this is a new revision of; empty: a new one"
ABOUT_WHOSE = "whose it is; auto: the project's where there is one, else everybody's"

_MOST_TAGS = 20
_KEPT: dict[str, Sensitivity] = {
    "never_index": "never_index",
    "never_export": "never_export",
    "private": "never_export",
    "restricted": "restricted",
}
"""What a revision keeps of what it revises, unless it says otherwise itself."""


def write_note(opened: Opened, draft: Draft, kind: Kind, *, whose: Whose = "auto") -> Artifact:
    """Write a note or handoff beside what it revises, else where the scope says. Raises ServerError."""
    if not draft.body.strip():
        raise ServerError("the text is empty; write what the next reader should know")
    view = opened.view(create=True)
    scope = view.scope(whose)
    folder = home_of(view.layout, kind, scope)
    if draft.revises.strip():
        old = find_note(view, draft.revises, kind)
        draft = draft._replace(revises=old.id, thread=old.thread, after=old.created, tags=draft.tags or old.tags)
        if draft.sensitivity == "normal" and old.sensitivity in _KEPT:
            draft = draft._replace(sensitivity=_KEPT[old.sensitivity])
    agent, _, model = draft.agent.partition("@")
    owner = scope.id if scope and view.layout.version == 2 else ""
    with opened.writing(view, folder) as root:
        return publish(root, folder, draft._replace(agent=agent, model=draft.model or model), project_id=owner)


class _Wanted(NamedTuple):
    """Which notes are listed; empty: any."""

    tag: str
    text: str

    def has(self, note: Artifact) -> bool:
        text = self.text.casefold()
        tagged = not self.tag or self.tag.casefold() in (tag.casefold() for tag in note.tags)
        return tagged and (not text or text in note.title.casefold())


def notes_in(
    opened: Opened,
    *,
    kind: Literal["note", "handoff", "any"] = "note",
    reach: Reach = "project",
    revisions: Literal["newest", "all"] = "newest",
    tag: str = "",
    title: str = "",
    limit: int = 30,
    offset: int = 0,
) -> NoteList:
    """Return a page of notes, the newest first. Raises ServerError."""
    view = opened.view()
    found = note_files(view, kind, reach)
    wanted = _Wanted(tag.strip(), title.strip())
    notes = (note for note in newest_first(view, found, revisions=revisions) if wanted.has(note))
    rows, more, behind = _rows(notes, offset, limit)
    if offset and not rows:
        raise ServerError(f"offset {offset} is past the end: there are {behind} notes; start at offset 0")
    return NoteList(
        notes=tuple(rows),
        files=len(found.paths),
        offset=offset,
        next_offset=offset + len(rows) if more else END,
        complete=found.complete,
    )


def _rows(notes: Iterator[Artifact], offset: int, limit: int) -> tuple[list[NoteRow], bool, int]:
    """Return the rows of a page, whether there are more, and how many notes there are up to there."""
    rows: list[NoteRow] = []
    room, count = PAGE_BUDGET, 0
    for note in notes:
        count += 1
        if count <= offset:
            continue
        row = row_of(note)
        room -= len(repr(row)) + 40
        if len(rows) >= limit or (room < 0 and rows):
            return rows, True, count
        rows.append(row)
    return rows, False, count


def offer_notes(face: Face, opened: Opened) -> None:
    """Offer the tools that write and list notes."""

    @face.offer(APPENDS, title="Write a note")
    def create_note(
        title: Annotated[str, Field(description="what it is about, in at most 240 characters")],
        text: Annotated[str, Field(description="the note as Markdown, at most 1,000,000 bytes")],
        tags: Annotated[list[str], Field(max_length=20, description="at most 20 words to find it by")] = [],  # noqa: B006  # read only; a default that pydantic copies
        scope: Annotated[Whose, Field(description=ABOUT_WHOSE)] = "auto",
        agent: Annotated[str, Field(description=ABOUT_AGENT)] = "",
        source: Annotated[str, Field(description="where it is from: a file and line, a URL, a run; empty: none")] = "",
        revises: Annotated[str, Field(description=ABOUT_REVISES)] = "",
        sensitivity: Annotated[
            Sensitivity,
            Field(description="never_index: not for search; never_export: not for training; a revision keeps it"),
        ] = "normal",
    ) -> NoteWritten:
        """Keep what was learnt as a note for all agents. It is never changed: correct it by a new revision."""
        draft = Draft(
            "note", title, text, agent, "", source, tuple(tags[:_MOST_TAGS]), sensitivity=sensitivity, revises=revises
        )
        return written(write_note(opened, draft, "note", whose=scope))

    @face.offer(READS, title="List notes and handoffs")
    def list_notes(
        kind: Annotated[Literal["note", "handoff", "any"], Field(description="what to list")] = "note",
        scope: Annotated[
            Reach, Field(description="project: own and shared; common: shared; all: all projects")
        ] = "project",
        revisions: Annotated[Literal["newest", "all"], Field(description="all: older revisions too")] = "newest",
        tag: Annotated[str, Field(description="only notes with this tag; empty: any")] = "",
        title: Annotated[str, Field(description="only notes whose title holds this text; empty: any")] = "",
        limit: Annotated[int, Field(ge=1, le=100, description="notes to return, 1 to 100")] = 30,
        offset: Annotated[int, Field(ge=0, description="number of notes to skip, 0 or more")] = 0,
    ) -> NoteList:
        """List notes or handoffs, the newest first, with title, tags and path; read_context reads one by its path."""
        return notes_in(
            opened, kind=kind, reach=scope, revisions=revisions, tag=tag, title=title, limit=limit, offset=offset
        )
