"""Graphs in and out as text: round trips, broken lines, hostile XML and JSON, and a large import in little memory."""

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, get_args

import networkx as nx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.graph import Graph, Record
from knowledge.graph_exchange import Format, export_graph, import_graph
from knowledge.graph_jsonl import export_jsonl, import_jsonl
from knowledge.graph_view import Edge, GraphError

NX: Any = nx  # its type hints leave much open
ROOT = Path(__file__).resolve().parent.parent.parent
FORMATS: tuple[Format, ...] = get_args(Format)
REFERENCE = """\
{"type":"entity","name":"Link","entityType":"person","observations":["wears green","carries a \\u001b[1msword"]}
{"type":"entity","name":"Hyrule","entityType":"place","observations":[]}
{"type":"relation","from":"Link","to":"Hyrule","relationType":"lives in"}
"""
BOMB = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<graphml><graph><node id="&b;"/></graph></graphml>"""


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    graph = Graph(tmp_path / "graph.db")
    graph.add_node('Link\'s <hook> & "co"', "hook", text="line one\nline two\t<b>&amp;</b>", source="a.asm:1")
    graph.add_node(
        'Link\'s <hook> & "co"', text="[not, a list", properties={"bank": 7, "fast": True, "x": 1.5, "s": "]]>"}
    )
    graph.add_node("étoile 🎮", "note")
    graph.add_edge('Link\'s <hook> & "co"', "reads from", "étoile 🎮", source="me", note="a\r\nb", count=3)
    graph.add_edge("étoile 🎮", "next", "étoile 🎮")
    graph.set_constraint("ends", "reads from", first="hook", second="note")
    return graph


def fresh(tmp_path: Path, numbers: Iterator[int] = count()) -> Graph:  # noqa: B008  # one run of numbers for all
    return Graph(tmp_path / f"fresh {next(numbers)}.db")


def plain(record: Record) -> tuple[object, ...]:
    return record.name, record.kind, record.source, [said.text for said in record.texts], record.properties


def all_of(graph: Graph) -> tuple[list[tuple[object, ...]], list[Edge], object]:
    return [plain(record) for record in graph.all_records()], list(graph.all_edges()), graph.constraints()


@pytest.mark.parametrize("form", FORMATS)
def test_what_goes_out_comes_in_again(graph: Graph, tmp_path: Path, form: Format) -> None:
    other = fresh(tmp_path)
    done = import_graph(other, export_graph(graph, form), form)
    assert (done.nodes, done.texts, done.edges, done.problems) == (2, 2, 2, ())
    assert all_of(other) == all_of(graph)
    again = import_graph(other, export_graph(graph, form), form)
    assert (again.nodes, again.texts, again.edges, again.problem_count) == (0, 0, 0, 0)


@pytest.mark.parametrize("form", FORMATS)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_graph_comes_back_through_pieces_of_any_size(tmp_path: Path, form: Format, data: st.DataObject) -> None:
    graph, other = fresh(tmp_path), fresh(tmp_path)
    word = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=12)
    for name, text in data.draw(st.lists(st.tuples(word, word), max_size=5)):
        if name.strip():
            graph.add_node(name, text=text, properties={"said": text})
            graph.add_edge(name, "is", name, note=text)
    whole = "".join(export_graph(graph, form)).encode()
    size = data.draw(st.integers(1, 40))
    done = import_graph(other, (whole[at : at + size] for at in range(0, len(whole), size)), form)
    assert done.problems == ()
    assert all_of(other) == all_of(graph)


@pytest.mark.parametrize("form", FORMATS)
def test_an_empty_graph_goes_out_and_in(tmp_path: Path, form: Format) -> None:
    done = import_graph(fresh(tmp_path), export_graph(fresh(tmp_path), form), form)
    assert done == (0, 0, 0, (), 0)


def test_the_reference_memory_server_s_file_is_read_and_written(tmp_path: Path) -> None:
    graph = fresh(tmp_path)
    assert import_jsonl(graph, REFERENCE.encode().splitlines(keepends=True)) == (2, 2, 1, (), 0)
    written = [json.loads(line) for line in export_jsonl(graph)]
    assert written == [json.loads(line) for line in REFERENCE.splitlines()]


def test_a_broken_line_is_reported_with_its_number_and_the_rest_goes_in(tmp_path: Path) -> None:
    first, second, third = REFERENCE.splitlines()
    broken = ["{", '"x"', '{"type":"what"}', '{"type":"entity","name":7.5,"observations":"x"}', '{"type":"entity"}']
    broken += ['{"type":"entity","name":"a","observations":[1]}', '{"type":"relation","from":"Link","to":"Hyrule"}']
    broken += [
        "[" * 100_000,
        '{"type":"entity","name":"\\ud800"}',
        '{"type":"entity","name":"b","properties":[]}',
        "9" * 5000,
    ]
    graph = fresh(tmp_path)
    done = import_jsonl(
        graph, "\r\n".join(["\ufeff" + first, "", *broken, b"\xff\xfe".decode("latin-1"), third, second])
    )
    assert {problem.place for problem in done.problems} == {f"line {n}" for n in (3, 4, 5, *range(7, 15))}
    assert graph.count() == (3, 1)
    assert graph.node("7.5") is not None


def test_an_edge_whose_end_is_unknown_is_reported_and_one_before_its_end_is_not(tmp_path: Path) -> None:
    lines = REFERENCE.splitlines()
    lost = '{"type":"relation","from":"Link","to":"Termina","relationType":"went to"}'
    done = import_jsonl(fresh(tmp_path), "\n".join([lines[2], lost, *lines[:2]]))
    assert (done.nodes, done.edges, done.problem_count) == (2, 1, 1)
    assert done.problems[0].place == "line 2"
    odd = '{"type":"relation","from":"nobody","to":"a\\nb","relationType":"x"}'
    assert import_jsonl(fresh(tmp_path), odd).problem_count == 1
    assert "no node is named 'Termina'" in done.problems[0].text


def test_a_line_that_is_not_utf8_or_far_too_long_is_reported(tmp_path: Path) -> None:
    graph = fresh(tmp_path)
    pieces = [b'{"type":"entity","name":"\xff"}\n', *[b"x" * 1_000_000] * 40, b"\n", REFERENCE.encode()]
    done = import_jsonl(graph, pieces)
    assert [problem.place for problem in done.problems] == ["line 1", "line 2"]
    assert done.nodes == 2


def test_a_rule_holds_for_what_is_imported(tmp_path: Path) -> None:
    graph = fresh(tmp_path)
    graph.set_constraint("required", "person", first="age")
    done = import_jsonl(graph, REFERENCE)
    assert (done.nodes, done.edges, [problem.place for problem in done.problems]) == (1, 0, ["line 1", "line 3"])


def test_networkx_reads_the_node_link_text_and_the_graphml(graph: Graph, tmp_path: Path) -> None:
    linked = NX.node_link_graph(json.loads("".join(export_graph(graph, "json"))), edges="edges")
    path = tmp_path / "graph.graphml"
    path.write_text("".join(export_graph(graph, "graphml")), encoding="utf-8")
    drawn = NX.read_graphml(path)
    for read in (linked, drawn):
        assert set(read.nodes) == {'Link\'s <hook> & "co"', "étoile 🎮"}
        assert read.number_of_edges() == 2


def test_graphs_of_networkx_are_read(tmp_path: Path) -> None:
    other: nx.DiGraph[Any] = nx.DiGraph()
    other.add_node(1, type="room", size=4, dark=True)
    other.add_edge(1, "two", label="leads to", weight=2)
    NX.write_graphml(other, tmp_path / "nx.graphml")
    for form, text in (
        ("graphml", (tmp_path / "nx.graphml").read_text(encoding="utf-8")),
        ("json", json.dumps(nx.node_link_data(other, edges="links"))),
    ):
        graph = fresh(tmp_path)
        assert import_graph(graph, [text], form).problems == ()  # type: ignore[arg-type]  # a tuple of literals reads as str
        record = graph.record("1")
        assert record is not None and record.kind == "room"
        assert graph.edges("1")[0][:3] == ("1", "leads to", "two")


@pytest.mark.parametrize("text", [BOMB, BOMB.replace("&b;", "x"), '<!DOCTYPE x SYSTEM "file:///etc/passwd"><graphml/>'])
def test_no_entity_of_xml_is_ever_read(tmp_path: Path, text: str) -> None:
    done = import_graph(fresh(tmp_path), [text], "graphml")
    assert done.nodes == 0
    assert "take the <!DOCTYPE ...> out" in done.problems[0].text


@pytest.mark.parametrize(
    "text", ["", "<graphml", "<a>" * 1000, "{}", "<graphml><graph><node/></graph></graphml>", "\ud800\0"]
)
def test_broken_xml_is_reported(tmp_path: Path, text: str) -> None:
    done = import_graph(fresh(tmp_path), [text], "graphml")
    assert (done.nodes, done.problem_count) == (0, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"nodes": [{"id": "a"}',
        '{"nodes": [{"id": "a"} {"id": "b"}]}',
        "[" * 100_000,
        '{"nodes": ["a"]}',
        "{1: 2}",
    ],
)
def test_broken_json_is_reported_and_what_came_before_is_kept(tmp_path: Path, text: str) -> None:
    graph = fresh(tmp_path)
    done = import_graph(graph, [text], "json")
    assert done.problem_count == 1
    assert graph.count() == (text.count('{"id": "a"}'), 0)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(FORMATS), st.lists(st.one_of(st.text(max_size=60), st.binary(max_size=60)), max_size=4))
def test_any_bytes_are_read_or_reported(tmp_path: Path, form: Format, pieces: list[str | bytes]) -> None:
    done = import_graph(fresh(tmp_path), pieces, form)
    assert (done.nodes, done.edges) == (0, 0)


def test_a_format_that_is_not_known_names_those_that_are(graph: Graph) -> None:
    for act in (lambda: export_graph(graph, "yaml"), lambda: import_graph(graph, [], "yaml")):  # type: ignore[arg-type]  # what is tested
        with pytest.raises(GraphError, match="jsonl, json, graphml"):
            act()


LARGE = """
import json, re, sys
from knowledge.graph import Graph
from knowledge.graph_jsonl import import_jsonl
names = (f"entity {at}" for at in range(100_000))
lines = (json.dumps({"type": "entity", "name": name, "observations": [f"says {name}"]}) + "\\n" for name in names)
done = import_jsonl(Graph(sys.argv[1]), lines)
peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status", encoding="utf-8").read())
print(*done[:3], done.problem_count, peak.group(1))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
def test_a_hundred_thousand_nodes_go_in_with_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "graph.db"
    done = subprocess.run(
        [sys.executable, "-c", LARGE, str(path)], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    *counts, kilobytes = map(int, done.stdout.split())
    assert counts == [100_000, 100_000, 0, 0]
    assert kilobytes < 80_000
    assert Graph(path).query("says 99999", limit=1).nodes[0].name == "entity 99999"
