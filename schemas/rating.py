"""`Rating`: what somebody thought of a run, said after it."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen

__all__ = ["Rating", "Score"]

Score = Literal[-1, 1]
"""1: the answer served; -1: it did not."""


class Rating(Frozen):
    """One word about one run; of several about the same run the last counts."""

    run: str = Field(description="the id of the run")
    rating: Score
    text: str = Field(default="", description="what was good, or what was wrong")
    by: Literal["command", "terminal", "tool"] = Field(
        description="how it was said: `afs agent rate`, a key after the run, or the tool rate_run"
    )
    at: str = Field(description="UTC, ISO 8601")
