"""When what a text says of an address means another row: by its words, its axes, and what other rows are called."""

from collections.abc import Sequence

from knowledge.alttp.validation.known import Row, meant
from knowledge.alttp.validation.meaning import (
    GENERIC,
    OWNERS,
    VAGUE,
    Meaning,
    axes_of,
    expanded,
    opposed,
    shares,
)

__all__ = ["is_disjoint", "is_opposite", "is_title"]

_TOLERANT = ("amount",)
"""Axes on which a value that is stored may differ from the place where it goes."""
_SIDES = frozenset(
    ("axis", "half", "amount", "motion", "press", "way", "window", "side", "edge", "place", "where", "screen")
)
"""Axes whose words say which of several, never by themselves what."""
_RARE = 3  # registers that have a word
_SELF = frozenset(["link", "player", "valu", "array", "byt"])


def is_disjoint(said: Meaning, wide: Meaning, here: Sequence[Row], others: Sequence[Row]) -> bool:
    """Tell whether no row here says any of it, and it says enough to mean another."""
    if any(_is_nearly(said, one) for one in here):
        return False
    telling = said.needed - VAGUE - OWNERS
    enough = 2 if here[0].kind == "register" else 3
    if len(said.needed - OWNERS) >= enough and not any(shares(said.needed, one.said, one.squeezed) for one in here):
        return True
    if is_title(said, wide, here, others):
        return True
    if not telling:
        return _of_channel(said, here, others)
    if here[0].kind == "register" and _singled_out(telling, here, others):
        return True
    if any(shares(telling, one.said, one.squeezed) for one in here):
        return False
    if len(said.needed) == 1 and not any(_is_just(one, word) for one in others for word in telling):
        return False
    loose = wide.needed - VAGUE - OWNERS
    return len(others) == 1 or not any(shares(loose, one.title, one.squeezed) for one in here)


def _is_nearly(said: Meaning, one: Row) -> bool:
    """Tell whether a row is called by two words that are said and more, and misses one that names no side."""
    missing = {word for word in said.needed if not shares((word,), one.title, "")}
    return len(said.needed) - len(missing) >= 2 and len(missing) == 1 and not axes_of(missing)


def _of_channel(said: Meaning, here: Sequence[Row], others: Sequence[Row]) -> bool:
    """Tell whether a plain word (size, source) is said of the wrong register of one DMA channel."""
    first = here[0]
    near = [one for one in others if first.kind == "register" and one.address >> 4 == first.address >> 4 >= 0x430]
    return bool(near) and not any(shares(said.needed, one.said, one.squeezed) for one in here)


def _singled_out(telling: frozenset[str], here: Sequence[Row], others: Sequence[Row]) -> bool:
    """Tell whether a word that hardly any register has is said of one that does not have it."""
    for word in telling:
        if not any(shares((word,), one.said, one.squeezed) for one in here):
            having = meant(Meaning(frozenset((word,)), frozenset((word,)), {}), "register")
            if len(having) <= _RARE and any(one in others and _is_called(one, word) for one in having):
                return True
    return False


def _is_called(one: Row, word: str) -> bool:
    """Tell whether a word is part of what a row is called, rather than of what is told about it."""
    same = expanded(word)
    return not same.isdisjoint(one.title) or any(not same.isdisjoint(name) for name in one.called)


def _is_just(one: Row, word: str) -> bool:
    """Tell whether a row is called by one word and by words that many rows have, so that the word alone means it."""
    if any(axis in _SIDES for axis in axes_of((word,))):
        return False
    same = expanded(word)
    plain = GENERIC | VAGUE | OWNERS
    return any(not same.isdisjoint(words) and words - same <= plain for words in (one.title, *one.called))


def is_title(said: Meaning, wide: Meaning, here: Sequence[Row], others: Sequence[Row]) -> bool:
    """Tell whether it is word for word what another row is called, and rows here miss what matters of it."""
    del wide
    whole = said.words - _SELF
    if len(whole) < 2:
        return False
    missing = {word for word in whole if not any(shares((word,), one.said, one.squeezed) for one in here)}
    for other in others[:3]:
        title = other.title - _SELF
        exact = any(_alike(whole, words) for words in (title, *other.called))
        if exact and missing and (missing - OWNERS):
            return True
        if other.kind == "register" and _is_other_half(whole, other, here):
            return True
        if len(whole) >= 3 and whole <= title and len(title - whole) <= 1 and len(missing) * 2 >= len(whole):
            return True
    return False


_NOUNS = frozenset(["regist", "port"])


def _is_other_half(whole: frozenset[str], other: Row, here: Sequence[Row]) -> bool:
    """Tell whether it is the title of another register: `CGRAM address register` said of the data port."""
    rest = whole - _NOUNS
    if len(rest) < 2 or len(here) > 1 or rest != other.title - _NOUNS - (GENERIC - rest):
        return False
    return not all(shares((word,), here[0].title, here[0].squeezed) for word in rest)


def _alike(whole: frozenset[str], words: frozenset[str]) -> bool:
    """Tell whether two lists of words say the same, small words aside."""
    rest = words - _SELF - (GENERIC - whole)
    return bool(rest) and all(
        any(not expanded(word).isdisjoint(expanded(other)) for other in theirs)
        for mine, theirs in ((whole, rest), (rest, whole))
        for word in mine
    )


def is_opposite(said: Meaning, wide: Meaning, here: Sequence[Row], others: Sequence[Row], *, manner: str) -> bool:
    """Tell whether it says the opposite of all rows here on one axis, and another row is just so."""
    solid = [one for one in here if one.solid]
    if len(solid) != len([one for one in here if one.title]) or not others:
        return False
    conflicts = {opposed(said, one.axes, one.all_axes) for one in solid}
    if "" in conflicts:
        return False
    axis = conflicts.pop()
    if manner in ("moved", "comment") and axis in (*_TOLERANT, "owner"):
        return False
    if any(not wide.axes.get(axis, frozenset()).isdisjoint(one.axes.get(axis, frozenset())) for one in solid):
        return False
    if not any(other.all_axes.get(axis, frozenset()) & said.axes[axis] for other in others):
        return False
    rest = {word for word in said.needed if word not in _words_of(said, axis)}
    return not rest or any(shares(rest, one.said, one.squeezed) for one in solid)


def _words_of(said: Meaning, axis: str) -> set[str]:
    return {word for word in said.words if axis in axes_of((word,))}
