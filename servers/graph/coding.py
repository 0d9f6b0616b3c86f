"""The tools for source code: index a tree, search it, find its idioms, link it with another."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import anyio.from_thread
from mcp.server.mcpserver import Context
from pydantic import Field

from servers.graph.coding_results import FoundCode, FoundPatterns, Indexed, LinkedCode
from servers.graph.opened import NO_CODE
from servers.machine.errors import ServerError
from servers.machine.face import READS, WRITES, Face
from servers.machine.work import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from knowledge.code_graph.index import CodeIndex
    from knowledge.code_graph.types import SymbolKind
    from servers.graph.opened import Opened

__all__ = ["index_tree", "offer_coding", "search_places"]

_EVERY = 0.5
"""Seconds between two reports of progress."""
_Codebase = Annotated[str, Field(description="only this codebase; empty: all that are indexed")]
_Offset = Annotated[int, Field(ge=0, description="rows to skip, 0 or more, for the next page")]
_Limit = Annotated[int, Field(ge=1, le=50, description="rows to return, 1 to 50")]
_SymbolKind = Literal["any", "routine", "data", "label", "macro", "define"]
_PatternKind = Literal["any", "idiom", "anti_pattern"]


def index_tree(
    opened: Opened,
    folder: str,
    codebase: str,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Indexed:
    """Bring the index of a source tree of the project up to date. Raises ServerError."""
    from knowledge.code_graph.types import SourceFile
    from servers.graph.opened import open_code, telling
    from servers.machine.source_tree import source_tree

    settings = opened.settings
    name = codebase or settings.project_root.joinpath(folder).name
    settings.code_file.parent.mkdir(parents=True, exist_ok=True)
    with telling(), source_tree(settings.project_root, folder) as tree:
        files = [SourceFile(file.path, file.read) for file in tree.files]
        index = open_code(settings.code_file)
        try:
            report = index.update(name, files, progress=progress, cancelled=cancelled)
            vectors, note = _embedded(index, name, settings.embed_model, cancelled)
        finally:
            index.close()
    return Indexed.of(name, report, vectors=vectors, complete=tree.complete, note=note)


class _Embedded(NamedTuple):
    vectors: int
    note: str
    """Why there are none; the index itself is kept."""


def _embedded(index: CodeIndex, codebase: str, model: str, cancelled: Callable[[], bool] | None) -> _Embedded:
    from servers.machine.embed import embedder

    if not model:
        return _Embedded(0, "")
    try:
        return _Embedded(index.embed(codebase, embedder(model), model=model, cancelled=cancelled), "")
    except ServerError as error:
        return _Embedded(0, f"indexed by words alone: {error}")


def _forgotten(opened: Opened, codebase: str) -> Indexed:
    with opened.code() as index:
        if not index.forget(codebase):
            known = ", ".join(each.name for each in index.codebases()) or "none"
            raise ServerError(f"no codebase {codebase[:60]!r} is indexed; there are: {known}")
    return Indexed(
        codebase=codebase, files=0, changed=0, removed=0, routines=0, labels=0, accesses=0, seconds=0, note="forgotten"
    )


async def _index(opened: Opened, folder: str, codebase: str, ctx: Context) -> Indexed:
    """Index in a thread; progress is told, and a cancelled call ends it with the index as it was."""
    gone = threading.Event()
    last = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > _EVERY and not gone.is_set():
            last = time.monotonic()
            anyio.from_thread.run(ctx.report_progress, done, total, f"{done} of {total} files")

    try:
        return await in_thread(partial(index_tree, opened, folder, codebase, progress=progress, cancelled=gone.is_set))
    finally:
        gone.set()


def search_places(
    opened: Opened, question: str, codebase: str, *, kind: _SymbolKind, limit: int, offset: int
) -> FoundCode:
    """Return the places of the indexed code that answer a question. Raises ServerError."""
    from servers.machine.embed import embedder

    names = (codebase,) if codebase else ()
    wanted: SymbolKind | Literal[""] = "" if kind == "any" else kind
    model, note = opened.settings.embed_model, ""
    with opened.code() as index:
        if not index.codebases():
            raise ServerError(NO_CODE)
        ask = partial(index.search, question, codebases=names, kind=wanted, limit=limit, offset=offset)
        try:
            found = ask(embed=embedder(model), model=model) if model else ask()
        except ServerError as error:
            found, note = ask(), f"searched by words alone: {error}"
    return FoundCode.of(found, offset=offset, note=note)


def _patterns(
    opened: Opened, codebase: str, pattern: str, *, kind: _PatternKind, limit: int, offset: int
) -> FoundPatterns:
    from knowledge.code_graph.patterns import find_patterns

    wanted: Literal["idiom", "anti_pattern", ""] = "" if kind == "any" else kind
    with opened.code() as index:
        found = find_patterns(index, codebase=codebase, pattern=pattern, kind=wanted, limit=limit, offset=offset)
    return FoundPatterns.of(found, offset=offset)


def _links(opened: Opened, left: str, right: str, *, least: float, limit: int, offset: int) -> LinkedCode:
    from knowledge.alttp.conventions import label_refs
    from knowledge.code_graph.links import links

    with opened.code() as index:
        found = links(index, left, right, least=least, aliases=label_refs(), limit=limit, offset=offset)
    return LinkedCode.of(found, offset=offset)


def offer_coding(face: Face, opened: Opened) -> None:
    """Offer `index_code`, `search_code`, `find_patterns` and `link_code`."""
    _offer_indexing(face, opened)
    _offer_search(face, opened)
    _offer_patterns(face, opened)


def _offer_indexing(face: Face, opened: Opened) -> None:
    @face.offer(WRITES, title="Index source code")
    async def index_code(
        ctx: Context,
        folder: Annotated[str, Field(description="folder of the project (AFS_PROJECT_ROOT); empty: all of it")] = "",
        codebase: Annotated[str, Field(description="name to keep it under; empty: the folder's name")] = "",
        action: Annotated[Literal["update", "forget"], Field(description="forget drops the codebase")] = "update",
    ) -> Indexed:
        """Read a disassembly or a hack's source tree: routines, labels, calls, reads and writes with file and line.

        Only changed files are read again. asar, ca65, wla-dx, bass and listings with addresses are understood; what
        could not be read is listed. No source file is changed. The code is then a layer of the graph.
        """
        if action == "forget":
            return await in_thread(partial(_forgotten, opened, codebase or folder))
        return await _index(opened, folder, codebase, ctx)


def _offer_search(face: Face, opened: Opened) -> None:
    @face.offer(READS, title="Search source code")
    def search_code(
        question: Annotated[str, Field(description="plain question, name or address: all DMA transfers, $7E0010")],
        codebase: _Codebase = "",
        kind: Annotated[_SymbolKind, Field(description="only symbols of this kind")] = "any",
        limit: _Limit = 10,
        offset: _Offset = 0,
    ) -> FoundCode:
        """Find the places of all indexed codebases that answer a question: how does sprite collision work?

        By words, names, addresses, registers and callers (and by meaning where AFS_EMBED_MODEL is set), each place
        with its reason, file, line and excerpt.
        """
        return search_places(opened, question, codebase, kind=kind, limit=limit, offset=offset)


def _offer_patterns(face: Face, opened: Opened) -> None:
    @face.offer(READS, title="Find idioms in source code")
    def find_patterns(
        codebase: _Codebase = "",
        pattern: Annotated[str, Field(description="id of one pattern (dma_setup); empty: all")] = "",
        kind: Annotated[_PatternKind, Field(description="idioms, anti-patterns or any")] = "any",
        limit: _Limit = 10,
        offset: _Offset = 0,
    ) -> FoundPatterns:
        """Count idioms and anti-patterns of 65816 code (16-bit add, DMA set-up, mode restore) and show their places."""
        return _patterns(opened, codebase, pattern, kind=kind, limit=limit, offset=offset)

    @face.offer(READS, title="Link two codebases")
    def link_code(
        left: Annotated[str, Field(description="an indexed codebase")],
        right: Annotated[str, Field(description="another one")],
        least: Annotated[float, Field(ge=0, le=1, description="least confidence, 0 to 1")] = 0.5,
        limit: _Limit = 20,
        offset: _Offset = 0,
    ) -> LinkedCode:
        """Find what two codebases share: by name, by address and by likeness of the code, each with the evidence."""
        return _links(opened, left, right, least=least, limit=limit, offset=offset)
