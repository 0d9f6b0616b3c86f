"""The layout of a context root: which folders it has, what may be written, and which project one works in.

Version 2 is marked by `.afs/layout.toml`; each category has `common/` and `projects/prj_<uuid>/`. Version 1 has the
categories alone, and what belongs to one project below `projects/<name>/`. Policies: see `layout_policies`.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple, cast

from servers.machine.beneath import Root
from servers.machine.errors import ServerError
from servers.machine.layout_policies import PLAIN, VERSION_1, VERSION_2, Own, Policy, own_policies, said_by

__all__ = [
    "MARKER",
    "REGISTRY",
    "Layout",
    "Project",
    "Scope",
    "layout_of",
    "layout_version",
    "project_of",
    "projects_of",
    "scratchpad_of",
]

MARKER = ".afs/layout.toml"
"""The file that says which version a root has; a root without it has version 1."""
REGISTRY = ".afs/projects"
"""The folder of the projects' records, one `prj_<uuid>.toml` each."""

Scope = Literal["common", "project"]
"""Whose a file is: everybody's, or that of the project one works in."""

_ID = re.compile(r"prj_[0-9A-Za-z-]{1,64}")
_FOLDERS_1 = (("hivemind",), ("global",), ("items",), ("memory", "knowledge", "tools", "scratchpad"))
"""Folders by which a root without marker is known as one of version 1: any of these, each as a whole."""
_MOST_PROJECTS = 2_000
_STATE = "the suite keeps its own state in .afs/"
_REASONS: Mapping[str, str] = {
    "history": "only the recorder of runs writes history/",
    "read_only": "the policy of the context says read_only",
    "executable": "the policy of the context says executable: what is run is not written by tools",
}


class Project(NamedTuple):
    """A project that the context knows: its id (`prj_...`; version 1: its folder's name) and its checkouts."""

    id: str
    name: str
    paths: tuple[str, ...]

    @property
    def folder(self) -> str:
        """The name of its folder below `projects/` in version 1."""
        return self.id if "/" in self.name or self.name.startswith(".") or not self.name else self.name


class Layout(NamedTuple):
    """The folders of one context root and their policies; paths are relative to the root, with `/`."""

    version: Literal[1, 2]
    policies: Mapping[str, Policy]
    names: Mapping[str, str]
    by_hand: tuple[str, ...]
    problems: tuple[str, ...]
    """What the files that say it could not tell, each with the next step."""
    marked: bool = True
    """False where neither version's marks are there: the folders of version 1, all but history writable."""

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of the categories, in the order of the layout's definition."""
        return tuple(self.policies)

    def policy(self, category: str) -> Policy:
        """Return what tools may do in a category; a folder that is none can be written."""
        return self.policies.get(category, "writable")

    def folder(self, category: str, scope: Project | None = None) -> str:
        """Return the folder of a category for one project, or (None) for all."""
        name = self.names.get(category, category)
        if self.version == 2:
            return f"{name}/projects/{scope.id}" if scope else f"{name}/common"
        return f"projects/{scope.folder}/{name}" if scope else name

    def writable(self) -> tuple[str, ...]:
        """Return the categories that tools may write, `memory` first."""
        open_ones = [name for name in self.categories if self.policy(name) == "writable"]
        return tuple(sorted(open_ones, key=lambda name: name != "memory"))

    def sealed(self, projects: Iterable[str] = ()) -> dict[str, str]:
        """Return what no tool writes, each with the reason, as `Root` takes it.

        `projects` are the folders below `projects/` of version 1, to which the same policies apply.
        """
        names = ", ".join(f"{self.folder(name)}/" for name in self.writable())
        step = f"; choose another folder, e.g. {names}" if names else ""
        above = ("", *(f"projects/{name}/" for name in projects)) if self.version == 1 else ("",)
        rules = {"/.afs": f"{_STATE}{step}"}
        for category, policy in self.policies.items():
            if policy != "writable":
                reason = f"{_REASONS.get(category, _REASONS[policy])}{step}"
                rules |= {f"/{start}{self.names.get(category, category)}": reason for start in above}
        hand = f"the context says that only a person writes it{step}"
        return rules | {f"/{path.strip('/')}": hand for path in self.by_hand}


