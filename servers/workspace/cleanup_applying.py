"""Doing a plan to clean up: each thing is looked at again, then moved to a trash below the same root; and undoing it.

The trash is laid out as desktops know it (`files/`, `info/NAME.trashinfo`): the user's own where that is below the
root, else `.Trash-UID` in the root. Nothing is deleted, and nothing is overwritten when it is put back.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from servers.machine.agent_files import AGENT_FILES
from servers.machine.beneath import NotThereError, Root
from servers.machine.errors import ServerError
from servers.machine.names import bytes_of, plain
from servers.machine.times import utc
from servers.workspace.cleanup_plan import Action, Move, Plan, Receipt, Sureness
from servers.workspace.duplicates_reading import full_hash, reached

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["apply_plan", "undo"]

_LONGEST = 150
_FILES = "files"
_OWN_TRASH = ".Trash-"
_CAP = 10_000_000


def apply_plan(
    plan: Plan,
    receipt_path: Path,
    *,
    sure: Sequence[Sureness],
    told: Callable[[int, int], None] = lambda _done, _total: None,
) -> Receipt:
    """Move what a plan names, as far as it is that sure, to the trash; write a receipt before and after.

    What is not as it was planned, or would leave no copy, stays. Raises ServerError.
    """
    wanted = [action for action in plan.actions if action.sure in sure]
    with Root(_path(plan.root), sealed=AGENT_FILES, private=True) as root:
        trash = _trash(_path(plan.root))
        moves = [_planned(plan, action, trash) for action in wanted]
        receipt = Receipt(plan=plan.id, made=utc(time.time_ns()), root=plan.root, moves=tuple(moves))
        receipt.write(receipt_path)
        try:
            above = "" if trash.startswith(_OWN_TRASH) else os.fsdecode(bytes_of(plan.root)).rstrip("/") + "/"
            for place, action in enumerate(wanted):
                moves[place] = _moved(root, action, moves[place], above)
                told(place + 1, len(wanted))
        finally:
            receipt = receipt.model_copy(update={"moves": tuple(moves)})
            receipt.write(receipt_path)
    return receipt


def _path(root: str) -> Path:
    return Path(os.fsdecode(bytes_of(root)))


def _trash(root: Path) -> str:
    """Return the trash of a root, below it."""
    own = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "Trash"
    with contextlib.suppress(ValueError):
        inner = str(own.absolute().relative_to(root.absolute()))
        if plain(os.fsencode(inner)):
            return inner
    return f"{_OWN_TRASH}{os.getuid() if hasattr(os, 'getuid') else 'user'}"


def _planned(plan: Plan, action: Action, trash: str) -> Move:
    leaf = action.path.rpartition("/")[2]
    name = f"{plan.id}-{action.number}" + (f"-{leaf}" if leaf.isascii() and len(leaf) < _LONGEST else "")
    trashed = f"{trash}/{_FILES}/{name}"
    return Move(number=action.number, path=action.path, trashed=trashed, info=_info_of(trashed), state="planned")


def _info_of(trashed: str) -> str:
    """Return the path of what the trash says of a file in it; empty for a path that is in no trash."""
    trash, _, name = trashed.rpartition(f"/{_FILES}/")
    return f"{trash}/info/{name}.trashinfo" if trash and "/" not in name else ""


def _moved(root: Root, action: Action, move: Move, above: str) -> Move:
    """Move one thing; `above` goes before its path where the trash wants absolute ones."""
    try:
        _check(root, action)
        path = quote(os.fsencode(above) + bytes_of(action.path))
        text = f"[Trash Info]\nPath={path}\nDeletionDate={utc(time.time_ns())[:19]}\n"
        root.write(move.info, text.encode())
        try:
            root.move(move.path, move.trashed)
        except ServerError:
            with contextlib.suppress(ServerError):
                root.remove(move.info)
            raise
    except (ServerError, OSError) as error:
        return move.model_copy(update={"state": "left", "why": str(error)})
    return move.model_copy(update={"state": "moved"})


def _check(root: Root, action: Action) -> None:
    """Raise ServerError where an action is not about what was planned, or no copy would stay."""
    changed = ServerError("it has changed since it was planned; plan again")
    state = root.state(action.path)
    if action.sort == "cache":
        if state.kind != "folder" or _content(root, action.path) != (action.files, action.size, action.modified_ns):
            raise changed
        return
    if (state.kind, state.size, state.modified_ns) != ("file", action.size, action.modified_ns):
        raise changed
    if action.sort == "duplicate":
        if _hash(root, action.path) != action.sha256:
            raise changed
        if not any(_stays(root, action, path) for path in action.keep):
            raise ServerError("none of the copies that were to stay is there as it was; plan again")


def _content(root: Root, path: str) -> tuple[int, int, int]:
    """Return the files, bytes and newest change below a folder, as the scan adds them up."""
    files = size = newest = 0
    with contextlib.closing(root.walk(path, cap=_CAP)) as walk:
        for seen in walk:
            if seen.kind == "file":
                files, size, newest = files + 1, size + seen.size, max(newest, seen.modified_ns)
    return files, size, newest


def _hash(root: Root, path: str) -> str:
    with reached(root, bytes_of(path)) as fd:
        return full_hash(fd).hex()


def _stays(root: Root, action: Action, path: str) -> bool:
    """Tell whether another file has the content: not this one by another name."""
    with contextlib.suppress(ServerError, OSError):
        if path != action.path and _identity(root, path) != _identity(root, action.path):
            return _hash(root, path) == action.sha256
    return False


def _identity(root: Root, path: str) -> tuple[int, int]:
    with reached(root, bytes_of(path)) as fd:
        state = os.fstat(fd)
        return state.st_dev, state.st_ino


def undo(receipt: Receipt, receipt_path: Path) -> Receipt:
    """Put back what a receipt says was moved; what is in the way stays, and so does the rest in the trash."""
    moves = list(receipt.moves)
    with Root(_path(receipt.root), sealed=AGENT_FILES, private=True) as root:
        try:
            for place, move in enumerate(moves):
                moves[place] = _put_back(root, move)
            _sweep(root, moves)
        finally:
            receipt = receipt.model_copy(update={"moves": tuple(moves)})
            receipt.write(receipt_path)
    return receipt


def _sweep(root: Root, moves: Sequence[Move]) -> None:
    """Remove what a killed clean-up left of a file that it had not finished beside what it wrote of its moves."""
    for folder in {info.rpartition("/")[0] for move in moves if (info := _info_of(move.trashed))}:
        with contextlib.suppress(ServerError), root.below(folder) as inner:
            inner.swept()


def _put_back(root: Root, move: Move) -> Move:
    if move.state not in ("moved", "planned"):
        return move
    info = _info_of(move.trashed)
    if not info:
        return move.model_copy(update={"state": "moved", "why": "the receipt names no file in a trash"})
    try:
        root.move(move.trashed, move.path)
    except NotThereError:
        return _not_there(root, move, info)
    except ServerError as error:
        return move.model_copy(update={"state": "moved", "why": str(error)})
    with contextlib.suppress(ServerError):
        root.remove(info)
    return move.model_copy(update={"state": "back", "why": ""})


def _not_there(root: Root, move: Move, info: str) -> Move:
    """Return what became of a thing that is not in the trash: put back by an undo that was killed, or never moved."""
    try:
        root.state(move.path)
    except ServerError:
        return move.model_copy(update={"why": "it is not in the trash any more"})
    with contextlib.suppress(ServerError):
        root.remove(info)
    if move.state == "planned":
        return move.model_copy(update={"state": "left", "why": "it was never moved"})
    return move.model_copy(update={"state": "back", "why": ""})
