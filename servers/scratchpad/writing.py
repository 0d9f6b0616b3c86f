"""Writing and appending to notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from servers.machine.errors import ServerError
from servers.machine.face import APPENDS, WRITES, Face
from servers.scratchpad.changing import FILE_LIMIT, Changed, Note, change_note
from servers.scratchpad.opened import Home, Opened, Scope, named
from servers.scratchpad.results import ScratchpadWritten

if TYPE_CHECKING:
    from servers.settings import Settings

__all__ = [
    "ABOUT_NAME",
    "ABOUT_RUN",
    "ABOUT_SCOPE",
    "append_file",
    "append_note",
    "offer_writing",
    "write_file",
    "write_note",
]

ABOUT_NAME = "name of the note, e.g. state.md, plan.md or drafts/idea.md; folders are made"
ABOUT_SCOPE = "whose: this run's, this project's or everybody's; auto: the nearest"
ABOUT_RUN = "id of the run, where it is another than this one; empty: this one"

_Filename = Annotated[str, Field(description=ABOUT_NAME)]
_Run = Annotated[str, Field(description=ABOUT_RUN)]
_Etag = Annotated[str, Field(description="etag of read_scratchpad; refuses if the note changed since")]


def _data(content: str) -> bytes:
    try:
        data = content.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ServerError("the content is not valid Unicode (a lone surrogate); send plain text") from error
    if len(data) > FILE_LIMIT:
        raise ServerError(f"the content has {len(data)} bytes, more than {FILE_LIMIT}; write it in parts")
    return data


def _written(home: Home, changed: Changed, data: bytes, done: Literal["replaced", "appended to"]) -> ScratchpadWritten:
    same: Literal["left", "replaced", "appended to"] = done if changed.number else "left"
    return ScratchpadWritten(
        filename=changed.done.path,
        scope=home.scope,
        action=same if changed.done.existed else "wrote",
        written=len(data),
        size=changed.done.size,
        etag=changed.done.etag,
        version=changed.number,
    )


def write_note(
    opened: Opened, filename: str, content: str, *, scope: Scope = "auto", run: str = "", etag: str = ""
) -> ScratchpadWritten:
    """Make `content` the whole text of a note of the nearest scratchpad. Raises ServerError; the old one is intact."""
    name, data = named(filename), _data(content)
    view = opened.view(scope, run, create=True)
    home = view.homes[0]
    changed = change_note(Note(opened, view, home, name), "write", lambda _: data, etag=etag)
    return _written(home, changed, data, "replaced")


def append_note(
    opened: Opened, filename: str, content: str, *, scope: Scope = "auto", run: str = ""
) -> ScratchpadWritten:
    """Add `content` on a new line at the end of the nearest note of that name. Raises ServerError; nothing is lost."""
    name, data = named(filename), _data(content)
    view = opened.view(scope, run, create=True)
    home = view.holding(name) or view.homes[0]

    def longer(old: bytes | None) -> bytes:
        return (old or b"") + (b"\n" if old and not old.endswith(b"\n") else b"") + data

    changed = change_note(Note(opened, view, home, name), "append", longer)
    return _written(home, changed, data, "appended to")


def write_file(settings: Settings, filename: str, content: str) -> ScratchpadWritten:
    """Write a note of the nearest scratchpad of a context root; see `write_note`."""
    return write_note(Opened(settings), filename, content)


def append_file(settings: Settings, filename: str, content: str) -> ScratchpadWritten:
    """Append to the nearest note of that name in a context root; see `append_note`."""
    return append_note(Opened(settings), filename, content)


def offer_writing(face: Face, opened: Opened) -> None:
    """Offer the tools that write notes."""

    @face.offer(WRITES, title="Write a scratchpad file")
    def write_scratchpad(
        filename: _Filename,
        content: Annotated[str, Field(description="the whole text of the file, at most 1,000,000 bytes")],
        scope: Annotated[Scope, Field(description=ABOUT_SCOPE)] = "auto",
        run: _Run = "",
        etag: _Etag = "",
    ) -> ScratchpadWritten:
        """Write a note into the scratchpad, replacing the file's old text. To add a line, use append_scratchpad."""
        return write_note(opened, filename, content, scope=scope, run=run, etag=etag)

    @face.offer(APPENDS, title="Append to a scratchpad file")
    def append_scratchpad(
        filename: _Filename,
        content: Annotated[str, Field(description="the text to add; it begins on a new line")],
        scope: Annotated[Scope, Field(description=f"{ABOUT_SCOPE} that has the note")] = "auto",
        run: _Run = "",
    ) -> ScratchpadWritten:
        """Add text at the end of a scratchpad file, on a new line; a missing file is made."""
        return append_note(opened, filename, content, scope=scope, run=run)
