"""The server of the queue: one for each data folder, on a Unix socket for this user alone.

A connection makes one request in one frame, {"op": "submit" | "follow" | "list" | "cancel", ...}, and gets frames back
until the server closes it. What is not understood is answered with {"error": ...}.
"""

import contextlib
import os
import re
import signal
from collections.abc import Generator
from typing import Any

import anyio
from anyio.abc import SocketAttribute, SocketStream, TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream
from pydantic import ValidationError

from runner.conduct import Request
from runner.errors import ConfigError, RunnerError
from runner.queue.board import Board, Rules
from runner.queue.frames import FrameError, Frames, send
from runner.queue.job import ENDED, Job, Submission
from runner.queue.peer import peer_uid
from runner.queue.place import Place, address, prepare
from runner.queue.settle import settle
from runner.queue.store import Store
from runner.strays import adopt
from servers.machine.beneath_lock import take
from servers.machine.wire import clean, shorten

__all__ = ["MOST_CONNECTIONS", "serve"]

MOST_CONNECTIONS = 64
"""Connections at once; one more is told to come back."""
_FIRST_SECONDS = 10.0
"""How long a client may take to say what it wants."""
_LAST_SECONDS = 2.0
_LOCK_SECONDS = 20.0
"""How long to wait for the workers of a server that was killed; they end by themselves."""
_CRASHED = "the queue server was killed"


async def serve(place: Place, rules: Rules) -> None:
    """Serve until a signal says to end: the first lets what runs come to its end, the second ends it.

    Raises:
        ConfigError: another server serves this folder, or the folder can't be used.
        KeepError: the database can't be used.
    """
    prepare(place)
    with _lock(place) as lock:
        await _alone(place, lock)
        store = Store(place.database)
        try:
            store.forget()
            store.keep_age(rules.age)
            adopt()
            for job in store.jobs("running"):
                settle(store, job, _CRASHED)
            board = Board(store, rules, lock=lock, database=place.database)
            await _Server(board).run(place)
        finally:
            store.close()


@contextlib.contextmanager
def _lock(place: Place) -> Generator[int]:
    fd = os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


async def _alone(place: Place, lock: int) -> None:
    """Take the lock, which leftover workers of an earlier server hold too."""
    with anyio.move_on_after(_LOCK_SECONDS):
        while True:
            try:
                take(lock)
                return
            except OSError:
                if await _answers(place):
                    raise ConfigError(
                        f"a queue is served in {place.folder} already; afs agent queue shows it"
                    ) from None
                await anyio.sleep(0.1)
    raise ConfigError(f"the workers of an earlier server still end in {place.folder}; try again in a moment")


async def _answers(place: Place) -> bool:
    try:
        with address(place) as name:
            stream = await anyio.connect_unix(name)
    except OSError:
        return False
    await stream.aclose()
    return True


class _Server:
    """Listens, and asks the board."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._connections = 0

    async def run(self, place: Place) -> None:
        with address(place) as name:
            listener = await anyio.create_unix_listener(name, mode=0o600)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._signals, tasks)
            tasks.start_soon(listener.serve, self._connected)
            await self._board.watch(tasks)
            with contextlib.suppress(OSError):
                place.socket.unlink()
            self._board.close()
            with anyio.move_on_after(_LAST_SECONDS):
                while self._connections:  # each is told how its job stands
                    await anyio.sleep(0.02)
            tasks.cancel_scope.cancel()
        await listener.aclose()

    async def _signals(self, tasks: TaskGroup) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as received:
            async for _ in received:
                if self._board.draining:
                    tasks.start_soon(self._board.stop)
                else:
                    self._board.drain()
                    tasks.start_soon(self._limit)

    async def _limit(self) -> None:
        await anyio.sleep(self._board.rules.drain_seconds)
        await self._board.stop()

    async def _connected(self, stream: SocketStream) -> None:
        async with stream:
            if peer_uid(stream.extra(SocketAttribute.raw_socket)) != os.geteuid():
                return
            if self._connections >= MOST_CONNECTIONS:
                await send(stream, {"error": f"{MOST_CONNECTIONS} clients are served already; try again in a moment"})
                return
            self._connections += 1
            try:
                await self._answer(stream)
            except (RunnerError, ValidationError) as error:
                await send(stream, {"error": shorten(clean(str(error)), 2000)})
            finally:
                self._connections -= 1

    async def _answer(self, stream: SocketStream) -> None:
        frames = Frames(stream)
        frame = None
        with anyio.move_on_after(_FIRST_SECONDS):
            frame = await frames.read()
        if frame is None:
            return
        op = frame.get("op")
        if op == "submit":
            await self._submit(frame, frames, stream)
        elif op == "list":
            await send(stream, self._listed())
        elif op == "follow":
            await self._follow(self._board.store.job(_name(frame)), frames, stream)
        elif op == "cancel":
            job = self._board.store.job(_name(frame))
            await send(stream, {"cancelled": job.id, "detail": self._board.cancel(job)})
        else:
            raise ConfigError("`op` is submit, follow, list or cancel; install the same afs-suite on both sides")

    async def _submit(self, frame: dict[str, Any], frames: Frames, stream: SocketStream) -> None:
        if self._board.draining:
            await send(stream, {"error": "the queue is ending and takes nothing on; come back later", "ending": True})
            return
        submission = Submission.model_validate(frame.get("submission"))
        Request.model_validate(submission.request)
        job = self._board.store.add(submission)
        self._board.change()
        accepted = await send(stream, {"accepted": job.id})
        if accepted and frame.get("follow"):
            await self._follow(job, frames, stream, asks=frame.get("asks") is True)

    async def _follow(self, job: Job, frames: Frames, stream: SocketStream, *, asks: bool = False) -> None:
        with self._board.follow(job.id, asks=asks) as events:
            now = self._board.store.job(job.id)
            if now.state == "running":
                await send(stream, {"begun": True})
            if now.state not in ENDED:
                try:
                    await self._tell(job, events, frames, stream)
                finally:
                    if asks:
                        self._board.questions.withdraw(job.id)
        now = self._board.store.job(job.id)
        await send(stream, {"ended" if now.state in ENDED else "left": now.model_dump(mode="json")})

    async def _tell(
        self, job: Job, events: MemoryObjectReceiveStream[dict[str, Any]], frames: Frames, stream: SocketStream
    ) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._hear, job, frames, tasks.cancel_scope)
            async for event in events:
                if not await send(stream, event):
                    break
            tasks.cancel_scope.cancel()

    async def _hear(self, job: Job, frames: Frames, following: anyio.CancelScope) -> None:
        """Hear whether the client cancels its job or answers; one that vanishes, or talks nonsense, is let go."""
        with contextlib.suppress(FrameError):
            while (frame := await frames.read()) is not None:
                if frame.get("op") == "cancel":
                    with contextlib.suppress(ConfigError):  # it has just ended, which it is told anyway
                        self._board.cancel(self._board.store.job(job.id))
                elif frame.get("op") == "answer":
                    self._board.questions.answer(job.id, frame)
        following.cancel()

    def _listed(self) -> dict[str, Any]:
        board = self._board
        reading = board.reading.model_dump(mode="json")
        state = {"pid": os.getpid(), "draining": board.draining, "problem": board.problem}
        return {"jobs": board.lines(), "machine": reading, **state}


def _name(frame: dict[str, Any]) -> str:
    name = frame.get("id")
    if not isinstance(name, str) or not re.fullmatch("[0-9a-f]{1,16}", name):
        raise ConfigError("`id` is the id of a job, or the end of one; afs agent queue lists them")
    return name
