"""What a row is called in plain words, and how well a question says just that and no more."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from knowledge.alttp.index import Index, Title
from knowledge.alttp.index_rows import ROM_KINDS, subject_of
from knowledge.alttp.words import STOP, name_words, plain_words

__all__ = ["Said", "fit", "said"]

_KEPT = 1500  # rows whose titles are kept
_LITTLE = frozenset(plain_words("link player current currently now active bit flag 16 8 sprite enemy"))
_LITTLE_COUNTS = 0.4


class Said(NamedTuple):
    """The words of a question, for titles to be compared with."""

    weights: tuple[float, ...]
    """How much each word counts."""
    spellings: Mapping[str, list[tuple[int, float]]]
    """Stem to the words that it may stand for, each with what it counts (0 to 1)."""
    whole: float
    """How much all words count."""


def said(words: Iterable[tuple[Mapping[str, float], float]]) -> Said:
    """Return the words of a question, each given as its spellings with what they count, and how much it counts."""
    weights: list[float] = []
    spellings: dict[str, list[tuple[int, float]]] = {}
    for place, (spelled, weight) in enumerate(words):
        weights.append(weight)
        for stem, count in spelled.items():
            spellings.setdefault(stem, []).append((place, count))
    return Said(tuple(weights), spellings, sum(weights))


def _titles(index: Index, entry: int) -> tuple[Title, ...]:
    """Return the titles of a row, each as its stems with what they count."""
    known = index.titles.get(entry)
    if known is not None:
        return known
    row = index.entry(entry)
    called, title, _ = row.cell("keywords").rpartition(";")
    found = [plain_words(one) for one in called.split("|")] if title else []
    text, name = row.cell("description"), row.cell("name")
    if text:
        found.append(plain_words(subject_of(text)))
    found.append(name_words(name) if row.kind in ROM_KINDS else plain_words(name))
    distinct = dict.fromkeys([words for one in found if (words := frozenset(one) - STOP)])
    out = tuple([{word: _worth(index, word) for word in words} for words in distinct])
    if len(index.titles) >= _KEPT:
        index.titles.clear()
    index.titles[entry] = out
    return out


def _worth(index: Index, word: str) -> float:
    return index.rarity(index.frequency(word)) * (_LITTLE_COUNTS if word in _LITTLE else 1.0)


def fit(index: Index, entry: int, asked: Said) -> float:
    """Return how well the best title of a row and a question say the same, 0 to 1.

    It is the harmonic mean of the share of the question that the title says and of the title that the question says.
    """
    best = 0.0
    for title in _titles(index, entry):
        heard, told = 0.0, dict[int, float]()
        for word in title.keys() & asked.spellings:
            most = 0.0
            for place, count in asked.spellings[word]:
                most = max(most, count)
                if count > told.get(place, 0.0):
                    told[place] = count
            heard += title[word] * most
        if heard:
            recall = sum([asked.weights[place] * count for place, count in told.items()]) / asked.whole
            precision = heard / sum(title.values())
            best = max(best, 2 * recall * precision / (recall + precision))
    return best
