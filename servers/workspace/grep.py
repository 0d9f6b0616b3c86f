"""Search in the files of the workspace: lines that match, with their surroundings, in pages of a stable order."""

from __future__ import annotations

import contextlib
import itertools
import os
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field

from servers.machine.errors import ServerError
from servers.machine.face import READS, Face
from servers.machine.names import escape, parse, show
from servers.machine.paging import END, PAGE_BUDGET, Page, page_of
from servers.machine.ripgrep import search_of
from servers.machine.ripgrep_query import Case, FileCount, Mode, Query
from servers.workspace.grep_results import GrepFile, GrepLine, GrepPage, shown_line

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from servers.machine.beneath import Root
    from servers.machine.ripgrep_query import Counts
    from servers.machine.ripgrep_records import Line
    from servers.workspace.opened import Opened

__all__ = ["Search", "offer_grep"]

SECONDS = 25.0
"""What the search may take, and then again what reading the lines of a page may take."""
_HEAD = 1 << 16
_MARKS = (b"\xff\xfe", b"\xfe\xff")
_ONLY_FILES = -1


class _Part(NamedTuple):
    """A file of the page: how many of its matches stand on pages before, and how many may stand on this one."""

    file: FileCount
    skip: int
    take: int
    fd: int = -1
    binary: bool = False


class _Shown(NamedTuple):
    files: Sequence[GrepFile]
    next_offset: int


class _Place(NamedTuple):
    """Where is searched: a root, a path below it that files are named from, and how it is shown."""

    root: Root
    folder: bytes
    prefix: bytes

    def path(self, file: FileCount) -> bytes:
        return b"/".join(part for part in (self.folder, file.path) if part)

    def shown(self, file: FileCount) -> str:
        return escape(self.prefix + self.path(file))


class Search:
    """One call. `run` blocks its thread; `cancel` may be called from any other."""

    def __init__(self, opened: Opened, query: Query, *, context: int) -> None:
        """Take what to search and how many lines around a match are shown (-1: only files). Raises ServerError."""
        self._opened, self._query, self._context = opened, query, context
        self._search = search_of(query, seconds=SECONDS)

    def cancel(self) -> None:
        """End the search now."""
        self._search.cancel()

    def run(self, path: str, *, limit: int, offset: int) -> GrepPage:
        """Return a page of the matching lines below a folder, or in a file. Raises ServerError."""
        with self._opened.at(path) as (root, inner):
            place = _Place(root, b"/".join(parse(inner)), self._opened.prefix(root))
            counts = self._counts(place, inner, path)
            if self._context == _ONLY_FILES:
                shown = _files(place, counts, offset=offset, limit=limit)
            else:
                if offset and offset >= counts.lines:
                    raise ServerError(
                        f"offset {offset} is past the end: there are {counts.lines} matches; start at offset 0"
                    )
                shown = self._lines(place, counts, offset=offset, limit=limit)
        return GrepPage(
            files=tuple(shown.files),
            matches=counts.lines,
            matching_files=len(counts.files),
            searched=counts.searched,
            offset=offset,
            next_offset=shown.next_offset,
            complete=counts.complete and not counts.unreadable,
            note=_note(counts),
        )

    def _counts(self, place: _Place, inner: str, path: str) -> Counts:
        kind = place.root.state(inner).kind
        if kind == "folder":
            roots = self._opened.roots
            own = next(path for path in roots.paths if roots.at(str(path)).root is place.root)
            return self._search.count(place.root, place.folder, own)
        if kind != "file":
            raise ServerError(f"{show(path)} is no folder and no regular file; name one, or leave path empty")
        with place.root.opened(inner) as fd:
            return self._search.count_file(fd)

    def _lines(self, place: _Place, counts: Counts, *, offset: int, limit: int) -> _Shown:
        with contextlib.ExitStack() as stack:
            parts = list(_opened(place, _parts(counts.files, offset, limit), limit, stack))
            texts = [part for part in parts if part.fd >= 0 and not part.binary]
            found: dict[int, list[Line]] = {}
            if texts:
                fds = [part.fd for part in texts]
                found = self._search.lines(fds, context=self._context, skip=texts[0].skip, most=limit)
        return _page(place, parts, found, context=self._context, offset=offset, total=counts.lines)


def _parts(files: Sequence[FileCount], offset: int, limit: int) -> Generator[_Part]:
    """Give the files from the match at `offset` on; at most `limit`, since each has at least one match."""
    before = 0
    left = limit
    for file in files:
        if before + file.lines > offset:
            skip = max(0, offset - before)
            yield _Part(file, skip, min(limit, file.lines - skip))
            left -= 1
            if not left:
                return
        before += file.lines


def _opened(place: _Place, parts: Iterator[_Part], limit: int, stack: contextlib.ExitStack) -> Generator[_Part]:
    """Open the files that fill a page; one that is gone has no descriptor, a binary one counts as one match."""
    left = limit
    for part in parts:
        try:
            fd = stack.enter_context(place.root.opened(escape(place.path(part.file))))
        except ServerError:  # gone meanwhile, or swapped for a link that leads out
            yield part
            left -= 1
        else:
            head = os.pread(fd, _HEAD, 0)
            binary = b"\0" in head and not head.startswith(_MARKS)
            yield part._replace(fd=fd, binary=binary, take=min(left, part.take))
            left -= 1 if binary else part.take
        if left <= 0:
            return


