"""What the adapters of hosted models share: when a reply is asked for again, what it cost, and what an error says."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import anyio
import anyio.to_thread

from runner.errors import ModelError, ModelMissing
from runner.models.bounds import Held, Spending, request_bound
from runner.models.keys import KEY_VARIABLES, keys_file
from runner.models.model import OnText, Reply, ignore_text
from runner.models.prices import Price, cost_of, load_prices
from runner.models.provider_http import check_address, is_own, quoted
from runner.models.turn import EMPTY
from schemas.message import Message, ToolSpec, Usage

__all__ = ["MAX_TOKENS", "RETRIES", "Asked", "HostedModel", "Said", "Speech", "counted", "refusal"]

MAX_TOKENS = 16_000
"""Tokens of one reply, thinking too."""
RETRIES = 3
"""How often a client asks again after 408, 409, 429, 5xx or a lost connection, waiting longer each time."""
_LONGEST_REPLY = 4 * 1024 * 1024
_BUSY = frozenset([408, 409, 425, 429])
_UNPAID = ("credit balance", "insufficient_quota", "billing details")
_TOO_LONG = ("prompt is too long", "exceed", "too many tokens", "context window", "context size", "token count")


class Said(NamedTuple):
    """One answer of a provider, in our words."""

    message: Message
    usage: Usage = Usage()
    written_tokens: int = 0
    """The part of the prompt that went into the provider's cache."""
    cut_off: bool = False
    refused: bool = False
    note: str = ""
    nudge: str = ""
    """What to tell the model when it is asked once more, where its reply was not just empty."""
    trouble: str = "said nothing"
    """What an error says of a reply without text and calls."""


class Speech:
    """The text of a reply as it arrives, passed on and bounded."""

    def __init__(self, on_text: OnText) -> None:
        self._on_text = on_text
        self._pieces: list[str] = []
        self._size = 0

    @property
    def text(self) -> str:
        """Return all of it so far."""
        return "".join(self._pieces)

    def feed(self, piece: str) -> None:
        """Take a piece of text."""
        if piece:
            self.count(piece)
            self._pieces.append(piece)
            self._on_text(piece)

    def count(self, piece: str) -> None:
        """Count what is kept of a reply beside its text.

        Raises:
            ModelError: the reply is longer than any model's.
        """
        self._size += len(piece)
        if self._size > _LONGEST_REPLY:
            raise ModelError(
                f"the reply is longer than {_LONGEST_REPLY} characters, which no model says; ask again, or see "
                "what the server is",
                partial=self.text,
            )


@dataclass(kw_only=True)
class Asked:
    """What one reply is asked for."""

    messages: Sequence[Message]
    tools: Sequence[ToolSpec]
    must_answer: bool
    on_text: OnText
    max_tokens: int = MAX_TOKENS
    """What the reply may have."""
    notes: list[str] = field(default_factory=list[str])

    def again(self, nudge: str) -> None:
        """Prepare another try, with a word to the model about the last."""
        self.messages = [*self.messages, Message(role="user", text=nudge)]
        self.notes.append("asked twice")


