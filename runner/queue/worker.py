"""The worker of one job: a process of its own, in the folder of the one who asked, told by lines what to do.

It reads from its standard input `pause`, `go`, `cancel`, `expire`, `stop` and `answer NUMBER REPLY`; the end of that
input means that the server is gone, and is taken for `stop`. It says on its standard output when it pauses, the id of
its run, and what it wants confirmed. It ends its job in the database
by itself, so that a run which came to its end is never lost with the server.
"""

import io
import os
import signal
import sys
from pathlib import Path
from typing import Any

import anyio

from runner.asking import Question, Reply
from runner.conduct import Request, conduct
from runner.errors import RunnerError
from runner.events import CallStarted, Event, RunStarted
from runner.hooks import Hooks
from runner.queue.frames import encode
from runner.queue.job import Job
from runner.queue.questions import ANSWER_SECONDS, Asked, reply_of
from runner.queue.settle import Ending, end_as_told
from runner.queue.store import Store
from schemas.run import Run
from servers.machine.errors import ServerError
from servers.machine.wire import clean, shorten
from servers.settings import Settings

__all__ = ["main"]

_ENDING_SECONDS = 8
"""How long the run and its servers may take to end; then the process is killed."""


_PATIENCE = 60.0
"""Seconds to wait for the database: on a busy disk a work that is done shall not be lost for want of a line."""
_LATE_SECONDS = 10.0
"""How much longer than the user an answer may take."""
_ASKED_LIMIT = 100_000
"""Bytes of a question; nobody could read a longer one."""


class Work:
    """One attempt of one job."""

    def __init__(self, store: Store, job: Job, out: int) -> None:
        self._store = store
        self._job = job
        self._out = out
        self._go = anyio.Event()
        self._go.set()
        self._scope = anyio.CancelScope()
        self._called = 0
        self._asking = anyio.Lock()
        self._asked = 0
        self._answered = anyio.Event()
        self._reply: Reply | None = None
        self.ending: Ending | None = None
        self.outcome: Run | RunnerError | ServerError | None = None

    async def run(self) -> None:
        """Run the request until it ends, or is ended."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._listen)
            tasks.start_soon(self._watch)
            with self._scope:
                try:
                    self.outcome = await conduct(
                        _request(self._job),
                        Settings.from_environment().at(Path(self._job.submission.context_root)),
                        hooks=Hooks(before_model=lambda messages, tools: self._between_steps()),
                        watch=self._on_event,
                        ask=self._ask,
                        own_process=True,
                    )
                except (RunnerError, ServerError) as error:
                    self.outcome = error
            tasks.cancel_scope.cancel()

    async def _between_steps(self) -> None:
        if self._go.is_set():
            return
        self._say(paused=True)
        await self._go.wait()

    async def _ask(self, question: Question) -> Reply:
        """Have the client that waits for the job ask its user; the experts of one job ask one after the other."""
        async with self._asking:
            self._asked += 1
            frame = Asked.of(self._asked, question).model_dump(mode="json")
            if len(encode(frame)) > _ASKED_LIMIT:
                return "nobody"
            self._answered, self._reply = anyio.Event(), None
            self._say(**frame)
            with anyio.move_on_after(ANSWER_SECONDS + _LATE_SECONDS):
                await self._answered.wait()
            return self._reply or "nobody"

    def _hear_answer(self, number: bytes, word: bytes) -> None:
        if number == b"%d" % self._asked and self._reply is None:
            self._reply = reply_of(word.decode("ascii", "replace"))
            self._answered.set()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._store.note(self._job, run=event.run.id)
            self._say(run=event.run.id)
        elif isinstance(event, CallStarted):
            self._called += 1
            self._store.note(self._job, called=self._called)

    def _say(self, **frame: object) -> None:
        try:
            os.write(self._out, encode(frame))
        except OSError:  # the server is gone, which the other end of the line tells too
            self._end("stop")

    async def _listen(self) -> None:
        buffer = b""
        while True:
            await anyio.wait_readable(0)
            data = os.read(0, 4096)
            if not data:
                self._end("stop")
                return
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                self._obey(line)

    def _obey(self, line: bytes) -> None:
        if line == b"pause" and self._go.is_set():
            self._go = anyio.Event()
        elif line == b"go":
            self._go.set()
        elif line.startswith(b"answer ") and len(words := line.split()) == 3:
            self._hear_answer(words[1], words[2])
        elif line == b"cancel":
            self._end("cancel")
        elif line == b"expire":
            self._end("expire")
        elif line == b"stop":
            self._end("stop")

    async def _watch(self) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as received:
            async for _ in received:
                self._end("stop")

    def _end(self, why: Ending) -> None:
        if not self.ending:
            self.ending = why
            signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends a process that is deep in a library, too
            signal.alarm(_ENDING_SECONDS)
        self._scope.cancel()

    def close(self) -> None:
        """Write down what became of the job."""
        job = self._store.job(self._job.id)
        if isinstance(self.outcome, Run):
            self._store.end(job, "done", run=self.outcome.id, detail=self.outcome.stop)
        elif self.outcome is not None:
            self._store.end(job, "failed", detail=shorten(clean(str(self.outcome)), 4000))
        else:
            end_as_told(self._store, job, self.ending or "stop")


def _request(job: Job) -> Request:
    request = Request.model_validate(job.submission.request)
    return request.model_copy(update={"resume": job.resume, "prompt": ""}) if job.resume else request


class _Shown(io.RawIOBase):
    """What the run shows goes to the server as long as there is one; a console would end the run with the pipe."""

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Write what the server takes; when it is gone, all is taken and dropped."""
        try:
            return os.write(2, data)
        except OSError:
            return len(data)


def main() -> None:
    """Work on the job and the attempt that the arguments name: DATABASE ID ATTEMPT."""
    database, name, attempt = sys.argv[1:]
    out = os.dup(1)
    os.dup2(2, 1)  # whatever prints shall not speak to the server
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(_Shown()), encoding="utf-8", errors="backslashreplace", line_buffering=True
    )
    store = Store(Path(database), patience=_PATIENCE)
    job = store.job(name)
    if job.state != "running" or job.attempt != int(attempt):
        return
    anyio.run(_work, store, job, out)
    os._exit(0)  # nothing that waits in a thread shall keep it


async def _work(store: Store, job: Job, out: int) -> None:
    work = Work(store, job, out)
    await work.run()
    work.close()


if __name__ == "__main__":
    main()
