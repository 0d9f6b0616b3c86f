"""`Ratio`: how long our way takes against the plain way, both measured in turns in one run."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pydantic import Field, JsonValue

from schemas.frozen import Frozen

__all__ = ["Pair", "Ratio", "in_turns", "ratio_of"]


class Ratio(Frozen):
    """Two medians of one run, and the bound that their ratio has to keep."""

    name: str
    ours_ms: float = Field(ge=0, description="median of our way, milliseconds")
    plain_ms: float = Field(gt=0, description="median of the plain way, milliseconds")
    bound: float = Field(ge=0, description="largest ratio that passes; 0 where nothing of ours may be")
    plain: str = Field(description="what the plain way is")

    @property
    def ratio(self) -> float:
        """Ours over plain: 1.0 is as fast, 2.0 takes twice as long."""
        return self.ours_ms / self.plain_ms

    @property
    def passes(self) -> bool:
        """Whether the ratio keeps the bound."""
        return self.ratio <= self.bound

    def as_row(self) -> dict[str, JsonValue]:
        """Return all figures, the ratio and the verdict too."""
        return {**self.model_dump(), "ratio": self.ratio, "passes": self.passes}


class Pair(NamedTuple):
    """Milliseconds of each round, ours and plain."""

    ours: Sequence[float]
    plain: Sequence[float]


def in_turns(ours: Callable[[], object], plain: Callable[[], object], *, rounds: int) -> Pair:
    """Time both ways in turns, so that whatever slows the machine slows both; one round of each is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for way, kept in zip((ours, plain), times, strict=True):
            start = time.perf_counter()
            way()
            if number:
                kept.append((time.perf_counter() - start) * 1000)
    return Pair(*times)


def ratio_of(name: str, times: Pair, *, bound: float, plain: str) -> Ratio:
    """Return the ratio of the two medians."""
    return Ratio(
        name=name,
        ours_ms=statistics.median(times.ours),
        plain_ms=statistics.median(times.plain),
        bound=bound,
        plain=plain,
    )
