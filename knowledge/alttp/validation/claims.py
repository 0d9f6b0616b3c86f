"""What a text says of addresses: each pair of an address and the phrase or name that the text ties to it."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from knowledge.alttp.validation.passages import Passages, Statement, TableRow

__all__ = ["ADDRESS", "Address", "Claim", "addresses", "claims", "doubtful", "phrases"]

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
    r"\b(?:not|never|no longer|wrong(?:ly)?|incorrect(?:ly)?|mistaken?(?:ly)?|mistakes?|myths?|confus\w*|mislabel\w*|"
    r"misnam\w*|misread\w*|mix(?:ed)? up|typos?|errors?|erroneous(?:ly)?|invalid|illegal|no such|there is no|"
    r"there's no|"
    r"if (?:it|this|that) (?:were|was)|if you (?:were|had)|would|might|claims?|claimed|says?|said|"
    r"supposed(?:ly)?|alleged(?:ly)?|outdated|formerly|"
    r"hallucinat\w*|non-?existent|neither|nor|custom|hypothetical\w*|imagine|suppose|what if|yaze|contrary|unlike|"
    r"instead|rather|avoid|false|doubt\w*|unsure|probably|perhaps|maybe|guess|thought|assum\w+|repurpos\w+|free ram|"
    r"unused|my own|your own|our own|our hack|my hack|this hack|the hack|romhack|placeholder|example only|"
    r"used to be|stale|debunk\w*|correct(?:ed|ion)|swap(?:ped|s)?|vs\.?|versus|compared (?:to|with)|differs?|"
    r"should have been|different from|distinct from|except|unless|otherwise)\b|n't\b|n\u2019t\b|\u274c|\u2717|~~",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"[,;(\u2014\u2013-]?\s*\b(?:not|never|and not|instead of|rather than|unlike|as opposed to|vs\.?|versus|"
    r"which is not|"
    r"different from|distinct from|don't confuse|do not confuse|except|unless|so (?:you )?(?:don't|do not|never))\b",
    re.IGNORECASE,
)
_OTHER_GAME = re.compile(
    r"\b(?:super metroid|metroid|super mario|smw|mario world|smb\d?|yoshi|chrono|final fantasy|ff ?[456vi]+|earthbound|"
    r"donkey kong|dkc\d?|mega man|castlevania|link'?s awakening|oracle of|ocarina|majora|zelda (?:1|i|ii|2)|f-zero|"
    r"star ?fox|kirby|secret of mana|another game|other games?|lttp randomizer|randomizer|parallel worlds|conker)\b",
    re.IGNORECASE,
)
_OTHER_MEMORY = re.compile(
    r"\b(?:vram|cgram|oam|aram|apu ram|spc|spc700|audio ram|dsp|word)\s*(?:address)?\s*[`(]*$", re.I
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
    manner: Literal["is", "in", "moved", "comment", "define", "cell"]
    """How it is tied: `$X is P`, `P is at $X`, `put P into $X`, a comment, a definition, a table."""
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
    out: list[Address] = []
    for match in ADDRESS.finditer(text):
        if match["hash"] or (match["bank"] and len(match["digits"]) != 4) or len(match["digits"] or "") == 5:
            continue
        if _OTHER_MEMORY.search(text, max(0, match.start() - 24), match.start()):
            continue
        value, digits = _value(match)
        out.append(Address(start + match.start(), start + match.end(), value, digits, match.group()))
    return out


def doubtful(text: str) -> bool:
    """Tell whether a text denies, corrects, supposes or quotes what it says, or speaks of another game."""
    return _NEGATED.search(text) is not None or _OTHER_GAME.search(text) is not None


def _usable(text: str) -> str:
    """Return the part of a statement that is meant: all, or what stands before `, not ...`; empty when none is."""
    if not doubtful(text):
        return text
    tail = _TAIL.search(text)
    if tail is None or tail.start() < 12:
        return ""
    kept = text[: tail.start()]
    return "" if doubtful(kept) else kept


def _groups(found: list[Address], text: str, start: int) -> list[list[Address]]:
    """Join addresses that are named together: a range, a pair, a list."""
    out: list[list[Address]] = []
    for address in found:
        gap = text[out[-1][-1].end - start : address.start - start] if out else ""
        if out and len(gap) < 14 and _BETWEEN.fullmatch(gap):
            out[-1].append(address)
        else:
            out.append([address])
    return out


_LOADS = re.compile(r"^\s*(?:loads?|reads?|gets?|fetch(?:es)?|checks?|tests?)\s+(?:the |from )?", re.IGNORECASE)
_PAREN = re.compile(r"^[`*_\"'\]]*\s*\((?P<phrase>[^()]{2,90})\)")
_LINK = re.compile(
    r"^[`*_\"'\])]*\s*(?:\([^()]{0,90}\))?\s*(?:,\s*)?(?:(?:which|that|it)\s+)?(?:"
    r"(?:always |also |only |actually |really |simply |just |currently )?"
    r"(?:(?:is|are|was)(?: (?:where|used (?:to|for|as)|the (?:address|location|byte|word|variable|register) "
    r"(?:of|for|that))"
    r")?|holds?|contains?|stores?|tracks?|keeps?(?: track of)?|represents?|means|denotes|stands for|corresponds to|"
    r"refers to|maps to|points to|controls?|selects?|enables?|starts?|triggers?|counts?|records?|indicates?|"
    r"determines?|"
    r"gives?|sets?|has|latches|reports?|returns?|acts as|serves as|names|describes|configures|turns on|initiates)\b"
    r"(?: (?:the )?(?:address|location|value|copy|number|contents?) (?:of|for))?"
    r"|={1,2}|:|\u2192|->|=>|\u2013|\u2014|--?|@)\s*(?P<phrase>[^.;|()\n\[\]{}\u2014\u2013]{2,140})"
)
_APPOSED = re.compile(r"^[`*_\"'\]]*\s*,\s*(?P<phrase>(?:the |i\.e\. |Link's |a )[^.;|()\n,:]{2,80})(?:[,:.]|$)")
_CUT = re.compile(
    r"(?:,|\s-\s|:|\s*=|\bwhich\b|\bthat\b|\bwhen(?:ever)?\b|\bwhere\b|\bwhile\b|\bso\b|\bbecause\b|\bif\b|\bthen\b|"
    r"\busing\b|\bvia\b|\bbut\b|\bwhereas\b|\bindexed\b|\band (?:is|are|can|will|should|then|you|it|the)\b|\bplus\b|"
    r"\brespectively\b|\bwith\b|\bas\b|\bfrom\b|\bby\b|\bbefore\b|\bafter\b|\buntil\b|\bduring\b|\bevery\b|\bonce\b).*",
    re.IGNORECASE | re.DOTALL,
)
_SHORT = re.compile(
    r"(?:\bin\b|\bon\b|\bfor\b|\bto\b|\bat\b|\binto\b|\bof the (?:current|game)\b|\band\b|\bor\b|/).*", re.I | re.S
)
_VERBAL = re.compile(
    r"^\W*(?:not|only|always|never|read|written|set|cleared|loaded|stored|copied|compared|checked|used|added|updated|"
    r"initiali[sz]ed|reset|changed|modified|called|incremented|decremented|increased|in|at|where|what|how|about|"
    r"queued|mirrored|\d+[- ]bit|\d+ bytes?|one|two|located|found|available|free|part|defined|shared|accessed|"
    r"clear|zero|empty|non-?zero|done|ready|low|high|stores|writes|adds|subtracts|increments|decrements|"
    r"clears|copies|calls|jumps|"
    r"does|do|it|they|this|these|you|we|true|false|valid|enough|fine|good|correct|right|just|simply|safe|"
    r"back|next|same|"
    r"within|inside|outside|below|above|before|after|near|mapped|read-only|write-only|readable|writable|valid)\b",
    re.IGNORECASE,
)


def _right(segment: str, *, listed: bool = False) -> Iterator[tuple[str, int, int]]:
    """Give (phrase, start, end) for what follows an address: in parentheses, after a verb or a sign, between commas."""
    met = False
    for pattern in (_PAREN, _LINK, _APPOSED, *((_ITEM_TEXT,) if listed else ())):
        match = pattern.match(segment)
        if match and not (met and pattern is _ITEM_TEXT):
            met = True
            lead = _LOADS.match(match["phrase"])
            skip = lead.end() if lead else 0
            yield match["phrase"][skip:], match.start("phrase") + skip, match.end("phrase")


_STRIP = re.compile(
    r"(?P<how>\b(?:at|in|is|are|lives?|sits?|resides?|goes|go|belongs?|stored|located|found|kept|held|"
    r"tracked|saved|mapped|"
    r"placed|under|from|via|through|into|to|(?:and )?(?:it )?is|"
    r"(?:is|are|was|be|gets) (?:\w+ly )?(?:\w+ed|set|put|read|written|driven)|"
    r"\w+(?:ed|en|ld|et) by|as (?:an? )?(?:\S+ )?(?:value|variable|byte|word|number|integer|flag|bits?|flags|"
    r"bitfield|bitmask|bit field)|bits|"
    r"flags|a bitfield)|[=:(\[@\u2192\u2014\u2013]|-[->]|\s-)\s*$",
    re.IGNORECASE,
)
_KINDS = re.compile(
    r"\b(?:the|ram|wram|sram|work ram|address(?:es)?|register|registers|byte|bytes|variable|location|offset|memory|"
    r"word|can|also|called|namely|snes|hardware|port|ports|its|mirror|usually|normally|currently|bank|"
    r"a|an|long|absolute|array|table|base|starting|beginning|starts|begins|known|direct page|dp)\s*$",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\s*\([^()]{0,60}\)\s*$")
_LEFT_CUT = re.compile(
    r".*(?:[,:;]|\b(?:and|or|then|the value of|value of|address of|location of|load|loads|loading|read|reads|"
    r"reading|get|"
    r"gets|check|checks|checking|store|stores|write|writes|writing|set|sets|setting|copy|copies|update|updates|modify|"
    r"change|changes|increment|decrement|add|adds|subtract|poll|polling|use|uses|using|see|that|which|because|so|when|"
    r"if|find|finds|from|into|via|watch|test|tests|compare|compares|clear|clears|keeps?|holds?|contains?|"
    r"tracks?|for|to|"
    r"your|their|our|you|we|is|are|has|have|by|with|called|named|as|means|on|let|put|puts|save|saves|patch|"
    r"edit|poke)\b)",
    re.IGNORECASE | re.DOTALL,
)
_MOVES = re.compile(r"^(?:into|to|with|using|via|through)$", re.IGNORECASE)


def _left(segment: str) -> tuple[str, str, int, int] | None:
    """Return (phrase, how, start, end) for what stands before an address and is tied to it."""
    end = len(segment.rstrip(" \t\n`*_\"'(["))
    opened = "(" in segment[end:]
    how = "(" if opened else ""
    for _ in range(8):
        match = _STRIP.search(segment, max(0, end - 40), end)
        if match is None and not how:
            match = _KINDS.search(segment, max(0, end - 24), end)
        elif match is None:
            match = _ASIDE.search(segment, max(0, end - 64), end)
        if match is None or match.start() == match.end():
            break
        how = how if opened else (match.groupdict().get("how") or how).strip().lower()
        end = len(segment[: match.start()].rstrip(" \t\n`*_\"'"))
    if not how or end < 2:
        return None
    start = max(segment.rfind(sign, 0, end) for sign in (".", ";", ":", "|", "(", ")", "\n", "\u2014")) + 1
    match = _LEFT_CUT.match(segment, start, end)
    begin = match.end() if match else start
    phrase = segment[begin:end]
    return (phrase, how, begin, end) if len(phrase.strip()) >= 2 else None


_STANDS = re.compile(
    r"\b(?:(?:that|which) )?(?:Link|the player|he) is (?:currently )?(?:standing )?"
    r"(?:in|on|at)\b(?= (?:is|are|lives)\b)"
)
_ITEM = re.compile(r"^\s*(?:[-*+\u2022]|\d+[.)])\s*[`*_]*$")
_ITEM_TEXT = re.compile(r"^[`*_\"']*\s+(?P<phrase>[A-Za-z][^.;:|()\n]{2,80})")
_WHERE = re.compile(r"[`*_\"')\]]*\s+(?:is|are)\s+(?:stored|kept|held|located|found|saved|at)\b", re.IGNORECASE)
_BIT_OF = re.compile(r"\bbits?\s+[\d\u2013, -]+(?:and \d+ )?(?:of|in)\W*(?:the )?(?:register )?\W*$", re.IGNORECASE)


def _of_statement(said: Statement) -> Iterator[Claim]:
    text = _STANDS.sub(lambda match: " " * len(match.group()), _usable(said.text))
    found = addresses(text, said.start)
    if not found or _OTHER_GAME.search(said.heading):
        return
    groups = _groups(found, text, said.start)
    spoken: list[tuple[int, int]] = []
    for place, group in enumerate(groups):
        first, last = group[0].start - said.start, group[-1].end - said.start
        after = groups[place + 1][0].start - said.start if place + 1 < len(groups) else len(text)
        before = groups[place - 1][-1].end - said.start if place else 0
        wide = text[before:after]
        of_bit = _BIT_OF.search(text, max(0, first - 60), first) is not None
        listed = _ITEM.match(text[:first]) is not None
        rights = list(_right(text[last:after], listed=listed))
        for phrase, start, end in rights:
            if not _VERBAL.match(phrase) and not of_bit:
                at = said.start + last
                yield Claim(tuple(group), phrase, wide, at + start, at + end, "is", said.around)
        left = None if of_bit or _WHERE.match(text, last) else _left(text[before:first])
        if left and place and any(start <= left[2] + 3 and left[3] <= end + 4 for start, end in spoken):
            left = None  # it is part of what is said of the address before
        spoken = [(start, end) for phrase, start, end in rights]
        if left:
            manner: Literal["moved", "in"] = "moved" if _MOVES.match(left[1]) else "in"
            at = said.start + before
            yield Claim(tuple(group), left[0], wide, at + left[2], at + left[3], manner, said.around)


def phrases(claim: Claim) -> Iterator[str]:
    """Give the phrase as it is meant: cut at what only adds to it, then shorter still."""
    cut = _CUT.sub("", claim.phrase).strip()
    if cut:
        yield cut
    short = _SHORT.sub("", cut).strip()
    if short and short != cut:
        yield short


_COUNT = re.compile(
    r"^\W*(?:\d+|0x\w+|[rw/ -]+|\d+ ?(?:bytes?|bits?|words?)?|yes|no|n/a|-|[\d, -]+)\W*$", re.IGNORECASE
)
_LESS = re.compile(
    r"\b(?:size|bytes?|length|len|type|access|width|r/w|rw|bits?|value|example|default|format|hex|dec)\b"
)


def _of_row(found: TableRow) -> Iterator[Claim]:
    if doubtful(found.text) or _OTHER_GAME.search(found.around):
        return
    places = [(place, addresses(text, start)) for place, (start, text) in enumerate(found.cells) if len(text) < 60]
    held = [(place, there) for place, there in places if there and len(there) <= 2 and _is_address(found, place)]
    if len(held) != 1:
        return
    at, there = held[0]
    wide = " ".join(text for place, (_, text) in enumerate(found.cells) if place != at)
    for place, (start, text) in enumerate(found.cells):
        header = found.header[place] if place < len(found.header) else ""
        if place == at or _COUNT.match(text) or _LESS.search(header) or len(text) > 90:
            continue
        yield Claim(tuple(there), text, wide, start, start + len(text), "cell", found.around)


def _is_address(found: TableRow, place: int) -> bool:
    """Tell whether a cell is an address and nothing else."""
    return not re.sub(r"[`*_\s,()xXyY/+-]|\u2013|to", "", ADDRESS.sub("", found.cells[place][1]))


_DEFINED = re.compile(
    r"^\s*(?:!|\bdefine\s+|\.define\s+|#define\s+)?(?P<name>[A-Za-z_][\w.]{2,60})\s*(?:=|:=|\bequ\b|\bEQU\b|\s)\s*"
    r"(?P<address>\$[0-9A-Fa-f:]{2,7})\s*(?:;\s*(?P<comment>.*))?$"
)


def _of_code(found: Passages) -> Iterator[Claim]:
    for line in found.code:
        match = _DEFINED.match(line.text)
        if match is None or match["name"].lower() in (
            "org",
            "db",
            "dw",
            "dl",
            "dd",
            "jsl",
            "jml",
            "jsr",
            "jmp",
            "base",
        ):
            continue
        there = addresses(match["address"], line.start + match.start("address"))
        if len(there) != 1 or (there[0].digits < 4) or doubtful(line.text):
            continue
        start = line.start + match.start("name")
        wide = f"{match['name']} {match['comment'] or ''}"
        yield Claim(tuple(there), match["name"], wide, start, start + len(match["name"]), "define", line.intro)


def claims(found: Passages) -> Iterator[Claim]:
    """Give what a text says of addresses, in prose, tables and definitions."""
    for said in found.statements:
        yield from _of_statement(said)
    for row in found.rows:
        yield from _of_row(row)
    yield from _of_code(found)
