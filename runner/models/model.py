"""The seam between the loop and a model: messages and tools in, one reply out."""

from collections.abc import Callable, Sequence
from typing import Protocol

from pydantic import Field

from schemas.frozen import Frozen
from schemas.message import Message, ToolSpec, Usage

__all__ = ["Model", "OnText", "Reply", "ignore_text"]

OnText = Callable[[str], None]
"""Receives pieces of the reply's text as they arrive."""


class Reply(Frozen):
    """One reply of a model."""

    message: Message = Field(description="role assistant: text, thinking, calls")
    usage: Usage = Usage()
    seconds: float = 0.0
    cut_off: bool = Field(default=False, description="the reply ended at a token limit, not by itself")
    refused: bool = Field(default=False, description="the provider or the model declined to answer; `text` says why")
    note: str = Field(default="", description="how the reply was understood, e.g. a call printed as text")


def ignore_text(_: str) -> None:
    """Drop the text: for callers who wait for the whole reply."""


class Model(Protocol):
    """A model that can take part in a run. One object serves one run at a time."""

    @property
    def name(self) -> str:
        """Return `provider:name`."""
        ...

    async def load(self) -> None:
        """Get ready ahead of the first reply, which otherwise does it; safe to call while a reply waits for it.

        Raises:
            ModelError: the model cannot be had.
        """
        ...

    async def reply(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        *,
        on_text: OnText = ignore_text,
        must_answer: bool = False,
    ) -> Reply:
        """Answer the conversation; with `must_answer` no tool may be called any more.

        Raises:
            ModelError: the model could not be reached, refused, or broke off.
        """
        ...

    async def close(self) -> None:
        """Free what the model holds. Safe to call twice."""
        ...
