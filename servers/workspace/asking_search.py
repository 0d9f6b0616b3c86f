"""Names looked for in a scan: files and folders ranked by how many of the words stand in their names and paths."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from servers.machine.names import escape
from servers.machine.times import utc
from servers.workspace.asking_question import Wish, alike, stem
from servers.workspace.asking_words import NARROW
from servers.workspace.duplicates_reading import joined
from servers.workspace.scan_facts import OWN
from servers.workspace.scan_kinds import LANGUAGES
from servers.workspace.scan_results import Found, amount
from servers.workspace.scan_store import SCOPE, scope_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from servers.workspace.scan_place import Scope

__all__ = ["FileHit", "Words", "conditions", "file_hits", "file_sum", "folder_hits", "grouped", "parts_of", "stands"]

_PLACES = 400
"""Folders that full text search gives to be ranked."""
_SHORT = 4
_TELLING = 3
"""Letters of a word that may be the beginning of another."""
_HITS = 200_000
_NAMED = 3_000
"""Files with one of the words, those with most of them first, that are looked at closer."""
_PARTS = re.compile(r"[^a-z0-9+#\u0080-\U0010ffff]+")
_SOURCE = re.compile(r"([A-Za-z0-9])(disasm|dasm|decomp)\b")
"""How names end that are written as one: `jpdasm`."""
_TAKEN_APART = re.compile(rb"disas|dasm|decomp", re.IGNORECASE)
_MADE = frozenset(("rom", "patch", "archive", "program"))
"""Kinds of files that are meant where a build made them: a hack is in `dist`."""
_OWN_OR_MADE = (
    "NOT folder.git AND (inside = 0 OR EXISTS "
    "(SELECT 1 FROM folder made WHERE made.id = folder.inside AND made.trait = 'build output'))"
)
_HACKED = (
    "(kind <> 'rom' OR project <> 0 OR EXISTS "
    "(SELECT 1 FROM file near WHERE near.folder = folder.id AND near.kind IN ('patch', 'assembly')) "
    "OR (instr(lower(CAST(folder.path AS TEXT)), 'hack') "
    "AND NOT (CAST(name AS TEXT) LIKE '%(USA%' OR CAST(name AS TEXT) LIKE '%Japan%)%' "
    "OR CAST(name AS TEXT) LIKE '%(Europe%' OR CAST(name AS TEXT) LIKE '%(World%' OR CAST(name AS TEXT) LIKE '%(_)%' "
    "OR CAST(name AS TEXT) LIKE '%[!]%')))"
)
"""A ROM that somebody changed: no lone one with the name that a dump of a cartridge has."""
_ORDERS = {"size": "size DESC", "-size": "size", "newest": "file.mtime DESC", "oldest": "file.mtime"}


class FileHit(NamedTuple):
    """A file that fits, and how well its name does (0: no words were asked for)."""

    score: float
    path: bytes
    kind: str
    size: int
    mtime: int


class Words:
    """The words of a question, each with what means the same; scores names by them."""

    def __init__(self, words: Sequence[str], has: Callable[[str], bool] = bool) -> None:
        """Take words in lower case, and what tells whether any name has one: the others need not be looked for."""
        self.groups = tuple(tuple({each for each in map(stem, alike(word)) if has(each)} | {word}) for word in words)

    def score(self, name: str, above: str) -> float:
        """Return how well a name below a path fits: whole words in the name count most. 0: not at all.

        Each word that is in neither takes more away than any place of another gives.
        """
        return self.sum(self.each(name, above)) if self.groups else 0.0

    def each(self, name: str, above: str) -> tuple[float, ...]:
        """Return how well each of the words fits a name below a path."""
        own, beside = parts_of(name), parts_of(above)
        small, higher = name.casefold(), above.casefold()
        return tuple(max(_one(word, own, beside, small, higher) for word in group) for group in self.groups)

    def sum(self, each: Sequence[float], weights: Sequence[float] = ()) -> float:
        """Return the score of how well each of the words fits, which weigh the same where nothing else is said."""
        weighed = weights or (1.0,) * len(each)
        total = sum(one * weight for one, weight in zip(each, weighed, strict=True))
        missing = sum(weight for one, weight in zip(each, weighed, strict=True) if not one)
        return max(total - 2.5 * missing, 0.01 * total) / len(each)

    def fit(self, path: str) -> bool:
        """Tell whether each word stands somewhere in a path."""
        small = path.casefold()
        return all(any(word in small for word in group) for group in self.groups)

    def rank(self) -> tuple[str, tuple[str, ...]]:
        """Return an expression that is higher the more of the words a file has in its path, and its values."""
        parts, values = list[str](), list[str]()
        for group in self.groups:
            each = [word.split() for word in group]
            name = " OR ".join(" AND ".join(["instr(lower(CAST(name AS TEXT)), ?)"] * len(some)) for some in each)
            above = name.replace("name AS", "folder.path AS")
            parts.append(f"CASE WHEN {name} THEN 4 WHEN {above} THEN 3 ELSE 0 END")
            values += [part for some in each for part in some] * 2
        return " + ".join(parts) or "1", tuple(values)

    def match(self) -> str:
        """Return the expression of full text search for places with any of the words."""
        each = [word.replace('"', "") for group in self.groups for word in group]
        return " OR ".join(f'"{word}"*' if len(word) > 2 else f'"{word}"' for word in each)


def telling(fits: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Return how much each word tells among what has one of them: more the fewer have it; 1 is the mean."""
    counts = [sum(1 for each in fits if each[at]) for at in range(len(fits[0]))] if fits else []
    weights = [1.0 + math.log(len(fits) / count) if count else 0.0 for count in counts]
    return tuple(weight * len(weights) / (sum(weights) or 1.0) for weight in weights)


