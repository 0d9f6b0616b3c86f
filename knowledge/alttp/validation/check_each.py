"""Checks of what a text says of several instructions at once: `NOP, INX and TAX take 2 cycles each`."""

import re
from collections.abc import Iterator

from knowledge.alttp.validation.assembly import instruction, is_mnemonic
from knowledge.alttp.validation.check_widths import CODE, COUNT, PLACEHOLDER, counted, placeheld
from knowledge.alttp.validation.claims import doubtful
from knowledge.alttp.validation.found import Found, opcode_fact
from knowledge.alttp.validation.passages import Passages, Statement
from knowledge.m65816.opcodes import BY_MNEMONIC

__all__ = ["check_each"]

_ADVERB = r"(?:(?:only|just|exactly|always|but|also|both|all) )*"
_VERB = rf"(?:takes?|costs?|uses?|needs?|requires?|is|are|occup(?:y|ies)|runs? in|executes? in) {_ADVERB}"
_SAID = rf"{COUNT}[ -](?:(?:cpu|machine|clock) )?(?P<what>cycles?|bytes?)\b"
_SAID_2 = _SAID.replace("?P<n>", "?P<n2>").replace("?P<what>", "?P<what2>")
_EACH = re.compile(
    rf"\beach(?: one)?(?: of (?:them|these|those))?(?: instruction)?,? {_ADVERB}{_VERB}{_SAID}"
    rf"|\b(?:both|all)(?: of (?:them|these|those))?(?: instructions)? {_VERB}{_SAID_2}",
    re.IGNORECASE,
)
_LIST_SAID = re.compile(
    rf"^[`*]*,?(?: instructions?)?,? {_ADVERB}{_VERB}{_SAID}(?P<after>[^.;]{{0,24}})", re.IGNORECASE
)
_GAP = re.compile(r"[`*\s]*(?:,|/|&|\band\b|\bor\b|, and|, or|,? as well as)[`*\s]*(?:and|or|also|the)?[`*\s]*")
_SUM = re.compile(
    r"\b(?:together|total|altogether|combined|in all|sum|pair|sequence|both of them|loop|more|extra|additional|fewer|"
    r"less|longer|if|when|per|master|plus|otherwise|unless|depending)\b",
    re.IGNORECASE,
)
_ALL = re.compile(r"\b(?:both|each(?: of)?|all(?: of)?|either)\s+[`*]*$", re.IGNORECASE)
_PER_BYTE = re.compile(
    rf"\b(?P<name>MVN|MVP)\b[^.;]{{0,60}}?\b{COUNT}[ -]cycles? (?:per|for (?:each|every)|a|each|every) "
    r"(?:byte|moved|copied|transferred)",
    re.IGNORECASE,
)
_THEY = re.compile(
    rf"^\W*(?:it|they|both|each|this)\s+(?:takes?|costs?|needs?|uses?|runs? at)\s+{_ADVERB}[*`]*"
    rf"{COUNT}[ -](?:cpu )?cycles? (?:per|for (?:each|every)|a|each|every) "
    r"(?:byte|moved|copied|transferred)",
    re.IGNORECASE,
)
_BLOCK = re.compile(r"\b(?:MVN|MVP)\b")
_MOVE = 7  # cycles of MVN and MVP for one byte
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def check_each(found: Passages) -> Iterator[Found]:
    """Give what is wrong in what a text says of each of several instructions."""
    before: Statement | None = None
    head = ""
    for said in found.statements:
        if not doubtful(said.text):
            yield from _moves(said, before)
            yield from _listed(said)
            for match in _EACH.finditer(said.text):
                codes = _list(said, match.start())
                if not codes and before and before.around == said.around and not said.text[: match.start()].strip():
                    codes = _only_list(before)
                yield from _counted(codes, match["n"] or match["n2"], match["what"] or match["what2"], said, match)
            yield from _of_subject(said, before)
            yield from _elliptic(said)
            if _ITEM.match(said.text):
                yield from _under(said, head)
            else:
                head = said.text
        before = said


_IT = re.compile(rf"^\W*(?:it|this|that one)\s+{_VERB}", re.IGNORECASE)
_NUMBERED = re.compile(rf"\b(?:is|takes?|costs?|needs?|has) {_ADVERB}{_SAID}", re.IGNORECASE)
_BEGINS = re.compile(r"^\W*(?:An? |The )?`?(?P<code>[A-Z]{3})`?(?= (?:[a-z]+s|is|has|does|can)\b)")


def _of_subject(said: Statement, before: Statement | None) -> Iterator[Found]:
    """Check the cycles and bytes of `it`, when the sentence before begins with one instruction and names no other."""
    match = _BEGINS.match(before.text) if before and before.around == said.around else None
    if match is None or before is None or not _IT.match(said.text) or list(CODE.finditer(said.text)):
        return
    if len({code["code"] or code["plain"] for code in CODE.finditer(before.text)}) != 1 or not is_mnemonic(
        match["code"]
    ):
        return
    one = instruction(match["code"], said.start)
    for number in _NUMBERED.finditer(said.text) if one else ():
        if one and not _SUM.search(said.text):
            span = (said.start + number.start(), said.start + number.end())
            yield from counted(one, number["n"], number["what"], said.text, *span, any_mode=True)


