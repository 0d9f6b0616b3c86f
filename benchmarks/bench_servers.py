"""How long a server takes from its spawn to tools/list, against a bare `MCPServer` with one tool."""

import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from benchmarks.ratio import Pair, Ratio, ratio_of

__all__ = ["BARE", "BOUND", "measure", "spawn_to_tools"]

BOUND = 1.10
ROUNDS = 11
BARE = """\
from mcp.server import MCPServer

server = MCPServer("bare")


@server.tool()
def echo(text: str) -> str:
    return text


def main() -> None:
    server.run()
"""
"""The smallest server that the SDK allows, as the module of a console script."""
_START = "import sys\nfrom bare import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
_REQUESTS = (
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        },
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
)


def spawn_to_tools(command: list[str], folder: Path) -> float:
    """Start a server in `folder`, ask for its tools and end it; return the milliseconds until they were there.

    Raises:
        RuntimeError: the server ended before it answered.
    """
    env = {**os.environ, "AFS_CONTEXT_ROOT": str(folder / "context"), "AFS_DATA_DIR": str(folder / "data")}
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder, env=env
    ) as server:
        if server.stdin is None or server.stdout is None:
            raise RuntimeError("the server has no pipes")
        server.stdin.write(b"".join(json.dumps(request).encode() + b"\n" for request in _REQUESTS))
        server.stdin.flush()
        for line in server.stdout:
            if json.loads(line).get("id") == 2:
                taken = (time.perf_counter() - start) * 1000
                break
        else:
            raise RuntimeError(f"{command[0]} ended before it answered; run it by hand to see why")
        server.stdin.close()
        server.kill()
    return taken


def _servers() -> list[str]:
    points = importlib.metadata.entry_points(group="console_scripts")
    return sorted(point.name for point in points if point.module.startswith("servers."))


def measure(*, rounds: int = ROUNDS) -> list[Ratio]:
    """Spawn the bare server and each of ours in turns; takes about half a second for each spawn."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.joinpath("bare.py").write_text(BARE, encoding="utf-8")
        folder.joinpath("start.py").write_text(_START, encoding="utf-8")
        commands = {name: [str(Path(sysconfig.get_path("scripts"), name))] for name in _servers()}
        commands["bare"] = [sys.executable, str(folder / "start.py")]
        times: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(rounds + 1):
            for name, command in commands.items():
                taken = spawn_to_tools(command, folder)
                if number:
                    times[name].append(taken)
    bare = times.pop("bare")
    told = f"bare MCPServer (spread {min(bare):.0f}..{max(bare):.0f} ms, sd {statistics.pstdev(bare):.0f})"
    return [ratio_of(f"spawn {name}", Pair(ours, bare), bound=BOUND, plain=told) for name, ours in times.items()]
