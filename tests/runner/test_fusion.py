"""Fusion of answers: who agrees is found by running code and by comparing facts, and dissent is told."""

from typing import Any, cast

import anyio
import pytest

from runner.agent import Agent
from runner.experts import load_experts
from runner.fusion import Candidate, Strategy, fuse, run_fusion
from runner.models.scripted import ScriptedModel, text
from runner.toolbox import Toolbox
from schemas.run import Run
from schemas.verdict import Checked, Verdict
from servers.asar.server import build as build_asar
from tests.asar import HERE, NEEDS_ASAR

pytestmark = pytest.mark.anyio

ASAR_THERE = NEEDS_ASAR[1]
DEAD = "Optimize: LDA #$00 / STA $10 (A and the flags are dead)"


def answered(expert: str, answer: str, verdict: Verdict = "unchecked", confidence: float = 1.0) -> Candidate:
    run = Run(id="x", prompt="p", model="scripted:x", started="", stop="answer", answer=answer, verdict=verdict)
    return Candidate(expert, run, confidence)


async def fused(*candidates: Candidate, strategy: Strategy = "consensus") -> tuple[Run, dict[str, Any]]:
    run = await fuse("What is $7EF360?", candidates, strategy=strategy)
    return run, cast("dict[str, Any]", run.metadata["fusion"])


async def test_the_majority_that_states_the_same_facts_is_the_consensus() -> None:
    run, told = await fused(
        answered("din", "It is RUPEES_TARGET, 2 bytes."),
        answered("veran", "BOMB_COUNT."),
        answered("nayru", "RUPEES_TARGET takes 2 bytes."),
    )
    assert (told["agreed"], told["chosen"]) == (True, "din")
    assert "Agreed by 2 of 3: din, nayru" in run.answer
    assert "Dissent: veran (unchecked): BOMB_COUNT." in run.answer
    assert [item["expert"] for item in told["dissent"][0]["members"]] == ["veran"]


async def test_answers_that_all_differ_are_no_consensus_and_are_never_glued_together() -> None:
    run, told = await fused(
        answered("din", "FIRST_NAME."), answered("veran", "SECOND_NAME.", "tested"), answered("nayru", "THIRD_NAME.")
    )
    assert (told["agreed"], told["chosen"]) == (False, "veran")
    assert run.answer.startswith("SECOND_NAME.\n\nNo consensus among 3 answers")
    assert len(told["dissent"]) == 2


async def test_half_of_the_answers_are_no_majority() -> None:
    _, told = await fused(answered("din", "FIRST_NAME."), answered("veran", "SECOND_NAME."))
    assert not told["agreed"]


async def test_refuted_answers_agree_with_nobody() -> None:
    run, told = await fused(
        answered("din", "WRONG_NAME.", "refuted"),
        answered("nayru", "WRONG_NAME.", "refuted"),
        answered("veran", "RIGHT_NAME."),
    )
    assert (told["agreed"], told["chosen"], run.verdict) == (False, "veran", "unchecked")


async def test_agreement_of_answers_proves_nothing() -> None:
    run, _ = await fused(answered("din", "SOME_NAME."), answered("nayru", "SOME_NAME."))
    assert run.verdict == "unchecked"


async def test_the_same_facts_with_another_number_do_not_agree() -> None:
    _, told = await fused(answered("din", "It takes 12 cycles."), answered("majora", "It takes 14 cycles."))
    assert not told["agreed"]


async def test_of_answers_with_one_verdict_the_one_with_more_evidence_is_chosen() -> None:
    assembled = Checked(tool="assemble", claim="the code assembles", verdict="proved")
    shown = answered("din", "FIRST_NAME.", confidence=0.2)
    shown = shown._replace(run=shown.run.model_copy(update={"checks": (assembled,)}))
    _, told = await fused(answered("veran", "SECOND_NAME."), shown, strategy="best")
    assert told["chosen"] == "din"


async def test_the_best_verdict_is_chosen_before_the_highest_confidence() -> None:
    run, told = await fused(
        answered("din", "FIRST_NAME.", "proved", 0.2),
        answered("nayru", "SECOND_NAME.", "unchecked", 1.0),
        strategy="best",
    )
    assert (told["chosen"], run.verdict) == ("din", "proved")


async def test_weights_add_up_within_a_group() -> None:
    run, told = await fused(
        answered("din", "FIRST_NAME.", "unchecked", 0.9),
        answered("nayru", "OTHER_NAME.", "unchecked", 0.6),
        answered("veran", "OTHER_NAME, yes.", "unchecked", 0.6),
        strategy="weighted",
    )
    assert (told["chosen"], told["groups"][1]["weight"]) == ("nayru", 0.6)
    assert run.answer.startswith("OTHER_NAME.")


async def test_a_refuted_answer_weighs_nothing() -> None:
    _, told = await fused(
        answered("din", "FIRST_NAME.", "refuted"),
        answered("nayru", "OTHER_NAME.", "unchecked", 0.1),
        strategy="weighted",
    )
    assert told["chosen"] == "nayru"


async def ask(prompt: str, expert: str, *, earlier: Run | None = None) -> Run:
    scripts = {"din": [text("```asm\nstz $10\n```")], "nayru": [text("```asm\nlda #0\nsta $10\n```")], "farore": []}
    found = load_experts({}).find(expert).model_copy(update={"must_prove": False, "proof": ""})
    async with Agent(found, model=ScriptedModel(scripts[expert]), servers=(), keep=False) as agent:
        return await agent.run(prompt, earlier=earlier)


async def test_experts_that_fail_or_are_unknown_are_named_and_the_others_count() -> None:
    with anyio.fail_after(30):
        run = await run_fusion(DEAD, ["din", "farore", "ghirahim"], ask=ask, strategy="best")
    assert run.stop == "answer"
    assert "No answer: farore" in run.answer
    assert "No answer: ghirahim: no expert named 'ghirahim'" in run.answer


async def test_when_nobody_answers_the_run_says_so() -> None:
    with anyio.fail_after(30):
        run = await run_fusion(DEAD, ["farore"], ask=ask)
    assert (run.stop, run.answer) == ("model_error", "")
    assert "no expert has answered" in run.error


@pytest.mark.asar
@ASAR_THERE
async def test_code_agrees_when_running_both_finds_no_difference() -> None:
    def code(expert: str, lines: str) -> Candidate:
        return answered(expert, f"```asm\n{lines}\n```")

    candidates = [code("din", "stz $12"), code("nayru", "lda #0\nsta $12"), code("farore", "stz $13")]
    with anyio.fail_after(60):
        async with Toolbox([("asar", build_asar(HERE))]) as toolbox:
            run = await fuse("Clear $12; A and the flags are dead", candidates, toolbox=toolbox)
    told = cast("dict[str, Any]", run.metadata["fusion"])
    assert (told["agreed"], told["chosen"]) == (True, "din")
    assert told["groups"][0]["why"] == ["nayru with din: compare_code: proved"]
    assert "Dissent: farore" in run.answer
