"""One program run to its end: started by a confined thread, read in chunks, killed with its tree.

The thread that starts it is made for this one run. It gives up what it must (ids, paths), starts the
program, and then only waits: the program inherits what the thread gave up, with no interpreter and no code
of ours between fork and exec. It lives as long as the program, since bubblewrap ends with the thread that
started it.
"""

import contextlib
import io
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from servers.machine.errors import ServerError

__all__ = ["Captured", "Ended", "Job", "Launch", "Room"]

_CHUNK = 1 << 16
_TICK = 0.05
"""Seconds between two looks of a watch."""
_LAST_MOMENT = 2.0
"""Seconds that a killed program gets to be gone."""


class Launch(NamedTuple):
    """What to start, where, with what environment, and what the thread gives up first."""

    argv: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]
    confine: Callable[[], None]
    descriptors: tuple[int, ...] = ()
    """Passed on to the program beside its three pipes."""
    started: Callable[[], None] | None = None
    """Called in the confined thread when the program has been started; ends it by raising OSError."""
    watches_child: bool = False
    """The command only watches a child, whose end is the end of all (bubblewrap)."""
    admit: Callable[[int], None] | None = None
    """Called in the job's own thread with the id of the program, before it gets its input; may raise OSError."""
    watch: Callable[[], str] | None = None
    """Called again and again while the program runs; a text that is not empty ends it, and says why."""
    sweep: Callable[[], None] | None = None
    """Ends all that the program has started, wherever it hides, and waits until it is gone."""


class Room(NamedTuple):
    """How many bytes are kept of a stream: its head, its tail, and after how many bytes the program is ended."""

    head: int
    tail: int = 0
    flood: int = 0
    """0: as soon as there is more than head and tail."""


class Captured(NamedTuple):
    """What a program wrote to one stream: all of it, or the head and the tail of `size` bytes."""

    head: bytes
    tail: bytes = b""
    size: int = 0

    @property
    def left_out(self) -> int:
        """Bytes between head and tail that were not kept."""
        return self.size - len(self.head) - len(self.tail)


class Ended(NamedTuple):
    """How a program ended. `returncode` is negative for a signal, as in `subprocess`."""

    returncode: int
    stdout: Captured
    stderr: Captured
    timed_out: bool
    truncated: bool
    """It wrote more than it may, and was ended for that."""
    seconds: float
    stopped: str = ""
    """Why the watch ended it."""


class _Ends(NamedTuple):
    """One side's ends of the three pipes; closing a file twice is harmless, unlike a bare descriptor."""

    stdin: io.FileIO
    stdout: io.FileIO
    stderr: io.FileIO


class _Starter(threading.Thread):
    """Confines itself, starts the program, and stays until the program has ended."""

    def __init__(self, launch: Launch, ends: _Ends) -> None:
        super().__init__(name="afs-sandbox", daemon=True)
        self.launch, self.ends = launch, ends
        self.ready, self.over = threading.Event(), threading.Event()
        self.process: subprocess.Popen[bytes] | None = None
        self.problem: Exception | None = None

    def run(self) -> None:
        """Start the program; `process` or `problem` is set when `ready` is."""
        try:
            self.launch.confine()
            self.process = subprocess.Popen(
                self.launch.argv,
                stdin=self.ends.stdin,
                stdout=self.ends.stdout,
                stderr=self.ends.stderr,
                cwd=self.launch.cwd,
                env=self.launch.environment,
                close_fds=True,
                start_new_session=True,
                pass_fds=self.launch.descriptors,
            )
            if self.launch.started is not None:
                self.launch.started()
        except (OSError, subprocess.SubprocessError, ValueError, ServerError) as error:
            self.problem = error
        finally:
            self.ready.set()
        self.over.wait()


