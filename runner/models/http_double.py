"""A small HTTP server for stand-ins of model providers: loopback only, scripted, every request kept.

A provider's double derives from `HttpDouble` and writes `answer`: from one request to what goes over the wire. Its
script is a list of replies, mostly `ScriptedReply`, which it renders in its provider's format.
"""

import contextlib
import json
import re
import select
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import JsonValue

__all__ = ["Answer", "HttpDouble", "Received", "ScriptedReply", "json_answer", "pieces_of", "sse"]

ReplyT = TypeVar("ReplyT")

_LARGEST_BODY = 64 * 1024 * 1024
_LONGEST_DELAY = 10.0
_LOOK = 0.02
_PIECE = re.compile(r"\s*\S+|\s+")


@dataclass(frozen=True, kw_only=True)
class ScriptedReply:
    """One reply of a provider, in no provider's format: what the model said, and what went wrong."""

    text: str = ""
    thinking: str = ""
    calls: tuple[tuple[str, JsonValue], ...] = ()
    """Pairs of tool name and arguments; a string stands for arguments as the model wrote them, valid JSON or not."""
    refused: bool = False
    """The provider or the model declines; `text` says why."""
    cut_off: bool = False
    """The reply ends at the token limit."""
    status: int = 200
    problem: str = ""
    """With a status other than 200 what the error says; else the error in mid-stream, after what was said."""
    retry_after: float | None = None
    """Seconds in the header Retry-After, with a status other than 200."""
    dropped: bool = False
    """The connection breaks off where the end of the reply would come."""
    delay: float = 0.0
    """Seconds before the reply begins."""
    stall: float = 0.0
    """Seconds between the last piece and the end of the reply."""
    pieces: tuple[bytes, ...] = ()
    """Bytes to send as they are, instead of all that was said."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request as it came in."""

    method: str
    path: str
    """Without the query."""
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names in lower case."""
    data: bytes = b""
    body: dict[str, Any] = field(default_factory=dict[str, Any])
    """`data` where it is a JSON object, else empty."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What goes back: one body, or the pieces of a stream."""

    data: bytes = b""
    pieces: tuple[bytes, ...] | None = None
    """Sent one by one, chunked, instead of `data`."""
    status: int = 200
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    delay: float = 0.0
    """Seconds before anything is sent, at most 10; it ends when the client goes away."""
    stall: float = 0.0
    """As `delay`, between the last piece and the end of the body."""
    dropped: bool = False
    """The connection breaks off after the last piece, before the end of the body."""


def json_answer(value: JsonValue, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer whose body is `value`."""
    return Answer(data=json.dumps(value, ensure_ascii=True).encode("ascii"), status=status, headers=headers or {})


def sse(value: JsonValue, *, event: str = "") -> bytes:
    """Return one server-sent event; a string is sent as it is, anything else as JSON."""
    data = value if isinstance(value, str) else json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return (f"event: {event}\n" if event else "").encode() + f"data: {data}\n\n".encode()


def pieces_of(text: str) -> list[str]:
    """Split a text as a model streams it, about a word a piece."""
    return _PIECE.findall(text)


class HttpDouble(ABC, Generic[ReplyT]):
    """A server on a free loopback port, alive inside its `with` block."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        """Every request, in the order of arrival."""
        self.hung_up = 0
        """How many answers the client did not wait for."""
        self._gone = threading.Event()
        self._script: list[ReplyT] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @abstractmethod
    def answer(self, request: Received) -> Answer:
        """Return what this request gets. Called in a thread of the request's own."""

    def script(self, replies: Iterable[ReplyT]) -> None:
        """Add replies for the requests to come."""
        with self._lock:
            self._script.extend(replies)

    @property
    def left(self) -> int:
        """Return how many scripted replies nobody has asked for yet."""
        with self._lock:
            return len(self._script)

    def next_reply(self) -> ReplyT | None:
        """Take the next scripted reply; None when there is none left."""
        with self._lock:
            return self._script.pop(0) if self._script else None

    def forget(self) -> None:
        """Drop the scripted replies that nobody has asked for."""
        with self._lock:
            self._script.clear()

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """Return the bodies of the requests whose path ends in `path`, in order."""
        return [request.body for request in self.requests if request.path.endswith(path)]

    @property
    def url(self) -> str:
        """Return `http://127.0.0.1:PORT`."""
        if self._server is None:
            raise RuntimeError("the double is not running; use it in a with block")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        double: HttpDouble[Any] = self

        class Handler(_Handler):
            owner = double

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_LOOK,), daemon=True)
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

    def note_request(self, request: Received) -> None:
        """Keep a request in the log."""
        with self._lock:
            self.requests.append(request)

    def note_sent(self, request: Received) -> None:
        """Called when the whole answer to `request` is on its way; a double that measures overrides it."""

    def note_hung_up(self) -> None:
        """Count a client that went away before its answer was complete."""
        with self._lock:
            self.hung_up += 1
        self._gone.set()

    def saw_client_go(self, *, within: float) -> bool:
        """Wait until a client has gone away before its answer was complete, at most `within` seconds."""
        return self._gone.wait(within)

    def pause(self, seconds: float, client: socket.socket) -> None:
        """Wait, but not longer than the double lives or the client stays.

        Raises:
            ConnectionResetError: the client went away.
        """
        for _ in range(int(min(seconds, _LONGEST_DELAY) / _LOOK)):
            if self._stopping.wait(_LOOK):
                return
            if select.select([client], [], [], 0)[0] and not client.recv(1, socket.MSG_PEEK):
                raise ConnectionResetError("the client went away")


class _Handler(BaseHTTPRequestHandler):
    owner: HttpDouble[Any]
    protocol_version = "HTTP/1.1"
    timeout = 10
    disable_nagle_algorithm = True  # else each small piece waits 40 ms for the one before it

    def handle(self) -> None:
        """Serve one connection; a client may close it at any time."""
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        request = self._received()
        if request is None:
            self._send(Answer(data=b"request body too large", status=413, kind="text/plain"))
            return
        self.owner.note_request(request)
        answer = self.owner.answer(request)
        try:
            self.owner.pause(answer.delay, self.connection)
            if answer.pieces is None:
                self._send(answer)
            else:
                self._stream(answer, answer.pieces)
            self.owner.note_sent(request)
        except (BrokenPipeError, ConnectionResetError):
            self.owner.note_hung_up()
            self.close_connection = True

    def _received(self) -> Received | None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LARGEST_BODY:
            self.close_connection = True
            return None
        data = self.rfile.read(length)
        parts = urlsplit(self.path)
        return Received(
            method=self.command,
            path=parts.path,
            query=parts.query,
            headers={name.lower(): value for name, value in self.headers.items()},
            data=data,
            body=_object(data),
        )

    def _head(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        for name, value in answer.headers.items():
            self.send_header(name, value)

    def _send(self, answer: Answer) -> None:
        self._head(answer)
        self.send_header("Content-Length", str(len(answer.data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.data)

    def _stream(self, answer: Answer, pieces: tuple[bytes, ...]) -> None:
        self._head(answer)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
        self.owner.pause(answer.stall, self.connection)
        if answer.dropped:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: `requests` is the log."""


def _object(data: bytes) -> dict[str, Any]:
    try:
        value: Any = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
