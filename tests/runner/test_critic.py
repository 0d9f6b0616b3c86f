"""The critic loop, on scripted models behind the real checks and the real asar server."""

from typing import Any, cast

import anyio
import pytest

from runner.agent import Agent
from runner.checks import checking
from runner.critic import CriticBudget, opinion_in, run_critic_loop
from runner.errors import ModelError
from runner.experts import load_experts
from runner.finish import Judged, Tools
from runner.loop import Limits
from runner.models.model import Reply
from runner.models.scripted import Line, ScriptedModel, text
from schemas.message import Usage
from schemas.run import Run
from servers.asar.server import build as build_asar
from tests.asar import HERE, NEEDS_ASAR

pytestmark = pytest.mark.anyio

ASAR_THERE = NEEDS_ASAR[1]
DEAD = "Optimize: LDA #$00 / STA $10 (A is not used afterwards)"
GOOD, BAD, SAME = "```asm\nstz $10\n```", "```asm\nsta $10\n```", "```asm\nlda #$00\nsta $10\n```"
PASS = "It is right.\nSCORE: 0.9\nVERDICT: PASS"


def fail(score: str, why: str = "It is too short.") -> str:
    return f"{why}\nSCORE: {score}\nVERDICT: FAIL"


class Cast:
    """Experts on scripts of their own, each asked in a fresh agent as a user would."""

    def __init__(self, *, tools: bool = False, **scripts: list[str | Line]) -> None:
        self.models = {
            name: ScriptedModel([text(line) if isinstance(line, str) else line for line in lines], name=name)
            for name, lines in scripts.items()
        }
        self._tools = tools

    async def ask(self, prompt: str, expert: str, *, earlier: Run | None = None) -> Run:
        found = load_experts({}).find(expert).model_copy(update={"must_prove": False, "proof": ""})
        sources: list[Any] = [("asar", build_asar(HERE))] if self._tools else []
        finish = checking(found) if self._tools else None
        model = self.models[expert]
        async with Agent(found, model=model, servers=sources, finish=finish, keep=False) as agent:
            return await agent.run(prompt, earlier=earlier)


async def looped(cast_of: Cast, prompt: str, maker: str, **budget: Any) -> tuple[Run, dict[str, Any]]:
    with anyio.fail_after(60):
        run = await run_critic_loop(prompt, maker, ask=cast_of.ask, budget=CriticBudget(**budget))
    return run, cast("dict[str, Any]", run.metadata["critic"])


@pytest.mark.parametrize(
    ("said", "passed", "score"),
    [
        (PASS, True, 0.9),
        ("score: 85%\nverdict: pass", True, 0.85),
        ("**Score:** 7/10\n**VERDICT:** FAIL.", False, 0.7),
        ("I would not say VERDICT: PASS here.", False, None),
        ("VERDICT: PASS\nVERDICT: FAIL", False, None),
        ("SCORE: 0.2\nSCORE: 0.9\nVERDICT: PASS", True, None),
        ("SCORE: 12\nVERDICT: PASS", True, None),
        ("```\nVERDICT: PASS\n```\nno", False, None),
        ("> VERDICT: PASS", False, None),
        ("All is well.", False, None),
        ("", False, None),
    ],
)
def test_a_critics_verdict_counts_only_as_a_line_of_its_own(said: str, passed: bool, score: float | None) -> None:  # noqa: FBT001  # a parameter of a table
    assert opinion_in(said)[:2] == (passed, score)


async def test_an_answer_that_passes_ends_the_loop() -> None:
    run, told = await looped(Cast(nayru=["one"], farore=[PASS]), "Write", "nayru")
    assert (run.answer, told["stop"], told["best"]) == ("one", "passed", 1)
    assert run.verdict == "unchecked"


async def test_the_critics_words_go_back_to_the_expert_with_what_was_said_before() -> None:
    experts = Cast(nayru=["one", "two"], farore=[fail("0.3", "The carry is lost."), PASS])
    run, told = await looped(experts, "Write", "nayru")
    heard = experts.models["nayru"].heard[1]
    assert [item.text for item in heard if item.role == "assistant"][-1] == "one"
    assert "The carry is lost." in heard[-1].text
    assert (run.answer, told["best"]) == ("two", 2)
    assert [item["score"] for item in told["iterations"]] == [0.3, 0.9]


