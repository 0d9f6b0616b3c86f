"""One change of one note: what it held before is kept first, then the new content takes its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from servers.machine.beneath import NotThereError, TakenError, Written
from servers.machine.errors import ServerError
from servers.machine.names import parse, plain, show
from servers.scratchpad.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.machine.beneath import Root, Seen
    from servers.scratchpad.opened import Home, Opened, View
    from servers.scratchpad.versions import Change

__all__ = [
    "COUNT_LIMIT",
    "FILE_LIMIT",
    "TOTAL_LIMIT",
    "Changed",
    "Note",
    "change_note",
    "changed_in",
    "files_of",
    "versions_in",
]

FILE_LIMIT = 1_000_000
"""Largest scratchpad file, in bytes."""
COUNT_LIMIT = 1_000
"""Most files in one scratchpad."""
TOTAL_LIMIT = 50_000_000
"""Most bytes in one scratchpad."""

_CAP = 20 * COUNT_LIMIT
_TRIES = 8


class Note(NamedTuple):
    """A note as it is to be changed: the context, the scratchpad and the name there."""

    opened: Opened
    view: View
    home: Home
    name: str

    @property
    def versions(self) -> Versions:
        """The versions of the note."""
        return versions_in(self.view, self.home, self.name)


def versions_in(view: View, home: Home, name: str) -> Versions:
    """Return the versions of the note of a name in a scratchpad."""
    return Versions(view.root, home.place, name)


def changed_in(view: View, name: str) -> Home | None:
    """Return the nearest scratchpad that had a note of that name."""
    return next((home for home in view.homes if versions_in(view, home, name).all()), None)


class Changed(NamedTuple):
    """A change that was made; `number` is the version of what was before, 0 where nothing was to change."""

    done: Written
    number: int
    gone: bool = False


class _SameError(Exception):
    """The new content is the old one."""


def files_of(pad: Root) -> list[Seen]:
    """Return the files of a scratchpad in order of their names, without those of runs."""
    walk = pad.walk(cap=_CAP, enter=lambda folder: folder != b"runs")
    try:
        found = [seen for seen in walk if seen.kind == "file"]
    finally:
        walk.close()
    return sorted(found, key=lambda seen: seen.path.replace(b"/", b"\0"))


def _room(pad: Root, name: str, old: bytes | None, new: bytes) -> None:
    if len(new) > FILE_LIMIT:
        raise ServerError(f"{show(name)} would grow above {FILE_LIMIT} bytes; begin another file")
    if old is not None and len(new) <= len(old):
        return
    files = files_of(pad)
    if old is None and len(files) >= COUNT_LIMIT:
        text = f"the scratchpad already holds {COUNT_LIMIT} files; append to one of them (call list_scratchpad)"
        raise ServerError(text)
    if sum(seen.size for seen in files) + len(new) - len(old or b"") > TOTAL_LIMIT:
        raise ServerError(f"the scratchpad would hold more than {TOTAL_LIMIT} bytes; clear what nobody needs")


def change_note(
    note: Note,
    change: Change,
    content: Callable[[bytes | None], bytes | None],
    *,
    back: Callable[[], int] = int,
    etag: str = "",
) -> Changed:
    """Make what `content` returns of the old content (None: no file) the note's content, keeping the old one.

    `back` is asked, once the content is known, which version an undo brings back. With `etag` the note must still be
    what was read. Raises ServerError; the note is as it was then.
    """
    if not all(map(plain, parse(note.name))):
        raise ServerError(f"{show(note.name)}: a new name holds only printable text; choose another name")
    with note.opened.writing(note.view, note.home.place) as pad:
        _exists(pad, note.name)  # a name that nothing can have leaves no trace
        step = _Step(pad, note.name, note.versions, change, content, back, etag)
        return step.versions.in_turn(step.make)


def _exists(pad: Root, name: str) -> bool:
    try:
        kind = pad.named(name).kind
    except NotThereError:
        return False
    if kind == "folder":
        raise ServerError(f"{show(name)}: it is a folder, not a file; name a file in it")
    return True


class _Step(NamedTuple):
    """A change while no other process changes the note."""

    pad: Root
    name: str
    versions: Versions
    change: Change
    content: Callable[[bytes | None], bytes | None]
    back: Callable[[], int]
    etag: str

    def make(self) -> Changed:
        """Make the change, again where another server made or removed the file meanwhile. Raises ServerError."""
        for _ in range(_TRIES):
            try:
                return self._of_old() if _exists(self.pad, self.name) else self._of_none()
            except (NotThereError, TakenError):
                continue
        raise ServerError(f"{show(self.name)} comes and goes; try again in a moment")

    def _of_none(self) -> Changed:
        if self.etag:
            raise ServerError(f"{show(self.name)} is gone since it was read (etag {show(self.etag)}); write it anew")
        new = self.content(None)
        if new is None:
            return Changed(Written(self.name, 0, "", existed=False), 0, gone=True)
        _room(self.pad, self.name, None, new)
        number = self.versions.keep(None, self.change, back=self.back())
        try:
            return Changed(self.pad.write(self.name, new), number)
        except ServerError:
            self.versions.drop(number)
            raise

    def _of_old(self) -> Changed:
        kept: list[int] = []
        gone: list[str] = []

        def edited(old: bytes) -> bytes:
            new = self.content(old)
            if new is not None:
                _room(self.pad, self.name, old, new)
            if new == old:
                raise _SameError
            kept.append(self.versions.keep(old, self.change, back=self.back()))
            if new is None:
                gone.append(self.name)
                raise _SameError
            return new

        try:
            done = self.pad.edit(self.name, edited, limit=FILE_LIMIT, etag=self.etag)
        except _SameError:
            chunk = self.pad.read(self.name, limit=0)
            if gone:
                self._remove(kept[0])
            return Changed(Written(self.name, chunk.size, chunk.etag, existed=True), kept[0] if kept else 0, bool(gone))
        except ServerError:
            for number in kept:
                self.versions.drop(number)
            raise
        return Changed(done, kept[0])

    def _remove(self, number: int) -> None:
        """Remove the file, if it still is what was kept. Raises ServerError."""
        version = self.versions.numbered(number)
        chunk = self.pad.read(self.name, limit=FILE_LIMIT)
        if self.versions.read(version) != chunk.data:
            self.versions.drop(number)
            raise ServerError(f"{show(self.name)} was changed meanwhile; read it again, then clear it")
        self.pad.remove(self.name, etag=chunk.etag)
