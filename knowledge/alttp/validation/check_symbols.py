"""Checks of labels, for one that differs from a known one by a slip; and what comments in code say of addresses."""

import re
from collections.abc import Iterator

from knowledge.alttp.validation.assembly import Instruction, instructions, is_mnemonic, split_comment
from knowledge.alttp.validation.check_values import values_of
from knowledge.alttp.validation.claims import Address, Claim, doubtful
from knowledge.alttp.validation.found import Found
from knowledge.alttp.validation.known import Row, behind, facts, named, near_names, rows_at
from knowledge.alttp.validation.passages import CodeLine, Passages
from knowledge.alttp.words import name_words
from knowledge.snes.addresses import fold, show
from knowledge.snes.registers import find_register, register_at

__all__ = ["check_symbols", "comments", "misnamed", "past_family"]

_LABEL = re.compile(
    r"(?<![\w!.%#@])(?:[A-Za-z][a-z0-9]+(?:_[A-Za-z0-9]+)+|[A-Z][a-z0-9]+[A-Z][A-Za-z0-9]+(?:_[A-Za-z0-9]+)*|"
    r"[A-Z]{2}[A-Z0-9]{4,8})(?![\w(])"
)
_DEFINED = re.compile(r"(?m)^[ \t]*(?:macro |struct |!|%|\.)?([A-Za-z_]\w{4,60})[ \t]*(?::|\(|=|$)")
_MOST = 400
_KINDS = ("routine", "data", "ram", "register")


def check_symbols(found: Passages) -> Iterator[Found]:
    """Give the labels that are misspelt: none that the text defines, and none that only looks alike."""
    own = {name.lower() for line in found.code for name in _DEFINED.findall(line.text)}
    seen: dict[str, Row | None] = {}
    for start, text in _texts(found):
        for match in _LABEL.finditer(text):
            name = match.group()
            if len(seen) >= _MOST and name not in seen:
                return
            if name not in seen:
                seen[name] = None if name.lower() in own else _misspelt(name)
            right = seen[name]
            if right and not doubtful(text):
                yield Found(
                    "unknown-symbol",
                    start + match.start(),
                    start + match.end(),
                    f"No disassembly has {name}.",
                    f"{_spelt(right, name)} is at {show(right.address if right.address >= 0 else right.jp_address)}.",
                    behind(right),
                )


def _texts(found: Passages) -> Iterator[tuple[int, str]]:
    for line in found.code:
        yield line.start, line.text
    for said in found.statements:
        yield said.start, said.text
    for row in found.rows:
        yield row.start, row.text


def _misspelt(name: str) -> Row | None:
    """Return the row whose name this is with one typing error; None when it is a name of its own."""
    if named(name):
        return None
    near = [one for one in near_names(name) if one.kind in _KINDS]
    for one in near:
        if _is_slip(name, _spelt(one, name)):
            return one
    return None


def _spelt(one: Row, name: str) -> str:
    """Return the name of a row that is nearest to this one."""
    from rapidfuzz.distance import OSA

    entry = facts().entry(one.entry)
    names = [entry.name, *(alias for _, alias in entry.aliases())]
    return min(names, key=lambda other: OSA.distance(other, name))


def _is_slip(name: str, right: str) -> bool:
    """Tell whether two names differ by a slip inside one word, not by a digit, an ending or another word."""
    if len(name) < 6 or name[:2].lower() != right[:2].lower() or re.sub(r"\D", "", name) != re.sub(r"\D", "", right):
        return False
    mine, theirs = _parts(name), _parts(right)
    if name.isupper():
        return (
            len(name) >= 6
            and abs(len(name) - len(right)) <= 1
            and not _only_end(name, right)
            and not _sides(name, right)
        )
    if len(mine) != len(theirs):
        return False
    different = [(a, b) for a, b in zip(mine, theirs, strict=True) if a != b]
    if len(different) != 1 or min(map(len, different[0])) < 3 or max(map(len, different[0])) < 4:
        return False
    return not _only_end(*different[0])


def _parts(name: str) -> list[str]:
    """Return the words of a label as they are written, in small letters."""
    return [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)]


def _only_end(one: str, other: str) -> bool:
    """Tell whether one is the other with something more, or they differ in the last letter alone."""
    return one.startswith(other) or other.startswith(one) or (one[:-1] == other[:-1] and len(one) == len(other))


_PAIRS = frozenset(
    [
        frozenset("LH"),
        frozenset("HV"),
        frozenset("XY"),
        frozenset("ST"),
        frozenset("AB"),
        frozenset("MS"),
        frozenset("RW"),
    ]
)


