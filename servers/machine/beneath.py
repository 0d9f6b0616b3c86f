"""Files below a root: the only way from a caller's path to a file, with no way out of the root.

Linux opens for reading by `openat2(RESOLVE_BENEATH)`. Everything that writes, a link that is absolute and
every other system goes by the walk, which follows no link blindly. A path is never checked first and opened
later. Only regular files are opened, and an error shows the path that the caller gave.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
import sys
import time
from collections.abc import Callable, Generator, Mapping
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Self

from servers.machine import openat2
from servers.machine.errors import ServerError
from servers.machine.names import escape, parse, plain, show
from servers.machine.store import TEMP_SUFFIX, explain, replace_at
from servers.machine.walk import FOLDER, Spot, find

__all__ = ["Chunk", "Entry", "Kind", "Listing", "NotThereError", "Root", "TakenError", "Written"]

_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_LOCK_SECONDS = 10.0
_HASH_LIMIT = 8_000_000
"""Up to this size (bytes) an etag is of the content; above, of inode, size and time of change."""

Kind = Literal["file", "folder", "link", "other"]
"""What a name in a folder is; `other` is a FIFO, a socket or a device."""


class NotThereError(ServerError):
    """The path names nothing; the server adds which of its tools lists what is there."""


class TakenError(ServerError):
    """A new file was asked for, and the path names one that is there."""


class Chunk(NamedTuple):
    """A range of bytes of a file, with the size (bytes) and the etag of the whole."""

    data: bytes
    size: int
    etag: str


class Written(NamedTuple):
    """What a write did: the file's real path below the root, its size (bytes), its etag (none above 8 MB)."""

    path: str
    size: int
    etag: str
    existed: bool


class Entry(NamedTuple):
    """One name below the root: its path (escaped, see `names.escape`), its kind and its size in bytes."""

    path: str
    kind: Kind
    size: int


class Listing(NamedTuple):
    """Entries, folder by folder, in order of names; not `complete` when something could not be listed."""

    entries: tuple[Entry, ...]
    complete: bool


class _Found(NamedTuple):
    level: int
    parts: tuple[bytes, ...]
    entry: Entry


class _Names(NamedTuple):
    found: list[_Found]
    whole: bool


def _etag(fd: int, size: int) -> str:
    if size > _HASH_LIMIT:
        state = os.fstat(fd)
        text = f"{state.st_dev} {state.st_ino} {state.st_size} {state.st_mtime_ns}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]
    digest, offset = hashlib.sha256(), 0
    while part := os.pread(fd, 1 << 20, offset):
        digest.update(part)
        offset += len(part)
    return digest.hexdigest()[:16]


def _regular(fd: int) -> os.stat_result:
    state = os.fstat(fd)
    if not stat.S_ISREG(state.st_mode):
        code = errno.EISDIR if stat.S_ISDIR(state.st_mode) else errno.ENXIO
        raise OSError(code, os.strerror(code))
    return state


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else "other"


@contextlib.contextmanager
def _errors(path: str) -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:
        failure = explain(error, path)
        raise (NotThereError(str(failure)) if error.errno == errno.ENOENT else failure) from error


@contextlib.contextmanager
def _closing(fd: int) -> Generator[int, None, None]:
    try:
        yield fd
    finally:
        os.close(fd)


def _lock(folder: int, path: str) -> None:
    """Lock an open folder; the lock goes with the descriptor, also when the process is killed."""
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            return fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                text = f"{show(path)}: its folder has been locked for {_LOCK_SECONDS:.0f} s; try again"
                raise ServerError(text) from error
            time.sleep(0.002)


@contextlib.contextmanager
def _existing(spot: Spot) -> Generator[int | None, None, None]:
    """Open the regular file at a spot; None where there is none."""
    try:
        fd = os.open(spot.name, _FILE | os.O_NOFOLLOW, dir_fd=spot.folder)
    except FileNotFoundError:
        yield None
        return
    with _closing(fd):
        if not _regular(fd).st_mode & 0o222:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        yield fd


def _matching(fd: int | None, etag: str, path: str) -> None:
    if etag and (fd is None or _etag(fd, os.fstat(fd).st_size) != etag):
        what = "is gone" if fd is None else "has changed"
        raise ServerError(f"{show(path)} {what} since it was read (etag {show(etag)}); read it again, then write")


