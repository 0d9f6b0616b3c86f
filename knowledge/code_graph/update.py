"""One codebase brought up to date in its index: only files whose content changed are parsed again."""

import hashlib
import json
import re
import sqlite3
import time
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from knowledge.code_graph.dialect import decode
from knowledge.code_graph.includes import normal
from knowledge.code_graph.link import TargetIds, link
from knowledge.code_graph.parsed import Parsed
from knowledge.code_graph.reader import read_source
from knowledge.code_graph.types import Cancelled, CodeError, Problem, Progress, Report, SourceFile

__all__ = ["checked_name", "forget", "split_words", "update"]

_CODEBASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_RESERVED = frozenset(("user", "atlas", "links"))
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)|_")
_MOST_PROBLEMS = 200
_MOST_FILES = 100_000
_SEARCHED = ("routine", "data", "macro", "define")


def checked_name(codebase: str) -> str:
    """Return the name of a codebase if it can be one; CodeError when not."""
    if not _CODEBASE.fullmatch(codebase) or codebase.lower() in _RESERVED:
        raise CodeError(
            f"{codebase[:40]!r} cannot name a codebase; take 1 to 64 letters, digits, `_`, `.` and `-`, "
            f"and none of {', '.join(sorted(_RESERVED))}"
        )
    return codebase


def split_words(name: str) -> str:
    """Return a name with its parts beside it, for the search by words: `CheckCollision Check Collision`."""
    parts = " ".join(part for part in _HUMP.split(name.lstrip("!%.@")) if part)
    return f"{name} {parts}"


class _Work(NamedTuple):
    db: sqlite3.Connection
    codebase: int
    ids: TargetIds


def update(
    db: sqlite3.Connection,
    codebase: str,
    files: Sequence[SourceFile],
    *,
    name_of: Callable[[int], str],
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> Report:
    """Bring a codebase up to date with its files; `db` is in a transaction, which an error has to undo."""
    start = time.monotonic()
    if len(files) > _MOST_FILES:
        raise CodeError(f"{len(files)} files; index at most {_MOST_FILES} in one codebase")
    db.execute("INSERT OR IGNORE INTO codebase(name, stamp) VALUES(?, '')", (codebase,))
    number = int(db.execute("SELECT id FROM codebase WHERE name = ?", (codebase,)).fetchone()[0])
    old = {path: (file, sha) for path, file, sha in db.execute(
        "SELECT path, id, sha FROM file WHERE codebase = ?", (number,)
    )}  # fmt: skip
    work, seen, changed = _Work(db, number, TargetIds(db, number)), dict[str, str](), 0
    unread: list[Problem] = []
    for done, file in enumerate(files):
        if cancelled is not None and cancelled():
            raise Cancelled(f"the update of {codebase} was called off after {done} of {len(files)} files")
        path = _spoken(file.path)
        if path and path not in seen:
            changed += _file(work, file, path, old, seen, unread)
        if progress is not None:
            progress(done + 1, len(files))
    gone = [file for path, (file, _) in old.items() if path not in seen]
    for file in gone:
        _drop(db, file)
        db.execute("DELETE FROM file WHERE id = ?", (file,))
    if changed or gone:
        work.ids.flush()
        link(db, number, name_of)
    _stamp(db, number, seen)
    return _report(db, number, changed, len(gone), unread, time.monotonic() - start)


def _spoken(path: str) -> str:
    return normal(path.encode("utf-8", "replace").decode("utf-8").replace("\0", ""))[:1000]


def _file(
    work: _Work, file: SourceFile, path: str, old: dict[str, tuple[int, str]], seen: dict[str, str],
    unread: list[Problem],
) -> bool:  # fmt: skip
    """Parse a file if its content changed, and say whether it was."""
    try:
        data = file.read()
    except OSError as error:
        unread.append(Problem(path, 0, f"cannot be read: {error.strerror or type(error).__name__}"))
        return False
    sha = hashlib.sha256(data).hexdigest()
    seen[path] = sha
    before = old.get(path)
    if before and before[1] == sha:
        return False
    _write(work, path, sha, data, before[0] if before else None)
    return True


def _write(work: _Work, path: str, sha: str, data: bytes, before: int | None) -> None:
    db, parsed = work.db, read_source(path, data)
    if before is not None:
        _drop(db, before)
        db.execute("DELETE FROM file WHERE id = ?", (before,))
    file = _write_file(work, path, sha, data, parsed, before)
    first = int(db.execute("SELECT coalesce(max(id), 0) FROM symbol").fetchone()[0]) + 1
    _write_symbols(work, file, first, parsed)
    db.executemany(
        "INSERT INTO access(codebase, file, owner, kind, target, line, indexed, indirect, via, arguments) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, '', ?)",
        [
            (
                work.codebase,
                file,
                first + use.owner if use.owner >= 0 else None,
                use.kind,
                work.ids.of(use.scope, use.text),
                use.line,
                use.indexed,
                use.indirect,
                use.arguments,
            )
            for use in parsed.uses
        ],
    )
    db.executemany(
        "INSERT INTO include VALUES(?, ?, ?, ?, ?, ?, ?, NULL)",
        [(file, at, line, *rest, *place) for at, (line, *rest, place) in enumerate(parsed.includes)],
    )
    db.executemany(
        "INSERT INTO problem VALUES(?, ?, ?, 0)", [(file, problem.line, problem.text) for problem in parsed.problems]
    )


def _write_file(work: _Work, path: str, sha: str, data: bytes, parsed: Parsed, before: int | None) -> int:
    """Write the row of a file, with the id that it had `before`, and return its id."""
    text = zlib.compress("\n".join(decode(data).lines).encode("utf-8", "replace"), 3)
    anchors = " ".join(f"{kind} {value}" for kind, value in parsed.anchors)
    cursor = work.db.execute(
        "INSERT INTO file(id, codebase, path, sha, lines, dialect, text, anchors, sized, "
        "end_anchor, end_offset) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            before,
            work.codebase,
            path,
            sha,
            parsed.count,
            parsed.dialect,
            text,
            anchors,
            json.dumps(parsed.sized),
            *parsed.end,
        ),
    )
    return int(cursor.lastrowid or 0)


