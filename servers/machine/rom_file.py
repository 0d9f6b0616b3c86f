"""A user's ROM file: read whole, changed only with a backup beside it, and put back on request.

A change leaves `<rom>.<sha256, 12 digits>.bak` with what was there before and one line in `<rom>.undo.jsonl`; undoing
takes the last line off again. A ROM that somebody else changed meanwhile is never overwritten.
"""

import contextlib
import hashlib
import json
from typing import NamedTuple

from pydantic import Field, ValidationError

from knowledge.snes.addresses import COPIER_HEADER, copier_header
from schemas.frozen import Frozen
from servers.machine.beneath import Chunk, NotThereError, Root, TakenError
from servers.machine.errors import ServerError
from servers.machine.names import show

__all__ = ["ROM_LIMIT", "Changed", "RomFile", "change_rom", "read_rom", "undo_change"]

ROM_LIMIT = 16 << 20
"""Bytes of the largest ROM file that is read."""
_SMALLEST = 0x8000
_RECORD_LIMIT = 1 << 20
_TRIES = 20


class RomFile(NamedTuple):
    """A ROM as it was read."""

    path: str
    data: bytes
    """The ROM itself, without copier header."""
    header: bytes
    """The copier header; empty: none."""
    etag: str


class Changed(NamedTuple):
    """A change that was made: hashes are SHA-256 of whole files, as hexadecimal digits."""

    path: str
    backup: str
    """The file with what was there before; empty when another file was written."""
    before: str
    after: str


class _Record(Frozen):
    """One line of the undo file."""

    backup: str
    before: str
    after: str
    what: str = Field(default="", max_length=1_000)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read_rom(root: Root, path: str) -> RomFile:
    """Read a ROM file below `root`. Raises ServerError: no such file, too small or too large for a ROM."""
    try:
        chunk = root.read(path, limit=ROM_LIMIT + COPIER_HEADER + 1)
    except NotThereError as error:
        raise ServerError(
            f"there is no ROM {show(path)}; name it relative to the project folder (AFS_PROJECT_ROOT)"
        ) from error
    header = chunk.data[: copier_header(len(chunk.data))]
    data = chunk.data[len(header) :]
    if not _SMALLEST <= len(data) <= ROM_LIMIT:
        raise ServerError(
            f"{show(path)} has {chunk.size} bytes; a ROM has {_SMALLEST} to {ROM_LIMIT}: name another file"
        )
    return RomFile(path, data, header, chunk.etag)


def change_rom(root: Root, rom: RomFile, data: bytes, *, output: str = "", what: str = "") -> Changed:
    """Write a changed ROM (`data` without copier header): to a new file `output`, or in place with a backup.

    Raises ServerError: `output` is there already, the ROM was changed meanwhile; the ROM then holds what it held.
    """
    before, after = rom.header + rom.data, rom.header + data
    if output:
        _absent(root, output)
        root.write(output, after, mode="create")
        return Changed(output, "", _digest(before), _digest(after))
    if _digest(_now(root, rom.path).data) != _digest(before):
        raise ServerError(f"{show(rom.path)} was changed by something else meanwhile; nothing was written: call again")
    backup = f"{rom.path}.{_digest(before)[:12]}.bak"
    _keep(root, backup, before)
    record = _Record(backup=backup, before=_digest(before), after=_digest(after), what=what[:1_000])
    root.write(rom.path, after, mode="replace", etag=rom.etag)
    root.append(_record_name(rom.path), record.model_dump_json().encode() + b"\n", limit=_RECORD_LIMIT)
    return Changed(rom.path, backup, record.before, record.after)


def _now(root: Root, path: str) -> Chunk:
    """Return the whole file as it is now, and its etag. Raises ServerError when it is gone."""
    try:
        return root.read(path, limit=ROM_LIMIT + COPIER_HEADER + 1)
    except NotThereError as error:
        raise ServerError(f"{show(path)} is gone; its backups, *.bak beside it, hold what it was") from error


def _absent(root: Root, output: str) -> None:
    with contextlib.suppress(NotThereError):
        root.read(output, limit=1, tagged=False)
        raise ServerError(
            f"{show(output)} is there already; name a new file as output, or leave output empty to change the ROM "
            "itself with a backup"
        )


def _record_name(path: str) -> str:
    return f"{path}.undo.jsonl"


def _keep(root: Root, backup: str, data: bytes) -> None:
    """Write the backup, unless one with the same content is there already, perhaps just written by somebody else."""
    for _ in range(2):
        try:
            if root.read(backup, limit=len(data) + 1, tagged=False).data == data:
                return
            break
        except NotThereError:
            with contextlib.suppress(TakenError):
                root.write(backup, data, mode="create")
                return
    raise ServerError(f"{show(backup)} is in the way and holds something else; move it, then apply again")


def undo_change(root: Root, path: str) -> Changed:
    """Put a ROM back to what it was before its last recorded change.

    Raises ServerError: nothing recorded, the ROM changed since then, or the backup is gone or changed.
    """
    records = _records(root, path)
    if not records:
        raise ServerError(f"no change of {show(path)} is recorded; nothing to undo")
    now = _now(root, path)
    record = next((one for one in reversed(records) if one.after == _digest(now.data)), None)
    if record is None:  # the records of two changes at once may stand in either order
        backup = show(records[-1].backup)
        raise ServerError(f"{show(path)} was changed by something else since; copy {backup} over it to have that state")
    try:
        old = root.read(record.backup, limit=ROM_LIMIT + COPIER_HEADER + 1, tagged=False).data
    except NotThereError as error:
        raise ServerError(f"the backup {show(record.backup)} is gone: {show(path)} stays as it is") from error
    if _digest(old) != record.before:
        raise ServerError(f"the backup {show(record.backup)} was changed: {show(path)} stays as it is")
    root.write(path, old, mode="replace", etag=now.etag)
    _forget(root, path, record)
    return Changed(path, record.backup, record.after, record.before)


def _forget(root: Root, path: str, record: _Record) -> None:
    """Take a record off the undo file; others may add theirs meanwhile."""
    name = _record_name(path)
    for _ in range(_TRIES):
        etag = root.read(name, limit=1).etag
        left = _records(root, path)
        if record not in left:
            return
        del left[len(left) - 1 - left[::-1].index(record)]
        rest = b"".join(one.model_dump_json().encode() + b"\n" for one in left)
        try:
            root.write(name, rest, mode="replace", etag=etag)
        except ServerError as error:
            if "has changed" not in str(error):
                raise
        else:
            return
    raise ServerError(f"{show(path)} is put back, but {show(name)} is busy; delete its last line")


def _records(root: Root, path: str) -> list[_Record]:
    try:
        data = root.read(_record_name(path), limit=_RECORD_LIMIT, tagged=False).data
    except NotThereError:
        return []
    records: list[_Record] = []
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            records.append(_Record.model_validate(json.loads(line)))
        except (ValidationError, ValueError) as error:
            name = show(_record_name(path))
            raise ServerError(f"{name} is damaged at line {number}; mend or delete it, the backups stay") from error
    return records
