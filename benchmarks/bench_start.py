"""From the start of `afs-run` to its first request to a model, against a bare loop that starts the same servers.

The bare loop keeps nothing, so `afs-run` has no kept tool lists there; with them, all servers are held against one.
"""

import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.ratio import Pair, Ratio, ratio_of
from runner.models.claude_double import ClaudeDouble
from runner.models.http_double import Answer, Received, ScriptedReply
from runner.models.ollama_double import OllamaDouble
from runner.models.ollama_wire import ScriptedReply as OllamaReply
from runner.models.openai_double import OpenAIDouble

__all__ = ["BOUND_ALL", "BOUND_KEPT", "BOUND_ONE", "MEMORY", "measure", "memory"]

BOUND_ONE = 1.15
BOUND_ALL = 1.10
BOUND_KEPT = 1.50
"""All servers with kept tool lists, against one that is started."""
VERSION_MS = 150.0
MEMORY = {"openai:m": 110.0, "ollama:m": 110.0, "claude:m": 150.0}
"""Model -> most MB of the runner with it."""
ROUNDS = 7
ONE = ("alttp",)
ALL = ("afs-workspace", "alttp", "asar", "context", "graph", "scratchpad")
BARE = """\
import sys

import anyio
import httpx
from mcp import Client
from mcp.client.stdio import StdioServerParameters

URL, FOLDER, *COMMANDS = sys.argv[1:]


async def live(command, found, *, task_status):
    async with Client(StdioServerParameters(command=command, cwd=FOLDER)) as client:
        found += (await client.list_tools()).tools
        task_status.started()
        await anyio.sleep_forever()


async def main():
    found = []
    async with anyio.create_task_group() as servers:
        async with anyio.create_task_group() as starting:
            for command in COMMANDS:
                starting.start_soon(servers.start, live, command, found)
        offered = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.input_schema},
            }
            for tool in found
        ]
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "tools": offered, "stream": True}
        async with httpx.AsyncClient() as http:
            (await http.post(f"{URL}/chat/completions", json=body)).raise_for_status()
        servers.cancel_scope.cancel()


anyio.run(main)
"""
"""The smallest loop that starts servers at the same time, lists their tools and asks a model once."""


class _Timed(OpenAIDouble):
    """Notes when a chat is asked for."""

    asked = 0.0

    def answer(self, request: Received) -> Answer:
        if request.method == "POST":
            self.asked = time.perf_counter()
        return super().answer(request)


def _to_request(double: _Timed, command: list[str], folder: Path, *, lists: Path | None = None) -> float:
    """Return the milliseconds from the start of a program to its request; without `lists` none is kept."""
    double.script([ScriptedReply(text="done")])
    with tempfile.TemporaryDirectory() as empty:
        places = {"AFS_CONTEXT_ROOT": str(folder / "context"), "AFS_TOOL_LISTS_DIR": str(lists or empty)}
        env = {**os.environ, "OPENAI_BASE_URL": double.url, **places}
        start = time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.decode('utf-8', 'replace')[-500:]}")
    return (double.asked - start) * 1000


def _ours(servers: tuple[str, ...], model: str = "openai:m") -> list[str]:
    script = str(Path(sysconfig.get_path("scripts"), "afs-run"))
    words = ["-q", "--model", model, "--context-budget", "0", "--servers", ",".join(servers), "hi"]
    return [script, *words]


def _bare(double: _Timed, folder: Path, servers: tuple[str, ...]) -> list[str]:
    scripts = Path(sysconfig.get_path("scripts"))
    names = [name if name.startswith("afs-") else f"afs-{name}" for name in servers]
    return [
        sys.executable,
        str(folder / "bare.py"),
        f"{double.url}/v1",
        str(folder),
        *(str(scripts / name) for name in names),
    ]


def _pair(rounds: int, first: Callable[[], float], second: Callable[[], float]) -> Pair:
    """Measure two programs in turns; what they take the first time does not count."""
    times = [(first(), second()) for _ in range(rounds + 1)][1:]
    return Pair([one for one, _ in times], [other for _, other in times])


def _version(rounds: int) -> list[float]:
    script = str(Path(sysconfig.get_path("scripts"), "afs-run"))
    times: list[float] = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        subprocess.run([script, "--version"], capture_output=True, check=True)
        times.append((time.perf_counter() - start) * 1000)
    return times[1:]


@contextmanager
def _provider(name: str) -> Generator[dict[str, str]]:
    """Serve the model `m` of a provider, that answers once; gives the variables that name it."""
    if name == "ollama":
        with OllamaDouble({"m": ("completion", "tools")}) as daemon:
            daemon.script([OllamaReply(content="done")])
            yield {"OLLAMA_HOST": daemon.url}
    elif name == "claude":
        with ClaudeDouble() as service:
            service.script([ScriptedReply(text="done")])
            yield {"ANTHROPIC_BASE_URL": service.url, "ANTHROPIC_API_KEY": service.key}
    else:
        with OpenAIDouble() as server:
            server.script([ScriptedReply(text="done")])
            yield {"OPENAI_BASE_URL": server.url}


def memory(model: str) -> float:
    """Return the MB of `afs-run` at its largest, with one server and a double of the model's provider (Linux)."""
    with tempfile.TemporaryDirectory() as place, _provider(model.partition(":")[0]) as where:
        code = (
            "import resource, sys\nfrom runner.cli import run_main\nsys.argv = sys.argv[1:]\n"
            "try:\n    run_main()\nfinally:\n"
            "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
        )
        folders = {"AFS_CONTEXT_ROOT": str(Path(place, "context")), "AFS_TOOL_LISTS_DIR": str(Path(place, "lists"))}
        env = {**os.environ, **folders, **where}
        words = [sys.executable, "-c", code, *_ours(ONE, model)]
        done = subprocess.run(words, cwd=place, env=env, capture_output=True, check=True)
        return int(done.stderr.split()[-1]) / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def measure(*, rounds: int = ROUNDS) -> list[Ratio]:
    """Start both in turns, with one server and with all; takes about two minutes on an idle machine."""
    with tempfile.TemporaryDirectory() as place, _Timed() as double:
        folder = Path(place)
        folder.joinpath("bare.py").write_text(BARE, encoding="utf-8")

        def ours(servers: tuple[str, ...], lists: Path | None = None) -> Callable[[], float]:
            return lambda: _to_request(double, _ours(servers), folder, lists=lists)

        def bare(servers: tuple[str, ...]) -> Callable[[], float]:
            return lambda: _to_request(double, _bare(double, folder, servers), folder)

        one = ratio_of("start, one server", _pair(rounds, ours(ONE), bare(ONE)), bound=BOUND_ONE, plain="bare loop")
        every = ratio_of("start, all servers", _pair(rounds, ours(ALL), bare(ALL)), bound=BOUND_ALL, plain="bare loop")
        known = _pair(rounds, ours(ALL, folder / "lists"), ours(ONE))
        kept = ratio_of("start, all servers, lists kept", known, bound=BOUND_KEPT, plain="afs-run, one server")
    version = _version(rounds)
    start = Pair(version, [VERSION_MS] * len(version))
    told = f"{VERSION_MS:g} ms; median of {len(version)}, sd {statistics.pstdev(version):.0f}"
    used = [
        Ratio(
            name=f"memory, {model.partition(':')[0]} (MB)",
            ours_ms=memory(model),
            plain_ms=most,
            bound=1.0,
            plain=f"{most:g} MB",
        )
        for model, most in MEMORY.items()
    ]
    return [one, every, kept, ratio_of("afs-run --version", start, bound=1.0, plain=told), *used]