def _sides(one: str, other: str) -> bool:
    """Tell whether they differ by a letter that tells registers apart: low and high, X and Y."""
    different = [frozenset(pair) for pair in zip(one, other, strict=False) if pair[0] != pair[1]]
    return len(one) == len(other) and len(different) == 1 and different[0] in _PAIRS


def misnamed(name: str, address: Address) -> Iterator[Found]:
    """Give that a label is not quite the one that begins at its address: `Link_HandleSwordCooldowns` without the s."""
    starts = [one for one in rows_at(address.value) if fold(address.value) in (one.address, one.jp_address)]
    for one in starts:
        right = _spelt(one, name)
        near = (_is_family(name, right) or _is_array(name, one)) and not _OWN.search(name)
        if near or (one.kind in ("routine", "data", "register") and _nearly(name, right)):
            yield Found(
                "unknown-symbol",
                address.start,
                address.end,
                f"No disassembly has {name}.",
                f"{right} is at {address.text}.",
                behind(one),
            )
            return


def past_family(name: str) -> bool:
    """Tell whether a name counts on where a family of registers ends: `WH4` behind `WH0` to `WH3`."""
    match = re.fullmatch(r"(?P<head>[A-Z]{2,6})(?P<digit>\d)(?P<tail>[A-Z]{0,4})", name)
    if match is None or find_register(name) is not None:
        return False
    family = [find_register(f"{match['head']}{digit}{match['tail']}") for digit in (0, 1, 2)]
    return len([one for one in family if one]) > 1


def _nearly(name: str, right: str) -> bool:
    """Tell whether a name is another with a few letters more, fewer or changed, no digit among them."""
    from rapidfuzz.distance import OSA

    if past_family(name):
        return True
    if len(name) < 6 or re.sub(r"\D", "", name) != re.sub(r"\D", "", right) or name.lower() == right.lower():
        return False
    if name.isupper():
        return len(name) == len(right) and OSA.distance(name, right) == 1 and not _sides(name, right)
    longer, shorter = sorted((name, right), key=len, reverse=True)
    ending = longer[len(shorter) :]
    if longer.startswith(shorter):
        return (len(ending) <= 3 or ending == "Long") and ending.isalpha() and not name[:1].islower()
    return OSA.distance(name, right) <= 2 and name[:3] == right[:3]


_OWN = re.compile(
    r"(?i)hook|my|new|custom|long|ext|wrap|return|jump|patch|hack|end|start|done|orig|vanilla|local|bank|inline|addr"
)
"""Parts of labels that authors add to the name of a routine that they change."""


_STEM = 6
"""Letters with which the arrays of one thing begin: `FOLLOWERXL`, `FOLLOWERZ`."""


def _is_array(name: str, one: Row) -> bool:
    """Tell whether a name in capitals begins as all names of a variable do whose family is written in that way."""
    if one.kind != "ram" or not re.fullmatch(r"[A-Z]{8,}", name) or not one.name.isupper():
        return False
    return one.name[:_STEM] == name[:_STEM] and len(name) > _STEM


def _is_family(name: str, right: str) -> bool:
    """Tell whether two labels are of one family (`Link_`, `SPR0_`) and written alike."""
    return (
        len(name.partition("_")[0]) >= 4
        and len([1 for mine, theirs in zip(name_words(name), name_words(right), strict=False) if mine != theirs]) == 1
        and name.partition("_")[0] == right.partition("_")[0]
        and name.isupper() == right.isupper()
        and name.count("_") == right.count("_")
    )


_VERBS = re.compile(
    r"^\W*(?:load|get|read|store|write|set|save|check|test|compare|update|fetch|grab|clear|add|subtract|"
    r"inc(?:rement)?|dec(?:rement)?)s?\b\W*(?:the )?",
    re.IGNORECASE,
)
_NOT_A_NAME = re.compile(
    r"[=+*<>]|->|\b(?:to|from|into|with|by|then|and|or|is|are|if|not|no|we|for|at|vs|than|in|when|until|"
    r"amount|damage|full|zero|new|value)\b",
    re.IGNORECASE,
)


