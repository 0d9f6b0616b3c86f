"""Several rankings made one by reciprocal rank: what stands high in more than one comes first."""

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

__all__ = ["fused"]

_FLAT = 60
"""How little the first places differ; the usual value."""

_KEY = TypeVar("_KEY", bound=Hashable)


def fused(rankings: Iterable[Sequence[_KEY]]) -> dict[_KEY, float]:
    """Return a score for each item of some rankings (best first), in order of the scores, best first.

    Items that are equal stand in the order in which the rankings name them.
    """
    scores: dict[_KEY, float] = {}
    for ranking in rankings:
        for place, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1 / (_FLAT + place)
    return dict(sorted(scores.items(), key=lambda pair: -pair[1]))