class Root:
    """An open folder and the files below it; a context manager, opened anew for each call.

    `sealed` maps names of top folders to the reason why nothing in them is ever written, by whatever path or
    link. `kernel=False` walks always, never using `openat2`.
    """

    def __init__(
        self,
        path: Path,
        *,
        create: bool = False,
        sealed: Mapping[str, str] | None = None,
        kernel: bool = True,
    ) -> None:
        """Open the folder; with `create`, make it first. Raises NotThereError where it is missing."""
        self._fd = -1
        with _errors(str(path)):
            if create:
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(path, FOLDER)
        places = (os.fsencode(path.absolute()), os.fsencode(os.path.realpath(path)))
        self._places = tuple(tuple(part for part in place.split(b"/") if part) for place in places)
        self._sealed = dict(sealed or {})
        self._kernel = kernel and openat2.available()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the root's descriptor; closing it twice does no harm."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _open(self, parts: tuple[bytes, ...], flags: int) -> int:
        if self._kernel:
            try:
                return openat2.open_beneath(self._fd, b"/".join(parts) or b".", flags)
            except OSError as error:  # EXDEV may be an absolute link back into the root: the walk knows
                if error.errno not in (errno.EXDEV, errno.EAGAIN, errno.ENOSYS, errno.EPERM):
                    raise
        spot = find(self._fd, parts, places=self._places)
        with _closing(spot.folder):
            return os.open(spot.name or b".", flags | os.O_NOFOLLOW, dir_fd=spot.folder)

    def read(self, path: str, *, limit: int, offset: int = 0, tagged: bool = True) -> Chunk:
        """Return at most `limit` bytes of a regular file from byte `offset` on; without `tagged`, no etag.

        Raises ServerError: a folder, a FIFO, a device, a way out of the root; NotThereError: no such file.
        """
        with _errors(path), _closing(self._open(parse(path), _FILE)) as fd:
            size = _regular(fd).st_size
            return Chunk(os.pread(fd, limit, offset), size, _etag(fd, size) if tagged else "")

    def write(
        self, path: str, data: bytes, *, mode: Literal["create", "replace"] = "create", etag: str = ""
    ) -> Written:
        """Make `data` the content of a file, atomically; missing folders are made.

        `create` never overwrites. With `etag` the file must still be what was read. A link is followed below
        the root; a hard link is parted from the file outside, not written through.
        """

        def content(old: int | None) -> bytes:
            if mode == "create" and old is not None:
                raise TakenError(f"{show(path)} already exists; read it, then write with mode replace or append")
            _matching(old, etag, path)
            return data

        return self._change(path, content)

    def append(self, path: str, data: bytes, *, limit: int, etag: str = "") -> Written:
        """Add `data` to a file's end, on a new line; a missing file is made. Atomic, like `write`.

        Appends of many processes lose nothing and do not mix. Raises ServerError where the file would grow
        above `limit` bytes.
        """

        def content(old: int | None) -> bytes:
            _matching(old, etag, path)
            before = b"" if old is None else os.pread(old, limit + 1, 0)
            after = before + (b"\n" if before and not before.endswith(b"\n") else b"") + data
            if len(after) > limit:
                raise ServerError(f"{show(path)} would grow above {limit} bytes; begin another file")
            return after

        return self._change(path, content)

    def _guard(self, real: tuple[bytes, ...], path: str) -> None:
        first = os.fsdecode(real[0])
        if sys.platform == "darwin":  # its file systems fold case
            first = first.casefold()
        if first in self._sealed:
            raise ServerError(f"{show(path)} is read-only: {self._sealed[first]}")

    def _spot(self, path: str) -> Spot:
        parts = parse(path)
        make = all(plain(part) for part in parts)

        def guard(real: tuple[bytes, ...]) -> None:
            self._guard(real, path)

        spot = find(self._fd, parts, places=self._places, make=guard if make else None)
        try:
            if not spot.name:
                raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
            guard(spot.real)
        except BaseException:
            os.close(spot.folder)
            raise
        return spot

    def _change(self, path: str, content: Callable[[int | None], bytes]) -> Written:
        with _errors(path):
            spot = self._spot(path)
            with _closing(spot.folder):
                _lock(spot.folder, path)
                with _existing(spot) as old:
                    if old is None and not plain(spot.name):
                        raise ServerError(f"{show(path)}: a new name holds only printable text; choose another name")
                    data = content(old)
                    mode = 0o600 if old is None else stat.S_IMODE(os.fstat(old).st_mode) & 0o777
                    replace_at(spot.folder, spot.name, data, mode=mode)
        etag = hashlib.sha256(data).hexdigest()[:16] if len(data) <= _HASH_LIMIT else ""
        return Written(escape(b"/".join(spot.real)), len(data), etag, old is not None)

    def below(self, path: str, *, create: bool = False) -> "Root":
        """Open a folder below this root as a root of its own, which nothing in it can leave."""
        with _errors(path):
            if create:
                spot = self._spot(path)
                with _closing(spot.folder), contextlib.suppress(FileExistsError):
                    os.mkdir(spot.name, 0o700, dir_fd=spot.folder)
            parts = parse(path)
            fd = self._open(parts, FOLDER)
        inner = object.__new__(Root)
        inner._fd, inner._kernel, inner._sealed = fd, self._kernel, {}
        inner._places = tuple(place + parts for place in self._places)
        return inner

    def entries(self, path: str = "", *, depth: int = 1, cap: int = 100_000) -> Listing:
        """List a folder `depth` levels down, at most `cap` names; links are shown and not followed."""
        found: list[Entry] = []
        with _errors(path):
            todo, complete = self._names_in(parse(path), cap=cap, level=1)
        while todo and len(found) < cap:
            item = todo.pop()
            found.append(item.entry)
            if item.entry.kind != "folder" or item.level >= depth:
                continue
            try:
                inner, whole = self._names_in(item.parts, cap=cap - len(found), level=item.level + 1)
            except OSError:  # gone meanwhile, or not ours to read
                complete = False
            else:
                todo += inner
                complete = complete and whole
        return Listing(tuple(found), complete and not todo)

    def _names_in(self, parts: tuple[bytes, ...], *, cap: int, level: int) -> "_Names":
        found: list[_Found] = []
        with _closing(self._open(parts, FOLDER)) as fd, os.scandir(fd) as names:
            for item in islice(names, cap):
                name = os.fsencode(item.name)
                if name.startswith(b".") and name.endswith(TEMP_SUFFIX.encode()):
                    continue
                with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                    state = item.stat(follow_symlinks=False)
                    here = (*parts, name)
                    entry = Entry(escape(b"/".join(here)), _kind(state.st_mode), state.st_size)
                    found.append(_Found(level, here, entry))
            whole = next(names, None) is None
        found.sort(key=lambda item: item.parts[-1], reverse=True)
        return _Names(found, whole)