class Job:
    """One run. `run` blocks its thread; `cancel` may be called from any other."""

    def __init__(self, launch: Launch, *, wall_seconds: float, room: Room, stdin: bytes = b"") -> None:
        self._launch = launch
        self._wall_seconds, self._room, self._stdin = wall_seconds, room, stdin
        self._stopped = ""
        self._cancelled, self._over = threading.Event(), threading.Event()
        self._started = False
        self._lock = threading.Lock()
        self._wake: io.FileIO | None = None

    def cancel(self) -> None:
        """End the run now and wait until it is over; harmless before it began and after it ended."""
        self._cancelled.set()
        with self._lock:
            if self._wake is not None:
                self._wake.write(b"x")
            started = self._started
        if started:
            self._over.wait()

    def run(self) -> Ended:
        """Start the program and wait for its end, for at most the wall time.

        Raises ServerError when it can't be started, OSError when the machine is out of descriptors or
        processes.
        """
        with self._lock:
            if self._cancelled.is_set():
                raise ServerError("cancelled before it began; call again")
            self._started = True
        try:
            return self._run(time.monotonic())
        finally:
            self._over.set()

    def _run(self, started: float) -> Ended:
        with contextlib.ExitStack() as stack:
            ours, theirs = _pipes(stack)
            woken, wake = (stack.enter_context(end) for end in _pipe())
            starter = _Starter(self._launch, theirs)
            self._set_wake(wake)
            stack.callback(self._set_wake, None)
            stack.callback(starter.over.set)
            try:
                starter.start()
            except RuntimeError as error:
                raise ServerError(f"no thread can be started ({error}); try again in a moment") from error
            starter.ready.wait()
            for end in theirs:
                end.close()
            return self._attend(self._admitted(starter), _Streams(ours, self._stdin, self._room), woken, started)

    def _admitted(self, starter: _Starter) -> subprocess.Popen[bytes]:
        """Return the started program, let in. Raises ServerError; nothing runs then."""
        problem: Exception | None = starter.problem
        if starter.process is not None and problem is None and self._launch.admit is not None:
            try:
                self._launch.admit(starter.process.pid)
            except OSError as error:
                problem = error
        if starter.process is not None and problem is None:
            return starter.process
        if starter.process is not None:
            self._kill(starter.process)
        if isinstance(problem, ServerError):
            raise problem
        program = self._launch.argv[0]
        raise ServerError(f"could not start {program} in the sandbox ({problem}); run: afs doctor") from problem

    def _set_wake(self, wake: io.FileIO | None) -> None:
        with self._lock:
            self._wake = wake

    def _attend(self, process: subprocess.Popen[bytes], streams: "_Streams", woken: io.FileIO, started: float) -> Ended:
        timed_out = True
        try:
            with _end_of(process) as end, selectors.DefaultSelector() as selector:
                selector.register(end, selectors.EVENT_READ)
                selector.register(woken, selectors.EVENT_READ)
                streams.register(selector)
                timed_out = not self._watch(selector, streams, end, started + self._wall_seconds)
        finally:
            self._kill(process)
        streams.drain()
        return Ended(
            returncode=process.returncode,
            stdout=streams.stdout.captured(),
            stderr=streams.stderr.captured(),
            timed_out=timed_out,
            truncated=streams.truncated,
            seconds=time.monotonic() - started,
            stopped=self._stopped,
        )

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        """End what still runs, and wait until it has ended.

        Killing bubblewrap kills its child only some moments later; killing the child, the first process of the
        sandbox, ends all in the sandbox before bubblewrap itself ends.
        """
        if self._launch.sweep is not None:
            self._launch.sweep()
        if self._launch.watches_child and process.poll() is None:
            for child in _children(process.pid):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(child, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LAST_MOMENT)
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _watch(self, selector: selectors.BaseSelector, streams: "_Streams", end: io.FileIO, deadline: float) -> bool:
        """Serve the pipes until the program ends, floods or is cancelled; False when the time ran out."""
        look = self._launch.watch
        looked = time.monotonic()
        while not self._cancelled.is_set() and not streams.truncated:
            now = time.monotonic()
            if look is not None and now - looked >= _TICK:
                looked, self._stopped = now, look()
                if self._stopped:
                    return True
            left = deadline - now
            events = selector.select(max(0.0, left if look is None else min(left, _TICK)))
            ready = [key.fileobj for key, _ in events]
            for file in ready:
                streams.serve(file, selector)
            if end in ready:
                return True
            if left <= 0:
                return False
        return True


