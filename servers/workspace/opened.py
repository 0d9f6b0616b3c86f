"""The folders of the workspace, opened for a call, and what a path in one of them is."""

from __future__ import annotations

import contextlib
import difflib
import os
from typing import TYPE_CHECKING

from servers.machine.agent_files import AGENT_FILES
from servers.machine.beneath import NotThereError, Place, Root, Roots
from servers.machine.errors import ServerError
from servers.machine.names import show

if TYPE_CHECKING:
    from collections.abc import Generator

    from servers.settings import Settings

__all__ = ["Opened", "named"]


def named(path: str) -> str:
    """Return a path that is not empty. Raises ServerError."""
    if not path.strip():
        raise ServerError("the path is empty; name a file of the workspace, or call list_files")
    return path


class Opened:
    """The workspace of one server: its roots are opened by the first call that needs them."""

    def __init__(self, settings: Settings) -> None:
        """Name the folders; none is touched."""
        self.settings = settings
        self.roots = Roots(settings.workspace_roots, sealed=AGENT_FILES)

    @contextlib.contextmanager
    def at(self, path: str) -> Generator[Place]:
        """Give the root that a path (relative, or absolute inside a root) is in, and the path below it.

        Raises ServerError; a path that names nothing says what is near it.
        """
        root, inner = self.roots.at(path)
        try:
            yield Place(root, inner)
        except NotThereError as error:
            raise _missing(root, inner, path) from error

    def prefix(self, root: Root) -> bytes:
        """Return what goes before a path below a root, so that it can be given back: nothing for the first root."""
        for path in self.roots.paths[1:]:
            with contextlib.suppress(ServerError):
                if self.roots.at(str(path)).root is root:
                    return os.fsencode(path).rstrip(b"/") + b"/"
        return b""

    def close(self) -> None:
        """Close the roots."""
        self.roots.close()


def _missing(root: Root, inner: str, path: str) -> ServerError:
    """Name what is there and spelled nearly so."""
    folder, _, _name = inner.rpartition("/")
    near: list[str] = []
    with contextlib.suppress(ServerError):
        names = [entry.path for entry in root.entries(folder, depth=1, cap=2_000).entries]
        near = difflib.get_close_matches(inner, names, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(map(show, near))}? or " if near else ""
    return NotThereError(f"there is no {show(path)} in the workspace; {hint}call list_files to see what is there")
