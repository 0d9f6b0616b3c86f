"""Eight servers that write the same notes, scratchpad and index, while one after another is killed.

    python -m benchmarks.many_processes --seconds 60

Each server is a process of its own on stdio and is called without a pause; each second a random one gets SIGKILL and
a new one takes its place. At the end all are killed at once, and a fresh server looks at what is there: whatever was
acknowledged has to be there, whole and once, and no temporary file may lie about.
"""

import json
import random
import sysconfig
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click

from benchmarks.bench_read import Line
from benchmarks.many_processes_checks import Deed, Found, Ledger, look, record, sheet
from benchmarks.ratio import Ratio

__all__ = ["BOUND", "Told", "main", "measure", "run"]

BOUND = 0.0
SECONDS = 60.0
_SERVERS = ("scratchpad", "context") * 4
_BUCKET = 4.0
"""Seconds after which the shared logs get another name, so that none meets the size limit."""
_HUNG = 60.0
_SHEET = 20_000


class Told(NamedTuple):
    """What a run did and what was found afterwards."""

    seconds: float
    kills: int
    hung: int
    refused: dict[str, int]
    """Errors that a living server answered, with how often; each is a change that was not made."""
    unfound: int
    """Searches for a note just acknowledged that did not show it."""
    found: Found

    @property
    def bad(self) -> int:
        """How much went wrong; 0 is right."""
        return self.hung + self.unfound + self.found.bad


class _Worker:
    """One server after another under one number, and the ledger of what each acknowledged."""

    def __init__(self, number: int, folder: Path, start: float, stop: threading.Event) -> None:
        self.number, self._folder, self._start, self._stop = number, folder, start, stop
        self.name = _SERVERS[number % len(_SERVERS)]
        self.ledger = Ledger([], [])
        self.refused: Counter[str] = Counter()
        self.unfound = 0
        self.line: Line | None = None
        self.asked = time.monotonic()
        self._count = 0
        steps = {"scratchpad": (self._append, self._append, self._state, self._own)}
        self._steps = steps.get(self.name) or (self._note, self._remember, self._find, self._across)

    def work(self) -> None:
        """Call the server until the end, with a new one whenever it was killed."""
        while not self._stop.is_set():
            try:
                self.asked = time.monotonic()
                with Line([script(self.name)], self._folder) as self.line:
                    while not self._stop.is_set():
                        self._steps[self._count % 4]()
                        self._count += 1
            except (RuntimeError, OSError, ValueError):  # it was killed
                self._count += 1
            finally:
                self.line = None

    def kill(self) -> bool:
        """Kill the server that is there; return whether there was one."""
        line = self.line
        if line is not None:
            line.kill()
        return line is not None

    def _ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        if self.line is None:
            raise RuntimeError("no server runs")
        self.asked = time.monotonic()
        result = self.line.result(tool, arguments)
        if result.get("isError"):
            self.refused[str(result["content"][0]["text"])[:200]] += 1
            return {}
        fields: dict[str, Any] = result["structuredContent"]
        return fields

    def _do(self, deed: Deed, tool: str, **arguments: Any) -> None:
        """Make a change; only what was acknowledged leaves the doubtful ones."""
        self.ledger.doubtful.append(deed)
        fields = self._ask(tool, **arguments)
        if fields:
            self.ledger.acked.append(deed._replace(path=str(fields.get("path", ""))))
            self.ledger.doubtful.pop()

    @property
    def _log(self) -> str:
        return f"log-{int((time.monotonic() - self._start) / _BUCKET):03d}.md"

    def _append(self) -> None:
        log, text = self._log, record(self.number, self._count)
        self._do(Deed("scratchpad", log, text), "append_scratchpad", filename=log, content=text)

    def _state(self) -> None:
        text = sheet(self.number, self._count, size=_SHEET)
        self._do(Deed("state", "state.md", text), "write_scratchpad", filename="state.md", content=text)

    def _own(self) -> None:
        name, text = f"own-{self.number}.md", sheet(self.number, self._count, size=_SHEET)
        self._do(Deed("own", name, text), "write_scratchpad", filename=name, content=text)

    def _note(self) -> None:
        text = record(self.number, self._count)
        self._do(Deed("note", "", text), "create_note", title=f"note of {self.number}", text=text)

    def _remember(self) -> None:
        log, text = self._log, record(self.number, self._count)
        self._do(Deed("memory", log, text), "write_context", path=f"memory/{log}", content=text, mode="append")

    def _across(self) -> None:
        log, text = self._log, record(self.number, self._count)
        self._do(Deed("scratchpad", log, text), "write_context", path=f"scratchpad/{log}", content=text, mode="append")

    def _find(self) -> None:
        last = next((deed for deed in reversed(self.ledger.acked) if deed.kind == "note"), None)
        if last is None:
            return
        fields = self._ask("search_context", query=last.word, limit=5)
        if fields and last.path not in [row["path"] for row in fields["matches"]]:
            self.unfound += 1


