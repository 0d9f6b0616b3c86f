"""Bringing a scan up to date: the walk, what follows from it, and the hashes of what may be duplicates."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, NamedTuple

from servers.workspace.scan_place import Scope, seldom_collecting
from servers.workspace.scan_walk import Pace, Walked, walk_all, walk_changed

if TYPE_CHECKING:
    from servers.workspace.duplicates_hashing import Hashed

__all__ = ["Ready", "limited", "made_ready"]

Depth = Literal["all", "changed", "known", "asked"]
"""`all` reads every folder again, `changed` only those whose own time has changed, `known` the same, and nothing
where the last scan has just ended; `asked` nothing for longer than that."""
_STILL_S = {"known": 2.0, "asked": 20.0}
"""A scan that ended so few seconds ago is not looked through again."""


class Ready(NamedTuple):
    """A scan that was brought up to date, or as far as the time went."""

    walked: Walked
    hashed: Hashed | None

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.walked.complete and (self.hashed is None or self.hashed.complete)


def limited(pace: Pace, seconds: float) -> Pace:
    """Return a pace that also stops after some seconds."""
    end = time.monotonic() + seconds
    return Pace(lambda: pace.stop() or time.monotonic() > end, pace.told)


def made_ready(scope: Scope, pace: Pace, *, depth: Depth, min_size: int = 0) -> Ready:
    """Bring a scan up to date; with `min_size` also the hashes of files from so many bytes on. Raises ServerError."""
    from servers.workspace.duplicates_hashing import finish_hashes
    from servers.workspace.scan_survey import survey

    with seldom_collecting():
        walked = _walked(scope, pace, depth)
        if scope.store.rows("SELECT 1 FROM meta WHERE key = 'stale'"):
            survey(scope.store, scope.root)
        if not walked.complete or not min_size:
            return Ready(walked, None)
        hashed = finish_hashes(scope.store, scope.root, scope.top, pace, min_size=min_size, path=scope.path)
    return Ready(walked, hashed)


def _walked(scope: Scope, pace: Pace, depth: Depth) -> Walked:
    store, top = scope.store, scope.top
    cut_short = store.rows("SELECT 1 FROM running WHERE path = ?", (top,))
    age = _age(scope)
    if depth == "all" or cut_short or age is None:
        return walk_all(store, scope.root, top, pace, system=scope.path.parent == scope.path)
    if depth in _STILL_S and 0 <= age < _STILL_S[depth]:
        return Walked(0, 0, complete=True)
    return walk_changed(store, scope.root, top, pace)


def _age(scope: Scope) -> float | None:
    """Return how many seconds ago the folder was last scanned as a whole; None: never."""
    parts = scope.top.split(b"/") if scope.top else []
    above = [b"/".join(parts[:count]) for count in range(len(parts) + 1)]
    marks = ", ".join("?" * len(above))
    ((last,),) = scope.store.rows(f"SELECT max(at) FROM covered WHERE path IN ({marks})", above)
    return None if last is None else (time.time_ns() - last) / 1e9
