"""The answers of a text index: BM25 over passages, the best one for each file, with the file's name and its age.

A query is tried the strict way first (all of its words), then by any of them, then by longer and by similar words.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from servers.machine.beneath import Entry
from servers.machine.fts_query import Term, all_of, any_of, terms_of
from servers.machine.fusion import fused
from servers.machine.names import escape
from servers.machine.text_index_file import TEXT, IndexFile
from servers.machine.text_index_rows import SHIFT

__all__ = ["Hit", "Hits", "Wish", "best_passages", "listed", "rank"]

_MOST_TERMS = 24
_MOST_PASSAGES = 2_000
"""Passages of one query that are weighed, where it finds more than can be."""
_EVERYWHERE = 6_000
_FEW = 10
"""With fewer files than this that have all words, those with some of them follow."""
_COMMON = 2_000
"""A word in more passages than this tells little, beside rarer ones."""
_WEIGHTS = "8.0, 4.0, 1.0, 0.7"
"""Of the words in a file's name, its headings, its text, and in parts of names."""
_MONTH_NS = 30 * 86_400 * 1_000_000_000
_RECENT = 0.25
"""What a file of today counts more than an old one."""
_ALIKE = 80.0
_SPLIT = re.compile(r"[^\W_]+")

Scores = Mapping[int, float]
"""Passage to its score, larger is better."""


class Hit(NamedTuple):
    """A passage that answers: `path` as `names.escape` writes it, lines from 1, etag of the file's content."""

    path: str
    first: int
    last: int
    title: str
    text: str
    score: float
    etag: str
    modified_ns: int
    passage: int
    line: int
    """The line that has most of the words."""
    snippet: str
    """That line."""
    words: tuple[str, ...]
    """Those of the words looked for that it has, as they were written."""


class Hits(NamedTuple):
    """A page of files, best first; `total` counts all, at least so many where not `complete`."""

    hits: tuple[Hit, ...]
    total: int
    complete: bool
    terms: tuple[str, ...]
    """What was looked for."""
    note: str
    """How the query was loosened; empty when it was not."""


class _Some(NamedTuple):
    scores: dict[int, float]
    complete: bool


class _Asked(NamedTuple):
    scores: dict[int, float]
    complete: bool
    note: str
    terms: tuple[Term, ...]


def _ask(db: sqlite3.Connection, expression: str) -> _Some:
    """Return the passages that an expression finds, with their BM25.

    What is nearly everywhere tells nothing by how often it is there: names and headings alone are weighed then,
    and the other passages follow in the order of their files' age.
    """
    if _count(db, expression, most=_EVERYWHERE) < _EVERYWHERE:
        return _Some(_scores(db, expression), complete=True)
    named = _scores(db, f"{{name title}} : ({expression})")
    rows = db.execute(
        "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?", (expression, _MOST_PASSAGES)
    )
    return _Some({**{row[0]: 0.0 for row in rows}, **named}, complete=False)


def _scores(db: sqlite3.Connection, expression: str) -> dict[int, float]:
    found = db.execute(
        f"SELECT rowid, -bm25(words, {_WEIGHTS}) AS score FROM words WHERE words MATCH ? ORDER BY score DESC LIMIT ?",
        (expression, _EVERYWHERE),
    )
    return dict(found.fetchall())


def _count(db: sqlite3.Connection, expression: str, *, most: int) -> int:
    """Count the passages that an expression finds, up to `most`."""
    found = db.execute(
        "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)", (expression, most)
    ).fetchone()
    return int(found[0])


def _telling(db: sqlite3.Connection, terms: Sequence[Term]) -> tuple[Term, ...]:
    """Leave out words that are nearly everywhere, where there are rarer ones."""
    rare = tuple(term for term in terms if _count(db, term.exact, most=_COMMON) < _COMMON)
    return rare if any(_count(db, term.exact, most=1) for term in rare) else tuple(terms)


