"""One request from the command line, carried from options to a kept `Run`."""

import math
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import anyio
from anyio.abc import TaskStatus
from rich.console import Console

from runner.agent import CONNECT_SECONDS, Agent, find_servers
from runner.asking import Ask, Policy
from runner.checks import checking
from runner.config import ServerSpec, load_config, shipped_config
from runner.conversation import Preview, asked, unstarted
from runner.depth import inside
from runner.display import Display
from runner.errors import ConfigError, RunnerError
from runner.events import Event, Note, OnEvent, Routed, ignore_event
from runner.experts import AUTO, DEFAULT, load_experts
from runner.fusion import Strategy
from runner.hooks import Hooks
from runner.loop import Limits
from runner.models.open import check_model
from runner.panel import Together, together
from runner.recorder import Recorder
from runner.routing.switches import Switches
from runner.terminal import terminal_ask
from schemas.expert import Expert
from schemas.frozen import Frozen
from schemas.route import Route
from schemas.run import Run, Stop
from servers.settings import Settings

if TYPE_CHECKING:
    from runner.routing.placing import Placed
    from runner.routing.sending import Sent

__all__ = [
    "EXIT_CODES",
    "Request",
    "conduct",
    "goes_to_cloud",
    "is_hosted",
    "preview",
    "preview_request",
    "run_request",
    "until_signal",
]

_HOSTED = ("openai", "claude", "anthropic", "gemini", "google")
"""Providers whose models need no turn on this machine."""

EXIT_CODES: Mapping[Stop, int] = {
    "answer": 0,
    "running": 1,
    "max_steps": 3,
    "loop": 3,
    "budget": 3,
    "model_error": 4,
    "interrupted": 130,
}
"""Exit status by why a run stopped."""


class Request(Frozen):
    """What the command line asks for."""

    prompt: str
    expert: str = ""
    model: str = ""
    tools: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    config: Path | None = None
    max_steps: int = 10
    max_tokens: int = 0
    max_seconds: float = 0.0
    resume: str = ""
    context_budget: int | None = None
    allow: tuple[str, ...] = ()
    """Tools that run programs or reach outside, and may do so unasked."""
    critic: str = ""
    """The expert that judges each answer; see `runner.panel`."""
    fuse: tuple[str, ...] = ()
    """The experts whose answers one is chosen of."""
    strategy: Strategy = "consensus"
    plan: bool = False
    unchecked: bool = False
    """Whether answers are given as they are, with no tool asked about them."""
    quiet: bool = False
    switches: Switches = Switches()
    """Where the prompt may go, and what that may cost."""
    for_expert: bool = False
    """Whether the experts' server asks: then none of the servers may ask further experts."""


T = TypeVar("T")


def preview_request(request: Request, settings: Settings) -> Preview:
    """Return what a request would send first. Nothing is sent to the model, and no run is kept.

    Raises:
        RunnerError, KeyboardInterrupt: as `run_request`.
    """
    return _until_end(lambda: preview(request, settings))


def run_request(request: Request, settings: Settings) -> Run:
    """Run a request to its end.

    Raises:
        RunnerError: something the user can mend; the text says how.
        KeyboardInterrupt: Ctrl-C; the run is kept.
    """
    return _until_end(lambda: conduct(request, settings, own_process=True))


def _until_end(work: Callable[[], Awaitable[T]]) -> T:
    outcome = anyio.run(until_signal, work)
    if outcome is None:
        raise KeyboardInterrupt
    if isinstance(outcome, RunnerError):
        raise outcome
    return outcome


async def until_signal(work: Callable[[], Awaitable[T]]) -> T | RunnerError | None:
    """Do the work; Ctrl-C, a termination or a closed terminal ends it cleanly, and once: None then."""
    outcome: T | RunnerError | None = None
    async with anyio.create_task_group() as tasks:
        await tasks.start(_watch, tasks.cancel_scope)
        try:
            outcome = await work()
        except RunnerError as error:
            outcome = error
        tasks.cancel_scope.cancel()
    return outcome


