"""The events of one streamed message of Claude, collected into its content blocks as they came."""

from collections.abc import Collection, Sequence

from pydantic import JsonValue

from runner.models.calls import CUT, RawCall, decode, number_calls, read_arguments
from runner.models.claude_wire import Block, wire_id
from runner.models.hosted import Speech
from schemas.message import ToolCall, Usage

__all__ = ["STATUS_OF", "ClaudeEvents", "GivenUp", "calls_of"]

STATUS_OF = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The HTTP status that stands for an error's type: an error in mid-stream has none."""

_APPENDED = {"text_delta": "text", "thinking_delta": "thinking"}
_ENDS_AT_A_LIMIT = frozenset(["max_tokens", "model_context_window_exceeded"])
_LARGEST_COUNT = 1_000_000_000


class GivenUp(Exception):
    """An error event: the provider gave the reply up."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class ClaudeEvents:
    """One message as its events arrive."""

    def __init__(self, speech: Speech) -> None:
        self._speech = speech
        self._blocks: dict[int, Block] = {}
        self._inputs: dict[int, list[str]] = {}
        self._counts: dict[str, int] = {}
        self.stop = ""
        """Why it ended: end_turn, tool_use, max_tokens, pause_turn, refusal, ..."""
        self.declined = ""
        """What a refusal says of itself."""
        self.done = False
        """Whether the last event has come."""

    def take(self, data: str) -> None:
        """Take the data of one event; kinds that are not known yet are passed over.

        Raises:
            GivenUp: it is an error.
            ValueError: it is not JSON.
            ModelError: the reply is longer than any model's.
        """
        event = _fields(decode(data).value)
        kind = event.get("type")
        if kind == "content_block_delta":
            self._delta(_index(event), _fields(event.get("delta")))
        elif kind == "content_block_start":
            self._start(_index(event), _fields(event.get("content_block")))
        elif kind == "message_start":
            self._count(_fields(_fields(event.get("message")).get("usage")))
        elif kind == "message_delta":
            self._end(event)
        elif kind == "message_stop":
            self.done = True
        elif kind == "error" or (not kind and "error" in event):
            told = _fields(event.get("error"))
            raise GivenUp(STATUS_OF.get(_string(told, "type"), 500), _string(told, "message") or "no reason")

    def _start(self, index: int, block: Block) -> None:
        self._blocks[index] = dict(block)
        self._inputs[index] = []
        if block.get("type") == "text":
            self._speech.feed(_string(block, "text"))
        else:
            self._speech.count(str(block))

    def _delta(self, index: int, delta: Block) -> None:
        block = self._blocks.setdefault(index, {"type": "text", "text": ""})
        kind = _string(delta, "type")
        if kind in _APPENDED:
            name = _APPENDED[kind]
            piece = _string(delta, name)
            block[name] = _string(block, name) + piece
            if kind == "text_delta":
                self._speech.feed(piece)
            else:
                self._speech.count(piece)
        elif kind == "input_json_delta":
            piece = _string(delta, "partial_json")
            self._speech.count(piece)
            self._inputs.setdefault(index, []).append(piece)
        elif kind == "signature_delta":
            self._speech.count(_string(delta, "signature"))
            block["signature"] = _string(delta, "signature")
        elif kind == "citations_delta":
            cited = block.get("citations")
            self._speech.count(str(delta))
            block["citations"] = [*(cited if isinstance(cited, list) else []), delta.get("citation")]

    def _end(self, event: Block) -> None:
        delta = _fields(event.get("delta"))
        self._count(_fields(event.get("usage")))
        self.stop = _string(delta, "stop_reason") or self.stop
        details = _fields(delta.get("stop_details"))
        category = _string(details, "category")
        self.declined = _string(details, "explanation") or (
            f"Claude declined to answer ({category})." if category else ""
        )

    def _count(self, usage: Block) -> None:
        told = {**usage, **_fields(usage.get("output_tokens_details"))}
        for name, count in told.items():
            if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < _LARGEST_COUNT:
                self._counts[name] = count

    @property
    def cut_off(self) -> bool:
        """Whether the message ended at a limit of tokens."""
        return self.stop in _ENDS_AT_A_LIMIT

    @property
    def usage(self) -> Usage:
        """The tokens: what was read includes what came from the cache and what went into it."""
        count = self._counts.get
        read, answered = count("cache_read_input_tokens", 0), count("output_tokens", 0)
        return Usage(
            prompt_tokens=count("input_tokens", 0) + read + self.written_tokens,
            answer_tokens=answered,
            cached_tokens=read,
            thinking_tokens=min(answered, count("thinking_tokens", 0)),
        )

    @property
    def written_tokens(self) -> int:
        """The tokens that went into the cache."""
        return self._counts.get("cache_creation_input_tokens", 0)

    def blocks(self) -> list[Block]:
        """Return the content, a call's input as it was written: a string where it is no JSON object."""
        made: list[Block] = []
        for index in sorted(self._blocks):
            block = dict(self._blocks[index])
            written = "".join(self._inputs.get(index, ()))
            if block.get("type") in ("tool_use", "server_tool_use") and written.strip():
                values, problem = read_arguments(written)
                block["input"] = written if problem else dict[str, JsonValue](values)
            made.append(block)
        return made


def calls_of(blocks: Sequence[Block], used: Collection[str], *, first: int, cut_off: bool) -> tuple[ToolCall, ...]:
    """Return the calls in `blocks`, and make the blocks fit to be sent back: an id each of its own, input an object.

    An id that is missing, or that is in `used`, is replaced by `call_N`, counted from `first`.
    """
    asked = [block for block in blocks if block.get("type") == "tool_use"]
    taken = set(used)
    calls: list[ToolCall] = []
    for number, block in enumerate(asked, start=first):
        name = _string(block, "name")
        call = number_calls([RawCall(name or "unreadable", block.get("input"))], first=number)[0]
        given = _string(block, "id")
        fresh = given if given and given == wire_id(given) and given not in taken else call.id
        taken.add(fresh)
        problem = call.problem or ("" if name else "the call has no name")
        if cut_off and block is blocks[-1]:
            problem = CUT
        block.update({"id": fresh, "name": call.name, "input": {} if problem else dict[str, JsonValue](call.arguments)})
        calls.append(call.model_copy(update={"id": fresh, "problem": problem}))
    return tuple(calls)


def _fields(value: JsonValue) -> Block:
    return value if isinstance(value, dict) else {}


def _string(fields: Block, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _index(event: Block) -> int:
    value = event.get("index")
    return value if isinstance(value, int) else 0