class _Kept:
    """The head and the tail of a stream."""

    def __init__(self, room: Room) -> None:
        self._room, self._head, self._tail, self.size = room, bytearray(), bytearray(), 0

    def add(self, chunk: bytes) -> bool:
        """Take a chunk; False when there is more than there may be."""
        self.size += len(chunk)
        free = self._room.head - len(self._head)
        self._head += chunk[:free]
        if self._room.tail:
            self._tail += chunk[free:]
            del self._tail[: max(0, len(self._tail) - self._room.tail)]
        return self.size <= max(self._room.flood, self._room.head + self._room.tail)

    def captured(self) -> Captured:
        return Captured(bytes(self._head), bytes(self._tail), self.size)


class _Streams:
    """The three pipes, read and written in chunks, never kept above the room that they have."""

    def __init__(self, ends: _Ends, data: bytes, room: Room) -> None:
        self.ends, self.data = ends, memoryview(data)
        self.stdout, self.stderr = _Kept(room), _Kept(room)
        self.truncated = False
        for end in ends:
            os.set_blocking(end.fileno(), False)

    def register(self, selector: selectors.BaseSelector) -> None:
        selector.register(self.ends.stdout, selectors.EVENT_READ)
        selector.register(self.ends.stderr, selectors.EVENT_READ)
        if self.data:
            selector.register(self.ends.stdin, selectors.EVENT_WRITE)
        else:
            self.ends.stdin.close()

    def serve(self, file: object, selector: selectors.BaseSelector) -> None:
        """Move one chunk of a pipe of ours; at its end, forget it."""
        if file is self.ends.stdin:
            if self._write():
                selector.unregister(self.ends.stdin)
                self.ends.stdin.close()
        elif file is self.ends.stdout and self._read(self.ends.stdout, self.stdout) == b"":
            selector.unregister(self.ends.stdout)
        elif file is self.ends.stderr and self._read(self.ends.stderr, self.stderr) == b"":
            selector.unregister(self.ends.stderr)

    def drain(self) -> None:
        """Take what is left in the pipes without waiting for their end, which a survivor may hold open."""
        for end, kept in ((self.ends.stdout, self.stdout), (self.ends.stderr, self.stderr)):
            while not self.truncated and self._read(end, kept):
                pass

    def _write(self) -> bool:
        try:
            self.data = self.data[self.ends.stdin.write(self.data[:_CHUNK]) or 0 :]
        except OSError:  # the program closed its end
            return True
        return not self.data

    def _read(self, end: io.FileIO, kept: _Kept) -> bytes | None:
        """Read one chunk: empty at the end, None when nothing is there yet."""
        chunk = end.read(_CHUNK)
        if chunk and not kept.add(chunk):
            self.truncated = True
        return chunk


def _file(descriptor: int, mode: str) -> io.FileIO:
    return io.FileIO(descriptor, mode)


def _pipe() -> tuple[io.FileIO, io.FileIO]:
    read, write = os.pipe()
    return _file(read, "r"), _file(write, "w")


def _end_of(process: subprocess.Popen[bytes]) -> io.FileIO:
    """Return a file that can be read when the process has ended; where the kernel has none, a thread waits."""
    if hasattr(os, "pidfd_open"):
        return _file(os.pidfd_open(process.pid), "r")
    end, held = _pipe()

    def wait() -> None:
        with held:
            process.wait()

    threading.Thread(target=wait, name="afs-wait", daemon=True).start()
    return end


def _children(pid: int) -> list[int]:
    """Return the direct children of a process; none where the kernel does not tell."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def _pipes(stack: contextlib.ExitStack) -> tuple[_Ends, _Ends]:
    """Make three pipes; the first of the pair holds our ends, the second the program's."""
    files: list[io.FileIO] = []
    for _ in range(3):
        for descriptor, mode in zip(os.pipe(), "rw", strict=True):
            files.append(stack.enter_context(_file(descriptor, mode)))
    in_read, in_write, out_read, out_write, err_read, err_write = files
    return _Ends(in_write, out_read, err_read), _Ends(in_read, out_write, err_write)
