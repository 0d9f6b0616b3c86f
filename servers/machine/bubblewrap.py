"""bubblewrap's part of the sandbox: its arguments, and the gate at which the limits are set.

The program waits at the gate when its file system is ready, until the limits are on it. They are set from outside,
on the one process that becomes the program, which is cheaper than a program inside that would set them.
"""

import contextlib
import fcntl
import functools
import io
import json
import mmap
import os
import resource
import select
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["SYSTEM_PATHS", "Gate", "ResourceLimits", "arguments", "at_most", "at_most_seconds", "knows"]

_LIBRARIES = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib")
_LIBRARY_LINKS = ("/lib", "/lib32", "/lib64")
_LOADER_CACHE = "/etc/ld.so.cache"
SYSTEM_PATHS = tuple(Path(name) for name in (*_LIBRARIES, *_LIBRARY_LINKS, _LOADER_CACHE))
"""What a program of the system needs to be loaded, readable in each sandbox."""
_PATIENCE = 5.0
"""Seconds that bubblewrap gets to make its namespaces."""


def at_most(kind: int, most: int) -> int:
    """Return `most`, or less where this process itself may have less of that kind: no limit can be raised."""
    own = resource.getrlimit(kind)[1]
    return most if own == resource.RLIM_INFINITY else min(most, own)


def at_most_seconds(most: int) -> int:
    """Return `most` seconds of a processor, or less where this process itself may have less."""
    return at_most(resource.RLIMIT_CPU, most)


class ResourceLimits(NamedTuple):
    """What the kernel bounds for a process, in its own units: bytes, seconds, counts."""

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int
    open_files: int
    processes: int
    mark: int = 0
    """The limit of POSIX message queues, in bytes: above 0 a number that tells the processes of one run."""

    def put_on(self, pid: int) -> None:
        """Set the limits of another process of the calling thread's user. Raises OSError."""
        rows = (
            (resource.RLIMIT_AS, self.memory_bytes),
            (resource.RLIMIT_CPU, self.cpu_seconds),
            (resource.RLIMIT_FSIZE, self.file_bytes),
            (resource.RLIMIT_NOFILE, self.open_files),
            (resource.RLIMIT_NPROC, self.processes),
            (resource.RLIMIT_CORE, 0),
        )
        for kind, most in rows:
            bound = at_most(kind, most)
            resource.prlimit(pid, kind, (bound, bound))
        if self.mark:
            resource.prlimit(pid, resource.RLIMIT_MSGQUEUE, (self.mark, self.mark))


