"""One folder and the files below it on Windows, which has no folder descriptors: what was opened is compared.

A file is opened without truncation and its final path must be below the root's; a folder that is written in is
held open meanwhile, so that neither it nor one above it can be swapped. Links (reparse points) that stay below
the root are followed. The same methods as `beneath_root.Root`.
"""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Self

from servers.machine.beneath_lock import take
from servers.machine.beneath_sealed import Sealed
from servers.machine.beneath_values import (
    Chunk,
    Entry,
    Listing,
    State,
    TakenError,
    Written,
    kind_of,
)
from servers.machine.containment import contains
from servers.machine.errors import ServerError
from servers.machine.names import show
from servers.machine.store import TEMP_SUFFIX, is_temporary
from servers.machine.windows_files import content_of, errors, etag_of, fail, is_link, locked, shown
from servers.machine.windows_handles import PLATFORM, final_path, held_folder
from servers.machine.windows_names import parts_of
from servers.machine.windows_walk import WindowsWalk

__all__ = ["WindowsRoot"]

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_NONBLOCK", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
_SWEEP_CAP = 1_000_000


class _Spot(NamedTuple):
    """A place in a folder that is held: the folder's final path, the name in it, the real path from the root."""

    folder: str
    name: str
    real: tuple[str, ...]

    @property
    def path(self) -> str:
        return os.path.join(self.folder, self.name)


