"""Search in files beneath a root by ripgrep's regular expressions, in time linear in the text.

ripgrep never sees a path of the tree: files are opened beneath the root, their text is handed over in memory,
and its line numbers are mapped back. So links, odd names, ignore rules and broken UTF-8 hide nothing.
"""

import bisect
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterable, Sequence
from typing import NamedTuple

from servers.machine.beneath import Entry, Root
from servers.machine.errors import ServerError
from servers.machine.wire import shorten

__all__ = ["QUERY_LIMIT", "Found", "Match", "excerpt", "search"]

QUERY_LIMIT = 500
"""Longest query, in characters."""

_FILE_LIMIT = 8_000_000
_BATCH = 4_000_000
_SNIPPET = 240

_CHILD = """
import json, sys
import python_ripgrep
pattern, path, cap = json.loads(sys.argv[1])
try:
    answer = [python_ripgrep.search([pattern], paths=[path], line_number=True, max_count=cap), ""]
except ValueError as error:
    answer = [[], str(error)]
sys.stdout.write(json.dumps(answer))
"""


class Match(NamedTuple):
    """One matching line of a file; line 0 says that the file's name matches."""

    path: str
    line: int
    text: str


class Found(NamedTuple):
    """All matches, names first; not `complete` when there were too many or time ran out.

    `searched` counts the files whose text was searched, `skipped` those binary, above 8 MB or unreadable.
    """

    matches: tuple[Match, ...]
    searched: int
    skipped: int
    complete: bool


class _Line(NamedTuple):
    number: int
    text: str


