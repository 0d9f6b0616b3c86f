"""One program run to its end: started by a confined thread, read in chunks, killed with its tree."""

import contextlib
import io
import os
import selectors
import subprocess
import threading
import time
from typing import NamedTuple

from servers.machine.errors import ServerError
from servers.machine.process_start import Ends, Launch, Program, file_pair

__all__ = ["Captured", "Ended", "Job", "Room"]

_CHUNK = 1 << 16
_TICK = 0.05
"""Seconds between two looks of a watch."""


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

    def __init__(
        self, launch: Launch, *, wall_seconds: float, room: Room, stdin: bytes = b"", program: Program | None = None
    ) -> None:
        """Take what is to be started; or a `program` that has been started so, and waits for its input."""
        self._launch, self._waiting = launch, program
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
        with contextlib.closing(self._waiting or Program(self._launch)) as program, contextlib.ExitStack() as stack:
            woken, wake = (stack.enter_context(end) for end in file_pair())
            self._set_wake(wake)
            stack.callback(self._set_wake, None)
            if program.process is None:
                program.start(self._meanwhile)
            else:
                self._meanwhile()
            return self._attend(program, woken, time.monotonic())

    def _meanwhile(self) -> None:
        if self._launch.meanwhile is not None:
            self._launch.meanwhile()
        if self._cancelled.is_set():
            raise ServerError("cancelled before it began; call again")

    def _set_wake(self, wake: io.FileIO | None) -> None:
        with self._lock:
            self._wake = wake

    def _attend(self, program: Program, woken: io.FileIO, started: float) -> Ended:
        process, streams, timed_out = program.running(), _Streams(program.ends, self._stdin, self._room), True
        try:
            with _end_of(process) as end, selectors.DefaultSelector() as selector:
                selector.register(end, selectors.EVENT_READ)
                selector.register(woken, selectors.EVENT_READ)
                streams.register(selector)
                timed_out = not self._watch(selector, streams, end, started + self._wall_seconds)
        finally:
            program.kill(process)
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
        if not self.data or self._write():
            self.ends.stdin.close()
        else:
            selector.register(self.ends.stdin, selectors.EVENT_WRITE)

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


def _end_of(process: subprocess.Popen[bytes]) -> io.FileIO:
    """Return a file that can be read when the process has ended; where the kernel has none, a thread waits."""
    if hasattr(os, "pidfd_open"):
        return io.FileIO(os.pidfd_open(process.pid), "r")
    end, held = file_pair()

    def wait() -> None:
        with held:
            process.wait()

    threading.Thread(target=wait, name="afs-wait", daemon=True).start()
    return end
