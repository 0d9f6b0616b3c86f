"""How a name or a question becomes words: spelling folded, endings cut, synonyms known."""

import re
from functools import cache

__all__ = [
    "PHRASES",
    "STOP",
    "SYNONYMS",
    "WEAK",
    "name_words",
    "plain_split",
    "plain_words",
    "squeeze",
    "stem",
    "text_words",
]

_DROP = {code: None for code in range(128) if not chr(code).isalnum()}
_NAME = re.compile(r"[A-Z]+\d*(?![a-z])|[A-Z]?[a-z]+\d*|\d+")
_PLAIN = re.compile(r"[a-z0-9]+")
_HYPHENED = re.compile(r"\b[a-z]+(?:-[a-z]+)+\b")
_POSSESSIVE = re.compile(r"['\u2019]s?\b")


def squeeze(text: str) -> str:
    """Fold case and drop every separator: `Link_Main`, `linkMain` and `LINK MAIN` are one spelling."""
    return text.lower().translate(_DROP)


@cache
def stem(word: str) -> str:
    """Cut the ending of a lower-case word, so that `pressed`, `presses` and `pressing` are one word."""
    if len(word) < 4 or word[0].isdigit():
        return word
    for ending, least in (("ing", 3), ("ed", 3)):
        if word.endswith(ending) and len(word) - len(ending) >= least:
            word = word[: -len(ending)]
            if word[-1] == word[-2] and word[-1] not in "sl":
                word = word[:-1]
            break
    else:
        if word.endswith("ies"):
            word = word[:-3] + "y"
        elif word.endswith("s") and word[-2] not in "sui":
            word = word[:-1]
    if len(word) > 6 and word.endswith("er") and word != "container":
        word = word[:-2]  # what counts is a counter
    return word[:3] + word[3:].rstrip("e")


def name_words(name: str) -> list[str]:
    """Split a label at underscores and capitals into stems: `LinkCurrentHP` gives link, current, hp."""
    return [stem(part.lower()) for part in _NAME.findall(name)]


def plain_split(text: str) -> list[str]:
    """Split plain text into lower-case words; a possessive ending is dropped."""
    return _PLAIN.findall(_POSSESSIVE.sub("", text.lower()))


def plain_words(text: str) -> list[str]:
    """Split plain text into stems; a possessive ending is dropped."""
    return [stem(part) for part in plain_split(text)]


def text_words(text: str) -> list[str]:
    """Split a text of the tables into stems; a hyphenated word is also one word: `knock-back` is `knockback` too."""
    out = plain_words(text)
    if "-" in text:
        out += [stem(word.replace("-", "")) for word in _HYPHENED.findall(text.lower())]
    return out


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in text.split())


STOP = _stems(
    "a about all alttp am an and any are as at be been by can could did do does each find for from game "
    "get hardware has have hold holds how i if in info information into is it its keep keeps kept know let "
    "lookup me my need of on one or please return say says see should show snes so some store stores "
    "stored tell tells that the their them there these this to use used uses using value values want was we "
    "what when where which who whose why will with would you your zelda3 many much contain contains called "
    "live lives located mean means represent represents refer refers track tracks now right long hex exactly "
    "actually remember remembers remembered past look hey ok okay got machine being been happen happens am we us "
    "chris anyone someone something exact currently name's called likes like kind make makes made while"
)
"""Words of a question that say nothing about the fact that is asked for (stems)."""

WEAK = _stems(
    "ram wram memory address addresses variable variables byte bytes location number routine routines "
    "function functions subroutine subroutines procedure code label jsl jsr register registers reg port ports ppu mmio "
    "hardware owned own obtained obtain got collected collect acquired inventory possession possess"
)
"""Words that say where a fact lies rather than which it is (stems); they help a row, and none is needed."""

