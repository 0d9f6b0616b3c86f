"""Files below a root: the only way from a caller's path to a file, with no way out of the root.

A root is an open folder and every path starts from its descriptor: on Linux by `openat2(RESOLVE_BENEATH)`, else
by a walk that follows no link blindly; on Windows the final path of what was opened is compared. Only regular
files are opened, and an error shows the path that the caller gave.
"""

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from servers.machine.beneath_sealed import Sealed
from servers.machine.beneath_values import (
    Chunk,
    Entry,
    Kind,
    Listing,
    NotThereError,
    Seen,
    State,
    TakenError,
    Written,
)
from servers.machine.errors import ServerError
from servers.machine.names import bytes_of, escape, show

if sys.platform == "win32":
    from servers.machine.windows_root import WindowsRoot as Root
else:
    from servers.machine.beneath_root import Root

__all__ = [
    "Chunk",
    "Entry",
    "Kind",
    "Listing",
    "NotThereError",
    "Place",
    "Root",
    "Roots",
    "Seen",
    "State",
    "TakenError",
    "Written",
]

_SWEEP_SECONDS = 0.05


class Place(NamedTuple):
    """A root, and a path below it as its methods take it."""

    root: Root
    path: str


class _Named:
    """One folder of `Roots`: its path, and the root once it is open."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.root: Root | None = None
        self.lock = threading.Lock()
        self.swept = False
        self.raw = os.fsencode(self.path)
        self.parts = _split(self.raw)


class Roots:
    """Several folders as roots, each opened when it is first needed and kept open.

    A folder that was removed and made again, or mounted over, is opened anew; one that is gone says so. What killed
    writers left in a folder is swept when it is first opened: before the call in a small tree, beside it else.
    """

    def __init__(
        self, paths: Sequence[Path], *, sealed: Mapping[str, str] | None = None, private: bool = False
    ) -> None:
        """Name the folders, the first for relative paths; none is touched. The rest is as for `Root`."""
        self._named = tuple(_Named(path) for path in paths)
        self._sealed = Sealed(sealed or {})
        self._private = private

    @property
    def paths(self) -> tuple[Path, ...]:
        """The absolute paths of the folders."""
        return tuple(named.path for named in self._named)

    def at(self, path: str) -> Place:
        """Return the root that a path is in and the path below it: relative to the first, or absolute in any.

        Raises ServerError: it is absolute and in none of them, or the folder is not there.
        """
        if not os.path.isabs(path) and not path.startswith("/"):
            return Place(self._open(self._named[0]), path)
        parts = _split(bytes_of(path))
        for wanted in (parts, _without_dots(parts)):
            inside = [named for named in self._named if _alike(wanted[: len(named.parts)], named.parts)]
            if inside:
                named = max(inside, key=lambda named: len(named.parts))
                return Place(self._open(named), escape(b"/".join(wanted[len(named.parts) :])))
        raise ServerError(f"{show(path)} is outside the workspace; give a path relative to its root")

    def roots(self) -> tuple[Root, ...]:
        """Return every root, open. Raises ServerError where a folder is not there."""
        return tuple(self._open(named) for named in self._named)

    def close(self) -> None:
        """Close what is open; a root that is in use elsewhere closes itself when that ends."""
        for named in self._named:
            named.root = None

    def _open(self, named: _Named) -> Root:
        root = named.root
        if root is not None and root.still(named.raw):
            return root
        with named.lock:
            if named.root is not root and named.root is not None:  # another thread was first
                return named.root
            try:
                named.root = Root(named.path, sealed=self._sealed, private=self._private)
            except NotThereError as error:
                where = show(str(named.path))
                raise ServerError(
                    f"the folder {where} of the workspace is not there; make it, or start with another"
                ) from error
            if not named.swept:
                named.swept = True
                sweeper = threading.Thread(target=named.root.swept, daemon=True)
                sweeper.start()
                sweeper.join(_SWEEP_SECONDS)
            return named.root


def _split(path: bytes) -> tuple[bytes, ...]:
    """Return the parts of an absolute path; on Windows the drive is the first."""
    text = path.replace(b"\\", b"/") if sys.platform == "win32" else path
    return tuple(part for part in text.split(b"/") if part not in (b"", b"."))


def _alike(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> bool:
    """Tell whether two paths are spelled alike; where they are not, a file is opened below the root all the same."""
    if sys.platform in ("win32", "darwin"):
        return [os.fsdecode(part).casefold() for part in one] == [os.fsdecode(part).casefold() for part in other]
    return one == other


def _without_dots(parts: Sequence[bytes]) -> tuple[bytes, ...]:
    out: list[bytes] = []
    for part in parts:
        if part != b"..":
            out.append(part)
        elif out:
            out.pop()
    return tuple(out)
