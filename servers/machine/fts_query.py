"""A question turned into expressions of SQLite's full text search: every word quoted, so that none is an operator."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from servers.machine.fts_text import UNSPACED, humps, joined_addresses, prefixed_numbers

__all__ = ["Term", "all_of", "any_of", "terms_of"]

_PHRASE = re.compile(r'"([^"]*)"|(\S+)')
_WORDY = re.compile(r"\w")
_HEX = re.compile(r"\$?([0-9A-Fa-f]{2})([0-9A-Fa-f]{4})h?")
_EDGES = "'\"`.,;:!?()[]{}<>*+-=~^|\\/"
_READ = 200_000
"""Characters of a question that are looked at."""
_LONGEST = 200
"""Characters of one word."""
_NOISE_WORDS = """
a about after all also am an and any anyone are as at be because been before being but by can could did do does doing
done for from get gets give got had has have having he her here him his how i if in into is it its just know let like
make me more most much must my need no not now of off on once one only or other our out over please same say see she
should show so some such take tell than that the their them then there these they thing things this those through to
too under until up us use used using very want was way we well were what when where which while who whom whose why
will with within without would you your
"""
_NOISE = frozenset(_NOISE_WORDS.split())


class Term(NamedTuple):
    """A word or phrase that is looked for: as it was written, and as an expression that is safe anywhere."""

    shown: str
    exact: str
    prefix: str
    """Like `exact`, the last word only begun; empty where that finds too much."""


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _either(texts: Iterable[str]) -> str:
    """Return the expression for any of some phrases."""
    quoted = [_quoted(text) for text in dict.fromkeys(texts)]
    return quoted[0] if len(quoted) == 1 else f"({' OR '.join(quoted)})"


def _spaced(word: str) -> str:
    """Write a word as the index has it: characters of a script without spaces stand alone."""
    return UNSPACED.sub(lambda run: f" {' '.join(run.group())} ", word).strip()


def _term(word: str) -> Term | None:
    """Return the term for a word, none where nothing in it can be found."""
    plain = word.strip(_EDGES)
    plain = plain[:-2] if plain.endswith(("'s", "\u2019s")) else plain
    plain = plain[:_LONGEST]
    if not _WORDY.search(plain):
        return None
    if UNSPACED.search(plain):
        return Term(plain, _quoted(_spaced(plain)), "")
    ways = [plain, *joined_addresses(plain), *prefixed_numbers(plain)]
    banked = _HEX.fullmatch(ways[-1])
    if banked:
        ways.append(f"{banked.group(1)} {banked.group(2)}")
    if parts := humps(plain):
        ways.append(" ".join(parts))
    begun = f"{_quoted(plain)}*" if len(plain) >= 3 else ""
    return Term(plain, _either(ways), begun)


def _written(query: str) -> str:
    return query[:_READ].replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def terms_of(query: str, *, most: int) -> tuple[Term, ...]:
    """Return at most `most` terms of any text, each once, in its order; a part in quotes is one phrase.

    Words that say nothing are left out, unless there are no others.
    """
    found: dict[str, Term] = {}
    noise: dict[str, Term] = {}
    for match in _PHRASE.finditer(_written(query)):
        phrase, word = match.groups()
        term = _term(phrase if phrase is not None else word)
        if term is None:
            continue
        key = term.shown.casefold()
        (noise if phrase is None and key in _NOISE else found).setdefault(key, term)
        if len(found) >= most:
            break
    return tuple((found or noise).values())[:most]


def all_of(terms: Iterable[Term], *, begun: bool = False) -> str:
    """Return the expression for texts with all of the terms; with `begun`, longer words count too."""
    return " AND ".join(_way(term, begun=begun) for term in terms)


def any_of(terms: Iterable[Term], *, begun: bool = False) -> str:
    """Return the expression for texts with any of the terms."""
    return " OR ".join(_way(term, begun=begun) for term in terms)


def _way(term: Term, *, begun: bool) -> str:
    return f"({term.exact} OR {term.prefix})" if begun and term.prefix else term.exact
