"""The links between codebases as a graph of its own: a layer over the codebases that joins what is the same in them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from knowledge.code_graph.links import Link, all_links
from knowledge.code_graph.types import Code
from knowledge.graph_view import Direction, Edge, Node

__all__ = ["LinksView"]

_LEAST = 0.5


class LinksView:
    """A GraphView of the links between all pairs of codebases of an index, or between those named."""

    def __init__(
        self,
        index: Code,
        *,
        codebases: Sequence[str] = (),
        least: float = _LEAST,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        """Show the links whose confidence is `least` or more; `aliases` as in `links`."""
        self._index, self._only, self._least, self._aliases = index, tuple(codebases), least, aliases
        self._made: object = None
        self._edges: list[Edge] = []
        self._by_node: dict[str, list[Edge]] = {}
        self._nodes: dict[str, Node] = {}

    @property
    def layer(self) -> str:
        """The name of the graph: `links`."""
        return "links"

    def _names(self) -> list[str]:
        there = [codebase.name for codebase in self._index.codebases()]
        return [name for name in there if not self._only or name in self._only]

    def stamp(self) -> object:
        """Return a value that differs once one of the codebases has changed."""
        return tuple((name, self._index.stamp(name)) for name in self._names())

    def _ready(self) -> None:
        stamp = self.stamp()
        if stamp == self._made:
            return
        self._edges, self._by_node, self._nodes = [], {}, {}
        for left, right in combinations(self._names(), 2):
            for link in all_links(self._index, left, right, aliases=self._aliases):
                if link.confidence >= self._least:
                    self._add(link)
        self._made = stamp

    def _add(self, link: Link) -> None:
        names = [f"{symbol.codebase}:{symbol.name}" for symbol in (link.left, link.right)]
        said = "; ".join(f"{each.way} {each.score:.2f}: {each.text}" for each in link.evidence)
        note = f"confidence {link.confidence:.2f}{', ambiguous' if link.ambiguous else ''}: {said}"
        source = f"{link.left.place} and {link.right.place}"
        edge = Edge(names[0], link.relation, names[1], source, note, 1, self.layer)
        self._edges.append(edge)
        for name, symbol in zip(names, (link.left, link.right), strict=True):
            self._by_node.setdefault(name, []).append(edge)
            self._nodes[name] = Node(name, symbol.kind, (), symbol.place, self.layer)

    def resolve(self, text: str) -> str:
        """Return the node that a text names: in full, or by a label that one codebase alone has; else nothing."""
        self._ready()
        if text in self._nodes:
            return text
        wanted = text.strip().lower()
        found = [name for name in self._nodes if name.partition(":")[2].lower() == wanted]
        return found[0] if len(found) == 1 else ""

    def node(self, name: str) -> Node | None:
        """Return the node of exactly this name."""
        self._ready()
        return self._nodes.get(name)

    def edges(self, name: str, *, direction: Direction = "both") -> Sequence[Edge]:
        """Return the links of a symbol. They hold both ways, so each stands among those in and those out."""
        self._ready()
        found = self._by_node.get(name, ())
        if direction == "both":
            return tuple(found)
        ours = 0 if direction == "out" else 2
        return tuple(
            edge if edge[ours] == name else edge._replace(subject=edge.object, object=edge.subject) for edge in found
        )

    def find(self, text: str = "", *, kind: str = "", limit: int = 50, offset: int = 0) -> Sequence[Node]:
        """Return the symbols that are linked and whose names have all the words of a text, by name."""
        self._ready()
        words = text.lower().split()
        found = [
            node
            for name, node in sorted(self._nodes.items())
            if kind in ("", node.kind) and all(word in name.lower() for word in words)
        ]
        return found[max(offset, 0) : max(offset, 0) + max(limit, 0)]

    def count(self) -> tuple[int, int]:
        """Return (symbols that are linked, links)."""
        self._ready()
        return len(self._nodes), len(self._edges)

    def pairs(self) -> Iterator[tuple[str, str, str]]:
        """Give (subject, relation, object) of every link."""
        self._ready()
        for edge in self._edges:
            yield edge.subject, edge.relation, edge.object
