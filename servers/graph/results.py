"""What the tools of the graph return: nodes, edges, pages of them, and what was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.paging import END

if TYPE_CHECKING:
    from knowledge.graph_view import Edge, Node

__all__ = ["Changed", "GraphEdge", "GraphNode", "edge_of", "more", "node_of"]


class GraphNode(Frozen):
    """A thing that is known."""

    name: str
    kind: str
    texts: tuple[str, ...] = Field(default=(), description="what is said of it")
    source: str = Field(default="", description="who says so")
    layer: str = Field(default="", description="the graph that it is in: user, atlas or a codebase")

    def as_text(self) -> str:
        """Return the node in one line, and a line for each further text."""
        said = "; ".join(filter(None, (self.layer, self.source)))
        return f"{self.name} ({self.kind})" + "".join(f"\n  {text}" for text in self.texts) + f"  [{said}]"


class GraphEdge(Frozen):
    """One relation from a subject to an object."""

    subject: str
    relation: str
    object: str
    source: str = ""
    note: str = ""
    count: int = Field(default=1, description="how often it holds: places in the code")
    layer: str = ""

    def as_text(self) -> str:
        """Return the edge in one line."""
        times = f" x{self.count}" if self.count != 1 else ""
        note = f" ({self.note})" if self.note else ""
        said = "; ".join(filter(None, (self.layer, self.source)))
        return f"{self.subject} -{self.relation}-> {self.object}{times}{note}  [{said}]"


class Changed(Frozen):
    """What a change did."""

    done: str = Field(description="what was done, in one line")
    names: tuple[str, ...] = Field(default=(), description="the nodes that it is about")
    notes: tuple[str, ...] = ()

    def as_text(self) -> str:
        """Return what was done, then the notes."""
        named = f" [{', '.join(self.names)}]" if self.names else ""
        return "\n".join([self.done + named, *self.notes])


def node_of(node: Node) -> GraphNode:
    """Return a node for the wire."""
    return GraphNode(name=node.name, kind=node.kind, texts=node.texts, source=node.source, layer=node.layer)


def edge_of(edge: Edge) -> GraphEdge:
    """Return an edge for the wire."""
    return GraphEdge(**edge._asdict())


def more(next_offset: int) -> str:
    """Return how to get the next page, empty when there is none."""
    return "" if next_offset == END else f"more: call again with offset={next_offset}"
