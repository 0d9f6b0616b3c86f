"""The state of the context: its layout, policies, project, mounts, what each folder holds and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from schemas.frozen import Frozen
from servers.context.mounts import mounts_of
from servers.context.notes_found import note_files
from servers.context.surveying import survey
from servers.machine.face import READS, Face
from servers.machine.layout import projects_of
from servers.machine.layout_policies import Policy
from servers.machine.names import parse

if TYPE_CHECKING:
    from servers.context.opened import Opened, View

__all__ = ["CategoryState", "ContextStatus", "offer_status", "status"]

_MOST_ROWS = 60
_MOST_PROBLEMS = 40


class CategoryState(Frozen):
    """A category of the layout, or another top folder (policy empty); sizes are bytes."""

    name: str
    policy: Policy | str
    files: int
    size: int
    folders: tuple[str, ...] = Field(description="where its files lie for you: the project's own first, then shared")

    def as_text(self) -> str:
        """Return one line."""
        where = f" ({', '.join(self.folders)})" if self.folders else ""
        return f"{self.name}: {self.policy or 'no policy'}, {self.files} files, {self.size} bytes{where}"


class MountState(Frozen):
    """A folder that can be read as mounts/<name>."""

    name: str
    path: str

    def as_text(self) -> str:
        """Return one line."""
        return f"mounts/{self.name}: {self.path}"


class ContextStatus(Frozen):
    """What the context is and holds."""

    root: str
    version: int = Field(description="version of the layout, 1 or 2")
    marked: bool = Field(description="false: neither version's marks are there; afs context init lays it out")
    project: str = Field(description="id of the project the server works in; empty: none is registered for its folder")
    project_name: str
    projects: int = Field(description="projects that the context knows")
    notes: int = Field(description="files of notes that you see, older revisions too")
    handoffs: int = Field(description="files of handoffs that you see, older revisions too")
    categories: tuple[CategoryState, ...]
    mounts: tuple[MountState, ...]
    problems: tuple[str, ...] = Field(description="what is wrong, at most 40; afs context repair mends what it can")
    complete: bool = Field(description="false when there was more than could be looked through")

    def as_text(self) -> str:
        """Return a few lines."""
        marked = "" if self.marked else " (not marked; `afs context init` lays it out)"
        own = f"{self.project_name} ({self.project})" if self.project else "none; `afs context init` registers one"
        lines = [
            f"context root {self.root}: layout version {self.version}{marked}",
            f"project: {own}; {self.projects} known",
            f"{self.notes} notes, {self.handoffs} handoffs",
            *(row.as_text() for row in self.categories),
            *(row.as_text() for row in self.mounts),
        ]
        lines += [] if self.complete else ["not everything could be looked through"]
        lines += ["problems (`afs context repair` mends what it can):", *self.problems] if self.problems else []
        return "\n".join(lines if self.problems else [*lines, "no problems"])


def _rows(view: View, amounts: dict[str, tuple[int, int]]) -> tuple[CategoryState, ...]:
    rows: list[CategoryState] = []
    for name in view.layout.categories:
        folder = view.layout.names.get(name, name)
        files, size = amounts.pop(folder, (0, 0))
        places = view.folders(name, "project")
        rows.append(CategoryState(name=name, policy=view.layout.policy(name), files=files, size=size, folders=places))
    for name, (files, size) in sorted(amounts.items())[: _MOST_ROWS - len(rows)]:
        rows.append(CategoryState(name=name[:200], policy="", files=files, size=size, folders=()))
    return tuple(rows)


def _of_another(view: View, path: str) -> bool:
    return not path.startswith(".afs/") and view.foreign(b"/".join(parse(path)))


def status(opened: Opened, *, deep: bool = False) -> ContextStatus:
    """Return the state of the context; what is wrong in other projects' files only where it is `deep`.

    Raises ServerError where the context is not there.
    """
    view = opened.view()
    found = survey(view, deep=deep)
    troubles = [item for item in found.troubles if deep or not _of_another(view, item.path)]
    return ContextStatus(
        root=str(opened.settings.context_root),
        version=view.layout.version,
        marked=view.layout.marked,
        project=view.project.id if view.project else "",
        project_name=view.project.name if view.project else "",
        projects=len(projects_of(view.root)),
        notes=len(note_files(view, "note", "project").paths),
        handoffs=len(note_files(view, "handoff", "project").paths),
        categories=_rows(view, {name: (amount.files, amount.size) for name, amount in found.amounts.items()}),
        mounts=tuple(MountState(name=mount.name, path=mount.path) for mount in mounts_of(view.root)),
        problems=tuple(f"{item.path}: {item.text}"[:400] for item in troubles[:_MOST_PROBLEMS]),
        complete=found.complete and len(troubles) <= _MOST_PROBLEMS,
    )


def offer_status(face: Face, opened: Opened) -> None:
    """Offer the tool that tells the state."""

    @face.offer(READS, title="State of the context")
    def context_status() -> ContextStatus:
        """Say what the context is: layout, policies (what can be written), your project, mounts, sizes, problems."""
        return status(opened)
