"""One open folder and all that is done with the files below it, on systems whose folders can be opened.

Linux opens for reading by `openat2(RESOLVE_BENEATH)`. What writes, a link that is absolute and every other
system go by the walk, which follows no link blindly. A path is never checked first and opened later.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Generator, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from servers.machine import openat2
from servers.machine.beneath_files import (
    FILE,
    closing,
    errors,
    etag_at,
    etag_of,
    existing,
    fail,
    failure,
    locked,
    matching,
    regular,
    renamed,
)
from servers.machine.beneath_sealed import Sealed
from servers.machine.beneath_values import Chunk, Entry, Listing, State, TakenError, Written, kind_of
from servers.machine.beneath_walk import Walk
from servers.machine.errors import ServerError
from servers.machine.names import escape, parse, plain, show
from servers.machine.store import is_temporary, replace_at, sweep_at
from servers.machine.walk import FOLDER, Making, Places, Spot, find, link_at, places_of

__all__ = ["Root"]

_NO_LINKS = getattr(os, "O_NOFOLLOW_ANY", 0)
"""On macOS: fail at a link anywhere in the path, so that a path without dots stays below where it starts."""
_PATH_ONLY = getattr(os, "O_PATH", 0)
_SWEEP_CAP = 1_000_000


class Root:
    """An open folder and the files below it; a context manager, and safe to use from many threads.

    `sealed` are the rules of `beneath_sealed`: what nothing writes, and why. New files and folders are `private`
    (only the user's) or as the user's mask says. `kernel=False` walks always, never using `openat2`.
    """

    _fd = -1
    _above: tuple[bytes, ...] = ()
    _same: tuple[int, int] | None = None

    def __init__(
        self,
        path: Path,
        *,
        create: bool = False,
        sealed: Mapping[str, str] | Sealed | None = None,
        private: bool = True,
        kernel: bool = True,
    ) -> None:
        """Open the folder; with `create`, make it first. Raises NotThereError where it is missing."""
        self._file_mode: int | None = 0o600 if private else None
        self._folder_mode = 0o700 if private else 0o777
        self._sealed = sealed if isinstance(sealed, Sealed) else Sealed(sealed or {})
        self._kernel = kernel and openat2.available()
        with errors(str(path)):
            if create:
                path.mkdir(mode=self._folder_mode, parents=True, exist_ok=True)
            self._fd = os.open(path, FOLDER)
        self._path = os.fsencode(path.absolute())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the root's descriptor; closing it twice does no harm."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def fileno(self) -> int:
        """Return the folder's descriptor, for a program that is started in it."""
        return self._fd

    def still(self, path: Path | bytes) -> bool:
        """Tell whether `path` names this very folder, also after others renamed, removed or made folders."""
        if self._same is None:
            mine = os.fstat(self._fd)
            self._same = (mine.st_dev, mine.st_ino)  # no other folder gets this number while this one is open
        try:
            there = os.stat(path)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == self._same

    def below(self, path: str, *, create: bool = False) -> "Root":
        """Open a folder below this root as a root of its own, which nothing in it can leave."""
        inner = object.__new__(Root)
        inner._file_mode, inner._folder_mode = self._file_mode, self._folder_mode
        inner._sealed, inner._kernel = self._sealed, self._kernel
        with errors(path):
            spot = self._spot(path, make=create, root=True)
            with closing(spot.folder):
                if create and spot.name:
                    self._guard(spot.real, path)
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(spot.name, self._folder_mode, dir_fd=spot.folder)
                inner._fd = os.open(spot.name or b".", FOLDER | os.O_NOFOLLOW, dir_fd=spot.folder)
        inner._above = (*self._above, *spot.real)
        inner._path = b"/".join((self._path, *spot.real))
        return inner

    def _places(self) -> Places:
        return places_of(self._path)

    def _open(self, parts: tuple[bytes, ...], flags: int) -> int:
        if self._kernel:
            try:
                return openat2.open_beneath(self._fd, b"/".join(parts) or b".", flags)
            except OSError as error:  # EXDEV may be an absolute link back into the root: the walk knows
                if error.errno not in (errno.EXDEV, errno.EAGAIN, errno.ENOSYS, errno.EPERM):
                    raise
        elif _NO_LINKS and b".." not in parts:
            try:
                return os.open(b"/".join(parts) or b".", flags | _NO_LINKS, dir_fd=self._fd)
            except OSError as error:  # a link somewhere on the way: the walk knows
                if error.errno != errno.ELOOP:
                    raise
        spot = find(self._fd, parts, places=self._places)
        with closing(spot.folder):
            return os.open(spot.name or b".", flags | os.O_NOFOLLOW, dir_fd=spot.folder)

    def read(self, path: str, *, limit: int, offset: int = 0, tagged: bool = True) -> Chunk:
        """Return at most `limit` bytes of a regular file from byte `offset` on; without `tagged`, no etag.

        Raises ServerError: a folder, a FIFO, a device, a way out of the root; NotThereError: no such file.
        """
        parts = parse(path)
        try:
            fd = self._open(parts, FILE)
            try:
                state = regular(fd)
                data = os.pread(fd, limit, offset)
                whole = data if not offset and len(data) == state.st_size else None
                return Chunk(data, state.st_size, etag_of(fd, state, data=whole) if tagged else "")
            finally:
                os.close(fd)
        except OSError as error:
            raise failure(error, path) from error

    @contextlib.contextmanager
    def opened(self, path: str) -> Generator[int]:
        """Give the descriptor of a regular file, open for reading, while the context lasts. Raises as `read`."""
        with errors(path), closing(self._open(parse(path), FILE)) as fd:
            regular(fd)
            yield fd

    def state(self, path: str) -> State:
        """Return what a path names, of whatever kind, without opening it. Raises ServerError, NotThereError."""
        with errors(path):
            found = self._stat(parse(path))
        return State(kind_of(found.st_mode), found.st_size, found.st_mtime_ns, stat.S_IMODE(found.st_mode))

    def named(self, path: str) -> State:
        """Return what the name at the end of a path is itself: a link there is not followed. Raises as `state`."""
        parts = parse(path)
        with errors(path), closing(self._open(parts[:-1], FOLDER)) as folder:
            found = os.stat(parts[-1] if parts else b".", dir_fd=folder, follow_symlinks=False)
        return State(kind_of(found.st_mode), found.st_size, found.st_mtime_ns, stat.S_IMODE(found.st_mode))

    def _stat(self, parts: tuple[bytes, ...]) -> os.stat_result:
        if self._kernel and _PATH_ONLY:
            with closing(self._open(parts, _PATH_ONLY | os.O_CLOEXEC)) as fd:
                return os.fstat(fd)
        spot = find(self._fd, parts, places=self._places)
        with closing(spot.folder):
            return os.stat(spot.name or b".", dir_fd=spot.folder, follow_symlinks=False)

    def walk(
        self, path: str = "", *, cap: int, enter: Callable[[bytes], bool] | None = None, measured: bool = True
    ) -> Walk:
        """Go through at most `cap` names below a folder, at any depth; see `beneath_walk.Walk`. Follows no link.

        `enter` is asked for each folder, by its path as bytes, whether to go into it; without `measured` the
        names come without sizes and times, and faster. Raises ServerError where the folder itself is not there.
        """
        parts = parse(path)
        with errors(path):
            fd = self._open(parts, FOLDER)
        return Walk(fd, prefix=b"".join(part + b"/" for part in parts), cap=cap, enter=enter, measured=measured)

    def entries(self, path: str = "", *, depth: int = 1, cap: int = 100_000) -> Listing:
        """List a folder `depth` levels down, at most `cap` names; links are shown and not followed."""
        deepest = len(parse(path)) + depth - 1
        with contextlib.closing(self.walk(path, cap=cap, enter=lambda inner: inner.count(b"/") < deepest)) as walk:
            found = sorted(walk, key=lambda seen: seen.path.replace(b"/", b"\0"))
        entries = tuple(Entry(escape(seen.path), seen.kind, seen.size) for seen in found)
        return Listing(entries, walk.complete and not walk.problems)

    def swept(self) -> int:
        """Remove the temporary files that killed writers left anywhere below, none of a living one; return how many."""
        count = 0
        with contextlib.closing(Walk(os.dup(self._fd), cap=_SWEEP_CAP, measured=False, leftovers=True)) as walk:
            for seen in walk:
                parts = tuple(seen.path.split(b"/"))
                if seen.kind == "file" and is_temporary(parts[-1]):
                    with contextlib.suppress(OSError):  # its folder is gone meanwhile
                        spot = find(self._fd, parts, places=self._places, follow=False)
                        with closing(spot.folder):
                            count += sweep_at(spot.folder, spot.name)
        return count

    def write(
        self, path: str, data: bytes, *, mode: Literal["create", "replace"] = "create", etag: str = ""
    ) -> Written:
        """Make `data` the content of a file, atomically; missing folders are made.

        `create` never overwrites. With `etag` the file must still be what was read. A link is followed below
        the root; a hard link is parted from the file outside, not written through.
        """

        def content(old: int | None) -> bytes:
            if mode == "create" and old is not None:
                raise _taken(path)
            matching(old, etag, path)
            return data

        return self._change(path, content)

    def append(self, path: str, data: bytes, *, limit: int, etag: str = "") -> Written:
        """Add `data` to a file's end, on a new line; a missing file is made. Atomic, like `write`.

        Appends of many processes lose nothing and do not mix. Raises ServerError where the file would grow
        above `limit` bytes.
        """

        def content(old: int | None) -> bytes:
            matching(old, etag, path)
            before = b"" if old is None else os.pread(old, limit + 1, 0)
            after = before + (b"\n" if before and not before.endswith(b"\n") else b"") + data
            if len(after) > limit:
                raise ServerError(f"{show(path)} would grow above {limit} bytes; begin another file")
            return after

        return self._change(path, content)

    def edit(self, path: str, change: Callable[[bytes], bytes], *, limit: int, etag: str = "") -> Written:
        """Make `change` of a file's content its content, in one step that no other writer of this suite can enter.

        What `change` raises goes through, and the file stays. Raises NotThereError: no such file; ServerError:
        the file has, or would have, more than `limit` bytes; it is not what had the `etag`.
        """

        def content(old: int | None) -> bytes:
            if old is None:
                raise fail(errno.ENOENT)
            matching(old, etag, path)
            before = os.pread(old, limit + 1, 0)
            after = change(before) if len(before) <= limit else before
            if len(after) > limit:
                raise ServerError(f"{show(path)} has more than {limit} bytes, too many to edit; write it in parts")
            return after

        return self._change(path, content, make=False)

    def make_folder(self, path: str) -> bool:
        """Make a folder, with those above it; return whether it is new. Raises ServerError: a file is in the way."""
        with errors(path):
            spot = self._spot(path, root=True)
            with closing(spot.folder):
                if not spot.name:
                    return False
                self._guard(spot.real, path)
                _check_new(spot.name, path)
                try:
                    os.mkdir(spot.name, self._folder_mode, dir_fd=spot.folder)
                except FileExistsError:
                    os.close(os.open(spot.name, FOLDER | os.O_NOFOLLOW, dir_fd=spot.folder))
                    return False
                os.fsync(spot.folder)
        return True

    def remove(self, path: str, *, etag: str = "") -> None:
        """Remove a regular file; with `etag` only as it was read. Raises ServerError: a folder, a link, none."""
        with errors(path):
            spot = self._spot(path, make=False, follow=False)
            with closing(spot.folder):
                self._guard(spot.real, path, whole=True)
                locked((spot.folder,), path)
                if stat.S_ISLNK(os.stat(spot.name, dir_fd=spot.folder, follow_symlinks=False).st_mode):
                    raise ServerError(f"{show(path)} is a link; name the file itself")
                with existing(spot.folder, spot.name) as old:
                    if old is None:
                        raise fail(errno.ENOENT)
                    matching(old, etag, path)
                os.unlink(spot.name, dir_fd=spot.folder)
                os.fsync(spot.folder)

    def move(self, source: str, target: str, *, replace: bool = False) -> Written:
        """Give a file, folder or link another path, in one step; missing folders are made. A link itself is moved.

        Without `replace` nothing is overwritten. Raises ServerError; TakenError: the target is there.
        """
        with errors(source):
            origin = self._spot(source, make=False, follow=False)
        with closing(origin.folder):
            with errors(source):
                state = os.stat(origin.name, dir_fd=origin.folder, follow_symlinks=False)
                self._guard(origin.real, source, whole=True)
            with errors(target):
                goal = self._spot(target, follow=False)
                with closing(goal.folder):
                    self._guard(goal.real, target, whole=True)
                    _check_new(goal.name, target)
                    locked((origin.folder, goal.folder), target)
                    existed = renamed(origin, goal, target, replace=replace)
                    etag = etag_at(goal) if stat.S_ISREG(state.st_mode) else ""
        return Written(escape(b"/".join(goal.real)), state.st_size, etag, existed)

    def _guard(self, real: tuple[bytes, ...], path: str, *, whole: bool = False) -> None:
        """Raise ServerError where a path is sealed; with `whole` also where a sealed name can be below it."""
        full = (*self._above, *real)
        reason = self._sealed.reason(full) or (self._sealed.above(full) if whole else "")
        if reason:
            raise ServerError(f"{show(path)} is read-only: {reason}")

    def _spot(self, path: str, *, make: bool = True, follow: bool = True, root: bool = False) -> Spot:
        """Return the spot of a path; with `make`, missing folders above it are made; `root` may be meant itself."""
        parts = parse(path)
        spot = self._straight(parts, follow=follow)
        if spot is None:
            if make and b".." not in parts:
                self._guard(parts, path, whole=not root)  # before any folder is made
            may = make and all(plain(part) for part in parts)
            making = Making(partial(self._guard, path=path), self._folder_mode) if may else None
            spot = find(self._fd, parts, places=self._places, make=making, follow=follow)
        if not spot.name and not root:
            os.close(spot.folder)
            raise fail(errno.EISDIR)
        return spot

    def _straight(self, parts: tuple[bytes, ...], *, follow: bool) -> Spot | None:
        """Return the spot of a path without links and dots, in one system call; None where it is not so simple."""
        if not self._kernel or not parts or b".." in parts:
            return None
        try:
            folder = openat2.open_beneath(self._fd, b"/".join(parts[:-1]) or b".", FOLDER, links=False)
        except OSError:
            return None
        if follow and link_at(folder, parts[-1]) is not None:
            os.close(folder)
            return None
        return Spot(folder, parts[-1], parts)

    def _change(self, path: str, content: Callable[[int | None], bytes], *, make: bool = True) -> Written:
        with errors(path):
            spot = self._spot(path, make=make)
            with closing(spot.folder):
                self._guard(spot.real, path, whole=True)
                locked((spot.folder,), path)
                with existing(spot.folder, spot.name) as old:
                    if old is None:
                        _check_new(spot.name, path)
                    data = content(old)
                    before = None if old is None else os.fstat(old)
                    try:
                        state = replace_at(
                            spot.folder, spot.name, data, mode=self._file_mode, old=before, only_new=old is None
                        )
                    except FileExistsError as error:
                        raise _taken(path) from error
        return Written(escape(b"/".join(spot.real)), len(data), etag_of(-1, state, data=data), before is not None)


def _taken(path: str) -> TakenError:
    return TakenError(f"{show(path)} already exists; read it, then write with mode replace or append")


def _check_new(name: bytes, path: str) -> None:
    if not plain(name):
        raise ServerError(f"{show(path)}: a new name holds only printable text; choose another name")
