"""Listing the workspace: folders, whole trees, and files found by a pattern of their names."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.beneath import Kind
from servers.machine.errors import ServerError
from servers.machine.face import READS, Face
from servers.machine.globs import matcher
from servers.machine.names import escape, parse
from servers.machine.paging import END, Page, page_of
from servers.machine.times import utc

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.machine.beneath import Root, Seen, State
    from servers.workspace.opened import Opened

__all__ = ["FileEntry", "FileList", "list_tree", "offer_listing"]

_CAP = 400_000
"""Most names that one call looks at."""

Order = Literal["name", "size", "newest"]
Wanted = Literal["any", "file", "folder"]


class FileEntry(Frozen):
    """One name of the workspace."""

    path: str
    kind: Kind
    size: int = Field(default=0, description="bytes, of a file")
    modified: str = Field(default="", description="time of the last change, UTC")


class FileList(Frozen):
    """A page of what is in a folder, or of what a pattern finds below it."""

    path: str
    entries: tuple[FileEntry, ...]
    total: int
    offset: int
    next_offset: int = Field(description="offset of the next page; -1 on the last one")
    complete: bool = Field(description="false when there was more than could be looked at")

    def as_text(self) -> str:
        """Return one line an entry; a folder ends with a slash."""
        where = self.path or "the workspace"
        some = "" if self.complete else ", and more that could not be looked at"
        if not self.entries:
            return f"{where}: nothing found (0 of {self.total}, offset {self.offset}){some}"
        lines = [f"{where}: {len(self.entries)} of {self.total} from offset {self.offset}{some}"]
        lines += [_line(entry) for entry in self.entries]
        if self.next_offset != END:
            lines.append(f"more: call again with offset={self.next_offset}")
        return "\n".join(lines)


def _line(entry: FileEntry) -> str:
    when = f", {entry.modified}" if entry.modified else ""
    if entry.kind == "folder":
        return f"{entry.path}/{when and f' ({entry.modified})'}"
    return f"{entry.path} ({entry.size} bytes{when})" if entry.kind == "file" else f"{entry.path} ({entry.kind}{when})"


def list_tree(
    opened: Opened, path: str, *, pattern: str, depth: int, kind: Wanted, order: Order, limit: int, offset: int
) -> FileList:
    """Return a page of the names below a folder; of a file, that file. Raises ServerError.

    Links are shown and not followed. Without a pattern `depth` 0 lists the folder alone, with one all below it.
    """
    fits = matcher(pattern)
    with opened.at(path) as (root, inner):
        state = root.state(inner)
        if state.kind != "folder":
            return _one(path, state)
        levels = depth or (_CAP if pattern.strip() else 1)
        top = b"".join(part + b"/" for part in parse(inner))

        def enter(folder: bytes) -> bool:
            return folder.count(b"/", len(top)) < levels - 1

        measured = order != "name" or not pattern.strip()  # else only what is shown is measured, which is quicker
        with contextlib.closing(root.walk(inner, cap=_CAP, enter=enter, measured=measured)) as walk:
            entries = [seen for seen in walk if kind in ("any", seen.kind) and fits(seen.path[len(top) :])]
            complete = walk.complete and not walk.problems
        entries.sort(key=_ORDER[order])
        page: Page[Seen] = page_of(entries, offset=offset, limit=limit, weigh=_weigh)
        prefix = opened.prefix(root)
        shown = tuple(_entry(seen if measured else _measured(root, seen), prefix) for seen in page.items)
    return FileList(
        path=path, entries=shown, total=len(entries), offset=offset, next_offset=page.next_offset, complete=complete
    )


def _measured(root: Root, seen: Seen) -> Seen:
    """Return a name with its size and time; as it is where it is gone meanwhile."""
    try:
        state = root.named(escape(seen.path))
    except ServerError:
        return seen
    return seen._replace(kind=state.kind, size=state.size, modified_ns=state.modified_ns)


def _by_name(seen: Seen) -> bytes:
    return seen.path.replace(b"/", b"\0")


_ORDER: dict[Order, Callable[[Seen], Any]] = {
    "name": _by_name,
    "size": lambda seen: -seen.size,
    "newest": lambda seen: -seen.modified_ns,
}


def _weigh(seen: Seen) -> int:
    return 2 * len(seen.path) + 110


def _entry(seen: Seen, prefix: bytes) -> FileEntry:
    size = seen.size if seen.kind == "file" else 0
    return FileEntry(path=escape(prefix + seen.path), kind=seen.kind, size=size, modified=utc(seen.modified_ns))


def _one(path: str, state: State) -> FileList:
    entry = FileEntry(path=path, kind=state.kind, size=state.size, modified=utc(state.modified_ns))
    return FileList(path=path, entries=(entry,), total=1, offset=0, next_offset=END, complete=True)


def offer_listing(face: Face, opened: Opened) -> None:
    """Offer `list_files`."""

    @face.offer(READS, title="List or find files")
    def list_files(
        path: Annotated[
            str, Field(description="folder, relative to the workspace root or absolute; empty: the root")
        ] = "",
        pattern: Annotated[
            str,
            Field(
                description="names to find below it: *.asm, src/**/*.{inc,s}, or part of a name; at most 500 characters"
            ),
        ] = "",
        depth: Annotated[
            int, Field(ge=0, le=1_000, description="levels to go down, 0 to 1000; 0: one, or all with a pattern")
        ] = 0,
        kind: Annotated[Wanted, Field(description="any, file or folder")] = "any",
        order: Annotated[Order, Field(description="name; size: largest first; newest: last changed first")] = "name",
        limit: Annotated[int, Field(ge=1, le=1_000, description="entries to return, 1 to 1000")] = 200,
        offset: Annotated[int, Field(ge=0, description="number of entries to skip, 0 or more")] = 0,
    ) -> FileList:
        """List a folder, a whole tree, or the files that a pattern finds. A file's path shows its size and time."""
        return list_tree(opened, path, pattern=pattern, depth=depth, kind=kind, order=order, limit=limit, offset=offset)
