"""The user's own graph: what goes in, what comes out, what is refused, and what is put back."""

import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.graph import Graph
from knowledge.graph_jsonl import import_jsonl
from knowledge.graph_limits import LONGEST_NAME, LONGEST_QUERY, LONGEST_TEXT
from knowledge.graph_view import Edge, GraphError, GraphView, Node

HOSTILE = (
    "' OR 1=1 --",
    '"); DROP TABLE node; --',
    "NEAR(a b)",
    'a" OR "b',
    "name:x*",
    "^-(",
    "%_\\",
    "🎮 étoile",
    "*",
)


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return Graph(tmp_path / "graph.db")


def small(graph: Graph) -> Graph:
    graph.add_node("LinkHealth", "variable", text="hearts of Link in eighths", source="notes")
    graph.add_node("hook", "hook", text="writes health each frame")
    graph.add_edge("hook", "writes", "LinkHealth", source="hook.asm:12", note="each frame", count=2)
    return graph


def test_what_was_added_is_there_in_another_process_s_eyes(graph: Graph, tmp_path: Path) -> None:
    small(graph)
    other = Graph(tmp_path / "graph.db")
    assert other.node("LinkHealth") == Node("LinkHealth", "variable", ("hearts of Link in eighths",), "notes", "user")
    assert other.edges("hook") == (Edge("hook", "writes", "LinkHealth", "hook.asm:12", "each frame", 2, "user"),)
    assert other.count() == (2, 1)
    assert list(other.pairs()) == [("hook", "writes", "LinkHealth")]


def test_a_graph_is_a_view(graph: Graph) -> None:
    view: GraphView = graph
    assert view.layer == "user"
    assert view.resolve("nothing") == ""


def test_a_write_that_is_made_again_changes_nothing(graph: Graph) -> None:
    small(small(graph))
    assert graph.count() == (2, 1)
    record = graph.record("hook")
    assert record is not None and [text.text for text in record.texts] == ["writes health each frame"]
    assert not graph.add_edge("hook", "writes", "LinkHealth").created
    assert graph.edges("hook")[0].count == 2


def test_a_node_gains_texts_and_properties(graph: Graph) -> None:
    graph.add_node("hook", "hook", text="one", properties={"bank": 7, "fast": True})
    done = graph.add_node("hook", text="two", properties={"bank": 8})
    assert (done.kind, done.created, done.texts_added) == ("hook", False, 1)
    record = graph.record("hook")
    assert record is not None
    assert ([text.text for text in record.texts], record.properties) == (["one", "two"], {"bank": 8, "fast": True})


def test_a_name_has_one_kind(graph: Graph) -> None:
    small(graph)
    with pytest.raises(GraphError, match=r"'hook' is a node of kind 'hook', not 'note'.*another name"):
        graph.add_node("hook", "note", text="never kept")
    assert graph.find("never") == ()


def test_an_edge_needs_ends_that_are_known(graph: Graph) -> None:
    small(graph)
    with pytest.raises(GraphError, match="no node is named 'nowhere'"):
        graph.add_edge("hook", "calls", "nowhere")
    assert graph.relations() == {"writes": 1}


def test_an_edge_may_lead_to_a_graph_below_which_keeps_its_node(tmp_path: Path) -> None:
    def below(text: str) -> Node | None:
        return Node("ram:7EF36D", "ram", layer="atlas") if text in ("$7EF36D", "ram:7EF36D") else None

    graph = Graph(tmp_path / "graph.db", below=below)
    graph.add_node("hook", "hook")
    assert graph.add_edge("hook", "writes", "$7EF36D").object == "ram:7EF36D"
    assert graph.count() == (1, 1)
    assert graph.node("ram:7EF36D") is None
    assert [edge.subject for edge in graph.edges("ram:7EF36D")] == ["hook"]
    assert graph.add_node("ram:7EF36D", text="my note").kind == "ram"
    graph.remove("hook")
    assert [node.name for node in graph.find("")] == ["ram:7EF36D"]


def test_what_only_stands_for_a_node_below_goes_with_its_last_edge(tmp_path: Path) -> None:
    graph = Graph(tmp_path / "graph.db", below=lambda text: Node(text, "ram"))
    graph.add_node("hook")
    graph.add_edge("hook", "writes", "ram:1")
    graph.remove("hook", relation="writes")
    assert graph.edges("ram:1") == ()
    assert graph.undo().edges == 1
    assert graph.edges("ram:1")[0].subject == "hook"


