"""A full text index over the files below a root, kept fresh by their content and shared by many processes.

`refresh` compares what is there with what the index knows (size, time of change, inode) and reads only what
differs, whose content's hash decides; where the kernel tells changes it does not even look. The index can be
deleted at any time: it is made anew.
"""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from servers.machine.beneath import Entry, Root
from servers.machine.errors import ServerError
from servers.machine.names import show
from servers.machine.store import explain
from servers.machine.text_index_file import GONE, IndexFile
from servers.machine.text_index_rows import Prepared, gone, prepare, put
from servers.machine.text_index_search import Hit, Hits, Wish, best_passages, listed, rank
from servers.machine.text_index_vectors import (
    Bare,
    Embed,
    Near,
    Vector,
    bare_passages,
    keep_vectors,
    nearest,
    vectors_of,
)
from servers.machine.watch import Watch, open_watch

__all__ = ["Refreshed", "TextIndex", "Told", "Wants"]

_MOST_FILES = 500_000
_BATCH_FILES = 500
_BATCH_SIZE = 4_000_000
_MANY = 2_000
"""Changed files above which it is quicker to look through all."""
_LOOK_SECONDS = 60.0
"""How long the kernel's word is taken: a change through a hard link or a memory map it does not tell."""
_TRIES = 5

_RESULT = TypeVar("_RESULT")

Told = Callable[[int, int], None]
"""Is told how many files are done, of how many; what it raises ends the refresh, and what is done is kept."""


class Refreshed(NamedTuple):
    """What a refresh found: files with text, files skipped (binary, above 8 MB, unreadable), files read now."""

    files: int
    skipped: int
    changed: int
    left: int
    """Files that are still to be read, because time ran out: the next refresh goes on with them."""
    note: str
    """What is not as it should be; empty when all is well."""


def _all_shown(path: bytes, head: bytes) -> bool:
    return bool(path) or bool(head)


class Wants(NamedTuple):
    """Which files are in the index, by their paths in bytes."""

    wanted: Callable[[bytes], bool] = bool
    """Whether a file is, by its path."""
    enter: Callable[[bytes], bool] = bool
    """Whether a folder is gone into."""
    shown: Callable[[bytes, bytes], bool] = _all_shown
    """Whether a file is, by its path and its first 32,768 bytes."""
    rules: str = ""
    """Changes when the answers of the others do."""


class _Anew(Exception):
    """The index was made anew; what was done with the old one has to be done again."""


class _Look(NamedTuple):
    """What has to be read, and what has to go."""

    read: list[bytes]
    drop: list[bytes]


_ANYWHERE = Wish()
_EVERYTHING = Wants()