def _alike(db: sqlite3.Connection, term: Term) -> tuple[str, ...]:
    """Return words of the index that are spelled much like a term that is nowhere."""
    from rapidfuzz import fuzz

    word = term.shown.casefold()
    if not word.isalpha() or not 4 <= len(word) <= 40:
        return ()
    start, end = word[:2], word[:1] + chr(ord(word[1]) + 1)
    rows = db.execute("SELECT term, doc FROM vocabulary WHERE term >= ? AND term < ? LIMIT 5000", (start, end))
    near = [
        (fuzz.ratio(word[: len(known) + 1], known), count, known)
        for known, count in rows
        if abs(len(known) - len(word)) <= 3 and len(known) >= 3
    ]
    return tuple(known for likeness, _, known in sorted(near, reverse=True)[:3] if likeness >= _ALIKE)


def _loosened(db: sqlite3.Connection, terms: Sequence[Term]) -> _Asked:
    """Ask for longer words, then for similar ones, where the words as they are have no answer."""
    some = _ask(db, any_of(terms, begun=True))
    if some.scores:
        return _Asked(*some, "no file has these words; longer words count too", tuple(terms))
    near = {term.shown: alike for term in terms if (alike := _alike(db, term))}
    words = list(dict.fromkeys(word for alike in near.values() for word in alike))
    if not words:
        return _Asked({}, complete=True, note="", terms=tuple(terms))
    likely = terms_of(" ".join(words), most=_MOST_TERMS)
    some = _ask(db, any_of(likely, begun=True))
    return _Asked(*some, f"no file has these words; searched for words like them: {', '.join(words)}", likely)


def _asked(index: IndexFile, query: str) -> _Asked:
    terms = terms_of(query, most=_MOST_TERMS)
    if not terms:
        note = "nothing in the query is a word; search punctuation with mode literal"
        return _Asked({}, complete=True, note=note, terms=())
    strict = _ask(index.db, all_of(terms))
    files = {passage >> SHIFT for passage in strict.scores}
    if len(terms) == 1 or len(files) >= _FEW:
        return _Asked(*strict, "", terms) if files else _loosened(index.db, terms)
    loose = _ask(index.db, any_of(_telling(index.db, terms)))
    if not loose.scores:
        return _loosened(index.db, terms)
    note = "" if files else "no passage has all of the words; these have some"
    top = max(loose.scores.values())
    scores = {**loose.scores, **{passage: score + top for passage, score in strict.scores.items()}}
    return _Asked(scores, loose.complete, note, terms)


class Wish(NamedTuple):
    """Where to search: `under` are folders or files (empty: everywhere), `weigh` gives a factor for a path."""

    under: Sequence[bytes] = ()
    allowed: Callable[[bytes], bool] = bool
    weigh: Callable[[bytes], float] | None = None
    near: Sequence[int] = ()
    """Passages that are near in meaning, nearest first."""


class _Weighed(NamedTuple):
    score: float
    path: bytes
    passage: int


def _weighed(index: IndexFile, scores: Scores, wish: Wish) -> list[_Weighed]:
    """Return the passages in their order, with the age of their files; those that may not be shown are left out."""
    factors: dict[int, float] = {}
    found: list[_Weighed] = []
    for passage, score in scores.items():
        number = passage >> SHIFT
        path = index.paths.get(number, b"")
        factor = factors.get(number)
        if factor is None:
            factor = factors[number] = _factor(index, path, wish)
        if factor:
            found.append(_Weighed(max(score, 1e-9) * factor, path, passage))
    found.sort(key=lambda item: (-item.score, item.path, item.passage))
    return found


def _factor(index: IndexFile, path: bytes, wish: Wish) -> float:
    """Return what a file counts by its age and its place; 0: it is not shown."""
    row = index.rows.get(path)
    if row is None or row.state != TEXT or not _is_under(path, wish.under) or not wish.allowed(path):
        return 0.0
    age = (index.newest - abs(row.modified)) / _MONTH_NS
    return (1 + _RECENT / (1 + age)) * (wish.weigh(path) if wish.weigh is not None else 1.0)


def _near(index: IndexFile, wish: Wish) -> list[_Weighed]:
    return _weighed(index, {passage: 1 / (60 + at) for at, passage in enumerate(wish.near)}, wish)


def _is_under(path: bytes, under: Sequence[bytes]) -> bool:
    return not under or any(
        not folder or path == folder or path.startswith(folder.rstrip(b"/") + b"/") for folder in under
    )