class Gate:
    """Two pipes: bubblewrap names the process on one, and the process waits for a byte on the other."""

    def __init__(
        self,
        limits: ResourceLimits,
        stack: contextlib.ExitStack,
        *,
        check: Callable[[str], None] | None = None,
    ) -> None:
        """Make the pipes. `check` is called with the path of the new root, and may raise ServerError (see `hold`)."""
        self._limits, self._check = limits, check
        self._first: io.FileIO | None = None
        self._passed = False
        self.first_process = 0
        """The id of the first process of the sandbox, once the gate is open."""
        self._hold: io.FileIO | None = None
        self._stack = stack
        self._news, news = _pipe(stack)
        go, self._go = _pipe(stack)
        self._theirs: tuple[io.FileIO, ...] = (news, go)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """The ends that bubblewrap is started with: for its news, to wait on, and where there is one to be held at."""
        return tuple(end.fileno() for end in self._theirs)

    def hold(self, content: bytes) -> int:
        """Return a descriptor with the content of a small file, at which bubblewrap stops while `check` is called.

        Given to it for the last thing that it mounts, it is read when all others are mounted. The pipe is full until
        then: when it takes more again, bubblewrap is there.
        """
        read, self._hold = _pipe(self._stack)
        self._theirs += (read,)
        fcntl.fcntl(self._hold, fcntl.F_SETPIPE_SZ, mmap.PAGESIZE)
        self._hold.write(content.ljust(fcntl.fcntl(self._hold, fcntl.F_GETPIPE_SZ), b"\n"))
        return read.fileno()

    def open(self, wait: Callable[[], None]) -> None:
        """Put the limits on the process and let it go; nothing when bubblewrap ended before.

        Before that `wait` is called, which returns when it may go. Raises OSError, and what `wait` raises.
        """
        for end in self._theirs:
            end.close()
        said = self._read_news()
        if said:
            child = int(json.loads(said)["child-pid"])
            self._first = self._stack.enter_context(io.FileIO(os.pidfd_open(child), "r"))
            wait()
            if self._ended_early(child):
                return
            self._limits.put_on(child)
            self._passed, self.first_process = True, child
            with contextlib.suppress(BrokenPipeError):
                os.write(self._go.fileno(), b"x")

    def _ended_early(self, child: int) -> bool:
        """Look at what is mounted, where that is asked for; say whether bubblewrap ended before it was."""
        if self._hold is None or self._check is None or self._first is None:
            return False
        if not select.select([], [self._hold], [], _PATIENCE)[1]:
            raise TimeoutError("bubblewrap made no sandbox in time")
        if select.select([self._first], [], [], 0)[0]:
            return True
        self._check(f"/proc/{child}/root/newroot")
        self._hold.close()
        return False

    @property
    def passed(self) -> bool:
        """Whether there was a process to let go."""
        return self._passed

    def sweep(self) -> None:
        """End the first process of the sandbox, which ends all in it, and wait until they are gone."""
        if self._first is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first.fileno(), signal.SIGKILL)
            select.select([self._first], [], [], _PATIENCE)

    def _read_news(self) -> bytes:
        said = b""
        while select.select([self._news], [], [], _PATIENCE)[0]:
            chunk = self._news.read(4096)
            if not chunk:
                return said
            said += chunk
        raise TimeoutError("bubblewrap made no sandbox in time")


def _pipe(stack: contextlib.ExitStack) -> tuple[io.FileIO, io.FileIO]:
    read, write = os.pipe()
    return stack.enter_context(io.FileIO(read, "r")), stack.enter_context(io.FileIO(write, "w"))


@functools.cache
def knows(program: Path, option: str) -> bool:
    """Say whether a bubblewrap has an option: before 0.8 it lacks `--disable-userns`, before 0.7 `--size`."""
    done = subprocess.run([program, "--help"], capture_output=True, check=False, timeout=10)
    return option.encode() in done.stdout + done.stderr


def arguments(
    program: Path,
    *,
    workspace: Path,
    readable: Sequence[Path],
    gate: Gate,
    first_process: bool,
    inside: Mapping[str, Path] | None = None,
    filters: Sequence[int] = (),
) -> list[str]:
    """Return bubblewrap's command line but for what it runs: an empty root with the libraries, `readable` and the
    workspace. With `inside` (files by the paths that they get) it shows these, and not the libraries of the system.

    With `first_process` nothing stands above what it runs: one process less, for a program that may start none. The
    kernel spares a first process the signals of its own making: it sees a file limit as an error of its write. Its
    other limits, a crash and a kill end it all the same.
    """
    news, go, *_ = gate.descriptors
    command = [str(program), "--info-fd", str(news), "--block-fd", str(go)]
    command += ["--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000"]
    command += ["--disable-userns"] if knows(program, "--disable-userns") else []
    command += ["--cap-drop", "ALL", "--die-with-parent", "--new-session"]
    command += ["--as-pid-1"] if first_process else []
    command += [word for file in filters for word in ("--seccomp", str(file))]
    command += _system_libraries() if inside is None else []
    for place, path in (inside or {}).items():
        command += ["--ro-bind", str(path), place]
    for path in readable:
        command += ["--ro-bind", str(path), str(path)]
    command += ["--bind", str(workspace), str(workspace), "--remount-ro", "/"]
    return [*command, "--chdir", str(workspace), "--"]


def _system_libraries() -> list[str]:
    command: list[str] = []
    for name in _LIBRARIES:
        command += ["--ro-bind-try", name, name]
    for name in _LIBRARY_LINKS:
        link = os.path.islink(name)
        command += ["--symlink", os.readlink(name), name] if link else ["--ro-bind-try", name, name]
    return [*command, "--ro-bind-try", _LOADER_CACHE, _LOADER_CACHE]
