"""What a command changed in a copy, brought back into the workspace: files, folders, deletions, and nothing else.

The workspace is reached through open folders and no link. What is sealed stays as it was; what somebody else has
changed meanwhile stays too; a link comes back where it leads to a place inside; devices and sockets never do.
"""

import contextlib
import os
import posixpath
import stat
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from servers.machine.errors import ServerError
from servers.machine.names import escape
from servers.machine.shell_copy import Change
from servers.machine.shell_folders import Kept, inside, kept
from servers.machine.shell_seals import is_sealed
from servers.machine.store import explain, replace_at

__all__ = ["RETURN_BYTES", "RETURN_FILES", "Returned", "bring_back"]

RETURN_BYTES = 512 << 20
RETURN_FILES = 20_000
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Returned(NamedTuple):
    """What came back: how many names were written and removed, and which were left, each with the reason."""

    written: int
    removed: int
    left: tuple[str, ...]


def bring_back(root: int, copy: int, changes: Sequence[Change]) -> Returned:
    """Bring the changes of the open folder `copy` into the open folder `root`.

    Raises ServerError, with nothing written, when they have more than 512 MB.
    """
    size = sum(change.now.size for change in changes if change.now and change.now.kind == stat.S_IFREG)
    if size > RETURN_BYTES:
        raise ServerError(f"it wrote {size >> 20} MB, more than the {RETURN_BYTES >> 20} MB that can be brought back")
    written, removed, left, refused = 0, 0, list[str](), set[bytes]()
    for change in changes:
        try:
            reason = _refused(change) or _bring(root, copy, change)
        except OSError as error:
            reason = str(explain(error, escape(change.path))).partition(": ")[2]
        if reason:
            if change.path.rpartition(b"/")[0] not in refused:  # else its folder says it
                left.append(f"{escape(change.path)}: {reason}")
            refused.add(change.path)
        elif change.now is None:
            removed += 1
        else:
            written += 1
    return Returned(written, removed, tuple(left))


def _refused(change: Change) -> str:
    now = change.now or (change.before.copy if change.before else None)
    if is_sealed(change.path, now.kind if now is not None else stat.S_IFREG):
        return "read-only here: it tells others what to run"
    if now is not None and now.kind == stat.S_IFLNK and change.now is not None and not _stays(change.path, now.link):
        return "a link that leads outside the workspace"
    return "" if now is None or now.kind in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK) else "no regular file"


def _stays(path: bytes, link: bytes) -> bool:
    """Say whether a link leads, by its words, to a place in the workspace."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link))
    return not link.startswith(b"/") and target != b".." and not target.startswith(b"../")


def _bring(root: int, copy: int, change: Change) -> str:
    """Bring one change back; return why it was left, empty when it was not. Raises OSError."""
    above, _, name = change.path.rpartition(b"/")
    with inside(root, above) as folder:
        there = _there(name, folder)
        if not _untouched(there, change):
            return "changed by somebody else meanwhile"
        if there is not None and (change.now is None or change.now.kind != there.kind or there.kind == stat.S_IFLNK):
            _remove(name, folder, there)
            there = None
        if change.now is not None:
            _make(name, folder, copy, change, change.now, there)
    return ""


def _there(name: bytes, folder: int) -> Kept | None:
    with contextlib.suppress(FileNotFoundError):
        return kept(name, folder)
    return None


def _untouched(there: Kept | None, change: Change) -> bool:
    before = change.before.origin if change.before else None
    if there is None or before is None:
        return there is before
    return there.same(before)


def _remove(name: bytes, folder: int, there: Kept) -> None:
    if there.kind == stat.S_IFDIR:
        os.rmdir(name, dir_fd=folder)
    else:
        os.unlink(name, dir_fd=folder)


def _make(name: bytes, folder: int, copy: int, change: Change, now: Kept, there: Kept | None) -> None:
    owner = os.stat(name, dir_fd=folder, follow_symlinks=False) if there else os.fstat(folder)
    if now.kind == stat.S_IFDIR:
        if there is None:
            os.mkdir(name, 0o700, dir_fd=folder)
        with inside(folder, name) as made:
            os.fchmod(made, now.mode)
    elif now.kind == stat.S_IFLNK:
        os.symlink(now.link, name, dir_fd=folder)
    else:
        replace_at(folder, name, b"".join(_content(copy, change.path)), mode=now.mode)
    with contextlib.suppress(PermissionError):
        os.chown(name, owner.st_uid, owner.st_gid, dir_fd=folder, follow_symlinks=False)


def _content(copy: int, path: bytes) -> Iterator[bytes]:
    above, _, name = path.rpartition(b"/")
    with inside(copy, above) as folder:
        file = os.open(name, _FILE, dir_fd=folder)
        try:
            while data := os.read(file, 1 << 20):
                yield data
        finally:
            os.close(file)
