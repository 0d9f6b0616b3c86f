"""What `init` and `repair` moved, written down so that it can be taken back: `.afs/repair/<time>-<id>/done.json`."""

from __future__ import annotations

import datetime
import json
import secrets
from typing import TYPE_CHECKING, NamedTuple, cast

from servers.machine.beneath import NotThereError, Root
from servers.machine.errors import ServerError
from servers.machine.names import show

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["REPAIRS", "Moves", "Undone", "repairs_of", "undo"]

REPAIRS = ".afs/repair"
"""The folder of the records, below the context root."""

_LIMIT = 4_000_000
_TAIL_LIMIT = 64_000_000


class _Step(NamedTuple):
    """One thing that was done: `moved` from a path to another, or a tail `cut` off a file and put into another."""

    what: str
    source: str
    target: str
    etag: str = ""


class Undone(NamedTuple):
    """What was taken back, and what could not be, with the reason."""

    back: tuple[str, ...]
    left: tuple[str, ...]


class Moves:
    """The record of one run of `init` or `repair`; each step is written down before it is done."""

    def __init__(self, root: Root) -> None:
        """Begin a record; nothing is written before the first step."""
        self._root = root
        moment = datetime.datetime.now(datetime.UTC)
        self._id = f"{moment:%Y-%m-%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self._steps: list[_Step] = []

    @property
    def aside(self) -> str:
        """The folder for what is put aside, below the root."""
        return f"{REPAIRS}/{self._id}"

    def move(self, source: str, target: str) -> None:
        """Give a file or folder another path; nothing is overwritten. Raises ServerError."""
        self._note(_Step("moved", source, target))
        try:
            self._root.move(source, target)
        except ServerError:
            self._steps.pop()
            raise

    def cut(self, path: str, keep: int) -> None:
        """Put what stands behind the first `keep` bytes of a file into a file aside. Raises ServerError."""
        target = f"{self.aside}/{path}.tail"

        def shorter(data: bytes) -> bytes:
            self._root.write(target, data[keep:])
            return data[:keep]

        self._note(_Step("cut", path, target))
        done = self._root.edit(path, shorter, limit=_TAIL_LIMIT)
        self._steps[-1] = self._steps[-1]._replace(etag=done.etag)
        self._save()

    def told(self) -> tuple[str, ...]:
        """Return each step as a line."""
        arrows = {"moved": "{} -> {}", "cut": "the torn end of {} -> {}"}
        return tuple(arrows[step.what].format(step.source, step.target) for step in self._steps)

    def close(self) -> str:
        """Return the name of the record; empty where nothing was done."""
        return self._id if self._steps else ""

    def _note(self, step: _Step) -> None:
        self._steps.append(step)
        self._save()

    def _save(self) -> None:
        text = json.dumps([step._asdict() for step in self._steps], indent=1)
        self._root.write(f"{self.aside}/done.json", text.encode("utf-8"), mode="replace")


def _steps(root: Root, name: str) -> list[_Step]:
    """Read a record. Raises ServerError."""
    path = f"{REPAIRS}/{name}/done.json"
    if "/" in name or not name or name.startswith("."):
        raise ServerError(f"{show(name)} is no name of a repair; afs context status lists them")
    try:
        raw: object = json.loads(root.read(path, limit=_LIMIT, tagged=False).data)
    except NotThereError as error:
        raise ServerError(f"no repair is named {show(name)}; the names are the folders of {REPAIRS}") from error
    except ValueError as error:
        raise ServerError(f"{path} is no JSON; move the files back by hand") from error
    rows = [cast("dict[str, object]", row) for row in cast("list[object]", raw)] if isinstance(raw, list) else []
    return [_Step(*(str(row.get(key, "")) for key in _Step._fields)) for row in rows]


def undo(root: Root, name: str) -> Undone:
    """Take back what a run moved, the last step first; what has changed since stays, and is told."""
    back: list[str] = []
    left: list[str] = []
    for step in reversed(_steps(root, name)):
        try:
            _back(root, step)
        except ServerError as error:
            left.append(str(error))
        else:
            back.append(step.source)
    return Undone(tuple(back), tuple(left))


def _back(root: Root, step: _Step) -> None:
    if step.what == "moved":
        root.move(step.target, step.source)
        return
    tail = root.read(step.target, limit=_TAIL_LIMIT, tagged=False).data
    root.edit(step.source, lambda data: data + tail, limit=2 * _TAIL_LIMIT, etag=step.etag)


def repairs_of(root: Root) -> Sequence[str]:
    """Return the names of the records, the oldest first."""
    try:
        entries = root.entries(REPAIRS).entries
    except ServerError:
        return ()
    return tuple(sorted(entry.path.rpartition("/")[2] for entry in entries if entry.kind == "folder"))
