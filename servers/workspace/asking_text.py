"""Questions about what stands in files: which mention a word. Their text is searched, within a second."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from servers.machine.errors import ServerError
from servers.machine.names import escape
from servers.machine.ripgrep import search_of
from servers.machine.ripgrep_query import Counts, Query
from servers.workspace.asking_files import by_names
from servers.workspace.asking_question import stem
from servers.workspace.asking_rows import MOST, Asked, Rows, file_row
from servers.workspace.asking_search import FileHit
from servers.workspace.duplicates_reading import joined
from servers.workspace.scan_kinds import CACHES, KINDS, LANGUAGES, kind_of_name

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["by_text"]

_SECONDS = 1.0
"""What the search in the text may take: an answer by names is better than a late one."""
_TEXTS = ("assembly", "symbols", "note", "configuration", "web page", "log")
_IN_GLOB = 16
_LOOKED_AT = 2_000


def by_text(asked: Asked, words: Sequence[str], *, seconds: float = _SECONDS) -> Rows:
    """Answer by the files whose text has the words; those with them in the name first, then most.

    The search takes the seconds at most.
    """
    named = by_names(asked._replace(wish=asked.wish._replace(target="file")))
    if not words:
        return named
    counts = Counts((), 0, 0, 0, complete=False)
    with contextlib.suppress(ServerError):  # what cannot be searched for stands in no text
        counts = _counts(asked, words, seconds)
    hits: list[tuple[float, int, FileHit]] = []
    for file in counts.files[:_LOOKED_AT]:
        hit = _hit(asked, joined(asked.scope.top, file.path))
        if hit is not None:
            hits.append((-hit.score, -file.lines, hit))
    hits.sort(key=lambda item: (item[0], item[1], item[2].path))
    rows = [file_row(asked, hit, f"{-lines} lines have it") for _, lines, hit in hits[:MOST]]
    late = "" if counts.complete else "; not all text was searched in time, grep_codebase goes on"
    return Rows([*rows, *named.rows], f"the text of {len(hits)} files has it{late}")


def _counts(asked: Asked, words: Sequence[str], seconds: float) -> Counts:
    endings = [ending for kind in _TEXTS for ending in KINDS[kind].split()]
    endings += [ending for many in LANGUAGES for ending in many.split()]
    known = list(dict.fromkeys(endings))
    batched = [known[at : at + _IN_GLOB] for at in range(0, len(known), _IN_GLOB)]
    pattern = r".{0,40}".join(re.escape(stem(word)) for word in words)
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
