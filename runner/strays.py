"""What servers leave behind: a child of theirs that went into the background by itself outlives them and their group.

On Linux a process can become the parent of such strays. Only a process that is the runner's own does so, since it
changes what becomes of everything that the process starts: `afs-run`, a worker of the queue and its server do, an
`Agent` in a program of the user's where it is asked to (`own_process`). What was a child before the first toolbox
opened, and what the runner itself has started, is no stray.
"""

import contextlib
import os
import signal
import sys
from pathlib import Path

import anyio

__all__ = ["Strays", "adopt", "children", "disown", "own"]

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, prctl(2)
_PROC = Path("/proc")
_GRACE = 0.5
"""Seconds that strays have to end by themselves."""
_POLL = 0.02
_ROUNDS = 5
"""A stray that is killed may leave strays of its own."""


class _House:
    """Whose children are known in this process, and how many toolboxes are open in it."""

    def __init__(self) -> None:
        self.own: set[int] = set()
        self.before: frozenset[int] = frozenset()
        self.open = 0


_HOUSE = _House()


def adopt() -> None:
    """Become the parent of what the children of this process leave behind; does nothing but on Linux."""
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def children() -> list[int]:
    """Return the living children of this process; none but on Linux."""
    found: list[int] = []
    for place in _PROC.glob("[0-9]*/stat"):
        try:
            state, parent = place.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if int(parent) == os.getpid() and state not in "ZX":
            found.append(int(place.parent.name))
    return found


def own(pid: int) -> None:
    """Take in a process that the runner has started."""
    _HOUSE.own.add(pid)


def disown(pid: int) -> None:
    """Take in that such a process has ended."""
    _HOUSE.own.discard(pid)


class Strays:
    """The strays of a toolbox; where `wanted` is false, they are left alone."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted and sys.platform == "linux"

    def begin(self) -> None:
        """Take in strays from here on."""
        if self._wanted:
            adopt()
            if not _HOUSE.open:
                _HOUSE.before = frozenset(children())
            _HOUSE.open += 1

    async def end(self) -> None:
        """End all strays, if no other toolbox is open, within a second or so."""
        if not self._wanted:
            return
        self._wanted = False
        _HOUSE.open -= 1
        if _HOUSE.open:
            return
        with anyio.CancelScope(shield=True):
            ended: set[int] = set()
            for number in (signal.SIGTERM, *[signal.SIGKILL] * _ROUNDS):
                strays = _strays()
                for pid in strays:
                    _send(pid, number)
                ended |= set(strays)
                if strays:
                    await _gone(_GRACE if number == signal.SIGTERM else _POLL)
            for pid in ended:
                with contextlib.suppress(OSError):
                    os.waitpid(pid, os.WNOHANG)


def _strays() -> list[int]:
    return [pid for pid in children() if pid not in _HOUSE.own and pid not in _HOUSE.before]


async def _gone(seconds: float) -> None:
    """Wait until there is no stray, so long at most."""
    deadline = anyio.current_time() + seconds
    while _strays() and anyio.current_time() < deadline:
        await anyio.sleep(_POLL)


def _send(pid: int, number: int) -> None:
    """Send a signal to a stray and its group."""
    with contextlib.suppress(OSError):
        group = os.getpgid(pid)
        if group == os.getpgid(0):
            os.kill(pid, number)
        else:
            os.killpg(group, number)
