"""The tools for a model's prompt and its answer: the facts that matter, and what the facts contradict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from schemas.finding import Validation
from schemas.prompt_facts import PromptFacts
from servers.machine.face import READS, Face

if TYPE_CHECKING:
    from servers.graph.opened import Opened

__all__ = ["offer_advising"]


def _context(opened: Opened, prompt: str, budget: int) -> PromptFacts:
    from knowledge.alttp.context import context_for

    overlay = opened.own_symbols.overlay()
    with opened.reading():
        views = (opened.graph, *opened.codebases())
        return context_for(prompt, budget, views=views, overlay=overlay, personal=opened.personal)


def _validated(text: str, *, limit: int, offset: int) -> Validation:
    from knowledge.alttp.validate import validate_output

    return validate_output(text, limit=limit, offset=offset)


def offer_advising(face: Face, opened: Opened) -> None:
    """Offer `get_context_for_prompt` and `validate_output`."""

    @face.offer(READS, title="Get what matters for a prompt")
    def get_context_for_prompt(
        prompt: Annotated[str, Field(description="the prompt, with its code and logs; 20,000 characters are read")],
        budget: Annotated[int, Field(ge=50, le=8_000, description="most tokens to return, 50 to 8,000")] = 1_500,
    ) -> PromptFacts:
        """Return the few facts that matter for a prompt, ranked, with ROM version, source and why each is there.

        From the user's own graph and what is known of the user, the tables and the atlas of the game, and indexed code.
        When nothing is relevant it says so.
        """
        return _context(opened, prompt, budget)

    @face.offer(READS, title="Check an answer against the facts")
    def validate_output(
        text: Annotated[
            str, Field(description="the answer: prose, Markdown, code; the first 1,000,000 characters count")
        ],
        limit: Annotated[int, Field(ge=1, le=50, description="findings to return, 1 to 50")] = 20,
        offset: Annotated[int, Field(ge=0, le=300, description="findings to skip, 0 to 300, for the next page")] = 0,
    ) -> Validation:
        """Check each address, register, mnemonic, symbol, size and value that a text states about ALTTP and the SNES.

        Returns only what a fact contradicts, each with the fact and what is right; no finding is no proof that all is
        right.
        """
        return _validated(text, limit=limit, offset=offset)
