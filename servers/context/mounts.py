"""Mounts: folders outside the context that the user lets agents read, as `mounts/<name>/...`; never written."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, cast

from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.beneath import NotThereError, Place, Root, TakenError
from servers.machine.errors import ServerError
from servers.machine.layout_policies import said_by
from servers.machine.names import parse, show
from servers.machine.real_path import real_path
from servers.machine.sensitivity import is_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.context.opened import Opened
    from servers.machine.face import Face

__all__ = ["MOUNTS", "Mount", "MountDone", "mount", "mount_at", "mounts_of", "offer_mounting"]

MOUNTS = "mounts"
"""The first part of a path that leads into a mount."""
TABLE = ".afs/mounts.toml"
"""Where the mounts are kept, below the context root."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_LIMIT = 256_000
_MOST = 50
_SYSTEM = frozenset(["bin", "boot", "dev", "etc", "lib", "lib64", "proc", "root", "run", "sbin", "sys", "usr", "var"])
"""Top folders whose content is not a user's own work."""
_COUNTED = 20_000


class Mount(NamedTuple):
    """A folder that can be read as `mounts/<name>`."""

    name: str
    path: str


class MountDone(Frozen):
    """What `mount_context` did, or would do."""

    name: str
    path: str
    state: str = Field(description="mounted, removed or asked: nothing is done before confirm is given")
    files: int = Field(description="files in the folder; counting stops at 20000")
    confirm: str = Field(description="give this text as confirm when the user has agreed; empty: nothing to confirm")

    def as_text(self) -> str:
        """Return one or two lines."""
        many = f"{self.files}{' or more' if self.files >= _COUNTED else ''} files"
        if self.state == "removed":
            return f"removed the mount {self.name} ({self.path}); the folder itself is untouched"
        if self.state == "mounted":
            return f"mounted {self.path} ({many}): read it as {MOUNTS}/{self.name}/..."
        return (
            f"asked: agents could read {self.path} ({many}) as {MOUNTS}/{self.name}/...; nothing is done yet.\n"
            f"When the user has agreed, call mount_context again with confirm={self.confirm!r}"
        )


def mounts_of(root: Root) -> tuple[Mount, ...]:
    """Return the mounts of a context root, in order of their names; an entry that is none is left out."""
    table = said_by(root, TABLE).values.get("mounts")
    items = cast("dict[str, object]", table) if isinstance(table, dict) else {}
    return tuple(Mount(name, path) for name, path in sorted(items.items()) if isinstance(path, str) and _is_name(name))


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def mount_at(root: Root, path: str, *, context: Path) -> Place | None:
    """Open the mount that a path leads into, and return the path below it; None where it names no mount.

    `context` is the folder of the context. Raises ServerError: the folder is gone or is one that is never mounted, or
    the file holds secrets.
    """
    name, _, inner = path.removeprefix(f"{MOUNTS}/").partition("/")
    found = [mount for mount in mounts_of(root) if mount.name == name]
    if not found:
        return None
    folder = Path(found[0].path)
    _check(folder, context)
    try:
        place = Place(Root(folder), inner)
    except NotThereError as error:
        step = f"call mount_context with name {name} and another path, or with none to remove it"
        raise ServerError(f"the folder of the mount {name} is gone; {step}") from error
    if is_secret(b"/".join(parse(inner))) or is_secret(real_path(place.root, folder, inner)):
        place.root.close()
        raise ServerError(f"{show(path)} has the name of a file with keys or passwords, which no mount shows")
    return place


def _check(folder: Path, context: Path) -> None:
    """Raise ServerError for a folder that is not to be shown to agents as a whole."""
    home, real = Path.home(), Path(os.path.realpath(folder))
    homes = {home, Path(os.path.realpath(home))}
    step = "name a folder of documents, e.g. that of your hack"
    if any(place == real or real in place.parents for place in homes):
        raise ServerError(f"{show(str(folder))} holds your whole home; {step}")
    inside = [place for place in homes if place in real.parents]
    shown = real.relative_to(inside[0]) if inside else real.relative_to(real.anchor)
    if not shown.parts or (not inside and shown.parts[0] in _SYSTEM):
        raise ServerError(f"{show(str(folder))} is a folder of the system; {step}")
    if any(part.startswith(".") or is_secret(part) for part in shown.parts):
        raise ServerError(f"{show(str(folder))} is hidden or holds keys or passwords, so it is never mounted; {step}")
    kept = Path(os.path.realpath(context))
    if real == kept or real in kept.parents or kept in real.parents:
        raise ServerError(f"{show(str(folder))} is part of the context or holds it; {step}")


