"""What a prompt asks about: the addresses and labels in it, the ids it names, and the words that say what it is on."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from knowledge.alttp.locate_ids import by_id
from knowledge.alttp.validation.assembly import instructions, is_mnemonic
from knowledge.alttp.validation.claims import addresses
from knowledge.alttp.validation.found import listed
from knowledge.alttp.validation.known import Row, facts, meant, named, row, rows_at
from knowledge.alttp.validation.meaning import GENERIC, OWNERS, VAGUE, expanded, meaning
from knowledge.alttp.validation.passages import Passages, Statement, passages
from knowledge.alttp.words import STOP, plain_split, stem
from knowledge.snes.addresses import fold, show
from schemas.fact import FactKind

__all__ = ["PROMPT_LIMIT", "Mention", "content_words", "mentions"]

PROMPT_LIMIT = 20_000
"""Characters of a prompt that are read."""
_MOST = 48  # mentions of one way that are followed
_EXACT = 0.2  # what a row gains that says nothing else
_SAID = 0.4  # share of a clause's words that rows must say
_LABEL = re.compile(
    r"(?<![\w$#!])(?:[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+|[A-Z][a-z0-9]+[A-Z]\w*|[A-Z][A-Z0-9]{3,9})\b"
)
_CLAUSE = re.compile(
    r"[.,;:!?\n()]|\b(?:and|but|when|while|so that|because|then|with|if|after|before|instead)\b", re.IGNORECASE
)
_KINDS: tuple[FactKind, ...] = (
    "ram", "register", "routine", "ancilla", "sprite", "item", "module", "link_state", "dungeon", "follower",
    "overlord", "song", "data",
)  # fmt: skip
_ROM = ("routine", "data", "ancilla")
_BY_WORDS = ("ram", "register", "routine")
_CROWDED = frozenset(map(stem, ["link", "player", "sprite", "sprites", "enemy", "enemies"]))
_TASK = frozenset(
    map(
        stem,
        listed(
            "make made change fix add update increase decrease raise lower set write read code bug crash crashes "
            "help hello hi thanks thank hey refactor implement create give gives new explain show patch hack rom "
            "hook assembly asm routine function stronger faster slower bigger smaller higher longer shorter "
            "better more less half double infinite always never want wants need needs please should could would "
            "try tried work works working wrong broken issue problem error why way best optimize optimise "
            "improve modify edit replace remove disable prevent allow let everything something anything nothing "
            "people user file line lines text question answer example test tests like just only still also get "
            "gets got go goes happen happens seem seems press presses when while every each time times turn "
            "through around over under onto today not no enter exit take takes my your our their his her its it "
            "custom own different same some any all whole first last second third one two three four five ten "
            "hundred python web server poem story javascript html"
        ),
    )
)
"""Words of a task that are about no fact (stems)."""


class Mention(NamedTuple):
    """One fact that a prompt is about."""

    row: Row
    why: str
    weight: float
    """The higher the sooner: addresses and labels of code 3, of prose 2.8, ids 2.5, words 2 and less."""
    place: str = ""
    """Where an address lies in a row: `byte 5 of 16`."""


def mentions(prompt: str) -> list[Mention]:
    """Return what a prompt is about, the most important first, each row once."""
    read = passages(prompt[:PROMPT_LIMIT])
    found = [*_of_code(read), *_of_prose(read), *_of_ids(prompt[:PROMPT_LIMIT])]
    spoken = _of_words(read, {mention.row.ref for mention in found})
    best: dict[str, Mention] = {}
    for mention in sorted((*found, *spoken), key=lambda mention: -mention.weight):
        best.setdefault(mention.row.ref, mention)
    return list(best.values())


def _at(value: int, digits: int, why: str, weight: float) -> Iterator[Mention]:
    """Give the row that an address means: the one that begins there, else the smallest around it."""
    address = 0x7E0000 | value if digits <= 4 and 0x6000 <= value < 0xF500 else fold(value)
    if digits <= 4 and value >= 0x8000 and not rows_at(address):
        return
    rows = [one for one in rows_at(address) if one.kind != "sublabel"] or list(rows_at(address))
    start = [one for one in rows if one.address == address and one.title]
    whole = [one for one in rows if one.address < address and one.solid]
    for one in (start or whole)[:1]:
        place = "" if one.address == address else f"{show(address)} is byte {address - one.address} of {one.size}"
        yield Mention(one, why, weight, place)
    if start and whole and not start[0].solid:
        yield Mention(whole[0], why, weight, f"{show(address)} is byte {address - whole[0].address} of {whole[0].size}")
    if not rows and address & 0x8000 and digits == 6:
        yield from _routine(address, why, weight)


def _routine(address: int, why: str, weight: float) -> Iterator[Mention]:
    index = facts()
    for inside in islice(index.spans.before(address, within=0x800), 1):
        one = row(inside.entry)
        if one.kind in ("routine", "data"):
            yield Mention(one, why, weight - 0.2, f"{show(address)} lies 0x{address - one.address:X} behind its start")


def _named(name: str, why: str, weight: float) -> Iterator[Mention]:
    rows = [one for one in named(name) if one.vanilla and one.kind != "sublabel"] or list(named(name))[:1]
    for one in sorted(rows, key=lambda one: _KINDS.index(one.kind) if one.kind in _KINDS else 99)[:2]:
        yield Mention(one, why, weight)


def _of_code(read: Passages) -> Iterator[Mention]:
    count = 0
    for line in read.code:
        for one in instructions(line.text, line.start):
            if not is_mnemonic(one.name) or one.immediate or not one.operand:
                continue
            count += 1
            why = f"`{one.name} {one.operand[:24]}` in the code"
            if one.digits:
                yield from _at(one.number, one.digits * 2, why, 3.0)
            else:
                for label in _LABEL.findall(one.operand)[:1]:
                    yield from _named(label, why, 3.0)
        if count > 4 * _MOST:
            return


def _sentences(read: Passages) -> list[Statement]:
    """Return what a prompt says and what it asks, in its order."""
    return sorted((*read.statements, *read.questions), key=lambda said: said.start)


def _of_prose(read: Passages) -> Iterator[Mention]:
    for said in _sentences(read)[:_MOST]:
        for one in addresses(said.text)[:_MOST]:
            if one.digits > 2 or re.search(
                r"(?i)\b(?:address|ram|at|in|byte|variable)\W*$",
                said.text[max(0, one.start - said.start - 12) : 0] or "at",
            ):
                yield from _at(one.value, one.digits, f"{one.text} in the prompt", 2.8)
        for label in _LABEL.findall(said.text)[:_MOST]:
            yield from _named(label, f"{label[:40]} in the prompt", 2.8)


def _of_ids(prompt: str) -> Iterator[Mention]:
    index = facts()
    for match in list(by_id(index, prompt[:2000], "any"))[:8]:
        yield Mention(row(match.entry), match.reason, 2.5)


def content_words(text: str) -> list[str]:
    """Return the words (as written, in order) that say what a text is about."""
    out: list[str] = []
    for word in plain_split(text):
        base = stem(word)
        if base in STOP or base in _TASK or base.isdigit() or len(word) < 2 or len(word) > 30:
            continue
        out.append(word)
    return out


def _of_words(read: Passages, known: set[str]) -> Iterator[Mention]:
    """Give the rows that say what a clause is about; when addresses are named, only what is said beside them."""
    clauses: dict[str, None] = {}
    for said in _sentences(read)[:16]:
        plain = re.sub(r"\$[0-9A-Fa-f:]+|0x\w+|`[^`]*`", " ", said.text[:600])
        for part in _CLAUSE.split(plain):
            words = content_words(_LABEL.sub(" ", part))
            if words and len(words) <= 8:
                clauses[" ".join(words)] = None
    for clause in list(clauses)[:8]:
        yield from _of_clause(clause, named_already=bool(known))


def _of_clause(clause: str, *, named_already: bool) -> list[Mention]:
    """Return the rows for the longest parts of a clause that rows say; none when they leave most of it unsaid."""
    words = clause.split()
    for size in range(min(len(words), 3), 0, -1):
        met: list[Mention] = []
        said = set[int]()
        for start in range(len(words) - size + 1):
            found = [
                mention
                for mention in _of_phrase(" ".join(words[start : start + size]))
                if size > 1 or len(words) == 1 or mention.row.kind not in _ROM
            ]
            met += found[: 1 if named_already else 6]
            said.update(range(start, start + size) if found else ())
        if met:
            return met if len(said) >= _SAID * len(words) else []
    return []


def _of_phrase(phrase: str) -> Iterator[Mention]:
    """Give the rows whose name or subject says all words of a phrase, two of a kind, the plainest first."""
    said = meaning(phrase)
    telling = said.needed - VAGUE - OWNERS
    if not telling and len(said.needed) == 1:
        telling = said.needed - VAGUE - _CROWDED
    if not telling:
        return
    met: list[Mention] = []
    priors = facts().priors
    given = Counter[str]()
    for one in meant(said, "any"):
        if one.kind not in _KINDS or not one.vanilla or (one.kind in ("ram", "register") and not one.solid):
            continue
        if one.kind not in _BY_WORDS and not all(_is_about(one, frozenset((word,))) for word in telling):
            continue
        other = len(one.title - said.words - GENERIC - OWNERS - VAGUE)
        if len(telling) == 1 and (not _is_about(one, telling) or other > 3):
            continue
        weight = 1.2 + 0.2 * len(said.needed) - 0.02 * _KINDS.index(one.kind) + 0.1 * priors[one.entry] - 0.05 * other
        weight += 0 if other else _EXACT
        met.append(Mention(one, f"words: {phrase}", weight))
    for mention in sorted(met, key=lambda mention: -mention.weight):
        given[mention.row.kind] += 1
        if given[mention.row.kind] <= 2:
            yield mention


def _is_about(one: Row, telling: frozenset[str]) -> bool:
    """Tell whether a single word names a row: it is in the subject of work RAM, in the name of anything else."""
    name = one.called[0] if one.called else frozenset[str]()
    words = one.title if one.kind in ("ram", "register") else name
    return any(not expanded(word).isdisjoint(words) for word in telling)
