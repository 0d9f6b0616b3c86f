"""Claude's adapter behind the official client, against a double that has the API's rules."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from pydantic import JsonValue, TypeAdapter

from runner.errors import ModelError
from runner.models.claude import ClaudeModel
from runner.models.claude_double import ClaudeDouble, signature_of, stream_of
from runner.models.http_double import ScriptedReply, sse
from runner.models.model import Reply
from schemas.message import Image, Message, ToolCall, ToolSpec

pytestmark = pytest.mark.anyio

LOOKUP = ToolSpec(
    name="alttp_lookup",
    description="Find a fact.",
    parameters={
        "type": "object",
        "properties": {"query": {"type": "string", "maxLength": 80, "examples": ["health"]}},
        "required": ["query"],
        "additionalProperties": False,
    },
)
ASSEMBLE = ToolSpec(name="assemble", parameters={"type": "object", "properties": {"source": {"type": "string"}}})
TOOLS = [LOOKUP, ASSEMBLE]
ASK = [Message(role="system", text="Be brief."), Message(role="user", text="Where is Link's health?")]
CALL: tuple[str, Any] = ("alttp_lookup", {"query": "health"})
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n....").decode("ascii")
NAME = "claude-sonnet-5-5"


@pytest.fixture
def double() -> Iterator[ClaudeDouble]:
    with ClaudeDouble([NAME]) as double:
        yield double


@pytest.fixture
async def model(double: ClaudeDouble) -> AsyncIterator[ClaudeModel]:
    model = ClaudeModel(NAME, url=double.url, key=double.key)
    yield model
    await model.close()


async def ask(model: ClaudeModel, messages: list[Message] | None = None, **options: Any) -> Reply:
    with anyio.fail_after(30):
        return await model.reply(messages or ASK, options.pop("tools", TOOLS), **options)


def valid(body: dict[str, Any]) -> bool:
    """Whether the official client's own types take a body as it came over the wire."""
    TypeAdapter(MessageCreateParamsStreaming).validate_python(body)
    return True


def result(call: ToolCall, text: str = "$7EF36D", **fields: Any) -> Message:
    return Message(role="tool", call_id=call.id, tool=call.name, text=text, **fields)


