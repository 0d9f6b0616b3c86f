"""A queue of a test: its own folders, real servers and workers, and jobs that are held until the test lets them go."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio

from runner.conduct import Request
from runner.queue.client import ask_queue, submit
from runner.queue.job import ENDED, Job, Priority, Submission
from runner.queue.place import Place, address
from runner.queue.store import Store
from runner.recorder import Recorder
from schemas.run import Run

PATIENCE = 60.0

HOLDING = """
import json, os, sys, time
from pathlib import Path

def say(identity, result):
    print(json.dumps({"jsonrpc": "2.0", "id": identity, "result": result}), flush=True)

def call(name):
    with open(name + ".calls", "a") as file:
        file.write(f"{os.getpid()}\\n")
    while not Path(name).exists():
        time.sleep(0.02)
    return {"content": [{"type": "text", "text": "let go"}]}

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}}
TOOL = {"name": "hold", "description": "Wait.", "inputSchema": SCHEMA, "annotations": {"readOnlyHint": True}}
for line in sys.stdin:
    message = json.loads(line)
    identity, method = message.get("id"), message.get("method")
    if method == "initialize":
        about = {"name": "holding", "version": "1"}
        version = message["params"]["protocolVersion"]
        say(identity, {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about})
    elif method == "tools/list":
        say(identity, {"tools": [TOOL]})
    elif method == "tools/call":
        say(identity, call(message["params"]["arguments"]["name"]))
    elif identity is not None:
        print(json.dumps({"jsonrpc": "2.0", "id": identity, "error": {"code": -32601, "message": "no"}}), flush=True)
"""

RUN = "import sys; from runner.queue import cli; getattr(cli, sys.argv.pop(1) + '_command')()"
JOIN = (
    "import sys; from runner.conduct import Request; from runner.queue.join import run_or_join; "
    "from servers.settings import Settings\n"
    "request = Request(prompt='hi', model=sys.argv[1], allow=('hold',))\n"
    "try: print(run_or_join(request, Settings.from_environment()).answer)\n"
    "except KeyboardInterrupt: sys.exit(130)\n"
)


def until(true: Callable[[], Any]) -> Any:
    """Wait until `true` gives something, and return it; what other processes do is announced by nothing."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.03)
    raise AssertionError(f"waited {PATIENCE} s in vain")


def processes_with(word: str) -> list[int]:
    """Return the ids of the processes whose command line holds `word`."""
    found: list[int] = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in place.read_bytes():
                found.append(int(place.parent.name))
        except OSError:
            continue
    return found


class Queue:
    """The folders of a queue, and what a test does with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = Place(folder / "data" / "queue")
        self.root = folder / "context"
        (folder / "holding.py").write_text(HOLDING, encoding="utf-8")
        holding = {"command": sys.executable, "args": [str(folder / "holding.py")]}
        (folder / "mcp.json").write_text(json.dumps({"mcpServers": {"holding": holding}}), encoding="utf-8")
        (folder / "bare.json").write_text(json.dumps({"mcpServers": {}}), encoding="utf-8")

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the processes."""
        own = {"AFS_DATA_DIR": str(self.folder / "data"), "AFS_CONTEXT_ROOT": str(self.root)}
        own |= {"XDG_CONFIG_HOME": str(self.folder / "config"), "OLLAMA_HOST": "127.0.0.1:9"}
        return {**os.environ, **own}

    @contextmanager
    def served(self, *options: str, calm: bool = True) -> Generator[subprocess.Popen[bytes]]:
        """Serve the queue until the block ends, whatever happens in it."""
        words = [sys.executable, "-c", RUN, "serve", *(("--max-load", "0", "--min-memory", "0") if calm else ())]
        server = subprocess.Popen([*words, *options], cwd=self.folder, env=self.environ, stderr=subprocess.PIPE)
        try:
            until(lambda: server.poll() is not None or self.answers())
            yield server
        finally:
            for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
                try:
                    server.send_signal(number)
                    server.wait(20)
                    break
                except subprocess.TimeoutExpired:
                    continue
            assert server.stderr is not None
            server.stderr.close()

    def answers(self) -> bool:
        """Tell whether a server listens."""

        async def knock() -> bool:
            try:
                with address(self.place) as name:
                    await (await anyio.connect_unix(name)).aclose()
            except OSError:
                return False
            return True

        return anyio.run(knock)

    def command(self, *words: str, code: str = RUN) -> subprocess.CompletedProcess[bytes]:
        """Run a command of the queue to its end."""
        return subprocess.run(
            [sys.executable, "-c", code, *words],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )

    def start(self, *words: str, code: str = JOIN) -> subprocess.Popen[bytes]:
        """Start a command of the queue."""
        return subprocess.Popen(
            [sys.executable, "-c", code, *words],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def script(self, *held: str) -> str:
        """Return a model that holds each of these names, one a step, and then answers with the last."""
        lines: list[dict[str, Any]] = [{"calls": [{"name": "hold", "arguments": {"name": name}}]} for name in held]
        path = self.folder / f"{secrets.token_hex(4)}.json"
        path.write_text(json.dumps([*lines, {"text": " ".join(["done", *held])}]), encoding="utf-8")
        return f"scripted:{path.name}"

    def submission(
        self, *held: str, priority: Priority = "interactive", deadline: float = 0.0, **more: Any
    ) -> Submission:
        """Return a submission that holds these names; with none it answers at once."""
        config = None if held else self.folder / "bare.json"
        request = Request(prompt="hi", model=self.script(*held), config=config, allow=("hold",))
        return Submission(
            id=secrets.token_hex(8),
            priority=priority,
            request=request.model_dump(mode="json"),
            cwd=str(self.folder),
            context_root=str(self.root),
            deadline=deadline,
            **more,
        )

    def submit(self, *held: str, priority: Priority = "interactive", deadline: float = 0.0) -> str:
        """Hand a job in that holds these names, and return its id."""
        return anyio.run(submit, self.place, self.submission(*held, priority=priority, deadline=deadline))

    def ask(self, **frame: Any) -> dict[str, Any]:
        """Ask the server."""
        return anyio.run(ask_queue, self.place, frame)

    def states(self) -> dict[str, str]:
        """Return the states of the open jobs, as the server tells them."""
        return {line["id"]: line["state"] for line in self.ask(op="list")["jobs"]}

    def jobs(self) -> list[Job]:
        """Return all jobs of the database."""
        store = Store(self.place.database)
        try:
            return store.jobs()
        finally:
            store.close()

    def job(self, name: str) -> Job:
        """Return a job of the database."""
        return next(job for job in self.jobs() if job.id == name)

    def ended(self, *names: str) -> list[Job]:
        """Wait until these jobs have ended, and return them."""
        until(lambda: all(self.job(name).state in ENDED for name in names))
        return [self.job(name) for name in names]

    def held(self, name: str) -> bool:
        """Tell whether a job holds the name, or did."""
        return (self.folder / f"{name}.calls").exists()

    def calls(self, name: str) -> int:
        """Return how often a name was held."""
        return len((self.folder / f"{name}.calls").read_text(encoding="utf-8").splitlines())

    def let_go(self, *names: str) -> None:
        """Let go what holds these names."""
        for name in names:
            (self.folder / name).touch()

    def run(self, name: str) -> Run:
        """Return the kept run of a job."""
        return Recorder(self.root).load(self.job(name).run)
