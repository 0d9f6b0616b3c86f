"""How a program is started: what to start, and the thread that gives up what it must, starts it and stays.

The program inherits what that thread gave up (ids, paths), with no interpreter and no code of ours between fork and
exec. The thread lives as long as the program, since bubblewrap ends with the thread that started it.
"""

import io
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from servers.machine.errors import ServerError

__all__ = ["Ends", "Launch", "Starter"]


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


class Starter(threading.Thread):
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
