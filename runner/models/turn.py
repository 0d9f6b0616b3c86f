"""One turn of a model that is asked over a wire: what is asked, what was heard, and what is tried when it fails.

The adapters of Ollama and of OpenAI-compatible servers share it, because the same models run behind both: they print
calls as text, think and say nothing, write JSON that their server cannot read, or have no native tools at all.
"""

import contextlib
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import JsonValue

from runner.errors import ModelError
from runner.models.action import AnswerText, parse_action
from runner.models.calls import RawCall, call_number, number_calls
from runner.models.model import OnText, Reply, ignore_text
from runner.models.printed import find_printed_calls, may_become_calls
from schemas.message import Image, Message, ToolCall, ToolSpec, Usage

__all__ = [
    "EMPTY",
    "UNREADABLE",
    "WARMER",
    "AskedModel",
    "ChatRefused",
    "Heard",
    "Turn",
    "Voice",
    "Waits",
    "pictures_apart",
]

EMPTY = "Your reply was empty. Call a tool, or answer the question."
UNREADABLE = "Your tool call was not valid JSON. Send it again as valid JSON, with short arguments."
WARMER = 0.3
"""What is added to the temperature when a turn is tried again."""
_THINK = "<think>"
_THOUGHT_END = re.compile(r"(?<![`\"'])</think>[ \t]*(?:\r?\n|$)")
_CHARACTERS_PER_TOKEN = 5
_WORTH_A_NOTE = 512
_CUT_OFF = "ended at the limit of tokens"
_ABOVE = "The pictures of the results above:"


class ChatRefused(ModelError):
    """The server refused a chat, or gave it up in mid-stream; `reason` is what it said."""

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        partial: str = "",
        retryable: bool = False,
        busy: bool = False,
        declined: bool = False,
    ) -> None:
        super().__init__(message, partial=partial, retryable=retryable)
        self.reason = reason
        self.busy = busy
        """Nothing was begun, and it may go better after a pause."""
        self.declined = declined
        """What was asked is not answered there, whoever asks."""


class Waits(NamedTuple):
    """How many seconds to wait: for the first chunk (the model may have to be loaded first), and between chunks."""

    first: float = 600.0
    quiet: float = 120.0


class Heard(NamedTuple):
    """One reply, collected over all its chunks."""

    text: str = ""
    thinking: str = ""
    calls: tuple[RawCall, ...] = ()
    ids: tuple[str, ...] = ()
    """The ids of the calls; empty strings where the server sent none."""
    cut_off: bool = False
    refused: bool = False
    usage: Usage = Usage()
    raw: JsonValue = None
    """What has to go back to the provider word for word."""
    note: str = ""


class _Understood(NamedTuple):
    message: Message
    note: str


class Voice:
    """Passes text on as it arrives, and holds back what may turn out to be a call or a thought."""

    def __init__(self, on_text: OnText, *, constrained: bool, calls_allowed: bool) -> None:
        self._on_text = on_text
        self._answer = AnswerText() if constrained else None
        self._calls_allowed = calls_allowed
        self._held = ""
        self.constrained = constrained
        self.told = False
        """Whether anything has been passed on."""

    def feed(self, piece: str) -> None:
        """Take the next piece."""
        if self._answer is not None:
            self._tell(self._answer.feed(piece))
        elif self.told:
            self._tell(piece)
        else:
            self._held += piece
            if not self._holds():
                self._tell(self._held)

    def _holds(self) -> bool:
        head = self._held.lstrip()[: len(_THINK)]
        return _THINK.startswith(head) or (self._calls_allowed and may_become_calls(self._held))

    def _tell(self, text: str) -> None:
        if text:
            self.told = True
            self._on_text(text)


