"""What goes wrong with Gemini, and what the adapter makes of it."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import JsonValue

from runner.errors import ConfigError, ModelError, ModelMissing
from runner.models.gemini import GeminiModel
from runner.models.gemini_double import GeminiDouble, stream_of
from runner.models.http_double import ScriptedReply, sse
from runner.models.model import Reply
from runner.models.turn import EMPTY, UNREADABLE
from schemas.message import Message, ToolSpec

pytestmark = pytest.mark.anyio

TOOLS = [ToolSpec(name="look_up", parameters={"type": "object", "properties": {"query": {"type": "string"}}})]
ASK = [Message(role="user", text="Where is Link's health?")]
CALL: tuple[str, Any] = ("look_up", {"query": "health"})
NAME = "gemini-3.8-flash"


@pytest.fixture
def double() -> Iterator[GeminiDouble]:
    with GeminiDouble([NAME]) as double:
        yield double


@pytest.fixture
async def model(double: GeminiDouble) -> AsyncIterator[GeminiModel]:
    model = GeminiModel(NAME, url=double.url, key=double.key, first_wait=0.01)
    yield model
    await model.close()


async def ask(model: GeminiModel, **options: Any) -> Reply:
    with anyio.fail_after(30):
        return await model.reply(ASK, TOOLS, **options)


def refused_prompt(reason: str) -> ScriptedReply:
    return ScriptedReply(pieces=(sse({"promptFeedback": {"blockReason": reason}}),))


async def test_a_refusal_is_told_and_nothing_of_it_goes_back_as_parts(double: GeminiDouble, model: GeminiModel) -> None:
    double.script([ScriptedReply(text="That would be malware.", refused=True)])
    heard: list[str] = []
    reply = await ask(model, on_text=heard.append)
    assert reply.refused and reply.message.text == "That would be malware." == "".join(heard)
    assert reply.message.raw is None and "SAFETY" in reply.note and reply.usage.prompt_tokens > 0


@pytest.mark.parametrize("reason", ["PROHIBITED_CONTENT", "RECITATION", "BLOCKLIST", "SPII"])
async def test_what_a_filter_stops_is_a_refusal_with_its_reason(
    double: GeminiDouble, model: GeminiModel, reason: str
) -> None:
    double.script([ScriptedReply(pieces=stream_of(ScriptedReply(calls=(CALL,)), finish=reason))])
    reply = await ask(model)
    assert reply.refused and reason in reply.message.text and reply.message.calls == ()


async def test_a_prompt_that_is_blocked_is_a_refusal(double: GeminiDouble, model: GeminiModel) -> None:
    double.script([refused_prompt("SAFETY")])
    reply = await ask(model)
    assert reply.refused and reply.message.text == "Gemini blocked the prompt (SAFETY)."


async def test_a_reply_at_the_limit_of_tokens_is_cut_off(double: GeminiDouble, model: GeminiModel) -> None:
    double.script([ScriptedReply(text="At $7E", cut_off=True)])
    reply = await ask(model)
    assert reply.cut_off and reply.message.text == "At $7E" and "MAX_TOKENS" in reply.note


async def test_a_call_that_the_api_could_not_read_is_asked_for_once_more(
    double: GeminiDouble, model: GeminiModel
) -> None:
    double.script([ScriptedReply(calls=(("look_up", '{"query": '),)), ScriptedReply(calls=(CALL,))])
    reply = await ask(model)
    assert [call.arguments for call in reply.message.calls] == [{"query": "health"}] and reply.note == "asked twice"
    assert double.chats[1]["contents"][-1]["parts"][-1] == {"text": UNREADABLE}


async def test_two_such_calls_are_an_error_that_can_be_tried_again(double: GeminiDouble, model: GeminiModel) -> None:
    double.script([ScriptedReply(calls=(("look_up", "{"),))] * 2)
    with pytest.raises(ModelError, match="MALFORMED_FUNCTION_CALL, twice") as caught:
        await ask(model)
    assert caught.value.retryable


async def test_an_empty_reply_is_asked_for_once_more_with_a_word(double: GeminiDouble, model: GeminiModel) -> None:
    double.script([ScriptedReply(), ScriptedReply(text="There.")])
    assert (await ask(model)).message.text == "There."
    assert double.chats[1]["contents"][-1]["parts"][-1] == {"text": EMPTY}


@pytest.mark.parametrize("status", [429, 500, 503, 408])
async def test_what_may_pass_is_asked_again_by_the_client(
    double: GeminiDouble, model: GeminiModel, status: int
) -> None:
    busy = ScriptedReply(status=status, problem="later")
    double.script([busy, busy, ScriptedReply(text="There.")])
    assert (await ask(model)).message.text == "There."
    assert len(double.chats) == 3


async def test_a_provider_that_stays_busy_is_an_error_that_can_be_tried_again(double: GeminiDouble) -> None:
    double.script([ScriptedReply(status=429, problem="quota exceeded for the minute")] * 2)
    model = GeminiModel(NAME, url=double.url, key=double.key, retries=1, first_wait=0.01)
    with pytest.raises(ModelError, match=r"429: quota.*later") as caught:
        await ask(model)
    await model.close()
    assert caught.value.retryable and double.left == 0


@pytest.mark.parametrize(
    "reply",
    [
        ScriptedReply(text="At $7EF36D, in", dropped=True),
        ScriptedReply(text="At $7EF36D, in", problem="Overloaded"),
        ScriptedReply(pieces=stream_of(ScriptedReply(text="At $7EF36D, in"))[:-1]),
        ScriptedReply(pieces=(*stream_of(ScriptedReply(text="At $7EF36D, in"))[:-1], b"data: {nonsense\n\n")),
        ScriptedReply(pieces=(*stream_of(ScriptedReply(text="At $7EF36D, in"))[:-1], sse({"error": "no fields"}))),
        ScriptedReply(pieces=(*stream_of(ScriptedReply(text="At $7EF36D, in"))[:-1], sse({"error": {}}))),
        ScriptedReply(pieces=(*stream_of(ScriptedReply(text="At $7EF36D, in"))[:-1], sse({"candidates": 7}))),
    ],
)
async def test_a_death_in_mid_stream_keeps_what_was_said(
    double: GeminiDouble, model: GeminiModel, reply: ScriptedReply
) -> None:
    double.script([reply])
    with pytest.raises(ModelError) as caught:
        await ask(model)
    assert caught.value.partial == "At $7EF36D, in" and caught.value.retryable
    assert len(double.chats) == 1


async def test_cancelling_a_reply_hangs_up(double: GeminiDouble, model: GeminiModel) -> None:
    await model.load()
    double.script([ScriptedReply(text="too late", delay=10)])
    with anyio.move_on_after(0.5) as scope:
        await model.reply(ASK, TOOLS)
    assert scope.cancelled_caught
    with anyio.fail_after(10):
        while not double.hung_up:
            await anyio.lowlevel.checkpoint()
    double.script([ScriptedReply(text="There.")])
    assert (await ask(model)).message.text == "There."


async def test_a_wrong_key_is_told_without_being_shown(double: GeminiDouble, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "wrong-dummy-key-123456"
    model = GeminiModel(NAME, url=double.url, key=wrong)
    with pytest.raises(ModelError, match="GEMINI_API_KEY") as caught:
        await ask(model)
    await model.close()
    assert wrong not in f"{caught.value!s} {caught.value!r} {model!r} {vars(caught.value)} {caplog.text}"


async def test_a_key_that_the_provider_quotes_is_taken_out(
    double: GeminiDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", double.key)
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    double.script([ScriptedReply(status=400, problem=f"bad header {double.key}\x1b[2J")])
    model = GeminiModel(NAME, url=double.url)
    with pytest.raises(ModelError) as caught:
        await ask(model)
    await model.close()
    assert "[key]" in str(caught.value) and double.key not in str(caught.value) and "\x1b" not in str(caught.value)


async def test_without_a_key_no_request_is_made(
    double: GeminiDouble, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AFS_KEYS_FILE", str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match="GEMINI_API_KEY"):
        await ask(GeminiModel(NAME, url=double.url))
    assert double.requests == []


async def test_a_model_that_is_not_there_is_missing(double: GeminiDouble) -> None:
    model = GeminiModel("gemini-none", url=double.url, key=double.key)
    with pytest.raises(ModelMissing, match="gemini-none"):
        await ask(model)
    await model.close()


async def test_a_redirect_is_not_followed(double: GeminiDouble, model: GeminiModel) -> None:
    double.script([ScriptedReply(status=307, problem="elsewhere")])
    with pytest.raises(ModelError, match="redirect"):
        await ask(model)
    assert len(double.requests) == 1


async def test_nobody_at_the_address_is_told_with_a_way_out() -> None:
    model = GeminiModel(NAME, url="http://127.0.0.1:9", key="dummy-key-0123456789", retries=0)
    with pytest.raises(ModelError, match="--model embedded") as caught:
        await ask(model)
    await model.close()
    assert caught.value.retryable


async def test_an_answer_without_end_is_given_up(double: GeminiDouble, model: GeminiModel) -> None:
    part = {"text": "x" * 1_000_000}
    flood = sse({"candidates": [{"content": {"role": "model", "parts": [part]}}]})  # type: ignore[list-item]  # mypy sees lists of one type
    double.script([ScriptedReply(pieces=(flood,) * 6)])
    with pytest.raises(ModelError, match="longer than"):
        await ask(model)


async def test_a_model_that_was_closed_opens_again(double: GeminiDouble, model: GeminiModel) -> None:
    double.script([ScriptedReply(text="One."), ScriptedReply(text="Two.")])
    await ask(model)
    await model.close()
    await model.close()
    assert (await ask(model)).message.text == "Two." and model.name == f"gemini:{NAME}"


def ended(reason: str, *parts: JsonValue) -> ScriptedReply:
    content: JsonValue = {"role": "model", "parts": list(parts)}
    return ScriptedReply(pieces=(sse({"candidates": [{"content": content, "finishReason": reason}]}),))


async def test_a_reply_without_any_candidate_is_asked_for_once_more(double: GeminiDouble, model: GeminiModel) -> None:
    nothing = ScriptedReply(pieces=(sse({"usageMetadata": {"promptTokenCount": 5}}),))
    double.script([nothing, ScriptedReply(text="$7EF36D")])
    reply = await ask(model)
    assert (reply.message.text, reply.note) == ("$7EF36D", "asked twice")


@pytest.mark.parametrize("reason", ["OTHER", "TOO_MANY_TOOL_CALLS"])
async def test_an_end_that_is_no_refusal_keeps_what_was_said(
    double: GeminiDouble, model: GeminiModel, reason: str
) -> None:
    double.script([ended(reason, {"text": "$7EF36D"})])
    heard: list[str] = []
    reply = await ask(model, on_text=heard.append)
    assert (reply.message.text, reply.refused) == ("$7EF36D", False) and reason in reply.note
    assert heard == ["$7EF36D"]
    double.script([ended(reason), ended(reason)])
    with pytest.raises(ModelError, match=reason):
        await ask(model)


async def test_an_empty_text_is_no_part_of_what_goes_back(double: GeminiDouble, model: GeminiModel) -> None:
    call: JsonValue = {"functionCall": {"name": "look_up", "args": {"query": "health"}}, "thoughtSignature": "c2ln"}
    double.script([ended("STOP", call, {"text": ""})])
    assert (await ask(model)).message.raw == [call]
    double.script([ended("STOP", {"text": "ok"}, {"text": "", "thoughtSignature": "c2ln"})])
    assert (await ask(model)).message.raw == [{"text": "ok"}, {"text": "", "thoughtSignature": "c2ln"}]


@pytest.mark.parametrize(
    "chunk", [b"[" * 100_000, b'{"candidates": ' + b"[" * 100_000, b'{"error": {"code": "500", "message": "boom"}}']
)
async def test_what_the_client_stumbles_over_is_an_error_like_others(
    double: GeminiDouble, model: GeminiModel, chunk: bytes
) -> None:
    double.script([ScriptedReply(pieces=(b"data: " + chunk + b"\n\n",))])
    with pytest.raises(ModelError, match=r"what came cannot be read\); ask again") as caught:
        await ask(model)
    assert caught.value.retryable
