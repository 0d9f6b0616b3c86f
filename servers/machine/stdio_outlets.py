"""Ways to write to a descriptor from an event loop: as much as goes at once, without a flag that others would feel.

A descriptor is shared with whoever gave it: it is never set to non-blocking.
"""

from __future__ import annotations

import os
import select
import socket
import stat
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from typing import Final

__all__ = ["Outlet", "outlet_of", "waits"]


class Outlet(Protocol):
    """A way to write."""

    def write(self, data: memoryview) -> int:
        """Write what goes without waiting, and return how many bytes that were. Raises OSError."""
        ...

    async def ready(self) -> None:
        """Wait until more can be written, or it is sure that nothing can."""
        ...


class _Pipe:
    """A pipe that polls as writable takes PIPE_BUF bytes without blocking, by its manual."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)

    def write(self, data: memoryview) -> int:
        sent = 0
        try:
            while sent < len(data) and self._poll.poll(0):
                sent += os.write(self._fd, data[sent : sent + select.PIPE_BUF])
        except BlockingIOError:  # somebody else has set it so
            pass
        return sent

    async def ready(self) -> None:
        import anyio

        await anyio.wait_writable(self._fd)


class _Socket:
    """A stream socket: each call may say for itself that it doesn't wait."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._socket: Final = socket.socket(fileno=os.dup(fd))

    def write(self, data: memoryview) -> int:
        sent = 0
        try:
            while sent < len(data):
                sent += self._socket.send(data[sent:], socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
        return sent

    async def ready(self) -> None:
        import anyio

        await anyio.wait_writable(self._fd)


class _File:
    """A file, or a device like the null device: nobody waits for whoever reads it."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def write(self, data: memoryview) -> int:
        sent = 0
        while sent < len(data):
            sent += os.write(self._fd, data[sent:])
        return sent

    async def ready(self) -> None:
        import anyio.lowlevel

        await anyio.lowlevel.checkpoint()


def waits(fd: int) -> bool | None:
    """Tell whether reading a descriptor waits for somebody, so that a loop must watch it; None where it can't be told.

    Pipes and sockets do, files and the null device don't; a terminal is left to others. Raises OSError.
    """
    mode = os.fstat(fd).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        return True
    return False if _plain(fd, mode) else None


def outlet_of(fd: int) -> Outlet | None:
    """Return the way to write to a descriptor; None for a terminal and whatever else may block. Raises OSError."""
    mode = os.fstat(fd).st_mode
    if stat.S_ISFIFO(mode):
        return _Pipe(fd)
    if stat.S_ISSOCK(mode):
        return _Socket(fd)
    return _File(fd) if _plain(fd, mode) else None


def _plain(fd: int, mode: int) -> bool:
    return stat.S_ISREG(mode) or (stat.S_ISCHR(mode) and not os.isatty(fd))
