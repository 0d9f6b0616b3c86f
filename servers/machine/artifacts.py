"""Notes and handoffs: Markdown files with TOML front matter that are written once and never changed.

A file is named `YYYY-MM-DDTHHMMSSZ--title--10charid.md`; the full id is in the front matter. A new revision is a
new file whose `revises` is the id of the old one, so two agents who revise at once lose nothing: both stay.
"""

import datetime
import json
import re
import unicodedata
import uuid
from collections.abc import Mapping
from typing import Literal, NamedTuple, cast

from servers.machine.beneath import Root, TakenError
from servers.machine.errors import ServerError
from servers.machine.layout import Layout, Project
from servers.machine.names import show

__all__ = [
    "ARTIFACT_LIMIT",
    "FOLDERS",
    "HOMES",
    "NAME",
    "Artifact",
    "Draft",
    "FrontMatter",
    "Kind",
    "Sensitivity",
    "front_matter",
    "home_of",
    "parse_artifact",
    "publish",
    "toml_string",
]

Sensitivity = Literal["normal", "never_export", "never_index", "restricted"]
"""Who may come to see a file: not the training export; not search and packs; `restricted`: neither."""

Kind = Literal["note", "handoff"]

FOLDERS: Mapping[Kind, str] = {"note": "notes", "handoff": "handoffs"}
"""The folder of each kind, below the folder of a category and scope."""
HOMES = ("memory", "scratchpad")
"""The categories that notes lie in: what lasts, then drafts."""

TEXT_LIMIT = 1_000_000
"""Largest text, in bytes."""
ARTIFACT_LIMIT = TEXT_LIMIT + 32_768
"""Largest file, in bytes: the text and what stands before it."""
NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z--[^/]{1,120}--[0-9a-f]{10}\.md")
"""The names of these files; no tool writes over one."""
TITLE_LIMIT = 240
"""Longest title, in characters."""

_FENCE = "+++"
_SLUG = 60
_TRIES = 8


class FrontMatter(NamedTuple):
    """What stands before a Markdown text, and where the text begins (a byte offset)."""

    values: dict[str, object]
    body: int


class Draft(NamedTuple):
    """What a writer says of a new file; `model` and `source` are its provenance."""

    kind: str
    title: str
    body: str
    agent: str = ""
    model: str = ""
    source: str = ""
    tags: tuple[str, ...] = ()
    sensitivity: Sensitivity = "normal"
    revises: str = ""
    thread: str = ""
    """The id of the first revision; empty for a first one."""
    after: str = ""
    """When the revised file was written: the new one is never named as if it were older."""


class Artifact(NamedTuple):
    """A file as it was read or written: its path below the root, its front matter and its text."""

    path: str
    id: str
    kind: str
    title: str
    created: str
    project_id: str
    agent: str
    model: str
    source: str
    tags: tuple[str, ...]
    sensitivity: str
    revises: str
    thread: str
    body: str
    size: int
    etag: str = ""


