"""A server's standard input and output as streams of messages, without a thread for each line.

The SDK's transport hands each line through four threads, which takes longer than most tools. Here the event loop
watches the descriptors. A terminal, Windows and streams that are no descriptors are left to the SDK.

While a server serves, descriptor 0 is at its end and 1 goes to standard error, so that no print and no child can
disturb the line; both are put back after it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from typing import Any, TextIO

if sys.platform != "win32":
    import fcntl

__all__ = ["Line", "stdio"]

_PIPE_GRACE = 0.75
"""Seconds without an answer after which a host that has closed its end is taken for gone; hosts kill after 1 or 2."""
_FILE_GRACE = 600.0
_FLUSH_GRACE = 1.0
_GONE = frozenset({errno.EPIPE, errno.ECONNRESET, errno.ESHUTDOWN})


class Line(NamedTuple):
    """Both ends of a line, as the SDK's servers take them."""

    source: Any
    sink: Any


@contextlib.asynccontextmanager
async def stdio() -> AsyncGenerator[Line]:
    """Serve the process's standard input and output.

    Ends the block when the output is closed; raises SystemExit then, where it is not that nobody reads any more.
    """
    if not _ours():
        from mcp.server.stdio import stdio_server

        async with stdio_server() as streams:
            yield Line(*streams)
        return
    with _claimed() as (read, write):
        async with _served(read, write) as line:
            yield line


class _Ends(NamedTuple):
    read: int
    write: int


@contextlib.asynccontextmanager
async def _served(read: int, write: int) -> AsyncGenerator[Line]:
    import anyio

    from servers.machine.stdio_outlets import outlet_of, waits
    from servers.machine.stdio_streams import Owed, Sink, Source

    outlet, watched = outlet_of(write), waits(read)
    if outlet is None or watched is None:
        raise ValueError("a terminal is not for this transport")
    faults: list[OSError] = []
    try:
        async with anyio.create_task_group() as tasks:

            def broken(error: OSError) -> None:
                faults.append(error)
                tasks.cancel_scope.cancel()

            owed = Owed()
            source = Source(read, owed, watched=watched, grace=_PIPE_GRACE if watched else _FILE_GRACE)
            sink = Sink(outlet, owed, tasks, broken)
            yield Line(source, sink)
            with anyio.move_on_after(_FLUSH_GRACE):
                await sink.flushed()
            tasks.cancel_scope.cancel()
    except* anyio.BrokenResourceError:  # the SDK was handing a message on while all was ending
        pass
    if faults and faults[0].errno not in _GONE:
        raise SystemExit(f"standard output cannot be written: {faults[0].strerror}; what was to be said is lost")


def _ours() -> bool:
    """Tell whether this transport can serve what the process was given."""
    if sys.platform == "win32" or not (_is(sys.stdin, 0) and _is(sys.stdout, 1)):
        return False
    from servers.machine.stdio_outlets import outlet_of, waits

    try:
        os.fstat(2)  # where prints go meanwhile
        return waits(0) is not None and outlet_of(1) is not None
    except (OSError, ValueError):
        return False


def _is(stream: TextIO | None, fd: int) -> bool:
    try:
        return stream is not None and stream.fileno() == fd
    except (AttributeError, OSError, ValueError):
        return False


@contextlib.contextmanager
def _claimed() -> Generator[_Ends]:
    """Take descriptors 0 and 1 out of the way, and put them back in the end."""
    if sys.platform == "win32":
        raise OSError(errno.ENOSYS, "Windows keeps the SDK's transport")
    ends = _Ends(*(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in (0, 1)))
    try:
        nothing, other = os.pipe()
        os.close(other)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        yield ends
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()  # what was printed belongs to standard error
        for fd, end in enumerate(ends):
            os.dup2(end, fd)
            os.close(end)
