"""One run of one runner in a folder of its own, watched from outside and always brought to an end."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.peers.peer_model import PeerModel
from benchmarks.peers.runners import HERE, Place, Runner
from benchmarks.peers.scenarios import STEPS, Event, Scenario, Trial

__all__ = ["TIMEOUT", "attempt"]

TIMEOUT = 120.0
"""Seconds that a run may take, on a busy machine too; then it is killed."""


def attempt(runner: Runner, scenario: Scenario, *, python: Path, timeout: float = TIMEOUT) -> Trial:
    """Run a runner, whose environment has this `python`, through a scenario."""
    with tempfile.TemporaryDirectory(prefix="peers-") as name, PeerModel(scenario.replies) as model:
        folder, log = Path(name, "home"), Path(name, "server.jsonl")
        folder.mkdir()
        server = (sys.executable, "-P", str(HERE / "echo_server.py"), str(log))
        started = runner.start(Place(python, folder, model.api_url, STEPS, server))
        for file, text in started.files.items():
            folder.joinpath(file).write_text(text, encoding="utf-8")
        path = f"{python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        env = {"PATH": path, "HOME": str(folder), "TERM": "dumb", "NO_COLOR": "1", **started.env}
        out, err = Path(name, "out"), Path(name, "err")
        with out.open("wb") as said, err.open("wb") as told:
            begun = time.perf_counter()
            process = subprocess.Popen(
                started.command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=told
            )
            model.process = process.pid
            exit_code = _end(process, timeout)
        events = _events(log)
        return Trial(
            exit_code=exit_code,
            said=_text(out),
            problem=(_text(err).strip().splitlines() or [""])[-1][:300],
            requests=tuple(model.chats),
            log=events,
            left=sum(map(_end_left, {event.process for event in events})),
            cold_ms=(model.asked[0] - begun) * 1000 if model.asked else 0.0,
            gaps_ms=model.gaps_ms(),
            memory_mb=model.used.memory_mb,
            cpu_ms=model.used.cpu_ms,
        )


def _end(process: "subprocess.Popen[bytes]", timeout: float) -> int | None:
    """Wait for the end; None where it had to be killed."""
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        process.kill()
        process.wait()


def _end_left(process: int) -> bool:
    """End a server that its runner left behind; whether it was still there."""
    with contextlib.suppress(OSError):
        os.kill(process, signal.SIGKILL)
        return True
    return False


def _text(path: Path) -> str:
    return path.read_bytes()[-1_000_000:].decode("utf-8", "replace")


def _events(log: Path) -> tuple[Event, ...]:
    if not log.exists():
        return ()
    return tuple(Event(**json.loads(line)) for line in log.read_text(encoding="utf-8").splitlines())
