"""`PromptFacts`: the few facts that matter for one prompt, each with why it is there, within a budget of tokens."""

import math

from pydantic import Field

from schemas.frozen import Frozen

__all__ = ["CHARACTERS_PER_TOKEN", "PromptFact", "PromptFacts", "tokens_of"]

CHARACTERS_PER_TOKEN = 4
"""The usual estimate for English and code; no tokenizer is loaded."""


def tokens_of(text: str) -> int:
    """Estimate the tokens of a text: its characters over four, rounded up."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


class PromptFact(Frozen):
    """One fact that matters for a prompt."""

    name: str = Field(description="what names it: the ref of a fact (`ram:7EF36D`), or a node of a graph")
    kind: str
    text: str = Field(description="the fact in one line, its ROM version included")
    why: str = Field(description="what in the prompt it answers")
    layer: str = Field(description="`atlas` for the tables, `user` for the user's own graph, else a codebase")
    sources: tuple[str, ...] = Field(default=(), description="short names; SOURCES.md has repository and licence")
    rom_version: str = Field(default="", description="the ROM versions that it is known to hold for")

    def as_text(self) -> str:
        """Return the fact in one line."""
        layer = "" if self.layer == "atlas" else f"; from {self.layer}"
        sources = f"; {', '.join(self.sources)}" if self.sources else ""
        return f"- {self.text} [{self.why}{layer}{sources}]"


class PromptFacts(Frozen):
    """What to put before a prompt; `as_text` never has more tokens than `budget`, by the estimate of `tokens_of`."""

    facts: tuple[PromptFact, ...] = Field(default=(), description="the most important first")
    personal: str = Field(default="", description="what is known of the user for this prompt")
    budget: int
    left_out: int = Field(default=0, description="facts that also matter and did not fit")
    note: str = ""

    @property
    def tokens(self) -> int:
        """The estimated tokens of the text."""
        return tokens_of(self.as_text())

    def as_text(self) -> str:
        """Return all of it as text."""
        parts = [self.personal, "\n".join(fact.as_text() for fact in self.facts), self.note]
        return "\n".join(filter(None, parts))
