"""The SQLite file of an index: its tables, opened so that a killed writer leaves what was there before.

All of it is derived from source files: a file of another version of the tables is emptied and filled anew by the next
update.
"""

import sqlite3
import weakref
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from knowledge.code_graph.types import CodeError

__all__ = ["VERSION", "Store"]

VERSION = 2
"""Version of the tables, in `user_version`."""
_APPLICATION = 0x41465343
"""What tells a file of this program, in `application_id`: a database of any other is left alone."""
_WAIT = 30_000
"""Milliseconds to wait for another writer."""
_TABLES = """
CREATE TABLE codebase(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, stamp TEXT NOT NULL);
CREATE TABLE file(
    id INTEGER PRIMARY KEY, codebase INTEGER NOT NULL, path TEXT NOT NULL, sha TEXT NOT NULL, lines INTEGER NOT NULL,
    dialect TEXT NOT NULL, text BLOB NOT NULL, anchors TEXT NOT NULL, sized TEXT NOT NULL,
    end_anchor INTEGER NOT NULL,
    end_offset INTEGER NOT NULL, UNIQUE(codebase, path));
CREATE TABLE symbol(
    id INTEGER PRIMARY KEY, codebase INTEGER NOT NULL, file INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, anchor INTEGER NOT NULL, offset INTEGER NOT NULL,
    address INTEGER NOT NULL, parent TEXT NOT NULL, text TEXT NOT NULL, scope TEXT NOT NULL, lines TEXT NOT NULL);
CREATE INDEX symbol_file ON symbol(file, first);
CREATE INDEX symbol_name ON symbol(codebase, name);
CREATE INDEX symbol_any_name ON symbol(name COLLATE NOCASE);
CREATE INDEX symbol_address ON symbol(address) WHERE address >= 0;
CREATE TABLE target(
    id INTEGER PRIMARY KEY, codebase INTEGER NOT NULL, scope TEXT NOT NULL, text TEXT NOT NULL, name TEXT NOT NULL,
    kind TEXT NOT NULL, ref TEXT NOT NULL, value INTEGER NOT NULL, size INTEGER NOT NULL, address INTEGER NOT NULL,
    UNIQUE(codebase, scope, text));
CREATE INDEX target_name ON target(name);
CREATE INDEX target_ref ON target(ref);
CREATE INDEX target_address ON target(address) WHERE address >= 0;
CREATE TABLE access(
    id INTEGER PRIMARY KEY, codebase INTEGER NOT NULL, file INTEGER NOT NULL, owner INTEGER, kind TEXT NOT NULL,
    target INTEGER NOT NULL, line INTEGER NOT NULL, indexed INTEGER NOT NULL, indirect INTEGER NOT NULL,
    via TEXT NOT NULL, arguments TEXT NOT NULL);
CREATE INDEX access_file ON access(file, line);
CREATE INDEX access_owner ON access(owner);
CREATE INDEX access_target ON access(target);
CREATE INDEX access_via ON access(codebase) WHERE via <> '';
CREATE TABLE include(
    file INTEGER NOT NULL, number INTEGER NOT NULL, line INTEGER NOT NULL, path TEXT NOT NULL, binary INTEGER NOT NULL,
    anchor INTEGER NOT NULL, offset INTEGER NOT NULL, found INTEGER, PRIMARY KEY(file, number)) WITHOUT ROWID;
CREATE INDEX include_found ON include(found);
CREATE TABLE problem(file INTEGER NOT NULL, line INTEGER NOT NULL, text TEXT NOT NULL, linked INTEGER NOT NULL);
CREATE INDEX problem_file ON problem(file);
CREATE VIRTUAL TABLE words USING fts5(name, said, used, tokenize = 'porter unicode61');
CREATE TABLE vector(symbol INTEGER NOT NULL, model TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY(symbol, model));
"""


class Store:
    """One connection to the file; it belongs to one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. CodeError when it cannot be."""
        self.path = path
        try:
            self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_WAIT / 1000)
            weakref.finalize(self, self.db.close)  # Python 3.13 warns of a connection that nobody closed
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise CodeError(f"the code index {path.name} cannot be opened ({error}); name another file") from error

    def _prepare(self) -> None:
        mark = int(self.db.execute("PRAGMA application_id").fetchone()[0])
        if mark != _APPLICATION and self.db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            raise CodeError(f"{self.path.name} is a database of something else; name another file for the code index")
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.execute("PRAGMA temp_store = MEMORY")
        self.db.execute("PRAGMA cache_size = -16000")
        if self.version() == VERSION:
            return
        with self.writing():
            if self.version() == VERSION:
                return
            self._empty()
            for statement in _TABLES.split(";\n"):
                if statement.strip():
                    self.db.execute(statement)
            self.db.execute(f"PRAGMA application_id = {_APPLICATION}")
            self.db.execute(f"PRAGMA user_version = {VERSION}")

    def version(self) -> int:
        """Return the version of the tables in the file."""
        return int(self.db.execute("PRAGMA user_version").fetchone()[0])

    def _empty(self) -> None:
        """Drop all tables of another version."""
        named = self.db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
        virtual = [name for name, sql in named if sql and sql.upper().startswith("CREATE VIRTUAL")]
        plain = [
            name
            for name, _ in named
            if not name.startswith("sqlite_") and not any(name.startswith(f"{parent}_") for parent in virtual)
        ]
        for name in (*virtual, *(name for name in plain if name not in virtual)):
            quoted = name.replace('"', '""')
            self.db.execute(f'DROP TABLE IF EXISTS "{quoted}"')

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection, None, None]:
        """Give the connection in one transaction: all of it is kept, or nothing."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def tidy(self) -> None:
        """Put what was written into the file itself, as far as no reader is in the way."""
        with suppress(sqlite3.OperationalError):
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the file."""
        self.db.close()