@dataclass(kw_only=True)
class Turn:
    """What one reply is asked for, and what has gone wrong with it so far."""

    messages: Sequence[Message]
    tools: Sequence[ToolSpec]
    must_answer: bool
    on_text: OnText
    nudge: str = ""
    """A word to the model about its last try."""
    troubles: int = 0
    waited: int = 0
    """How often a busy server was given a pause."""
    usage: Usage = Usage()
    notes: list[str] = field(default_factory=list[str])
    _voice: Voice | None = None

    def voice(self, *, constrained: bool) -> Voice:
        """Return what a new try's text goes through; `constrained`: the reply is action JSON."""
        self._voice = Voice(self.on_text, constrained=constrained, calls_allowed=self.calls_allowed)
        return self._voice

    def tell(self, text: str) -> None:
        """Pass on a text that was held back to its end and turned out to be one."""
        if text and (self._voice is None or not self._voice.told):
            self.on_text(text)

    @contextlib.contextmanager
    def keeping_what_was_said(self) -> Generator[None]:
        """Leave of a reply that breaks off what the user is to see: its text, without action JSON and thoughts."""
        try:
            yield
        except ModelError as error:
            acted = self._voice is not None and self._voice.constrained
            raw = error.partial
            error.partial = AnswerText().feed(raw) if acted else _without_thinking(Heard(text=raw)).text
            error.usage += self.usage
            raise

    @property
    def calls_allowed(self) -> bool:
        """Whether a tool may be called now."""
        return bool(self.tools) and not self.must_answer

    @property
    def names(self) -> frozenset[str]:
        """The names of the tools."""
        return frozenset(tool.name for tool in self.tools)

    def unread(self, read: int) -> str:
        """Say so when a server counted far fewer tokens than were sent: some cut a long prompt in silence.

        Pictures are left out of the estimate, of five characters a token.
        """
        if read <= 0:
            return ""
        texts = sum(len(message.text) for message in self.messages)
        calls = sum(len(str(call.arguments)) for message in self.messages for call in message.calls)
        tools = [len(tool.description) + len(str(tool.parameters)) for tool in self.tools] if self.calls_allowed else []
        sent = (texts + calls + sum(tools)) // _CHARACTERS_PER_TOKEN
        if read >= sent / 2 or sent < _WORTH_A_NOTE:
            return ""
        return f"read {read} of about {sent} tokens: the prompt was cut"

    @property
    def has_calls(self) -> bool:
        """Whether tools are on offer, or the conversation holds calls."""
        return bool(self.tools) or any(message.calls for message in self.messages)


