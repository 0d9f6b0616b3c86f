"""The runs of the experts' server: they go on beside the calls that look at them, one at a time, bounded in time.

A run belongs to the server, not to the call that began it: a call waits for it as long as its host likes, and
`run_status` goes on waiting. It ends with the server at the latest, and what it had done by then is kept.
"""

import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import anyio
from anyio.abc import TaskGroup

from runner.agent import Agent
from runner.checks import checking
from runner.conversation import unstarted
from runner.errors import RunnerError
from runner.events import (
    CallStarted,
    Event,
    ModelOpened,
    Note,
    RunDone,
    RunStarted,
    ServersReady,
    StepDone,
    StepStarted,
)
from runner.loop import Limits
from runner.serving.place import Place
from schemas.expert import Expert
from schemas.run import Run
from servers.machine.errors import ServerError
from servers.machine.wire import clean, shorten

if TYPE_CHECKING:
    from runner.routing.sending import Sent

__all__ = ["Asked", "Live", "Runs", "Tell"]

Tell = Callable[[float, str], Awaitable[None]]
"""Is told how far a run is, in steps, and what it is at."""

_MOST_WAITING = 8
_MOST_REMEMBERED = 64
_HEARTBEAT = 5.0
"""Seconds after which a call that waits says again that it does: hosts give up on silence."""
_GRACE = 10.0
"""Seconds that a run has for ending by itself when its time is over."""
_TOLD = 600
"""Characters of what is told while a run goes on."""
_log = logging.getLogger(__name__)


class Asked(NamedTuple):
    """What an expert is asked."""

    prompt: str
    expert: Expert
    model: str = ""
    max_steps: int = 10
    max_seconds: float = 600.0
    """Of the run, from its turn on: the start of model and servers, the steps and the checks."""
    earlier: Run | None = None
    sent: "Sent | None" = None
    """Where the router sent it; None: to `model`."""


class _Said(NamedTuple):
    at: float
    now: str


class Live:
    """A run that waits for its turn, goes on, or has ended."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.run = unstarted(asked.prompt, asked.expert.name, asked.model, asked.earlier)
        """The run as far as it is known; its id changes when it begins."""
        self.names = {self.run.id}
        """Every id that it was told by."""
        self.state: Literal["waiting", "running", "ended"] = "waiting"
        self.begun = False
        self.joined = False
        """Whether it is, or was, in the queue."""
        self.failed = ""
        """Why there is no run, or why it was not kept."""
        self.scope = anyio.CancelScope()
        self._said = [_Said(0.0, "it waits for its turn")]
        self._changed = anyio.Event()
        self._since = time.monotonic()

    def hear(self, event: Event) -> None:
        """Take in what happens."""
        if isinstance(event, RunStarted):
            self.run, self.begun = event.run, True
            self.names.add(event.run.id)
        elif isinstance(event, StepDone):
            self._grow(event)
        elif isinstance(event, RunDone):
            self.run = event.run
        now = self._told(event)
        if now:
            self._say(now, at=event.step.index if isinstance(event, StepDone) else 0)

    def _told(self, event: Event) -> str:
        if isinstance(event, ModelOpened):
            return f"{self.run.expert} is played by {event.model}"
        if isinstance(event, ServersReady):
            return f"{event.offered} tools are there"
        if isinstance(event, StepStarted):
            return f"step {event.index}: the model is thinking"
        if isinstance(event, Note) and event.loud:
            return shorten(clean(event.text), _TOLD)
        if isinstance(event, CallStarted):
            return f"it calls {shorten(clean(event.call.name), 64)}"
        return f"step {event.step.index} is done" if isinstance(event, StepDone) else ""

    def _grow(self, event: StepDone) -> None:
        """Add a step to the run as it is known, so that a look at it shows how far it is."""
        usage, seconds = self.run.usage + event.step.usage, time.monotonic() - self._since
        grown = {"steps": (*self.run.steps, event.step), "usage": usage, "seconds": round(seconds, 3)}
        self.run = self.run.model_copy(update={**grown, "stop": "running", "error": ""})

    def watch(self, frame: dict[str, Any]) -> None:
        """Take in what the queue tells of it."""
        self.joined = True
        if "begun" in frame:
            self.turn()
        elif "run" in frame:
            self.begun = True
            self.run = self.run.model_copy(update={"id": str(frame["run"])})
            self.names.add(self.run.id)
        elif "place" in frame:
            self._say(
                shorten(clean(f"it waits at place {frame['place']} of the queue: {frame.get('reason', '')}"), 200)
            )
        elif "said" in frame:
            self._say(shorten(clean(str(frame["said"])), _TOLD))

    def turn(self) -> None:
        """Begin: it is this run's turn."""
        self._since = time.monotonic()
        self.state = "running"
        self._say("model and servers are starting")

    def end(self, run: Run | None = None) -> None:
        """End, with the run as it was kept where there is one."""
        self.run = run or self.run
        self.state = "ended"
        self._say("it has ended")

    async def follow(self, seconds: float, tell: Tell) -> None:
        """Wait until it has ended, so many seconds at most; `tell` hears each step, and that it still goes on."""
        heard, at = len(self._said) - 1, 0.0
        with anyio.move_on_after(seconds):
            while self.state != "ended":
                changed = self._changed
                news = self._said[heard:]
                heard += len(news)
                for said in news or self._said[-1:]:  # where nothing is new: that it still goes on
                    at = max(at + 0.001, said.at)  # a progress grows, by the protocol
                    await tell(at, said.now)
                with anyio.move_on_after(_HEARTBEAT):
                    await changed.wait()

    def _say(self, now: str, *, at: float = 0.0) -> None:
        self._said.append(_Said(max(at, self._said[-1].at), now))
        self._changed.set()
        self._changed = anyio.Event()


