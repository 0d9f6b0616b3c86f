"""A client of the queue: hands a request in, follows it, cancels it; and finds out when nobody serves."""

import contextlib
import os
import secrets
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import SocketStream

from runner.errors import ConfigError, RunnerError
from runner.queue.frames import FrameError, Frames, send
from runner.queue.job import CARRIED, ENDED, Job, Priority, Submission
from runner.queue.place import HERE, Place, address
from runner.queue.store import Store

__all__ = ["NotServed", "ask_queue", "follow", "new_submission", "submit"]

_PATIENCE = 30.0


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
    place: Place, submission: Submission, *, watch: Callable[[dict[str, Any]], None] = lambda frame: None
) -> Job:
    """Hand a submission in and follow it to its end; `watch` gets the frames on the way.

    Cancelling this cancels the job, and waits for it to end.

    Raises:
        NotServed: it was not begun, and never will be: run it without the queue.
        ConfigError: the server refuses, or it went away while the job ran; then the job goes on with the next server.
    """
    try:
        async with _connected(place) as stream:
            return await _followed(stream, submission, watch)
    except (_Lost, FrameError, OSError) as error:
        raise _withdrawn(place, submission) from error


class _Lost(Exception):
    """The connection ended before the job did."""


async def _followed(stream: SocketStream, submission: Submission, watch: Callable[[dict[str, Any]], None]) -> Job:
    frames = Frames(stream)
    frame = {"op": "submit", "submission": submission.model_dump(mode="json"), "follow": True}
    try:
        with anyio.move_on_after(_PATIENCE) as first:
            await send(stream, frame)
            _checked(await frames.read() or {"left": True})
        if first.cancelled_caught:
            raise _Lost
        return await _to_the_end(frames, watch)
    except anyio.get_cancelled_exc_class():
        with anyio.CancelScope(shield=True), anyio.move_on_after(_PATIENCE):
            await send(stream, {"op": "cancel", "id": submission.id})
            with contextlib.suppress(_Lost, FrameError, ConfigError):
                await _to_the_end(frames, watch)
        raise


async def _to_the_end(frames: Frames, watch: Callable[[dict[str, Any]], None]) -> Job:
    while True:
        frame = await frames.read()
        if frame is None or "left" in frame:
            raise _Lost
        if "ended" in _checked(frame):
            return Job.model_validate(frame["ended"])
        watch(frame)


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
