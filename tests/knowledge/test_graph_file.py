"""The file of a graph: killed writers, full and read-only disks, damage, older and newer layouts, files of others."""

import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from knowledge.graph import Graph
from knowledge.graph_file import on_network
from knowledge.graph_schema import APPLICATION, STEPS, VERSION
from knowledge.graph_view import GraphError

ROOT = Path(__file__).resolve().parent.parent.parent

WRITER = """
import os, sys
from knowledge.graph import Graph
graph, name = Graph(sys.argv[1]), sys.argv[2]
for number in range(int(sys.argv[3])):
    graph.add_node(f"{name}-{number}", "note", text=f"{number} " + "x" * int(sys.argv[4]))
    os.write(1, f"{name}-{number}\\n".encode())
"""
FILLER = """
import resource, sys
from knowledge.graph import Graph
from knowledge.graph_view import GraphError
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
graph = Graph(sys.argv[1])
kept = 0
try:
    for number in range(1000):
        graph.add_node(f"n{number}", text="x" * 20_000 + str(number))
        kept += 1
except GraphError as error:
    print(kept, graph.count()[0], str(error))
"""
READER = """
import os, sys, urllib.parse
from knowledge.graph import Graph
from knowledge.graph_view import GraphError
if os.geteuid() == 0:
    os.setuid(65534)  # who may do anything may write to anything
graph = Graph(sys.argv[1])
print([node.name for node in graph.find("kept")], graph.count())
try:
    graph.add_node("new")
except GraphError as error:
    print(error)
"""


def child(code: str, *words: str) -> list[str]:
    return [sys.executable, "-c", code, *words]


def add_one(graph: Graph) -> object:
    return graph.add_node("one")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user may read."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


def names_in(path: Path) -> set[str]:
    with Graph(path) as graph:
        return {node.name for node in graph.query(names_only=True, limit=1_000_000).nodes}


def test_nothing_acknowledged_is_lost_when_writers_are_killed(tmp_path: Path) -> None:
    path, acknowledged = tmp_path / "graph.db", set[str]()
    for number in range(4):
        words = [(str(path), f"r{number}c{client}", "1000000", "3000") for client in range(3)]
        writers = [subprocess.Popen(child(WRITER, *word), cwd=ROOT, stdout=subprocess.PIPE) for word in words]
        heads = [_first_line(writer) for writer in writers]
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
        for writer, head in zip(writers, heads, strict=True):
            rest = writer.communicate()[0]
            acknowledged.update(line.decode() for line in (head + rest).split(b"\n")[:-1])
        with closing(sqlite3.connect(path)) as con:
            assert con.execute("PRAGMA quick_check").fetchone() == ("ok",)
    assert len(acknowledged) >= 12
    assert acknowledged - names_in(path) == set()


def _first_line(writer: subprocess.Popen[bytes]) -> bytes:
    assert writer.stdout is not None
    return writer.stdout.readline()


