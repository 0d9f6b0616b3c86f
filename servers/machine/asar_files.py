"""The files of a patch, gathered beneath the user's folder: the patch itself, and what it includes.

asar never sees the user's folder: it is given copies of just these files. What is included is read off the text, file
after file; defines of plain text in a name are put in. A file that only a name computed otherwise mentions is asked for
by its folder (`include`).
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from knowledge.snes.mapping import Mapper
from servers.machine import asar_source
from servers.machine.asar_program import TEXT_SUFFIXES, Program
from servers.machine.beneath import NotThereError, Root
from servers.machine.errors import ServerError
from servers.machine.names import PATH_LIMIT, show

__all__ = ["MOST_BYTES", "MOST_FILES", "patch_program"]

MOST_FILES = 1_000
"""Files of one patch."""
MOST_BYTES = 32 << 20
"""Bytes of all files of one patch."""
_LONGEST_DEFINE = 500
_INCLUDE = re.compile(
    r"""(?: \b(?P<code>incsrc)\b | \bincbin\b | (?:^|:\s)\s*table\b
          | \b(?:readfile[1-4]|filesize|canreadfile[1-4]?|canread[1-4]?file)\s*\( )
        \s*(?:"(?P<double>[^"\n]{1,500})"|'(?P<single>[^'\n]{1,500})'|(?P<bare>[^\s"',:()]{1,500}))""",
    re.IGNORECASE | re.VERBOSE,
)
_COMMENT = re.compile(r"""^((?:[^"';]|"[^"]*"|'[^']*')*);.*""")
"""A comment begins at a semicolon outside of quotes; a quote that is never closed hides none."""
_DEFINE = re.compile(r"""^\s*!(\w+)\s*[:?]?=\s*(?:"([^"\n!]*)"|([^\s"!]+))\s*$""")
_NAMED = re.compile(r"!(?:(\w+)|\{(\w+)\})")
_ABSOLUTE = re.compile(r"^(?:[/\\]|[A-Za-z]:|~)")


class _Asked(NamedTuple):
    name: str
    by: str
    line: int
    code: bool
    """It is assembled, so it may include more."""


class _Text(NamedTuple):
    text: str
    name: str


def _asked(text: str, by: str, defines: dict[str, str]) -> Iterator[_Asked]:
    """Yield what a file includes. Defines of plain text are noted, and put in where a name is made of them."""
    for number, line in enumerate(text.split("\n"), start=1):
        plain = _COMMENT.sub(r"\1", line) if ";" in line else line
        if define := _DEFINE.match(plain):
            defines[define[1]] = (define[2] or define[3] or "")[:_LONGEST_DEFINE]
        for match in _INCLUDE.finditer(plain):
            name = match["double"] or match["single"] or match["bare"]
            name = _NAMED.sub(lambda one: defines.get(one[1] or one[2], one[0]), name)
            if "!" not in name and "<" not in name and len(name) <= PATH_LIMIT:
                yield _Asked(name, by, number, match["code"] is not None)


def _outside(asked: _Asked) -> ServerError:
    place = f"{asked.by}:{asked.line}"
    return ServerError(
        f"{place} includes {show(asked.name)}, which is outside the folder that may be read; "
        "put the file in the folder and include it by a relative path"
    )


def _inside(asked: _Asked, folders: Sequence[str]) -> list[str]:
    """Return the paths below the root at which asar would look, in its order; none when all are outside."""
    if _ABSOLUTE.match(asked.name):
        return []
    name = asked.name.replace("\\", "/")
    paths = [posixpath.normpath(posixpath.join(folder, name)) for folder in (posixpath.dirname(asked.by), *folders)]
    return [path for path in paths if path != ".." and not path.startswith("../")]


def _candidates(asked: _Asked, folders: Sequence[str]) -> list[str]:
    """Return the same. Raises ServerError where there is none."""
    inside = _inside(asked, folders)
    if not inside:
        raise _outside(asked)
    return inside


class _Gathered:
    """What has been read so far, within the limits."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self.files: dict[str, bytes] = {}
        self._left = MOST_BYTES

    def take(self, path: str) -> bytes | None:
        """Return a file's bytes, reading it once; None where there is no such file."""
        if path in self.files:
            return self.files[path]
        try:
            chunk = self._root.read(path, limit=self._left + 1, tagged=False)
        except NotThereError:
            return None
        if len(self.files) >= MOST_FILES or chunk.size > self._left:
            raise ServerError(
                f"the patch includes more than {MOST_FILES} files or {MOST_BYTES >> 20} MiB; include less of it"
            )
        self._left -= chunk.size
        self.files[path] = chunk.data
        return chunk.data

    def follow(self, first: "_Text", folders: Sequence[str]) -> None:
        """Read what a text includes, and what that includes; so, too, the texts that are there already."""
        defines: dict[str, str] = {}
        spare = {name for name in self.files if name != first.name and name.lower().endswith(TEXT_SUFFIXES)}
        looked = {first.name, *spare}
        todo = [asked for name in sorted(spare) for asked in _asked(self._text(name), name, defines)]
        todo += _asked(*first, defines)
        while todo:
            asked = todo.pop()
            if asked.by in spare and not _inside(asked, folders):
                continue
            found = next((path for path in _candidates(asked, folders) if self.take(path) is not None), "")
            if found and found not in looked and (asked.code or found.lower().endswith(TEXT_SUFFIXES)):
                looked.add(found)
                todo += _asked(self._text(found), found, defines)

    def _text(self, name: str) -> str:
        return self.files[name].decode("utf-8", "replace")

    def take_all(self, folder: str) -> None:
        """Read all files of a folder and of those in it."""
        try:
            entries = self._root.entries(folder, depth=10, cap=MOST_FILES * 4).entries
        except NotThereError as error:
            raise ServerError(
                f"there is no folder {show(folder)} to include from; name it relative to the project folder"
            ) from error
        for entry in entries:
            if entry.kind == "file":
                self.take(entry.path)


def patch_program(root: Root, path: str, *, mapper: Mapper, include: Sequence[str] = (), rom: bytes = b"") -> Program:
    """Gather a patch beneath `root` as a program. `include` names folders whose files it may include by their names.

    Raises ServerError: no such file, no text, too much, or a file outside the root.
    """
    name = posixpath.normpath(path.replace("\\", "/"))
    asked_for = ["" if folder in (".", "", "./") else posixpath.normpath(folder) for folder in include]
    folders = list(dict.fromkeys(["", *asked_for]))
    gathered = _Gathered(root)
    data = gathered.take(name)
    if data is None:
        raise ServerError(f"there is no patch {show(path)}; name it relative to the project folder (AFS_PROJECT_ROOT)")
    text = asar_source.checked(_decoded(data, name))
    for folder in dict.fromkeys(asked_for):
        gathered.take_all(folder)
    gathered.follow(_Text(text, name), folders)
    return Program(text, mapper, escaped=False, name=name, files=gathered.files, folders=tuple(folders), rom=rom)


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ServerError(f"{show(name)} is no text in UTF-8 (byte {error.start}); save it as UTF-8") from None