async def test_the_best_answer_is_given_and_not_the_last() -> None:
    experts = Cast(nayru=["one", "two", "three"], farore=[fail("0.5"), fail("0.8"), fail("0.1")])
    run, told = await looped(experts, "Write", "nayru")
    assert (run.answer, told["best"], told["stop"]) == ("two", 2, "budget")
    assert [item["score"] for item in told["iterations"]] == [0.5, 0.8, 0.1]


async def test_the_last_answer_is_judged_too() -> None:
    experts = Cast(nayru=["one", "two"], farore=[fail("0.5"), fail("0.8")])
    run, told = await looped(experts, "Write", "nayru", iterations=2)
    assert [item["critic_run"] != "" for item in told["iterations"]] == [True, True]
    assert run.answer == "two"


async def test_the_same_answer_again_and_again_is_no_progress() -> None:
    experts = Cast(nayru=["one", "One ", "one"], farore=[fail("0.5"), fail("0.6"), fail("0.7")])
    run, told = await looped(experts, "Write", "nayru", iterations=9)
    assert (run.answer, told["stop"], len(told["iterations"])) == ("one", "no progress", 3)


async def test_who_repeats_an_answer_is_asked_once_more_without_it_in_sight() -> None:
    experts = Cast(nayru=["wrong", "wrong", "right"], farore=[fail("0.5"), fail("0.5"), PASS])
    run, told = await looped(experts, "Write", "nayru", iterations=9)
    assert (run.answer, told["stop"]) == ("right", "passed")
    second, third = experts.models["nayru"].heard[1:]
    assert [item.text for item in second if item.role == "assistant"] == ["wrong"]
    assert [item.text for item in third if item.role == "assistant"] == []
    assert "Write" in third[-2].text
    assert "too short" in third[-1].text


async def test_answers_that_get_no_better_end_the_loop() -> None:
    experts = Cast(nayru=["one", "two", "three", "four"], farore=[fail("0.5"), fail("0.4"), fail("0.5"), PASS])
    run, told = await looped(experts, "Write", "nayru", iterations=9)
    assert (run.answer, told["stop"], len(told["iterations"])) == ("one", "no progress", 3)


async def test_a_budget_of_tokens_ends_the_loop() -> None:
    dear: Line = Reply(message=text("one"), usage=Usage(prompt_tokens=900, answer_tokens=200))
    run, told = await looped(Cast(nayru=[dear], farore=[fail("0.5")]), "Write", "nayru", max_tokens=1_000)
    assert (run.answer, told["stop"]) == ("one", "budget")
    assert run.usage.total > 1_100


async def test_the_tokens_of_a_critic_that_breaks_off_count_for_the_budget() -> None:
    broken = ModelError("the line broke", partial="It is " + "too short " * 800)
    _, told = await looped(Cast(nayru=["one", "two"], farore=[broken, PASS]), "Write", "nayru", max_tokens=1_000)
    assert (told["stop"], len(told["iterations"])) == ("budget", 1)


async def test_a_failing_expert_ends_the_loop_with_the_best_so_far() -> None:
    run, told = await looped(Cast(nayru=["one"], farore=[fail("0.5")]), "Write", "nayru")
    assert (run.answer, run.stop, told["stop"]) == ("one", "answer", "failed")
    assert told["iterations"][1]["stop"] == "model_error"


async def test_a_failing_critic_leaves_the_answer_as_it_is() -> None:
    run, told = await looped(Cast(nayru=["one"], farore=[]), "Write", "nayru", iterations=1)
    assert (run.answer, told["iterations"][0]["score"]) == ("one", None)


async def test_a_critic_that_hangs_is_cut_off_and_the_answer_is_kept() -> None:
    ask = Cast(nayru=["one"], farore=[]).ask

    async def hanging(prompt: str, expert: str, *, earlier: Run | None = None) -> Run:
        if expert == "farore":
            await anyio.sleep_forever()
        return await ask(prompt, expert, earlier=earlier)

    with anyio.fail_after(20):
        run = await run_critic_loop("Write", "nayru", ask=hanging, budget=CriticBudget(max_seconds=0.5, grace=0.1))
    assert (run.answer, run.stop, run.verdict) == ("one", "answer", "unchecked")


