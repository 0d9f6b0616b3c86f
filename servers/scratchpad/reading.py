"""Reading and listing notes and what they held before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from servers.machine.beneath import NotThereError, Root, Seen
from servers.machine.errors import ServerError
from servers.machine.face import READS, Face
from servers.machine.names import escape, show
from servers.machine.paging import Page, page_of, read_text
from servers.machine.times import utc
from servers.scratchpad.changing import changed_in, files_of, versions_in
from servers.scratchpad.opened import STATE, Home, Opened, Scope, View, named
from servers.scratchpad.results import (
    ScratchpadEntry,
    ScratchpadFile,
    ScratchpadList,
    ScratchpadVersion,
    ScratchpadVersions,
)
from servers.scratchpad.writing import ABOUT_NAME, ABOUT_RUN, ABOUT_SCOPE

if TYPE_CHECKING:
    from servers.machine.paging import TextPage

__all__ = ["list_notes", "missing", "offer_reading", "read_note", "versions_of"]

_NEAREST = f"{ABOUT_SCOPE} that has the note"
_Run = Annotated[str, Field(description=ABOUT_RUN)]


def missing(name: str) -> ServerError:
    """Return the error for a note that is not there."""
    return ServerError(
        f"there is no {show(name)} in the scratchpad; call list_scratchpad to see what is there, "
        "or write_scratchpad to make it (undo_scratchpad brings a cleared one back)"
    )


def _page(view: View, home: Home, name: str, version: int, offset: int, limit: int) -> TextPage:
    if not version:
        return read_text(view.root.below(home.place), name, offset=offset, limit=limit)
    kept = versions_in(view, home, name).numbered(version)
    if kept.size < 0:
        raise ServerError(f"there was no {show(name)} at version {version}; read another version")
    return read_text(view.root, kept.path, offset=offset, limit=limit)


def read_note(
    opened: Opened,
    filename: str,
    *,
    scope: Scope = "auto",
    run: str = "",
    version: int = 0,
    offset: int = 0,
    limit: int = 8_000,
) -> ScratchpadFile:
    """Return at most `limit` bytes of the nearest note of that name from byte `offset` on. Raises ServerError."""
    name = named(filename or STATE)
    try:
        view = opened.view(scope, run)
        home = view.holding(name) or (changed_in(view, name) if version else None)
        if home is None:
            raise missing(name)
        page = _page(view, home, name, version, offset, limit)
    except NotThereError as error:
        raise missing(name) from error
    return ScratchpadFile(
        filename=name,
        scope=home.scope,
        version=version,
        text=page.text,
        offset=page.offset,
        next_offset=page.next_offset,
        size=page.size,
        etag=page.etag,
        note=page.note,
    )


def _runs(pad: Root) -> int:
    try:
        return sum(entry.kind == "folder" for entry in pad.entries("runs").entries)
    except ServerError:
        return 0


def _weight(item: tuple[Home, Seen]) -> int:
    return len(repr(escape(item[1].path))) + 60


def list_notes(
    opened: Opened, *, folder: str = "", scope: Scope = "auto", run: str = "", limit: int = 100, offset: int = 0
) -> ScratchpadList:
    """Return a page of the files of the scratchpads that are meant, the nearest first. Raises ServerError."""
    found: list[tuple[Home, Seen]] = []
    runs = 0
    start = b"" if not folder.strip("/ ") else named(folder).strip("/").encode("utf-8", "surrogatepass") + b"/"
    try:
        for home, pad in opened.view(scope, run).pads():
            found += [(home, seen) for seen in files_of(pad) if seen.path.startswith(start)]
            runs += _runs(pad)
    except NotThereError:  # no context yet: it holds nothing
        found = []
    page: Page[tuple[Home, Seen]] = page_of(found, offset=offset, limit=limit, weigh=_weight)
    files = tuple(
        ScratchpadEntry(filename=escape(seen.path), scope=home.scope, size=seen.size) for home, seen in page.items
    )
    return ScratchpadList(files=files, total=len(found), runs=runs, offset=offset, next_offset=page.next_offset)


def versions_of(opened: Opened, filename: str, *, scope: Scope = "auto", run: str = "") -> ScratchpadVersions:
    """Return what the nearest note of that name held before each change, the newest first. Raises ServerError."""
    name = named(filename or STATE)
    try:
        view = opened.view(scope, run)
    except NotThereError as error:
        raise missing(name) from error
    home = view.holding(name) or changed_in(view, name)
    if home is None:
        raise missing(name)
    rows = [
        ScratchpadVersion(version=kept.number, kept=utc(kept.kept_ns), change=kept.change, size=kept.size)
        for kept in reversed(versions_in(view, home, name).all())
    ]
    return ScratchpadVersions(filename=name, scope=home.scope, versions=tuple(rows[:100]))


def offer_reading(face: Face, opened: Opened) -> None:
    """Offer the tools that read notes."""

    @face.offer(READS, title="Read a scratchpad file")
    def read_scratchpad(
        filename: Annotated[str, Field(description=f"{ABOUT_NAME}; empty: state.md")] = "",
        offset: Annotated[int, Field(ge=0, description="byte to begin at, 0 or more")] = 0,
        limit: Annotated[int, Field(ge=100, le=30_000, description="bytes to return, 100 to 30000")] = 8_000,
        scope: Annotated[Scope, Field(description=_NEAREST)] = "auto",
        run: _Run = "",
        version: Annotated[int, Field(ge=0, description="number of an old version; 0: as it is now")] = 0,
    ) -> ScratchpadFile:
        """Read a scratchpad file. A long file comes in pages: call again with next_offset."""
        return read_note(opened, filename, scope=scope, run=run, version=version, offset=offset, limit=limit)

    @face.offer(READS, title="List scratchpad files")
    def list_scratchpad(
        limit: Annotated[int, Field(ge=1, le=500, description="files to return, 1 to 500")] = 100,
        offset: Annotated[int, Field(ge=0, description="number of files to skip, 0 or more")] = 0,
        scope: Annotated[
            Scope, Field(description="whose; auto: this run's, the project's and the shared ones")
        ] = "auto",
        run: _Run = "",
        folder: Annotated[str, Field(description="only what is in this folder, e.g. drafts; empty: all")] = "",
    ) -> ScratchpadList:
        """List the files of the scratchpad with their sizes."""
        return list_notes(opened, folder=folder, scope=scope, run=run, limit=limit, offset=offset)

    @face.offer(READS, title="List old versions of a scratchpad file")
    def list_scratchpad_versions(
        filename: Annotated[str, Field(description=f"{ABOUT_NAME}; empty: state.md")] = "",
        scope: Annotated[Scope, Field(description=_NEAREST)] = "auto",
        run: _Run = "",
    ) -> ScratchpadVersions:
        """List what a note held before each change, cleared notes too; undo_scratchpad brings a version back."""
        return versions_of(opened, filename, scope=scope, run=run)
