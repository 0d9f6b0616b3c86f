"""The tools that read the graphs: search, neighbours, paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field

from schemas.frozen import Frozen
from servers.graph.results import GraphEdge, GraphNode, edge_of, more, node_of
from servers.machine.errors import ServerError
from servers.machine.face import READS, Face
from servers.machine.paging import END, page_of
from servers.machine.wire import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knowledge.graph_view import Direction, GraphView, Node
    from servers.graph.opened import Opened

__all__ = ["offer_querying"]

_MOST = 1_000
_NAMES = 10_000
"""Names that are looked at for one answer."""
_TEXT = 2_000
"""Characters of one text in a list; the resource graph://node/NAME has all."""
_TEXTS = 20
_OWN = "user"


class Queried(Frozen):
    """What `query_graph` found."""

    total: int = Field(description="nodes that match; -1: not counted, several graphs were searched")
    names: tuple[str, ...] = Field(default=(), description="their names, when only names were asked for")
    nodes: tuple[GraphNode, ...] = ()
    offset: int = 0
    next_offset: int = Field(default=END, description="offset of the next page; -1: none")

    def as_text(self) -> str:
        """Return names or nodes, a line about the page first."""
        counted = f"{self.total} nodes match; " if self.total >= 0 else ""
        shown = len(self.names) + len(self.nodes)
        head = f"{counted}{shown} shown from {self.offset}. {more(self.next_offset)}".rstrip()
        return "\n".join([head, *self.names, *(node.as_text() for node in self.nodes)])


class Near(Frozen):
    """A node near another, with the edges of the last step."""

    name: str
    label: str = Field(description="what people call it, where its name is a ref of the atlas: routine:0799AD")
    kind: str
    distance: int = Field(description="steps from the start")
    edges: tuple[GraphEdge, ...]


class NearBy(Frozen):
    """What `neighbours` found."""

    start: str = Field(description="the node's own name")
    total: int = Field(description="nodes around it within the depth")
    near: tuple[Near, ...]
    offset: int
    next_offset: int = Field(description="offset of the next page; -1: none")
    why: str = Field(default="", description="why there is none")

    def as_text(self) -> str:
        """Return one line an edge, behind a line about the page."""
        if self.why:
            return self.why
        head = f"{self.total} nodes around {self.start}, shown from {self.offset}. {more(self.next_offset)}".rstrip()
        lines = [
            f"{row.distance}: {' '.join(filter(None, (row.name, row.label)))} ({row.kind})"
            + "".join(f"\n   {edge.as_text()}" for edge in row.edges)
            for row in self.near
        ]
        return "\n".join([head, *lines])


class Path(Frozen):
    """What `find_path` found."""

    names: tuple[str, ...] = Field(description="the nodes from start to end")
    labels: tuple[str, ...] = Field(description="what people call them, empty where the name says it")
    edges: tuple[GraphEdge, ...] = Field(description="one edge a step")
    why: str = Field(default="", description="why there is no path")

    def as_text(self) -> str:
        """Return the path, a line a step."""
        if self.why:
            return f"NO PATH: {self.why}"
        steps = (f"{name} {label}".strip() for name, label in zip(self.names, self.labels, strict=True))
        return "\n".join(
            [f"{len(self.names) - 1} steps: {' > '.join(steps)}", *(edge.as_text() for edge in self.edges)]
        )


def _short(node: Node) -> GraphNode:
    texts = [shorten(text, _TEXT) for text in node.texts[:_TEXTS]]
    if len(node.texts) > _TEXTS:
        texts.append(f"... and {len(node.texts) - _TEXTS} more texts: read graph://node/{node.name}")
    return node_of(node._replace(texts=tuple(texts)))


class _Hits(NamedTuple):
    nodes: Sequence[Node]
    """One more than the page has, where there are more."""
    total: int


def _views(opened: Opened, layer: str, *, text: str) -> Sequence[GraphView]:
    """Return the graphs that a layer names; without one the user's own, and with a text all."""
    if layer == _OWN or not (layer or text):
        return (opened.graph,)
    below = opened.below()
    if layer in ("", "all"):
        return (opened.graph, *below)
    found = tuple(view for view in below if view.layer == layer)
    if not found:
        names = ", ".join((_OWN, *(view.layer for view in below)))
        raise ServerError(f"no layer {layer[:60]!r}; the layers are {names}, and all")
    return found


def _hits(opened: Opened, text: str, kind: str, *, layer: str, names_only: bool, limit: int, offset: int) -> _Hits:
    from knowledge.layers import Layers

    views = _views(opened, layer, text=text.strip())
    if views == (opened.graph,):
        found = opened.graph.query(text, kind=kind, names_only=names_only, limit=limit + 1, offset=offset)
        return _Hits(found.nodes, found.total)
    return _Hits(Layers(views).find(text, kind=kind, limit=limit + 1, offset=offset), -1)


def _query(opened: Opened, text: str, kind: str, *, layer: str, names_only: bool, limit: int, offset: int) -> Queried:
    limit = _NAMES if names_only and limit == _MOST else limit
    with opened.reading():
        hits = _hits(opened, text, kind, layer=layer, names_only=names_only, limit=limit, offset=offset)
    if names_only:
        names = page_of([node.name for node in hits.nodes], offset=0, limit=limit, weigh=_weigh_name)
        shown, rows = len(names.items), Queried(total=hits.total, names=names.items)
    else:
        nodes = page_of(list(map(_short, hits.nodes)), offset=0, limit=limit, weigh=_weigh)
        shown, rows = len(nodes.items), Queried(total=hits.total, nodes=nodes.items)
    after = offset + shown if shown < len(hits.nodes) else END
    return rows.model_copy(update={"offset": offset, "next_offset": after})


