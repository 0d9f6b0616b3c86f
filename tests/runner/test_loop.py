"""The loop, driven by scripts over a real toolbox with a server in memory."""

from typing import Annotated, Any

import anyio
import pytest
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from runner.conversation import Conversation
from runner.errors import ModelError
from runner.events import Event, Note
from runner.finish import Judged, Tools
from runner.loop import Limits
from runner.models.model import Reply
from runner.models.scripted import Line, ScriptedModel, calls, text
from runner.toolbox import Toolbox
from schemas.expert import Expert
from schemas.frozen import Frozen
from schemas.run import Run
from servers.machine.face import READS, Face

pytestmark = pytest.mark.anyio

ASKER = Expert(name="asker", summary="asks", instructions="Use the tools.")


class Said(Frozen):
    """What echo says."""

    said: str

    def as_text(self) -> str:
        return f"echo: {self.said}"


def echo_server() -> Face:
    face = Face("echo", title="Echo", instructions="Echoes.", version="1")

    @face.offer(READS, title="Echo")
    def echo(word: Annotated[str, Field(description="what to say")]) -> Said:
        """Say a word back."""
        if word == "fail":
            raise ToolError("cannot say that; say another word")
        return Said(said=word)

    return face


async def run(script: list[Line], prompt: str = "say it", expert: Expert = ASKER, **limits: float) -> Run:
    return (await run_with(ScriptedModel(script), prompt, expert, **limits))[0]


async def run_with(
    model: ScriptedModel, prompt: str = "say it", expert: Expert = ASKER, **limits: float
) -> tuple[Run, ScriptedModel]:
    with anyio.fail_after(10):
        async with Toolbox([("echo", echo_server())]) as toolbox:
            agent = Conversation(
                expert=expert,
                model=model,
                toolbox=toolbox,
                offered=toolbox.tools,
                limits=Limits(**limits),  # type: ignore[arg-type]  # the limits are given by name in each test
            )
            return await agent.run(prompt), model


async def test_the_model_sees_its_call_and_the_result_and_answers_from_them() -> None:
    done, model = await run_with(ScriptedModel([calls(("echo", {"word": "hi"})), text("It said: echo: hi")]))
    assert (done.stop, done.answer, done.grounded) == ("answer", "It said: echo: hi", True)
    assert [item.role for item in model.heard[1]] == ["system", "user", "assistant", "tool"]
    call = model.heard[1][2].calls[0]
    assert (call.name, call.arguments) == ("echo", {"word": "hi"})
    assert model.heard[1][3].text == "echo: hi"
    assert model.heard[1][3].call_id == call.id


async def test_parallel_calls_come_back_in_their_order() -> None:
    script: list[Line] = [calls(("echo", {"word": "one"}), ("echo", {"word": "two"})), text("echo: one, echo: two")]
    done = await run(script)
    assert [record.text for record in done.steps[0].calls] == ["echo: one", "echo: two"]
    assert [item.text for item in done.messages if item.role == "tool"] == ["echo: one", "echo: two"]


async def test_an_unknown_tool_is_told_to_the_model_with_the_names_there_are() -> None:
    done = await run([calls(("shout", {"word": "hi"})), calls(("echo", {"word": "hi"})), text("echo: hi")])
    assert done.stop == "answer"
    first = done.steps[0].calls[0]
    assert not first.ok
    assert "echo" in first.text


async def test_bad_arguments_are_named_and_mended_on_the_next_step() -> None:
    done = await run([calls(("echo", {"wrd": "hi"})), calls(("echo", {"word": "hi"})), text("echo: hi")])
    assert not done.steps[0].calls[0].ok
    assert "word" in done.steps[0].calls[0].text
    assert done.steps[1].calls[0].ok
    assert done.grounded


async def test_a_tool_that_fails_tells_the_model_why() -> None:
    done = await run([calls(("echo", {"word": "fail"})), text("It cannot be said.")])
    assert "say another word" in done.steps[0].calls[0].text
    assert not done.grounded


