"""What goes wrong with an OpenAI-compatible server or its model, and what the adapter makes of it."""

import logging
import socket
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from pydantic import JsonValue

from runner.errors import ConfigError, ModelError, ModelMissing
from runner.models.http_double import Answer, HttpDouble, Received, ScriptedReply, sse
from runner.models.model import Reply
from runner.models.openai import OpenAIModel
from runner.models.openai_chat import OPENAI_URL, server_place
from runner.models.openai_double import OpenAIDouble, chunk
from runner.models.openai_stream import LONGEST_REPLY, Collected
from runner.models.turn import Waits
from schemas.message import Image, Message, ToolSpec

pytestmark = pytest.mark.anyio

LOOKUP = ToolSpec(
    name="alttp_lookup",
    parameters={"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
)
ASK = [Message(role="system", text="Be brief."), Message(role="user", text="Where is Link's health?")]
HEALTH: tuple[str, Any] = ("alttp_lookup", {"query": "health"})
KEY = "dummy-key-of-the-tests"
UNREAD = ScriptedReply(status=400, problem="error parsing tool call: raw='{\"query\": '")
SAID = chunk({"content": "It is at"})


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("AFS_KEYS_FILE", str(tmp_path_factory.mktemp("keys") / "keys.toml"))


@pytest.fixture
def double() -> Iterator[OpenAIDouble]:
    with OpenAIDouble() as double:
        yield double


async def ask(url: str, messages: list[Message] | None = None, *, retries: int = 0, **options: Any) -> Reply:
    model = OpenAIModel(options.pop("name", "m"), url=url, retries=retries, waits=options.pop("waits", Waits()))
    try:
        with anyio.fail_after(30):
            return await model.reply(messages or ASK, options.pop("tools", [LOOKUP]), **options)
    finally:
        await model.close()


async def once(double: OpenAIDouble, *replies: ScriptedReply, **options: Any) -> Reply:
    double.script(replies)
    return await ask(double.api_url, **options)


async def failure(double: OpenAIDouble, *replies: ScriptedReply, **options: Any) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await once(double, *replies, **options)
    return caught.value


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_what_may_pass_is_asked_again_by_the_client(double: OpenAIDouble, status: int) -> None:
    busy = ScriptedReply(status=status, problem="slow down", retry_after=0.01)
    reply = await once(double, busy, busy, ScriptedReply(text="ok"), retries=2)
    assert reply.message.text == "ok" and len(double.chats) == 3


async def test_a_server_that_stays_busy_is_an_error_that_says_so(double: OpenAIDouble) -> None:
    busy = ScriptedReply(status=429, problem="quota used up", retry_after=0.01)
    error = await failure(double, busy, busy, retries=1)
    assert error.retryable and "quota used up" in str(error) and "later" in str(error)


async def test_retry_after_is_honoured_to_the_point_of_not_waiting_for_hours(double: OpenAIDouble) -> None:
    error = await failure(double, ScriptedReply(status=429, problem="tomorrow", retry_after=3600), retries=2)
    assert "tomorrow" in str(error) and len(double.chats) == 1


@pytest.mark.parametrize(
    ("problem", "gone", "there"),
    [
        ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.", "max_tokens", "max_completion_tokens"),
        ("Unsupported value: 'temperature' does not support 0.0 with this model.", "temperature", "max_tokens"),
        ("Unknown field: stream_options", "stream_options", "max_tokens"),
        ("registry.ollama.ai/library/m does not support tools", "tools", "response_format"),
        ("tools param requires --jinja flag", "tools", "response_format"),
        ('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser', "tools", "response_format"),
    ],
)
async def test_what_a_server_does_not_take_is_left_out_from_then_on(
    double: OpenAIDouble, problem: str, gone: str, there: str
) -> None:
    said = '{"action": "answer", "answer": "ok"}' if gone == "tools" else "ok"
    double.script([ScriptedReply(status=400, problem=problem), *[ScriptedReply(text=said)] * 2])
    model = OpenAIModel("m", url=double.api_url)
    with anyio.fail_after(30):
        assert [(await model.reply(ASK, [LOOKUP])).message.text for _ in range(2)] == ["ok", "ok"]
    await model.close()
    assert [gone in body for body in double.chats] == [True, False, False]
    assert [there in body for body in double.chats][1:] == [True, True]


async def test_a_model_without_tools_calls_them_by_actions(double: OpenAIDouble) -> None:
    action = '{"action": "alttp_lookup", "arguments": {"query": "health"}}'
    refusal = ScriptedReply(status=404, problem="No endpoints found that support tool use.")
    reply = await once(double, refusal, ScriptedReply(text=action))
    assert [(call.name, call.arguments) for call in reply.message.calls] == [HEALTH]
    assert "action JSON" in reply.note and double.chats[1]["response_format"]["json_schema"]["strict"]


async def test_pictures_and_thinking_that_a_server_refuses_are_left_out_with_a_word(double: OpenAIDouble) -> None:
    picture = Image(data="aGk=", mime_type="image/png")
    history = [
        Message(role="user", text="What is this?", images=(picture,)),
        Message(role="assistant", text="A hero.", raw={"reasoning": "hm"}, raw_by="openai"),
        Message(role="user", text="Sure?"),
    ]
    refusals = [
        ScriptedReply(status=400, problem="image input is not supported - you may need to provide the mmproj"),
        ScriptedReply(status=400, problem="property 'reasoning' is unsupported"),
    ]
    reply = await once(double, *refusals, ScriptedReply(text="ok"), messages=history)
    assert "pictures" in reply.note
    assert ["aGk=" in str(body) for body in double.chats] == [True, False, False]
    assert ["'reasoning'" in str(body) for body in double.chats] == [True, True, False]
    assert "cannot see" in double.chats[2]["messages"][0]["content"]


async def test_a_reply_that_only_thinks_is_asked_for_again_a_little_warmer(double: OpenAIDouble) -> None:
    reply = await once(double, ScriptedReply(thinking="hmm"), ScriptedReply(calls=(HEALTH,)))
    first, second = double.chats
    assert len(reply.message.calls) == 1 and "asked twice" in reply.note
    assert "empty" in second["messages"][-1]["content"] and second["temperature"] > first["temperature"]


async def test_a_model_that_says_nothing_at_all_is_an_error(double: OpenAIDouble) -> None:
    error = await failure(double, *[ScriptedReply()] * 3)
    assert error.retryable and "said nothing, twice" in str(error)


@pytest.mark.parametrize(
    "problem",
    [
        "error parsing tool call: raw='{\"query\": ', err=unexpected end of JSON input",
        "Failed to parse input at pos 27: {",
        "Failed to call a function. tool_use_failed",
    ],
)
async def test_a_call_that_the_server_cannot_read_is_asked_for_again(double: OpenAIDouble, problem: str) -> None:
    reply = await once(double, ScriptedReply(status=400, problem=problem), ScriptedReply(calls=(HEALTH,)))
    assert len(reply.message.calls) == 1 and "valid JSON" in double.chats[1]["messages"][-1]["content"]


async def test_a_call_that_the_server_never_can_read_becomes_an_action(double: OpenAIDouble) -> None:
    action = '{"action": "alttp_lookup", "arguments": {"query": "health"}}'
    reply = await once(double, UNREAD, UNREAD, ScriptedReply(text=action))
    assert reply.message.calls and "response_format" in double.chats[2]


async def test_a_prompt_that_was_cut_in_silence_is_noted(double: OpenAIDouble) -> None:
    counted: dict[str, JsonValue] = {"usage": {"prompt_tokens": 1025, "completion_tokens": 1}, "choices": []}
    pieces = (SAID, chunk({}, finish="stop"), sse(counted))
    long = [Message(role="user", text="word " * 4000)]
    reply = await once(double, ScriptedReply(pieces=pieces), messages=long)
    assert "the prompt was cut" in reply.note and (await once(double, ScriptedReply(text="ok"))).note == ""


@pytest.mark.parametrize(
    "reply",
    [
        ScriptedReply(text="It is at", dropped=True),
        ScriptedReply(text="It is at", problem="out of memory"),
        ScriptedReply(pieces=(SAID,)),
        ScriptedReply(pieces=(SAID, sse("[DONE]"))),
        ScriptedReply(pieces=(SAID, chunk({}, finish="error"))),
        ScriptedReply(pieces=(SAID, b"data: {not json\n\n")),
        ScriptedReply(pieces=(SAID, b"data: [1]\n\n")),
        ScriptedReply(pieces=(SAID, b"data: " + b"[" * 100_000 + b"\n\n")),
        ScriptedReply(pieces=(SAID, b"data: " + b"[" * 80 + b"]" * 80 + b"\n\n")),
    ],
)
async def test_a_reply_that_breaks_off_leaves_what_was_said(double: OpenAIDouble, reply: ScriptedReply) -> None:
    error = await failure(double, reply)
    assert error.partial == "It is at" and len(double.chats) == 1


async def test_what_a_server_counted_before_a_reply_broke_off_is_told_and_what_earlier_tries_took(
    double: OpenAIDouble,
) -> None:
    counted = sse({"choices": [], "usage": {"prompt_tokens": 700, "completion_tokens": 3}})
    error = await failure(double, ScriptedReply(pieces=(counted, SAID, chunk({}, finish="error"))))
    assert (error.usage.prompt_tokens, error.usage.answer_tokens) == (700, 3)
    empty = ScriptedReply(pieces=(counted, chunk({}, finish="stop"), sse("[DONE]")))
    again = await failure(double, empty, ScriptedReply(text="It is at", dropped=True))
    assert (again.usage.prompt_tokens, again.partial) == (700, "It is at")


async def test_fields_of_a_wrong_type_are_passed_over(double: OpenAIDouble) -> None:
    pieces = (
        sse({"choices": "x", "usage": 7}),
        sse({"choices": [5]}),
        chunk({"content": 5, "refusal": [], "reasoning": {}, "tool_calls": "x", "reasoning_details": 1}),
        chunk({"content": "a\ud800b", "tool_calls": [5, {"index": "x", "id": 7, "function": 5}]}),
        chunk({}, finish="stop"),
        sse({"choices": [], "usage": {"prompt_tokens": -3, "completion_tokens": True, "cost": "much"}}),
    )
    reply = await once(double, ScriptedReply(pieces=pieces))
    assert reply.message.text == "a\ufffdb" and reply.usage.total == 0 and reply.usage.cost == 0.0
    assert [(call.name, bool(call.problem)) for call in reply.message.calls] == [("unreadable", True)]


async def test_a_reply_without_end_is_cut_off_and_not_kept_for_ever(double: OpenAIDouble) -> None:
    flood = (chunk({"content": "x" * 65_536}),) * 80
    reply = await once(double, ScriptedReply(pieces=flood))
    assert reply.cut_off and LONGEST_REPLY < len(reply.message.text) < 2 * LONGEST_REPLY and "cut off" in reply.note


async def test_a_flood_of_calls_is_cut_off(double: OpenAIDouble) -> None:
    calls = tuple(
        chunk({"tool_calls": [{"index": at, "id": f"c{at}", "function": {"name": "t", "arguments": "{}"}}]})
        for at in range(500)
    )
    reply = await once(double, ScriptedReply(pieces=calls))
    assert reply.cut_off and len(reply.message.calls) == 128


def test_thinking_without_end_counts_too() -> None:
    reply = Collected(lambda _: None, limit=1000)
    for _ in range(20):
        reply.take({"choices": [{"delta": {"reasoning_details": [{"type": "t", "index": 0, "text": "x" * 100}]}}]})
    assert reply.full and reply.heard().cut_off


async def test_a_server_that_falls_silent_is_an_error_within_the_wait(double: OpenAIDouble) -> None:
    error = await failure(double, ScriptedReply(pieces=(SAID,), stall=10.0), waits=Waits(first=5.0, quiet=0.1))
    assert error.partial == "It is at" and "fell silent" in str(error) and error.retryable
    late = await failure(double, ScriptedReply(text="late", delay=10.0), waits=Waits(first=0.1, quiet=0.1))
    assert "in time" in str(late) and late.retryable


async def test_cancelling_closes_the_connection_and_the_model_can_be_used_again(double: OpenAIDouble) -> None:
    double.script([ScriptedReply(pieces=(SAID,), stall=10.0), ScriptedReply(text="ok")])
    model = OpenAIModel("m", url=double.api_url)
    with anyio.fail_after(30):
        with anyio.CancelScope() as scope:
            await model.reply(ASK, [], on_text=lambda _: scope.cancel())
        assert scope.cancelled_caught and double.saw_client_go(within=5)
        assert (await model.reply(ASK, [])).message.text == "ok"
    await model.close()
    await model.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_without_a_server_the_error_says_how_to_start_one() -> None:
    with pytest.raises(ModelError, match=r"no server answers at .*OPENAI_BASE_URL") as caught:
        await ask(f"http://127.0.0.1:{free_port()}/v1", retries=0)
    assert caught.value.retryable


async def test_a_missing_model_is_told_with_those_that_are_there() -> None:
    with OpenAIDouble(models=("qwen3", "phi\x1b[31m")) as double, pytest.raises(ModelMissing) as caught:
        await ask(double.api_url, name="nayru")
    assert "no model 'nayru'" in str(caught.value) and "openai:NAME with qwen3, phi" in str(caught.value)
    assert "\x1b" not in str(caught.value)


async def test_a_wrong_path_is_told_with_the_address(double: OpenAIDouble) -> None:
    with pytest.raises(ModelMissing, match="ends in /v1"):
        await ask(double.url + "/api")


@pytest.mark.parametrize(
    ("status", "problem", "said"),
    [
        (400, "This model's maximum context length is 8192 tokens", "shorten it"),
        (400, "the request exceeds the available context size", "shorten it"),
        (403, "no access", "OPENAI_API_KEY"),
        (422, "model \x1b[2J\u202eis odd", "use another model or server"),
        (500, "out of memory", "see its log"),
    ],
)
async def test_a_refusal_says_what_to_do_next(double: OpenAIDouble, status: int, problem: str, said: str) -> None:
    error = await failure(double, ScriptedReply(status=status, problem=problem))
    assert said in str(error) and "\x1b" not in str(error) and "\u202e" not in str(error)


async def test_a_key_that_is_refused_is_in_no_error_and_no_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    with OpenAIDouble(key="dummy-key-of-another") as double:
        error = await failure(double)
        quoted = await failure(double, ScriptedReply(status=400, problem=f"odd header Bearer {KEY}"))
    assert "set OPENAI_API_KEY" in str(error) and double.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in f"{error!r}{quoted!r}{caplog.text}" and "request" in caplog.text.lower()


async def test_a_key_that_a_server_quotes_is_taken_out(monkeypatch: pytest.MonkeyPatch, double: OpenAIDouble) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    error = await failure(double, ScriptedReply(status=400, problem=f"odd header Bearer {KEY}"))
    assert KEY not in str(error) and "[key]" in str(error)


async def test_no_key_is_sent_where_there_is_none(double: OpenAIDouble) -> None:
    await once(double, ScriptedReply(text="ok"))
    assert "authorization" not in double.requests[0].headers


async def test_openai_without_a_key_and_a_key_in_clear_are_refused_before_any_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        await OpenAIModel("m").load()
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(ConfigError, match="in clear"):
        await OpenAIModel("m", url="http://models.example/v1").load()


@pytest.mark.parametrize(
    ("given", "url", "is_own"),
    [
        ("", OPENAI_URL, False),
        ("http://127.0.0.1:1234", "http://127.0.0.1:1234/v1", True),
        ("http://[::1]:8080/v1/", "http://[::1]:8080/v1", True),
        ("http://box:11434/v1", "http://box:11434/v1", True),
        ("https://models.example/api/v1", "https://models.example/api/v1", False),
    ],
)
def test_an_address_is_read_as_people_write_it(given: str, url: str, *, is_own: bool) -> None:
    place = server_place(given)
    assert (place.url, place.shown, place.is_own) == (url, url, is_own)


def test_a_password_in_an_address_is_never_shown() -> None:
    place = server_place("https://me:secret@models.example/v1")
    assert place.url == "https://me:secret@models.example/v1" and place.shown == "https://models.example/v1"


@pytest.mark.parametrize("given", ["localhost:1234", "http://", "http://a b/", "http://x:99999/v1", "http://x/v1?k=1"])
def test_what_is_no_address_is_refused_with_an_example(given: str) -> None:
    with pytest.raises(ConfigError, match="write it as http"):
        server_place(given)


class Odd(HttpDouble[Answer]):
    """A server that answers every request alike."""

    def answer(self, request: Received) -> Answer:
        return self.next_reply() or Answer(status=500)


async def test_a_key_does_not_follow_to_another_server(monkeypatch: pytest.MonkeyPatch, double: OpenAIDouble) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with Odd() as odd:
        odd.script([Answer(status=307, headers={"Location": f"{double.api_url}/chat/completions"})])
        with pytest.raises(ModelError, match="307"):
            await ask(odd.url)
    assert double.requests == []


async def test_a_compressed_reply_and_one_that_is_no_stream_are_refused() -> None:
    with Odd() as odd:
        odd.script([Answer(pieces=(b"x",), headers={"Content-Encoding": "gzip"}), Answer(data=b"<html>hello</html>")])
        for _ in range(2):
            with pytest.raises(ModelError, match="see whether it still runs"):
                await ask(odd.url)
