"""The Claude adapter against a real server: llama.cpp's messages endpoint, as the embedded model's package has it."""

from collections.abc import AsyncGenerator
from typing import Any

import anyio
import anyio.to_thread
import pytest

from runner.errors import ModelError
from runner.models.claude import ClaudeModel
from runner.models.embedded import NAME, start_llama
from runner.models.weights import find_weights
from schemas.message import Message, ToolCall
from servers.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.embedded]

KEY = "dummy-key-of-the-tests"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def url() -> AsyncGenerator[str]:
    path = find_weights(Settings.from_environment())
    if path is None:
        pytest.skip("the embedded model is absent: run `afs fetch model`")
    engine: Any = await anyio.to_thread.run_sync(start_llama, path, 2048, KEY)
    yield engine.listening_address
    del engine


@pytest.fixture
async def model(url: str) -> AsyncGenerator[ClaudeModel]:
    opened = ClaudeModel(NAME, url=url, key=KEY, max_tokens=48, temperature=0.0)
    yield opened
    await opened.close()


async def test_a_real_server_streams_counts_and_costs_nothing(model: ClaudeModel) -> None:
    pieces: list[str] = []
    with anyio.fail_after(300):
        reply = await model.reply([Message(role="user", text="Say the word hello.")], (), on_text=pieces.append)
    assert reply.message.text == "".join(pieces) and "hello" in reply.message.text.lower()
    assert reply.usage.prompt_tokens > 5 and reply.usage.answer_tokens > 0 and reply.usage.cost == 0.0


async def test_a_call_and_its_result_are_taken_by_a_real_server(model: ClaudeModel) -> None:
    call = ToolCall(id="call_1", name="colour_of", arguments={"thing": "the lamp"})
    told = [
        Message(role="user", text="What colour is the lamp?"),
        Message(role="assistant", calls=(call,)),
        Message(role="tool", tool=call.name, call_id=call.id, text="The lamp is turquoise."),
    ]
    with anyio.fail_after(300):
        reply = await model.reply(told, ())  # with a tool on offer this model calls it again
    assert "turquoise" in reply.message.text


async def test_a_real_server_cuts_a_reply_off_at_the_limit(url: str) -> None:
    short = ClaudeModel(NAME, url=url, key=KEY, max_tokens=3, temperature=0.0)
    with anyio.fail_after(300):
        reply = await short.reply([Message(role="user", text="Count from one to twenty in words.")], ())
    await short.close()
    assert reply.cut_off and reply.message.text


async def test_a_real_server_refuses_a_wrong_key_and_a_prompt_that_is_too_long(url: str, model: ClaudeModel) -> None:
    wrong = ClaudeModel(NAME, url=url, key="another-dummy-key", retries=0)
    with anyio.fail_after(300), pytest.raises(ModelError, match="refused the key"):
        await wrong.reply([Message(role="user", text="hello")], ())
    await wrong.close()
    with anyio.fail_after(300), pytest.raises(ModelError, match=r"too long|broke off|in trouble"):
        await model.reply([Message(role="user", text="lda #$05 " * 2000)], ())
