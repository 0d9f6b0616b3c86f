"""Keeps runs: one JSON file each, written whole or not at all; the one writer of `history/`."""

import contextlib
import json
import os
import re
import secrets
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from runner.errors import ConfigError, KeepError
from runner.journal import SUFFIX, Journal, restored
from schemas.run import Run
from servers.machine.errors import ServerError
from servers.machine.store import write_atomic

__all__ = ["Recorder", "RunLine", "new_run_id", "run_json"]

_RUN_ID = re.compile(r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$")


def new_run_id() -> str:
    """Return a new id: UTC time to the millisecond, and 20 random bits, in the order of time."""
    seconds, rest = divmod(time.time_ns(), 1_000_000_000)
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(seconds))}-{rest // 1_000_000:03x}{secrets.token_hex(3)[1:]}"


def run_json(run: Run) -> str:
    """Return a run as JSON in ASCII: what a model or a tool said may hold lone surrogates, which UTF-8 cannot."""
    return json.dumps(run.model_dump(mode="json"), indent=1)


class RunLine(NamedTuple):
    """One kept run, for a list."""

    id: str
    stop: str
    model: str
    prompt: str


class Recorder:
    """Keeps and finds runs under a context root's history."""

    def __init__(self, context_root: Path) -> None:
        layout = context_root / ".afs" / "layout.toml"
        history = context_root / "history"
        self.folder = (history / "common" if layout.is_file() else history) / "runs"
        """Where the runs lie: `history/common/runs` in a version 2 layout, else `history/runs`."""

    def keep(self, run: Run) -> Path:
        """Write `run`, replacing an earlier state of it; return its file.

        Raises:
            KeepError: the context root cannot be written; the text names the file in the temporary folder that
                holds the run instead, or says that not even that was possible.
        """
        path = self._path(run.id)
        data = run_json(run).encode("ascii")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomic(path, data)
        except (OSError, ServerError) as error:
            raise KeepError(f"the run could not be kept in {path.parent}: {error}{_rescue(run, data)}") from error
        return path

    def journal(self, run: Run) -> Journal:
        """Begin the journal of a run that has not taken a step yet."""
        return Journal(self._journal(run.id), run)

    def check(self) -> None:
        """Find out before any work whether runs can be kept.

        Raises:
            KeepError: they cannot; nothing was lost, since nothing was done.
        """
        probe = self.folder / f".probe-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            probe.write_bytes(b"x" * 4096)
        except OSError as error:
            raise KeepError(
                f"runs cannot be kept in {self.folder}: {error.strerror}; "
                "choose another context root with --context-root or AFS_CONTEXT_ROOT"
            ) from error
        finally:
            with contextlib.suppress(OSError):
                probe.unlink(missing_ok=True)

    def load(self, name: str) -> Run:
        """Return the run with this id, or the newest for `last`.

        Raises:
            ConfigError: there is no such run, or its file is damaged.
        """
        known = self.ids()
        if name == "last":
            if not known:
                raise ConfigError(f"no run is kept in {self.folder} yet; run `afs-run PROMPT` first")
            name = known[-1]
        matches = [run_id for run_id in known if run_id == name or (len(name) >= 4 and run_id.endswith(name))]
        if len(matches) != 1:
            raise ConfigError(f"no run {name!r} in {self.folder}; `afs agent runs` lists them")
        path = self._path(matches[0])
        if not path.exists():
            return restored(self._journal(matches[0]))
        try:
            return Run.model_validate(json.loads(path.read_bytes()))
        except (OSError, ValueError) as error:
            raise ConfigError(f"the run in {path} cannot be read: {error}") from error

    def ids(self) -> list[str]:
        """Return the ids of all kept runs, oldest first."""
        try:
            names = [path.name for path in self.folder.iterdir()]
        except OSError:
            return []
        stems = {name.removesuffix(end) for end in (".json", SUFFIX) for name in names if name.endswith(end)}
        return sorted(stem for stem in stems if _RUN_ID.match(stem))

    def lines(self, limit: int) -> list[RunLine]:
        """Return the newest `limit` runs, newest first; damaged files are left out."""
        found: list[RunLine] = []
        for run_id in reversed(self.ids()):
            if len(found) == limit:
                break
            try:
                run = self.load(run_id)
            except ConfigError:
                continue
            found.append(RunLine(run.id, run.stop, run.model, run.prompt))
        return found

    def _journal(self, run_id: str) -> Path:
        return self._path(run_id).with_suffix(SUFFIX)

    def _path(self, run_id: str) -> Path:
        if not _RUN_ID.match(run_id):
            raise ConfigError(f"{run_id!r} is not the id of a run; `afs agent runs` lists them")
        return self.folder / f"{run_id}.json"


def _rescue(run: Run, data: bytes) -> str:
    try:
        with tempfile.NamedTemporaryFile(prefix=f"afs-run-{run.id}-", suffix=".json", delete=False) as file:
            file.write(data)
        return f"; it lies in {file.name}, move it there when there is room again"
    except OSError as error:
        return f"; nor in the temporary folder ({error}): the answer above is all that is left of it"
