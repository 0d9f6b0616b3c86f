"""The files of a codebase put together: addresses, names across files, macros at their calls, targets of accesses."""

import json
import sqlite3
from collections.abc import Callable, Iterator

from knowledge.code_graph.expand import Macro, expand, read_macro
from knowledge.code_graph.includes import Paths, Placed, SourceShape
from knowledge.code_graph.parsed import Anchor, Include, Place, Sized, Use
from knowledge.code_graph.targets import Known, Names
from knowledge.code_graph.types import SymbolKind

__all__ = ["TargetIds", "link"]

_MOST_EXPANDED = 400_000
"""Accesses from macros that a codebase may have."""


class TargetIds:
    """The ids of the targets of a codebase; new ones are written by `flush`."""

    def __init__(self, db: sqlite3.Connection, codebase: int) -> None:
        self._db = db
        self._codebase = codebase
        rows = db.execute("SELECT scope, text, id FROM target WHERE codebase = ?", (codebase,))
        self._ids: dict[tuple[str, str], int] = {(scope, text): number for scope, text, number in rows}
        self._next = int(db.execute("SELECT coalesce(max(id), 0) FROM target").fetchone()[0])
        self._new: list[tuple[int, int, str, str]] = []

    def of(self, scope: str, text: str) -> int:
        """Return the id of an expression in a scope."""
        key = (scope, text)
        found = self._ids.get(key)
        if found is None:
            self._next += 1
            found = self._ids[key] = self._next
            self._new.append((found, self._codebase, scope, text))
        return found

    def flush(self) -> None:
        """Write the new ones."""
        self._db.executemany("INSERT INTO target VALUES(?, ?, ?, ?, '', '', '', -1, 0, -1)", self._new)
        self._new.clear()


def link(db: sqlite3.Connection, codebase: int, name_of: Callable[[int], str]) -> None:
    """Work out all that depends on several files; `db` is in a transaction."""
    defines = Names((known for known in _known(db, codebase) if known.name[:1] == "!"), name_of)
    placed = _places(db, codebase, lambda text, scope: defines.target(text, scope).size)
    _store_places(db, codebase, placed)
    names = Names(_known(db, codebase), name_of)
    _store_values(db, codebase, names)
    ids = TargetIds(db, codebase)
    _expand_macros(db, codebase, ids, names)
    ids.flush()
    db.execute(
        "DELETE FROM target WHERE codebase = ? AND id NOT IN (SELECT target FROM access WHERE codebase = ?)",
        (codebase, codebase),
    )
    _store_targets(db, codebase, names)


def _places(db: sqlite3.Connection, codebase: int, size_of: Callable[[str, str], int]) -> Placed:
    includes: dict[int, list[Include]] = {}
    rows = db.execute(
        "SELECT file, line, path, binary, anchor, offset FROM include WHERE file IN "
        "(SELECT id FROM file WHERE codebase = ?) ORDER BY file, number",
        (codebase,),
    )
    for file, line, path, binary, anchor, offset in rows:
        includes.setdefault(file, []).append(Include(line, path, bool(binary), Place(anchor, offset)))
    shapes: dict[str, SourceShape] = {}
    rows = db.execute(
        "SELECT id, path, anchors, sized, end_anchor, end_offset FROM file WHERE codebase = ?", (codebase,)
    )
    for file, path, anchors, sized, end, offset in rows:
        numbers = [int(part) for part in anchors.split()]
        pairs = [Anchor(kind, value) for kind, value in zip(numbers[::2], numbers[1::2], strict=True)]
        kept = [Sized(*row) for row in json.loads(sized)]
        shapes[path] = SourceShape(path, pairs, Place(end, offset), includes.get(file, ()), kept)
    return Placed(shapes, Paths(list(shapes)), size_of)


