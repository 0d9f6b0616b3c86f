"""Handoffs: what one agent leaves for the next when it stops; the newest one is read first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from servers.context.notes import ABOUT_AGENT, ABOUT_REVISES, ABOUT_WHOSE, write_note
from servers.context.notes_found import find_note, newest_first, note_files, whole_note
from servers.context.notes_results import HandoffRead, NoteWritten, written
from servers.context.opened import Opened, Reach, Whose
from servers.machine.artifacts import Artifact, Draft, front_matter
from servers.machine.errors import ServerError
from servers.machine.face import APPENDS, READS, Face
from servers.machine.paging import read_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servers.context.opened import View
    from servers.machine.beneath import Root

__all__ = ["handoff_text", "newest_handoff", "offer_handoffs", "show_handoff"]


def handoff_text(
    summary: str, *, done: Sequence[str] = (), next_steps: Sequence[str] = (), blocked: Sequence[str] = ()
) -> str:
    """Return the Markdown of a handoff; parts that say nothing are left out."""
    parts = [summary.strip()] if summary.strip() else []
    for title, items in (("Done", done), ("Next", next_steps), ("Blocked", blocked)):
        lines = [f"- {' '.join(item.split())}" for item in items if item.strip()]
        if lines:
            parts.append("\n".join([f"## {title}", "", *lines]))
    return "\n\n".join(parts)


def newest_handoff(view: View, reach: Reach = "project") -> Artifact | None:
    """Return the newest handoff: the project's own where it has one, else what all share (`all`: any). No text lost."""
    found = note_files(view, "handoff", reach)
    first: Artifact | None = None
    for note in newest_first(view, found, revisions="newest"):
        first = first or note
        own = view.project is not None and note.path.startswith(f"{view.layout.folder('memory', view.project)}/")
        if own or view.project is None or reach != "project":
            return whole_note(view, note.path)
    return whole_note(view, first.path) if first else None


def show_handoff(opened: Opened, ident: str, *, offset: int, limit: int, reach: Reach = "project") -> HandoffRead:
    """Return a handoff by its id (empty: the newest) and a range of its text. Raises ServerError."""
    view = opened.view()
    note = find_note(view, ident, "handoff", reach) if ident.strip() else newest_handoff(view, reach)
    if note is None:
        raise ServerError("there is no handoff here yet; create_handoff leaves one, scope all shows other projects'")
    with opened.reading(note.path, reach=reach) as (root, inner):
        start = offset or _begin(root, inner)
        page = read_text(root, inner, offset=start, limit=limit)
    newer = () if not ident.strip() else _newer(view, note, reach)
    return HandoffRead(
        path=note.path,
        id=note.id,
        title=note.title,
        created=note.created,
        agent=f"{note.agent}@{note.model}" if note.model else note.agent,
        source=note.source,
        revises=note.revises,
        newer=newer,
        text=page.text if offset else page.text.lstrip("\r\n"),
        offset=start,
        next_offset=page.next_offset,
        size=page.size,
        etag=page.etag,
        note=page.note,
    )


def _begin(root: Root, path: str) -> int:
    """Return the byte where the text behind the front matter begins; 0 where it is empty."""
    chunk = root.read(path, limit=64_000, tagged=False)
    begin = front_matter(chunk.data).body
    return begin if begin < chunk.size else 0


def _newer(view: View, note: Artifact, reach: Reach) -> tuple[str, ...]:
    every = newest_first(view, note_files(view, "handoff", reach), revisions="newest")
    return tuple(other.id for other in every if other.thread == note.thread and other.id != note.id)[:5]


def offer_handoffs(face: Face, opened: Opened) -> None:
    """Offer the tools that leave and read handoffs."""

    @face.offer(APPENDS, title="Leave a handoff")
    def create_handoff(
        title: Annotated[str, Field(description="the task, in at most 240 characters")],
        summary: Annotated[str, Field(description="where things stand, as Markdown, for who goes on")],
        done: Annotated[list[str], Field(max_length=100, description="what is finished, at most 100")] = [],  # noqa: B006  # read only; a default that pydantic copies
        next_steps: Annotated[list[str], Field(max_length=100, description="what to do next, at most 100")] = [],  # noqa: B006  # read only; a default that pydantic copies
        blocked: Annotated[list[str], Field(max_length=100, description="what is in the way, at most 100")] = [],  # noqa: B006  # read only; a default that pydantic copies
        scope: Annotated[Whose, Field(description=ABOUT_WHOSE)] = "auto",
        agent: Annotated[str, Field(description=ABOUT_AGENT)] = "",
        revises: Annotated[str, Field(description=ABOUT_REVISES)] = "",
    ) -> NoteWritten:
        """Leave the state of a task for the next agent: a file that is never changed, with revisions."""
        text = handoff_text(summary, done=done, next_steps=next_steps, blocked=blocked)
        return written(
            write_note(opened, Draft("handoff", title, text, agent, revises=revises), "handoff", whose=scope)
        )

    @face.offer(READS, title="Read a handoff")
    def read_handoff(
        id: Annotated[str, Field(description="id (or its beginning) or path of a handoff; empty: the newest")] = "",
        offset: Annotated[int, Field(ge=0, description="byte of the text to begin at, 0 or more")] = 0,
        limit: Annotated[int, Field(ge=100, le=30_000, description="bytes to return, 100 to 30000")] = 20_000,
        scope: Annotated[
            Reach, Field(description="project: own and shared; common: shared; all: all projects")
        ] = "project",
    ) -> HandoffRead:
        """Read what the last agent left: begin a task with it. list_notes with kind handoff shows the others."""
        return show_handoff(opened, id, offset=offset, limit=limit, reach=scope)
