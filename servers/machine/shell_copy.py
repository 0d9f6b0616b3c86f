"""A copy of a workspace for a user who may not write in the real one: made before a command, compared after it.

Everything is reached through open folders, never through a link, so that what the copy holds lies in the workspace.
Regular files, folders and links are copied, with modes and times; sockets, pipes and devices are not.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from servers.machine.errors import ServerError
from servers.machine.shell_folders import Kept, inside, kept, kept_of, names_of, opened

__all__ = ["COPY_BYTES", "COPY_NAMES", "Change", "Pair", "TreeCopy", "changes_of"]

COPY_BYTES = 1 << 30
COPY_NAMES = 50_000
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 20
_DEEPEST = 400


class Pair(NamedTuple):
    """One name: what it was in the workspace, and what it became in the copy."""

    origin: Kept
    copy: Kept


class TreeCopy:
    """A copy of what is below one open folder in another, for a user who is given all of it.

    `begin` copies what has to be there first, `finish` the rest. Both raise ServerError where it is too much, OSError.
    """

    def __init__(self, source: int, target: int, *, owner: int) -> None:
        """Take the two open folders, and the id of the user and group that gets the copy."""
        self._source, self._target, self._owner = source, target, owner
        self._bytes = 0
        self.pairs: dict[bytes, Pair] = {}
        """Each name that has been copied, by its path: its two states."""

    def begin(self, paths: Iterable[bytes]) -> None:
        """Give the copy to its user, and copy these names with the folders above them; of a folder nothing in it."""
        os.fchown(self._target, self._owner, self._owner)
        os.fchmod(self._target, 0o700)
        for path in paths:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError), contextlib.ExitStack() as stack:
                self._lead(path.split(b"/"), stack)

    def renew(self) -> bool:
        """Copy again what `begin` has copied, as it is now; say whether each name still is of its kind."""
        try:
            return all([self._again(path, pair) for path, pair in list(self.pairs.items())])
        except OSError:
            return False

    def _again(self, path: bytes, pair: Pair) -> bool:
        above, _, name = path.rpartition(b"/")
        with inside(self._source, above) as source, inside(self._target, above) as target:
            state = kept(name, source)
            if state.kind == pair.origin.kind == stat.S_IFREG:
                self._bytes -= pair.copy.size
                self._file(name, source, target, path, how=_OLD)
                return self.pairs[path] is not pair
            if state.kind == pair.origin.kind == stat.S_IFDIR:
                self.pairs[path] = Pair(state, pair.copy)
                return True
        return False

    def finish(self) -> None:
        """Copy all that is not there yet, and give the folders their modes and times."""
        self._folder(self._source, self._target, b"")

    def _lead(self, parts: list[bytes], stack: contextlib.ExitStack) -> None:
        source, target = self._source, self._target
        for depth, name in enumerate(parts):
            path = b"/".join(parts[: depth + 1])
            self._one(name, source, target, path)
            if depth + 1 < len(parts):
                source = stack.enter_context(opened(name, source))
                target = stack.enter_context(opened(name, target))

    def _one(self, name: bytes, source: int, target: int, path: bytes) -> Kept:
        """Copy a name, of a folder nothing in it, unless it has been; return what it is. Raises OSError."""
        done = self.pairs.get(path)
        if done is not None:
            return done.origin
        state = kept(name, source)
        if state.kind == stat.S_IFDIR and path.count(b"/") < _DEEPEST:
            os.mkdir(name, 0o700, dir_fd=target)
            os.chown(name, self._owner, self._owner, dir_fd=target, follow_symlinks=False)
            self._note(path, state, state._replace(mode=0o700))
        elif state.kind == stat.S_IFLNK:
            os.symlink(state.link, name, dir_fd=target)
            os.chown(name, self._owner, self._owner, dir_fd=target, follow_symlinks=False)
            self._note(path, state, state)
        elif state.kind == stat.S_IFREG:
            self._file(name, source, target, path)
        return state

    def _folder(self, source: int, target: int, above: bytes) -> None:
        for name in names_of(source):
            path = above + b"/" + name if above else name
            with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                state = self._one(name, source, target, path)
                if state.kind == stat.S_IFDIR and path in self.pairs:
                    with opened(name, source) as inner, opened(name, target) as copy:
                        self._folder(inner, copy, path)
                        self._give(copy, state)
                    self.pairs[path] = Pair(state, state)

    def _give(self, descriptor: int, state: Kept) -> None:
        os.fchown(descriptor, self._owner, self._owner)
        os.fchmod(descriptor, state.mode)
        os.utime(descriptor, ns=(state.modified_ns, state.modified_ns))

    def _note(self, path: bytes, origin: Kept, copy: Kept) -> None:
        self.pairs[path] = Pair(origin, copy)
        self._bytes += copy.size
        if self._bytes > COPY_BYTES or len(self.pairs) > COPY_NAMES:
            raise ServerError(
                f"the workspace has more than {COPY_NAMES} files or {COPY_BYTES >> 20} MB, too much to copy for "
                "another user: start the server in a smaller folder, or as a normal user with bubblewrap (then nothing "
                "is copied)"
            )

    def _file(self, name: bytes, source: int, target: int, path: bytes, *, how: int = _NEW) -> None:
        reader = os.open(name, _FILE, dir_fd=source)
        try:
            state = kept_of(os.fstat(reader))
            if state.kind != stat.S_IFREG:
                return
            self._note(path, state, state)
            writer = os.open(name, how, 0o600, dir_fd=target)
            try:
                _pour(reader, writer, state.size)
                self._give(writer, state)
                self.pairs[path] = Pair(state, kept_of(os.fstat(writer)))
            finally:
                os.close(writer)
        finally:
            os.close(reader)


def _pour(reader: int, writer: int, size: int) -> None:
    """Copy at most `size` bytes, in the kernel where it can."""
    left = size
    try:
        while left > 0 and (done := os.copy_file_range(reader, writer, left)):
            left -= done
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM):
            raise
        while left > 0 and (data := os.read(reader, min(left, _CHUNK))):
            os.write(writer, data)
            left -= len(data)


class Change(NamedTuple):
    """A name of the copy that is not what it was: what it is now (None: it is gone)."""

    path: bytes
    before: Pair | None
    now: Kept | None


def _now(folder: int, above: bytes, depth: int = 0) -> Iterator[tuple[bytes, Kept]]:
    for name in names_of(folder):
        path = above + b"/" + name if above else name
        state = kept(name, folder)
        yield path, state
        if state.kind == stat.S_IFDIR and depth < _DEEPEST:
            with contextlib.suppress(PermissionError), opened(name, folder) as inner:
                yield from _now(inner, path, depth + 1)


def changes_of(target: int, pairs: Mapping[bytes, Pair], *, most: int) -> list[Change]:
    """Compare the copy with what it was: what is gone first, deepest first, then what is new, from the top down.

    Raises ServerError when there are more than `most` changes.
    """
    found: list[Change] = []
    seen: set[bytes] = set()
    for path, state in _now(target, b""):
        seen.add(path)
        before = pairs.get(path)
        if before is None or not before.copy.same(state):
            found.append(Change(path, before, state))
        if len(found) > most:
            raise ServerError(f"it changed more than {most} files; let it write fewer, or into one archive")
    gone = [Change(path, pair, None) for path, pair in pairs.items() if path not in seen]
    gone.sort(key=lambda change: change.path.count(b"/"), reverse=True)
    return gone + found
