"""One program that reads and prints: started in an open folder, read as it writes, ended at its time or on a cancel."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from servers.machine.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Printed", "Printing", "descriptor_path"]

_CHUNK = 1 << 18
_SMALL, _FEW, _NAP = 1 << 14, 20, 0.002
"""After a few parts with fewer bytes than that, so many seconds are let pass before the next one is read."""
_ERRORS = 1 << 16
"""Bytes kept of what is written to standard error."""
_PROC = "/proc/self/fd"


class Printed(NamedTuple):
    """How a program ended. Not `complete` when it was ended: it was late, or there was more than was wanted."""

    returncode: int
    errors: str
    complete: bool


def descriptor_path(fd: int) -> str:
    """Return the path by which a started program opens a descriptor that it was handed."""
    return f"{_PROC}/{fd}" if os.path.isdir(_PROC) else f"/dev/fd/{fd}"


class Printing:
    """Programs run one after the other; `cancel` may be called from any thread."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = False

    def cancel(self) -> None:
        """End what runs, and let nothing more be started."""
        with self._lock:
            self._cancelled = True
            if self._process is not None:
                self._process.kill()

    def run(
        self,
        argv: Sequence[str | bytes],
        take: Callable[[bytes], bool],
        *,
        seconds: float,
        environment: Mapping[str, str],
        folder: int = -1,
        descriptors: Sequence[int] = (),
    ) -> Printed:
        """Run a program in an open folder for so long; `take` gets each part of its output, and ends it by False.

        Raises ServerError when it cannot be started.
        """
        deadline = time.monotonic() + seconds
        process = self._start(argv, environment, folder, descriptors)
        try:
            if process.stdout is None or process.stderr is None:
                raise ServerError("the search has no pipes; try again")
            errors = bytearray()
            complete = self._read(process.stdout.fileno(), process.stderr.fileno(), take, errors, deadline)
        finally:
            self._end(process, deadline)
        said = errors.decode("utf-8", "backslashreplace")
        return Printed(process.returncode, said, complete and not self._cancelled)

    def _start(
        self, argv: Sequence[str | bytes], environment: Mapping[str, str], folder: int, descriptors: Sequence[int]
    ) -> subprocess.Popen[bytes]:
        proc = os.path.isdir(_PROC)
        with self._lock:
            if self._cancelled:
                raise ServerError("the search was cancelled; call again")
            try:
                self._process = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=descriptor_path(folder) if folder >= 0 and proc else None,
                    preexec_fn=partial(os.fchdir, folder) if folder >= 0 and not proc else None,
                    env=environment,
                    pass_fds=descriptors,
                    bufsize=0,
                )
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                raise ServerError(f"the search could not be started ({error}); try again in a moment") from error
            return self._process

    def _end(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        with self._lock:
            self._process = None
        if process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):  # both pipes are at their end: it is about to go
                process.wait(0.5 if deadline > time.monotonic() else 0)
        if process.returncode is None:
            process.kill()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        process.wait()

    def _read(self, output: int, errors: int, take: Callable[[bytes], bool], said: bytearray, deadline: float) -> bool:
        """Read both pipes to their end; False when the time ran out, or enough was read."""
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            selector.register(errors, selectors.EVENT_READ)
            small = 0
            while selector.get_map():
                left = deadline - time.monotonic()
                ready = selector.select(left) if left > 0 else []
                if not ready:
                    return False
                for key, _ in ready:
                    chunk = os.read(key.fd, _CHUNK)
                    small = small + 1 if len(chunk) < _SMALL else 0
                    if not chunk:
                        selector.unregister(key.fd)
                    elif key.fd == errors:
                        said += chunk[: _ERRORS - len(said)]
                    elif not take(chunk):
                        return False
                if small > _FEW:  # it tells of one file after another: to wake for each takes its time away
                    time.sleep(_NAP)
        return True
