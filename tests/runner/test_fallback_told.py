"""A second model is told wherever a run is followed: in the queue, and by the server of experts."""

import json
from collections.abc import Generator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from runner.models import ollama_wire
from runner.server import build
from runner.serving.place import CONFIG
from servers.settings import Settings
from tests.runner.placed import EASY, GEMINI, RIGHT, VERAN, Place, machine

SECOND = f"gemini:{GEMINI} is asked in place of ollama:{VERAN}"


@pytest.fixture
def place(tmp_path: Path) -> Generator[Place]:
    with machine(tmp_path) as made:
        yield made


@pytest.mark.anyio
async def test_the_server_of_experts_goes_the_same_way(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"mcpServers": {"alttp": {"command": "afs-alttp"}}}
    (place.folder / "mcp.json").write_text(json.dumps(config), encoding="utf-8")
    for name, value in {**place.environ, CONFIG: str(place.folder / "mcp.json")}.items():
        monkeypatch.setenv(name, value)
    place.ollama.script([ollama_wire.ScriptedReply(status=500, problem="out of memory") for _ in range(9)])
    place.above(RIGHT, RIGHT, RIGHT)
    async with Client(build(Settings.from_environment())) as client:
        routed: Any = (await client.call_tool("route_prompt", {"prompt": EASY})).structured_content
        assert (routed["expert"], routed["where"], routed["model"]) == ("veran", "local", f"ollama:{VERAN}")
        asked: Any = (await client.call_tool("ask_expert", {"prompt": EASY, "wait": 60})).structured_content
    assert (asked["model"], asked["stop"]) == (f"gemini:{GEMINI}", "answer"), asked
    kept = place.kept(asked["run"])
    assert kept["metadata"]["fallback"] is True and place.kept(kept["metadata"]["first"])["stop"] == "model_error"


def test_a_run_in_the_queue_tells_of_its_second_model_as_loudly(place: Place) -> None:
    place.ollama.script([ollama_wire.ScriptedReply(status=500, problem="out of memory") for _ in range(9)])
    place.above(RIGHT, RIGHT)
    told = ("--servers", "alttp", "--context-budget", "0", "--unchecked", "--quiet", EASY)
    with place.queue_served():
        done = place.afs(*told)
        jobs = place.afs("agent", "queue", "--all", command="afs").stdout.decode()
    assert (done.returncode, done.stdout.decode().strip(), EASY in jobs) == (0, RIGHT, True)
    (line,) = done.stderr.decode().splitlines()
    assert SECOND in line and "out of memory" in line


@pytest.mark.anyio
@pytest.mark.parametrize("queued", [False, True])
async def test_the_server_of_experts_tells_of_a_second_model(
    place: Place, monkeypatch: pytest.MonkeyPatch, *, queued: bool
) -> None:
    config = {"mcpServers": {"alttp": {"command": "afs-alttp"}}}
    (place.folder / "mcp.json").write_text(json.dumps(config), encoding="utf-8")
    for name, value in {**place.environ, CONFIG: str(place.folder / "mcp.json")}.items():
        monkeypatch.setenv(name, value)
    place.ollama.script([ollama_wire.ScriptedReply(status=500, problem="out of memory") for _ in range(9)])
    place.above(RIGHT, RIGHT, RIGHT)
    heard: list[str] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(f"{progress} {total} {message}")

    with place.queue_served() if queued else nullcontext():
        async with Client(build(Settings.from_environment())) as client:
            asked = {"prompt": EASY, "wait": 60}
            told: Any = (await client.call_tool("ask_expert", asked, progress_callback=hear)).structured_content
    assert (told["model"], told["stop"]) == (f"gemini:{GEMINI}", "answer"), told
    assert [text for text in heard if SECOND in text]
