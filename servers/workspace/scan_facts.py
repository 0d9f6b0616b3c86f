"""Questions to a scan that have one answer: the largest files, the caches, the projects; only what is still there."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, NamedTuple

from servers.machine.errors import ServerError
from servers.machine.times import utc
from servers.workspace.duplicates_reading import joined, state_of
from servers.workspace.scan_kinds import TRASH
from servers.workspace.scan_results import Found, Scattered, day
from servers.workspace.scan_store import SCOPE, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from servers.workspace.scan_place import Scope

__all__ = [
    "ABANDONED_DAYS",
    "CACHE",
    "DAY_NS",
    "OWN",
    "ProjectFact",
    "abandoned_of",
    "files_of",
    "folders_of",
    "project_found",
    "projects_of",
    "scattered_of",
    "still_there",
]

ABANDONED_DAYS = 180
"""A project that nothing changed in for so many days counts as abandoned."""
DAY_NS = 86_400_000_000_000
OWN = "inside = 0 AND NOT folder.git"
"""The condition for what is the user's own: in no cache, no trash, no `.git`."""
CACHE = f"trait NOT IN ('', '{TRASH}')"
"""The condition for a folder that is a cache."""
_COPIER = 512
_EXTRA = 20
"""Rows more than asked for, since some may be gone."""


class ProjectFact(NamedTuple):
    """A project of a scan; times in nanoseconds."""

    path: bytes
    size: int
    files: int
    name: str
    language: str
    languages: str
    remote: str
    branch: str
    git: bool
    used: int
    committed: int
    uncommitted: int
    unpushed: int

    @property
    def last(self) -> int:
        """The last sign of work on it."""
        return max(self.used, self.committed * 1_000_000_000)

    def signs(self) -> list[str]:
        """Return what is left undone."""
        out = [f"{self.uncommitted} files not committed"] if self.uncommitted > 0 else []
        if self.unpushed > 0:
            out.append("not pushed")
        return out + (["in git, without a remote"] if self.git and not self.remote else [])

    def why(self) -> str:
        """Return what there is to say."""
        said = [self.languages or self.language, self.remote, f"branch {self.branch}" if self.branch else ""]
        said += [*self.signs(), f"last worked on {day(self.last)}" if self.last else ""]
        return "; ".join(filter(None, said))


def files_of(
    scope: Scope, where: str = "1", values: Sequence[object] = (), *, order: str = "size DESC", limit: int = 10
) -> tuple[Found, ...]:
    """Return files below the scope's folder that a condition holds for, in an order; only what is still there."""
    sql = (
        f"SELECT folder.path, name, kind, size, file.mtime FROM file JOIN folder ON folder.id = file.folder "
        f"WHERE {SCOPE} AND NOT trash AND ({where}) ORDER BY {order}, folder.path, name LIMIT ?"
    )
    rows = scope.store.rows(sql, (*scope_of(scope.top), *values, limit + _EXTRA))
    found = [(joined(path, name), kind, size, mtime) for path, name, kind, size, mtime in rows]
    there = still_there(scope, ((path, _file(scope, path, *rest)) for path, *rest in found), limit)
    return tuple(there)


def _file(scope: Scope, path: bytes, kind: str, size: int, mtime: int) -> Found:
    why = ""
    if kind == "rom" and path.lower().endswith((b".sfc", b".smc")):
        copier = size % 1024 == _COPIER
        why = "with a copier header of 512 bytes" if copier else "without a copier header"
    return Found(path=scope.shown(path), kind=kind, size=size, modified=utc(mtime), why=why)


def still_there(scope: Scope, rows: Iterable[tuple[bytes, Found]], limit: int) -> list[Found]:
    """Return the first rows whose path names something that is still there."""
    out: list[Found] = []
    for path, row in rows:
        if len(out) >= limit:
            break
        if _is_there(scope, path):
            out.append(row)
    return out


def _is_there(scope: Scope, path: bytes) -> bool:
    with contextlib.suppress(ServerError):
        state_of(scope.root, path)
        return True
    return False


