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
sm64: super mario 64, mario 64
kdl3: kirby's dream land 3, kirbys dream land 3, kirby 3
sotn: symphony of the night
tp: twilight princess
botw: breath of the wild
ff7: final fantasy 7, final fantasy vii, ffvii
dq5: dragon quest 5, dragon quest v, dqv
bof2: breath of fire 2, breath of fire ii
soe: secret of evermore
mmbn: mega man battle network
pokered: pokemon red, pokémon red
pokeyellow: pokemon yellow, pokémon yellow
pokegold: pokemon gold, pokémon gold
pokecrystal: pokemon crystal, pokémon crystal
pokeruby: pokemon ruby, pokémon ruby
pokeemerald: pokemon emerald, pokémon emerald
pokefirered: pokemon fire red, pokemon firered, pokémon firered
gameboy: game boy, gbdev, rgbds, gbz80
gba: game boy advance, gameboy advance, gbatek
snes: super nintendo, super famicom, sfc
n64: nintendo 64
megadrive: mega drive, sega genesis
ml: machine learning
ai: artificial intelligence
anypercent: any percent, any%
oom: out of memory, ran out of memory, memory error
asr: speech recognition, speech to text, speech transcription, whisper
tts: text to speech, speech synthesis, voice cloning, piper, xtts
leveleditor: level editor, lunar magic, hyrule magic, hmagic, zscream, smile, coilsnake, porymap, advance map
leveleditor: temporal flux, quantum, yaze
alttpeditor: zelda editor, yaze, zscream, hyrule magic, hmagic
smeditor: metroid editor, smile
smweditor: mario editor, lunar magic
tileeditor: tile editor, graphics editor, yychr, yy-chr, tile molester, tilelayer
hexeditor: hex editor, hxd, imhex
patcher: rom patcher, patching tool, patching tools, patching program, apply patches, applying patches, flips
patcher: floating, lunar ips, xdelta ui, deltapatcher
assemblers: assembler tool, asar, xkas, ca65, wla, wla dx, bass, rgbasm
emulators: emulator, emu, snes9x, bsnes, zsnes, higan, mesen, retroarch, mgba, bizhawk
emulators: ares, nestopia, fceux, desmume, melonds, project64, visualboyadvance, vba, kega, sameboy
modelrunner: llama.cpp, llamacpp, ollama, koboldcpp, lm studio, text generation webui, vllm, llamafile
"""


def _read(lines: str) -> Mapping[str, tuple[str, ...]]:
    known: dict[str, tuple[str, ...]] = {}
    for line in lines.strip().split("\n"):
        name, _, rest = line.partition(": ")
        ways = [name, *rest.split(", ")]
        joined = (way.replace("'", "").replace(" ", by) for way in ways if " " in way for by in ("-", "_", ""))
        known[name] = tuple(dict.fromkeys((*known.get(name, ()), *ways, *joined)))
    return known


WRITTEN = _read(_GAMES)
"""Name -> all ways in which names of files and folders write it, itself among them."""
_NAME_OF = {way: name for name, ways in WRITTEN.items() for way in ways if " " in way}
_LONG = re.compile(
    r"(?<![\w-])(?:" + "|".join(re.escape(way) for way in sorted(_NAME_OF, key=len, reverse=True)) + r")(?![\w-])"
)


_PROGRAM = r"\b(?:tools?|programs?|apps?|applications?|software|utility|utilities|script|thing|what (?:do|did|can) i)\b"
_PURPOSES = tuple(
    (re.compile(rf"{_PROGRAM}(?: \w+){{0,5}}? (?:{doing})\b.*"), meant)
    for doing, meant in (
        (
            r"(?:apply|applies|applying) (?:\w+ ){0,4}?(?:patch\w*|bps|ips)|patch(?:es|ing)? (?:\w+ ){0,2}?roms?",
            "patcher",
        ),
        (r"(?:play|plays|playing|run|runs|running) (?:\w+ ){0,4}?(?:roms?|games?)", "emulators"),
        (r"(?:edit|edits|editing|change|make|making) (?:\w+ ){0,3}?levels?", "leveleditor"),
        (r"(?:edit|edits|editing|draw|view\w*) (?:\w+ ){0,3}?(?:tiles?|tile graphics|chr)", "tileeditor"),
        (r"(?:edit|edits|editing|view\w*) (?:\w+ ){0,3}?(?:hex|bytes|binary|binaries)", "hexeditor"),
        (r"(?:assemble|assembles|assembling) (?:\w+ ){0,3}?(?:asm|code|patch\w*|65816|source\w*)", "assemblers"),
        (r"(?:run|runs|running|load\w*|serv\w+) (?:\w+ ){0,3}?(?:models?|llms?|gguf)", "modelrunner"),
    )
)
"""What a tool does, said after a word for a tool -> the name of such tools."""


_PERCENT = re.compile(r"(\w)%(?!\w)")
_EDITOR = re.compile(
    r"\b(?:(alttp|sm|smw) (?:editors?|leveleditors?)|(?:editors?|leveleditors?) (?:for|of) (?:the )?(alttp|sm|smw))\b"
)
"""An editor of a game, after names of several words were taken for one."""


def one_name(text: str) -> str:
    """Return a question with each name of several words as the one word that stands for it, and tools by their use."""
    text = _PERCENT.sub(r"\1 percent", text)
    for pattern, meant in _PURPOSES:
        text = pattern.sub(meant, text)
    named = _LONG.sub(lambda match: _NAME_OF[match.group()], text)
    return _EDITOR.sub(lambda match: f"{match[1] or match[2]}editor", named)


def as_said(word: str) -> str:
    """Return a word as people say it: what stands for a name of several words is told as that name."""
    return WRITTEN[word][1] if word in _TOOLS or (word.endswith("editor") and word in WRITTEN) else word


_TOOLS = frozenset(("asr", "tts", "modelrunner"))
"""Names that nobody says."""