class AskedModel(ABC):
    """A model whose reply is one request, or a few when something went wrong with the first.

    A provider's adapter derives from it and writes `_ask`. `_provider` marks the blocks that go back word for word.
    """

    _provider = ""

    def __init__(self) -> None:
        self._native = True
        """Calls are the server's own; else action JSON."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Return `provider:name`."""

    @abstractmethod
    async def load(self) -> None:
        """Get ready."""

    @abstractmethod
    async def _ask(self, turn: Turn) -> Heard | None:
        """Ask once; None when what went wrong has been taken care of and the turn can be tried again."""

    async def reply(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        *,
        on_text: OnText = ignore_text,
        must_answer: bool = False,
    ) -> Reply:
        """Answer with text, calls, or both.

        An empty reply (a model that only thinks), or a call that the server could not read, is asked for once more,
        a little warmer and with a word of what was wrong. If that fails too, a model with native tools changes to
        action JSON for good; where that is no way out, it is a ModelError.

        Raises:
            ModelMissing: the server has no such model.
            ModelError: no server answers, it refused, broke off, or the model said nothing twice.
        """
        await self.load()
        started = time.monotonic()
        turn = Turn(messages=messages, tools=tools, must_answer=must_answer, on_text=on_text)
        with turn.keeping_what_was_said():
            while True:
                heard = await self._ask(turn)
                if heard is None:
                    continue
                turn.usage += heard.usage
                message, note = self._understand(heard, turn)
                turn.tell(message.text)
                if message.text or message.calls or heard.refused:
                    notes = (*turn.notes, heard.note or (_CUT_OFF if heard.cut_off else ""), note)
                    return Reply(
                        message=message,
                        usage=turn.usage,
                        seconds=time.monotonic() - started,
                        cut_off=heard.cut_off,
                        refused=heard.refused,
                        note="; ".join(part for part in notes if part),
                    )
                self._take_trouble(turn, self._silence(heard), nudge=EMPTY)

    def _silence(self, heard: Heard) -> ModelError:
        nothing = "only thought" if heard.thinking else "said nothing"
        return ModelError(
            f"{self.name} {nothing}, twice; ask again in other words, or use another model", retryable=True
        )

    def _take_trouble(self, turn: Turn, problem: ModelError, *, nudge: str) -> None:
        """Prepare another try, or raise `problem` when all ways have been tried."""
        turn.troubles += 1
        turn.nudge = nudge
        if turn.troubles < 2:
            turn.notes.append("asked twice")
        elif self._native and turn.calls_allowed:
            self._native = False
            turn.notes.append("native tools failed twice: action JSON from now on")
        else:
            raise problem

    def _understand(self, heard: Heard, turn: Turn) -> _Understood:
        understood = self._read(heard, turn)
        if heard.raw is None:
            return understood
        kept = {"raw": heard.raw, "raw_by": self._provider}
        return understood._replace(message=understood.message.model_copy(update=kept))

    def _read(self, heard: Heard, turn: Turn) -> _Understood:
        number = call_number(turn.messages)
        text, thinking = _without_thinking(heard)
        if heard.calls:
            made = _identified(number_calls(heard.calls, first=number), heard.ids, turn.messages)
            return _Understood(Message(role="assistant", text=text, thinking=thinking, calls=made), "")
        if not self._native and turn.tools:
            message = parse_action(text, turn.tools, call_id=f"call_{number}")
            return _Understood(message.model_copy(update={"thinking": thinking}), "")
        printed = find_printed_calls(text, turn.names, first=number) if turn.calls_allowed else ()
        if printed:
            message = Message(role="assistant", thinking=thinking, calls=printed)
            return _Understood(message, "the model printed its call as text")
        return _Understood(Message(role="assistant", text=text, thinking=thinking), "")


class _Split(NamedTuple):
    text: str
    thinking: str


def _without_thinking(heard: Heard) -> _Split:
    """Split off the thinking that a template without a thinking capability leaves in the text.

    Some templates open it themselves, in the prompt: then only its end is in the text.
    """
    if not heard.text.lstrip().startswith(_THINK):
        end = _THOUGHT_END.search(heard.text)
        if end is None or _THINK in heard.text[: end.start()]:
            return _Split(heard.text, heard.thinking)
        return _Split(heard.text[end.end() :].lstrip(), heard.thinking + heard.text[: end.start()].strip())
    thought, _, rest = heard.text.lstrip().removeprefix(_THINK).partition("</think>")
    return _Split(rest.lstrip(), heard.thinking + thought.strip())


def _identified(made: tuple[ToolCall, ...], ids: tuple[str, ...], messages: Sequence[Message]) -> tuple[ToolCall, ...]:
    """Give calls the server's own ids where it sent some, each unique in the run."""
    used = {call.id for message in messages for call in message.calls}
    if not all(ids) or len({*ids, *used}) != len(ids) + len(used):
        return made
    return tuple(call.model_copy(update={"id": given}) for call, given in zip(made, ids, strict=True))


def pictures_apart(messages: Sequence[Message]) -> list[Message]:
    """Return a conversation without its examples, in which the pictures of results follow them as a user's message.

    For wire formats in which only a user can show a picture. All results of a step stay together.
    """
    told: list[Message] = []
    pictures: list[Image] = []
    for message in [*messages, None]:
        if pictures and (message is None or message.role != "tool"):
            told.append(Message(role="user", text=_ABOVE, images=tuple(pictures)))
            pictures = []
        if message is not None and not message.example:
            told.append(message)
            pictures += message.images if message.role == "tool" else ()
    return told
