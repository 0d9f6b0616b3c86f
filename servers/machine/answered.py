"""What a server reads from its host, with an answer to a request that cannot be read.

The SDK drops a line that is no message, and whoever sent it waits for ever: a lone surrogate in an argument, as a host
writes a cut emoji, is enough. Where such a line, or the beginning of one that is too long, has an id, it is answered
with the reason.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from mcp.shared.message import SessionMessage
from mcp.types import INVALID_REQUEST, ErrorData, JSONRPCError
from pydantic import ValidationError

from servers.machine.stdio_lines import LongLine
from servers.machine.wire import clean, shorten

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Protocol, Self

    class Source(Protocol):
        """Where messages come from, as the SDK's transports give them."""

        @property
        def last_context(self) -> Any: ...
        async def receive(self) -> SessionMessage | Exception: ...
        async def aclose(self) -> None: ...

    class Sink(Protocol):
        """Where messages go to."""

        async def send(self, item: SessionMessage, /) -> None: ...


__all__ = ["Answered", "refusal"]

_SAID = 300
"""Characters of the reason that are given back."""
_ID = re.compile(r'"id"\s*:\s*(\d{1,15}|"[\w.:/+-]{1,100}")', re.ASCII)


class Answered:
    """A stream of messages, in which a request that could not be read has been answered and is left out."""

    def __init__(self, source: Source, sink: Sink) -> None:
        """Read from `source`, and answer what cannot be read into `sink`."""
        self._source, self._sink = source, sink

    @property
    def last_context(self) -> Any:
        """The context of the last message's sender, for the SDK."""
        return self._source.last_context

    async def receive(self) -> SessionMessage | Exception:
        """Return the next message. Raises what the stream raises at its end."""
        while True:
            item = await self._source.receive()
            answer = refusal(item) if isinstance(item, ValidationError | LongLine) else None
            if answer is None:
                return item
            await self._sink.send(SessionMessage(answer))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        import anyio

        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        """Close the stream."""
        await self._source.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()


def refusal(error: ValidationError | LongLine) -> JSONRPCError | None:
    """Return the answer to a line that is no message; None where it is no request that has an id."""
    if isinstance(error, LongLine):
        return _answer(_beginning(error.head), f"{error}; send less at once")
    problems = error.errors(include_url=False)
    asked = next(filter(None, map(_request, (problem["input"] for problem in problems))), None)
    reason = clean(shorten(str(problems[0]["msg"]), _SAID))
    return _answer(asked, f"{reason}; send plain text, as a JSON-RPC request of MCP")


class _Asked(NamedTuple):
    id: str | int


def _answer(asked: _Asked | None, reason: str) -> JSONRPCError | None:
    if asked is None:
        return None
    text = f"the request cannot be read: {reason}"
    return JSONRPCError(jsonrpc="2.0", id=asked.id, error=ErrorData(code=INVALID_REQUEST, message=text))


def _beginning(head: str) -> _Asked | None:
    """Return who asked, where that stands before the parameters of a request that was cut."""
    found = _ID.search(head.partition('"params"')[0])
    return _Asked(json.loads(found[1])) if found and '"method"' in head else None


def _request(said: object) -> _Asked | None:
    """Return who asked, where a line, or what it holds, is a request."""
    try:
        message = json.loads(said) if isinstance(said, str) else said
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or "method" not in message:
        return None
    identity = cast("dict[str, object]", message).get("id")
    if isinstance(identity, str) and identity.isprintable():
        return _Asked(identity)
    return _Asked(identity) if isinstance(identity, int) and not isinstance(identity, bool) else None
