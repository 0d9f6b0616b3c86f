"""bubblewrap's part of the sandbox: its arguments, and the gate at which the limits are set.

The program waits at the gate when its file system is ready, until the limits are on it. They are set from outside,
on the one process that becomes the program, which is cheaper than a program inside that would set them.
"""

import contextlib
import io
import json
import os
import resource
import select
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["SYSTEM_PATHS", "Gate", "ResourceLimits", "arguments"]

_LIBRARIES = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib")
_LIBRARY_LINKS = ("/lib", "/lib32", "/lib64")
_LOADER_CACHE = "/etc/ld.so.cache"
SYSTEM_PATHS = tuple(Path(name) for name in (*_LIBRARIES, *_LIBRARY_LINKS, _LOADER_CACHE))
"""What a program of the system needs to be loaded, readable in each sandbox."""
_PATIENCE = 5.0
"""Seconds that bubblewrap gets to make its namespaces."""


class ResourceLimits(NamedTuple):
    """What the kernel bounds for a process, in its own units: bytes, seconds, counts."""

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int
    open_files: int
    processes: int

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
            resource.prlimit(pid, kind, (most, most))


class Gate:
    """Two pipes: bubblewrap names the process on one, and the process waits for a byte on the other."""

    def __init__(self, limits: ResourceLimits, stack: contextlib.ExitStack) -> None:
        self._limits = limits
        self._news, news = _pipe(stack)
        go, self._go = _pipe(stack)
        self._theirs = (news, go)

    @property
    def descriptors(self) -> tuple[int, int]:
        """The ends that bubblewrap is started with: for its news, and to wait on."""
        return self._theirs[0].fileno(), self._theirs[1].fileno()

    def open(self) -> None:
        """Put the limits on the process and let it go; nothing when bubblewrap ended before. Raises OSError."""
        for end in self._theirs:
            end.close()
        said = self._read_news()
        if said:
            self._limits.put_on(int(json.loads(said)["child-pid"]))
            with contextlib.suppress(BrokenPipeError):
                os.write(self._go.fileno(), b"x")

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
    news, go = gate.descriptors
    command = [str(program), "--info-fd", str(news), "--block-fd", str(go)]
    command += ["--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--disable-userns"]
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
