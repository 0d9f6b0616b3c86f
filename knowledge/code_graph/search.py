"""The search over all codebases: by names, words, addresses, registers, callers and meaning, with reasons."""

import sqlite3
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log2
from typing import NamedTuple

from knowledge.code_graph.vectors import Embed, nearest
from knowledge.code_graph.words import Asked, asked
from knowledge.snes.addresses import fold, show
from knowledge.snes.registers import register_at

__all__ = ["Embed", "Found", "Hit", "search"]

_MOST = 2_000
"""Places of one kind that are weighed."""
_VERBS: dict[str, tuple[str, ...]] = {"write": ("write",), "read": ("read",), "call": ("call", "jump", "branch")}
_SAID = {
    "read": "reads", "write": "writes", "call": "calls", "jump": "jumps to", "branch": "branches to",
    "pointer": "takes the address of", "use": "uses", "macro": "calls", "fall": "goes on into",
}  # fmt: skip


class Hit(NamedTuple):
    """A place that answers a question."""

    codebase: str
    name: str
    kind: str
    file: str
    line: int
    """The line that shows why, 1-based; the first of the symbol where no line stands out."""
    score: float
    reasons: tuple[str, ...]
    excerpt: str
    """That line and the next ones, as they are written."""
    callers: int

    @property
    def node(self) -> str:
        """Its name as a node of the graph."""
        return f"{self.codebase}:{self.name}"


class Found(NamedTuple):
    """One page of places, best first."""

    hits: tuple[Hit, ...]
    total: int
    """All that were found; at most a few thousand are weighed."""
    next_offset: int
    """Where the next page begins; 0 when this is the last."""


@dataclass
class _Mark:
    """What speaks for one symbol."""

    score: float = 0.0
    reasons: dict[str, None] = field(default_factory=dict[str, None])
    line: int = 0


class _Search:
    """One question, weighed."""

    def __init__(self, db: sqlite3.Connection, codebases: Mapping[int, str], ref_of: Callable[[int], str]) -> None:
        self._db = db
        self.codebases = codebases
        self._ref_of = ref_of
        self.marks: dict[int, _Mark] = {}
        self._in = f"({','.join('?' * len(codebases))})"

    def mark(self, symbol: int, score: float, reason: str, line: int = 0) -> None:
        """Let something speak for a symbol; the first line that is given is the one that shows it."""
        mark = self.marks.setdefault(symbol, _Mark())
        if reason not in mark.reasons:
            mark.score += score
            mark.reasons[reason] = None
        mark.line = mark.line or line

    def names(self, question: Asked) -> None:
        """Weigh the symbols that the question names, and those that use them if it asks for these."""
        for name in question.names:
            rows = self._db.execute(
                f"SELECT id, name, first FROM symbol WHERE name = ? COLLATE NOCASE AND codebase IN {self._in} LIMIT 50",
                (name, *self.codebases),
            ).fetchall()
            for symbol, known, line in rows:
                exact = 100 if known == name else 80
                self.mark(symbol, exact / 2 if question.verbs else exact, f"is named {known}", line)
            if rows and question.verbs:
                known = list({row[1] for row in rows})
                self._users(f"t.name IN ({','.join('?' * len(known))})", known, question.verbs, name)

    def addresses(self, question: Asked) -> None:
        """Weigh what touches the addresses of the question, and what lies there."""
        for address in question.addresses:
            plain = fold(address)
            register = register_at(plain)
            label = f"{show(plain)}" + (f" ({register.name})" if register else "")
            rows = self._db.execute(
                f"SELECT id, first FROM symbol WHERE address IN (?, ?, ?) AND codebase IN {self._in} LIMIT 50",
                (address, plain, plain | 0x800000, *self.codebases),
            ).fetchall()
            for symbol, line in rows:
                self.mark(symbol, 70, f"lies at or stands for {label}", line)
            ref = self._ref_of(plain)
            self._users("(t.address = ? OR t.ref = ? AND ? <> '')", (plain, ref, ref), question.verbs, label)

    def _users(self, condition: str, given: Sequence[object], verbs: Iterable[str], what: str) -> None:
        """Weigh those whose code names something."""
        wanted = {kind for verb in verbs for kind in _VERBS[verb]}
        rows = self._db.execute(
            "SELECT a.owner, a.kind, min(a.line), count(*) FROM target t JOIN access a ON a.target = t.id "
            f"WHERE {condition} AND t.codebase IN {self._in} AND a.owner IS NOT NULL GROUP BY a.owner, a.kind LIMIT ?",
            (*given, *self.codebases, _MOST),
        )
        for owner, kind, line, count in rows.fetchall():
            if wanted and kind not in wanted:
                continue
            times = f", {count} times" if count > 1 else ""
            self.mark(owner, (120 if wanted else 60) + min(count, 8), f"{_SAID[kind]} {what}{times}", line)

    def topics(self, question: Asked) -> None:
        """Weigh what touches the registers that a word of the question stands for."""
        for number, (first, last) in enumerate(question.ranges):
            rows = self._db.execute(
                "SELECT a.owner, t.address, min(a.line) FROM target t JOIN access a ON a.target = t.id "
                f"WHERE t.address BETWEEN ? AND ? AND t.codebase IN {self._in} AND a.owner IS NOT NULL "
                "GROUP BY a.owner, t.address LIMIT ?",
                (first, last, *self.codebases, _MOST * 4),
            )
            for owner, address, line in rows.fetchall():
                register = register_at(address)
                name = f" ({register.name})" if register else ""
                self.mark(owner, 25 if not number else 4, f"touches {show(address)}{name}", line)

    def words(self, question: Asked) -> None:
        """Weigh by full text: names most, then comments, then the names that are used; rare words count more."""
        if not question.words:
            return
        query = " OR ".join(f'"{word}"' for word in question.words)
        rows = self._db.execute(
            "SELECT w.rowid, -bm25(words, 8.0, 3.0, 1.0) AS score FROM words w CROSS JOIN symbol s ON s.id = w.rowid "
            f"WHERE words MATCH ? AND s.codebase IN {self._in} ORDER BY score DESC LIMIT ?",
            (query, *self.codebases, _MOST),
        ).fetchall()
        best = max((score for _, score in rows), default=0.0)
        for symbol, score in rows:
            self.mark(symbol, 50 * score / best if best > 0 else 1, "has the words")

    def meaning(self, question: str, embed: Embed, model: str) -> None:
        """Weigh by vectors."""
        found = nearest(self._db, list(self.codebases), question, embed, model=model, most=200)
        for symbol, cosine in found.items():
            if cosine > 0:
                self.mark(symbol, 40 * cosine, f"is near in meaning ({cosine:.2f})")

    def callers(self, symbols: Sequence[int]) -> dict[int, int]:
        """Return how many routines call or jump to each symbol."""
        counted: dict[int, int] = {}
        for start in range(0, len(symbols), 500):
            some = symbols[start : start + 500]
            rows = self._db.execute(
                "SELECT s.id, count(DISTINCT a.owner) FROM symbol s "
                "JOIN target t ON t.name = s.name AND t.codebase = s.codebase "
                "JOIN access a ON a.target = t.id AND a.kind IN ('call', 'jump', 'macro') "
                f"WHERE s.id IN ({','.join('?' * len(some))}) GROUP BY s.id",
                some,
            )
            counted.update(dict(rows.fetchall()))
        return counted


