"""A server's child that went into the background, out of its group and session, ends with the run that caused it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runner.queued import Queue, until
from tests.runner.test_left_behind import all_end, belonging, finished, started
from tests.runner.test_left_behind import until as said

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives strays a new parent")

DAEMON = """
import os, signal, sys, time
from mcp.server import MCPServer

def stray(ignoring):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (0, 1, 2):
                os.close(number)
            if ignoring:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
            open(f"stray-{os.getpid()}", "w").close()
            time.sleep(300)
        os._exit(0)
    os.wait()

server = MCPServer("daemon", log_level="WARNING")
@server.tool()
def leave() -> str:
    'Leave two children behind.'
    stray(False)
    stray(True)
    return "left"
@server.tool()
def wait() -> str:
    'Wait.'
    time.sleep(120)
    return "x"
server.run()
"""
"""A server whose tool forks twice, so that the grandchild is in no group of the server's."""
LEAVE = {"calls": [{"name": "leave"}]}
WAIT = {"calls": [{"name": "wait"}]}
AGENT = """
import anyio, subprocess, sys
from runner.agent import Agent
from runner.asking import Policy
from runner.config import ServerSpec
from runner.models.scripted import ScriptedModel, calls, text
from schemas.expert import Expert

async def main():
    own = subprocess.Popen(["sleep", "300"])
    spec = ServerSpec(name="daemon", command=sys.executable, args=("daemon.py",))
    expert = Expert(name="asker", summary="asks", instructions="Ask.")
    model = ScriptedModel([calls(("leave", {})), text("left")])
    agent = Agent(expert, servers=[spec], model=model, policy=Policy(allow=("*",)), own_process=sys.argv[1] == "own")
    async with agent:
        await agent.run("leave")
    assert own.poll() is None
    own.kill()
    own.wait()

anyio.run(main)
"""


def prepared(folder: Path) -> None:
    (folder / "daemon.py").write_text(DAEMON, encoding="utf-8")
    server = {"command": sys.executable, "args": [str(folder / "daemon.py")]}
    (folder / "mcp.json").write_text(json.dumps({"mcpServers": {"daemon": server}}), encoding="utf-8")


def strays(folder: Path) -> list[int]:
    """The process ids of what was left behind, whether it lives or not."""
    return [int(path.name.removeprefix("stray-")) for path in folder.glob("stray-*")]


def living(folder: Path) -> list[int]:
    return [pid for pid in strays(folder) if Path(f"/proc/{pid}").exists()]


def test_what_a_server_left_in_the_background_ends_with_the_run(tmp_path: Path) -> None:
    prepared(tmp_path)
    assert "done" in finished(tmp_path, LEAVE, {"text": "done"}, allow="wait,leave")
    assert len(strays(tmp_path)) == 2
    assert living(tmp_path) == [] and all_end(tmp_path)


def test_what_a_server_left_in_the_background_ends_with_an_interrupted_run(tmp_path: Path) -> None:
    prepared(tmp_path)
    with started(tmp_path, LEAVE, WAIT, allow="wait,leave") as running:
        said(running, b"call  wait()")
        running.terminate()
        assert running.wait(60) == 130
    assert len(strays(tmp_path)) == 2
    assert living(tmp_path) == [] and belonging(tmp_path) == []


@pytest.mark.parametrize("mode", ["own", "guest"])
def test_an_agent_ends_strays_only_where_the_process_is_its_own(tmp_path: Path, mode: str) -> None:
    prepared(tmp_path)
    env = {**os.environ, "AFS_CONTEXT_ROOT": str(tmp_path / "context")}
    words = [sys.executable, "-c", AGENT, mode]
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, timeout=60, check=False)
    left = living(tmp_path)
    for pid in left:
        os.kill(pid, 9)
    assert done.returncode == 0, done.stderr.decode()
    assert len(strays(tmp_path)) == 2 and len(left) == (0 if mode == "own" else 2)


def test_what_a_server_left_in_the_background_of_a_queued_run_ends_with_it(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    prepared(tmp_path)
    (tmp_path / "leave.json").write_text(json.dumps([LEAVE, {"text": "done"}]), encoding="utf-8")
    submission = queue.submission()
    request = {**submission.request, "model": "scripted:leave.json", "config": None, "allow": ["leave"]}
    with queue.served():
        queue.ask(op="submit", submission=submission.model_copy(update={"request": request}).model_dump(mode="json"))
        until(lambda: [job.state for job in queue.jobs()] == ["done"])
        until(lambda: not living(tmp_path))
    assert len(strays(tmp_path)) == 2
