"""One file for the text index: read beneath the root, told text from binary, cut into passages, written as rows."""

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable
from typing import NamedTuple

from servers.machine.beneath import NotThereError, Root
from servers.machine.errors import ServerError
from servers.machine.fts_text import Passage, name_words, parts_of, passages
from servers.machine.names import escape
from servers.machine.sensitivity import HEAD
from servers.machine.text_index_file import GONE, SKIPPED, TEXT, IndexFile, Row

__all__ = ["LARGEST", "SHIFT", "Prepared", "gone", "prepare", "put"]

LARGEST = 8_000_000
"""Bytes of a file whose text is taken; a larger one is counted as skipped."""
SHIFT = 16
"""A passage's row is its file's id, so many bits to the left, plus its number in the file."""

_MARK = 8
_TICK_NS = 50_000_000
"""A file that changed so shortly before it was read may change again without a new time of change."""


class Prepared(NamedTuple):
    """A file as it was read; `state` as in `Row`."""

    path: bytes
    size: int
    modified: int
    inode: int
    state: int
    etag: str
    known: Row | None
    """What the index knew of the file when it was read."""
    passages: tuple[Passage, ...] = ()

    @property
    def weight(self) -> int:
        """About how much of a batch it is, in characters."""
        return 2_000 + sum(len(passage.text) for passage in self.passages)


def _decoded(data: bytes) -> str | None:
    """Return the text of a file's bytes, None where they are no text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace").lstrip("\ufeff")
    if b"\0" in data:
        return None
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


def _read(fd: int) -> bytes:
    data = bytearray()
    while len(data) <= LARGEST and (part := os.pread(fd, 1 << 20, len(data))):
        data += part
    return bytes(data)


def _settled(state: os.stat_result) -> int:
    """Return the time of change to remember; negative where another change could bear the same."""
    coarse = state.st_mtime_ns % 1_000_000_000 == 0
    tick = 2_000_000_000 if coarse else _TICK_NS
    return -state.st_mtime_ns if 0 <= time.time_ns() - state.st_mtime_ns < tick else state.st_mtime_ns


def prepare(root: Root, path: bytes, *, known: Row | None, shown: Callable[[bytes, bytes], bool]) -> Prepared:
    """Read one file. What cannot be read is `SKIPPED`, what is not there any more `GONE`.

    `shown` is given the path and the first 32,768 bytes, and False skips the file. A file whose content is what
    `known` says has no passages here: its rows stay.
    """
    name = escape(path)
    try:
        if root.named(name).kind != "file":
            return Prepared(path, 0, 0, 0, GONE, "", known)
        with root.opened(name) as fd:
            state = os.fstat(fd)
            data = _read(fd) if state.st_size <= LARGEST else b""
    except NotThereError:
        return Prepared(path, 0, 0, 0, GONE, "", known)
    except (ServerError, OSError):
        return Prepared(path, 0, 0, 0, SKIPPED, "", known)
    modified = _settled(state)
    if state.st_size > LARGEST or len(data) > LARGEST:
        return Prepared(path, state.st_size, modified, state.st_ino, SKIPPED, "", known)
    etag = hashlib.sha256(data).hexdigest()[:16]
    if known is not None and known.etag == etag:
        return Prepared(path, state.st_size, modified, state.st_ino, known.state, etag, known)
    text = _decoded(data) if shown(path, data[:HEAD]) else None
    if text is None:
        return Prepared(path, state.st_size, modified, state.st_ino, SKIPPED, etag, known)
    cut = passages(text, name=name)[: 1 << SHIFT]
    return Prepared(path, state.st_size, modified, state.st_ino, TEXT, etag, known, cut)


def _digest(passage: Passage, name: str) -> bytes:
    text = f"{name}\0{passage.first}\0{passage.last}\0{passage.title}\0{passage.text}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_MARK).digest()


def put(index: IndexFile, file: Prepared, *, version: int) -> bool:
    """Write a file's rows, only those of passages that have changed. Within `index.writing()`.

    False: another process has written them since the file was read, so it has to be read again.
    """
    known = index.rows.get(file.path)
    if known != file.known:
        return False
    if known is None and file.state == GONE:
        return True
    number = known.id if known is not None else _new(index.db, file.path)
    if known is None or known.etag != file.etag or known.state != file.state:
        marks = _write_passages(index.db, number, file)
        index.db.execute("UPDATE file SET marks = ? WHERE id = ?", (marks, number))
    index.db.execute(
        "UPDATE file SET size = ?, modified = ?, inode = ?, state = ?, etag = ?, version = ? WHERE id = ?",
        (file.size, file.modified, file.inode, file.state, file.etag, version, number),
    )
    index.keep(file.path, Row(number, file.size, file.modified, file.inode, file.state, file.etag))
    return True


def _new(db: sqlite3.Connection, path: bytes) -> int:
    row = db.execute(
        "INSERT INTO file(path, size, modified, inode, state, etag, marks, version) VALUES (?,0,0,0,0,'',x'',0)",
        (path,),
    )
    return row.lastrowid or 0


def _write_passages(db: sqlite3.Connection, number: int, file: Prepared) -> bytes:
    """Write the passages that differ from those that are there, and return the marks of all."""
    (old,) = db.execute("SELECT marks FROM file WHERE id = ?", (number,)).fetchone()
    name = escape(file.path)
    marks = b"".join(_digest(passage, name) for passage in file.passages)
    words = name_words(name)
    start = number << SHIFT
    for at in range(max(len(old), len(marks)) // _MARK):
        here = slice(at * _MARK, (at + 1) * _MARK)
        if old[here] == marks[here]:
            continue
        if old[here]:
            db.execute("DELETE FROM words WHERE rowid = ?", (start + at,))
            db.execute("DELETE FROM vector WHERE passage = ?", (start + at,))
        if marks[here]:
            first, last, title, text = file.passages[at]
            values = (start + at, words, title, text, parts_of(text), first, last)
            db.execute("INSERT INTO words(rowid, name, title, text, parts, first, last) VALUES (?,?,?,?,?,?,?)", values)
    return marks


def gone(path: bytes, known: Row) -> Prepared:
    """Return what takes a file out of the index: it is not there any more, or not wanted."""
    return Prepared(path, 0, 0, 0, GONE, "", known)
