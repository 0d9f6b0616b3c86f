"""Finding duplicates: the tool, and what it returns."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Annotated

from mcp.server.mcpserver import Context
from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.errors import ServerError
from servers.machine.face import WRITES, Face
from servers.machine.paging import END, page_of
from servers.machine.times import utc
from servers.workspace.duplicates_groups import Copy, Group, groups_of, sum_of_groups
from servers.workspace.duplicates_reading import state_of
from servers.workspace.scan import paced
from servers.workspace.scan_place import Scope, scope_at
from servers.workspace.scan_results import amount
from servers.workspace.scan_running import made_ready

if TYPE_CHECKING:
    from servers.workspace.opened import Opened
    from servers.workspace.scan_walk import Pace

__all__ = ["DuplicateGroup", "Duplicates", "find_groups", "offer_duplicates"]

_PATHS = 50
"""Paths of one group that are named."""


class DuplicateGroup(Frozen):
    """Files with the same content."""

    size: int = Field(description="bytes of one")
    gain: int = Field(description="bytes that all but one take")
    count: int = Field(description="names of it, hard links too")
    sha256: str
    paths: tuple[str, ...] = Field(description="where they are, the first 50; each was there when this was answered")
    newest: str = Field(description="last change of the newest one, UTC")

    def as_text(self) -> str:
        """Return a line on the group and one for each path."""
        more = f"\n  and {self.count - len(self.paths)} more" if self.count > len(self.paths) else ""
        head = f"{self.count} x {amount(self.size)} ({self.size}), gain {amount(self.gain)} ({self.gain})"
        told = f"{head}, newest {self.newest}, sha256 {self.sha256}"
        return told + "".join(f"\n  {path}" for path in self.paths) + more


class Duplicates(Frozen):
    """A page of groups, those first that would gain most."""

    path: str
    total: int = Field(description="groups")
    files: int = Field(description="files in all groups")
    gain: int = Field(description="bytes that all copies but one of each group take")
    groups: tuple[DuplicateGroup, ...]
    offset: int
    next_offset: int = Field(description="offset of the next page; -1 on the last one")
    complete: bool = Field(description="false: not all is compared yet; call again, it goes on where it was")
    left_out: int = Field(description="files that changed meanwhile or could not be read")

    def as_text(self) -> str:
        """Return the sums, then each group."""
        done = "" if self.complete else "; not all is compared yet: call again, it goes on where it was"
        head = (
            f"{self.path}: {self.total} groups of {self.files} files, {amount(self.gain)} ({self.gain}) to gain; "
            f"{len(self.groups)} shown from {self.offset}; {self.left_out} files left out that changed or could not be "
            f"read{done}"
        )
        more = [] if self.next_offset == END else [f"more: call again with offset={self.next_offset}"]
        return "\n".join([head, *(group.as_text() for group in self.groups), *more])


def find_groups(
    opened: Opened, path: str, pace: Pace, *, min_size: int, kind: str, limit: int, offset: int
) -> Duplicates:
    """Return a page of the groups of duplicates below a folder; the first page scans it first. Raises ServerError."""
    with scope_at(opened, path) as scope:
        ready = made_ready(scope, pace, depth="known" if offset else "all", min_size=max(1, min_size))
        where, values = ("kind = ?", (kind.strip().lower(),)) if kind.strip() else ("1", ())
        sums = sum_of_groups(scope, min_size=min_size, where=where, values=values)
        if offset and offset >= sums.groups:
            raise ServerError(f"offset {offset} is past the end: there are {sums.groups} groups; start at offset 0")
        groups = groups_of(scope, min_size=min_size, limit=limit, offset=offset, where=where, values=values)
        page = page_of([_shown(scope, group) for group in groups], offset=0, limit=limit, weigh=_weigh)
        after = offset + len(page.items)
        return Duplicates(
            path=scope.shown(scope.top),
            total=sums.groups,
            files=sums.files,
            gain=sums.gain,
            groups=tuple(group for group in page.items if len(group.paths) > 1),
            offset=offset,
            next_offset=after if after < sums.groups else END,
            complete=ready.complete,
            left_out=ready.hashed.left_out if ready.hashed else 0,
        )


def _shown(scope: Scope, group: Group) -> DuplicateGroup:
    """Return a group for the wire, without the files that are not as they were scanned any more."""
    there = [copy for copy in group.copies if _still(scope, group.size, copy)]
    named = there[:_PATHS]
    return DuplicateGroup(
        size=group.size,
        gain=group._replace(copies=tuple(there)).gain if there else 0,
        count=len(there),
        sha256=group.full.hex(),
        paths=tuple(scope.shown(copy.path) for copy in named),
        newest=utc(max((copy.mtime for copy in there), default=0)),
    )


def _still(scope: Scope, size: int, copy: Copy) -> bool:
    with contextlib.suppress(ServerError):
        state = state_of(scope.root, copy.path)
        return (state.kind, state.size, state.modified_ns) == ("file", size, copy.mtime)
    return False


def _weigh(group: DuplicateGroup) -> int:
    return len(group.as_text()) + 4 * len(group.paths) + 150


def offer_duplicates(face: Face, opened: Opened) -> None:
    """Offer `find_duplicates`."""

    @face.offer(WRITES, title="Find duplicates")
    async def find_duplicates(
        path: Annotated[str, Field(description="folder to look in; empty: the whole workspace root")] = "",
        *,
        min_size: Annotated[int, Field(ge=1, description="only files of at least so many bytes, 1 or more")] = 1,
        kind: Annotated[str, Field(description="only this kind: rom, archive, image, video, model, code, ...")] = "",
        limit: Annotated[int, Field(ge=1, le=200, description="groups to return, 1 to 200")] = 30,
        offset: Annotated[int, Field(ge=0, description="groups to skip, 0 or more, for the next page")] = 0,
        seconds: Annotated[int, Field(ge=1, le=3_600, description="stop comparing after this time, 1 to 3,600 s")] = 50,
        ctx: Context,
    ) -> Duplicates:
        """Find files of the same content: by size, then by their first 4 KB, then by SHA-256 of all of it.

        Names of one file (hard links) and empty files are no duplicates. Nothing is changed; see plan_cleanup.
        """
        work = partial(find_groups, opened, path, min_size=min_size, kind=kind, limit=limit, offset=offset)
        return await paced(ctx, seconds, work)
