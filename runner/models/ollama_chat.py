"""The HTTP side of Ollama: where the daemon is, what a model can do, and one chat as a stream of JSON lines.

Chat is posted as raw JSON, because the `ollama` package rewrites tool schemas (of a property it keeps only type,
items, description and enum). What the package does faithfully (show, list, its errors) is left to it.
"""

import contextlib
import json
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
from pydantic import JsonValue

from runner.errors import ConfigError, ModelError, ModelMissing
from runner.models.calls import RawCall, decode, read_call
from runner.models.provider_http import quoted
from runner.models.turn import ChatRefused, Heard, Waits
from schemas.message import Usage

if TYPE_CHECKING:
    import httpx
    import ollama

__all__ = ["CONNECT_SECONDS", "Daemon", "daemon_url", "package_client"]

CONNECT_SECONDS = 5.0
_PORT = 11434
_SEE = "; ask again, or see its log"
_LONGEST_LINE = 16 * 1024 * 1024
_LONGEST_REPLY = 4 * 1024 * 1024


def daemon_url(host: str = "") -> str:
    """Return the address of the daemon: `host`, else OLLAMA_HOST, else 127.0.0.1:11434.

    Accepts what Ollama accepts: `host`, `host:port`, `:port`, `http://host`, a path behind it; an address that
    means "all interfaces" becomes the loopback one.

    Raises:
        ConfigError: it is not an address.
    """
    given = (host or os.environ.get("OLLAMA_HOST", "")).strip().strip("\"'").strip()
    scheme, separator, rest = given.partition("://")
    if not separator:
        scheme, rest = "http", given
    if not rest.isprintable() or " " in rest or scheme not in ("http", "https"):
        raise ConfigError(f"OLLAMA_HOST is {given[:80]!r}, which is no address; write it as host:port")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"OLLAMA_HOST is {given[:80]!r} ({error}); write it as host:port") from error
    if port is None:
        port = {"http": 80, "https": 443}[scheme] if separator else _PORT
    name = parts.hostname or "127.0.0.1"
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)
    return f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}{parts.path.rstrip('/')}"


def _transport(url: str) -> dict[str, Any]:
    """Return what a client needs for `url`: certificates only for https, no proxy on this machine."""
    local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    return {"verify": url.startswith("https://"), "trust_env": not local}


def package_client(url: str, *, seconds: float) -> "ollama.AsyncClient":
    """Return the `ollama` package's client for a daemon, to be closed by the caller."""
    import httpx
    import ollama

    timeout = httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))
    return ollama.AsyncClient(host=url, timeout=timeout, **_transport(url))


