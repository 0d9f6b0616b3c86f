"""A server's process: started in its own group, its lines read with a limit, stopped with all it started.

Nothing here knows the protocol: it is lines in, lines out. stderr is drained all the time, and its tail is
kept for saying why a server failed.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

import anyio
import anyio.abc

from runner.strays import disown, own
from servers.machine.wire import clean, shorten

__all__ = ["INHERITED", "LINE_LIMIT", "RUBBISH_LIMIT", "ServerProcess", "inherited_environment"]

LINE_LIMIT = 16 << 20
"""Bytes of one line; a server that sends more is taken for broken."""
RUBBISH_LIMIT = 256 << 10
"""Bytes of lines that are no messages, after which a server is taken for broken."""

INHERITED = (
    (
        *("APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATH", "PATHEXT", "PROCESSOR_ARCHITECTURE"),
        *("SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "USERNAME", "USERPROFILE"),
    )
    if sys.platform == "win32"
    else ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER")
)
"""What a server inherits: the list of the MCP SDK (mcp.client.stdio). Keys of the user are not on it."""

_EXIT_GRACE = 1.0  # seconds to end after its input is closed: what the protocol asks for
_TERM_GRACE = 0.5
_KILL_GRACE = 0.5
_POLL = 0.01
_STDERR_TAIL = 8192


def inherited_environment() -> dict[str, str]:
    """Return the variables of this process that a server may see; shell functions are left out."""
    return {key: os.environ[key] for key in INHERITED if not os.environ.get(key, "()").startswith("()")}


class LineTooLong(Exception):
    """A line was longer than LINE_LIMIT."""


class ServerProcess:
    """A started server. Read it with `read_line` from one task and run `drain` in another."""

    def __init__(self, process: anyio.abc.Process) -> None:
        self._process = process
        self._buffer = bytearray()
        self._scanned = 0
        self._tail = b""
        self._rubbish = 0
        self._rubbish_line = b""
        self._fault = ""
        self._own_exit: int | None = None
        self.ended = anyio.Event()
        """Set when it has closed its output, was found broken, or cannot be written to."""

    @classmethod
    async def start(cls, command: Sequence[str], *, env: Mapping[str, str], cwd: str = "") -> "ServerProcess":
        """Start a program with `env` over the inherited variables. Raises OSError or ValueError."""
        process = await anyio.open_process(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**inherited_environment(), **env},
            cwd=cwd or None,
            start_new_session=True,
        )
        own(process.pid)
        return cls(process)

    @property
    def pid(self) -> int:
        """The process id, which is also that of its group."""
        return self._process.pid

    async def drain(self) -> None:
        """Read its stderr until it is closed, keeping the tail."""
        assert self._process.stderr is not None
        try:
            async for chunk in self._process.stderr:
                self._tail = (self._tail + chunk)[-_STDERR_TAIL:]
        except (anyio.ClosedResourceError, anyio.BrokenResourceError, OSError):
            return

    async def read_line(self) -> bytes | None:
        """Return the next line without its end, or None when there will be no more."""
        if self._fault:
            return None
        try:
            return await self._next_line()
        except LineTooLong:
            self._break(f"it sent a line of more than {LINE_LIMIT >> 20} MiB")
        except (anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError, OSError):
            self.ended.set()
        return None

    async def _next_line(self) -> bytes:
        assert self._process.stdout is not None
        while True:
            end = self._buffer.find(b"\n", self._scanned)
            if end >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 1]
                self._scanned = 0
                return line.removesuffix(b"\r")
            self._scanned = len(self._buffer)
            if self._scanned > LINE_LIMIT:
                raise LineTooLong
            self._buffer += await self._process.stdout.receive()

    async def send(self, data: bytes) -> bool:
        """Write to its input; False when it no longer listens."""
        assert self._process.stdin is not None
        try:
            await self._process.stdin.send(data)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError, OSError):
            self.ended.set()
            return False
        return True

    def reject(self, line: bytes) -> None:
        """Count a line that is no message; too much of that ends the reading."""
        self._rubbish += len(line) + 64  # a short line costs time too
        self._rubbish_line = self._rubbish_line or line[:80].strip()
        if self._rubbish > RUBBISH_LIMIT:
            self._break("it keeps writing to stdout what is not MCP")

    def _break(self, fault: str) -> None:
        self._fault = self._fault or fault
        self._buffer.clear()
        self.ended.set()

    async def reason(self) -> str:
        """Say why it ended, as far as is known: its fault or exit code, and the last line of its stderr."""
        if self._own_exit is None and not self._fault and self.ended.is_set():
            await self._exited(0.5)
        code = self._own_exit if self._own_exit is not None else self._process.returncode
        what = self._fault or ("it closed its output" if code is None else _exit_text(code))
        return "; ".join(filter(None, (what, self.hint())))

    def hint(self) -> str:
        """Return what it last said on stderr, or the first line on stdout that was no message."""
        said = self._tail.decode("utf-8", "replace").strip().rpartition("\n")[2]
        if said:
            return f"it said: {shorten(clean(said), 200)}"
        if self._rubbish_line:
            return f"it wrote to stdout what is not MCP: {clean(repr(self._rubbish_line)[1:])}"
        return ""

    async def stop(self) -> None:
        """End it and everything in its process group within two seconds, whatever it does."""
        with anyio.CancelScope(shield=True):
            await self._stop()
        disown(self.pid)

    async def _stop(self) -> None:
        self._own_exit = self._process.returncode
        assert self._process.stdin is not None
        with anyio.move_on_after(_POLL):  # closing waits for what is still unsent; a stuck server never reads it
            with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError, OSError):
                await self._process.stdin.aclose()
        graces = ((0.0 if self._fault else _EXIT_GRACE, signal.SIGTERM), (_TERM_GRACE, _SIGKILL))
        for grace, number in graces:
            if await self._exited(grace):
                break
            self._signal(number)
        await self._exited(_KILL_GRACE)
        self._signal(_SIGKILL)  # whatever it started and left behind in its group
        # A descendant that left the group may hold a pipe open; anyio's own close would wait for it.
        transport = getattr(getattr(self._process, "_process", None), "_transport", None)
        if transport is not None:
            transport.close()

    async def _exited(self, seconds: float) -> bool:
        """Poll for the exit: waiting for it would also wait for pipes that a descendant holds."""
        deadline = anyio.current_time() + seconds
        while self._process.returncode is None:
            if anyio.current_time() >= deadline:
                return False
            await anyio.sleep(_POLL)
        return True

    def _signal(self, number: int) -> None:
        try:
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return


_SIGKILL = signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL


def _exit_text(code: int) -> str:
    if code >= 0:
        return f"it exited with code {code}"
    try:
        return f"it was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"it was ended by signal {-code}"
