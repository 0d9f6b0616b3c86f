"""Hashes of the files that may be duplicates: by size, then by the first 4 KB, then by all of it; kept in the scan.

Names of one file (hard links) are no duplicates of each other. A file that is not what the scan saw, or that
changes while it is read, gets no hash.
"""

from __future__ import annotations

import itertools
import os
import queue
import threading
from typing import TYPE_CHECKING, NamedTuple

from servers.workspace.duplicates_hands import ChildHand, Hand
from servers.workspace.duplicates_reading import WHOLE, Hashes, Wanted
from servers.workspace.scan_store import SCOPE, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.machine.beneath import Root
    from servers.workspace.scan_store import ScanStore
    from servers.workspace.scan_walk import Pace

__all__ = ["Hashed", "finish_hashes"]

_WRITTEN = 4_000
"""Hashes that are written at once."""
_CHUNK = 100
"""Files that are handed over at once, and the bytes after which there are fewer."""
_CHUNK_BYTES = 32_000_000
_MANY = 4_000
"""Files, or bytes by the megabyte, from which on processes of their own are worth their start."""
_MOST_HANDS = 4
_PATIENCE = 0.2
"""Seconds after which a long file is asked about again."""

_FILES = "file JOIN folder ON folder.id = file.folder"
_TWO = "count(*) > 1 AND (min(inode) <> max(inode) OR min(device) <> max(device))"
_COLUMNS = f"SELECT file.folder, folder.path, file.name, file.size, file.mtime, file.inode FROM {_FILES}"
_HEADS = f"""{_COLUMNS} WHERE {SCOPE} AND NOT trash AND head IS NULL AND size IN (
    SELECT size FROM {_FILES} WHERE {SCOPE} AND NOT trash AND size >= ? GROUP BY size HAVING {_TWO})"""
_FULLS = f"""{_COLUMNS} WHERE {SCOPE} AND NOT trash AND full IS NULL AND (size, head) IN (
    SELECT size, head FROM {_FILES} WHERE {SCOPE} AND NOT trash AND head IS NOT NULL AND size > {WHOLE} AND size >= ?
    GROUP BY size, head HAVING {_TWO}) ORDER BY size"""
_KEEP = "UPDATE file SET head = coalesce(?, head), full = coalesce(?, full) WHERE folder = ? AND name = ? AND mtime = ?"


class Hashed(NamedTuple):
    """What was hashed: files; files that could not be read or had changed; whether it came to its end."""

    files: int
    left_out: int
    complete: bool


def finish_hashes(store: ScanStore, root: Root, top: bytes, pace: Pace, *, min_size: int, path: Path) -> Hashed:
    """Hash every file below `top` of at least `min_size` bytes that may have a duplicate there. Raises ServerError.

    What is hashed already is not read again, so that work that was cut short goes on where it was. `path` is
    the root's.
    """
    values = (*scope_of(top), *scope_of(top), max(1, min_size))
    files = left_out = 0
    for sql, heads in ((_HEADS, True), (_FULLS, False)):
        wanted = [Wanted(*row) for row in store.rows(sql, values)]
        done = _Hashing(store, root, pace, path).go(wanted, heads=heads)
        files, left_out = files + done.files, left_out + done.left_out
        if not done.complete:
            return Hashed(files, left_out, complete=False)
    return Hashed(files, left_out, complete=True)


class _Hashing:
    """Some hands that take files from one list, and one writer of what they find."""

    def __init__(self, store: ScanStore, root: Root, pace: Pace, path: Path) -> None:
        self._store, self._root, self._pace, self._path = store, root, pace, path
        self._found: queue.SimpleQueue[list[tuple[Wanted, Hashes]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._end = threading.Event()

    def go(self, wanted: list[Wanted], *, heads: bool) -> Hashed:
        hands = self._hands(wanted, heads=heads)
        chunks = _chunks(wanted, heads=heads)
        threads = [threading.Thread(target=self._work, args=(hand, chunks, heads), daemon=True) for hand in hands]
        try:
            for thread in threads:
                thread.start()
            return self._written(len(wanted), len(threads))
        finally:
            self._end.set()
            for hand in hands:
                hand.close()
            for thread in threads:
                thread.join()

    def _stopped(self) -> bool:
        return self._end.is_set() or self._pace.stop()

    def _hands(self, wanted: list[Wanted], *, heads: bool) -> list[Hand]:
        work = len(wanted) + (0 if heads else sum(one.size for one in wanted) // 100_000)
        cores = min(os.cpu_count() or 1, _MOST_HANDS)
        if work < _MANY or cores < 2:
            return [Hand(self._root, self._stopped)] if wanted else []
        return [ChildHand(self._root, self._stopped, self._path) for _ in range(cores)]

    def _work(self, hand: Hand, chunks: Iterator[list[Wanted]], heads: bool) -> None:  # noqa: FBT001  # a thread's argument
        try:
            while not self._stopped():
                with self._lock:
                    chunk = next(chunks, None)
                if chunk is None:
                    break
                self._found.put(list(zip(chunk, hand.hash(chunk, heads=heads), strict=True)))
        finally:
            self._found.put(None)

    def _written(self, total: int, threads: int) -> Hashed:
        kept: list[tuple[object, ...]] = []
        files = seen = 0
        while threads and not self._pace.stop():
            try:
                found = self._found.get(timeout=_PATIENCE)
            except queue.Empty:
                continue
            if found is None:
                threads -= 1
            else:
                seen += len(found)
                pairs = [(one, hashes) for one, hashes in found if hashes.head or hashes.full]
                kept += [(*hashes, one.folder, one.name, one.mtime) for one, hashes in pairs]
                files += len(pairs)
            if len(kept) >= _WRITTEN or not threads:
                self._write(kept)
                kept = []
                self._pace.told(seen, total, f"{seen} of {total} files compared")
        self._write(kept)
        return Hashed(files, seen - files, complete=seen == total and not self._pace.stop())

    def _write(self, kept: list[tuple[object, ...]]) -> None:
        with self._store.writing() as db:
            db.executemany(_KEEP, kept)


def _chunks(wanted: list[Wanted], *, heads: bool) -> Iterator[list[Wanted]]:
    """Part files into lists of some, few where they are large and read whole."""
    each = iter(wanted)
    while chunk := list(itertools.islice(each, 1)):
        room = _CHUNK_BYTES - (0 if heads else chunk[0].size)
        while len(chunk) < _CHUNK and room > 0:
            one = next(each, None)
            if one is None:
                break
            chunk.append(one)
            room -= 0 if heads else one.size
        yield chunk
