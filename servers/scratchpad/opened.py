"""The scratchpads of one context root, found by whose they are: a run's, a project's, everybody's."""

from __future__ import annotations

import contextlib
import re
import threading
from typing import TYPE_CHECKING, Literal, NamedTuple

from servers.machine.beneath import NotThereError, Root
from servers.machine.errors import ServerError
from servers.machine.layout import Layout, Project, layout_of, project_of
from servers.machine.names import parse, show

if TYPE_CHECKING:
    from collections.abc import Generator

    from servers.settings import Settings

__all__ = ["STATE", "Home", "Opened", "Scope", "View", "named"]

Scope = Literal["auto", "run", "project", "shared"]
"""Whose notes: this run's, this project's, everybody's; `auto`: the nearest of them."""

STATE = "state.md"
"""The file that agents keep their state in; read where no name is given."""

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_NO_PROJECT = "this folder belongs to no project of the context: run `afs context init` in it, or choose scope shared"


class Home(NamedTuple):
    """A scratchpad: whose it is, and its folder below the context root."""

    scope: str
    place: str


class View(NamedTuple):
    """The context root as one call sees it; nothing is sealed on `root`."""

    root: Root
    layout: Layout
    project: Project | None
    homes: tuple[Home, ...]
    """The scratchpads that are meant, the nearest first."""

    def pads(self) -> list[tuple[Home, Root]]:
        """Open the scratchpads that there are."""
        found: list[tuple[Home, Root]] = []
        for home in self.homes:
            with contextlib.suppress(NotThereError):
                found.append((home, self.root.below(home.place)))
        return found

    def holding(self, name: str) -> Home | None:
        """Return the nearest scratchpad that has a file of that name. Raises ServerError."""
        for home in self.homes:
            with contextlib.suppress(NotThereError):
                self.root.below(home.place).named(name)
                return home
        return None


class Opened:
    """The context root of one server; opened by the first call, and safe to use from many threads."""

    def __init__(self, settings: Settings) -> None:
        """Remember where the root is; nothing is touched."""
        self.settings = settings
        self._lock = threading.Lock()
        self._root: Root | None = None
        self._swept = False

    def view(self, scope: Scope, run: str, *, create: bool = False) -> View:
        """Return the context with the scratchpads that are meant. Raises ServerError; NotThereError: no root yet."""
        root = self._opened(create=create)
        layout = layout_of(root)
        project = project_of(root, self.settings.project_root)
        return View(root, layout, project, tuple(self._homes(layout, project, scope, run.strip())))

    def _homes(self, layout: Layout, project: Project | None, scope: Scope, run: str) -> Generator[Home]:
        shared = layout.folder("scratchpad")
        own = layout.folder("scratchpad", project) if project else ""
        run = run or self.settings.run_id
        if run and (".." in run or not _RUN.fullmatch(run)):
            raise ServerError(f"{show(run)} is no id of a run; use letters, digits, '-', '_' and '.', 80 at most")
        if scope == "run" and not run:
            raise ServerError(
                "no run is known here (AFS_RUN_ID is not set); give its id as run, or choose scope project or shared"
            )
        if scope == "project" and not own:
            raise ServerError(_NO_PROJECT)
        if run and scope in ("auto", "run"):
            yield Home("run", f"{own or shared}/runs/{run}")
        if own and scope in ("auto", "project"):
            yield Home("project", own)
        if scope in ("auto", "shared"):
            yield Home("shared", shared)

    def _opened(self, *, create: bool) -> Root:
        with self._lock:
            root = self._root
            if root is None or not root.still(self.settings.context_root):
                root = self._root = Root(self.settings.context_root, create=create)
                if not self._swept:
                    self._swept = True
                    with contextlib.suppress(ServerError, OSError):
                        root.swept()
            return root

    @contextlib.contextmanager
    def policed(self, view: View) -> Generator[Root]:
        """Give the context root with the policies of the layout upon it."""
        rules = view.layout.sealed([view.project.folder] if view.project else [])
        with Root(self.settings.context_root, sealed=rules) as root:
            yield root

    @contextlib.contextmanager
    def writing(self, view: View, place: str) -> Generator[Root]:
        """Give a folder of the context as a root, with the policies of the layout upon it; it is made if missing."""
        with self.policed(view) as root, root.below(place, create=True) as inner:
            yield inner

    def close(self) -> None:
        """Close the root; closing twice does no harm."""
        with self._lock:
            self._root = None


def named(filename: str) -> str:
    """Return the name below the scratchpad; models also write it with the folder in front. Raises ServerError."""
    name = filename.removeprefix("scratchpad/")
    if not name.strip():
        raise ServerError(f"the filename is empty; name a file, e.g. {STATE}")
    if b".." in parse(name):
        raise ServerError(f"{show(filename)} has '..'; name a file below the scratchpad")
    return name
