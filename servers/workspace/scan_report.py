"""What one scan of a folder tells at a glance: sums, the largest, the oldest, caches, projects, duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from servers.workspace.duplicates_groups import sum_of_groups
from servers.workspace.scan_facts import (
    CACHE,
    OWN,
    abandoned_of,
    files_of,
    folders_of,
    project_found,
    projects_of,
    scattered_of,
    still_there,
)
from servers.workspace.scan_results import KindSum, Scanned
from servers.workspace.scan_store import SCOPE, scope_of

if TYPE_CHECKING:
    from servers.workspace.scan_place import Scope
    from servers.workspace.scan_running import Ready

__all__ = ["report"]

_NAMED = 20
_FEW = 5
_SOME = 10
_MISSED = (
    "only folders whose own time has changed were read: a file written in place is not noticed; scan with "
    "changed_only=false to read all"
)


class _Counts(NamedTuple):
    folders: int
    files: int
    size: int
    odd: int
    empty_folders: int
    empty_files: int
    cache_bytes: int
    unreadable: list[bytes]


def _counts(scope: Scope) -> _Counts:
    store, values = scope.store, scope_of(scope.top)
    ((folders, files, size, odd, empty_folders),) = store.rows(
        "SELECT count(*), coalesce(sum(files), 0), coalesce(sum(bytes), 0), coalesce(sum(odd), 0), "
        f"coalesce(sum(all_files = 0 AND NOT folder.git AND inside = 0), 0) FROM folder WHERE {SCOPE}",
        values,
    )
    ((empty,),) = store.rows(
        f"SELECT count(*) FROM file JOIN folder ON folder.id = file.folder WHERE {SCOPE} AND size = 0", values
    )
    ((caches,),) = store.rows(
        f"SELECT coalesce(sum(all_bytes), 0) FROM folder WHERE {SCOPE} AND inside = id AND {CACHE}", values
    )
    unreadable = store.rows(f"SELECT path FROM folder WHERE {SCOPE} AND problem ORDER BY path", values)
    paths = [path for (path,) in unreadable]
    return _Counts(folders, files, size, odd, empty_folders, empty, caches, paths)


def report(scope: Scope, ready: Ready, *, seconds: float, changed_only: bool) -> Scanned:
    """Return what a scan found. Raises ServerError."""
    counts = _counts(scope)
    projects = projects_of(scope)
    abandoned = ((fact.path, project_found(scope, fact)) for fact in abandoned_of(projects))
    groups = sum_of_groups(scope) if ready.hashed else None
    return Scanned(
        path=scope.shown(scope.top),
        folders=counts.folders,
        files=counts.files,
        bytes=counts.size,
        complete=ready.complete,
        how=_how(ready),
        seconds=round(seconds, 2),
        kinds=_kinds(scope),
        largest=files_of(scope, limit=_SOME),
        largest_folders=folders_of(scope, limit=_SOME),
        oldest=files_of(scope, f"{OWN} AND file.mtime > 0", order="file.mtime", limit=_FEW),
        newest=files_of(scope, OWN, order="file.mtime DESC", limit=_FEW),
        roms_and_hacks=files_of(scope, f"kind IN ('rom', 'patch') AND {OWN}", order="kind, size DESC", limit=_SOME),
        models=files_of(scope, "kind = 'model'", limit=_SOME),
        caches=folders_of(scope, f"inside = id AND {CACHE}", limit=_SOME),
        cache_bytes=counts.cache_bytes,
        projects=len(projects),
        scattered=scattered_of(projects, scope)[:_SOME],
        abandoned=tuple(still_there(scope, abandoned, _SOME)),
        duplicate_groups=groups.groups if groups and ready.complete else -1,
        duplicate_bytes=groups.gain if groups else 0,
        odd=counts.odd,
        empty_files=counts.empty_files,
        empty_folders=counts.empty_folders,
        unreadable=tuple(map(scope.shown, counts.unreadable[:_NAMED])),
        unreadable_count=len(counts.unreadable),
        notes=(_MISSED,) if changed_only else (),
    )


def _how(ready: Ready) -> str:
    walked, hashed = ready.walked, ready.hashed
    said = [f"{walked.read} folders read now"]
    if walked.before:
        said.append(f"{walked.before} known from before")
    if walked.resumed:
        said.append("went on with a scan that had not come to its end")
    if not walked.complete:
        said.append("stopped before all folders were read")
    if hashed:
        said.append(f"{hashed.files} files hashed" + ("" if hashed.complete else ", more to be hashed"))
        if hashed.left_out:
            said.append(f"{hashed.left_out} left out that changed or could not be read")
    return ", ".join(said)


def _kinds(scope: Scope) -> tuple[KindSum, ...]:
    sql = (
        "SELECT kind, count(*), sum(size) total FROM file JOIN folder ON folder.id = file.folder "
        f"WHERE {SCOPE} GROUP BY kind ORDER BY total DESC, kind"
    )
    return tuple(KindSum(kind=row[0], files=row[1], bytes=row[2]) for row in scope.store.rows(sql, scope_of(scope.top)))
