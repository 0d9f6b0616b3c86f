"""Gemini's adapter behind the official client, against a double that has the API's rules."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest
from google.genai import types

from runner.models.gemini import GeminiModel
from runner.models.gemini_double import GeminiDouble, signature_of, stream_of
from runner.models.gemini_wire import takes_pictures_in_results
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
PNG = base64.urlsafe_b64encode(b"\x89PNG\r\n\x1a\n\xff\xfe...").decode("ascii")
PLAIN_PNG = base64.b64encode(base64.urlsafe_b64decode(PNG)).decode("ascii")
NAME, OLDER = "gemini-3.8-flash", "gemini-2.5-flash"


@pytest.fixture
def double() -> Iterator[GeminiDouble]:
    with GeminiDouble([NAME, OLDER]) as double:
        yield double


@pytest.fixture
async def model(double: GeminiDouble) -> AsyncIterator[GeminiModel]:
    model = GeminiModel(NAME, url=double.url, key=double.key, first_wait=0.01)
    yield model
    await model.close()


async def ask(model: GeminiModel, messages: list[Message] | None = None, **options: Any) -> Reply:
    with anyio.fail_after(30):
        return await model.reply(messages or ASK, options.pop("tools", TOOLS), **options)


def valid(body: dict[str, Any]) -> bool:
    """Whether the official client's own types take a body as it came over the wire."""
    for content in body["contents"]:
        types.Content.model_validate_json(json.dumps(content))
    for tool in body.get("tools", ()):
        types.Tool.model_validate_json(json.dumps(tool))
    return True


def result(call: ToolCall, text: str = "$7EF36D", **fields: Any) -> Message:
    return Message(role="tool", call_id=call.id, tool=call.name, text=text, **fields)


