"""The files of a patch, gathered beneath the user's folder: the patch itself, and what it includes.

asar never sees the user's folder: it is given copies of just these files. What is included is read off the text, file
after file, so a file that only a computed name mentions is asked for by its folder (`include`).
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from knowledge.snes.mapping import Mapper
from servers.machine import asar_source
from servers.machine.asar_program import TEXT_SUFFIXES, Program
from servers.machine.beneath import NotThereError, Root
from servers.machine.errors import ServerError
from servers.machine.names import show

__all__ = ["MOST_BYTES", "MOST_FILES", "patch_program"]

MOST_FILES = 1_000
"""Files of one patch."""
MOST_BYTES = 32 << 20
"""Bytes of all files of one patch."""
_INCLUDE = re.compile(
    r"""\b(?:incsrc|incbin|include|table|readfile[1-4]|filesize|canreadfile[1-4]?|canread[1-4]?file)\b
        \s*\(?\s*(?:"([^"\n]{1,500})"|'([^'\n]{1,500})'|([^\s"',:()]{1,500}))""",
    re.IGNORECASE | re.VERBOSE,
)
_ABSOLUTE = re.compile(r"^(?:[/\\]|[A-Za-z]:|~)")


class _Asked(NamedTuple):
    name: str
    by: str
    line: int


def _asked(text: str, by: str) -> Iterator[_Asked]:
    for number, line in enumerate(text.split("\n"), start=1):
        for match in _INCLUDE.finditer(line.partition(";")[0]):
            name = next(part for part in match.groups() if part is not None)
            if "{" not in name and not name.startswith("!"):
                yield _Asked(name, by, number)


def _outside(asked: _Asked) -> ServerError:
    place = f"{asked.by}:{asked.line}"
    return ServerError(
        f"{place} includes {show(asked.name)}, which is outside the folder that may be read; "
        "put the file in the folder and include it by a relative path"
    )


def _candidates(asked: _Asked, folders: Sequence[str]) -> list[str]:
    """Return the paths below the root at which asar would look, in its order."""
    if _ABSOLUTE.match(asked.name):
        raise _outside(asked)
    name = asked.name.replace("\\", "/")
    paths = [posixpath.normpath(posixpath.join(folder, name)) for folder in (posixpath.dirname(asked.by), *folders)]
    inside = [path for path in paths if path != ".." and not path.startswith("../")]
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
    folders = ["" if folder in (".", "") else posixpath.normpath(folder) for folder in ("", *include)]
    gathered = _Gathered(root)
    data = gathered.take(name)
    if data is None:
        raise ServerError(f"there is no patch {show(path)}; name it relative to the project folder (AFS_PROJECT_ROOT)")
    text = asar_source.checked(_decoded(data, name))
    for folder in filter(None, folders):
        gathered.take_all(folder)
    todo = list(_asked(text, name))
    while todo:
        asked = todo.pop()
        for candidate in _candidates(asked, folders):
            known = candidate in gathered.files
            found = gathered.take(candidate)
            if found is not None:
                if not known and PurePosixPath(candidate).suffix.lower() in TEXT_SUFFIXES:
                    todo += _asked(found.decode("utf-8", "replace"), candidate)
                break
    return Program(text, mapper, escaped=False, name=name, files=gathered.files, folders=tuple(folders), rom=rom)


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ServerError(f"{show(name)} is no text in UTF-8 (byte {error.start}); save it as UTF-8") from None
