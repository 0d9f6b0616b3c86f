"""Writing files of the context: only where the layout's policies let tools write, and never over a note."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from servers.context.opened import Opened, View, Whose, named
from servers.context.results import Action, ContextWritten
from servers.machine.artifacts import NAME
from servers.machine.errors import ServerError
from servers.machine.face import WRITES, Face
from servers.machine.names import show

if TYPE_CHECKING:
    from servers.machine.beneath import Root

__all__ = ["CONTENT_LIMIT", "encoded", "offer_writing", "write_file"]

CONTENT_LIMIT = 1_000_000
"""Largest file that a tool writes, in bytes."""

Mode = Literal["create", "replace", "append"]


def encoded(content: str) -> bytes:
    """Return a text as the bytes of a file. Raises ServerError where it is no Unicode, or too long."""
    try:
        data = content.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ServerError("the content is not valid Unicode (a lone surrogate); send plain text") from error
    if len(data) > CONTENT_LIMIT:
        raise ServerError(f"the content has {len(data)} bytes, more than {CONTENT_LIMIT}; write it in parts")
    return data


def write_file(
    opened: Opened, path: str, content: str, *, mode: Mode, etag: str, whose: Whose = "auto"
) -> ContextWritten:
    """Write a text file under the context root, making the root where it is missing. Raises ServerError."""
    data = encoded(content)
    view = opened.view(create=True)
    target = _target(view, named(path), whose)
    if mode != "create" and NAME.fullmatch(target.rpartition("/")[2]):
        raise ServerError(
            f"{show(path)} is a note or a handoff, which are never changed; write a new revision: "
            "create_note or create_handoff with revises"
        )
    with opened.writing(view, target) as root:
        if mode == "append":
            done = root.append(target, data, limit=CONTENT_LIMIT, etag=etag)
        else:
            done = root.write(target, data, mode=mode, etag=etag)
    changed: Action = "appended to" if mode == "append" else "replaced"
    action: Action = changed if done.existed else "created"
    return ContextWritten(path=done.path, action=action, written=len(data), size=done.size, etag=done.etag)


def _target(view: View, path: str, whose: Whose) -> str:
    """Return where a path is written: what is there already, else the place of its scope. Raises ServerError."""
    scope = view.scope(whose)
    places = view.spellings(path, whose)
    if len(places) > 1:
        for place in places:
            if _is_there(view.root, place):
                return place
    if view.layout.version == 1 and whose == "auto":
        return path
    wanted = view.layout.folder(path.removeprefix("./").partition("/")[0], scope)
    return next((place for place in places if place.startswith(f"{wanted}/")), path)


def _is_there(root: Root, path: str) -> bool:
    try:
        root.state(path)
    except ServerError:
        return False
    return True


def offer_writing(face: Face, opened: Opened) -> None:
    """Offer the tool that writes."""

    @face.offer(WRITES, title="Write a context file")
    def write_context(
        path: Annotated[str, Field(description="path relative to the context root, e.g. memory/notes.md")],
        content: Annotated[str, Field(description="the text, at most 1,000,000 bytes")],
        mode: Annotated[
            Mode, Field(description="create: a new file only; replace: overwrite; append: add lines at the end")
        ] = "create",
        etag: Annotated[str, Field(description="etag of read_context; refuses if the file changed since")] = "",
        scope: Annotated[
            Whose, Field(description="whose a new file is; auto: the project's where there is one, else everybody's")
        ] = "auto",
    ) -> ContextWritten:
        """Write a text file of the shared context, where its policies allow it: memory/ and scratchpad/ as a rule.

        Overwriting needs mode replace. history/ is read-only; notes and handoffs have tools of their own.
        """
        return write_file(opened, path, content, mode=mode, etag=etag, whose=scope)