_GROUPS = (
    "health hp life heart hearts hitpoint",
    "rupee money cash rupy wallet",
    "position coordinate coord pos where",
    "position location",
    "horizontal x",
    "vertical y",
    "height z altitude",
    "underworld dungeon indoor inside",
    "overworld outdoor outside",
    "link player hero",
    "guard soldier knight",
    "cucco chicken",
    "fairy faerie",
    "joypad controller pad gamepad joy input button",
    "screen display picture",
    "cgram palette pal colour color",
    "colour color",
    "sound sfx effect",
    "music song track tune bgm",
    "random rng prng rnd",
    "invincible invincibility iframe invulnerable invulnerability immune",
    "speed velocity vel",
    "direction facing face heading dir",
    "maximum max capacity cap limit",
    "timer countdown time delay",
    "count number quantity amount counter",
    "flute ocarina whistle",
    "message dialogue dialog text",
    "death die dead",
    "kill death",
    "follower tagalong companion",
    "magic mp mana",
    "damage hurt",
    "spawn create",
    "bunny rabbit",
    "enable start",
    "index id type",
    "current cur active",
    "mode module",
    "mail armor armour tunic",
    "boots boot shoe",
    "brightness bright fade",
    "sram save",
    "collision collide",
    "glove gloves mitt",
    "give grant receive",
    "oam object obj",
    "background bg",
    "camera scroll",
    "held hold pressed press",
    "center centre",
    "submodule submode",
    "divide division dividing",
    "multiply multiplication multiplying",
    "result quotient product",
    "draw redraw render rebuild",
    "previous last old",
    "interrupt irq nmi",
    "lamp lantern",
    "net bugnet",
    "hammer mallet",
    "ganon ganondorf",
    "progress story gamestate phase",
    "recoil knockback bounce",
    "arrow quiver",
    "lit light burn",
    "process handle",
    "apu spc700 spc",
    "kiki monkey",
    "skeleton stalfos",
    "bird raven crow",
    "bat keese",
    "mummy gibdo",
    "wizard wizzrobe mage",
    "turtle terrorpin",
    "rat mouse",
    "ghost poe",
    "moth mothula",
    "worm moldorm lanmola",
    "jellyfish bari",
    "centaur lynel",
    "cyclops hinox",
    "elder sahasrahla",
    "smith smithy blacksmith dwarf smithi",
    "fountain fairy pond",
    "shop store",
    "merchant seller shopkeeper owner vendor",
    "pot jar vase",
    "peg block",
    "cave cavern",
    "house home hut",
    "stair staircase",
    "cutscene scene event",
    "freeze pause halt stop",
    "file slot save",
    "chest treasure",
    "altitude height z",
    "transfer upload copy",
    "initialize initialise init setup reset",
    "load read fetch",
    "decompress unpack decompression",
    "explosion explode blast",
    "projectile shot missile",
)


def _synonyms() -> dict[str, frozenset[str]]:
    out: dict[str, set[str]] = {}
    for group in _GROUPS:
        members = _stems(group)
        for word in members:
            out.setdefault(word, set()).update(members - {word})
    return {word: frozenset(others) for word, others in out.items()}


SYNONYMS: dict[str, frozenset[str]] = _synonyms()
"""Stem to the stems that mean the same in this field."""

PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\b(give|show|tell) me\b", ""),
        (r"\bhow (many|much)\b", "number"),
        (r"\bdo(es)? (link|the player|i) (carry|own|have|hold|possess)\b", "link"),
        (r"\b(link|the player|i) (carry|carries|has|have|holds?|owns?|possess(es)?)\b", "link"),
        (r"\b(in|of) (the|this) game\b", ""),
        (r"\bhit[ -]?points?\b", "health"),
        (r"\bmp\b", "magic power"),
        (r"\bturn(s|ed|ing)?[ -]on\b", "enable"),
        (r"\bswitch(es|ed)?[ -]on\b", "enable"),
        (r"\bkick(s|ed)?[ -]off\b", "start"),
        (r"\bvideo (ram|memory)\b", "vram"),
        (r"\bcolou?r (ram|memory)\b", "cgram"),
        (r"\bobject attribute memory\b", "oam"),
        (r"\b(is|am) (link|i|the player|the hero)( currently)? in\b", "current link"),
        (r"\bwork ram\b", "wram"),
        (r"\bgame ?over\b", "over"),
        (r"\bsub[- ]sub[- ]?module", "subsubmodule"),
        (r"\bsub[- ]module", "submodule"),
        (r"\bsub ?screen", "sub screen"),
        (r"\bwhich way\b", "direction"),
        (r"\b(song|music|track|tune)(?: is)?(?: now| currently)? playing\b", r"current \1"),
        (r"\b(?:is|are|have|has|i've|do i have)(?: got)? left\b|\bremaining\b", "current"),
        (r"\b(?:link|i|we|the player|the hero) (?:is|am|are)(?: currently)? in\b", "current link"),
        (r"\bsaved\W*$", ""),
        (r"\bsave ram\b", "sram"),
        (r"\b([xy])[ -]?(coord|pos|position|coordinate)s?\b", r"\1 coordinate"),
        (r"\bgame ?pad\b", "joypad"),
        (r"\bjoy ?stick\b", "joypad"),
        (r"\brandom numbers?\b", "random number"),
        (r"\bgame ?mode\b", "main module"),
        (r"\bv-?blank\b", "vblank"),
        (r"\bh-?blank\b", "hblank"),
    )
)
"""Turns of phrase that stand for one word of the tables."""
