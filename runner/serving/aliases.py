"""The ids by which runs were told before they began, and what became of them: a line each, in a file beside the runs.

A run has its id when it begins; one that waits for its turn, or runs a second time elsewhere, was told by another.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from runner.errors import ConfigError, KeepError
from runner.queue.place import Place as QueuePlace
from runner.queue.store import Store
from runner.recorder import Recorder
from schemas.run import Run
from servers.machine.errors import ServerError
from servers.machine.store import append_line
from servers.machine.wire import clean

__all__ = ["Aliases"]

_LINE_LIMIT = 1_000
_LEAST = 4
"""Characters of the end of an id that name it."""


class _Alias(NamedTuple):
    asked: str
    run: str
    job: str


class Aliases:
    """The file of ids, and the runs that they stand for."""

    def __init__(self, recorder: Recorder, queue: QueuePlace) -> None:
        self._recorder = recorder
        self._queue = queue
        self._file: Path = recorder.folder / "asked.jsonl"

    def keep(self, asked: str, *, run: str = "", job: str = "") -> None:
        """Keep which run, or which job of the queue, was told by the id `asked`.

        Raises:
            KeepError: it could not be written.
        """
        try:
            append_line(self._file, json.dumps({"asked": asked, "run": run, "job": job}).encode("ascii"))
        except ServerError as error:
            raise KeepError(f"the id of the run could not be kept: {error}") from error

    def load(self, name: str) -> Run:
        """Return the kept run of an id, of the end of one, of an id that a run was told by, or the `last`.

        Raises:
            ConfigError: there is none; of one that still waits in the queue, that it does.
        """
        alias = None if name == "last" else self._find(name)
        try:
            return self._recorder.load(self._run_of(alias) if alias else name)
        except ConfigError:
            if alias is None or not alias.job:
                raise
            job = clean(alias.job)
            raise ConfigError(
                f"{name} has no kept run; it is job {job} of the queue, see afs agent queue --all"
            ) from None

    def _find(self, name: str) -> _Alias | None:
        found: dict[str, _Alias] = {}
        try:
            with self._file.open("rb") as file:
                while line := file.readline(_LINE_LIMIT):
                    alias = _read(line)
                    if alias and (alias.asked == name or (len(name) >= _LEAST and alias.asked.endswith(name))):
                        found[alias.asked] = alias
        except OSError:
            return None
        return next(iter(found.values())) if len(found) == 1 else None

    def _run_of(self, alias: _Alias) -> str:
        if not alias.job:
            return alias.run
        if not self._queue.database.exists():
            return ""
        store = Store(self._queue.database)
        try:
            job = store.job(alias.job)
        finally:
            store.close()
        return job.run or job.resume


def _read(line: bytes) -> _Alias | None:
    try:
        told: Any = json.loads(line)
        return _Alias(str(told["asked"]), str(told["run"]), str(told["job"]))
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