def _write_symbols(work: _Work, file: int, first: int, parsed: Parsed) -> None:
    work.db.executemany(
        "INSERT INTO symbol VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, -1, ?, ?, ?, ?)",
        [
            (
                number, work.codebase, file, raw.name, raw.kind, raw.first, raw.last, *raw.place, raw.parent, raw.text,
                raw.scope, raw.lines,
            )
            for number, raw in enumerate(parsed.symbols, start=first)
        ],
    )  # fmt: skip
    work.db.executemany(
        "INSERT INTO words(rowid, name, said, used) VALUES(?, ?, ?, ?)",
        [
            (
                number,
                split_words(raw.name),
                f"{raw.text} {raw.said}",
                " ".join(map(split_words, raw.names.split())),
            )
            for number, raw in enumerate(parsed.symbols, start=first)
            if raw.kind in _SEARCHED
        ],
    )


def _drop(db: sqlite3.Connection, file: int) -> None:
    """Delete all that came from a file, but not its row."""
    db.execute("DELETE FROM words WHERE rowid IN (SELECT id FROM symbol WHERE file = ?)", (file,))
    db.execute("DELETE FROM vector WHERE symbol IN (SELECT id FROM symbol WHERE file = ?)", (file,))
    for table in ("symbol", "access", "include", "problem"):
        db.execute(f"DELETE FROM {table} WHERE file = ?", (file,))


def forget(db: sqlite3.Connection, codebase: str) -> bool:
    """Delete a codebase, and say whether it was there; `db` is in a transaction."""
    row = db.execute("SELECT id FROM codebase WHERE name = ?", (codebase,)).fetchone()
    if row is None:
        return False
    files = [file for (file,) in db.execute("SELECT id FROM file WHERE codebase = ?", row)]
    for file in files:
        _drop(db, file)
    for table in ("file", "target"):
        db.execute(f"DELETE FROM {table} WHERE codebase = ?", row)
    db.execute("DELETE FROM codebase WHERE id = ?", row)
    return True


def _stamp(db: sqlite3.Connection, codebase: int, seen: dict[str, str]) -> None:
    whole = hashlib.sha256("\n".join(f"{path}\t{sha}" for path, sha in sorted(seen.items())).encode()).hexdigest()
    db.execute("UPDATE codebase SET stamp = ? WHERE id = ? AND stamp <> ?", (whole, codebase, whole))


def _report(
    db: sqlite3.Connection, codebase: int, changed: int, removed: int, unread: list[Problem], seconds: float
) -> Report:
    def one(query: str) -> int:
        return int(db.execute(query, (codebase,)).fetchone()[0])

    rows = db.execute(
        "SELECT f.path, p.line, p.text FROM problem p JOIN file f ON f.id = p.file WHERE f.codebase = ? "
        "ORDER BY f.path, p.line LIMIT ?",
        (codebase, _MOST_PROBLEMS),
    )
    problems = (*unread, *(Problem(*row) for row in rows))
    return Report(
        files=one("SELECT count(*) FROM file WHERE codebase = ?"),
        changed=changed,
        removed=removed,
        routines=one("SELECT count(*) FROM symbol WHERE codebase = ? AND kind IN ('routine', 'macro')"),
        labels=one("SELECT count(*) FROM symbol WHERE codebase = ? AND kind IN ('label', 'data')"),
        accesses=one("SELECT count(*) FROM access WHERE codebase = ?"),
        problems=problems[:_MOST_PROBLEMS],
        problem_count=len(unread)
        + one("SELECT count(*) FROM problem WHERE file IN (SELECT id FROM file WHERE codebase = ?)"),
        seconds=seconds,
    )
