"""What a phrase and a row are about, as words, and when a phrase means another row.

A phrase contradicts a row only when another row says all of it and this row says none of it, or says the opposite on
one axis (X and Y, low and high, current and maximum ...). What no row says is no contradiction.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from knowledge.alttp.validation.found import listed
from knowledge.alttp.words import STOP, SYNONYMS, name_words, plain_words, stem

__all__ = ["OWNERS", "Meaning", "axes_of", "expanded", "meaning", "opposed", "phrase_words", "shares"]

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+|[A-Za-z]+[a-z0-9][A-Z][A-Za-z0-9]*")
_SAID_TWICE = re.compile(r"\b(\d+)-bit\b|\b0x[0-9a-f]+\b|\$[0-9a-f:]+", re.IGNORECASE)
_LONGEST = 300


def _stems(text: str) -> frozenset[str]:
    return frozenset(map(stem, text.split()))


GENERIC = _stems(
    "link player hero byte bytes value values variable address addresses ram wram memory sram location register "
    "registers port number amount flag flags data bit bits word words pointer table array buffer entry entries index "
    "counter game hardware snes field setting settings current kept stored holder real actual copy total own single "
    "unsigned signed integer decimal hex hexadecimal per each every slot slots part main coordinate various "
    "pixel pixels addr ptr var const foo bar yes wide long mirror shadow backup one two three four once twice both "
    "certain specific given same new default "
    "neighbour neighbor thing one place spot hand side way case story same opposite counterpart sibling partner "
    "pair rest others former latter equip equips standard known called named label labelled vanilla alttp zelda"
)
"""Words that a row need not say to be meant (stems)."""
VAGUE = _stems(
    "timer counter state step mode status control type kind id offset temp temporary scratch list set action animation "
    "graphics general purpose total effect level system start end object thing position direction speed velocity "
    "frame update check routine code function handler process logic load store read write loop move movement input "
    "output result first second last next previous time delay count size length source destination target active "
    "enabled disabled enable disable on off x y z low high channel channels"
)
"""Words that may be said of almost any row: a phrase of them alone means none (stems)."""

_AXES: dict[str, dict[str, str]] = {
    "axis": {"x": "x horizontal", "y": "y vertical", "z": "z height altitude"},
    "half": {"low": "low lo lower", "high": "high hi upper", "bank": "bank", "middle": "middle mid"},
    "amount": {
        "current": "current cur",
        "maximum": "maximum max capacity",
        "refill": "refill filler refilled",
    },
    "motion": {
        "position": "position coordinate coordinates coord coords pos positions",
        "velocity": "velocity speed velocities vel",
        "fraction": "subpixel sub-pixel fraction fractional",
        "recoil": "recoil knockback",
    },
    "held": {
        "health": "health hp heart hearts",
        "magic": "magic mp",
        "rupee": "rupee rupees money",
        "bomb": "bomb bombs",
        "arrow": "arrow arrows",
        "key": "key keys",
        "pendant": "pendant pendants",
        "crystal": "crystal crystals",
        "compass": "compass compasses",
    },
    "plane": {"bg1": "bg1", "bg2": "bg2", "bg3": "bg3", "bg4": "bg4"},
    "press": {"held": "held holding", "new": "newly new pressed", "before": "previous"},
    "sound": {"song": "song music bgm track", "effect": "sfx effect effects", "ambient": "ambient"},
    "world": {"light": "light", "dark": "dark"},
    "screen": {"main": "mainscreen main", "sub": "subscreen sub"},
    "level": {"module": "module", "submodule": "submodule submode"},
    "way": {
        "source": "source src",
        "destination": "destination dest",
        "size": "size count length",
        "trigger": "enable trigger start",
    },
    "window": {"one": "window1 w1", "two": "window2 w2"},
    "side": {"left": "left west", "right": "right east"},
    "edge": {"top": "top north", "bottom": "bottom south"},
    "math": {
        "dividend": "dividend",
        "divisor": "divisor",
        "multiplicand": "multiplicand",
        "multiplier": "multiplier",
        "quotient": "quotient",
        "remainder": "remainder",
    },
    "store": {"vram": "vram", "cgram": "cgram palette", "oam": "oam", "wram": "wram"},
    "gear": {
        name: name
        for name in listed(
            "sword shield armor mail tunic glove gloves boots lamp bow boomerang hookshot hammer "
            "flute net book bottle somaria byrna cape mirror flippers pearl bombos ether quake firerod icerod "
            "mushroom powder shovel"
        )
    },
    "place": {
        "indoors": "indoors indoor underworld dungeon inside",
        "outdoors": "outdoors outdoor overworld outside",
    },
    "where": {"room": "room", "area": "area screen", "floor": "floor", "entrance": "entrance"},
    "owner": {
        "link": "link player",
        "sprite": "sprite enemy enemies sprites",
        "ancilla": "ancilla ancillae",
        "overlord": "overlord overlords",
        "garnish": "garnish",
        "follower": "follower tagalong followers",
    },
    "dma": {"general": "dma gdma", "hblank": "hdma"},
    "pad": {"pad1": "joypad1 joy1", "pad2": "joypad2 joy2"},
}
"""Axis to its values, each with the words that say it; on one axis, rows that are alike have different values."""


OWNERS = frozenset(word for words in _AXES["owner"].values() for word in _stems(words))
"""Words that say whose a thing is (stems)."""


@cache
def _axis_words() -> dict[str, tuple[str, str]]:
    out: dict[str, tuple[str, str]] = {}
    for axis, values in _AXES.items():
        for value, words in values.items():
            for word in words.split():
                out[stem(word)] = (axis, value)
    return out


def axes_of(words: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the value or values that words (stems) have on each axis."""
    out: dict[str, set[str]] = {}
    table = _axis_words()
    for word in words:
        found = table.get(word)
        if found:
            out.setdefault(found[0], set()).add(found[1])
    return {axis: frozenset(values) for axis, values in out.items()}


