"""The lookup over all tables, at its median and in its slowest hundredth, and its cold start, against plain work.

The goals are 1 ms at the median and 5 ms for 99 of 100 questions. What is held is the ratio to looking for one word in
the lines of all tables, which takes a few milliseconds, and for the cold start to reading all tables.
"""

import csv
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.ratio import Pair, Ratio, ratio_of
from knowledge.alttp.lookup import lookup
from knowledge.alttp.tables import PATHS, tables

__all__ = ["MEDIAN", "ROUNDS", "SLOWEST", "measure", "memory_mb"]

ROUNDS = 5
MEDIAN = 0.3
SLOWEST = 1.0
_COLD = 8.0
_QUESTIONS = Path(__file__).parents[1] / "tests" / "knowledge" / "questions.csv"
_FIRST = 'from knowledge.alttp.lookup import lookup; lookup("where is Link\'s health")'
_PLAIN = """
import csv
from knowledge.alttp.tables import PATHS
for path in PATHS.values():
    list(csv.reader(open(path, encoding="utf-8", newline="")))
"""
_MEMORY = """
import csv, sys
from mcp.server.mcpserver import MCPServer
server = MCPServer("bare")
def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096
bare = resident()
from knowledge.alttp.lookup import lookup
from knowledge.alttp.lookup_symbols import search_symbols
with open(sys.argv[1], encoding="utf-8", newline="") as file:
    for row in csv.DictReader(file):
        lookup(row["query"], row["kind"]).as_text()
for query in ("what writes $7E0010", "Sprite_SetupHitbxo", "curent helth of lnik", "MainGameLoop.frame_step"):
    lookup(query).as_text()
search_symbols("hitbox"), search_symbols("Module*Load*")
print((resident() - bare) / 2**20)
"""


def _questions() -> list[str]:
    with _QUESTIONS.open(encoding="utf-8", newline="") as file:
        return [row["query"] for row in csv.DictReader(file)]


def _timed(queries: list[str]) -> tuple[float, float]:
    """Return (median, 99th percentile) of one lookup each, in milliseconds."""
    times: list[float] = []
    for query in queries:
        start = time.perf_counter()
        lookup(query)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times), sorted(times)[len(times) * 99 // 100]


def _scan(lines: list[bytes]) -> float:
    start = time.perf_counter()
    assert [line for line in lines if b"health" in line]
    return (time.perf_counter() - start) * 1000


def _process(program: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return (time.perf_counter() - start) * 1000


def memory_mb() -> float:
    """Return what lookups of all kinds leave resident above a process with a bare MCP server, in MiB (Linux)."""
    out = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(_QUESTIONS)], check=True, capture_output=True, encoding="utf-8"
    )
    return float(out.stdout)


def measure() -> list[Ratio]:
    """Ask all questions of the set in turns with the plain scan, then start cold in turns with the plain reading."""
    queries = [*_questions(), "what writes $7E0010", "who calls Sprite_Main", "what reads $2140"]
    lines = [line for table in tables().values() for line in map(table.rows.line, range(len(table.rows)))]
    _timed(queries)
    rounds = [(*_timed(queries), _scan(lines)) for _ in range(ROUNDS)]
    medians, slowest, plain = (list(times) for times in zip(*rounds, strict=True))
    cold = [(_process(_FIRST), _process(_PLAIN)) for _ in range(ROUNDS)]
    scan = f"looking for one word in the {len(lines):,} lines of {len(PATHS)} tables"
    return [
        ratio_of(f"one of {len(queries)} lookups, median", Pair(medians, plain), bound=MEDIAN, plain=scan),
        ratio_of(f"one of {len(queries)} lookups, 99th percentile", Pair(slowest, plain), bound=SLOWEST, plain=scan),
        ratio_of(
            "a process that answers its first question",
            Pair([ours for ours, _ in cold], [other for _, other in cold]),
            bound=_COLD,
            plain="a process that reads the tables with csv",
        ),
    ]
