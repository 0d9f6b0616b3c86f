"""The features of a prompt that the trained classifier weighs: words, parts of words, ideas, and the form of it.

Four blocks, each of length 1 after weighting, so that a long prompt says no more than a short one:
words (single, pairs, the opening of each sentence), parts of words (3 to 5 letters), ideas (see concepts.txt; alone,
first, last, in order of appearance), form (question, code, addresses, length).
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from runner.routing.tokens import Reading, read_prompt

__all__ = ["BLOCKS", "features_of", "weighted"]

BLOCKS: Mapping[str, float] = {"w": 1.4, "p": 0.9, "i": 1.2, "f": 0.5}
"""Length of each block: words, parts of words, ideas, form. Chosen by cross-validation over authors."""

_POLITE = frozenset(
    [
        "please",
        "pls",
        "you",
        "then",
        "just",
        "now",
        "kindly",
        "also",
        "let's",
        "lets",
        "quickly",
        "only",
        ",",
        ":",
        "and",
        "to",
        "help",
        "me",
        "first",
        "next",
        "bitte",
        "mal",
    ]
)


def features_of(reading: Reading) -> Mapping[str, Counter[str]]:
    """Return how often each feature occurs, by block."""
    return {
        "w": Counter(_words(reading)),
        "p": Counter(_parts(reading)),
        "i": Counter(_ideas(reading)),
        "f": Counter(_form(reading)),
    }


def weighted(prompt: str | Reading, idf: Callable[[str], float]) -> dict[str, float]:
    """Return the features of a prompt by name with their weights; `idf` gives 0 for a feature that nobody knows."""
    reading = read_prompt(prompt) if isinstance(prompt, str) else prompt
    found: dict[str, float] = {}
    for block, counts in features_of(reading).items():
        values = {name: (1.0 + math.log(count)) * idf(name) for name, count in counts.items()}
        length = math.sqrt(sum(value * value for value in values.values()))
        if length:
            scale = BLOCKS[block] / length
            found.update((name, value * scale) for name, value in values.items() if value)
    return found


def _words(reading: Reading) -> Iterator[str]:
    tokens = reading.tokens
    for token in tokens:
        yield f"w:{token}"
    for left, right in pairwise(tokens):
        yield f"w:{left} {right}"
    for start in reading.starts:
        opening = tokens[start : start + 3]
        for length in range(1, len(opening) + 1):
            yield f"s:{' '.join(opening[:length])}"
    for place in _orders(reading):
        yield f"v:{tokens[place]}"
    if reading.starts:
        last = tokens[reading.starts[-1] : reading.starts[-1] + 2]
        yield f"e:{' '.join(last)}"


def _orders(reading: Reading) -> list[int]:
    """Return the places at which an order may begin: after the start, "please", "can you", a comma and the like."""
    tokens = reading.tokens
    places = [place + 1 for place, token in enumerate(tokens[:-1]) if token in _POLITE]
    return sorted({*reading.starts, *places}.difference(range(len(tokens), len(tokens) + 1)))


def _parts(reading: Reading) -> Iterator[str]:
    for token in reading.tokens:
        if token[0] in "<?,:" or len(token) < 3 or len(token) > 24:
            continue
        padded = f" {token} "
        for length in (3, 4, 5):
            for place in range(len(padded) - length + 1):
                yield f"p:{padded[place : place + length]}"


def _ideas(reading: Reading) -> Iterator[str]:
    names = [idea.name for idea in reading.ideas]
    if not names:
        yield "i:none"
        return
    yield f"first:{names[0]}"
    yield f"last:{names[-1]}"
    shown = list(dict.fromkeys(names))[:8]
    for place, name in enumerate(shown):
        yield f"i:{name}"
        for later in shown[place + 1 :]:
            yield f"o:{name}>{later}"
    orders = frozenset(_orders(reading))
    for idea in reading.ideas:
        if idea.place in orders:
            yield f"cmd:{idea.name}"
    for name in reading.idea_starts:
        yield f"open:{name}"
    if reading.idea_starts:
        yield f"close:{reading.idea_starts[-1]}"
    if reading.questions:
        yield f"ask:{names[0]}"


def _form(reading: Reading) -> Iterator[str]:
    tokens = reading.tokens
    yield f"f:questions{min(reading.questions, 2)}"
    yield f"f:code{_step(reading.code_lines, (0, 1, 4, 12))}"
    yield f"f:prose{_step(reading.prose, (0, 2, 5, 9, 15, 25, 50))}"
    yield f"f:sentences{min(len(reading.starts), 4)}"
    for mark in ("<op>", "<addr>", "<reg>", "<imm>", "<label>", "<file>", "<num>", "<caps>", "<hex>"):
        if mark in tokens:
            yield f"f:{mark}"
    if reading.code_first:
        yield "f:code first"
    if reading.code_lines and tokens[-1] == "<code>":
        yield "f:code last"
    if tokens and reading.prose <= 4 and any(token in ("<addr>", "<reg>", "<caps>") for token in tokens):
        yield "f:bare address"


def _step(value: int, steps: tuple[int, ...]) -> int:
    return sum(value > step for step in steps)
