"""The tool that searches the context: by words with the best file first, or every line with a text or expression."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import anyio.from_thread
from mcp.server.mcpserver import Context
from pydantic import Field

from servers.context.opened import Reach
from servers.context.searching_index import Searched
from servers.context.searching_results import ContextMatch, ContextMatches
from servers.machine.errors import ServerError
from servers.machine.face import READS, Face
from servers.machine.paging import page_of
from servers.machine.search import QUERY_LIMIT, excerpt
from servers.machine.work import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.machine.text_index import Refreshed, Told

__all__ = ["Mode", "find", "find_note", "offer_searching", "telling"]

Mode = Literal["words", "literal", "regex"]
"""By words, ranked; by plain text; by a regular expression of ripgrep."""

_RESULT = TypeVar("_RESULT")
_EVERY = 0.5
"""Seconds between two reports of progress."""


def find(
    searched: Searched,
    query: str,
    *,
    path: str = "",
    mode: Mode = "words",
    scope: Reach = "project",
    limit: int = 20,
    offset: int = 0,
    told: Told | None = None,
) -> ContextMatches:
    """Return a page of what matches `query`. Raises ServerError."""
    if not query.strip():
        raise ServerError("the query is empty; give a word to look for")
    if len(query) > QUERY_LIMIT:
        raise ServerError(f"the query has {len(query)} characters, more than {QUERY_LIMIT}; give a word of it")
    if mode == "words":
        return _by_words(searched, query, path, scope=scope, limit=limit, offset=offset, told=told)
    return _by_lines(searched, query, path, mode=mode, scope=scope, limit=limit, offset=offset, told=told)


def find_note(fresh: Refreshed, *more: str) -> str:
    """Return what is to be said of a search beside its answers."""
    left = f"{fresh.left} files are still to be read; search again in a moment" if fresh.left else ""
    return "; ".join(filter(None, (*more, left, fresh.note)))


def _by_words(
    searched: Searched, query: str, path: str, *, scope: Reach, limit: int, offset: int, told: Told | None
) -> ContextMatches:
    seen = searched.seen()
    with searched.places(seen, path, scope) as wide:
        fresh = wide.refresh(told)
        near = searched.near(seen, query)
        found = wide.near(near.passages).search(query, limit=limit, offset=offset)
    if offset and offset >= found.total:
        raise ServerError(f"offset {offset} is past the end: there are {found.total} items; start at offset 0")
    matches = [
        ContextMatch(path=hit.path, line=hit.line, text=excerpt(hit.snippet, found.terms), title=hit.title)
        for hit in found.hits
    ]
    page = page_of(matches, offset=0, limit=limit, weigh=_weight)
    after = offset + len(page.items)
    return ContextMatches(
        query=query,
        matches=page.items,
        total=found.total,
        offset=offset,
        next_offset=after if after < found.total else -1,
        files_searched=fresh.files,
        files_skipped=fresh.skipped,
        complete=found.complete and not fresh.left,
        note=find_note(fresh, found.note, near.note),
    )


def _by_lines(
    searched: Searched, query: str, path: str, *, mode: Mode, scope: Reach, limit: int, offset: int, told: Told | None
) -> ContextMatches:
    with searched.places(searched.seen(), path, scope) as wide:
        fresh = wide.refresh(told)
        found = wide.lines(query, regex=mode == "regex")
    matches = [ContextMatch(path=match.path, line=match.line, text=match.text) for match in found.matches]
    page = page_of(matches, offset=offset, limit=limit, weigh=_weight)
    return ContextMatches(
        query=query,
        matches=page.items,
        total=len(matches),
        offset=offset,
        next_offset=page.next_offset,
        files_searched=found.searched,
        files_skipped=found.skipped + fresh.skipped,
        complete=found.complete and not fresh.left,
        note=find_note(fresh),
    )


def _weight(match: ContextMatch) -> int:
    return len(repr(match.path)) + len(repr(match.text)) + len(repr(match.title)) + 80


async def telling(ctx: Context, work: Callable[[Told], _RESULT]) -> _RESULT:
    """Do a search in a thread; progress is told, and a cancelled call ends it."""
    over = threading.Event()
    last = time.monotonic()

    def told(done: int, total: int) -> None:
        nonlocal last
        if over.is_set():
            raise ServerError("the search was called off; what was read is kept")
        if time.monotonic() - last > _EVERY:
            last = time.monotonic()
            anyio.from_thread.run(ctx.report_progress, done, total, f"{done} of {total} files read")

    try:
        return await in_thread(partial(work, told))
    finally:
        over.set()


def offer_searching(face: Face, searched: Searched) -> None:
    """Offer `search_context`."""

    @face.offer(READS, title="Search context files")
    async def search_context(
        ctx: Context,
        query: Annotated[str, Field(description="what to look for, at most 500 characters, case ignored")],
        path: Annotated[str, Field(description="file or folder to search in, a mount too; empty: everywhere")] = "",
        mode: Annotated[
            Mode,
            Field(description="words: best files first; literal: lines with this text; regex: Rust regular expression"),
        ] = "words",
        scope: Annotated[
            Reach, Field(description="project: own project and common files; common; all: every project's too")
        ] = "project",
        limit: Annotated[int, Field(ge=1, le=200, description="matches to return, 1 to 200")] = 20,
        offset: Annotated[int, Field(ge=0, description="number of matches to skip, 0 or more")] = 0,
    ) -> ContextMatches:
        """Search the text and names of the shared context; gives path, line number, line and the headings above.

        By words: any question; files with all words first, by rarity, file name and age; "in quotes" is one phrase.
        """
        how = partial(find, searched, query, path=path, mode=mode, scope=scope, limit=limit, offset=offset)
        return await telling(ctx, lambda told: how(told=told))
