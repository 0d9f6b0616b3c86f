"""Models of Google, and of whatever else speaks generateContent, through the official client.

The client makes the request, waits and asks again; calls are never run by it. Parts are kept as they came, each with
its signature, and go back unchanged. A temperature is sent only when one is asked for: newer models loop at low ones.
"""

import json
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from runner.errors import ModelError
from runner.models.bounds import Spending
from runner.models.calls import call_number
from runner.models.gemini_stream import CUT_OFF, DECLINED, UNREADABLE_ENDS, GeminiChunks
from runner.models.gemini_wire import BY, Told, offer, takes_pictures_in_results, tell
from runner.models.hosted import MAX_TOKENS, RETRIES, Asked, HostedModel, Said, Speech, counted
from runner.models.keys import need_key
from runner.models.provider_http import CONNECT_SECONDS, QUIET_SECONDS, client_options
from runner.models.turn import UNREADABLE
from schemas.message import Message

if TYPE_CHECKING:
    import httpx2
    from google import genai
    from google.genai import types

__all__ = ["GeminiModel"]

_URL = "https://generativelanguage.googleapis.com"
_LONGEST_WAIT = 30.0


class GeminiModel(HostedModel):
    """A model behind generateContent.

    `key` and `url` as in GEMINI_API_KEY and GOOGLE_GEMINI_BASE_URL where empty. `max_tokens` bounds one reply,
    thinking too; `thinking` asks for thoughts that can be read; `quiet` is the longest silence and `first_wait` the
    wait before the first retry, in seconds.
    """

    provider = BY
    url_variable = "GOOGLE_GEMINI_BASE_URL"

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
        first_wait: float = 1.0,
    ) -> None:
        super().__init__(name, url=url or os.environ.get(self.url_variable, "").strip() or _URL, spending=spending)
        self._key = key
        self._max_tokens = max_tokens
        self._temperature = temperature
        self._thinking = thinking
        self._retries = retries
        self._quiet = quiet
        self._first_wait = first_wait
        self._client: genai.Client | None = None
        self._http: httpx2.AsyncClient | None = None

    def _open(self) -> None:
        key = self._key or need_key(BY)
        import httpx2
        from google import genai
        from google.genai import types

        options = client_options(self._url)
        options["event_hooks"]["request"] = [_connect_soon]
        self._http = httpx2.AsyncClient(**options)
        retry = types.HttpRetryOptions(
            attempts=self._retries + 1,
            initial_delay=self._first_wait,
            max_delay=_LONGEST_WAIT,
            jitter=self._first_wait,
        )
        self._client = genai.Client(
            api_key=key,
            vertexai=False,
            http_options=types.HttpOptions(
                base_url=self._url,
                api_version=self._api_version(),
                timeout=int(self._quiet * 1000),
                retry_options=retry,
                httpx_async_client=self._http,
            ),
        )

    def _api_version(self) -> str | None:
        """Return the version in the path: the client's own choice at Google, else the one that proxies know."""
        chosen = self._url == _URL or bool(os.environ.get("GOOGLE_GENAI_API_VERSION", "").strip())
        return None if chosen else "v1beta"

    async def _shut(self) -> None:
        client, self._client = self._client, None
        http, self._http = self._http, None
        if client is not None:
            client.close()
        if http is not None:
            await http.aclose()

    async def _ask(self, asked: Asked) -> Said:
        told = tell(asked.messages, nested=takes_pictures_in_results(self._model))
        speech = Speech(asked.on_text)
        chunks = GeminiChunks(speech)
        try:
            await self._collect(told, asked, speech, chunks)
        except ModelError as error:
            error.usage = chunks.usage
            raise
        silent = chunks.begun and not chunks.parts  # Gemini now and then sends no candidate at all
        if not (chunks.finish or chunks.blocked or silent):
            raise counted(self._broke_off("the reply ended before it was done", speech.text), chunks.usage)
        return _said(asked, chunks, speech)

    async def _collect(self, told: Told, asked: Asked, speech: Speech, chunks: GeminiChunks) -> None:
        async with aclosing(self._arriving(told, asked, speech)) as arriving:
            async for chunk in arriving:
                try:
                    chunks.take(chunk)
                except ValueError as error:
                    raise self._broke_off(f"a chunk cannot be kept: {error}", speech.text) from None

    async def _arriving(
        self, told: Told, asked: Asked, speech: Speech
    ) -> AsyncGenerator["types.GenerateContentResponse", None]:
        """Yield the chunks; whatever goes wrong on the way here becomes a ModelError."""
        import httpx2
        from google.genai import errors

        if self._client is None:
            raise ModelError(f"{self.name} is closed; open it again")
        stream: Any = None
        try:
            models: Any = self._client.aio.models
            stream = await models.generate_content_stream(
                model=self._model, contents=_contents(told), config=self._config(told, asked)
            )
            async for chunk in stream:
                yield chunk
        except errors.APIError as error:
            raise self._refusal(error.code or 500, str(error.message or error), speech.text) from None
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise self._silence(str(error) or type(error).__name__) from None
        except (RecursionError, TypeError, AttributeError):  # out of the client, which looks at little of what comes
            raise self._broke_off("what came cannot be read", speech.text) from None
        except (httpx2.HTTPError, httpx2.StreamError, ValueError) as error:
            raise self._broke_off(f"{type(error).__name__}: {error}", speech.text) from None
        finally:
            if stream is not None:
                await stream.aclose()

    def _config(self, told: Told, asked: Asked) -> "types.GenerateContentConfig":
        from google.genai import types

        config = types.GenerateContentConfig(
            max_output_tokens=asked.max_tokens,
            system_instruction=told.system or None,
            temperature=self._temperature,
            thinking_config=types.ThinkingConfig(include_thoughts=True) if self._thinking else None,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            automatic_continuation=False,
        )
        if asked.tools:
            declared = [types.FunctionDeclaration.model_validate(one) for one in offer(asked.tools)]
            config.tools = [types.Tool(function_declarations=declared)]
            if asked.must_answer:
                calling = types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.NONE)
                config.tool_config = types.ToolConfig(function_calling_config=calling)
        return config


