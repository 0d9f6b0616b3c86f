"""The user's own knowledge graph: typed nodes with texts, relations between them and rules, kept in one SQLite file.

Every write is one transaction that is on the disk before the call returns; several threads and several programs may
write to one file at once. A write that was repeated changes nothing, so that a call whose answer was lost can be made
again.
"""

import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

from knowledge.graph_file import GraphFile
from knowledge.graph_limits import LONGEST_KIND, LONGEST_NAME, Value, properties_from, storable
from knowledge.graph_removal import Removal, Restored, put_back, remove_edges, remove_nodes, remove_text
from knowledge.graph_rules import Constraint, RuleKind, Rules
from knowledge.graph_search import matching, ranked
from knowledge.graph_view import Direction, Edge, GraphError, Node
from knowledge.graph_walk import EdgeMark
from knowledge.graph_write import Below, EdgeAdded, NodeAdded, UnknownEnd, Writer, end_name, nothing_below

__all__ = ["LAYER", "Found", "Graph", "Record", "Text"]

LAYER = "user"
"""The layer of this graph."""
_NO_PROPERTIES: Mapping[str, Value] = {}
_NOTHING_KNOWN: Mapping[str, Node | None] = {}
_T = TypeVar("_T")
_BATCH = 2_000
_NODE = "SELECT id, name, kind, source FROM node"
_EDGE = """
    SELECT s.name, relation, o.name, edge.source, note, count
    FROM edge JOIN node AS s ON s.id = edge.subject JOIN node AS o ON o.id = edge.object
"""
_MARK = "SELECT (SELECT value FROM state WHERE key = 'edges removed') + 0, ifnull(max(id), 0) FROM edge"
_RECORDS = "SELECT id, name, kind, source, properties FROM node WHERE own AND id > ? ORDER BY id LIMIT 200"
_ENDS = {"out": ("edge.subject = ?",), "in": ("edge.object = ?",)}


class Text(NamedTuple):
    """One text of a node."""

    text: str
    source: str
    added: int
    """Seconds since 1970 when it was added; 0 where the file does not say."""


class Record(NamedTuple):
    """All that is kept of a node."""

    name: str
    kind: str
    source: str
    texts: tuple[Text, ...]
    properties: Mapping[str, Value]


class Found(NamedTuple):
    """One page of the nodes that a query found."""

    nodes: tuple[Node, ...]
    """Without their texts when only names were asked for."""
    total: int
    """Nodes that match on all pages."""


