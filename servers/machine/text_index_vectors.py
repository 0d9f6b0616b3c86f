"""Vectors of passages for a search by meaning: made by whoever can, a part with each search, looked up by their signs.

The signs of a vector's numbers are one long integer; the passages that agree with a question in most of them are
found in a few milliseconds without any library, and only those are compared number by number.
"""

import sqlite3
from array import array
from collections.abc import Callable, Sequence
from heapq import nsmallest
from math import sqrt
from typing import NamedTuple

from servers.machine.errors import ServerError
from servers.machine.text_index_file import IndexFile

__all__ = ["Bare", "Embed", "Near", "Vector", "bare_passages", "keep_vectors", "nearest", "vectors_of"]

Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]
"""Gives a vector for each text, all of one length."""

_AT_ONCE = 8
_LONGEST = 1_500
_LARGEST = 16_384
"""Numbers in a vector."""
_LIKELY = 400
"""Passages that are compared number by number."""
_LEAST = 0.2
"""A smaller cosine says nothing."""


class Near(NamedTuple):
    """Passages near to a question in meaning, nearest first; `known` of `all` passages have a vector."""

    passages: tuple[int, ...]
    known: int
    all: int


class Vector(NamedTuple):
    """A vector of length 1 as 32-bit floats, and the signs of its numbers, one bit each."""

    data: bytes
    signs: bytes


class Bare(NamedTuple):
    """A passage that has no vector yet."""

    passage: int
    text: str


def _packed(numbers: Sequence[float]) -> Vector:
    if not 0 < len(numbers) <= _LARGEST:
        raise ServerError(f"a vector of {len(numbers)} numbers came; choose another model for AFS_EMBED_MODEL")
    length = sqrt(sum(number * number for number in numbers)) or 1.0
    bits = int("".join("1" if number > 0 else "0" for number in numbers), 2)
    data = array("f", (number / length for number in numbers)).tobytes()
    return Vector(data, bits.to_bytes((len(numbers) + 7) // 8, "big"))


def vectors_of(texts: Sequence[str], embed: Embed) -> list[Vector]:
    """Make the vectors of some texts. Raises ServerError, for what the model does wrong too."""
    made = embed([text[:_LONGEST] or " " for text in texts])
    if len(made) != len(texts):
        raise ServerError(f"{len(made)} vectors came for {len(texts)} texts; choose another model for AFS_EMBED_MODEL")
    return [_packed(vector) for vector in made]


def bare_passages(index: IndexFile, *, model: str) -> list[Bare]:
    """Return a few passages that have no vector of this model, the newest first."""
    rows = index.db.execute(
        "SELECT rowid, title, text FROM words WHERE rowid NOT IN (SELECT passage FROM vector WHERE model = ?) "
        "ORDER BY rowid DESC LIMIT ?",
        (model, _AT_ONCE),
    )
    return [Bare(number, f"{title}\n{text}") for number, title, text in rows]


def keep_vectors(index: IndexFile, bare: Sequence[Bare], vectors: Sequence[Vector], *, model: str) -> None:
    """Keep the vectors of some passages, if they are still what they were."""
    with index.writing():
        index.db.executemany(
            "INSERT OR REPLACE INTO vector(passage, model, signs, data) SELECT rowid, ?, ?, ? FROM words "
            "WHERE rowid = ? AND title || char(10) || text = ?",
            [(model, made.signs, made.data, one.passage, one.text) for one, made in zip(bare, vectors, strict=True)],
        )


def nearest(index: IndexFile, asked: Vector, *, model: str, most: int) -> Near:
    """Return the passages whose vectors are nearest to that of a question."""
    (count,) = index.db.execute("SELECT count(*) FROM words_docsize").fetchone()
    rows = index.db.execute("SELECT passage, signs FROM vector WHERE model = ?", (model,)).fetchall()
    bits, size = int.from_bytes(asked.signs, "big"), len(asked.signs)
    likely = nsmallest(
        _LIKELY,
        (((bits ^ int.from_bytes(signs, "big")).bit_count(), passage) for passage, signs in rows if len(signs) == size),
    )
    numbers = array("f", asked.data)
    found = [(_cosine(index.db, passage, model, numbers), passage) for _, passage in likely]
    found.sort(key=lambda pair: (-pair[0], pair[1]))
    return Near(tuple(passage for cosine, passage in found[:most] if cosine >= _LEAST), len(rows), count)


def _cosine(db: sqlite3.Connection, passage: int, model: str, asked: "array[float]") -> float:
    row = db.execute("SELECT data FROM vector WHERE passage = ? AND model = ?", (passage, model)).fetchone()
    numbers = array("f", row[0]) if row else array("f")
    return sum(map(float.__mul__, asked, numbers)) if len(numbers) == len(asked) else 0.0
