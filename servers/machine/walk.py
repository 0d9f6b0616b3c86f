"""The walk: a path resolved below an open folder one component at a time, without the kernel's help.

No component is ever opened through a link. A link is read and its target is walked like the rest of the path,
so it may lead anywhere below the root and nowhere else; `..` starts again from the root with what is left.
"""

import contextlib
import errno
import os
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["FOLDER", "Making", "Places", "Spot", "find", "link_at", "places_of"]

Places = tuple[tuple[bytes, ...], ...]
"""The absolute paths of a root, each as its parts."""

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
"""Flags that open a folder for reading and locking."""

_MAX_LINKS = 40
"""As the kernel: more links than this in one path is a circle (ELOOP)."""


class Spot(NamedTuple):
    """A place in an open folder: the folder (the caller closes it), the name in it, the path from the root.

    The path is the real one, without links. The name is empty where the path is the root itself; it may not
    exist, and is no link unless links were not to be followed.
    """

    folder: int
    name: bytes
    real: tuple[bytes, ...]


class Making(NamedTuple):
    """How missing folders are made: with which mode, after `guard` was called with the real path and did not raise."""

    guard: Callable[[tuple[bytes, ...]], None]
    mode: int


def _fail(code: int) -> OSError:
    return OSError(code, os.strerror(code))


def link_at(folder: int, name: bytes) -> bytes | None:
    """Return the target of a link in an open folder; None where the name is no link, or names nothing."""
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):  # no link, or nothing there
            return None
        raise


class _Walk:
    def __init__(
        self,
        root: int,
        places: Callable[[], Places],
        make: Making | None,
        *,
        follow: bool,
    ) -> None:
        self._root = root
        self._places = places
        self._make = make
        self._follow = follow
        self._links = 0
        self._real: list[bytes] = []
        self.folder = os.open(b".", FOLDER, dir_fd=root)

    def _enter(self, folder: int) -> None:
        os.close(self.folder)
        self.folder = folder

    def _restart(self) -> None:
        self._real = []
        self._enter(os.open(b".", FOLDER, dir_fd=self._root))

    def _target(self, link: bytes) -> list[bytes]:
        self._links += 1
        if self._links > _MAX_LINKS:
            raise _fail(errno.ELOOP)
        parts = [part for part in link.split(b"/") if part not in (b"", b".")]
        if not link.startswith(b"/"):
            return parts
        for place in self._places():
            if tuple(parts[: len(place)]) == place:
                self._restart()
                return parts[len(place) :]
        raise _fail(errno.EXDEV)

    def _descend(self, part: bytes) -> None:
        flags = FOLDER | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            self._enter(os.open(part, flags, dir_fd=self.folder))
        except FileNotFoundError:
            if self._make is None:
                raise
            self._make.guard(tuple(self._real))
            with contextlib.suppress(FileExistsError):  # another process made it meanwhile
                os.mkdir(part, self._make.mode, dir_fd=self.folder)
            self._enter(os.open(part, flags, dir_fd=self.folder))

    def to(self, parts: tuple[bytes, ...]) -> Spot:
        """Go to the last part."""
        todo = list(reversed(parts))
        while todo:
            part = todo.pop()
            if part == b"..":
                if not self._real:
                    raise _fail(errno.EXDEV)
                todo += reversed(self._real[:-1])
                self._restart()
                continue
            link = link_at(self.folder, part) if todo or self._follow else None
            if link is not None:
                todo += reversed(self._target(link))
                continue
            self._real.append(part)
            if not todo:
                return Spot(self.folder, part, tuple(self._real))
            self._descend(part)
        return Spot(self.folder, b"", ())


def places_of(path: bytes) -> Places:
    """Return the parts of a root's absolute path and of its real one."""
    places = (path, os.path.realpath(path))
    return tuple(tuple(part for part in place.split(b"/") if part) for place in places)


def find(
    root: int,
    parts: tuple[bytes, ...],
    *,
    places: Callable[[], Places],
    make: Making | None = None,
    follow: bool = True,
) -> Spot:
    """Return the spot that `parts` lead to below the open folder `root`.

    `places` gives the root's own absolute paths, so that an absolute link back into it is followed. With `make`,
    missing folders are made. Without `follow` the last part is taken as it is, also where it is a link. Raises
    OSError: EXDEV for a way out of the root, ELOOP, ENOENT, ENOTDIR.
    """
    walk = _Walk(root, places, make, follow=follow)
    try:
        return walk.to(parts)
    except BaseException:
        os.close(walk.folder)
        raise
