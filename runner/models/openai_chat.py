"""The HTTP side of OpenAI-compatible servers, through the official client: one chat as a stream, and the models there.

The client retries what may pass (429, 5xx, no connection, no answer in time), waits as Retry-After says, and keeps the
key. Here are where the server is, bounds on what it sends, and errors that name the next step.
"""

import contextlib
import json
import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit

import anyio
from pydantic import JsonValue

from runner.errors import ConfigError, ModelError, ModelMissing
from runner.models.calls import tidy
from runner.models.keys import key_for, need_key
from runner.models.openai_stream import Collected
from runner.models.provider_http import CONNECT_SECONDS, client_options, is_own, quoted
from runner.models.turn import ChatRefused, Heard, Waits
from servers.machine.wire import clean, shorten

if TYPE_CHECKING:
    import httpx2
    import openai

__all__ = ["OPENAI_URL", "Place", "Server", "server_place"]

OPENAI_URL = "https://api.openai.com/v1"
RETRIES = 2
"""How often the client asks again."""
_LIST_SECONDS = 5.0
_REST_SECONDS = 0.1
"""How long a server may take to close a reply that it has said is over; then its connection is given up."""
_MODELS_SHOWN = 8
_MODELS_READ = 1000
_TOO_LONG = re.compile(
    r"context.{0,60}(length|size|window)|exceed.{0,60}context|too many tokens|prompt is too long", re.I
)
_DECLINED = re.compile(r"content management policy|flagged|moderation", re.I)
_UNABLE = re.compile(r"support.{0,60}(tool|image)|(tool|image).{0,60}support", re.I)
"""What a 404 is about when it is not the model that is missing: a router finds no provider that can do it."""


class Place(NamedTuple):
    """Where a server is."""

    url: str
    shown: str
    """The address without a name and password that may be in it."""
    is_own: bool
    """On this machine or in the user's own network."""


def server_place(url: str = "") -> Place:
    """Return where the server is: `url`, else OPENAI_BASE_URL, else OpenAI's own. `/v1` is added to a bare address.

    Raises:
        ConfigError: it is not an address.
    """
    given = (url or os.environ.get("OPENAI_BASE_URL", "")).strip() or OPENAI_URL
    advice = "write it as http://127.0.0.1:1234/v1"
    if not given.isprintable() or " " in given or not given.startswith(("http://", "https://")):
        raise ConfigError(f"OPENAI_BASE_URL is {shorten(clean(given), 80)!r}, which is no address; {advice}")
    try:
        parts = urlsplit(given)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ConfigError(f"OPENAI_BASE_URL is no address ({error}); {advice}") from error
    if not host or parts.query or parts.fragment:
        raise ConfigError(f"OPENAI_BASE_URL names no server, or has more than a path; {advice}")
    named = f"[{host}]" if ":" in host else host
    path = parts.path.rstrip("/") or "/v1"
    shown = f"{parts.scheme}://{named}{f':{port}' if port else ''}{path}"
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return Place(shown.replace("://", f"://{user}", 1), shown, is_own(shown))