def test_a_name_is_found_in_other_case_only_when_it_is_the_only_one(graph: Graph) -> None:
    graph.add_node("Hook")
    assert graph.resolve(" hook ") == "Hook"
    graph.add_node("HOOK")
    assert graph.resolve("hook") == ""
    assert graph.resolve("Hook") == "Hook"


def test_a_search_finds_words_in_names_and_texts_the_best_first(graph: Graph) -> None:
    small(graph)
    graph.add_node("health", "note", text="a word alone")
    assert graph.find("health")[0].name == "health"
    assert {node.name for node in graph.find("health")} == {"health", "LinkHealth", "hook"}
    assert [node.name for node in graph.find("link eighths")] == ["LinkHealth"]
    assert [node.name for node in graph.find("inkHeal")] == ["LinkHealth"]
    assert [node.name for node in graph.find("eighths unicorn")] == ["LinkHealth"]
    assert graph.find("unicorn") == ()


def test_words_of_a_node_may_be_spread_over_its_texts(graph: Graph) -> None:
    graph.add_node("sword", "item", text="swings in an arc")
    graph.add_node("sword", text="costs no magic")
    graph.add_node("arc", "note", text="a shape")
    assert [node.name for node in graph.find("sword arc magic")] == ["sword"]


def test_a_search_without_an_index_finds_the_same(tmp_path: Path) -> None:
    small(Graph(tmp_path / "graph.db"))
    plain = Graph(tmp_path / "graph.db", full_text=False)
    assert [node.name for node in plain.find("link eighths")] == ["LinkHealth"]
    assert plain.find("100%") == ()
    plain.add_node("late", text="written without an index")
    plain.close()
    assert [node.name for node in Graph(tmp_path / "graph.db").find("without index")] == ["late"]


def test_pages_are_stable_and_say_how_many_there_are(graph: Graph) -> None:
    for number in range(25):
        graph.add_node(f"n{number}", "even" if number % 2 == 0 else "odd", text="all", source=f"s{number % 5}")
    names = [node.name for at in range(0, 25, 10) for node in graph.find("", limit=10, offset=at)]
    assert names == [f"n{number}" for number in range(25)]
    found = [node.name for at in range(0, 25, 10) for node in graph.find("all", limit=10, offset=at)]
    assert sorted(found) == sorted(names)
    page = graph.query("all", kind="odd", source="s1", names_only=True, limit=2)
    assert (page.total, [node.texts for node in page.nodes]) == (3, [(), ()])
    assert page.nodes == graph.query("", kind="odd", source="s1", names_only=True, limit=2).nodes
    assert graph.kinds() == {"even": 13, "odd": 12}


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_taken_for_a_command(graph: Graph, text: str) -> None:
    graph.add_node(text, "note", text=f"said {text}")
    graph.add_edge(text, text, text)
    assert text in [node.name for node in graph.find(text)]
    assert graph.resolve(text) == text
    assert graph.count() == (1, 1)
    graph.remove(text)
    assert graph.count() == (0, 0)


@pytest.mark.parametrize(
    "name", ["", "  ", "a\nb", "a\0b", "\ud800", "a\x1b[31m", "x" * (LONGEST_NAME + 1), "x" * 1_000_000]
)
def test_a_name_that_cannot_be_kept_is_refused_with_the_reason(graph: Graph, name: str) -> None:
    with pytest.raises(GraphError, match="the name"):
        graph.add_node(name)
    with pytest.raises(GraphError, match="the name"):
        graph.add_edge(name, "is", name)
    assert (graph.node(name), graph.resolve(name), graph.edges(name)) == (None, "", ())
    assert graph.count() == (0, 0)


@pytest.mark.parametrize("text", ["a\0b", "\udfff", "x" * (LONGEST_TEXT + 1)])
def test_a_text_that_cannot_be_kept_is_refused_and_leaves_no_node(graph: Graph, text: str) -> None:
    with pytest.raises(GraphError, match="the text"):
        graph.add_node("node", text=text)
    assert graph.count() == (0, 0)