def toml_string(text: str) -> str:
    """Return a TOML basic string; the text holds no lone surrogate."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def front_matter(data: bytes) -> FrontMatter:
    """Read the TOML between the first `+++` lines; a file without (or with broken) front matter has no values."""
    import tomllib

    start = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    found = re.match(rb"\+\+\+[ \t]*\r?\n(.*?)^\+\+\+[ \t]*(?:\r?\n|\Z)", data[start:], re.DOTALL | re.MULTILINE)
    if not found:
        return FrontMatter({}, start)
    try:
        values = tomllib.loads(found.group(1).decode("utf-8"))
    except (ValueError, RecursionError):
        return FrontMatter({}, start)
    return FrontMatter(values, start + found.end())


def _text(values: dict[str, object], *keys: str) -> str:
    for key in keys:
        value = values.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, datetime.datetime):
            return value.isoformat()
    return ""


def _tags(value: object) -> tuple[str, ...]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, str))


def parse_artifact(path: str, data: bytes, *, size: int = 0, etag: str = "") -> Artifact:
    """Return a file as a note; what has no front matter is named by its file name and its first heading."""
    values, begin = front_matter(data)
    body = data[begin:].decode("utf-8", "replace").lstrip("\r\n")
    name = path.rpartition("/")[2]
    told = values.get("provenance")
    origin = cast("dict[str, object]", told) if isinstance(told, dict) else {}
    heading = re.search(r"^#+[ \t]+(\S.*)$", body[:4_000], re.MULTILINE)
    own = name[-13:-3] if NAME.fullmatch(name) else name
    known = _text(values, "artifact_id", "id") or own
    return Artifact(
        path=path,
        id=known,
        kind=_text(values, "kind") or "note",
        title=_text(values, "title") or (heading.group(1).strip() if heading else name.removesuffix(".md")),
        created=_text(values, "created_at", "created") or (_named_time(name) if NAME.fullmatch(name) else ""),
        project_id=_text(values, "project_id"),
        agent=_text(values, "agent_name", "agent"),
        model=_text(origin, "model") or _text(values, "model"),
        source=_text(origin, "source") or _text(values, "source"),
        tags=_tags(values.get("tags")),
        sensitivity=_text(values, "sensitivity") or "normal",
        revises=_text(values, "revises"),
        thread=_text(values, "thread_id") or known,
        body=body,
        size=size or len(data),
        etag=etag,
    )


def _named_time(name: str) -> str:
    return f"{name[:13]}:{name[13:15]}:{name[15:18]}"


def _line(text: str, what: str, limit: int) -> str:
    """Return a text as one line without control characters. Raises ServerError where it is too long."""
    line = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text).split())
    if len(line) > limit:
        raise ServerError(f"the {what} has {len(line)} characters, more than {limit}; use a shorter one")
    return line


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_SLUG].rstrip("-") or "note"


def _moment(after: str) -> datetime.datetime:
    now = datetime.datetime.now(datetime.UTC)
    try:
        before = datetime.datetime.fromisoformat(after) if after else now
    except ValueError:
        return now
    return max(now, before.astimezone(datetime.UTC) + datetime.timedelta(microseconds=1)) if after else now


def _rendered(draft: Draft, ident: str, created: str, project_id: str) -> bytes:
    scope = f"project:{project_id}" if project_id else "common"
    pairs = {
        "schema_version": "1",
        "artifact_id": ident,
        "kind": draft.kind,
        "title": draft.title,
        "created_at": created,
        "scope_id": scope,
        "project_id": project_id,
        "task_id": "",
        "agent_name": draft.agent,
        "author_kind": "agent",
        "sensitivity": draft.sensitivity,
        "revises": draft.revises,
        "thread_id": draft.thread or ident,
    }
    lines = [f"{key} = {toml_string(value)}" for key, value in pairs.items()]
    lines.append(f"tags = [{', '.join(map(toml_string, draft.tags))}]")
    lines += ["", "[provenance]", f"model = {toml_string(draft.model)}", f"source = {toml_string(draft.source)}"]
    body = draft.body if draft.body.endswith("\n") else f"{draft.body}\n"
    return "\n".join([_FENCE, *lines, _FENCE, "", body]).encode("utf-8")


def home_of(layout: Layout, kind: Kind, scope: Project | None) -> str:
    """Return the folder that new notes are written to: memory, else where the policies let tools write.

    Raises ServerError where neither memory nor the scratchpad can be written.
    """
    for category in HOMES:
        if category in layout.categories and layout.policy(category) == "writable":
            return f"{layout.folder(category, scope)}/{FOLDERS[kind]}"
    text = "the policies of the context let no tool write memory or scratchpad; change [policies] in .afs/layout.toml"
    raise ServerError(text)


def publish(root: Root, folder: str, draft: Draft, *, project_id: str = "") -> Artifact:
    """Write a new file into `folder`, under a name that no other process can take. Raises ServerError."""
    try:
        "".join((draft.body, draft.title, draft.agent, draft.model, draft.source, *draft.tags)).encode("utf-8")
    except UnicodeEncodeError as error:
        raise ServerError("the text is not valid Unicode (a lone surrogate); send plain text") from error
    if len(draft.body.encode("utf-8")) > TEXT_LIMIT:
        raise ServerError(f"the text has more than {TEXT_LIMIT} bytes; write it in parts")
    if "\0" in draft.body:
        raise ServerError("the text holds a NUL, which Markdown cannot; remove it")
    draft = draft._replace(
        title=_line(draft.title, "title", TITLE_LIMIT),
        agent=_line(draft.agent, "name of the agent", 200),
        model=_line(draft.model, "name of the model", 200),
        source=_line(draft.source, "source", 1_000),
        tags=tuple(dict.fromkeys(filter(None, (_line(tag, "tag", 60) for tag in draft.tags)))),
    )
    if not draft.title:
        raise ServerError("the title is empty; say in a few words what it is about")
    return _published(root, folder, draft, project_id)


def _published(root: Root, folder: str, draft: Draft, project_id: str) -> Artifact:
    for _ in range(_TRIES):
        ident, moment = uuid.uuid4().hex, _moment(draft.after)
        created = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
        path = f"{folder}/{moment:%Y-%m-%dT%H%M%SZ}--{_slug(draft.title)}--{ident[:10]}.md"
        data = _rendered(draft, ident, created, project_id)
        try:
            done = root.write(path, data)
        except TakenError:  # ten characters of two ids are the same
            continue
        return parse_artifact(done.path, data, size=done.size, etag=done.etag)
    raise ServerError(f"no free name could be found in {show(folder)}; try again")
