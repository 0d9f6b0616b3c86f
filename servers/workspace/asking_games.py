"""Names that are written in many ways: games and their abbreviations, and tools by what they are for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["WRITTEN", "as_said", "one_name"]

_GAMES = """
alttp: a link to the past, link to the past, zelda 3, lttp, z3, alttpr
sm: super metroid, metroid 3, metroid
smw: super mario world, mario world
smw2: yoshi's island, yoshis island, yi
smb3: super mario bros 3, super mario bros. 3
smrpg: super mario rpg, mario rpg
smk: super mario kart, mario kart
earthbound: mother 2, ebsrc, eb
mmx: mega man x, megaman x, rockman x
megaman: mega man, rockman, mmx
ff4: final fantasy 4, final fantasy iv, final fantasy ii, ffiv
ff5: final fantasy 5, final fantasy v, ffv
ff6: final fantasy 6, final fantasy vi, final fantasy iii, final fantasy 3, ffvi, ff3us
ct: chrono trigger, chrono, crono
dkc2: donkey kong country 2, diddy's kong quest
dkc: donkey kong country, donkey kong
som: secret of mana, seiken densetsu 2
sd3: trials of mana, seiken densetsu 3
fzero: f zero, f-zero
oot: ocarina of time
mm: majora's mask, majoras mask
ladx: link's awakening, links awakening
tmc: minish cap
cv4: super castlevania, castlevania 4, castlevania iv
loz: legend of zelda 1, zelda 1
oos: oracle of secrets
ml: machine learning
ai: artificial intelligence
leveleditor: level editor, lunar magic, hyrule magic, hmagic, zscream
tileeditor: tile editor, graphics editor, yychr, yy-chr, tile molester, tilelayer
hexeditor: hex editor, hxd, imhex
patcher: rom patcher, patching tool, patching tools, patching program, apply patches, applying patches, flips, lunar ips
emulators: emulator, emu, snes9x, bsnes, zsnes, higan, mesen, retroarch, mgba, bizhawk
"""


def _read(lines: str) -> Mapping[str, tuple[str, ...]]:
    known: dict[str, tuple[str, ...]] = {}
    for line in lines.strip().split("\n"):
        name, _, rest = line.partition(": ")
        ways = [name, *rest.split(", ")]
        joined = (way.replace("'", "").replace(" ", by) for way in ways if " " in way for by in ("-", "_", ""))
        known[name] = tuple(dict.fromkeys((*ways, *joined)))
    return known


WRITTEN = _read(_GAMES)
"""Name -> all ways in which names of files and folders write it, itself among them."""
_NAME_OF = {way: name for name, ways in WRITTEN.items() for way in ways if " " in way}
_LONG = re.compile(
    r"(?<![\w-])(?:" + "|".join(re.escape(way) for way in sorted(_NAME_OF, key=len, reverse=True)) + r")(?![\w-])"
)


def one_name(text: str) -> str:
    """Return a question with each name of several words as the one word that stands for it."""
    return _LONG.sub(lambda match: _NAME_OF[match.group()], text)


def as_said(word: str) -> str:
    """Return a word as people say it: what stands for a name of several words is told as that name."""
    return WRITTEN[word][1] if word.endswith("editor") and word in WRITTEN else word