async def _watch(work: anyio.CancelScope, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as received:
        task_status.started()  # the work begins when a signal would be heard
        async for _ in received:  # a second one is taken too, and changes nothing: shutting down is bounded
            work.cancel()


async def conduct(
    request: Request,
    settings: Settings,
    *,
    hooks: Hooks | None = None,
    watch: OnEvent = ignore_event,
    ask: Ask | None = None,
    own_process: bool = False,
) -> Run:
    """Run a request to its end, in the caller's event loop; cancelling it keeps what was done.

    `watch` sees each event after the display; `ask` asks the user whether a tool may run, in place of the terminal;
    `own_process` is as of an `Agent`.

    Raises:
        RunnerError: something the user can mend; the text says how.
    """
    deadline = time.monotonic() + (request.max_seconds or math.inf)
    recorder = Recorder(settings.context_root)
    earlier = _earlier(request, recorder)
    view = _view(request, earlier)
    set_up = await _set_up(request, settings, earlier, view, hooks=hooks, watch=watch, ask=ask, deadline=deadline)
    agent, how = replace(set_up.agent, own_process=own_process), set_up.how
    try:
        if how.how(agent.name) != "alone":
            view.begun = True  # each expert keeps its own run
            limited = replace(agent, limits=_limits(request, deadline))
            return await together(request.prompt, limited, how, earlier=earlier)
        if set_up.placed is not None:
            from runner.placed import run_placed

            limits = partial(_limits, request, deadline)
            return await run_placed(request.prompt, agent, set_up.placed, limits=limits, earlier=earlier)
        async with agent:
            return await agent.run(request.prompt, earlier=earlier, limits=_limits(request, deadline))
    except anyio.get_cancelled_exc_class():
        _keep_unbegun(view, recorder, unstarted(request.prompt, agent.name, view.model, earlier))
        raise
    finally:
        view.stop()


def _keep_unbegun(view: Display, recorder: Recorder, run: Run) -> None:
    """Keep a run that was interrupted before it began; from then on it keeps itself."""
    if not view.begun and view.model:
        recorder.keep(run)


def is_hosted(model: str) -> bool:
    """Tell whether a model, by its full name, needs no turn on this machine."""
    return model.partition(":")[0] in _HOSTED


async def goes_to_cloud(request: Request, settings: Settings) -> bool:
    """Tell whether a request would run in the cloud now; nothing of it is sent.

    Raises:
        RunnerError: as `conduct`.
    """
    earlier = _earlier(request, Recorder(settings.context_root))
    model = request.model or _model_of(earlier)
    if model:
        return is_hosted(model)
    sent = await _sent(request, settings, earlier, request.prompt or (earlier.prompt if earlier else ""))
    return sent.placed is not None and sent.placed.choice.where == "cloud"


async def preview(request: Request, settings: Settings) -> Preview:
    """Return what a request would send first, in the caller's event loop.

    Raises:
        RunnerError: as `conduct`.
    """
    earlier = _earlier(request, Recorder(settings.context_root))
    view = _view(request, earlier)
    set_up = await _set_up(request, settings, earlier, view, deadline=math.inf)
    agent, route = set_up.agent, set_up.route
    if set_up.placed is not None:
        from runner.placed import at

        agent, route = at(agent, set_up.placed, set_up.placed.choice), set_up.placed.route
    try:
        async with replace(agent, keep=False, warm=False) as agent:
            found = await agent.preview(request.prompt, earlier=earlier)
            return found.model_copy(update={"route": route})
    finally:
        view.stop()


def _earlier(request: Request, recorder: Recorder) -> Run | None:
    """Return the run to go on from.

    Raises:
        ConfigError: there is none of that name, it cannot be gone on from, or nothing is asked.
    """
    earlier = recorder.load(request.resume) if request.resume else None
    asked(request.prompt, earlier)
    if earlier is not None and earlier.stop == "running":
        raise ConfigError(f"run {earlier.id} is still going on; wait for its end, or interrupt it")
    return earlier


class _SetUp(NamedTuple):
    agent: Agent
    how: Together
    placed: "Placed | None" = None
    route: Route | None = None


async def _set_up(
    request: Request,
    settings: Settings,
    earlier: Run | None,
    view: Display,
    *,
    deadline: float,
    hooks: Hooks | None = None,
    watch: OnEvent = ignore_event,
    ask: Ask | None = None,
) -> _SetUp:
    """Find who answers and where, and make the agent ready to be entered."""
    how = _together(request)
    tell = _both(view.on_event, watch)
    model = request.model or _model_of(earlier)
    sent = await _sent(request, settings, earlier, view.prompt)
    bounds = request.switches.bounds()
    if model:
        check_model(model, sent.expert, bounds)
    alone = how.how(sent.expert.name) == "alone"
    _announce(sent, alone=alone, tell=tell)
    if not alone and sent.placed and sent.placed.choice.where == "cloud":
        model = sent.placed.choice.model  # for all who take part; here each has the local model of its own
    agent = Agent(
        sent.expert,
        servers=_servers(request, settings),
        tools=request.tools,
        model=model,
        bounds=bounds,
        metadata={"route": sent.route.model_dump(mode="json")} if sent.route and alone else {},
        settings=settings,
        config=request.config,
        policy=Policy(allow=request.allow, ask=ask or terminal_ask(view.stop)),
        hooks=hooks or Hooks(),
        finish=None if request.unchecked else checking(sent.expert),
        on_event=tell,
        context_budget=request.context_budget,
        connect_seconds=min(CONNECT_SECONDS, max(0.1, deadline - time.monotonic())),
    )
    return _SetUp(agent, how, sent.placed, sent.route)


def _servers(request: Request, settings: Settings) -> Sequence[str | ServerSpec] | None:
    if not request.for_expert:
        return request.servers or None
    return tuple(inside(spec) for spec in find_servers(settings, request.servers, config=request.config))


def _announce(sent: "Sent | _Plain", *, alone: bool, tell: OnEvent) -> None:
    """Tell where a prompt goes, unless its run tells that itself, and which models are left out."""
    for note in sent.placed.looked.notes if sent.placed else ():
        tell(Note(note))
    if sent.route is not None and not (alone and sent.placed):
        tell(Routed(sent.route))


def _together(request: Request) -> Together:
    return Together(critic=request.critic, fuse=request.fuse, strategy=request.strategy, plan=request.plan)


async def _sent(request: Request, settings: Settings, earlier: Run | None, prompt: str) -> "Sent | _Plain":
    """Return the expert that is named, or the router's, and where it answers; see `runner.routing.sending`."""
    experts = load_experts()
    named = request.expert or (earlier.expert if earlier else "")
    pinned = bool(request.model or _model_of(earlier))
    plain = bool(earlier or request.model or request.tools or request.fuse or request.plan)
    expert = named or (DEFAULT if plain else AUTO)
    if pinned and expert != AUTO:
        return _Plain(experts.find(expert))
    from runner.routing.sending import send

    own = _own_servers(request, settings) if expert == AUTO else ()
    return await send(
        prompt, experts, settings, expert=expert, switches=request.switches, pinned=pinned, own_servers=own
    )


class _Plain(NamedTuple):
    """An expert that was named, on a model that was named: the router is not even imported."""

    expert: Expert
    placed: None = None
    route: None = None


def _own_servers(request: Request, settings: Settings) -> tuple[str, ...]:
    """Return the servers that were named, and those that the suite does not bring: only the user knows them."""
    known = {spec.name for spec in load_config(shipped_config())}
    chosen = find_servers(settings, request.servers, config=request.config)
    return tuple(spec.name for spec in chosen if request.servers or spec.name not in known)


def _view(request: Request, earlier: Run | None) -> Display:
    view = Display(Console(stderr=True, file=sys.stderr), quiet=request.quiet)
    view.prompt = request.prompt or (earlier.prompt if earlier else "")
    return view


def _both(first: OnEvent, second: OnEvent) -> OnEvent:
    def tell(event: Event) -> None:
        first(event)
        second(event)

    return tell


def _limits(request: Request, deadline: float) -> Limits:
    left = max(0.1, deadline - time.monotonic()) if request.max_seconds else 0.0
    return Limits(max_steps=request.max_steps, max_tokens=request.max_tokens, max_seconds=left)


def _model_of(earlier: Run | None) -> str:
    return earlier.model if earlier and not earlier.model.startswith("scripted:") else ""
