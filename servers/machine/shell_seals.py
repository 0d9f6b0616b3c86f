"""Seals: the files of a workspace that tell others what to run, which a command may read and never write or plant.

Whoever writes a git hook, a git config, an agent's settings or a shell's start-up file runs commands as the user, at
the next `git status` of an editor. Those that are there are bound read-only; those that a command makes are taken out
of the workspace again, at the latest when it ends, and kept in a folder aside.
"""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from servers.machine.agent_files import AGENT_FILES, REPOSITORY
from servers.machine.beneath_sealed import Sealed
from servers.machine.names import escape
from servers.machine.shell_folders import inside

__all__ = ["Seal", "Seals", "is_sealed", "look_for_seals", "planted", "put_back", "set_aside"]

_SEALED = Sealed(AGENT_FILES)
_LAST = frozenset(rule.rpartition("/")[2].encode() for rule in AGENT_FILES) | {REPOSITORY.encode()}
_PASSED_OVER = frozenset([b"node_modules", b"__pycache__", b".venv", b"objects"])
_CAP = 20_000
"""Names that are looked at, from the top down: a plant deeper down is found by nobody who happens to pass."""


class Seal(NamedTuple):
    """A sealed file, folder or link by its path below the workspace; `identity` is device and inode."""

    path: bytes
    kind: int
    """`stat.S_IFREG`, `stat.S_IFDIR`, `stat.S_IFLNK`, or another."""
    identity: tuple[int, int]
    link: bytes = b""
    """Where a link leads."""


class Seals(NamedTuple):
    """What is sealed in a workspace, and the repositories above it, which must not be moved away."""

    found: tuple[Seal, ...]
    pins: tuple[Seal, ...]


def is_sealed(path: bytes, kind: int = stat.S_IFREG) -> bool:
    """Say whether a path below a workspace is sealed. `kind`, as of `Seal`: a folder `.git` is a repository.

    A link is sealed too where it would lead to something sealed, e.g. one that is `.git/modules`.
    """
    parts = path.split(b"/")
    if _SEALED.reason(parts):
        return True
    if kind != stat.S_IFDIR and _is_repository(parts[-1]):
        return True
    return kind == stat.S_IFLNK and bool(_SEALED.above(parts))


def _is_repository(name: bytes) -> bool:
    return os.fsdecode(name).casefold() == REPOSITORY


def _names(root: int, path: bytes) -> Iterator[tuple[bytes, os.stat_result | None]]:
    """Give the names in a folder, with the state of each that could be sealed or entered."""
    with contextlib.suppress(OSError), inside(root, path) as folder, os.scandir(folder) as entries:
        for entry in entries:
            name = os.fsencode(entry.name)
            wanted = not entry.is_file(follow_symlinks=False) or not name.isascii() or name.lower() in _LAST
            state = None
            if wanted:
                with contextlib.suppress(OSError):
                    state = os.stat(name, dir_fd=folder, follow_symlinks=False)
            yield name, state


def look_for_seals(root: int) -> Seals:
    """Find what is sealed below the open folder `root`, from the top down, through no link."""
    found: list[Seal] = []
    pins: list[Seal] = []
    todo, seen = [b""], 0
    for above in todo:
        if seen > _CAP:
            break
        for name, state in _names(root, above):
            seen += 1
            if state is None:
                continue
            path = above + b"/" + name if above else name
            kind = stat.S_IFMT(state.st_mode)
            seal = Seal(path, kind, (state.st_dev, state.st_ino))
            if is_sealed(path, kind):
                found.append(seal._replace(link=_link(root, path)) if kind == stat.S_IFLNK else seal)
            elif kind == stat.S_IFDIR and name not in _PASSED_OVER:
                todo.append(path)
                if _is_repository(name):
                    pins.append(seal)
    return Seals(tuple(found), tuple(pins))


def _link(root: int, path: bytes) -> bytes:
    above, _, name = path.rpartition(b"/")
    with contextlib.suppress(OSError), inside(root, above) as folder:
        return os.readlink(name, dir_fd=folder)
    return b""


def planted(before: Seals, now: Seals) -> tuple[Seal, ...]:
    """Return what is sealed now and was not there before, by its identity: what the user has moved is no plant.

    The number of a link that was removed may be another name's now, so that its kind and target have to be the same.
    A file at the top that was bound read-only can't be replaced by the command: a new one there is the user's.
    """
    known = {seal[1:] for seal in before.found}
    bound = {seal.path for seal in before.found if seal.kind != stat.S_IFLNK and _held(seal.path)}
    return tuple(seal for seal in now.found if seal[1:] not in known and seal.path not in bound)


def _held(path: bytes) -> bool:
    """Say whether no folder above a path can be moved: it lies at the top, or in the repository there."""
    above = path.rpartition(b"/")[0]
    return not above or above == REPOSITORY.encode()


def set_aside(root: int, seals: Iterable[Seal], aside: Path) -> list[str]:
    """Move what was planted out of the workspace into the folder `aside`; return the paths, as they are shown."""
    gone: list[str] = []
    for seal in seals:
        above, _, name = seal.path.rpartition(b"/")
        with contextlib.suppress(OSError), inside(root, above) as folder:
            aside.mkdir(mode=0o700, parents=True, exist_ok=True)
            target = os.fsencode(aside) + b"/" + f"{len(os.listdir(aside))}-".encode() + name[:200]
            _move(folder, name, target)
            gone.append(escape(seal.path))
    return gone


def _move(folder: int, name: bytes, target: bytes) -> None:
    """Move a name out of a folder, also to another file system. Raises OSError."""
    try:
        os.rename(name, target, src_dir_fd=folder)
    except OSError:
        source = f"/proc/self/fd/{folder}/".encode() + name
        state = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(state.st_mode):
            with contextlib.suppress(shutil.Error):
                shutil.copytree(os.fsdecode(source), os.fsdecode(target), symlinks=True)
            shutil.rmtree(name, dir_fd=folder)
            return
        if stat.S_ISREG(state.st_mode) or stat.S_ISLNK(state.st_mode):
            shutil.copyfile(source, target, follow_symlinks=False)
        os.unlink(name, dir_fd=folder)


def put_back(root: int, before: Seals) -> list[str]:
    """Make the sealed links again that a command has taken away; return their paths, as they are shown."""
    made: list[str] = []
    for seal in before.found:
        above, _, name = seal.path.rpartition(b"/")
        if seal.kind == stat.S_IFLNK:
            with contextlib.suppress(OSError), inside(root, above) as folder:
                os.symlink(seal.link, name, dir_fd=folder)
                made.append(escape(seal.path))
    return made
