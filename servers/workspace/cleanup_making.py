"""What could go to the trash: copies, what programs make again, leftovers; each with why, and how sure that is."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, NamedTuple

from servers.machine.errors import ServerError
from servers.machine.names import escape, plain
from servers.workspace.cleanup_plan import Action, Sort, Sureness
from servers.workspace.duplicates_groups import Copy, groups_of
from servers.workspace.scan_facts import CACHE, DAY_NS, OWN
from servers.workspace.scan_results import day
from servers.workspace.scan_store import SCOPE, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.workspace.duplicates_groups import Group
    from servers.workspace.scan_place import Scope

__all__ = ["Made", "made_actions"]

_MOST = 5_000
"""Actions of one plan, and groups that are looked at for it."""
_CACHE_DAYS = 90
_LEFTOVER_DAYS = 30
_ARCHIVE_DAYS = 180
_KEPT_NAMED = 5
_PASSING = re.compile(rb"(^|/)(downloads?|desktop|te?mp|backups?|bak|old|copies|unsorted|incoming)(/|$)", re.IGNORECASE)
"""Folders that things pass through or are put away in."""
_ARRIVING = re.compile(rb"(^|/)(downloads?|desktop|te?mp|unsorted|incoming)(/|$)", re.IGNORECASE)
"""Folders where things arrive; a backup is the only one of its kind."""
_COPY = re.compile(rb"(\(\d+\)|[ _-]copy|^copy of |~|\.bak|\.orig|[ _-]old|[ _-]backup)", re.IGNORECASE)
"""Signs of a copy in a name."""


class Made(NamedTuple):
    """Actions, those first that are surest and largest, and what was left alone."""

    actions: tuple[Action, ...]
    notes: tuple[str, ...]


def made_actions(scope: Scope, *, what: str, min_size: int) -> Made:
    """Return what could go to the trash below the scope's folder; `what` is one sort or `all`. Raises ServerError."""
    ways = {"duplicate": _copies, "cache": _caches, "temporary": _leftovers, "archive": _archives}
    left: dict[str, int] = {}
    found = [
        action
        for sort, way in ways.items()
        if what in ("all", sort)
        for action in way(scope, max(1, min_size), left)
        if _is_there(scope, action)
    ]
    order = {"sure": 0, "likely": 1, "unsure": 2}
    found.sort(key=lambda action: (order[action.sure], -action.size, action.path))
    notes = [f"{count} {why}" for why, count in left.items()]
    if len(found) > _MOST:
        notes.append(f"{len(found) - _MOST} more actions are not in this plan; do this one, then plan again")
    numbered = (action.model_copy(update={"number": number}) for number, action in enumerate(found[:_MOST], start=1))
    return Made(tuple(numbered), tuple(notes))


def _is_there(scope: Scope, action: Action) -> bool:
    """Tell whether an action is still about what was scanned."""
    try:
        state = scope.root.state(action.path)
    except ServerError:
        return False
    if action.sort == "cache":
        return state.kind == "folder"
    return (state.kind, state.size, state.modified_ns) == ("file", action.size, action.modified_ns)


def _planned(path: bytes, sort: Sort, sure: Sureness, why: str, *, size: int, modified_ns: int) -> Action:
    return Action(
        number=0, sort=sort, path=escape(path), size=size, modified_ns=modified_ns, sure=sure, why=why
    )  # fmt: skip


def _worth(copy: Copy) -> tuple[object, ...]:
    """Return what sorts the copy that is to stay first."""
    name = copy.path.rpartition(b"/")[2]
    return (
        bool(copy.git or copy.cache),
        not copy.project,
        _PASSING.search(copy.path.rpartition(b"/")[0]) is not None,
        _COPY.search(name) is not None,
        copy.path.count(b"/"),
        copy.mtime,
        copy.path,
    )


def _copies(scope: Scope, min_size: int, left: dict[str, int]) -> Iterator[Action]:
    for group in groups_of(scope, min_size=min_size, limit=_MOST):
        kept = min(group.copies, key=_worth)
        for copy in group.copies:
            why_not = _reason_to_stay(copy, kept)
            if why_not:
                left[why_not] = left.get(why_not, 0) + 1
            elif copy is not kept and (copy.device, copy.inode) != (kept.device, kept.inode):
                yield _copy_action(group, copy)