def layout_version(root: Root) -> Literal[1, 2]:
    """Return the layout version of a context root; raises ServerError as `layout_of`."""
    return _version(_marker(root))


def layout_of(root: Root) -> Layout:
    """Return the layout of a context root.

    Raises ServerError when the marker is there and cannot be understood: guessing would misplace files.
    """
    marker = _marker(root)
    version, own = _version(marker), own_policies(root, marker)
    if version == 2:
        return _layout(2, VERSION_2, own)
    marked = bool(marker) or own.marked or any(all(_has(root, name) for name in names) for names in _FOLDERS_1)
    return _layout(1, VERSION_1 if marked else PLAIN, own)._replace(marked=marked)


def _layout(version: Literal[1, 2], policies: Mapping[str, Policy], own: Own) -> Layout:
    merged: dict[str, Policy] = {name: own.policies.get(name, policy) for name, policy in policies.items()}
    return Layout(version, merged, own.names, own.by_hand, own.problems)


def _has(root: Root, folder: str) -> bool:
    try:
        root.below(folder).close()
    except ServerError:
        return False
    return True


def _marker(root: Root) -> Mapping[str, object]:
    said = said_by(root, MARKER)
    if said.problem:
        raise ServerError(f"{said.problem} (the marker of the context root's layout; afs context repair mends it)")
    return said.values


def _version(marker: Mapping[str, object]) -> Literal[1, 2]:
    """Return the version by `version` or, as others write it, `layout_version`; no marker says 1."""
    version = marker.get("version", marker.get("layout_version", None if marker else 1))
    if type(version) is int and version == 1:
        return 1
    if type(version) is int and version == 2:
        return 2
    step = "repair or remove it"
    raise ServerError(f"{MARKER} of the context root says version {version!r}, not 1 or 2; {step}")


def scratchpad_of(root: Root) -> str:
    """Return the path of the shared scratchpad below a context root."""
    return "scratchpad/common" if layout_version(root) == 2 else "scratchpad"


def projects_of(root: Root) -> tuple[Project, ...]:
    """Return the registered projects in order of their ids; a record that cannot be read is left out.

    In version 1 the folders of `projects/` are projects too, known by their name.
    """
    found = [_record(root, name) for name in _names(root, REGISTRY) if name.endswith(".toml")]
    if layout_version(root) == 1:
        found += [Project(name, name, ()) for name in _names(root, "projects") if not name.startswith(".")]
    return tuple(project for project in found if project)


def _names(root: Root, folder: str) -> list[str]:
    try:
        entries = root.entries(folder, cap=_MOST_PROJECTS).entries
    except ServerError:
        return []
    return sorted(entry.path.removeprefix(f"{folder}/") for entry in entries)


def _record(root: Root, name: str) -> Project | None:
    said = said_by(root, f"{REGISTRY}/{name}").values
    known = said.get("project_id", said.get("id"))
    title, path, aliases = said.get("name"), said.get("path"), said.get("aliases", [])
    if not isinstance(known, str) or not _ID.fullmatch(known) or name != f"{known}.toml" or not isinstance(path, str):
        return None
    others = cast("list[object]", aliases) if isinstance(aliases, list) else []
    paths = (path, *(item for item in others if isinstance(item, str)))
    return Project(known, title if isinstance(title, str) and title else Path(path).name, paths)


def project_of(root: Root, cwd: Path) -> Project | None:
    """Return the project that a folder belongs to: the registered one that is nearest above it, if any.

    In version 1 a folder of `projects/` counts for the nearest folder above that has its name.
    """
    above = {place: len(place.parts) for start in (cwd.absolute(), _real(cwd)) for place in (start, *start.parents)}
    best: Project | None = None
    depth = 0
    for project in projects_of(root):
        for place, length in above.items():
            if length > depth and (str(place) in project.paths or (not project.paths and place.name == project.id)):
                best, depth = project, length
    return best


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