class Meaning(NamedTuple):
    """What a phrase says."""

    words: frozenset[str]
    """Its stems, without small words."""
    needed: frozenset[str]
    """Those that a row must say to be meant."""
    axes: Mapping[str, frozenset[str]]

    @property
    def telling(self) -> bool:
        """Whether it says enough to mean a row."""
        return bool(self.needed - VAGUE) or len(self.needed) >= 2


_JOINED = (
    (re.compile(r"\bsub[- ]?pixels?\b"), "subpixel"),
    (re.compile(r"\bsub[- ]?module\b|\bsub[- ]?mode\b"), "submodule"),
    (re.compile(r"\bfire[- ]rod\b"), "firerod"),
    (re.compile(r"\bice[- ]rod\b"), "icerod"),
    (re.compile(r"\bwindow (\d)\b"), r"window\1"),
    (re.compile(r"\b(?:joypad|controller|pad|joy) ?(\d)\b"), r"joypad\1"),
    (re.compile(r"\bbackground (\d)\b|\bbg ?(\d)\b"), r"bg\1\2"),
    (re.compile(r"\bhit ?points?\b|\blife\b"), "health"),
    (re.compile(r"\bmain[- ]screen\b"), "mainscreen"),
    (re.compile(r"\bsub[- ]screen\b"), "subscreen"),
    (re.compile(r"\bdark world\b"), "dark world"),
    (re.compile(r"\bin[- ]doors?\b"), "indoors"),
)


@lru_cache(maxsize=8192)
def phrase_words(text: str) -> frozenset[str]:
    """Return the stems of a phrase; labels in it are taken apart at capitals and underscores."""
    cut = text[:_LONGEST]
    labels = [word for label in _IDENTIFIER.findall(cut) for word in name_words(label)]
    plain = _SAID_TWICE.sub(" ", _IDENTIFIER.sub(" ", cut)).lower()
    for pattern, joined in _JOINED:
        plain = pattern.sub(joined, plain)
    words = {*plain_words(plain), *labels}
    return frozenset(word for word in words if word not in STOP and not word.isdigit())


@lru_cache(maxsize=4096)
def meaning(text: str) -> Meaning:
    """Return what a phrase says."""
    words = phrase_words(text)
    needed = frozenset(word for word in words if word not in GENERIC)
    return Meaning(words, needed, axes_of(words))


@cache
def _owner_groups() -> tuple[frozenset[str], ...]:
    return tuple(map(_stems, _AXES["owner"].values()))


@cache
def expanded(word: str) -> frozenset[str]:
    """Return a stem with the stems that mean the same."""
    owners = next((same for same in _owner_groups() if word in same), frozenset[str]())
    return frozenset((word,)) | SYNONYMS.get(word, frozenset()) | owners


def shares(words: Iterable[str], said: frozenset[str], squeezed: str, *, strict: bool = False) -> bool:
    """Tell whether a row says any of the words: itself, a synonym (unless `strict`), or as a part of a name."""
    for word in words:
        if word in said or (not strict and not said.isdisjoint(expanded(word))):
            return True
        if len(word) == 3 and any(part.startswith(word) for part in said):
            return True  # `aux` is short for a word
        if len(word) >= 4 and (word in squeezed or any(part.startswith(word[:5]) for part in said if len(word) > 4)):
            return True
    return False


def opposed(phrase: Meaning, row_head: Mapping[str, frozenset[str]], row_all: Mapping[str, frozenset[str]]) -> str:
    """Return an axis on which the phrase says what the row does not, and the row says something else; empty if none."""
    for axis, values in phrase.axes.items():
        if row_head.get(axis) and values.isdisjoint(row_all.get(axis, frozenset())):
            return axis
    return ""
