"""The words of a question about code: what is looked for by full text, what an index has by address, what is noise."""

import re
from typing import NamedTuple

from knowledge.snes.addresses import spelled
from knowledge.snes.registers import canonical, find_register

__all__ = ["Asked", "asked", "clean", "fts_query", "terms"]

_WORD = re.compile(r"[^\W_]+")
_NAME = re.compile(r"!?[A-Za-z_]\w{2,}(?:[.:]{1,2}\w+)*")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_")
_MOST_WORDS = 24
_LONGEST = 1_000
"""Characters of a question that are looked at."""
_NOISE_WORDS = """
a all an and any are at be by called calls caller callers can code do does every find for from function functions get
gets give has have how i in into is it its list made me of on or place places read reads routine routines show sets
stored subroutine that the them there these this to touch touches use used uses using what when where which who whom
whose why with work works write writes written wrote you
"""
_NOISE = frozenset(_NOISE_WORDS.split())
_VERBS = {
    "write": frozenset(("write", "writes", "writing", "written", "wrote", "set", "sets", "change", "changes", "store")),
    "read": frozenset(("read", "reads", "reading", "load", "loads")),
    "call": frozenset(("call", "calls", "caller", "callers", "called", "calling", "jump", "jumps")),
}

_TOPICS: dict[str, tuple[tuple[int, int], ...]] = {
    # word to the registers that it is about, the first of them the ones that make it so
    "dma": ((0x420B, 0x420B), (0x4300, 0x437A)),
    "hdma": ((0x420C, 0x420C), (0x4300, 0x437A)),
    "gdma": ((0x420B, 0x420B), (0x4300, 0x437A)),
    "vram": ((0x2115, 0x2119), (0x2139, 0x213A)),
    "oam": ((0x2101, 0x2104),),
    "cgram": ((0x2121, 0x2122),),
    "palette": ((0x2121, 0x2122),),
    "brightness": ((0x2100, 0x2100),),
    "blank": ((0x2100, 0x2100),),
    "mosaic": ((0x2106, 0x2106),),
    "scroll": ((0x210D, 0x2114),),
    "window": ((0x2123, 0x212B),),
    "mode7": ((0x211A, 0x2120),),
    "joypad": ((0x4218, 0x421F), (0x4016, 0x4017)),
    "controller": ((0x4218, 0x421F), (0x4016, 0x4017)),
    "apu": ((0x2140, 0x2143),),
    "spc": ((0x2140, 0x2143),),
    "music": ((0x2140, 0x2143),),
    "sound": ((0x2140, 0x2143),),
    "multiply": ((0x4202, 0x4203), (0x4216, 0x4217), (0x211B, 0x211C)),
    "multiplication": ((0x4202, 0x4203), (0x4216, 0x4217)),
    "divide": ((0x4204, 0x4206), (0x4214, 0x4215)),
    "division": ((0x4204, 0x4206), (0x4214, 0x4215)),
    "irq": ((0x4207, 0x420A), (0x4211, 0x4211)),
    "nmi": ((0x4210, 0x4210), (0x4200, 0x4200)),
    "vblank": ((0x4212, 0x4212), (0x4210, 0x4210)),
}
"""Source: the names and meanings of the registers in `knowledge/snes/registers.csv`."""


class Asked(NamedTuple):
    """A question taken apart."""

    words: tuple[str, ...]
    """What full text is asked for, in small letters."""
    names: tuple[str, ...]
    """What may be the name of a symbol, as written."""
    addresses: tuple[int, ...]
    """SNES addresses and registers that are named, as written: one of two digits or four has no bank."""
    topics: tuple[str, ...]
    """Words that stand for registers."""
    ranges: tuple[tuple[int, int], ...]
    """The registers of the topics, those that decide first."""
    verbs: frozenset[str]
    """`read`, `write`, `call`: what is asked of them; empty when nothing is."""


def clean(text: str) -> str:
    """Return a text as SQLite can keep it: a lone surrogate becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def asked(question: str) -> Asked:
    """Take a question apart; any text has an answer."""
    text = clean(question[:_LONGEST])
    named = [name.strip(".:") for name in _NAME.findall(text)]
    every = [word.lower() for word in _WORD.findall(text)]
    addresses: dict[int, None] = {}
    for found in spelled(text):
        if not found.pc and (not found.bare or found.banked):
            addresses[_address(found.value, found.digits)] = None
    for name in named:
        register = find_register(name)
        if register and not any(found.text == name for found in spelled(name)):
            addresses[register.address] = None
    topics = [word for word in dict.fromkeys(every) if word in _TOPICS]
    if "mode 7" in text.lower():
        topics.append("mode7")
    ranges = tuple(piece for topic in topics for piece in _TOPICS[topic])
    said = frozenset(verb for verb, forms in _VERBS.items() if forms & set(every))
    return Asked(terms(text), tuple(dict.fromkeys(named))[:_MOST_WORDS], tuple(addresses), tuple(topics), ranges, said)


def _address(value: int, digits: int) -> int:
    """Return the 24-bit address that a spelling means with D = 0 and data bank 0."""
    if digits > 4:
        return value
    if value < 0x2000:
        return 0x7E0000 | value
    return canonical(value)


def terms(text: str) -> tuple[str, ...]:
    """Return the words of a text that mean something, names split at their humps, in small letters."""
    found: dict[str, None] = {}
    for word in _WORD.findall(clean(text[:_LONGEST])):
        for part in (word, *_HUMP.split(word)):
            plain = part.lower()
            if plain and plain not in _NOISE and (len(plain) > 1 or len(text) < 4):
                found[plain] = None
    return tuple(found)[:_MOST_WORDS]


def fts_query(text: str) -> str:
    """Return a query for full text: any of the words, each quoted; empty when there is none."""
    return " OR ".join(f'"{word}"' for word in terms(text))
