"""The atlas: the facts of the tables as nodes and the relations between them as edges, read-only and small in memory.

It is read from `relations.txt`, which `generate.py` writes, and from the tables. A node is named by its fact's ref
(`ram:7EF36D`); a few nodes have no row of a table: subsystems, structs, and bytes of a save file.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate, chain
from pathlib import Path
from typing import NamedTuple, get_args

from knowledge.alttp.tables import FOLDER, Table, fact, tables
from knowledge.graph_view import Direction, Edge, Node
from schemas.fact import AskedKind, Fact, FactKind

__all__ = ["RELATIONS", "Atlas", "atlas"]

RELATIONS = FOLDER / "relations.txt"
"""Where the relations lie."""

_KINDS = frozenset(get_args(FactKind))


_NOTES = {"saved_to": "save file 1"}
"""Relation to what is said of each of its edges."""


class _Section(NamedTuple):
    relation: str
    sources: str


class _Places:
    """Numbers for nodes: the rows of the tables in their order, then the nodes that have no row."""

    def __init__(self, loaded: Mapping[FactKind, Table]) -> None:
        self.tables = loaded
        ends = list(accumulate(len(table.rows) for table in loaded.values()))
        self.starts = dict(zip(loaded, [0, *ends], strict=False))
        self.rows = ends[-1] if ends else 0
        self._kinds, self._starts = list(self.starts), list(self.starts.values())
        self.extra: list[str] = []
        self._extra: dict[str, int] = {}

    def number(self, name: str) -> int:
        """Return the number of a node, -1 when there is none."""
        kind, _, key = name.partition(":")
        table = self._table(kind)
        row = table.find(key) if table is not None else -1
        return self.starts[table.kind] + row if table is not None and row >= 0 else self._extra.get(name, -1)

    def _table(self, kind: str) -> Table | None:
        return next((self.tables[known] for known in self.tables if known == kind), None)

    def known(self, kind: str) -> dict[str, int]:
        """Return key to number for all rows of one kind."""
        table = self._table(kind)
        if table is None:
            return {}
        start = self.starts[table.kind]
        return {table.key(row): start + row for row in range(len(table.rows))}

    def add(self, name: str) -> int:
        """Number a node that has no row."""
        number = self._extra.get(name)
        if number is None:
            number = self._extra[name] = self.rows + len(self.extra)
            self.extra.append(name)
        return number

    def name(self, number: int) -> str:
        """Return the name of a node."""
        if number >= self.rows:
            return self.extra[number - self.rows]
        kind, row = self._at(number)
        return self.tables[kind].ref(row)

    def _at(self, number: int) -> tuple[FactKind, int]:
        place = bisect_right(self._starts, number) - 1
        return self._kinds[place], number - self._starts[place]

    def fact(self, number: int) -> Fact | None:
        """Return the fact of a node, none where it has no row."""
        if number >= self.rows or number < 0:
            return None
        kind, row = self._at(number)
        return fact(self.tables[kind], self.tables[kind].rows[row])


class _Edges:
    """The edges in arrays: subject, object, section and count of each, by subject; and their numbers by object."""

    def __init__(self) -> None:
        self.subjects = array("I")
        self.objects = array("I")
        self.sections = array("B")
        self.counts = array("H")

    def add(self, subject: int, target: int, section: int, count: int) -> None:
        self.subjects.append(subject)
        self.objects.append(target)
        self.sections.append(section)
        self.counts.append(min(count, 0xFFFF))

    def settle(self, nodes: int) -> None:
        """Sort by subject, and make the ways from a node to its edges."""
        order = sorted(range(len(self.subjects)), key=self.subjects.__getitem__)
        self.subjects = array("I", map(self.subjects.__getitem__, order))
        self.objects = array("I", map(self.objects.__getitem__, order))
        self.sections = array("B", map(self.sections.__getitem__, order))
        self.counts = array("H", map(self.counts.__getitem__, order))
        self.incoming = array("I", sorted(range(len(order)), key=self.objects.__getitem__))
        self.first_out = _firsts(self.subjects, nodes)
        self.first_in = _firsts(array("I", map(self.objects.__getitem__, self.incoming)), nodes)

    def out(self, number: int) -> Sequence[int]:
        """Return the edges that a node is the subject of."""
        return range(self.first_out[number], self.first_out[number + 1])

    def into(self, number: int) -> Sequence[int]:
        """Return the edges that a node is the object of."""
        return self.incoming[self.first_in[number] : self.first_in[number + 1]]


def _firsts(sorted_numbers: Sequence[int], nodes: int) -> "array[int]":
    counts = array("I", bytes(4 * (nodes + 1)))
    for number in sorted_numbers:
        counts[number + 1] += 1
    return array("I", accumulate(counts))


def _read(path: Path, places: _Places) -> tuple[list[_Section], _Edges]:
    """Read the relations; a line that is none is an error that names file and line."""
    edges, sections = _Edges(), list[_Section]()
    known: dict[str, dict[str, int]] = {}
    subject_kind = object_kind = ""
    for line_number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("#"):
            continue
        try:
            if line.startswith("@"):
                relation, subject_kind, object_kind, sources = line[1:].split()
                sections.append(_Section(relation, sources.replace(",", ", ")))
                for kind in (subject_kind, object_kind):
                    if kind not in known:
                        known[kind] = places.known(kind)
                continue
            key, *objects = line.split()
            subject = known[subject_kind].get(key)
            subject = places.add(f"{subject_kind}:{key}") if subject is None else subject
            for name in objects:
                target, _, count = name.partition("*")
                number = known[object_kind].get(target)
                number = places.add(f"{object_kind}:{target}") if number is None else number
                edges.add(subject, number, len(sections) - 1, int(count or 1))
        except (ValueError, KeyError) as error:
            raise ValueError(f"{path.name}, line {line_number} is no relation: {line[:60]!r}") from error
    edges.settle(places.rows + len(places.extra))
    return sections, edges


class Atlas:
    """The facts and their relations as a graph that can be read; it implements `GraphView`."""

    def __init__(self, loaded: Mapping[FactKind, Table], path: Path = RELATIONS) -> None:
        """Read the relations between the facts of the loaded tables."""
        self._places = _Places(loaded)
        self._sections, self._edges = _read(path, self._places)

    @property
    def layer(self) -> str:
        """The short name of the graph."""
        return "atlas"

    def stamp(self) -> object:
        """Return a value that differs once the graph has changed: this one does not."""
        return self.count()

    def resolve(self, text: str) -> str:
        """Return the ref that a text names in any spelling, empty when it names none or several."""
        if self._places.number(text) >= 0:
            return text
        from knowledge.alttp.lookup import resolve

        return resolve(text)

    def fact(self, name: str) -> Fact | None:
        """Return the fact of exactly this ref."""
        return self._places.fact(self._places.number(name))

    def node(self, name: str) -> Node | None:
        """Return the node of exactly this name."""
        number = self._places.number(name)
        if number < 0:
            return None
        found = self._places.fact(number)
        if found is None:
            kept = self.edges(name, direction="in", relation="saved_to")
            texts = tuple(f"{edge.subject} is saved there, in {edge.note}" for edge in kept)
            return Node(name, name.partition(":")[0], texts, kept[0].source if kept else "", self.layer)
        return Node(name, found.kind, (found.headline(), *found.details), ", ".join(found.sources), self.layer)

    def _edge(self, place: int) -> Edge:
        edges, section = self._edges, self._sections[self._edges.sections[place]]
        subject, target = self._places.name(edges.subjects[place]), self._places.name(edges.objects[place])
        note = _NOTES.get(section.relation, "")
        return Edge(subject, section.relation, target, section.sources, note, edges.counts[place], self.layer)

    def edges(self, name: str, *, direction: Direction = "both", relation: str = "") -> Sequence[Edge]:
        """Return the edges of the node of exactly this name, only those of one relation if `relation` names it.

        `edges("ram:7E0010", direction="in", relation="writes")` is who writes the main module.
        """
        number = self._places.number(name)
        if number < 0:
            return ()
        out = self._edges.out(number) if direction != "in" else ()
        into = self._edges.into(number) if direction != "out" else ()
        loops = frozenset(out).intersection(into) if out and into else frozenset[int]()
        places = chain(out, (place for place in into if place not in loops))
        kept = (place for place in places if not relation or self._relation(place) == relation)
        return tuple(map(self._edge, kept))

    def _relation(self, place: int) -> str:
        return self._sections[self._edges.sections[place]].relation

    def relations(self) -> tuple[str, ...]:
        """Return the names of all relations, in the order of the alphabet."""
        return tuple(sorted({section.relation for section in self._sections}))

    def find(self, text: str = "", *, kind: str = "", limit: int = 50, offset: int = 0) -> Sequence[Node]:
        """Return the nodes whose name or texts have the words of `text` (all nodes when empty), best first."""
        if not text.strip():
            names = self._names(kind)
        elif not kind or kind in _KINDS:
            names = _search(text, kind)
        else:
            words = text.lower().split()
            names = (name for name in self._names(kind) if all(word in name.lower() for word in words))
        chosen = (name for place, name in enumerate(names) if offset <= place < offset + limit)
        return tuple(node for node in map(self.node, chosen) if node is not None)

    def _names(self, kind: str) -> Iterator[str]:
        """Give the names of all nodes, or of those of one kind."""
        for known, table in self._places.tables.items():
            if kind in ("", known):
                yield from map(table.ref, range(len(table.rows)))
        yield from (name for name in self._places.extra if kind in ("", name.partition(":")[0]))

    def count(self) -> tuple[int, int]:
        """Return (nodes, edges)."""
        return self._places.rows + len(self._places.extra), len(self._edges.subjects)

    def pairs(self) -> Iterator[tuple[str, str, str]]:
        """Give (subject, relation, object) of every edge."""
        for place in range(len(self._edges.subjects)):
            yield self._edge(place)[:3]


def _search(text: str, kind: str) -> Iterator[str]:
    """Give the refs of the rows that a text names or whose words it has, best first."""
    from knowledge.alttp.index import current
    from knowledge.alttp.lookup import QUERY_LIMIT, resolve
    from knowledge.alttp.search import rank, terms

    text = text[:QUERY_LIMIT]
    index, named = current(), resolve(text)
    asked: AskedKind = next((known for known in get_args(FactKind) if known == kind), "any")
    if named and kind in ("", named.partition(":")[0]):
        yield named
    for found in rank(index, terms(text), index.of_kind(asked)):
        ref = index.ref(found.entry)
        if ref != named:
            yield ref


@cache
def atlas() -> Atlas:
    """Return the atlas of this package, read once."""
    return Atlas(tables())