async def test_the_run_stops_after_the_last_step_without_an_answer() -> None:
    script: list[Line] = [calls(("echo", {"word": str(number)})) for number in range(9)]
    done = await run(script, max_steps=3)
    assert (done.stop, len(done.steps)) == ("max_steps", 3)
    assert "--max-steps" in done.error


async def test_on_its_last_step_the_model_is_told_to_answer_and_gets_no_tools() -> None:
    script: list[Line] = [calls(("echo", {"word": "1"})), calls(("echo", {"word": "2"})), text("echo: 2")]
    done, model = await run_with(ScriptedModel(script), max_steps=3)
    assert done.stop == "answer"
    assert [len(tools) for tools in model.offered] == [1, 1, 0]
    assert "last step" in model.heard[2][-1].text


async def test_one_step_is_enough_to_call_and_not_to_answer() -> None:
    done = await run([calls(("echo", {"word": "1"}))], max_steps=1)
    assert (done.stop, done.steps[0].calls[0].text) == ("max_steps", "echo: 1")


async def test_identical_calls_with_identical_results_end_as_a_loop() -> None:
    done, model = await run_with(ScriptedModel([calls(("echo", {"word": "again"}))], repeat=True))
    assert done.stop == "loop"
    assert len(done.steps) == 3
    assert model.offered[2] == ()


async def test_a_model_that_heeds_the_warning_about_a_repeated_call_may_answer() -> None:
    same = calls(("echo", {"word": "again"}))
    done = await run([same, same, text("echo: again")])
    assert (done.stop, done.answer) == ("answer", "echo: again")


def counter_server() -> Face:
    face = Face("counter", title="Counter", instructions="Counts.", version="1")
    counted: list[str] = []

    @face.offer(READS, title="Count")
    def count(what: Annotated[str, Field(description="what to count")]) -> Said:
        """Count a thing once more."""
        counted.append(what)
        return Said(said=str(len(counted)))

    return face


async def run_counting(*script: Line, max_steps: int = 20) -> tuple[Run, ScriptedModel]:
    model = ScriptedModel(list(script), repeat=True)
    with anyio.fail_after(10):
        async with Toolbox([("counter", counter_server())]) as toolbox:
            agent = Conversation(
                expert=ASKER,
                model=model,
                toolbox=toolbox,
                offered=toolbox.tools,
                limits=Limits(max_steps=max_steps),
            )
            return await agent.run("count"), model


async def test_a_repeated_call_is_told_at_three_and_ends_at_five_whatever_it_brings() -> None:
    done, model = await run_counting(calls(("count", {"what": "sheep"})))
    assert (done.stop, len(done.steps)) == ("loop", 5)
    assert "3 times" in model.heard[3][-1].text
    assert model.offered[4], "it could have done something else"
    assert [record.ok for step in done.steps for record in step.calls] == [True] * 4 + [False]
    assert "not run" in done.steps[-1].calls[0].text


async def test_the_order_of_the_arguments_makes_no_other_call() -> None:
    one, other = {"what": "a", "x": 1}, {"x": 1, "what": "a"}
    done, _ = await run_counting(*[calls(("count", pair)) for pair in (one, other, one, other, one)])
    assert done.stop == "loop"


async def test_two_calls_in_turns_are_caught_too() -> None:
    pair = [calls(("count", {"what": "a"})), calls(("count", {"what": "b"}))]
    done, model = await run_counting(*pair * 5)
    assert (done.stop, len(done.steps)) == ("loop", 9)
    assert "3 times" in model.heard[5][-1].text


async def test_equal_calls_of_one_step_count_once() -> None:
    same = ("count", {"what": "a"})
    done, _ = await run_counting(calls(same, same, same, same, same), text("done"))
    assert (done.stop, len(done.steps[0].calls)) == ("answer", 5)


async def test_an_empty_reply_is_asked_again_once() -> None:
    done = await run([text(""), text("done")])
    assert (done.stop, done.answer) == ("answer", "done")
    done = await run([text(""), text(""), text("done")])
    assert done.stop == "model_error"


