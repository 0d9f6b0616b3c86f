"""ripgrep as a program: which files below an open folder match, and the matching lines of open files.

The walk starts in a descriptor and tells only names and counts. Lines are those of files that were opened beneath
a root and are handed over by descriptor: whatever is swapped for a link meanwhile, nothing outside is shown.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Protocol

from servers.machine.errors import ServerError
from servers.machine.names import escape
from servers.machine.ripgrep_process import Printing, descriptor_path
from servers.machine.ripgrep_query import CountReader, FileCount
from servers.machine.ripgrep_records import Records
from servers.machine.wire import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from servers.machine.beneath import Root
    from servers.machine.ripgrep_process import Printed
    from servers.machine.ripgrep_query import Case, Counts, Mode, Query
    from servers.machine.ripgrep_records import Line

__all__ = ["FileSearch", "Ripgrep", "refused", "search_of", "whole"]

_AROUND = 2_048
"""Bytes shown before and behind a match in a line that is too long to keep."""
_FIXED = ("--no-config", "--no-mmap", "--color=never", "--no-ignore-global")
_WALK = ("--hidden", "--no-require-git", "--glob=!.git")
_MODES: dict[Mode, tuple[str, ...]] = {
    "regex": (),
    "literal": ("--fixed-strings",),
    "word": ("--fixed-strings", "--word-regexp"),
}
_CASES: dict[Case, str] = {"smart": "--smart-case", "sensitive": "--case-sensitive", "ignore": "--ignore-case"}
_ENVIRONMENT = {"LC_ALL": "C.UTF-8"}


class FileSearch(Protocol):
    """One search. Its methods block and raise ServerError; `cancel` may be called from any other thread."""

    def cancel(self) -> None:
        """End the search now."""

    def count(self, root: Root, folder: bytes, place: Path) -> Counts:
        """Count the matching lines of each file below a folder of a root, as ignore rules and globs have it.

        `place` is the root's own path.
        """
        ...

    def count_file(self, fd: int) -> Counts:
        """Count the matching lines of an open file; its path is empty."""
        ...

    def lines(self, fds: Sequence[int], *, context: int, skip: int, most: int) -> dict[int, list[Line]]:
        """Return the matching lines of open files by descriptor: of the first those after `skip`, of each `most`."""
        ...


def search_of(query: Query, *, seconds: float) -> FileSearch:
    """Return a search by the program `rg`, else by the library. Raises ServerError for what cannot be searched."""
    query.check()
    program = shutil.which("rg")
    if program:
        return Ripgrep(program, query, seconds=seconds)
    from servers.machine.ripgrep_library import LibrarySearch

    return LibrarySearch(query, seconds=seconds)


class Ripgrep:
    """A search by the program; see `FileSearch`."""

    def __init__(self, program: str, query: Query, *, seconds: float) -> None:
        """Take the program's path."""
        self._program, self._query = program, query
        self._seconds = seconds
        self._printing = Printing()

    def cancel(self) -> None:
        """End the search now."""
        self._printing.cancel()

    def count(self, root: Root, folder: bytes, place: Path) -> Counts:
        """Count the matching lines of each file below a folder of a root, as ignore rules and globs have it."""
        from servers.machine.ignore_rules import rules_above

        globs = [f"--glob={glob}" for glob in self._query.globs]
        above = () if rules_above(root, folder, place) else ("--no-ignore-parent",)
        with root.below(escape(folder)) as inner:
            return self._count([*globs, *_WALK, *above], ["."], folder=inner.fileno())

    def count_file(self, fd: int) -> Counts:
        """Count the matching lines of an open file; its path is empty."""
        counts = self._count(["--no-ignore"], [descriptor_path(fd)], descriptors=[fd])
        return counts._replace(files=[FileCount(b"", found.lines) for found in counts.files])

    def lines(self, fds: Sequence[int], *, context: int, skip: int, most: int) -> dict[int, list[Line]]:
        """Return the matching lines of open files by descriptor: of the first those after `skip`, of each `most`."""
        paths = [descriptor_path(fd) for fd in fds]
        records = Records({path.encode(): fd for path, fd in zip(paths, fds, strict=True)}, skip={fds[0]: skip})
        options = ["--json", "--threads=1", "--no-ignore", f"--context={context}", f"--max-count={skip + most}"]
        self._run(options, paths, records.take, descriptors=fds)
        return {fd: [whole(fd, line) for line in lines] for fd, lines in records.files().items()}

    def _count(
        self, options: Sequence[str], paths: Sequence[str], *, folder: int = -1, descriptors: Sequence[int] = ()
    ) -> Counts:
        reader = CountReader()
        counting = ["--count", "--null", "--with-filename", "--stats", "--binary", *options]
        ended = self._run(counting, paths, reader.take, folder=folder, descriptors=descriptors)
        return reader.counts(ended.errors, complete=ended.complete)

    def _run(
        self,
        options: Sequence[str],
        paths: Sequence[str],
        take: Callable[[bytes], bool],
        *,
        folder: int = -1,
        descriptors: Sequence[int] = (),
    ) -> Printed:
        query = self._query
        argv = [self._program, *_FIXED, *_MODES[query.mode], _CASES[query.case], *options]
        argv += [f"--regexp={query.pattern}", "--", *paths]
        ended = self._printing.run(
            argv, take, seconds=self._seconds, environment=_ENVIRONMENT, folder=folder, descriptors=descriptors
        )
        if ended.returncode not in (0, 1) and ended.complete and "(os error" not in ended.errors:
            raise refused(ended)
        return ended


def whole(fd: int, line: Line) -> Line:
    """Return a line; of one too long to keep, what stands around the match in the open file."""
    if line.offset < 0:
        return line
    before = max(0, line.start - _AROUND)
    text = os.pread(fd, 2 * _AROUND, line.offset + before).partition(b"\n")[0]
    return line._replace(text=text, start=line.start - before if line.start >= 0 else -1, before=before)


def refused(ended: Printed) -> ServerError:
    """Return ripgrep's own reason in one line, with what to do."""
    if ended.returncode < 0:
        return ServerError(f"the search was ended by signal {-ended.returncode}; search less, by path or globs")
    lines = [line.strip() for line in ended.errors.splitlines() if line.strip()]
    reason = next((line for line in lines if line.startswith("error:")), lines[0] if lines else "no reason was given")
    what = "a glob" if "glob" in reason else "the pattern"
    return ServerError(
        f"{what} cannot be searched ({shorten(reason.removeprefix('error:').strip(), 300)}); correct it, or take "
        "mode literal for plain text"
    )
