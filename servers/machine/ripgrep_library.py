"""ripgrep as a library, in a process that can be ended: for machines without the program `rg`.

The library walks by rules that cannot be set, and skips names and files that are no UTF-8. So the walk is our own,
and the process gets names one by one; what is no UTF-8 it hands over as text. It prints what `rg` prints, without
the columns.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from typing import TYPE_CHECKING

from servers.machine.ignore_rules import IgnoreRules
from servers.machine.ripgrep import refused, whole
from servers.machine.ripgrep_process import Printing, descriptor_path
from servers.machine.ripgrep_query import CountReader, FileCount
from servers.machine.ripgrep_records import Records

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from servers.machine.beneath import Root
    from servers.machine.ripgrep_process import Printed
    from servers.machine.ripgrep_query import Counts, Query
    from servers.machine.ripgrep_records import Line

__all__ = ["LibrarySearch"]

_MOST_NAMES = 1_000_000
_START = r"""
import collections, json, os, re, stat, sys, tempfile
import python_ripgrep

pattern, fds, context, most = json.loads(sys.argv[1])
where = "/proc/self/fd/%d" if os.path.isdir("/proc/self/fd") else "/dev/fd/%d"
LONGEST = 256 << 20

def searched(paths, **more):
    try:
        return python_ripgrep.search([pattern], paths=paths, line_number=True, separator_field_match="\0",
                                     separator_field_context="\0\0", **more)
    except ValueError as error:
        sys.exit(str(error))

def of_file(fd, **more):
    data = os.pread(fd, LONGEST, 0)
    try:
        if data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            data.decode()
    except UnicodeDecodeError:
        with tempfile.TemporaryFile() as text:
            text.write(data.decode("utf-8", "backslashreplace").encode())
            text.flush()
            return searched([where % text.fileno()], **more)
    return searched([where % fd], **more)

def lines(texts):
    return (row for text in texts for row in text.split("\n"))

searched([os.devnull])
"""
_COUNTING = (
    _START
    + r"""
names = [name for name in os.fdopen(fds[0], "rb").read().split(b"\0") if name] if most else [b""]
done = 0
for name in names:
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW) if name else fds[0]
    except OSError as error:
        print(error.strerror, "(os error)", file=sys.stderr)
        continue
    found = 0
    if stat.S_ISREG(os.fstat(fd).st_mode):
        done += 1
        found = sum(1 for row in lines(of_file(fd)) if re.match("[0-9]+\0|binary file matches", row))
    os.close(fd)
    if found:
        sys.stdout.buffer.write(b"%s\0%d\n" % (name, found))
sys.stdout.buffer.write(b"\n%d files searched\n" % done)
"""
)
"""Prints what `rg --count --null --stats` does, of the names in an open file, or of an open file itself."""
_SHOWING = (
    _START
    + r"""
for fd in fds:
    print(json.dumps({"type": "begin", "data": {"path": {"text": where % fd}}}, separators=(",", ":")))
    for row in lines(of_file(fd, before_context=context, after_context=context, max_count=most)):
        found = re.match("([0-9]+)(\0+)", row)
        if found is not None:
            kind = "match" if len(found[2]) == 1 else "context"
            data = {"lines": {"text": row[found.end() :]}, "line_number": int(found[1]), "submatches": []}
            print(json.dumps({"type": kind, "data": data}, separators=(",", ":")))
"""
)
"""Prints what `rg --json` does, of open files."""


class LibrarySearch:
    """A search by the library; see `ripgrep.FileSearch`."""

    def __init__(self, query: Query, *, seconds: float) -> None:
        """Take what is searched."""
        self._query = query
        self._seconds = seconds
        self._printing = Printing()

    def cancel(self) -> None:
        """End the search now."""
        self._printing.cancel()

    def count(self, root: Root) -> Counts:
        """Count the matching lines of each file below a root, as ignore rules and globs have it."""
        rules = IgnoreRules(root, self._query.globs)
        with contextlib.closing(root.walk(cap=_MOST_NAMES, enter=rules.enter, measured=False)) as walk:
            names = [seen.path for seen in walk if rules.wants(seen)]
        with tempfile.TemporaryFile() as file:
            file.write(b"\0".join(names))
            file.flush()
            file.seek(0)
            counts = self._count([file.fileno()], most=1, folder=root.fileno())
        return counts._replace(unreadable=counts.unreadable + walk.problems, complete=counts.complete and walk.complete)

    def count_file(self, fd: int) -> Counts:
        """Count the matching lines of an open file; its path is empty."""
        counts = self._count([fd], most=0)
        return counts._replace(files=[FileCount(b"", found.lines) for found in counts.files])

    def lines(self, fds: Sequence[int], *, context: int, skip: int, most: int) -> dict[int, list[Line]]:
        """Return the matching lines of open files by descriptor: of the first those after `skip`, of each `most`."""
        records = Records({descriptor_path(fd).encode(): fd for fd in fds}, skip={fds[0]: skip})
        self._run(_SHOWING, fds, records.take, context=context, most=skip + most)
        return {fd: [self._placed(whole(fd, line)) for line in lines] for fd, lines in records.files().items()}

    def _placed(self, line: Line) -> Line:
        """Say where a match begins, which the library does not: where the pattern stands as text, else at the start."""
        at = line.text.lower().find(self._query.pattern.lower().encode()) if line.start >= 0 else -1
        return line._replace(start=at) if at >= 0 else line

    def _count(self, fds: Sequence[int], *, most: int, folder: int = -1) -> Counts:
        reader = CountReader()
        ended = self._run(_COUNTING, fds, reader.take, most=most, folder=folder)
        return reader.counts(ended.errors, complete=ended.complete)

    def _run(
        self,
        script: str,
        fds: Sequence[int],
        take: Callable[[bytes], bool],
        *,
        context: int = 0,
        most: int = 0,
        folder: int = -1,
    ) -> Printed:
        asked = json.dumps([self._query.expression(), list(fds), context, most])
        argv = [sys.executable, "-I", "-c", script, asked]
        ended = self._printing.run(argv, take, seconds=self._seconds, environment={}, folder=folder, descriptors=fds)
        if ended.returncode != 0 and ended.complete:
            raise refused(ended)
        return ended
