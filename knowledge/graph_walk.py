"""Walking over several graphs at once: who is next to whom, kept small in memory, and the shortest way by networkx."""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from knowledge.graph_view import Direction, GraphError, GraphView

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Adjacency", "EdgeMark", "Growing", "Kept", "Reached", "Walk", "reach", "relation_filter", "shortest"]

MOST_PATTERNS = 100
_LONGEST_PATTERN = 200
MOST_REACHED = 200_000
"""Nodes that a walk visits before it stops."""

Allowed = Callable[[str], bool]
"""Says whether a walk may follow a relation."""


def relation_filter(relations: Collection[str]) -> Allowed:
    """Return what lets the relations through that one of the names or patterns (`read*`) fits; none lets all through.

    Raises:
        GraphError: too many patterns, or one that is too long.
    """
    if len(relations) > MOST_PATTERNS or any(len(pattern) > _LONGEST_PATTERN for pattern in relations):
        raise GraphError(f"at most {MOST_PATTERNS} relations of at most {_LONGEST_PATTERN} characters can be asked for")
    patterns = tuple(pattern for pattern in relations if pattern.strip("*"))
    if len(patterns) < len(relations) or not relations:
        return lambda _relation: True
    known: dict[str, bool] = {}

    def allowed(relation: str) -> bool:
        answer = known.get(relation)
        if answer is None:
            answer = known[relation] = any(
                relation == pattern or fnmatchcase(relation, pattern) for pattern in patterns
            )
        return answer

    return allowed


class EdgeMark(NamedTuple):
    """How far the edges of a growing graph have come."""

    removed: int
    """Edges removed so far."""
    last: int
    """The number of the last edge."""


@runtime_checkable
class Growing(Protocol):
    """A graph that can tell which edges are new."""

    def edge_mark(self) -> EdgeMark:
        """Return how far the edges have come."""
        ...

    def pairs_after(self, last: int) -> Iterator[tuple[str, str, str]]:
        """Give the edges after the last of a mark."""
        ...


class Adjacency:
    """Edges by their ends, without what is said of them: per node relation, other end, relation, other end ..."""

    def __init__(self, edges: Iterable[tuple[str, str, str]] = ()) -> None:
        self.out: dict[str, list[str]] = {}
        self.into: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}
        self.add(edges)

    def add(self, edges: Iterable[tuple[str, str, str]]) -> None:
        """Add (subject, relation, object) of each edge."""
        names = self._names
        for subject, relation, object_ in edges:
            first, second = names.setdefault(subject, subject), names.setdefault(object_, object_)
            word = sys.intern(relation)
            self.out.setdefault(first, []).extend((word, second))
            self.into.setdefault(second, []).extend((word, first))


class Kept:
    """The adjacency of one graph, kept and brought up to date when the graph has changed."""

    def __init__(self, view: GraphView) -> None:
        self._view = view
        self._stamp: object = None
        self._mark: EdgeMark | None = None
        self._edges: Adjacency | None = None

    def now(self) -> Adjacency:
        """Return the edges as they are now; of a growing graph only the new ones are read."""
        stamp = self._view.stamp()
        if self._edges is not None and stamp == self._stamp:
            return self._edges
        mark = self._view.edge_mark() if isinstance(self._view, Growing) else None
        if self._edges is None or mark is None or self._mark is None or mark.removed != self._mark.removed:
            self._edges = None
            self._edges = Adjacency(self._view.pairs())
        elif isinstance(self._view, Growing) and mark.last > self._mark.last:
            self._edges.add(self._view.pairs_after(self._mark.last))
        self._stamp, self._mark = stamp, mark
        return self._edges


_NOTHING: Sequence[str] = ()
_NO_ATTRIBUTES: Mapping[str, object] = {}


class Walk:
    """Which nodes are one step away, over several graphs, by the relations and in the direction asked for."""

    def __init__(self, graphs: Sequence[Adjacency], allowed: Allowed, direction: Direction) -> None:
        self._graphs = graphs
        self._allowed = allowed
        self._out = direction in ("out", "both")
        self._in = direction in ("in", "both")

    def forward(self, name: str) -> Mapping[str, Mapping[str, object]]:
        """Return the nodes that one step leads to, each once, in the order of the graphs."""
        return self._next(name, out=self._out, into=self._in)

    def backward(self, name: str) -> Mapping[str, Mapping[str, object]]:
        """Return the nodes that one step leads from."""
        return self._next(name, out=self._in, into=self._out)

    def knows(self, name: str) -> bool:
        """Say whether the node has any edge at all."""
        return any(name in graph.out or name in graph.into for graph in self._graphs)

    def names(self) -> Collection[str]:
        """Return every node that has an edge."""
        return dict.fromkeys(name for graph in self._graphs for ends in (graph.out, graph.into) for name in ends)

    def _next(self, name: str, *, out: bool, into: bool) -> Mapping[str, Mapping[str, object]]:
        found: dict[str, Mapping[str, object]] = {}
        allowed = self._allowed
        for graph in self._graphs:
            for wanted, edges in ((out, graph.out), (into, graph.into)):
                ends = edges.get(name, _NOTHING) if wanted else _NOTHING
                for at in range(0, len(ends), 2):
                    if allowed(ends[at]):
                        found[ends[at + 1]] = _NO_ATTRIBUTES
        return found


class Reached(NamedTuple):
    """A node that a walk came to."""

    name: str
    distance: int
    before: str
    """The node from which it was reached first."""


def reach(walk: Walk, start: str, *, depth: int) -> list[Reached]:
    """Return the nodes within so many steps, nearest first, each once and without the start."""
    seen = {start}
    found: list[Reached] = []
    level = [start]
    for distance in range(1, depth + 1):
        following: list[str] = []
        for name in level:
            for other in walk.forward(name):
                if other not in seen:
                    seen.add(other)
                    following.append(other)
                    found.append(Reached(other, distance, name))
        if not following or len(found) > MOST_REACHED:
            break
        level = following
    return found


def shortest(walk: Walk, start: str, goal: str) -> list[str]:
    """Return the names along a shortest way, none when there is no way.

    networkx walks from both ends at once; the steps that it asks for are read from the walk, so that nothing is copied.
    """
    import networkx as nx

    try:
        found: list[str] = nx.bidirectional_shortest_path(_as_networkx(walk), start, goal)
    except (nx.NetworkXNoPath, nx.NodeNotFound):
        return []
    return found


class _Steps(Mapping[str, Mapping[str, Mapping[str, object]]]):
    """Steps in the shape in which networkx reads them: node, neighbour, attributes."""

    def __init__(self, walk: Walk, step: Callable[[str], Mapping[str, Mapping[str, object]]]) -> None:
        self._walk = walk
        self._step = step

    def __getitem__(self, name: str) -> Mapping[str, Mapping[str, object]]:
        return self._step(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._walk.knows(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._walk.names())

    def __len__(self) -> int:
        return len(self._walk.names())


def _as_networkx(walk: Walk) -> "nx.DiGraph[str]":
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    out, into = _Steps(walk, walk.forward), _Steps(walk, walk.backward)
    vars(graph).update(_node=out, _adj=out, _succ=out, _pred=into)  # as nx.subgraph_view makes its views
    return graph
