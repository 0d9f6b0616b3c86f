"""A stand-in for the Ollama daemon: the same paths, bodies, streams and errors, with scripted replies.

For tests and demonstrations. It listens on a free loopback port, refuses what a real daemon refuses, and keeps every
request. It ends with its `with` block.
"""

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, cast

from pydantic import JsonValue

from runner.models.ollama_wire import CREATED, ScriptedReply, chunks, encode, whole

__all__ = ["OllamaDouble", "Received"]

_LARGEST_BODY = 64 * 1024 * 1024
_LONGEST_DELAY = 10.0
_VECTOR = 8


class Received(NamedTuple):
    """One request as it came in."""

    method: str
    path: str
    body: dict[str, Any]


class _Refused(Exception):
    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


class OllamaDouble:
    """A daemon that has `models` (name -> capabilities) and replies as scripted.

    Use it as a context manager; `host` is then what OLLAMA_HOST would be.
    """

    def __init__(self, models: Mapping[str, Sequence[str]] | None = None, *, version: str = "0.24.0") -> None:
        given = {"llama3.2:latest": ("completion", "tools")} if models is None else models
        self.models = {_full(name): tuple(capabilities) for name, capabilities in given.items()}
        self.version = version
        self.requests: list[Received] = []
        """Every request, in the order of arrival."""
        self._script: list[ScriptedReply] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def script(self, replies: Iterable[ScriptedReply]) -> None:
        """Add replies for the chat requests to come. A request beyond the script is answered with status 500."""
        with self._lock:
            self._script.extend(replies)

    @property
    def left(self) -> int:
        """Return how many scripted replies nobody has asked for yet."""
        with self._lock:
            return len(self._script)

    @property
    def chats(self) -> list[dict[str, Any]]:
        """Return the bodies of the chat requests, in order."""
        return [request.body for request in self.requests if request.path == "/api/chat"]

    @property
    def host(self) -> str:
        """Return `http://127.0.0.1:PORT`."""
        if self._server is None:
            raise RuntimeError("the double is not running; use it in a with block")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "OllamaDouble":
        double = self

        class Handler(_Handler):
            owner = double

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join(timeout=5)
            self._server.server_close()

    def next_reply(self) -> ScriptedReply:
        """Take the next scripted reply."""
        with self._lock:
            if not self._script:
                return ScriptedReply(status=500, problem="the script of the double has no more replies")
            return self._script.pop(0)

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than the double lives."""
        self._stopping.wait(min(seconds, _LONGEST_DELAY))


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


class _Handler(BaseHTTPRequestHandler):
    owner: OllamaDouble
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_HEAD(self) -> None:
        self._send_text(b"")

    def do_GET(self) -> None:
        self._keep({})
        names = self.owner.models
        if self.path == "/":
            self._send_text(b"Ollama is running")
        elif self.path == "/api/version":
            self._send({"version": self.owner.version})
        elif self.path == "/api/tags":
            self._send({"models": [_entry(name) for name in names]})
        elif self.path == "/api/ps":
            loaded: dict[str, JsonValue] = {"expires_at": CREATED, "size_vram": 0, "context_length": 8192}
            self._send({"models": [{**_entry(name), **loaded} for name in names]})
        else:
            self._send_text(b"404 page not found", status=404)

    def do_POST(self) -> None:
        routes = {
            "/api/chat": self._chat,
            "/api/show": self._show,
            "/api/pull": self._pull,
            "/api/embed": self._embed,
        }
        try:
            body = self._body()
            self._keep(body)
            route = routes.get(self.path)
            if route is None:
                self._send_text(b"404 page not found", status=404)
            else:
                route(body)
        except _Refused as refused:
            self._send({"error": str(refused)}, status=refused.status)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _keep(self, body: dict[str, Any]) -> None:
        self.owner.requests.append(Received(self.command, self.path, body))

    def _body(self) -> dict[str, Any]:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LARGEST_BODY:
            raise _Refused(400, "http: request body too large")
        data = self.rfile.read(length)
        if not data:
            raise _Refused(400, "missing request body")
        try:
            body = json.loads(data)
        except ValueError as error:
            raise _Refused(400, f"invalid character in request body: {error}") from error
        if not isinstance(body, dict):
            raise _Refused(400, "json: cannot unmarshal value into Go value of type api.ChatRequest")
        return cast("dict[str, Any]", body)

    def _chat(self, body: dict[str, Any]) -> None:
        name = _model(body, self.owner.models)
        _check_abilities(body, name, self.owner.models[name])
        messages: list[object] = body.get("messages") or []
        _check_messages(messages)
        if not messages:
            reason = "unload" if body.get("keep_alive") in (0, "0", "0s") else "load"
            empty: JsonValue = {"role": "assistant", "content": ""}
            self._send(
                {
                    "model": body["model"],
                    "created_at": CREATED,
                    "message": empty,
                    "done_reason": reason,
                    "done": True,
                }
            )
            return
        reply = self.owner.next_reply()
        self.owner.pause(reply.delay)
        if reply.status != 200:
            raise _Refused(reply.status, reply.problem)
        self._say(reply, body)

    def _say(self, reply: ScriptedReply, body: dict[str, Any]) -> None:
        tokens = len(json.dumps([body["messages"], body.get("tools")])) // 4
        begun = reply.content or reply.thinking or reply.calls
        if reply.problem and (body.get("stream") is False or not begun):
            raise _Refused(500, reply.problem)
        if body.get("stream") is False:
            self._send(dict(whole(reply, model=body["model"], prompt_tokens=tokens)))
            return
        lines = list(reply.lines) or [
            encode(chunk) for chunk in chunks(reply, model=body["model"], prompt_tokens=tokens)
        ]
        self._stream(lines, dropped=reply.dropped)

    def _show(self, body: dict[str, Any]) -> None:
        name = _model(body, self.owner.models)
        self._send(
            {
                "modelfile": f"FROM {name}",
                "parameters": "",
                "template": "{{ .Prompt }}",
                "details": _details(name),
                "model_info": {"general.architecture": "llama", "llama.context_length": 8192},
                "capabilities": list[JsonValue](self.owner.models[name]),
                "modified_at": CREATED,
            }
        )

    def _pull(self, body: dict[str, Any]) -> None:
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
        self.owner.models[_full(str(name))] = ("completion", "tools")
        if body.get("stream") is False:
            self._send({"status": "success"})
        else:
            self._stream([encode(state) for state in states], dropped=False)

    def _embed(self, body: dict[str, Any]) -> None:
        _model(body, self.owner.models)
        given: object = body.get("input", "")
        texts = cast("list[object]", given) if isinstance(given, list) else [given]
        vectors: list[JsonValue] = [_vector(str(item)) for item in texts]
        self._send(
            {
                "model": body["model"],
                "embeddings": vectors,
                "total_duration": 14143917,
                "load_duration": 1019500,
                "prompt_eval_count": 8,
            }
        )

    def _send(self, value: dict[str, JsonValue], *, status: int = 200) -> None:
        self._send_bytes(encode(value), "application/json; charset=utf-8", status=status)

    def _send_text(self, data: bytes, *, status: int = 200) -> None:
        self._send_bytes(data, "text/plain; charset=utf-8", status=status)

    def _send_bytes(self, data: bytes, kind: str, *, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, lines: Sequence[bytes], *, dropped: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in lines:
            data = line + b"\n"
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()
        if dropped:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(2)
        else:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: `requests` is the log."""


def _vector(text: str) -> list[JsonValue]:
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return [byte / 255 - 0.5 for byte in digest[:_VECTOR]]