def script(name: str) -> str:
    """Return the path of a server's console script."""
    return str(Path(sysconfig.get_path("scripts"), f"afs-{name}"))


class _Killer(NamedTuple):
    workers: list[_Worker]
    every: float
    seconds: float
    least: int
    chance: random.Random

    def _over(self, past: float) -> bool:
        if past < self.seconds or past > 10 * self.seconds:
            return past >= self.seconds
        return sum(len(worker.ledger.acked) for worker in self.workers) >= self.least

    def kill(self, stop: threading.Event) -> tuple[int, int]:
        """Kill a random server each time, then all at once; return how many were killed and how many had hung."""
        start = time.monotonic()
        kills = hung = 0
        while not self._over(time.monotonic() - start) and not stop.wait(self.every):
            late = [worker for worker in self.workers if time.monotonic() - worker.asked > _HUNG]
            hung += len(late)
            for worker in late or [self.chance.choice(self.workers)]:
                kills += worker.kill()
        stop.set()
        return kills + sum(worker.kill() for worker in self.workers), hung


def run(folder: Path, *, seconds: float, every: float = 1.0, least: int = 0, seed: int = 1) -> Told:
    """Let eight servers write below `folder` for some seconds with a kill each `every` seconds; return what came of it.

    A slow machine goes on, ten times as long at most, until `least` changes were acknowledged.

    Raises FileNotFoundError where the console scripts are not installed.
    """
    (folder / "context" / ".afs").mkdir(parents=True)
    (folder / "context" / ".afs" / "layout.toml").write_text("version = 2\n", encoding="utf-8")
    start, stop = time.monotonic(), threading.Event()
    workers = [_Worker(number, folder, start, stop) for number in range(len(_SERVERS))]
    threads = [threading.Thread(target=worker.work, daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    kills, hung = _Killer(workers, every, seconds, least, random.Random(seed)).kill(stop)  # no secret
    for worker, thread in zip(workers, threads, strict=True):
        thread.join(_HUNG)
        hung += thread.is_alive()
        while thread.is_alive():  # it had begun a new server when all were killed
            worker.kill()
            thread.join(1.0)
    refused = Counter[str]()
    for worker in workers:
        refused.update(worker.refused)
    found = look(folder / "context", [worker.ledger for worker in workers], _fresh(folder))
    return Told(time.monotonic() - start, kills, hung, dict(refused), sum(worker.unfound for worker in workers), found)


def _fresh(folder: Path) -> Callable[[list[str]], dict[str, list[str]]]:
    """Return what starts fresh servers, which sweep, and searches for words: the paths found for each."""

    def searched(words: list[str]) -> dict[str, list[str]]:
        with Line([script("scratchpad")], folder) as pad, Line([script("context")], folder) as context:
            pad.call("list_scratchpad", {})
            answers = {word: context.result("search_context", {"query": word, "limit": 5}) for word in words}
        return {
            word: [row["path"] for row in answer["structuredContent"]["matches"]] for word, answer in answers.items()
        }

    return searched


def measure(*, seconds: float = SECONDS) -> list[Ratio]:
    """Run, and give what went wrong as the figure that has to be 0."""
    with tempfile.TemporaryDirectory() as place:
        told = run(Path(place), seconds=seconds)
    return [
        Ratio(
            name="lost, torn, hung or stray with eight servers killed each second",
            ours_ms=told.bad,
            plain_ms=told.found.acked,
            bound=BOUND,
            plain=f"changes acknowledged ({told.kills} kills, {sum(told.refused.values())} refused)",
        )
    ]


@click.command()
@click.option("--seconds", default=SECONDS, help="how long the servers write")
@click.option("--every", default=1.0, help="seconds between two kills")
@click.option("--seed", default=1, help="which ones are killed")
def main(*, seconds: float, every: float, seed: int) -> None:
    """Run in a temporary folder, print what came of it, and exit with 1 when anything is lost."""
    with tempfile.TemporaryDirectory() as place:
        told = run(Path(place), seconds=seconds, every=every, seed=seed)
    click.echo(json.dumps({**told._asdict(), "found": told.found._asdict()}, indent=1))
    if told.bad:
        raise click.exceptions.Exit(1)


if __name__ == "__main__":
    main()