class HostedModel(ABC):
    """A model of a provider that takes a key. A provider's adapter writes `_open`, `_ask` and `_shut`.

    Each request is held against `spending`, if there is one.
    """

    provider = ""
    """The name before the colon of `--model provider:name`."""

    url_variable = ""
    """The environment variable that names another address."""

    def __init__(self, name: str, *, url: str, spending: Spending | None = None) -> None:
        self._model = name
        self._url = url
        self._max_tokens = MAX_TOKENS
        self._spending = spending
        self._prices: tuple[Price, ...] = ()
        self._loading = anyio.Lock()
        self._ready = False
        self._told_unpriced = False

    @property
    def name(self) -> str:
        """Return `provider:name`."""
        return f"{self.provider}:{self._model}"

    @abstractmethod
    def _open(self) -> None:
        """Make the client; called in a thread, since the import takes seconds."""

    @abstractmethod
    async def _ask(self, asked: Asked) -> Said:
        """Ask once."""

    @abstractmethod
    async def _shut(self) -> None:
        """Close the client, if there is one."""

    async def load(self) -> None:
        """Import the provider's client, and look for the key and the prices; no request is made.

        Raises:
            ConfigError: there is no key, the address is none to send it to, or the file of keys or prices is wrong.
        """
        async with self._loading:
            if not self._ready:
                check_address(self._url, self.url_variable)
                self._prices = load_prices()
                await anyio.to_thread.run_sync(self._open)
                self._ready = True

    async def reply(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        *,
        on_text: OnText = ignore_text,
        must_answer: bool = False,
    ) -> Reply:
        """Answer with text, calls, or both. An empty reply, or a call that nobody can read, is asked for once more.

        Raises:
            ConfigError: there is no key.
            ModelMissing: the provider has no such model.
            OverBudget: the request could cost more than is left to spend.
            ModelError: the provider does not answer, refused the request, broke off, or the model said nothing twice.
        """
        await self.load()
        started = time.monotonic()
        asked = Asked(messages=messages, tools=tools, must_answer=must_answer, on_text=on_text)
        usage = Usage()
        trouble = ""
        for _ in range(2):
            said = await self._try(asked, usage)
            usage = said.usage
            if said.message.text or said.message.calls or said.refused:
                return Reply(
                    message=said.message,
                    usage=usage,
                    seconds=time.monotonic() - started,
                    cut_off=said.cut_off,
                    refused=said.refused,
                    note="; ".join(note for note in (*asked.notes, said.note) if note),
                )
            if said.cut_off:
                told = f"{self.name} reached its limit of tokens before it said anything; ask for less"
                raise counted(ModelError(told), usage)
            asked.again(said.nudge or EMPTY)
            trouble = said.trouble
        told = "ask again in other words, or use another model"
        raise counted(ModelError(f"{self.name} {trouble}, twice; {told}", retryable=True), usage)

    async def _try(self, asked: Asked, before: Usage) -> Said:
        """Ask once; the usage, of an error too, is priced, with what was used before."""
        try:
            held = self._held(asked)
            said = await self._ask(asked)
        except ModelError as error:
            counted(error, before + self._priced(error.usage, asked) if error.usage.total else before)
            raise
        return said._replace(usage=before + self._paid(said, asked, held))

    def _held(self, asked: Asked) -> Held | None:
        """Set aside what the request costs at most, and bound its reply by what is left."""
        asked.max_tokens = self._max_tokens
        if self._spending is None:
            return None
        bound = request_bound(asked.messages, asked.tools)
        held = self._spending.hold(self.provider, self._model, prompt_tokens=bound, max_tokens=self._max_tokens)
        asked.max_tokens = held.max_tokens
        return held

    def _paid(self, said: Said, asked: Asked, held: Held | None) -> Usage:
        paid = self._priced(said.usage, asked, written_tokens=said.written_tokens)
        if held is not None and self._spending is not None and said.usage.total:
            self._spending.settle(held, paid.cost)
        return paid

    def _priced(self, usage: Usage, asked: Asked, *, written_tokens: int = 0) -> Usage:
        dollars, note = cost_of(
            self.provider,
            self._model,
            usage,
            written_tokens=written_tokens,
            local=is_own(self._url),
            prices=self._prices,
        )
        if note and not self._told_unpriced:
            self._told_unpriced = True
            asked.notes.append(note)
        return usage.model_copy(update={"cost": dollars})

    async def close(self) -> None:
        """Close the connection. Safe to call twice."""
        self._ready = False
        with anyio.CancelScope(shield=True):
            await self._shut()

    def _silence(self, what: str) -> ModelError:
        return ModelError(
            f"{self.provider} does not answer at {self._url} ({quoted(what)}); "
            "see whether you are online, or use a local model (--model embedded)",
            retryable=True,
        )

    def _broke_off(self, what: str, partial: str) -> ModelError:
        return ModelError(f"{self.name} broke off ({quoted(what)}); ask again", partial=partial, retryable=True)

    def _refusal(self, status: int, reason: str, partial: str = "") -> ModelError:
        return refusal(self.provider, status=status, reason=reason, model=self._model, partial=partial)


def counted(error: ModelError, usage: Usage) -> ModelError:
    """Put what was counted with an error, and return it."""
    error.usage = usage
    return error


def refusal(provider: str, *, status: int, reason: str, model: str, partial: str = "") -> ModelError:
    """Return the error for a request that a provider answered with an HTTP status, or gave up in mid-stream."""
    said = quoted(reason)
    lower = reason.lower()
    if status in (401, 403) or "api key" in lower:
        told = f"set {KEY_VARIABLES[provider][0]} or the key in {keys_file()} to one that may use {model}"
        return ModelError(f"{provider} refused the key ({said}); {told}")
    if status == 404:
        return ModelMissing(f"{provider} has no model {model!r} ({said}); name another, --model {provider}:NAME")
    if status == 402 or any(part in lower for part in _UNPAID):
        told = "see the billing page of the account, or use another model"
        return ModelError(f"{provider} wants to be paid ({said}); {told}")
    if status in (400, 413) and any(part in lower for part in _TOO_LONG):
        return ModelError(f"the conversation is too long for {provider}:{model} ({said}); shorten it, or ask anew")
    if status in _BUSY or status >= 500:
        told = "ask again later, or use another model"
        return ModelError(
            f"{provider} is busy or in trouble ({status}: {said}); {told}", partial=partial, retryable=True
        )
    if 300 <= status < 400:
        return ModelError(
            f"{provider} answered with a redirect ({status}), which no key follows; set its final address"
        )
    return ModelError(f"{provider} refused the request with {status}: {said}; change what it names, or the model")
