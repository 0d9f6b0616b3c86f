"""The evaluation of the experts: it tries both arms, goes on where it was stopped, and reports what is true."""

import json
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner

from benchmarks.experts.arms import Bench
from benchmarks.experts.evaluate import graded, main, pending, run_pending
from benchmarks.experts.grade import Grade
from benchmarks.experts.prompt import Prompt, load_prompts
from benchmarks.experts.report import Graded, report_of, share_of
from benchmarks.experts.trials import Arm, Attempt, Trial, Trials
from runner.config import ServerSpec
from runner.errors import ConfigError, ModelError
from runner.experts import load_experts
from runner.models.scripted import Line, ScriptedModel, calls, text
from schemas.verdict import Verdict
from servers.alttp.server import build as build_alttp
from servers.asar.server import build as build_asar
from tests.asar import HERE, NEEDS_ASAR

pytestmark = pytest.mark.anyio

PROMPTS = {prompt.id: prompt for prompt in load_prompts()}
DIN = PROMPTS["din_store_zero"]
BAD, GOOD = "```asm\ninc $45\nrts\n```", "```asm\nstz $45\nrts\n```"
WRONG, RIGHT = Grade(right=False, assembled=True, why="no"), Grade(right=True, assembled=True)
ASSEMBLED = calls(("assemble", {"code": "stz $45\nrts"}))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFS_PINS_DIR", str(tmp_path / "pins"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def bench(*script: Line) -> Bench:
    servers = (("asar", build_asar(HERE)), ("alttp", build_alttp(HERE)))
    return Bench(model=ScriptedModel(script), experts=load_experts({}), settings=HERE, servers=servers, max_seconds=60)


async def tried(prompt: Prompt, path: Path, *script: Line) -> Trials:
    trials = Trials(path, model="scripted:script")
    with anyio.fail_after(120):
        await run_pending(bench(*script), pending([prompt], trials), trials)
    return trials


@pytest.mark.parametrize("_", [pytest.param(0, marks=NEEDS_ASAR, id="asar")])
async def test_checks_turn_a_wrong_answer_into_a_right_one_and_the_report_says_so(_: int, tmp_path: Path) -> None:
    script = (text(BAD), ASSEMBLED, text(BAD), text(GOOD))
    trials = await tried(DIN, tmp_path / "trials.jsonl", *script)
    report = report_of(await graded([DIN], trials, HERE))
    alone, checked = report.rows[:2]
    assert (alone.right.count, checked.right.count, checked.verified.count) == (0, 1, 1)
    assert [share.count for share in report.iterations] == [0, 1]
    assert (report.pairs["din"].only_with, report.pairs["all"].only_with, report.hidden) == (1, 1, ())


