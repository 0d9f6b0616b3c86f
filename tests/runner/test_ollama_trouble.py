"""What goes wrong with a daemon or its model, and what the Ollama model makes of it."""

import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest

from runner.errors import ModelError, ModelMissing
from runner.models.model import Reply
from runner.models.ollama import OllamaModel
from runner.models.ollama_double import OllamaDouble
from runner.models.ollama_wire import ScriptedReply, calls, drop, error, raw, stream_error, text, thinking
from runner.models.turn import Waits
from schemas.message import Image, Message, ToolSpec

pytestmark = pytest.mark.anyio

LOOKUP = ToolSpec(
    name="alttp_lookup",
    parameters={"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
)
ASSEMBLE = ToolSpec(
    name="assemble",
    description="Assemble code.",
    parameters={"type": "object", "properties": {"source": {"type": "string"}}, "required": ["source"]},
)
TOOLS = [LOOKUP, ASSEMBLE]
ASK = [Message(role="system", text="Be brief."), Message(role="user", text="Where is Link's health?")]
CALL: tuple[str, Any] = ("alttp_lookup", {"query": "health"})
MODELS = {
    "native": ("completion", "tools"),
    "plain": ("completion",),
    "thinker": ("completion", "tools", "thinking"),
    "embedder": ("embedding",),
}


@pytest.fixture
def double() -> Iterator[OllamaDouble]:
    with OllamaDouble(MODELS) as double:
        yield double


@pytest.fixture
async def native(double: OllamaDouble) -> AsyncIterator[OllamaModel]:
    model = OllamaModel("native", host=double.host)
    yield model
    await model.close()


async def _reply(model: OllamaModel, messages: list[Message] | None = None, **options: Any) -> Reply:
    with anyio.fail_after(20):
        return await model.reply(messages or ASK, options.pop("tools", TOOLS), **options)


async def _once(double: OllamaDouble, name: str, *replies: ScriptedReply, **options: Any) -> Reply:
    double.script(replies)
    model = OllamaModel(name, host=double.host)
    try:
        return await _reply(model, **options)
    finally:
        await model.close()


def _called(reply: Reply) -> list[tuple[str, str, dict[str, Any]]]:
    return [(call.id, call.name, dict(call.arguments)) for call in reply.message.calls]


async def test_a_refusal_of_tools_changes_to_action_json_for_good(double: OllamaDouble) -> None:
    refusal = error(400, "registry.ollama.ai/library/native:latest does not support tools")
    said = '{"action": "assemble", "arguments": {"source": "rtl"}}'
    double.script([refusal, text(said), text('{"action": "answer", "answer": "ok"}')])
    model = OllamaModel("native", host=double.host)
    first, second = await _reply(model), await _reply(model)
    await model.close()
    assert _called(first) == [("call_1", "assemble", {"source": "rtl"})] and "action JSON" in first.note
    assert second.message.text == "ok" and second.note == ""
    assert ["tools" in body for body in double.chats] == [True, False, False]


async def test_a_refusal_of_think_leaves_it_out(double: OllamaDouble) -> None:
    reply = await _once(double, "thinker", error(400, '"thinker" does not support thinking'), text("ok"))
    assert reply.message.text == "ok" and ["think" in body for body in double.chats] == [True, False]


async def test_a_reply_that_only_thinks_is_asked_for_again(double: OllamaDouble) -> None:
    reply = await _once(double, "thinker", thinking("hmm"), calls(CALL))
    assert _called(reply) == [("call_1", "alttp_lookup", {"query": "health"})] and "asked twice" in reply.note
    first, second = double.chats
    assert second["messages"][:-1] == first["messages"] and "empty" in second["messages"][-1]["content"]
    assert second["options"]["temperature"] > first["options"]["temperature"]
    assert second["options"]["num_ctx"] == first["options"]["num_ctx"]


async def test_tokens_of_every_try_are_counted(double: OllamaDouble) -> None:
    reply = await _once(double, "native", text(""), text("ok"))
    assert reply.usage.answer_tokens == 30


async def test_a_model_with_tools_that_stays_silent_is_asked_for_an_action(double: OllamaDouble) -> None:
    reply = await _once(double, "thinker", thinking("hm"), thinking("hm"), text('{"action": "answer", "answer": "ok"}'))
    assert reply.message.text == "ok" and ["format" in body for body in double.chats] == [False, False, True]


@pytest.mark.parametrize("name", ["native", "plain"])
async def test_a_model_that_says_nothing_at_all_is_an_error(double: OllamaDouble, name: str) -> None:
    with pytest.raises(ModelError, match="said nothing, twice") as caught:
        await _once(double, name, *[text("")] * 3)
    assert caught.value.retryable


async def test_thinking_left_in_the_text_is_split_off(double: OllamaDouble) -> None:
    shown: list[str] = []
    reply = await _once(double, "native", text("<think>\nlet me see\n</think>\n\nIt is."), on_text=shown.append)
    assert (reply.message.text, reply.message.thinking, "".join(shown)) == ("It is.", "let me see", "It is.")


@pytest.mark.parametrize(
    "problem",
    [
        "error parsing tool call: raw='{\"query\": ', err=unexpected end of JSON input",
        "XML syntax error on line 7: element <function> closed by </parameter>",
    ],
)
@pytest.mark.parametrize("status", [500, 200])
async def test_a_call_that_ollama_cannot_read_is_asked_for_again(
    double: OllamaDouble, status: int, problem: str
) -> None:
    refusal = error(500, problem) if status == 500 else stream_error(problem, after="so")
    reply = await _once(double, "native", refusal, calls(CALL))
    assert len(reply.message.calls) == 1 and "valid JSON" in double.chats[1]["messages"][-1]["content"]


async def test_a_call_that_ollama_never_can_read_becomes_an_action(double: OllamaDouble) -> None:
    refusal = error(500, "error parsing tool call: raw='x'")
    said = '{"action": "assemble", "arguments": {"source": "rtl"}}'
    reply = await _once(double, "native", refusal, refusal, text(said))
    assert _called(reply) == [("call_1", "assemble", {"source": "rtl"})] and "format" in double.chats[2]


@pytest.mark.parametrize("reply", [drop(after="It is at"), stream_error(after="It is at")])
async def test_a_daemon_that_dies_in_mid_stream_leaves_what_it_said(double: OllamaDouble, reply: ScriptedReply) -> None:
    with pytest.raises(ModelError) as caught:
        await _once(double, "native", reply)
    assert caught.value.partial == "It is at" and caught.value.retryable and "ask again" in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (raw(b'{"message":{"role":"assistant","content":"x"},"done":false}'), "before it was done"),
        (raw(b'{"message":{"role":"assistant","content":"x"},"done":false}', b'{"mess'), "not JSON"),
        (raw(b"[1]"), "no object"),
        (raw(b"\xff\xfe\x00"), "not JSON"),
        (raw(b"[" * 100_000), "not JSON"),
        (error(500, "model requires more system memory"), "more system memory"),
        (error(400, '{"error":{"message":"request (9000 tokens) exceeds the available context size"}}'), "num_ctx"),
    ],
)
async def test_rubbish_and_refusals_are_errors_that_say_what_happened(
    double: OllamaDouble, reply: ScriptedReply, said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        await _once(double, "native", reply)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_daemon_is_asked_again_after_a_pause(double: OllamaDouble, status: int) -> None:
    busy = error(status, "server busy, please try again.  maximum pending requests exceeded")
    assert (await _once(double, "native", busy, text("ok"))).message.text == "ok"
    with pytest.raises(ModelError, match="busy") as caught:
        await _once(double, "native", busy, busy, busy, text("too late"))
    assert caught.value.retryable and double.left == 1


async def test_pictures_and_thinking_go_to_models_that_take_them(double: OllamaDouble) -> None:
    double.models["seer:latest"] = ("completion", "tools", "thinking", "vision")
    picture = Image(data="aGk=", mime_type="image/png")
    asked = Message(role="user", text="What is this?", images=(picture,))
    model = OllamaModel("seer", host=double.host)
    double.script([thinking("hm", then=calls(CALL)), text("ok")])
    first = await _reply(model, [asked])
    result = Message(role="tool", tool=CALL[0], call_id=first.message.calls[0].id, text="a", images=(picture,))
    await _reply(model, [asked, first.message, result])
    await model.close()
    prompt, called, answered, shown = double.chats[1]["messages"]
    assert prompt["images"] == shown["images"] == ["aGk="] and shown["role"] == "user"
    assert called["thinking"] == "hm" and answered["role"] == "tool"
    await _once(double, "native", text("ok"), messages=[asked, first.message, result])
    assert "aGk=" not in str(double.chats[2]) and "thinking" not in str(double.chats[2])


async def test_fields_of_a_wrong_type_are_passed_over(double: OllamaDouble) -> None:
    reply = await _once(
        double,
        "native",
        raw(
            b'{"message":{"content":5,"thinking":[],"tool_calls":"x"},"done":false}',
            b'{"message":7}',
            b'{"message":{"content":"a\\ud800\xc2\x85b","tool_calls":[5,{"function":{"name":"assemble"}}]}}',
            b'{"done":true,"prompt_eval_count":"many","eval_count":-3}',
        ),
    )
    assert reply.message.text == "a\ufffd\x85b" and reply.usage.total == 0
    assert [(call.name, bool(call.problem)) for call in reply.message.calls] == [
        ("unreadable", True),
        ("assemble", False),
    ]


async def test_a_reply_cut_at_the_token_limit_says_so(double: OllamaDouble) -> None:
    cut = await _once(double, "native", ScriptedReply(content="It is", done_reason="length"))
    assert cut.cut_off and cut.note == "ended at the limit of tokens"
    assert not (await _once(double, "native", text("It is"))).cut_off


async def test_a_prompt_that_was_cut_in_silence_is_noted(double: OllamaDouble) -> None:
    long = [Message(role="user", text="word " * 4000)]
    cut = await _once(double, "native", ScriptedReply(content="ok", prompt_tokens=1025), messages=long)
    assert "raise num_ctx" in cut.note
    whole = await _once(double, "native", ScriptedReply(content="ok", prompt_tokens=4100), messages=long)
    unknown = await _once(double, "native", ScriptedReply(content="ok", prompt_tokens=0), messages=long)
    assert whole.note == unknown.note == ""


async def test_control_characters_and_line_separators_are_sent_as_they_are(double: OllamaDouble) -> None:
    reply = await _once(double, "native", text("ok"), messages=[Message(role="user", text="a\x00b\n\u2028")])
    assert reply.message.text == "ok" and double.chats[0]["messages"][0]["content"] == "a\x00b\n\u2028"


async def test_a_missing_model_names_the_command_that_gets_it(double: OllamaDouble) -> None:
    with pytest.raises(ModelMissing, match="run `ollama pull nayru-v5`"):
        await _once(double, "nayru-v5")


async def test_a_model_removed_in_mid_run_is_missing_too(double: OllamaDouble, native: OllamaModel) -> None:
    await native.load()
    del double.models["native:latest"]
    with pytest.raises(ModelMissing, match="ollama pull native"):
        await _reply(native)


async def test_a_model_that_cannot_chat_is_an_error(double: OllamaDouble) -> None:
    with pytest.raises(ModelError, match="does not support"):
        await _once(double, "embedder", tools=[])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_without_a_daemon_the_error_names_the_command_that_starts_it() -> None:
    model = OllamaModel("native", host=f"127.0.0.1:{_free_port()}")
    with pytest.raises(ModelError, match="start `ollama serve`") as caught:
        await _reply(model)
    assert caught.value.retryable
    await model.close()


async def test_a_daemon_that_goes_away_between_replies_is_an_error() -> None:
    with OllamaDouble(MODELS) as double:
        model = OllamaModel("native", host=double.host)
        await model.load()
    with pytest.raises(ModelError, match="ollama serve"):
        await _reply(model)
    await model.close()


async def test_a_daemon_that_falls_silent_is_an_error_within_the_wait(double: OllamaDouble) -> None:
    double.script([ScriptedReply(content="late", delay=10.0)])
    model = OllamaModel("native", host=double.host, waits=Waits(first=0.1, quiet=0.1))
    with pytest.raises(ModelError, match="fell silent"):
        await _reply(model)
    await model.close()


async def test_a_reply_can_be_cancelled_and_the_model_used_again(double: OllamaDouble, native: OllamaModel) -> None:
    double.script([ScriptedReply(content="late", delay=10.0)])
    with anyio.move_on_after(0.2) as scope:
        await native.reply(ASK, TOOLS)
    assert scope.cancelled_caught
    double.script([text("ok")])
    assert (await _reply(native)).message.text == "ok"


async def test_closing_twice_is_safe(double: OllamaDouble, native: OllamaModel) -> None:
    double.script([text("ok")])
    await _reply(native)
    await native.close()
    await native.close()
    assert native.name == "ollama:native"


@pytest.mark.parametrize("status", [500, 502])
async def test_a_daemon_in_trouble_is_asked_again_and_then_believed(double: OllamaDouble, status: int) -> None:
    crashed = error(status, "llama runner process has terminated: exit status 2")
    assert (await _once(double, "native", crashed, text("ok"))).message.text == "ok"
    with pytest.raises(ModelError, match="has terminated") as caught:
        await _once(double, "native", crashed, crashed, crashed, text("too late"))
    assert caught.value.retryable and double.left == 1


@pytest.mark.parametrize("broken", [drop(after='{"action": "answer", "answer": "It was'), drop(after="<think>hm")])
async def test_what_is_left_of_an_answer_by_actions_is_its_text(double: OllamaDouble, broken: ScriptedReply) -> None:
    with pytest.raises(ModelError) as caught:
        await _once(double, "plain" if "action" in broken.content else "native", broken)
    assert caught.value.partial == ("It was" if "action" in broken.content else "")


async def test_a_key_that_a_daemon_quotes_is_taken_out(double: OllamaDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "dummy-key-of-the-cloud")
    with pytest.raises(ModelError, match=r"401: unauthorized:.* \[key\].*ollama signin") as caught:
        await _once(double, "native", error(401, "unauthorized:\x1b[2J dummy-key-of-the-cloud"))
    assert "\x1b" not in str(caught.value)


async def test_a_model_that_cannot_see_is_told_of_a_picture(double: OllamaDouble) -> None:
    picture = Image(data="aGk=", mime_type="image/png")
    await _once(double, "native", text("ok"), messages=[Message(role="user", text="Look:", images=(picture,))])
    assert double.chats[0]["messages"] == [
        {"role": "user", "content": "Look:\n[a picture of the type 'image/png', which this model cannot read]"}
    ]