def parts_of(text: str) -> set[str]:
    """Return the words that a name is made of, in lower case and without the endings of plurals."""
    humps = _SOURCE.sub(r"\1 \2", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text))
    return {stem(part) for part in _PARTS.split(humps.casefold()) if part} | {
        stem(part) for part in _PARTS.split(text.casefold()) if part
    }


def _one(word: str, own: set[str], beside: set[str], name: str, above: str) -> float:
    if word in own:
        return 4.0
    if " " in word and all(part in own for part in word.split()):
        return 3.5
    telling = len(word) >= _TELLING or not word.isascii()  # two characters of Chinese are a word
    if telling and stands(word, name, own):
        return 3.0
    if word in beside:
        return 2.0
    return 1.5 if telling and stands(word, above, beside) else 0.0


def stands(word: str, text: str, parts: set[str]) -> bool:
    """Tell whether a word is in a text that has these parts; a short one begins a part: no `tall` in `install`."""
    if len(word) > _SHORT or not word.isascii():
        return word in text
    if len(word) < _TELLING:
        return word in parts
    return any(part.startswith(word) for part in parts)


def conditions(wish: Wish) -> tuple[str, tuple[object, ...]]:
    """Return the condition for the files that a question means by anything but words, and its values."""
    parts, values = [_OWN_OR_MADE if wish.names or set(wish.kinds) & _MADE else OWN], list[object]()
    if wish.kinds and not wish.endings:
        parts.append(f"kind IN ({', '.join('?' * len(wish.kinds))})")
        values += wish.kinds
    if wish.endings:
        parts.append("(" + " OR ".join(["lower(CAST(name AS TEXT)) LIKE ?"] * len(wish.endings)) + ")")
        values += [f"%.{ending}" for ending in wish.endings]
    if wish.languages and not wish.endings:
        known = [
            f"%.{one}" for many, language in LANGUAGES.items() if language in wish.languages for one in many.split()
        ]
        parts.append("(" + " OR ".join(["lower(CAST(name AS TEXT)) LIKE ?"] * len(known)) + ")")
        values += known
    if {"hack", "romhack"} & set(map(stem, wish.kind_words)):  # an original ROM is no hack
        parts.append(_HACKED)
    if wish.names:
        parts.append("(" + " OR ".join(["lower(CAST(name AS TEXT)) = ?"] * len(wish.names)) + ")")
        values += wish.names
    if wish.span:
        named = " OR instr(CAST(folder.path AS TEXT) || '/' || CAST(name AS TEXT), ?)" * len(wish.span.named)
        parts.append(f"((file.mtime >= ? AND file.mtime < ?){named})")
        values += [wish.span.start, wish.span.end, *wish.span.named]
    for bound, sign in ((wish.least, ">="), (wish.most, "<=")):
        if bound:
            parts.append(f"size {sign} ?")
            values.append(bound)
    if wish.header >= 0:
        parts.append("kind = 'rom' AND size % 1024 = ?")
        values.append(512 if wish.header else 0)
    return " AND ".join(parts), tuple(values)


def file_sum(scope: Scope, wish: Wish) -> tuple[int, int]:
    """Return how many files a question means by anything but words, and their bytes."""
    where, values = conditions(wish)
    sql = (
        "SELECT count(*), coalesce(sum(size), 0) FROM file JOIN folder ON folder.id = file.folder "
        f"WHERE {SCOPE} AND NOT trash AND {where}"
    )
    ((files, size),) = scope.store.rows(sql, (*scope_of(scope.top), *values))
    return files, size