@pytest.mark.parametrize("_", [pytest.param(0, marks=NEEDS_ASAR, id="asar")])
async def test_a_second_start_goes_on_where_the_first_was_stopped(_: int, tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    first = Trials(path, model="scripted:script")
    await run_pending(bench(text(GOOD)), pending([DIN], first)[:1], first)
    with path.open("a", encoding="utf-8") as file:
        file.write('{"prompt": "din_st')
    second = Trials(path, model="scripted:script")
    assert [work.arm for work in pending([DIN], second)] == ["with"]
    assert second.unreadable == 1
    await run_pending(bench(ModelError("the model is gone")), pending([DIN], second), second)
    third = Trials(path, model="scripted:script")
    kept = third.of(DIN, "with")
    assert kept is not None and (kept.stop, kept.verdict) == ("model_error", "unchecked")
    assert not pending([DIN], third)
    assert len(pending([DIN], Trials(path, model="scripted:other"))) == 2
    assert len(pending([DIN.model_copy(update={"prompt": "another"})], third)) == 2


async def test_a_server_that_does_not_start_ends_the_evaluation_and_nothing_is_kept(tmp_path: Path) -> None:
    trials = Trials(tmp_path / "trials.jsonl", model="scripted:script")
    broken = Bench(
        model=ScriptedModel([text(GOOD)]),
        experts=load_experts({}),
        settings=HERE,
        servers=(ServerSpec(name="asar", command="/nowhere/afs-asar"),),
    )
    with pytest.raises(ConfigError, match="start again"):
        await run_pending(broken, pending([DIN], trials), trials)
    assert not trials.path.exists()


def made(prompt: str, arm: Arm, *, right: bool, verdict: Verdict = "unchecked", attempts: str = "") -> Graded:
    trial = Trial(
        prompt=prompt,
        digest="0",
        expert="din",
        arm=arm,
        model="m",
        stop="answer",
        verdict=verdict,
        attempts=tuple(Attempt(answer=letter, verdict="refuted") for letter in attempts),
    )
    return Graded(trial, RIGHT if right else WRONG, tuple(RIGHT if letter == "r" else WRONG for letter in attempts))


def test_a_wrong_answer_told_to_be_tested_is_a_hidden_failure_and_others_are_not() -> None:
    items = [
        made("a", "with", right=False, verdict="tested"),
        made("b", "with", right=False, verdict="refuted"),
        made("c", "with", right=False, verdict="unchecked"),
        made("d", "with", right=True, verdict="proved"),
        made("e", "with", right=True, verdict="refuted"),
    ]
    report = report_of(items)
    assert [item.trial.prompt for item in report.hidden] == ["a"]
    assert [item.trial.prompt for item in report.doubted] == ["e"]


def test_the_arms_are_compared_prompt_by_prompt_with_mcnemars_exact_test() -> None:
    gained = [made(f"g{n}", arm, right=arm == "with") for n in range(6) for arm in ("without", "with")]
    lost = [made("l", arm, right=arm == "without") for arm in ("without", "with")]
    alone = [made("x", "with", right=True)]
    pair = report_of([*gained, *lost, *alone]).pairs["all"]
    assert (pair.both, pair.only_with, pair.only_without, pair.neither) == (0, 6, 1, 0)
    assert pair.p == pytest.approx(2 * (1 + 7) / 2**7)
    assert report_of([]).pairs["all"].p == 1.0


def test_a_share_has_the_interval_of_wilson() -> None:
    share = share_of([True] * 9 + [False] * 3)
    assert (share.low, share.high) == pytest.approx((0.4677, 0.9111), abs=1e-4)
    assert str(share) == "9/12 [0.47, 0.91]"
    assert (share_of([]).low, share_of([]).high, str(share_of([]))) == (0.0, 1.0, "-")


def test_each_attempt_is_a_share_of_all_trials_and_the_last_one_stands() -> None:
    items = [made(str(n), "with", right=True, attempts=way) for n, way in enumerate(("r", "wr", "wwr", "www"))]
    assert [(share.count, share.total) for share in report_of(items).iterations] == [(1, 4), (2, 4), (3, 4)]


@pytest.mark.parametrize("_", [pytest.param(0, marks=NEEDS_ASAR, id="asar")])
def test_the_command_tries_reports_and_goes_on(_: int, tmp_path: Path) -> None:
    script, out, figures = tmp_path / "script.json", tmp_path / "trials.jsonl", tmp_path / "figures.json"
    script.write_text(json.dumps([{"text": GOOD}]), encoding="utf-8")
    chosen = ["--model", f"scripted:{script}", "--only", DIN.id, "--out", str(out)]
    first = CliRunner().invoke(main, [*chosen, "--limit", "1"])
    again = CliRunner().invoke(main, [*chosen, "--report", "--json", str(figures)])
    assert (first.exit_code, again.exit_code) == (0, 0), first.output
    assert "1/1 din_store_zero without: answer" in first.output
    assert "1/1 [0.21, 1.00]" in again.output and "hidden failures: 0: none" in again.output
    told = json.loads(figures.read_text(encoding="utf-8"))
    assert told["trials"][0]["grade"]["right"] is True
    assert len(out.read_text(encoding="utf-8").splitlines()) == 1
