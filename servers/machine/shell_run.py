"""A shell command run in the sandbox: in place where this user may, else in a copy whose changes come back.

Root gives itself up, and Landlock cannot hold a part of a folder read-only: both work in a copy. Under bubblewrap a
normal user's command works in the workspace itself.
"""

import contextlib
import functools
import os
import stat
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from servers.machine import landlock
from servers.machine.bubblewrap import Gate, ResourceLimits
from servers.machine.confined_process import Captured, Ended, Job, Room
from servers.machine.errors import ServerError
from servers.machine.process_start import Launch
from servers.machine.sandbox_launch import Backend
from servers.machine.sandbox_marks import Mark
from servers.machine.shell_copy import Pair, TreeCopy, changes_of
from servers.machine.shell_folders import FOLDER
from servers.machine.shell_places import Place, new_place, remove_place_later, remove_places
from servers.machine.shell_profile import (
    GO,
    Bound,
    Shown,
    by_bubblewrap,
    by_landlock,
    by_nothing,
    by_sandbox_exec,
    shell_words,
)
from servers.machine.shell_return import RETURN_FILES, bring_back
from servers.machine.shell_seals import Seals, look_for_seals, planted, put_back, set_aside
from servers.machine.spare_network import spare_network
from servers.machine.wire import shorten

__all__ = ["Confinement", "ShellEnded", "ShellLimits", "ShellRun"]

Confinement = Literal["bubblewrap", "landlock", "sandbox-exec", "none"]
_SYSTEM = frozenset(
    map(Path, ("/", "/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64", "/proc", "/dev", "/sys", "/run"))
)
_SHOWN_PATHS = 20
_INODES = 200_000
_BOUND = (stat.S_IFREG, stat.S_IFDIR)


class ShellLimits(NamedTuple):
    """What one command may take. Bytes, seconds and counts."""

    wall_seconds: float = 60.0
    address_bytes: int = 4 << 30
    """Of each process."""
    memory_bytes: int = 2 << 30
    """Of all processes together, looked at twenty times a second."""
    file_bytes: int = 1 << 30
    disk_bytes: int = 2 << 30
    """By which the free space of the workspace's disk may shrink."""
    temporary_bytes: int = 64 << 20
    open_files: int = 256
    processes: int = 96
    head_bytes: int = 20_000
    tail_bytes: int = 20_000
    flood_bytes: int = 64 << 20
    """Of each stream; a command that writes more is ended."""


class ShellEnded(NamedTuple):
    """How a command ended. `exit_code` is 128 + N for signal N; `notes` say what became of the files."""

    exit_code: int
    stdout: Captured
    stderr: Captured
    timed_out: bool
    ended_for: str
    """Why it was ended before its time; empty when it ended by itself."""
    confinement: Confinement
    seconds: float
    notes: tuple[str, ...]


