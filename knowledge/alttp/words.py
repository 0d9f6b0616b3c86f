"""How a name or a question becomes words: spelling folded, endings cut, synonyms known."""

import re
from functools import cache

from knowledge.alttp.words_english import COMMON_WORDS, ORDINARY_WORDS
from knowledge.alttp.words_synonyms import LOOSE, SAME, related

__all__ = [
    "ADVERBS",
    "COMMON",
    "NEIGHBOURS",
    "ORDINARY",
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


_WHOLE = frozenset(("direction", "function", "section", "fraction", "container"))


def _shorter(word: str) -> str:
    """Cut the ending of a word made of another: `horizontally` is horizontal, `electrocution` what is electrocuted."""
    if word in _WHOLE:
        return word
    if word.endswith("ly"):
        return word[:-2]
    if word.endswith(("ation", "ution", "ction", "ption")) and len(word) > 7:
        return word[:-3]
    return word[:-4] if word.endswith("ment") and len(word) > 7 else word


@cache
def stem(word: str) -> str:
    """Cut the ending of a lower-case word, so that `pressed`, `presses` and `pressing` are one word."""
    if len(word) < 4 or word[0].isdigit():
        return "id" if word == "ids" else word
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
    if len(word) > 6:
        word = _shorter(word)
    if len(word) > 6 and word.endswith("er") and word != "container":
        word = word[:-2]  # what counts is a counter
    return word[:3] + word[3:].rstrip("e")


def name_words(name: str) -> list[str]:
    """Split a label at underscores and capitals into stems: `LinkCurrentHP` gives link, current, hp."""
    return list(map(_name_stem, _NAME.findall(name)))


@cache
def _name_stem(part: str) -> str:
    return stem(part.lower())


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


_LONG = 7  # letters of a word whose ending makes it another word


def _stems(text: str) -> frozenset[str]:
    """Return the stems of words; what is no adverb is another word: `clearly` says nothing, `clear` much."""
    return frozenset(stem(word) for word in text.split() if not (word.endswith("ly") and len(word) >= _LONG))


def _adverbs(text: str) -> frozenset[str]:
    return frozenset(word for word in text.split() if word.endswith("ly") and len(word) >= _LONG)


_SAYS_NOTHING = (
    "a about all alttp am an and any are as at be been by can could did do does each find for from game get "
    "hardware has have hold holds how i if in info information into is it its keep keeps kept know let lookup me "
    "my need of on one or please return say says see should show snes so some store stores stored tell tells "
    "that the their them there these this to use used uses using value values want was we what when where which "
    "who whose why will with would you your zelda3 many much contain contains called live lives located mean "
    "means represent represents refer refers track tracks now right long hex exactly actually remember remembers "
    "remembered past look hey ok okay got ve ll re machine being happen happens us chris anyone someone "
    "something exact currently name's likes like kind make makes made while cheat cheats infinite unlimited poke "
    "poking asm hacking ram's quick question"
)
STOP = _stems(_SAYS_NOTHING)
"""Words of a question that say nothing about the fact that is asked for (stems)."""

WEAK = _stems(
    "ram wram memory address addresses variable variables byte bytes location number routine routines "
    "function functions subroutine subroutines procedure code label jsl jsr register registers reg port ports ppu mmio "
    "hardware handler logic owned own obtained obtain got collected collect acquired inventory possession possess"
)
"""Words that say where a fact lies rather than which it is (stems); they help a row, and none is needed."""

COMMON = _stems(COMMON_WORDS)
"""Stems of words that say little of a fact, even where a row has them."""

ADVERBS = _adverbs(f"{_SAYS_NOTHING} {COMMON_WORDS} {ORDINARY_WORDS}") - {"previously", "horizontally", "randomly"}
"""Words, as they are written, that say nothing wherever they stand."""

ORDINARY = COMMON | STOP | _stems(ORDINARY_WORDS)
"""Stems of words that say nothing of a question where no row has them."""

SYNONYMS: dict[str, frozenset[str]] = related(SAME, stem)
"""Stem to the stems that mean the same in this field."""

NEIGHBOURS: dict[str, frozenset[str]] = related(LOOSE, stem)
"""Stem to the stems that may be meant by it."""

PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"['\u2019](?:ve|re|ll|d|m)\b", " "),
        (r"n['\u2019]t\b", " not"),
        (r"\b(give|show|tell) me\b", ""),
        *(
            (
                rf"\b(background|layer|bg|channel|port|bottle|controller|joypad|player|window|slot|number) {word}\b",
                rf"\1 {digit}",
            )
            for digit, word in enumerate(("zero", "one", "two", "three", "four", "five", "six", "seven"))
        ),
        (r"\b(?:press|hold|push|tap)(?:ed|es|s|ing)? (?:the )?(?:button )?([abxylr])\b(?: button)?", r"press \1button"),
        (r"\b([abxylr])[ -]button\b|\bbutton ([abxylr])\b", r"\1\2button"),
        (r"\blike[ -]likes?\b", "likelike"),
        (r"\(not [^)]*\)|[,;] (?:but )?not (?:the|an?|its|their|his|link'?s?|just|counting) [^.,;?!)]*", " "),
        (r"\bowner ?ship\b", "owned"),
        (r"\bbackground music\b", "music"),
        (r"\b(?:in|from|of|inside) (?:the )?rom\b|\brom (data|table|address|location|offset)\b", r" \1 "),
        (
            r"\bwhich (?:follower|tag-?along|companion) "
            r"(?:is (?:with|behind|following|active|current)|(?:am|do) i|follows)\b",
            "current follower id",
        ),
        (r"\b\d+x\d+(?= (?:bit )?(?:multipl|divi))", " "),
        (r"\bgame (sub)?module\b", r"\1module"),
        (r"\bplayer ?[12]?(?:'s)? (?:pad|controller|joypad)\b", "joypad"),
        (r"\bthird bottle\b", "bottle 3"),
        (r"\b(?:fourth|last) bottle\b", "bottle 4"),
        (r"\bb[ -]bus\b", "target"),
        (r"\b(?:sound|audio|music) (?:chip|cpu|processor)\b", "apu"),
        (r"\b(?:text|dialog|dialogue|message) box(?:es)?\b", "message"),
        (r"\b(?:chicken|cucco)s? (?:attack|anger|revenge)\b", "cucco avenger"),
        (r"\bwho(?:'s| is)? follow(?:s|ing)(?: me| link| the player| us)?\b", "follower id"),
        (r"\bfollow(?:s|ing) (?:me|us|link|the player|him)\b", "follower"),
        (r"\btag(?:s|ging)?[ -]along\b", "follower"),
        (r"\bin bunny form\b|\bturned into a (?:bunny|rabbit)\b", "bunny"),
        (r"\bbig key(s?)\b", r"big key\1"),
        (r"\bboss keys?\b", "big key"),
        (r"\b(?:right|just) now\b|\bat (?:the|this) moment\b", "current"),
        (r"\bthis frame\b", "new frame"),
        (
            r"\bhow (?:many|much) (.+?) can (?:link|i|we|the player|the hero) (?:carry|hold|have)\b|\bat most\b",
            r"maximum \1",
        ),
        (r"\bhow (many|much)\b", "number"),
        (r"\broom tag ([12])\b", r"variable tag \1"),
        (r"\bhow fast\b", "speed"),
        (r"\bhow (high|tall)\b", "height"),
        (r"\bbg (?:layer )?([1-4])\b", r"bg\1"),
        (r"\b(layer|background) ([1-4])\b", r"bg\2"),
        (r"\bsecond (joypad|controller|player|gamepad|bottle)\b", r"\1 2"),
        (r"\bfirst (joypad|controller|player|gamepad|bottle)\b", r"\1 1"),
        (r"\b(?:is |currently |now )*(?:running|active)\b(?= *[?.!]*$)", "current"),
        (r"\bdo(es)? (link|the player|i) (carry|own|have|hold|possess)\b", "link"),
        (
            r"\b(link|the player|i|we) (?:is |am |are )?(carry|carries|carrying|has|have|holds?|owns?|possess(es)?)\b",
            "link",
        ),
        (r"\b(in|of) (the|this) game\b|\bon the (?:map|screen)$", ""),
        (r"\bhit[ -]?points?\b", "health"),
        (r"\bmp\b", "magic power"),
        (r"\b(?:turn|switch)(?:s|es|ed|ing)?[ -]on\b", "enable"),
        (r"\bkick(s|ed)?[ -]off\b", "start"),
        (r"\b(?:start|enable|trigger|begin|launch|do)(?:s|ing)? (?:a |the )?dma\b", "start general dma"),
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
        (r"\b(song|music|track|tune)(?: is)?(?: now| currently)? playing\b", r"last \1 playing"),
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
