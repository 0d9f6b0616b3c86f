"""The experts' server where a queue is served: its runs wait for their turn there, and are told as ever."""

import signal
import subprocess
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp import Client
from mcp.types import TextContent

from runner.depth import INSIDE
from runner.queue.place import HERE
from runner.server import build
from servers.settings import Settings
from tests.runner.queued import Queue, until

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not HERE, reason="the queue needs Unix sockets")]

WAITER = '[experts.waiter]\nsummary = "holds"\ninstructions = "Use the tool."\ntools = ["hold"]\n'


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    made = Queue(tmp_path)
    (tmp_path / "experts.toml").write_text(WAITER, encoding="utf-8")
    monkeypatch.setenv("AFS_EXPERTS", str(tmp_path / "experts.toml"))
    monkeypatch.setenv("AFS_EXPERTS_CONFIG", str(tmp_path / "mcp.json"))
    monkeypatch.setenv("AFS_MAX_COST", "0.5")
    monkeypatch.delenv(INSIDE, raising=False)
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def server(queue: Queue) -> Generator[subprocess.Popen[bytes]]:
    """A queue that is busy with a job."""
    with queue.served() as process:
        queue.submit("one")
        until(lambda: queue.held("one"))
        yield process


@asynccontextmanager
async def served(queue: Queue) -> AsyncGenerator[Client]:
    settings = Settings(context_root=queue.root, data_dir=queue.folder / "data", project_root=queue.folder)
    with anyio.fail_after(90):
        async with Client(build(settings, scripts=True)) as client:
            yield client


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, [block.text for block in result.content if isinstance(block, TextContent)]
    fields: dict[str, Any] | None = result.structured_content
    assert fields is not None
    return fields


async def soon(true: Callable[[], Any]) -> Any:
    """Wait for what other processes do, in a thread: that blocks, and runs loops of its own."""
    return await anyio.to_thread.run_sync(until, true)


@pytest.mark.usefixtures("server")
async def test_a_run_takes_its_turn_in_the_queue_and_is_kept_under_the_switches_of_the_server(queue: Queue) -> None:
    heard: list[str] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message or "")

    async with served(queue) as client:
        arguments = {"prompt": "hi", "expert": "waiter", "model": queue.script("two"), "wait": 0}
        asked = await call(client, "ask_expert", **arguments)
        await soon(lambda: len(queue.states()) == 2)
        assert (await call(client, "run_status", run=asked["run"]))["state"] == "waiting"
        queue.let_go("one", "two")
        result = await client.call_tool("run_status", {"run": asked["run"], "wait": 60}, progress_callback=hear)
    ended = result.structured_content
    assert ended is not None
    job = queue.jobs()[1]
    assert (ended["state"], ended["answer"], ended["run"]) == ("ended", "done two", job.run)
    assert "nobody is here to confirm it" in queue.run(job.id).steps[0].calls[0].text
    assert (job.submission.request["for_expert"], job.submission.environ["AFS_MAX_COST"]) == (True, "0.5")
    assert any("queue" in text for text in heard)


@pytest.mark.usefixtures("server")
async def test_a_cancelled_call_cancels_its_job(queue: Queue) -> None:
    async with served(queue) as client, anyio.create_task_group() as tasks:

        async def ask() -> None:
            await client.call_tool("ask_expert", {"prompt": "hi", "expert": "waiter", "model": queue.script()})

        tasks.start_soon(ask)
        await soon(lambda: len(queue.states()) == 2)
        tasks.cancel_scope.cancel()
    assert await soon(lambda: queue.jobs()[1].state == "cancelled")
    queue.let_go("one")


@pytest.mark.usefixtures("server")
async def test_a_job_that_was_cancelled_with_the_server_is_found_by_the_id_that_was_told(queue: Queue) -> None:
    async with served(queue) as client:
        asked = await call(client, "ask_expert", prompt="hi", expert="waiter", model=queue.script(), wait=0)
        await soon(lambda: len(queue.states()) == 2)
    jobs = queue.jobs()
    async with served(queue) as client:
        result = await client.call_tool("run_status", {"run": asked["run"]})
    queue.let_go("one")
    assert result.is_error and jobs[1].id in str(result.content)


async def test_a_queue_that_goes_before_the_turn_came_leaves_the_run_to_the_server(
    queue: Queue, server: subprocess.Popen[bytes]
) -> None:
    async with served(queue) as client:
        asked = await call(client, "ask_expert", prompt="hi", expert="waiter", model=queue.script(), wait=0)
        await soon(lambda: len(queue.states()) == 2)
        server.send_signal(signal.SIGKILL)
        ended = await call(client, "run_status", run=asked["run"], wait=60)
    queue.let_go("one")
    assert (ended["state"], ended["answer"]) == ("ended", "done")