def file_hits(scope: Scope, wish: Wish, words: Words, *, most: int = _HITS) -> list[FileHit]:
    """Return the files that a question means, best first; with words, at most 3,000, each with one of them."""
    where, values = conditions(wish)
    rank, texts = words.rank()
    order = _ORDERS.get(wish.order, "file.mtime DESC")
    sql = (
        f"SELECT folder.path, name, kind, size, file.mtime, {rank} AS fit "
        f"FROM file JOIN folder ON folder.id = file.folder WHERE {SCOPE} AND NOT trash AND {where} AND fit > 0 "
        f"ORDER BY fit DESC, {order}, folder.path, name LIMIT {_NAMED if words.groups else most}"
    )
    out: list[FileHit] = []
    rows = list(scope.store.rows(sql, (*texts, *scope_of(scope.top), *values)))
    if "disassembly" in map(stem, wish.kind_words):  # of all assembly, that which is called so
        rows = [row for row in rows if _TAKEN_APART.search(joined(row[0], row[1]))] or rows
    fits = [words.each(escape(row[1]), escape(row[0])) if words.groups else () for row in rows]
    weights = telling(fits)
    covers: dict[bytes, float] = {}
    for (path, name, kind, size, mtime, _fit), each in zip(rows, fits, strict=True):
        whole = joined(path, name)
        score = words.sum(each, weights) if each else 0.0
        covers[whole] = sum(weight for one, weight in zip(each, weights, strict=False) if one)
        if words.groups and wish.span and any(each.encode() in whole for each in wish.span.named):
            score += 1.0
        out.append(FileHit(score, whole, kind, size, mtime))
    if words.groups:
        out = _near_best(out, covers, wish.order)
    narrow = [word.encode() for word in map(stem, wish.kind_words) if word in NARROW]
    return [hit for hit in out if any(word in hit.path.lower() for word in narrow)] or out


def _near_best(hits: list[FileHit], covers: Mapping[bytes, float], order: str) -> list[FileHit]:
    """Return the hits that fit nearly as well as the best, or have as much of the words as it; best first."""
    hits.sort(key=lambda hit: -hit.score)
    if not hits:
        return []
    best, covered = hits[0].score, covers[hits[0].path]
    if order:
        near = [hit for hit in hits if hit.score > best * 0.6]
        return sorted(near, key=_sorting(order))
    return [hit for hit in hits if hit.score > best / 3 or (hit.score and covers[hit.path] >= covered)]


def _sorting(order: str) -> Callable[[FileHit], int]:
    ways: dict[str, Callable[[FileHit], int]] = {
        "size": lambda hit: -hit.size,
        "-size": lambda hit: hit.size,
        "oldest": lambda hit: hit.mtime,
    }
    return ways.get(order, lambda hit: -hit.mtime)


def grouped(scope: Scope, hits: Sequence[FileHit], wish: Wish) -> list[tuple[float, bytes, Found]]:
    """Return the folders that hold files, those with most and with the words of the question in their path first."""
    folders: dict[bytes, list[FileHit]] = {}
    for hit in hits:
        folders.setdefault(hit.path.rpartition(b"/")[0], []).append(hit)
    soft = Words(tuple(dict.fromkeys((*wish.kind_words, *wish.words))))
    out: list[tuple[float, bytes, Found]] = []
    for path, inside in folders.items():
        kinds = {kind: sum(1 for hit in inside if hit.kind == kind) for kind in dict.fromkeys(h.kind for h in inside)}
        size = sum(hit.size for hit in inside)
        bonus = 1 + soft.score("", escape(path))
        score = bonus * (min(len(inside), 50) ** 0.5) * (1 + max(hit.score for hit in inside))
        why = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) + f" of {amount(size)}"
        found = Found(
            path=scope.shown(path), kind="folder", size=size, files=len(inside),
            modified=utc(max(hit.mtime for hit in inside)), why=f"holds {why}",
        )  # fmt: skip
        out.append((score, path, found))
    return sorted(out, key=lambda item: (-item[0], item[1]))


def folder_hits(scope: Scope, words: Words, *, projects: bool = True) -> list[tuple[float, bytes, Found]]:
    """Return the folders whose name, path, kinds of files, languages or remote have the words, best first."""
    if not words.groups:
        return []
    sql = (
        "SELECT folder.path, trait, all_bytes, all_files, all_newest, folder.project = folder.id, place.words "
        "FROM place JOIN folder ON folder.id = place.rowid WHERE place MATCH ? AND NOT trash "
        f"AND {SCOPE} ORDER BY bm25(place, 8, 2, 3) LIMIT {_PLACES}"
    )
    out: list[tuple[float, bytes, Found]] = []
    for path, trait, size, files, newest, project, about in scope.store.rows(
        sql, (words.match(), *scope_of(scope.top))
    ):
        above, _, name = path.rpartition(b"/")
        score = words.score(escape(name), f"{escape(above)} {about if project else ''}")
        score *= (1.4 if project and projects else 1.0) * (0.5 if trait else 1.0) * 0.98 ** path.count(b"/")
        kind = "cache" if trait else ("project" if project else "folder")
        found = Found(
            path=scope.shown(path), kind=kind, size=size, files=files, modified=utc(newest), why=trait or about[:200]
        )  # fmt: skip
        if score > 0.05:
            out.append((score, path, found))
    return sorted(out, key=lambda item: (-item[0], item[1].count(b"/"), item[1]))
