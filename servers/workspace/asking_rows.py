"""What the ways to answer a question share: what they work on, and the rows that they give."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from servers.machine.times import utc
from servers.workspace.scan_results import Found, amount
from servers.workspace.scan_store import SCOPE, scope_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servers.workspace.asking_question import Wish
    from servers.workspace.asking_search import FileHit, Words
    from servers.workspace.scan_place import Scope

__all__ = ["MOST", "Asked", "Row", "Rows", "by_folders", "counted", "file_row", "in_turns"]

MOST = 200
"""Rows of an answer at most."""


Row = tuple[bytes, Found]
"""A row of an answer with its path below the root."""


class Rows(NamedTuple):
    """Rows of an answer, best first; and what to say of all of them."""

    rows: list[Row]
    summary: str


class Asked(NamedTuple):
    """What a way works on."""

    scope: Scope
    wish: Wish
    words: Words
    now: int
    """Nanoseconds since 1970."""


def counted(hits: Sequence[FileHit]) -> str:
    """Return how many files they are and their bytes, for reading."""
    return f"{len(hits)} files, {amount(sum(hit.size for hit in hits))}"


def in_turns(first: Sequence[Row], second: Sequence[Row]) -> list[Row]:
    """Return two rankings as one: the first of each, the second of each, and so on."""
    pairs = (pair for some in zip_longest(first, second) for pair in some if pair)
    return list(dict(pairs).items())


def file_row(asked: Asked, hit: FileHit, why: str = "") -> tuple[bytes, Found]:
    """Return the row of a file."""
    found = Found(path=asked.scope.shown(hit.path), kind=hit.kind, size=hit.size, modified=utc(hit.mtime), why=why)
    if hit.kind == "rom" and hit.path.lower().endswith((b".sfc", b".smc")) and not why:
        header = "with a copier header of 512 bytes" if hit.size % 1024 == 512 else "without a copier header"
        found = found.model_copy(update={"why": header})
    return hit.path, found


def by_folders(asked: Asked, where: str, why: str = "", *, least: int = 0, values: Sequence[object] = ()) -> Rows:
    """Answer by folders of at least some bytes that a condition holds for, the largest first."""
    sql = (
        "SELECT path, trait, all_bytes, all_files, all_newest, project = id FROM folder "
        f"WHERE {SCOPE} AND path <> ? AND NOT trash AND ({where}) AND all_bytes >= ? "
        f"ORDER BY all_bytes DESC LIMIT {MOST}"
    )
    rows: list[tuple[bytes, Found]] = []
    for path, trait, size, files, newest, project in asked.scope.store.rows(
        sql, (*scope_of(asked.scope.top), asked.scope.top, *values, least)
    ):
        kind = "cache" if trait else ("project" if project else "folder")
        shown = asked.scope.shown(path)
        rows.append(
            (path, Found(path=shown, kind=kind, size=size, files=files, modified=utc(newest), why=why or trait))
        )
    return Rows(rows, f"{len(rows)} folders" + ("" if len(rows) < MOST else " and more"))
