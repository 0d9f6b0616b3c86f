"""The chunks of one streamed reply of Gemini, collected into its parts as they came."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from runner.models.calls import RawCall, decode, number_calls
from runner.models.gemini_wire import Part
from runner.models.hosted import Speech
from schemas.message import ToolCall, Usage

if TYPE_CHECKING:
    from google.genai import types

__all__ = ["CUT_OFF", "DECLINED", "UNREADABLE_ENDS", "GeminiChunks"]

CUT_OFF = frozenset(["MAX_TOKENS", "CONTINUATION"])
"""Finish reasons of a reply that has not come to its end."""
UNREADABLE_ENDS = frozenset(["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"])
"""Finish reasons of a reply that is worth asking for once more."""
_FILTERS = ("SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "ESCALATION")
DECLINED = frozenset(
    (*_FILTERS, "RECITATION", "LANGUAGE", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION")
)
"""Finish reasons of a reply that was refused."""
_COUNTS = ("prompt_token_count", "tool_use_prompt_token_count", "candidates_token_count", "thoughts_token_count")
_CACHED = "cached_content_token_count"
_LARGEST_COUNT = 1_000_000_000


class GeminiChunks:
    """One reply as its chunks arrive."""

    def __init__(self, speech: Speech) -> None:
        self._speech = speech
        self._counts: dict[str, int] = {}
        self.begun = False
        """Whether anything has come."""
        self.parts: list[Part] = []
        """The content, part by part; pieces of one text that carry no signature are one part."""
        self.finish = ""
        """Why it ended: STOP, MAX_TOKENS, SAFETY, ...; empty while it goes on."""
        self.blocked = ""
        """Why the prompt was blocked."""

    def take(self, chunk: "types.GenerateContentResponse") -> None:
        """Take the next chunk.

        Raises:
            ValueError: it cannot be kept.
            ModelError: the reply is longer than any model's.
        """
        self.begun = True
        self._count(chunk)
        feedback = chunk.prompt_feedback
        if feedback is not None and feedback.block_reason is not None:
            self.blocked = str(feedback.block_reason.value)
        candidate = chunk.candidates[0] if chunk.candidates else None
        if candidate is None:
            return
        for part in (candidate.content.parts if candidate.content else None) or ():
            self._take_part(part)
        if candidate.finish_reason is not None:
            self.finish = str(candidate.finish_reason.value)

    def _take_part(self, part: "types.Part") -> None:
        written = part.model_dump_json(exclude_none=True, by_alias=True)
        value, _ = decode(written)
        self._speech.count(written)
        if not isinstance(value, dict) or value in ({}, {"text": ""}):  # some servers refuse an empty text
            return
        if part.text and not part.thought:
            self._speech.feed(str(value["text"]))
        last = self.parts[-1] if self.parts else {}
        if (
            set(value) <= {"text", "thought"}
            and set(last) == set(value)
            and last.get("thought") == value.get("thought")
        ):
            last["text"] = f"{last['text']}{value['text']}"
        else:
            self.parts.append(value)

    def _count(self, chunk: "types.GenerateContentResponse") -> None:
        for name in (*_COUNTS, _CACHED):
            count = getattr(chunk.usage_metadata, name, None)
            if isinstance(count, int) and 0 <= count < _LARGEST_COUNT:
                self._counts[name] = count

    @property
    def usage(self) -> Usage:
        """The tokens; thoughts are part of what was answered."""
        prompt, used, said, thought = (self._counts.get(name, 0) for name in _COUNTS)
        cached = min(prompt + used, self._counts.get(_CACHED, 0))
        return Usage(
            prompt_tokens=prompt + used,
            answer_tokens=said + thought,
            cached_tokens=cached,
            thinking_tokens=thought,
        )

    def text(self, *, thought: bool) -> str:
        """Return what was said, or what was thought."""
        return "".join(
            str(part["text"]) for part in self.parts if "text" in part and bool(part.get("thought")) == thought
        )

    def calls(self, used: Collection[str], *, first: int) -> tuple[ToolCall, ...]:
        """Return the calls; an id that is missing, or that is in `used`, is replaced by `call_N` from `first` on."""
        taken = set(used)
        calls: list[ToolCall] = []
        for call in (part["functionCall"] for part in self.parts if "functionCall" in part):
            fields = call if isinstance(call, dict) else {}
            name, given = str(fields.get("name") or ""), str(fields.get("id") or "")
            raw = RawCall(name or "unreadable", fields.get("args"))
            made = number_calls([raw], first=first + len(calls))[0]
            fresh = given if given and given.isprintable() and given not in taken else made.id
            taken.add(fresh)
            calls.append(made.model_copy(update={"id": fresh, "problem": made.problem or _nameless(name)}))
        return tuple(calls)


def _nameless(name: str) -> str:
    return "" if name else "the call has no name"
