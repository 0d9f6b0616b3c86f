"""A shell command run in the sandbox: in place where this user may, else in a copy whose changes come back.

Root gives itself up, and Landlock cannot hold a part of a folder read-only: both work in a copy. Under bubblewrap a
normal user's command works in the workspace itself.
"""

import contextlib
import functools
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from servers.machine import landlock
from servers.machine.bubblewrap import Gate
from servers.machine.confined_process import Captured, Ended, Job, Room
from servers.machine.errors import ServerError
from servers.machine.process_start import Launch, Program
from servers.machine.sandbox_launch import Backend
from servers.machine.sandbox_marks import Mark
from servers.machine.shell_copy import Pair, TreeCopy, changes_of
from servers.machine.shell_folders import FOLDER
from servers.machine.shell_profile import (
    GO,
    ShellLimits,
    Shown,
    bound,
    by_bubblewrap,
    by_landlock,
    by_nothing,
    by_sandbox_exec,
    shell_words,
)
from servers.machine.shell_return import RETURN_FILES, bring_back
from servers.machine.shell_seals import Seals, look_for_seals, planted, put_back, set_aside
from servers.machine.shell_spare import Ahead, Copied, Waiting, wish_of
from servers.machine.spare_network import spare_network
from servers.machine.wire import shorten

__all__ = ["Confinement", "ShellEnded", "ShellLimits", "ShellRun"]

