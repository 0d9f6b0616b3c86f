"""The context root of one server: opened by the first call that needs it, with its layout, project and mounts."""

from __future__ import annotations

import contextlib
import difflib
import os
import threading
from typing import TYPE_CHECKING, Literal, NamedTuple

from servers.context.mounts import MOUNTS, mount_at, mounts_of
from servers.machine.beneath import NotThereError, Place, Root
from servers.machine.errors import ServerError
from servers.machine.layout import REGISTRY, Layout, Project, layout_of, project_of
from servers.machine.names import escape, parse, show
from servers.machine.real_path import real_path

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from servers.settings import Settings

__all__ = ["Opened", "Reach", "View", "Whose", "named"]

Reach = Literal["project", "common", "all"]
"""What is seen: the project one works in and what all share; what all share; every project."""
Whose = Literal["auto", "project", "common"]
"""Where something new is put: `auto` is the project one works in where there is one, else what all share."""

_PROJECTS = b"projects"
_NO_PROJECT = "this folder belongs to no project of the context: run `afs context init` in it, or choose scope common"


def named(path: str) -> str:
    """Return a path that is not empty. Raises ServerError."""
    if not path.strip():
        raise ServerError("the path is empty; name a file, e.g. memory/notes.md, or call list_context")
    return path


class View(NamedTuple):
    """The context as one call sees it."""

    root: Root
    place: Path
    """The folder that is the root."""
    layout: Layout
    project: Project | None
    """The project that the server was started in, if the context knows it."""

    def foreign(self, path: str | bytes) -> bool:
        """Tell whether a path, as a caller gives it or real as bytes, lies in another project's part of the context.

        A caller's path is judged by where it really leads, through links too. Raises ServerError for no path.
        """
        real = path if isinstance(path, bytes) else real_path(self.root, self.place, path)
        if _PROJECTS not in real.lower():
            return False
        parts = real.split(b"/")
        if self.layout.version == 2:
            own = self.project.id if self.project else ""
            return len(parts) > 2 and parts[1].lower() == _PROJECTS and parts[2] != os.fsencode(own)
        own = self.project.folder if self.project else ""
        return len(parts) > 1 and parts[0].lower() == _PROJECTS and parts[1] != os.fsencode(own) and self.layout.marked

    def scope(self, whose: Whose) -> Project | None:
        """Return whose something new is: a project, or None for all. Raises ServerError: there is no project."""
        if whose == "project" and self.project is None:
            raise ServerError(_NO_PROJECT)
        return None if whose == "common" else self.project

    def folders(self, category: str, reach: Reach) -> tuple[str, ...]:
        """Return the folders of a category that are seen, the project's own first; `all` names every project's."""
        own = [self.project] if self.project and reach != "common" else []
        return tuple(dict.fromkeys(self.layout.folder(category, scope) for scope in (*own, None)))

    def spellings(self, path: str, whose: Whose = "auto") -> tuple[str, ...]:
        """Return where a short path such as `memory/a.md` may lie: as it is, the project's own, what all share."""
        category, slash, rest = path.removeprefix("./").partition("/")
        known = category in self.layout.categories and slash and rest.strip("/")
        if not known or ".." in path or rest.startswith(("common/", "projects/")) or rest in ("common", "projects"):
            return (path,)
        own = [self.layout.folder(category, self.project)] if self.project and whose != "common" else []
        shared = [] if whose == "project" else [self.layout.folder(category)]
        literal = [path] if whose == "auto" else []
        return tuple(dict.fromkeys((*literal, *(f"{folder}/{rest}" for folder in (*own, *shared)))))

    def missing(self, path: str) -> ServerError:
        """Return the error for a path that names nothing, with what is spelled nearly so."""
        near: list[str] = []
        with contextlib.suppress(ServerError):
            names = [entry.path for entry in self.root.entries(depth=4, cap=2_000).entries]
            seen = [name for name in names if not self.foreign(b"/".join(parse(name)))]
            near = difflib.get_close_matches(path, seen, n=3, cutoff=0.6)
        hint = f"did you mean {' or '.join(map(show, near))}? or " if near else ""
        return NotThereError(f"there is no {show(path)} in the context; {hint}call list_context to see what is there")