class Server:
    """A server, reached on first use."""

    def __init__(self, place: Place, *, waits: Waits, retries: int = RETRIES) -> None:
        self.place = place
        self._waits = waits
        self._retries = retries
        self._client: openai.AsyncOpenAI | None = None
        self._options: openai.RequestOptions = {}

    def open(self) -> "openai.AsyncOpenAI":
        """Make the client ready, and return it; the SDK takes half a second to import.

        Raises:
            ConfigError: OpenAI's own server without a key, or a key that would travel in clear.
        """
        if self._client is not None:
            return self._client
        key = need_key("openai") if self.place.url == OPENAI_URL else key_for("openai")
        if key and not self.place.is_own and self.place.url.startswith("http://"):
            raise ConfigError(f"the key would travel in clear to {self.place.shown}; use an https:// address")
        self._client = _client(self.place, key, self._waits, self._retries)
        self._options = _options(key)
        return self._client

    async def close(self) -> None:
        """Close the connection. Safe to call twice."""
        client, self._client = self._client, None
        if client is not None:
            with anyio.CancelScope(shield=True):
                await client.close()

    async def chat(self, body: Mapping[str, JsonValue], on_piece: Callable[[str], None]) -> Heard:
        """Post a chat and collect its reply; `on_piece` gets the text as it arrives.

        Raises:
            ChatRefused: the server said no, or gave up in mid-stream.
            ModelMissing: it has no such model; the text lists those it has.
            ModelError: it does not answer, fell silent, or broke off; `partial` holds the text so far.
        """
        reply = Collected(on_piece)
        try:
            await self._listen(body, reply)
        except ModelError as error:
            error.usage = reply.usage
            raise
        return reply.heard()

    async def _listen(self, body: Mapping[str, JsonValue], reply: Collected) -> None:
        import httpx2
        import openai

        try:
            await self._exchange(body, reply)
        except openai.APIStatusError as error:
            raise await self._refusal(error, str(body.get("model", ""))) from None
        except openai.APIConnectionError as error:
            if _never_connected(error):
                raise self._silence() from None
            late = isinstance(error, openai.APITimeoutError)
            raise self._broke_off("did not answer in time" if late else "closed the connection", reply.text) from None
        except TimeoutError:
            raise self._broke_off("fell silent", reply.text) from None
        except httpx2.TimeoutException:
            raise self._broke_off("did not answer in time", reply.text) from None
        except httpx2.RequestError:
            raise self._broke_off("closed the connection", reply.text) from None
        except (ValueError, RecursionError):
            raise self._broke_off("sent what is not JSON", reply.text) from None
        if not (reply.done or reply.full):
            raise self._broke_off("ended the reply before it was done", reply.text)

    async def _exchange(self, body: Mapping[str, JsonValue], reply: Collected) -> None:
        import httpx2
        import openai

        posted = await self.open().post(
            f"{self.place.url}/chat/completions",  # whole: a part of it would be parsed three times
            cast_to=httpx2.Response,
            body=body,
            options=self._options,
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )
        response = cast("httpx2.Response", posted)  # since that is what `cast_to` asks for
        try:
            await self._read(response, reply)
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()

    async def _read(self, response: "httpx2.Response", reply: Collected) -> None:
        """Read a response to its end, so that the connection serves again and nothing is left to be cleared away."""
        import httpx2

        events = aiter(httpx2.EventSource(response, max_event_size=None))  # the body is bounded as a whole
        with anyio.fail_after(self._waits.first) as wait:
            if response.headers.get("content-type", "").startswith("application/json"):  # an error, or all
                reply.take(json.loads(await response.aread()))
                return
            response.headers["content-type"] = "text/event-stream"  # some servers call it something else
            async for event in events:
                if event.data.startswith("[DONE]"):
                    break
                reply.take(json.loads(event.data))
                if reply.full:
                    return
                wait.deadline = anyio.current_time() + self._waits.quiet
        with contextlib.suppress(httpx2.RequestError), anyio.move_on_after(_REST_SECONDS):
            async for _ in events:  # what is over stays whole, whatever comes of the connection
                pass

    async def models(self) -> tuple[str, ...]:
        """Return the names of the models that the server says it has; none where it does not say, within 5 seconds."""
        import openai

        client = self.open().with_options(max_retries=0)
        try:
            with anyio.move_on_after(_LIST_SECONDS):
                listed = tidy(await client.get("/models", cast_to=object, options=self._options))
                data = listed.get("data") if isinstance(listed, dict) else None
                items = data[:_MODELS_READ] if isinstance(data, list) else []
                names = [item.get("id") for item in items if isinstance(item, dict)]
                return tuple(shorten(clean(name), 200) for name in names if isinstance(name, str) and name)
        except (openai.OpenAIError, ValueError, RecursionError):
            return ()
        return ()

    def _silence(self) -> ModelError:
        return ModelError(
            f"no server answers at {self.place.shown}; start it (LM Studio: `lms server start`, "
            "llama.cpp: `llama-server -m FILE`), or set OPENAI_BASE_URL",
            retryable=True,
        )

    def _broke_off(self, what: str, partial: str) -> ModelError:
        return ModelError(
            f"the server at {self.place.shown} {what}; see whether it still runs, then ask again",
            partial=partial,
            retryable=True,
        )

    async def _refusal(self, error: "openai.APIStatusError", model: str) -> ModelError:
        status, reason = error.status_code, _reason(error)
        where = self.place.shown
        if status in (400, 403) and (error.code == "content_filter" or _DECLINED.search(reason)):
            told = f"{where} declines to answer this ({reason}); ask in other words, or use another model"
            return ChatRefused(told, reason=reason, declined=True)
        if status in (401, 403):
            told = f"{where} refused the key ({status}: {reason}); set OPENAI_API_KEY to one that it knows"
        elif status == 404 and not _UNABLE.search(reason):
            return await self._missing(model, reason)
        elif _TOO_LONG.search(reason):
            told = f"the conversation is longer than the context of {model} ({reason}); shorten it, or start anew"
        elif status == 402 or error.code == "insufficient_quota":
            told = f"{where} wants to be paid ({reason}); add credit to the account, or use another model or server"
        elif status == 429:
            told = f"{where} takes no more requests now ({reason}); ask again later, or see the limits of the account"
        elif status >= 500:
            told = f"{where} failed with {status}: {reason}; ask again, or see its log"
        else:
            told = f"{where} refused the chat with {status}: {reason}; use another model or server"
        return ChatRefused(told, reason=reason, retryable=status in (408, 409, 429) or status >= 500)

    async def _missing(self, model: str, reason: str) -> ModelError:
        there = await self.models()
        if not there:
            return ModelMissing(
                f"{self.place.shown} has no chat for {model!r} ({reason}); "
                "see whether OPENAI_BASE_URL ends in /v1 and the model is loaded"
            )
        more = f" and {len(there) - _MODELS_SHOWN} more" if len(there) > _MODELS_SHOWN else ""
        names = ", ".join(there[:_MODELS_SHOWN])
        return ModelMissing(f"{self.place.shown} has no model {model!r}; use --model openai:NAME with {names}{more}")


def _client(place: Place, key: str, waits: Waits, retries: int) -> "openai.AsyncOpenAI":
    import httpx2
    import openai

    timeout = httpx2.Timeout(CONNECT_SECONDS, read=waits.first, write=60.0)
    return openai.AsyncOpenAI(
        api_key=key or "none",
        base_url=place.url,
        timeout=timeout,
        max_retries=retries,
        http_client=httpx2.AsyncClient(timeout=timeout, **client_options(place.url)),
    )


def _options(key: str) -> "openai.RequestOptions":
    """Return what each request is sent with: where there is no key, no made-up one either."""
    import openai

    return {} if key else {"headers": {"Authorization": openai.Omit()}}


def _never_connected(error: Exception) -> bool:
    import httpx2

    return isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)


def _reason(error: "openai.APIError") -> str:
    """Return what an error's body says, in one line."""
    body = _fields(error.body)
    plain = error.body if isinstance(error.body, str) and not error.body.lstrip().startswith("<") else ""
    told = body.get("message") or body.get("detail") or body.get("error") or plain
    return quoted(str(told or error.message))


def _fields(body: object) -> dict[str, Any]:
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {}