def search(
    db: sqlite3.Connection,
    codebases: Mapping[int, str],
    question: str,
    *,
    kind: str,
    limit: int,
    offset: int,
    ref_of: Callable[[int], str],
    embed: Embed | None,
    model: str,
) -> Found:
    """Return one page of the places that answer a question, best first; any text has an answer."""
    limit, offset = max(1, min(limit, 100)), max(0, offset)
    taken, weighed = asked(question), _Search(db, codebases, ref_of)
    if not codebases:
        return Found((), 0, 0)
    weighed.names(taken)
    weighed.addresses(taken)
    weighed.topics(taken)
    weighed.words(taken)
    if embed is not None and question.strip():
        weighed.meaning(question, embed, model)
    ids = sorted(weighed.marks, key=lambda symbol: -weighed.marks[symbol].score)[: 2 * _MOST]
    callers = weighed.callers(ids)
    rows = _rows(db, ids, kind)
    scores = {symbol: weighed.marks[symbol].score + min(log2(1 + callers.get(symbol, 0)), 6) for symbol in rows}
    order = sorted(rows, key=lambda symbol: (-scores[symbol], rows[symbol][2], rows[symbol][3]))
    page = order[offset : offset + limit]
    texts: dict[int, list[str]] = {}
    hits = [
        _hit(db, codebases, rows[symbol], weighed.marks[symbol], scores[symbol], callers.get(symbol, 0), taken, texts)
        for symbol in page
    ]
    after = offset + len(page)
    return Found(tuple(hits), len(order), after if page and after < len(order) else 0)


_Row = tuple[str, str, str, int, int, int, int]


def _rows(db: sqlite3.Connection, ids: Sequence[int], kind: str) -> dict[int, _Row]:
    """Return name, kind, path, lines, codebase and file of symbols."""
    found: dict[int, _Row] = {}
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        rows = db.execute(
            "SELECT s.id, s.name, s.kind, f.path, s.first, s.last, s.codebase, s.file FROM symbol s "
            f"JOIN file f ON f.id = s.file WHERE s.id IN ({','.join('?' * len(some))}) AND ? IN ('', s.kind)",
            (*some, kind),
        )
        found.update({number: tuple(row) for number, *row in rows})
    return found


def _hit(
    db: sqlite3.Connection, codebases: Mapping[int, str], row: _Row, mark: _Mark, score: float, callers: int,
    question: Asked, texts: dict[int, list[str]],
) -> Hit:  # fmt: skip
    name, kind, path, first, last, codebase, file = row
    if file not in texts:
        kept = db.execute("SELECT text FROM file WHERE id = ?", (file,)).fetchone()
        texts[file] = zlib.decompress(kept[0]).decode("utf-8").split("\n") if kept else []
    lines = texts[file]
    line = mark.line or _best_line(lines, first, last, question.words)
    excerpt = "\n".join(text[:200] for text in lines[line - 1 : min(line + 3, max(last, line))])
    reasons = tuple(mark.reasons)[:6]
    if callers:
        reasons = (*reasons, f"has {callers} caller{'s' if callers > 1 else ''}")
    return Hit(codebases[codebase], name, kind, path, line, round(score, 2), reasons, excerpt, callers)


def _best_line(lines: Sequence[str], first: int, last: int, words: Sequence[str]) -> int:
    """Return the line with the most words of a question, of the comment above too; the first one where none has any."""
    best, most, above = first, 0, first
    while above > max(1, first - 8) and lines[above - 2 : above - 1] and _is_comment(lines[above - 2]):
        above -= 1
    for number in range(above, min(last, first + 400, len(lines)) + 1):
        text = lines[number - 1][:400].lower()
        count = sum(word in text for word in words)
        if count > most:
            best, most = number, count
    return best


def _is_comment(line: str) -> bool:
    return line.lstrip()[:1] == ";" or line.lstrip()[:2] == "//"
