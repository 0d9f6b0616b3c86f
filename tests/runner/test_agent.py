"""The library face: an agent entered, asked, streamed, judged and left."""

import os
from pathlib import Path
from typing import Annotated, Any

import anyio
import anyio.lowlevel
import pytest
from mcp.server import MCPServer
from mcp.types import ImageContent
from pydantic import Field

from runner.agent import Agent
from runner.errors import ConfigError, KeepError, ModelError
from runner.events import Event, Note, RunDone, RunStarted, ServersReady, StepDone
from runner.finish import Judged, Tools
from runner.hooks import Hooks, Refusal
from runner.loop import Limits
from runner.models.scripted import Line, ScriptedModel, calls, text
from runner.recorder import Recorder
from schemas.expert import Expert
from schemas.frozen import Frozen
from schemas.message import ToolCall
from schemas.run import CallRecord, Run
from servers.machine.face import READS, Face
from servers.settings import Settings

pytestmark = pytest.mark.anyio

ASKER = Expert(name="asker", summary="asks", instructions="Use the tools.")
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mMIAAAAUgBRWqmjOgAAAABJRU5ErkJggg=="
ECHO: Line = calls(("echo", {"word": "hi"}))


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
        return Said(said=word)

    return face


def agent_on(tmp_path: Path, *script: Line, **options: Any) -> Agent:
    return Agent(
        ASKER,
        servers=[("echo", echo_server())],
        model=options.pop("model", None) or ScriptedModel(list(script)),
        settings=Settings.from_environment({**os.environ, "AFS_CONTEXT_ROOT": str(tmp_path)}),
        **options,
    )


async def ask(agent: Agent, prompt: str = "say hi") -> Run:
    with anyio.fail_after(20):
        async with agent:
            return await agent.run(prompt)


async def test_an_agent_runs_prompts_and_goes_on_from_the_run_before(tmp_path: Path) -> None:
    with anyio.fail_after(20):
        async with agent_on(tmp_path, ECHO, text("echo: hi"), text("It was echo: hi")) as agent:
            first = await agent.run("say hi")
            second = await agent.run("what was it?", earlier=first)
    assert (first.stop, first.answer, first.grounded) == ("answer", "echo: hi", True)
    assert (second.resumes, second.grounded) == (first.id, True)
    assert Recorder(tmp_path).ids() == sorted([first.id, second.id])


async def test_an_expert_and_servers_are_named_as_on_the_command_line(tmp_path: Path) -> None:
    settings = Settings.from_environment({**os.environ, "AFS_CONTEXT_ROOT": str(tmp_path)})
    lookup = calls(("alttp_lookup", {"query": "$2100"}))
    model = ScriptedModel([lookup, text("$2100 is INIDISP.")])
    with anyio.fail_after(60):
        async with Agent("veran", servers=("alttp",), model=model, settings=settings) as agent:
            run = await agent.run("What is $2100?")
    assert (run.expert, run.grounded) == ("veran", True)
    assert [state.name for state in run.servers] == ["alttp"]