class Runs:
    """The runs of one server."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._live: list[Live] = []
        self._tasks: TaskGroup | None = None
        self._room = anyio.Semaphore(1)

    @asynccontextmanager
    async def serving(self, _: object) -> AsyncGenerator[None]:
        """Hold what goes on while the server serves; at its end every run is interrupted, and kept."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                self._tasks = None
                tasks.cancel_scope.cancel()

    def start(self, asked: Asked) -> Live:
        """Begin a run, or let it wait for its turn.

        Raises:
            ServerError: too many wait already, or the server is ending.
        """
        waiting = [live for live in self._live if live.state != "ended"]
        if len(waiting) > _MOST_WAITING or self._tasks is None:
            names = ", ".join(live.run.id for live in waiting)
            raise ServerError(f"{len(waiting)} runs are not done yet; wait for one with run_status: {names}")
        live = Live(asked)
        ended = [known for known in self._live if known.state == "ended"]
        self._live = [*ended[-_MOST_REMEMBERED:], *waiting, live]
        self._tasks.start_soon(self._work, live)
        return live

    def find(self, name: str) -> Live | None:
        """Return the run of this id, or end of an id, if this server runs or ran it; `last` is its newest."""
        if name == "last":
            return self._live[-1] if self._live else None
        fits = [live for live in self._live if any(known == name or _ends(known, name) for known in live.names)]
        return fits[0] if len(fits) == 1 else None

    async def _work(self, live: Live) -> None:
        with live.scope, _Told(live):
            async with self._room:
                await self._turn(live)
        live.end(self._kept(live))

    async def _turn(self, live: Live) -> None:
        """Run it in the queue of this machine, or here where none is served."""
        if self._place.queue.socket.exists():
            from runner.serving.joining import join

            if await join(self._place, live, grace=_GRACE):
                return
        live.turn()
        with anyio.move_on_after(live.asked.max_seconds + _GRACE):
            await self._ask(live)

    def _hear(self, live: Live, told: str, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._place.aliases.keep(told, run=event.run.id)
        live.hear(event)

    async def _ask(self, live: Live) -> None:
        told = live.run.id
        asked, until = live.asked, time.monotonic() + live.asked.max_seconds
        agent = Agent(
            asked.expert,
            servers=self._place.sources(),
            model=asked.model,
            bounds=self._place.switches().bounds(),
            settings=self._place.settings,
            finish=checking(asked.expert),
            on_event=lambda event: self._hear(live, told, event),
            own_process=self._place.own_process,
        )

        def limits() -> Limits:
            return Limits(max_steps=asked.max_steps, max_seconds=max(0.1, until - time.monotonic()))

        if asked.sent is not None and asked.sent.placed is not None:
            from runner.placed import run_placed

            await run_placed(asked.prompt, agent, asked.sent.placed, limits=limits, earlier=asked.earlier)
            return
        async with agent:
            await agent.run(asked.prompt, earlier=asked.earlier, limits=limits())

    def _kept(self, live: Live) -> Run | None:
        """Return the run as it was kept: one that was interrupted tells of its end in no event."""
        if not live.begun:
            live.failed = live.failed or "it ended before it had begun; ask again with a larger max_seconds"
            return None
        if live.run.stop != "running" and live.run.stop != "interrupted":
            return None
        try:
            return self._place.recorder.load(live.run.id)
        except RunnerError as error:
            live.failed = live.failed or str(error)
            return live.run.model_copy(update={"stop": "interrupted", "error": "interrupted"})


def _ends(known: str, name: str) -> bool:
    return len(name) >= 4 and known.endswith(name)


class _Told:
    """Takes an error of a run and tells it to those who wait; a cancellation passes."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        foreseen = isinstance(error, RunnerError | ServerError)
        if not foreseen:
            _log.error("a run failed", exc_info=error)
        kept: Run | None = getattr(error, "run", None)
        self._live.run = kept or self._live.run
        self._live.failed = str(error) if foreseen else f"it failed ({type(error).__name__}); see the server's log"
        return True
