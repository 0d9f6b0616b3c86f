"""The SQLite file of a text index: opened, shared by many processes, set aside when it is not what it should be.

Nothing in it is worth keeping: it is made anew from the files. So whatever cannot be read is moved out of the way,
and where no file can be written the index is kept in memory.
"""

import contextlib
import os
import sqlite3
import stat
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

from servers.machine.names import show

__all__ = ["GONE", "SKIPPED", "TEXT", "Counts", "IndexFile", "Row"]

TEXT, SKIPPED, GONE = 1, 2, 0
"""What a row says of its file: its text is in the index; it has none that is wanted; it is not there any more."""

_APPLICATION = 0x41465354
_FORM = 2
_BUSY_SECONDS = 10.0
_SCHEMA = (
    "CREATE TABLE file(id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, "
    "modified INTEGER NOT NULL, inode INTEGER NOT NULL, state INTEGER NOT NULL, etag TEXT NOT NULL, "
    "marks BLOB NOT NULL, version INTEGER NOT NULL)",
    "CREATE INDEX file_version ON file(version)",
    "CREATE TABLE fact(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO fact VALUES ('version', 0)",
    "CREATE VIRTUAL TABLE words USING fts5(name, title, text, parts, first UNINDEXED, last UNINDEXED, "
    "tokenize = 'porter unicode61 remove_diacritics 2')",
    "CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, 'row')",
    "CREATE TABLE vector(passage INTEGER NOT NULL, model TEXT NOT NULL, signs BLOB NOT NULL, "
    "data BLOB NOT NULL, PRIMARY KEY(passage, model))",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_FORM}",
)
_UNWRITABLE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Row(NamedTuple):
    """What the index knows of a file. Sizes are bytes, times nanoseconds."""

    id: int
    size: int
    modified: int
    inode: int
    state: int
    etag: str


class Counts(NamedTuple):
    """How many files have their text in the index, and how many were skipped."""

    text: int
    skipped: int


class _Strange(Exception):
    """The file is none of ours."""


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _number(db: sqlite3.Connection, query: str) -> int:
    return int(db.execute(query).fetchone()[0])


def _ours(db: sqlite3.Connection) -> None:
    """Raise `_Strange` for a database that is not a text index of this form."""
    if (_number(db, "PRAGMA application_id"), _number(db, "PRAGMA user_version")) != (_APPLICATION, _FORM):
        raise _Strange
    db.execute("SELECT version FROM file LIMIT 1").fetchall()