async def _connect_soon(request: "httpx2.Request") -> None:
    """Bound the wait for a connection: the client has one limit for everything."""
    waits: dict[str, Any] = request.extensions.get("timeout") or {}
    request.extensions = {**request.extensions, "timeout": {**waits, "connect": CONNECT_SECONDS}}


def _contents(told: Told) -> list["types.Content"]:
    from google.genai import types

    return [types.Content.model_validate_json(json.dumps(content)) for content in told.contents]


def _said(asked: Asked, chunks: GeminiChunks, speech: Speech) -> Said:
    usage, text = chunks.usage, chunks.text(thought=False)
    if chunks.finish in UNREADABLE_ENDS:
        return Said(Message(role="assistant"), usage=usage, nudge=UNREADABLE, trouble=f"ended in {chunks.finish}")
    if chunks.blocked or chunks.finish in DECLINED:
        what = f"blocked the prompt ({chunks.blocked})" if chunks.blocked else f"declined to answer ({chunks.finish})"
        told = text or f"Gemini {what}."
        if not text:
            speech.feed(told)
        return Said(Message(role="assistant", text=told), usage=usage, refused=True, note=f"refused: {what}")
    used = [call.id for message in asked.messages for call in message.calls]
    message = Message(
        role="assistant",
        text=text if text.strip() else "",
        thinking=chunks.text(thought=True),
        calls=chunks.calls(used, first=call_number(asked.messages)),
        raw=list[JsonValue](chunks.parts),
        raw_by=BY,
    )
    note = "" if chunks.finish in ("STOP", "") else f"ended by {chunks.finish}"
    trouble = f"said nothing ({note})" if note else "said nothing"
    return Said(message, usage=usage, cut_off=chunks.finish in CUT_OFF, note=note, trouble=trouble)
