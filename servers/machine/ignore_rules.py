"""Rules of `.gitignore` read below a root, for searches where ripgrep itself does not walk.

A rule of a deeper folder goes before one of a folder above, a later line before an earlier one, and globs that the
caller gives before all of them.
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from servers.machine.errors import ServerError
from servers.machine.globs import anchored
from servers.machine.names import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from servers.machine.beneath import Root, Seen

__all__ = ["IgnoreRules"]

_FILES = (b".gitignore", b".ignore", b".rgignore")
_BRACES = re.compile(r"\{([^{}]*)\}")
_MOST = 1_000
_LIMIT = 1_000_000
"""Bytes read of a file of rules."""


class _Rule(NamedTuple):
    """What one line says of the paths that fit it."""

    fits: Callable[[bytes], bool]
    keeps: bool
    only_folders: bool


class IgnoreRules:
    """Which files of a folder are searched; ask `enter` and `wants` as a walk meets names."""

    def __init__(self, root: Root, globs: Sequence[str] = ()) -> None:
        """Read the rules of the folder itself. A glob keeps what fits it; with a leading `!` it leaves that out."""
        self._root = root
        self._globs = [rule for glob in reversed(globs) for rule in _rules(_without_braces(glob))]
        self._kept_only = any(not glob.startswith("!") for glob in globs)
        self._rules: dict[bytes, list[_Rule]] = {}
        self._tops: set[bytes] = set()
        self._read(b"")

    def enter(self, folder: bytes) -> bool:
        """Tell whether to go into a folder, and read its own rules if so."""
        if folder.rpartition(b"/")[2] == b".git" or self._ignored(folder, folder=True):
            return False
        self._read(folder)
        return True

    def wants(self, seen: Seen) -> bool:
        """Tell whether to search what a walk met in a folder that it entered."""
        name = seen.path.rpartition(b"/")[2]
        return seen.kind == "file" and name != b".git" and not self._ignored(seen.path, folder=False)

    def _ignored(self, path: bytes, *, folder: bool) -> bool:
        for rule in self._globs:
            if (folder or not rule.only_folders) and rule.fits(path):
                return not rule.keeps
        if self._kept_only and not folder:
            return True
        above = path
        while above:
            above = above.rpartition(b"/")[0]
            for rule in self._rules.get(above, ()):
                if (folder or not rule.only_folders) and rule.fits(path[len(above) + bool(above) :]):
                    return not rule.keeps
            if above in self._tops:
                break
        return False

    def _read(self, folder: bytes) -> None:
        """Read the rules of a folder; those above a folder with a repository of its own do not hold in it."""
        lines: list[str] = []
        for name in _FILES:
            with contextlib.suppress(ServerError):  # nearly every folder has none
                data = self._root.read(_at(folder, name), limit=_LIMIT, tagged=False).data
                lines += os.fsdecode(data).splitlines()
        with contextlib.suppress(ServerError):
            self._root.state(_at(folder, b".git"))
            self._tops.add(folder)
        rules = [rule._replace(keeps=not rule.keeps) for rule in _rules(lines)]
        if rules:
            self._rules[folder] = rules[::-1]


def _at(folder: bytes, name: bytes) -> str:
    return escape(folder + b"/" + name if folder else name)


def _without_braces(glob: str) -> list[str]:
    """Return the globs that one with `{a,b}` stands for. Raises ServerError where these are too many."""
    out, done = [glob], 0
    while done < len(out):
        found = _BRACES.search(out[done])
        if found is None:
            done += 1
            continue
        out[done : done + 1] = [
            out[done][: found.start()] + word + out[done][found.end() :] for word in found[1].split(",")
        ]
        if len(out) > _MOST:
            raise ServerError(f"a glob stands for more than {_MOST} globs; use fewer braces")
    return out


def _rules(lines: Sequence[str]) -> Iterator[_Rule]:
    """Give what globs say: each keeps what fits it, with a leading `!` it does not; a remark says nothing."""
    for line in lines:
        text = line.rstrip()
        if not text or text.startswith("#"):
            continue
        keeps = not text.startswith("!")
        text = text.removeprefix("!").removeprefix("\\")
        parts = [part for part in text.split("/") if part]
        if parts:
            free = "/" not in text.rstrip("/")
            yield _Rule(anchored(["**", *parts] if free else parts), keeps, text.endswith("/"))