def _weigh_name(name: str) -> int:
    """Return what a name takes of a page; names alone may fill more of an answer than nodes, which have a frame."""
    return (3 * (len(repr(name)) + 2) + 3) // 4


def _weigh(node: GraphNode) -> int:
    return len(str(node.model_dump())) + 40


def _label(name: str) -> str:
    """Return the usual name of a fact of the atlas, empty for other nodes."""
    from knowledge.alttp.atlas import atlas

    fact = atlas().fact(name) if ":" in name else None
    return fact.name if fact else ""


def _relations(relations: list[str]) -> list[str]:
    return [name.strip() for name in relations if name.strip()]


def _near(
    opened: Opened, name: str, relations: list[str], *, direction: Direction, depth: int, limit: int, offset: int
) -> NearBy:
    with opened.reading() as layers:
        found = layers.neighbours(
            name, relations=_relations(relations), direction=direction, depth=depth, limit=limit, offset=offset
        )
    rows = [
        Near(
            name=row.name,
            label=_label(row.name),
            kind=row.kind,
            distance=row.distance,
            edges=tuple(map(edge_of, row.edges)),
        )
        for row in found.rows
    ]
    page = page_of(rows, offset=0, limit=limit, weigh=lambda row: len(str(row.model_dump())) + 40)
    after = offset + len(page.items)
    return NearBy(
        start=found.start,
        total=found.total,
        near=page.items,
        offset=offset,
        next_offset=after if after < found.total and page.items else END,
        why=found.why or ("" if rows else f"offset {offset} is past the end: there are {found.total} nodes"),
    )


def _path(opened: Opened, start: str, end: str, relations: list[str], *, direction: Direction, most: int) -> Path:
    with opened.reading() as layers:
        way = layers.find_path(start, end, relations=_relations(relations), direction=direction, max_steps=most)
    labels = tuple(map(_label, way.names))
    return Path(names=way.names, labels=labels, edges=tuple(map(edge_of, way.edges)), why=way.why)


_RelationList = Annotated[list[str], Field(description="follow only these relations; patterns such as read* fit too")]


def offer_querying(face: Face, opened: Opened) -> None:
    """Offer `query_graph`, `neighbours` and `find_path`."""
    _offer_search(face, opened)
    _offer_walks(face, opened)


def _offer_search(face: Face, opened: Opened) -> None:
    @face.offer(READS, title="Search the graph")
    def query_graph(
        text: Annotated[str, Field(description="words of names or texts; empty: all nodes, oldest first")] = "",
        kind: Annotated[str, Field(description="only nodes of this kind: note, routine, ram")] = "",
        layer: Annotated[
            str, Field(description="user, atlas, a codebase or all; empty: all for a text, else the user's own")
        ] = "",
        *,
        names_only: Annotated[bool, Field(description="names without texts: 1,000 and more fit in one answer")] = False,
        limit: Annotated[
            int, Field(ge=1, le=_MOST, description="nodes to return, 1 to 1,000; names: 1,000 is as many as fit")
        ] = 50,
        offset: Annotated[int, Field(ge=0, description="nodes to skip, 0 or more, for the next page")] = 0,
    ) -> Queried:
        """Find nodes by words in the user's own graph, the atlas of the game and the indexed code.

        An exact name comes first. Without a text it lists the user's own nodes.
        """
        return _query(opened, text, kind, layer=layer, names_only=names_only, limit=limit, offset=offset)


def _offer_walks(face: Face, opened: Opened) -> None:
    @face.offer(READS, title="Show what is next to a node")
    def neighbours(
        name: Annotated[str, Field(description="a node, in any spelling: $7E0010, INIDISP, sprite 0x41, my hook")],
        relations: _RelationList = [],  # noqa: B006  # never changed
        direction: Annotated[
            Literal["both", "out", "in"], Field(description="out: edges from the node; in: edges to it")
        ] = "both",
        depth: Annotated[int, Field(ge=1, le=6, description="steps to go, 1 to 6")] = 1,
        limit: Annotated[int, Field(ge=1, le=200, description="nodes to return, 1 to 200")] = 50,
        offset: Annotated[int, Field(ge=0, le=200_000, description="nodes to skip, 0 to 200,000")] = 0,
    ) -> NearBy:
        """List the nodes around a node with the edges that lead there: who calls, reads, writes, contains it.

        Over the user's own graph, the atlas and indexed code at once, each edge with its source.
        """
        return _near(opened, name, relations, direction=direction, depth=depth, limit=limit, offset=offset)

    @face.offer(READS, title="Find a path between two nodes")
    def find_path(
        start: Annotated[str, Field(description="node to begin at, in any spelling")],
        end: Annotated[str, Field(description="node to reach")],
        relations: _RelationList = [],  # noqa: B006  # never changed
        direction: Annotated[
            Literal["out", "in", "both"], Field(description="out: along the edges; both: whichever way they point")
        ] = "out",
        most_steps: Annotated[int, Field(ge=1, le=100, description="longest path that is of use, 1 to 100")] = 20,
    ) -> Path:
        """Find a shortest path from one node to another: how a routine comes to write an address, say.

        When there is none it says why, and what to try.
        """
        return _path(opened, start, end, relations, direction=direction, most=most_steps)
