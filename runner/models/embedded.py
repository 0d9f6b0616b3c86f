"""The embedded model: llama.cpp inside this process, driven by schema-constrained action JSON.

Measured on Qwen2.5-Coder-1.5B: with native `tools` it prints its calls as text and calls again after a result; with
a JSON schema of actions 9 of 10 calls are right. So this adapter always uses actions (`runner.models.action`).
The engine listens on a loopback port of its own, with a key that only this process knows.
"""

import contextlib
import importlib
import os
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
import anyio.to_thread

from runner.errors import ModelError
from runner.models.action import AnswerText, action_messages, action_schema, parse_action
from runner.models.calls import decode
from runner.models.droning import droned
from runner.models.model import OnText, Reply, ignore_text
from runner.models.openai_stream import Collected
from runner.models.openmp import load_openmp
from runner.models.turn import ChatRefused
from runner.models.weights import verify
from schemas.message import Message, ToolSpec, Usage
from servers.machine.wire import shorten

if TYPE_CHECKING:
    import httpx

__all__ = ["NAME", "EmbeddedModel", "start_llama"]

NAME = "qwen2.5-coder-1.5b"
MAX_TOKENS = 512
"""Tokens of one reply: room for a routine of fifty lines, and an end to one that never stops."""
ANSWER_ROOM = 256
"""Tokens kept free for the reply and the chat template."""
RESULT_LIMIT = 4000
"""Characters of one tool result that the model reads."""
QUIET_SECONDS = 300.0
"""Longest silence between two pieces: reading 8,000 tokens takes about 140 s on two cores."""
_LOOKED_AT = 16
"""Every so many pieces the reply is looked at for a sentence that is said again and again."""
_DRONED = "ended where it began to repeat itself"


class _Said(NamedTuple):
    text: str
    usage: Usage
    cut_off: bool
    note: str = ""


class EmbeddedModel:
    """Qwen2.5-Coder-1.5B in this process; loads on first use, or when `load` is called."""

    def __init__(self, path: Path, *, num_ctx: int = 8192, temperature: float = 0.0) -> None:
        self._path = path
        self._num_ctx = num_ctx
        self._temperature = temperature
        self._engine: Any = None
        self._client: httpx.AsyncClient | None = None
        self._loading = anyio.Lock()
        self._replies = 0

    @property
    def name(self) -> str:
        """Return `embedded:name`."""
        return f"embedded:{NAME}"

    async def load(self) -> None:
        """Check the file and load it (about 4 s).

        Raises:
            ModelError: the file is not the pinned one, or the engine refuses it.
        """
        async with self._loading:
            if self._client is not None:
                return
            if not await anyio.to_thread.run_sync(verify, self._path, abandon_on_cancel=True):
                raise ModelError(f"{self._path} is not the pinned model (SHA-256 differs); run `afs fetch model` again")
            import httpx

            key = secrets.token_urlsafe(24)
            try:
                self._engine = await anyio.to_thread.run_sync(
                    start_llama, self._path, self._num_ctx, key, abandon_on_cancel=True
                )
            except (RuntimeError, ValueError, MemoryError) as error:
                raise ModelError(f"the engine could not load {self._path}: {error}") from error
            self._client = httpx.AsyncClient(
                base_url=self._engine.listening_address,
                headers={"Authorization": f"Bearer {key}"},
                timeout=httpx.Timeout(10.0, read=QUIET_SECONDS),
                trust_env=False,
                verify=False,
            )

    async def reply(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        *,
        on_text: OnText = ignore_text,
        must_answer: bool = False,
    ) -> Reply:
        """Answer with one action: a tool call, or the answer.

        Raises:
            ModelError: the engine could not load or broke off, or the conversation is longer than its context.
        """
        await self.load()
        started = time.monotonic()
        self._replies += 1
        schema = action_schema(tools, must_answer=must_answer, must_call=_has_looked_nothing_up(messages))
        body = {
            "model": NAME,
            "messages": action_messages([_bounded(message) for message in messages], tools),
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "action", "strict": True, "schema": schema},
            },
            "temperature": self._temperature,
            "max_tokens": MAX_TOKENS,
            "cache_prompt": True,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        said = await self._say(body, on_text)
        message = parse_action(said.text, tools, call_id=f"call_{self._replies}")
        return Reply(
            message=message,
            usage=said.usage,
            seconds=time.monotonic() - started,
            cut_off=said.cut_off,
            note=said.note or ("ended at the limit of tokens" if said.cut_off else ""),
        )

    async def _refuse_too_long(self, told: list[dict[str, str]]) -> None:
        """Count before asking: the engine drops the connection on a prompt that does not fit."""
        text = "\n".join(message["content"] for message in told)
        if len(text) <= self._num_ctx or self._client is None:  # a token has at least one character
            return
        answer = await self._client.post("/tokenize", json={"content": text})
        if len(answer.json().get("tokens", ())) + ANSWER_ROOM > self._num_ctx:
            raise _too_long(self._num_ctx)

    async def _say(self, body: dict[str, Any], on_text: OnText) -> _Said:
        import httpx

        told: list[str] = []
        answer = AnswerText()

        def hear(piece: str) -> None:
            told.append(answer.feed(piece))
            on_text(told[-1])

        reply = Collected(hear)
        try:
            await self._refuse_too_long(body["messages"])
            async with contextlib.aclosing(self._events(body)) as events:
                async for event in events:
                    reply.take(event)
                    if len(told) % _LOOKED_AT == 0 and (kept := droned(reply.text)):
                        return _Said(reply.text[:kept], Usage(answer_tokens=len(told)), cut_off=False, note=_DRONED)
        except (httpx.HTTPError, httpx.StreamError, ValueError) as error:
            raise _broke_off(repr(error), told) from error
        except ModelError as error:
            if isinstance(error, ChatRefused):
                raise _broke_off(error.reason, told) from error
            error.partial = "".join(told)
            raise
        if not reply.done:
            raise _broke_off("the reply ended before it was done", told)
        heard = reply.heard()
        return _Said(reply.text, heard.usage, heard.cut_off)

    async def _events(self, body: dict[str, Any]) -> AsyncGenerator[object, None]:
        if self._client is None:
            raise ModelError("the embedded model is closed; open it again")
        async with self._client.stream("POST", "/v1/chat/completions", json=body) as answer:
            if answer.status_code != 200:
                raise _refusal(answer.status_code, await answer.aread(), self._num_ctx)
            async for line in answer.aiter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    yield decode(line.removeprefix("data: ")).value

    async def close(self) -> None:
        """Stop the engine and free its memory."""
        client, self._client = self._client, None
        if client is not None:
            with anyio.CancelScope(shield=True):
                await client.aclose()
        engine, self._engine = self._engine, None
        del engine