class Daemon:
    """An Ollama daemon, reached on first use."""

    def __init__(self, url: str, *, waits: Waits) -> None:
        self.url = url
        self._waits = waits
        self._client: httpx.AsyncClient | None = None

    def _open(self) -> "httpx.AsyncClient":
        if self._client is None:
            import httpx

            key = os.environ.get("OLLAMA_API_KEY", "").strip()
            self._client = httpx.AsyncClient(
                base_url=self.url,
                headers={"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})},
                timeout=httpx.Timeout(CONNECT_SECONDS, read=None, write=60.0),
                **_transport(self.url),
            )
        return self._client

    async def close(self) -> None:
        """Close the connection. Safe to call twice."""
        client, self._client = self._client, None
        if client is not None:
            with anyio.CancelScope(shield=True):
                await client.aclose()

    def silence(self) -> ModelError:
        """Return the error for a daemon that does not answer at all."""
        return ModelError(
            f"no Ollama daemon answers at {self.url}; start `ollama serve`, or set OLLAMA_HOST", retryable=True
        )

    async def capabilities(self, model: str) -> tuple[str, ...] | None:
        """Return what a model can do (`tools`, `thinking`, ...); None where the daemon does not say.

        Raises:
            ModelMissing: the daemon has no such model.
            ModelError: it does not answer.
        """
        import httpx
        import ollama

        client = package_client(self.url, seconds=30.0)
        try:
            shown = await client.show(model)
        except ollama.ResponseError as error:
            if error.status_code == 404:
                raise _missing(model, error.error) from error
            return None
        except ValueError:
            return None
        except (ConnectionError, httpx.HTTPError) as error:
            raise self.silence() from error
        finally:
            await client.close()  # type: ignore[no-untyped-call]  # the package leaves it untyped
        return None if shown.capabilities is None else tuple(shown.capabilities)

    async def version(self) -> str:
        """Return the daemon's version.

        Raises:
            httpx.HTTPError, ValueError, KeyError, TypeError: it does not say.
        """
        return str((await self._open().get("/api/version")).json()["version"])

    async def chat(self, body: Mapping[str, JsonValue], on_piece: Callable[[str], None]) -> Heard:
        """Post a chat and collect its reply; `on_piece` gets the text as it arrives.

        Raises:
            ChatRefused: the daemon said no, or gave up with an error line.
            ModelMissing: it has no such model.
            ModelError: it does not answer, fell silent, or broke off; `partial` holds the text so far.
        """
        import httpx

        reply = _Collected(on_piece)
        try:
            await self._exchange(body, reply)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self.silence() from error
        except TimeoutError as error:
            raise self._broke_off("fell silent", reply.text) from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise self._broke_off(f"closed the connection ({type(error).__name__})", reply.text) from error
        if not reply.done:
            raise self._broke_off("ended the reply before it was done", reply.text)
        return reply.heard()

    def _broke_off(self, what: str, partial: str) -> ModelError:
        return ModelError(
            f"Ollama at {self.url} {what}; see whether `ollama serve` still runs, then ask again",
            partial=partial,
            retryable=True,
        )

    async def _exchange(self, body: Mapping[str, JsonValue], reply: "_Collected") -> None:
        client = self._open()
        request = client.build_request("POST", "/api/chat", content=json.dumps(body).encode("ascii"))
        with anyio.fail_after(self._waits.first):
            response = await client.send(request, stream=True)
        try:
            async with contextlib.aclosing(_lines(response)) as lines:
                wait = self._waits.first
                while True:
                    with anyio.fail_after(wait):
                        line = await anext(lines, None)
                    if line is None:
                        return
                    wait = self._waits.quiet
                    if response.status_code != 200:
                        raise _refusal(response.status_code, _reason(line), str(body.get("model", "")))
                    reply.take(line)
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()


async def _lines(response: "httpx.Response") -> AsyncGenerator[bytes, None]:
    """Split at line feeds only: a JSON string may hold the other line breaks of Unicode."""
    rest = b""
    async for data in response.aiter_bytes():
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
        if len(rest) > _LONGEST_LINE:
            raise ModelError(
                f"Ollama sent a line of more than {_LONGEST_LINE} bytes; that is no Ollama, see OLLAMA_HOST"
            )
    if rest.strip() or response.status_code != 200:
        yield rest


def _reason(line: bytes) -> str:
    """Return what an error's body says."""
    text = line.decode("utf-8", "replace").strip()
    with contextlib.suppress(ValueError):
        value = decode(text).value
        if isinstance(value, dict) and "error" in value:
            return _said(value["error"])
    return text


def _said(error: JsonValue) -> str:
    told = error.get("message") if isinstance(error, dict) else None
    return told if isinstance(told, str) else str(error)


def _missing(model: str, reason: str) -> ModelMissing:
    return ModelMissing(f"Ollama has no model {model!r} ({quoted(reason)}); run `ollama pull {model}`")


def _refusal(status: int, reason: str, model: str) -> ModelError:
    brief = quoted(reason)
    if status == 404:
        return _missing(model, reason)
    if "exceed" in reason and "context" in reason:
        told = f"the conversation is longer than the context of {model} ({brief}); raise num_ctx or shorten the prompt"
        return ChatRefused(told, reason=reason)
    if status in (401, 403):
        told = f"Ollama refused the key ({status}: {brief}); run `ollama signin`, or set OLLAMA_API_KEY to one it knows"
        return ChatRefused(told, reason=reason)
    if status in (408, 429, 503):
        return ChatRefused(f"Ollama is busy ({brief}); ask again later", reason=reason, retryable=True, busy=True)
    told = f"Ollama refused the chat with {status}: {brief}; see its log"
    passing = status >= 500 and "memory" not in reason
    return ChatRefused(told, reason=reason, retryable=passing, busy=passing)


class _Collected:
    """A reply as it arrives. Calls come in chunks that are not done, maybe over several; only the last has counts."""

    def __init__(self, on_piece: Callable[[str], None]) -> None:
        self._on_piece = on_piece
        self._pieces: list[str] = []
        self._thoughts: list[str] = []
        self._calls: list[RawCall] = []
        self._ids: list[str] = []
        self._last: dict[str, JsonValue] = {}
        self._size = 0
        self.done = False

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def take(self, line: bytes) -> None:
        try:
            value = decode(line.decode("utf-8", "replace").strip()).value
        except ValueError as error:
            raise ModelError(f"Ollama sent a line that is not JSON ({error}){_SEE}", partial=self.text) from error
        if not isinstance(value, dict):
            raise ModelError(f"Ollama sent a line that is no object{_SEE}", partial=self.text)
        if "error" in value:
            reason = _said(value["error"])
            told = f"Ollama gave the reply up: {quoted(reason)}; ask again, or see its log"
            raise ChatRefused(told, reason=reason, partial=self.text, retryable=True)
        message = value.get("message")
        if isinstance(message, dict):
            self._take_message(message)
        if value.get("done") is True:
            self.done, self._last = True, value

    def _take_message(self, message: dict[str, JsonValue]) -> None:
        content, thinking, made = message.get("content"), message.get("thinking"), message.get("tool_calls")
        if isinstance(thinking, str) and thinking:
            self._thoughts.append(thinking)
        if isinstance(content, str) and content:
            self._pieces.append(content)
            self._on_piece(content)
        for item in made if isinstance(made, list) else []:
            self._take_call(item)
        self._size += len(str(content)) + len(str(thinking)) + len(str(made))
        if self._size > _LONGEST_REPLY:
            raise ModelError(f"Ollama's reply is longer than {_LONGEST_REPLY} characters{_SEE}", partial=self.text)

    def _take_call(self, item: JsonValue) -> None:
        fields = item if isinstance(item, dict) else {}
        function = fields.get("function")
        bare = function.get("name") if isinstance(function, dict) else None
        given = fields.get("id")
        call = read_call(item)
        if call is None:
            call = RawCall(bare, {}) if isinstance(bare, str) and bare else RawCall("unreadable", "no name")
        self._calls.append(call)
        self._ids.append(given if isinstance(given, str) else "")

    def _count(self, key: str) -> int:
        value = self._last.get(key)
        return value if isinstance(value, int) and value > 0 else 0

    def heard(self) -> Heard:
        return Heard(
            text=self.text,
            thinking="".join(self._thoughts),
            calls=tuple(self._calls),
            ids=tuple(self._ids),
            cut_off=self._last.get("done_reason") == "length",
            usage=Usage(prompt_tokens=self._count("prompt_eval_count"), answer_tokens=self._count("eval_count")),
        )