def test_a_search_that_is_too_long_is_refused(graph: Graph) -> None:
    assert graph.find("x " * (LONGEST_QUERY // 2)) == ()
    assert graph.find("\ud800\0") == ()
    with pytest.raises(GraphError, match="fewer words"):
        graph.find("x" * 1_000_000)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_kept_or_refused(graph: Graph, name: str, kind: str, text: str) -> None:
    try:
        done = graph.add_node(name, kind, text=text, properties={"p": text})
    except GraphError:
        return
    node = graph.node(done.name)
    assert node is not None
    assert not text.strip() or text.strip() in node.texts
    assert done.name in [found.name for found in graph.find(done.name, limit=1000)]
    graph.remove(done.name)
    assert graph.node(done.name) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**64, "a\0"])
def test_a_property_that_cannot_be_kept_is_refused(graph: Graph, value: float | str) -> None:
    with pytest.raises(GraphError, match="property 'p'"):
        graph.add_node("node", properties={"p": value})


def test_a_removed_node_comes_back_with_texts_properties_and_edges(graph: Graph) -> None:
    small(graph).add_node("hook", properties={"bank": 7})
    before = (graph.record("hook"), graph.edges("hook"))
    removal = graph.remove("hook")
    assert (removal.nodes, removal.texts, removal.edges) == (("hook",), 1, 1)
    assert (graph.node("hook"), graph.edges("LinkHealth"), graph.find("frame")) == (None, (), ())
    restored = graph.undo()
    assert (restored.nodes, restored.texts, restored.edges, restored.missing) == (("hook",), 1, 1, ())
    assert (graph.record("hook"), graph.edges("hook")) == before
    assert [node.name for node in graph.find("frame")] == ["hook"]


def test_one_text_and_one_edge_can_be_removed_and_put_back(graph: Graph) -> None:
    small(graph)
    first = graph.remove("hook", text="writes health each frame")
    second = graph.remove("hook", relation="writes", object_="LinkHealth")
    node = graph.node("hook")
    assert node is not None and (node.texts, graph.edges("hook")) == ((), ())
    assert graph.undo(first.number).texts == 1
    assert graph.undo().number == second.number
    assert (graph.count(), graph.find("frame")[0].name) == ((2, 1), "hook")
    with pytest.raises(GraphError, match="nothing is left to be undone"):
        graph.undo()


def test_undoing_names_the_edges_whose_other_end_is_gone(graph: Graph) -> None:
    small(graph)
    first = graph.remove("hook")
    graph.remove("LinkHealth")
    assert graph.undo(first.number).missing == ("hook writes LinkHealth",)


@pytest.mark.parametrize(
    "wanted", [{}, {"text": "x"}, {"relation": "x"}, {"object_": "x"}, {"text": "x", "relation": "y"}]
)
def test_removing_what_is_not_there_is_refused(graph: Graph, wanted: dict[str, str]) -> None:
    with pytest.raises(GraphError, match=r":"):
        graph.remove("nowhere", **wanted)
    with pytest.raises(GraphError, match="no removal 17"):
        graph.undo(17)
    with pytest.raises(GraphError, match="left to be undone"):
        graph.undo(2**80)


def test_writes_are_held_to_what_a_relation_may_join(graph: Graph) -> None:
    small(graph)
    graph.set_constraint("ends", "writes", first="hook", second="variable", source="me")
    with pytest.raises(GraphError, match="'writes' leads from hook to variable"):
        graph.add_edge("LinkHealth", "writes", "hook")
    graph.set_constraint("ends", "writes", first="variable")
    assert graph.add_edge("LinkHealth", "writes", "hook").created
    assert [rule.source for rule in graph.constraints()] == ["me", ""]


def test_a_relation_may_be_held_to_one_object(graph: Graph) -> None:
    small(graph).add_node("other", "variable")
    graph.set_constraint("single", "writes")
    assert not graph.add_edge("hook", "writes", "LinkHealth").created
    with pytest.raises(GraphError, match="has it to 'LinkHealth'"):
        graph.add_edge("hook", "writes", "other")


