"""The tools over a scan of the user's folders: scan, duplicates, a plan to clean up, and questions."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Annotated, TypeVar

import anyio.from_thread
from mcp.server.mcpserver import Context
from pydantic import Field

from servers.machine.face import WRITES, Face
from servers.machine.work import in_thread
from servers.workspace.scan_place import scope_at
from servers.workspace.scan_results import Scanned
from servers.workspace.scan_running import limited, made_ready
from servers.workspace.scan_walk import Pace

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.workspace.opened import Opened

__all__ = ["offer_scan", "paced", "scan_tree"]

_EVERY = 0.5
"""Seconds between two reports of progress."""
_RESULT = TypeVar("_RESULT")


async def paced(ctx: Context, seconds: float, work: Callable[[Pace], _RESULT]) -> _RESULT:
    """Work in a thread for at most some seconds; progress is told, and a cancelled call ends it where it is."""
    gone = threading.Event()
    last = time.monotonic()

    def told(done: int, total: int, text: str) -> None:
        nonlocal last
        if time.monotonic() - last > _EVERY and not gone.is_set():
            last = time.monotonic()
            anyio.from_thread.run(ctx.report_progress, done, total or None, text)

    try:
        return await in_thread(partial(work, limited(Pace(gone.is_set, told), seconds)))
    finally:
        gone.set()


def scan_tree(opened: Opened, path: str, pace: Pace, *, changed_only: bool, min_size: int) -> Scanned:
    """Scan a folder, or go on with a scan that was cut short, and return what it found. Raises ServerError.

    Files of at least `min_size` bytes are compared; 0: none.
    """
    from servers.workspace.scan_report import report

    start = time.monotonic()
    with scope_at(opened, path) as scope:
        ready = made_ready(scope, pace, depth="changed" if changed_only else "all", min_size=min_size)
        return report(scope, ready, seconds=time.monotonic() - start, changed_only=changed_only)


def offer_scan(face: Face, opened: Opened) -> None:
    """Offer `scan_files`."""

    @face.offer(WRITES, title="Scan folders")
    async def scan_files(
        path: Annotated[
            str, Field(description="folder to scan with all below it; empty: the whole workspace root")
        ] = "",
        *,
        changed_only: Annotated[
            bool, Field(description="read only folders that changed since the last scan: fast, misses edits in place")
        ] = False,
        min_size: Annotated[
            int, Field(ge=0, description="compare files for duplicates from this many bytes on; 0: compare none")
        ] = 1,
        seconds: Annotated[
            int, Field(ge=1, le=3_600, description="stop after this time, 1 to 3,600 s; call again to go on")
        ] = 50,
        ctx: Context,
    ) -> Scanned:
        """Scan a folder: sizes, largest, oldest, caches, projects, abandoned work, ROMs, models, duplicates.

        It writes nothing but its own index. A scan that was stopped, cancelled or killed goes on where it was.
        """
        work = partial(scan_tree, opened, path, changed_only=changed_only, min_size=min_size)
        return await paced(ctx, seconds, work)
