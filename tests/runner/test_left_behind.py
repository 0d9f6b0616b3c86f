"""Real runs that are interrupted, killed or run at once: nothing is lost, and no process is left."""

import json
import os
import select
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

BIN = Path(sysconfig.get_path("scripts"))
LIMIT = 60
HANGING = """
import signal, time
from mcp.server import MCPServer
signal.signal(signal.SIGTERM, signal.SIG_IGN)
server = MCPServer("hang", log_level="WARNING")
@server.tool()
def wait() -> str:
    'Wait.'
    time.sleep(120)
    return "x"
server.run()
"""
"""A server that hears neither the end of its input nor a polite signal while its tool runs."""
OURS = ("afs-workspace", "alttp", "asar", "context", "graph", "scratchpad")
LOOK = {"calls": [{"name": "alttp_lookup", "arguments": {"query": "$2100"}}]}
WAIT = {"calls": [{"name": "wait"}]}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


def prepared(tmp_path: Path, *ours: str) -> None:
    """Write an mcp.json with the hanging server and some of ours."""
    hang = tmp_path / "hang.py"
    hang.write_text(HANGING, encoding="utf-8")
    servers: dict[str, Any] = {"hang": {"command": sys.executable, "args": [str(hang)]}}
    for name in ours:
        command = name if name.startswith("afs-") else f"afs-{name}"
        servers[name] = {"command": command, "env": {"AFS_CONTEXT_ROOT": "${AFS_CONTEXT_ROOT}"}}
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")


def started(tmp_path: Path, *script: dict[str, Any], allow: str = "wait") -> subprocess.Popen[bytes]:
    """Start a run on a script; its servers have the folder of the test in their environment or command line."""
    path = tmp_path / f"script-{len(list(tmp_path.glob('script-*')))}.json"
    path.write_text(json.dumps(script), encoding="utf-8")
    env = {**os.environ, "AFS_CONTEXT_ROOT": str(tmp_path / "context"), "OLLAMA_HOST": "127.0.0.1:9"}
    words = [str(BIN / "afs-run"), "--unchecked", "--no-rate", "--allow", allow, "--context-budget", "0"]
    words += ["--tools", "*", "--model", f"scripted:{path}", "What is $2100?"]
    return subprocess.Popen(words, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finished(tmp_path: Path, *script: dict[str, Any], allow: str = "wait") -> str:
    with started(tmp_path, *script, allow=allow) as running:
        out, shown = running.communicate(timeout=LIMIT)
        assert running.returncode == 0, shown.decode()
    return out.decode()


def until(running: subprocess.Popen[bytes], line: bytes) -> None:
    assert running.stderr is not None
    assert any(line in shown for shown in running.stderr), f"the run never said {line!r}"


def belonging(tmp_path: Path) -> list[int]:
    """Return the processes that have the folder in their command line or environment."""
    found: list[int] = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            said = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
        except OSError:
            continue
        if str(tmp_path).encode() in said and int(place.name) != os.getpid():
            found.append(int(place.name))
    return found


def all_end(tmp_path: Path) -> bool:
    """Wait for the processes that belong to the folder; False where one goes on for ten seconds."""
    for pid in belonging(tmp_path):
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        ended, _, _ = select.select([handle], [], [], 10)
        os.close(handle)
        if not ended:
            os.kill(pid, signal.SIGKILL)
            return False
    return not belonging(tmp_path)


def runs(tmp_path: Path) -> list[dict[str, Any]]:
    kept = sorted((tmp_path / "context" / "history" / "runs").glob("*.json"))
    return [json.loads(path.read_bytes()) for path in kept]


def test_a_killed_run_leaves_none_of_its_servers_running(tmp_path: Path) -> None:
    prepared(tmp_path, *OURS)
    with started(tmp_path, LOOK, WAIT) as running:
        until(running, b"call  wait()")
        assert len(belonging(tmp_path)) >= len(OURS) + 2
        running.kill()
        assert running.wait(LIMIT) == -signal.SIGKILL
    assert all_end(tmp_path)


@pytest.mark.parametrize("moment", [b"prompt  ", b"tools  ", b"call  alttp_lookup", b"result  ", b"call  wait()"])
def test_an_interrupt_at_any_moment_of_a_run_with_kept_lists_leaves_no_process(moment: bytes, tmp_path: Path) -> None:
    prepared(tmp_path, "alttp")
    finished(tmp_path, {"text": "Nothing was asked."})
    with started(tmp_path, LOOK, WAIT) as running:
        until(running, moment)
        running.send_signal(signal.SIGINT)
        assert running.wait(LIMIT) == 130
    assert all_end(tmp_path)
    assert [run["stop"] for run in runs(tmp_path)] == ["answer", "interrupted"]


def test_two_runs_at_once_share_a_context_root_and_the_kept_lists(tmp_path: Path) -> None:
    prepared(tmp_path, "alttp", "scratchpad")
    for _ in range(2):  # at first without lists, then with them
        both = [started(tmp_path, LOOK, {"text": f"$2100 is INIDISP, says run {number}."}) for number in range(2)]
        for number, running in enumerate(both):
            with running:
                out, shown = running.communicate(timeout=LIMIT)
            assert running.returncode == 0, shown.decode()
            assert out.decode().startswith(f"$2100 is INIDISP, says run {number}.")
    kept = runs(tmp_path)
    assert [run["steps"][0]["calls"][0]["ok"] for run in kept] == [True] * 4
    unstarted = [sum(state["detail"].startswith("not started") for state in run["servers"]) for run in kept]
    assert sorted(unstarted) == [0, 0, 2, 2]
    assert all_end(tmp_path)
