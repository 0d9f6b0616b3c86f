"""How the clients of providers use HTTP: no redirects, no proxy on this machine, and no reply without end.

A redirect would carry the key to another host, since clients take only the header Authorization out of it.
"""

import functools
import ipaddress
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from runner.errors import ConfigError
from runner.models.keys import without_keys
from servers.machine.wire import clean

if TYPE_CHECKING:
    import httpx2

__all__ = ["CONNECT_SECONDS", "LARGEST_REPLY", "QUIET_SECONDS", "check_address", "client_options", "is_own", "quoted"]

CONNECT_SECONDS = 5.0
QUIET_SECONDS = 300.0
"""Longest silence before and between the pieces of a reply: a local model reads a long prompt first."""
LARGEST_REPLY = 32 * 1024 * 1024
"""Bytes of one answer; more is given up as an attack."""
_LONGEST_QUOTE = 500


def is_own(url: str) -> bool:
    """Tell whether `url` is on this machine or in the user's own network."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".localhost"))


def check_address(url: str, variable: str) -> None:
    """Refuse an address that a key cannot be sent to; `variable` is where the user sets it.

    Raises:
        ConfigError: it is no address, or the key would travel in clear to a stranger.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not url.isprintable() or " " in url or "@" in url or "?" in url:
        raise ConfigError(f"{variable} is no address; write it as https://HOST, and the key where keys are kept")
    if url.startswith("http://") and not is_own(url):
        raise ConfigError(f"the key would travel in clear to {url}; set {variable} to an https:// address")


def client_options(url: str) -> dict[str, Any]:
    """Return keyword arguments for an `httpx2.AsyncClient` (or a class derived from it) that talks to `url`."""
    plain: dict[str, Any] = {} if url.startswith("https://") else {"verify": False}  # saves reading all certificates
    return {
        "follow_redirects": False,
        "headers": {"Accept-Encoding": "identity"},
        "trust_env": not is_own(url),
        "event_hooks": {"response": [_bound]},
        **plain,
    }


async def _bound(response: "httpx2.Response") -> None:
    """Make a response end in `httpx2.ReadError` when it grows too large, or was packed though we asked for it plain."""
    import httpx2

    if response.headers.get("content-encoding", "identity") != "identity":
        raise httpx2.ReadError("the answer is compressed, and how large it is cannot be told")

    response.stream = _bounded_stream()(cast("httpx2.AsyncByteStream", response.stream))


@functools.cache
def _bounded_stream() -> "Callable[[httpx2.AsyncByteStream], httpx2.AsyncByteStream]":
    """Return the class of a bounded body; made once, since httpx2 takes its time to import."""
    import httpx2

    class Bounded(httpx2.AsyncByteStream):
        def __init__(self, body: httpx2.AsyncByteStream) -> None:
            self._body = body

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = LARGEST_REPLY
            async for data in self._body:
                left -= len(data)
                if left < 0:
                    raise httpx2.ReadError(f"the answer is larger than {LARGEST_REPLY} bytes")
                yield data

        async def aclose(self) -> None:
            await self._body.aclose()

    return Bounded


def quoted(text: str) -> str:
    """Return what a provider said as one bounded line for an error: no keys, no control characters."""
    line = " ".join(clean(without_keys(text[: 8 * _LONGEST_QUOTE])).split())
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}..."
