"""A prompt is answered where it was placed, and once more by the second choice where that failed.

The first run is kept, and the second names it: `Run.metadata` holds `route`, and for a second choice `fallback` (true)
and `first` (the id of the first run). The second choice is the cloud, under the same switches; where there is none, and
a daemon failed, the embedded model. After a cloud that cannot be had it is the expert's local model. The user is told
at once, with what the first had said before it broke off; that is kept in its run, and given where no second choice
answers. Where a local model fails and no cloud may be asked, the error says why not.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from pydantic import JsonValue

from runner.agent import Agent
from runner.ask import tokens_of
from runner.conversation import unstarted, with_remark
from runner.errors import ConfigError, ModelError
from runner.events import Note, Routed
from runner.loop import Limits
from runner.recorder import Recorder
from runner.routing.choice import Choice, after_failure, not_asked, placed
from runner.routing.placing import Placed
from schemas.run import Run
from servers.machine.wire import shorten

__all__ = ["at", "run_placed"]

_FAILED = frozenset(["model_error", "loop"])
"""How a run ends that its model has failed."""
_SHOWN = 300
"""Characters of an answer or an error that are told."""
_LEAST_SECONDS = 2.0
"""In less no second choice could answer."""


def at(like: Agent, where: Placed, choice: Choice, *, first: str = "") -> Agent:
    """Return an agent set up as `like`, on the model of a choice; `first` is the id of the run that failed before."""
    route = placed(where.looked.route, choice)
    metadata: dict[str, JsonValue] = {**like.metadata, "route": route.model_dump(mode="json")}
    if choice.fallback:
        metadata |= {"fallback": True, "first": first}
    remark = "" if where.choice.where == "cloud" else not_asked(choice, where.looked.situation)
    return replace(like, model=choice.model, why=choice.why, metadata=metadata, remark=remark)


async def run_placed(
    prompt: str, like: Agent, where: Placed, *, limits: Callable[[], Limits], earlier: Run | None = None
) -> Run:
    """Have the agent's expert answer `prompt` on the model it was placed on, and on the second choice if that fails.

    `limits` are asked for when an agent is ready; tokens of the first run count for the second, those of a reply that
    broke off by the estimate.

    Raises:
        RunnerError: no model could be had, or a run could not be kept.
    """
    like.on_event(Routed(where.route))
    first = await _first(prompt, at(like, where, where.choice), limits, earlier)
    problem = _problem(first.run)
    second = _second(where, like, first.run, problem) if problem else None
    if second is None or _used_up(limits(), first.run):
        if first.error is not None:
            raise first.error
        return first.run
    if first.error is not None and like.keep:
        Recorder(like.settings.context_root).keep(first.run)
    like.on_event(Note(_turned(first.run, where.choice, second, problem), loud=True))
    like.on_event(Routed(placed(where.looked.route, second)))
    try:
        agent = at(like, where, second, first=first.run.id)
        run = await _ask(prompt, agent, _less(limits, first.run), earlier)
        if run.answer or not first.run.answer:
            return run
        failed = run.error
    except (ModelError, ConfigError) as error:
        failed = str(error)
    like.on_event(Note(f"{second.model} failed too, so what came first stands: {_flat(failed)}", loud=True))
    if first.error is not None:
        raise first.error
    return first.run


def _turned(run: Run, first: Choice, second: Choice, problem: str) -> str:
    """Say that another model is asked, why, and what the first had said."""
    wait = " (loading it takes a while)" if second.model.startswith("embedded:") else ""
    said = f'; it had said "{_flat(run.answer)}"' if run.answer else ""
    stay = "; --offline keeps prompts on this machine and waits for no cloud" if first.where == "cloud" else ""
    return f"{second.model}{wait} is asked in place of {run.model}: {_flat(problem)}{said}{stay}"


def _flat(text: str) -> str:
    line = " ".join(text.split())
    return f"{line[:_SHOWN]}{line[_SHOWN:] and '...'}"


class _First(NamedTuple):
    run: Run
    error: ModelError | None = None
    """The model could not even be had; the run is not kept yet."""


async def _first(prompt: str, agent: Agent, limits: Callable[[], Limits], earlier: Run | None) -> _First:
    try:
        return _First(await _ask(prompt, agent, limits, earlier))
    except ModelError as error:
        run = unstarted(prompt, agent.name, str(agent.model), earlier)
        metadata = {**run.metadata, **agent.metadata}
        told = type(error)(with_remark(str(error), agent.remark))
        return _First(run.model_copy(update={"stop": "model_error", "error": str(told), "metadata": metadata}), told)


async def _ask(prompt: str, agent: Agent, limits: Callable[[], Limits], earlier: Run | None) -> Run:
    async with agent:
        return await agent.run(prompt, earlier=earlier, limits=limits())


def _problem(run: Run) -> str:
    """Say why a run calls for a second choice; empty: it does not."""
    if run.stop in _FAILED:
        return shorten(run.error or run.stop, 200)
    return "tools refuted its answer" if run.stop == "answer" and run.verdict == "refuted" else ""


def _second(where: Placed, like: Agent, first: Run, problem: str) -> Choice | None:
    situation = where.looked.situation
    if like.bounds.spending is not None:
        situation = situation._replace(budget=situation.budget._replace(spent=like.bounds.spending.spent))
    if where.choice.where == "cloud" and not _cannot_be_had(first):
        return None
    other = after_failure(where.choice, situation, problem=problem, expert=where.looked.route.expert)
    if other is not None:
        return other
    daemon = where.choice.where == "local" and where.choice.model.partition(":")[0] != "embedded"
    if not daemon or where.choice.fallback or first.stop not in _FAILED:
        return None
    from runner.models.weights import find_weights

    if find_weights(like.settings) is None:
        return None
    from runner.models.embedded import NAME

    return Choice("local", f"embedded:{NAME}", f"{where.choice.model} failed: {problem}", fallback=True)


def _cannot_be_had(run: Run) -> bool:
    """Tell whether a hosted model did not reply; what it replied, or declined to, is its last word."""
    return run.stop == "model_error" and (not run.steps or bool(run.steps[-1].calls))


def _used_up(limits: Limits, first: Run) -> bool:
    """Tell whether tokens or time are used up."""
    return 0 < limits.max_tokens <= tokens_of(first) or 0 < limits.max_seconds < _LEAST_SECONDS


def _less(limits: Callable[[], Limits], first: Run) -> Callable[[], Limits]:
    def rest() -> Limits:
        found = limits()
        return replace(found, max_tokens=found.max_tokens - tokens_of(first)) if found.max_tokens else found

    return rest
