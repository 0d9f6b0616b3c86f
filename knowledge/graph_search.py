"""Finding nodes of a graph file by words, kind and source: which, and in which order.

All words have to be in a node, each in its name or in any of its texts; a word also stands for longer words that begin
with it. The node of exactly that name comes first, then by BM25 of what has all the words at once. When no node has
all words, those with most of the rarer ones come, rare words first; when none has any, those whose name contains the
text. A word that thousands of texts have is looked for beside the others, in one text with its node's name, and only
where there is no such text in the other texts of the node.
"""

import math
import sqlite3
from collections.abc import Mapping, Sequence

from knowledge.graph_limits import LONGEST_QUERY
from knowledge.graph_view import GraphError
from knowledge.graph_words import query_words

__all__ = ["matching", "ranked"]

MOST_RANKED = 4_000
"""Nodes that are put in order by BM25; when more match, a search says little and they stay in the order of adding."""
COMMON = 3_000
"""A word that more texts have is common."""
_FEW = 200
_DOCUMENTS = "SELECT count(*) FROM words WHERE words MATCH ?"
_NODES = "SELECT DISTINCT rowid >> 20 FROM words WHERE words MATCH ?"
_BM25 = "SELECT rowid >> 20 FROM words WHERE words MATCH ? ORDER BY bm25(words, 3.0, 1.0), rowid"
_LIKE = """
    SELECT id FROM node WHERE own AND name LIKE :like ESCAPE '\\'
    UNION SELECT node FROM text WHERE text LIKE :like ESCAPE '\\'
"""


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
    folded = text.casefold()
    words = query_words(text)
    order = (_by_index(con, words) if indexed else _by_reading(con, words)) if words else []
    if not order:
        order = _ids(con, "SELECT id FROM node WHERE instr(folded, ?) AND own ORDER BY id", (folded,))
    exact = _ids(con, "SELECT id FROM node WHERE folded = ? AND own", (folded,))
    return list(dict.fromkeys([*exact, *order])) if exact else order


def ranked(con: sqlite3.Connection, numbers: Sequence[int], *, kind: str, source: str) -> Sequence[int]:
    """Return those numbers that are nodes of the kind and source asked for (empty: of any), in the same order."""
    if not kind and not source:
        return numbers
    where = "AND :kind IN ('', kind) AND :source IN ('', source)"
    asked = {"kind": kind, "source": source}
    if len(numbers) > _FEW:
        kept = set(_ids(con, f"SELECT id FROM node WHERE own {where}", asked))
        return [number for number in numbers if number in kept]
    sql = f"SELECT id FROM node WHERE id = :id {where}"
    return [number for number in numbers if _ids(con, sql, {**asked, "id": number})]


def _ids(con: sqlite3.Connection, sql: str, asked: Sequence[object] | Mapping[str, object]) -> list[int]:
    return [row[0] for row in con.execute(sql, asked)]


def _term(word: str) -> str:
    return '"' + word.replace('"', '""') + '" *'


def _by_index(con: sqlite3.Connection, words: Sequence[str]) -> list[int]:
    counts = {word: int(con.execute(_DOCUMENTS, (_term(word),)).fetchone()[0]) for word in words}
    rare = sorted((word for word in words if 0 < counts[word] <= COMMON), key=lambda word: counts[word])
    common = [word for word in words if counts[word] > COMMON]
    together = " AND ".join(_term(word) for word in words)
    if not rare:
        every = _ids(con, _NODES, (" AND ".join(map(_term, common)),)) if common else []
        return _ordered(con, together, every) if len(common) == len(words) else every
    sets = [set(_ids(con, _NODES, (_term(word),))) for word in rare]
    if len(rare) + len(common) == len(words):
        found = set[int].intersection(*sets)
        if common and found and (close := found.intersection(_ids(con, _NODES, (together,)))):
            return _ordered(con, together, sorted(close))
        for word in common:
            found = found.intersection(_ids(con, _NODES, (_term(word),)))
        if found:
            return _ordered(con, together, sorted(found))
    return _by_rarity(con, sets)


def _ordered(con: sqlite3.Connection, together: str, every: Sequence[int]) -> list[int]:
    if len(every) > MOST_RANKED:
        return list(every)
    return list(dict.fromkeys([*_ids(con, _BM25, (together,)), *every]))


def _by_reading(con: sqlite3.Connection, words: Sequence[str]) -> list[int]:
    sets: list[set[int]] = []
    for word in words:
        like = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        sets.append(set(_ids(con, _LIKE, {"like": f"%{like}%"})))
    found = set[int].intersection(*sets) if sets else set[int]()
    return sorted(found) or _by_rarity(con, sets)


def _by_rarity(con: sqlite3.Connection, sets: Sequence[set[int]]) -> list[int]:
    total = con.execute("SELECT max(id) FROM node").fetchone()[0] or 1
    scores: dict[int, float] = {}
    for found in sets:
        weight = math.log(1 + total / (1 + len(found)))
        for number in found:
            scores[number] = scores.get(number, 0.0) + weight
    return sorted(scores, key=lambda number: (-scores[number], number))
