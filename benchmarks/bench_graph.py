"""The user's graph with 10,000 nodes and 50,000 edges, and ways over the atlas, against plain work of the same kind.

The goals are a search in 10 ms, one more text in 2 ms and a shortest way over the atlas in 50 ms. What is held is the
ratio to SQLite alone doing one such write, to a plain scan of as many texts in memory, and to one walk over the atlas
that visits every node in plain Python.
"""

import itertools
import sqlite3
import tempfile
from collections import deque
from pathlib import Path

from benchmarks.ratio import Ratio, in_turns, ratio_of
from knowledge.alttp.atlas import atlas
from knowledge.graph import Graph
from knowledge.layers import Layers

__all__ = ["EDGES", "NODES", "ROUNDS", "measure"]

NODES = 10_000
EDGES = 50_000
ROUNDS = 9
_WRITES = 20
_BY_WRITE = 8.0
_BY_SCAN = 20.0
_BY_SIZE = 1.5
_BY_WALK = 1.0


def filled(path: Path, nodes: int) -> Graph:
    """Return a graph with so many nodes of one text each, and five edges a node."""
    graph = Graph(path)
    with graph.writing() as write:
        for at in range(nodes):
            write.put_node(f"entity {at}", "note", texts=(f"observation {at} of topic{at % 97} in place{at % 1009}",))
        for at in range(nodes * EDGES // NODES):
            write.put_edge(f"entity {at % nodes}", f"relation {at // nodes}", f"entity {(at * 7 + 1) % nodes}")
    return graph


def measure() -> list[Ratio]:
    """Search, write and walk, each in turns with its plain way."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with filled(place / "large.db", NODES) as graph, filled(place / "small.db", NODES // 10) as small:
            return [_searches(graph), *_writes(graph, small, place / "plain.db"), _walks(graph)]


def _searches(graph: Graph) -> Ratio:
    texts = [text for record in graph.all_records() for text in (record.name, *(said.text for said in record.texts))]

    def plain() -> object:
        return [at for at, text in enumerate(texts) if "topic7" in text.lower()]

    times = in_turns(lambda: graph.query("observation topic7"), plain, rounds=ROUNDS)
    return ratio_of(
        f"a search in {NODES:,} nodes", times, bound=_BY_SCAN, plain="looking through the texts in memory for one word"
    )


def _writes(graph: Graph, small: Graph, path: Path) -> list[Ratio]:
    numbers = itertools.count()
    con = sqlite3.connect(path, isolation_level=None)
    con.execute("PRAGMA journal_mode = WAL")
    con.execute("PRAGMA synchronous = FULL")
    con.execute("CREATE TABLE text(id INTEGER PRIMARY KEY, text TEXT)")

    def add(to: Graph) -> None:
        for _ in range(_WRITES):
            number = next(numbers)
            to.add_node(f"entity {number % (NODES // 10)}", text=f"one more observation {number}")

    def plain() -> None:
        for _ in range(_WRITES):
            con.execute("BEGIN IMMEDIATE")
            con.execute("INSERT INTO text(text) VALUES (?)", (f"one more observation {next(numbers)}",))
            con.execute("COMMIT")

    by_write = in_turns(lambda: add(graph), plain, rounds=ROUNDS)
    by_size = in_turns(lambda: add(graph), lambda: add(small), rounds=ROUNDS)
    con.close()
    return [
        ratio_of(
            f"{_WRITES} texts added, each kept", by_write, bound=_BY_WRITE, plain="bare inserts of SQLite, each kept"
        ),
        ratio_of(f"{_WRITES} texts among {NODES:,} nodes", by_size, bound=_BY_SIZE, plain="the same among a tenth"),
    ]


def _walks(graph: Graph) -> Ratio:
    below = atlas()
    layers = Layers([graph, below])
    ends: dict[str, list[str]] = {}
    for subject, _, object_ in below.pairs():
        ends.setdefault(subject, []).append(object_)
        ends.setdefault(object_, []).append(subject)

    def plain() -> int:
        seen, waiting = set[str](), deque(ends)
        while waiting:
            name = waiting.popleft()
            if name not in seen:
                seen.add(name)
                waiting.extend(end for end in ends[name] if end not in seen)
        return len(seen)

    def ours() -> object:
        way = layers.find_path("room:012", "ram:7EF36D", direction="both")
        return way, layers.neighbours("ram:7EF36D", depth=3)

    times = in_turns(ours, plain, rounds=ROUNDS)
    return ratio_of(
        "a shortest way and neighbours over the atlas", times, bound=_BY_WALK, plain="a plain walk over all of it"
    )