def _store_places(db: sqlite3.Connection, codebase: int, placed: Placed) -> None:
    paths: dict[int, str] = dict(db.execute("SELECT id, path FROM file WHERE codebase = ?", (codebase,)))
    files = {path: file for file, path in paths.items()}
    of_codebase = "file IN (SELECT id FROM file WHERE codebase = ?)"
    db.execute(f"UPDATE include SET found = NULL WHERE found IS NOT NULL AND {of_codebase}", (codebase,))
    db.executemany(
        "UPDATE include SET found = ? WHERE file = ? AND number = ?",
        [(files[found], files[path], number) for (path, number), found in placed.found.items()],
    )
    db.execute(f"DELETE FROM problem WHERE linked = 1 AND {of_codebase}", (codebase,))
    db.executemany(
        "INSERT INTO problem VALUES(?, ?, ?, 1)",
        [(files[problem.file], problem.line, problem.text) for problem in placed.problems],
    )
    rows = db.execute(
        "SELECT id, file, anchor, offset, address FROM symbol WHERE codebase = ? AND kind <> 'define'", (codebase,)
    )
    moved = [
        (address, symbol)
        for symbol, file, anchor, offset, before in rows
        if (address := placed.address(paths[file], Place(anchor, offset))) != before
    ]
    db.executemany("UPDATE symbol SET address = ? WHERE id = ?", moved)


def _known(db: sqlite3.Connection, codebase: int) -> Iterator[Known]:
    rows = db.execute(
        "SELECT name, kind, address, CASE kind WHEN 'define' THEN text ELSE '' END, scope FROM symbol "
        "WHERE codebase = ? ORDER BY id",
        (codebase,),
    )
    for name, kind, address, text, scope in rows:
        known: SymbolKind = kind
        yield Known(name, known, address, text, scope)


def _store_values(db: sqlite3.Connection, codebase: int, names: Names) -> None:
    rows = db.execute("SELECT id, name, address FROM symbol WHERE codebase = ? AND kind = 'define'", (codebase,))
    changed: list[tuple[int, int]] = []
    for symbol, name, before in rows:
        number = names.number(name, "")
        value = number.value if number and 0 <= number.value <= 0xFFFFFF else -1
        if value != before:
            changed.append((value, symbol))
    db.executemany("UPDATE symbol SET address = ? WHERE id = ?", changed)


def _expand_macros(db: sqlite3.Connection, codebase: int, ids: TargetIds, names: Names) -> None:
    db.execute("DELETE FROM access WHERE codebase = ? AND via <> ''", (codebase,))
    macros: dict[str, Macro] = {}
    rows = db.execute(
        "SELECT s.name, s.text, s.lines, f.dialect FROM symbol s JOIN file f ON f.id = s.file "
        "WHERE s.codebase = ? AND s.kind = 'macro' ORDER BY s.id",
        (codebase,),
    )
    for name, text, lines, dialect in rows:
        macros.setdefault(name, read_macro(name, text, lines, dialect))
    if not macros:
        return
    calls = db.execute(
        "SELECT a.file, a.owner, a.line, a.arguments, t.text, t.scope FROM access a JOIN target t ON t.id = a.target "
        "LEFT JOIN symbol s ON s.id = a.owner "
        "WHERE a.codebase = ? AND a.kind = 'macro' AND coalesce(s.kind, '') <> 'macro'",
        (codebase,),
    ).fetchall()
    made: list[tuple[object, ...]] = []
    for file, owner, line, arguments, text, scope in calls:
        found = names.find(text, scope)
        if found is None or len(made) >= _MOST_EXPANDED:
            continue
        call = Use(0, "macro", scope, found.name, line, arguments=arguments)
        for use in expand(macros, call):
            target = ids.of(use.scope, use.text)
            made.append(
                (codebase, file, owner, use.kind, target, line, use.indexed, use.indirect, found.name, use.arguments)
            )
    db.executemany(
        "INSERT INTO access(codebase, file, owner, kind, target, line, indexed, indirect, via, arguments) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        made,
    )


def _store_targets(db: sqlite3.Connection, codebase: int, names: Names) -> None:
    rows = db.execute(
        "SELECT id, scope, text, name, kind, ref, value, size, address FROM target WHERE codebase = ?", (codebase,)
    )
    changed: list[tuple[object, ...]] = []
    for number, scope, text, *before in rows:
        target = names.target(text, scope)
        if target != tuple(before):
            changed.append((*target, number))
    db.executemany(
        "UPDATE target SET name = ?, kind = ?, ref = ?, value = ?, size = ?, address = ? WHERE id = ?", changed
    )