async def test_text_arrives_in_pieces_and_the_request_is_what_the_api_documents(
    double: GeminiDouble, model: GeminiModel
) -> None:
    double.script([ScriptedReply(text="At $7EF36D, in hearts.")])
    heard: list[str] = []
    reply = await ask(model, on_text=heard.append)
    assert reply.message.text == "".join(heard) == "At $7EF36D, in hearts." and len(heard) == 4
    body = double.chats[0]
    assert valid(body) and body["contents"] == [{"role": "user", "parts": [{"text": "Where is Link's health?"}]}]
    assert body["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert body["generationConfig"] == {"maxOutputTokens": 16_000}
    (tool,) = body["tools"]
    declared = types.Tool.model_validate(tool).function_declarations or []
    assert [one.parameters_json_schema for one in declared] == [one.parameters for one in TOOLS]
    assert (reply.refused, reply.cut_off, reply.note) == (False, False, "")


async def test_usage_counts_thoughts_as_answered_and_costs_by_the_table_of_prices(
    double: GeminiDouble, model: GeminiModel
) -> None:
    double.script([ScriptedReply(thinking="a b c", text="Yes it is.")])
    told = (await ask(model)).usage
    assert (told.answer_tokens, told.thinking_tokens) == (6, 3) and told.cached_tokens == told.prompt_tokens // 2 > 0
    assert told.cost > 0


async def test_parallel_calls_are_answered_in_their_order_in_one_turn(double: GeminiDouble, model: GeminiModel) -> None:
    double.script(
        [ScriptedReply(text="Two.", calls=(CALL, ("assemble", {"source": "rtl"}))), ScriptedReply(text="Done.")]
    )
    first = await ask(model)
    calls = first.message.calls
    assert [(call.id, call.name, call.arguments) for call in calls] == [
        ("fc1", "alttp_lookup", {"query": "health"}),
        ("fc2", "assemble", {"source": "rtl"}),
    ]
    told = [*ASK, first.message, result(calls[1], "no opcode", failed=True), result(calls[0])]
    assert (await ask(model, told)).message.text == "Done."
    turns = double.chats[1]["contents"]
    assert valid(double.chats[1]) and [turn["role"] for turn in turns] == ["user", "model", "user"]
    assert [part["functionResponse"] for part in turns[2]["parts"]] == [
        {"id": "fc1", "name": "alttp_lookup", "response": {"output": "$7EF36D"}},
        {"id": "fc2", "name": "assemble", "response": {"error": "no opcode"}},
    ]


async def test_calls_without_ids_get_ours_and_their_results_none(double: GeminiDouble, model: GeminiModel) -> None:
    made: list[Any] = [{"functionCall": {"name": name, "args": {}}} for name in ("alttp_lookup", "alttp_lookup")]
    chunk = {"candidates": [{"content": {"parts": made, "role": "model"}, "finishReason": "STOP"}]}
    made[0]["thoughtSignature"] = "skip_thought_signature_validator"
    double.script([ScriptedReply(pieces=(sse(json.dumps(chunk)),)), ScriptedReply(text="Done.")])
    first = await ask(model)
    assert [call.id for call in first.message.calls] == ["call_1", "call_2"]
    told = [*ASK, first.message, *(result(call, text) for call, text in zip(first.message.calls, "ab", strict=True))]
    await ask(model, told)
    answers = [part["functionResponse"] for part in double.chats[1]["contents"][2]["parts"]]
    assert answers == [{"name": "alttp_lookup", "response": {"output": text}} for text in "ab"]


async def test_thoughts_and_signatures_are_replayed_word_for_word(double: GeminiDouble, model: GeminiModel) -> None:
    thought = "The user asks \u201cwhere\u201d.\n\tI look it up \U0001f9ed first."
    double.script([ScriptedReply(thinking=thought, calls=(CALL,)), ScriptedReply(text="There.")])
    first = await ask(model)
    assert first.message.thinking == thought and first.message.raw_by == "gemini"
    kept = Message.model_validate_json(first.message.model_dump_json())
    await ask(model, [*ASK, kept, result(kept.calls[0])])
    said = double.chats[1]["contents"][1]["parts"]
    assert said[0] == {"text": thought, "thought": True}
    assert base64.urlsafe_b64decode(said[1]["thoughtSignature"]) == base64.b64decode(signature_of(1))


async def test_a_signature_that_ends_a_text_stays_a_part_of_its_own(double: GeminiDouble, model: GeminiModel) -> None:
    double.script([ScriptedReply(thinking="Hm.", text="At $7E, in hearts."), ScriptedReply(text="Yes.")])
    first = await ask(model)
    await ask(model, [*ASK, first.message, Message(role="user", text="Sure?")])
    said = double.chats[1]["contents"][1]["parts"]
    assert [part["text"] for part in said] == ["Hm.", "At $7E, in hearts.", ""]
    assert base64.urlsafe_b64decode(said[2]["thoughtSignature"]) == base64.b64decode(signature_of(1))


async def test_a_call_that_another_model_made_says_so(double: GeminiDouble, model: GeminiModel) -> None:
    calls = (ToolCall(id="call_1", name="assemble"), ToolCall(id="call_2", name="assemble"))
    told = [*ASK, Message(role="assistant", text="Hm.", calls=calls, raw=[{}], raw_by="claude"), result(calls[1])]
    double.script([ScriptedReply(text="There.")])
    assert (await ask(model, told)).message.text == "There."
    turns = double.chats[0]["contents"]
    signatures = [part.get("thoughtSignature") for part in turns[1]["parts"]]
    assert signatures == [None, "skip_thought_signature_validator", None]
    assert ["error" in part["functionResponse"]["response"] for part in turns[2]["parts"]] == [True, False]


@pytest.mark.parametrize("name", [NAME, OLDER])
async def test_pictures_go_with_the_prompt_and_with_results(double: GeminiDouble, name: str) -> None:
    double.script([ScriptedReply(calls=(CALL,)), ScriptedReply(text="A sprite.")])
    model = GeminiModel(name, url=double.url, key=double.key)
    png = Image(data=PLAIN_PNG, mime_type="image/png")
    asked = [Message(role="user", text="What is this?", images=(png,))]
    first = await ask(model, asked)
    seen = (png, Image(data=PLAIN_PNG, mime_type="image/gif"))
    await ask(model, [*asked, first.message, result(first.message.calls[0], "A screen.", images=seen)])
    await model.close()
    picture = {"inlineData": {"mime_type": "image/png", "data": PNG}}
    prompt, _, answer = double.chats[1]["contents"]
    assert prompt["parts"] == [{"text": "What is this?"}, picture] and valid(double.chats[1])
    inside = json.dumps(answer["parts"][0])
    beside = answer["parts"][1:]
    assert (PNG in inside, picture in beside) == ((True, False) if name == NAME else (False, True))
    assert "image/gif" in beside[-1]["text"]


def test_models_from_gemini_3_on_read_pictures_inside_results() -> None:
    names = ("gemini-3.8-flash", "models/gemini-3-pro", "gemini-10", "gemini-2.5-pro", "gemini-flash-latest", "gemma-3")
    assert [takes_pictures_in_results(name) for name in names] == [True, True, True, False, False, False]


async def test_with_an_answer_due_no_tool_may_be_called_but_all_stay_on_offer(
    double: GeminiDouble, model: GeminiModel
) -> None:
    double.script([ScriptedReply(text="There.")])
    await ask(model, must_answer=True)
    body = double.chats[0]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "NONE"}} and len(body["tools"]) == 1


