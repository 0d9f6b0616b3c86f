"""What a text says of addresses: each pair of an address and the phrase or name that the text ties to it."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

__all__ = [
    "ADDRESS",
    "OTHER_GAME",
    "Address",
    "Claim",
    "addresses",
    "doubtful",
    "found_in",
    "grouped",
    "phrases",
    "usable",
]

_HEX = "[0-9A-Fa-f]"
ADDRESS = re.compile(
    rf"(?P<hash>\#)?\$(?:(?P<bank>{_HEX}{{2}}):)?(?P<digits>{_HEX}{{2,6}})(?!\w|:{_HEX}{{4}})(?:\s?,\s?[XxYy]\b)?"
    rf"|\b0x(?P<oh>{_HEX}{{4}}|{_HEX}{{6}})\b"
    rf"|(?<![\w$:.])(?P<wbank>7[EFef]):(?P<woff>{_HEX}{{4}})\b"
    rf"|(?<![\w$:.#])(?P<bare>7[EFef]{_HEX}{{4}})\b"
)
"""An address as it is written in prose."""
_BETWEEN = re.compile(r"[`*_\s\"')\]]*(?:-|\u2013|\u2014|/|,|&|\+|and|or|to|through|thru|\.\.\.?)[`*_\s\"'(\[]*")
_NEGATED = re.compile(
    r"\b(?:not|cannot|never|no longer|wrong(?:ly)?|incorrect(?:ly)?|mistaken?(?:ly)?|mistakes?|myths?|confus\w*|"
    r"mislabel\w*|"
    r"misnam\w*|misread\w*|mix(?:ed)? up|typos?|errors?|erroneous(?:ly)?|invalid|illegal|no such|there is no|"
    r"there's no|"
    r"if (?:it|this|that) (?:were|was)|if you (?:were|had)|would (?:be|have|mean|hold)|might (?:be|have|hold)"
    r"|claim\w*|saying|says?|said|"
    r"supposed(?:ly)?|alleged(?:ly)?|outdated|formerly|"
    r"hallucinat\w*|non-?existent|neither|nor|custom|hypothetical\w*|imagine|suppose|what if|yaze|contrary|unlike|"
    r"instead|rather|avoid|false|doubt\w*|unsure|probably|perhaps|maybe|guess|thought|assum\w+|repurpos\w+|free ram|"
    r"unused|my own|your own|our own|our hack|my hack|this hack|the hack|romhack|placeholder|example only|"
    r"used to be|stale|debunk\w*|correct(?:ed|ion)|swap(?:ped|s)?|vs\.?|versus|compared (?:to|with)|differs?|"
    r"should have been|different from|distinct from|except|unless|otherwise)\b|"
    r"(?:\u2014|\u2013|--?)\s*(?:no|nope)\b|n't\b|n\u2019t\b|\u274c|\u2717|~~",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"[,;(\u2014\u2013-]?\s*\b(?:not|never|and not|instead of|rather than|unlike|as opposed to|vs\.?|versus|"
    r"which is not|"
    r"different from|distinct from|don't confuse|do not confuse|except|unless|so (?:you )?(?:don't|do not|never))\b",
    re.IGNORECASE,
)
OTHER_GAME = re.compile(
    r"\b(?:super metroid|metroid|super mario|smw|mario world|smb\d?|yoshi|chrono|final fantasy|ff ?[456vi]+|earthbound|"
    r"donkey kong|dkc\d?|mega man|castlevania|link'?s awakening|oracle of|ocarina|majora|zelda (?:1|i|ii|2)|f-zero|"
    r"star ?fox|kirby|secret of mana|another game|other games?|lttp randomizer|randomizer|parallel worlds|conker)\b",
    re.IGNORECASE,
)
_OTHER_MEMORY = re.compile(
    r"\b(?:vram|cgram|oam|aram|apu ram|spc|spc700|audio ram|dsp|word)\s*"
    r"(?:address|index|entry|offset|location)?\s*[`(]*$",
    re.I,
)
_AMOUNT_BEFORE = re.compile(
    r"\b(?:offsets?|size|sized|length|counts?|amount|stride|step|distance|difference|sum|checksum|threshold|"
    r"(?:maximum|minimum|multiples?|steps|total) of|plus|minus|times|modulo|mask(?:ed)?(?: with)?|every)"
    r"\s?(?:of |is |are |= ?|: ?|at )?[`*(]*$",
    re.IGNORECASE,
)
_AMOUNT_BEHIND = re.compile(
    r"[`*]*[\s-](?:bytes?|words?|bits?(?!\s*\d)|entries|entry|blocks?|elements?|frames?|tiles?|pixels?|cycles?|times|"
    r"more|further|later|apart|less|higher|lower|long|from (?:the )?(?:start|beginning|end)|"
    r"(?:past|after|behind|into) (?:the|its|that))\b(?! (?:counter|timer)s?\b)",
    re.IGNORECASE,
)
"""Words beside a number of four digits or fewer that is a distance or a size, not a place."""
_LAST_ID = 0x1FF
_ID = re.compile(
    r"\b(?:rooms?|screens?|sprites?|items?|ancillae?|overlords?|entrances?|songs?|messages?|dungeons?|ids?|values?|banks?|"
    r"opcodes?|masks?|tiles?|slots?|receipts?|followers?|types?|tags?|attributes?|commands?|"
    r"(?<!the )(?<!main )(?<!'s )(?<!current )(?:sub)?modules?)"
    r"[`*\s(]*(?:id|number)?\s[`*]*$",
    re.IGNORECASE,
)
"""What a number is the id of, before it."""
_DECIMAL = re.compile(r"(?<![\w$.,])(?P<n>\d{2,5})[`*\s]*(?:\(|=|,? or |/)[`*\s(]*(?:hex )?$")


_OFFSET = re.compile(
    r"(?:offset )?[`*]*\$(?P<low>[0-9A-Fa-f]{4})[`*]* (?:of|in) bank [`*]*\$(?P<bank>[0-9A-Fa-f]{2})\b", re.IGNORECASE
)


class Address(NamedTuple):
    """One address in a text."""

    start: int
    end: int
    value: int
    digits: int
    """Hex digits as written, bank included."""
    text: str


class Claim(NamedTuple):
    """A phrase that the text ties to one address, or to several at once."""

    addresses: tuple[Address, ...]
    phrase: str
    """The words that say what it is."""
    wide: str
    """The same with all that stands around: what speaks for the row may be further off."""
    start: int
    end: int
    manner: Literal["is", "in", "equals", "moved", "comment", "define", "cell"]
    """How it is tied: `$X is P`, `P is at $X`, `P is $X`, `put P into $X`, a comment, a definition, a table."""
    around: str
    """The paragraph."""


def _value(match: re.Match[str]) -> tuple[int, int]:
    part = match.groupdict()
    digits = part["oh"] or part["bare"] or ""
    if part["digits"]:
        digits = (part["bank"] or "") + part["digits"]
    elif part["woff"]:
        digits = part["wbank"] + part["woff"]
    return int(digits, 16), len(digits)


def addresses(text: str, start: int = 0) -> list[Address]:
    """Return the addresses in a text that begins at an offset; immediate values (`#$10`) are none."""
    found = found_in(text)
    return [one._replace(start=one.start + start, end=one.end + start) for one in found] if start else list(found)


def _is_amount(text: str, match: re.Match[str], value: int) -> bool:
    """Tell whether a number is a distance or a size; those of registers are none: `the size $4305`."""
    if 0x2100 <= value < 0x4380:
        return False
    before = _AMOUNT_BEFORE.search(text, max(0, match.start() - 24), match.start())
    return before is not None or _AMOUNT_BEHIND.match(text, match.end()) is not None


@lru_cache(maxsize=10_000)
def found_in(text: str) -> tuple[Address, ...]:
    """Return the addresses in a text, with their offsets in it."""
    out: list[Address] = []
    for match in _OFFSET.finditer(text):
        value = int(match["bank"], 16) << 16 | int(match["low"], 16)
        out.append(Address(match.start(), match.end(), value, 6, match.group()))
    if out:
        text = _OFFSET.sub(lambda match: " " * len(match.group()), text)
    for match in ADDRESS.finditer(text):
        if match["hash"] or (match["bank"] and len(match["digits"]) != 4) or len(match["digits"] or "") == 5:
            continue
        if _OTHER_MEMORY.search(text, max(0, match.start() - 24), match.start()):
            continue
        value, digits = _value(match)
        if digits <= 4 and value <= _LAST_ID and _ID.search(text, max(0, match.start() - 24), match.start()):
            continue  # `room $0012` is a number
        if digits <= 4 and _is_amount(text, match, value):
            continue
        same = _DECIMAL.search(text, max(0, match.start() - 16), match.start())
        if same and int(same["n"]) == value:
            continue  # `300 ($012C)` is a number in both bases
        out.append(Address(match.start(), match.end(), value, digits, match.group()))
    return tuple(sorted(out))


@lru_cache(maxsize=50_000)
def doubtful(text: str) -> bool:
    """Tell whether a text denies, corrects, supposes or quotes what it says, or speaks of another game."""
    return _NEGATED.search(text) is not None or OTHER_GAME.search(text) is not None


def usable(text: str) -> str:
    """Return the part of a statement that is meant: all, or what stands before `, not ...`; empty when none is."""
    if not doubtful(text):
        return text
    tail = _TAIL.search(text)
    if tail is None or tail.start() < 12:
        return ""
    kept = text[: tail.start()]
    return "" if doubtful(kept) else kept


def grouped(found: list[Address], text: str, start: int) -> list[list[Address]]:
    """Join addresses that are named together: a range, a pair, a list."""
    out: list[list[Address]] = []
    for address in found:
        gap = text[out[-1][-1].end - start : address.start - start] if out else ""
        if out and len(gap) < 14 and out[-1][-1].digits == address.digits and _BETWEEN.fullmatch(gap):
            out[-1].append(address)
        else:
            out.append([address])
    return out


_CUT = re.compile(
    r"(?:,|\s-\s|:|\s*=|\bwhich\b|\bthat\b|\bwhen(?:ever)?\b|\bwhere\b|\bwhile\b|\bso\b|\bbecause\b|\bif\b|\bthen\b|"
    r"\busing\b|\bvia\b|\bbut\b|\bwhereas\b|\bindexed\b|\band (?:is|are|can|will|should|then|you|it|the)\b|\bplus\b|"
    r"\brespectively\b|\byou\b|\bLink (?:has|carries|holds|owns|is)\b|\bhe (?:has|is)\b|\bwith\b|\bas\b|"
    r"\bfrom\b|\bby\b|\bbefore\b|\bafter\b|\buntil\b|\bduring\b|\bevery\b|\bonce\b).*",
    re.IGNORECASE | re.DOTALL,
)
_SHORT = re.compile(
    r"(?:\bin\b|\bon\b|\bfor\b|\bto\b|\bat\b|\binto\b|\bof the (?:current|game)\b|\band\b|\bor\b|/).*", re.I | re.S
)


def phrases(claim: Claim) -> Iterator[str]:
    """Give the phrase as it is meant: cut at what only adds to it, then shorter still."""
    cut = _CUT.sub("", claim.phrase).strip()
    if cut:
        yield cut
    short = _SHORT.sub("", cut).strip()
    if short and short != cut:
        yield short
