"""Finding nodes of a graph file by words, kind and source: which, and in which order.

All words have to be in a node, each in its name or in any of its texts; a word also stands for longer words that begin
with it. The node of exactly that name comes first, then by BM25 of what has all the words at once. When no node has
all words, those with most of them come, rare words first; when none has any, those whose name contains the text.
"""

import math
import sqlite3
from collections.abc import Iterable, Sequence

from knowledge.graph_limits import LONGEST_QUERY
from knowledge.graph_view import GraphError
from knowledge.graph_words import query_words

__all__ = ["matching", "ranked"]

MOST_RANKED = 4_000
"""Nodes that are put in order by BM25; when more match, a search says little and they stay in the order of adding."""
_BM25 = "SELECT rowid >> 20 FROM words WHERE words MATCH ? ORDER BY bm25(words, 3.0, 1.0), rowid"


def matching(con: sqlite3.Connection, text: str, *, indexed: bool) -> list[int]:
    """Return the numbers of the nodes that match a text, best first.

    Raises:
        GraphError: the text is longer than a search may be.
    """
    if len(text) > LONGEST_QUERY:
        raise GraphError(
            f"the search has {len(text):,} characters, at most {LONGEST_QUERY:,} fit: ask with fewer words"
        )
    text = text.encode("utf-8", "ignore").decode("utf-8").replace("\0", " ").strip()
    words = query_words(text)
    sets = [_having(con, word, indexed=indexed) for word in words]
    every = set[int].intersection(*sets) if sets else set[int]()
    exact = _ids(con, "SELECT id FROM node WHERE folded = ?", (text.casefold(),))
    if every:
        order = _by_bm25(con, words, every) if indexed and len(every) <= MOST_RANKED else sorted(every)
    else:
        order = _by_rarity(con, sets) or _ids(con, "SELECT id FROM node WHERE instr(folded, ?)", (text.casefold(),))
    return list(dict.fromkeys([*exact, *order]))


def ranked(con: sqlite3.Connection, numbers: Sequence[int], *, kind: str, source: str) -> list[int]:
    """Return those numbers that are nodes of the graph's own, of the kind and source asked for, in the same order."""
    kept = set[int]()
    for start in range(0, len(numbers), 500):
        part = numbers[start : start + 500]
        marks = ",".join("?" * len(part))
        sql = f"SELECT id FROM node WHERE id IN ({marks}) AND own"
        asked: list[object] = list(part)
        for column, value in (("kind", kind), ("source", source)):
            if value:
                sql += f" AND {column} = ?"
                asked.append(value)
        kept.update(_ids(con, sql, asked))
    return [number for number in numbers if number in kept]


def _ids(con: sqlite3.Connection, sql: str, asked: Sequence[object]) -> list[int]:
    return [row[0] for row in con.execute(sql, asked)]


def _term(word: str) -> str:
    return '"' + word.replace('"', '""') + '" *'


def _having(con: sqlite3.Connection, word: str, *, indexed: bool) -> set[int]:
    if indexed:
        return set(_ids(con, "SELECT DISTINCT rowid >> 20 FROM words WHERE words MATCH ?", (_term(word),)))
    pattern = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    sql = "SELECT id FROM node WHERE name LIKE ? ESCAPE '\\' UNION SELECT node FROM text WHERE text LIKE ? ESCAPE '\\'"
    return set(_ids(con, sql, (pattern, pattern)))


def _by_bm25(con: sqlite3.Connection, words: Iterable[str], every: set[int]) -> list[int]:
    together = " AND ".join(_term(word) for word in words)
    return list(dict.fromkeys([*_ids(con, _BM25, (together,)), *sorted(every)]))


def _by_rarity(con: sqlite3.Connection, sets: Sequence[set[int]]) -> list[int]:
    total = con.execute("SELECT max(id) FROM node").fetchone()[0] or 1
    scores: dict[int, float] = {}
    for found in sets:
        weight = math.log(1 + total / (1 + len(found)))
        for number in found:
            scores[number] = scores.get(number, 0.0) + weight
    return sorted(scores, key=lambda number: (-scores[number], number))