async def test_an_answer_with_a_fact_that_no_result_holds_is_sent_back_once() -> None:
    script: list[Line] = [text("It is $7EF36C."), calls(("echo", {"word": "$7EF36D"})), text("It is $7EF36D.")]
    done = await run(script)
    assert (done.answer, done.grounded) == ("It is $7EF36D.", True)
    stubborn = await run([text("It is $7EF36C."), text("It is $7EF36C.")])
    assert (stubborn.stop, stubborn.grounded) == ("answer", False)


async def test_a_fact_from_the_prompt_needs_no_proof() -> None:
    done = await run([text("You named $7EF36C.")], prompt="Repeat $7EF36C")
    assert (len(done.steps), done.answer) == (1, "You named $7EF36C.")


async def test_a_budget_of_tokens_ends_the_run() -> None:
    script: list[Line] = [calls(("echo", {"word": str(number)})) for number in range(9)]
    done = await run(script, max_tokens=10)
    assert done.stop == "budget"
    assert done.usage.total >= 10


async def test_a_budget_of_time_ends_the_run() -> None:
    class Slow(ScriptedModel):
        async def reply(self, *_: object, **__: object) -> Reply:
            await anyio.sleep_forever()
            raise AssertionError

    done, _ = await run_with(Slow([text("never")]), max_seconds=0.05)
    assert done.stop == "budget"
    assert "--max-seconds" in done.error


async def test_a_model_that_breaks_off_leaves_what_it_had_said() -> None:
    done = await run([calls(("echo", {"word": "hi"})), ModelError("the line broke", partial="It said ech")])
    assert (done.stop, done.error, done.answer) == ("model_error", "the line broke", "It said ech")
    uncounted = done.metadata["uncounted"]
    assert isinstance(uncounted, int) and uncounted > len(done.messages[-1].text) // 4, "its request counts too"
    assert done.steps[0].calls[0].text == "echo: hi"


async def test_an_expert_with_a_proof_quotes_what_its_tool_returned() -> None:
    prover = ASKER.model_copy(update={"proof": "echo"})
    done = await run([calls(("echo", {"word": "A9 00"})), text("I wrote it.")], expert=prover)
    assert done.answer.endswith("echo: A9 00")
    other = await run([text("No code was asked for.")], expert=prover)
    assert other.answer == "No code was asked for."


async def test_an_answer_without_its_proof_is_sent_back_once_and_then_marked() -> None:
    prover = ASKER.model_copy(update={"proof": "echo", "must_prove": True})
    mended = await run([text("I wrote it."), calls(("echo", {"word": "A9"})), text("Done.")], expert=prover)
    assert mended.answer == "Done.\n\necho: A9"
    stubborn = await run([text("I wrote it."), text("I did write it.")], expert=prover)
    assert (stubborn.stop, "unproven" in stubborn.answer) == ("answer", True)


async def judged_nowhere(run: Run, toolbox: Tools) -> Judged:
    return Judged(run)


@pytest.mark.parametrize(
    ("answer", "steps"),
    [
        ("Here:\n```asm\nlda #$46\nsta $7E0010\nrtl\n```", 1),
        ("Here:\n```asm\nlda #$46\nsta $7E0010", 1),
        ("Use `lda #$46 sta $12 rts`.", 1),
        ("Here:\n```asm\nlda #$46\nrtl\n```\nIt sets $7E0010.", 2),
        ("Here:\n```asm\nlda #$46 ; what $7E0010 holds\nrtl\n```", 2),
        ('```json\n{"address": "$7E0010"}\n```', 2),
    ],
)
async def test_operands_of_code_that_a_check_will_judge_need_no_proof_and_words_do(answer: str, steps: int) -> None:
    for finish, expected in ((judged_nowhere, steps), (None, 2)):
        async with Toolbox([("echo", echo_server())]) as toolbox:
            model = ScriptedModel([text(answer), text("I do not know.")])
            agent = Conversation(expert=ASKER, model=model, toolbox=toolbox, offered=toolbox.tools, finish=finish)
            with anyio.fail_after(10):
                done = await agent.run("Write it.")
        assert len(done.steps) == expected, answer


