"""What an import hands in, item by item: written in batches, with what cannot go in kept as problems."""

import json
from collections.abc import Mapping
from types import TracebackType
from typing import NamedTuple, Self, cast, get_args

from knowledge.graph import Graph
from knowledge.graph_rules import Constraint, RuleKind
from knowledge.graph_view import Edge, GraphError, Node
from knowledge.graph_write import UnknownEnd, Writer, end_name

__all__ = ["Chunk", "Imported", "Intake", "NewNode", "Problem", "edge_from", "node_from", "rule_from", "text_of"]

Chunk = str | bytes
"""A piece of a file."""
_BATCH = 1_000
_BATCH_CHARACTERS = 4_000_000
_MOST_PROBLEMS = 100
_MOST_WAITING = 100_000
_NOTHING_KNOWN: Mapping[str, Node | None] = {}


class Problem(NamedTuple):
    """Something that did not go in."""

    place: str
    """`line 17`, `nodes[3]`."""
    text: str
    """Why, and what to do."""


class Imported(NamedTuple):
    """What an import did."""

    nodes: int
    """Nodes that are new."""
    texts: int
    """Texts that are new."""
    edges: int
    """Edges that are new."""
    problems: tuple[Problem, ...]
    """The first hundred."""
    problem_count: int


class NewNode(NamedTuple):
    """A node that is to go in."""

    name: str
    kind: str
    texts: tuple[str, ...]
    source: str
    properties: Mapping[str, object]


_Item = NewNode | Edge | Constraint


class _Placed(NamedTuple):
    place: str
    item: _Item


class Intake:
    """Takes the items of one import; edges may come before their ends."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._batch: list[_Placed] = []
        self._characters = 0
        self._waiting: list[_Placed] = []
        self._last = False
        self._nodes = self._texts = self._edges = 0
        self._problems: list[Problem] = []
        self._problem_count = 0

    def __enter__(self) -> Self:
        """Return the intake."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is left, then the edges whose ends came after them; nothing more after an error."""
        if kind is None:
            self._write()
            self._last = True
            for start in range(0, len(self._waiting), _BATCH):
                self._batch = self._waiting[start : start + _BATCH]
                self._write(self._below())

    def report(self, place: str, text: str) -> None:
        """Keep a problem."""
        self._problem_count += 1
        if len(self._problems) < _MOST_PROBLEMS:
            self._problems.append(Problem(place, text[:500]))

    def node(self, place: str, node: NewNode) -> None:
        """Hand in a node."""
        self._put(_Placed(place, node), sum(map(len, node.texts)))

    def edge(self, place: str, edge: Edge) -> None:
        """Hand in an edge."""
        self._put(_Placed(place, edge), 0)

    def rule(self, place: str, rule: Constraint) -> None:
        """Hand in a rule."""
        self._put(_Placed(place, rule), 0)

    def imported(self) -> Imported:
        """Return what was done; whole once the intake is closed."""
        return Imported(self._nodes, self._texts, self._edges, tuple(self._problems), self._problem_count)

    def _put(self, placed: _Placed, characters: int) -> None:
        self._batch.append(placed)
        self._characters += characters
        if len(self._batch) >= _BATCH or self._characters > _BATCH_CHARACTERS:
            self._write()

    def _below(self) -> Mapping[str, Node | None]:
        known: dict[str, Node | None] = {}
        for placed in self._batch:
            for end in (placed.item.subject, placed.item.object) if isinstance(placed.item, Edge) else ():
                try:
                    name = end_name(end)
                except GraphError:
                    continue  # reported when the edge is written
                if name not in known:
                    known[name] = self._graph.below(name)
        return known

    def _write(self, known: Mapping[str, Node | None] = _NOTHING_KNOWN) -> None:
        batch, self._batch, self._characters = self._batch, [], 0
        if not batch:
            return
        with self._graph.writing(known) as write:
            for placed in batch:
                write.con.execute("SAVEPOINT item")
                try:
                    self._write_one(write, placed.item)
                except GraphError as error:
                    write.con.execute("ROLLBACK TO item")
                    if isinstance(error, UnknownEnd) and not self._last and len(self._waiting) < _MOST_WAITING:
                        self._waiting.append(placed)
                    else:
                        self.report(placed.place, str(error))
                write.con.execute("RELEASE item")

    def _write_one(self, write: Writer, item: _Item) -> None:
        if isinstance(item, NewNode):
            done = write.put_node(
                item.name, item.kind, texts=item.texts, source=item.source, properties=item.properties
            )
            self._nodes += done.created
            self._texts += done.texts_added
        elif isinstance(item, Edge):
            added = write.put_edge(
                item.subject, item.relation, item.object, source=item.source, note=item.note, count=item.count
            )
            self._edges += added.created
        else:
            write.put_rule(item)


def text_of(fields: Mapping[str, object], *names: str) -> str:
    """Return the first of the fields that is there, as text; a number as its digits.

    Raises:
        GraphError: the field is neither text nor a number.
    """
    for name in names:
        value = fields.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, int | float):
            return json.dumps(value)
        if value is not None:
            raise GraphError(f'"{name}" is no text: write it as a string')
    return ""


def _needed(fields: Mapping[str, object], *names: str) -> str:
    value = text_of(fields, *names)
    if not value:
        raise GraphError(f'no "{names[0]}": add it')
    return value


def _texts(fields: Mapping[str, object], *names: str) -> tuple[str, ...]:
    for name in names:
        value = fields.get(name)
        if isinstance(value, str):
            return (value,)
        if value is None:
            continue
        if not isinstance(value, list) or not all(isinstance(text, str) for text in cast("list[object]", value)):
            raise GraphError(f'"{name}" is no list of strings: write ["...", ...]')
        return tuple(cast("list[str]", value))
    return ()


def _properties(fields: Mapping[str, object]) -> Mapping[str, object]:
    value = fields.get("properties")
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise GraphError('"properties" is no object: write {"name": value}')
    return cast("dict[str, object]", value)


def node_from(fields: Mapping[str, object]) -> NewNode:
    """Return the node that the fields of a JSON object tell of, in the words of this or of other programs.

    Raises:
        GraphError: it has no name, or a field is of another type.
    """
    return NewNode(
        _needed(fields, "name", "id"),
        text_of(fields, "entityType", "kind", "type") or "note",
        _texts(fields, "observations", "texts", "text", "description"),
        text_of(fields, "source"),
        _properties(fields),
    )


def edge_from(fields: Mapping[str, object]) -> Edge:
    """Return the edge that the fields of a JSON line tell of.

    Raises:
        GraphError: an end or the relation is missing, or a field is of another type.
    """
    count = fields.get("count", 1)
    if not isinstance(count, int) or isinstance(count, bool):
        raise GraphError('"count" is no whole number: leave it out or write 1')
    return Edge(
        _needed(fields, "from", "subject"),
        _needed(fields, "relationType", "relation"),
        _needed(fields, "to", "object"),
        text_of(fields, "source"),
        text_of(fields, "note"),
        count,
    )


def rule_from(fields: Mapping[str, object]) -> Constraint:
    """Return the rule that the fields of a JSON object tell of.

    Raises:
        GraphError: there is no such rule, or it is not said what it is about.
    """
    rule = text_of(fields, "rule")
    if rule not in get_args(RuleKind):
        raise GraphError(f'"rule" is none of {", ".join(get_args(RuleKind))}')
    words = (text_of(fields, "first"), text_of(fields, "second"), text_of(fields, "source"))
    return Constraint(cast("RuleKind", rule), _needed(fields, "of"), *words)
