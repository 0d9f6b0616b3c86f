"""Checks before words: answers of scripted models, judged by the real asar and graph servers in memory."""

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import JsonValue

from runner.agent import Agent
from runner.checks import checking, judge
from runner.experts import load_experts
from runner.hints import FEEDBACK, STILL
from runner.models.scripted import Line, ScriptedModel, calls, text
from schemas.message import Message, ToolCall, ToolSpec
from schemas.run import CallRecord, Run
from schemas.verdict import Checked
from servers.asar.server import build as build_asar
from servers.graph.server import build as build_graph
from tests.asar import HERE, NEEDS_ASAR

pytestmark = [pytest.mark.anyio, *NEEDS_ASAR]

TOOLS = ("assemble", "lint", "compare_code", "count_cycles", "run_code", "validate_output")
LIES: tuple[JsonValue, ...] = (
    None,
    [],
    5,
    {},
    {"ok": "yes"},
    {"ok": False, "diagnostics": [{"severity": "error", "code": []}]},
    {"ok": True, "findings": 5, "result": [], "memory": {"a": 1}, "stop": 1, "clocks": []},
)
DEAD = "Optimize: LDA #$00 / STA $10 (A is not used afterwards)"
STORE = "Write a routine that stores 5 to $7E0020 and returns with RTL."
SHORT = "```asm\nstz $10\n```\nTwo bytes instead of four."


async def asked(
    name: str, prompt: str, *script: Line, servers: Sequence[str] = ("asar",), folder: Path | None = None
) -> tuple[Run, ScriptedModel]:
    settings = HERE if folder is None else dataclasses.replace(HERE, data_dir=folder, context_root=folder)
    sources: list[Any] = [
        *([("asar", build_asar(HERE))] if "asar" in servers else []),
        *([("graph", build_graph(settings))] if "graph" in servers else []),
    ]
    expert = load_experts({}).find(name).model_copy(update={"must_prove": False, "proof": ""})
    model = ScriptedModel(script, repeat=True)
    with anyio.fail_after(60):
        async with Agent(expert, model=model, servers=sources, finish=checking(expert), keep=False) as agent:
            return await agent.run(prompt), model


def diagnoses(model: ScriptedModel) -> list[str]:
    """What the checks told the model, in order."""
    return [item.text for item in model.heard[-1] if item.role == "user" and item.text.startswith("Your answer ")]


def of(run: Run, tool: str) -> list[Checked]:
    return [check for check in run.checks if check.tool == tool]


async def test_a_shorter_version_is_proved_when_the_prompt_says_what_is_dead() -> None:
    run, _ = await asked("din", DEAD, text(SHORT))
    assert run.verdict == "proved"
    assert {check.claim for check in of(run, "compare_code")} == {
        "the code does what the original does",
        "the code takes fewer bytes or clocks than the original",
    }
    assert "Verdict: proved" in run.answer
    assert "dead at exit: A" in of(run, "compare_code")[0].said


async def test_a_version_that_keeps_memory_but_not_registers_is_neither_proved_nor_refuted() -> None:
    run, model = await asked("din", "Optimize: LDA #$00 / STA $10", text(SHORT))
    assert run.verdict == "unchecked"
    assert "may be used" in of(run, "compare_code")[0].said
    assert len(model.heard) == 1


async def test_a_version_that_loses_a_live_register_is_refuted() -> None:
    run, _ = await asked("din", "Optimize: LDA #$00 / STA $10, only A is used afterwards", text(SHORT))
    assert run.verdict == "refuted"
    assert "A: original $00" in of(run, "compare_code")[0].said


async def test_a_counterexample_goes_back_to_the_model_and_its_mended_answer_is_judged() -> None:
    run, model = await asked("din", DEAD, text("```asm\nsta $10\n```"), text(SHORT))
    (told,) = diagnoses(model)
    assert "compare_code: not so: the code does what the original does" in told
    assert "$7E0010: original $00" in told
    assert (run.verdict, run.stop) == ("proved", "answer")
    assert "stz $10" in run.answer