class Opened:
    """The context of one server; safe to use from many threads."""

    def __init__(self, settings: Settings) -> None:
        """Remember where the root is; nothing is touched."""
        self.settings = settings
        self._lock = threading.Lock()
        self._root: Root | None = None
        self._swept = False
        self._project: tuple[object, Project | None] = (None, None)

    def root(self, *, create: bool = False) -> Root:
        """Return the open root, on which nothing is sealed: what writes for a caller goes through `writing`.

        Raises ServerError where it does not exist; with `create` it is made.
        """
        with self._lock:
            root = self._root
            if root is None or not root.still(self.settings.context_root):
                root = self._root = self._open(create=create)
            return root

    def _open(self, *, create: bool) -> Root:
        path = self.settings.context_root
        try:
            root = Root(path, create=create)
        except NotThereError as error:
            raise ServerError(
                f"the context root {show(str(path))} does not exist yet; write_context makes it, "
                "`afs context init` lays it out, or set AFS_CONTEXT_ROOT"
            ) from error
        if not self._swept:
            self._swept = True
            with contextlib.suppress(ServerError, OSError):
                root.swept()
        return root

    def view(self, *, create: bool = False) -> View:
        """Return the context as it is now: its layout and the project one works in. Raises ServerError."""
        root = self.root(create=create)
        layout = layout_of(root)
        return View(root, self.settings.context_root, layout, self._project_in(root, layout))

    def _project_in(self, root: Root, layout: Layout) -> Project | None:
        """Return the project, looked up again when the registry's folder has changed."""
        state = (layout.version, *(_changed(root, folder) for folder in (REGISTRY, "projects")))
        if self._project[0] != (root, state):
            self._project = ((root, state), project_of(root, self.settings.project_root))
        return self._project[1]

    @contextlib.contextmanager
    def reading(self, path: str, *, reach: Reach = "project") -> Generator[Place]:
        """Give the root that a path is in and the path below it: the context's own, or that of a mount.

        Raises ServerError: another project's file that was not asked for; what names nothing is the caller's to tell.
        """
        root = self.root()
        if path.startswith(f"{MOUNTS}/"):
            place = mount_at(root, path, context=self.settings.context_root)
            if place is not None:
                with place.root:
                    yield place
                return
        yield Place(root, path if reach == "all" else self._own(root, path))

    def _own(self, root: Root, path: str) -> str:
        """Return the path to read for a caller's: the real one, once it is sure that it is no other project's."""
        real = real_path(root, self.settings.context_root, path)
        if _PROJECTS in real.lower() and self.view().foreign(real):
            text = f"{show(path)} belongs to another project; ask for it with scope all"
            raise ServerError(text)
        return path if not real or real.startswith(b"..") or real == b"/".join(parse(path)) else escape(real)

    @contextlib.contextmanager
    def writing(self, view: View, path: str) -> Generator[Root]:
        """Give the root with the policies of the layout upon it; raises ServerError, also where nothing is there."""
        if view.foreign(path):
            raise ServerError(f"{show(path)} belongs to another project; write to your own, e.g. memory/notes.md")
        parts = real_path(view.root, view.place, path).split(b"/")
        near = {os.fsdecode(parts[1])} if len(parts) > 1 and parts[0] == b"projects" else set[str]()
        if view.layout.version == 1:
            with contextlib.suppress(ServerError):
                near |= {entry.path.removeprefix("projects/") for entry in view.root.entries("projects").entries}
        rules = view.layout.sealed(sorted(near))
        if mounts_of(view.root):
            rules[f"/{MOUNTS}"] = "agents may only read what is mounted; its folder is written by other tools"
        with Root(self.settings.context_root, sealed=rules) as root:
            try:
                yield root
            except NotThereError as error:
                raise view.missing(path) from error

    def close(self) -> None:
        """Close the root; closing twice does no harm."""
        with self._lock:
            self._root = None


def _changed(root: Root, folder: str) -> int:
    try:
        return root.state(folder).modified_ns
    except ServerError:
        return 0