_WORDS = 7
"""Words that a name in a comment has at most."""
_ADDED = re.compile(r"\(|,\s+(?=\$|#|%|\d|max\b|0x)|\s[-\u2013\u2014]\s")
"""What begins to add a value or a remark to the name in a comment."""
_DOES = re.compile(
    r"\W*(?:kill|spawn|give|hide|show|freeze|play|make|move|remove|delete|draw|wait|restore|refill|heal|apply|mark|put|"
    r"let|keep|despawn|erase|destroy|hurt|damage|push|pull|warp|teleport|open|close|skip|call|finish)s?\b ",
    re.IGNORECASE,
)
"""A verb that says what the instruction does in the game, not what lies at the address."""
_VARIABLE = re.compile(
    r"^\W*(?:the )?(?:music|song|sfx|sound effects?)\W*$|"
    r"\b(?:(?:sub)?module|coord\w*|position|velocity|speed|counter|timer|capacity|index|direction|health|max\w*)\b",
    re.I,
)
"""Words that name a variable rather than one of its values."""


def _commented(line: CodeLine) -> Instruction | None:
    """Return the instruction that the comment of a line speaks of: the only one, or the only one with an address."""
    ones = list(instructions(line.text, line.start))
    if len(ones) > 1 and split_comment(line.text)[1] and all(is_mnemonic(one.name) for one in ones):
        if any(one.immediate and one.mnemonic in ("CMP", "CPX", "CPY", "AND", "BIT") for one in ones):
            return None  # the comment says what it is compared with
        ones = [one for one in ones if one.operand and not one.immediate]
        return ones[0] if len(ones) == 1 and ones[0].digits >= 1 else None
    return ones[0] if len(ones) == 1 and ones[0].comment else None


def _stored(found: Passages, place: int, one: Instruction) -> int | None:
    """Return the constant that an instruction stores, from its own line or from the load just before; None if none."""
    line = found.code[place]
    before = [other for other in instructions(line.text, line.start) if other.start < one.start]
    if not before and place and line.start - len(found.code[place - 1].text) - found.code[place - 1].start < 3:
        before = list(instructions(found.code[place - 1].text, found.code[place - 1].start))
    load = before[-1] if before else None
    return load.number if load and load.immediate and load.mnemonic[:2] == "LD" and load.digits else None


_YES_OR_NO = 2
"""So many values has what Link has or has not: nobody names them in a comment."""


def _is_value(one: Instruction, value: int | None) -> bool:
    """Tell whether a constant has a meaning at the address: a comment of few words may say the value's name."""
    if value is None or not one.mnemonic.startswith("ST") or register_at(one.number):
        return False
    address = one.number if one.number > 0x1FFF else 0x7E0000 | one.number
    known = [one for one in values_of(address) if not one.words[:1].isdigit()]  # no plain counts
    return len(known) > _YES_OR_NO and any(one.value == value for one in known)


def _is_target(one: Instruction, name: str) -> bool:
    """Tell whether a name is the PPU register that a DMA channel is told to write, not the channel's own register."""
    register = find_register(name) if 0x4300 <= one.number <= 0x437F else None
    return register is not None and 0x2100 <= register.address <= 0x21FF


def comments(found: Passages) -> Iterator[Claim]:
    """Give what comments in code say of the one address on their line."""
    for place, line in enumerate(found.code):
        one = _commented(line)
        if one is None or doubtful(line.text):
            continue
        if not is_mnemonic(one.name) or one.immediate or one.digits < 1 or one.operand.startswith(("(", "[")):
            continue
        if (one.digits == 1 and one.indexed) or re.search(r"[+*/&|-]", one.operand):
            continue
        comment = one.comment or split_comment(line.text)[1]
        at = line.start + line.text.find(comment)
        digits = {1: 2, 2: 4, 3: 6}[one.digits]
        address = Address(one.start, one.end, one.number, digits, one.operand)
        text = comment.split(";")[0]
        label = re.match(r"\W*([A-Za-z]\w*_\w+|[A-Z]+[a-z]+[A-Z]\w*|[A-Z][A-Z0-9]{3,})\W*(?:\(|$|-|:)", text)
        if label and _is_target(one, label[1]):
            continue
        if label:
            yield Claim((address,), label[1], line.text, at, at + len(text), "comment", line.intro)
        elif one.mnemonic not in ("JSL", "JSR", "JMP"):
            phrase = _named_in(text, stores=one.mnemonic.startswith("ST"))
            if phrase and (_VARIABLE.search(text) or not _is_value(one, _stored(found, place, one))):
                yield Claim((address,), phrase, f"{line.text}", at, at + len(text), "comment", line.intro)


def _named_in(comment: str, *, stores: bool) -> str:
    """Return what a comment calls the address of its instruction; empty when it says what the instruction does."""
    text = _ADDED.split(comment)[0]
    if _NOT_A_NAME.search(text) or len(text.split()) > _WORDS or _DOES.match(text) or (stores and _VERBS.match(text)):
        return ""
    return _VERBS.sub("", text)