def _reason_to_stay(copy: Copy, kept: Copy) -> str:
    if copy is kept:
        return ""
    if copy.cache or copy.git:
        return "copies in caches and in .git were left alone"
    if copy.project:
        return "copies in projects were left alone: a project needs its own"
    return "" if plain(copy.path) else "copies with odd characters in their names were left alone"


def _copy_action(group: Group, copy: Copy) -> Action:
    ones = {(each.device, each.inode) for each in group.copies}
    kept = min(group.copies, key=_worth)
    stays = [each for each in group.copies if each is kept or (each.project and not each.cache)]
    passing = _PASSING.search(copy.path.rpartition(b"/")[0])
    sure = bool(passing or _COPY.search(copy.path.rpartition(b"/")[2]))
    action = _planned(
        copy.path,
        "duplicate",
        "sure" if sure else "likely",
        f"one of {len(ones)} files of the same content",
        size=group.size,
        modified_ns=copy.mtime,
    )
    keep = tuple(escape(each.path) for each in sorted(stays, key=_worth)[:_KEPT_NAMED])
    return action.model_copy(update={"sha256": group.full.hex(), "keep": keep})


def _caches(scope: Scope, min_size: int, left: dict[str, int]) -> Iterator[Action]:
    old = time.time_ns() - _CACHE_DAYS * DAY_NS
    sql = (
        f"SELECT path, trait, all_bytes, all_files, all_newest FROM folder WHERE {SCOPE} AND path <> ? "
        f"AND inside = id AND {CACHE} AND all_bytes >= ? ORDER BY all_bytes DESC LIMIT {_MOST}"
    )
    for path, trait, size, files, newest in scope.store.rows(sql, (*scope_of(scope.top), scope.top, min_size)):
        if not plain(path):
            left["caches with odd names were left alone"] = left.get("caches with odd names were left alone", 0) + 1
            continue
        why = f"{trait}, made again when needed; newest file of {day(newest) or 'no day'}"
        sure: Sureness = "sure" if newest < old else "likely"
        yield _planned(path, "cache", sure, why, size=size, modified_ns=newest).model_copy(update={"files": files})


def _leftovers(scope: Scope, min_size: int, left: dict[str, int]) -> Iterator[Action]:
    for path, size, mtime in _old_files(scope, "temporary", min_size, days=_LEFTOVER_DAYS, left=left):
        why = f"looks like a leftover by its name; not changed since {day(mtime)}"
        yield _planned(path, "temporary", "unsure", why, size=size, modified_ns=mtime)


def _archives(scope: Scope, min_size: int, left: dict[str, int]) -> Iterator[Action]:
    """Yield archives with a folder of the same name beside them, and old ones in a folder of downloads."""
    for path, size, mtime in _old_files(scope, "archive", min_size, days=0, left=left):
        stem = re.sub(rb"(\.tar)?\.[^./]+$", b"", path)
        unpacked = scope.store.rows("SELECT 1 FROM folder WHERE path = ? AND all_files > 0", (stem,))
        if unpacked:
            why = f"a folder {scope.shown(stem)} is beside it, so it seems to be unpacked"
            yield _planned(path, "archive", "unsure", why, size=size, modified_ns=mtime)
        elif _ARRIVING.search(path.rpartition(b"/")[0]) and mtime < time.time_ns() - _ARCHIVE_DAYS * DAY_NS:
            why = f"an archive among downloads, not changed since {day(mtime)}"
            yield _planned(path, "archive", "unsure", why, size=size, modified_ns=mtime)


def _old_files(
    scope: Scope, kind: str, min_size: int, *, days: int, left: dict[str, int]
) -> Iterator[tuple[bytes, int, int]]:
    """Yield the user's own files of a kind that are in no project, with their bytes and time of change."""
    sql = (
        "SELECT folder.path, name, size, file.mtime FROM file JOIN folder ON folder.id = file.folder "
        f"WHERE {SCOPE} AND kind = ? AND size >= ? AND file.mtime < ? AND project = 0 AND {OWN} "
        f"ORDER BY size DESC LIMIT {_MOST}"
    )
    values = (*scope_of(scope.top), kind, min_size, time.time_ns() - days * DAY_NS)
    for folder, name, size, mtime in scope.store.rows(sql, values):
        path = folder + b"/" + name if folder else name
        if plain(path):
            yield path, size, mtime
        else:
            left["files with odd names were left alone"] = left.get("files with odd names were left alone", 0) + 1
