"""Gemini's and Claude's adapters against a real server of both: a LiteLLM proxy, in front of a double of OpenAI's.

It is run where AFS_LITELLM names the program (`pip install 'litellm[proxy]'` in an environment of its own).
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Generator
from typing import Any, BinaryIO, NamedTuple

import anyio
import pytest
from pydantic import JsonValue

from runner.models.claude import ClaudeModel
from runner.models.gemini import GeminiModel
from runner.models.http_double import ScriptedReply
from runner.models.model import Model
from runner.models.openai_double import OpenAIDouble
from schemas.message import Message, ToolSpec

LITELLM = os.environ.get("AFS_LITELLM", "")

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not LITELLM, reason="no LiteLLM proxy: set AFS_LITELLM to the program `litellm`"),
]

KEY = "dummy-key-of-the-proxy"
NAME = "gemini-3.8-flash"
LOOKUP = ToolSpec(name="look_up", parameters={"type": "object", "properties": {"query": {"type": "string"}}})
ASK = [Message(role="system", text="Be brief."), Message(role="user", text="Where is Link's health?")]
HEALTH: dict[str, JsonValue] = {"query": "health"}
MAGIC: dict[str, JsonValue] = {"query": "magic"}
READY = """
import sys, time, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for _ in range(240):
    try:
        sys.exit(opener.open(sys.argv[1] + "/health/liveliness", timeout=2).status != 200)
    except OSError:
        time.sleep(0.5)
sys.exit(1)
"""


class Proxy(NamedTuple):
    url: str
    behind: OpenAIDouble


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Generator[Proxy]:
    folder = tmp_path_factory.mktemp("litellm")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with OpenAIDouble() as behind:
        config = folder / "config.json"  # JSON is YAML
        config.write_text(json.dumps(settings(f"{behind.url}/v1")), encoding="utf-8")
        url = f"http://127.0.0.1:{port}"
        command = [LITELLM, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        with (folder / "log").open("wb") as log, running(command, log) as process:
            ready = subprocess.run([sys.executable, "-c", READY, url], check=False, timeout=150)
            assert (ready.returncode, process.poll()) == (0, None), (folder / "log").read_text(encoding="utf-8")
            yield Proxy(url, behind)


@contextlib.contextmanager
def running(command: list[str], log: BinaryIO) -> Generator[subprocess.Popen[bytes]]:
    env = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    process = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=20)


def settings(url: str) -> dict[str, Any]:
    behind = {"model": "openai/m", "api_base": url, "api_key": "dummy-key-behind"}
    return {
        "model_list": [{"model_name": NAME, "litellm_params": behind}],
        "litellm_settings": {"use_chat_completions_url_for_anthropic_messages": True},
        "general_settings": {"master_key": KEY},
    }


def opened(provider: str, url: str) -> Model:
    if provider == "gemini":
        return GeminiModel(NAME, url=url, key=KEY, retries=0)
    return ClaudeModel(NAME, url=url, key=KEY, retries=0)


@pytest.mark.parametrize("provider", ["gemini", "claude"])
async def test_parallel_calls_and_their_results_pass_a_real_proxy(proxy: Proxy, provider: str) -> None:
    both = ScriptedReply(text="I look.", calls=(("look_up", HEALTH), ("look_up", MAGIC)))
    proxy.behind.script([both, ScriptedReply(text="There it is.")])
    model, pieces = opened(provider, proxy.url), list[str]()
    with anyio.fail_after(60):
        first = await model.reply(ASK, [LOOKUP], on_text=pieces.append)
        calls = first.message.calls
        results = [Message(role="tool", tool=call.name, call_id=call.id, text=f"at {call.id}") for call in calls]
        second = await model.reply([*ASK, first.message, *results], [LOOKUP])
    await model.close()
    assert first.message.text == "I look." == "".join(pieces) and second.message.text == "There it is."
    assert [call.arguments for call in calls] == [HEALTH, MAGIC]
    assert len({call.id for call in calls}) == 2
    told = json.dumps(proxy.behind.chats[-1]["messages"])
    assert all(f"at {call.id}" in told for call in calls) and "Be brief." in told
