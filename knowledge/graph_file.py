"""The SQLite file of a graph: how it is opened, locked and closed, and what its errors mean.

What is acknowledged is kept: WAL with `synchronous=FULL` writes every transaction through to the disk before the call
returns (0.1 ms more than NORMAL on a local disk; NORMAL could lose the last calls when the power fails). On network
file systems, where WAL is not safe, the journal is DELETE.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from knowledge.graph_schema import has_full_text, migrate, needs_migration
from knowledge.graph_view import GraphError

__all__ = ["BUSY_SECONDS", "GraphFile", "on_network"]

BUSY_SECONDS = 30.0
"""How long a call waits for another program that writes."""
_TRIES = 200
_NETWORK = frozenset(
    [
        "9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.cephfs",
        "fuse.glusterfs", "fuse.juicefs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs",
        "gfs2", "glusterfs", "lustre", "ncpfs", "nfs", "nfs3", "nfs4", "ocfs2", "smb2", "smb3", "smbfs",
    ]
)  # fmt: skip
_WAL_LIMIT = 16 * 1024 * 1024
_NEXT = {
    sqlite3.SQLITE_BUSY: "another program has kept it locked for 30 seconds: wait until that is done, then call again",
    sqlite3.SQLITE_LOCKED: "it is locked: wait a moment, then call again",
    sqlite3.SQLITE_READONLY: "it can only be read here: make it writable, or name another file",
    sqlite3.SQLITE_IOERR: "the disk refused (full, a quota, a limit on file sizes, or a fault): nothing that was "
    "acknowledged is lost; make room, then call again",
    sqlite3.SQLITE_FULL: "the disk is full: nothing that was acknowledged is lost; make room, then call again",
    sqlite3.SQLITE_CORRUPT: "it is damaged: move it and its -wal file away, save what `sqlite3 FILE .recover` reads, "
    "and import your last export",
    sqlite3.SQLITE_NOTADB: "it is no SQLite file: move it away, or name another file",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check that the folder exists and may be written to, or name another",
    sqlite3.SQLITE_TOOBIG: "a value is too large: say it in several texts",
}
_FATAL = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN)


def on_network(path: str, mounts: str) -> bool:
    """Say whether a path lies on a network file system, by the text of `/proc/self/mounts`."""
    found, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        place = fields[1].replace("\\040", " ").rstrip("/")
        if (path == place or path.startswith(f"{place}/")) and len(place) >= len(found):
            found, kind = place, fields[2]
    return kind in _NETWORK


def _mounts() -> str:
    try:
        return Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", None) or sqlite3.SQLITE_ERROR) & 0xFF


class GraphFile:
    """One graph file, opened when it is first used; several threads and several programs may use it at once."""

    _con: sqlite3.Connection | None = None

    def __init__(self, path: Path, *, full_text: bool = True) -> None:
        self.path = path
        self.changes = 0
        """Transactions that this object has written."""
        self.indexed = full_text
        """Whether the words of the file are kept in a full-text index; known once the file is open."""
        self._asked_index = full_text
        self._lock = threading.RLock()
        self._writable = False
        self._absent = False

    def __del__(self) -> None:
        """Close the file of a graph that nobody holds any more; SQLite writes the journal back."""
        if self._con is not None:
            self._con.close()

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """Give the connection for reading; a file that is not there reads as an empty graph.

        Raises:
            GraphError: the file cannot be read; the text says what to do.
        """
        with self._lock:
            try:
                yield self._opened(write=False)
            except sqlite3.Error as error:
                raise self._explained(error) from error

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """Give the connection within one transaction, kept on leaving and undone on any error.

        Raises:
            GraphError: the file cannot be written; the text says what to do. Nothing of the transaction is kept.
        """
        with self._lock:
            try:
                con = self._opened(write=True)
                con.execute("BEGIN IMMEDIATE")
                try:
                    yield con
                    con.execute("COMMIT")
                except BaseException:
                    if con.in_transaction:
                        con.execute("ROLLBACK")
                    raise
                self.changes += 1
            except sqlite3.Error as error:
                raise self._explained(error) from error

    def close(self) -> None:
        """Write the journal back into the file and close it; the next call opens it again."""
        with self._lock:
            con, self._con = self._con, None
            if con is None:
                return
            try:
                if self._writable:
                    con.execute("PRAGMA busy_timeout = 0")
                    con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error:
                pass  # another program still uses the journal; the last one to close writes it back
            finally:
                con.close()

    def _opened(self, *, write: bool) -> sqlite3.Connection:
        if self._con is not None and self._absent and (write or self.path.exists()):
            self._con.close()
            self._con = None
        if self._con is None:
            self._con = self._open(write=write)
        if write and not self._writable:
            raise GraphError(f"{self.path} can only be read here: make it writable, or name another file")
        return self._con

    def _open(self, *, write: bool) -> sqlite3.Connection:
        self._absent = not write and not self.path.exists()
        if self._absent:
            return self._prepared(_connect(":memory:"), writable=False, empty=True)
        if write:
            self._make_file()
        folder = self.path.parent
        self._writable = os.access(self.path, os.W_OK) and os.access(folder, os.W_OK)
        if self._writable:
            return self._prepared(_connect(f"{self.path.absolute().as_uri()}?mode=rw"), writable=True)
        return self._open_to_read()

    def _open_to_read(self) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode=ro"
        con = _connect(uri)
        try:
            con.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError:
            con.close()
            if Path(f"{self.path}-wal").exists():
                raise
            con = _connect(f"{uri}&immutable=1")  # WAL needs a file beside it, which cannot be made here
        return self._prepared(con, writable=False)

    def _make_file(self) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except PermissionError:
            if not self.path.is_file():
                raise GraphError(f"{self.path} cannot be made: name a file in a folder that you may write to") from None
        except OSError as error:
            reason = error.strerror or "refused"
            raise GraphError(f"{self.path} cannot be made ({reason}): name a file in another folder") from error
        except ValueError as error:
            raise GraphError("the name of the graph file has a character that no file name has") from error

    def _prepared(self, con: sqlite3.Connection, *, writable: bool, empty: bool = False) -> sqlite3.Connection:
        try:
            con.execute("PRAGMA trusted_schema = OFF")
            con.execute("PRAGMA foreign_keys = ON")
            self.indexed = self._asked_index and has_full_text(con)
            older = needs_migration(con, str(self.path), full_text=self.indexed)  # refuses the files of others
            if writable:
                self._choose_journal(con)
                con.execute("PRAGMA synchronous = FULL")
                con.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT}")
            if older:
                self._migrate(con, changeable=writable or empty)
        except BaseException:
            con.close()
            raise
        return con

    def _migrate(self, con: sqlite3.Connection, *, changeable: bool) -> None:
        if changeable:
            migrate(con, str(self.path), full_text=self.indexed)
        elif needs_migration(con, str(self.path), full_text=False):
            raise GraphError(f"{self.path} has an older layout and can only be read here: make it writable once")
        else:
            self.indexed = False

    def _choose_journal(self, con: sqlite3.Connection) -> None:
        mode = str(con.execute("PRAGMA journal_mode").fetchone()[0])
        wanted = "delete" if on_network(str(self.path.absolute()), _mounts()) else "wal"
        for _ in range(_TRIES):
            if mode == wanted:
                return
            try:
                mode = str(con.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0])
            except sqlite3.OperationalError as error:
                if _code(error) == sqlite3.SQLITE_BUSY:
                    time.sleep(0.01)  # another program is opening the file too; SQLite does not wait here by itself
                elif wanted == "wal" and _code(error) != sqlite3.SQLITE_NOTADB:
                    wanted = "delete"  # no shared memory on this file system
                else:
                    raise

    def _explained(self, error: sqlite3.Error) -> GraphError:
        code = _code(error)
        if code in _FATAL and self._con is not None:
            self._con.close()
            self._con = None
        text = _NEXT.get(code, "call again; if it stays so, export the graph and report this")
        return GraphError(f"graph file {self.path}: {text} ({error})")


def _connect(target: str) -> sqlite3.Connection:
    return sqlite3.connect(
        target, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
    )
