"""A codebase as a graph: nodes for routines, labels, data, macros, defines and files, edges for what they do."""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence

from knowledge.code_graph.types import RELATIONS, AccessKind
from knowledge.code_graph.words import clean, fts_query
from knowledge.graph_view import Direction, Edge, Node
from knowledge.snes.addresses import fold, spelled

__all__ = ["CodeView"]

_MOST = 5_000
"""Edges of one node that are shown."""
_Row = tuple[str, str, str, str, str, str, int, str]
_ROWS = (
    "SELECT coalesce(s.name, f.path), a.kind, t.name, t.kind, t.ref, f.path, a.line, "
    "CASE a.via WHEN '' THEN t.text ELSE t.text || ' by ' || a.via END FROM access a JOIN target t ON t.id = a.target "
    "JOIN file f ON f.id = a.file LEFT JOIN symbol s ON s.id = a.owner WHERE a.codebase = ?"
)
_OWNED = " AND a.owner IN (SELECT id FROM symbol WHERE codebase = ? AND name = ?)"


class CodeView:
    """One codebase of an index, read-only; its layer is its name."""

    def __init__(self, db: sqlite3.Connection, codebase: str, ref_of: Callable[[int], str]) -> None:
        """Take the connection to the index, the codebase, and what gives the ref of the fact about an address."""
        self._db = db
        self._name = codebase
        self._ref_of = ref_of
        self._counted: tuple[object, tuple[int, int]] | None = None

    @property
    def layer(self) -> str:
        """The name of the codebase."""
        return self._name

    def _id(self) -> int:
        row = self._db.execute("SELECT id FROM codebase WHERE name = ?", (self._name,)).fetchone()
        return int(row[0]) if row else -1

    def stamp(self) -> object:
        """Return what differs once a file has changed."""
        row = self._db.execute("SELECT id, stamp FROM codebase WHERE name = ?", (self._name,)).fetchone()
        return tuple(row) if row else ()

    def _local(self, name: str) -> str:
        """Return the name within the codebase, empty for a node of another."""
        layer, colon, local = clean(name).partition(":")
        return local if colon and layer == self._name else ""

    def resolve(self, text: str) -> str:
        """Return the node of a name (letter case aside), a path or an address; empty for none or several."""
        text = clean(text[:1_000]).strip()
        plain = self._local(text) or text
        if not plain or len(plain) > 500:
            return ""
        number = self._id()
        found = self._names("SELECT DISTINCT name FROM symbol WHERE codebase = ? AND name = ?", number, plain)
        found = found or self._names("SELECT path FROM file WHERE codebase = ? AND path = ?", number, plain)
        found = found or self._names(
            "SELECT DISTINCT name FROM symbol WHERE name = ? COLLATE NOCASE AND codebase = ? LIMIT 2", plain, number
        )
        addresses = [address for address in spelled(plain) if address.banked and not address.pc]
        if not found and len(addresses) == 1 and addresses[0].text == plain:
            found = self._at(number, addresses[0].value)
        return f"{self._name}:{found[0]}" if len(found) == 1 else ""

    def _names(self, query: str, *given: object) -> list[str]:
        return [name for (name,) in self._db.execute(query, given)]

    def _at(self, number: int, address: int) -> list[str]:
        """Return the labels at an address in any of the mirrors that programs use."""
        plain = fold(address)
        return self._names(
            "SELECT DISTINCT name FROM symbol WHERE codebase = ? AND address IN (?, ?, ?) AND kind <> 'define' LIMIT 2",
            number, address, plain, plain | 0x800000,
        )  # fmt: skip

    def node(self, name: str) -> Node | None:
        """Return the node of exactly this name."""
        local = self._local(name)
        rows = self._db.execute(
            "SELECT s.name, s.kind, s.text, f.path, s.first, s.address FROM symbol s JOIN file f ON f.id = s.file "
            "WHERE s.codebase = ? AND s.name = ? ORDER BY s.id LIMIT 20",
            (self._id(), local),
        ).fetchall()
        if rows:
            return self._node(rows)
        row = self._db.execute("SELECT lines FROM file WHERE codebase = ? AND path = ?", (self._id(), local)).fetchone()
        if row is None:
            return None
        return Node(name, "file", (f"{row[0]} lines",), local, self._name)

    def _node(self, rows: Sequence[tuple[str, str, str, str, int, int]]) -> Node:
        name, kind, _, path, line, _ = rows[0]
        texts: dict[str, None] = {}
        for _, what, text, _, _, address in rows:
            if address >= 0:
                texts[f"${address:06X}" if what != "define" else f"value ${address:X}"] = None
            if text:
                texts[text] = None
        if len(rows) > 1:
            texts[f"defined {len(rows)} times: " + ", ".join(f"{row[3]}:{row[4]}" for row in rows[:5])] = None
        return Node(f"{self._name}:{name}", kind, tuple(texts), f"{path}:{line}", self._name)

    def edges(self, name: str, *, direction: Direction = "both") -> Sequence[Edge]:
        """Return the edges of a node; those that lead to a fact (`ram:7E0010`) by the name of the fact."""
        name = clean(name)
        local, number, found = self._local(name), self._id(), dict[tuple[str, str, str], Edge]()
        if local and direction in ("out", "both"):
            self._add(found, self._edges_of(_OWNED, number, number, local))
            self._add(found, self._defined(number, local))
            self._add(found, self._included(number, "f.path = ?", local))
        if direction in ("in", "both"):
            if local:
                self._add(found, self._edges_of(" AND t.name = ?", number, local), to=name)
                self._add(found, self._inside(number, local))
                self._add(found, self._included(number, "g.path = ?", local))
            elif name:
                self._add(found, self._edges_of(" AND t.ref = ?", number, name), to=name)
                self._add(found, self._defines(number, name))
        return tuple(found.values())[:_MOST]

    def _add(self, found: dict[tuple[str, str, str], Edge], edges: Iterable[Edge], *, to: str = "") -> None:
        """Join edges of the same ends and relation into one that counts them."""
        for edge in edges:
            if to and edge.object != to:
                continue
            key = (edge.subject, edge.relation, edge.object)
            before = found.get(key)
            found[key] = before._replace(count=before.count + 1) if before else edge

    def _edges_of(self, condition: str, *given: object) -> Iterator[Edge]:
        for row in self._db.execute(f"{_ROWS}{condition} ORDER BY f.path, a.line LIMIT 50000", given):
            yield from self._edge(row)

    def _edge(self, row: _Row) -> Iterator[Edge]:
        """Give the edge that an access is, and for memory named by a define the one to the define."""
        owner, kind, target, target_kind, ref, path, line, note = row
        what: AccessKind = "use" if kind == "pointer" and target_kind == "define" else kind  # type: ignore[assignment]  # the reader wrote it from an AccessKind
        subject, place = f"{self._name}:{owner}", f"{path}:{line}"
        if ref and what in ("read", "write", "call", "jump"):
            yield Edge(subject, RELATIONS[what], ref, place, note, 1, self._name)
            what = "use"
        if target:
            yield Edge(subject, RELATIONS[what], f"{self._name}:{target}", place, note, 1, self._name)

    def _defined(self, number: int, local: str) -> Iterator[Edge]:
        """Give the edges from a symbol to its file, its global label, and the memory that a define names."""
        rows = self._db.execute(
            "SELECT s.kind, s.parent, s.address, f.path, s.first, s.text FROM symbol s JOIN file f ON f.id = s.file "
            "WHERE s.codebase = ? AND s.name = ? ORDER BY s.id LIMIT 100",
            (number, local),
        )
        name = f"{self._name}:{local}"
        for kind, parent, address, path, line, text in rows:
            place = f"{path}:{line}"
            yield Edge(name, "defined_in", f"{self._name}:{path}", place, "", 1, self._name)
            if parent:
                yield Edge(name, "part_of", f"{self._name}:{parent}", place, "", 1, self._name)
            ref = self._ref_of(fold(address)) if kind == "define" and address > 0xFFFF else ""
            if ref:
                yield Edge(name, "references", ref, place, text, 1, self._name)

    def _defines(self, number: int, ref: str) -> Iterator[Edge]:
        """Give the edges of the defines that name a piece of memory by its long address."""
        digits = ref.partition(":")[2]
        if not ref.startswith("ram:") or len(digits) != 6 or not re.fullmatch(r"[0-9A-F]{6}", digits):
            return
        names = self._names(
            "SELECT DISTINCT name FROM symbol WHERE codebase = ? AND kind = 'define' AND address = ?",
            number, int(digits, 16),
        )  # fmt: skip
        for name in names:
            yield from (edge for edge in self._defined(number, name) if edge.object == ref)

    def _inside(self, number: int, local: str) -> Iterator[Edge]:
        """Give the edges of the symbols in a file, or of the labels in a routine."""
        rows = self._db.execute(
            "SELECT s.name, f.path, s.first FROM symbol s JOIN file f ON f.id = s.file "
            "WHERE s.codebase = ? AND (f.path = ? OR s.parent = ? AND s.parent <> '') ORDER BY s.file, s.first LIMIT ?",
            (number, local, local, _MOST),
        )
        for name, path, line in rows:
            relation = "defined_in" if path == local else "part_of"
            yield Edge(f"{self._name}:{name}", relation, f"{self._name}:{local}", f"{path}:{line}", "", 1, self._name)

    def _included(self, number: int, condition: str, local: str) -> Iterator[Edge]:
        rows = self._db.execute(
            "SELECT f.path, g.path, i.line FROM include i JOIN file f ON f.id = i.file JOIN file g ON g.id = i.found "
            f"WHERE f.codebase = ? AND {condition} ORDER BY f.path, i.line",
            (number, local),
        )
        for path, target, line in rows:
            subject, target = f"{self._name}:{path}", f"{self._name}:{target}"
            yield Edge(subject, "includes", target, f"{path}:{line}", "", 1, self._name)

    def find(self, text: str = "", *, kind: str = "", limit: int = 50, offset: int = 0) -> Sequence[Node]:
        """Return the nodes whose name or comments have the words of a text, best first; all by name without one."""
        limit, offset, number = max(0, min(limit, 10_000)), max(0, min(offset, 1 << 40)), self._id()
        text, kind = clean(text[:1_000]), clean(kind)
        words = fts_query(text)
        if text.strip() and not words:
            return ()
        if words:
            names = self._names(
                "WITH hit AS MATERIALIZED (SELECT s.name AS name, bm25(words, 8.0, 2.0, 1.0) AS score FROM words w "
                "CROSS JOIN symbol s ON s.id = w.rowid WHERE words MATCH ? AND s.codebase = ? AND ? IN ('', s.kind)) "
                "SELECT name FROM hit GROUP BY name ORDER BY name = ? COLLATE NOCASE DESC, min(score), name "
                "LIMIT ? OFFSET ?",
                words, number, kind, text.strip(), limit, offset,
            )  # fmt: skip
        else:
            names = self._names(
                "SELECT name FROM (SELECT DISTINCT name FROM symbol WHERE codebase = ? AND ? IN ('', kind) UNION "
                "SELECT path FROM file WHERE codebase = ? AND ? IN ('', 'file')) ORDER BY name LIMIT ? OFFSET ?",
                number, kind, number, kind, limit, offset,
            )  # fmt: skip
        nodes = (self.node(f"{self._name}:{name}") for name in names)
        return tuple(node for node in nodes if node is not None)

    def count(self) -> tuple[int, int]:
        """Return (nodes, edges)."""
        stamp = self.stamp()
        if self._counted is None or self._counted[0] != stamp:
            number = self._id()
            nodes = self._db.execute(
                "SELECT (SELECT count(DISTINCT name) FROM symbol WHERE codebase = ?) + "
                "(SELECT count(*) FROM file WHERE codebase = ?)",
                (number, number),
            ).fetchone()[0]
            self._counted = (stamp, (int(nodes), sum(1 for _ in self.pairs())))
        return self._counted[1]

    def pairs(self) -> Iterator[tuple[str, str, str]]:
        """Give (subject, relation, object) of every edge, each once."""
        number, seen = self._id(), set[tuple[str, str, str]]()
        for edge in self._every(number):
            key = (edge.subject, edge.relation, edge.object)
            if key not in seen:
                seen.add(key)
                yield key

    def _every(self, number: int) -> Iterator[Edge]:
        for row in self._db.execute(_ROWS, (number,)):
            yield from self._edge(row)
        yield from self._included(number, "? = ''", "")
        for (name,) in self._db.execute("SELECT DISTINCT name FROM symbol WHERE codebase = ?", (number,)):
            yield from self._defined(number, name)
