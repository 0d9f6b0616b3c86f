"""Groups of files with the same content, by their hashes: what each would gain, and where its files are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from servers.workspace.duplicates_reading import joined
from servers.workspace.scan_store import SCOPE, scope_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servers.workspace.scan_place import Scope

__all__ = ["Copy", "Group", "Groups", "groups_of", "sum_of_groups"]

_FILES = "file JOIN folder ON folder.id = file.folder"
_AT_ONCE = 300
_ONES = "count(DISTINCT device || ':' || inode)"
_WHERE = f"{SCOPE} AND NOT trash AND full IS NOT NULL AND size >= ?"


class Groups(NamedTuple):
    """How many groups there are, of how many files, and the bytes that all copies but one of each take."""

    groups: int
    files: int
    gain: int


class Copy(NamedTuple):
    """One file of a group, as it was scanned; `cache` is what programs make again that it is in, empty: nothing."""

    path: bytes
    mtime: int
    device: int
    inode: int
    cache: int
    git: bool
    project: int


class Group(NamedTuple):
    """Files of one content: its SHA-256, the bytes of one, and each file."""

    full: bytes
    size: int
    copies: tuple[Copy, ...]

    @property
    def gain(self) -> int:
        """Bytes that all copies but one take; names of one file count once."""
        return self.size * (len({(copy.device, copy.inode) for copy in self.copies}) - 1)


def sum_of_groups(scope: Scope, *, min_size: int = 1, where: str = "1", values: Sequence[object] = ()) -> Groups:
    """Count the groups below the scope's folder."""
    each = f"SELECT count(*) n, size * ({_ONES} - 1) gain FROM {_FILES} WHERE {_WHERE} AND ({where})"
    sql = (
        "SELECT count(*), coalesce(sum(n), 0), coalesce(sum(gain), 0) "
        f"FROM ({each} GROUP BY size, full HAVING {_ONES} > 1)"
    )
    return Groups(*scope.store.rows(sql, (*scope_of(scope.top), max(1, min_size), *values))[0])


def groups_of(
    scope: Scope, *, min_size: int = 1, limit: int, offset: int = 0, where: str = "1", values: Sequence[object] = ()
) -> list[Group]:
    """Return groups, those first that would gain most."""
    found = scope.store.rows(
        f"SELECT size, full FROM {_FILES} WHERE {_WHERE} AND ({where}) GROUP BY size, full HAVING {_ONES} > 1 "
        f"ORDER BY size * ({_ONES} - 1) DESC, full LIMIT ? OFFSET ?",
        (*scope_of(scope.top), max(1, min_size), *values, limit, offset),
    )
    copies: dict[tuple[int, bytes], list[Copy]] = {(size, full): [] for size, full in found}
    for start in range(0, len(found), _AT_ONCE):
        some = found[start : start + _AT_ONCE]
        marks = ", ".join(["(?, ?)"] * len(some))
        rows = scope.store.rows(
            f"SELECT size, full, folder.path, name, file.mtime, device, inode, inside, folder.git, project "
            f"FROM {_FILES} WHERE {_WHERE} AND ({where}) AND (size, full) IN (VALUES {marks})",
            (*scope_of(scope.top), 1, *values, *(value for pair in some for value in pair)),
        )
        for size, full, path, name, *rest in rows:
            copies[size, full].append(Copy(joined(path, name), *rest))
    return [Group(full, size, tuple(sorted(copies[size, full]))) for size, full in found]
