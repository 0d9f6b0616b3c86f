"""Laying out a context root: its folders and its marker, and the record of a project. Nothing is ever deleted."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from servers.context.moved import Moves
from servers.machine.artifacts import toml_string
from servers.machine.beneath import Root, TakenError
from servers.machine.errors import ServerError
from servers.machine.layout import MARKER, REGISTRY, Project, layout_of, projects_of
from servers.machine.layout_policies import VERSION_1, VERSION_2
from servers.machine.names import plain, show

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["STATE_FOLDERS", "LaidOut", "lay_out", "layout_folders", "marker_text", "project_folder", "register"]

STATE_FOLDERS = (
    REGISTRY,
    ".afs/queue/messages",
    ".afs/search",
    ".afs/graph",
    ".afs/health",
    ".afs/logs",
    ".afs/training/pools",
    ".afs/compat/global",
    ".afs/compat/items",
)
"""Folders of the suite's own state in version 2."""

_README = """# AFS context

Text files that agents share. Version 2 of the layout: each folder has `common/` (for all) and `projects/prj_<id>/`.

- `history/`: what was done, written by the recorder of runs alone.
- `memory/`: what lasts: notes (`notes/`), handoffs (`handoffs/`).
- `scratchpad/`: working notes and drafts.
- `knowledge/`: reference material, chosen by you.
- `tools/`: what agents may run.
- `human/`: your decisions and approvals.
- `.afs/`: the suite's own state: projects, queue, search index, mounts.

`afs context status` shows what is here, `afs context repair` mends it.
"""


class LaidOut(NamedTuple):
    """What `init` did; paths are below the root."""

    version: Literal[1, 2]
    made: tuple[str, ...]
    moved: tuple[str, ...]
    undo: str
    """What `afs context repair --undo` takes back the moves by; empty: nothing was moved."""
    project: Project | None
    registered: bool


def layout_folders(version: Literal[1, 2]) -> tuple[str, ...]:
    """Return the folders that a version has from the beginning."""
    if version == 1:
        return tuple(VERSION_1)
    shared = (f"{name}/common" for name in VERSION_2)
    own = (f"{name}/projects" for name in VERSION_2)
    return (*shared, *own, *STATE_FOLDERS)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def marker_text(version: Literal[1, 2] = 2) -> bytes:
    """Return the marker's content; `layout_version` is how other tools of the layout spell it."""
    names = ", ".join(map(toml_string, VERSION_2 if version == 2 else VERSION_1))
    lines = [
        f"version = {version}",
        f"layout_version = {version}",
        'namespace = "central"',
        f"created_at = {toml_string(_now())}",
        f"categories = [{names}]",
        "",
        "# What tools may do in a folder, where it is not what the layout says: read_only, writable, executable.",
        "[policies]",
        '# knowledge = "writable"',
        "",
    ]
    return "\n".join(lines).encode("utf-8")


def lay_out(root: Root, *, version: Literal[0, 1, 2] = 0) -> LaidOut:
    """Lay out a root; `version` 0 is what the root already has, else 2. Raises ServerError.

    An unmarked root gets version 2, and what lies in its folders moves into their `common/`. A root of one version
    is never made the other.
    """
    layout = layout_of(root)
    marked = layout.marked
    wanted = version or (layout.version if marked else 2)
    if marked and wanted != layout.version:
        step = "name another folder with --root, or leave --layout out"
        raise ServerError(f"the context root has layout version {layout.version} already; {step}")
    moves = Moves(root)
    if not marked and wanted == 2:
        _into_shared(root, moves)
    made = [folder for folder in layout_folders(wanted) if root.make_folder(folder)]
    made += [name for name, data in _files(wanted) if _written(root, name, data)]
    return LaidOut(wanted, tuple(made), moves.told(), moves.close(), None, registered=False)


def _into_shared(root: Root, moves: Moves) -> None:
    for category in VERSION_2:
        for entry in root.entries(category).entries if _is_folder(root, category) else ():
            name = entry.path.removeprefix(f"{category}/")
            if name not in ("common", "projects"):
                moves.move(entry.path, f"{category}/common/{name}")


def _is_folder(root: Root, path: str) -> bool:
    with contextlib.suppress(ServerError):
        return root.state(path).kind == "folder"
    return False


def _files(version: Literal[1, 2]) -> Iterable[tuple[str, bytes]]:
    """Return the files of a version; the marker comes last, when all else is in place."""
    if version == 1:
        metadata: dict[str, object] = {
            "created_at": _now(),
            "description": "",
            "agents": [],
            "directories": {},
            "manual_only": [],
        }
        return (("metadata.json", (json.dumps(metadata, indent=2) + "\n").encode("utf-8")),)
    return (("README.md", _README.encode("utf-8")), (MARKER, marker_text()))


def _written(root: Root, name: str, data: bytes) -> bool:
    try:
        root.write(name, data)
    except TakenError:
        return False
    return True


def project_folder(start: Path) -> Path | None:
    """Return the folder of the project that a folder is in: its git root, else itself; None for home and above."""
    here = Path(os.path.realpath(start))
    home = Path(os.path.realpath(Path.home()))
    if here == home or here in home.parents:
        return None
    for place in (here, *here.parents):
        if place == home or place in home.parents:
            break
        if (place / ".git").exists():
            return place
    return here


def register(root: Root, folder: Path, name: str = "") -> tuple[Project, bool]:
    """Return the project of a folder, and whether it is new: a folder is registered once. Raises ServerError."""
    path = str(Path(os.path.realpath(folder)))
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ServerError(f"{show(path)} is not UTF-8, so it cannot be registered; rename the folder") from error
    for project in projects_of(root):
        if path in project.paths:
            return project, False
    title = " ".join(name.split()) or Path(path).name
    if not plain(os.fsencode(title)) or "/" in title:
        raise ServerError(f"{show(title)} is no name for a project; give one with --name")
    ident = f"prj_{uuid.uuid4().hex}"
    pairs = {"project_id": ident, "scope_id": f"project:{ident}", "name": title, "path": path}
    times = {"created_at": _now(), "updated_at": _now()}
    lines = [f"{key} = {toml_string(value)}" for key, value in pairs.items()]
    lines += ["aliases = []", *(f"{key} = {toml_string(value)}" for key, value in times.items()), ""]
    root.write(f"{REGISTRY}/{ident}.toml", "\n".join(lines).encode("utf-8"))
    return Project(ident, title, (path,)), True
