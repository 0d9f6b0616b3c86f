"""Mending a context root: folders made, broken pieces put aside, never anything deleted; all of it can be undone."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from servers.context.laying import marker_text
from servers.context.moved import Moves
from servers.context.surveying import Trouble, survey, torn_at
from servers.machine.errors import ServerError
from servers.machine.layout import MARKER, layout_of
from servers.machine.layout_policies import VERSION_2, said_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.context.opened import Opened
    from servers.machine.beneath import Root

__all__ = ["Repaired", "repair"]


class Repaired(NamedTuple):
    """What was done (or would be), what could not be, and what only a person can mend."""

    done: tuple[str, ...]
    failed: tuple[str, ...]
    told: tuple[str, ...]
    undo: str
    """The name of the record for `--undo`; empty: nothing was moved."""


def repair(opened: Opened, *, dry_run: bool = False) -> Repaired:
    """Mend what can be mended. Raises ServerError where the root is not there."""
    root = opened.root()
    moves = Moves(root)
    done: list[str] = []
    failed: list[str] = []
    _marker(root, moves, done, dry_run=dry_run)
    swept = 0 if dry_run else root.swept()
    done += [f"removed {swept} temporary files that killed writers had left"] if swept else []
    if dry_run and done:  # the rest is seen only by a marker that can be read
        return Repaired(tuple(done), (), (), "")
    found = survey(opened.view(), deep=True).troubles
    for trouble in found:
        if trouble.mended:
            try:
                done.append(_line(trouble) if dry_run else _mended(root, moves, trouble))
            except ServerError as error:
                failed.append(f"{trouble.path}: {error}")
    told = tuple(f"{trouble.path}: {trouble.text}" for trouble in found if not trouble.mended)
    return Repaired(tuple(done), tuple(failed), told, moves.close())


def _line(trouble: Trouble) -> str:
    return f"would mend {trouble.path}: {trouble.text}"


def _marker(root: Root, moves: Moves, done: list[str], *, dry_run: bool) -> None:
    """Put a marker that cannot be read aside, and write a new one where the folders say version 2."""
    try:
        layout_of(root)
    except ServerError as error:
        new = any(_is_folder(root, f"{name}/common") for name in VERSION_2)
        if dry_run:
            done.append(f"would put {MARKER} aside: {error}")
            return
        moves.move(MARKER, f"{moves.aside}/layout.toml")
        if new:
            root.write(MARKER, marker_text())
        done.append(f"put the broken {MARKER} aside{', and wrote a new one: version 2' if new else ''}")


def _is_folder(root: Root, path: str) -> bool:
    with contextlib.suppress(ServerError):
        return root.state(path).kind == "folder"
    return False


def _mended(root: Root, moves: Moves, trouble: Trouble) -> str:
    """Mend one thing, and return what was done. Raises ServerError."""
    ways: dict[str, Callable[[Root, Moves, str], str]] = {
        "folder": _made,
        "record": _set_aside,
        "torn": _cut,
        "mode": _closed,
    }
    return ways[trouble.code](root, moves, trouble.path)


def _made(root: Root, _moves: Moves, path: str) -> str:
    root.make_folder(path)
    return f"made {path}/"


def _set_aside(root: Root, moves: Moves, path: str) -> str:
    problem = said_by(root, path).problem or "it names no project"
    moves.move(path, f"{moves.aside}/{path}")
    return f"put {path} aside: {problem}"


def _cut(root: Root, moves: Moves, path: str) -> str:
    keep = torn_at(root, path)
    if keep < 0:
        return f"{path} is whole by now"
    moves.cut(path, keep)
    return f"put the broken last line of {path} aside, from byte {keep} on"


def _closed(root: Root, _moves: Moves, path: str) -> str:
    with root.opened(path) as fd:
        mode = os.fstat(fd).st_mode & 0o777
        try:
            os.fchmod(fd, mode & ~0o022)
        except OSError as error:
            text = f"its permissions cannot be changed ({error.strerror}); whose file is it?"
            raise ServerError(text) from error
    return f"let nobody else write {path} (mode {mode:o} -> {mode & ~0o022:o})"
