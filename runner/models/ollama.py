"""Models of an Ollama daemon: native tools where the model has them, action JSON through `format` where not."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import anyio
from pydantic import JsonValue

from runner.errors import ConfigError, ModelError
from runner.models.action import AnswerText, action_messages, action_schema, parse_action
from runner.models.calls import call_number, number_calls
from runner.models.model import OnText, Reply, ignore_text
from runner.models.ollama_chat import ChatRefused, Daemon, Heard, Waits, daemon_url, package_client
from runner.models.printed import find_printed_calls, may_become_calls
from schemas.frozen import Frozen
from schemas.message import Message, ToolCall, ToolSpec, Usage

__all__ = ["OllamaModel", "OllamaStatus", "ollama_status"]

STATUS_SECONDS = 1.0
"""How long `ollama_status` waits for a daemon."""

_WAITS = Waits()
_WARMER = 0.3
_CHARACTERS_PER_TOKEN = 5
_WORTH_A_NOTE = 512
_EMPTY = "Your reply was empty. Call a tool, or answer the question."
_UNREADABLE = "Your tool call was not valid JSON. Send it again as valid JSON, with short arguments."
_THINK = "<think>"


class OllamaStatus(Frozen):
    """Whether a daemon answers, and what it has."""

    answers: bool
    version: str = ""
    models: tuple[str, ...] = ()
    detail: str = ""
    """The address, or why there is no answer."""


class _Understood(NamedTuple):
    message: Message
    note: str


class _Said(NamedTuple):
    heard: Heard
    understood: _Understood


@dataclass(kw_only=True)
class _Turn:
    """What one reply is asked for, and what has gone wrong with it so far."""

    messages: Sequence[Message]
    tools: Sequence[ToolSpec]
    must_answer: bool
    on_text: OnText
    nudge: str = ""
    troubles: int = 0
    usage: Usage = Usage()
    notes: list[str] = field(default_factory=list[str])

    @property
    def calls_allowed(self) -> bool:
        return bool(self.tools) and not self.must_answer

    @property
    def names(self) -> frozenset[str]:
        return frozenset(tool.name for tool in self.tools)


class OllamaModel:
    """A model of an Ollama daemon.

    `num_ctx` is the context window in tokens; it stays the same for every request, since a change makes the daemon
    load the model again. `keep_alive` is how long the daemon keeps it loaded. `max_tokens` bounds one reply
    (0: half the window, at most 4,096). `host` as in OLLAMA_HOST.
    """

    def __init__(
        self,
        name: str,
        *,
        host: str = "",
        num_ctx: int = 8192,
        temperature: float = 0.0,
        keep_alive: str = "10m",
        max_tokens: int = 0,
        waits: Waits = _WAITS,
    ) -> None:
        self._model = name
        self._num_ctx = num_ctx
        self._temperature = temperature
        self._keep_alive = keep_alive
        self._max_tokens = max_tokens or min(4096, num_ctx // 2)
        self._daemon = Daemon(daemon_url(host), waits=waits)
        self._loading = anyio.Lock()
        self._known = False
        self._native = True
        self._thinks = False

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
                self._known = True

    async def reply(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        *,
        on_text: OnText = ignore_text,
        must_answer: bool = False,
    ) -> Reply:
        """Answer with text, calls, or both.

        An empty reply (a model that only thinks), or a call that the daemon could not read, is asked for once more,
        a little warmer and with a word of what was wrong. If that fails too, a model with native tools changes to
        action JSON for good; where that is no way out, it is a ModelError.

        Raises:
            ModelMissing: the daemon has no such model.
            ModelError: no daemon answers, it refused, broke off, or the model said nothing twice.
        """
        await self.load()
        started = time.monotonic()
        turn = _Turn(messages=messages, tools=tools, must_answer=must_answer, on_text=on_text)
        while True:
            said = await self._ask(turn)
            if said is None:
                continue
            heard, understood = said
            if understood.message.text or understood.message.calls:
                return Reply(
                    message=understood.message,
                    usage=turn.usage,
                    seconds=time.monotonic() - started,
                    cut_off=heard.done_reason == "length",
                    note="; ".join(note for note in (*turn.notes, understood.note) if note),
                )
            nothing = "only thought" if heard.thinking else "said nothing"
            problem = ModelError(
                f"{self.name} {nothing}, twice; ask again in other words, or use another model", retryable=True
            )
            self._take_trouble(turn, problem, nudge=_EMPTY)

    async def close(self) -> None:
        """Close the connection; the daemon keeps the model for `keep_alive`. Safe to call twice."""
        await self._daemon.close()

    async def _ask(self, turn: _Turn) -> _Said | None:
        """Ask once; None when what went wrong has been taken care of and the turn can be tried again."""
        body = self._body(turn)
        voice = _Voice(turn.on_text, constrained="format" in body, calls_allowed=turn.calls_allowed)
        try:
            heard = await self._daemon.chat(body, voice.feed)
        except ChatRefused as refused:
            if not self._learn(refused.reason, turn):
                if "error parsing tool call" not in refused.reason:
                    raise
                self._take_trouble(turn, refused, nudge=_UNREADABLE)
            return None
        turn.usage += Usage(prompt_tokens=heard.prompt_tokens, answer_tokens=heard.answer_tokens)
        turn.notes += [note for note in [_truncation(body, heard.prompt_tokens)] if note]
        understood = self._understand(heard, turn)
        if understood.message.text and not voice.told:
            turn.on_text(understood.message.text)
        return _Said(heard, understood)

    def _learn(self, reason: str, turn: _Turn) -> bool:
        """Take from a refusal what `/api/show` did not say; true when there is something new to try."""
        if self._native and "does not support tools" in reason:
            self._native = False
            turn.notes.append("the model has no native tools: action JSON from now on")
            return True
        if self._thinks and "does not support thinking" in reason:
            self._thinks = False
            return True
        return False

    def _take_trouble(self, turn: _Turn, problem: ModelError, *, nudge: str) -> None:
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

    def _body(self, turn: _Turn) -> dict[str, JsonValue]:
        acted = not self._native and (bool(turn.tools) or any(message.calls for message in turn.messages))
        told = _acted(turn.messages, turn.tools) if acted else _told(turn.messages)
        if turn.nudge:
            told.append({"role": "user", "content": turn.nudge})
        warmer = _WARMER if turn.troubles else 0.0
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
            body["think"] = False
        return {**body, "stream": True, "keep_alive": self._keep_alive, "truncate": False, "shift": False}

    def _understand(self, heard: Heard, turn: _Turn) -> _Understood:
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


class _Voice:
    """Passes text on as it arrives, and holds back what may turn out to be a call or a thought."""

    def __init__(self, on_text: OnText, *, constrained: bool, calls_allowed: bool) -> None:
        self._on_text = on_text
        self._answer = AnswerText() if constrained else None
        self._calls_allowed = calls_allowed
        self._held = ""
        self.told = False

    def feed(self, piece: str) -> None:
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


class _Split(NamedTuple):
    text: str
    thinking: str


def _without_thinking(heard: Heard) -> _Split:
    """Split off the thinking that a template without a thinking capability leaves in the text."""
    if not heard.text.lstrip().startswith(_THINK):
        return _Split(heard.text, heard.thinking)
    thought, _, rest = heard.text.lstrip().removeprefix(_THINK).partition("</think>")
    return _Split(rest.lstrip(), heard.thinking + thought.strip())


def _identified(made: tuple[ToolCall, ...], ids: tuple[str, ...], messages: Sequence[Message]) -> tuple[ToolCall, ...]:
    """Give calls the daemon's own ids where it sent some, each unique in the run."""
    used = {call.id for message in messages for call in message.calls}
    if not all(ids) or len({*ids, *used}) != len(ids) + len(used):
        return made
    return tuple(call.model_copy(update={"id": given}) for call, given in zip(made, ids, strict=True))


