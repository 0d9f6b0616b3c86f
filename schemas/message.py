"""What a model and its tools say to each other, in no provider's dialect."""

from typing import Literal

from pydantic import Field, JsonValue, field_serializer

from schemas.frozen import Frozen

__all__ = ["Image", "Message", "ToolCall", "ToolSpec", "Usage"]


class Image(Frozen):
    """A picture in a tool's result or a prompt."""

    data: str = Field(description="its bytes in base64; left out of what is written where they have a file")
    mime_type: str = Field(description="e.g. image/png")
    file: str = Field(default="", description="where its bytes are, beside the run; empty: here")

    @field_serializer("data")
    def _once(self, data: str) -> str:
        return "" if self.file else data


class ToolCall(Frozen):
    """One call that a model asks for."""

    id: str = Field(description="unique in the run; made up by us where the provider has none (Ollama)")
    name: str
    arguments: dict[str, JsonValue] = {}
    problem: str = Field(default="", description="why the arguments could not be read; such a call is never run")
    from_text: bool = Field(
        default=False, description="recognised in printed text; never runs a tool of the class exec unasked"
    )
    in_prose: bool = Field(
        default=False, description="printed after words of the model's own; runs a tool of the class read only, unasked"
    )


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
    images: tuple[Image, ...] = ()
    raw: JsonValue = Field(
        default=None, description="the provider's own blocks, replayed word for word to it: signed thinking, call ids"
    )
    raw_by: str = Field(default="", description="the provider that `raw` is from and goes back to, e.g. claude")
    example: bool = Field(
        default=False,
        description="no part of the conversation: shows the model a question and the call it wants",
    )
    told: bool = Field(default=False, description="role user: said by the runner in the user's place, not by the user")


class ToolSpec(Frozen):
    """A tool as it is offered to a model."""

    name: str
    description: str = ""
    parameters: dict[str, JsonValue] = Field(description="JSON Schema of the arguments, exactly as the server sent it")
    server: str = ""
    remote_name: str = Field(default="", description="the tool's name on its server, where it differs from `name`")


class Usage(Frozen):
    """Tokens of one reply, or of a whole run when added up."""

    prompt_tokens: int = Field(default=0, description="all that was read, what came from a cache too")
    answer_tokens: int = Field(default=0, description="all that was written, thinking too")
    cached_tokens: int = Field(default=0, description="part of prompt_tokens that the provider took from its cache")
    thinking_tokens: int = Field(default=0, description="part of answer_tokens that was thinking, where it is told")
    cost: float = Field(default=0.0, ge=0.0, description="US dollars by the price table; 0 on local models")

    def __add__(self, other: "Usage") -> "Usage":
        """Add the tokens and the cost of two replies."""
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            answer_tokens=self.answer_tokens + other.answer_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            thinking_tokens=self.thinking_tokens + other.thinking_tokens,
            cost=self.cost + other.cost,
        )

    @property
    def total(self) -> int:
        """Prompt and answer tokens together."""
        return self.prompt_tokens + self.answer_tokens
