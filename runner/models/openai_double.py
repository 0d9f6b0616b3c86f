"""A stand-in for OpenAI-compatible servers: the same paths, chunks and errors, with scripted replies.

For tests and demonstrations. Source of the format: the chat completions of the OpenAI API reference, and what
llama.cpp, LM Studio, vLLM, DeepSeek and OpenRouter add to it (`reasoning_content`, `reasoning`).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import JsonValue

from runner.models.http_double import Answer, HttpDouble, Received, ScriptedReply, json_answer, pieces_of, sse

__all__ = ["CREATED", "OpenAIDouble", "chunk", "stream_of", "whole_of"]

CREATED = 1751920373
"""The time stamp of every object: a double has no clock."""

_KINDS = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


def chunk(delta: dict[str, JsonValue], *, model: str = "m", finish: str | None = None) -> bytes:
    """Return one event of a stream: a change of the reply, and why it ended if it did."""
    choices: list[JsonValue] = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    return sse({**_frame("chat.completion.chunk", model), "choices": choices})


def _frame(kind: str, model: str) -> dict[str, JsonValue]:
    return {"id": "chatcmpl-1", "object": kind, "created": CREATED, "model": model}


def stream_of(
    reply: ScriptedReply,
    *,
    model: str = "m",
    thinking: str = "reasoning_content",
    first_id: int = 1,
    tokens: int = 8,
    cost: float = 0.0,
) -> tuple[bytes, ...]:
    """Return the events of a streamed reply; `thinking` is the field that thoughts are told in.

    The last two hold the usage (`tokens` of prompt; `cost` in dollars, as some servers tell it) and [DONE]; a reply
    that breaks off lacks its end.
    """
    events = [chunk(delta, model=model) for delta in _deltas(reply, thinking, first_id)]
    if reply.dropped:
        return tuple(events)
    if reply.problem:
        return (*events, sse({"error": {"message": reply.problem, "type": "server_error", "code": 500}}))
    usage = _frame("chat.completion.chunk", model) | {"choices": [], "usage": _usage(reply, tokens, cost)}
    return (*events, chunk({}, model=model, finish=_finish(reply)), sse(usage), sse("[DONE]"))


def whole_of(
    reply: ScriptedReply,
    *,
    model: str = "m",
    thinking: str = "reasoning_content",
    first_id: int = 1,
    tokens: int = 8,
    cost: float = 0.0,
) -> dict[str, JsonValue]:
    """Return a reply as one object, as who does not ask for a stream gets it; see `stream_of`."""
    message: dict[str, JsonValue] = {"role": "assistant", "content": None if reply.refused else reply.text or None}
    message["refusal"] = reply.text if reply.refused else None
    if reply.thinking:
        message[thinking] = reply.thinking
    if reply.calls:
        message["tool_calls"] = [
            {
                "id": f"call_abc{number}",
                "type": "function",
                "function": {"name": name, "arguments": _written(arguments)},
            }
            for number, (name, arguments) in enumerate(reply.calls, first_id)
        ]
    choice: JsonValue = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(reply)}
    return {**_frame("chat.completion", model), "choices": [choice], "usage": _usage(reply, tokens, cost)}


def _written(arguments: JsonValue) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def _finish(reply: ScriptedReply) -> str:
    if reply.cut_off:
        return "length"
    return "tool_calls" if reply.calls else "stop"


def _deltas(reply: ScriptedReply, thinking: str, first_id: int) -> Iterator[dict[str, JsonValue]]:
    yield {"role": "assistant", "content": None if reply.calls else ""}
    for piece in pieces_of(reply.thinking):
        yield {thinking: piece}
    for piece in pieces_of(reply.text):
        yield {"refusal" if reply.refused else "content": piece}
    for index, (name, arguments) in enumerate(reply.calls):
        written = _written(arguments)
        opened: dict[str, JsonValue] = {
            "index": index,
            "id": f"call_abc{first_id + index}",
            "type": "function",
            "function": {"name": name, "arguments": ""},
        }
        yield {"tool_calls": [opened]}
        for start in range(0, len(written), 12):
            part: dict[str, JsonValue] = {"index": index, "function": {"arguments": written[start : start + 12]}}
            yield {"tool_calls": [part]}


def _usage(reply: ScriptedReply, tokens: int, cost: float) -> JsonValue:
    thought = len(pieces_of(reply.thinking))
    written = thought + len(pieces_of(reply.text)) + 8 * len(reply.calls)
    return {
        "prompt_tokens": tokens,
        "completion_tokens": written,
        "total_tokens": tokens + written,
        "prompt_tokens_details": {"cached_tokens": tokens // 2},
        "completion_tokens_details": {"reasoning_tokens": thought},
        **({"cost": cost} if cost else {}),
    }


class OpenAIDouble(HttpDouble[ScriptedReply]):
    """A server that has `models` and replies as scripted; with `key`, only to who has it.

    `cost` is told with each reply. Use it as a context manager; `api_url` is then what OPENAI_BASE_URL would be. A
    reply that was not asked for as a stream comes whole. A chat beyond the script gets status 400.
    """

    def __init__(
        self,
        models: Sequence[str] = ("m",),
        *,
        key: str = "",
        thinking: str = "reasoning_content",
        path: str = "/v1",
        cost: float = 0.0,
    ) -> None:
        super().__init__()
        self.models = tuple(models)
        self._key = key
        self._thinking = thinking
        self._path = path
        self._cost = cost
        self._told = 0

    @property
    def api_url(self) -> str:
        """Return `http://127.0.0.1:PORT/v1`."""
        return f"{self.url}{self._path}"

    @property
    def chats(self) -> list[dict[str, Any]]:
        """Return the bodies of the chat requests, in order."""
        return self.bodies("/chat/completions")

    def answer(self, request: Received) -> Answer:
        """Answer as such a server does, errors included."""
        if self._key and request.headers.get("authorization") != f"Bearer {self._key}":
            return _problem(401, "Incorrect API key provided. You can find your API key in your account.")
        if request.path == f"{self._path}/models":
            listed: list[JsonValue] = [
                {"id": name, "object": "model", "created": CREATED, "owned_by": "double"} for name in self.models
            ]
            return json_answer({"object": "list", "data": listed})
        if request.path != f"{self._path}/chat/completions":
            return _problem(404, f"Invalid URL ({request.method} {request.path})")
        return self._chat(request.body)

    def _chat(self, body: dict[str, Any]) -> Answer:
        model = str(body.get("model", ""))
        if model not in self.models:
            return _problem(404, f"The model `{model}` does not exist or you do not have access to it.")
        reply = self.next_reply() or ScriptedReply(status=400, problem="the script of the double has no more replies")
        if reply.status != 200:
            headers = {} if reply.retry_after is None else {"Retry-After": f"{reply.retry_after:g}"}
            return _problem(reply.status, reply.problem, headers=headers, delay=reply.delay)
        first = self._told + 1
        self._told += len(reply.calls)
        tokens = len(json.dumps([body.get("messages"), body.get("tools")])) // 4
        tell = whole_of if not (body.get("stream") or reply.pieces or reply.problem or reply.dropped) else stream_of
        told = tell(reply, model=model, thinking=self._thinking, first_id=first, tokens=tokens, cost=self._cost)
        if isinstance(told, dict):
            return replace(json_answer(told), delay=reply.delay)
        pieces = reply.pieces or told
        return Answer(
            pieces=pieces, kind="text/event-stream", delay=reply.delay, stall=reply.stall, dropped=reply.dropped
        )


def _problem(status: int, message: str, *, headers: dict[str, str] | None = None, delay: float = 0.0) -> Answer:
    error: dict[str, JsonValue] = {
        "message": message,
        "type": "server_error" if status >= 500 else "invalid_request_error",
        "param": None,
        "code": _KINDS.get(status),
    }
    data = json.dumps({"error": error}).encode("ascii")
    return Answer(data=data, status=status, headers=headers or {}, delay=delay)
