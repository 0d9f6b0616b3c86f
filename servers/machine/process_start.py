"""How a program is started and ended: what to start, the thread that gives up what it must, and the end of its tree.

The program inherits what that thread gave up (ids, paths), with no interpreter and no code of ours between fork and
exec. The thread lives as long as the program, since bubblewrap ends with the thread that started it.
"""

import contextlib
import io
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from servers.machine.errors import ServerError

__all__ = ["Ends", "Launch", "Program", "file_pair"]

_LAST_MOMENT = 2.0
"""Seconds that a killed program gets to be gone."""


class Launch(NamedTuple):
    """What to start, where, with what environment, and what the thread gives up first."""

    argv: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]
    confine: Callable[[], None] | None
    """Called in a thread made for the run; None: nothing is given up, and the job's own thread starts the program."""
    descriptors: tuple[int, ...] = ()
    """Passed on to the program beside its three pipes."""
    started: Callable[[Callable[[], None]], None] | None = None
    """Called in the confined thread when the program has been started; ends it by raising OSError or ServerError.

    Before it lets the program go it calls what it is given, which waits for `meanwhile`, and raises when that failed.
    """
    meanwhile: Callable[[], None] | None = None
    """Called in the job's own thread while the program is being started; may raise OSError or ServerError."""
    watches_child: bool = False
    """The command only watches a child, whose end is the end of all (bubblewrap)."""
    admit: Callable[[int], None] | None = None
    """Called in the job's own thread with the id of the program, before it gets its input; may raise OSError."""
    watch: Callable[[], str] | None = None
    """Called again and again while the program runs; a text that is not empty ends it, and says why."""
    sweep: Callable[[], None] | None = None
    """Ends all that the program has started, wherever it hides, and waits until it is gone."""


class Ends(NamedTuple):
    """One side's ends of the three pipes; closing a file twice is harmless, unlike a bare descriptor."""

    stdin: io.FileIO
    stdout: io.FileIO
    stderr: io.FileIO


class _Starter(threading.Thread):
    """Confines itself, starts the program, and stays until the program has ended."""

    def __init__(self, launch: Launch, ends: Ends) -> None:
        super().__init__(name="afs-sandbox", daemon=True)
        self.launch, self.ends = launch, ends
        self.spawned, self.released, self.ready, self.over = (threading.Event() for _ in range(4))
        self.allowed = False
        self.process: subprocess.Popen[bytes] | None = None
        self.problem: Exception | None = None

    def run(self) -> None:
        """Start the program, and stay."""
        self.begin()
        self.over.wait()

    def begin(self) -> None:
        """Start the program; `process` or `problem` is set when `ready` is."""
        try:
            if self.launch.confine is not None:
                self.launch.confine()
            self.process = subprocess.Popen(
                self.launch.argv,
                stdin=self.ends.stdin,
                stdout=self.ends.stdout,
                stderr=self.ends.stderr,
                cwd=self.launch.cwd,
                env=self.launch.environment,
                close_fds=True,
                start_new_session=True,
                pass_fds=self.launch.descriptors,
            )
            self.spawned.set()
            if self.launch.started is not None:
                self.launch.started(self._wait)
        except (OSError, subprocess.SubprocessError, ValueError, ServerError) as error:
            self.problem = error
        finally:
            self.spawned.set()
            self.ready.set()

    def _wait(self) -> None:
        """Wait until the program may be let go. Raises ServerError when it may not."""
        self.released.wait()
        if not self.allowed:
            raise ServerError("nothing was run; call again")


class Program:
    """One program: started by a confined thread, with three pipes, and ended with its tree."""

    def __init__(self, launch: Launch, *, stays: bool = False) -> None:
        """Make the pipes. `stays`: it outlives the thread that calls `start`. Raises OSError."""
        self._launch, self._stays = launch, stays
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            self.ends, self._theirs = _pipes(stack)
            self._starter = _Starter(launch, self._theirs)
            self._stack = stack.pop_all()

    def start(self, meanwhile: Callable[[], None]) -> None:
        """Start it, do what is done `meanwhile`, and let it go; it runs then.

        Raises ServerError when it can't be started, and what `meanwhile` raises; nothing runs then.
        """
        starter = self._starter
        refused = self._begun(meanwhile)
        starter.ready.wait()
        for end in self._theirs:
            end.close()
        self._admit(starter, refused)

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The process, once it has been started."""
        return self._starter.process

    def running(self) -> subprocess.Popen[bytes]:
        """Return the process that has been started. Raises ServerError when none has."""
        if self._starter.process is None:
            raise ServerError("nothing was run; call again")
        return self._starter.process

    def close(self) -> None:
        """End what still runs, whatever went wrong, and close the pipes."""
        starter = self._starter
        with self._stack:
            try:
                if starter.is_alive():
                    starter.ready.wait()
                if starter.process is not None and starter.process.returncode is None:
                    self.kill(starter.process)
            finally:
                starter.over.set()

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End what still runs, and wait until it has ended.

        Killing bubblewrap kills its child only some moments later; killing the child, the first process of the
        sandbox, ends all in the sandbox before bubblewrap itself ends.
        """
        if self._launch.sweep is not None:
            self._launch.sweep()
        if self._launch.watches_child and process.poll() is None:
            for child in _children(process.pid):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(child, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LAST_MOMENT)
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _begun(self, meanwhile: Callable[[], None]) -> Exception | None:
        """Start the program, in this thread or in one of its own; return why it must not be let go."""
        starter = self._starter
        if self._launch.confine is None and self._launch.meanwhile is None and not self._stays:
            refused = self._beside(meanwhile)
            starter.begin()
            return refused
        try:
            starter.start()
        except RuntimeError as error:
            raise ServerError(f"no thread can be started ({error}); try again in a moment") from error
        return self._beside(meanwhile)

    def _beside(self, meanwhile: Callable[[], None]) -> Exception | None:
        """Do what is done while the program starts, then let it go; return why it must not be let go."""
        starter = self._starter
        try:
            if self._launch.meanwhile is not None:
                starter.spawned.wait()  # the thread that starts it comes first
            meanwhile()
            starter.allowed = True
        except (OSError, ServerError) as error:
            return error
        finally:
            starter.released.set()
        return None

    def _admit(self, starter: _Starter, refused: Exception | None) -> None:
        """Let the started program in. Raises ServerError, or what speaks against it; nothing runs then."""
        problem: Exception | None = refused or starter.problem
        if starter.process is not None and problem is None and self._launch.admit is not None:
            try:
                self._launch.admit(starter.process.pid)
            except OSError as error:
                problem = error
        if starter.process is not None and problem is None:
            return
        if starter.process is not None:
            self.kill(starter.process)
        if problem is not None and (problem is refused or isinstance(problem, ServerError)):
            raise problem
        program = self._launch.argv[0]
        raise ServerError(f"could not start {program} in the sandbox ({problem}); run: afs doctor") from problem


def _children(pid: int) -> list[int]:
    """Return the direct children of a process; none where the kernel does not tell."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def file_pair() -> tuple[io.FileIO, io.FileIO]:
    """Make a pipe; return the end to read and the end to write. Raises OSError."""
    read, write = os.pipe()
    return io.FileIO(read, "r"), io.FileIO(write, "w")


def _pipes(stack: contextlib.ExitStack) -> tuple[Ends, Ends]:
    """Make three pipes; the first of the pair holds our ends, the second the program's."""
    files = [stack.enter_context(end) for _ in range(3) for end in file_pair()]
    in_read, in_write, out_read, out_write, err_read, err_write = files
    return Ends(in_write, out_read, err_read), Ends(in_read, out_write, err_write)
