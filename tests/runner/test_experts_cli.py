"""`afs agent experts` and `afs agent trace`, as a user calls them."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner, Result

from runner.agent import Agent
from runner.agent_cli import agent
from runner.models.scripted import ScriptedModel, text
from runner.panel import Together, together
from runner.recorder import Recorder
from schemas.run import Run
from servers.settings import Settings

ASKED = "<INVOKE_EXPERT:veran> What is $2100?"


def called(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(agent, list(words), env=environment)


@pytest.mark.parametrize("columns", [80, 200])
def test_the_experts_fit_the_terminal_and_none_is_cut(columns: int) -> None:
    shown = called("experts", COLUMNS=str(columns))
    lines = shown.stdout.splitlines()
    assert shown.exit_code == 0
    assert max(map(len, lines)) <= columns
    starts = {len(line) - len(line.split("  ", 1)[1].lstrip()) for line in lines if line[0] != " "}
    assert len(starts) == 1, "one column"
    assert "[planned: no model of its own yet]" in " ".join(shown.stdout.split())


def test_the_experts_are_given_as_json_with_what_is_planned() -> None:
    found: list[dict[str, Any]] = [json.loads(line) for line in called("experts", "--json").stdout.splitlines()]
    assert {item["name"] for item in found if item["planned"]} == {"zelda", "ganon"}
    assert {"din", "veran", "generalist"} <= {item["name"] for item in found}


def kept(root: Path, *answers: str) -> Run:
    """Keep a run of the generalist on a script."""

    async def work() -> Run:
        model = ScriptedModel([text(answer) for answer in answers])
        settings = Settings.from_environment({"AFS_CONTEXT_ROOT": str(root)})
        with anyio.fail_after(60):
            return await together(
                "Tell me", Agent("generalist", model=model, servers=[], settings=settings), Together()
            )

    return anyio.run(work)


def test_a_run_of_the_generalist_is_traced_in_its_protocol(tmp_path: Path) -> None:
    run = kept(tmp_path, ASKED, "INIDISP.", "It is INIDISP.")
    alone = kept(tmp_path, "I know it.")
    root = ["--context-root", str(tmp_path)]
    trace = json.loads(called("trace", run.id, *root).stdout)
    assert (trace["run"], trace["prompt"], trace["experts"]) == (run.id, "Tell me", ["veran"])
    assert trace["completion"].startswith(f"{ASKED}\n<INVOKE_EXPERT:veran>\n<EXPERT_RESPONSE>\nINIDISP.")
    assert trace["completion"].endswith("It is INIDISP.")
    refused = called("trace", alone.id, *root)
    assert refused.exit_code == 1
    assert "asked no expert; ask with --expert generalist" in refused.stderr


def test_all_traces_are_those_of_runs_that_asked_an_expert_and_were_not_refuted(tmp_path: Path) -> None:
    first = kept(tmp_path, ASKED, "INIDISP.", "It is INIDISP.")
    kept(tmp_path, "I know it.")
    Recorder(tmp_path).keep(kept(tmp_path, ASKED, "BGMODE.", "So it is.").model_copy(update={"verdict": "refuted"}))
    lines = called("trace", "--context-root", str(tmp_path)).stdout.splitlines()
    assert [json.loads(line)["run"] for line in lines] == [first.id]


def test_a_run_that_is_not_there_is_told_with_the_next_step(tmp_path: Path) -> None:
    shown = called("trace", "nothing", "--context-root", str(tmp_path))
    assert (shown.exit_code, "`afs agent runs` lists them" in shown.stderr) == (1, True)
