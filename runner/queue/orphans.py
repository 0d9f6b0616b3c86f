"""What a killed worker leaves behind: its servers, which on Linux become children of the queue's server, and are ended.

A server whose worker ended by itself is ended by that one; only of a worker that was killed something can be left.
"""

import contextlib
import os
import signal
from pathlib import Path

from runner.strays import children

__all__ = ["end_orphans"]

_PROC = Path("/proc")


def end_orphans(mark: str) -> int:
    """Kill the children of this process whose command line lacks `mark`, each with its group; return how many."""
    found = [pid for pid in children() if mark.encode() not in _command(pid)]
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


def _command(pid: int) -> bytes:
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""