def _add(root: Root, mount: Mount) -> None:
    def changed(mounts: dict[str, str]) -> None:
        mounts[mount.name] = mount.path
        if len(mounts) > _MOST:
            raise ServerError(f"there are {_MOST} mounts already; remove one first")

    _edit(root, changed)


def _remove(root: Root, name: str) -> Mount:
    """Take a mount away; the folder is untouched. Raises ServerError where there is none of that name."""
    found = [mount for mount in mounts_of(root) if mount.name == name]
    if not found:
        known = ", ".join(mount.name for mount in mounts_of(root)) or "none"
        raise ServerError(f"no mount is named {show(name)}; the mounts are: {known}")
    _edit(root, lambda mounts: mounts.pop(name, None))
    return found[0]


def _wanted(name: str, path: str, context: Path) -> Mount:
    if not _is_name(name):
        raise ServerError(f"{show(name)} is no name for a mount; use 1 to 40 of a-z, 0-9, - and _, e.g. oracle-docs")
    try:
        folder = Path(path).expanduser()
        if not folder.is_absolute():
            raise ServerError(f"{show(path)} is relative; give the whole path of the folder, e.g. ~/src/hack/docs")
        folder = Path(os.path.normpath(folder))
        _check(folder, context)
        Root(folder).close()
    except (ValueError, RuntimeError) as error:
        raise ServerError(f"{show(path)} is no path; name a folder") from error
    return Mount(name, str(folder))


def _edit(root: Root, change: Callable[[dict[str, str]], object]) -> None:
    from servers.machine.artifacts import toml_string

    def edited(_old: bytes) -> bytes:
        mounts = {mount.name: mount.path for mount in mounts_of(root)}
        change(mounts)
        lines = [f"{toml_string(name)} = {toml_string(path)}" for name, path in sorted(mounts.items())]
        return "\n".join(["# Folders that agents may read: mount_context", "[mounts]", *lines, ""]).encode("utf-8")

    with contextlib.suppress(TakenError):
        root.write(TABLE, b"[mounts]\n")
    root.edit(TABLE, edited, limit=_LIMIT)


def _count(path: str) -> int:
    with Root(Path(path)) as folder, contextlib.closing(folder.walk(cap=_COUNTED, measured=False)) as walk:
        return sum(seen.kind == "file" for seen in walk)


def mount(opened: Opened, name: str, path: str, confirm: str) -> MountDone:
    """Mount a folder, remove a mount (no path), or say what would be done. Raises ServerError."""
    root = opened.root(create=True)
    if not path.strip():
        gone = _remove(root, name)
        return MountDone(name=gone.name, path=gone.path, state="removed", files=0, confirm="")
    wanted = _wanted(name, path, opened.settings.context_root)
    text = f"share {wanted.path} as {wanted.name}"
    files = _count(wanted.path)
    if confirm != text:
        return MountDone(name=wanted.name, path=wanted.path, state="asked", files=files, confirm=text)
    _add(root, wanted)
    return MountDone(name=wanted.name, path=wanted.path, state="mounted", files=files, confirm="")


def offer_mounting(face: Face, opened: Opened) -> None:
    """Offer the tool that mounts a folder."""
    from servers.machine.face import WRITES

    @face.offer(WRITES, title="Let agents read a folder")
    def mount_context(
        name: Annotated[str, Field(description="name of the mount: 1 to 40 of a-z, 0-9, - and _")],
        path: Annotated[str, Field(description="whole path of the folder; empty: remove the mount")] = "",
        confirm: Annotated[str, Field(description="empty: only say what would be shared; else the text it gave")] = "",
    ) -> MountDone:
        """Let agents read a folder outside the context, e.g. a hack's documents, as mounts/<name>/... (read-only).

        The first call says what would be shared; ask the user, then call again with the confirm text that it gave.
        """
        return mount(opened, name, path, confirm)
