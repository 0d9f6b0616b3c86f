"""Notes and handoffs as they lie in the context: found newest first, read only as far as is needed."""

from __future__ import annotations

import contextlib
from itertools import groupby
from typing import TYPE_CHECKING, Literal, NamedTuple

from servers.machine.artifacts import ARTIFACT_LIMIT, FOLDERS, HOMES, NAME, Artifact, Kind, parse_artifact
from servers.machine.errors import ServerError
from servers.machine.names import escape, show
from servers.machine.sensitivity import HEAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.context.opened import Reach, View

__all__ = ["Found", "find_note", "newest_first", "note_files", "whole_note"]

_MOST = 50_000


class Found(NamedTuple):
    """Files of notes, the newest first by their names; not `complete` when there were too many."""

    paths: tuple[str, ...]
    complete: bool


def _folders(view: View, kind: Kind, reach: Reach) -> list[str]:
    wanted: list[str] = []
    for category in HOMES:
        scopes = list(view.folders(category, reach))
        scopes += _others(view, category) if reach == "all" else []
        if view.layout.version == 1:  # other tools put notes below common/ in version 1 too
            scopes.append(f"{view.layout.folder(category)}/common")
        wanted += [f"{scope}/{FOLDERS[kind]}" for scope in scopes]
    return list(dict.fromkeys(wanted))


def _others(view: View, category: str) -> list[str]:
    """Return the folders of a category of every project, known to the registry or not."""
    name = view.layout.names.get(category, category)
    parent = f"{name}/projects" if view.layout.version == 2 else "projects"
    with contextlib.suppress(ServerError):
        places = [entry.path for entry in view.root.entries(parent).entries if entry.kind == "folder"]
        return places if view.layout.version == 2 else [f"{place}/{name}" for place in places]
    return []


def note_files(view: View, kind: Kind | Literal["any"], reach: Reach) -> Found:
    """Return the Markdown files of notes that are seen, the newest first."""
    kinds: list[Kind] = ["note", "handoff"] if kind == "any" else [kind]
    paths: list[str] = []
    complete = True
    for folder in (folder for one in kinds for folder in _folders(view, one, reach)):
        if reach != "all" and view.foreign(folder):  # a link to another project's
            continue
        with (
            contextlib.suppress(ServerError),
            contextlib.closing(view.root.walk(folder, cap=_MOST, enter=lambda _: False, measured=False)) as walk,
        ):
            paths += [escape(seen.path) for seen in walk if seen.kind == "file" and seen.path.endswith(b".md")]
            complete = complete and walk.complete
    return Found(tuple(sorted(paths, key=_rank, reverse=True)), complete)


def _rank(path: str) -> tuple[bool, str]:
    name = path.rpartition("/")[2]
    return NAME.fullmatch(name) is not None, name


def _second(path: str) -> str:
    name = path.rpartition("/")[2]
    return name[:18] if NAME.fullmatch(name) else name


def _head(view: View, path: str) -> Artifact | None:
    try:
        chunk = view.root.read(path, limit=HEAD, tagged=False)
    except ServerError:  # gone meanwhile, or not ours to read
        return None
    return parse_artifact(path, chunk.data, size=chunk.size)


def whole_note(view: View, path: str) -> Artifact:
    """Read a note with all its text. Raises ServerError."""
    chunk = view.root.read(path, limit=ARTIFACT_LIMIT)
    return parse_artifact(path, chunk.data, size=chunk.size, etag=chunk.etag)


def newest_first(view: View, found: Found, *, revisions: Literal["newest", "all"]) -> Iterator[Artifact]:
    """Yield notes by their front matter, the newest first; with `newest`, none that another one revises.

    A revision is never named as older than what it revises, so each second is looked at as a whole.
    """
    revised: set[str] = set()
    for _, paths in groupby(found.paths, key=_second):
        notes = [note for note in (_head(view, path) for path in paths) if note]
        revised.update(note.revises for note in notes if note.revises)
        for note in sorted(notes, key=lambda note: (note.created, note.path), reverse=True):
            if revisions == "all" or not _is_in(note.id, revised):
                yield note


def _is_in(ident: str, revised: set[str]) -> bool:
    """Tell whether an id is revised, by its whole or by the ten characters of a file's name."""
    return ident in revised or ident[:10] in revised


def find_note(view: View, ident: str, kind: Kind | Literal["any"], reach: Reach = "project") -> Artifact:
    """Return the note that an id (whole, or at least its first 4 characters) or a path names. Raises ServerError."""
    wanted = ident.strip().removesuffix(".md").rpartition("--")[2].lower()
    files = note_files(view, kind, reach)
    near = [path for path in files.paths if path.removesuffix(".md").endswith(f"--{wanted[:10]}")] if wanted else []
    if not near and len(wanted) >= 4:
        near = [path for path in files.paths if path.rpartition("--")[2].startswith(wanted)]
    if not near:
        near = [path for path in files.paths if path == ident or path.endswith(f"/{ident}")]
    if len(near) == 1:
        return whole_note(view, near[0])
    step = f"list_notes with kind {kind} shows them with their ids"
    if near:
        raise ServerError(f"{len(near)} notes have an id that begins with {show(ident)}; give more of it, or {step}")
    raise ServerError(f"there is no {'note' if kind == 'any' else kind} with the id {show(ident)}; {step}")
