"""Models of an Ollama daemon: native tools where the model has them, action JSON through `format` where not."""

import re
from collections.abc import Sequence

import anyio
from pydantic import JsonValue

from runner.errors import ConfigError
from runner.models.action import action_messages, action_schema
from runner.models.ollama_chat import Daemon, daemon_url, package_client
from runner.models.pictures import sort
from runner.models.turn import UNREADABLE, WARMER, AskedModel, ChatRefused, Heard, Turn, Waits, pictures_apart
from schemas.frozen import Frozen
from schemas.message import Message, ToolSpec

__all__ = ["OllamaModel", "OllamaStatus", "ollama_status"]

STATUS_SECONDS = 1.0
"""How long `ollama_status` waits for a daemon."""

_WAITS = Waits()
_PICTURES = frozenset(["image/jpeg", "image/png", "image/webp"])
_UNPARSED = re.compile(r"pars\w+ (the )?(tool|function) call|XML syntax error", re.I)
"""How the daemon speaks of a call that its parser, of JSON or of XML by the model, could not read."""
_PAUSES = (0.25, 1.0)
"""Seconds before a daemon that is busy or in trouble is asked again; after the last it is an error."""


class OllamaStatus(Frozen):
    """Whether a daemon answers, and what it has."""

    answers: bool
    version: str = ""
    models: tuple[str, ...] = ()
    detail: str = ""
    """The address, or why there is no answer."""


