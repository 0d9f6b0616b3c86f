"""The walk of a scan: every folder below a place read once, written in batches, taken up again where it was cut short.

A folder counts as done when all below it is done. What was done when a walk was stopped or killed is not
read again by the next one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from servers.machine.beneath import NotThereError
from servers.machine.errors import ServerError
from servers.machine.names import escape
from servers.workspace.scan_kinds import kind_of_name
from servers.workspace.scan_store import SCOPE, FileRow, FolderRead, scope_of
from servers.workspace.scan_writing import drop_below, put_folders

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.machine.beneath import Root
    from servers.machine.beneath_walk import Walk
    from servers.workspace.scan_store import ScanStore

__all__ = ["PATIENT", "Pace", "Walked", "walk_all", "walk_changed"]

_CAP = 50_000_000
_BATCH = 8_000
"""Files and folders that are written at once."""
_RACY_NS = 2_000_000_000
"""A folder that changed so shortly before it was read may change again and keep its time."""
_DEEP = 1_000
"""Bytes of a path that is too long to be looked at by itself, however it has to be escaped."""
_PACKAGES = b"-packages/"
_PSEUDO = frozenset((b"proc", b"sys", b"dev"))
"""Folders of the system's own root that hold no files."""


class Pace(NamedTuple):
    """How a caller follows long work.

    `stop` says whether to leave off; `told` hears of so many done of a total (0: not known), and how to say that.
    """

    stop: Callable[[], bool]
    told: Callable[[int, int, str], None]


def _silent(_done: int, _total: int, _text: str) -> None:
    """Tell nobody."""


PATIENT = Pace(lambda: False, _silent)
"""Goes on to the end and tells nobody."""


class Walked(NamedTuple):
    """What a walk did: folders read, folders that an earlier walk had done, whether it came to its end.

    `resumed` tells that it went on with a scan that had not come to its end.
    """

    read: int
    before: int
    complete: bool
    resumed: bool = False


class _StoppedError(Exception):
    """The caller wants no more."""


class _Walker:
    """Gathers folders and writes them in batches."""

    def __init__(self, store: ScanStore, root: Root, pace: Pace, *, run: int) -> None:
        self.store, self.root, self.pace, self.run = store, root, pace, run
        self.accept: Callable[[bytes], bool] = lambda _path: True
        self.read = self.files = self.expected = 0
        self._fresh = not store.rows("SELECT 1 FROM folder LIMIT 1")
        self._batch: list[FolderRead] = []
        self._size = 0
        self._now = time.time_ns()
        self._times: dict[bytes, int] = {}
        self._ways: list[bytes] = []
        self._finished: list[bytes] = []
        self._path: bytes | None = None
        self._start = self._odd = 0
        self._rows: list[FileRow] = []
        self._problems: Callable[[], int] = lambda: 0
        self._before = 0

    def go(self, top: bytes) -> None:
        """Walk below a folder. Raises _StoppedError, with the batch written, and ServerError."""
        place = escape(top)
        self._times[top] = self.root.state(place).modified_ns
        walk = self.root.walk(place, cap=_CAP, enter=self._enter)
        self._problems, self._before = lambda: walk.problems, 0
        try:
            self._begin(top)
            self._gather(walk)
            self._end()
            if not walk.complete:
                raise ServerError(f"there are more than {_CAP:,} names below; scan a folder of it")
            self._finished += self._ways
            self._ways = []
        finally:
            walk.close()
            self.write()

    def _gather(self, walk: Walk) -> None:
        for path, kind, size, mtime, device, inode in walk:
            if kind == "file":
                name = path[self._start :]
                kind_named = kind_of_name(name)
                if kind_named == "model" and _PACKAGES in path:  # a .pth file of Python
                    kind_named = "other"
                self._rows.append(FileRow(name, kind_named, size, mtime, device, inode))
            elif kind == "folder":
                self._times[path] = mtime
            else:
                self._odd += 1

    def _begin(self, path: bytes) -> None:
        self._path, self._start, self._odd = path, len(path) + 1 if path else 0, 0
        self._rows = []
        self._ways.append(path)

    def _end(self) -> None:
        """Put the folder whose names have all come, if there is one, into the batch."""
        if self._path is None:
            return
        mtime = self._times.pop(self._path, 0)
        if mtime > self._now - _RACY_NS:
            mtime = 0
        problems = self._problems()
        problem, self._before = problems > self._before, problems
        self._batch.append(FolderRead(self._path, mtime, self._rows, self._odd, problem))
        self.read += 1
        self.files += len(self._rows)
        self._size += len(self._rows) + 1
        self._path = None
        if self._size >= _BATCH:
            self.write()

    def _enter(self, path: bytes) -> bool:
        """Say whether to go into a folder; all names of the one before have come by now."""
        self._end()
        while self._ways and not _is_below(path, self._ways[-1]):
            self._finished.append(self._ways.pop())
        if self.pace.stop():
            raise _StoppedError
        if not self.accept(path):
            return False
        self._begin(path)
        return True

    def write(self) -> None:
        """Write the batch and which folders are done with all below them."""
        batch, finished = self._batch, self._finished
        self._batch, self._finished, self._size = [], [], 0
        with self.store.writing() as db:
            if put_folders(db, batch, run=self.run, fresh=self._fresh):
                db.execute("INSERT OR REPLACE INTO meta VALUES ('stale', 1)")
            done = [(self.run, path) for path in finished]
            db.executemany("UPDATE folder SET run = ? WHERE path = ?", done)
        self.pace.told(self.read, self.expected, f"{self.read} folders, {self.files} files")