def _bounded(message: Message) -> Message:
    """Shorten a tool's long result: reading 4,000 characters takes a small machine about 20 s."""
    if message.role != "tool":
        return message
    return message.model_copy(update={"text": shorten(message.text, RESULT_LIMIT)})


def _has_looked_nothing_up(messages: Sequence[Message]) -> bool:
    """Tell whether no tool has run since the last answer: a small model then answers from what it only believes."""
    for message in reversed(messages):
        if message.role == "tool":
            return False
        if message.role == "assistant" and not message.calls:
            return True
    return True


def _broke_off(what: str, told: Sequence[str]) -> ModelError:
    return ModelError(f"the embedded model broke off: {what}; ask again", partial="".join(told), retryable=True)


def _too_long(num_ctx: int) -> ModelError:
    return ModelError(
        f"the conversation is longer than the model's context of {num_ctx} tokens; "
        "shorten the prompt, or use a model with a larger context (--model ollama:NAME)"
    )


def _refusal(status: int, body: bytes, num_ctx: int) -> ModelError:
    text = body.decode("utf-8", "replace")
    if "exceed_context_size" in text or "context size" in text:
        return _too_long(num_ctx)
    return ModelError(f"the embedded model refused the request ({status}): {text[:500]}")


def start_llama(path: Path, num_ctx: int, key: str) -> Any:
    """Load the model and return llama.cpp's server, on a loopback port for who has `key`.

    Raises:
        ModelMissing: the system has no libgomp; the text says how to get it.
    """
    # Spinning OpenMP threads starve everything else on a small machine (12 tokens/s fall to 1): set before the import.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    load_openmp(path.parent.parent)
    engine: Any = importlib.import_module("xllamacpp")  # no stubs; what is used of it is in this function
    params = engine.CommonParams()
    params.model.path = str(path)
    params.model_alias = {NAME}
    params.n_ctx = num_ctx
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = min(8, len(os.sched_getaffinity(0)))
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.cors_origins = "http://127.0.0.1"
    params.cache_ram_mib = 0
    params.ui = False
    params.verbosity = -1
    return engine.Server(params)