class IndexFile:
    """One open index; `rows` is what it knew of each path when `sync` was called last."""

    def __init__(self, path: Path | None) -> None:
        """Open the file, or make it; without a path, or where none can be made, the index is in memory alone."""
        self._path = path
        self._inode = 0
        self._version = -1
        self._seen = -1
        self.rows: dict[bytes, Row] = {}
        self.paths: dict[int, bytes] = {}
        self.newest = 0
        """The latest time of change of any file, in nanoseconds."""
        self._counted = (-1, Counts(0, 0))
        self.note = ""
        """Why the index is not on the disk; empty when it is."""
        self.db = self._opened()

    def _opened(self) -> sqlite3.Connection:
        self._forget()
        if self._path is None:
            return self._made(":memory:")
        for _ in range(2):
            try:
                return self._on_disk(self._path)
            except (_Strange, sqlite3.DatabaseError, OSError) as error:
                if isinstance(error, OSError) or (isinstance(error, sqlite3.Error) and _code(error) not in _BROKEN):
                    why = error.strerror if isinstance(error, OSError) else None
                    return self._in_memory((why or str(error)).lower())
                self._set_aside()
        return self._in_memory("it cannot be replaced")

    def _forget(self) -> None:
        self.rows, self.paths = {}, {}
        self._version = self._seen = -1

    def _in_memory(self, why: str) -> sqlite3.Connection:
        self.note = f"the search index cannot be kept on the disk ({why}); this server keeps its own in memory"
        self._path = None
        self._forget()
        return self._made(":memory:")

    def _on_disk(self, path: Path) -> sqlite3.Connection:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            state = path.lstat()
            if not stat.S_ISREG(state.st_mode):
                raise _Strange
        if any(folder.is_symlink() for folder in (path.parent, path.parent.parent)):
            raise NotADirectoryError(f"{show(str(path.parent))} is a link")
        db = self._made(str(path))
        with contextlib.suppress(OSError):
            os.chmod(path, 0o600)
        self._inode = path.stat().st_ino
        return db

    def _made(self, name: str) -> sqlite3.Connection:
        db = sqlite3.connect(name, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            if _number(db, "SELECT count(*) FROM sqlite_schema"):
                _ours(db)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("BEGIN IMMEDIATE")
            if not _number(db, "SELECT count(*) FROM sqlite_schema"):
                for statement in _SCHEMA:
                    db.execute(statement)
            db.execute("COMMIT")
            _ours(db)
        except BaseException:
            db.close()
            raise
        return db

    def _set_aside(self) -> None:
        """Move a file that is not ours or broken out of the way; of several, the last one is kept."""
        if self._path is None:
            return
        with contextlib.suppress(OSError):
            os.replace(self._path, self._path.with_name(f"{self._path.name}.broken"))
        for ending in ("-wal", "-shm"):
            with contextlib.suppress(OSError):
                os.unlink(f"{self._path}{ending}")

    def replaced(self) -> bool:
        """Tell whether the file is gone or another one, and open the new one if so."""
        if self._path is None:
            return False
        try:
            if self._path.stat().st_ino == self._inode:
                return False
        except OSError:
            pass
        self.close()
        self.db = self._opened()
        return True

    def recover(self, error: sqlite3.Error) -> bool:
        """Make the index usable after an error: anew, or in memory. False: it is only busy, ask again later."""
        code = _code(error)
        if code in _BROKEN and self._path is not None:
            self.close()
            if self._same():
                self._set_aside()
            self.db = self._opened()
            return True
        if code in _UNWRITABLE and self._path is not None:
            old, why = self.db, str(error)
            self.db = self._in_memory(why)
            with contextlib.suppress(sqlite3.Error):
                old.backup(self.db)
            with contextlib.suppress(sqlite3.Error):
                old.close()
            return True
        return False

    def _same(self) -> bool:
        """Tell whether the path still names the file that was open: another process may have replaced it."""
        try:
            return self._path is not None and self._path.stat().st_ino == self._inode
        except OSError:
            return False

    def sync(self) -> None:
        """Read what others have written since the last time."""
        seen = self.db.execute("PRAGMA data_version").fetchone()[0]
        if seen == self._seen:
            return
        found = self.db.execute(
            "SELECT path, id, size, modified, inode, state, etag, version FROM file WHERE version > ?",
            (self._version,),
        )
        for path, number, *values, version in found:
            self.keep(path, Row(number, *values))
            self._version = max(self._version, version)
        self._seen = seen

    def keep(self, path: bytes, row: Row) -> None:
        """Remember what the index knows of a file now."""
        self.rows[path] = row
        self.paths[row.id] = path
        self.newest = max(self.newest, abs(row.modified))

    @property
    def counts(self) -> Counts:
        """The files of the index, counted again only when something was written."""
        if self._counted[0] != self._version:
            states = [row.state for row in self.rows.values()]
            self._counted = (self._version, Counts(states.count(TEXT), states.count(SKIPPED)))
        return self._counted[1]

    @contextlib.contextmanager
    def writing(self) -> Generator[int]:
        """Write in one transaction, and give the version that its rows bear; `rows` is up to date within."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            self._seen = -1
            self.sync()
            (version,) = self.db.execute("UPDATE fact SET value = value + 1 WHERE name = 'version' RETURNING value")
            yield version[0]
            self.db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self.db.execute("ROLLBACK")
            self._forget()
            raise
        self._version = version[0]

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(sqlite3.Error):
            self.db.close()
