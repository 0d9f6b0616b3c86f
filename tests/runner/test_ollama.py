from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest

from runner.models.model import Reply
from runner.models.ollama import OllamaModel
from runner.models.ollama_double import OllamaDouble
from runner.models.ollama_wire import ScriptedReply, calls, text, thinking
from schemas.message import Message, ToolCall, ToolSpec

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
CALL: tuple[str, Any] = ("alttp_lookup", {"query": "health"})
PRINTED = '{"name": "alttp_lookup", "arguments": {"query": "health"}}'
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


def _after_a_call(*results: Message, made: tuple[ToolCall, ...]) -> list[Message]:
    return [*ASK, Message(role="assistant", thinking="hm", calls=made), *results]


async def test_the_second_request_holds_the_call_and_its_result_as_ollama_documents_them(
    double: OllamaDouble, native: OllamaModel
) -> None:
    double.script([calls(CALL), text("Link's health is at $7EF36D.")])
    first = await _reply(native)
    result = Message(role="tool", text="$7EF36D: health", call_id=first.message.calls[0].id, tool="alttp_lookup")
    second = await _reply(native, [*ASK, first.message, result])
    assert second.message.text == "Link's health is at $7EF36D."
    tools = [
        {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": t.parameters}}
        for t in TOOLS
    ]
    asked = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Where is Link's health?"},
    ]
    rest = {
        "tools": tools,
        "options": {"num_ctx": 8192, "temperature": 0.0, "num_predict": 4096},
        "stream": True,
        "keep_alive": "10m",
        "truncate": False,
        "shift": False,
    }
    assert double.chats == [
        {"model": "native", "messages": asked, **rest},
        {
            "model": "native",
            "messages": [
                *asked,
                {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [{"function": {"name": "alttp_lookup", "arguments": {"query": "health"}}}],
                },
                {"role": "tool", "content": "$7EF36D: health", "tool_name": "alttp_lookup"},
            ],
            **rest,
        },
    ]


async def test_options_are_the_same_in_every_request(double: OllamaDouble) -> None:
    double.script([calls(CALL), text("done")])
    model = OllamaModel("thinker", host=double.host, num_ctx=4096, temperature=0.5, keep_alive="1h", max_tokens=99)
    await _reply(model)
    await _reply(model, must_answer=True)
    await model.close()
    for body in double.chats:
        assert body["options"] == {"num_ctx": 4096, "temperature": 0.5, "num_predict": 99}
        assert (body["keep_alive"], body["think"], body["stream"]) == ("1h", False, True)


async def test_capabilities_are_asked_for_once(double: OllamaDouble, native: OllamaModel) -> None:
    double.script([text("a"), text("b")])
    await native.load()
    await _reply(native)
    await _reply(native)
    assert [request.path for request in double.requests] == ["/api/show", "/api/chat", "/api/chat"]


async def test_think_is_sent_only_to_models_that_can(double: OllamaDouble, native: OllamaModel) -> None:
    double.script([text("a")])
    await _reply(native)
    assert "think" not in double.chats[0]


async def test_an_expert_that_thinks_has_its_thinking_kept_and_sent_back(double: OllamaDouble) -> None:
    double.script([thinking("let me see", then=calls(CALL)), thinking("hm"), text("$7EF36D")])
    model = OllamaModel("thinker", host=double.host, think=True)
    first = await _reply(model)
    result = Message(role="tool", text="$7EF36D: health", tool="alttp_lookup", call_id="call_1")
    second = await _reply(model, messages=[*ASK, first.message, result])
    await model.close()
    assert (first.message.thinking, second.message.text) == ("let me see", "$7EF36D")
    assert double.chats[1]["messages"][-2]["thinking"] == "let me see"
    assert [body["think"] for body in double.chats] == [True, True, False], "what was all thought is asked for without"


async def test_a_call_is_collected_from_a_chunk_that_is_not_done(double: OllamaDouble) -> None:
    reply = await _once(double, "native", calls(CALL, say="Let me look."))
    assert _called(reply) == [("call_1", "alttp_lookup", {"query": "health"})]
    assert reply.message.text == "Let me look." and reply.usage.answer_tokens == 15 and reply.usage.prompt_tokens > 0


async def test_parallel_calls_keep_their_order_and_get_ids_of_their_own(double: OllamaDouble) -> None:
    before = _after_a_call(Message(role="tool", text="r", tool="assemble"), made=(ToolCall(id="call_4", name="x"),))
    reply = await _once(double, "native", calls(CALL, ("assemble", {"source": "rtl"}), CALL), messages=before)
    assert [call[:2] for call in _called(reply)] == [
        ("call_5", "alttp_lookup"),
        ("call_6", "assemble"),
        ("call_7", "alttp_lookup"),
    ]


async def test_results_of_parallel_calls_are_sent_in_their_order(double: OllamaDouble, native: OllamaModel) -> None:
    made = (ToolCall(id="a", name="assemble"), ToolCall(id="b", name="alttp_lookup"))
    results = [
        Message(role="tool", text="bad", call_id="a", tool="assemble", failed=True),
        Message(role="tool", text="ok", call_id="b", tool="alttp_lookup"),
    ]
    double.script([text("done")])
    await _reply(native, _after_a_call(*results, made=made))
    assert double.chats[0]["messages"][-2:] == [
        {"role": "tool", "content": "Error: bad", "tool_name": "assemble"},
        {"role": "tool", "content": "ok", "tool_name": "alttp_lookup"},
    ]


