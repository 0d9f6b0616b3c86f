"""The processes of one run, told by a mark that they can't take off, wherever they hide.

The mark is a hard limit (of POSIX message queues) that no other run has: a child inherits it, nobody without
privilege can raise it, and the filter of system calls refuses to lower it. So a process that has left its group, its
parents and its terminal is found and ended, also where the kernel has no process namespace for us.
"""

import contextlib
import os
import resource
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from servers.machine import landlock

__all__ = ["Mark", "as_runner"]

_LARGEST = 800_000
_LAST_MOMENT = 5.0
"""Seconds in which all processes of a run are gone."""
_PAGE = os.sysconf("SC_PAGE_SIZE")

_RESULT = TypeVar("_RESULT")


def as_runner(work: Callable[[], _RESULT]) -> _RESULT:
    """Do the work as the user that confined programs run as: for root, in a thread that has given root up."""
    if os.geteuid() != 0:
        return work()
    results: list[_RESULT] = []
    problems: list[OSError] = []

    def confined() -> None:
        try:
            landlock.become_nobody()
            results.append(work())
        except OSError as error:
            problems.append(error)

    thread = threading.Thread(target=confined, name="afs-runner")
    thread.start()
    thread.join()
    if problems:
        raise problems[0]
    return results[0]


def _here(work: Callable[[], _RESULT]) -> _RESULT:
    return work()


class Mark:
    """One run's mark."""

    def __init__(self, *, confined: bool = True) -> None:
        """Choose a number below the hard limit that this process has itself; not `confined`: its user is ours."""
        self._by = as_runner if confined else _here
        self.value = 0
        if sys.platform != "linux":
            return
        own = resource.getrlimit(resource.RLIMIT_MSGQUEUE)[1]
        most = _LARGEST if own == resource.RLIM_INFINITY else min(_LARGEST, own)
        self.value = 1 + secrets.randbelow(max(1, most))

    def processes(self) -> list[int]:
        """Return the ids of the run's processes that live."""
        return self._by(self._marked)

    def _marked(self) -> list[int]:
        found: list[int] = []
        if not self.value:  # a system without the mark
            return found
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError):
                    if resource.prlimit(int(name), resource.RLIMIT_MSGQUEUE) == (self.value, self.value):
                        found.append(int(name))
        return [pid for pid in found if not _is_over(pid)]

    def resident_bytes(self, above: int) -> int:
        """Return the memory of all the processes together; shared memory counts once when it would be `above`."""

        def work() -> int:
            pids = self._marked()
            rough = sum(map(_resident, pids))
            return rough if rough <= above else sum(map(_proportional, pids))

        return self._by(work)

    def sweep(self) -> None:
        """End all processes of the run and wait until none lives, for at most 5 seconds."""
        self._by(self._sweep)

    def _sweep(self) -> None:
        deadline = time.monotonic() + _LAST_MOMENT
        while (pids := self._marked()) and time.monotonic() < deadline:
            for pid in pids:
                with contextlib.suppress(OSError):
                    resource.prlimit(pid, resource.RLIMIT_NPROC, (0, 0))  # it starts no other
            for pid in pids:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.001)


def _content(pid: int, name: str) -> bytes:
    """Return what the kernel says of a process; as bytes, since a user without rights may import no codec."""
    try:
        file = os.open(f"/proc/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(file, 65_536)
    except OSError:
        return b""
    finally:
        os.close(file)


def _is_over(pid: int) -> bool:
    """Say whether a process is dead and only waits to be read by its parent."""
    return _content(pid, "stat").rpartition(b") ")[2][:1] in (b"Z", b"X", b"")


def _resident(pid: int) -> int:
    words = _content(pid, "statm").split()
    return int(words[1]) * _PAGE if len(words) > 1 else 0


def _proportional(pid: int) -> int:
    for line in _content(pid, "smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) << 10
    return _resident(pid)
