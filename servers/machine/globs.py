"""Patterns of file names as `.gitignore` writes them: `*.asm` at any depth, `src/*.asm` from the top, `**` for folders.

A pattern is text of a model and a file name is anybody's, so no expression is used that can run long: each part of
a pattern is matched by `fnmatch`, whose expressions do not backtrack, and `**` by stepping.
"""

from __future__ import annotations

import fnmatch
import os
import re
from typing import TYPE_CHECKING

from servers.machine.errors import ServerError
from servers.machine.names import show

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["GLOB_LIMIT", "anchored", "matcher"]

GLOB_LIMIT = 500
"""Longest pattern, in characters."""
_WILD = frozenset("*?[")
_BRACES = re.compile(r"\{([^{},]*(?:,[^{},]*)+)\}")
_MOST = 64
"""Patterns that one with braces may stand for."""
_ANY = None


def matcher(pattern: str) -> Callable[[bytes], bool]:
    """Return what tells whether a path (bytes, with `/`) below the listed folder is meant by a pattern.

    Text without `*`, `?` and `[` is meant to be in the name, in any case of its letters; `{a,b}` is either. Raises
    ServerError for a pattern that is too long, goes up, or has too many braces.
    """
    text = pattern.strip()
    if len(text) > GLOB_LIMIT:
        raise ServerError(f"the pattern has {len(text)} characters, more than {GLOB_LIMIT}; use a shorter one")
    alternatives = _alternatives(text)
    if len(alternatives) > 1 and all(_WILD & set(one) and "/" not in one for one in alternatives):
        return _named(*alternatives)  # one expression is quicker than several
    found = [_matcher(one) for one in alternatives]
    if len(found) == 1:
        return found[0]
    return lambda path: any(fits(path) for fits in found)


def _alternatives(text: str) -> list[str]:
    """Return the patterns that one with braces stands for: `*.{asm,inc}` is two. Raises ServerError: too many."""
    done, todo = list[str](), [text]
    while todo:
        one = todo.pop()
        braces = _BRACES.search(one)
        if braces is None:
            done.append(one)
        else:
            todo += [one[: braces.start()] + part + one[braces.end() :] for part in braces[1].split(",")]
        if len(done) + len(todo) > _MOST:
            raise ServerError(f"the pattern {show(text)} stands for more than {_MOST} patterns; use fewer braces")
    return done


def _matcher(text: str) -> Callable[[bytes], bool]:
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ServerError(f"the pattern {show(text)} goes up; name the folder with path instead")
    if not parts:
        return lambda _path: True
    if not _WILD & set(text) and len(parts) == 1:
        return _containing(parts[0])
    if len(parts) == 1:
        return _named(parts[0])
    if parts[0] == "**" and len(parts) == 2 and parts[1] != "**":
        return _named(parts[1])
    return anchored(parts)


def anchored(parts: Sequence[str]) -> Callable[[bytes], bool]:
    """Return what tells whether a path has these parts from its top on; `**` stands for any folders, or none."""
    steps = [_ANY if part == "**" else _part(part) for part in parts]
    return lambda path: _fits(steps, path.split(b"/"))


def _containing(text: str) -> Callable[[bytes], bool]:
    wanted = text.casefold()
    if text.isascii():
        plain = wanted.encode()
        return lambda path: plain in path[path.rfind(b"/") + 1 :].lower()
    return lambda path: wanted in os.fsdecode(path.rpartition(b"/")[2]).casefold()


def _part(*parts: str) -> re.Pattern[bytes]:
    return re.compile(b"|".join(os.fsencode(fnmatch.translate(part)) for part in parts), re.DOTALL)


def _named(*parts: str) -> Callable[[bytes], bool]:
    wanted = _part(*parts).match
    return lambda path: wanted(path[path.rfind(b"/") + 1 :]) is not None


def _fits(steps: Sequence[re.Pattern[bytes] | None], parts: Sequence[bytes]) -> bool:
    """Step through the parts of a path with all places of the pattern that they can be at."""
    at = _through({0}, steps)
    for part in parts:
        after: set[int] = set()
        for place in at:
            if place == len(steps):
                continue
            step = steps[place]
            if step is None:
                after.add(place)
            elif step.match(part):
                after.add(place + 1)
        at = _through(after, steps)
        if not at:
            return False
    return len(steps) in at


def _through(places: set[int], steps: Sequence[re.Pattern[bytes] | None]) -> set[int]:
    """Add the places behind each `**` that is reached: it may stand for no folder at all."""
    out = set(places)
    for place in range(len(steps)):
        if place in out and steps[place] is None:
            out.add(place + 1)
    return out
