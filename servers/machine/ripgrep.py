"""ripgrep as a program: which files below an open folder match, and the matching lines of open files.

The walk starts in a descriptor and tells only names and counts. Lines are those of files that were opened beneath
a root and are handed over by descriptor: whatever is swapped for a link meanwhile, nothing outside is shown.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING, Literal, NamedTuple

from servers.machine.errors import ServerError
from servers.machine.ripgrep_process import Printing, descriptor_path
from servers.machine.ripgrep_records import Records
from servers.machine.wire import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from servers.machine.ripgrep_process import Printed
    from servers.machine.ripgrep_records import Line

__all__ = ["Case", "Counts", "FileCount", "Mode", "Query", "Ripgrep"]

Mode = Literal["regex", "literal", "word"]
"""What a pattern is: an expression of ripgrep, plain text, or plain text that stands as a word of its own."""
Case = Literal["smart", "sensitive", "ignore"]
"""`smart` ignores the case of a pattern without capitals."""

PATTERN_LIMIT = 2_000
GLOB_LIMIT = 500
MOST_GLOBS = 50
_COUNTS_LIMIT = 128 << 20
"""Bytes of names with their counts: about a million files."""
_AROUND = 2_048
"""Bytes shown before and behind a match in a line that is too long to keep."""
_COUNT = re.compile(rb"(?:\./)?([^\0]*)\0(\d+)\n")
_SEARCHED = re.compile(rb"^(\d+) files searched$", re.MULTILINE)
_FIXED = ("--no-config", "--no-mmap", "--color=never", "--no-ignore-global")
_WALK = ("--hidden", "--no-require-git", "--glob=!.git")
_MODES: dict[Mode, tuple[str, ...]] = {
    "regex": (),
    "literal": ("--fixed-strings",),
    "word": ("--fixed-strings", "--word-regexp"),
}
_CASES: dict[Case, str] = {"smart": "--smart-case", "sensitive": "--case-sensitive", "ignore": "--ignore-case"}


class Query(NamedTuple):
    """What is searched: a pattern for one line, and globs of ripgrep for the names of files."""

    pattern: str
    mode: Mode = "regex"
    case: Case = "smart"
    globs: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise ServerError for a pattern or a glob that is empty, too long, or no text that can be searched."""
        if not self.pattern:
            raise ServerError("the pattern is empty; give text to look for, or call list_files for names")
        if len(self.pattern) > PATTERN_LIMIT:
            raise ServerError(
                f"the pattern has {len(self.pattern)} characters, more than {PATTERN_LIMIT}; search a part of it"
            )
        if len(self.globs) > MOST_GLOBS:
            raise ServerError(f"there are {len(self.globs)} globs, more than {MOST_GLOBS}; give fewer")
        if "\n" in self.pattern or "\r" in self.pattern:
            raise ServerError("the pattern spans lines; search one line of it, then read around what is found")
        for text in (self.pattern, *self.globs):
            if "\0" in text or not _plain(text):
                raise ServerError("a NUL or a lone surrogate cannot be searched; leave it out, or use \\x00 in a regex")
        for glob in self.globs:
            if not glob.strip("!/ ") or len(glob) > GLOB_LIMIT:
                raise ServerError(f"each glob has 1 to {GLOB_LIMIT} characters, like *.asm or !build/**; correct it")


class FileCount(NamedTuple):
    """A file's path below the folder, and how many of its lines match."""

    path: bytes
    lines: int


class Counts(NamedTuple):
    """The files that match, in order of their paths; not `complete` when time or memory ran out.

    `searched` counts all files that were read (0: not known), `unreadable` what could not be.
    """

    files: Sequence[FileCount]
    searched: int
    unreadable: int
    complete: bool


class Ripgrep:
    """One search by the program. Its methods block; `cancel` may be called from any other thread."""

    def __init__(self, program: str, query: Query, *, seconds: float) -> None:
        """Take the program's path. Raises ServerError for a query that cannot be searched."""
        query.check()
        self._program, self._query = program, query
        self._printing = Printing(seconds=seconds)

    @staticmethod
    def program() -> str:
        """Return the path of `rg`; empty where there is none."""
        return shutil.which("rg") or ""

    def cancel(self) -> None:
        """End the search now."""
        self._printing.cancel()

    def count(self, folder: int) -> Counts:
        """Count the matching lines of each file below an open folder, as ignore rules and globs have it."""
        globs = [f"--glob={glob}" for glob in self._query.globs]
        return self._count([*globs, *_WALK], ["."], folder=folder)

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
        return {fd: [_whole(fd, line) for line in lines] for fd, lines in records.files().items()}

    def _count(
        self, options: Sequence[str], paths: Sequence[str], *, folder: int = -1, descriptors: Sequence[int] = ()
    ) -> Counts:
        data = bytearray()

        def take(chunk: bytes) -> bool:
            data.extend(chunk)
            return len(data) <= _COUNTS_LIMIT

        counting = ["--count", "--null", "--with-filename", "--stats", "--binary", *options]
        ended = self._run(counting, paths, take, folder=folder, descriptors=descriptors)
        found = [FileCount(path, int(lines)) for path, lines in _COUNT.findall(data)]
        found.sort(key=lambda item: item.path.replace(b"/", b"\0"))
        searched = _SEARCHED.search(data, max(0, len(data) - 1_000))
        unreadable = ended.errors.count("(os error ")
        return Counts(found, int(searched[1]) if searched else 0, unreadable, ended.complete)

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
            argv, take, environment={"LC_ALL": "C.UTF-8"}, folder=folder, descriptors=descriptors
        )
        if ended.returncode not in (0, 1) and ended.complete and "(os error " not in ended.errors:
            raise _refused(ended)
        return ended


def _whole(fd: int, line: Line) -> Line:
    """Return a line; of one too long to keep, what stands around the match."""
    if line.offset < 0:
        return line
    before = max(0, line.start - _AROUND)
    text = os.pread(fd, 2 * _AROUND, line.offset + before).partition(b"\n")[0]
    return line._replace(text=text, start=line.start - before if line.start >= 0 else -1, before=before)


def _plain(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _refused(ended: Printed) -> ServerError:
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
