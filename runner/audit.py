"""The audit: a line for every call that a model asked for, whether it ran, and why; never rewritten.

Arguments and results stand there as their SHA-256 only, so that no secret does.
"""

import datetime
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import JsonValue

from runner.models.keys import without_keys
from servers.machine.errors import ServerError
from servers.machine.store import append_line
from servers.machine.wire import clean, shorten

__all__ = ["AUDIT_NAME", "Audit"]

AUDIT_NAME = "audit.jsonl"
"""Name of the file, in the folder of the runs."""


class Audit:
    """Adds lines to an audit file. A file that cannot be written is told once, by `problem`, and stops nothing."""

    def __init__(self, path: Path | None, *, run: str = "", problem: Callable[[str], None] = lambda _: None) -> None:
        self._path = path
        self._run = run
        self._problem = problem
        self._told = False

    def add(
        self, *, server: str, tool: str, kind: str, decision: str, arguments: Mapping[str, JsonValue], result: str
    ) -> None:
        """Add the line of one call; `kind` is the tool's class, empty where there is no such tool.

        `result` is the text that came back, empty where the call did not end.
        """
        if self._path is None:
            return
        line = {
            "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            "run": self._run,
            "server": clean(shorten(server, 64)),
            "tool": clean(shorten(tool if kind else without_keys(tool), 64)),  # a name that only the model has said
            "class": kind,
            "decision": decision,
            "arguments": _sha256(json.dumps(arguments, sort_keys=True, separators=(",", ":"))),
            "result": _sha256(result),
        }
        try:
            append_line(self._path, json.dumps(line).encode("ascii"))
        except ServerError as error:
            if not self._told:
                self._told = True
                self._problem(f"calls of this run are missing in the audit: {error}")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
