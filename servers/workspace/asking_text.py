"""Questions about what stands in files: which mention a word. Their text is searched, within a second."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, NamedTuple

from servers.machine.errors import ServerError
from servers.machine.names import escape
from servers.machine.ripgrep import search_of
from servers.machine.ripgrep_query import Counts, Query
from servers.workspace.asking_files import by_names
from servers.workspace.asking_games import WRITTEN
from servers.workspace.asking_question import stem
from servers.workspace.asking_rows import MOST, Asked, Rows, file_row
from servers.workspace.asking_search import FileHit
from servers.workspace.duplicates_reading import joined
from servers.workspace.scan_kinds import CACHES, KINDS, LANGUAGES, kind_of_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servers.workspace.asking_rows import Row

__all__ = ["by_most", "by_text", "with_any"]

_SECONDS = 1.0
"""What the search in the text may take: an answer by names is better than a late one."""
_TEXTS = ("assembly", "symbols", "note", "configuration", "web page", "log")
_IN_GLOB = 16
_LOOKED_AT = 2_000
_READ = 60
"""Files that are read for how near words stand to each other."""
_HEAD = 65_536
"""Bytes of each that are read."""
_LEAST = 3
"""Letters of a word that is looked for with others."""


def by_text(asked: Asked, words: Sequence[str], *, seconds: float = _SECONDS) -> Rows:
    """Answer by the files whose text has the words; those with them in the name first, then most.

    The search takes the seconds at most.
    """
    named = by_names(asked._replace(wish=asked.wish._replace(target="file")))
    if not words:
        return named
    rows, complete = _with_pattern(asked, r".{0,40}".join(_written(word) for word in words), seconds)
    late = "" if complete else "; not all text was searched in time, grep_codebase goes on"
    return Rows([*rows[:MOST], *named.rows], f"the text of {len(rows)} files has it{late}")


def with_any(asked: Asked, words: Sequence[str], *, seconds: float) -> list[Row]:
    """Return the files whose text has any of the words, best first; the search takes the seconds at most."""
    return _with_pattern(asked, "|".join(_written(word) for word in words), seconds).rows


def by_most(asked: Asked, words: Sequence[str], *, seconds: float, longest: str = "") -> Rows:
    """Answer by the files in whose text most of the words stand near each other: half of them at least, and two.

    Where there are none, by those that have the longest word. The search takes the seconds at most.
    """
    roots = tuple(dict.fromkeys(_root(word) for word in words if len(word) >= _LEAST))
    needed = max(2, (len(roots) + 1) // 2)
    if not roots:
        return Rows([], "no text has these words")
    found = _with_pattern(asked, rf"\b(?:{'|'.join(roots)})", seconds).rows[:_READ]
    near = [(_nearest(asked, escape(pair[0]), roots), pair) for pair in found]
    rows = [pair for seen, pair in sorted(near, key=lambda item: -len(item[0])) if len(seen) >= needed]
    if rows or not longest:
        return Rows(rows, f"the text of {len(rows)} files has most of these words near each other")
    rows = [pair for seen, pair in near if _root(longest) in seen]
    return Rows(rows, f"the text of {len(rows)} files has the word {longest}")


def _plain(word: str) -> str:
    """Return an expression for a word as it is; a blank needs no escape, and ripgrep takes none."""
    return re.escape(word).replace("\\ ", " ")


def _written(word: str) -> str:
    """Return an expression for a word in any way in which it is written."""
    ways = [way for way in WRITTEN.get(word, ()) if len(way) > _LEAST or way == word]
    return f"(?:{'|'.join(map(_plain, ways))})" if ways else _plain(stem(word))


def _root(word: str) -> str:
    """Return an expression for what a word and its other forms begin with, or for any way in which it is written."""
    if word in WRITTEN:
        return _written(word)
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) > _LEAST:
            return _plain(word.removesuffix(ending))
    return _plain(word)


def _nearest(asked: Asked, path: str, roots: Sequence[str]) -> set[str]:
    """Return the words that stand within three lines of each other, where most of them do."""
    with contextlib.suppress(ServerError):
        text = asked.scope.root.read(path, limit=_HEAD, tagged=False).data.decode("utf-8", "replace").casefold()
        lines = [{root for root in roots if re.search(rf"\b{root}", line)} for line in text.split("\n")]
        return max((set[str]().union(*lines[at : at + 3]) for at in range(len(lines))), key=len)
    return set()


class _Read(NamedTuple):
    rows: list[Row]
    complete: bool


def _with_pattern(asked: Asked, pattern: str, seconds: float) -> _Read:
    counts = Counts((), 0, 0, 0, complete=False)
    with contextlib.suppress(ServerError):  # what cannot be searched for stands in no text
        counts = _counts(asked, pattern, seconds)
    hits: list[tuple[float, int, FileHit]] = []
    for file in counts.files[:_LOOKED_AT]:
        hit = _hit(asked, joined(asked.scope.top, file.path))
        if hit is not None:
            hits.append((-hit.score, -file.lines, hit))
    hits.sort(key=lambda item: (item[0], item[1], item[2].path))
    return _Read([file_row(asked, hit, f"{-lines} lines have it") for _, lines, hit in hits], counts.complete)


def _counts(asked: Asked, pattern: str, seconds: float) -> Counts:
    endings = [ending for kind in _TEXTS for ending in KINDS[kind].split()]
    endings += [ending for many in LANGUAGES for ending in many.split()]
    known = list(dict.fromkeys(endings))
    batched = [known[at : at + _IN_GLOB] for at in range(0, len(known), _IN_GLOB)]
    query = Query(pattern, "regex", "ignore", tuple(f"*.{{{','.join(some)}}}" for some in batched))
    return search_of(query, seconds=seconds).count(asked.scope.root, asked.scope.top, asked.scope.path)


def _hit(asked: Asked, path: bytes) -> FileHit | None:
    """Return a file that has the words; none for one in a cache, of another kind, or gone."""
    above, _, name = path.rpartition(b"/")
    kind = kind_of_name(name)
    kinds = set(asked.wish.kinds) - {"document"}  # any text is meant by that
    if kinds and kind not in kinds:
        return None
    if any(part.decode("utf-8", "replace") in CACHES for part in above.split(b"/")):
        return None
    with contextlib.suppress(ServerError):
        state = asked.scope.root.state(escape(path))
        return FileHit(asked.words.score(escape(name), ""), path, kind, state.size, state.modified_ns)
    return None