class OllamaModel(AskedModel):
    """A model of an Ollama daemon.

    `num_ctx` is the context window in tokens; it stays the same for every request, since a change makes the daemon
    load the model again. `keep_alive` is how long the daemon keeps it loaded. `max_tokens` bounds one reply
    (0: half the window, at most 4,096). `think` lets a model that can think do so; action JSON, and a second try
    after a reply that was all thought, go without. `host` as in OLLAMA_HOST.
    """

    _provider = "ollama"

    def __init__(
        self,
        name: str,
        *,
        host: str = "",
        num_ctx: int = 8192,
        temperature: float = 0.0,
        keep_alive: str = "10m",
        max_tokens: int = 0,
        think: bool = False,
        waits: Waits = _WAITS,
    ) -> None:
        super().__init__()
        self._model = name
        self._num_ctx = num_ctx
        self._temperature = temperature
        self._keep_alive = keep_alive
        self._max_tokens = max_tokens or min(4096, num_ctx // 2)
        self._think = think
        self._daemon = Daemon(daemon_url(host), waits=waits)
        self._loading = anyio.Lock()
        self._known = False
        self._thinks = False
        self._sees = False

    @property
    def name(self) -> str:
        """Return `ollama:name`."""
        return f"ollama:{self._model}"

    async def load(self) -> None:
        """Ask the daemon what the model can do.

        Raises:
            ModelMissing: the daemon has no such model.
            ModelError: no daemon answers.
        """
        async with self._loading:
            if not self._known:
                abilities = await self._daemon.capabilities(self._model)
                self._native = abilities is None or "tools" in abilities
                self._thinks = abilities is not None and "thinking" in abilities
                self._sees = abilities is not None and "vision" in abilities
                self._known = True

    async def close(self) -> None:
        """Close the connection; the daemon keeps the model for `keep_alive`. Safe to call twice."""
        await self._daemon.close()

    async def _ask(self, turn: Turn) -> Heard | None:
        body = self._body(turn)
        voice = turn.voice(constrained="format" in body)
        try:
            heard = await self._daemon.chat(body, voice.feed)
        except ChatRefused as refused:
            if _UNPARSED.search(refused.reason):
                self._take_trouble(turn, refused, nudge=UNREADABLE)
            elif not self._learn(refused.reason, turn):
                if not refused.busy or turn.waited == len(_PAUSES):
                    raise
                await anyio.sleep(_PAUSES[turn.waited])
                turn.waited += 1
            return None
        if cut := turn.unread(heard.usage.prompt_tokens):
            turn.notes.append(f"Ollama {cut}; raise num_ctx or shorten it")
        return heard._replace(raw={"thinking": heard.thinking}) if heard.thinking else heard

    def _learn(self, reason: str, turn: Turn) -> bool:
        """Take from a refusal what `/api/show` did not say; true when there is something new to try."""
        if self._native and "does not support tools" in reason:
            self._native = False
            turn.notes.append("the model has no native tools: action JSON from now on")
            return True
        if self._thinks and "does not support thinking" in reason:
            self._thinks = False
            return True
        return False

    def _body(self, turn: Turn) -> dict[str, JsonValue]:
        acted = not self._native and turn.has_calls
        told = _acted(turn.messages, turn.tools) if acted else self._told(turn.messages)
        if turn.nudge:
            told.append({"role": "user", "content": turn.nudge})
        warmer = WARMER if turn.troubles else 0.0
        body: dict[str, JsonValue] = {"model": self._model, "messages": told}
        if turn.calls_allowed and self._native:
            body["tools"] = [_tool(tool) for tool in turn.tools]
        if acted:
            body["format"] = action_schema(turn.tools, must_answer=turn.must_answer)
        body["options"] = {
            "num_ctx": self._num_ctx,
            "temperature": self._temperature + warmer,
            "num_predict": self._max_tokens,
        }
        if self._thinks:
            body["think"] = self._think and not acted and not turn.troubles
        return {**body, "stream": True, "keep_alive": self._keep_alive, "truncate": False, "shift": False}

    def _told(self, messages: Sequence[Message]) -> list[JsonValue]:
        """Tell a conversation as Ollama documents it; pictures go to models that can see."""
        return [self._wire(message) for message in pictures_apart(messages)]

    def _wire(self, message: Message) -> JsonValue:
        if message.role == "tool":
            text = f"Error: {message.text}" if message.failed else message.text
            return {"role": "tool", "content": text, "tool_name": message.tool}
        if message.role == "user" and message.images:
            shown = sort(message.text, message.images, _PICTURES if self._sees else ())
            pictures: dict[str, JsonValue] = {"images": [picture.data for picture in shown.images]}
            return {"role": "user", "content": shown.text, **(pictures if shown.images else {})}
        if message.role != "assistant":
            return {"role": message.role, "content": message.text}
        said: dict[str, JsonValue] = {"role": "assistant", "content": message.text}
        raw = message.raw if message.raw_by == self._provider and isinstance(message.raw, dict) else {}
        if self._thinks and "thinking" in raw:
            said["thinking"] = raw["thinking"]
        if message.calls:
            said["tool_calls"] = [
                {"function": {"name": call.name, "arguments": call.arguments}} for call in message.calls
            ]
        return said


def _tool(tool: ToolSpec) -> JsonValue:
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
    }


def _acted(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[JsonValue]:
    return [{**message} for message in action_messages(messages, tools)]


async def ollama_status(host: str = "") -> OllamaStatus:
    """Ask whether a daemon answers, within a second, which version it is and which models it has. Never raises."""
    import httpx
    import ollama

    try:
        url = daemon_url(host)
    except ConfigError as error:
        return OllamaStatus(answers=False, detail=str(error))
    client = package_client(url, seconds=STATUS_SECONDS)
    daemon = Daemon(url, waits=_WAITS)
    try:
        with anyio.fail_after(STATUS_SECONDS):
            models = (await client.list()).models
            version = await daemon.version()
    except (ConnectionError, TimeoutError, httpx.HTTPError):
        return OllamaStatus(answers=False, detail=f"nothing answers at {url}; start `ollama serve`")
    except (ollama.ResponseError, ValueError, KeyError, TypeError) as error:
        return OllamaStatus(answers=False, detail=f"what answers at {url} is no Ollama ({str(error)[:200]})")
    finally:
        with anyio.CancelScope(shield=True):
            await client.close()  # type: ignore[no-untyped-call]  # the package leaves it untyped
            await daemon.close()
    names = tuple(model.model for model in models if model.model)
    return OllamaStatus(answers=True, version=version, models=names, detail=url)