class _Batch:
    """Lines of several files one after the other, and which file a line is of."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.size = 0
        self.lines = 0
        self.starts: list[int] = []
        self.paths: list[str] = []

    def add(self, path: str, text: str) -> None:
        text = text.replace("\r\n", "\n")
        text = text if text.endswith("\n") else text + "\n"
        self.starts.append(self.lines)
        self.paths.append(path)
        self.text.append(text)
        self.size += len(text)
        self.lines += text.count("\n")

    def place(self, line: int) -> Match:
        index = bisect.bisect_right(self.starts, line - 1) - 1
        return Match(self.paths[index], line - self.starts[index], "")


@contextlib.contextmanager
def _as_file(data: bytes) -> Generator[str, None, None]:
    if sys.platform == "linux" and os.path.isdir("/proc/self/fd"):
        with os.fdopen(os.memfd_create("afs-search"), "wb") as file:
            file.write(data)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            yield file.name


def _in_process(pattern: str, path: str, cap: int) -> list[str]:
    import python_ripgrep

    return python_ripgrep.search([pattern], paths=[path], line_number=True, max_count=cap)


def _in_child(pattern: str, path: str, cap: int, seconds: float) -> list[str]:
    """Search in a process that can be killed: linear time can still be long, and ripgrep takes no deadline."""
    fds = [int(os.path.basename(path))] if path.startswith("/proc/self/fd/") else []
    request = json.dumps([pattern, path, cap])
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _CHILD, request],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            pass_fds=fds,
            timeout=max(0.5, seconds),
            check=True,
        )
        output, problem = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise ServerError("the expression takes too long; simplify it, or search a word of it") from error
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise ServerError("the search process failed; search plain text with mode literal") from error
    if problem:
        raise ValueError(problem)
    return [str(part) for part in output]


def _grep(pattern: str, text: str, *, cap: int, seconds: float = 0.0) -> list[_Line]:
    """Return the lines of `text` that match; with `seconds`, in a process that gets no more time."""
    with _as_file(text.encode("utf-8", "backslashreplace")) as path:
        try:
            pattern.encode("utf-8")
            output = _in_child(pattern, path, cap, seconds) if seconds else _in_process(pattern, path, cap)
        except ValueError as error:
            reason = shorten(str(error).strip().splitlines()[-1], 200)
            raise ServerError(
                f"the query is not a regular expression that can be searched ({reason}); "
                "correct it, or search plain text with mode literal"
            ) from error
    rows = (row.partition(":") for part in output for row in part.split("\n") if row)
    return [_Line(int(number), line) for number, _, line in rows]


def excerpt(line: str, words: Iterable[str]) -> str:
    """Return a line without the blanks around it, cut to some 240 characters around the first of the words in it."""
    line = line.strip()
    if len(line) <= _SNIPPET:
        return line
    small = line.casefold()
    places = [at for at in (small.find(word.casefold()) for word in words) if at >= 0]
    at = max(0, min(places, default=0) - _SNIPPET // 3)
    return ("..." if at else "") + line[at : at + _SNIPPET] + ("..." if at + _SNIPPET < len(line) else "")


def _text_of(root: Root, entry: Entry) -> str | None:
    if entry.size > _FILE_LIMIT:
        return None
    try:
        data = root.read(entry.path, limit=_FILE_LIMIT, tagged=False).data
    except ServerError:  # gone or changed since it was listed
        return None
    return None if b"\0" in data else data.decode("utf-8", "backslashreplace")


def _checked(query: str, *, regex: bool) -> str:
    if not query.strip():
        raise ServerError("the query is empty; give a word to look for")
    if len(query) > QUERY_LIMIT:
        raise ServerError(f"the query has {len(query)} characters, more than {QUERY_LIMIT}; give a word of it")
    if "\n" in query or "\0" in query:
        raise ServerError("the query spans lines; search for one line of it")
    return "(?i)" + (query if regex else re.escape(query))


def search(
    root: Root, query: str, entries: Iterable[Entry], *, regex: bool, cap: int = 2000, seconds: float = 10.0
) -> Found:
    """Return the lines of the listed files that match `query`, in the order of `entries`, case folded.

    Without `regex` the query is plain text. Stops after `cap` matches or `seconds`. Raises ServerError for a
    query that is empty, too long, too slow or no regular expression.
    """
    hunt = _Hunt(query, _checked(query, regex=regex), time.monotonic() + seconds, slow=regex)
    files = [entry for entry in entries if entry.kind == "file"]
    matches = hunt.names(files, cap=cap)
    skipped = 0
    batch = _Batch()
    for index, entry in enumerate(files):
        text = _text_of(root, entry)
        if text is None:
            skipped += 1
        else:
            batch.add(entry.path, text)
        last = index == len(files) - 1
        if batch.size >= _BATCH or last:
            matches += hunt.lines(batch, cap=cap - len(matches) + 1)
            batch = _Batch()
            if len(matches) > cap or (not last and hunt.late()):
                return Found(tuple(matches[:cap]), index + 1 - skipped, skipped, complete=False)
    return Found(tuple(matches), len(files) - skipped, skipped, complete=True)


class _Hunt:
    def __init__(self, query: str, pattern: str, deadline: float, *, slow: bool) -> None:
        self._query = query
        self._pattern = pattern
        self._deadline = deadline
        self._slow = slow

    def late(self) -> bool:
        return time.monotonic() > self._deadline

    def _grep(self, text: str, *, cap: int) -> list[_Line]:
        seconds = max(0.5, self._deadline - time.monotonic()) if self._slow else 0.0
        return _grep(self._pattern, text, cap=cap, seconds=seconds)

    def names(self, files: Sequence[Entry], *, cap: int) -> list[Match]:
        names = "".join(entry.path.rpartition("/")[2] + "\n" for entry in files)
        return [Match(files[line.number - 1].path, 0, "") for line in self._grep(names, cap=cap)]

    def lines(self, batch: _Batch, *, cap: int) -> list[Match]:
        found: list[Match] = []
        for line in self._grep("".join(batch.text), cap=cap) if cap > 0 else ():
            place = batch.place(line.number)
            found.append(Match(place.path, place.line, excerpt(line.text, (self._query,))))
        return found
