"""What a sentence says of addresses: what stands before and behind each, as far as it is tied to it."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from knowledge.alttp.validation.assembly import is_mnemonic
from knowledge.alttp.validation.claims import OTHER_GAME, Address, Claim, addresses, grouped, usable
from knowledge.alttp.validation.passages import Statement, other_cpu

__all__ = ["of_statement"]

_LOADS = re.compile(
    r"^\s*(?:which|what|how many|how much|whether|loads?|reads?|gets?|fetch(?:es)?|checks?|tests?)\s+(?:the |from )?",
    re.IGNORECASE,
)
_PAREN = re.compile(r"^[`*_\"'\]]*\s*\((?P<phrase>[^()]{2,90})\)")
_LINK = re.compile(
    r"^[`*_\"'\])]*\s*(?:\([^()]{0,90}\))?\s*(?:,\s*)?(?:(?:which|that|it)\s+)?(?:"
    r"(?:always |also |only |actually |really |simply |just |currently )?"
    r"(?:(?:is|are|was)(?: (?:where|used (?:to|for|as)|the (?:address|location|byte|word|variable|register) "
    r"(?:of|for|that))"
    r")?|holds?|contains?|stores?|tracks?|keeps?(?: track of)?|represents?|means|denotes|stands for|corresponds to|"
    r"refers to|maps to|points to|controls?|selects?|enables?|starts?|triggers?|counts?|records?|indicates?|"
    r"determines?|"
    r"gives?|sets?|has|latches|reports?|returns?|acts as|serves as|names|describes|tells|says|shows|"
    r"configures|turns on|initiates)\b"
    r"(?: (?:the )?(?:address|location|value|copy|number|contents?) (?:of|for))?"
    r"|={1,2}|:|\u2192|->|=>|\u2013|\u2014|--?|@)\s*(?P<phrase>[^.;|()\n\[\]{}\u2014\u2013]{2,140})"
)
_APPOSED = re.compile(
    r"^[`*_\"'\]]*\s*,\s*(?:i\.e\.,?\s|that is,?\s)?(?P<phrase>(?:(?<=i\.e\. )|(?<=that is )|the |Link's |a )"
    r"[^.;|()\n,:]{2,80})(?:[,:.]|$)"
)
_VERBAL = re.compile(
    r"^\W*(?:bits?\s*\d+|not|only|always|never|read|written|set|cleared|loaded|stored|copied|compared|checked|used|added|updated|"
    r"initiali[sz]ed|reset|changed|modified|called|incremented|decremented|increased|in|at|where|what|how|about|"
    r"queued|mirrored|\d+[- ]bit|(?:\d+|three|four|five|six|seven|eight) "
    r"(?:cpu )?(?:bytes?|cycles?)|one|two|located|found|available|free|part|"
    r"defined|shared|accessed|"
    r"clear|zero|empty|non-?zero|done|ready|low|high|stores|writes|adds|subtracts|increments|decrements|"
    r"clears|copies|calls|jumps|"
    r"does|do|it|they|this|these|you|we|true|false|valid|enough|fine|good|correct|right|just|simply|safe|"
    r"back|next|same|"
    r"within|inside|outside|below|above|before|after|near|mapped|read-only|write-only|readable|writable|valid)\b",
    re.IGNORECASE,
)
_VALUES = re.compile(r"^\W*(?:(?:0x|#?\$)[0-9A-Fa-f]{1,2}\b|\d{1,3}\s[^,]{2,30},(?: and| or)? \d)")
"""What an address holds, value by value: `0x00 none, 0x01 Zelda`."""


def _right(segment: str, *, listed: bool = False) -> Iterator[tuple[str, int, int]]:
    """Give (phrase, start, end) for what follows an address: in parentheses, after a verb or a sign, between commas."""
    met = False
    for pattern in (_PAREN, _LINK, _APPOSED, *((_ITEM_TEXT,) if listed else ())):
        match = pattern.match(segment)
        if match and not (met and pattern is _ITEM_TEXT):
            met = True
            if pattern is _APPOSED and re.search(r"\b(?:is|are|has|holds)\b", match["phrase"]):
                continue
            lead = _LOADS.match(match["phrase"])
            skip = lead.end() if lead else 0
            yield match["phrase"][skip:], match.start("phrase") + skip, match.end("phrase")


_STRIP = re.compile(
    r"(?P<how>\b(?:(?:in )?(?:the |an )?(?:array|table|list|block|buffer)?(?: that)? ?(?:starting|beginning|"
    r"starts|begins)|at|in|is|are|lives?|sits?|follows|comes|continues|resides?|goes|go|belongs?|stored|located|found|kept|held|"
    r"tracked|saved|mapped|"
    r"placed|under|from|via|through|into|to|(?:and )?(?:it )?is|"
    r"(?:is|are|was|be|gets) (?:\w+ly )?(?:\w+ed|set|put|read|written|driven)|"
    r"(?:\w+(?:ed|en|ld|et|ut) by|(?:is|are|be|gets) (?:\w+ly )?\w+(?:ed|en|ld|et|ut) (?:with|using|via|"
    r"through|in|at|from))|as (?:an? )?(?:\S+ )?(?:value|variable|byte|word|number|integer|flag|bits?|flags|"
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
    r".*(?:[,:;\u2014]|\s-\s|\b(?:and|or|then|the value of|value of|address of|location of|load|loads|"
    r"loading|read|reads|"
    r"reading|get|"
    r"gets|check|checks|checking|store|stores|write|writes|writing|set|sets|setting|copy|copies|update|updates|modify|"
    r"change|changes|increment|decrement|add|adds|subtract|poll|polling|use|uses|using|see|that|which|because|so|when|"
    r"if|find|finds|from|into|via|watch|test|tests|compare|compares|clear|clears|keeps?|holds?|contains?|"
    r"tracks?|for|to|"
    r"your|their|our|you|we|is|are|has|have|by|with|called|named|as|means|on|let|put|puts|save|saves|patch|"
    r"edit|poke)\b)",
    re.IGNORECASE | re.DOTALL,
)
_PASSIVE = re.compile(
    r"\s*(?:\w{1,20}ly\s+)?\w{1,20}(?:ed|lt|pt|en|nt|ld|ut|et|wn|un)\s+(?:in|into|from|to|by|on|onto|up|out|through|via)\b",
    re.IGNORECASE,
)
"""A verb in the passive voice: it says what is done there, not what is there."""
_PRONOUN = re.compile(r"\b(?:it|they|he|she|this|that)\s+\w+s?\W*$", re.IGNORECASE)
"""A pronoun with its verb: what it speaks of stands elsewhere."""
_PREDICATE = re.compile(
    r"\s*of |[`\s]*(?:also |then |only )?(?:push|pull|mov|access|copi|transfer|jump|count|wait|spin)\w*s\s"
)
"""A phrase that begins with a verb: it says what the code before it does."""
_DONE = re.compile(
    r"\W*(?:[a-z]+ly )?(?!(?:where|what|how|is|are|of|both|all|each|only|also|just|even|namely|not)\b)[a-z]{3,}\s+"
    r"(?:the|a|an|its|all|every|each|some|any|these|those|this|that|his|your|their|them|it)\b(?! of\b)"
)
"""A word before an article is a verb: `resets the pointers in $7E0FE0` says what is done there."""
_FOR_WHOM = re.compile(r"(?:^|\s)(?P<phrase>the [A-Za-z][\w'-]*(?: [A-Za-z][\w'-]*){0,3}) for\s*$", re.IGNORECASE)
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
        how = how or (match.groupdict().get("how") or "").strip().lower()
        end = len(segment[: match.start()].rstrip(" \t\n`*_\"'"))
    if not how or end < 2:
        return None
    start = max(segment.rfind(sign, 0, end) for sign in (".", ";", ":", "|", "(", ")", "\n", "\u2014")) + 1
    match = _LEFT_CUT.match(segment, start, end)
    begin = match.end() if match else start
    whole = _FOR_WHOM.search(segment, start, begin)
    if whole:  # `the small keys for the current dungeon`
        begin, end = whole.span("phrase")
    phrase = segment[begin:end]
    if (
        phrase.count('"') % 2
        or _DONE.match(phrase)
        or _PASSIVE.match(phrase)
        or _PRONOUN.search(phrase)
        or _PREDICATE.match(phrase)
    ):
        return None
    return (phrase, how, begin, end) if len(phrase.strip()) >= 2 else None


_STANDS = re.compile(
    r"\b(?:(?:that|which) )?(?:Link|the player|he) is (?:currently )?(?:standing )?"
    r"(?:in|on|at)\b(?= (?:is|are|lives)\b)"
)
_ASIDES = re.compile(
    r"\b(?:on the other hand|by contrast|in contrast|for example|for instance|in turn|of course|as well|in fact|"
    r"by the way|in other words|at the moment|in this case|as usual|in practice|on its own)\b,?",
    re.IGNORECASE,
)
"""Words that say nothing of an address."""
_ITEM = re.compile(r"^\s*(?:[-*+\u2022]|\d+[.)])\s*[`*_]*$")
_ITEM_TEXT = re.compile(r"^[`*_\"']*\s+(?P<phrase>[A-Za-z][^.;:|()\n]{2,80})")
_INLINE = re.compile(r"`([^`\n]{2,160})`")
_HEAD = re.compile(r"(?i)`\s*[a-z]{3}(?:\.[bwl])?\s+(?=[$(\[!#<%a-z])|`\s*[a-z]{3}\s*`")


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _code_blanked(match: re.Match[str]) -> str:
    """Leave of code in a sentence the address of a single instruction alone: its other words are no prose."""
    head = _HEAD.match(match.group())
    if head is None or not is_mnemonic(match[1].strip()[:3]):
        return match.group()
    if re.search(r"\s[:/]\s|;|#", match[1]):
        return _blank(match)
    return "`" + " " * (head.end() - 1) + match.group()[head.end() :]


_CODE_SAID = re.compile(r"\s*`\s{2,}")
"""An instruction, blanked, as what a number is said to be: its opcode."""
_CODED = re.compile(r"`\s{3,}$")
_WHERE = re.compile(r"[`*_\"')\]]*\s+(?:is|are)\s+(?:stored|kept|held|located|found|saved|at)\b", re.IGNORECASE)
_BIT_OF = re.compile(r"\bbits?\s+[\d\u2013, -]+(?:and \d+ )?(?:of|in)\W*(?:the )?(?:register )?\W*$", re.IGNORECASE)


_FOR_IT = re.compile(
    r"^\W*For (?:the |a )?(?P<phrase>[A-Z]?[a-z][\w' -]{3,60}?), (?:look at|see|check|read|watch|it's|use) [`*(]*$"
)
"""What somebody looks for, before the address to look at."""
_APPOSED_TO = re.compile(
    r"\b[Tt]he (?P<phrase>[A-Za-z][\w-]*(?: [A-Za-z][\w-]*){1,3} (?:ports?|registers?|bytes?|arrays?)), [`*(]*$"
)
"""What an address is, with a comma before it: `the four APU ports, $2140 to $2143,`."""
_KIND_BEFORE = re.compile(
    r"\b[Tt]he (?P<phrase>(?!same|next|other|first|second|last|right|whole)[A-Za-z][\w-]*(?: [A-Za-z][\w-]*){0,3} "
    r"(?:registers?|ports?|counter|timer|coordinate|array)) [`*]*$"
)
"""What an address is, right before it: `the CGRAM address register $2121`."""
_BESIDE = re.compile(
    r"(?<![\w.!%$#])(?P<name>[A-Za-z]\w*(?:_\w+|[a-z][A-Z]\w*)|[A-Z][A-Z0-9]{4,11})[`*]*\s{1,8}[`*(]*$"
)
_BESIDE_COMMA = re.compile(r"`(?P<name>[A-Za-z]\w*(?:_\w+|[a-z][A-Z]\w*))`, [`*(]*$")
"""A label right before an address, in a list: `- Link_Main $078000`."""
_SETTING = re.compile(r"[`*_]*\s*(?:=|:=|<-|\u2190)\s*[`*_]*#?(?:0x|\$|%|\d)")
_HALF_OF = re.compile(
    r"\b(?:(?:high|low|upper|lower|second|middle|bank) (?:byte|half|part|word)s?|number|count|size|length|copy|"
    r"pointer|end|start|rest) (?:of|for|to|in)\b",
    re.IGNORECASE,
)
_PLUS = re.compile(r"[`*_]*\s*(?:\+|plus\b|minus\b|-\s\d)")
_SPOKEN = re.compile(r"[`*_]*\s+(?:is|are|was|has|holds|means|isn't|gives)\b", re.IGNORECASE)
_PART = re.compile(r"[,;]|\band\b")


def of_statement(said: Statement) -> Iterator[Claim]:
    """Give what one statement says of the addresses in it."""
    text = _ASIDES.sub(_blank, _STANDS.sub(_blank, usable(said.text)))
    text = _INLINE.sub(_code_blanked, text)
    found = addresses(text, said.start)
    if other_cpu(text):
        found = [one for one in found if one.value > 0xFFFF or one.value & 0xFF00 not in (0, 0x1F00)]
    if not found or OTHER_GAME.search(said.heading):
        return
    groups = grouped(found, text, said.start)
    spoken: list[tuple[int, int]] = []
    for place, group in enumerate(groups):
        around = _Around(
            text,
            groups[place - 1][-1].end - said.start if place else 0,
            group[0].start - said.start,
            group[-1].end - said.start,
            groups[place + 1][0].start - said.start if place + 1 < len(groups) else len(text),
            (place > 0, place + 1 < len(groups)),
        )
        if _PLUS.match(text, around.last):
            continue  # a place further on, not this one
        if _BIT_OF.search(text, max(0, around.first - 60), around.first):
            yield from _named_behind(around, tuple(group), said)
            continue
        claims, spoken = _of_group(around, tuple(group), said, spoken)
        yield from claims


class _Around(NamedTuple):
    """Where an address, or several named together, stand in a statement."""

    text: str
    before: int
    """Where the text behind the address before begins."""
    first: int
    last: int
    after: int
    """Where the next address begins, or the text ends."""
    between: tuple[bool, bool]
    """Whether an address stands before, and one behind."""

    def wide(self) -> str:
        """Return what stands around, up to what is said of the address before it and behind it."""
        head, tail = self.text[self.before : self.first], self.text[self.last : self.after]
        if self.between[0]:
            head = _PART.split(head)[-1]
        if self.between[1]:
            tail = _PART.split(tail)[0]
        return f"{head}{self.text[self.first : self.last]}{tail}"


def _is_item(around: _Around) -> bool:
    """Tell whether a statement is an item of a list that begins with its address."""
    if _ITEM.match(around.text[: around.first]):
        return True
    return not around.text[: around.first].strip(" `*") and around.text.rstrip().endswith(",")


def _named_behind(around: _Around, group: tuple[Address, ...], said: Statement) -> Iterator[Claim]:
    """Give the label in parentheses behind an address: `bit 0 of $4212 (HVBJOY)`."""
    match = _PAREN.match(around.text[around.last : around.after])
    if match and re.fullmatch(r"[`*]*[A-Z][A-Z0-9]{2,12}[`*]*", match["phrase"]):
        at = said.start + around.last
        start, end = at + match.start("phrase"), at + match.end("phrase")
        yield Claim(group, match["phrase"], around.wide(), start, end, "is", said.around)


def _of_group(
    around: _Around, group: tuple[Address, ...], said: Statement, spoken: list[tuple[int, int]]
) -> tuple[list[Claim], list[tuple[int, int]]]:
    """Return the claims on one address, and where what is said behind it stands."""
    text, wide = around.text, around.wide()
    rights = list(_right(text[around.last : around.after], listed=_is_item(around)))
    at = said.start + around.last
    out = [
        Claim(group, phrase, wide, at + start, at + end, "is", said.around)
        for phrase, start, end in rights
        if not any(pattern.match(phrase) for pattern in (_VERBAL, _VALUES, _CODE_SAID))
        and not _of_the_next(around, phrase, end)
    ]
    out += _forms_before(around, group, said)
    left = _left_of(around, spoken)
    if left:
        manner: Literal["moved", "in", "equals"] = "moved" if _MOVES.match(left[1]) else "in"
        if left[1].split()[-1:] in (["is"], ["are"], ["="]):
            manner = "equals"
        at = said.start + around.before
        out.append(Claim(group, left[0], wide, at + left[2], at + left[3], manner, said.around))
    return out, [(start, end) for _, start, end in rights]


def _of_the_next(around: _Around, phrase: str, end: int) -> bool:
    """Tell whether a phrase runs into the next address and so names that one: `... / $4206 -> quotient $4214`."""
    rest = around.text[around.last + end : around.after]
    runs_on = around.between[1] and not rest.strip("`*(_ ") and phrase[-1:] in "` *_("
    return runs_on and "," not in phrase and not re.search(r"\b(?:and|or|to|in|at|with|from|then)\W*$", phrase)


def _forms_before(around: _Around, group: tuple[Address, ...], said: Statement) -> Iterator[Claim]:
    """Give what stands before an address without a verb: a label, what somebody looks for, or a noun and a comma."""
    text, wide = around.text, around.wide()
    beside = _BESIDE.search(text, max(0, around.first - 70), around.first)
    if beside and beside.start("name") >= around.before and group[0].digits >= 4 and not is_mnemonic(beside["name"]):
        start, end = (said.start + place for place in beside.span("name"))
        yield Claim(group, beside["name"], wide, start, end, "is", said.around)
    listed = _BESIDE_COMMA.search(text, max(around.before, around.first - 70), around.first)
    if listed and group[0].digits == 6 and re.match(r"[`*]*(?:[.,;)]|\s*$)", text[around.last :]):
        start, end = (said.start + place for place in listed.span("name"))
        yield Claim(group, listed["name"], wide, start, end, "is", said.around)
    for_it = None if around.between[0] else _FOR_IT.match(text[: around.first])
    apposed = _APPOSED_TO.search(text, max(around.before, around.first - 70), around.first)
    if apposed and not re.match(r"[`*]*(?:[,.)]|$)", text[around.last :]):
        apposed = None
    kind = _KIND_BEFORE.search(text, max(around.before, around.first - 70), around.first)
    for match in (for_it, apposed, kind):
        if match:
            start, end = (said.start + place for place in match.span("phrase"))
            yield Claim(group, match["phrase"], wide, start, end, "in", said.around)


def _left_of(around: _Around, spoken: list[tuple[int, int]]) -> tuple[str, str, int, int] | None:
    """Return what stands before an address as `_left` does, unless it is tied to something else."""
    text, segment = around.text, around.text[around.before : around.first]
    left = None if _WHERE.match(text, around.last) else _left(segment)
    if left is None:
        return None
    if left[1] in ":=-\u2013\u2014" and _CODED.search(segment):
        return None  # a label of the code, not of its address
    if left[1] == "at" and _HALF_OF.search(left[0]):
        return None  # `the high byte of the X coordinate at $22` lies behind it
    if left[1] == ":" and (_SPOKEN.match(text, around.last) or _SETTING.match(text, around.last)):
        return None  # a sentence of its own begins with the address, or it is set: `channel 0 for OAM: $4300 = $00`
    if around.between[0] and any(start <= left[2] + 3 and left[3] <= end + 4 for start, end in spoken):
        return None  # it is part of what is said of the address before
    return left
