"""What a scan knows, kept in one SQLite file for each root: folders, files, hashes, projects.

Deleting the file loses nothing but the time to scan again. Many processes may use it at once: a folder is
replaced as a whole in one transaction, so that two scans of one tree do the same work twice and no harm.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from servers.machine.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path
    from types import TracebackType

__all__ = ["SCOPE", "FileRow", "FolderRead", "ScanStore", "open_store", "scope_of"]

SCOPE = "(folder.path = ? OR (folder.path >= ? AND folder.path < ?))"
"""The condition for a folder and all below it; `scope_of` gives its values."""
_VERSION = 2
_SECONDS = 30.0
_SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE folder(
    id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, mtime INTEGER NOT NULL, run INTEGER NOT NULL DEFAULT 0,
    files INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, newest INTEGER NOT NULL DEFAULT 0,
    odd INTEGER NOT NULL DEFAULT 0, problem INTEGER NOT NULL DEFAULT 0,
    all_files INTEGER NOT NULL DEFAULT 0, all_bytes INTEGER NOT NULL DEFAULT 0, all_newest INTEGER NOT NULL DEFAULT 0,
    trait TEXT NOT NULL DEFAULT '', inside INTEGER NOT NULL DEFAULT 0, trash INTEGER NOT NULL DEFAULT 0,
    git INTEGER NOT NULL DEFAULT 0, project INTEGER NOT NULL DEFAULT 0);
CREATE TABLE file(
    folder INTEGER NOT NULL, name BLOB NOT NULL, kind TEXT NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL,
    device INTEGER NOT NULL, inode INTEGER NOT NULL, head BLOB, full BLOB,
    PRIMARY KEY(folder, name)) WITHOUT ROWID;
CREATE TABLE running(path BLOB PRIMARY KEY, run INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE covered(path BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE project(
    folder INTEGER PRIMARY KEY, name TEXT NOT NULL, language TEXT NOT NULL, languages TEXT NOT NULL,
    remote TEXT NOT NULL, branch TEXT NOT NULL, git INTEGER NOT NULL, used INTEGER NOT NULL,
    committed INTEGER NOT NULL, uncommitted INTEGER NOT NULL, unpushed INTEGER NOT NULL);
CREATE VIRTUAL TABLE place USING fts5(name, path, words, tokenize = 'unicode61');
CREATE TABLE vector(folder INTEGER PRIMARY KEY, model TEXT NOT NULL, text BLOB NOT NULL, vector BLOB NOT NULL);
"""
"""`inside` is the id of the nearest cache or trash that a folder is in or is, `project` that of its project, `git`
whether it is in a `.git`. `uncommitted` counts changed files, -1: not known. Times are nanoseconds since 1970; a
`mtime` of 0 can't be trusted."""


class FileRow(NamedTuple):
    """One file of a folder, as the walk saw it."""

    name: bytes
    kind: str
    size: int
    mtime: int
    device: int
    inode: int


class FolderRead(NamedTuple):
    """One folder as it was read: its path, its time of change, its files, the names that are no files or folders."""

    path: bytes
    mtime: int
    files: list[FileRow]
    odd: int
    problem: bool


def scope_of(path: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the three values for `path = ? OR (path >= ? AND path < ?)`: a folder and all below it."""
    return (path, path + b"/", path + b"0") if path else (b"", b"", b"\xff" * 256)


def _lay_out(db: sqlite3.Connection) -> None:
    """Make the tables, in place of those of another version; of two processes, one does it."""
    db.execute("BEGIN IMMEDIATE")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version != _VERSION:
        kept = (
            "SELECT name FROM sqlite_master WHERE type = 'table' "
            "AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'place_%'"
        )
        for (name,) in db.execute(kept).fetchall():
            db.execute(f'DROP TABLE "{name}"')
        for statement in _SCHEMA.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {_VERSION}")
    db.execute("COMMIT")


@contextlib.contextmanager
def _told() -> Generator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise ServerError(
            f"the file of the scan cannot be used ({error}); free some space, wait for another scan, or set "
            "AFS_DATA_DIR to a folder that can be written; then call again"
        ) from error
    except OSError as error:
        text = f"the file of the scan cannot be made in the data folder ({error.strerror})"
        raise ServerError(f"{text}; make room or set AFS_DATA_DIR to a folder that can be written") from error


class ScanStore:
    """The file of the scans of one root, open; a context manager."""

    def __init__(self, path: Path) -> None:
        """Open the file, making it where it is missing, of another version or broken."""
        self.path = path
        with _told():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                self.db = self._ready()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self._drop()
                self.db = self._ready()

    def _ready(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = OFF")  # all of it can be found again
            db.execute("PRAGMA temp_store = MEMORY")
            db.execute("PRAGMA cache_size = -32000")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version != _VERSION:
                _lay_out(db)
        except BaseException:
            db.close()
            raise
        return db

    def _drop(self) -> None:
        for ending in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.db.close()

    @contextlib.contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """Give the connection within one transaction; ServerError where the disk is full or the file is locked."""
        with _told():
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
            except BaseException:
                self.db.execute("ROLLBACK")
                raise
            self.db.execute("COMMIT")

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with _told():
            return self.db.execute(sql, values).fetchall()


def open_store(data_dir: Path, root: bytes) -> ScanStore:
    """Open the scans of the root with this absolute path, below the data folder."""
    return ScanStore(data_dir / "scans" / f"{hashlib.sha256(root).hexdigest()[:20]}.sqlite")
