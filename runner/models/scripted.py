"""A model that says what it was told to say: for tests, for demonstrations, for measuring everything else.

A script is a list of replies, each a `Message`, a whole `Reply` or a function of the conversation. As
`--model scripted:FILE` the script is a JSON file: a list of objects `{"text": ...}` or
`{"calls": [{"name": ..., "arguments": {...}}]}`.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from runner.errors import ConfigError, ModelError
from runner.models.model import OnText, Reply, ignore_text
from schemas.message import Message, ToolCall, ToolSpec, Usage

__all__ = ["Line", "ScriptedModel", "calls", "load_script", "text"]

Line = Message | Reply | ModelError | Callable[[Sequence[Message]], Message]
"""One reply of a script: a message, a reply with its usage, an error to raise, or a function of the conversation."""


def text(answer: str) -> Message:
    """Return a reply that only says `answer`."""
    return Message(role="assistant", text=answer)


def calls(*wanted: tuple[str, dict[str, Any]], say: str = "") -> Message:
    """Return a reply that calls tools: pairs of name and arguments."""
    made = tuple(ToolCall(id="", name=name, arguments=arguments) for name, arguments in wanted)
    return Message(role="assistant", text=say, calls=made)


class ScriptedModel:
    """Replies with the lines of a script, in order; with `repeat`, the last line for ever."""

    def __init__(self, script: Sequence[Line], *, name: str = "script", repeat: bool = False) -> None:
        self.coming = list(script)
        """The lines that are still to be said; more can be added at any time."""
        self._repeat = repeat
        self._name = name
        self.heard: list[tuple[Message, ...]] = []
        """The conversation that came with each request."""
        self.offered: list[tuple[ToolSpec, ...]] = []
        """The tools that came with each request; none when an answer was due."""

    @property
    def name(self) -> str:
        """Return `scripted:name`."""
        return f"scripted:{self._name}"

    async def load(self) -> None:
        """Do nothing: a script is ready."""

    async def reply(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        *,
        on_text: OnText = ignore_text,
        must_answer: bool = False,
    ) -> Reply:
        """Return the next line of the script.

        Raises:
            ModelError: the script says so, or it has no more lines.
        """
        self.heard.append(tuple(messages))
        self.offered.append(() if must_answer else tuple(tools))
        if not self.coming:
            raise ModelError(
                f"the script {self._name} has only {len(self.heard) - 1} replies; add one, or use fewer steps"
            )
        line = self.coming[0]
        if len(self.coming) > 1 or not self._repeat:
            del self.coming[0]
        if isinstance(line, ModelError):
            raise line
        said = line if isinstance(line, Reply) else self._reply(line, messages)
        message = said.message
        on_text(message.text)
        return said.model_copy(update={"message": message.model_copy(update={"calls": self._numbered(message.calls)})})

    def _reply(self, line: Message | Callable[[Sequence[Message]], Message], messages: Sequence[Message]) -> Reply:
        message = line if isinstance(line, Message) else line(messages)
        words = sum(len(item.text.split()) for item in messages)
        usage = Usage(prompt_tokens=words, answer_tokens=len(message.text.split()) + len(message.calls))
        return Reply(message=message, usage=usage)

    def _numbered(self, made: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
        turn = len(self.heard)
        return tuple(
            call if call.id else call.model_copy(update={"id": f"call_{turn}_{number}"})
            for number, call in enumerate(made, 1)
        )

    async def close(self) -> None:
        """Do nothing: a script holds nothing."""


def load_script(path: Path) -> ScriptedModel:
    """Read a script from a JSON file.

    Raises:
        ConfigError: there is no such file, or it is not a script.
    """
    if not path.is_file():
        raise ConfigError(f"no script file at {path}; give --model scripted:FILE.json")
    try:
        lines: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"no script at {path} ({error.strerror}); give --model scripted:FILE.json") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: {error}") from error
    if not isinstance(lines, list) or not lines:
        raise ConfigError(f"{path}: a script is a list of replies, e.g. [{{'text': 'hello'}}]")
    given = cast(list[Any], lines)  # type: ignore[redundant-cast]  # pyright sees list[Unknown] without it
    return ScriptedModel([_line(path, number, line) for number, line in enumerate(given, 1)], name=path.name)


def _line(path: Path, number: int, line: Any) -> Message:
    reply: dict[str, Any] = cast(dict[str, Any], line) if isinstance(line, dict) else {}
    if not {"text", "calls"} & set(reply):
        raise ConfigError(f"{path}: reply {number} has neither `text` nor `calls`")
    try:
        wanted = [(str(call["name"]), dict(call.get("arguments", {}))) for call in reply.get("calls", [])]
        return calls(*wanted, say=str(reply.get("text", "")))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path}: reply {number} is not a text or a list of calls: {error!r}") from error
