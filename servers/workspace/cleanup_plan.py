"""A plan to clean up, and the receipt of what was done of it: two files of JSON, and a script that only shows."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError

from schemas.frozen import Frozen
from servers.machine.beneath import NotThereError, Root
from servers.machine.errors import ServerError
from servers.machine.names import bytes_of, escape, show
from servers.machine.store import write_atomic
from servers.machine.wire import clean
from servers.workspace.scan_results import amount

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SURENESS", "Action", "Move", "Plan", "Receipt", "Sureness", "read_plan", "read_receipt", "script_of"]

_LIMIT = 64_000_000
Sureness = Literal["sure", "likely", "unsure"]
SURENESS: tuple[Sureness, ...] = ("sure", "likely", "unsure")
"""From what can be made again or is kept elsewhere, to what only its owner knows."""
Sort = Literal["duplicate", "cache", "temporary", "archive"]


class Action(Frozen):
    """One thing that could go to the trash."""

    number: int
    sort: Sort
    path: str = Field(description="below the root of the plan")
    size: int = Field(description="bytes that go")
    files: int = Field(default=1, description="files that go")
    modified_ns: int = Field(description="last change, of a folder: of its newest file, in nanoseconds since 1970")
    sha256: str = Field(
        default="", description="hash of a duplicate, which is looked at again before anything is moved"
    )
    keep: tuple[str, ...] = Field(default=(), description="the copies that stay, one of which has to be there")
    sure: Sureness
    why: str

    def as_text(self) -> str:
        """Return one line."""
        held = f", {self.files} files" if self.files != 1 else ""
        stays = f"; stays: {', '.join(self.keep)}" if self.keep else ""
        what = f"{self.number}. {self.path} [{self.sort}, {self.sure}] {amount(self.size)} ({self.size}){held}"
        marks = f" sha256 {self.sha256}" if self.sha256 else ""
        return f"{what}: {self.why}{stays} (changed {self.modified_ns} ns{marks})"


class Plan(Frozen):
    """What could go to the trash, and why; nothing of it is done."""

    format: Literal["afs-cleanup-plan"] = "afs-cleanup-plan"
    version: Literal[1] = 1
    id: str = Field(pattern=r"^[0-9A-Za-z]{1,40}$")
    made: str = Field(description="when, UTC")
    root: str = Field(description="the folder that the paths are below")
    actions: tuple[Action, ...]
    notes: tuple[str, ...] = ()


class Move(Frozen):
    """What became of one action."""

    number: int
    path: str
    trashed: str = Field(description="where it is now, below the root")
    info: str = ""
    state: Literal["planned", "moved", "left", "back"]
    why: str = ""


class Receipt(Frozen):
    """What was moved to the trash, so that it can be put back."""

    format: Literal["afs-cleanup-receipt"] = "afs-cleanup-receipt"
    version: Literal[1] = 1
    plan: str
    made: str
    root: str
    moves: tuple[Move, ...]

    def write(self, path: Path) -> None:
        """Write it, atomically."""
        write_atomic(path, self.model_dump_json(indent=1).encode())


def read_plan(path: Path) -> Plan:
    """Return the plan in a file. Raises ServerError."""
    try:
        return Plan.model_validate_json(_read(path))
    except ValidationError as error:
        raise ServerError(f"{show(str(path))} is no plan to clean up; make one with plan_cleanup") from error


def read_receipt(path: Path) -> Receipt:
    """Return the receipt in a file. Raises ServerError."""
    try:
        return Receipt.model_validate_json(_read(path))
    except ValidationError as error:
        raise ServerError(f"{show(str(path))} is no receipt; give the file that `afs workspace apply` named") from error


def _read(path: Path) -> bytes:
    try:
        with Root(path.absolute().parent) as root:
            return root.read(escape(os.fsencode(path.name)), limit=_LIMIT, tagged=False).data
    except NotThereError as error:
        raise NotThereError(
            f"there is no {show(str(path))}; give the file that plan_cleanup or `afs workspace` named"
        ) from error


def script_of(plan: Plan, path: Path) -> bytes:
    """Return a shell script that shows what a plan would do, and does nothing; `path` is the plan's own file."""
    lines = [
        b"#!/bin/sh",
        b"# What this plan would move to the trash. This script only looks and shows; it changes nothing.",
        b"cd " + _quoted(os.fsencode(plan.root)) + b" || exit 1",
        b'show() { if [ -e "$1" ] || [ -L "$1" ]; then printf \'would move to the trash: %s (%s)\\n\' "$1" "$2"; '
        b"else printf 'gone already: %s\\n' \"$1\"; fi; }",
        *(_line(action) for action in plan.actions),
        _told(plan.actions),
        b"printf 'nothing was changed; to do it: afs workspace apply %s\\n' " + _quoted(os.fsencode(path)),
    ]
    return b"\n".join(lines) + b"\n"


def _line(action: Action) -> bytes:
    why = clean(f"{action.sure}, {amount(action.size)}: {action.why}").replace("\n", " ")
    return b"show " + _quoted(b"./" + bytes_of(action.path)) + b" " + _quoted(why.encode())


def _told(actions: Sequence[Action]) -> bytes:
    total = sum(action.size for action in actions)
    return b"printf '%s\\n' " + _quoted(f"{len(actions)} actions, {amount(total)}".encode())


def _quoted(raw: bytes) -> bytes:
    return os.fsencode(shlex.quote(os.fsdecode(raw)))
