"""Plans: a planner model parts a task into steps for experts; steps that need none of each other run at the same time.

The plan is JSON: `{"steps": [{"id": "a", "expert": "nayru", "prompt": "...", "depends_on": []}]}`. A plan with a cycle,
an unknown expert or an unknown step goes back to the planner with what is wrong, twice at most. Each step is a run of
its own; it is given the answers that it depends on. A step whose need failed is not run, and says whose failure it was.
"""

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal, NamedTuple

import anyio
from pydantic import Field, JsonValue, ValidationError

from runner.ask import Ask, ask_safely, bare, joined
from runner.hints import FEEDBACK
from schemas.frozen import Frozen
from schemas.run import Run
from schemas.verdict import Verdict
from servers.machine.wire import clean, shorten

__all__ = ["PLANNER", "Plan", "PlanProblem", "PlanStep", "StepRecord", "read_plan", "run_plan"]

PLANNER = "planner"
"""The expert that makes plans."""

_MOST_STEPS = 12
_MOST_TEXT = 100_000
_MOST_PASSED_ON = 8_000
_WORST_FIRST: tuple[Verdict, ...] = ("refuted", "unchecked", "tested", "proved")


class PlanStep(Frozen):
    """One question to one expert."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")
    expert: str = Field(min_length=1, max_length=64)
    prompt: str = Field(min_length=1, max_length=20_000)
    depends_on: tuple[str, ...] = Field(default=(), max_length=_MOST_STEPS)


class Plan(Frozen):
    """The steps of a task."""

    steps: tuple[PlanStep, ...] = Field(min_length=1, max_length=_MOST_STEPS)


class StepRecord(Frozen):
    """What became of a step."""

    id: str
    expert: str
    state: Literal["done", "failed", "skipped"]
    run: str = Field(default="", description="the id of its run; empty: it was not run")
    verdict: Verdict = "unchecked"
    why: str = Field(default="", description="why it failed or was skipped")
    started: float = Field(default=0.0, description="seconds after the plan began")
    seconds: float = 0.0


class PlanProblem(ValueError):
    """A text is no plan that can be run; the message is for its author."""


def read_plan(text: str, *, experts: Sequence[str]) -> Plan:
    """Return the plan in a planner's answer, which may have words or a fence around it.

    Raises:
        PlanProblem: there is no JSON object, or it is no plan: what is wrong, and what is right.
    """
    try:
        plan = Plan.model_validate(_object_in(text[:_MOST_TEXT]))
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:4])
        raise PlanProblem(f"the plan is not in the right form: {told}") from error
    ids = [step.id for step in plan.steps]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise PlanProblem(f"several steps have the id {', '.join(twice)}; give each its own")
    for step in plan.steps:
        if step.expert not in experts:
            raise PlanProblem(
                f"step {step.id}: there is no expert {clean(step.expert)!r}; there are {', '.join(experts)}"
            )
        unknown = [name for name in step.depends_on if name not in ids]
        if unknown:
            raise PlanProblem(
                f"step {step.id} depends on {clean(unknown[0])!r}, which is no step; steps: {', '.join(ids)}"
            )
    try:
        TopologicalSorter({step.id: step.depends_on for step in plan.steps}).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        raise PlanProblem(
            f"steps wait for each other: {' needs '.join(cycle[::-1])}; take one of these needs out"
        ) from error
    return plan


def _object_in(text: str) -> Any:
    """Return the first JSON object with `steps` in a text."""
    decoder = json.JSONDecoder()
    for match in list(re.finditer(r"\{", text))[:50]:
        try:
            found, _ = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and "steps" in found:
            return found  # pyright: ignore[reportUnknownVariableType]  # whatever JSON holds; it is validated next
    raise PlanProblem('there is no JSON object with "steps" in it; answer with the plan as JSON and nothing else')


class _Planned(NamedTuple):
    plan: Plan | None
    runs: list[Run]
    problem: str


@dataclass(kw_only=True)
class _Work:
    """A plan being carried out."""

    ask: Ask
    plan: Plan
    begun: float
    runs: dict[str, Run] = field(default_factory=dict[str, Run])
    records: dict[str, StepRecord] = field(default_factory=dict[str, StepRecord])

    async def run(self, at_once: int) -> None:
        """Run each step as soon as what it needs is done, at most `at_once` at the same time."""
        ended = {step.id: anyio.Event() for step in self.plan.steps}
        limiter = anyio.CapacityLimiter(max(1, at_once))

        async def one(step: PlanStep) -> None:
            for need in step.depends_on:
                await ended[need].wait()
            async with limiter:
                await self._step(step)
            ended[step.id].set()

        async with anyio.create_task_group() as group:
            for step in self.plan.steps:
                group.start_soon(one, step)

    async def _step(self, step: PlanStep) -> None:
        broken = [need for need in step.depends_on if self.records[need].state != "done"]
        started = round(time.monotonic() - self.begun, 3)
        record = StepRecord(id=step.id, expert=step.expert, state="skipped", started=started)
        if broken:
            why = f"not run: {', '.join(f'{need} {self.records[need].state}' for need in broken)}"
            self.records[step.id] = record.model_copy(update={"why": why})
            return
        run = await ask_safely(self.ask, self._prompt(step), step.expert)
        self.runs[step.id] = run
        done = run.stop == "answer" and run.verdict != "refuted"
        why = "" if done else (run.error or f"its answer was {run.verdict}")
        self.records[step.id] = record.model_copy(
            update={
                "state": "done" if done else "failed",
                "run": run.id,
                "verdict": run.verdict,
                "why": clean(why),
                "seconds": round(time.monotonic() - self.begun - started, 3),
            }
        )

    def _prompt(self, step: PlanStep) -> str:
        """Return the prompt of a step with the answers that it needs, as material."""
        given = [
            f"Answer of step {need}:\n{shorten(bare(self.runs[need]), _MOST_PASSED_ON)}" for need in step.depends_on
        ]
        return "\n\n".join([step.prompt, *given])


async def run_plan(
    prompt: str,
    *,
    ask: Ask,
    experts: Sequence[str],
    planner: str = PLANNER,
    at_once: int = 2,
    repairs: int = 2,
) -> Run:
    """Have `planner` part `prompt` into steps for `experts`, run them, and return one run with the answers of the last.

    Its answer joins the answers of the steps that no other step needs, under their names, and tells what failed. Its
    verdict is the worst of theirs. `metadata["plan"]` has the steps and what became of each.
    """
    begun = time.monotonic()
    names = [name for name in experts if name != planner]
    planned = await _planned(prompt, ask, planner, experts=names, repairs=repairs)
    if planned.plan is None:
        return joined(
            prompt,
            planned.runs,
            expert=planner,
            answer="",
            verdict="unchecked",
            stop="model_error",
            error=f"no plan came about: {planned.problem}; ask an expert with --expert, or try another model",
            begun=begun,
            metadata={"plan": {"steps": [], "problem": planned.problem}},
        )
    work = _Work(ask=ask, plan=planned.plan, begun=begun)
    await work.run(at_once)
    return _closed(prompt, work, planned.runs, planner=planner)


async def _planned(prompt: str, ask: Ask, planner: str, *, experts: Sequence[str], repairs: int) -> _Planned:
    runs: list[Run] = []
    said, problem = prompt, ""
    for _ in range(repairs + 1):
        run = await ask(said, planner, earlier=runs[-1] if runs else None)
        runs.append(run)
        if run.stop != "answer":
            return _Planned(None, runs, clean(run.error or run.stop))
        try:
            return _Planned(read_plan(bare(run), experts=experts), runs, "")
        except PlanProblem as error:
            problem = clean(str(error))
        said = (
            f"{FEEDBACK}is no plan that can be run: {problem}. Answer with the whole plan as JSON. The task: {prompt}"
        )
    return _Planned(None, runs, problem)


def _closed(prompt: str, work: _Work, planning: Sequence[Run], *, planner: str) -> Run:
    steps = work.plan.steps
    needed = {need for step in steps for need in step.depends_on}
    last = [step for step in steps if step.id not in needed]
    records = [work.records[step.id] for step in steps]
    answers = [_answer_of(step, work, alone=len(last) == 1) for step in last]
    broken = [f"Step {item.id} ({item.expert}) {item.state}: {item.why}" for item in records if item.state != "done"]
    ended = [work.records[step.id] for step in last]
    told: list[JsonValue] = [
        {**step.model_dump(mode="json"), **record.model_dump(mode="json")}
        for step, record in zip(steps, records, strict=True)
    ]
    good = any(record.state == "done" for record in ended)
    return joined(
        prompt,
        [*planning, *work.runs.values()],
        expert=planner,
        answer="\n\n".join(filter(None, [*answers, "\n".join(broken)])),
        verdict=next(verdict for verdict in _WORST_FIRST if verdict in {record.verdict for record in ended}),
        checks=[check for step in last if step.id in work.runs for check in work.runs[step.id].checks],
        stop="answer" if good else "model_error",
        error="" if good else "no step at the end of the plan was done: " + "; ".join(broken),
        begun=work.begun,
        metadata={"plan": {"steps": told, "problem": ""}},
    )


def _answer_of(step: PlanStep, work: _Work, *, alone: bool) -> str:
    run = work.runs.get(step.id)
    if run is None or not run.answer:
        return ""
    return run.answer if alone else f"{step.id} ({step.expert}):\n{run.answer}"
