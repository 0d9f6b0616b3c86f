"""Places ranked by meaning too, when the user has named an embedding model: the ranking by words is joined with it."""

from __future__ import annotations

import hashlib
from array import array
from typing import TYPE_CHECKING, NamedTuple

from servers.machine.errors import ServerError
from servers.machine.times import utc
from servers.workspace.scan_results import Found
from servers.workspace.scan_store import SCOPE, scope_of

if TYPE_CHECKING:
    from servers.workspace.asking_rows import Asked, Rows

__all__ = ["Nearer", "nearer"]

_PLACES = 3_000
"""Projects and folders that are compared."""
_AT_ONCE = 64
"""New ones that get a vector with each question."""
_BEST = 20
_LEAST = 0.3
_SECONDS = 5.0


class Nearer(NamedTuple):
    """Rows in their new order, and what there is to say of that."""

    rows: Rows
    notes: tuple[str, ...]


def nearer(asked: Asked, rows: Rows, model: str) -> Nearer:
    """Join a ranking by words with one by meaning; as it was where there is no model or no plain search."""
    wish = asked.wish
    if not model or wish.subject or wish.order or wish.names or wish.endings:
        return Nearer(rows, ())
    from servers.machine.fusion import fused

    try:
        near = _near(asked, model)
    except ServerError as error:
        return Nearer(rows, (f"searched by words alone: {error}",))
    known = dict(near) | dict(rows.rows)
    order = fused([[path for path, _ in rows.rows], [path for path, _ in near]])
    return Nearer(rows._replace(rows=[(path, known[path]) for path in order]), ())


def _near(asked: Asked, model: str) -> list[tuple[bytes, Found]]:
    from servers.machine.embed import embedder
    from servers.machine.text_index_vectors import vectors_of

    scope, embed = asked.scope, embedder(model, seconds=_SECONDS)
    places = scope.store.rows(
        "SELECT folder.id, folder.path, all_bytes, all_files, all_newest, place.path || ' ' || place.words, "
        "model, text, vector FROM place JOIN folder ON folder.id = place.rowid "
        "LEFT JOIN vector ON vector.folder = folder.id "
        f"WHERE {SCOPE} AND inside = 0 AND all_files > 0 "
        "ORDER BY folder.project = folder.id DESC, all_bytes DESC LIMIT ?",
        (*scope_of(scope.top), _PLACES),
    )
    new = [row for row in places if row[6] != model or row[7] != _sign(row[5])][:_AT_ONCE]
    question, *made = vectors_of([asked.wish.text, *(row[5] for row in new)], embed)
    with scope.store.writing() as db:
        db.executemany(
            "INSERT OR REPLACE INTO vector VALUES (?, ?, ?, ?)",
            [(row[0], model, _sign(row[5]), one.data) for row, one in zip(new, made, strict=True)],
        )
    fresh = {row[0]: one.data for row, one in zip(new, made, strict=True)}
    wanted = array("f", question.data)
    scored: list[tuple[float, bytes, Found]] = []
    for number, path, size, files, newest, text, known, sign, data in places:
        data = fresh.get(number) or (data if known == model and sign == _sign(text) else None)
        cosine = _cosine(wanted, data) if data else 0.0
        if cosine >= _LEAST:
            where, when = scope.shown(path), utc(newest)
            found = Found(path=where, kind="folder", size=size, files=files, modified=when, why="near in meaning")
            scored.append((cosine, path, found))
    scored.sort(key=lambda item: (-item[0], item[1]))
    return [(path, found) for _, path, found in scored[:_BEST]]


def _sign(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:8]


def _cosine(wanted: array[float], data: bytes) -> float:
    numbers = array("f", data)
    return sum(map(float.__mul__, wanted, numbers)) if len(numbers) == len(wanted) else 0.0
