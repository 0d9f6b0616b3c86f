"""What a model and its tools say to each other, in no provider's dialect."""

from typing import Literal

from pydantic import Field, JsonValue

from schemas.frozen import Frozen

__all__ = ["Message", "ToolCall", "ToolSpec", "Usage"]


class ToolCall(Frozen):
    """One call that a model asks for."""

    id: str = Field(description="unique in the run; made up by us where the provider has none (Ollama)")
    name: str
    arguments: dict[str, JsonValue] = {}
    problem: str = Field(default="", description="why the arguments could not be read; such a call is never run")


class Message(Frozen):
    """One message of a conversation; a tool's result is a message with role `tool`."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    thinking: str = ""
    calls: tuple[ToolCall, ...] = ()
    call_id: str = Field(default="", description="role tool: the id of the call that this answers")
    tool: str = Field(default="", description="role tool: the name of the tool")
    failed: bool = Field(
        default=False, description="role tool: the tool reported an error, or refused what it was given"
    )
    example: bool = Field(
        default=False,
        description="no part of the conversation: shows the model a question and the call it wants",
    )


class ToolSpec(Frozen):
    """A tool as it is offered to a model."""

    name: str
    description: str = ""
    parameters: dict[str, JsonValue] = Field(description="JSON Schema of the arguments, exactly as the server sent it")
    server: str = ""
    remote_name: str = Field(default="", description="the tool's name on its server, where it differs from `name`")


class Usage(Frozen):
    """Tokens of one reply, or of a whole run when added up."""

    prompt_tokens: int = 0
    answer_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Add the tokens of two replies."""
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            answer_tokens=self.answer_tokens + other.answer_tokens,
        )

    @property
    def total(self) -> int:
        """Prompt and answer tokens together."""
        return self.prompt_tokens + self.answer_tokens
