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
    from pathlib import Path

    from servers.machine.beneath import Root, Seen

__all__ = ["IgnoreRules", "rules_above"]

_FILES = (b".git/info/exclude", b".gitignore", b".ignore", b".rgignore")
"""Files of rules, the weakest first."""
_END = re.compile(r"(?<!\\)\s+$")
_MEANT = re.compile(r"\\(.)")
"""A character that is meant as it stands."""
_BRACES = re.compile(r"\{([^{}]*)\}")
_WILD = {"*": "[*]", "?": "[?]", "[": "[[]"}
_MOST = 1_000
_LIMIT = 1_000_000
"""Bytes read of a file of rules."""


class _Rule(NamedTuple):
    """What one line says of the paths that fit it."""

    fits: Callable[[bytes], bool]
    keeps: bool
    only_folders: bool


def rules_above(root: Root, folder: bytes, place: Path) -> bool:
    """Tell whether a folder of a root has to do with rules above it: of its repository, or of the root's own folders.

    `place` is the root's path. What lies above a root that is in no repository says nothing of the root's files.
    """
    rules = IgnoreRules(root, folder=folder.rpartition(b"/")[0])
    if rules.top or any(os.path.lexists(above / ".git") for above in place.parents):
        return True
    return bool(folder) and rules.guided


class IgnoreRules:
    """Which files of a folder are searched; ask `enter` and `wants` as a walk meets names."""

    def __init__(self, root: Root, globs: Sequence[str] = (), *, folder: bytes = b"") -> None:
        """Read the rules of a folder and of those above it, up to the root.

        A glob keeps what fits it, below the folder; with a leading `!` it leaves that out.
        """
        self._root = root
        self._folder = folder
        self._globs = [rule for glob in reversed(globs) for rule in _rules(_without_braces(glob))]
        self._kept_only = any(not glob.startswith("!") for glob in globs)
        self._rules: dict[bytes, list[_Rule]] = {}
        self._tops: set[bytes] = set()
        parts = folder.split(b"/") if folder else []
        for count in range(len(parts) + 1):
            self._read(b"/".join(parts[:count]))

    @property
    def top(self) -> bool:
        """Whether a repository was met."""
        return bool(self._tops)

    @property
    def guided(self) -> bool:
        """Whether a rule was met."""
        return bool(self._rules)

    def enter(self, folder: bytes) -> bool:
        """Tell whether to go into a folder below the first one, and read its own rules if so."""
        if folder.rpartition(b"/")[2] == b".git" or self._ignored(folder, folder=True):
            return False
        self._read(self._below_root(folder))
        return True

    def _below_root(self, path: bytes) -> bytes:
        return self._folder + b"/" + path if self._folder else path

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
        whole = above = self._below_root(path)
        while above:
            above = above.rpartition(b"/")[0]
            for rule in self._rules.get(above, ()):
                if (folder or not rule.only_folders) and rule.fits(whole[len(above) + bool(above) :]):
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
        text = _END.sub("", line)
        if not text or text.startswith("#"):
            continue
        keeps = not text.startswith("!")
        text = _MEANT.sub(lambda found: _WILD.get(found[1], found[1]), text.removeprefix("!"))
        parts = [part for part in text.split("/") if part]
        if parts:
            free = "/" not in text.rstrip("/")
            yield _Rule(anchored(["**", *parts] if free else parts), keeps, text.endswith("/"))
