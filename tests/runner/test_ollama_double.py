"""The double answers the official client as a daemon does; with a live daemon, that one answers the same checks."""

import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx
import ollama
import pytest

from runner.models.ollama_chat import daemon_url
from runner.models.ollama_double import OllamaDouble
from runner.models.ollama_wire import calls, drop, error, raw, stream_error, text, thinking

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
ASK = [{"role": "user", "content": "Say the word yes."}]


class _Daemon(NamedTuple):
    host: str
    model: str


@contextmanager
def _client(host: str) -> Generator[Any, None, None]:
    """Open the official client; as Any, since the package types its tools only in part."""
    client = ollama.Client(host, timeout=300 if host == daemon_url() else 10)
    try:
        yield client
    finally:
        client.close()  # type: ignore[no-untyped-call]  # the package leaves it untyped


def _chats(host: str, model: str) -> bool:
    shown = httpx.post(f"{host}/api/show", json={"model": model}, timeout=10, trust_env=False).json()
    return "completion" in shown.get("capabilities", [])


def _live_daemon() -> _Daemon:
    host = daemon_url()
    try:
        tags = httpx.get(f"{host}/api/tags", timeout=1.0, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        pytest.skip(f"no Ollama daemon answers at {host}: start `ollama serve` or set OLLAMA_HOST")
    wanted = next((entry["name"] for entry in tags["models"] if _chats(host, entry["name"])), "")
    if not wanted:
        pytest.skip("the Ollama daemon has no model that chats: `ollama pull` a small one")
    return _Daemon(host, wanted)


@pytest.fixture(params=["double", pytest.param("live", marks=pytest.mark.ollama)])
def daemon(request: pytest.FixtureRequest) -> Iterator[_Daemon]:
    if request.param == "live":
        yield _live_daemon()
        return
    with OllamaDouble() as double:
        double.script([text("yes, I say yes")] * 2)
        yield _Daemon(double.host, "llama3.2:latest")


@pytest.fixture
def double() -> Iterator[OllamaDouble]:
    models = {
        "llama3.2": ("completion", "tools"),
        "plain": ("completion",),
        "qwen3": ("completion", "tools", "thinking"),
        "embedder": ("embedding",),
    }
    with OllamaDouble(models) as double:
        yield double


def _chat(double: OllamaDouble, model: str = "llama3.2", **options: Any) -> list[ollama.ChatResponse]:
    with _client(double.host) as client:
        return list(client.chat(model, ASK, stream=True, **options))


def _post(double: OllamaDouble, path: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{double.host}{path}", json=body, timeout=10, trust_env=False)


def test_the_official_client_lists_and_shows_models(daemon: _Daemon) -> None:
    with _client(daemon.host) as client:
        assert daemon.model in [entry.model for entry in client.list().models]
        assert "completion" in (client.show(daemon.model).capabilities or [])


def test_the_official_client_chats_whole_and_streamed(daemon: _Daemon) -> None:
    options = {"num_ctx": 2048, "num_predict": 16, "temperature": 0.0}
    with _client(daemon.host) as client:
        whole = client.chat(daemon.model, ASK, options=options)
        assert whole.done and whole.done_reason in ("stop", "length") and whole.prompt_eval_count
        chunks = list(client.chat(daemon.model, ASK, stream=True, options=options))
    assert [chunk.done for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].message.content == "" and chunks[-1].eval_count
    assert "".join(chunk.message.content or "" for chunk in chunks)


def test_an_unknown_model_is_404_with_an_error(daemon: _Daemon) -> None:
    with _client(daemon.host) as client, pytest.raises(ollama.ResponseError) as caught:
        client.chat("no-such-model-here", ASK)
    assert caught.value.status_code == 404 and "not found" in caught.value.error


def test_messages_that_are_empty_load_the_model(daemon: _Daemon) -> None:
    with _client(daemon.host) as client:
        loaded = client.chat(daemon.model, [])
    assert (loaded.done, loaded.done_reason, loaded.message.content) == (True, "load", "")


def test_the_root_says_that_ollama_is_running(daemon: _Daemon) -> None:
    assert httpx.get(daemon.host, trust_env=False).text == "Ollama is running"
    assert httpx.head(daemon.host, trust_env=False).status_code == 200
    assert httpx.get(f"{daemon.host}/api/version", trust_env=False).json()["version"]


def test_a_request_without_a_model_or_a_body_is_400(daemon: _Daemon) -> None:
    empty = httpx.post(f"{daemon.host}/api/chat", trust_env=False)
    assert (empty.status_code, empty.json()) == (400, {"error": "missing request body"})
    nameless = httpx.post(f"{daemon.host}/api/chat", json={"messages": ASK}, trust_env=False)
    assert (nameless.status_code, nameless.json()) == (400, {"error": "model is required"})


def test_a_call_comes_in_a_chunk_that_is_not_done_with_its_arguments_as_an_object(double: OllamaDouble) -> None:
    double.script([calls(("get_weather", {"city": "Tokyo"}), ("get_weather", {"city": "Oslo"}))])
    first, second, last = _chat(double, tools=[TOOL])
    made = [chunk.message.tool_calls for chunk in (first, second)]
    assert [call.function.arguments for found in made for call in found or []] == [{"city": "Tokyo"}, {"city": "Oslo"}]
    assert (first.done, second.done, last.done, last.done_reason) == (False, False, True, "stop")
    assert not last.message.tool_calls


def test_streaming_is_the_default_and_each_line_is_the_documented_object(double: OllamaDouble) -> None:
    double.script([calls(("get_weather", {"city": "a<b"}))])
    answer = _post(double, "/api/chat", model="llama3.2", messages=ASK, tools=[TOOL])
    assert answer.headers["content-type"] == "application/x-ndjson"
    first, last = answer.content.splitlines()
    assert first == (
        b'{"model":"llama3.2","created_at":"2025-07-07T20:32:53.844124Z","message":{"role":"assistant","content":"",'
        b'"tool_calls":[{"function":{"name":"get_weather","arguments":{"city":"a\\u003cb"}}}]},"done":false}'
    )
    assert b'"message":{"role":"assistant","content":""},"done_reason":"stop","done":true' in last


def test_calls_come_whole_without_streaming(double: OllamaDouble) -> None:
    double.script([calls(("get_weather", {"city": "Tokyo"}), say="wait", ids=("call_abc",))])
    with _client(double.host) as client:
        message = client.chat("llama3.2", ASK, tools=[TOOL]).message
    assert message.content == "wait" and message.tool_calls
    assert message.tool_calls[0].function.arguments == {"city": "Tokyo"}


def test_thinking_comes_in_its_own_field(double: OllamaDouble) -> None:
    double.script([thinking("let me see", then=text("done"))])
    chunks = _chat(double, "qwen3", think=True)
    assert "".join(chunk.message.thinking or "" for chunk in chunks) == "let me see"
    assert "".join(chunk.message.content or "" for chunk in chunks) == "done"


@pytest.mark.parametrize(
    ("model", "options", "problem"),
    [
        ("plain", {"tools": [TOOL]}, "registry.ollama.ai/library/plain:latest does not support tools"),
        ("plain", {"think": True}, '"plain" does not support thinking'),
        ("embedder", {}, '"embedder" does not support chat'),
    ],
)
def test_what_a_model_cannot_do_is_400(double: OllamaDouble, model: str, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        _chat(double, model, **options)
    assert (caught.value.status_code, caught.value.error) == (400, problem)


def test_a_model_without_thinking_takes_think_false(double: OllamaDouble) -> None:
    double.script([text("yes")])
    assert _chat(double, "plain", think=False)[-1].done


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": {"text": "x"}},
        {"role": "function", "content": "x"},
        {"role": "assistant", "tool_calls": [{"function": {"name": "get_weather", "arguments": '{"city": "x"}'}}]},
        "x",
    ],
)
def test_messages_that_go_could_not_decode_are_400(double: OllamaDouble, message: Any) -> None:
    assert _post(double, "/api/chat", model="llama3.2", messages=[message]).status_code == 400


def test_a_body_that_is_not_json_is_400(double: OllamaDouble) -> None:
    answers = [
        httpx.post(f"{double.host}/api/chat", content=content, trust_env=False) for content in (b"{", b"[]", b'"x"')
    ]
    assert [answer.status_code for answer in answers] == [400, 400, 400]


def test_unknown_paths_are_404(double: OllamaDouble) -> None:
    assert _post(double, "/api/nothing").status_code == 404
    assert httpx.get(f"{double.host}/api/nothing", trust_env=False).status_code == 404


def test_an_error_in_mid_stream_is_the_last_line_of_a_200(double: OllamaDouble) -> None:
    double.script([stream_error("out of memory", after="so far")])
    answer = _post(double, "/api/chat", model="llama3.2", messages=ASK)
    assert answer.status_code == 200 and answer.content.splitlines()[-1] == b'{"error":"out of memory"}'


def test_an_error_before_the_first_chunk_has_a_status(double: OllamaDouble) -> None:
    double.script([stream_error("out of memory"), error(503, "server busy")])
    answers = [_post(double, "/api/chat", model="llama3.2", messages=ASK) for _ in range(2)]
    assert [(answer.status_code, answer.json()["error"]) for answer in answers] == [
        (500, "out of memory"),
        (503, "server busy"),
    ]


def test_a_dropped_connection_breaks_the_stream(double: OllamaDouble) -> None:
    double.script([drop(after="so far")])
    with pytest.raises(httpx.RemoteProtocolError):
        _post(double, "/api/chat", model="llama3.2", messages=ASK)


def test_raw_lines_are_sent_as_they_are(double: OllamaDouble) -> None:
    double.script([raw(b"not json", b"{}")])
    assert _post(double, "/api/chat", model="llama3.2", messages=ASK).content == b"not json\n{}\n"


def test_pulling_streams_its_progress_and_adds_the_model(double: OllamaDouble) -> None:
    with _client(double.host) as client:
        states = [state.status for state in client.pull("tiny", stream=True)]
        assert client.pull("tiny").status == "success"
        assert "tiny:latest" in [entry.model for entry in client.list().models]
    assert states[0] == "pulling manifest" and states[-1] == "success"


def test_embedding_gives_the_same_vector_for_the_same_text(double: OllamaDouble) -> None:
    with _client(double.host) as client:
        first, second, third = client.embed("embedder", ["a", "b", "a"]).embeddings
    assert first == third != second


def test_loaded_models_are_listed_with_their_context(double: OllamaDouble) -> None:
    with _client(double.host) as client:
        assert client.ps().models[0].context_length == 8192
        assert client.chat("llama3.2", [], keep_alive=0).done_reason == "unload"


def test_requests_are_kept_and_a_script_that_ends_says_so(double: OllamaDouble) -> None:
    double.script([text("one")])
    assert double.left == 1
    _chat(double, options={"num_ctx": 4096})
    with pytest.raises(ollama.ResponseError, match="no more replies"):
        _chat(double)
    assert double.left == 0
    assert double.chats[0]["options"] == {"num_ctx": 4096}
    assert [request.path for request in double.requests] == ["/api/chat", "/api/chat"]


def test_the_double_listens_on_loopback_only_and_ends_with_its_block() -> None:
    with OllamaDouble() as double:
        host, port = double.host.removeprefix("http://").split(":")
        assert host == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=2)


def test_a_double_that_is_not_running_has_no_host() -> None:
    with pytest.raises(RuntimeError, match="with block"):
        _ = OllamaDouble().host
