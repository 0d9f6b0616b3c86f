"""The experts' server of a test: its folders, an expert whose tool holds, and calls that succeed or are refused."""

import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import anyio
import anyio.to_thread
import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent

from runner.depth import INSIDE
from runner.recorder import Recorder
from runner.server import build
from servers.settings import Settings

Era = Literal["auto", "legacy"]

HOLDING = '''
"""A server whose tool holds until somebody opens its pipe."""
import sys
from pathlib import Path
from typing import Annotated
import anyio.to_thread
from pydantic import BaseModel, Field
from servers.machine.face import READS, Face

class Held(BaseModel):
    said: str

face = Face("holding", title="Holding", instructions="Holds.", version="1")

@face.offer(READS, title="Hold")
async def hold(word: Annotated[str, Field(description="what to say")]) -> Held:
    """Hold, then say a word."""
    pipe = Path(sys.argv[1])
    await anyio.to_thread.run_sync(lambda: pipe.read_text(encoding="utf-8"), abandon_on_cancel=True)
    return Held(said=word)

face.serve()
'''
WAITER = """
[experts.waiter]
summary = "holds"
instructions = "Use the tool."
tools = ["hold"]
"""


class Work:
    """A folder with a server that holds, an expert that uses it, and scripts for its model."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.pipe = folder / "pipe"
        os.mkfifo(self.pipe)
        server = folder / "holding.py"
        server.write_text(HOLDING, encoding="utf-8")
        command = [sys.executable, str(server), str(self.pipe)]
        self.write("mcp.json", {"mcpServers": {"holding": {"command": command[0], "args": command[1:]}}})
        (folder / "classes.toml").write_text(f'["{" ".join(command)}"]\nread = ["hold"]\n', encoding="utf-8")
        (folder / "experts.toml").write_text(WAITER, encoding="utf-8")
        monkeypatch.setenv("AFS_EXPERTS_CONFIG", str(folder / "mcp.json"))
        monkeypatch.setenv("AFS_TOOL_CLASSES", str(folder / "classes.toml"))
        monkeypatch.setenv("AFS_EXPERTS", str(folder / "experts.toml"))
        monkeypatch.delenv(INSIDE, raising=False)

    def write(self, name: str, value: object) -> str:
        path = self.folder / name
        path.write_text(json.dumps(value), encoding="utf-8")
        return str(path)

    def model(self, *lines: dict[str, Any]) -> str:
        """Return a model that says these lines."""
        return f"scripted:{self.write(f'script{len(list(self.folder.iterdir()))}.json', list(lines))}"

    @property
    def holding(self) -> str:
        """A model that calls the tool that holds, then answers."""
        return self.model({"calls": [{"name": "hold", "arguments": {"word": "hi"}}]}, {"text": "It said hi."})

    @property
    def recorder(self) -> Recorder:
        return Recorder(self.folder / "context")

    @asynccontextmanager
    async def released(self) -> AsyncGenerator[None]:
        """Let the tool that holds, or is about to hold, go."""

        async def release() -> None:
            await anyio.to_thread.run_sync(lambda: self.pipe.write_text("go", encoding="utf-8"), abandon_on_cancel=True)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(release)
            yield

    @asynccontextmanager
    async def served(self, era: Era = "auto", *, data_dir: Path | None = None) -> AsyncGenerator[Client]:
        settings = Settings(
            context_root=self.folder / "context",
            data_dir=data_dir or self.folder / "data",
            project_root=self.folder,
        )
        with anyio.fail_after(60):
            async with Client(build(settings, scripts=True), mode=era) as client:
                yield client


def told(result: CallToolResult) -> str:
    return "".join(block.text for block in result.content if isinstance(block, TextContent))


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool that succeeds; all that its fields say stands in its text too."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, told(result)
    fields: dict[str, Any] | None = result.structured_content
    assert fields is not None
    return fields


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return told(result)