async def test_blocks_and_a_lost_beginning_are_mended(double: GeminiDouble, model: GeminiModel) -> None:
    told = [
        Message(role="assistant", text="Hm.", raw=[{"text": "Hm."}], raw_by="gemini"),
        Message(role="tool", call_id="lost", tool="assemble", text="ok"),
        Message(role="system", text="This is the last step."),
        Message(role="user", text="shown", example=True),
    ]
    double.script([ScriptedReply(text="There.")])
    assert (await ask(model, told)).message.text == "There."
    turns = double.chats[0]["contents"]
    assert [turn["role"] for turn in turns] == ["user", "model", "user"] and "systemInstruction" not in double.chats[0]
    assert [part["text"] for part in turns[2]["parts"]] == ["Result of assemble:\nok", "This is the last step."]
    assert "shown" not in json.dumps(turns)


async def test_parts_that_no_longer_tell_the_same_calls_are_not_sent(double: GeminiDouble, model: GeminiModel) -> None:
    double.script([ScriptedReply(thinking="Hm.", calls=(CALL,)), ScriptedReply(text="There.")])
    first = (await ask(model)).message
    changed = first.model_copy(update={"calls": (), "text": "I looked."})
    await ask(model, [*ASK, changed, Message(role="user", text="And?")])
    assert double.chats[1]["contents"][1]["parts"] == [{"text": "I looked."}]


async def test_thoughts_and_a_temperature_are_asked_for_only_when_wanted(double: GeminiDouble) -> None:
    double.script([ScriptedReply(text="x")])
    model = GeminiModel(NAME, url=double.url, key=double.key, temperature=0.5, thinking=True, max_tokens=99)
    await ask(model)
    await model.close()
    assert double.chats[0]["generationConfig"] == {
        "maxOutputTokens": 99,
        "temperature": 0.5,
        "thinkingConfig": {"include_thoughts": True},
    }


async def test_a_text_that_was_cut_into_chunks_is_one_part(double: GeminiDouble, model: GeminiModel) -> None:
    double.script([ScriptedReply(pieces=stream_of(ScriptedReply(thinking="one two", text="three four")))])
    assert [part for part in json.loads(json.dumps((await ask(model)).message.raw))][:2] == [
        {"text": "one two", "thought": True},
        {"text": "three four"},
    ]