def folders_of(
    scope: Scope, where: str = "1", values: Sequence[object] = (), *, order: str = "all_bytes DESC", limit: int = 10
) -> tuple[Found, ...]:
    """Return folders below the scope's folder that a condition holds for; only what is still there."""
    sql = (
        f"SELECT folder.path, trait, all_bytes, all_files, all_newest, project = id FROM folder "
        f"WHERE {SCOPE} AND path <> ? AND NOT trash AND ({where}) ORDER BY {order}, path LIMIT ?"
    )
    rows = scope.store.rows(sql, (*scope_of(scope.top), scope.top, *values, limit + _EXTRA))

    return tuple(still_there(scope, ((row[0], _folder(scope, *row)) for row in rows), limit))


def _folder(scope: Scope, path: bytes, trait: str, size: int, files: int, newest: int, project: int) -> Found:
    kind = "cache" if trait else ("project" if project else "folder")
    return Found(path=scope.shown(path), kind=kind, size=size, files=files, modified=utc(newest), why=trait)


def projects_of(scope: Scope, where: str = "1", values: Sequence[object] = ()) -> list[ProjectFact]:
    """Return the projects below the scope's folder, last worked on first."""
    sql = (
        "SELECT folder.path, all_bytes, all_files, name, language, languages, remote, branch, project.git, used, "
        f"committed, uncommitted, unpushed FROM project JOIN folder ON folder.id = project.folder "
        f"WHERE {SCOPE} AND ({where}) ORDER BY max(used, committed * 1000000000) DESC, folder.path"
    )
    found = [ProjectFact(*row) for row in scope.store.rows(sql, (*scope_of(scope.top), *values))]
    return [fact if fact.name else fact._replace(name=scope.path.name) for fact in found]


def project_found(scope: Scope, fact: ProjectFact) -> Found:
    """Return a project as a row of an answer."""
    where, used = scope.shown(fact.path), utc(fact.used)
    return Found(path=where, kind="project", size=fact.size, files=fact.files, modified=used, why=fact.why())


def scattered_of(projects: Sequence[ProjectFact], scope: Scope) -> tuple[Scattered, ...]:
    """Return projects with the same remote or the same name in several places, and those outside the usual folder."""
    projects = [fact for fact in projects if _is_there(scope, fact.path)]
    out: list[Scattered] = []
    taken: set[bytes] = set()
    for why, key in (("the same git remote", _remote_of), ("the same name", _name_of)):
        groups: dict[str, list[ProjectFact]] = {}
        for project in projects:
            if key(project) and project.path not in taken:
                groups.setdefault(key(project), []).append(project)
        for facts in groups.values():
            if len(facts) > 1:
                taken.update(fact.path for fact in facts)
                what = facts[0].remote if key is _remote_of else facts[0].name
                out.append(Scattered(what=what, why=why, paths=tuple(scope.shown(fact.path) for fact in facts)))
    return (*out, *_outside(projects, scope))


def _outside(projects: Sequence[ProjectFact], scope: Scope) -> tuple[Scattered, ...]:
    """Return the projects that are not in the folder that holds most of them, where most are in one."""
    counts: dict[bytes, int] = {}
    for project in projects:
        for above in _above(project.path):
            counts[above] = counts.get(above, 0) + 1
    usual = [path for path, count in counts.items() if path != scope.top and 2 * count > len(projects) and count > 2]
    if not usual:
        return ()
    home = max(usual, key=len)
    rest = [project for project in projects if home not in _above(project.path) and project.path not in (home, b"")]
    share = f"{len(projects) - len(rest)} of {len(projects)} projects are below {scope.shown(home)}"
    return (
        (Scattered(what="elsewhere", why=share, paths=tuple(scope.shown(each.path) for each in rest)),) if rest else ()
    )


def _above(path: bytes) -> list[bytes]:
    parts = path.split(b"/")[:-1]
    return [b"/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _remote_of(project: ProjectFact) -> str:
    """Return a remote so that its ways of writing are one: git@host:a/b.git and https://host/a/b."""
    text = project.remote.casefold().removesuffix("/").removesuffix(".git")
    text = text.partition("://")[2] or text
    return text.rpartition("@")[2].replace(":", "/")


def _name_of(project: ProjectFact) -> str:
    return project.name.casefold().replace("_", "-").replace(" ", "-")


def abandoned_of(projects: Sequence[ProjectFact]) -> list[ProjectFact]:
    """Return the projects that nothing changed in for long, those with work that is kept nowhere else first."""
    old = time.time_ns() - ABANDONED_DAYS * DAY_NS
    found = [project for project in projects if 0 < project.last < old]
    return sorted(found, key=lambda project: (not project.signs(), project.last))
