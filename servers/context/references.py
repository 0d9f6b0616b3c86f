"""What of the context is to be read rather than called: its files, notes and handoffs as resources, with completion."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote

from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from servers.context.handoffs import newest_handoff
from servers.context.notes import notes_in
from servers.context.notes_found import find_note, note_files
from servers.context.reading import listed, read_file
from servers.context.status import status
from servers.context.subscribing import Followed, offer_subscriptions
from servers.machine.artifacts import FOLDERS, Kind
from servers.machine.beneath import NotThereError
from servers.machine.errors import ServerError
from servers.machine.paging import END
from servers.machine.wire import clean
from servers.machine.work import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from servers.context.opened import Opened
    from servers.machine.face import Face

__all__ = ["FILE", "offer_references"]

FILE = "context://file/"
"""What the URI of a file begins with."""

_MARKDOWN = "text/markdown"
_PAGE = 30_000
_MOST_VALUES = 100


@contextlib.contextmanager
def _telling() -> Generator[None]:
    """Turn what cannot be done into errors of the resource."""
    try:
        yield
    except NotThereError as error:
        raise ResourceNotFoundError(clean(str(error))) from error
    except ServerError as error:
        raise ResourceError(clean(str(error))) from error


def _file_text(opened: Opened, path: str) -> str:
    with _telling():
        page = read_file(opened, path, offset=0, limit=_PAGE)
    if page.next_offset == END:
        return clean(page.text)
    return clean(f"{page.text}\n[{page.size} bytes in all: read_context shows the rest from {page.next_offset} on]")


def _note_text(opened: Opened, ident: str, kind: Kind) -> str:
    with _telling():
        path = find_note(opened.view(), ident, kind).path
    return _file_text(opened, path)


def _newest(opened: Opened) -> str:
    with _telling():
        note = newest_handoff(opened.view())
    return _file_text(opened, note.path) if note else "There is no handoff yet: create_handoff leaves one."


def offer_references(face: Face, opened: Opened) -> None:
    """Offer the resources, their completion, and subscriptions to them."""
    _offer_fixed(face, opened)
    _offer_templates(face, opened)
    _offer_completion(face, opened)
    offer_subscriptions(face, Followed(opened, partial(_paths, opened)))


def _offer_fixed(face: Face, opened: Opened) -> None:
    @face.resource("context://status", title="State of the context", mime_type=_MARKDOWN)
    def state() -> str:
        """Tell layout, policies, project, mounts, sizes and problems of the context."""
        with _telling():
            return clean(status(opened).as_text())

    @face.resource("context://notes", title="The newest notes", mime_type=_MARKDOWN)
    def notes() -> str:
        """List the newest notes of the project and of all."""
        with _telling():
            return clean(notes_in(opened, limit=50).as_text())

    @face.resource("context://handoff", title="The newest handoff", mime_type=_MARKDOWN)
    def handoff() -> str:
        """Show what the last agent left."""
        return _newest(opened)


def _offer_templates(face: Face, opened: Opened) -> None:
    @face.resource(FILE + "{+path}", title="A file of the context", mime_type=_MARKDOWN)
    def file(path: str) -> str:
        """Show a text file by its path, e.g. context://file/memory/notes.md."""
        return _file_text(opened, path)

    @face.resource("context://note/{id}", title="A note", mime_type=_MARKDOWN)
    def note(id: str) -> str:
        """Show a note by its id."""
        return _note_text(opened, id, "note")

    @face.resource("context://handoff/{id}", title="A handoff", mime_type=_MARKDOWN)
    def one_handoff(id: str) -> str:
        """Show a handoff by its id."""
        return _note_text(opened, id, "handoff")


def _offer_completion(face: Face, opened: Opened) -> None:
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        """Complete paths of files, and ids of notes and handoffs."""
        if not isinstance(ref, ResourceTemplateReference):
            return None
        values: list[str] = []
        with contextlib.suppress(ServerError):
            values = await in_thread(partial(_values, opened, ref.uri, argument.value))
        return Completion(values=values[:_MOST_VALUES], total=len(values), has_more=len(values) > _MOST_VALUES)

    register: Callable[[object], object] = face.completion()  # type: ignore[no-untyped-call]  # untyped in the SDK
    register(complete)


def _values(opened: Opened, uri: str, start: str) -> list[str]:
    if uri.startswith(FILE):
        return _paths_from(opened, start)
    kinds: dict[str, Kind] = {"context://note/{id}": "note", "context://handoff/{id}": "handoff"}
    kind = kinds.get(uri)
    if kind is None:
        return []
    names = [path.removesuffix(".md").rpartition("--")[2] for path in note_files(opened.view(), kind, "project").paths]
    return [name for name in names if name.startswith(start)]


def _paths_from(opened: Opened, start: str) -> list[str]:
    """Return the files and folders (these with a slash) whose path begins so."""
    short = start.rpartition("/")[0]
    where, found = listed(opened, short)
    paths = [f"{entry.path}/" if entry.kind == "folder" else entry.path for entry in found.entries]
    if where != short:  # a short path, such as memory/ for the project's own
        paths = [short + path.removeprefix(where) for path in paths]
    return [clean(path) for path in paths if path.startswith(start)]


def _paths(opened: Opened, uri: str) -> tuple[str, ...] | None:
    """Return the files and folders that a resource shows, as paths below the root; None for no such resource."""
    if uri.startswith(FILE):
        return _places(opened, unquote(uri.removeprefix(FILE)))
    kinds: dict[str, tuple[Kind, ...]] = {
        "context://status": ("note", "handoff"),
        "context://notes": ("note",),
        "context://handoff": ("handoff",),
    }
    if uri in kinds:
        return tuple(folder for kind in kinds[uri] for folder in _note_folders(opened, kind))
    kind: Kind
    for kind in FOLDERS:
        start = f"context://{kind}/"
        if uri.startswith(start):
            with contextlib.suppress(ServerError):
                return (find_note(opened.view(), uri.removeprefix(start), kind).path,)
    return None


def _places(opened: Opened, path: str) -> tuple[str, ...] | None:
    """Return where a file may lie; None for another project's, or no path at all."""
    try:
        view = opened.view()
    except ServerError:  # there is no context yet, but there may be one soon
        return (path,) if path.strip("/") else None
    try:
        places = view.spellings(path) if path.strip("/") and ".." not in path.split("/") else ()
        return None if not places or any(map(view.foreign, places)) else places
    except ServerError:
        return None


def _note_folders(opened: Opened, kind: Kind) -> list[str]:
    with contextlib.suppress(ServerError):
        view = opened.view()
        places = [folder for category in ("memory", "scratchpad") for folder in view.folders(category, "project")]
        return [f"{place}/{FOLDERS[kind]}" for place in places]
    return []
