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
from servers.machine.names import escape
from servers.machine.ripgrep import refused, whole
from servers.machine.ripgrep_process import Printing, descriptor_path
from servers.machine.ripgrep_query import CountReader, FileCount
from servers.machine.ripgrep_records import Records

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from servers.machine.beneath import Root
    from servers.machine.ripgrep_process import Printed
    from servers.machine.ripgrep_query import Counts, Query
    from servers.machine.ripgrep_records import Line

__all__ = ["LibrarySearch"]

_MOST_NAMES = 1_000_000
_START = r"""
import collections, json, os, re, stat, sys, tempfile
import python_ripgrep

pattern, plain, fds, context, most = json.loads(sys.argv[1])
where = "/proc/self/fd/%d" if os.path.isdir("/proc/self/fd") else "/dev/fd/%d"
LONGEST, LINE, AROUND = 256 << 20, 1 << 16, 2048

def searched(paths, **more):
    try:
        return python_ripgrep.search([pattern], paths=paths, line_number=True, separator_field_match="\0",
                                     separator_field_context="\0\0", **more)
    except ValueError as error:
        sys.exit(str(error))

def is_text(data):
    try:
        data.decode()
        return True
    except UnicodeDecodeError:
        return False

def of_file(fd, **more):
    data = os.pread(fd, LONGEST, 0)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or is_text(data):
        return searched([where % fd], **more)
    with tempfile.TemporaryFile() as text:
        text.write(data.decode("utf-8", "backslashreplace").encode())
        text.flush()
        return searched([where % text.fileno()], **more)

def lines(texts):
    return (row for text in texts for row in text.split("\n"))

searched([os.devnull])
"""
_COUNTING = (
    _START
    + r"""
names = [name for name in os.fdopen(fds[0], "rb").read().split(b"\0") if name] if most else [b""]
done, quick, counts = 0, [], collections.Counter()
for name in names:
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW) if name else fds[0]
    except OSError as error:
        print(error.strerror, "(os error)", file=sys.stderr)
        continue
    if stat.S_ISREG(os.fstat(fd).st_mode):
        done += 1
        if name and b"\n" not in name and is_text(name) and is_text(os.pread(fd, LONGEST, 0)):
            quick.append("./" + name.decode())
        else:
            counts[name] = sum(1 for row in lines(of_file(fd)) if re.match("[0-9]+\0|binary file matches", row))
    os.close(fd)
for at in range(0, len(quick), 500):
    for row in lines(searched([*quick[at : at + 500], os.devnull])):
        found = re.match("([^\0]+)\0[0-9]+\0|(.+): binary file matches ", row)
        if found:
            counts[(found[1] or found[2])[2:].encode()] += 1
for name, found in counts.items():
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
            text, before = row[found.end() :], 0
            if len(text) > LINE:
                before = max(0, text.lower().find(plain) - AROUND)
                text = text[before : before + 2 * AROUND]
            data = {"lines": {"text": text}, "line_number": int(found[1]), "before": before, "submatches": []}
            print(json.dumps({"type": kind, "data": data}, separators=(",", ":")))
"""
)
"""Prints what `rg --json` does, of open files; of a long line what stands around the match, if it is there as text."""


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

    def count(self, root: Root, folder: bytes, place: Path) -> Counts:  # what `FileSearch` asks
        """Count the matching lines of each file below a folder of a root, as ignore rules and globs have it."""
        rules = IgnoreRules(root, self._query.globs, folder=folder)
        with root.below(escape(folder)) as inner:
            return self._below(inner, rules)

    def _below(self, root: Root, rules: IgnoreRules) -> Counts:
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
        asked = json.dumps([self._query.expression(), self._query.pattern.lower(), list(fds), context, most])
        argv = [sys.executable, "-I", "-c", script, asked]
        ended = self._printing.run(argv, take, seconds=self._seconds, environment={}, folder=folder, descriptors=fds)
        if ended.returncode != 0 and ended.complete:
            raise refused(ended)
        return ended
