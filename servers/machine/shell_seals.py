"""Seals: the files of a workspace that tell others what to run, which a command may read and never write or plant.

Whoever writes a git hook, a git config, an agent's settings or a shell's start-up file runs commands as the user, at
the next `git status` of an editor. Those that are there are bound read-only; those that a command makes are taken out
of the workspace again, at the latest when it ends, and kept in a folder aside.
"""

import contextlib
import functools
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from servers.machine.names import escape
from servers.machine.shell_folders import inside

__all__ = ["RULES", "Seal", "Seals", "is_sealed", "look_for_seals", "planted", "put_back", "set_aside"]

_GIT = ("hooks", "config", "config.worktree", "commondir")
_ANY = "*"
RULES: tuple[tuple[str, ...], ...] = (
    *((".git", name) for name in _GIT),
    *((".git", "modules", _ANY, name) for name in _GIT),
    *((".git", "worktrees", _ANY, name) for name in _GIT),
    *((name,) for name in (".mcp.json", ".claude", ".gemini", ".codex", ".cursor", ".vscode", ".idea")),
    *((name,) for name in ("claude.md", "claude.local.md", "gemini.md", "agents.md")),
    *((name,) for name in (".gitconfig", ".gitmodules", ".ripgreprc", ".inputrc", ".direnvrc")),
    *((name,) for name in (".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".profile")),
    *((name,) for name in (".zshrc", ".zshenv", ".zprofile", ".zlogin", ".zlogout")),
)
"""What is sealed wherever it lies, with all below it; in small letters, as names are compared without case."""
_ONE = frozenset(rule[0] for rule in RULES if len(rule) == 1)
_LONG = tuple(rule for rule in RULES if len(rule) > 1)
_MARKER = ".git"
"""A folder of this name is a repository; a file or link of this name says where one is, and is sealed."""
_LAST = frozenset(rule[-1].encode() for rule in RULES) | {_MARKER.encode()}
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


@functools.lru_cache(maxsize=4096)
def _folded(name: bytes) -> str:
    return os.fsdecode(name).casefold()


def is_sealed(path: bytes, *, folder: bool = False) -> bool:
    """Say whether a path below a workspace is sealed; `folder`: it is one, so that `.git` is a repository."""
    parts = [_folded(part) for part in path.split(b"/")]
    if not folder and parts[-1] == _MARKER:
        return True
    if not _ONE.isdisjoint(parts):
        return True
    return _MARKER in parts and any(_fits(parts, rule) for rule in _LONG)


def _fits(parts: list[str], rule: tuple[str, ...]) -> bool:
    last = len(parts) - len(rule)
    return any(
        all(wanted in (_ANY, part) for wanted, part in zip(rule, parts[start:], strict=False))
        for start in range(last + 1)
    )


def _names(root: int, path: bytes) -> Iterator[tuple[bytes, os.stat_result | None]]:
    """Give the names in a folder, with the state of each that could be sealed or entered."""
    with contextlib.suppress(OSError), inside(root, path) as folder, os.scandir(folder) as entries:
        for entry in entries:
            name = os.fsencode(entry.name)
            wanted = not name.isascii() or name.lower() in _LAST or entry.is_dir(follow_symlinks=False)
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
            if is_sealed(path, folder=kind == stat.S_IFDIR):
                found.append(seal._replace(link=_link(root, path)) if kind == stat.S_IFLNK else seal)
            elif kind == stat.S_IFDIR and name not in _PASSED_OVER:
                todo.append(path)
                if _folded(name) == _MARKER:
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
    return not above or above == _MARKER.encode()


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
