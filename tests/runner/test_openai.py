"""Models of OpenAI-compatible servers: what is sent, and what is made of what comes back."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from pydantic import TypeAdapter

from runner.models.http_double import ScriptedReply, sse
from runner.models.model import Reply
from runner.models.openai import OpenAIModel
from runner.models.openai_double import OpenAIDouble, chunk
from schemas.message import Image, Message, ToolCall, ToolSpec

pytestmark = pytest.mark.anyio

LOOKUP = ToolSpec(
    name="alttp_lookup",
    description="Look up a fact.",
    parameters={
        "type": "object",
        "properties": {
            "query": {"type": "string", "minLength": 1, "description": "what to look for"},
            "kind": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
        "required": ["query"],
        "additionalProperties": False,
    },
)
ASSEMBLE = ToolSpec(
    name="assemble",
    description="Assemble code.",
    parameters={"type": "object", "properties": {"source": {"type": "string"}}, "required": ["source"]},
)
TOOLS = [LOOKUP, ASSEMBLE]
ASK = [Message(role="system", text="Be brief."), Message(role="user", text="Where is Link's health?")]
HEALTH: tuple[str, Any] = ("alttp_lookup", {"query": "health"})
CODE: tuple[str, Any] = ("assemble", {"source": "lda {x}"})
PRINTED = '{"name": "alttp_lookup", "arguments": {"query": "health"}}'
PICTURE = Image(data="aGk=", mime_type="image/png")
REQUEST = TypeAdapter(CompletionCreateParamsStreaming)


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("AFS_KEYS_FILE", str(tmp_path_factory.mktemp("keys") / "keys.toml"))


@pytest.fixture
def double() -> Iterator[OpenAIDouble]:
    with OpenAIDouble() as double:
        yield double


@pytest.fixture
async def model(double: OpenAIDouble) -> AsyncIterator[OpenAIModel]:
    opened = OpenAIModel("m", url=double.api_url)
    yield opened
    await opened.close()


async def _reply(model: OpenAIModel, messages: list[Message] | None = None, **options: Any) -> Reply:
    with anyio.fail_after(30):
        return await model.reply(messages or ASK, options.pop("tools", TOOLS), **options)


async def _once(double: OpenAIDouble, *replies: ScriptedReply, **options: Any) -> Reply:
    double.script(replies)
    model = OpenAIModel("m", url=double.api_url)
    try:
        return await _reply(model, **options)
    finally:
        await model.close()


def _streamed(*deltas: dict[str, Any], finish: str = "tool_calls") -> ScriptedReply:
    return ScriptedReply(pieces=(*(chunk(delta) for delta in deltas), chunk({}, finish=finish), sse("[DONE]")))


def _part(index: int | None, name: str = "", arguments: object = None, **more: Any) -> dict[str, Any]:
    function = {**({"name": name} if name else {}), **({} if arguments is None else {"arguments": arguments})}
    return {"tool_calls": [{**({} if index is None else {"index": index}), "function": function, **more}]}


def _called(reply: Reply) -> list[tuple[str, str, dict[str, Any]]]:
    return [(call.id, call.name, dict(call.arguments)) for call in reply.message.calls]


async def test_a_request_is_valid_by_the_sdk_and_holds_the_tools_as_they_were_sent(double: OpenAIDouble) -> None:
    await _once(double, ScriptedReply(text="ok"))
    (body,) = double.chats
    REQUEST.validate_python(body)
    assert body["tools"][0]["function"]["parameters"] == LOOKUP.parameters
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Where is Link's health?"},
    ]
    assert (body["temperature"], body["stream_options"]) == (0.0, {"include_usage": True})


async def test_text_streams_and_its_tokens_are_counted(double: OpenAIDouble) -> None:
    shown: list[str] = []
    reply = await _once(double, ScriptedReply(text="It is at $7EF36D.", thinking="let me see"), on_text=shown.append)
    assert reply.message.text == "".join(shown) == "It is at $7EF36D." and len(shown) > 1
    usage = reply.usage
    assert usage.answer_tokens == 7 and usage.thinking_tokens == 3
    assert 0 < usage.cached_tokens < usage.prompt_tokens and usage.cost == 0.0


async def test_parallel_calls_and_their_results_go_back_as_the_api_documents_them(
    double: OpenAIDouble, model: OpenAIModel
) -> None:
    double.script([ScriptedReply(calls=(HEALTH, CODE)), ScriptedReply(text="ok")])
    reply = await _reply(model)
    assert _called(reply) == [("call_abc1", *HEALTH), ("call_abc2", *CODE)]
    results = [
        Message(role="tool", call_id="call_abc1", tool="alttp_lookup", text="$7EF36D"),
        Message(role="tool", call_id="call_abc2", tool="assemble", text="no such label", failed=True),
    ]
    await _reply(model, [*ASK, reply.message, *results])
    called, first, second = double.chats[1]["messages"][2:]
    assert [json.loads(call["function"]["arguments"]) for call in called["tool_calls"]] == [HEALTH[1], CODE[1]]
    assert first == {"role": "tool", "tool_call_id": "call_abc1", "content": "$7EF36D"}
    assert second["content"] == "Error: no such label"
    REQUEST.validate_python(double.chats[1])


@pytest.mark.parametrize(
    "deltas",
    [
        [_part(0, "a", '{"x": 1}', id="i1"), _part(0, "b", '{"x": 2}', id="i2")],
        [
            _part(0, "a", "", id="i1"),
            _part(0, arguments='{"x": 1}'),
            _part(0, "b", '{"x"', id="i2"),
            _part(0, "", ": 2}"),
        ],
        [_part(0, "a", '{"x": 1}', id="same"), _part(1, "b", '{"x": 2}', id="same")],
        [_part(0, "a", '{"x": 1}'), _part(0, "b", '{"x": 2}')],
        [_part(0, "a", '{"x": 1}'), _part(1, "b", '{"x": 2}')],
        [_part(None, "a", '{"x": 1}'), _part(None, "b", '{"x": 2}')],
        [_part(None, "a", '{"x"', id="i1"), _part(None, "a", ": 1}", id="i1"), _part(None, "b", '{"x": 2}', id="i2")],
        [_part(0, "a", {"x": 1}, id="i1"), _part(1, "b", {"x": 2}, id="i2")],
        [_part(1, "a", '{"x"'), _part(2, "b", '{"x"'), _part(1, arguments=": 1}"), _part(2, arguments=": 2}")],
    ],
)
async def test_parallel_calls_are_told_apart_however_a_server_numbers_them(
    double: OpenAIDouble, deltas: list[dict[str, Any]]
) -> None:
    reply = await _once(double, _streamed(*deltas))
    assert [(call.name, call.arguments, call.problem) for call in reply.message.calls] == [
        ("a", {"x": 1}, ""),
        ("b", {"x": 2}, ""),
    ]
    assert len({call.id for call in reply.message.calls}) == 2 and all(call.id for call in reply.message.calls)


async def test_ids_that_a_server_uses_again_are_made_unique_in_the_run(double: OpenAIDouble) -> None:
    before = Message(role="assistant", calls=(ToolCall(id="call_abc1", name="assemble"),))
    result = Message(role="tool", call_id="call_abc1", tool="assemble", text="ok")
    reply = await _once(double, ScriptedReply(calls=(HEALTH,)), messages=[*ASK, before, result])
    assert _called(reply) == [("call_1", *HEALTH)]


@pytest.mark.parametrize("arguments", ['{"query": ', "[1]", '{"query": "x"} so', '{"query": NaN}'])
async def test_arguments_that_cannot_be_read_are_told_as_a_problem(double: OpenAIDouble, arguments: str) -> None:
    reply = await _once(double, ScriptedReply(calls=(("alttp_lookup", arguments),)))
    (call,) = reply.message.calls
    assert call.name == "alttp_lookup" and call.arguments == {} and "JSON object" in call.problem


async def test_a_call_without_a_name_is_a_problem_and_not_lost(double: OpenAIDouble) -> None:
    reply = await _once(double, _streamed(_part(0, arguments="{}")))
    assert [(call.name, bool(call.problem)) for call in reply.message.calls] == [("unreadable", True)]


@pytest.mark.parametrize("text", [PRINTED, f"```json\n{PRINTED}\n```", f"<tool_call>{PRINTED}</tool_call>"])
async def test_a_call_printed_as_text_is_a_call_that_says_so(double: OpenAIDouble, text: str) -> None:
    shown: list[str] = []
    reply = await _once(double, ScriptedReply(text=text), on_text=shown.append)
    (call,) = reply.message.calls
    assert (call.name, call.arguments, call.from_text) == ("alttp_lookup", {"query": "health"}, True)
    assert shown == [] and "printed" in reply.note


async def test_a_text_that_only_begins_like_a_call_is_shown_in_the_end(double: OpenAIDouble) -> None:
    shown: list[str] = []
    reply = await _once(double, ScriptedReply(text='{"not": "a call"}'), on_text=shown.append)
    assert reply.message.text == "".join(shown) == '{"not": "a call"}'


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_thinking_is_kept_and_replayed_word_for_word_in_its_field(field: str) -> None:
    thought = "  let me\nsee \u00e9 "
    with OpenAIDouble(thinking=field) as double:
        model = OpenAIModel("m", url=double.api_url)
        double.script([ScriptedReply(thinking=thought, calls=(HEALTH,)), ScriptedReply(text="ok")])
        reply = await _reply(model)
        result = Message(role="tool", call_id=reply.message.calls[0].id, tool="alttp_lookup", text="$7EF36D")
        await _reply(model, [*ASK, reply.message, result])
        await model.close()
    assert reply.message.thinking == thought and reply.message.raw_by == "openai"
    assert double.chats[1]["messages"][2][field] == thought


async def test_structured_thinking_and_signatures_of_calls_go_back_as_they_came(double: OpenAIDouble) -> None:
    details: list[dict[str, Any]] = [
        {"type": "reasoning.text", "index": 0, "text": "let ", "signature": None},
        {"type": "reasoning.text", "index": 0, "text": "me", "signature": "c2ln"},
        {"type": "reasoning.encrypted", "index": 1, "data": "b3BhcXVl"},
    ]
    signed: dict[str, Any] = {"google": {"thought_signature": "c2ln"}}
    deltas: list[dict[str, Any]] = [{"reasoning": "let "}, *({"reasoning_details": [item]} for item in details)]
    double.script([_streamed(*deltas, _part(0, "assemble", "{}", extra_content=signed)), ScriptedReply(text="ok")])
    model = OpenAIModel("m", url=double.api_url)
    reply = await _reply(model)
    await _reply(model, [*ASK, Message.model_validate_json(reply.message.model_dump_json())])
    await model.close()
    replayed = double.chats[1]["messages"][2]
    assert replayed["reasoning_details"] == [
        {"type": "reasoning.text", "index": 0, "text": "let me", "signature": "c2ln"},
        details[2],
    ]
    assert replayed["tool_calls"][0]["extra_content"] == signed


async def test_blocks_of_another_provider_are_not_replayed(double: OpenAIDouble) -> None:
    other = Message(role="assistant", text="hi", raw={"reasoning_content": "signed"}, raw_by="claude")
    await _once(double, ScriptedReply(text="ok"), messages=[*ASK, other])
    assert double.chats[0]["messages"][2] == {"role": "assistant", "content": "hi"}


async def test_pictures_of_a_prompt_are_sent_as_parts_of_its_message(double: OpenAIDouble) -> None:
    asked = Message(role="user", text="What is this?", images=(PICTURE,))
    await _once(double, ScriptedReply(text="ok"), messages=[asked])
    REQUEST.validate_python(double.chats[0])
    assert double.chats[0]["messages"][0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
    ]


async def test_pictures_of_results_follow_all_results_of_their_step(double: OpenAIDouble) -> None:
    calls = (ToolCall(id="c1", name="screen"), ToolCall(id="c2", name="screen"))
    results = [
        Message(role="tool", call_id="c1", tool="screen", text="one", images=(PICTURE,)),
        Message(role="tool", call_id="c2", tool="screen", text="two", images=(PICTURE,)),
    ]
    after = Message(role="assistant", text="I see.")
    history = [*ASK, Message(role="assistant", calls=calls), *results, after, Message(role="user", text="And?")]
    await _once(double, ScriptedReply(text="ok"), messages=history)
    REQUEST.validate_python(double.chats[0])
    told = double.chats[0]["messages"]
    assert [item["role"] for item in told[2:]] == ["assistant", "tool", "tool", "user", "assistant", "user"]
    assert [part["type"] for part in told[5]["content"]] == ["text", "image_url", "image_url"]


async def test_a_refusal_is_told_with_its_words(double: OpenAIDouble) -> None:
    reply = await _once(double, ScriptedReply(text="I can't help with that.", refused=True))
    assert reply.refused and reply.message.text == "I can't help with that."
    filtered = await _once(double, _streamed({"content": ""}, finish="content_filter"))
    assert filtered.refused and "content filter" in filtered.message.text


async def test_a_reply_cut_at_the_token_limit_says_so(double: OpenAIDouble) -> None:
    assert (await _once(double, ScriptedReply(text="It is", cut_off=True))).cut_off
    assert not (await _once(double, ScriptedReply(text="It is"))).cut_off


async def test_when_an_answer_is_due_no_tool_is_offered(double: OpenAIDouble) -> None:
    await _once(double, ScriptedReply(text="ok"), must_answer=True)
    assert "tools" not in double.chats[0]


async def test_examples_are_no_part_of_what_a_model_with_tools_is_told(double: OpenAIDouble) -> None:
    shown = [Message(role="user", text="What is $2100?", example=True)]
    await _once(double, ScriptedReply(text="ok"), messages=[ASK[0], *shown, ASK[1]])
    assert [item["role"] for item in double.chats[0]["messages"]] == ["system", "user"]


async def test_a_reply_of_the_double_that_nobody_wants_streamed_comes_whole(double: OpenAIDouble) -> None:
    from openai import AsyncOpenAI

    double.script([ScriptedReply(text="Two calls.", calls=(HEALTH, ("assemble", "{not JSON")))])
    async with AsyncOpenAI(base_url=double.api_url, api_key="none") as client:
        whole = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    (choice,) = whole.choices
    written = [call.function.arguments for call in choice.message.tool_calls or () if call.type == "function"]
    assert (choice.message.content, choice.finish_reason) == ("Two calls.", "tool_calls")
    assert (json.loads(written[0]), written[1]) == (HEALTH[1], "{not JSON")
    assert whole.usage is not None and whole.usage.completion_tokens > 0
