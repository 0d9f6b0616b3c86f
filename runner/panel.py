"""Experts together: what a prompt becomes when a critic, several experts, a plan or the generalist answer it.

    run = await together("Make this smaller: ...", Agent("din", servers=("asar",)), Together(critic="farore"))

The agent says how each expert is asked (servers, model, limits, where runs are kept); it is not entered itself. Every
answer is checked on the way (see `runner.checks`). A local model is opened, and the servers are started, once for all.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import anyio
from pydantic import JsonValue

from runner.agent import Agent
from runner.checks import checking
from runner.critic import CriticBudget, run_critic_loop
from runner.errors import ConfigError
from runner.events import Note
from runner.experts import DEFAULT, load_experts
from runner.fusion import Strategy, run_fusion
from runner.generalist import GENERALIST, run_generalist
from runner.loop import Limits
from runner.model_pool import ModelPool
from runner.plan import PLANNER, run_plan
from runner.recorder import Recorder
from runner.toolbox import Toolbox
from schemas.frozen import Frozen
from schemas.run import Run

__all__ = ["Panel", "Together", "together"]

_MOST_SHOWN = 160

How = Literal["alone", "critic", "fuse", "plan", "generalist"]


class Together(Frozen):
    """Who takes part. Of these at most one is given; with none the agent's own expert answers alone."""

    critic: str = ""
    """The expert that judges the agent's own, and sends it back to mend."""
    fuse: tuple[str, ...] = ()
    """The experts whose answers one is chosen of."""
    strategy: Strategy = "consensus"
    plan: bool = False
    """Whether a planner parts the prompt into steps."""
    iterations: int = 3
    """Answers of the critic loop, at most."""
    at_once: int = 1
    """Experts that are asked at the same time, at most; a local model serves one."""

    def how(self, expert: str) -> How:
        """Return in which way the experts work together, `expert` being the agent's own.

        Raises:
            ConfigError: several ways are asked for.
        """
        given: list[How] = [name for name in ("critic", "fuse", "plan") if getattr(self, name)]
        if len(given) > 1:
            raise ConfigError(f"--{given[0]} and --{given[1]} do not go together; choose one of them")
        return given[0] if given else ("generalist" if expert == GENERALIST else "alone")


@dataclass(kw_only=True)
class Panel:
    """Asks experts as a given agent is set up; its `ask` fits everything in `runner.ask`."""

    like: Agent
    """How to ask, and on which servers; never entered."""
    models: ModelPool
    """Where the models are that `like` only names."""
    alone: bool = False
    """Whether one expert answers alone; otherwise each who is asked is told as a note."""
    _begun: float = field(default_factory=time.monotonic)
    _turn: anyio.Lock = field(default_factory=anyio.Lock)

    async def ask(self, prompt: str, expert: str, *, earlier: Run | None = None) -> Run:
        """Have an expert answer in an agent of its own, its answer checked.

        Raises:
            RunnerError: there is no such expert or model, or the run cannot be kept.
        """
        if not self.alone:
            asked = " ".join(prompt.split())
            self.like.on_event(Note(f"{expert} is asked: {asked[:_MOST_SHOWN]}{asked[_MOST_SHOWN:] and '...'}"))
        own = expert == self.like.name
        found = self.like.expert if own and not isinstance(self.like.expert, str) else load_experts().find(expert)
        tools = self.like.tools if own else ()
        agent = replace(self.like, expert=found, tools=tools, finish=checking(found), limits=self._limits())
        if isinstance(self.like.model, str):
            async with self.models.lend(self.like.model, found) as model:
                return await _asked(replace(agent, model=model), prompt, earlier)
        async with self._turn:  # a model object serves one run at a time
            return await _asked(agent, prompt, earlier)

    def _limits(self) -> Limits:
        limits = self.like.limits
        if not limits.max_seconds:
            return limits
        return replace(limits, max_seconds=max(0.1, limits.max_seconds - (time.monotonic() - self._begun)))


async def _asked(agent: Agent, prompt: str, earlier: Run | None) -> Run:
    async with agent:
        return await agent.run(prompt, earlier=earlier)


async def together(prompt: str, like: Agent, how: Together, *, earlier: Run | None = None) -> Run:
    """Have experts answer `prompt` together; return the run of it all, kept where `like` keeps its runs.

    `earlier` is a run to go on from, where one expert answers alone.

    Raises:
        RunnerError: an expert or a model is not there, or the run cannot be kept (a KeepError holds it).
    """
    way = how.how(like.name)
    if way != "alone" and earlier is not None:
        raise ConfigError("only a run of one expert can be gone on from; leave --resume out, or the other experts")
    for name in (*how.fuse, *([how.critic] if how.critic else [])):
        load_experts().find(name)
    async with ModelPool(like.settings, like.bounds) as models:
        if way == "alone":
            return await Panel(like=like, models=models, alone=True).ask(prompt, like.name, earlier=earlier)
        async with like.new_toolbox() as toolbox:
            panel = Panel(like=replace(like, toolbox=toolbox), models=models)
            run = await _run(prompt, panel, how, way, toolbox)
    for line in _course(run):
        like.on_event(Note(line))
    if like.keep:
        Recorder(like.settings.context_root).keep(run)
    return run


async def _run(prompt: str, panel: Panel, how: Together, way: How, toolbox: Toolbox) -> Run:
    like, limits = panel.like, panel.like.limits
    experts = [name for name in load_experts().experts if name not in (DEFAULT, PLANNER, GENERALIST)]
    if way == "critic":
        budget = CriticBudget(iterations=how.iterations, max_tokens=limits.max_tokens, max_seconds=limits.max_seconds)
        return await run_critic_loop(prompt, like.name, ask=panel.ask, critic=how.critic, budget=budget)
    if way == "plan":
        return await run_plan(prompt, ask=panel.ask, experts=experts, at_once=how.at_once)
    if way == "generalist":
        return await run_generalist(prompt, ask=panel.ask, experts=experts)
    return await run_fusion(
        prompt, how.fuse, ask=panel.ask, strategy=how.strategy, toolbox=toolbox, at_once=how.at_once
    )


def _course(run: Run) -> Iterator[str]:
    """Yield what became of a run of several experts, a line each; the whole is in its metadata."""
    told = run.metadata
    critic, plan, general = (_fields(told.get(name)) for name in ("critic", "plan", "generalist"))
    tries = _rows(critic.get("iterations"))
    if tries:
        verdicts = ", ".join(f"{item.get('index')} {item.get('verdict')}" for item in tries)
        yield f"critic loop: {critic.get('stop')}; answers: {verdicts}; given: {critic.get('best')}"
    for step in _rows(plan.get("steps")):
        why = f": {step.get('why')}" if step.get("why") else ""
        yield f"step {step.get('id')} ({step.get('expert')}): {step.get('state')}, {step.get('verdict')}{why}"
    for asked in _rows(general.get("invocations")):
        came = "refused" if asked.get("refused") else asked.get("verdict")
        yield f"asked {asked.get('expert')}: {came}"


def _fields(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _rows(value: JsonValue) -> list[dict[str, JsonValue]]:
    return [_fields(item) for item in value] if isinstance(value, list) else []
