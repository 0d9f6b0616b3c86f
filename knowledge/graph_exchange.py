"""Graphs in and out as text: JSONL of the reference memory server, GraphML, and node-link JSON as networkx reads it.

Everything streams: an export gives its text piece by piece, an import takes pieces and writes a thousand items in a
transaction. What cannot be read is reported with its place and the rest goes in; an import that broke off can be made
again, since what is there already is not added twice.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from knowledge.graph import Graph
from knowledge.graph_graphml import export_graphml, import_graphml
from knowledge.graph_intake import Chunk, Imported
from knowledge.graph_jsonl import export_jsonl, import_jsonl
from knowledge.graph_node_link import export_json, import_json
from knowledge.graph_view import GraphError

__all__ = ["Format", "export_graph", "import_graph"]

Format = Literal["jsonl", "json", "graphml"]
"""`jsonl`: entities and relations, a line each. `json`: node-link. `graphml`: XML for graph editors."""


def export_graph(graph: Graph, form: Format) -> Iterator[str]:
    """Give a graph as text of a format, piece by piece."""
    ways: dict[str, Callable[[Graph], Iterator[str]]] = {
        "jsonl": export_jsonl,
        "json": export_json,
        "graphml": export_graphml,
    }
    if form not in ways:
        raise GraphError(f"no format is named '{form[:40]}': take one of {', '.join(ways)}")
    return ways[form](graph)


def import_graph(graph: Graph, chunks: Iterable[Chunk], form: Format) -> Imported:
    """Add what a text of a format holds; it comes in pieces of any size."""
    ways: dict[str, Callable[[Graph, Iterable[Chunk]], Imported]] = {
        "jsonl": import_jsonl,
        "json": import_json,
        "graphml": import_graphml,
    }
    if form not in ways:
        raise GraphError(f"no format is named '{form[:40]}': take one of {', '.join(ways)}")
    return ways[form](graph, chunks)