class WindowsRoot:
    """A folder and the files below it; a context manager. The arguments are those of `beneath_root.Root`."""

    def __init__(
        self,
        path: Path,
        *,
        create: bool = False,
        sealed: Mapping[str, str] | Sealed | None = None,
        private: bool = True,
        kernel: bool = True,
    ) -> None:
        """Look at the folder; with `create`, make it first. Raises NotThereError where it is missing."""
        self._sealed = sealed if isinstance(sealed, Sealed) else Sealed(sealed or {})
        self._above: tuple[str, ...] = ()
        with errors(str(path)):
            if create:
                path.mkdir(parents=True, exist_ok=True)
            with held_folder(str(path)) as final:
                self._final = final

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is held between calls."""

    def still(self, path: Path | bytes) -> bool:
        """Tell whether `path` names this very folder."""
        try:
            with held_folder(os.fsdecode(path)) as final:
                return final == self._final
        except OSError:
            return False

    def below(self, path: str, *, create: bool = False) -> "WindowsRoot":
        """Open a folder below this root as a root of its own, which nothing in it can leave."""
        if create:
            self.make_folder(path)
        with errors(path), self._held(parts_of(path)) as final:
            inner = object.__new__(WindowsRoot)
            inner._sealed, inner._final = self._sealed, final
            inner._above = (*self._above, *self._real(final))
        return inner

    @contextlib.contextmanager
    def _held(self, parts: tuple[str, ...]) -> Generator[str]:
        with held_folder(os.path.join(self._final, *parts)) as final:
            if not contains([self._final], final, platform=PLATFORM):
                raise fail(errno.EXDEV)
            yield final

    def _real(self, final: str) -> tuple[str, ...]:
        rest = final[len(self._final) :]
        return tuple(part for part in rest.replace("\\", "/").split("/") if part)

    @contextlib.contextmanager
    def opened(self, path: str) -> Generator[int]:
        """Give the descriptor of a regular file, open for reading, while the context lasts."""
        with errors(path):
            full = os.path.join(self._final, *parts_of(path))
            if os.path.isdir(full):
                raise fail(errno.EISDIR)
            fd = os.open(full, _READ)
            try:
                if not contains([self._final], final_path(fd), platform=PLATFORM):
                    raise fail(errno.EXDEV)
                if not stat.S_ISREG(os.fstat(fd).st_mode):
                    raise fail(errno.ENXIO)
                yield fd
            finally:
                os.close(fd)

    def read(self, path: str, *, limit: int, offset: int = 0, tagged: bool = True) -> Chunk:
        """Return at most `limit` bytes of a regular file from byte `offset` on; without `tagged`, no etag."""
        with self.opened(path) as fd:
            os.lseek(fd, offset, os.SEEK_SET)
            data = os.read(fd, limit)
            return Chunk(data, os.fstat(fd).st_size, etag_of(fd) if tagged else "")

    def state(self, path: str) -> State:
        """Return what a path names."""
        with contextlib.suppress(OSError), self._held(parts_of(path)) as final:
            found = os.stat(final)
            return State("folder", found.st_size, found.st_mtime_ns, stat.S_IMODE(found.st_mode))
        with self.opened(path) as fd:
            found = os.fstat(fd)
        return State(kind_of(found.st_mode), found.st_size, found.st_mtime_ns, stat.S_IMODE(found.st_mode))

    def walk(
        self, path: str = "", *, cap: int, enter: Callable[[bytes], bool] | None = None, measured: bool = True
    ) -> WindowsWalk:
        """Go through at most `cap` names below a folder; here names cost the same with or without measures."""
        parts = parts_of(path)
        with errors(path), self._held(parts) as final:
            return WindowsWalk(final, parts, cap=cap, enter=enter)

    def entries(self, path: str = "", *, depth: int = 1, cap: int = 100_000) -> Listing:
        """List a folder `depth` levels down, at most `cap` names; links are shown and not followed."""
        deepest = len(parts_of(path)) + depth - 1
        with contextlib.closing(self.walk(path, cap=cap, enter=lambda inner: inner.count(b"/") < deepest)) as walk:
            found = sorted(walk, key=lambda seen: seen.path.replace(b"/", b"\0"))
        entries = tuple(Entry(seen.path.decode("utf-8", "backslashreplace"), seen.kind, seen.size) for seen in found)
        return Listing(entries, walk.complete and not walk.problems)

    def swept(self) -> int:
        """Remove the temporary files that killed writers left; one that is open cannot be removed on Windows."""
        count = 0
        for seen in WindowsWalk(self._final, (), cap=_SWEEP_CAP, leftovers=True):
            parts = tuple(seen.path.decode("utf-8", "surrogatepass").split("/"))
            if seen.kind == "file" and is_temporary(os.fsencode(parts[-1])):
                with contextlib.suppress(OSError):
                    fd = os.open(os.path.join(self._final, *parts), os.O_RDWR)
                    try:
                        take(fd)
                    finally:
                        os.close(fd)
                    os.unlink(os.path.join(self._final, *parts))
                    count += 1
        return count

    def write(
        self, path: str, data: bytes, *, mode: Literal["create", "replace"] = "create", etag: str = ""
    ) -> Written:
        """Make `data` the content of a file, atomically; missing folders are made. `create` never overwrites."""

        def content(old: int | None) -> bytes:
            if mode == "create" and old is not None:
                raise _taken(path)
            _matching(old, etag, path)
            return data

        return self._change(path, content)

    def append(self, path: str, data: bytes, *, limit: int, etag: str = "") -> Written:
        """Add `data` to a file's end, on a new line; a missing file is made."""

        def content(old: int | None) -> bytes:
            _matching(old, etag, path)
            before = b"" if old is None else content_of(old, limit + 1)
            after = before + (b"\n" if before and not before.endswith(b"\n") else b"") + data
            if len(after) > limit:
                raise ServerError(f"{show(path)} would grow above {limit} bytes; begin another file")
            return after

        return self._change(path, content)

    def edit(self, path: str, change: Callable[[bytes], bytes], *, limit: int, etag: str = "") -> Written:
        """Make `change` of a file's content its content. Raises as `beneath_root.Root.edit`."""

        def content(old: int | None) -> bytes:
            if old is None:
                raise fail(errno.ENOENT)
            _matching(old, etag, path)
            before = content_of(old, limit + 1)
            after = change(before) if len(before) <= limit else before
            if len(after) > limit:
                raise ServerError(f"{show(path)} has more than {limit} bytes, too many to edit; write it in parts")
            return after

        return self._change(path, content, make=False)

    def make_folder(self, path: str) -> bool:
        """Make a folder, with those above it; return whether it is new."""
        parts = parts_of(path)
        with errors(path), contextlib.ExitStack() as stack:
            return self._made(parts, path, stack)

    def remove(self, path: str, *, etag: str = "") -> None:
        """Remove a regular file; with `etag` only as it was read."""
        with errors(path), self._spot(path, make=False) as spot, locked(spot.folder, path):
            with _existing(spot) as old:
                if old is None:
                    raise fail(errno.ENOENT)
                _matching(old, etag, path)
            os.unlink(spot.path)

    def move(self, source: str, target: str, *, replace: bool = False) -> Written:
        """Give a file or folder another path; missing folders are made. Without `replace` nothing is overwritten."""
        with errors(source), self._spot(source, make=False, whole=True) as origin:
            state = os.lstat(origin.path)
            with errors(target), self._spot(target, make=True, whole=True) as goal, locked(goal.folder, target):
                with _existing(goal) as old:
                    existed = old is not None
                if not replace and os.path.lexists(goal.path):
                    raise _taken(target)
                os.replace(origin.path, goal.path)
                etag = ""
                if stat.S_ISREG(state.st_mode):
                    with _existing(goal) as moved:
                        etag = "" if moved is None else etag_of(moved)
        return Written(shown(goal.real), state.st_size, etag, existed)

    def _guard(self, real: tuple[str, ...], path: str, *, whole: bool) -> None:
        full = tuple(os.fsencode(part) for part in (*self._above, *real))
        reason = self._sealed.reason(full) or (self._sealed.above(full) if whole else "")
        if reason:
            raise ServerError(f"{show(path)} is read-only: {reason}")

    def _made(self, parts: tuple[str, ...], path: str, stack: contextlib.ExitStack) -> bool:
        """Hold each folder of a path in turn, making what is missing; return whether the last one is new."""
        new = False
        for count in range(1, len(parts) + 1):
            full = os.path.join(self._final, *parts[:count])
            new = not os.path.lexists(full)
            if new:
                with self._held(parts[: count - 1]) as above:
                    self._guard((*self._real(above), parts[count - 1]), path, whole=False)
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(os.path.join(above, parts[count - 1]))
            stack.enter_context(self._held(parts[:count]))
        return new

    @contextlib.contextmanager
    def _spot(self, path: str, *, make: bool, whole: bool = True) -> Generator[_Spot]:
        """Hold the folder of a path and give the spot in it; what is sealed is refused."""
        parts = parts_of(path)
        if not parts:
            raise fail(errno.EISDIR)
        with contextlib.ExitStack() as stack:
            if make:
                self._made(parts[:-1], path, stack)
            folder = stack.enter_context(self._held(parts[:-1]))
            real = (*self._real(folder), parts[-1])
            self._guard(real, path, whole=whole)
            yield _Spot(folder, parts[-1], real)

    def _change(self, path: str, content: Callable[[int | None], bytes], *, make: bool = True) -> Written:
        with errors(path), self._spot(path, make=make) as spot, locked(spot.folder, path):
            with _existing(spot) as old:
                existed = old is not None
                data = content(old)
            etag = _replace(spot, data, path, only_new=not existed)
        return Written(shown(spot.real), len(data), etag, existed)