class TextIndex:
    """One index; its methods may be called by several threads. `path` is its file, None: in memory alone."""

    def __init__(self, path: Path | None, *, watching: bool = True) -> None:
        """Name the file; it is opened by the first call. Without `watching` each refresh looks through all."""
        self._path = path
        self._watching = watching
        self._file: IndexFile | None = None
        self._lock = threading.RLock()
        self._refreshing = threading.Lock()
        self._watch: Watch | None = None
        self._looked = 0.0
        self._key: tuple[object, ...] = ()
        self._left: dict[bytes, None] = {}

    def refresh(
        self, root: Root, *, place: Path, wants: Wants = _EVERYTHING, told: Told | None = None, seconds: float = 20.0
    ) -> Refreshed:
        """Bring the index up to date with the files below `root`, which is the open folder `place`.

        It takes about `seconds` at most; `left` counts what is still to be done then. Raises ServerError.
        """
        deadline = time.monotonic() + seconds
        with self._refreshing:
            try:
                return self._retried(lambda: self._refresh(root, place, wants, deadline=deadline, told=told))
            except BaseException:
                self._looked = 0.0
                raise

    def _refresh(self, root: Root, place: Path, wants: Wants, *, deadline: float, told: Told | None) -> Refreshed:
        with self._using() as index:
            index.sync()
            look = self._look(index, root, place, wants)
        self._put([gone(path, row) for path in look.drop if (row := index.rows.get(path)) is not None])
        self._left.update(dict.fromkeys(look.read))
        changed = self._write(root, wants, deadline=deadline, told=told)
        with self._using() as index:
            return Refreshed(*index.counts, changed, len(self._left), index.note)

    def search(self, query: str, wish: Wish = _ANYWHERE, *, limit: int, offset: int = 0) -> Hits:
        """Return a page of the files that answer a query, best first: any text is a query."""

        def work() -> Hits:
            with self._reading() as index:
                return rank(index, query, wish, limit=limit, offset=offset)

        return self._retried(work)

    def files(self, wish: Wish = _ANYWHERE) -> list[Entry]:
        """Return the files whose text is in the index, folder by folder in order of their names."""

        def work() -> list[Entry]:
            with self._reading() as index:
                return listed(index, wish)

        return self._retried(work)

    def passages(self, question: str, wish: Wish = _ANYWHERE, *, most: int) -> tuple[Hit, ...]:
        """Return the passages that answer a long question best, best first; several of one file too."""

        def work() -> tuple[Hit, ...]:
            with self._reading() as index:
                return best_passages(index, question, wish, most=most)

        return self._retried(work)

    def near(self, question: str, embed: Embed, *, model: str, most: int = 30, seconds: float = 2.0) -> Near:
        """Return the passages nearest to a question in meaning.

        Passages that have no vector yet get one, for about `seconds`; the next call goes on. Raises ServerError
        for what `embed` raises.
        """
        deadline = time.monotonic() + seconds
        (asked,) = vectors_of([question], embed)
        while time.monotonic() < deadline and (bare := self._retried(lambda: self._bare(model))):
            self._keep(bare, vectors_of([one.text for one in bare], embed), model)

        def work() -> Near:
            with self._reading() as index:
                return nearest(index, asked, model=model, most=most)

        return self._retried(work)

    def _bare(self, model: str) -> list[Bare]:
        with self._reading() as index:
            return bare_passages(index, model=model)

    def _keep(self, bare: Sequence[Bare], vectors: Sequence[Vector], model: str) -> None:
        def work() -> None:
            with self._reading() as index:
                keep_vectors(index, bare, vectors, model=model)

        self._retried(work)

    @contextlib.contextmanager
    def _reading(self) -> Generator[IndexFile]:
        with self._using() as index:
            index.sync()
            yield index

    def close(self) -> None:
        """Close the file and stop watching; the next call opens it again."""
        with self._lock:
            if self._file is not None:
                self._file.close()
            if self._watch is not None:
                self._watch.close()
            self._file = self._watch = None
            self._looked = 0.0

    @contextlib.contextmanager
    def _using(self) -> Generator[IndexFile]:
        with self._lock:
            if self._file is None:
                self._file = IndexFile(self._path)
            elif self._file.replaced():
                self._looked = 0.0
            try:
                yield self._file
            except sqlite3.Error as error:
                if self._file.recover(error):
                    self._looked = 0.0
                    raise _Anew from error
                raise

    def _retried(self, work: Callable[[], _RESULT]) -> _RESULT:
        """Do some work with the index, again where the index had to be made anew meanwhile."""
        for _ in range(_TRIES):
            try:
                return work()
            except _Anew:
                continue
            except sqlite3.Error as error:
                raise ServerError(f"the search index cannot be used ({error}); search again in a moment") from error
        raise ServerError(f"the search index breaks again and again; delete {show(str(self._path))} and search again")

    def _look(self, index: IndexFile, root: Root, place: Path, wants: Wants) -> _Look:
        try:
            state = place.stat()
        except OSError as error:
            raise explain(error, str(place)) from error
        key = (place, state.st_dev, state.st_ino, wants.rules)
        fresh = key == self._key and time.monotonic() - self._looked < _LOOK_SECONDS
        if fresh and self._watch is not None:
            changes = self._watch.changes()
            if not changes.whole and len(changes.files) <= _MANY:
                return _Look(list(filter(wants.wanted, changes.files)), [])
        if self._watch is not None:
            self._watch.close()
        self._watch = open_watch(os.fsencode(place)) if self._watching else None
        self._left.clear()
        started = time.monotonic()
        look = self._walk(index, root, wants)
        self._key, self._looked = key, started
        return look

    def _walk(self, index: IndexFile, root: Root, wants: Wants) -> _Look:
        """Look through all files for those that differ from what the index knows."""

        def entering(folder: bytes) -> bool:
            if not wants.enter(folder):
                return False
            if self._watch is not None and not self._watch.add(folder):
                self._watch.close()
                self._watch = None
            return True

        read: list[bytes] = []
        here: set[bytes] = set()
        rows = index.rows
        walk = root.walk(cap=_MOST_FILES, enter=entering)
        for item in walk:
            path = item.path
            if item.kind != "file" or not wants.wanted(path):
                continue
            here.add(path)
            row = rows.get(path)
            same = row is not None and row.state != GONE and (row.size, row.modified) == (item.size, item.modified_ns)
            if row is None or not same or row.inode != item.inode:
                read.append(path)
        drop = [path for path, row in rows.items() if row.state != GONE and path not in here]
        return _Look(read, drop if walk.complete else [])

    def _write(self, root: Root, wants: Wants, *, deadline: float, told: Told | None) -> int:
        """Read what is left and write it, batch by batch, each for all to see. Return how many files were read."""
        total, tries = len(self._left), 0
        while self._left and (len(self._left) == total or time.monotonic() < deadline):
            batch = self._batch(root, wants)
            again = self._put(batch)
            tries = tries + 1 if len(again) == len(batch) else 0
            for file in batch:
                if file.path not in again or tries >= _TRIES:
                    self._left.pop(file.path, None)
            if told is not None and self._left:
                told(total - len(self._left), total)
        return total - len(self._left)

    def _batch(self, root: Root, wants: Wants) -> list[Prepared]:
        """Read some of the files that are left."""
        with self._reading() as index:
            rows = index.rows
        batch: list[Prepared] = []
        size = 0
        for path in self._left:
            file = prepare(root, path, known=rows.get(path), shown=wants.shown)
            batch.append(file)
            size += file.weight
            if len(batch) >= _BATCH_FILES or size > _BATCH_SIZE:
                break
        return batch

    def _put(self, batch: Sequence[Prepared]) -> frozenset[bytes]:
        """Write some files in one transaction, and return those that have to be read again."""
        if not batch:
            return frozenset()
        with self._using() as index, index.writing() as version:
            return frozenset(file.path for file in batch if not put(index, file, version=version))
