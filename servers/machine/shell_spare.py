"""A sandbox made ahead for the next command of a server, which waits at its beginning and is used once, or thrown away.

Making a sandbox takes more than half of the time of a small command. One made ahead is used only where it shows and
bounds what one made now would: the same workspace, with the same repositories and sealed files, the same limits and
folders of the system, and no change of a mount since. Files are copied, and a command is told, when it is used. One
that can't be made is none: then the command makes its own.
"""

import contextlib
import io
import os
import select
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from servers.machine import landlock
from servers.machine.bubblewrap import Gate, at_most_seconds
from servers.machine.confined_process import Ended
from servers.machine.errors import ServerError
from servers.machine.process_start import Launch, Program
from servers.machine.sandbox_marks import Mark
from servers.machine.shell_copy import TreeCopy
from servers.machine.shell_folders import FOLDER
from servers.machine.shell_places import new_place, remove_place_later, remove_places
from servers.machine.shell_profile import (
    Bound,
    ShellLimits,
    Shown,
    bound,
    by_bubblewrap,
    shell_words,
    system_state,
    to_bind,
)
from servers.machine.shell_seals import Seals, look_for_seals
from servers.machine.spare_network import spare_network

__all__ = ["Ahead", "Copied", "Waiting", "Wish", "wish_of"]

_WAIT = (
    "printf .; IFS= read -r -d '' cpu && IFS= read -r -d '' cwd && IFS= read -r -d '' BASH_EXECUTION_STRING || exit 1; "
    'ulimit -t "$cpu" || exit 1; [[ $cwd == "$PWD" ]] || cd -- "$cwd" || exit 1; printf .; '
    'unset cpu cwd OLDPWD; export OLDPWD; SECONDS=0; eval "$BASH_EXECUTION_STRING"'
)
"""What bash does while it waits: it says that it does, is told how long, where and what, says that it begins, and is
then as one that has just been started with that command. One line, so that the command's own begin with 1."""
_SIGN = b"."
_LONGEST_SECONDS = 600.0
_LONGEST_COMMAND = 8_192
"""Bytes of a command; the shell that waits reads them one by one."""
_PATIENCE = 5.0
"""Seconds that a sandbox gets to be made."""
_MOMENT = 0.3
"""Seconds that a command waits for one that is being made."""
_AFTER = 0.0005
"""Seconds that an answer has to be on its way before the next is made."""


class Copied:
    """A copy of a workspace in a place of its own, removed when the stack that it was made with ends."""

    def __init__(self, root: int, stack: contextlib.ExitStack) -> None:
        """Make the place and no more. Raises ServerError, OSError."""
        self.place = new_place(stack)
        self.later: Callable[[], bool] = lambda: False
        """Says whether the removal may come some time after the stack's end."""
        stack.callback(self._remove)
        self.work = os.open(self.place.work, FOLDER)
        stack.callback(os.close, self.work)
        self.tree = TreeCopy(root, self.work, owner=landlock.NOBODY if os.geteuid() == 0 else os.geteuid())

    def shown(self, root: Path, seals: Seals) -> Shown:
        """Copy what is bound of a workspace, and return how the copy is shown at its path."""
        self.tree.begin([seal.path for seal in to_bind(seals)])
        return Shown(self.place.work, root, bound(self.work, look_for_seals(self.work)))

    def _remove(self) -> None:
        (remove_place_later if self.later() else remove_places)(self.place.above)


class Wish(NamedTuple):
    """All that a sandbox is made of."""

    root: Path
    bound: tuple[Bound, ...]
    limits: ShellLimits
    """But for the seconds."""
    shell: str
    system: tuple[tuple[int, int], ...]
    user: int


def wish_of(root: Path, folder: int, seals: Seals, limits: ShellLimits) -> Wish:
    """Return what a sandbox for a command is made of now. Raises ServerError where there is no shell."""
    alike = limits._replace(wall_seconds=_LONGEST_SECONDS)
    return Wish(root, bound(folder, seals), alike, shell_words("")[0], system_state(), os.geteuid())


class _Mounts:
    """Tells whether anything has been mounted or unmounted, where a process is."""

    def __init__(self, process: str, stack: contextlib.ExitStack) -> None:
        table = stack.enter_context(io.FileIO(f"/proc/{process}/mounts", "r"))
        self._poll = select.poll()
        self._poll.register(table, select.POLLPRI)
        self.places = frozenset(line.split(b" ")[1] for line in table.readall().splitlines())
        """Where something is mounted, as the kernel escapes it."""

    def changed(self) -> bool:
        """Say whether that is no longer so."""
        return bool(self._poll.poll(0))


def _escaped(path: bytes) -> bytes:
    for sign in b"\\", b" ", b"\t", b"\n":
        path = path.replace(sign, b"\\%03o" % ord(sign))
    return path