async def test_text_arrives_in_pieces_and_the_request_is_what_the_api_documents(
    double: ClaudeDouble, model: ClaudeModel
) -> None:
    double.script([ScriptedReply(text="At $7EF36D, in hearts.")])
    heard: list[str] = []
    reply = await ask(model, on_text=heard.append)
    assert reply.message.text == "".join(heard) == "At $7EF36D, in hearts." and len(heard) == 4
    body = double.chats[0]
    assert valid(body) and body["stream"] is True and body["model"] == NAME
    assert body["system"] == [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    assert [tool["input_schema"] for tool in body["tools"]] == [tool.parameters for tool in TOOLS]
    assert (reply.refused, reply.cut_off, reply.note) == (False, False, "")


async def test_usage_tells_what_came_from_the_cache_and_what_it_costs_by_the_table_of_prices(
    double: ClaudeDouble, model: ClaudeModel
) -> None:
    usage: dict[str, Any] = {"input_tokens": 10, "cache_read_input_tokens": 600, "cache_creation_input_tokens": 300}
    events = list(stream_of(ScriptedReply(text="Yes.", thinking="a b c"), model=NAME))
    events[0] = sse({"type": "message_start", "message": {"usage": usage}}, event="message_start")
    double.script([ScriptedReply(pieces=tuple(events))])
    told = (await ask(model)).usage
    assert (told.prompt_tokens, told.cached_tokens, told.answer_tokens, told.thinking_tokens) == (910, 600, 4, 3)


async def test_the_cost_of_a_reply_follows_the_table_of_prices(double: ClaudeDouble, model: ClaudeModel) -> None:
    double.script([ScriptedReply(text="Yes.")])
    told = (await ask(model)).usage
    half = told.cached_tokens
    expected = ((told.prompt_tokens - half) * 2.0 + half * 0.1 + told.answer_tokens * 10.0) / 1e6
    assert told.cost == pytest.approx(expected) and told.cost > 0


async def test_parallel_calls_come_back_with_all_results_in_one_user_turn(
    double: ClaudeDouble, model: ClaudeModel
) -> None:
    double.script(
        [ScriptedReply(text="Two at once.", calls=(CALL, ("assemble", {"source": "rtl"}))), ScriptedReply(text="Done.")]
    )
    first = await ask(model)
    calls = first.message.calls
    assert [(call.id, call.name, call.arguments) for call in calls] == [
        ("toolu_01", "alttp_lookup", {"query": "health"}),
        ("toolu_02", "assemble", {"source": "rtl"}),
    ]
    told = [*ASK, first.message, result(calls[1], "no opcode", failed=True), result(calls[0])]
    assert (await ask(model, told)).message.text == "Done."
    turns = double.chats[1]["messages"]
    assert valid(double.chats[1]) and [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert [(block["tool_use_id"], block["content"], block.get("is_error")) for block in turns[2]["content"]] == [
        ("toolu_02", "no opcode", True),
        ("toolu_01", "$7EF36D", None),
    ]


async def test_thinking_is_replayed_word_for_word(double: ClaudeDouble, model: ClaudeModel) -> None:
    thought = "The user asks \u201cwhere\u201d.\n\tI look it up \U0001f9ed first."
    double.script([ScriptedReply(thinking=thought, calls=(CALL,)), ScriptedReply(text="There.")])
    first = await ask(model)
    assert first.message.thinking == thought and first.message.raw_by == "claude"
    kept = Message.model_validate_json(first.message.model_dump_json())
    await ask(model, [*ASK, kept, result(kept.calls[0])])
    said = double.chats[1]["messages"][1]["content"]
    assert said[0] == {"type": "thinking", "thinking": thought, "signature": signature_of(thought)}
    assert valid(double.chats[1])


async def test_redacted_thinking_and_blocks_nobody_knows_go_back_as_they_came(
    double: ClaudeDouble, model: ClaudeModel
) -> None:
    hidden: JsonValue = {"type": "redacted_thinking", "data": "EmwKAhgB/+="}
    events = list(stream_of(ScriptedReply(calls=(CALL,))))
    events.insert(1, sse({"type": "content_block_start", "index": -1, "content_block": hidden}))
    events.insert(1, sse({"type": "news", "index": 9}, event="news"))
    double.script([ScriptedReply(pieces=tuple(events)), ScriptedReply(text="There.")])
    first = await ask(model)
    assert first.message.thinking == ""
    await ask(model, [*ASK, first.message, result(first.message.calls[0])])
    assert double.chats[1]["messages"][1]["content"][0] == hidden


async def test_pictures_go_with_the_prompt_and_with_results(double: ClaudeDouble, model: ClaudeModel) -> None:
    double.script([ScriptedReply(calls=(CALL,)), ScriptedReply(text="A sprite.")])
    asked = [Message(role="user", text="What is this?", images=(Image(data=PNG, mime_type="image/png"),))]
    first = await ask(model, asked)
    seen = (
        Image(data=PNG, mime_type="image/png"),
        Image(data="???", mime_type="image/png"),
        Image(data=PNG, mime_type="image/bmp"),
    )
    await ask(model, [*asked, first.message, result(first.message.calls[0], "A screen.", images=seen)])
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    turns = double.chats[1]["messages"]
    assert turns[0]["content"] == [{"type": "text", "text": "What is this?"}, picture]
    content = turns[2]["content"][0]["content"]
    assert content[:2] == [{"type": "text", "text": "A screen."}, picture]
    assert "broken" in content[2]["text"] and "image/bmp" in content[3]["text"] and valid(double.chats[1])


async def test_a_refusal_is_told_and_nothing_of_it_goes_back_as_blocks(
    double: ClaudeDouble, model: ClaudeModel
) -> None:
    double.script([ScriptedReply(text="That would be malware.", refused=True)])
    heard: list[str] = []
    reply = await ask(model, on_text=heard.append)
    assert reply.refused and "malware" in reply.message.text and reply.message.raw is None
    assert "".join(heard) == reply.message.text and reply.usage.answer_tokens > 0


@pytest.mark.parametrize("stop", ["max_tokens", "model_context_window_exceeded"])
async def test_a_reply_at_a_limit_of_tokens_is_cut_off(double: ClaudeDouble, model: ClaudeModel, stop: str) -> None:
    double.script([ScriptedReply(pieces=stream_of(ScriptedReply(text="At $7E"), stop=stop))])
    reply = await ask(model)
    assert reply.cut_off and reply.message.text == "At $7E" and stop in reply.note


async def test_a_call_that_was_cut_off_is_never_run_even_if_it_can_be_read(
    double: ClaudeDouble, model: ClaudeModel
) -> None:
    double.script([ScriptedReply(calls=(CALL, ("assemble", {})), cut_off=True)])
    calls = (await ask(model)).message.calls
    assert calls[0].problem == "" and "cut off" in calls[1].problem


async def test_only_thinking_up_to_the_limit_is_an_error_and_not_asked_for_again(
    double: ClaudeDouble, model: ClaudeModel
) -> None:
    double.script([ScriptedReply(thinking="so much", cut_off=True)])
    with pytest.raises(ModelError, match="limit of tokens"):
        await ask(model)
    assert len(double.chats) == 1


async def test_a_paused_turn_goes_on_where_it_was(double: ClaudeDouble, model: ClaudeModel) -> None:
    search: JsonValue = {"type": "server_tool_use", "id": "srvtoolu_01", "name": "web_search", "input": {"query": "x"}}
    begun = list(stream_of(ScriptedReply(text="First."), stop="pause_turn"))
    begun.insert(-2, sse({"type": "content_block_start", "index": 1, "content_block": search}))
    double.script([ScriptedReply(pieces=tuple(begun)), ScriptedReply(calls=(CALL,))])
    reply = await ask(model)
    assert reply.message.text == "First." and len(reply.message.calls) == 1
    assert double.chats[1]["messages"][-1] == {
        "role": "assistant",
        "content": [{"type": "text", "text": "First."}, search],
    }
    assert valid(double.chats[1]) and reply.usage.prompt_tokens > 8


async def test_with_an_answer_due_no_tool_may_be_called_but_all_stay_on_offer(
    double: ClaudeDouble, model: ClaudeModel
) -> None:
    double.script([ScriptedReply(text="There.")])
    await ask(model, must_answer=True)
    body = double.chats[0]
    assert body["tool_choice"] == {"type": "none"} and len(body["tools"]) == 2 and valid(body)


async def test_missing_results_stray_results_and_a_lost_beginning_are_mended(
    double: ClaudeDouble, model: ClaudeModel
) -> None:
    calls = (ToolCall(id="a/b", name="x y"), ToolCall(id="", name="assemble"))
    told = [
        Message(role="assistant", text="", calls=calls, raw=[{"type": "thinking"}], raw_by="gemini"),
        Message(role="tool", call_id="a/b", tool="x y", failed=True),
        Message(role="tool", call_id="lost", tool="assemble", text="ok"),
        Message(role="user", text="And now?", example=False),
        Message(role="assistant", text="", calls=()),
        Message(role="assistant", text="Hm."),
        Message(role="system", text="This is the last step."),
        Message(role="user", text="shown", example=True),
    ]
    double.script([ScriptedReply(text="There.")])
    assert (await ask(model, told)).message.text == "There."
    turns = double.chats[0]["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "assistant", "user"]
    assert [block.get("tool_use_id", block.get("text")) for block in turns[2]["content"]] == [
        "a_b",
        "call",
        "Result of assemble:\nok",
        "And now?",
    ]
    assert valid(double.chats[0]) and "shown" not in json.dumps(turns)


async def test_blocks_that_no_longer_tell_the_same_calls_are_not_sent(double: ClaudeDouble, model: ClaudeModel) -> None:
    double.script([ScriptedReply(thinking="Hm.", calls=(CALL,)), ScriptedReply(text="There.")])
    first = (await ask(model)).message
    changed = first.model_copy(update={"calls": (), "text": "I looked."})
    await ask(model, [*ASK, changed, Message(role="user", text="And?")])
    assert double.chats[1]["messages"][1]["content"] == [{"type": "text", "text": "I looked."}]


async def test_a_temperature_is_sent_only_when_asked_for(double: ClaudeDouble) -> None:
    double.script([ScriptedReply(text="x")])
    model = ClaudeModel(NAME, url=double.url, key=double.key, temperature=0.0, thinking=True)
    with pytest.raises(ModelError, match="temperature"):
        await ask(model)
    await model.close()
    assert double.chats[0]["temperature"] == 0.0 and double.chats[0]["thinking"]["type"] == "adaptive"


async def test_a_closed_model_opens_again(double: ClaudeDouble, model: ClaudeModel) -> None:
    double.script([ScriptedReply(text="One."), ScriptedReply(text="Two.")])
    await ask(model)
    await model.close()
    await model.close()
    assert (await ask(model)).message.text == "Two." and model.name == f"claude:{NAME}"