async def test_diagnoses_end_after_two_rounds_and_the_answer_stays_refuted() -> None:
    tries = [text(f"```asm\n{store} $10\n```") for store in ("sta", "stx", "sty", "inc")]
    run, model = await asked("din", DEAD, *tries)
    assert len(model.heard) == 3
    assert (run.verdict, run.stop) == ("refuted", "answer")
    assert "Verdict: refuted" in run.answer


async def test_code_that_saves_nothing_is_no_optimisation() -> None:
    run, model = await asked("din", DEAD, text("```asm\nlda #$00\nsta $10\n```"))
    assert run.verdict == "refuted"
    assert "it is the original" in diagnoses(model)[0]


async def test_the_original_in_an_answer_is_not_taken_for_its_result() -> None:
    both = "**Original:**\n```asm\nlda #$00\nsta $10\n```\n**Optimized:**\n```asm\nstz $10\n```"
    run, _ = await asked("din", DEAD, text(both))
    assert run.verdict == "proved"


async def test_a_wrong_version_beside_a_right_one_refutes_the_answer() -> None:
    run, _ = await asked("din", DEAD, text("```asm\nstz $10\n```\nor\n```asm\nstz $12\n```"))
    assert run.verdict == "refuted"


async def test_a_return_that_the_prompt_left_out_is_no_difference() -> None:
    run, _ = await asked("din", DEAD, text("```asm\nstz $10\nrts\n```"))
    assert run.verdict == "proved"


async def test_code_that_assembles_is_not_said_to_do_what_was_asked() -> None:
    run, _ = await asked("nayru", "Write a routine that draws Link", text("```asm\nlda #$06\nrts\n```"))
    assert run.verdict == "unchecked"
    assert [(check.claim, check.verdict) for check in of(run, "assemble")] == [("the code assembles", "proved")]


async def test_the_line_of_the_assembler_goes_back_to_the_model() -> None:
    run, model = await asked(
        "nayru", "Clear $7E0010", text("```asm\nstz $7E0010\nrtl\n```"), text("```asm\nlda #0\nsta $7E0010\nrtl\n```")
    )
    assert "stz has no long form" in diagnoses(model)[0]
    assert [check.verdict for check in of(run, "assemble")] == ["proved"]


async def test_a_bug_that_the_linter_proves_refutes_the_answer() -> None:
    fix = "**Fix:**\n```asm\nrep #$20\nlda #$0F\nsta $2100\nrtl\n```"
    run, model = await asked("farore", "Find the bug: REP #$20 / LDA #$0F / RTL", text(fix))
    assert run.verdict == "refuted"
    assert "the CPU eats the next opcode" in diagnoses(model)[-1]


async def test_an_answer_without_code_is_asked_for_it() -> None:
    run, model = await asked("nayru", "Write code", text("Use stz."), text("```asm\nstz $10\nrts\n```"))
    assert "holds no code" in diagnoses(model)[0]
    assert of(run, "assemble")[0].verdict == "proved"


async def test_names_of_the_prompt_need_no_definition() -> None:
    run, model = await asked("nayru", "Call DrawLink twice", text("```asm\njsr DrawLink\njsr DrawLink\nrts\n```"))
    assert of(run, "assemble")[0].verdict == "unchecked"
    assert len(model.heard) == 1


async def test_blocks_that_need_each_other_are_assembled_as_one() -> None:
    parts = "```asm\njsr Wait\nrts\n```\nand\n```asm\nWait:\nrts\n```"
    run, _ = await asked("nayru", "Write a routine that calls another", text(parts))
    assert [check.verdict for check in of(run, "assemble")] == ["proved"]


