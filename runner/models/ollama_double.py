"""A stand-in for the Ollama daemon: the same paths, bodies, streams and errors, with scripted replies.

For tests and demonstrations. It listens on a free loopback port, refuses what a real daemon refuses, and keeps every
request. It ends with its `with` block.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import JsonValue

from runner.models.http_double import Answer, HttpDouble, Received
from runner.models.ollama_wire import CREATED, ScriptedReply, chunks, encode, whole

__all__ = ["OllamaDouble"]

_VECTOR = 8


class _Refused(Exception):
    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


class OllamaDouble(HttpDouble[ScriptedReply]):
    """A daemon that has `models` (name -> capabilities) and replies as scripted.

    Use it as a context manager; `host` is then what OLLAMA_HOST would be. A chat beyond the script gets status 500.
    """

    def __init__(self, models: Mapping[str, Sequence[str]] | None = None, *, version: str = "0.24.0") -> None:
        super().__init__()
        given = {"llama3.2:latest": ("completion", "tools")} if models is None else models
        self.models = {_full(name): tuple(capabilities) for name, capabilities in given.items()}
        self.version = version

    @property
    def chats(self) -> list[dict[str, Any]]:
        """Return the bodies of the chat requests, in order."""
        return self.bodies("/api/chat")

    @property
    def host(self) -> str:
        """Return `http://127.0.0.1:PORT`."""
        return self.url

    def answer(self, request: Received) -> Answer:
        """Answer as the daemon does, errors included."""
        try:
            return self._get(request) if request.method in ("GET", "HEAD") else self._post(request)
        except _Refused as refused:
            return _json({"error": str(refused)}, status=refused.status)

    def _get(self, request: Received) -> Answer:
        if request.path == "/":
            return _text(b"Ollama is running")
        if request.path == "/api/version":
            return _json({"version": self.version})
        if request.path == "/api/tags":
            return _json({"models": [_entry(name) for name in self.models]})
        if request.path == "/api/ps":
            loaded: dict[str, JsonValue] = {"expires_at": CREATED, "size_vram": 0, "context_length": 8192}
            return _json({"models": [{**_entry(name), **loaded} for name in self.models]})
        return _text(b"404 page not found", status=404)

    def _post(self, request: Received) -> Answer:
        routes = {
            "/api/chat": self._chat,
            "/api/show": self._show,
            "/api/pull": self._pull,
            "/api/embed": self._embed,
        }
        body = _body(request.data)
        route = routes.get(request.path)
        return _text(b"404 page not found", status=404) if route is None else route(body)

    def _chat(self, body: dict[str, Any]) -> Answer:
        name = _model(body, self.models)
        _check_abilities(body, name, self.models[name])
        messages: list[object] = body.get("messages") or []
        _check_messages(messages)
        if not messages:
            return _json(_empty(body))
        reply = self.next_reply() or ScriptedReply(status=500, problem="the script of the double has no more replies")
        if reply.status != 200:
            return _json({"error": reply.problem}, status=reply.status, delay=reply.delay)
        return _said(reply, body)

    def _show(self, body: dict[str, Any]) -> Answer:
        name = _model(body, self.models)
        return _json(
            {
                "modelfile": f"FROM {name}",
                "parameters": "",
                "template": "{{ .Prompt }}",
                "details": _details(name),
                "model_info": {"general.architecture": "llama", "llama.context_length": 8192},
                "capabilities": list[JsonValue](self.models[name]),
                "modified_at": CREATED,
            }
        )

    def _pull(self, body: dict[str, Any]) -> Answer:
        name = body.get("model") or body.get("name")
        if not name:
            raise _Refused(400, "model is required")
        digest = f"sha256:{hashlib.sha256(str(name).encode()).hexdigest()}"
        part: dict[str, JsonValue] = {"status": f"pulling {digest[7:19]}", "digest": digest, "total": 1000}
        states: list[dict[str, JsonValue]] = [
            {"status": "pulling manifest"},
            *({**part, "completed": done} for done in (0, 500, 1000)),
            {"status": "verifying sha256 digest"},
            {"status": "writing manifest"},
            {"status": "success"},
        ]
        self.models[_full(str(name))] = ("completion", "tools")
        if body.get("stream") is False:
            return _json({"status": "success"})
        return _stream([encode(state) for state in states])

    def _embed(self, body: dict[str, Any]) -> Answer:
        _model(body, self.models)
        given: object = body.get("input", "")
        texts = cast("list[object]", given) if isinstance(given, list) else [given]
        vectors: list[JsonValue] = [_vector(str(item)) for item in texts]
        return _json(
            {
                "model": body["model"],
                "embeddings": vectors,
                "total_duration": 14143917,
                "load_duration": 1019500,
                "prompt_eval_count": 8,
            }
        )


def _full(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _details(name: str) -> dict[str, JsonValue]:
    family = name.partition(":")[0]
    return {
        "parent_model": "",
        "format": "gguf",
        "family": family,
        "families": [family],
        "parameter_size": "3.2B",
        "quantization_level": "Q4_K_M",
    }


def _entry(name: str) -> dict[str, JsonValue]:
    return {
        "name": name,
        "model": name,
        "modified_at": CREATED,
        "size": 2019393189,
        "digest": hashlib.sha256(name.encode("utf-8", "replace")).hexdigest(),
        "details": _details(name),
    }


def _model(body: Mapping[str, Any], models: Mapping[str, tuple[str, ...]]) -> str:
    name = body.get("model") or body.get("name") or ""
    if not isinstance(name, str):
        raise _Refused(400, "json: cannot unmarshal value into Go struct field .model of type string")
    if not name:
        raise _Refused(400, "model is required")
    if _full(name) not in models:
        raise _Refused(404, f"model '{name}' not found")
    return _full(name)


def _check_messages(messages: object) -> None:
    """Refuse what Go's JSON decoder refuses: text that is no string, arguments that are no object."""
    field = "json: cannot unmarshal {} into Go struct field ChatRequest.messages.{}"
    if not isinstance(messages, list) or not all(
        isinstance(message, dict) for message in cast("list[object]", messages)
    ):
        raise _Refused(400, field.format("value", "of type []api.Message"))
    for message in cast("list[dict[str, Any]]", messages):
        if not isinstance(message.get("content", ""), str):
            raise _Refused(400, field.format("object", "content of type string"))
        if message.get("role") not in ("system", "user", "assistant", "tool"):
            raise _Refused(400, f'invalid role: "{message.get("role")}", must be one of system, user, assistant, tool')
        for call in message.get("tool_calls") or ():
            if not isinstance(call.get("function", {}).get("arguments"), dict):
                raise _Refused(
                    400, field.format("string", "tool_calls.function.arguments of type map[string]interface")
                )


