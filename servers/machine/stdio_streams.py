"""The two ends of a server's line as streams of messages, read and written on the event loop itself.

What has come in is answered before the input counts as ended, so that a file or a pipe of requests can be served.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse, jsonrpc_message_adapter
from pydantic import ValidationError

from servers.machine.stdio_lines import Lines, LongLine

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from anyio.abc import TaskGroup
    from mcp.types import JSONRPCMessage

    from servers.machine.stdio_outlets import Outlet

__all__ = ["Owed", "Sink", "Source"]

_READ = 1 << 16
_LASTING = frozenset({"subscriptions/listen"})
"""Requests that are answered when all is over."""


class Owed:
    """The requests that have come in and are not answered."""

    def __init__(self) -> None:
        self._ids: set[str | int] = set()
        self._moved = anyio.Event()

    def came(self, message: JSONRPCMessage) -> None:
        """Note what came in: a request, or that one need not be answered."""
        if isinstance(message, JSONRPCRequest) and message.method not in _LASTING:
            self._ids.add(message.id)
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            self._drop((message.params or {}).get("requestId"))

    def left(self, message: JSONRPCMessage) -> None:
        """Note what went out."""
        if isinstance(message, JSONRPCResponse | JSONRPCError):
            self._drop(message.id)

    def _drop(self, identity: object) -> None:
        if isinstance(identity, str | int):
            self._ids.discard(identity)
            self._moved.set()

    async def settled(self, grace: float) -> None:
        """Wait until nothing is owed, or no answer has left for `grace` seconds."""
        while self._ids:
            self._moved = anyio.Event()
            with anyio.move_on_after(grace) as limit:
                await self._moved.wait()
            if limit.cancelled_caught:
                return


class Source:
    """Messages from a descriptor."""

    last_context = None

    def __init__(self, fd: int, owed: Owed, *, watched: bool, grace: float) -> None:
        """Read `fd`, watched by the loop where reading it waits; at its end, give answers `grace` seconds."""
        self._fd, self._owed = fd, owed
        self._watched, self._grace = watched, grace
        self._lines = Lines()
        self._ended = self._closed = False

    async def receive(self) -> SessionMessage | Exception:
        """Return the next message, or why a line is none. Raises EndOfStream, and ClosedResourceError when closed."""
        while True:
            if self._closed:
                raise anyio.ClosedResourceError
            line = self._lines.next()
            if line is not None:
                return await self._message(line)
            if self._ended:
                await self._owed.settled(self._grace)
                raise anyio.EndOfStream
            await self._more()

    async def _more(self) -> None:
        if self._watched:
            await anyio.wait_readable(self._fd)
        else:
            await anyio.lowlevel.checkpoint()
        try:
            data = os.read(self._fd, _READ)
        except BlockingIOError:  # somebody else has set it so, and was faster
            return
        except OSError:  # the other side is gone
            data = b""
        if data:
            self._lines.feed(data)
        else:
            self._ended = True
            self._lines.finish()

    async def _message(self, line: bytes | LongLine) -> SessionMessage | Exception:
        if isinstance(line, LongLine):
            return line
        try:
            message = jsonrpc_message_adapter.validate_json(line.decode("utf-8", "replace"), by_name=False)
        except ValidationError as error:
            await anyio.lowlevel.checkpoint()  # a flood of rubbish lets others work
            return error
        self._owed.came(message)
        return SessionMessage(message)

    async def aclose(self) -> None:
        """Give no more messages; the descriptor stays open."""
        self._closed = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()


class Sink:
    """Messages to a descriptor, each whole: what was begun is finished, even when its sender has been cancelled."""

    def __init__(self, outlet: Outlet, owed: Owed, tasks: TaskGroup, broken: Callable[[OSError], None]) -> None:
        """Write through `outlet`; `broken` is called once, when nothing can be written any more."""
        self._outlet, self._owed, self._tasks = outlet, owed, tasks
        self._on_broken = broken
        self._turn = anyio.Lock(fast_acquire=True)
        self._rest = memoryview(b"")
        self._flushed = anyio.Event()
        self._broken = self._closed = False

    async def send(self, item: SessionMessage, /) -> None:
        """Write a message, and wait until all of it is written. Raises BrokenResourceError or ClosedResourceError."""
        message = item.message
        data = message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
        async with self._turn:
            await self.flushed()  # a sender that was cancelled may have left a rest
            if self._closed:
                raise anyio.ClosedResourceError
            if not self._broken:
                self._begin(data)
                self._owed.left(message)
                await self.flushed()
            if self._broken:
                raise anyio.BrokenResourceError
        if not isinstance(message, JSONRPCResponse | JSONRPCError):
            await anyio.lowlevel.checkpoint()  # a tool that tells of its progress lets others work

    async def flushed(self) -> None:
        """Wait until what was begun is written."""
        if self._rest:
            await self._flushed.wait()

    def _begin(self, data: bytes) -> None:
        self._write(memoryview(data))
        if self._rest:
            self._flushed = anyio.Event()
            self._tasks.start_soon(self._finish)

    async def _finish(self) -> None:
        try:
            while self._rest:
                await self._outlet.ready()
                self._write(self._rest)
        finally:
            self._broken |= bool(self._rest)  # nothing may follow half a message
            self._flushed.set()

    def _write(self, data: memoryview) -> None:
        try:
            self._rest = data[self._outlet.write(data) :]
        except OSError as error:
            self._broken, self._rest = True, memoryview(b"")
            self._on_broken(error)

    async def aclose(self) -> None:
        """Take no more messages; the descriptor stays open."""
        self._closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()
