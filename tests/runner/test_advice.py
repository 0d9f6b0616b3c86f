"""What tools know of a question's code is told to a model whose answer failed: real asar, scripted answers."""

from typing import Any

import anyio
import pytest

from runner.agent import Agent
from runner.checks import checking
from runner.experts import load_experts
from runner.models.scripted import Line, ScriptedModel, text
from schemas.run import Run
from servers.asar.server import build as build_asar
from tests.asar import HERE, NEEDS_ASAR

pytestmark = [pytest.mark.anyio, *NEEDS_ASAR]

ZERO = "Optimize: LDX #$00 / STX $45 / RTS. A, X, Y and P are not used afterwards."
UNPULLED = "Find the bug:\n```asm\npha\nlda #$07\nsta $20\nrts\n```"


async def asked(name: str, prompt: str, *script: Line) -> tuple[Run, list[str]]:
    """Ask an expert; return its run and what the checks told its model."""
    expert = load_experts({}).find(name).model_copy(update={"must_prove": False, "proof": ""})
    model = ScriptedModel(script, repeat=True)
    servers: list[Any] = [("asar", build_asar(HERE))]
    with anyio.fail_after(60):
        async with Agent(expert, model=model, servers=servers, finish=checking(expert), keep=False) as agent:
            run = await agent.run(prompt)
    said = [item.text for item in model.heard[-1] if item.role == "user" and item.text.startswith("Your answer ")]
    return run, said


async def test_a_model_that_sees_nothing_to_save_is_given_the_version_that_is_proved() -> None:
    run, (told,) = await asked("din", ZERO, text("It is optimal already."), text("```asm\nstz $45\nrts\n```"))
    assert "holds no code" in told
    assert "proved to do the same:\n```asm\nstz.b $45\nrts\n```" in told
    assert "3 bytes instead of 5, 16 master clocks saved" in told
    assert run.verdict == "proved"


async def test_what_a_tool_said_in_lines_is_shown_in_parts() -> None:
    run, _ = await asked("din", ZERO, text("It is optimal already."))
    assert "16 master clocks saved; instructions" in run.answer


async def test_a_wrong_version_is_answered_with_the_difference_and_a_right_one() -> None:
    wrong = text("```asm\nldx #$01\nstx $45\nrts\n```")
    _, told = await asked("din", ZERO, wrong, wrong, text("```asm\nstz $45\nrts\n```"))
    assert "$7E0045" in told[-1]
    assert "stz.b $45" in told[-1]


async def test_a_right_answer_costs_no_search() -> None:
    run, told = await asked("din", ZERO, text("```asm\nstz $45\nrts\n```"))
    assert told == []
    assert "optimize_code" not in {check.tool for check in run.checks}


async def test_what_the_linter_knows_of_the_broken_code_goes_to_a_model_that_gives_it_back() -> None:
    unmended = text("**Bug:** none\n**Fix:**\n```asm\npha\nlda #$07\nsta $20\nrts\n```")
    mended = text("**Bug:** stack\n**Fix:**\n```asm\npha\nlda #$07\nsta $20\npla\nrts\n```")
    run, told = await asked("farore", UNPULLED, unmended, mended)
    assert "stack-unbalanced" in told[0]
    assert "pull what was pushed, on every path to this return: pla before this rts" in told[0]
    assert "pla" in run.answer


async def test_an_explanation_of_a_bug_without_the_mended_code_is_sent_back() -> None:
    _, told = await asked("farore", UNPULLED, text("**Bug:** stack imbalance, PLA is missing."))
    assert "holds no code" in told[0]


async def test_code_in_one_line_is_judged_and_given_as_a_block() -> None:
    run, told = await asked("farore", UNPULLED, text("The mended code is `pha lda #$07 sta $20 pla rts`."))
    assert told == []
    assert {check.tool for check in run.checks} >= {"assemble", "lint"}
    assert "```asm\npha\nlda #$07\nsta $20\npla\nrts\n```" in run.answer


async def test_where_no_answer_holds_the_version_that_is_proved_is_shown_as_the_tool_s() -> None:
    run, _ = await asked("din", ZERO, text("It is optimal already."), text("I would not change a thing."))
    assert run.verdict != "proved"
    under = run.answer.partition("Verdict: ")[2]
    assert "Not the model's, but of optimize_code, proved to do the same:\n```asm\nstz.b $45\nrts\n```" in under


async def test_an_answer_may_name_the_tools_and_what_the_checks_have_said() -> None:
    wise = "optimize_code and count_cycles say: 66.0 clocks.\n```asm\nstz $45\nrts\n```"
    run, told = await asked("din", ZERO, text("It is optimal already."), text(wise))
    assert [line.splitlines()[0][:30] for line in told] == ["Your answer holds no code that"]
    assert run.verdict == "proved"
