"""A stand-in for Gemini's streamGenerateContent: the same chunks, errors and rules, with scripted replies.

For tests and demonstrations. Source of the format: the generateContent, function calling and thought signatures pages
of the Gemini API docs and the types of the official client. It refuses what the API refuses: no key, a call without
its result in the next turn or in another order, a call of the last turn without the signature it came with.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

from pydantic import JsonValue

from runner.models.gemini_wire import FOREIGN
from runner.models.http_double import Answer, HttpDouble, Received, ScriptedReply, json_answer, pieces_of, sse

__all__ = ["GeminiDouble", "signature_of", "stream_of"]

_PATH = re.compile(r"/v1(?:beta)?/models/([^/:]+):streamGenerateContent")
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_PICTURES = frozenset(["image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"])
_Fields = dict[str, Any]


class _Refused(Exception):
    """What the API would answer with INVALID_ARGUMENT."""


def signature_of(number: int) -> str:
    """Return the signature under the first call of the double's reply `number`, in the base64 of the wire."""
    return base64.b64encode(hashlib.sha512(f"reply {number}".encode()).digest()).decode("ascii")


def _parts(reply: ScriptedReply, number: int, first_id: int) -> Iterator[_Fields]:
    for piece in pieces_of(reply.thinking):
        yield {"text": piece, "thought": True}
    for piece in pieces_of(reply.text):
        yield {"text": piece}
    for at, (name, arguments) in enumerate(reply.calls):
        call: _Fields = {"id": f"fc{first_id + at}", "name": name, "args": arguments}
        yield {"functionCall": call} | ({} if at else {"thoughtSignature": signature_of(number)})
    if reply.thinking and reply.text and not reply.calls:
        yield {"text": "", "thoughtSignature": signature_of(number)}


def _finish(reply: ScriptedReply) -> str:
    if reply.refused:
        return "SAFETY"
    if any(isinstance(arguments, str) for _, arguments in reply.calls):
        return "MALFORMED_FUNCTION_CALL"  # what the API makes of arguments that cannot be read
    return "MAX_TOKENS" if reply.cut_off else "STOP"


