"""What a row is called in plain words, and how well a question says just that and no more."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from knowledge.alttp.index import Index
from knowledge.alttp.index_rows import ROM_KINDS, subject_of
from knowledge.alttp.words import STOP, name_words, plain_words

__all__ = ["Part", "fit"]

_KEPT = 1500  # rows whose titles are kept
_LITTLE = frozenset(plain_words("link player current currently now active bit flag 16 8 sprite enemy"))
_LITTLE_COUNTS = 0.4

_Titles = tuple[frozenset[str], ...]


class Part(NamedTuple):
    """One word of a question."""

    spellings: Mapping[str, float]
    """Stems that may stand for it, each with what it counts (0 to 1)."""
    weight: float
    """How much the word counts."""


def _titles(index: Index, entry: int) -> _Titles:
    """Return the titles of a row, each as its stems."""
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
    out = tuple(dict.fromkeys([words for one in found if (words := frozenset(one) - STOP)]))
    if len(index.titles) >= _KEPT:
        index.titles.clear()
    index.titles[entry] = out
    return out


def _worth(index: Index, word: str) -> float:
    return index.rarity(index.frequency(word)) * (_LITTLE_COUNTS if word in _LITTLE else 1.0)


def fit(index: Index, entry: int, said: Sequence[Part]) -> float:
    """Return how well the best title of a row and a question say the same, 0 to 1.

    It is the harmonic mean of the share of the question that the title says and of the title that the question says.
    """
    whole = sum([part.weight for part in said])
    best = 0.0
    for title in _titles(index, entry):
        told, heard = 0.0, dict[str, float]()
        for part in said:
            most = 0.0
            for word in title:
                count = part.spellings.get(word, 0.0)
                most = max(most, count)
                if count > heard.get(word, 0.0):
                    heard[word] = count
            told += part.weight * most
        if told:
            recall = told / whole
            length = sum([_worth(index, word) for word in title])
            precision = sum([_worth(index, word) * count for word, count in heard.items()]) / length
            best = max(best, 2 * recall * precision / (recall + precision))
    return best
