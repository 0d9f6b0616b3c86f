"""Plans: how they are read, and how their steps run, on scripted experts."""

import json
import re
from collections.abc import Callable
from typing import Any, cast

import anyio
import pytest

from runner.agent import Agent
from runner.experts import load_experts
from runner.models.scripted import ScriptedModel, text
from runner.plan import PlanProblem, read_plan, run_plan
from schemas.run import Run

pytestmark = pytest.mark.anyio

NAMES = ("din", "nayru", "veran")


def step(name: str, expert: str, *needs: str, prompt: str = "") -> dict[str, Any]:
    return {"id": name, "expert": expert, "prompt": prompt or f"do {name}", "depends_on": list(needs)}


def plan(*steps: dict[str, Any]) -> str:
    return json.dumps({"steps": list(steps)})


class Panel:
    """A planner with a script, and experts that repeat what they were asked; a step can be made to wait or to fail."""

    def __init__(self, *plans: str, failing: tuple[str, ...] = (), wait: Callable[[str], Any] | None = None) -> None:
        self.planner = ScriptedModel([text(line) for line in plans])
        self.asked: list[tuple[str, str]] = []
        self._failing = failing
        self._wait = wait

    async def ask(self, prompt: str, expert: str, *, earlier: Run | None = None) -> Run:
        if expert == "planner":
            async with Agent(load_experts({}).find("planner"), model=self.planner, servers=(), keep=False) as agent:
                return await agent.run(prompt, earlier=earlier)
        self.asked.append((expert, prompt))
        if self._wait is not None:
            await self._wait(prompt)
        found = load_experts({}).find(expert).model_copy(update={"must_prove": False, "proof": ""})
        model = ScriptedModel([] if prompt.split("\n")[0] in self._failing else [text(f"did: {prompt[:20]}")])
        async with Agent(found, model=model, servers=(), keep=False) as agent:
            return await agent.run(prompt)

    async def carry_out(self, prompt: str = "Make a routine", **options: Any) -> tuple[Run, list[dict[str, Any]]]:
        with anyio.fail_after(30):
            run = await run_plan(prompt, ask=self.ask, experts=NAMES, **options)
        return run, cast("dict[str, Any]", run.metadata["plan"])["steps"]


def test_a_plan_is_read_out_of_words_and_fences() -> None:
    said = f'Here it is {{"not": "it"}}:\n```json\n{plan(step("a", "din"))}\n```\nGood luck.'
    assert [item.id for item in read_plan(said, experts=NAMES).steps] == ["a"]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("I would do it like this.", 'no JSON object with "steps"'),
        ('{"steps": []}', "at least 1 item"),
        ('{"steps": 5}', "steps: Input should be a valid tuple"),
        (plan(*[step(f"s{number}", "din") for number in range(13)]), "at most 12 items"),
        (plan(step("a", "ghirahim")), "there is no expert 'ghirahim'; there are din, nayru, veran"),
        (plan(step("a", "din", "b")), "depends on 'b', which is no step; steps: a"),
        (plan(step("a", "din"), step("a", "din")), "several steps have the id a"),
        (plan(step("a", "din", "a")), "wait for each other: a needs a"),
        (plan(step("a", "din", "b"), step("b", "din", "a")), "wait for each other"),
        (plan({**step("a", "din"), "shell": "rm"}), "shell: Extra inputs"),
        (plan(step("a b", "din")), "id: String should match"),
        ("{" * 60_000, "no JSON object"),
        ('{"steps": ' + "[" * 50_000, "no JSON object"),
    ],
)
def test_what_is_wrong_with_a_plan_is_said(said: str, problem: str) -> None:
    with pytest.raises(PlanProblem, match=re.escape(problem)):
        read_plan(said, experts=NAMES)


async def test_a_step_is_given_the_answers_that_it_needs() -> None:
    panel = Panel(plan(step("write", "nayru"), step("shrink", "din", "write"), step("tell", "veran", "shrink")))
    run, steps = await panel.carry_out()
    assert [expert for expert, _ in panel.asked] == ["nayru", "din", "veran"]
    assert panel.asked[1][1] == "do shrink\n\nAnswer of step write:\ndid: do write"
    assert panel.asked[2][1].startswith("do tell\n\nAnswer of step shrink:\ndid: do shrink")
    assert (run.answer.startswith("did: do tell"), run.stop) == (True, "answer")
    assert [(item["id"], item["state"], item["run"] != "") for item in steps] == [
        ("write", "done", True),
        ("shrink", "done", True),
        ("tell", "done", True),
    ]
    assert len(cast("list[str]", run.metadata["parts"])) == 4


async def test_independent_steps_run_at_the_same_time() -> None:
    both = anyio.Event()
    there: list[str] = []

    async def wait(prompt: str) -> None:
        there.append(prompt)
        if len(there) == 2:
            both.set()
        await both.wait()

    run, _ = await Panel(plan(step("a", "din"), step("b", "nayru")), wait=wait).carry_out(at_once=2)
    assert run.stop == "answer"
    assert "a (din):\ndid: do a" in run.answer
    assert "b (nayru):\ndid: do b" in run.answer


async def test_no_more_steps_run_at_the_same_time_than_allowed() -> None:
    running, most = 0, 0

    async def wait(_: str) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await anyio.lowlevel.checkpoint()
        running -= 1

    await Panel(plan(*[step(f"s{number}", "din") for number in range(6)]), wait=wait).carry_out(at_once=2)
    assert most <= 2


async def test_a_plan_that_cannot_be_run_goes_back_with_what_is_wrong() -> None:
    panel = Panel(plan(step("a", "din", "b"), step("b", "din", "a")), "sorry", plan(step("a", "din")))
    run, _ = await panel.carry_out()
    told = [messages[-1].text for messages in panel.planner.heard]
    assert "wait for each other: " in told[1]
    assert 'no JSON object with "steps"' in told[2]
    assert run.answer == "did: do a"


async def test_a_planner_that_makes_no_plan_is_given_up() -> None:
    panel = Panel("no", "no", "no", "no")
    run, steps = await panel.carry_out()
    assert (run.stop, run.answer, steps, len(panel.planner.heard)) == ("model_error", "", [], 3)
    assert "no plan came about" in run.error


async def test_a_failed_step_is_told_and_what_needs_it_is_not_run() -> None:
    panel = Panel(
        plan(step("a", "din"), step("b", "nayru", "a"), step("c", "veran", "b"), step("d", "veran")), failing=("do a",)
    )
    run, steps = await panel.carry_out()
    assert {item["id"]: item["state"] for item in steps} == {"a": "failed", "b": "skipped", "c": "skipped", "d": "done"}
    assert "Step b (nayru) skipped: not run: a failed" in run.answer
    assert (run.stop, "did: do d" in run.answer) == ("answer", True)


async def test_a_plan_of_which_nothing_came_is_an_error_that_says_why() -> None:
    run, _ = await Panel(plan(step("a", "din"), step("b", "nayru", "a")), failing=("do a",)).carry_out()
    assert run.stop == "model_error"
    assert "Step a (din) failed: the script" in run.error


async def test_the_planner_is_no_expert_of_its_own_plan() -> None:
    panel = Panel(plan(step("a", "planner")), plan(step("a", "din")))
    run, _ = await panel.carry_out()
    assert run.answer == "did: do a"