def _hit_of(index: IndexFile, passage: int, *, score: float, terms: Iterable[str]) -> Hit | None:
    """Return one passage with the line that has most of some words; None where it is gone."""
    row = index.db.execute("SELECT first, last, title, text FROM words WHERE rowid = ?", (passage,)).fetchone()
    path = index.paths.get(passage >> SHIFT)
    if row is None or path is None:
        return None
    first, last, title, text = row
    file, name = index.rows[path], escape(path)
    lines = text.split("\n")
    stems = {term: [_stem(word) for word in _SPLIT.findall(term.casefold())] for term in terms}
    at = _best_line(lines, {stem for words in stems.values() for stem in words})
    everything = f"{name}\n{title}\n{text}".casefold()
    has = tuple(term for term, words in stems.items() if words and all(word in everything for word in words))
    line = min(first + at, last)
    modified = abs(file.modified)
    return Hit(name, first, last, title, text, score, file.etag, modified, passage, line, lines[at].strip(), has)


def _best_line(lines: Sequence[str], words: Iterable[str]) -> int:
    wanted = tuple(words)
    counts = [sum(word in line for word in wanted) for line in (line.casefold() for line in lines)]
    best = max(range(len(lines)), key=lambda at: (counts[at], bool(lines[at].strip()), -at))
    return best if counts[best] else next((at for at, line in enumerate(lines) if line.strip()), 0)


def _stem(word: str) -> str:
    """Return what a word and its forms begin with, roughly as the index has it."""
    for ending in ("ingly", "ing", "ies", "ied", "es", "ed", "ly", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word


def _by_file(items: Iterable[_Weighed]) -> dict[bytes, _Weighed]:
    """Return the best passage of each file."""
    files: dict[bytes, _Weighed] = {}
    for item in items:
        files.setdefault(item.path, item)
    return files


def listed(index: IndexFile, wish: Wish) -> list[Entry]:
    """Return the files whose text is in the index, folder by folder in order of their names."""
    folders = tuple(path.rstrip(b"/") + b"/" if path else b"" for path in wish.under) or (b"",)
    near = (path for path in index.rows if path.startswith(folders) or path in wish.under)
    shown = [path for path in near if _factor(index, path, wish)]
    shown.sort(key=lambda path: path.split(b"/"))
    return [Entry(escape(path), "file", index.rows[path].size) for path in shown]


def rank(index: IndexFile, query: str, wish: Wish, *, limit: int, offset: int) -> Hits:
    """Return a page of files, each with its best passage."""
    asked = _asked(index, query)
    files = _by_file(_weighed(index, asked.scores, wish))
    if wish.near:
        alike = _by_file(_near(index, wish))
        both = {**alike, **files}
        files = {path: both[path]._replace(score=score) for path, score in fused([[*files], [*alike]]).items()}
    shown = tuple(term.shown for term in asked.terms)
    page = list(files.values())[offset : offset + limit]
    hits = (_hit_of(index, item.passage, score=item.score, terms=shown) for item in page)
    found = tuple(hit for hit in hits if hit is not None)
    return Hits(found, len(files), asked.complete, shown, asked.note if files or not shown else "")


def best_passages(index: IndexFile, question: str, wish: Wish, *, most: int) -> tuple[Hit, ...]:
    """Return the passages that answer a long question best, several of one file too."""
    terms = _rarest(index.db, terms_of(question, most=4 * _MOST_TERMS))
    weighed = _weighed(index, _ask(index.db, any_of(terms)).scores, wish) if terms else []
    scores = {item.passage: item.score for item in weighed}
    if wish.near:
        scores = fused([[*scores], [item.passage for item in _near(index, wish)]])
    shown = tuple(term.shown for term in terms)
    hits = (_hit_of(index, passage, score=score, terms=shown) for passage, score in list(scores.items())[:most])
    return tuple(hit for hit in hits if hit is not None)


def _rarest(db: sqlite3.Connection, terms: Sequence[Term]) -> tuple[Term, ...]:
    """Return the terms of a question that tell most; those that are nowhere tell nothing."""
    counts = {term: _count(db, term.exact, most=_COMMON) for term in terms}
    there = [term for term in terms if counts[term]]
    kept = sorted(there, key=lambda term: counts[term])[:_MOST_TERMS]
    rare = [term for term in kept if counts[term] < _COMMON]
    return tuple(term for term in there if term in (rare or kept))
