"""Several graphs read as one: the user's own over the atlas of the game over the indexes of source code.

A name is looked for in every graph and the first graph says what kind of thing it is; what is said of it, and its
edges, are those of all graphs together.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from knowledge.graph_limits import shown
from knowledge.graph_view import Direction, Edge, GraphError, GraphView, Node
from knowledge.graph_walk import Adjacency, Kept, Walk, reach, relation_filter, shortest

__all__ = ["DEEPEST", "Layers", "Neighbour", "Neighbours", "Way"]

DEEPEST = 8
"""Steps that a search for neighbours may go."""
FURTHEST = 10_000
"""Rows that a page may begin after."""
_EDGES_SHOWN = 20
_AGAINST: Mapping[Direction, Direction] = {"out": "in", "in": "out", "both": "both"}


class Neighbour(NamedTuple):
    """A node near another."""

    name: str
    kind: str
    distance: int
    """Steps from the start, 1 for a node next to it."""
    edges: tuple[Edge, ...]
    """The edges of the last step, at most twenty."""


class Neighbours(NamedTuple):
    """One page of the nodes around a node."""

    start: str
    """The name of the node; empty when nothing is known by what was asked."""
    rows: tuple[Neighbour, ...]
    total: int
    """Nodes on all pages."""
    why: str = ""
    """Why there is none."""


class Way(NamedTuple):
    """A shortest way between two nodes."""

    names: tuple[str, ...]
    """The nodes from start to end; empty when there is no way."""
    edges: tuple[Edge, ...]
    """One edge a step."""
    why: str = ""
    """Why there is no way."""


class Layers:
    """Graphs over each other, the first on top; itself a graph that can be read."""

    def __init__(self, views: Sequence[GraphView]) -> None:
        self._views = tuple(views)
        self._kept = [Kept(view) for view in self._views]
        self._lock = threading.Lock()

    @property
    def layer(self) -> str:
        """The names of the graphs with `+` between."""
        return "+".join(view.layer for view in self._views)

    def stamp(self) -> object:
        """Return a value that differs once one of the graphs has changed."""
        return tuple(view.stamp() for view in self._views)

    def resolve(self, text: str) -> str:
        """Return the name that a text names exactly in some graph, else what the first graph makes of it."""
        name = text.strip()
        if name and any(view.node(name) is not None for view in self._views):
            return name
        return next((found for view in self._views if (found := view.resolve(text))), "")

    def named(self, text: str) -> Node | None:
        """Return the node that a text names in any spelling."""
        name = self.resolve(text)
        return self.node(name) if name else None

    def node(self, name: str) -> Node | None:
        """Return the node of this name with the texts of all graphs; `layer` names the graphs that have it."""
        return _joined([found for view in self._views if (found := view.node(name)) is not None])

    def edges(self, name: str, *, direction: Direction = "both") -> Sequence[Edge]:
        """Return the edges of a node in all graphs, the first graph's first."""
        return tuple(edge for view in self._views for edge in view.edges(name, direction=direction))

    def find(self, text: str = "", *, kind: str = "", limit: int = 50, offset: int = 0) -> Sequence[Node]:
        """Return the nodes that match in any graph: the best of each in turn; without a text one graph after another.

        Raises:
            GraphError: the page begins too far in.
        """
        if offset > FURTHEST:
            raise GraphError(f"a page begins after {FURTHEST:,} rows at most: ask with more words or a kind")
        limit, offset = max(0, limit), max(0, offset)
        pages = [view.find(text, kind=kind, limit=offset + limit) for view in self._views]
        if text.strip():
            longest = max(map(len, pages), default=0)
            nodes = [page[at] for at in range(longest) for page in pages if at < len(page)]
        else:
            nodes = [node for page in pages for node in page]
        names = list(dict.fromkeys(node.name for node in nodes))[offset : offset + limit]
        found = {node.name: node for node in reversed(nodes)}
        return tuple(self.node(name) or found[name] for name in names)

    def count(self) -> tuple[int, int]:
        """Return (nodes, edges), summed over the graphs."""
        counts = [view.count() for view in self._views]
        return sum(nodes for nodes, _ in counts), sum(edges for _, edges in counts)

    def pairs(self) -> Iterator[tuple[str, str, str]]:
        """Give (subject, relation, object) of every edge."""
        for view in self._views:
            yield from view.pairs()

    def neighbours(
        self,
        name: str,
        *,
        direction: Direction = "both",
        relations: Collection[str] = (),
        depth: int = 1,
        limit: int = 50,
        offset: int = 0,
    ) -> Neighbours:
        """Return a page of the nodes around a node, nearest first.

        `relations` are names or patterns such as `read*`; none means all. `name` may be in any spelling.

        Raises:
            GraphError: too many relations, or a depth that is out of bounds.
        """
        if not 1 <= depth <= DEEPEST:
            raise GraphError(f"depth is {depth}: give 1 to {DEEPEST}")
        allowed = relation_filter(relations)
        start = self.resolve(name)
        if not start:
            return Neighbours("", (), 0, _unknown(name))
        walk = self._walk(allowed, direction) if depth > 1 else self._beside(start, allowed, direction)
        found = reach(walk, start, depth=depth)
        if not found:
            return Neighbours(start, (), 0, self._dead_end(start, relations, direction))
        between = _Between(self, allowed, direction)
        rows = [
            Neighbour(row.name, self._kind(row.name), row.distance, between.edges(row.before, row.name))
            for row in found[max(0, offset) : max(0, offset) + max(0, limit)]
        ]
        return Neighbours(start, tuple(rows), len(found))

    def find_path(
        self,
        start: str,
        end: str,
        *,
        relations: Collection[str] = (),
        direction: Direction = "out",
        max_steps: int = 20,
    ) -> Way:
        """Return a shortest way from one node to another, or why there is none.

        Raises:
            GraphError: too many relations.
        """
        allowed = relation_filter(relations)
        first, last = self.resolve(start), self.resolve(end)
        for given, found in ((start, first), (end, last)):
            if not found:
                return Way((), (), _unknown(given))
        if first == last:
            return Way((first,), ())
        walk = self._walk(allowed, direction)
        names = shortest(walk, first, last)
        if not names:
            return Way((), (), self._no_way(walk, first, last, relations=relations, direction=direction))
        steps = len(names) - 1
        if steps > max_steps:
            return Way((), (), f"the shortest way has {steps} steps: ask for at most {steps} instead of {max_steps}")
        between = _Between(self, allowed, direction)
        pairs = pairwise(names)
        return Way(tuple(names), tuple(between.edges(before, name)[0] for before, name in pairs))

    def _kind(self, name: str) -> str:
        return next((found.kind for view in self._views if (found := view.node(name)) is not None), "")

    def _beside(self, start: str, allowed: Callable[[str], bool], direction: Direction) -> Walk:
        edges = ((edge.subject, edge.relation, edge.object) for edge in self.edges(start))
        return Walk([Adjacency(edges)], allowed, direction)

    def _walk(self, allowed: Callable[[str], bool], direction: Direction) -> Walk:
        with self._lock:
            graphs = [kept.now() for kept in self._kept]
        return Walk(graphs, allowed, direction)

    def _dead_end(self, name: str, relations: Collection[str], direction: Direction) -> str:
        counts: dict[str, int] = {}
        for edge in self.edges(name):
            way = "out" if edge.subject == name else "in"
            counts[f"{edge.relation} ({way})"] = counts.get(f"{edge.relation} ({way})", 0) + 1
        if not counts:
            return f"{shown(name)} has no edges"
        listed = ", ".join(f"{count} {what}" for what, count in sorted(counts.items())[:12])
        return f"{shown(name)} has no edge{_asked(relations, direction)}; it has {listed}"

    def _no_way(self, walk: Walk, first: str, last: str, *, relations: Collection[str], direction: Direction) -> str:
        if not walk.forward(first):
            return self._dead_end(first, relations, direction)
        if not walk.backward(last):
            return self._dead_end(last, relations, _AGAINST[direction])
        text = f"no way from {shown(first)} to {shown(last)}{_asked(relations, direction)}"
        if direction != "both" and (names := shortest(self._walk(relation_filter(relations), "both"), first, last)):
            return f"{text}; there is one of {len(names) - 1} steps in direction both"
        if relations and (names := shortest(self._walk(relation_filter(()), direction), first, last)):
            return f"{text}; there is one of {len(names) - 1} steps over all relations"
        return f"{text}: they are in parts that nothing joins"


