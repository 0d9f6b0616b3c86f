"""How the SDK reaches a server: over the pipes of its process, or over HTTP.

The pipe transport does what the SDK's own does, with limits on what a server may send and no noise on stderr.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import anyio

from runner.offers import BLOCK_LIMIT
from runner.process import LINE_LIMIT, ServerProcess
from servers.machine.wire import clean_value

if TYPE_CHECKING:
    import httpx2
    from mcp.client import Transport
    from mcp.client._transport import TransportStreams
    from mcp.types import JSONRPCMessage

__all__ = ["TOOLS_CHANGED", "over_http", "over_pipes"]

TOOLS_CHANGED = "notifications/tools/list_changed"
_LONG = 256 << 10
"""Bytes of a message from which on its parts are counted."""


@asynccontextmanager
async def over_pipes(
    process: ServerProcess, *, on_change: Callable[[], None], on_end: Callable[[], None]
) -> "AsyncGenerator[TransportStreams]":
    """Talk to a process that someone else starts and stops; `on_end` is called when it will say no more.

    `on_change` is called when it says that its tools have changed, before anything that it says after that is seen.
    """
    from mcp.shared.message import SessionMessage

    to_session, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, from_session = anyio.create_memory_object_stream[SessionMessage](0)

    async def read() -> None:
        try:
            while (line := await process.read_line()) is not None:
                message = _parsed(line)
                if message is None:
                    process.reject(line)
                else:
                    if getattr(message, "method", "") == TOOLS_CHANGED:
                        on_change()
                    await to_session.send(SessionMessage(message))
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            return  # the session is over
        finally:
            to_session.close()
            on_end()

    async def write() -> None:
        async for item in from_session:
            if not await process.send(_line(item.message)):
                on_end()
                return

    with to_session, incoming, outgoing, from_session:
        async with anyio.create_task_group() as pumps:
            for pump in (process.drain, read, write):
                pumps.start_soon(pump)
            yield incoming, outgoing
            pumps.cancel_scope.cancel()


def _line(message: "JSONRPCMessage") -> bytes:
    return message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"


def _parsed(line: bytes) -> "JSONRPCMessage | None":
    from mcp.types import jsonrpc_message_adapter

    if not line.lstrip().startswith(b"{"):
        return None
    try:
        if len(line) > _LONG:
            return jsonrpc_message_adapter.validate_python(_cut(json.loads(line)), by_name=False)
        return jsonrpc_message_adapter.validate_json(line, by_name=False)
    except (ValueError, RecursionError):
        pass
    try:  # half of a character or broken UTF-8 in it, such as an odd file name: better shown than lost
        value = clean_value(json.loads(line.decode("utf-8", "replace")))
        return jsonrpc_message_adapter.validate_python(value, by_name=False)
    except (ValueError, RecursionError):
        return None


def _cut(message: Any) -> Any:
    """Return a message without the parts of a result that nobody takes: each costs the SDK kilobytes."""
    result = cast("dict[str, Any]", message).get("result") if isinstance(message, dict) else None
    content = cast("dict[str, Any]", result).get("content") if isinstance(result, dict) else None
    if isinstance(content, list):
        del content[BLOCK_LIMIT:]
    return cast("Any", message)


@asynccontextmanager
async def over_http(url: str, *, headers: Mapping[str, str]) -> "AsyncGenerator[Transport]":
    """Make the SDK's streamable HTTP transport with headers of our own, and limits on what a server may send."""
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    timeout = httpx2.Timeout(30.0, read=300.0)  # as the SDK's own client has it
    plain = {"Accept-Encoding": "identity", **headers}
    async with httpx2.AsyncClient(headers=plain, timeout=timeout, event_hooks={"response": [_bound]}) as client:
        yield streamable_http_client(url, http_client=client)


async def _bound(response: "httpx2.Response") -> None:
    """Have the body of a response end at LINE_LIMIT; a stream of events goes on, each of them bounded by the SDK."""
    import httpx2

    if response.headers.get("content-encoding", "identity") != "identity":  # a megabyte of it may be a gigabyte
        raise httpx2.DecodingError("it sent a compressed answer, which it was not asked for", request=response.request)
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        return
    body = cast("httpx2.AsyncByteStream", response.stream)

    class Bounded(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for chunk in body:
                size += len(chunk)
                if size > LINE_LIMIT:
                    raise httpx2.ReadError(f"it sent an answer of more than {LINE_LIMIT >> 20} MiB")
                yield chunk

        async def aclose(self) -> None:
            await body.aclose()

    response.stream = Bounded()
