"""What every graph shows to its readers: nodes, edges and how to walk them, whoever keeps them.

The user's own graph, the atlas of the game and an index of source code are all read through `GraphView`; `layers.py`
lays them over each other.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, Protocol

__all__ = ["Direction", "Edge", "GraphError", "GraphView", "Node"]

Direction = Literal["out", "in", "both"]
"""Which edges of a node: those that it is the subject of, the object of, or both."""


class GraphError(ValueError):
    """Something a graph cannot do; the text names the next step."""


class Node(NamedTuple):
    """A thing that is known."""

    name: str
    """What names it, unique in its graph: `ram:7EF36D`, `my hook`, `hack:Sprite_Move`."""
    kind: str
    """What it is: `ram`, `routine`, `note`."""
    texts: tuple[str, ...] = ()
    """What is said of it, one statement each."""
    source: str = ""
    """Who says so: a repository, a file with its line, `user`."""
    layer: str = ""
    """The graph that it is in: `user`, `atlas`, the name of a codebase."""


class Edge(NamedTuple):
    """One relation from a subject to an object, both by the names of their nodes."""

    subject: str
    relation: str
    object: str
    source: str = ""
    note: str = ""
    """What is said of the relation: a place, a condition."""
    count: int = 1  # type: ignore[assignment]  # a field; nobody counts the items of an edge
    """How often it holds: places in the code."""
    layer: str = ""


class GraphView(Protocol):
    """A graph that can be read; it may change between two calls."""

    @property
    def layer(self) -> str:
        """The short name of the graph."""
        ...

    def stamp(self) -> object:
        """Return a value that differs once the graph has changed; it costs well under a millisecond."""
        ...

    def resolve(self, text: str) -> str:
        """Return the name of the node that a text names in any spelling, empty when it names none or several."""
        ...

    def node(self, name: str) -> Node | None:
        """Return the node of exactly this name."""
        ...

    def edges(self, name: str, *, direction: Direction = "both") -> Sequence[Edge]:
        """Return the edges of the node of exactly this name; none for a name that is not there."""
        ...

    def find(self, text: str = "", *, kind: str = "", limit: int = 50, offset: int = 0) -> Sequence[Node]:
        """Return the nodes whose name or texts have the words of `text` (all nodes when empty), best first."""
        ...

    def count(self) -> tuple[int, int]:
        """Return (nodes, edges)."""
        ...

    def pairs(self) -> Iterator[tuple[str, str, str]]:
        """Give (subject, relation, object) of every edge."""
        ...
