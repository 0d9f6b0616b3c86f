"""What the kept runs say: counted from real files of the recorder."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from runner.agent_cli import agent
from runner.recorder import Recorder, new_run_id
from runner.routing.cli import stats_command
from runner.routing.stats import newest, report
from schemas.message import ToolCall, Usage
from schemas.run import CallRecord, Run, Step


def run(expert: str, model: str, *, seconds: float = 1.0, cost: float = 0.0, **metadata: object) -> Run:
    told = {"usage": Usage(prompt_tokens=100, answer_tokens=10, cost=cost), "metadata": metadata, "stop": "answer"}
    blank = {"id": new_run_id(), "prompt": "p", "expert": expert, "model": model, "started": "2026-01-01T00:00:00.000Z"}
    return Run.model_validate({**blank, **told, "seconds": seconds})


def with_call(found: Run, tool: str, structured: dict[str, object]) -> Run:
    record = CallRecord.model_validate(
        {"call": ToolCall(id="1", name=tool), "ok": True, "text": "", "structured": structured}
    )
    return found.model_copy(update={"steps": (Step(index=1, calls=(record,)),)})


def test_runs_are_counted_by_expert_and_model() -> None:
    runs = [
        run("din", "ollama:din-v3", seconds=2.0),
        run("din", "gemini:flash", seconds=4.0, cost=0.25, fallback=True),
        run("veran", "embedded:qwen", seconds=1.0),
        run("veran", "openai:lmstudio", route={"where": "local"}),
        run("veran", "scripted:file"),
    ]
    found = report(runs)
    assert (found.total.runs, found.total.local, found.total.fallbacks, found.total.cost) == (4, 3, 1, 0.25)
    assert [(group.name, group.runs, group.median_seconds) for group in found.experts] == [
        ("din", 2, 3.0),
        ("veran", 2, 1.0),
    ]
    assert {group.name: group.local for group in found.models}["gemini:flash"] == 0


def test_an_aim_that_nothing_measured_has_no_figure() -> None:
    aims = report([]).aims
    assert len(aims) == 6
    assert [aim.value for aim in aims] == [None] * 6


def test_an_aim_is_measured_by_what_the_tools_said() -> None:
    good = with_call(run("nayru", "ollama:n"), "assemble", {"ok": True})
    bad = with_call(run("nayru", "ollama:n"), "assemble", {"ok": False})
    saved = with_call(run("din", "ollama:d"), "optimize_code", {"best": {"saved_percent": 25.0}})
    hostile = with_call(run("din", "ollama:d"), "optimize_code", {"best": {"saved_percent": "lots"}})
    aims = {aim.name: aim for aim in report([good, bad, saved, hostile]).aims}
    assert (aims["nayru: code that assembles"].value, aims["nayru: code that assembles"].of) == (0.5, 2)
    assert (aims["din: clocks saved"].value, aims["din: clocks saved"].of) == (0.25, 1)
    assert aims["local share"].value == 1.0


def test_a_damaged_run_is_counted_and_not_the_end(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.keep(run("din", "ollama:d"))
    (recorder.folder / f"{new_run_id()}.json").write_text("{", encoding="utf-8")
    runs, damaged = newest(recorder, limit=10)
    assert (len(runs), damaged) == (1, 1)


@pytest.mark.parametrize(("days", "there"), [("0", 2), ("30", 1)])
def test_old_runs_can_be_left_out(tmp_path: Path, days: str, there: int) -> None:
    recorder = Recorder(tmp_path)
    recorder.keep(run("din", "ollama:d"))
    recorder.keep(run("din", "ollama:d").model_copy(update={"id": "20200101T000000Z-00000000"}))
    done = CliRunner().invoke(stats_command, ["--json", "--days", days, "--context-root", str(tmp_path)])
    assert json.loads(done.stdout)["total"]["runs"] == there


def test_the_command_shows_what_is_not_measured(tmp_path: Path) -> None:
    Recorder(tmp_path).keep(run("din", "ollama:\x1b[31mevil"))
    shown = CliRunner().invoke(stats_command, ["--context-root", str(tmp_path)])
    assert shown.exit_code == 0
    assert shown.stdout.count("not measured yet") == 5
    assert "\x1b" not in shown.stdout


LONG = "openai:an-organisation/a-model-with-a-very-long-name-instruct-q4_k_m"


@pytest.mark.parametrize("columns", ["80", "120"])
def test_what_is_shown_fits_the_terminal_and_names_and_ids_stay_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    kept = [run("farore-afs", LONG, seconds=12_345.6, cost=12.5), run("din", "ollama:din-v3-fewshot:latest")]
    kept = [item.model_copy(update={"prompt": "Why\n'does' \"it\" crash? " * 40}) for item in kept]
    for item in kept:
        Recorder(tmp_path).keep(item)
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("AFS_CONTEXT_ROOT", str(tmp_path))
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    shown = {words: CliRunner().invoke(agent, words.split()).stdout for words in ("stats", "runs")}
    shown["route"] = CliRunner().invoke(agent, ["route", "--offline", kept[0].prompt]).stdout
    for text in shown.values():
        assert text and max(map(len, text.splitlines())) <= int(columns), text
    assert all(item.model in shown["stats"] and item.id in shown["runs"] for item in kept)
    assert LONG in shown["runs"]
    lines = [json.loads(line) for line in CliRunner().invoke(agent, ["runs", "--json"]).stdout.splitlines()]
    assert [line["prompt"] for line in lines] == [kept[1].prompt, kept[0].prompt]
