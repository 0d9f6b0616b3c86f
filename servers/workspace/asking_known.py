"""Which words of a question the names of a scan have, and what is a slip for one that they have."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from servers.workspace.asking_question import alike, stem
from servers.workspace.asking_search import Words, parts_of, stands

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from servers.workspace.scan_place import Scope

__all__ = ["Known", "known_words"]

_SHORT = 4
_ENDINGS = ("ing", "er", "ed", "ion")
_SURE = 5
"""Letters of a word up to which a letter for another is no slip."""
_LONG = 8
"""Letters of a word in which two slips are mended; in a shorter one it is one."""
_LOOKED = 3_000
"""Names with the letters of a short word that are looked at closer."""


class Known(NamedTuple):
    """The words of a question as they were said, those that names have, mended where slips, and those none has."""

    said: tuple[str, ...]
    words: tuple[str, ...]
    unknown: tuple[str, ...]
    mended: tuple[tuple[str, str], ...]
    sought: Words
    """The words that names have, to be looked for."""


class _Names:
    """All names of a scan, to be asked often."""

    def __init__(self, scope: Scope) -> None:
        self._store = scope.store
        names = "SELECT CAST(name AS TEXT) FROM file UNION ALL SELECT CAST(path AS TEXT) FROM folder"
        self._text = "\n".join(["", *(name for (name,) in self._store.rows(names)), ""])
        low = self._text.lower()
        self._text = self._text if len(low) == len(self._text) else low
        self._low = low
        self._told: dict[str, bool] = {}

    @cached_property
    def words(self) -> list[str]:
        """The words of all folders, of which another may be a slip."""
        sql = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab('main', 'place', 'row')"
        self._store.db.execute(sql)
        return [row[0] for row in self._store.rows("SELECT term FROM temp.vocabulary LIMIT 200000")]

    def have(self, word: str) -> bool:
        """Tell whether a name has a word."""
        if word not in self._told:
            self._told[word] = self._have(word)
        return self._told[word]

    def _have(self, word: str) -> bool:
        if "\n" in word or word not in self._low:
            return False
        if len(word) > _SHORT:
            return True
        return any(stands(word, name.casefold(), parts_of(name)) for name in self._with(word))

    def _with(self, word: str) -> Iterator[str]:
        """Give the names that have the letters of a word, as they are written; not all of very many."""
        at = self._low.find(word)
        for _ in range(_LOOKED):
            if at < 0:
                return
            end = self._low.index("\n", at)
            yield self._text[self._low.rindex("\n", 0, at) + 1 : end]
            at = self._low.find(word, end)


def known_words(scope: Scope, words: Sequence[str]) -> Known:
    """Return the words that names have; where none has any, all as they are, so that nothing is found by them."""
    if not words:
        return Known((), (), (), (), Words(()))
    names = _Names(scope)
    found = [(word, word if " " in word else _known_word(names, word)) for word in _joined(names, words)]
    lost = sum(1 for _, known in found if not known)
    if 2 * lost > len(found):  # with so little known, what looks like a slip is another word
        found = [(word, known if known == word else "") for word, known in found]
    unknown = tuple(word for word, known in found if not known)
    mended = tuple(
        (word, known) for word, known in found if known and word not in (known, *(known + end for end in _ENDINGS))
    )
    known = tuple(dict.fromkeys(known for _, known in found if known)) or tuple(words)
    return Known(tuple(words), known, unknown, mended, Words(known, names.have))


def _joined(names: _Names, words: Sequence[str]) -> tuple[str, ...]:
    """Return words with two that names write as one taken together: a bomb shop in `bombshop`, mode 7 in `mode7`."""
    out: list[str] = []
    for word in words:
        if out and " " not in out[-1] and len(out[-1] + word) > _SHORT and names.have(out[-1] + word):
            out[-1] = f"{out[-1]} {word}"
        else:
            out.append(word)
    return tuple(out)


def _known_word(names: _Names, word: str) -> str:
    """Return a word, or the one that it is most likely a slip of; nothing where no name has either."""
    if any(map(names.have, {*alike(word), stem(word)})):
        return word
    for ending in _ENDINGS:
        root = word.removesuffix(ending)
        if len(root) > 3 and root != word and names.have(root):
            return root
    if word in names.words or len(word) < _SHORT:
        return word if word in names.words else ""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    slips = 1 if len(word) < _LONG else 2
    best = process.extractOne(word, names.words, scorer=OSA.distance, score_cutoff=slips)
    if best and len(word) <= _SURE and len(best[0]) == len(word) and sorted(best[0]) != sorted(word):
        return ""  # one letter for another makes another word: a horse is no house
    return str(best[0]) if best else ""
