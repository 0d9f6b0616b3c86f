"""The SDK of the protocol: when it is imported, by which errors it says that a server failed, and what these say."""

import gc
import importlib
from typing import cast

import anyio
from pydantic import ValidationError

from servers.machine.wire import clean, shorten

__all__ = ["expected", "import_sdk", "said_by"]


def import_sdk() -> None:
    """Import the SDK, once the servers are on their way: 0.5 s, and that without garbage collection."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        importlib.import_module("mcp")
    finally:
        if collecting:
            gc.enable()


def expected() -> tuple[type[Exception], ...]:
    """Return the errors by which the SDK says that a server failed or misbehaved."""
    import httpx2
    from mcp import MCPError

    closed = (anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream)
    plain = (ValueError, TypeError, LookupError, AttributeError, RuntimeError, OSError)
    return (MCPError, ExceptionGroup, httpx2.HTTPError, *closed, *plain)


def said_by(error: BaseException) -> str:
    """Return the text of an error, of the first one of a group, in one line."""
    first = error
    while isinstance(first, BaseExceptionGroup):
        first = cast("BaseException", first.exceptions[0])  # pyright: ignore[reportUnknownMemberType]  # erased by isinstance
    if isinstance(first, ValidationError):
        problem = first.errors()[0]
        place = ".".join(str(part) for part in problem["loc"])
        return f"what it sent is not valid MCP ({shorten(clean(place + ': ' + problem['msg']), 200)})"
    text = clean(shorten(str(first), 300)).strip().replace("\n", " ")
    return text or type(first).__name__