_CYCLES = re.compile(r"\b\d cycles?\b")
_ELLIPTIC = re.compile(r"`(?P<code>[A-Z]{3})`\s(?:takes |is |needs )?(?P<n>\d)(?=\s*(?:[,.;)]|$|and\b))")


_ITEM = re.compile(r"^\s*[-*+\u2022]\s")
_UNIT = re.compile(r"\b(?:(?P<bytes>lengths?|bytes|sizes?)|(?P<cycles>cycles))\b", re.IGNORECASE)


def _under(said: Statement, head: str) -> Iterator[Found]:
    """Check an item (`- `BRL` 3`) of a list whose first line says that it is of lengths or of cycles."""
    units = {"bytes" if match["bytes"] else "cycles" for match in _UNIT.finditer(head)}
    if len(units) != 1 or not head.rstrip().endswith(":"):
        return
    for match in _ELLIPTIC.finditer(said.text.replace(" (", ", ")):
        one = instruction(match["code"], said.start + match.start()) if is_mnemonic(match["code"]) else None
        if one:
            span = (said.start + match.start(), said.start + match.end())
            yield from counted(one, match["n"], units.copy().pop(), said.text, *span, any_mode=True)


def _elliptic(said: Statement) -> Iterator[Found]:
    """Check numbers whose unit stands with the first alone: `JSL` takes 8 cycles, `RTL` 6."""
    if len(_CYCLES.findall(said.text)) != 1 or "byte" in said.text or _SUM.search(said.text):
        return
    for match in _ELLIPTIC.finditer(said.text):
        one = instruction(match["code"], said.start + match.start()) if is_mnemonic(match["code"]) else None
        if one:
            span = (said.start + match.start(), said.start + match.end())
            yield from counted(one, match["n"], "cycles", said.text, *span, any_mode=True)


def _moves(said: Statement, before: Statement | None) -> Iterator[Found]:
    """Check the cycles of a block move for each byte; the instruction may stand in the sentence before."""
    they = _THEY.match(said.text)
    earlier = _BLOCK.findall(before.text) if before and before.around == said.around else []
    found = [(match, match["name"].upper()) for match in _PER_BYTE.finditer(said.text)]
    found += [(they, earlier[0])] if they and earlier else []
    for match, name in found:
        text = match["n"].lower()
        number = int(text) if text.isdigit() else _WORDS.index(text)
        if number != _MOVE:
            yield Found(
                "wrong-cycles",
                said.start + match.start(),
                said.start + match.end(),
                f"{name} does not take {number} cycles for a byte.",
                f"It takes {_MOVE} for each byte.",
                opcode_fact(f"{name}: {_MOVE} CPU cycles for each byte that it moves"),
            )


def _listed(said: Statement) -> Iterator[Found]:
    """Check `both X and Y take 2 cycles` and `X and Y take 2 cycles each`."""
    runs = _runs(said)
    for run in runs:
        match = _LIST_SAID.match(said.text, run[-1].end()) or _LIST_SAID.match(said.text[run[-1].end() :])
        if match is None or len(run) < 2 or _SUM.search(match.group()):
            continue
        if _ALL.search(said.text, max(0, run[0].start() - 16), run[0].start()) or re.match(
            r"\W*(?:each|apiece)\b", match["after"]
        ):
            yield from _counted(run, match["n"], match["what"], said, run[0], run[-1].end() + match.end())


def _runs(said: Statement) -> list[list[re.Match[str]]]:
    """Return the instructions in a sentence, those that are named together as one list."""
    out: list[list[re.Match[str]]] = []
    for match in CODE.finditer(said.text):
        if not is_mnemonic((match["code"] or match["plain"])[:3]):
            continue
        gap = said.text[out[-1][-1].end() : match.start()] if out else ""
        if out and len(gap) < 16 and _GAP.fullmatch(gap):
            out[-1].append(match)
        else:
            out.append([match])
    return out


def _list(said: Statement, before: int) -> list[re.Match[str]]:
    """Return the last list of instructions before a place."""
    runs = [run for run in _runs(said) if run[-1].end() <= before]
    return runs[-1] if runs and len(runs) == 1 else []


def _only_list(said: Statement) -> list[re.Match[str]]:
    runs = _runs(said)
    return runs[0] if len(runs) == 1 else []


def _counted(
    codes: list[re.Match[str]], count: str, what: str, said: Statement, match: re.Match[str], end: int = 0
) -> Iterator[Found]:
    """Give the first of several instructions that cannot take so many cycles or bytes."""
    if len(codes) < 2 or _SUM.search(match.group()):
        return
    for code in codes:
        one = instruction(PLACEHOLDER.sub(placeheld, code["code"] or code["plain"]), said.start + code.start())
        if one is None or one.mnemonic not in BY_MNEMONIC:
            continue
        last = said.start + (end or match.end())
        for wrong in counted(one, count, what, said.text, said.start + match.start(), last, any_mode=not one.operand):
            yield wrong
            return