class ShellRun:
    """One command. `run` blocks its thread; `cancel` may be called from any other."""

    def __init__(
        self,
        command: str,
        *,
        root: Path,
        cwd: str = "",
        limits: ShellLimits,
        aside: Path,
        confinement: Callable[[], Confinement],
    ) -> None:
        """Take the workspace `root`, the folder `cwd` below it, and the folder that planted files are moved to.

        `confinement` says which back end is used; it may raise ServerError.
        """
        self._command, self._cwd, self._limits, self._aside = command, cwd, limits, aside
        self._root = Path(os.path.realpath(root))
        self._choose = confinement
        self._lock, self._over = threading.Lock(), threading.Event()
        self._cancelled = self._began = False
        self._job: Job | None = None
        self._notes: list[str] = []

    def cancel(self) -> None:
        """End the command now, bring nothing back, and wait until all is cleaned up."""
        with self._lock:
            self._cancelled = True
            job, began = self._job, self._began
        if job is not None:
            job.cancel()
        if began:
            self._over.wait()

    def run(self) -> ShellEnded:
        """Run the command and return how it ended. Raises ServerError: no sandbox, too much to copy, nothing ran."""
        with self._lock:
            if self._cancelled:
                raise ServerError("cancelled before it began; call again")
            self._began = True
        try:
            return self._run()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ServerError(f"the command could not be run ({reason}); check the workspace and its disk") from error
        finally:
            self._over.set()

    def _run(self) -> ShellEnded:
        if self._root in _SYSTEM:
            raise ServerError(
                f"{self._root} is a folder of the system, too much for a workspace: set AFS_PROJECT_ROOT to a project"
            )
        confinement = self._choose()
        with contextlib.ExitStack() as stack:
            root = os.open(self._root, FOLDER & ~os.O_NOFOLLOW)
            stack.callback(os.close, root)
            if confinement == "landlock" or (confinement == "bubblewrap" and os.geteuid() == 0):
                return self._in_copy(root, confinement, stack)
            return self._in_place(root, confinement, stack)

    def _in_place(self, root: int, confinement: Confinement, stack: contextlib.ExitStack) -> ShellEnded:
        before = look_for_seals(root)
        shown = Shown(self._root, self._root, self._cwd, _bound(root, before))
        try:
            ended = self._started(confinement, shown, stack, tidy=lambda: self._take_out(root, before))
        finally:
            self._take_out(root, before)
        return self._told(ended, confinement)

    def _take_out(self, root: int, before: Seals) -> None:
        """Move what has been planted since out of the workspace, and say so."""
        gone = set_aside(root, planted(before, look_for_seals(root)), self._aside)
        if gone:
            self._notes.append(f"moved to {self._aside}, since it tells others what to run: {_some(gone)}")
        made = put_back(root, before)
        if made:
            self._notes.append(f"made again: {_some(made)}")

    def _in_copy(self, root: int, confinement: Backend, stack: contextlib.ExitStack) -> ShellEnded:
        place = new_place(stack)
        stack.callback(self._removed, place)
        work = os.open(place.work, FOLDER)
        stack.callback(os.close, work)
        copy = TreeCopy(root, work, owner=landlock.NOBODY if os.geteuid() == 0 else os.geteuid())
        if confinement == "bubblewrap":
            copy.begin(_to_bind(look_for_seals(root)))
            shown = Shown(place.work, self._root, self._cwd, _bound(work, look_for_seals(work)))
            ended = self._started(confinement, shown, stack, meanwhile=lambda: self._finish(copy))
        else:
            copy.begin(())
            copy.finish()
            temporary = place.above / "tmp"
            temporary.mkdir()
            _give(temporary)
            shown = Shown(place.work, place.work, self._cwd, temporary=temporary)
            self._notes.append(f"it ran in a copy of the workspace, {place.work}")
            ended = self._started(confinement, shown, stack)
        if not self._cancelled:
            self._bring_back(root, work, copy.pairs)
        return self._told(ended, confinement)

    @staticmethod
    def _finish(copy: TreeCopy) -> None:
        copy.finish()
        spare_network()  # for the next command, while this one starts

    def _removed(self, place: Place) -> None:
        """Remove the copy: later, since the answer does not wait for it, or now."""
        if self._cancelled:
            remove_places(place.above)
        else:
            remove_place_later(place.above)

    def _bring_back(self, root: int, work: int, pairs: Mapping[bytes, Pair]) -> None:
        try:
            changes = changes_of(work, pairs, most=RETURN_FILES)
            returned = bring_back(root, work, changes)
        except ServerError as error:
            self._notes.append(f"nothing was brought back into the workspace: {error}")
            return
        if returned.left:
            self._notes.append(f"not brought back: {_some(returned.left)}")

    def _started(
        self,
        confinement: Confinement,
        shown: Shown,
        stack: contextlib.ExitStack,
        *,
        tidy: Callable[[], None] | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> Ended:
        mark = Mark(confined=confinement != "none")
        limits = self._limits
        cpu = int(limits.wall_seconds) + 1
        bounds = ResourceLimits(
            limits.address_bytes, cpu, limits.file_bytes, limits.open_files, limits.processes, mark.value
        )
        words, gate = shell_words(self._command), None
        if confinement == "bubblewrap":
            launch, gate = by_bubblewrap(words, shown, bounds, temporary_bytes=limits.temporary_bytes, stack=stack)
        elif confinement == "sandbox-exec":
            launch = by_sandbox_exec(words, shown, bounds)
        elif confinement == "landlock":
            launch = by_landlock(words, shown, bounds, mark=mark, stack=stack)
        else:
            launch = by_nothing(words, shown, bounds, mark=mark)
        watch = _Watch(shown.source, limits, mark, tidy)
        launch = launch._replace(watch=watch.look, meanwhile=meanwhile and functools.partial(_before, meanwhile, watch))
        ended = self._done(launch, GO if confinement in ("landlock", "none") else b"")
        _require(ended, gate)
        return ended

    def _done(self, launch: Launch, stdin: bytes) -> Ended:
        limits = self._limits
        room = Room(limits.head_bytes, limits.tail_bytes, limits.flood_bytes)
        job = Job(launch, wall_seconds=limits.wall_seconds, room=room, stdin=stdin)
        with self._lock:
            if self._cancelled:
                raise ServerError("cancelled before it began; call again")
            self._job = job
        return job.run()

    def _told(self, ended: Ended, confinement: Confinement) -> ShellEnded:
        code = ended.returncode if ended.returncode >= 0 else 128 - ended.returncode
        flood = f"it wrote more than {self._limits.flood_bytes >> 20} MB of output" if ended.truncated else ""
        return ShellEnded(
            code,
            ended.stdout,
            ended.stderr,
            ended.timed_out,
            ended.stopped or flood,
            confinement,
            ended.seconds,
            tuple(self._notes),
        )


class _Watch:
    """What is looked at while a command runs: the memory of all, the free space, and what it plants."""

    def __init__(self, folder: Path, limits: ShellLimits, mark: Mark, tidy: Callable[[], None] | None) -> None:
        self._folder, self._limits, self._mark, self._tidy = folder, limits, mark, tidy
        self._tidied, self._pause = time.monotonic(), 0.1
        self.begin()

    def begin(self) -> None:
        """Take what the disk has now as that which the command begins with."""
        disk = os.statvfs(self._folder)
        self._free, self._names = disk.f_bavail * disk.f_frsize, disk.f_favail

    def look(self) -> str:
        """Return why the command has to end; empty when it may go on."""
        limits = self._limits
        with contextlib.suppress(OSError):
            disk = os.statvfs(self._folder)
            if self._free - disk.f_bavail * disk.f_frsize > limits.disk_bytes:
                return f"the disk lost more than {limits.disk_bytes >> 20} MB while it ran"
            if disk.f_files and self._names - disk.f_favail > _INODES:
                return f"the disk lost more than {_INODES} names while it ran"
        if self._mark.resident_bytes(limits.memory_bytes) > limits.memory_bytes:
            return f"its processes took more than {limits.memory_bytes >> 20} MB of memory together"
        now = time.monotonic()
        if self._tidy is not None and now - self._tidied > self._pause:
            self._tidy()
            self._tidied = time.monotonic()
            self._pause = max(0.1, 10 * (self._tidied - now))
        return ""


def _before(work: Callable[[], None], watch: _Watch) -> None:
    """Do what is done before a command begins, and watch the disk from then on."""
    work()
    watch.begin()


def _require(ended: Ended, gate: Gate | None) -> None:
    """Raise ServerError when bubblewrap made no sandbox: then nothing ran."""
    if gate is not None and not gate.passed and not ended.timed_out and ended.returncode:
        said = ended.stderr.head.decode("utf-8", "backslashreplace").strip()
        raise ServerError(f"the sandbox could not be made ({shorten(said, 300)}); run: afs doctor")


def _to_bind(seals: Seals) -> list[bytes]:
    """Return the paths that a copy has to have before a sandbox is made of it."""
    return sorted(seal.path for seal in (*seals.pins, *seals.found) if seal.kind in _BOUND)


def _bound(root: int, seals: Seals) -> list[Bound]:
    """Return what is bound: repositories on themselves, so that they stay where they are, and the sealed read-only."""
    ours = os.fstat(root)
    bound = [Bound(b"", True, (ours.st_dev, ours.st_ino))]  # noqa: FBT003  # a field of a value
    pins = [Bound(seal.path, True, seal.identity) for seal in seals.pins]  # noqa: FBT003  # a field of a value
    sealed = [Bound(seal.path, False, seal.identity) for seal in seals.found if seal.kind in _BOUND]  # noqa: FBT003  # a field of a value
    return bound + sorted(pins + sealed)


def _give(folder: Path) -> None:
    if os.geteuid() == 0:
        os.chown(folder, landlock.NOBODY, landlock.NOBODY)


def _some(items: list[str] | tuple[str, ...]) -> str:
    more = len(items) - _SHOWN_PATHS
    return ", ".join(items[:_SHOWN_PATHS]) + (f" and {more} more" if more > 0 else "")