def test_a_relation_may_be_held_to_have_no_cycle(graph: Graph) -> None:
    for name in "abc":
        graph.add_node(name)
    graph.set_constraint("acyclic", "part_of")
    graph.add_edge("a", "part_of", "b")
    graph.add_edge("b", "part_of", "c")
    for subject, object_ in (("c", "a"), ("a", "a")):
        with pytest.raises(GraphError, match="never leads back"):
            graph.add_edge(subject, "part_of", object_)
    assert graph.add_edge("c", "next", "a").created


def test_a_kind_may_require_a_property(graph: Graph) -> None:
    graph.set_constraint("required", "routine", first="address")
    with pytest.raises(GraphError, match="has the property 'address'"):
        graph.add_node("r", "routine")
    assert graph.add_node("r", "routine", properties={"address": "$008000"}).created


def test_a_rule_that_does_not_hold_is_not_made(graph: Graph) -> None:
    small(graph)
    graph.add_edge("LinkHealth", "writes", "hook")
    graph.add_edge("hook", "writes", "hook")
    for rule, of, first in (
        ("acyclic", "writes", ""),
        ("single", "writes", ""),
        ("ends", "writes", "hook"),
        ("required", "hook", "bank"),
    ):
        with pytest.raises(GraphError, match=r"does not hold for '(hook|LinkHealth)'"):
            graph.set_constraint(rule, of, first=first)  # type: ignore[arg-type]  # a tuple of literals reads as str
    assert graph.constraints() == ()
    with pytest.raises(GraphError, match="which property"):
        graph.set_constraint("required", "hook")


def test_a_rule_can_be_dropped(graph: Graph) -> None:
    graph.set_constraint("single", "writes")
    assert (graph.remove_constraint("single", "writes"), graph.remove_constraint("single", "\ud800")) == (1, 0)
    assert graph.constraints() == ()


def test_a_broken_rule_undoes_the_whole_call(graph: Graph) -> None:
    graph.set_constraint("required", "routine", first="address")
    with pytest.raises(GraphError), graph.writing() as write:
        write.put_node("kept?", "note")
        write.put_node("r", "routine")
    assert graph.count() == (0, 0)


def test_the_stamp_tells_of_changes_by_anyone(graph: Graph, tmp_path: Path) -> None:
    seen = [graph.stamp()]
    small(graph)
    seen.append(graph.stamp())
    Graph(tmp_path / "graph.db").add_node("from elsewhere")
    seen.append(graph.stamp())
    assert len(set(seen)) == 3
    assert graph.stamp() == seen[-1]


def test_cycles_and_edges_to_itself_are_kept_once(graph: Graph) -> None:
    graph.add_node("a")
    graph.add_node("b")
    for subject, object_ in (("a", "b"), ("b", "a"), ("a", "a")):
        graph.add_edge(subject, "next", object_)
    assert len(graph.edges("a")) == 3
    assert len(graph.edges("a", direction="out")) == len(graph.edges("a", direction="in")) == 2


def test_words_that_most_nodes_have_narrow_a_search_too(graph: Graph) -> None:
    with graph.writing() as write:
        for number in range(3_100):
            write.put_node(f"room {number}", "room", texts=("a common word",))
        write.put_node("rare apart", "note", texts=("a common thing", "a word of its own"))
        write.put_node("rare alone", "note")
    assert [node.name for node in graph.find("common word rare")] == ["rare apart"]
    assert [node.name for node in graph.find("common rare")] == ["rare apart"]
    assert graph.query("common word").total == 3_100
    assert [node.name for node in graph.find("rare common unicorn")] == ["rare apart", "rare alone"]


def test_the_graphs_below_are_asked_while_others_may_use_this_one(tmp_path: Path) -> None:
    def below(text: str) -> Node | None:
        reader = threading.Thread(target=lambda: opened.find(text), daemon=True)
        reader.start()
        reader.join(10)
        assert not reader.is_alive()
        return Node(text, "ram")

    opened = Graph(tmp_path / "graph.db", below=below)
    opened.add_node("hook")
    assert opened.add_edge("hook", "reads", "ram:1").created
    assert opened.remove("hook", relation="reads", object_="ram:1").edges == 1
    assert opened.undo().edges == 1
    line = '{"type":"relation","from":"hook","to":"ram:2","relationType":"reads"}'
    assert import_jsonl(opened, line).edges == 1
    assert [edge.object for edge in opened.edges("hook")] == ["ram:1", "ram:2"]
