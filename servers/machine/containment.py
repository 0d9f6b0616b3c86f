"""Whether a path is in one of some folders by its spelling alone: the first and coarse guard, never the only one.

Nothing here looks at a file system, so a link can still lead out: a file is opened by `servers.machine.beneath`.
"""

import unicodedata
from collections.abc import Sequence
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Literal

__all__ = ["Platform", "contains"]

Platform = Literal["posix", "linux", "darwin", "win32"]
"""Whose paths are meant: `darwin` ignores case and the form of Unicode, `win32` takes both slashes and ignores case."""


def contains(allowed: Sequence[str], path: str, *, platform: Platform = "posix") -> bool:
    """Tell whether the absolute `path`, its dots resolved, is one of the folders `allowed` or below one.

    A relative path, an empty one, one with a NUL and what is no text at all are in none; such a folder is
    skipped. Compared by whole parts: `/a/project2` is not in `/a/project`.
    """
    wanted = _resolved(path, platform)
    if wanted is None:
        return False
    folders = (_resolved(folder, platform) for folder in allowed or ())
    return any(folder is not None and wanted[: len(folder)] == folder for folder in folders)


def _resolved(path: object, platform: Platform) -> tuple[str, ...] | None:
    """Return the parts of an absolute path without dots, in the spelling that its platform compares; or None."""
    if not isinstance(path, str) or not path or "\0" in path:
        return None
    pure: PurePath = PureWindowsPath(path) if platform == "win32" else PurePosixPath(path)
    if not pure.is_absolute():
        return None
    anchor = pure.anchor.replace("//", "/") if platform != "win32" else pure.anchor
    out = [anchor]
    for part in pure.parts[1:]:
        if part != "..":
            out.append(part)
        elif len(out) > 1:
            out.pop()
    return tuple(_spelled(part, platform) for part in out)


def _spelled(part: str, platform: Platform) -> str:
    if platform == "win32":
        return part.casefold()
    return unicodedata.normalize("NFC", part).casefold() if platform == "darwin" else part
