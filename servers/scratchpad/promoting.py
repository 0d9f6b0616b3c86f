"""Promoting notes: what should last is copied to the context's memory, with a word of where it is from."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field

from servers.machine.artifacts import NAME, Draft, Sensitivity, front_matter, home_of, publish, toml_string
from servers.machine.beneath import NotThereError
from servers.machine.errors import ServerError
from servers.machine.face import APPENDS, Face
from servers.machine.names import show
from servers.machine.sensitivity import HEAD, sensitivity_of
from servers.scratchpad.changing import FILE_LIMIT
from servers.scratchpad.opened import STATE, Home, Opened, Scope, View, named
from servers.scratchpad.reading import missing
from servers.scratchpad.results import ScratchpadPromoted
from servers.scratchpad.writing import ABOUT_NAME, ABOUT_RUN, ABOUT_SCOPE

if TYPE_CHECKING:
    from servers.machine.layout import Project

__all__ = ["Wanted", "offer_promoting", "promote_note"]

_MOST_TAGS = 20


class Wanted(NamedTuple):
    """What becomes of a note: `path` is the new name below memory, for `to` memory alone."""

    to: Literal["note", "memory"] = "note"
    title: str = ""
    path: str = ""
    tags: tuple[str, ...] = ()
    agent: str = ""


class _Found(NamedTuple):
    """A note of the scratchpad as it is promoted."""

    name: str
    home: Home
    data: bytes
    etag: str
    sensitivity: Sensitivity
    ruled: bool
    """Whether the rules of the context, not the note itself, say so."""

    @property
    def source(self) -> str:
        """Where the copy is from."""
        return f"{self.home.place}/{self.name} (etag {self.etag})"

    def scope(self, view: View) -> Project | None:
        """Whose the copy is: of the project, where the note is its own or its run's."""
        return None if self.home.scope == "shared" else view.project


def promote_note(
    opened: Opened, filename: str, wanted: Wanted, *, scope: Scope = "auto", run: str = ""
) -> ScratchpadPromoted:
    """Copy the nearest note of that name to memory, or make an unchanging note of it. Raises ServerError."""
    name = named(filename or STATE)
    try:
        view = opened.view(scope, run)
    except NotThereError as error:
        raise missing(name) from error
    found = _found(view, name)
    return _as_note(opened, view, found, wanted) if wanted.to == "note" else _as_file(opened, view, found, wanted)


def _found(view: View, name: str) -> _Found:
    home = view.holding(name)
    if home is None:
        raise missing(name)
    chunk = view.root.below(home.place).read(name, limit=FILE_LIMIT)
    if chunk.size > FILE_LIMIT:
        raise ServerError(f"{show(name)} has {chunk.size} bytes, more than {FILE_LIMIT}; promote a shorter one")
    rules, path = sensitivity_of(view.root), f"{home.place}/{name}"
    said = _sensitivity(rules.indexable(path, head=chunk.data[:HEAD]), rules.exportable(path, head=chunk.data[:HEAD]))
    ruled = not (rules.indexable(path) and rules.exportable(path))
    return _Found(name, home, chunk.data, chunk.etag, said, ruled)


def _sensitivity(indexable: bool, exportable: bool) -> Sensitivity:  # noqa: FBT001  # two answers, named above
    if indexable:
        return "normal" if exportable else "never_export"
    return "never_index" if exportable else "restricted"


def _title(found: _Found, wanted: Wanted) -> str:
    if wanted.title.strip():
        return wanted.title
    lines = found.data[front_matter(found.data).body :][:4_000].decode("utf-8", "replace").splitlines()
    heading = next((line.lstrip("#").strip() for line in lines if line.startswith("#")), "")
    return heading[:200] or found.name.rpartition("/")[2][:200]


