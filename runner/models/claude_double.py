"""A stand-in for the messages endpoint of Claude: the same events, errors and rules, with scripted replies.

For tests and demonstrations. Source of the format: the streaming and error pages of the Claude API docs and the types
of the official client. It refuses what the API refuses: no key, a call without its result in the next turn, results
behind other content, an empty text, thinking that is not word for word what it signed.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, cast

from pydantic import JsonValue

from runner.models.claude_events import STATUS_OF
from runner.models.http_double import Answer, HttpDouble, Received, ScriptedReply, json_answer, pieces_of, sse

__all__ = ["ClaudeDouble", "signature_of", "stream_of"]

_TYPES = {status: kind for kind, status in STATUS_OF.items()}
_Fields = dict[str, Any]


class _Refused(Exception):
    """What the API would answer with invalid_request_error."""


def signature_of(thinking: str) -> str:
    """Return the signature that the double puts under a thought."""
    return base64.b64encode(hashlib.sha256(thinking.encode("utf-8", "replace")).digest()).decode("ascii")


def _event(kind: str, **fields: JsonValue) -> bytes:
    return sse({"type": kind, **fields}, event=kind)


def _block(index: int, start: JsonValue, deltas: Sequence[JsonValue]) -> Iterator[bytes]:
    yield _event("content_block_start", index=index, content_block=start)
    for delta in deltas:
        yield _event("content_block_delta", index=index, delta=delta)
    yield _event("content_block_stop", index=index)


def _blocks(reply: ScriptedReply, first_id: int) -> Iterator[bytes]:
    index = 0
    if reply.thinking:
        deltas: list[JsonValue] = [{"type": "thinking_delta", "thinking": part} for part in pieces_of(reply.thinking)]
        deltas.append({"type": "signature_delta", "signature": signature_of(reply.thinking)})
        yield from _block(index, {"type": "thinking", "thinking": "", "signature": ""}, deltas)
        index += 1
    if reply.text and not reply.refused:
        said: list[JsonValue] = [{"type": "text_delta", "text": piece} for piece in pieces_of(reply.text)]
        yield from _block(index, {"type": "text", "text": ""}, said)
        index += 1
    for number, (name, arguments) in enumerate(reply.calls, start=first_id):
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)
        parts: list[JsonValue] = [
            {"type": "input_json_delta", "partial_json": written[at : at + 12]} for at in range(0, len(written), 12)
        ]
        opened: JsonValue = {"type": "tool_use", "id": f"toolu_{number:02}", "name": name, "input": {}}
        yield from _block(index, opened, parts)
        index += 1


def _stop(reply: ScriptedReply) -> str:
    if reply.refused:
        return "refusal"
    if reply.cut_off:
        return "max_tokens"
    return "tool_use" if reply.calls else "end_turn"


def stream_of(
    reply: ScriptedReply, *, model: str = "m", first_id: int = 1, tokens: int = 8, stop: str = ""
) -> tuple[bytes, ...]:
    """Return the events of a streamed reply; `tokens` are those of the prompt, half of them from the cache.

    `stop` is the stop reason where it is not the one that the reply has by itself. A reply that breaks off lacks its
    end.
    """
    usage: JsonValue = {
        "input_tokens": tokens - tokens // 2,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": tokens // 2,
        "output_tokens": 1,
    }
    message: JsonValue = {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    events = [_event("message_start", message=message), _event("ping"), *_blocks(reply, first_id)]
    if reply.dropped:
        return tuple(events[:-1])  # the last block is left open
    if reply.problem:
        return (*events, _event("error", error={"type": "overloaded_error", "message": reply.problem}))
    details: JsonValue = {"type": "refusal", "category": None, "explanation": reply.text} if reply.refused else None
    delta: JsonValue = {"stop_reason": stop or _stop(reply), "stop_sequence": None, "stop_details": details}
    thought = len(pieces_of(reply.thinking))
    written: JsonValue = {
        "output_tokens": thought + len(pieces_of(reply.text)) + 8 * len(reply.calls),
        "output_tokens_details": {"thinking_tokens": thought},
    }
    return (*events, _event("message_delta", delta=delta, usage=written), _event("message_stop"))


class ClaudeDouble(HttpDouble[ScriptedReply]):
    """A server that has `models` and replies as scripted to who has `key`.

    Use it as a context manager; `url` is then what ANTHROPIC_BASE_URL would be. It always streams. A request beyond
    the script gets status 400.
    """

    def __init__(self, models: Sequence[str] = ("m",), *, key: str = "dummy-key-of-the-double") -> None:
        super().__init__()
        self.models = tuple(models)
        self.key = key
        self._told = 0
        self._signed: dict[str, str] = {}

    @property
    def chats(self) -> list[dict[str, Any]]:
        """Return the bodies of the message requests, in order."""
        return self.bodies("/v1/messages")

    def answer(self, request: Received) -> Answer:
        """Answer as the API does, errors included."""
        given = {request.headers.get("x-api-key"), request.headers.get("authorization", "").removeprefix("Bearer ")}
        if self.key not in given:  # the client sent the one until 2.11, and sends the other since
            return _problem(401, "invalid x-api-key")
        if request.path != "/v1/messages" or request.method != "POST":
            return _problem(404, f"Not found: {request.path}")
        if not request.headers.get("anthropic-version"):
            return _problem(400, "anthropic-version: header is required")
        try:
            return self._say(request.body)
        except _Refused as refused:
            return _problem(400, str(refused))

    def _say(self, body: _Fields) -> Answer:
        if body.get("model") not in self.models:
            return _problem(404, f"model: {body.get('model')}")
        if not isinstance(body.get("max_tokens"), int):
            raise _Refused("max_tokens: Field required")
        if "temperature" in body:
            raise _Refused("`temperature` is deprecated for this model.")
        _check(body, self._signed)
        reply = self.next_reply() or ScriptedReply(status=400, problem="the script of the double has no more replies")
        if reply.status != 200:
            headers = {} if reply.retry_after is None else {"retry-after-ms": f"{reply.retry_after * 1000:g}"}
            return _problem(reply.status, reply.problem, headers=headers, delay=reply.delay)
        if reply.thinking:
            self._signed[signature_of(reply.thinking)] = reply.thinking
        first = self._told + 1
        self._told += len(reply.calls)
        tokens = len(json.dumps([body.get("system"), body["messages"], body.get("tools")])) // 4
        pieces = reply.pieces or stream_of(reply, model=body["model"], first_id=first, tokens=tokens)
        return Answer(pieces=pieces, kind="text/event-stream", delay=reply.delay, dropped=reply.dropped)


def _problem(status: int, message: str, *, headers: dict[str, str] | None = None, delay: float = 0.0) -> Answer:
    error: JsonValue = {"type": _TYPES.get(status, "api_error"), "message": message}
    value: JsonValue = {"type": "error", "error": error, "request_id": "req_01"}
    found = json_answer(value, status=status, headers=headers)
    return Answer(data=found.data, status=status, headers=found.headers, delay=delay)


def _check(body: _Fields, signed: dict[str, str]) -> None:
    messages = cast("list[_Fields]", body.get("messages") or [])
    if not messages or messages[0].get("role") != "user":
        raise _Refused("messages: first message must use the user role")
    waiting: set[str] = set()
    for number, message in enumerate(messages):
        content = message.get("content")
        blocks = cast("list[_Fields]", content if isinstance(content, list) else [{"type": "text", "text": content}])
        _check_results(number, message, blocks, waiting)
        waiting = {block["id"] for block in blocks if block["type"] == "tool_use"}
        for block in blocks:
            _check_block(number, block, signed)
    if waiting:
        raise _Refused(f"messages: tool_use ids were found without tool_result blocks: {sorted(waiting)}")
    if messages[-1].get("role") != "user" and messages[-1]["content"][-1]["type"] in ("text", "thinking"):
        raise _Refused("This model does not support assistant message prefill.")
    marked = json.dumps([body.get("system"), body.get("tools"), messages]).count('"cache_control"')
    if marked > 4:
        raise _Refused("A maximum of 4 blocks with cache_control may be provided.")


def _check_results(number: int, message: _Fields, blocks: list[_Fields], waiting: set[str]) -> None:
    results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    if waiting and (message.get("role") != "user" or set(results) != waiting or len(results) != len(waiting)):
        missing = ", ".join(sorted(waiting - set(results)))
        raise _Refused(f"messages.{number}: `tool_use` ids were found without `tool_result` blocks after: {missing}.")
    if not waiting and results:
        raise _Refused(f"messages.{number}: unexpected `tool_use_id` found in `tool_result` blocks: {results}")
    if any(block["type"] != "tool_result" for block in blocks[: len(results)]):
        raise _Refused(f"messages.{number}: `tool_result` blocks must come first in the content")


def _check_block(number: int, block: _Fields, signed: dict[str, str]) -> None:
    if block["type"] == "text" and not block["text"].strip():
        raise _Refused(f"messages.{number}: text content blocks must contain non-whitespace text")
    if block["type"] == "thinking" and signed.get(block["signature"]) != block["thinking"]:
        raise _Refused(f"messages.{number}: Invalid `signature` in `thinking` block")
    if block["type"] == "tool_result" and block.get("is_error") and not block.get("content"):
        raise _Refused(f"messages.{number}: content cannot be empty if `is_error` is true")
