"""What notes held before: each change keeps the old content as a version, out of the agents' sight.

The versions of one note lie in a folder of their own below `.afs/scratchpad/`, one file each:
`000012-append-0-text-<nanoseconds>`, where `none` instead of `text` says that there was no file. One that was
kept by a writer who died before the change is like the note itself, and counts for nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar, cast

from servers.machine.beneath import NotThereError, TakenError
from servers.machine.errors import ServerError
from servers.machine.names import escape, parse, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.machine.beneath import Root

__all__ = ["MOST_VERSIONS", "VERSION_BYTES", "Change", "Version", "Versions"]

MOST_VERSIONS = 30
"""Versions kept of one note; the oldest go."""
VERSION_BYTES = 8_000_000
"""Bytes of the versions kept of one note; the oldest go."""

Change = Literal["write", "append", "clear", "undo"]
"""What was done to the note when a version was kept."""

_PLACE = ".afs/scratchpad"
_NAME = re.compile(r"(\d{6,9})-(write|append|clear|undo)-(\d{1,9})-(text|none)-(\d{1,20})")
_LIMIT = 1_000_000
_CAP = 10_000
_DONE = TypeVar("_DONE")


class Version(NamedTuple):
    """One kept version. `size` is -1 where there was no file then; `back`: the version that an undo brought back."""

    number: int
    change: Change
    back: int
    size: int
    kept_ns: int
    path: str


class _Over(Exception):
    """The work under the lock is done: it leaves the lock without a change of the locked file."""


class Versions:
    """The versions of one note. Those who change it take turns, so that versions are whole and in order."""

    def __init__(self, root: Root, place: str, name: str) -> None:
        """Name the note by its scratchpad's folder and its path there; nothing is touched."""
        whole = b"/".join((*parse(place), *parse(name)))
        self._root = root
        self._name = name
        self._note = escape(whole)
        self._folder = f"{_PLACE}/{hashlib.sha256(whole).hexdigest()[:20]}"

    def in_turn(self, work: Callable[[], _DONE]) -> _DONE:
        """Do `work` while no other process changes this note. Raises what it raises."""
        told, done = f"{self._folder}/note", list[_DONE]()

        def change(old: bytes) -> bytes:
            done.append(work())
            raise _Over

        try:
            try:
                self._root.state(told)
            except NotThereError:
                with contextlib.suppress(TakenError):
                    self._root.write(told, self._note.encode("utf-8"))
            with contextlib.suppress(_Over):
                self._root.edit(told, change, limit=_LIMIT)
        except ServerError as error:  # it names the note, not what lies beside it
            raise type(error)(str(error).replace(show(told), show(self._name))) from error
        return done[0]

    def all(self) -> list[Version]:
        """Return the versions, the oldest first."""
        folder = f"{self._folder}/versions"
        try:
            entries = self._root.entries(folder, cap=_CAP).entries
        except ServerError:
            return []
        found: list[Version] = []
        for entry in entries:
            parts = _NAME.fullmatch(entry.path.rpartition("/")[2])
            if parts and entry.kind == "file":
                size = -1 if parts[4] == "none" else entry.size
                change = cast("Change", parts[2])
                found.append(Version(int(parts[1]), change, int(parts[3]), size, int(parts[5]), entry.path))
        return sorted(found)

    def keep(self, old: bytes | None, change: Change, *, back: int = 0) -> int:
        """Keep the content that a change is about to replace (None: there is no file); return the version's number.

        Raises ServerError: the change must not be made then.
        """
        kept = self.all()
        number = kept[-1].number + 1 if kept else 1
        state = "none" if old is None else "text"
        path = f"{self._folder}/versions/{number:06d}-{change}-{back}-{state}-{time.time_ns()}"
        try:
            self._root.write(path, old or b"")
        except ServerError as error:
            raise type(error)(str(error).replace(show(path), show(self._name))) from error
        self._prune(kept, len(old or b""))
        return number

    def drop(self, number: int) -> None:
        """Forget the version of a change that was not made after all."""
        for version in self.all():
            if version.number == number:
                with contextlib.suppress(ServerError):  # it is like the note, and counts for nothing
                    self._root.remove(version.path)

    def _prune(self, kept: list[Version], added: int) -> None:
        room, count = VERSION_BYTES - added, 1
        for version in reversed(kept):
            room, count = room - max(version.size, 0), count + 1
            if room < 0 or count > MOST_VERSIONS:
                with contextlib.suppress(ServerError):  # it goes with the next one
                    self._root.remove(version.path)

    def read(self, version: Version) -> bytes | None:
        """Return what a version holds; None: there was no file then. Raises ServerError."""
        return None if version.size < 0 else self._root.read(version.path, limit=_LIMIT, tagged=False).data

    def numbered(self, number: int) -> Version:
        """Return the version of that number. Raises ServerError."""
        for version in self.all():
            if version.number == number:
                return version
        text = f"there is no version {number} of {show(self._name)}; call list_scratchpad_versions to see them"
        raise ServerError(text)

    def _stood(self, kept: list[Version], now: bytes | None) -> list[Version]:
        """Return the versions without the newest that are like the note: their writers died before the change."""
        while kept and self.read(kept[-1]) == now:
            kept = kept[:-1]
        return kept

    def to_undo(self, now: bytes | None) -> Version:
        """Return the version that an undo brings back: what was there before the newest change that still stands.

        After an undo the next one goes further back. Raises ServerError where nothing is left to undo.
        """
        kept = self._stood(self.all(), now)
        if kept and kept[-1].change == "undo":
            kept = self._stood([version for version in kept if version.number < kept[-1].back], now)
        if not kept:
            raise ServerError(
                f"nothing is left to undo of {show(self._name)}; list_scratchpad_versions shows its history"
            )
        return kept[-1]
