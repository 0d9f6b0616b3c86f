"""Models of Anthropic, and of whatever else speaks its messages endpoint, through the official client.

The client makes the request, waits and asks again; its events are read here, so that thinking and its signature are
kept as they came. A temperature is sent only when one is asked for: newer models refuse it.
"""

import contextlib
import os
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Protocol, cast

import anyio
from pydantic import JsonValue

from runner.errors import ModelError
from runner.models.bounds import Spending
from runner.models.calls import call_number
from runner.models.claude_events import ClaudeEvents, GivenUp, calls_of
from runner.models.claude_wire import BY, Block, offer, tell
from runner.models.hosted import MAX_TOKENS, RETRIES, Asked, HostedModel, Said, Speech, counted
from runner.models.keys import need_key
from runner.models.provider_http import CONNECT_SECONDS, QUIET_SECONDS, client_options
from schemas.message import Message, Usage

if TYPE_CHECKING:
    import anthropic

__all__ = ["ClaudeModel"]

_URL = "https://api.anthropic.com"
_MOST_PAUSES = 4
_LAST_SECONDS = 0.5
_PAUSES = (0.5, 2.0)
"""Seconds before a reply that was given up at its beginning is asked for again."""
_PASSING = frozenset([429, 500, 504, 529])
"""What an error event may stand for that is worth it."""


class _Event(Protocol):
    data: str


class ClaudeModel(HostedModel):
    """A model behind the messages endpoint.

    `key` and `url` as in ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL where empty. `max_tokens` bounds one reply,
    thinking too; `thinking` asks for thinking that can be read, where the model itself would not show it;
    `quiet` is the longest silence in seconds.
    """

    provider = BY
    url_variable = "ANTHROPIC_BASE_URL"

    def __init__(
        self,
        name: str,
        *,
        key: str = "",
        url: str = "",
        max_tokens: int = MAX_TOKENS,
        temperature: float | None = None,
        thinking: bool = False,
        retries: int = RETRIES,
        quiet: float = QUIET_SECONDS,
        spending: Spending | None = None,
    ) -> None:
        super().__init__(name, url=url or os.environ.get(self.url_variable, "").strip() or _URL, spending=spending)
        self._key = key
        self._max_tokens = max_tokens
        self._temperature = temperature
        self._thinking = thinking
        self._retries = retries
        self._quiet = quiet
        self._client: anthropic.AsyncAnthropic | None = None

    def _open(self) -> None:
        key = self._key or need_key(BY)
        import anthropic

        self._client = anthropic.AsyncAnthropic(
            api_key=key,
            base_url=self._url,
            max_retries=self._retries,
            timeout=anthropic.Timeout(self._quiet, connect=CONNECT_SECONDS),
            http_client=anthropic.DefaultAsyncHttpxClient(**client_options(self._url)),
        )

    async def _shut(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _ask(self, asked: Asked) -> Said:
        told = tell(asked.messages)
        body = self._body(asked, told.system)
        speech, blocks, usage, written = Speech(asked.on_text), list[Block](), Usage(), 0
        events = ClaudeEvents(speech)
        for _ in range(1 if self._spending else _MOST_PAUSES):  # each goes on with a request of its own
            so_far: list[Block] = [{"role": "assistant", "content": list[JsonValue](blocks)}] if blocks else []
            try:
                events = await self._listen({**body, "messages": told.messages + so_far}, speech)
            except ModelError as error:
                error.usage += usage
                raise
            blocks, usage, written = (
                blocks + events.blocks(),
                usage + events.usage,
                written + events.written_tokens,
            )
            if events.stop != "pause_turn":
                break
        return _said(asked, events, blocks, speech)._replace(usage=usage, written_tokens=written)

    def _body(self, asked: Asked, system: list[Block]) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self._model, "max_tokens": asked.max_tokens, "stream": True}
        if system:
            body["system"] = system
        if asked.tools:
            body["tools"] = offer(asked.tools, cached=not system)
            if asked.must_answer:
                body["tool_choice"] = {"type": "none"}
        if self._thinking:
            body["thinking"] = {"type": "adaptive", "display": "summarized"}
        if self._temperature is not None:
            body["extra_body"] = {"temperature": self._temperature}
        return body

    async def _listen(self, body: dict[str, Any], speech: Speech) -> ClaudeEvents:
        """Return one message. Given up before it said anything, it is asked again: the client does not see that."""
        pauses = [] if self._spending else list(_PAUSES[: self._retries])
        while True:
            events = ClaudeEvents(speech)
            try:
                await self._hear(body, events, speech)
            except ModelError as error:
                error.usage = events.usage
                raise
            except GivenUp as error:
                if not pauses or error.status not in _PASSING or events.blocks():
                    raise counted(self._refusal(error.status, str(error), speech.text), events.usage) from None
                await anyio.sleep(pauses.pop(0))
            else:
                return events

    async def _hear(self, body: dict[str, Any], events: ClaudeEvents, speech: Speech) -> None:
        import anthropic
        import httpx2

        try:
            await self._exchange(body, events)
        except anthropic.APIStatusError as error:
            raise self._refusal(error.status_code, error.api_message or str(error), speech.text) from None
        except (anthropic.APIError, httpx2.HTTPError, httpx2.StreamError, ValueError) as error:
            if not speech.text and isinstance(error, anthropic.APIConnectionError):
                raise self._silence(str(error.__cause__ or error)) from None
            raise self._broke_off(f"{type(error).__name__}: {error}", speech.text) from None
        if not events.done:
            raise self._broke_off("the reply ended before it was done", speech.text)

    async def _exchange(self, body: dict[str, Any], events: ClaudeEvents) -> None:
        import anthropic

        if self._client is None:
            raise ModelError(f"{self.name} is closed; open it again")
        create: Any = self._client.messages.with_streaming_response.create
        async with create(**body) as response:
            if response.headers.get("content-type", "").startswith("application/json"):  # an error that is no stream
                events.take((await response.read()).decode("utf-8", "replace"))
            raw = anthropic.AsyncStream.raw_events(response.http_response)
            async with contextlib.aclosing(cast("AsyncGenerator[_Event, None]", raw)) as arriving:
                async for event in arriving:
                    events.take(event.data)
                    if events.done:
                        break
                with anyio.move_on_after(_LAST_SECONDS):  # the connection can be used again once it has been read
                    async for _ in arriving:
                        pass


def _said(asked: Asked, events: ClaudeEvents, blocks: list[Block], speech: Speech) -> Said:
    text = "".join(str(block.get("text", "")) for block in blocks if block.get("type") == "text")
    if events.stop == "refusal":
        told = events.declined or text or "Claude declined to answer, and does not say why."
        if told != text:
            speech.feed(f"\n\n{told}" if text else told)
        return Said(Message(role="assistant", text=told), refused=True, note="refused")
    cut_off = events.cut_off or events.stop == "pause_turn"
    used = [call.id for message in asked.messages for call in message.calls]
    calls = calls_of(blocks, used, first=call_number(asked.messages), cut_off=cut_off)
    message = Message(
        role="assistant",
        text=text if text.strip() else "",
        thinking="".join(str(block.get("thinking", "")) for block in blocks if block.get("type") == "thinking"),
        calls=calls,
        raw=list[JsonValue](blocks),
        raw_by=BY,
    )
    return Said(message, cut_off=cut_off, note=f"ended by {events.stop}" if cut_off else "")
