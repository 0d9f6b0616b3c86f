"""Vectors of routines for the search by meaning: made by whoever can, kept as 32-bit floats with the model's name."""

import sqlite3
from array import array
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from math import sqrt

from knowledge.code_graph.types import Cancelled, CodeError

__all__ = ["Embed", "embed_routines", "nearest"]

Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]
"""Gives a vector for each text, all of one length."""
_AT_ONCE = 32
_LONGEST = 1_500
_LARGEST = 16_384
"""Numbers in a vector."""


def embed_routines(
    writing: Callable[[], AbstractContextManager[sqlite3.Connection]],
    db: sqlite3.Connection,
    codebase: int,
    embed: Embed,
    *,
    model: str,
    cancelled: Callable[[], bool] | None = None,
) -> int:
    """Keep a vector of each routine and macro that has none of this model, and return how many were made."""
    rows = db.execute(
        "SELECT s.id, w.name, w.said, w.used FROM symbol s JOIN words w ON w.rowid = s.id WHERE s.codebase = ? "
        "AND s.kind IN ('routine', 'macro') AND NOT EXISTS "
        "(SELECT 1 FROM vector v WHERE v.symbol = s.id AND v.model = ?) ORDER BY s.id",
        (codebase, model),
    ).fetchall()
    for start in range(0, len(rows), _AT_ONCE):
        if cancelled is not None and cancelled():
            raise Cancelled(f"the vectors were called off after {start} of {len(rows)}; what was made is kept")
        some = rows[start : start + _AT_ONCE]
        made = embed([f"{name}. {said} {used}"[:_LONGEST] for _, name, said, used in some])
        if len(made) != len(some):
            raise CodeError(f"{len(made)} vectors came for {len(some)} texts; check the model {model!r}")
        with writing() as kept:
            kept.executemany(
                "INSERT OR REPLACE INTO vector SELECT id, ?, ? FROM symbol WHERE id = ?",
                [(model, _packed(vector), row[0]) for vector, row in zip(made, some, strict=True)],
            )
    return len(rows)


def _packed(vector: Sequence[float]) -> bytes:
    """Return a vector of length 1 as 32-bit floats."""
    if not 0 < len(vector) <= _LARGEST:
        raise CodeError(f"a vector of {len(vector)} numbers; it has 1 to {_LARGEST}")
    length = sqrt(sum(number * number for number in vector)) or 1.0
    return array("f", (number / length for number in vector)).tobytes()


def nearest(
    db: sqlite3.Connection, codebases: Sequence[int], question: str, embed: Embed, *, model: str, most: int
) -> Mapping[int, float]:
    """Return the symbols whose vectors are nearest to that of a question, with the cosine of each."""
    made = embed([question[:_LONGEST]])
    if len(made) != 1:
        raise CodeError(f"{len(made)} vectors came for one text; check the model {model!r}")
    asked = array("f", _packed(made[0]))
    marks = ",".join("?" * len(codebases))
    rows = db.execute(
        "SELECT v.symbol, v.data FROM vector v JOIN symbol s ON s.id = v.symbol "
        f"WHERE v.model = ? AND s.codebase IN ({marks})",
        (model, *codebases),
    )
    found: dict[int, float] = {}
    for symbol, data in rows:
        vector = array("f", data)
        if len(vector) == len(asked):
            found[symbol] = sum(map(float.__mul__, asked, vector))
    best = sorted(found, key=lambda symbol: -found[symbol])[:most]
    return {symbol: found[symbol] for symbol in best}
