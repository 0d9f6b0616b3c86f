"""A look through the whole context: what each folder holds, and what is not as it should be."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from servers.context.laying import layout_folders
from servers.context.mounts import MOUNTS, mounts_of
from servers.machine.errors import ServerError
from servers.machine.layout import MARKER, REGISTRY, projects_of
from servers.machine.names import escape, show
from servers.machine.sensitivity import sensitivity_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.context.opened import View
    from servers.machine.beneath import Root, Seen

__all__ = ["Amount", "Survey", "Trouble", "survey", "torn_at"]

Code = Literal["folder", "record", "torn", "mode", "policy", "checkout", "mount", "entry", "link"]
"""What is wrong: a folder is missing, a record or the end of a JSONL file is broken, others may write a file; the rest
is only told: policies or rules that cannot be read, a checkout or a mount that is gone, an entry that the layout does
not know, a link that leads outside."""

MENDED: frozenset[Code] = frozenset(["folder", "record", "torn", "mode"])

_MOST = 500_000
_MOST_TOLD = 200
_TAIL = 1 << 20
_QUIET_SECONDS = 30.0
"""A file that changed less long ago may still be being written."""
_OTHERS_WRITE = 0o022


class Trouble(NamedTuple):
    """One thing that is not as it should be; `path` is below the root."""

    code: Code
    path: str
    text: str

    @property
    def mended(self) -> bool:
        """Whether `afs context repair` mends it."""
        return self.code in MENDED


class Amount(NamedTuple):
    """Files of a top folder, and their bytes."""

    files: int
    size: int


class Survey(NamedTuple):
    """What was seen; not `complete` when there was more than could be looked through."""

    amounts: dict[str, Amount]
    troubles: tuple[Trouble, ...]
    complete: bool


def survey(view: View, *, deep: bool = False) -> Survey:
    """Look through the context; `deep` also looks into JSONL files and at permissions. Raises ServerError."""
    files: Counter[bytes] = Counter()
    sizes: Counter[bytes] = Counter()
    troubles = [*_folders(view), *_records(view), *_told(view)]
    with contextlib.closing(view.root.walk(cap=_MOST)) as walk:
        for seen in walk:
            if seen.kind == "file":
                top = seen.path.partition(b"/")[0]
                files[top] += 1
                sizes[top] += seen.size
            if (deep or seen.kind == "link") and len(troubles) < _MOST_TOLD:
                troubles += _seen(view, seen, deep=deep)
    amounts = {escape(name): Amount(files[name], sizes[name]) for name in files}
    return Survey(amounts, tuple(troubles), walk.complete and not walk.problems)


def _folders(view: View) -> Iterator[Trouble]:
    if not view.layout.marked:
        return
    for folder in layout_folders(view.layout.version):
        category, slash, rest = folder.partition("/")
        here = view.layout.names.get(category, category) + slash + rest
        if folder == "items":  # version 1 may do without it
            continue
        try:
            kind = view.root.state(here).kind
        except ServerError:
            yield Trouble("folder", here, "this folder of the layout is missing")
            continue
        if kind == "other" or kind == "file":
            yield Trouble("entry", here, "a file is where the layout has a folder; move it away")


def _records(view: View) -> Iterator[Trouble]:
    known = {project.id for project in projects_of(view.root)}
    with contextlib.suppress(ServerError):
        for entry in view.root.entries(REGISTRY).entries:
            name = entry.path.rpartition("/")[2]
            if entry.kind == "file" and name.endswith(".toml") and name.removesuffix(".toml") not in known:
                yield Trouble("record", entry.path, "this record of a project cannot be read")


def _told(view: View) -> Iterator[Trouble]:
    """Yield what only a person can mend."""
    for text in (*view.layout.problems, *sensitivity_of(view.root).problems):
        yield Trouble("policy", MARKER, text)
    for project in projects_of(view.root):
        if project.paths and not any(os.path.isdir(path) for path in project.paths):
            text = f"the folder of the project {project.name} is gone; run afs context init where it is now"
            yield Trouble("checkout", f"{REGISTRY}/{project.id}.toml", text)
    for mount in mounts_of(view.root):
        if not Path(mount.path).is_dir():
            yield Trouble("mount", f"{MOUNTS}/{mount.name}", "its folder is gone; remove it with mount_context")
    if view.layout.version == 2:
        for entry in view.root.entries().entries:
            if entry.path not in (*view.layout.categories, ".afs", "README.md"):
                text = "the layout does not know it; move it below a category, e.g. memory/common/"
                yield Trouble("entry", entry.path, text)


def _seen(view: View, seen: Seen, *, deep: bool) -> Iterator[Trouble]:
    path = escape(seen.path)
    if seen.kind == "link":
        with contextlib.suppress(ServerError):
            view.root.state(path)
            return
        yield Trouble("link", path, "it leads outside the context or nowhere; mount_context shares a folder")
    if deep and seen.kind == "file":
        yield from _looked_into(view.root, seen, path)


def _looked_into(root: Root, seen: Seen, path: str) -> Iterator[Trouble]:
    with contextlib.suppress(ServerError):
        if root.state(path).mode & _OTHERS_WRITE:
            yield Trouble("mode", path, "others than you may write it")
        if path.endswith(".jsonl") and time.time() - seen.modified_ns / 1e9 > _QUIET_SECONDS:
            keep = torn_at(root, path)
            if keep >= 0:
                yield Trouble("torn", path, f"its last line is broken (from byte {keep} of {seen.size})")


def torn_at(root: Root, path: str) -> int:
    """Return the byte where a torn last line of a JSONL file begins; -1 where the end is whole. Raises ServerError.

    A line is torn where it has no end and is no JSON, or holds NULs, as a power cut leaves them.
    """
    size = root.read(path, limit=0, tagged=False).size
    begin = max(0, size - _TAIL)
    data = root.read(path, limit=_TAIL, offset=begin, tagged=False).data
    if not data or data.endswith(b"\n"):
        start = data.rstrip(b"\n").rfind(b"\n") + 1
        return begin + start if b"\0" in data[start:] else -1
    start = data.rfind(b"\n") + 1
    if start == 0 and begin > 0:
        raise ServerError(f"{show(path)} has a last line of more than {_TAIL} bytes; look at it by hand")
    return -1 if _is_json(data[start:]) else begin + start


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