class Graph:
    """One graph file. Making the object touches no file; the first call opens it, and the first write makes it."""

    def __init__(self, path: Path | str, *, below: Below = nothing_below, full_text: bool = True) -> None:
        """Name the file, and what finds the nodes of graphs below that edges may lead to.

        Without `full_text` no index of words is used, as on an SQLite that has none: searches then read all texts.
        """
        self._file = GraphFile(Path(path), full_text=full_text)
        self._below = below

    def __enter__(self) -> Self:
        """Return the graph."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Write the journal back and close the file; a later call opens it again."""
        self._file.close()

    @contextmanager
    def writing(self, known: Mapping[str, Node | None] = _NOTHING_KNOWN) -> Generator[Writer]:
        """Give the writes of one transaction: all of them are kept, or on an error none.

        `known` holds the nodes of graphs below that edges may lead to, by what `below` found for a name.
        """
        with self._file.writing() as con:
            yield Writer(con, known.get, indexed=self._file.indexed)

    def below(self, text: str) -> Node | None:
        """Return the node that a text names in the graphs below; they are asked while no lock of this one is held."""
        return self._below(text)

    def _joining(self, ends: Sequence[str], act: Callable[[Writer], _T]) -> _T:
        """Write what joins nodes; only when one is not in this graph are those below asked."""
        try:
            with self.writing() as write:
                return act(write)
        except UnknownEnd:
            known = {name: self._below(name) for end in ends if (name := end_name(end))}
            if not any(known.values()):
                raise
        with self.writing(known) as write:
            return act(write)

    def add_node(
        self,
        name: str,
        kind: str = "",
        *,
        text: str = "",
        source: str = "",
        properties: Mapping[str, Value] = _NO_PROPERTIES,
    ) -> NodeAdded:
        """Add a node (kind `note` when none is given), or a text and properties to the one of this name.

        Raises:
            GraphError: the name is that of a node of another kind, a rule is broken, or a value cannot be kept.
        """
        with self.writing() as write:
            return write.put_node(name, kind, texts=(text,) if text else (), source=source, properties=properties)

    def add_edge(
        self, subject: str, relation: str, object_: str, *, source: str = "", note: str = "", count: int = 0
    ) -> EdgeAdded:
        """Add an edge between two nodes of this graph or of those below; repeated, it updates source, note and count.

        Raises:
            GraphError: an end is not known, or a rule is broken.
        """
        return self._joining(
            (subject, object_),
            lambda write: write.put_edge(subject, relation, object_, source=source, note=note, count=count),
        )

    def remove(self, name: str, *, text: str = "", relation: str = "", object_: str = "") -> Removal:
        """Take out a node with its edges, or only a text of it, or its edges of a relation (to one object).

        Raises:
            GraphError: it is not there.
        """
        if text and (relation or object_):
            raise GraphError("a text and an edge at once: remove them in two calls")
        if object_ and not relation:
            raise GraphError("an object without a relation: name the relation of the edge too")
        if relation:
            ends = (name, object_) if object_ else (name,)
            return self._joining(ends, lambda write: remove_edges(write, name, relation, object_=object_))
        with self.writing() as write:
            return remove_text(write, name, text) if text else remove_nodes(write, (name,))

    def undo(self, number: int = 0) -> Restored:
        """Put back what a removal took out, the last when no number is given.

        Raises:
            GraphError: there is nothing to undo, or what is there now stands against it.
        """
        with self.writing() as write:
            return put_back(write, number)

    def set_constraint(
        self, rule: RuleKind, of: str, *, first: str = "", second: str = "", source: str = ""
    ) -> Constraint:
        """Hold all writes to a rule from now on; `Constraint` says what the words mean.

        Raises:
            GraphError: what is there already breaks it.
        """
        with self.writing() as write:
            wanted = Constraint(rule, of.strip(), first.strip(), second.strip(), source.strip())
            write.put_rule(wanted)
            return wanted

    def remove_constraint(self, rule: RuleKind, of: str, *, first: str = "", second: str = "") -> int:
        """Drop rules about a relation or kind; return how many there were. Empty words stand for any."""
        sql = (
            "DELETE FROM rule WHERE rule = :rule AND subject = :of "
            "AND :first IN ('', first) AND :second IN ('', second)"
        )
        asked = {"rule": rule, "of": of, "first": first, "second": second}
        if not all(storable(word, LONGEST_NAME) for word in asked.values()):
            return 0
        with self._file.writing() as con:
            return con.execute(sql, asked).rowcount

    def constraints(self) -> tuple[Constraint, ...]:
        """Return all rules, the oldest first."""
        with self._file.reading() as con:
            return Rules(con).all

    @property
    def layer(self) -> str:
        """The short name of the graph: `user`."""
        return LAYER

    def stamp(self) -> object:
        """Return a value that differs once the graph has changed, whoever changed it."""
        with self._file.reading() as con:
            seen = con.execute("PRAGMA data_version").fetchone()[0]
            return (id(con), seen, self._file.changes)

    def resolve(self, text: str) -> str:
        """Return the name of the node of this name, else of the only one that differs in case; else nothing."""
        name = text.strip()
        if not storable(name, LONGEST_NAME):
            return ""
        with self._file.reading() as con:
            if con.execute("SELECT 1 FROM node WHERE name = ? AND own", (name,)).fetchone():
                return name
            sql = "SELECT name FROM node WHERE folded = ? AND own LIMIT 2"
            rows = con.execute(sql, (name.casefold(),)).fetchall()
            return str(rows[0][0]) if len(rows) == 1 else ""

    def record(self, name: str) -> Record | None:
        """Return all that is kept of the node of exactly this name."""
        if not storable(name, LONGEST_NAME):
            return None
        with self._file.reading() as con:
            sql = "SELECT id, name, kind, source, properties FROM node WHERE name = ? AND own"
            row = con.execute(sql, (name,)).fetchone()
            if row is None:
                return None
            texts = con.execute("SELECT text, source, added FROM text WHERE node = ? ORDER BY id", (row[0],))
            return Record(row[1], row[2], row[3], tuple(Text(*text) for text in texts), properties_from(row[4]))

    def node(self, name: str) -> Node | None:
        """Return the node of exactly this name."""
        kept = self.record(name)
        if kept is None:
            return None
        return Node(kept.name, kept.kind, tuple(text.text for text in kept.texts), kept.source, LAYER)

    def edges(self, name: str, *, direction: Direction = "both") -> Sequence[Edge]:
        """Return the edges of a node, in the order of adding; an edge to itself comes once."""
        if not storable(name, LONGEST_NAME):
            return ()
        where = _ENDS.get(direction, ("edge.subject = ?", "edge.object = ?"))
        with self._file.reading() as con:
            row = con.execute("SELECT id FROM node WHERE name = ?", (name,)).fetchone()
            if row is None:
                return ()
            sql = f"{_EDGE} WHERE {' OR '.join(where)} ORDER BY edge.id"
            return tuple(Edge._make((*edge, LAYER)) for edge in con.execute(sql, (row[0],) * len(where)))

    def find(self, text: str = "", *, kind: str = "", limit: int = 50, offset: int = 0) -> Sequence[Node]:
        """Return the nodes that match, best first; all in the order of adding when the text is empty."""
        return self.query(text, kind=kind, limit=limit, offset=offset).nodes

    def query(
        self,
        text: str = "",
        *,
        kind: str = "",
        source: str = "",
        names_only: bool = False,
        limit: int = 50,
        offset: int = 0,
    ) -> Found:
        """Return a page of the nodes that match a text, a kind and a source.

        `graph_search` says what matches and in which order; without a text all match, in the order of adding.

        Raises:
            GraphError: the text is too long.
        """
        limit, offset = max(0, limit), max(0, min(offset, 2**53))
        if not (storable(kind, LONGEST_KIND) and storable(source, LONGEST_NAME)):
            return Found((), 0)
        asked = {"kind": kind, "source": source, "limit": limit, "offset": offset}
        with self._file.reading() as con:
            if text.strip():
                numbers = ranked(con, matching(con, text, indexed=self._file.indexed), kind=kind, source=source)
                page, total = numbers[offset : offset + limit], len(numbers)
                rows = [con.execute(f"{_NODE} WHERE id = ?", (number,)).fetchone() for number in page]
            else:
                where = "WHERE own" + " AND kind = :kind" * bool(kind) + " AND source = :source" * bool(source)
                rows = con.execute(f"{_NODE} {where} ORDER BY id LIMIT :limit OFFSET :offset", asked).fetchall()
                total = int(con.execute(f"SELECT count(*) FROM node {where}", asked).fetchone()[0])
            return Found(tuple(_node(con, row, names_only=names_only) for row in rows), total)

    def kinds(self) -> Mapping[str, int]:
        """Return how many nodes there are of each kind."""
        with self._file.reading() as con:
            return dict(con.execute("SELECT kind, count(*) FROM node WHERE own GROUP BY kind ORDER BY kind").fetchall())

    def relations(self) -> Mapping[str, int]:
        """Return how many edges there are of each relation."""
        with self._file.reading() as con:
            return dict(
                con.execute("SELECT relation, count(*) FROM edge GROUP BY relation ORDER BY relation").fetchall()
            )

    def count(self) -> tuple[int, int]:
        """Return (nodes, edges)."""
        with self._file.reading() as con:
            row = con.execute("SELECT (SELECT count(*) FROM node WHERE own), (SELECT count(*) FROM edge)").fetchone()
            return int(row[0]), int(row[1])

    def pairs(self) -> Iterator[tuple[str, str, str]]:
        """Give (subject, relation, object) of every edge."""
        return self.pairs_after(0)

    def pairs_after(self, last: int) -> Iterator[tuple[str, str, str]]:
        """Give (subject, relation, object) of the edges that were added after one, by the `last` of an edge mark."""
        return ((edge.subject, edge.relation, edge.object) for edge in self.all_edges(last))

    def edge_mark(self) -> EdgeMark:
        """Return how far the edges have come; as long as none was removed, only those after the last are new."""
        with self._file.reading() as con:
            return EdgeMark(*con.execute(_MARK).fetchone())

    def all_edges(self, last: int = 0) -> Iterator[Edge]:
        """Give every edge in the order of adding; those added meanwhile may come too."""
        while True:
            sql = f"{_EDGE.replace('count', 'count, edge.id', 1)} WHERE edge.id > ? ORDER BY edge.id LIMIT {_BATCH}"
            with self._file.reading() as con:
                rows = con.execute(sql, (last,)).fetchall()
            if not rows:
                return
            for row in rows:
                yield Edge._make((*row[:6], LAYER))
            last = rows[-1][6]

    def all_records(self) -> Iterator[Record]:
        """Give every node with all that is kept of it, in the order of adding."""
        last = 0
        while True:
            with self._file.reading() as con:
                rows = con.execute(_RECORDS, (last,)).fetchall()
                texts = "SELECT text, source, added FROM text WHERE node = ? ORDER BY id"
                said = [tuple(Text(*text) for text in con.execute(texts, (row[0],))) for row in rows]
            if not rows:
                return
            for row, kept in zip(rows, said, strict=True):
                yield Record(row[1], row[2], row[3], kept, properties_from(row[4]))
            last = rows[-1][0]


def _node(con: sqlite3.Connection, row: tuple[int, str, str, str], *, names_only: bool) -> Node:
    number, name, kind, source = row
    texts = "SELECT text FROM text WHERE node = ? ORDER BY id"
    said = () if names_only else tuple(text for (text,) in con.execute(texts, (number,)))
    return Node(name, kind, said, source, LAYER)
