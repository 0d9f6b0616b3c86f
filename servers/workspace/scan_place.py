"""Where a scan is about: an open root, a folder below it, and the file that keeps what is known of it."""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from servers.machine.errors import ServerError
from servers.machine.names import escape, parse, show
from servers.workspace.scan_store import ScanStore, open_store

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from servers.machine.beneath import Root
    from servers.workspace.opened import Opened

__all__ = ["Scope", "scope_at", "seldom_collecting"]


class Scope(NamedTuple):
    """A folder that is scanned: the root that it is in, its path below it, and the scan's file, open."""

    root: Root
    top: bytes
    path: Path
    """The root's own path."""
    prefix: bytes
    """Goes before a path below the root where it is given back: nothing for the first root."""
    store: ScanStore

    def shown(self, path: bytes) -> str:
        """Return a path below the root as a tool takes it."""
        return escape(self.prefix + path) or "."


@contextmanager
def scope_at(opened: Opened, path: str) -> Generator[Scope]:
    """Open the scan that a folder of the workspace belongs to. Raises ServerError: it is no folder, or outside."""
    with opened.at("" if path.strip() == "." else path) as (root, inner):
        parts = parse(inner)
        if b".." in parts:
            raise ServerError(f"{show(path)} has '..' in it; name the folder without")
        if root.state(inner).kind not in ("folder", "link"):
            raise ServerError(f"{show(path)} is no folder; name a folder, or leave the path empty for all")
        place = next(path for path in opened.roots.paths if opened.roots.at(str(path)).root is root)
        with open_store(opened.settings.data_dir, os.fsencode(place)) as store:
            yield Scope(root, b"/".join(parts), place, opened.prefix(root), store)


@contextmanager
def seldom_collecting() -> Generator[None]:
    """Let the garbage collector run seldom: many small rows that live long make it look at all of them for nothing."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 50, 1_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
