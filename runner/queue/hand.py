"""A hand of the server: the process that works on one job, told to pause and go on, ended with all that it holds."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import anyio
import anyio.abc

from runner.asking import Reply
from runner.errors import ConfigError
from runner.queue.frames import FrameError, Frames, decode
from runner.queue.job import CARRIED, HELD_BACK, Job
from runner.queue.orphans import end_orphans
from runner.queue.settle import Ending
from servers.machine.wire import clean, shorten

__all__ = ["Hand", "Order"]

Order = Literal["pause", "go", "cancel", "expire", "stop"]
"""What a worker understands."""

_LINE_LIMIT = 256 << 10
_SAID_LIMIT = 4000
_KILL_SECONDS = 10.0
"""How long a worker may take to end once it was told to; it kills itself before that."""
_MODULE = "runner.queue.worker"


def _environment(job: Job, environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if name not in CARRIED or name in HELD_BACK}
    return {**kept, **job.submission.environ, "AFS_CONTEXT_ROOT": job.submission.context_root}


class Hand:
    """A started worker.

    `tell` gets each line that it shows and the id of its run, as frames, `asked` each question; `changed` is called
    when it pauses.
    """

    def __init__(
        self,
        job: Job,
        *,
        tell: Callable[[dict[str, Any]], None],
        asked: Callable[[dict[str, Any]], None],
        changed: Callable[[], None],
    ) -> None:
        self.job = job
        """The attempt that it works on."""
        self.state: Literal["running", "yielding", "paused", "ending"] = "running"
        self.ending: Ending | None = None
        """Why it was told to end, if it was."""
        self.failure = ""
        """Why it could not be started."""
        self.last = ""
        """The last line that it showed."""
        self._tell = tell
        self._asked = asked
        self._changed = changed
        self._process: anyio.abc.Process | None = None
        self._ended = anyio.Event()
        self._line = -1

    async def work(self, database: Path, lock: int) -> int:
        """Run the worker to its end; return its exit status. The lock is open in it as long as it lives."""
        words = [sys.executable, "-P", "-m", _MODULE, str(database), self.job.id, str(self.job.attempt)]
        heard = -1
        try:
            heard, self._line = os.pipe()
            os.set_blocking(self._line, False)
            self._process = await anyio.open_process(
                words,
                stdin=heard,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.job.submission.cwd,
                env={**_environment(self.job, os.environ), "AFS_DATA_DIR": str(database.parent.parent)},
                start_new_session=True,
                pass_fds=(lock,),
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            self.failure = f"its worker could not be started in {clean(self.job.submission.cwd)} ({reason})"
            self._close()
            return 1
        finally:
            if heard >= 0:
                os.close(heard)
        try:
            status = await self._attend(self._process)
            if status < 0:
                await anyio.to_thread.run_sync(end_orphans, _MODULE)
            return status
        finally:
            self._close()

    def _close(self) -> None:
        if self._line >= 0:
            os.close(self._line)
        self._line = -1
        self._ended.set()

    async def _attend(self, process: anyio.abc.Process) -> int:
        status = 1
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._hear, process)
                tasks.start_soon(self._relay, process)
                status = await process.wait()
                tasks.cancel_scope.deadline = anyio.current_time() + 1.0  # whoever holds its pipes still, is not heard
            return status
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with anyio.CancelScope(shield=True):
                await process.aclose()

    async def _hear(self, process: anyio.abc.Process) -> None:
        assert process.stdout is not None
        frames = Frames(process.stdout, limit=_LINE_LIMIT)
        with contextlib.suppress(FrameError):
            while (line := await frames.line()) is not None:
                with contextlib.suppress(ConfigError):
                    self._take(decode(line))
        async for _ in process.stdout:  # what is too long is not heard
            pass

    def _take(self, frame: dict[str, Any]) -> None:
        if "ask" in frame:
            self._asked(frame)
        elif isinstance(frame.get("run"), str):
            self._tell({"run": frame["run"]})
        elif frame.get("paused") and self.state == "yielding":
            self.state = "paused"
            self._changed()

    async def _relay(self, process: anyio.abc.Process) -> None:
        assert process.stderr is not None
        frames = Frames(process.stderr, limit=_LINE_LIMIT)
        with contextlib.suppress(FrameError):
            while (line := await frames.line()) is not None:
                self.last = shorten(clean(line.decode("utf-8", "replace")), _SAID_LIMIT)
                self._tell({"said": self.last})
        async for _ in process.stderr:
            pass

    def order(self, order: Order) -> None:
        """Tell the worker something; one that is gone does not hear it."""
        if order in ("cancel", "expire", "stop"):
            self.state, self.ending = "ending", self.ending or order
        elif self.state != "ending":
            self.state = "yielding" if order == "pause" else "running"
        self._write(order)

    def answer(self, number: int, reply: Reply) -> None:
        """Answer the worker's question of this number."""
        self._write(f"answer {number} {reply}")

    def _write(self, line: str) -> None:
        with contextlib.suppress(OSError):  # it is not there yet, is gone, or has not read thousands of orders
            os.write(self._line, f"{line}\n".encode("ascii"))

    async def ended(self) -> None:
        """Wait for the end of a worker that was told to end; it is killed when it takes too long."""
        with anyio.move_on_after(_KILL_SECONDS):
            await self._ended.wait()
            return
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._ended.wait()
