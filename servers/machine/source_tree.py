"""The source files of a code tree below the project folder, each read only when it is asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

from servers.machine.beneath import Entry, Root
from servers.machine.errors import ServerError
from servers.machine.names import show

__all__ = ["SUFFIXES", "SourceTree", "TreeFile", "source_tree"]

SUFFIXES = (".asm", ".s", ".inc", ".65816", ".65s", ".a65", ".65c816", ".i", ".lst", ".mac")
"""Endings of the names of files that hold 65816 source."""
_DEPTH = 64
_FILE_LIMIT = 32 << 20


class TreeFile(NamedTuple):
    """One file: its path within the tree, and its bytes on demand; OSError when it can no longer be read."""

    path: str
    read: Callable[[], bytes]


class SourceTree(NamedTuple):
    """The source files of a folder, in order of their paths."""

    files: tuple[TreeFile, ...]
    complete: bool
    """All folders could be listed."""


def _reader(root: Root, path: str) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            chunk = root.read(path, limit=_FILE_LIMIT, tagged=False)
        except ServerError as error:
            raise OSError(str(error)) from error
        if chunk.size > len(chunk.data):
            raise OSError(f"{path} has {chunk.size} bytes, more than {_FILE_LIMIT}")
        return chunk.data

    return read


def _is_source(entry: Entry) -> bool:
    hidden = any(part.startswith(".") for part in entry.path.split("/"))
    return entry.kind == "file" and not hidden and entry.path.lower().endswith(SUFFIXES)


@contextlib.contextmanager
def source_tree(project: Path, folder: str) -> Generator[SourceTree]:
    """Give the source files of a folder below `project` (empty: of all of it) while the context lasts.

    Hidden folders and links are left out. Raises ServerError: no such folder, no source file in it.
    """
    with Root(project) as outer, outer.below(folder) if folder else contextlib.nullcontext(outer) as root:
        listing = root.entries(depth=_DEPTH)
        paths = sorted(entry.path for entry in listing.entries if _is_source(entry))
        if not paths:
            raise ServerError(f"{show(folder or '.')} has no source file ({', '.join(SUFFIXES)}); name another folder")
        yield SourceTree(tuple(TreeFile(path, _reader(root, path)) for path in paths), listing.complete)