Confinement = Literal["bubblewrap", "landlock", "sandbox-exec", "none"]
_SYSTEM = frozenset(
    map(Path, ("/", "/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64", "/proc", "/dev", "/sys", "/run"))
)
_SHOWN_PATHS = 20
_INODES = 200_000


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
        ahead: Ahead | None = None,
    ) -> None:
        """Take the workspace `root`, the folder `cwd` below it, and the folder that planted files are moved to.

        `confinement` says which back end is used; it may raise ServerError. `ahead` may have a sandbox for it.
        """
        self._command, self._cwd, self._limits, self._aside = command, cwd, limits, aside
        self._root = Path(os.path.realpath(root))
        self._choose, self._ahead = confinement, ahead
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
        with contextlib.suppress(_NeverBeganError):
            return self._by(confinement)
        self._ahead = None
        return self._by(confinement)

    def _by(self, confinement: Confinement) -> ShellEnded:
        with contextlib.ExitStack() as stack:
            root = os.open(self._root, FOLDER & ~os.O_NOFOLLOW)
            stack.callback(os.close, root)
            if confinement == "landlock" or (confinement == "bubblewrap" and os.geteuid() == 0):
                return self._in_copy(root, confinement, stack)
            return self._in_place(root, confinement, stack)

    def _in_place(self, root: int, confinement: Confinement, stack: contextlib.ExitStack) -> ShellEnded:
        before = look_for_seals(root)
        waiting = self._taken(root, before, stack) if confinement == "bubblewrap" else None
        shown = Shown(self._root, self._root, bound(root, before), self._cwd)
        try:
            ended = self._started(confinement, shown, stack, tidy=lambda: self._take_out(root, before), waiting=waiting)
        finally:
            self._take_out(root, before)
        return self._told(ended, confinement)

    def _taken(self, root: int, seals: Seals, stack: contextlib.ExitStack) -> Waiting | None:
        """Return the sandbox that was made ahead, if it is as one made now would be."""
        if self._ahead is None:
            return None
        waiting = self._ahead.take(self._command, lambda: wish_of(self._root, root, seals, self._limits))
        if waiting is not None:
            stack.push(waiting.stack)
        return waiting

    def _take_out(self, root: int, before: Seals) -> None:
        """Move what has been planted since out of the workspace, and say so."""
        gone = set_aside(root, planted(before, look_for_seals(root)), self._aside)
        if gone:
            self._notes.append(f"moved to {self._aside}, since it tells others what to run: {_some(gone)}")
        made = put_back(root, before)
        if made:
            self._notes.append(f"made again: {_some(made)}")

    def _in_copy(self, root: int, confinement: Backend, stack: contextlib.ExitStack) -> ShellEnded:
        waiting, seals = None, Seals((), ())
        if confinement == "bubblewrap":
            seals = look_for_seals(root)
            waiting = self._taken(root, seals, stack)
        copied = waiting.copied if waiting and waiting.copied else Copied(root, stack)
        copied.later = lambda: not self._cancelled
        if waiting is not None:
            ended = self._started(confinement, waiting.shown, stack, meanwhile=copied.tree.finish, waiting=waiting)
        elif confinement == "bubblewrap":
            shown = copied.shown(self._root, seals)._replace(cwd=self._cwd)
            ended = self._started(confinement, shown, stack, meanwhile=lambda: self._finish(copied.tree))
        else:
            copied.tree.begin(())
            copied.tree.finish()
            work, temporary = copied.place.work, copied.place.above / "tmp"
            temporary.mkdir()
            _give(temporary)
            self._notes.append(f"it ran in a copy of the workspace, {work}")
            ended = self._started(confinement, Shown(work, work, cwd=self._cwd, temporary=temporary), stack)
        if not self._cancelled:
            self._bring_back(root, copied.work, copied.tree.pairs)
        return self._told(ended, confinement)

    @staticmethod
    def _finish(copy: TreeCopy) -> None:
        copy.finish()
        spare_network()  # for the next command, while this one starts

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
        waiting: Waiting | None = None,
    ) -> Ended:
        limits = self._limits
        if waiting is not None:
            told = waiting.told(self._command, self._cwd, limits.wall_seconds)
            start = _Start(waiting.launch, waiting.mark, waiting.gate, told, waiting.program)
        else:
            start = self._launched(confinement, shown, stack)
        watch = _Watch(shown.source, limits, start.mark, tidy)
        before = meanwhile and functools.partial(_before, meanwhile, watch)
        ended = self._done(start._replace(launch=start.launch._replace(watch=watch.look, meanwhile=before)))
        _require(ended, start.gate)
        began = waiting.began(ended) if waiting else ended
        if began is None and not ended.timed_out:
            raise _NeverBeganError
        return began or ended

    def _launched(self, confinement: Confinement, shown: Shown, stack: contextlib.ExitStack) -> "_Start":
        mark, limits = Mark(confined=confinement != "none"), self._limits
        words, bounds = shell_words(self._command), limits.bounds(mark.value)
        if confinement == "bubblewrap":
            made = by_bubblewrap(words, shown, bounds, temporary_bytes=limits.temporary_bytes, stack=stack)
            return _Start(made[0], mark, made[1])
        if confinement == "sandbox-exec":
            return _Start(by_sandbox_exec(words, shown, bounds), mark)
        if confinement == "landlock":
            return _Start(by_landlock(words, shown, bounds, mark=mark, stack=stack), mark, stdin=GO)
        return _Start(by_nothing(words, shown, bounds, mark=mark), mark, stdin=GO)

    def _done(self, start: "_Start") -> Ended:
        limits = self._limits
        room = Room(limits.head_bytes + (start.program is not None), limits.tail_bytes, limits.flood_bytes)
        job = Job(start.launch, wall_seconds=limits.wall_seconds, room=room, stdin=start.stdin, program=start.program)
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


class _NeverBeganError(Exception):
    """The sandbox that was made ahead ended before its command began."""


class _Start(NamedTuple):
    """How a command is started, and what it is told; `program` is what waits for that, where it was made ahead."""

    launch: Launch
    mark: Mark
    gate: Gate | None = None
    stdin: bytes = b""
    program: Program | None = None


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


def _give(folder: Path) -> None:
    if os.geteuid() == 0:
        os.chown(folder, landlock.NOBODY, landlock.NOBODY)


def _some(items: list[str] | tuple[str, ...]) -> str:
    more = len(items) - _SHOWN_PATHS
    return ", ".join(items[:_SHOWN_PATHS]) + (f" and {more} more" if more > 0 else "")