async def test_a_statement_that_a_fact_contradicts_refutes_the_answer(tmp_path: Path) -> None:
    script = [text("Register $2100 is BGMODE."), text("Register $2100 is INIDISP.")]
    run, model = await asked("veran", "What is $2100?", *script, servers=("graph",), folder=tmp_path)
    assert "BGMODE is at $2105" in diagnoses(model)[-1]
    assert "INIDISP" in run.answer
    assert run.verdict == "unchecked"
    assert of(run, "validate_output")[0].verdict == "tested"


class Facts:
    """A toolbox that knows of nothing that contradicts a statement."""

    tools = (ToolSpec(name="validate_output", parameters={}),)

    async def call_all(self, calls: Sequence[ToolCall]) -> tuple[CallRecord, ...]:
        return tuple(CallRecord(call=call, ok=True, text="ok", structured={"findings": []}) for call in calls)


@pytest.mark.parametrize(
    ("answer", "verdict", "said"),
    [
        ("$7EF36D is LINK_HEALTH.", "tested", "2 of 2"),
        ("$7EF36D is LINK_MAGIC.", "unchecked", "no tool of this run has named LINK_MAGIC"),
    ],
)
async def test_a_looked_up_answer_says_whether_its_facts_are_those_of_the_tools(
    answer: str, verdict: str, said: str
) -> None:
    found = Message(role="tool", tool="alttp_lookup", text="$7EF36D LINK_HEALTH: 8 per heart")
    run = Run(id="x", prompt="Where is it?", model="m", started="", stop="answer", answer=answer, messages=(found,))
    judged = await checking(load_experts({}).find("veran"))(run, Facts())
    (sourced,) = of(judged.run, "alttp_lookup")
    assert (sourced.verdict, sourced.said) == (verdict, said)
    assert judged.run.verdict == "unchecked"
    assert (
        "Verdict: unchecked as a whole: no tool can tell whether this is all that was asked for." in judged.run.answer
    )


async def test_an_answer_without_its_tools_is_unchecked_and_says_so() -> None:
    run, model = await asked("din", DEAD, text(SHORT), servers=())
    assert run.verdict == "unchecked"
    assert {check.said for check in run.checks} == {"no server offers assemble", "no server offers compare_code"}
    assert "no server offers compare_code" in run.answer
    assert len(model.heard) == 1


async def test_results_of_a_tool_that_are_no_results_leave_the_answer_unchecked() -> None:
    class Liar:
        tools = tuple(ToolSpec(name=name, parameters={}) for name in TOOLS)

        async def call_all(self, calls: Sequence[ToolCall]) -> tuple[CallRecord, ...]:
            return tuple(CallRecord(call=call, ok=True, text="ok", structured=next(lies)) for call in calls)

    for lie in LIES:
        lies = itertools.repeat(lie)
        for name, prompt in (("din", DEAD), ("nayru", STORE)):
            run = Run(id="x", prompt=prompt, model="m", started="", stop="answer", answer=SHORT)
            judged = await judge(run, Liar(), expert=load_experts({}).find(name))
            assert judged.verdict in ("unchecked", "refuted")
            assert not [check for check in judged.checks if check.verdict == "tested"]


async def test_hostile_text_in_an_answer_is_bounded_and_shown_harmless() -> None:
    evil = "```asm\n" + "lda #$00 \x1b[2J\u202e\n" * 400 + "```\n" * 50
    run, _ = await asked("nayru", "Write it", text(evil))
    assert all(len(check.said) <= 700 and len(check.code) <= 2_000 for check in run.checks)
    assert not any("\x1b" in check.said + check.code or "\u202e" in check.said + check.code for check in run.checks)


