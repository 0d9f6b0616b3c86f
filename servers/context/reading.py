"""Reading and listing the context: the project one works in and what all share, and more when it is asked for."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from servers.context.mounts import MOUNTS, mounts_of
from servers.context.opened import Opened, Reach, named
from servers.context.results import ContextEntry, ContextFile, ContextList
from servers.machine.beneath import Entry, Listing, NotThereError, Place
from servers.machine.face import READS, Face
from servers.machine.names import parse
from servers.machine.paging import Page, TextPage, page_of, read_text

if TYPE_CHECKING:
    from servers.context.opened import View

__all__ = ["list_files", "listed", "offer_reading", "read_file"]

_SCOPE = "project: one's own project and what all share; common: what all share; all: every project"


def read_file(opened: Opened, path: str, *, offset: int, limit: int, reach: Reach = "project") -> ContextFile:
    """Return at most `limit` bytes of a text file from byte `offset` on. Raises ServerError."""
    try:
        return _shown(path, _page(opened, named(path), reach, offset, limit))
    except NotThereError as error:
        view = opened.view()
        for other in view.spellings(path):
            with contextlib.suppress(NotThereError):
                return _shown(other, _page(opened, other, reach, offset, limit))
        raise view.missing(path) from error


def _page(opened: Opened, path: str, reach: Reach, offset: int, limit: int) -> TextPage:
    with opened.reading(path, reach=reach) as (root, inner):
        return read_text(root, inner, offset=offset, limit=limit)


def _shown(path: str, page: TextPage) -> ContextFile:
    return ContextFile(
        path=path,
        text=page.text,
        offset=page.offset,
        next_offset=page.next_offset,
        size=page.size,
        etag=page.etag,
        note=page.note,
    )


def _weight(entry: Entry) -> int:
    return len(repr(entry.path)) + 60


def list_files(
    opened: Opened, path: str, *, depth: int, limit: int, offset: int, reach: Reach = "project"
) -> ContextList:
    """Return a page of the entries under a folder. Raises ServerError."""
    where, listing = listed(opened, path, depth=depth, reach=reach)
    page: Page[Entry] = page_of(listing.entries, offset=offset, limit=limit, weigh=_weight)
    return ContextList(
        path=where,
        entries=tuple(
            ContextEntry(path=entry.path, kind=entry.kind, size=entry.size if entry.kind == "file" else 0)
            for entry in page.items
        ),
        total=len(listing.entries),
        offset=offset,
        next_offset=page.next_offset,
        complete=listing.complete,
    )


def listed(opened: Opened, path: str, *, depth: int = 1, reach: Reach = "project") -> tuple[str, Listing]:
    """Return the folder that a path, or a short one, names, and all that is seen in it. Raises ServerError."""
    view = opened.view()
    top = path.strip("/.") == ""
    if path.strip("/") == MOUNTS and mounts_of(view.root):
        return path, Listing(_mounts(view), complete=True)
    try:
        found = _seen(opened, view, path, depth=depth, reach=reach)
    except NotThereError as error:
        for other in view.spellings(path.rstrip("/")):
            with contextlib.suppress(NotThereError):
                return other, _seen(opened, view, other, depth=depth, reach=reach)
        raise view.missing(path) from error
    if top and mounts_of(view.root) and not any(entry.path == MOUNTS for entry in found.entries):
        found = Listing((*found.entries, Entry(MOUNTS, "folder", 0)), found.complete)
    return path, found


def _mounts(view: View) -> tuple[Entry, ...]:
    return tuple(Entry(f"{MOUNTS}/{mount.name}", "folder", 0) for mount in mounts_of(view.root))


def _seen(opened: Opened, view: View, path: str, *, depth: int, reach: Reach) -> Listing:
    """List a folder without what belongs to other projects, unless all was asked for."""
    with opened.reading(path, reach=reach) as place:
        listing = place.root.entries(place.path, depth=depth)
    if place.root is not view.root:
        return Listing(_within_mount(path, place, listing), listing.complete)
    if reach == "all":
        return listing
    mine = (entry for entry in listing.entries if not view.foreign(b"/".join(parse(entry.path))))
    return Listing(tuple(mine), listing.complete)


def _within_mount(path: str, place: Place, listing: Listing) -> tuple[Entry, ...]:
    start = path[: len(path.rstrip("/")) - len(place.path.rstrip("/"))].rstrip("/")
    return tuple(entry._replace(path=f"{start}/{entry.path}") for entry in listing.entries)


def offer_reading(face: Face, opened: Opened) -> None:
    """Offer the tools that read and list."""

    @face.offer(READS, title="Read a context file")
    def read_context(
        path: Annotated[str, Field(description="path relative to the context root, e.g. memory/notes.md")],
        offset: Annotated[int, Field(ge=0, description="byte to begin at, 0 or more")] = 0,
        limit: Annotated[int, Field(ge=100, le=30_000, description="bytes to return, 100 to 30000")] = 8_000,
        scope: Annotated[Reach, Field(description=_SCOPE)] = "project",
    ) -> ContextFile:
        """Read a text file of the shared context. A long file comes in pages: call again with next_offset."""
        return read_file(opened, path, offset=offset, limit=limit, reach=scope)

    @face.offer(READS, title="List context files")
    def list_context(
        path: Annotated[str, Field(description="folder relative to the context root; empty: the root")] = "",
        depth: Annotated[int, Field(ge=1, le=20, description="levels of folders to list, 1 to 20")] = 1,
        limit: Annotated[int, Field(ge=1, le=500, description="entries to return, 1 to 500")] = 100,
        offset: Annotated[int, Field(ge=0, description="number of entries to skip, 0 or more")] = 0,
        scope: Annotated[Reach, Field(description=_SCOPE)] = "project",
    ) -> ContextList:
        """List the files and folders of the shared context. Any path it shows can be read as it is shown."""
        return list_files(opened, path, depth=depth, limit=limit, offset=offset, reach=scope)
