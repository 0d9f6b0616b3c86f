"""The one MCP server of the comparison: `echo`, `slow`, `big` and `die` over stdio, and a log of what really ran.

Run as a program: `python -P echo_server.py LOG`. Each line of the log is JSON: an event, the process, and what it is
about.
"""

import json
import os
import sys
from pathlib import Path

import anyio
from mcp.server import MCPServer
from mcp.types import ToolAnnotations

__all__ = ["LINE", "server"]

LINE = "".join(chr(97 + number % 26) for number in range(99)) + "\n"
"""A line of what `big` returns, 100 characters."""
_READS = ToolAnnotations(read_only_hint=True)

server = MCPServer("bench")


def _log(event: str, about: str) -> None:
    if len(sys.argv) > 1:
        with Path(sys.argv[1]).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, "process": os.getpid(), "about": about}) + "\n")


@server.tool(annotations=_READS)
async def echo(text: str = "") -> str:
    """Give the text back."""  # it may be left out: a runner that loses arguments is seen by that
    _log("echo", text)
    return f"echo: {text}"


@server.tool(annotations=_READS)
async def slow(milliseconds: int, tag: str) -> str:
    """Wait, then give the tag back."""
    _log("slow", tag)
    await anyio.sleep(milliseconds / 1000)
    _log("slow ended", tag)
    return f"slow: {tag}"


@server.tool(annotations=_READS)
async def big(characters: int) -> str:
    """Return a text of so many characters."""
    _log("big", str(characters))
    return (LINE * (characters // len(LINE) + 1))[:characters]


@server.tool()
async def die() -> str:
    """End the server's process at once."""
    _log("die", "")
    os._exit(3)


if __name__ == "__main__":
    _log("start", "")
    server.run()