class _Unit(NamedTuple):
    """What a page takes whole: a match with the lines around it, or a file of which nothing is shown."""

    part: _Part
    lines: tuple[GrepLine, ...]
    end: int
    """Matches of the file that are behind this one's end."""
    note: str = ""


def _units(part: _Part, found: Sequence[Line], context: int) -> Generator[_Unit]:
    """Give the matches of a file, each with the lines around it that no match before it has.

    A file that could not be opened is passed over: its name may be one from outside, where a link led meanwhile.
    """
    if part.fd < 0:
        yield _Unit(part, (), part.file.lines)
        return
    if part.binary:
        yield _Unit(part, (), part.file.lines, "binary: read_file with encoding hex shows its bytes")
        return
    matches: list[list[GrepLine]] = []
    before: list[GrepLine] = []
    last = 0
    for line in found:
        row = shown_line(line)
        if row.column:
            if len(matches) == part.take:
                break
            matches.append([*(item for item in before if item.line >= row.line - context), row])
            before, last = [], row.line
        elif matches and row.line <= last + context:
            matches[-1].append(row)
        else:
            before.append(row)
    for number, lines in enumerate(matches, part.skip + 1):
        yield _Unit(part, tuple(lines), number)
    if len(matches) < part.take:
        yield _Unit(part, (), part.skip + part.take, "changed while it was searched")


def _page(
    place: _Place, parts: Sequence[_Part], found: dict[int, list[Line]], *, context: int, offset: int, total: int
) -> _Shown:
    """Return what fits into a page."""
    files: list[GrepFile] = []
    room, at, start = PAGE_BUDGET, offset, offset
    units = itertools.chain.from_iterable(_units(part, found.get(part.fd, ()), context) for part in parts)
    for part, group in itertools.groupby(units, key=lambda unit: unit.part):
        path = place.shown(part.file)
        room -= 2 * len(repr(path)) + 100
        lines: list[GrepLine] = []
        note = ""
        for unit in group:
            room -= sum(line.weight for line in unit.lines) + len(unit.note)
            if room < 0 and (files or lines):
                break
            lines += unit.lines
            note = unit.note or note
            at = start + unit.end - part.skip
        if lines or note:
            files.append(GrepFile(path=path, matches=part.file.lines, lines=tuple(lines), note=note))
        if room < 0:
            break
        start += part.file.lines - part.skip
    return _Shown(files, at if at < total else END)


def _files(place: _Place, counts: Counts, *, offset: int, limit: int) -> _Shown:
    """Return a page of files without lines; what is no file of the workspace any more is left out."""
    page: Page[FileCount] = page_of(
        counts.files, offset=offset, limit=limit, weigh=lambda file: 2 * len(file.path) + 80
    )
    there: list[FileCount] = []
    for file in page.items:
        with contextlib.suppress(ServerError):
            place.root.state(escape(place.path(file)))
            there.append(file)
    return _Shown([GrepFile(path=place.shown(file), matches=file.lines) for file in there], page.next_offset)


def _note(counts: Counts) -> str:
    notes: list[str] = []
    if not counts.complete:
        notes.append(f"ended after {SECONDS:.0f} s or too many files: search less, by path or globs")
    if counts.unreadable:
        notes.append(f"{counts.unreadable} files or folders could not be read")
    return "; ".join(notes)


async def grep(opened: Opened, query: Query, path: str, *, context: int, limit: int, offset: int) -> GrepPage:
    """Search in a thread; cancelled, the search is ended. Raises ServerError."""
    import anyio
    import anyio.to_thread

    search = Search(opened, query, context=context)
    try:
        return await anyio.to_thread.run_sync(
            lambda: search.run(path, limit=limit, offset=offset), abandon_on_cancel=True
        )
    except anyio.get_cancelled_exc_class():
        search.cancel()
        raise


def offer_grep(face: Face, opened: Opened) -> None:
    """Offer `grep_codebase`."""

    @face.offer(READS, title="Search in files")
    async def grep_codebase(
        pattern: Annotated[str, Field(description="what a line must hold; also one that begins with a dash")],
        path: Annotated[str, Field(description="folder or file to search; empty: the workspace root")] = "",
        globs: Annotated[
            list[str],
            Field(description="names to search: *.asm, src/**; or to leave out: !*.lst; '*' finds ignored files too"),
        ] = [],  # noqa: B006  # never changed; pydantic copies it
        mode: Annotated[
            Mode, Field(description="regex (ripgrep's, one line), literal text, or literal word")
        ] = "regex",
        case: Annotated[Case, Field(description="smart: ignored if the pattern has no capitals")] = "smart",
        context: Annotated[
            int, Field(ge=-1, le=20, description="lines shown around a match, 0 to 20; -1: only files and counts")
        ] = 0,
        limit: Annotated[int, Field(ge=1, le=200, description="matches (or files) to return, 1 to 200")] = 50,
        offset: Annotated[
            int, Field(ge=0, le=100_000_000, description="matches (or files) to skip, 0 to 100000000")
        ] = 0,
    ) -> GrepPage:
        """Search the text of files by ripgrep: rules of .gitignore hold, hidden files are searched, .git is not."""
        query = Query(pattern, mode, case, tuple(globs))
        return await grep(opened, query, path, context=context, limit=limit, offset=offset)
