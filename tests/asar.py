"""What tests with the real asar share: whether it is there, and a call of the server's tools."""

import dataclasses
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import TextContent

from servers.asar.server import build
from servers.machine.asar import find_asar
from servers.machine.errors import ServerError
from servers.settings import Settings

__all__ = ["HERE", "NEEDS_ASAR", "call_in", "called"]

HERE = Settings.from_environment()


def _asar_there() -> bool:
    try:
        find_asar(HERE)
    except ServerError:
        return False
    return True


NEEDS_ASAR = [
    pytest.mark.asar,
    pytest.mark.skipif(not _asar_there(), reason="asar is absent: afs fetch asar"),
]


async def called(client: Client, tool: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    """Return the text and the fields of a result; the fields are empty when it is an error."""
    with anyio.fail_after(120):
        result = await client.call_tool(tool, arguments)
    block = result.content[0]
    assert isinstance(block, TextContent)
    return block.text, {} if result.is_error else dict(result.structured_content or {})


async def call_in(root: Path, tool: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    """Call a tool of a server for the project in `root`."""
    async with Client(build(dataclasses.replace(HERE, project_root=root))) as client:
        return await called(client, tool, **arguments)
