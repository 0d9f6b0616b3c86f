"""What Ollama's chat endpoint puts on the wire: scripted replies as the JSON lines that a daemon would send.

Source: docs/api.md, api/types.go and server/routes.go of ollama/ollama at fb30760. A call sits in a chunk with
`done: false`, its arguments are an object, and the last chunk says `done_reason: "stop"` and holds the counts.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pydantic import JsonValue

__all__ = [
    "CREATED",
    "ScriptedReply",
    "calls",
    "chunks",
    "drop",
    "encode",
    "error",
    "raw",
    "stream_error",
    "text",
    "thinking",
    "whole",
]

CREATED = "2025-07-07T20:32:53.844124Z"
"""The time stamp of every object: a double has no clock."""

_PIECE = re.compile(r"\s*\S+|\s+")
_ESCAPED = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


@dataclass(frozen=True, kw_only=True)
class ScriptedReply:
    """One reply of a daemon: what the model said, and what went wrong."""

    content: str = ""
    thinking: str = ""
    calls: tuple[tuple[str, JsonValue], ...] = ()
    """Pairs of tool name and arguments (an object, as a real daemon sends; anything else to test a client)."""
    call_ids: tuple[str, ...] = ()
    """Ids of the calls, as newer daemons send them; none by default."""
    done_reason: str = "stop"
    prompt_tokens: int | None = None
    """`prompt_eval_count`; None: four characters of the request make a token."""
    answer_tokens: int = 15
    status: int = 200
    problem: str = ""
    """With a status other than 200 the body of the answer, else the error line in mid-stream."""
    dropped: bool = False
    """The connection breaks off where the last chunk would come."""
    lines: tuple[bytes, ...] = ()
    """Lines to send as they are, instead of all the above."""
    delay: float = 0.0
    """Seconds to wait before the reply."""


def text(content: str) -> ScriptedReply:
    """Return a reply that says `content`, a word a chunk."""
    return ScriptedReply(content=content)


def calls(*made: tuple[str, JsonValue], say: str = "", ids: tuple[str, ...] = ()) -> ScriptedReply:
    """Return a reply that calls tools, one chunk a call."""
    return ScriptedReply(content=say, calls=made, call_ids=ids)


def thinking(thought: str, *, then: ScriptedReply | None = None) -> ScriptedReply:
    """Return a reply that thinks, and then (`then`) says something, or nothing at all."""
    return replace(then or ScriptedReply(), thinking=thought)


def error(status: int, problem: str) -> ScriptedReply:
    """Return an answer with an HTTP status and {"error": problem}."""
    return ScriptedReply(status=status, problem=problem)


def stream_error(
    problem: str = "an error was encountered while running the model", *, after: str = ""
) -> ScriptedReply:
    """Return a reply that ends in an error line, with HTTP status 200; with no text before it, status 500."""
    return ScriptedReply(content=after, problem=problem)


def drop(*, after: str = "") -> ScriptedReply:
    """Return a reply whose connection breaks off before it is done."""
    return ScriptedReply(content=after, dropped=True)


def raw(*lines: bytes) -> ScriptedReply:
    """Return a reply that is exactly these lines."""
    return ScriptedReply(lines=lines)


def encode(value: JsonValue) -> bytes:
    """Encode as Go does: no spaces, <, > and & escaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPED).encode("utf-8", "replace")


def _call(reply: ScriptedReply, index: int) -> JsonValue:
    name, arguments = reply.calls[index]
    function: dict[str, JsonValue] = {"name": name, "arguments": arguments}
    if index < len(reply.call_ids):
        return {"id": reply.call_ids[index], "function": {"index": index, **function}}
    return {"function": function}


def _metrics(reply: ScriptedReply, prompt_tokens: int) -> dict[str, JsonValue]:
    return {
        "total_duration": 182242375,
        "load_duration": 41295167,
        "prompt_eval_count": prompt_tokens if reply.prompt_tokens is None else reply.prompt_tokens,
        "prompt_eval_duration": 24573166,
        "eval_count": reply.answer_tokens,
        "eval_duration": 115959084,
    }


def _messages(reply: ScriptedReply) -> Iterator[dict[str, JsonValue]]:
    for piece in _PIECE.findall(reply.thinking):
        yield {"role": "assistant", "content": "", "thinking": piece}
    for piece in _PIECE.findall(reply.content):
        yield {"role": "assistant", "content": piece}
    for index in range(len(reply.calls)):
        yield {"role": "assistant", "content": "", "tool_calls": [_call(reply, index)]}


def chunks(reply: ScriptedReply, *, model: str, prompt_tokens: int) -> Iterator[dict[str, JsonValue]]:
    """Yield the objects of a streamed reply, in order; a reply that breaks off lacks the last one."""
    for message in _messages(reply):
        yield {"model": model, "created_at": CREATED, "message": message, "done": False}
    if reply.dropped:
        return
    if reply.problem:
        yield {"error": reply.problem}
        return
    yield {
        "model": model,
        "created_at": CREATED,
        "message": {"role": "assistant", "content": ""},
        "done_reason": reply.done_reason,
        "done": True,
        **_metrics(reply, prompt_tokens),
    }


def whole(reply: ScriptedReply, *, model: str, prompt_tokens: int) -> Mapping[str, JsonValue]:
    """Return the one object of a reply that is not streamed."""
    message: dict[str, JsonValue] = {"role": "assistant", "content": reply.content}
    if reply.thinking:
        message["thinking"] = reply.thinking
    if reply.calls:
        message["tool_calls"] = [_call(reply, index) for index in range(len(reply.calls))]
    return {
        "model": model,
        "created_at": CREATED,
        "message": message,
        "done_reason": reply.done_reason,
        "done": True,
        **_metrics(reply, prompt_tokens),
    }