def _taken(path: str) -> TakenError:
    return TakenError(f"{show(path)} already exists; read it, or choose another name")


def _matching(fd: int | None, etag: str, path: str) -> None:
    if etag and (fd is None or etag_of(fd) != etag):
        what = "is gone" if fd is None else "has changed"
        raise ServerError(f"{show(path)} {what} since it was read (etag {show(etag)}); read it again, then write")


@contextlib.contextmanager
def _existing(spot: _Spot) -> Generator[int | None]:
    """Open the regular file at a spot; None where there is none. Raises OSError: a folder, a link, read-only."""
    if not os.path.lexists(spot.path):
        yield None
        return
    state = os.lstat(spot.path)
    if stat.S_ISDIR(state.st_mode):
        raise fail(errno.EISDIR)
    if is_link(spot.path) or not stat.S_ISREG(state.st_mode):
        raise fail(errno.ENXIO)
    if not state.st_mode & 0o222:
        raise fail(errno.EACCES)
    fd = os.open(spot.path, _READ)
    try:
        yield fd
    finally:
        os.close(fd)


def _replace(spot: _Spot, data: bytes, path: str, *, only_new: bool) -> str:
    """Write a temporary file and rename it over the spot; return the new file's etag."""
    temporary = os.path.join(spot.folder, f".{secrets.token_hex(8)}{TEMP_SUFFIX}")
    fd = os.open(temporary, _NEW, 0o600)
    try:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        if only_new and os.path.lexists(spot.path):
            raise _taken(path)
        os.replace(temporary, spot.path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    with _existing(spot) as written:
        return "" if written is None else etag_of(written)
