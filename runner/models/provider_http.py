"""How the clients of providers use HTTP: no redirects, no proxy on this machine, and no reply without end.

A redirect would carry the key to another host, since clients take only the header Authorization out of it.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from runner.models.keys import without_keys
from servers.machine.wire import clean

if TYPE_CHECKING:
    import httpx2

__all__ = ["CONNECT_SECONDS", "LARGEST_REPLY", "QUIET_SECONDS", "client_options", "is_here", "quoted"]

CONNECT_SECONDS = 5.0
QUIET_SECONDS = 300.0
"""Longest silence before and between the pieces of a reply: a local model reads a long prompt first."""
LARGEST_REPLY = 32 * 1024 * 1024
"""Bytes of one answer; more is given up as an attack."""
_LONGEST_QUOTE = 500


def is_here(url: str) -> bool:
    """Tell whether `url` is on this machine."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def client_options(url: str) -> dict[str, Any]:
    """Return keyword arguments for an `httpx2.AsyncClient` (or a class derived from it) that talks to `url`."""
    plain: dict[str, Any] = {} if url.startswith("https://") else {"verify": False}  # saves reading all certificates
    return {
        "follow_redirects": False,
        "trust_env": not is_here(url),
        "event_hooks": {"response": [_bound]},
        **plain,
    }


async def _bound(response: "httpx2.Response") -> None:
    """Make a response end in `httpx2.ReadError` when it grows too large."""
    import httpx2

    body = cast("httpx2.AsyncByteStream", response.stream)

    class Bounded(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = LARGEST_REPLY
            async for data in body:
                left -= len(data)
                if left < 0:
                    raise httpx2.ReadError(f"the answer is larger than {LARGEST_REPLY} bytes")
                yield data

        async def aclose(self) -> None:
            await body.aclose()

    response.stream = Bounded()


def quoted(text: str) -> str:
    """Return what a provider said as one bounded line for an error: no keys, no control characters."""
    line = " ".join(clean(without_keys(text[: 8 * _LONGEST_QUOTE])).split())
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}..."