class _Between:
    """The edges between nodes that a walk joined."""

    def __init__(self, layers: Layers, allowed: Callable[[str], bool], direction: Direction) -> None:
        self._layers = layers
        self._allowed = allowed
        self._direction: Direction = direction
        self._kept: dict[str, Mapping[str, list[Edge]]] = {}

    def edges(self, before: str, name: str) -> tuple[Edge, ...]:
        """Return the edges by which a walk goes from one node to the next."""
        if before not in self._kept:
            by_end: dict[str, list[Edge]] = {}
            for edge in self._layers.edges(before, direction=self._direction):
                if self._allowed(edge.relation):
                    by_end.setdefault(edge.object if edge.subject == before else edge.subject, []).append(edge)
            self._kept[before] = by_end
        return tuple(self._kept[before].get(name, ())[:_EDGES_SHOWN])


def _joined(found: Sequence[Node]) -> Node | None:
    if len(found) < 2:
        return found[0] if found else None
    texts = tuple(dict.fromkeys(text for node in found for text in node.texts))
    source = next((node.source for node in found if node.source), "")
    layer = "+".join(dict.fromkeys(node.layer for node in found))
    return Node(found[0].name, found[0].kind, texts, source, layer)


def _unknown(name: str) -> str:
    return f"no node, or more than one, is named {shown(name)}: search for its name first"


def _asked(relations: Collection[str], direction: Direction) -> str:
    named = f" of relation {', '.join(sorted(relations)[:8])}" if relations else ""
    return named + {"out": " leading out", "in": " leading in"}.get(direction, "")
