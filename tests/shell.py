"""What the tests of run_shell share: a workspace that any user may enter, and one back end alone."""

import contextlib
import shutil
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent

from servers.machine import landlock, sandbox_choice
from servers.machine.sandbox_choice import choose_backend
from servers.machine.sandbox_launch import Backend
from servers.machine.shell_choice import choose_shell_backend
from servers.settings import Settings
from servers.workspace.server import build

__all__ = ["BOTH", "Desk", "fields", "forget", "need", "new_desk", "only", "processes", "text_of"]

BOTH = [pytest.param("bubblewrap", marks=pytest.mark.bwrap), "landlock"]
"""The back ends, as parameters of a fixture."""


class Desk(NamedTuple):
    """A workspace and the server of it."""

    work: Path
    settings: Settings

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncGenerator[Client]:
        face = build(self.settings)
        try:
            with anyio.fail_after(60):
                async with Client(face) as client:
                    yield client
        finally:
            face.end()

    async def ask(self, command: str, **more: Any) -> CallToolResult:
        async with self.client() as client:
            return await client.call_tool("run_shell", {"command": command, **more})

    async def run(self, command: str, **more: Any) -> dict[str, Any]:
        result = await self.ask(command, **more)
        assert not result.is_error, text_of(result)
        return fields(result)

    def put(self, name: str, content: str, mode: int = 0o644) -> Path:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        path.chmod(mode)
        return path

    def names(self) -> set[str]:
        return {str(path.relative_to(self.work)) for path in self.work.rglob("*")}


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


def fields(result: CallToolResult) -> dict[str, Any]:
    return result.structured_content or {}


def need(backend: Backend) -> None:
    if backend == "bubblewrap" and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is absent: apt-get install bubblewrap")
    if backend == "landlock" and landlock.abi_version() < 4:
        pytest.skip("the kernel has no Landlock that knows TCP")


@contextlib.contextmanager
def new_desk() -> Generator[Desk]:
    """Give an empty workspace: not below the tests' own folder, which is closed to nobody, whom root becomes."""
    made = Path(tempfile.mkdtemp(prefix="afs-desk-", dir="/var/tmp"))
    made.chmod(0o755)
    work = made / "work"
    work.mkdir()
    yield Desk(work, Settings(context_root=made / "c", data_dir=made / "data", project_root=work))
    shutil.rmtree(made)


@contextlib.contextmanager
def only(wanted: Backend, monkeypatch: pytest.MonkeyPatch) -> Generator[Backend]:
    """Leave one back end, on a machine that has both; skip the test where it is not there."""
    need(wanted)
    honest = sandbox_choice.flaw

    def left(candidate: Backend) -> str:
        return honest(candidate) if candidate == wanted else f"{candidate} is left out by the test"

    monkeypatch.setattr(sandbox_choice, "flaw", left)
    forget()
    yield wanted
    forget()


def forget() -> None:
    """Let the back ends be chosen anew."""
    choose_backend.cache_clear()
    choose_shell_backend.cache_clear()


def processes(mark: str) -> list[int]:
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cmdline").read_bytes().startswith(mark.encode()):
                found.append(int(entry.name))
    return found