def _as_note(opened: Opened, view: View, found: _Found, wanted: Wanted) -> ScratchpadPromoted:
    try:
        text = found.data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ServerError(f"{show(found.name)} is not UTF-8 text; promote it to memory") from error
    if not text.strip():
        raise ServerError(f"{show(found.name)} is empty; write what the next reader should know")
    scope = found.scope(view)
    folder = home_of(view.layout, "note", scope)
    agent, _, model = wanted.agent.partition("@")
    draft = Draft(
        "note",
        _title(found, wanted),
        text,
        agent,
        model,
        found.source,
        wanted.tags[:_MOST_TAGS],
        sensitivity=found.sensitivity,
    )
    owner = scope.id if scope and view.layout.version == 2 else ""
    with opened.policed(view) as root:
        note = publish(root, folder, draft, project_id=owner)
    return _promoted(found, "a note", note.path, note.size, ident=note.id)


def _as_file(opened: Opened, view: View, found: _Found, wanted: Wanted) -> ScratchpadPromoted:
    if view.layout.policy("memory") != "writable":
        raise ServerError("the policy of the context lets no tool write memory; promote with to=note")
    name = named(wanted.path.removeprefix("memory/") or found.name)
    if NAME.fullmatch(name.rpartition("/")[2]):
        raise ServerError(f"{show(name)} is a name of notes, which create_note makes; choose another path")
    data = _headed(found, name, wanted)
    place = view.layout.folder("memory", found.scope(view))
    with opened.policed(view) as root:
        done = root.write(f"{place}/{name}", data)
    return _promoted(found, "memory", done.path, done.size)


def _headed(found: _Found, name: str, wanted: Wanted) -> bytes:
    """Return the text with front matter, where it is Markdown without its own; else the text as it is."""
    if not name.endswith(".md") or front_matter(found.data).body:
        if found.ruled:
            text = f"the rules of the context keep {show(found.name)} from search or training, which a plain copy"
            raise ServerError(f"{text} would not say of itself; promote with to=note")
        return found.data
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    agent, _, model = wanted.agent.partition("@")
    pairs = {
        "title": _title(found, wanted),
        "created_at": now,
        "agent_name": agent,
        "sensitivity": found.sensitivity,
    }
    lines = [f"{key} = {toml_string(value)}" for key, value in pairs.items()]
    lines.append(f"tags = [{', '.join(map(toml_string, wanted.tags[:_MOST_TAGS]))}]")
    lines += ["", "[provenance]", f"model = {toml_string(model)}", f"source = {toml_string(found.source)}"]
    try:
        return "\n".join(["+++", *lines, "+++", "", ""]).encode("utf-8") + found.data
    except UnicodeEncodeError as error:
        raise ServerError("the title, a tag or the agent is not valid Unicode; send plain text") from error


def _promoted(found: _Found, to: str, path: str, size: int, *, ident: str = "") -> ScratchpadPromoted:
    return ScratchpadPromoted(
        filename=found.name,
        scope=found.home.scope,
        to=to,
        path=path,
        id=ident,
        source=found.source,
        size=size,
    )


def offer_promoting(face: Face, opened: Opened) -> None:
    """Offer the tool that promotes notes."""

    @face.offer(APPENDS, title="Promote a scratchpad file")
    def promote_scratchpad(
        filename: Annotated[str, Field(description=f"{ABOUT_NAME}; empty: state.md")] = "",
        to: Annotated[
            Literal["note", "memory"], Field(description="note: never changed, with an id; memory: a file there")
        ] = "note",
        title: Annotated[str, Field(description="what it is about; empty: its first heading or its name")] = "",
        path: Annotated[str, Field(description="name below memory/, for to=memory; empty: the same name")] = "",
        tags: Annotated[list[str], Field(max_length=20, description="at most 20 words to find it by")] = [],  # noqa: B006  # read only; a default that pydantic copies
        agent: Annotated[str, Field(description="who promotes, with the model after an @ if known")] = "",
        scope: Annotated[Scope, Field(description=f"{ABOUT_SCOPE} that has the note")] = "auto",
        run: Annotated[str, Field(description=ABOUT_RUN)] = "",
    ) -> ScratchpadPromoted:
        """Copy a scratchpad file to where it lasts: a note or memory, with a word of where it is from."""
        wanted = Wanted(to, title, path, tuple(tags), agent)
        return promote_note(opened, filename, wanted, scope=scope, run=run)
