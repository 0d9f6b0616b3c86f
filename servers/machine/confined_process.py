"""One program run to its end: started by a confined thread, read in chunks, killed with its tree."""

import contextlib
import io
import os
import selectors
import signal
import subprocess
import threading
import time
from typing import NamedTuple

from servers.machine.errors import ServerError
from servers.machine.process_start import Ends, Launch, Starter

__all__ = ["Captured", "Ended", "Job", "Room"]

_CHUNK = 1 << 16
_TICK = 0.05
"""Seconds between two looks of a watch."""
_LAST_MOMENT = 2.0
"""Seconds that a killed program gets to be gone."""


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
            return self._run()
        finally:
            self._over.set()

    def _run(self) -> Ended:
        with contextlib.ExitStack() as stack:
            ours, theirs = _pipes(stack)
            woken, wake = (stack.enter_context(end) for end in _pipe())
            starter = Starter(self._launch, theirs)
            self._set_wake(wake)
            stack.callback(self._set_wake, None)
            stack.callback(starter.over.set)
            stack.callback(self._end, starter)
            refused, started = self._begun(starter), time.monotonic()
            starter.ready.wait()
            for end in theirs:
                end.close()
            process = self._admitted(starter, refused)
            return self._attend(process, _Streams(ours, self._stdin, self._room), woken, started)

    def _end(self, starter: Starter) -> None:
        """End what was started and not attended to its end, whatever went wrong."""
        if starter.is_alive():
            starter.ready.wait()
        if starter.process is not None and starter.process.returncode is None:
            self._kill(starter.process)

    def _begun(self, starter: Starter) -> Exception | None:
        """Start the program, in this thread or in one of its own; return why it must not be let go."""
        if self._launch.confine is None and self._launch.meanwhile is None:
            refused = self._beside(starter)
            starter.begin()
            return refused
        try:
            starter.start()
        except RuntimeError as error:
            raise ServerError(f"no thread can be started ({error}); try again in a moment") from error
        return self._beside(starter)

    def _beside(self, starter: Starter) -> Exception | None:
        """Do what is done while the program starts, then let it go; return why it must not be let go."""
        try:
            if self._launch.meanwhile is not None:
                starter.spawned.wait()  # the thread that starts it comes first
                self._launch.meanwhile()
            if self._cancelled.is_set():
                return ServerError("cancelled before it began; call again")
            starter.allowed = True
        except (OSError, ServerError) as error:
            return error
        finally:
            starter.released.set()
        return None

    def _admitted(self, starter: Starter, refused: Exception | None) -> subprocess.Popen[bytes]:
        """Return the started program, let in. Raises ServerError, or what speaks against it; nothing runs then."""
        problem: Exception | None = refused or starter.problem
        if starter.process is not None and problem is None and self._launch.admit is not None:
            try:
                self._launch.admit(starter.process.pid)
            except OSError as error:
                problem = error
        if starter.process is not None and problem is None:
            return starter.process
        if starter.process is not None:
            self._kill(starter.process)
        if problem is not None and (problem is refused or isinstance(problem, ServerError)):
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

    def __init__(self, ends: Ends, data: bytes, room: Room) -> None:
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


def _pipes(stack: contextlib.ExitStack) -> tuple[Ends, Ends]:
    """Make three pipes; the first of the pair holds our ends, the second the program's."""
    files: list[io.FileIO] = []
    for _ in range(3):
        for descriptor, mode in zip(os.pipe(), "rw", strict=True):
            files.append(stack.enter_context(_file(descriptor, mode)))
    in_read, in_write, out_read, out_write, err_read, err_write = files
    return Ends(in_write, out_read, err_read), Ends(in_read, out_write, err_write)
