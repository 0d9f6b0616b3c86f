"""What spoke for an intent, in words: the features of the classifier added up by the words that they come from."""

from typing import NamedTuple

from runner.routing.classifier import Classifier, Judgement
from runner.routing.tokens import Reading
from schemas.route import Intent

__all__ = ["Reason", "reasons"]


class Reason(NamedTuple):
    """Words of the prompt, or a trait of its form, and how far they spoke for an intent (in logits)."""

    what: str
    weight: float


def reasons(classifier: Classifier, judgement: Judgement, reading: Reading, intent: Intent) -> tuple[Reason, ...]:
    """Return at most six reasons for `intent`, the strongest first. Parts of words are left out."""
    carriers: dict[str, list[str]] = {}
    for idea in reading.ideas:
        carriers.setdefault(idea.name, []).append(idea.words)
    found: dict[str, float] = {}
    for feature, weight in classifier.telling(judgement, intent, limit=200):
        what = _what(feature, carriers)
        if what:
            found[what] = found.get(what, 0.0) + weight
    strongest = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:6]
    return tuple(Reason(what, round(weight, 3)) for what, weight in strongest)


def _what(feature: str, carriers: dict[str, list[str]]) -> str:
    kind, _, rest = feature.partition(":")
    if kind in ("w", "s", "e"):
        return repr(rest)
    if kind == "f":
        return f"form: {rest}"
    if kind == "p" or rest not in carriers:
        return ""
    return f"{', '.join(repr(word) for word in dict.fromkeys(carriers[rest]))} ({rest})"
