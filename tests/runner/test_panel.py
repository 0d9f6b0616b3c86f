"""Experts together, asked through agents as the command line asks them."""

import dataclasses
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from runner.agent import Agent
from runner.errors import ConfigError
from runner.models.scripted import ScriptedModel, text
from runner.panel import Together, together
from runner.recorder import Recorder
from schemas.run import Run
from servers.asar.server import build as build_asar
from servers.settings import Settings
from tests.asar import HERE, NEEDS_ASAR

pytestmark = pytest.mark.anyio

ASAR_THERE = NEEDS_ASAR[1]
DEAD = "Optimize: LDA #$00 / STA $10 (A is not used afterwards)"


def agent(folder: Path, expert: str, *lines: str, asar: bool = False) -> Agent:
    settings: Settings = dataclasses.replace(HERE, context_root=folder)
    sources: list[Any] = [("asar", build_asar(HERE))] if asar else []
    return Agent(expert, model=ScriptedModel([text(line) for line in lines]), servers=sources, settings=settings)


async def done(like: Agent, how: Together, prompt: str = "Explain it") -> Run:
    with anyio.fail_after(60):
        return await together(prompt, like, how)


async def test_one_expert_alone_is_checked_and_kept(tmp_path: Path) -> None:
    run = await done(agent(tmp_path, "veran", "A word."), Together())
    assert (run.expert, run.answer, run.verdict) == ("veran", "A word.", "unchecked")
    assert [check.said for check in run.checks] == ["no server offers validate_output"]
    assert Recorder(tmp_path).ids() == [run.id]


async def test_a_critic_loop_is_kept_with_each_of_its_runs(tmp_path: Path) -> None:
    like = agent(tmp_path, "veran", "A word.", "SCORE: 0.2\nVERDICT: FAIL", "Another.", "SCORE: 0.9\nVERDICT: PASS")
    run = await done(like, Together(critic="farore"))
    parts = cast("list[str]", run.metadata["parts"])
    assert (run.answer.split("\n")[0], len(parts)) == ("Another.", 4)
    assert set(Recorder(tmp_path).ids()) == {run.id, *parts}
    assert Recorder(tmp_path).load(run.id) == run


async def test_the_generalist_is_an_expert_like_any_other(tmp_path: Path) -> None:
    like = agent(tmp_path, "generalist", "<INVOKE_EXPERT:veran> What is it?", "A register.", "It is a register.")
    run = await done(like, Together())
    assert run.answer.startswith("It is a register.")
    assert cast("dict[str, Any]", run.metadata["generalist"])["invocations"][0]["expert"] == "veran"


async def test_a_plan_runs_its_steps(tmp_path: Path) -> None:
    plan = '{"steps": [{"id": "a", "expert": "veran", "prompt": "Explain it", "depends_on": []}]}'
    run = await done(agent(tmp_path, "default", plan, "So it is."), Together(plan=True))
    assert run.answer.startswith("So it is.")


@pytest.mark.asar
@ASAR_THERE
async def test_answers_are_fused_with_the_tools_of_the_agents_servers(tmp_path: Path) -> None:
    like = agent(tmp_path, "default", "```asm\nstz $10\n```", "```asm\nlda #$00\nsta $10\nrep #$00\n```", asar=True)
    run = await done(like, Together(fuse=("veran", "farore")), DEAD)
    told = cast("dict[str, Any]", run.metadata["fusion"])
    assert told["groups"][0]["why"] == ["farore with veran: compare_code: proved"]
    assert "Agreed by 2 of 2: veran, farore" in run.answer


async def test_two_ways_at_once_and_unknown_experts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--critic and --plan do not go together"):
        await done(agent(tmp_path, "veran"), Together(critic="farore", plan=True))
    with pytest.raises(ConfigError, match="no expert named 'ghirahim'"):
        await done(agent(tmp_path, "veran"), Together(fuse=("ghirahim", "din")))
