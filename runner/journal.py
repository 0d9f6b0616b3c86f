"""The journal of a run in progress: a line for each step as it is done, so that not even a killed process loses it.

It lies beside the runs as `<id>.steps.jsonl` and goes once the run itself is kept. A line costs a tenth of a
millisecond: it is not forced to the disk, so it survives the death of the process and not that of the machine.
"""

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from runner.errors import ConfigError
from schemas.message import Message, Usage
from schemas.run import Run, Step
from servers.machine.errors import ServerError
from servers.machine.store import append_line

__all__ = ["SUFFIX", "Journal", "restored"]

SUFFIX = ".steps.jsonl"


class Journal:
    """Writes the journal of one run; `problem` says why it could not, which costs the run nothing."""

    def __init__(self, path: Path, run: Run) -> None:
        self._path = path
        self._written = 0
        self.problem = ""
        self._add({"process": os.getpid(), "run": run.model_dump(mode="json", exclude_defaults=True)})

    def add(self, step: Step, messages: Sequence[Message]) -> None:
        """Write a step that is done, and what has been said since the one before it."""
        said = [message.model_dump(mode="json", exclude_defaults=True) for message in messages[self._written :]]
        self._written = len(messages)
        self._add({"step": step.model_dump(mode="json", exclude_defaults=True), "messages": said})

    def _add(self, line: dict[str, Any]) -> None:
        if self.problem:
            return
        try:
            append_line(self._path, json.dumps(line).encode("ascii"))
        except ServerError as error:
            self.problem = str(error)

    def drop(self) -> None:
        """Remove it: the run is kept."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def restored(path: Path) -> Run:
    """Return the run of a journal, with the steps that were done: running while its process lives, else interrupted.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        first, *lines = _lines(path)
        run = Run.model_validate(first["run"])
        steps = tuple(Step.model_validate(line["step"]) for line in lines)
        messages = tuple(Message.model_validate(item) for line in lines for item in line["messages"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(f"the run in {path} cannot be read: {error}; remove it") from error
    lives = _lives(first.get("process"))
    return run.model_copy(
        update={
            "stop": "running" if lives else "interrupted",
            "error": "it is still going on" if lives else run.error,
            "steps": steps,
            "messages": messages or run.messages,
            "usage": sum((step.usage for step in steps), Usage()),
            "metadata": {**run.metadata, **_results(run, steps)},
            "seconds": round(sum(step.seconds for step in steps), 3),
        }
    )


def _results(run: Run, steps: Sequence[Step]) -> dict[str, JsonValue]:
    """Return the files of long results by their numbers, as a run that ended has them in its metadata."""
    earlier = run.metadata.get("results")
    files = [record.file for step in steps for record in step.calls if record.file]
    found = {str(int(Path(file).stem)): file for file in files if Path(file).stem.isdecimal()}
    both: dict[str, JsonValue] = {**(earlier if isinstance(earlier, dict) else {}), **found}
    return {"results": both} if both else {}


def _lines(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for line in path.read_bytes().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:  # torn off in the middle of the line
            break
    return found


def _lives(process: object) -> bool:
    if not isinstance(process, int) or process <= 0 or sys.platform == "win32":
        return False
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