async def test_a_run_goes_on_from_an_earlier_one() -> None:
    model = ScriptedModel([calls(("echo", {"word": "one"})), text("echo: one"), text("It was echo: one")])
    with anyio.fail_after(10):
        async with Toolbox([("echo", echo_server())]) as toolbox:
            agent = Conversation(expert=ASKER, model=model, toolbox=toolbox, offered=toolbox.tools)
            first = await agent.run("say one")
            second = await agent.run("what was it?", earlier=first)
    assert second.resumes == first.id
    assert [item.role for item in model.heard[-1]] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    assert second.grounded


async def test_what_the_user_named_in_an_earlier_run_needs_no_proof_and_what_the_runner_named_does() -> None:
    script: list[Line] = [text("I see."), text("$7EF36D is the one."), text("It is $7E0010."), text("It is $7E0010.")]
    model = ScriptedModel(script)
    with anyio.fail_after(10):
        async with Toolbox([("echo", echo_server())]) as toolbox:
            agent = Conversation(expert=ASKER, model=model, toolbox=toolbox, offered=toolbox.tools)
            first = await agent.run("I keep my rupees at $7EF36D.")
            second = await agent.run("Where are they?", earlier=first)
            assert (second.answer, len(second.steps)) == ("$7EF36D is the one.", 1)
            third = await agent.run("And my keys?", earlier=second)
    assert len(third.steps) == 2 and "7E0010" in model.heard[-1][-1].text
    told = [item.text for item in third.messages if item.told]
    assert len(told) == 1 and "7E0010, which no tool result" in told[0]
    again = ScriptedModel([text("It is $7E0010."), text("I do not know.")])
    with anyio.fail_after(10):
        async with Toolbox([("echo", echo_server())]) as toolbox:
            agent = Conversation(expert=ASKER, model=again, toolbox=toolbox, offered=toolbox.tools)
            fourth = await agent.run("Really?", earlier=third)
    assert len(fourth.steps) == 2, "what the runner said of $7E0010 was taken for the user's word"


async def test_a_refusal_ends_the_run_at_once_and_runs_nothing() -> None:
    class Declines(ScriptedModel):
        async def reply(self, *args: Any, **more: Any) -> Reply:
            return (await super().reply(*args, **more)).model_copy(update={"refused": True})

    done, model = await run_with(Declines([calls(("echo", {"word": "hi"}), say="I will not."), text("never")]))
    assert (done.stop, done.answer, done.steps[0].calls) == ("model_error", "I will not.", ())
    assert "declined to answer; rephrase the prompt" in done.error
    assert len(model.heard) == 1 and done.messages[-1].calls == ()
    silent, model = await run_with(Declines([text(""), text("never")]))
    assert (silent.stop, silent.answer, len(model.heard)) == ("model_error", "", 1)
    assert "declined" in silent.error and "nothing" not in silent.error


async def test_an_answer_that_ends_at_the_limit_of_tokens_is_given_with_a_word() -> None:
    cut = Reply(message=text("LDA #$80 : STA"), cut_off=True, note="ended at the limit of tokens")
    notes: list[str] = []

    def hear(event: Event) -> None:
        notes.extend([event.text] if isinstance(event, Note) else [])

    model = ScriptedModel([cut])
    with anyio.fail_after(10):
        async with Toolbox([]) as toolbox:
            agent = Conversation(expert=ASKER, model=model, toolbox=toolbox, offered=(), on_event=hear)
            done = await agent.run("Blank it.")
    assert (done.stop, done.answer, done.steps[0].note) == ("answer", "LDA #$80 : STA", "ended at the limit of tokens")
    assert [note for note in notes if "limit of tokens; ask it to go on" in note]