def _is_below(path: bytes, folder: bytes) -> bool:
    return not folder or path.startswith(folder + b"/")


def walk_all(store: ScanStore, root: Root, top: bytes, pace: Pace, *, system: bool) -> Walked:
    """Read every folder below `top`; go on where an earlier walk of it was cut short. Raises ServerError.

    `system` tells that the root is the system's own: what the kernel shows as files is left out then.
    """
    resumed = bool(store.rows("SELECT 1 FROM running WHERE path = ?", (top,)))
    run, done = _run_of(store, top)
    walker = _Walker(store, root, pace, run=run)
    ((walker.expected,),) = store.rows(f"SELECT count(*) FROM folder WHERE {SCOPE}", scope_of(top))
    walker.accept = lambda path: path not in done and not (system and path in _PSEUDO)
    try:
        walker.go(top)
    except _StoppedError:
        return Walked(walker.read, len(done), complete=False, resumed=resumed)
    with store.writing() as db:
        gone = drop_below(db, top, but=run)
        if gone:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('stale', 1)")
        db.execute("DELETE FROM running WHERE path = ?", (top,))
        db.execute("INSERT OR REPLACE INTO covered(path, at) VALUES (?, ?)", (top, time.time_ns()))
    return Walked(walker.read, len(done), complete=True, resumed=resumed)


def _run_of(store: ScanStore, top: bytes) -> tuple[int, set[bytes]]:
    """Return the number of the run that goes on or begins, and the folders that it has done."""
    with store.writing() as db:
        found = db.execute("SELECT run FROM running WHERE path = ?", (top,)).fetchone()
        if found is None:
            db.execute(
                "INSERT INTO running(path, run) VALUES (?, 1 + max(coalesce((SELECT max(abs(run)) FROM folder), 0), "
                "coalesce((SELECT max(run) FROM running), 0)))",
                (top,),
            )
        ((run,),) = db.execute("SELECT run FROM running WHERE path = ?", (top,)).fetchall()
        return run, {path for (path,) in db.execute("SELECT path FROM folder WHERE run = ?", (run,))}


def walk_changed(store: ScanStore, root: Root, top: bytes, pace: Pace) -> Walked:
    """Read only the folders below `top` whose own time has changed since they were scanned; `top` was covered before.

    A file that was written in place in a folder whose names stayed the same is missed, and so is what changed
    deeper than a path can say. Raises ServerError.
    """
    ((run,),) = store.rows("SELECT coalesce(max(abs(run)), 0) FROM folder")
    known = dict(store.rows(f"SELECT path, mtime FROM folder WHERE {SCOPE} ORDER BY path", scope_of(top)))
    walker = _Walker(store, root, pace, run=run)
    walker.expected = len(known)
    walker.accept = lambda path: path not in known
    for number, (path, mtime) in enumerate(known.items()):
        if pace.stop():
            return Walked(walker.read, number, complete=False)
        now = _time_of(root, path) if len(path) < _DEEP else mtime
        if now == mtime and (mtime or len(path) >= _DEEP):
            continue
        if now is None:
            with store.writing() as db:
                drop_below(db, path)
                db.execute("INSERT OR REPLACE INTO meta VALUES ('stale', 1)")
            continue
        walker.go(path)
    with store.writing() as db:
        db.execute("UPDATE folder SET run = -run WHERE run < 0")
        db.execute("INSERT OR REPLACE INTO covered(path, at) VALUES (?, ?)", (top, time.time_ns()))
    return Walked(walker.read, len(known), complete=True)


def _time_of(root: Root, path: bytes) -> int | None:
    """Return the time of change of a folder; none where it is gone or no folder any more."""
    try:
        state = root.state(escape(path))
    except NotThereError:
        return None
    except ServerError:  # not ours to look at now
        return 0
    return state.modified_ns if state.kind == "folder" else None