class Waiting(NamedTuple):
    """A sandbox that waits for its command."""

    wish: Wish
    launch: Launch
    gate: Gate
    program: Program
    mark: Mark
    shown: Shown
    copied: Copied | None
    mounts: tuple[_Mounts, ...]
    stack: contextlib.ExitStack
    """Ends it, and removes its copy."""

    def fits(self, wish: Wish) -> bool:
        """Say whether it lives, is what is wished for, and shows what it did; what is bound of a copy is renewed."""
        if self.program.running().poll() is not None or wish != self.wish:
            return False
        if any([mounts.changed() for mounts in self.mounts]):
            return False
        return self.copied is None or (self.copied.place.work.exists() and self.copied.tree.renew())

    @staticmethod
    def began(ended: Ended) -> Ended | None:
        """Return how a command ended, with its own output; None when it never began."""
        out = ended.stdout
        if not out.head.startswith(_SIGN):
            return None
        return ended._replace(stdout=out._replace(head=out.head[len(_SIGN) :], size=out.size - len(_SIGN)))

    def told(self, command: str, cwd: str, seconds: float) -> bytes:
        """Return what it is told to run."""
        place = os.path.join(self.shown.place, cwd)
        return b"".join(os.fsencode(word) + b"\0" for word in (str(at_most_seconds(int(seconds) + 1)), place, command))


def _made(root: Path, limits: ShellLimits) -> Waiting:
    """Make a sandbox that waits. Raises ServerError, OSError."""
    with contextlib.ExitStack() as stack:
        around = _Mounts("self", stack)
        if os.path.basename(shell_words("")[0]) != "bash":
            raise ServerError("only bash can wait")
        folder = os.open(root, FOLDER & ~os.O_NOFOLLOW)
        stack.callback(os.close, folder)
        seals = look_for_seals(folder)
        wish = wish_of(root, folder, seals, limits)
        copied = Copied(folder, stack) if os.geteuid() == 0 else None
        shown = copied.shown(root, seals) if copied else Shown(root, root, wish.bound)
        mark, parts = Mark(), stack.enter_context(contextlib.ExitStack())
        bounds = wish.limits.bounds(mark.value)
        launch, gate = by_bubblewrap(
            shell_words(_WAIT), shown, bounds, temporary_bytes=limits.temporary_bytes, stack=parts
        )
        program = Program(launch, stays=True)
        stack.callback(program.close)
        program.start(_nothing)
        if not select.select([program.ends.stdout], [], [], _PATIENCE)[0] or program.ends.stdout.read(1) != _SIGN:
            raise ServerError("the sandbox made ahead did not begin")
        within = _Mounts(str(gate.first_process), stack)
        places = {_escaped(os.path.join(os.fsencode(shown.place), item.path).rstrip(b"/")) for item in shown.bound}
        if not places <= within.places:  # who replaces a bound file unmounts it
            raise ServerError("the workspace was changed while a sandbox was made ahead")
        return Waiting(wish, launch, gate, program, mark, shown, copied, (around, within), stack.pop_all())


def _nothing() -> None:
    """Do nothing meanwhile."""


class Ahead:
    """At most one sandbox that waits, of one server; it ends with this at the latest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Waiting] = []
        self._closed = False
        weakref.finalize(self, _end, self._waiting)

    def take(self, command: str, wish: Callable[[], Wish]) -> Waiting | None:
        """Return the sandbox that waits, for the caller to end, if it is what is wished for."""
        if len(command) > _LONGEST_COMMAND or not self._lock.acquire(timeout=_MOMENT):
            return None
        waiting = self._waiting.pop() if self._waiting else None
        self._lock.release()
        if waiting is None:
            return None
        with contextlib.ExitStack() as stack:
            stack.callback(_beside, waiting.stack.close)
            if waiting.fits(wish()):
                stack.pop_all()
                return waiting
        return None

    def prepare(self, root: Path, limits: ShellLimits) -> None:
        """Begin to make the next one, beside the caller, for a command in the folder `root`."""

        def later() -> None:
            time.sleep(_AFTER)
            self.prepare_now(root, limits)

        _beside(later)

    def prepare_now(self, root: Path, limits: ShellLimits) -> None:
        """Make the next one, unless one waits; where it can't be made, none does."""
        with self._lock:
            if self._waiting or self._closed:
                return
            with contextlib.suppress(OSError, ServerError):
                self._waiting.append(_made(root, limits))
        spare_network()  # for a command that this one is not made for

    def close(self) -> None:
        """End the one that waits; no other is made."""
        with self._lock:
            self._closed = True
            _end(self._waiting)


def _end(waiting: list[Waiting]) -> None:
    while waiting:
        waiting.pop().stack.close()


def _beside(work: Callable[[], None]) -> None:
    """Do it in a thread; or here, where none can be started."""
    try:
        threading.Thread(target=work, name="afs-ahead").start()
    except RuntimeError:
        work()
