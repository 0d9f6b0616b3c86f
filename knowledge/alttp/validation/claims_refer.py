"""What a text says of an address by a word that refers back: `The same routine is at $07A000`, `It lives at $22`."""

import re
from collections.abc import Iterator

from knowledge.alttp.validation.claims import OTHER_GAME, Claim, addresses, doubtful
from knowledge.alttp.validation.known import named
from knowledge.alttp.validation.passages import Passages, Statement

__all__ = ["of_references"]

_THING = (
    r"(?:routine|function|subroutine|handler|label|variable|byte|word|register|value|address|array|table|entry point|"
    r"code|counter|flag|timer)"
)
_PLACED = (
    r"(?:(?:'s|\u2019s|\s+(?:itself\s+|actually\s+)?(?:is|lives|sits|resides|starts|begins|lies|can be found))"
    r"(?:\s+(?:located|found|stored|kept|placed))?(?:\s+(?:at|in|from))?(?:\s+(?:the )?(?:SNES )?(?:address|location))?"
    r"|\s*(?:=|:))"
)
_BACK = re.compile(
    rf"^\W*(?:(?:and|so|also|there|here|note that|(?:in|on|for)\s+(?:the\s+)?[\w. ]{{2,24}}?"
    rf"(?:,|\s(?=it\b|the\b|its\b)))\s*)?(?:it|its address|"
    rf"(?:the\s+(?:same\s+)?|this\s+|that\s+){_THING}){_PLACED}\s*[`*_(]*(?=\$|0x)",
    re.IGNORECASE,
)
_FIND = re.compile(
    r"^\W*(?:you(?:'ll| will| can)?\s+)?(?:find|look for|see)\s+(?:it|that)\s+(?:at|in)\s+[`*_(]*(?=\$|0x)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"(?<![\w.!%])[A-Za-z]\w{3,60}")
_NAME = re.compile(r"_|[a-z][A-Z]|^[A-Z][A-Z0-9]{3,}$")
_SUBJECT = re.compile(
    r"^\W*(?P<phrase>(?:the|link's|a sprite's|each sprite's|every sprite's)\s+[\w' -]{3,50}?)[`*]*\s+(?:is|are|holds?|"
    r"tells?|says?|counts?|tracks?|keeps?|determines?|controls?|selects?|decides?|goes|changes|has|stores?|records?)\b",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"\b(?:hook\w*|patch\w*|replac\w*|jump\w*|calls?|called|calling|jsl|jsr|after|before|from|into|inside|own|new|"
    r"overwrit\w*|wrap\w*|copy|copies)\b",
    re.IGNORECASE,
)
"""Words of a sentence that is about other code than the label that it names."""
_TAG = re.compile(r"\b(?:US|USA|JP|Japan(?:ese)?|J|U)\b(?: ?1\.\d)?", re.IGNORECASE)


def of_references(found: Passages) -> Iterator[Claim]:
    """Give what a sentence says of what the sentence before it is about, when that is one label or one thing."""
    before: Statement | None = None
    for said in found.statements:
        match = _BACK.match(said.text) or _FIND.match(said.text)
        near = before is not None and before.around == said.around
        if match and before and near and not doubtful(said.text) and not doubtful(before.text):
            yield from _claims(said, before, match)
        elif not match or not near:
            before = said


def _claims(said: Statement, before: Statement, match: re.Match[str]) -> Iterator[Claim]:
    label, subject = _label(before), _SUBJECT.match(before.text)
    if OTHER_GAME.search(said.heading) or not (label or subject):
        return
    there = [one for one in addresses(said.text, said.start) if one.start >= said.start + match.end() - 1]
    if not there:
        return
    first = there[0]
    start, end = said.start + len(said.text) - len(said.text.lstrip()), first.end
    if label:
        tags = _TAG.findall(said.text)
        if len(there) == 1 or len(tags) < 2:
            wide = said.text if len(there) == 1 else said.text[: first.end - said.start]
            yield Claim((first,), label, wide, start, end, "is", said.around)
    elif subject and not addresses(before.text) and len(there) == 1:
        yield Claim((first,), subject["phrase"], said.text, start, end, "in", said.around)


def _label(said: Statement) -> str:
    """Return the one known label of a sentence that is about it; empty when there is none or several."""
    if _OTHER.search(said.text):
        return ""
    names = {name for name in _LABEL.findall(said.text) if _NAME.search(name)}
    return next(iter(names)) if len(names) == 1 and named(next(iter(names))) else ""
