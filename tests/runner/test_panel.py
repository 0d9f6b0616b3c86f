"""Experts together, asked through agents as the command line asks them."""

import dataclasses
import json
import sysconfig
import weakref
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.lowlevel
import pytest

from runner.agent import Agent
from runner.config import ServerSpec
from runner.errors import ConfigError
from runner.events import Event, Note
from runner.experts import load_experts
from runner.model_pool import ModelPool
from runner.models import embedded
from runner.models.scripted import ScriptedModel, text
from runner.models.weights import FILE, SIZE
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


async def test_servers_are_started_once_for_all_who_are_asked_and_ended_with_the_last(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    line = f'echo begun >> "{begun}"; exec "{Path(sysconfig.get_path("scripts")) / "afs-alttp"}"'
    spec = ServerSpec(name="alttp", command="/bin/sh", args=("-c", line))
    like = agent(tmp_path, "veran", "A word.", "SCORE: 0.2\nVERDICT: FAIL", "Another.", "SCORE: 0.9\nVERDICT: PASS")
    run = await done(dataclasses.replace(like, servers=[spec], lists=None), Together(critic="farore"))
    parts = [Recorder(tmp_path).load(name) for name in cast("list[str]", run.metadata["parts"])]
    assert [part.servers[0].state for part in parts] == ["ready"] * 4
    assert begun.read_text(encoding="utf-8").split() == ["begun"]


async def test_two_ways_at_once_and_unknown_experts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--critic and --plan do not go together"):
        await done(agent(tmp_path, "veran"), Together(critic="farore", plan=True))
    with pytest.raises(ConfigError, match="no expert named 'ghirahim'"):
        await done(agent(tmp_path, "veran"), Together(fuse=("ghirahim", "din")))


def script(folder: Path, *answers: str) -> str:
    path = folder / "script.json"
    path.write_text(json.dumps([{"text": answer} for answer in answers]), encoding="utf-8")
    return f"scripted:{path}"


async def test_experts_share_one_opened_model_and_a_script_goes_on_where_it_was(tmp_path: Path) -> None:
    settings = dataclasses.replace(HERE, context_root=tmp_path)
    model = script(tmp_path, "A word.", "SCORE: 0.2\nVERDICT: FAIL", "Another.", "SCORE: 0.9\nVERDICT: PASS")
    run = await done(Agent("veran", model=model, servers=[], settings=settings), Together(critic="farore"))
    assert (run.answer.split("\n")[0], run.model) == ("Another.", "scripted:script.json")


def engines(patch: pytest.MonkeyPatch) -> list[str]:
    """Put doubles in the place of the engines of the embedded model; return what becomes of them, as it does."""
    seen: list[str] = []

    class Llama:
        listening_address = "http://127.0.0.1:9"

    def start(path: Path, num_ctx: int, key: str) -> Llama:
        engine = Llama()
        seen.append(f"started {num_ctx}")
        weakref.finalize(engine, seen.append, f"ended {num_ctx}")
        return engine

    def verify(path: Path) -> bool:
        return True

    patch.setattr(embedded, "start_llama", start)
    patch.setattr(embedded, "verify", verify)
    return seen


async def test_the_embedded_model_is_loaded_once_for_all_who_need_the_same_and_closed_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = engines(monkeypatch)
    (tmp_path / "models").mkdir()
    with (tmp_path / "models" / FILE).open("wb") as file:
        file.truncate(SIZE)
    pool = ModelPool(dataclasses.replace(HERE, data_dir=tmp_path))
    using: list[str] = []

    async def use(name: str) -> None:
        async with pool.lend("embedded", load_experts({}).find(name)) as model:
            await model.load()
            using.append(name)
            assert using == [name], "one at a time"
            await anyio.lowlevel.checkpoint()
            using.remove(name)

    with anyio.fail_after(20):
        async with pool:
            async with anyio.create_task_group() as group:
                for name in ("din", "veran", "farore"):
                    group.start_soon(use, name)
            assert seen == ["started 8192"]
            await use("router")
            assert seen == ["started 8192", "ended 8192", "started 4096"]
    assert seen[3:] == ["ended 4096"]


async def test_who_is_asked_and_what_came_of_it_is_told_as_it_happens(tmp_path: Path) -> None:
    told: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, Note):
            told.append(event.text)

    like = agent(tmp_path, "veran", "A word.", "SCORE: 0.2\nVERDICT: FAIL", "Another.", "SCORE: 0.9\nVERDICT: PASS")
    await done(dataclasses.replace(like, on_event=hear), Together(critic="farore"))
    assert [line.split(" is asked")[0] for line in told if " is asked" in line] == ["veran", "farore"] * 2
    assert told[-1] == "critic loop: passed; answers: 1 unchecked, 2 unchecked; given: 2"
    plan = '{"steps": [{"id": "a", "expert": "veran", "prompt": "Explain it", "depends_on": []}]}'
    like = agent(tmp_path, "default", plan, "So it is.")
    await done(dataclasses.replace(like, on_event=hear), Together(plan=True))
    assert told[-1] == "step a (veran): done, unchecked"
