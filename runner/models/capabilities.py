"""What each provider's adapter can express: a table that the conversation script of the tests holds to its word."""

from dataclasses import dataclass, fields

__all__ = ["CAPABILITIES", "Capabilities"]


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What passes between a run and a provider; what is false is really not there."""

    calls: bool = True
    """The model calls tools."""
    parallel: bool = True
    """Several calls in one reply."""
    thinking_kept: bool = True
    """Thinking is told apart from the answer and kept in the run."""
    thinking_replayed: bool = True
    """The thinking of a reply goes back to the provider word for word."""
    images_in_prompts: bool = True
    """Pictures of a user's message reach the model."""
    images_in_results: bool = True
    """Pictures of a tool's result reach the model."""
    refusal: bool = True
    """The provider says that a reply is a refusal."""
    usage: bool = True
    """Tokens are counted by the provider."""
    cost: bool = True
    """Replies cost dollars, and the run knows how many."""
    streaming: bool = True
    """Text arrives in pieces."""
    retries: bool = True
    """A provider that is busy (429) is asked again, after a pause."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of what is not there."""
        return tuple(field.name for field in fields(self) if not getattr(self, field.name))


CAPABILITIES: dict[str, Capabilities] = {
    "embedded": Capabilities(
        parallel=False,  # a reply is one action
        thinking_kept=False,  # the grammar of actions has no room for it
        thinking_replayed=False,
        images_in_prompts=False,  # the model reads text only
        images_in_results=False,
        refusal=False,
        cost=False,
        retries=False,  # the engine is this process's own: nobody else makes it busy
    ),
    "claude": Capabilities(),
    "gemini": Capabilities(),
    "ollama": Capabilities(refusal=False, cost=False),
    "openai": Capabilities(),
    "scripted": Capabilities(streaming=False, retries=False),
}
"""Provider -> what its adapter can express."""
