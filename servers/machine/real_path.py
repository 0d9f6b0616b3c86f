"""Where a path below a root really leads: without links and dots, so that whose a file is can be told.

Nothing is read by it: what is at the end is opened beneath the root, by the path that came out.
"""

import os
from pathlib import Path

from servers.machine import openat2
from servers.machine.beneath import Root
from servers.machine.names import parse

__all__ = ["real_path"]

_PATH_ONLY = getattr(os, "O_PATH", 0) | getattr(os, "O_CLOEXEC", 0)


def real_path(root: Root, place: Path, path: str) -> bytes:
    """Return the path below `root` (the open folder `place`) that `path` leads to; the root itself is empty.

    What is missing is taken as it is written; a way out of the root begins with `..`. Raises ServerError for text
    that is no relative path.
    """
    parts = parse(path)
    if b".." not in parts and _without_links(root, parts):
        return b"/".join(parts)
    top = os.path.realpath(os.fsencode(place))
    real = os.path.relpath(os.path.realpath(os.path.join(top, *parts)), top)
    return b"" if real == b"." else real.replace(os.fsencode(os.sep), b"/")


def _without_links(root: Root, parts: tuple[bytes, ...]) -> bool:
    """Tell, in one system call where there is one, that a path is there and leads through no link."""
    if not openat2.available():
        return False
    try:
        os.close(openat2.open_beneath(root.fileno(), b"/".join(parts) or b".", _PATH_ONLY, links=False))
    except OSError:
        return False
    return True
