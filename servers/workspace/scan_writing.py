"""How folders go into the file of a scan: new ones as they are, known ones by what is different in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servers.workspace.scan_store import SCOPE, FileRow, scope_of

if TYPE_CHECKING:
    from sqlite3 import Connection

    from servers.workspace.scan_store import FolderRead

__all__ = ["drop_below", "put_folders"]

_ADD = "INSERT OR REPLACE INTO file(folder, name, kind, size, mtime, device, inode) VALUES (?, ?, ?, ?, ?, ?, ?)"
_FOLDER = """INSERT INTO folder(path, mtime, run, files, bytes, newest, odd, problem) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(path) DO UPDATE SET mtime = excluded.mtime, run = excluded.run, files = excluded.files,
bytes = excluded.bytes, newest = excluded.newest, odd = excluded.odd, problem = excluded.problem RETURNING id"""


def put_folders(db: Connection, folders: list[FolderRead], *, run: int, fresh: bool) -> bool:
    """Write folders, within a transaction; return whether any of their files is new, other or gone.

    `fresh`: none of them is known, which is not looked at then.
    """
    changed = False
    added: list[tuple[object, ...]] = []
    for folder in folders:
        files = folder.files
        total = sum(row.size for row in files)
        newest = max((row.mtime for row in files), default=0)
        values = (folder.path, folder.mtime, -run, len(files), total, newest, folder.odd, folder.problem)
        if fresh:
            ((number,),) = db.execute(_FOLDER, values).fetchall()
            added += [(number, *row) for row in sorted(files)]
            continue
        known = db.execute("SELECT 1 FROM folder WHERE path = ?", (folder.path,)).fetchone()
        ((number,),) = db.execute(_FOLDER, values).fetchall()
        changed = _differences(db, number, files, added) or known is None or changed
    db.executemany(_ADD, added)
    return changed or (fresh and bool(folders))


def _differences(db: Connection, number: int, files: list[FileRow], added: list[tuple[object, ...]]) -> bool:
    """Drop the rows of a folder that hold no more and gather the new ones; rows that hold keep their hashes."""
    query = "SELECT name, kind, size, mtime, device, inode FROM file WHERE folder = ?"
    old, new = set(db.execute(query, (number,)).fetchall()), set(files)
    if old == new:
        return False
    gone = {row[0] for row in old - new}
    db.executemany("DELETE FROM file WHERE folder = ? AND name = ?", [(number, name) for name in gone])
    added += [(number, *row) for row in sorted(new - old)]
    return True


def drop_below(db: Connection, path: bytes, *, but: int = 0) -> int:
    """Drop a folder and all below it, within a transaction; with `but`, only what that run did not reach."""
    where = f"{SCOPE} AND abs(run) <> ?"
    values = (*scope_of(path), but)
    db.execute(f"DELETE FROM file WHERE folder IN (SELECT id FROM folder WHERE {where})", values)
    return db.execute(f"DELETE FROM folder WHERE {where}", values).rowcount