def test_programs_that_start_at_once_all_write_all(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "graph.db"
    words = [(str(path), f"c{client}", "30", "10") for client in range(4)]
    writers = [
        subprocess.Popen(child(WRITER, *word), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for word in words
    ]
    errors = [writer.communicate()[1] for writer in writers]
    assert errors == [b""] * 4
    assert len(names_in(path)) == 120


def test_threads_share_one_graph(tmp_path: Path) -> None:
    graph = Graph(tmp_path / "graph.db")

    def write(client: int) -> None:
        for number in range(40):
            graph.add_node(f"{client}-{number}", text="t")
            graph.add_node("shared", text=f"{client}-{number}")
            assert graph.find(f"{client}-{number}")

    threads = [threading.Thread(target=write, args=(client,)) for client in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    node = graph.node("shared")
    assert node is not None and len(node.texts) == 160
    assert graph.count() == (161, 0)


def test_a_disk_that_is_full_loses_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "graph.db"
    done = subprocess.run(child(FILLER, str(path)), cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    kept, counted, said = done.stdout.split(" ", 2)
    assert int(kept) == int(counted) > 0
    assert "nothing that was acknowledged is lost; make room" in said
    assert len(names_in(path)) == int(kept)


@pytest.mark.parametrize("writer", ["closed", "open"])
def test_a_graph_that_may_only_be_read_is_read(open_folder: Path, writer: str) -> None:
    path = open_folder / "graph.db"
    graph = Graph(path)
    graph.add_node("kept")
    if writer == "closed":
        graph.close()
    for file in open_folder.iterdir():
        os.chmod(file, 0o444)
    os.chmod(open_folder, 0o555)
    done = subprocess.run(child(READER, str(path)), cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    os.chmod(open_folder, 0o755)
    found, said = done.stdout.splitlines()
    assert found == "['kept'] (1, 0)"
    assert "can only be read here: make it writable" in said


def test_a_graph_that_is_not_there_reads_as_empty_and_is_not_made(tmp_path: Path) -> None:
    graph = Graph(tmp_path / "folder" / "graph.db")
    assert (graph.count(), graph.find("x"), graph.node("x"), list(graph.pairs())) == ((0, 0), (), None, [])
    assert list(tmp_path.iterdir()) == []
    Graph(tmp_path / "folder" / "graph.db").add_node("x")
    assert graph.count() == (1, 0)


@pytest.mark.parametrize("name", ["/proc/no/graph.db", "/dev/null/graph.db", "a\0b"])
def test_a_file_that_cannot_be_made_is_an_error_that_says_so(name: str) -> None:
    with pytest.raises(GraphError, match="name"):
        Graph(name).add_node("x")


def test_a_folder_in_place_of_the_file_is_an_error_that_says_so(tmp_path: Path) -> None:
    for act in (Graph.count, add_one):
        with pytest.raises(GraphError, match="name"):
            act(Graph(tmp_path))


def test_a_file_that_is_no_graph_is_left_as_it_is(tmp_path: Path) -> None:
    text, other = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("my notes, " * 1000, encoding="utf-8")
    with closing(sqlite3.connect(other)) as con, con:
        con.execute("CREATE TABLE mine(x)")
    con.close()
    before = (text.read_bytes(), other.read_bytes())
    with pytest.raises(GraphError, match="no SQLite file: move it away"):
        Graph(text).add_node("x")
    with pytest.raises(GraphError, match="of another program"):
        Graph(other).add_node("x")
    assert (text.read_bytes(), other.read_bytes()) == before


def test_a_damaged_file_is_an_error_that_names_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "graph.db"
    with Graph(path) as graph:
        for number in range(200):
            graph.add_node(f"n{number}", text="x" * 200)
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(GraphError, match="damaged: move it"):
        Graph(path).find("x")
    assert path.read_bytes() == bytes(data)


def test_a_newer_layout_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "graph.db"
    with Graph(path) as graph:
        graph.add_node("x")
    with closing(sqlite3.connect(path)) as con, con:
        con.execute(f"PRAGMA user_version = {VERSION + 1}")
    con.close()
    for act in (Graph.count, add_one):
        with pytest.raises(GraphError, match=f"layout {VERSION + 1}.*update this program"):
            act(Graph(path))


@pytest.mark.parametrize("version", range(1, VERSION))
def test_an_older_layout_becomes_the_newest_with_all_that_was_in_it(tmp_path: Path, version: int) -> None:
    path = tmp_path / "graph.db"
    con = sqlite3.connect(path)
    for step in STEPS[:version]:
        con.executescript(step)
    con.execute(f"PRAGMA application_id = {APPLICATION}")
    con.execute(f"PRAGMA user_version = {version}")
    con.execute("INSERT INTO node(id, name, folded, kind) VALUES (1, 'Old', 'old', 'note'), (2, 'b', 'b', 'note')")
    con.execute("INSERT INTO text(id, node, digest, text) VALUES (?, 1, x'00', 'an old text')", ((1 << 20) + 1,))
    con.execute("INSERT INTO edge(subject, relation, object) VALUES (1, 'near', 2)")
    con.commit()
    con.close()
    graph = Graph(path)
    assert [node.texts for node in graph.find("old text")] == [("an old text",)]
    assert [edge.object for edge in graph.edges("Old")] == ["b"]
    assert graph.set_constraint("single", "near").rule == "single"
    graph.remove("Old")
    assert graph.undo().nodes == ("Old",)


def test_closing_leaves_one_file_and_the_next_call_opens_it_again(tmp_path: Path) -> None:
    graph = Graph(tmp_path / "graph.db")
    graph.add_node("x")
    graph.close()
    graph.close()
    assert [file.name for file in tmp_path.iterdir()] == ["graph.db"]
    assert graph.count() == (1, 0)


def test_only_the_user_may_read_a_new_graph(tmp_path: Path) -> None:
    Graph(tmp_path / "graph.db").add_node("x")
    assert (tmp_path / "graph.db").stat().st_mode & 0o077 == 0


def test_a_network_file_system_is_known_by_its_mount() -> None:
    mounts = "/dev/sda / ext4 rw 0 0\nsrv:/net /net nfs4 rw 0 0\n/dev/sdb /net/fast ext4 rw 0 0\nbad line\n"
    assert on_network("/net/graph.db", mounts)
    assert not on_network("/net/fast/graph.db", mounts)
    assert not on_network("/network/graph.db", mounts)


def test_adding_a_text_takes_as_long_in_a_large_graph_as_in_a_small_one(tmp_path: Path) -> None:
    graphs = [Graph(tmp_path / f"{size}.db") for size in (1_000, 10_000)]
    for graph, size in zip(graphs, (1_000, 10_000), strict=True):
        with graph.writing() as write:
            for number in range(size):
                write.put_node(f"entity {number}", "note", texts=(f"observation {number} of the entity",))
            for number in range(5 * size):
                write.put_edge(f"entity {number % size}", f"r{number // size}", f"entity {(number * 7 + 1) % size}")
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(300):
        for graph, kept in zip(graphs, times, strict=True):
            start = time.perf_counter()
            graph.add_node(f"entity {number * 3}", text=f"another observation {number}")
            kept.append(time.perf_counter() - start)
    small, large = (statistics.median(kept) for kept in times)
    assert large < 1.5 * small
