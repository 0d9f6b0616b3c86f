"""The board: the jobs that wait and those that are worked on, and what each of them is waiting for."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from runner.errors import KeepError, RunnerError
from runner.queue.hand import Hand
from runner.queue.job import ENDED, Job, as_line, had_ended
from runner.queue.order import AGE_SECONDS, Slots, in_turn, moves
from runner.queue.questions import Questions
from runner.queue.settle import Ending, end_as_told, has_its_run, settle
from runner.queue.store import Store
from runner.queue.watch import Bounds, Reading, read_machine, reason_to_wait

__all__ = ["Board", "Rules"]

TICK = 2.0
"""Seconds between two looks at the machine and the deadlines."""
_HEARD = 256
"""Lines that wait for one who follows; what he does not take is left out."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How the queue works."""

    slots: Slots = Slots()
    bounds: Bounds = Bounds()
    age: float = AGE_SECONDS
    """Seconds of waiting that are worth one class."""
    drain_seconds: float = 60.0
    """How long running jobs may go on when the server is told to end."""


class Board:
    """Decides, every few seconds and whenever something changes, who works on what."""

    def __init__(self, store: Store, rules: Rules, *, lock: int, database: Path) -> None:
        self.store = store
        self.rules = rules
        self._lock = lock
        self._database = database
        self._hands: dict[str, Hand] = {}
        self._followers: dict[str, list[MemoryObjectSendStream[dict[str, Any]]]] = {}
        self.questions = Questions()
        """What those who work want confirmed."""
        self._tasks: TaskGroup | None = None
        self._changed = anyio.Event()
        self._reasons: dict[str, str] = {}
        self._unsettled: dict[str, tuple[Job, str]] = {}
        self.reading = Reading()
        self.draining = False
        self.problem = ""
        """Why the disk takes nothing now; empty: it does."""

    def change(self) -> None:
        """Have the board looked at again."""
        self._changed.set()

    async def watch(self, tasks: TaskGroup) -> None:
        """Deal out work until the board drains and nobody works any more."""
        self._tasks = tasks
        while not (self.draining and not self._hands):
            self._changed = anyio.Event()
            self.reading = await anyio.to_thread.run_sync(read_machine, self.rules.bounds.training)
            try:
                self._look(tasks)
            except KeepError as error:  # what waits goes on waiting, what runs goes on running
                self.problem = str(error)
            with anyio.move_on_after(TICK):
                await self._changed.wait()

    def _look(self, tasks: TaskGroup) -> None:
        self._settle_again()
        waiting = self.store.jobs("waiting")
        self._expire(waiting)
        if not self.draining:
            self._deal(waiting, tasks)
        self._tell_places()
        self.problem = ""

    def _expire(self, waiting: list[Job]) -> None:
        now = time.time()
        for job in waiting:
            if job.deadline and now > job.deadline and self.store.end(job, "expired", detail=_late(job)):
                self._ended(job)
        for hand in self._hands.values():
            if hand.job.deadline and now > hand.job.deadline and hand.state != "ending":
                self._end(hand, "expire")

    def _end(self, hand: Hand, why: Ending) -> None:
        hand.order(why)
        if self._tasks is not None:
            self._tasks.start_soon(hand.ended)

    def _deal(self, waiting: list[Job], tasks: TaskGroup) -> None:
        paused = {name: hand for name, hand in self._hands.items() if hand.state == "paused"}
        busy = {name: hand for name, hand in self._hands.items() if name not in paused}
        self._reasons = {}
        for hand in busy.values():
            trains = self.reading.training and hand.job.priority != "training" and self._held(hand.job)
            if trains and hand.state == "running":
                hand.order("pause")  # the user's own training goes before whatever runs
        decided = moves(
            [*(job for job in waiting if job.id not in self._hands), *(hand.job for hand in paused.values())],
            [hand.job for hand in busy.values()],
            self.rules.slots,
            yielding=[name for name, hand in busy.items() if hand.state in ("yielding", "ending")],
            age=self.rules.age,
            held=self._held,
        )
        for name in decided.give_way:
            busy[name].order("pause")
        for name in decided.start:
            if name in paused:
                paused[name].order("go")
            else:
                self._reasons[name] = "its worker starts"
                tasks.start_soon(self._work, name)

    def _held(self, job: Job) -> str:
        reason = reason_to_wait(job, self.reading, self.rules.bounds, computing=bool(self._hands))
        if reason:
            self._reasons[job.id] = reason
        return reason

    async def _work(self, name: str) -> None:
        if name in self._hands or self.draining:
            return
        try:
            job = self.store.begin(name)
        except RunnerError as error:  # the disk is full: it waits, and why is told
            self._reasons[name] = str(error)
            return
        if job is None:
            return

        def asked(frame: dict[str, Any]) -> None:
            self.questions.put(name, frame, hand.answer)

        hand = Hand(
            job,
            tell=lambda frame: self._tell(name, frame),
            asked=asked,
            changed=self.change,
        )
        self._hands[name] = hand
        self._tell(name, {"begun": True})
        try:
            status = await hand.work(self._database, self._lock)
            how = f"by signal {-status}" if status < 0 else f"with status {status}"
            last = f" ({hand.last})" if hand.last and status > 0 else ""
            self._settle(job, hand.failure or f"its worker ended {how}{last}", status, hand.ending)
        finally:
            del self._hands[name]
            self.questions.drop(name)
            self.change()

    def _settle(self, job: Job, why: str, status: int, ending: Ending | None = None) -> None:
        try:
            now = self.store.job(job.id)
            if now.state == "running" and now.attempt == job.attempt:
                if ending is not None:
                    end_as_told(self.store, now, ending)
                elif status > 0 and not has_its_run(now):
                    self.store.end(now, "failed", detail=f"{why}; afs doctor says what is missing")
                else:
                    settle(self.store, now, why)
            self._ended(job)
        except RunnerError:  # the disk is full: it is tried again
            self._unsettled[job.id] = (job, why)

    def _settle_again(self) -> None:
        for job, why in list(self._unsettled.values()):
            del self._unsettled[job.id]
            self._settle(job, why, -1)

    def _ended(self, job: Job) -> None:
        if self.store.job(job.id).state in ENDED:
            for follower in self._followers.pop(job.id, []):
                follower.close()

    def cancel(self, job: Job) -> str:
        """Cancel a job; return what that means for it.

        Raises:
            ConfigError: it had ended already.
        """
        hand = self._hands.get(job.id)
        if hand is not None:
            self._end(hand, "cancel")
            return "it is being ended; what it has done is kept"
        if job.state == "waiting" and self.store.end(job, "cancelled", detail="cancelled before it was begun"):
            self._ended(job)
            self.change()
            return "it was not begun"
        raise had_ended(self.store.job(job.id))

    def follow(self, job: str, *, asks: bool = False) -> MemoryObjectReceiveStream[dict[str, Any]]:
        """Return a stream of what happens to a job; close it to stop following.

        `asks` says that the job's questions are put to this one, until they are withdrawn from him.
        """
        sender, receiver = anyio.create_memory_object_stream[dict[str, Any]](_HEARD)
        self._followers.setdefault(job, []).append(sender)
        if asks:
            self.questions.offer(job, lambda frame: _took(sender, frame))
        return receiver

    def _tell(self, job: str, frame: dict[str, Any]) -> None:
        staying: list[MemoryObjectSendStream[dict[str, Any]]] = []
        for follower in self._followers.pop(job, []):
            try:
                follower.send_nowait(frame)
            except anyio.WouldBlock:  # a slow one misses lines, and nobody waits for him
                staying.append(follower)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                follower.close()
            else:
                staying.append(follower)
        if staying:
            self._followers[job] = staying

    def _tell_places(self) -> None:
        if self._followers:
            for line in self.lines():
                if line["place"]:
                    self._tell(str(line["id"]), {"place": line["place"], "reason": line["reason"]})

    def lines(self) -> list[dict[str, Any]]:
        """Return the open jobs: those that are worked on, then those that wait, in the order of their turns."""
        found: list[dict[str, Any]] = []
        place = 0
        states: dict[str, str] = {name: hand.state for name, hand in self._hands.items()}
        for job in [*self.store.jobs("running"), *in_turn(self.store.jobs("waiting"), self.rules.age)]:
            waits = job.state == "waiting"
            place += waits
            reason = self._reasons.get(job.id, "the models are busy with others" if waits else "")
            line = as_line(job, place=place if waits else 0, reason=reason)
            found.append(line | ({"state": states[job.id]} if job.id in states else {}))
        return found

    def drain(self) -> None:
        """Begin nothing more; what is paused waits for the next server."""
        self.draining = True
        for hand in self._hands.values():
            if hand.state == "paused":
                self._end(hand, "stop")
        self.change()

    def close(self) -> None:
        """Let all who follow go."""
        for followers in self._followers.values():
            for follower in followers:
                follower.close()
        self._followers.clear()

    async def stop(self) -> None:
        """End all workers now; their jobs wait for the next server."""
        self.draining = True
        hands = list(self._hands.values())
        for hand in hands:
            hand.order("stop")
        for hand in hands:
            await hand.ended()
        self.change()


def _took(follower: MemoryObjectSendStream[dict[str, Any]], frame: dict[str, Any]) -> bool:
    try:
        follower.send_nowait(frame)
    except (anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
        return False
    return True


def _late(job: Job) -> str:
    return f"its deadline came before its turn, after {time.time() - job.submitted:.0f} s; give it a higher --priority"
