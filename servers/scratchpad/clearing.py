"""Clearing notes and undoing changes: what is cleared is kept as a version, so nothing is lost."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from servers.machine.beneath import NotThereError
from servers.machine.errors import ServerError
from servers.machine.face import WRITES, Face
from servers.machine.names import escape, plain
from servers.scratchpad.changing import Note, change_note, changed_in, files_of
from servers.scratchpad.opened import STATE, Home, Opened, Scope, View, named
from servers.scratchpad.reading import missing
from servers.scratchpad.results import ScratchpadCleared, ScratchpadUndone
from servers.scratchpad.versions import Version
from servers.scratchpad.writing import ABOUT_NAME, ABOUT_RUN, ABOUT_SCOPE

__all__ = ["clear_notes", "offer_clearing", "undo_change"]

_ALL = "*"
_SHOWN = 200
_UNDOES = WRITES.model_copy(update={"idempotent_hint": False})
_Run = Annotated[str, Field(description=ABOUT_RUN)]


def _clear(opened: Opened, view: View, home: Home, name: str) -> bool:
    return change_note(Note(opened, view, home, name), "clear", lambda _: None).number > 0


def clear_notes(opened: Opened, filename: str, *, scope: Scope = "auto", run: str = "") -> ScratchpadCleared:
    """Clear the nearest note of a name, or every note (`*`) of the nearest scratchpad. Raises ServerError."""
    wanted = filename.strip()
    name = "" if wanted == _ALL else named(filename)
    try:
        view = opened.view(scope, run)
    except NotThereError as error:
        raise missing(name or STATE) from error
    if name:
        home = view.holding(name)
        if home is None or not _clear(opened, view, home, name):
            raise missing(name)
        return ScratchpadCleared(filenames=(name,), count=1, scope=home.scope)
    home = view.homes[0]
    names = [
        escape(seen.path) for inner, pad in view.pads() if inner == home for seen in files_of(pad) if plain(seen.path)
    ]
    cleared = [name for name in names if _clear(opened, view, home, name)]
    return ScratchpadCleared(filenames=tuple(cleared[:_SHOWN]), count=len(cleared), scope=home.scope)


def undo_change(
    opened: Opened, filename: str, *, version: int = 0, scope: Scope = "auto", run: str = ""
) -> ScratchpadUndone:
    """Bring back what a note held before its last change, or a version of it. Raises ServerError."""
    name = named(filename or STATE)
    try:
        view = opened.view(scope, run)
    except NotThereError as error:
        raise missing(name) from error
    home = view.holding(name) or changed_in(view, name)
    if home is None:
        raise missing(name)
    note = Note(opened, view, home, name)
    return _undone(note, version)


def _undone(note: Note, version: int) -> ScratchpadUndone:
    kept = note.versions
    chosen: list[Version] = []

    def before(now: bytes | None) -> bytes | None:
        chosen[:] = [kept.numbered(version) if version else kept.to_undo(now)]
        return kept.read(chosen[0])

    def back() -> int:
        return chosen[0].number

    changed = change_note(note, "undo", before, back=back)
    if not changed.number:
        raise ServerError(f"{note.name} already is as version {chosen[0].number} says; list_scratchpad_versions")
    return ScratchpadUndone(
        filename=note.name,
        scope=note.home.scope,
        restored=chosen[0].number,
        kept=changed.number,
        size=-1 if changed.gone else changed.done.size,
        etag="" if changed.gone else changed.done.etag,
    )


def offer_clearing(face: Face, opened: Opened) -> None:
    """Offer the tools that clear notes and undo changes."""

    @face.offer(WRITES, title="Clear the scratchpad")
    def clear(
        filename: Annotated[str, Field(description="name of the note to clear; *: all notes of one scratchpad")],
        scope: Annotated[Scope, Field(description=ABOUT_SCOPE)] = "auto",
        run: _Run = "",
    ) -> ScratchpadCleared:
        """Clear a note of the scratchpad, or all of them. Nothing is lost: undo_scratchpad brings each back."""
        return clear_notes(opened, filename, scope=scope, run=run)

    @face.offer(_UNDOES, title="Undo a change of a scratchpad file")
    def undo_scratchpad(
        filename: Annotated[str, Field(description=f"{ABOUT_NAME}; empty: state.md")] = "",
        version: Annotated[int, Field(ge=0, description="number of the version to bring back; 0: the last change")] = 0,
        scope: Annotated[Scope, Field(description=f"{ABOUT_SCOPE} that has the note")] = "auto",
        run: _Run = "",
    ) -> ScratchpadUndone:
        """Take back the last change of a note: a write, an append or a clear. Again goes further back."""
        return undo_change(opened, filename, version=version, scope=scope, run=run)