def _check_abilities(body: Mapping[str, Any], name: str, abilities: Sequence[str]) -> None:
    if body.get("think") not in (None, False) and "thinking" not in abilities:
        raise _Refused(400, f'"{body["model"]}" does not support thinking')
    if "completion" not in abilities:
        raise _Refused(400, f'"{body["model"]}" does not support chat')
    if body.get("tools") and "tools" not in abilities:
        raise _Refused(400, f"registry.ollama.ai/library/{name} does not support tools")
    wanted = body.get("format")
    if wanted not in (None, "", "json") and not isinstance(wanted, dict):
        raise _Refused(400, 'invalid format: expected "json" or a JSON Schema object')


def _body(data: bytes) -> dict[str, Any]:
    if not data:
        raise _Refused(400, "missing request body")
    try:
        body: object = json.loads(data)
    except ValueError as error:
        raise _Refused(400, f"invalid character in request body: {error}") from error
    if not isinstance(body, dict):
        raise _Refused(400, "json: cannot unmarshal value into Go value of type api.ChatRequest")
    return cast("dict[str, Any]", body)


def _empty(body: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return what a chat without messages gets: it only loads or unloads the model."""
    return {
        "model": body["model"],
        "created_at": CREATED,
        "message": {"role": "assistant", "content": ""},
        "done_reason": "unload" if body.get("keep_alive") in (0, "0", "0s") else "load",
        "done": True,
    }


def _said(reply: ScriptedReply, body: Mapping[str, Any]) -> Answer:
    tokens = len(json.dumps([body["messages"], body.get("tools")])) // 4
    begun = reply.content or reply.thinking or reply.calls
    if reply.problem and (body.get("stream") is False or not begun):
        return _json({"error": reply.problem}, status=500, delay=reply.delay)
    if body.get("stream") is False:
        return _json(dict(whole(reply, model=body["model"], prompt_tokens=tokens)), delay=reply.delay)
    lines = list(reply.lines) or [encode(chunk) for chunk in chunks(reply, model=body["model"], prompt_tokens=tokens)]
    return _stream(lines, delay=reply.delay, dropped=reply.dropped)


def _json(value: dict[str, JsonValue], *, status: int = 200, delay: float = 0.0) -> Answer:
    return Answer(data=encode(value), kind="application/json; charset=utf-8", status=status, delay=delay)


def _text(data: bytes, *, status: int = 200) -> Answer:
    return Answer(data=data, kind="text/plain; charset=utf-8", status=status)


def _stream(lines: Sequence[bytes], *, delay: float = 0.0, dropped: bool = False) -> Answer:
    pieces = tuple(line + b"\n" for line in lines)
    return Answer(pieces=pieces, kind="application/x-ndjson", delay=delay, dropped=dropped)


def _vector(text: str) -> list[JsonValue]:
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return [byte / 255 - 0.5 for byte in digest[:_VECTOR]]