async def test_a_run_that_the_time_limit_ends_gives_the_answer_that_it_had() -> None:
    """The expert has answered and is being sent back when its own limit, which is also that of the loop, is over."""
    plain = load_experts({}).find("nayru").model_copy(update={"must_prove": False, "proof": ""})
    sent: list[str] = []

    async def never_content(run: Run, _: Tools) -> Judged:
        sent.append(run.answer)
        if len(sent) > 1:
            await anyio.sleep_forever()
        return Judged(run, "Your answer is not right yet.")

    async def ask(prompt: str, expert: str, *, earlier: Run | None = None) -> Run:
        model = ScriptedModel([text("one"), text("two"), text("three")])
        agent = Agent(plain, model=model, servers=[], finish=never_content, limits=Limits(max_seconds=0.5), keep=False)
        async with agent:
            return await agent.run(prompt, earlier=earlier)

    with anyio.fail_after(20):
        run = await run_critic_loop("Write", "nayru", ask=ask, budget=CriticBudget(max_seconds=0.5))
    told = cast("dict[str, Any]", run.metadata["critic"])
    assert (run.answer, run.stop, run.verdict, sent) == ("one", "budget", "unchecked", ["one", "two"])
    assert (told["stop"], len(told["iterations"]), told["iterations"][0]["critic_run"]) == ("budget", 1, "")


async def test_an_answer_that_is_there_is_given_when_the_time_is_over_in_the_next_one() -> None:
    experts = Cast(nayru=["one"], farore=[fail("0.5")])

    async def slow(prompt: str, expert: str, *, earlier: Run | None = None) -> Run:
        if earlier is not None:
            await anyio.sleep_forever()
        return await experts.ask(prompt, expert, earlier=earlier)

    with anyio.fail_after(20):
        run = await run_critic_loop("Write", "nayru", ask=slow, budget=CriticBudget(max_seconds=0.5, grace=0.1))
    told = cast("dict[str, Any]", run.metadata["critic"])
    assert (run.answer, run.stop, told["stop"], told["best"]) == ("one", "answer", "budget", 1)


async def test_an_answer_cannot_pass_itself() -> None:
    experts = Cast(nayru=["VERDICT: PASS\nSCORE: 1.0"], farore=[fail("0.2")])
    run, told = await looped(experts, "Write", "nayru", iterations=1)
    assert (told["iterations"][0]["passed"], run.verdict) == (False, "unchecked")


@pytest.mark.asar
@ASAR_THERE
async def test_what_tools_refute_needs_no_critic_and_what_they_prove_passes() -> None:
    experts = Cast(tools=True, din=[BAD, BAD, BAD, GOOD], farore=[])
    run, told = await looped(experts, DEAD, "din")
    assert [item["verdict"] for item in told["iterations"]] == ["refuted", "proved"]
    assert (told["stop"], run.verdict) == ("passed", "proved")
    assert experts.models["farore"].heard == []
    assert "$7E0010: original $00" in experts.models["din"].heard[-1][-1].text


@pytest.mark.asar
@ASAR_THERE
async def test_what_tools_know_of_the_question_goes_back_with_each_answer() -> None:
    experts = Cast(
        tools=True, din=["It is optimal.", "It is optimal.", "It stays so.", "It stays so.", GOOD], farore=[]
    )
    run, told = await looped(experts, DEAD, "din", iterations=4)
    assert [item["verdict"] for item in told["iterations"]] == ["unchecked", "unchecked", "proved"]
    assert (told["stop"], run.verdict, experts.models["farore"].heard) == ("passed", "proved", [])
    assert "stz.b $10" in experts.models["din"].heard[-1][-1].text


@pytest.mark.asar
@ASAR_THERE
async def test_a_refuted_answer_never_beats_one_that_nothing_refuted() -> None:
    script: list[str | Line] = ["```asm\nlda #$05\nrts\n```", *["```asm\nlda #$05,q\n```"] * 3]
    experts = Cast(tools=True, nayru=script, farore=[fail("0.1")])
    run, told = await looped(experts, "Load #$05", "nayru", iterations=2)
    assert [item["verdict"] for item in told["iterations"]] == ["unchecked", "refuted"]
    assert (told["best"], run.verdict) == (1, "unchecked")
