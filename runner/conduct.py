"""One request from the command line, carried from options to a kept `Run`."""

import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import anyio
from rich.console import Console

from runner.agent import EVERYTHING, Agent, allowed, unstarted
from runner.config import ServerSpec, find_config, load_config, select, shipped_config
from runner.display import Display
from runner.errors import ConfigError, ModelError, RunnerError
from runner.experts import DEFAULT, Experts, load_experts
from runner.loop import Limits
from runner.models.model import Model
from runner.models.open import open_model
from runner.recorder import Recorder
from runner.toolbox import Toolbox
from schemas.expert import Expert
from schemas.frozen import Frozen
from schemas.run import Run, Stop
from servers.settings import Settings

__all__ = ["EXIT_CODES", "Request", "run_request"]

CONNECT_SECONDS = 20.0
"""Longest wait for the servers to be ready; those that are not by then are left out."""

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
    quiet: bool = False


def run_request(request: Request, settings: Settings) -> Run:
    """Run a request to its end.

    Raises:
        RunnerError: something the user can mend; the text says how.
        KeyboardInterrupt: Ctrl-C; the run is kept.
    """
    outcome = anyio.run(_until_signal, request, settings)
    if outcome is None:
        raise KeyboardInterrupt
    if isinstance(outcome, RunnerError):
        raise outcome
    return outcome


async def _until_signal(request: Request, settings: Settings) -> Run | RunnerError | None:
    """Conduct the request; Ctrl-C, a termination or a closed terminal ends it cleanly, and once: None then."""
    outcome: Run | RunnerError | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_watch, tasks.cancel_scope)
        try:
            outcome = await _conduct(request, settings)
        except RunnerError as error:
            outcome = error
        tasks.cancel_scope.cancel()
    return outcome


async def _watch(work: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as received:
        async for _ in received:  # a second one is taken too, and changes nothing: shutting down is bounded
            work.cancel()


class _Cast(NamedTuple):
    """Who and what takes part in a run."""

    expert: Expert
    experts: Experts
    model: Model
    recorder: Recorder
    display: Display


async def _conduct(request: Request, settings: Settings) -> Run | RunnerError:
    deadline = time.monotonic() + (request.max_seconds or float("inf"))
    recorder = Recorder(settings.context_root)
    earlier = recorder.load(request.resume) if request.resume else None
    if earlier is not None and earlier.stop == "answer" and not request.prompt:
        raise ConfigError(f"run {earlier.id} has its answer; give a new prompt to go on from there")
    experts = load_experts()
    expert = experts.find(request.expert or (earlier.expert if earlier else "") or DEFAULT)
    specs = _specs(request, settings)
    recorder.check()
    opened = await open_model(request.model or _model_of(earlier), expert, settings)
    display = Display(Console(stderr=True, file=sys.stderr), quiet=request.quiet)
    display.opening(request.prompt or (earlier.prompt if earlier else ""), opened.model.name, opened.why)
    outcome: Run | RunnerError = RunnerError("the run did not take place")
    cast = _Cast(expert, experts, opened.model, recorder, display)
    try:
        async with anyio.create_task_group() as background:
            background.start_soon(_load, opened.model)
            outcome = await _answer(request, specs, cast, earlier, deadline)
            background.cancel_scope.cancel()
    finally:
        display.stop()
        await opened.model.close()
    if isinstance(outcome, Run):
        display.closing(outcome)
    return outcome


async def _load(model: Model) -> None:
    """Load the model while the servers start. A failure is met again, and reported, by the first reply."""
    with suppress(ModelError):
        await model.load()


async def _answer(
    request: Request, specs: Sequence[ServerSpec], cast: _Cast, earlier: Run | None, deadline: float
) -> Run | RunnerError:
    """Run the prompt with the servers up. What went wrong is returned: a task group would wrap it in a group."""
    begun = False
    patience = min(CONNECT_SECONDS, max(0.1, deadline - time.monotonic()))
    try:
        async with Toolbox(specs, connect_timeout=patience) as toolbox:
            try:
                agent = _agent(request, cast, toolbox, deadline)
                begun = True
                return await agent.run(request.prompt, earlier=earlier)
            except RunnerError as error:
                return error
    except anyio.get_cancelled_exc_class():
        if not begun:
            with anyio.CancelScope(shield=True):
                cast.recorder.keep(unstarted(request.prompt, cast.expert, cast.model, earlier))
        raise


def _agent(request: Request, cast: _Cast, toolbox: Toolbox, deadline: float) -> Agent:
    wanted = cast.experts.expand(request.tools or cast.expert.tools)
    offered = allowed(toolbox.tools, wanted)
    missing = sorted(set(wanted) - {tool.remote_name or tool.name for tool in offered} - {EVERYTHING})
    cast.display.servers(toolbox.states, len(offered))
    if request.tools and not offered:
        raise ConfigError(f"no server offers {', '.join(missing)}; `afs mcp list` shows the servers")
    if request.tools and missing:
        cast.display.note(f"no server offers {', '.join(missing)}")
    if toolbox.tools and not offered:
        there = ", ".join(tool.name for tool in toolbox.tools[:20])
        cast.display.note(f"no tool is in play: {cast.expert.name} uses other tools; choose with --tools from {there}")
    left = max(0.1, deadline - time.monotonic()) if request.max_seconds else 0.0
    return Agent(
        expert=cast.expert,
        model=cast.model,
        toolbox=toolbox,
        offered=offered,
        recorder=cast.recorder,
        limits=Limits(max_steps=request.max_steps, max_tokens=request.max_tokens, max_seconds=left),
        on_event=cast.display.on_event,
    )


def _model_of(earlier: Run | None) -> str:
    return earlier.model if earlier and not earlier.model.startswith("scripted:") else ""


def _specs(request: Request, settings: Settings) -> tuple[ServerSpec, ...]:
    path = request.config or find_config(Path.cwd()) or shipped_config()
    overrides = {"AFS_CONTEXT_ROOT": str(settings.context_root), "AFS_DATA_DIR": str(settings.data_dir)}
    specs = load_config(path, overrides=overrides)
    return select(specs, request.servers)
