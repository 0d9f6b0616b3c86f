"""The private folder that a copy of a workspace lies in: made, locked while it is in use, and removed afterwards.

A copy is removed a moment after the answer, which does not wait for it; a process does not end before. What a killed
server has left is removed by the next one.
"""

import contextlib
import fcntl
import functools
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from servers.machine.errors import ServerError
from servers.machine.shell_folders import FOLDER

__all__ = ["Place", "new_place", "remove_place_later", "remove_places", "swept_copies"]

_PREFIX = "afs-shell-"
_LATER = 0.05
"""Seconds between an answer and the removal of its copy, which would take the time from the answer."""


class Place(NamedTuple):
    """A folder `above`, which only its owner can list, with the folder `work` in it."""

    above: Path
    work: Path


def new_place(stack: contextlib.ExitStack) -> Place:
    """Make a place, locked until the stack ends; the caller removes it. Raises ServerError, OSError."""
    parent = _open_place(tempfile.gettempdir())
    swept_copies(parent)
    above = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    try:
        lock = os.open(above, FOLDER)
        stack.callback(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_SH)
        work = above / "work"
        work.mkdir()
        above.chmod(0o711)
    except OSError as error:
        _remove(above)
        if not above.exists() and isinstance(error, FileNotFoundError):
            raise ServerError("the copy of the workspace was swept away; call again") from error
        raise
    return Place(above, work)


@functools.cache
def _open_place(first: str) -> str:
    """Return a folder for temporary files that any user may pass through: the first, where that is one."""
    for place in dict.fromkeys((first, "/var/tmp", "/tmp")):
        folders = [Path(place).resolve(), *Path(place).resolve().parents]
        with contextlib.suppress(OSError):
            if all(folder.stat().st_mode & 0o001 for folder in folders):
                return place
    raise ServerError(
        "no folder for temporary files is open to other users; set TMPDIR to one, or run as a normal user"
    )


@functools.cache
def swept_copies(place: str) -> int:
    """Remove the copies that killed servers of this user have left, once a process; return how many."""
    removed = 0
    for above in Path(place).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = os.open(above, FOLDER)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # one that is in use is locked
                    _remove(above)
                    removed += 1
            finally:
                os.close(lock)
    return removed


def _remove(above: Path) -> None:
    """Remove a place with the copy in it, also where its program has closed folders to us."""
    for _ in range(2):
        shutil.rmtree(above, ignore_errors=True)
        if not above.exists():
            return
        for folder, _names, _files in os.walk(above):
            with contextlib.suppress(OSError):
                os.chmod(folder, 0o700)


class _Bin:
    """Places to be removed, one after the other, by a thread that lives as long as there are any."""

    def __init__(self) -> None:
        self._lock, self._removing = threading.Lock(), threading.Lock()
        self._places: list[Path] = []
        self._busy = False

    def put(self, above: Path) -> None:
        with self._lock:
            self._places.append(above)
            if self._busy:
                return
            self._busy = True
        try:
            threading.Thread(target=self._empty_later, name="afs-remove").start()
        except RuntimeError:  # no thread can be started, or the process ends
            self.empty()

    def _next(self) -> Path | None:
        with self._lock:
            self._busy = bool(self._places)
            return self._places.pop() if self._places else None

    def _empty_later(self) -> None:
        time.sleep(_LATER)
        self.empty()

    def empty(self) -> None:
        with self._removing:
            while (above := self._next()) is not None:
                _remove(above)


@functools.cache
def _bin() -> _Bin:
    return _Bin()


def remove_place_later(above: Path) -> None:
    """Remove a place in a moment, beside what is done meanwhile; the process does not end before."""
    _bin().put(above)


def remove_places(above: Path) -> None:
    """Remove a place now, and all those that wait for it."""
    _remove(above)
    _bin().empty()
