"""Several graphs read as one: the user's over another, neighbours, shortest ways and why there is none."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.alttp.atlas import atlas
from knowledge.graph import Graph
from knowledge.graph_view import Direction, Edge, GraphError, GraphView, Node
from knowledge.graph_walk import MOST_PATTERNS
from knowledge.layers import DEEPEST, Layers

ROOT = Path(__file__).resolve().parent.parent.parent


class Fixed:
    """A graph that never changes, as an atlas is."""

    def __init__(self, layer: str, edges: Sequence[tuple[str, str, str]], nodes: Mapping[str, Node]) -> None:
        self._layer = layer
        self._edges = tuple(edges)
        self._nodes = dict(nodes)
        self.stamps = 0

    @property
    def layer(self) -> str:
        return self._layer

    def stamp(self) -> object:
        return self.stamps

    def resolve(self, text: str) -> str:
        return text.lower() if text.lower() in self._nodes else ""

    def node(self, name: str) -> Node | None:
        return self._nodes.get(name)

    def edges(self, name: str, *, direction: Direction = "both") -> Sequence[Edge]:
        ends = {"out": (0,), "in": (2,), "both": (0, 2)}[direction]
        return tuple(Edge(*edge, layer=self._layer) for edge in self._edges if any(edge[at] == name for at in ends))

    def find(self, text: str = "", *, kind: str = "", limit: int = 50, offset: int = 0) -> Sequence[Node]:
        found = [node for node in self._nodes.values() if text in node.name and kind in ("", node.kind)]
        return tuple(found[offset : offset + limit])

    def count(self) -> tuple[int, int]:
        return len(self._nodes), len(self._edges)

    def pairs(self) -> Iterator[tuple[str, str, str]]:
        return iter(self._edges)


def fixed(layer: str, *edges: str) -> Fixed:
    """A graph of edges such as `a reads b`."""
    split = [tuple(edge.split()) for edge in edges]
    names = dict.fromkeys(name for edge in split for name in (edge[0], edge[2]))
    nodes = {name: Node(name, f"{layer} kind", (f"{layer} says",), layer, layer) for name in names}
    return Fixed(layer, [(edge[0], edge[1], edge[2]) for edge in split], nodes)


@pytest.fixture
def layers(tmp_path: Path) -> Layers:
    below = fixed("atlas", "a calls b", "b reads c", "c mirrors d", "d calls a", "e reads c", "x calls y", "b writes c")
    graph = Graph(tmp_path / "graph.db", below=Layers([below]).named)
    graph.add_node("hook", "hook", text="mine")
    graph.add_edge("hook", "calls", "A")
    graph.add_edge("c", "noted_in", "hook")
    graph.add_node("c", text="my own note on c")
    return Layers([graph, below])


def test_a_node_says_what_every_graph_says_of_it(layers: Layers) -> None:
    view: GraphView = layers
    assert view.node("c") == Node("c", "atlas kind", ("my own note on c", "atlas says"), "atlas", "user+atlas")
    assert layers.named("HOOK") == Node("hook", "hook", ("mine",), "", "user")
    assert [edge.layer for edge in layers.edges("c")] == ["user", "atlas", "atlas", "atlas", "atlas"]
    assert (layers.layer, layers.count(), layers.node("q"), layers.resolve("")) == ("user+atlas", (9, 9), None, "")
    assert len(list(layers.pairs())) == 9


def test_a_search_takes_the_best_of_each_graph_in_turn(layers: Layers) -> None:
    assert [node.name for node in layers.find("c")] == ["c"]
    assert [node.name for node in layers.find("", limit=3)] == ["hook", "c", "a"]
    assert [node.name for node in layers.find("", limit=3, offset=3)] == ["b", "d", "e"]
    with pytest.raises(GraphError, match="more words"):
        layers.find("", offset=10**9)


def test_neighbours_are_nearest_first_with_their_edges(layers: Layers) -> None:
    near = layers.neighbours("HOOK", direction="out", depth=3)
    assert [(row.name, row.kind, row.distance) for row in near.rows] == [
        ("a", "atlas kind", 1),
        ("b", "atlas kind", 2),
        ("c", "atlas kind", 3),
    ]
    assert [edge.relation for edge in near.rows[2].edges] == ["reads", "writes"]
    assert (near.start, near.total) == ("hook", 3)
    assert [row.name for row in layers.neighbours("hook", direction="out", depth=3, limit=1, offset=1).rows] == ["b"]
    assert {row.name for row in layers.neighbours("hook").rows} == {"a", "c"}
    assert [row.name for row in layers.neighbours("c", direction="in").rows] == ["b", "e"]


def test_relations_may_be_asked_for_by_pattern(layers: Layers) -> None:
    assert [row.name for row in layers.neighbours("c", relations=("read*", "no?ed_in")).rows] == ["hook", "b", "e"]
    assert {row.name for row in layers.neighbours("c", relations=("*",), depth=2).rows} >= {"hook", "a", "b", "d", "e"}
    assert [row.name for row in layers.neighbours("c", relations=("read*",), direction="in").rows] == ["b", "e"]


def test_a_dead_end_says_what_there_is(layers: Layers) -> None:
    assert layers.neighbours("q").why.startswith("no node, or more than one, is named 'q'")
    why = layers.neighbours("x", relations=("reads",), direction="out").why
    assert why == "'x' has no edge of relation reads leading out; it has 1 calls (out)"


def test_a_shortest_way_crosses_the_graphs(layers: Layers) -> None:
    way = layers.find_path("HOOK", "d")
    assert way.names == ("hook", "a", "b", "c", "d")
    assert [(edge.subject, edge.relation, edge.layer) for edge in way.edges[:2]] == [
        ("hook", "calls", "user"),
        ("a", "calls", "atlas"),
    ]
    assert layers.find_path("d", "hook", direction="in").names == ("d", "c", "b", "a", "hook")
    assert len(layers.find_path("e", "a", direction="both").names) == 4
    assert layers.find_path("a", "a").names == ("a",)


def test_a_way_that_is_not_there_says_why(layers: Layers) -> None:
    assert "is named 'q'" in layers.find_path("a", "q").why
    assert layers.find_path("a", "x").why == "'x' has no edge leading in; it has 1 calls (out)"
    assert layers.find_path("y", "a").why == "'y' has no edge leading out; it has 1 calls (in)"
    assert layers.find_path("a", "y").why == "no way from 'a' to 'y' leading out: they are in parts that nothing joins"
    assert layers.find_path("a", "d", max_steps=2).why == (
        "the shortest way has 3 steps: ask for at most 3 instead of 2"
    )
    assert layers.find_path("c", "e").why == "'e' has no edge leading in; it has 1 reads (out)"
    other = Layers([fixed("one", "a r b", "b s c", "d r c", "e r f", "d r f")])
    assert other.find_path("a", "c", relations=["r"]).why == (
        "no way from 'a' to 'c' of relation r leading out; there is one of 2 steps over all relations"
    )
    assert other.find_path("e", "c").why == (
        "no way from 'e' to 'c' leading out; there is one of 3 steps in direction both"
    )


def test_a_change_is_seen_by_the_next_walk(layers: Layers, tmp_path: Path) -> None:
    assert layers.find_path("a", "y").names == ()
    with Graph(tmp_path / "graph.db", below=lambda text: Node(text, "any")) as other:
        other.add_edge("d", "leads_to", "x")
    assert layers.find_path("a", "y").names == ("a", "b", "c", "d", "x", "y")


def test_what_is_asked_has_bounds(layers: Layers) -> None:
    for depth in (0, DEEPEST + 1):
        with pytest.raises(GraphError, match=f"give 1 to {DEEPEST}"):
            layers.neighbours("a", depth=depth)
    for relations in (("x" * 1000,), ("x",) * (MOST_PATTERNS + 1)):
        with pytest.raises(GraphError, match="relations of at most"):
            layers.neighbours("a", relations=relations)
    assert layers.neighbours("a" * 1_000_000).rows == ()
    assert layers.find_path("\ud800", "a\0").names == ()


names = st.sampled_from("abcdefgh")


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.tuples(names, st.sampled_from(["r", "s"]), names), max_size=20),
    st.sampled_from(["out", "in", "both"]),
    st.sampled_from([(), ("r",)]),
)
def test_ways_and_neighbours_are_those_of_networkx(
    edges: list[tuple[str, str, str]], direction: Direction, relations: tuple[str, ...]
) -> None:
    nodes = {name: Node(name, "k") for name in "abcdefgh"}
    layers = Layers([Fixed("one", edges[::2], nodes), Fixed("two", edges[1::2], nodes)])
    known: nx.DiGraph[str] = nx.DiGraph()
    known.add_nodes_from("abcdefgh")
    for subject, relation, object_ in edges:
        if not relations or relation in relations:
            known.add_edges_from(
                {"out": [(subject, object_)], "in": [(object_, subject)]}.get(
                    direction, [(subject, object_), (object_, subject)]
                )
            )
    far = dict(nx.single_source_shortest_path_length(known, "a"))
    for goal in "bcdefgh":
        way = layers.find_path("a", goal, direction=direction, relations=relations)
        assert len(way.names) == (far[goal] + 1 if goal in far else 0)
        assert bool(way.why) == (goal not in far)
        assert len(way.edges) == max(0, len(way.names) - 1)
    near = layers.neighbours("a", direction=direction, relations=relations, depth=8)
    assert {row.name: row.distance for row in near.rows} == {goal: far[goal] for goal in far if 0 < far[goal] <= 8}
    assert all(row.edges for row in near.rows)


def test_the_user_s_nodes_join_the_atlas(tmp_path: Path) -> None:
    below = atlas()
    graph = Graph(tmp_path / "graph.db", below=Layers([below]).named)
    layers = Layers([graph, below])
    graph.add_node("my health bar", "hook")
    assert graph.add_edge("my health bar", "reads", "$7EF36D").object == "ram:7EF36D"
    assert layers.find_path("my health bar", "ram:70036D").names == ("my health bar", "ram:7EF36D", "ram:70036D")
    assert "my health bar" in [row.name for row in layers.neighbours("$7EF36D", direction="in", limit=1000).rows]
    far = layers.neighbours("my health bar", depth=4, limit=5)
    assert far.total > 1000


def test_nothing_heavy_is_loaded_before_a_way_is_asked_for() -> None:
    code = (
        "import sys, knowledge.layers, knowledge.personal; print([n for n in ('networkx', 'xml') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[]"