async def test_ids_of_the_daemon_are_kept_unless_they_repeat(double: OllamaDouble) -> None:
    reply = await _once(double, "native", calls(CALL, CALL, ids=("x1", "x2")))
    assert [call[0] for call in _called(reply)] == ["x1", "x2"]
    again = await _once(double, "native", calls(CALL, CALL, ids=("same", "same")))
    assert [call[0] for call in _called(again)] == ["call_1", "call_2"]


async def test_a_call_of_an_unknown_tool_passes_through(double: OllamaDouble) -> None:
    reply = await _once(double, "native", calls(("made_up", {"x": 1})))
    assert _called(reply) == [("call_1", "made_up", {"x": 1})]


@pytest.mark.parametrize(
    ("arguments", "expected", "problem"),
    [
        ('{"query": "health"}', {"query": "health"}, ""),
        ('{"query": "hea', {}, "not valid JSON"),
        ([1], {}, "must be one JSON object"),
        (None, {}, ""),
    ],
)
async def test_arguments_that_are_no_object_are_read_or_reported(
    double: OllamaDouble, arguments: Any, expected: dict[str, Any], problem: str
) -> None:
    reply = await _once(double, "native", calls(("alttp_lookup", arguments)))
    (call,) = reply.message.calls
    assert call.arguments == expected and problem in call.problem and bool(problem) == bool(call.problem)


@pytest.mark.parametrize(
    "printed", [PRINTED, f"```json\n{PRINTED}\n```", f"<tool_call>{PRINTED}</tool_call>", f"<tools>\n{PRINTED}"]
)
async def test_a_call_printed_as_text_is_a_call_and_is_not_shown(double: OllamaDouble, printed: str) -> None:
    shown: list[str] = []
    reply = await _once(double, "native", text(printed), on_text=shown.append)
    assert _called(reply) == [("call_1", "alttp_lookup", {"query": "health"})]
    assert (reply.message.text, shown) == ("", []) and "printed" in reply.note


async def test_an_example_of_a_call_in_prose_stays_text(double: OllamaDouble) -> None:
    said = f"```json\n{PRINTED}\n```\nis how you would call it."
    shown: list[str] = []
    reply = await _once(double, "native", text(said), on_text=shown.append)
    assert (reply.message.text, reply.message.calls, "".join(shown)) == (said, (), said)


async def test_text_is_shown_as_it_arrives(double: OllamaDouble) -> None:
    shown: list[str] = []
    await _once(double, "native", text("Link's health is at $7EF36D."), on_text=shown.append)
    assert shown == ["Link's", " health", " is", " at", " $7EF36D."]


async def test_where_an_answer_is_due_no_tools_are_offered(double: OllamaDouble) -> None:
    reply = await _once(double, "native", text(PRINTED), must_answer=True)
    assert "tools" not in double.chats[0] and reply.message.text == PRINTED


async def test_examples_are_for_models_without_tools(double: OllamaDouble, native: OllamaModel) -> None:
    example = [
        Message(role="user", text="example?", example=True),
        Message(role="assistant", calls=(ToolCall(id="e", name="assemble"),), example=True),
    ]
    double.script([text("done")])
    await _reply(native, [*example, *ASK])
    assert [message["content"] for message in double.chats[0]["messages"]] == [message.text for message in ASK]


async def test_a_model_without_tools_gets_action_json_through_format(double: OllamaDouble) -> None:
    shown: list[str] = []
    said = '{"action": "alttp_lookup", "arguments": {"query": "health"}}'
    reply = await _once(double, "plain", text(said), on_text=shown.append)
    body = double.chats[0]
    assert "tools" not in body and "think" not in body
    assert [branch["properties"]["action"]["const"] for branch in body["format"]["oneOf"]] == [
        "alttp_lookup",
        "assemble",
        "answer",
    ]
    assert "alttp_lookup(query" in body["messages"][0]["content"]
    assert _called(reply) == [("call_1", "alttp_lookup", {"query": "health"})] and shown == []


async def test_a_model_without_tools_sees_its_result_and_its_answer_streams(double: OllamaDouble) -> None:
    made = (ToolCall(id="call_1", name="alttp_lookup", arguments={"query": "health"}),)
    result = Message(role="tool", text="$7EF36D: health", call_id="call_1", tool="alttp_lookup")
    shown: list[str] = []
    reply = await _once(
        double,
        "plain",
        text('{"action": "answer", "answer": "It is at $7EF36D."}'),
        messages=_after_a_call(result, made=made),
        on_text=shown.append,
        must_answer=True,
    )
    body = double.chats[0]
    assert body["messages"][2]["content"] == '{"action": "alttp_lookup", "arguments": {"query": "health"}}'
    assert body["messages"][3]["content"].startswith("Result of alttp_lookup: $7EF36D: health")
    assert body["format"]["properties"]["action"] == {"const": "answer"}
    assert reply.message.text == "".join(shown) == "It is at $7EF36D." and len(shown) > 1


async def test_a_model_without_tools_that_ignores_the_format_is_still_heard(double: OllamaDouble) -> None:
    shown: list[str] = []
    reply = await _once(double, "plain", text("It is at $7EF36D."), on_text=shown.append)
    assert reply.message.text == "".join(shown) == "It is at $7EF36D."


async def test_a_model_without_tools_is_asked_plainly_when_none_are_offered(double: OllamaDouble) -> None:
    reply = await _once(double, "plain", text("Hello."), tools=[])
    assert "format" not in double.chats[0] and reply.message.text == "Hello."