def stream_of(
    reply: ScriptedReply, *, model: str = "m", number: int = 1, first_id: int = 1, tokens: int = 8, finish: str = ""
) -> tuple[bytes, ...]:
    """Return the chunks of a streamed reply; `tokens` are those of the prompt, half of them from the cache.

    `finish` is the finish reason where it is not the one that the reply has by itself. A reply that breaks off lacks
    its end.
    """
    why = finish or _finish(reply)
    parts = [] if why == "MALFORMED_FUNCTION_CALL" else list(_parts(reply, number, first_id))
    frame: _Fields = {"modelVersion": model, "responseId": "r1"}
    chunks = [
        sse({"candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}], **frame}) for part in parts
    ]
    if reply.dropped:
        return tuple(chunks)
    if reply.problem:
        error: JsonValue = {"code": 503, "message": reply.problem, "status": "UNAVAILABLE"}
        return (*chunks, sse({"error": error}))
    thought = len(pieces_of(reply.thinking))
    said = len(pieces_of(reply.text)) + 8 * len(reply.calls)
    usage: _Fields = {
        "promptTokenCount": tokens,
        "cachedContentTokenCount": tokens // 2,
        "candidatesTokenCount": said,
        "thoughtsTokenCount": thought,
        "totalTokenCount": tokens + said + thought,
    }
    return (*chunks, sse({"candidates": [{"finishReason": why, "index": 0}], "usageMetadata": usage, **frame}))


class GeminiDouble(HttpDouble[ScriptedReply]):
    """A server that has `models` and replies as scripted to who has `key`.

    Use it as a context manager; `url` is then what GOOGLE_GEMINI_BASE_URL would be. A request beyond the script gets
    status 400. Arguments that are a string end in MALFORMED_FUNCTION_CALL.
    """

    def __init__(self, models: Sequence[str] = ("m",), *, key: str = "dummy-key-of-the-double") -> None:
        super().__init__()
        self.models = tuple(models)
        self.key = key
        self._replies = 0
        self._told = 0
        self._signed: dict[str, bytes] = {}

    @property
    def chats(self) -> list[dict[str, Any]]:
        """Return the bodies of the requests for a reply, in order."""
        return self.bodies(":streamGenerateContent")

    def answer(self, request: Received) -> Answer:
        """Answer as the API does, errors included."""
        if request.headers.get("x-goog-api-key") != self.key:
            return _problem(400, "API key not valid. Please pass a valid API key.")
        found = _PATH.fullmatch(request.path)
        if found is None or request.method != "POST" or request.query != "alt=sse":
            return _problem(404, f"Not found: {request.path}")
        if found.group(1) not in self.models:
            return _problem(404, f"models/{found.group(1)} is not found for API version v1beta.")
        try:
            self._check(cast("list[_Fields]", request.body.get("contents") or []))
        except _Refused as refused:
            return _problem(400, str(refused))
        return self._say(request.body, found.group(1))

    def _say(self, body: _Fields, model: str) -> Answer:
        reply = self.next_reply() or ScriptedReply(status=400, problem="the script of the double has no more replies")
        if reply.status != 200:
            return _problem(reply.status, reply.problem, delay=reply.delay)
        self._replies += 1
        first = self._told + 1
        for at in range(len(reply.calls)):
            self._signed[f"fc{first + at}"] = b"" if at else base64.b64decode(signature_of(self._replies))
        self._told += len(reply.calls)
        tokens = len(json.dumps([body.get("contents"), body.get("tools"), body.get("systemInstruction")])) // 4
        pieces = reply.pieces or stream_of(reply, model=model, number=self._replies, first_id=first, tokens=tokens)
        return Answer(pieces=pieces, kind="text/event-stream", delay=reply.delay, dropped=reply.dropped)

    def _check(self, contents: list[_Fields]) -> None:
        if not contents or contents[0].get("role") != "user":
            raise _Refused("contents: the first turn must be the user's")
        waiting: list[_Fields] = []
        for content in contents:
            parts = cast("list[_Fields]", content.get("parts") or [])
            if not parts:
                raise _Refused("contents: parts must not be empty")
            answers = [part["functionResponse"] for part in parts if "functionResponse" in part]
            if [(call["name"], call.get("id")) for call in waiting] != [
                (one["name"], one.get("id")) for one in answers
            ]:
                raise _Refused(
                    "Please ensure that the number of function response parts is equal to the number of function call "
                    "parts of the function call turn."
                )
            waiting = [part["functionCall"] for part in parts if "functionCall" in part]
            self._check_signatures(parts)
            _check_pictures(parts, answers)
        if waiting:
            raise _Refused("Please ensure that function call turn comes before a function response turn.")

    def _check_signatures(self, parts: list[_Fields]) -> None:
        for at, part in enumerate([part for part in parts if "functionCall" in part]):
            given = base64.urlsafe_b64decode(part.get("thoughtSignature", ""))
            foreign = base64.urlsafe_b64decode(FOREIGN)
            due = self._signed.get(part["functionCall"].get("id", ""), b"" if at else foreign)
            if given not in (due, foreign):
                raise _Refused(f"Function call {part['functionCall']['name']} is missing a thought_signature.")


def _check_pictures(parts: list[_Fields], answers: list[_Fields]) -> None:
    inside = [part for answer in answers for part in answer.get("parts", ())]
    for part in [*parts, *inside]:
        blob: _Fields = part.get("inlineData") or part.get("inline_data") or {}
        kind = blob.get("mimeType") or blob.get("mime_type")
        if blob and kind not in _PICTURES:
            raise _Refused(f"Unsupported MIME type: {kind}")


def _problem(status: int, message: str, *, delay: float = 0.0) -> Answer:
    error: JsonValue = {"code": status, "message": message, "status": _STATUS.get(status, "UNKNOWN")}
    return Answer(data=json_answer({"error": error}).data, status=status, delay=delay)
