"""What a killed worker leaves behind: its servers, which on Linux become children of the queue's server, and are ended.

A server whose worker ended by itself is ended by that one; only of a worker that was killed something can be left.
"""

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

__all__ = ["adopt", "end_orphans"]

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, prctl(2)
_PROC = Path("/proc")


def adopt() -> None:
    """Become the parent of what the children of this process leave behind; does nothing but on Linux."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def end_orphans(mark: str) -> int:
    """Kill the children of this process whose command line lacks `mark`, each with its group; return how many."""
    found = [pid for pid in _children() if mark.encode() not in _command(pid)]
    for pid in found:
        with contextlib.suppress(OSError):
            group = os.getpgid(pid)
            if group == os.getpgid(0):
                os.kill(pid, signal.SIGKILL)
            else:
                os.killpg(group, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.waitpid(pid, 0)
    return len(found)


def _children() -> list[int]:
    """Return the living children of this process."""
    found: list[int] = []
    for place in _PROC.glob("[0-9]*/stat"):
        try:
            state, parent = place.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if int(parent) == os.getpid() and state not in "ZX":
            found.append(int(place.parent.name))
    return found


def _command(pid: int) -> bytes:
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""
