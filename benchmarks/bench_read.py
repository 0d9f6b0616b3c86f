"""How long reading a file of 4 KB takes through the protocol, against the echo call of a bare `MCPServer`."""

import contextlib
import json
import os
import random
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.bench_servers import BARE
from benchmarks.ratio import Pair, Ratio, ratio_of

__all__ = ["BOUND", "Line", "measure"]

BOUND = 1.2
ROUNDS = 400
SIZE = 4_096
_START = "import sys\nfrom bare import main\nif __name__ == '__main__':\n    sys.exit(main())\n"


class Line:
    """A server over its pipes, called one request after another by plain JSON; a context manager."""

    def __init__(self, command: list[str], folder: Path) -> None:
        """Start the server in `folder`, with its context and data there too, and shake hands."""
        env = {**os.environ, "AFS_CONTEXT_ROOT": str(folder / "context"), "AFS_DATA_DIR": str(folder / "data")}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder, env=env
        )
        self._number = 0
        told = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        try:
            self._ask("initialize", told)
            self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        except (RuntimeError, OSError, ValueError):
            self.__exit__()
            raise

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        with contextlib.suppress(BrokenPipeError), self._process:  # what it has not read is lost with it
            pass

    def kill(self) -> None:
        """Kill the server, at whatever it is; a call that waits for it raises."""
        self._process.kill()

    def _send(self, message: dict[str, Any]) -> None:
        if self._process.stdin is None:
            raise RuntimeError("the server has no pipes")
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def _ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        self._send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        for line in self._process.stdout or ():
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") == self._number:
                return answer
        raise RuntimeError("the server ended before it answered; run it by hand to see why")

    def result(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool and return its result, one that says `isError` too.

        Raises:
            RuntimeError: the server ended.
            OSError: it ended before it was asked.
            ValueError: it ended within its answer.
        """
        answer = self._ask("tools/call", {"name": tool, "arguments": arguments})
        found: dict[str, Any] = answer.get("result") or {"isError": True, "content": [{"text": str(answer)[:300]}]}
        return found

    def call(self, tool: str, arguments: dict[str, Any]) -> float:
        """Call a tool and return the milliseconds until its answer was there.

        Raises:
            RuntimeError: the tool failed, or the server ended.
        """
        start = time.perf_counter()
        answer = self._ask("tools/call", {"name": tool, "arguments": arguments})
        taken = (time.perf_counter() - start) * 1000
        if "result" not in answer or answer["result"].get("isError"):
            raise RuntimeError(f"{tool} failed: {str(answer)[:300]}")
        return taken


def _script(name: str) -> str:
    return str(Path(sysconfig.get_path("scripts"), name))


def measure(*, rounds: int = ROUNDS) -> list[Ratio]:
    """Call the three servers in turns; takes about a second for each hundred rounds."""
    text = ("; sprite X position, low byte\n    LDA $0D10,X\n" * 100)[:SIZE]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "bare.py").write_text(BARE, encoding="utf-8")
        (folder / "start.py").write_text(_START, encoding="utf-8")
        (folder / "context" / "memory").mkdir(parents=True)
        for name in ("a.asm", "context/memory/a.asm"):
            (folder / name).write_text(text, encoding="utf-8")
        with (
            Line([sys.executable, str(folder / "start.py")], folder) as bare,
            Line([_script("afs-workspace"), str(folder)], folder) as workspace,
            Line([_script("afs-context")], folder) as context,
        ):
            calls: dict[str, Callable[[], float]] = {
                "echo": lambda: bare.call("echo", {"text": text}),
                "read_file 4 KB": lambda: workspace.call("read_file", {"path": "a.asm"}),
                "read_context 4 KB": lambda: context.call("read_context", {"path": "memory/a.asm"}),
            }
            order = random.Random(1)  # no secret
            times: dict[str, list[float]] = {name: [] for name in calls}
            for number in range(rounds + 20):
                for name, call in order.sample(list(calls.items()), len(calls)):  # who comes after whom matters
                    taken = call()
                    if number >= 20:
                        times[name].append(taken)
    echo = times.pop("echo")
    return [ratio_of(name, Pair(ours, echo), bound=BOUND, plain="echo of 4 KB") for name, ours in times.items()]
