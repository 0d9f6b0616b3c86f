"""Which of several texts a phrase fits: bits of a register, values of a variable, names of ids."""

import re
from collections.abc import Iterator, Sequence

from knowledge.alttp.validation.meaning import expanded, phrase_words

__all__ = ["misplaced", "said_as"]

_FILLER = phrase_words(
    "bit bits flag value register byte means meaning id sprite enemy item room module screen controls control "
    "sets set state is are being number index the link player currently enables enable enabled disables used when "
    "select selects current name song music effect area boss pickup mode spawner"
)
_CUT = re.compile(
    r"(?:[,;:(]|\s-\s|\u2014|\u2013|\bwhich\b|\bthat\b|\bwhen\b|\bwhile\b|\bso\b|\bbecause\b|\bif\b|\bthen\b|\bbut\b|"
    r"\bwhereas\b|\band (?:is|are|bit|bits|the|then|a|it)\b|\bfor the\b|\bwith\b|\bfrom\b|\bby\b|\bas\b|\bat\b).*",
    re.IGNORECASE | re.DOTALL,
)
_STATE = re.compile(r"\b(?:is|are)(?: in| on| at)?(?: the| a)? ")
_NEXT = re.compile(r"[,;]|\band bits?\b")
_SHORT = re.compile(r"(?:\bin\b|\bon\b|\bfor\b|\bto\b|\bof\b|\band\b|\bor\b|/).*", re.IGNORECASE | re.DOTALL)


_BLANK = re.compile(r"\b(?P<v>v|h)(?:ertical|orizontal)?[- ]blank(?:ing)?\b", re.IGNORECASE)


def _one_word(text: str) -> str:
    """Return a text with `vertical blank` and its other spellings as `vblank`, and so for `hblank`."""
    return _BLANK.sub(lambda match: f"{match['v'].lower()}blank", text)


def said_as(phrase: str) -> Iterator[str]:
    """Give a phrase cut at what only adds to it, then shorter still."""
    cut = _CUT.sub("", phrase).strip()
    if cut:
        yield cut
    state = _STATE.search(cut)
    if state and state.end() < len(cut):
        yield cut[state.end() :]
    short = _SHORT.sub("", cut).strip()
    if short and short != cut:
        yield short


def _share(word: str, words: frozenset[str]) -> bool:
    if not expanded(word).isdisjoint(words):
        return True
    return len(word) >= 4 and any(
        other.startswith(word[:5]) or word.startswith(other[:5]) for other in words if len(other) >= 4
    )


def misplaced(phrase: str, here: str, others: Sequence[str]) -> int:
    """Return the place of the text among `others` that the phrase fits, when it does not fit `here`; else -1.

    It must say all words of the phrase; `here` must say none of them, unless the phrase is the other text itself.
    """
    phrase, here = _one_word(phrase), _one_word(here)
    mine = phrase_words(here)
    whole = phrase_words(_NEXT.split(phrase)[0])
    for part in said_as(phrase):
        words = phrase_words(part) - _FILLER
        if not words:
            return _named_alone(part, here, others)
        if len(words) > 6:
            continue
        missing = [word for word in words if not _share(word, mine)]
        if not missing:
            return -1
        found = _fitting(words, others, whole_match=len(missing) < len(words))
        if found >= 0 and not any(_share(word, mine) for word in whole - _FILLER - words if len(word) > 3):
            return found
    return -1


_KIND = frozenset(["the", "a", "an", "facing", "faces", "looking", "song", "music", "theme", "track", "direction"])


def _named_alone(phrase: str, here: str, others: Sequence[str]) -> int:
    """Return the one text that begins with just the words of a phrase (`right`, `boss music`); -1 without one."""
    words = frozenset(re.findall(r"[a-z]+", phrase.lower())) - _KIND
    if not words or words & frozenset(re.findall(r"[a-z]+", here.lower())):
        return -1
    heads = [frozenset(re.findall(r"[a-z]+", text.partition("(")[0].lower())) for text in others]
    return heads.index(words) if heads.count(words) == 1 else -1


def _fitting(words: frozenset[str], others: Sequence[str], *, whole_match: bool) -> int:
    best, extra = -1, 99
    for place, text in enumerate(others):
        theirs = phrase_words(_one_word(text))
        if whole_match and words != theirs - _FILLER:
            continue
        if all(not expanded(word).isdisjoint(theirs) for word in words) and len(theirs - words) < extra:
            best, extra = place, len(theirs - words)
    return best