async def test_code_that_does_all_that_a_plain_prompt_says_is_tested() -> None:
    run, _ = await asked("nayru", STORE, text("```asm\nlda #$05\nsta $7E0020\nrtl\n```"))
    assert run.verdict == "tested"
    assert [(check.claim, check.verdict) for check in of(run, "run_code")] == [
        ("the code does all that the prompt asks for", "tested")
    ]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("lda $05\nsta $7E0020\nrtl", "shall be $05"),
        ("lda #$05\nsta $7E0020\nrts", "it ends with RTS, and shall end with RTL"),
        ("lda #$05\nsta $7E0020", "it ends without a return"),
        ("rep #$20\nlda #$0005\nsta $7E0020\nsep #$20\nrtl", "$7E0021 is $00 after it"),
    ],
)
async def test_code_that_does_something_else_than_the_prompt_says_is_refuted(code: str, told: str) -> None:
    right = "```asm\nlda #$05\nsta $7E0020\nrtl\n```"
    run, model = await asked("nayru", STORE, text(f"```asm\n{code}\n```"), text(right))
    assert told in diagnoses(model)[-1]
    assert run.verdict == "tested"


async def test_code_for_a_prompt_that_says_more_than_was_understood_stays_unchecked() -> None:
    run, _ = await asked("nayru", f"{STORE} Then play sound $10.", text("```asm\nlda #$05\nsta $7E0020\nrtl\n```"))
    assert (run.verdict, of(run, "run_code")[0].verdict) == ("unchecked", "tested")


async def test_code_that_a_check_has_assembled_is_not_called_unproven() -> None:
    expert = load_experts({}).find("din")
    sources: list[Any] = [("asar", build_asar(HERE))]
    model = ScriptedModel([text(SHORT)], repeat=True)
    with anyio.fail_after(60):
        async with Agent(expert, model=model, servers=sources, finish=checking(expert), keep=False) as agent:
            run = await agent.run(DEAD)
    assert (run.verdict, "unproven" in run.answer) == ("proved", False)


async def test_an_answer_that_only_repeats_what_the_checks_said_is_refuted() -> None:
    sent_back = (
        "Your answer was checked and is not right yet.\ncompare_code: not so: the code does what the original does."
    )
    run, model = await asked("din", DEAD, text("```asm\nsta $10\n```"), text(sent_back), text(SHORT))
    assert (run.verdict, len(diagnoses(model))) == ("proved", 2)
    echoed, _ = await asked("din", DEAD, text("```asm\nsta $10\n```"), text(sent_back), text(sent_back))
    assert echoed.verdict == "refuted"


async def test_what_was_assembled_of_other_code_is_not_quoted_under_an_answer_with_code_of_its_own() -> None:
    expert = load_experts({}).find("din")
    other = calls(("assemble", {"code": "org $008000\nsta $99"}))
    said: list[str] = []
    for answer in (SHORT, "It is done."):
        model = ScriptedModel([other, text(answer)])
        sources: list[Any] = [("asar", build_asar(HERE))]
        with anyio.fail_after(60):
            async with Agent(expert, model=model, servers=sources, finish=checking(expert), keep=False) as agent:
                said.append((await agent.run(DEAD)).answer)
    assert ["sta $99" in answer for answer in said] == [False, True]


async def test_what_the_runner_says_in_mid_run_is_not_taken_for_the_question() -> None:
    expert = load_experts({}).find("nayru").model_copy(update={"must_prove": False, "proof": ""})
    wrong, right = (f"```asm\nlda #$0{value}\nsta $7E0020\nrtl\n```" for value in (4, 5))
    again = calls(("assemble", {"code": "org $008000\nnop"}))
    sources: list[Any] = [("asar", build_asar(HERE))]
    model = ScriptedModel([again, again, text(wrong), text(wrong), text(wrong), text(right)])
    with anyio.fail_after(60):
        async with Agent(expert, model=model, servers=sources, finish=checking(expert), keep=False) as agent:
            first = await agent.run(STORE)
            told = [item.text for item in first.messages if item.told]
            second = await agent.run(f"{FEEDBACK}was read by a critic.{STILL}{STORE}", earlier=first)
    assert any(not said.startswith(FEEDBACK) for said in told)
    assert (first.verdict, second.verdict) == ("refuted", "tested")
