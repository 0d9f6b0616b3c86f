"""A client of the queue: hands a request in, follows it, cancels it; and finds out when nobody serves."""

import contextlib
import os
import secrets
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import SocketStream, TaskGroup

from runner.asking import Ask, Reply
from runner.errors import ConfigError, RunnerError
from runner.queue.frames import FrameError, Frames, send
from runner.queue.job import CARRIED, ENDED, Job, Priority, Submission
from runner.queue.place import HERE, Place, address
from runner.queue.questions import ANSWER_SECONDS, Asked
from runner.queue.store import Store

__all__ = ["NotServed", "ask_queue", "follow", "new_submission", "submit"]

_PATIENCE = 30.0

Watch = Callable[[dict[str, Any]], None]


class NotServed(RunnerError):
    """No queue server answers, or it went away before the job was begun; the job is not in the queue."""


def new_submission(
    request: dict[str, Any], context_root: Path, *, priority: Priority = "interactive", deadline: float = 0.0
) -> Submission:
    """Return a submission of a request of this process, with the folder and the variables that it has."""
    return Submission(
        id=secrets.token_hex(8),
        priority=priority,
        request=request,
        cwd=str(Path.cwd()),
        context_root=str(context_root),
        environ={name: os.environ[name] for name in CARRIED if name in os.environ},
        deadline=deadline,
    )


@contextlib.asynccontextmanager
async def _connected(place: Place) -> AsyncGenerator[SocketStream]:
    try:
        if not HERE:
            raise FileNotFoundError
        with address(place) as name:
            stream = await anyio.connect_unix(name)
    except OSError as error:
        raise NotServed("no queue is served; start one with afs agent serve") from error
    async with stream:
        yield stream


async def ask_queue(place: Place, frame: dict[str, Any]) -> dict[str, Any]:
    """Send one frame, and return the answer.

    Raises:
        NotServed: no server answers.
        ConfigError: the server refuses; the text says why.
    """
    with anyio.move_on_after(_PATIENCE):
        async with _connected(place) as stream:
            await send(stream, frame)
            answer = await Frames(stream).read()
            if answer is None:
                raise NotServed("the queue server went away; start it again with afs agent serve")
            return _checked(answer)
    raise NotServed(f"the queue server does not answer within {_PATIENCE:.0f} s; look at it with afs agent queue")


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if answer.get("ending"):
        raise NotServed(str(answer.get("error")))
    if "error" in answer:
        raise ConfigError(f"the queue: {answer['error']}")
    return answer


async def submit(place: Place, submission: Submission) -> str:
    """Hand a submission in and leave it there; return its id. When this returns, it is on the disk."""
    answer = await ask_queue(place, {"op": "submit", "submission": submission.model_dump(mode="json")})
    return str(answer.get("accepted", ""))


async def follow(
    place: Place, submission: Submission, *, watch: Watch = lambda frame: None, ask: Ask | None = None
) -> Job:
    """Hand a submission in and follow it to its end; `watch` gets the frames on the way.

    `ask` asks the user whether a tool may run; None: such tools are refused. Cancelling this cancels the job,
    and waits for it to end.

    Raises:
        NotServed: it was not begun, and never will be: run it without the queue.
        ConfigError: the server refuses, or it went away while the job ran; then the job goes on with the next server.
    """
    try:
        async with _connected(place) as stream:
            return await _followed(stream, submission, watch, ask)
    except (_Lost, FrameError, OSError) as error:
        raise _withdrawn(place, submission) from error


class _Lost(Exception):
    """The connection ended before the job did."""


async def _followed(stream: SocketStream, submission: Submission, watch: Watch, ask: Ask | None) -> Job:
    frames = Frames(stream)
    told = submission.model_dump(mode="json")
    frame = {"op": "submit", "submission": told, "follow": True, "asks": ask is not None}
    try:
        with anyio.move_on_after(_PATIENCE) as first:
            await send(stream, frame)
            _checked(await frames.read() or {"left": True})
        if first.cancelled_caught:
            raise _Lost
        return await _to_the_end(frames, _Desk(stream, watch, ask))
    except anyio.get_cancelled_exc_class():
        with anyio.CancelScope(shield=True), anyio.move_on_after(_PATIENCE):
            await send(stream, {"op": "cancel", "id": submission.id})
            with contextlib.suppress(_Lost, FrameError, ConfigError):
                await _to_the_end(frames, _Desk(stream, watch))
        raise


class _Desk:
    """Takes the frames of a job. Its questions go to the user, and what is to be shown meanwhile waits."""

    def __init__(self, stream: SocketStream, watch: Watch, ask: Ask | None = None) -> None:
        self._stream = stream
        self._watch = watch
        self._ask = ask
        self._held: list[dict[str, Any]] | None = None

    def take(self, frame: dict[str, Any], tasks: TaskGroup) -> None:
        """Show a frame, or begin to ask what it asks."""
        if "ask" in frame:
            if self._ask is not None and self._held is None:
                self._held = []
                tasks.start_soon(self._put, self._ask, frame)
        elif self._held is None:
            self._watch(frame)
        else:
            self._held.append(frame)

    async def _put(self, ask: Ask, frame: dict[str, Any]) -> None:
        reply: Reply = "nobody"
        try:
            with contextlib.suppress(OSError, ValueError), anyio.move_on_after(ANSWER_SECONDS):
                reply = await ask(Asked.model_validate(frame).question())
            await send(self._stream, {"op": "answer", "ask": frame["ask"], "reply": reply})
        finally:
            held, self._held = self._held or [], None
            for late in held:
                self._watch(late)


async def _to_the_end(frames: Frames, desk: _Desk) -> Job:
    last: dict[str, Any] | None = None
    async with anyio.create_task_group() as tasks:
        last = await _last(frames, desk, tasks)
        tasks.cancel_scope.cancel()
    if last is None or "left" in last:
        raise _Lost
    return Job.model_validate(_checked(last)["ended"])


async def _last(frames: Frames, desk: _Desk, tasks: TaskGroup) -> dict[str, Any] | None:
    """Return the frame that ends it; None: there came none."""
    with contextlib.suppress(FrameError):
        while (frame := await frames.read()) is not None:
            if "left" in frame or "error" in frame or "ended" in frame:
                return frame
            desk.take(frame, tasks)
    return None


def _withdrawn(place: Place, submission: Submission) -> RunnerError:
    """Take a job back whose server is gone; return what to tell."""
    store = Store(place.database)
    try:
        if store.withdraw(submission):
            return NotServed("the queue server went away before the job was begun")
        job = store.job(submission.id)
    finally:
        store.close()
    if job.state in ENDED:
        how = f"its run is {job.run}; afs agent show {job.run}" if job.run else job.detail
        return ConfigError(f"the queue server went away; job {job.id} is {job.state}: {how}")
    return ConfigError(
        f"the queue server went away while job {job.id} ran; it goes on when afs agent serve is started again, "
        f"or drop it with afs agent cancel {job.id}"
    )