def _tool(tool: ToolSpec) -> JsonValue:
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
    }


def _told(messages: Sequence[Message]) -> list[JsonValue]:
    """Tell a conversation as Ollama documents it, without examples: a model with native tools needs none."""
    return [_wire(message) for message in messages if not message.example]


def _acted(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[JsonValue]:
    return [{**message} for message in action_messages(messages, tools)]


def _wire(message: Message) -> JsonValue:
    if message.role == "tool":
        text = f"Error: {message.text}" if message.failed else message.text
        return {"role": "tool", "content": text, "tool_name": message.tool}
    if not message.calls:
        return {"role": message.role, "content": message.text}
    made: list[JsonValue] = [{"function": {"name": call.name, "arguments": call.arguments}} for call in message.calls]
    return {"role": "assistant", "content": message.text, "tool_calls": made}


def _truncation(body: dict[str, JsonValue], read: int) -> str:
    """Say so when the daemon read far fewer tokens than were sent: older ones cut a long prompt in silence."""
    sent = len(json.dumps([body["messages"], body.get("tools")])) // _CHARACTERS_PER_TOKEN
    if not 0 < read < sent / 2 or sent < _WORTH_A_NOTE:
        return ""
    return f"Ollama read {read} of about {sent} tokens: the prompt was cut; raise num_ctx or shorten it"


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