async def test_what_is_not_there_is_said_when_the_agent_is_made_or_entered(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ganondorf"):
        Agent("ganondorf")
    with pytest.raises(ConfigError, match="nowhere"):
        Agent("din", servers=("nowhere",))
    with pytest.raises(ConfigError, match="no server offers shout"):
        await ask(agent_on(tmp_path, text("hi"), tools=("shout",)))
    with pytest.raises(ConfigError, match="async with"):
        await agent_on(tmp_path, text("hi")).run("hi")


async def test_events_come_as_they_happen_and_the_last_holds_the_run(tmp_path: Path) -> None:
    heard: list[Event] = []
    with anyio.fail_after(20):
        async with agent_on(tmp_path, ECHO, text("echo: hi"), on_event=heard.append) as agent:
            streamed = [event async for event in agent.stream("say hi")]
    assert isinstance(streamed[0], RunStarted)
    assert isinstance(streamed[-1], RunDone)
    assert streamed[-1].run.answer == "echo: hi"
    assert [event.step.index for event in streamed if isinstance(event, StepDone)] == [1, 2]
    assert heard[-len(streamed) :] == streamed
    assert any(isinstance(event, ServersReady) for event in heard)


async def test_a_stream_that_is_left_interrupts_its_run_which_is_kept(tmp_path: Path) -> None:
    asked: list[int] = []

    async def hang_once(messages: object, _: object) -> None:
        asked.append(1)
        if len(asked) == 2:
            await anyio.sleep_forever()

    with anyio.fail_after(20):
        async with agent_on(tmp_path, ECHO, text("echo: hi"), hooks=Hooks(before_model=hang_once)) as agent:
            stream = agent.stream("say hi")
            async for event in stream:
                if isinstance(event, StepDone):
                    break
            await stream.aclose()
            kept = Recorder(tmp_path).load("last")
            assert (kept.stop, len(kept.steps)) == ("interrupted", 1)
            resumed = await agent.run("", earlier=kept)
    assert (resumed.answer, resumed.resumes) == ("echo: hi", kept.id)


async def test_a_run_that_cannot_be_kept_is_not_lost(tmp_path: Path) -> None:
    agent = agent_on(tmp_path, text("hello"))
    with pytest.raises(KeepError) as caught, anyio.fail_after(20):
        async with agent:
            (tmp_path / "history" / "runs").rmdir()
            (tmp_path / "history" / "runs").write_text("in the way", encoding="utf-8")
            async for _ in agent.stream("hi"):
                pass
    assert caught.value.run is not None
    assert caught.value.run.answer == "hello"


async def test_runs_are_not_kept_when_they_are_not_to_be(tmp_path: Path) -> None:
    await ask(agent_on(tmp_path, text("hello"), keep=False))
    assert not list(tmp_path.iterdir())


async def test_hooks_see_each_request_reply_call_result_and_the_run(tmp_path: Path) -> None:
    seen: list[str] = []

    async def after_tool(record: CallRecord) -> None:
        seen.append(f"after_tool {record.text}")

    hooks = Hooks(
        before_model=lambda messages, tools: seen.append(f"before_model {len(messages)} {len(tools)}"),
        after_model=lambda reply: seen.append(f"after_model {len(reply.message.calls)}"),
        before_tool=lambda call: seen.append(f"before_tool {call.name}"),
        after_tool=after_tool,
        on_run_complete=lambda run: seen.append(f"complete {run.stop}"),
    )
    await ask(agent_on(tmp_path, ECHO, text("echo: hi"), hooks=hooks))
    assert seen == [
        "before_model 2 1",
        "after_model 1",
        "before_tool echo",
        "after_tool echo: hi",
        "before_model 4 1",
        "after_model 0",
        "complete answer",
    ]


async def test_a_hook_that_fails_is_reported_and_never_ends_the_run(tmp_path: Path) -> None:
    def fails(*_: object) -> None:
        raise LookupError("no such thing")

    async def fails_later(_: object) -> None:
        await anyio.lowlevel.checkpoint()
        raise LookupError("no such thing either")

    heard: list[Event] = []
    hooks = Hooks(before_model=fails, after_model=fails_later, after_tool=fails, on_run_complete=fails_later)
    run = await ask(agent_on(tmp_path, ECHO, text("echo: hi"), hooks=hooks, on_event=heard.append))
    assert run.answer == "echo: hi"
    notes = " ".join(event.text for event in heard if isinstance(event, Note))
    for name in ("before_model", "after_model", "after_tool", "on_run_complete"):
        assert f"the hook {name} failed (LookupError" in notes


async def test_before_tool_may_refuse_or_change_a_call_and_refuses_when_it_fails(tmp_path: Path) -> None:
    def judge(call: ToolCall) -> ToolCall | Refusal | None:
        word = call.arguments["word"]
        if word == "secret":
            return Refusal("that word is not said here")
        if word == "boom":
            raise OSError("no rules")
        return call.model_copy(update={"arguments": {"word": "changed"}, "id": "x"}) if word == "other" else None

    words = calls(*(("echo", {"word": word}) for word in ("secret", "boom", "other", "hi")))
    run = await ask(agent_on(tmp_path, words, text("done"), hooks=Hooks(before_tool=judge)))
    records = run.steps[0].calls
    assert [record.ok for record in records] == [False, False, True, True]
    assert records[0].text == "that word is not said here"
    assert "no rules" in records[1].text
    assert [record.text for record in records[2:]] == ["echo: changed", "echo: hi"]
    assert [item.call_id for item in run.messages if item.role == "tool"] == [
        call.id for item in run.messages for call in item.calls
    ]


async def test_a_hook_cannot_reach_a_tool_that_is_not_on_offer(tmp_path: Path) -> None:
    hooks = Hooks(before_tool=lambda call: call.model_copy(update={"name": "run_shell"}))
    run = await ask(agent_on(tmp_path, ECHO, text("done"), hooks=hooks))
    assert "no tool 'run_shell' in this run" in run.steps[0].calls[0].text


async def test_a_check_sends_an_answer_back_and_judges_the_next_one(tmp_path: Path) -> None:
    async def finish(run: Run, toolbox: Tools) -> Judged:
        (record,) = await toolbox.call_all([ToolCall(id="c", name="echo", arguments={"word": run.answer})])
        if "wrong" in record.text:
            return Judged(run.model_copy(update={"answer": f"{run.answer} (refuted)"}), "That is wrong.")
        return Judged(run.model_copy(update={"answer": f"{run.answer} (tested)", "metadata": {"verdict": "tested"}}))

    model = ScriptedModel([text("wrong"), text("right")])
    run = await ask(agent_on(tmp_path, model=model, finish=finish))
    assert (run.stop, run.answer, run.metadata) == ("answer", "right (tested)", {"verdict": "tested"})
    assert model.heard[1][-1].text == "That is wrong."
    assert len(run.steps) == 2
    tries = [text(f"wrong {number}") for number in range(9)]
    many = await ask(agent_on(tmp_path, *tries, finish=finish))
    assert (many.answer, len(many.steps)) == ("wrong 2 (refuted)", 3)
    once = await ask(agent_on(tmp_path, *tries, finish=finish, limits=Limits(rounds=1)))
    assert len(once.steps) == 2


async def test_the_same_answer_again_is_not_sent_back_once_more(tmp_path: Path) -> None:
    async def finish(run: Run, _: Tools) -> Judged:
        return Judged(run.model_copy(update={"answer": f"{run.answer} (refuted)"}), "That is wrong.")

    stubborn = await ask(agent_on(tmp_path, *[text("wrong")] * 9, finish=finish))
    assert (stubborn.answer, stubborn.stop, len(stubborn.steps)) == ("wrong (refuted)", "answer", 2)


async def test_the_best_of_several_answers_is_given_and_of_equals_the_last(tmp_path: Path) -> None:
    worths = {"first": (1,), "second": (3,), "third": (3,), "last": (0, 9)}

    async def finish(run: Run, _: Tools) -> Judged:
        said = run.model_copy(update={"answer": f"{run.answer}, judged", "metadata": {"worth": worths[run.answer][0]}})
        return Judged(said, "Mend it.", worths[run.answer])

    tries = [text(name) for name in worths]
    run = await ask(agent_on(tmp_path, *tries, finish=finish, limits=Limits(rounds=3)))
    assert (run.answer, run.metadata, run.stop, len(run.steps)) == ("third, judged", {"worth": 3}, "answer", 4)


async def test_a_judged_answer_stays_when_the_model_fails_while_mending_it(tmp_path: Path) -> None:
    async def finish(run: Run, _: Tools) -> Judged:
        return Judged(run.model_copy(update={"answer": f"{run.answer} (refuted)"}), "That is wrong.")

    run = await ask(agent_on(tmp_path, text("wrong"), ModelError("gone"), finish=finish))
    assert (run.stop, run.error, run.answer) == ("model_error", "gone", "wrong (refuted)")


async def test_a_check_that_fails_leaves_the_answer_unjudged(tmp_path: Path) -> None:
    async def finish(run: Run, _: Tools) -> Judged:
        raise ConfigError("there is no assembler")

    heard: list[Event] = []
    run = await ask(agent_on(tmp_path, text("hello"), finish=finish, on_event=heard.append))
    assert (run.stop, run.answer) == ("answer", "hello")
    assert any("not checked: there is no assembler" in event.text for event in heard if isinstance(event, Note))


async def test_a_long_result_is_cut_kept_whole_and_read_on_with_a_tool_of_the_runner(tmp_path: Path) -> None:
    long = "".join(f"{number} " for number in range(5_000))
    model = ScriptedModel(
        [
            calls(("echo", {"word": long})),
            calls(("read_result", {"call": 1, "offset": 20_000})),
            text("done"),
            calls(("read_result", {"call": 1, "offset": 5})),
            text("done again"),
        ]
    )
    with anyio.fail_after(20):
        async with agent_on(tmp_path, model=model) as agent:
            run = await agent.run("say it")
            more = await agent.run("and more", earlier=run)
    cut = run.steps[0].calls[0]
    assert len(cut.text) <= 16_000
    assert (Recorder(tmp_path).folder / cut.file).read_text(encoding="utf-8") == f"echo: {long}"
    assert [len(tools) for tools in model.offered] == [1, 2, 2, 2, 2]
    page = run.steps[1].calls[0]
    assert (page.ok, page.text[:5] in long) == (True, True)
    assert more.steps[0].calls[0].ok, "a run that goes on can still read it"
    assert run.metadata["results"] == more.metadata["results"] == {"1": cut.file}


async def test_nobody_reads_results_before_one_is_cut(tmp_path: Path) -> None:
    run = await ask(agent_on(tmp_path, ECHO, calls(("read_result", {"call": 1})), text("done")))
    assert "no tool 'read_result' in this run" in run.steps[1].calls[0].text


async def test_a_conversation_that_outgrows_its_window_is_trimmed_and_the_run_keeps_all_of_it(tmp_path: Path) -> None:
    script: list[Line] = [calls(("echo", {"word": f"{number} " * 800})) for number in range(9)]
    model, heard = ScriptedModel([*script, text("done")]), list[Event]()
    limits = Limits(window=4_000, max_steps=20)
    run = await ask(agent_on(tmp_path, model=model, limits=limits, on_event=heard.append), "what do they say?")
    assert run.stop == "answer"
    sent = model.heard[-1]
    assert sum(len(item.text) for item in sent) < 4_000 * 3.5
    assert sent[1].text == "what do they say?"
    assert sum(isinstance(event, Note) and "outgrew" in event.text for event in heard) == 1
    assert [len(item.text) for item in run.messages if item.role == "tool"] == [1606] * 9
    assert any("read_result(call=1)" in item.text for item in model.heard[6])


def camera() -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("camera")

    @server.tool()
    async def screen() -> ImageContent:
        return ImageContent(type="image", data=PICTURE, mime_type="image/png")

    return server


async def test_a_picture_of_a_result_is_seen_kept_beside_the_run_and_seen_again_when_the_run_goes_on(
    tmp_path: Path,
) -> None:
    settings = Settings.from_environment({**os.environ, "AFS_CONTEXT_ROOT": str(tmp_path)})
    model = ScriptedModel([calls(("screen", {})), text("I see."), text("As I said."), text("It is gone.")])
    recorder = Recorder(tmp_path)
    with anyio.fail_after(20):
        async with Agent(ASKER, servers=[("camera", camera())], model=model, settings=settings) as agent:
            run = await agent.run("look")
            (picture,) = run.steps[0].calls[0].images
            more = await agent.run("and?", earlier=recorder.load(run.id))
            (recorder.folder / picture.file).unlink()
            await agent.run("and now?", earlier=recorder.load(more.id))
    assert picture.file == f"{run.id}.results/01-1.png"
    results = [next(item for item in heard if item.role == "tool") for heard in model.heard[1:]]
    assert [[image.data for image in item.images] for item in results] == [[PICTURE], [PICTURE], []]
    assert "not kept any more" in results[2].text
    assert all(PICTURE not in path.read_text(encoding="utf-8") for path in recorder.folder.glob("*.json"))


async def test_a_picture_survives_the_death_of_its_run(tmp_path: Path) -> None:
    settings = Settings.from_environment({**os.environ, "AFS_CONTEXT_ROOT": str(tmp_path)})
    recorder = Recorder(tmp_path)
    journals: list[bytes] = []

    def copy(event: Event) -> None:
        journals.extend(path.read_bytes() for path in recorder.folder.glob("*.jsonl"))

    model = ScriptedModel([calls(("screen", {})), text("I see."), text("As I said.")])
    options: dict[str, Any] = {"model": model, "settings": settings, "on_event": copy}
    with anyio.fail_after(20):
        async with Agent(ASKER, servers=[("camera", camera())], **options) as agent:
            run = await agent.run("look")
            (recorder.folder / f"{run.id}.json").unlink()
            (recorder.folder / f"{run.id}.steps.jsonl").write_bytes(
                next(found for found in reversed(journals) if found.count(b"\n") == 2)
            )
            lost = recorder.load(run.id)
            await agent.run("and?", earlier=lost.model_copy(update={"stop": "interrupted"}))
    assert lost.steps[0].calls[0].images[0].data == ""
    assert [image.data for item in model.heard[-1] for image in item.images] == [PICTURE]
