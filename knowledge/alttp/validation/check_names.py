"""Checks of what a text calls an address: by a label of a disassembly, and by words."""

import re
from collections.abc import Iterator
from typing import Literal

from knowledge.alttp.validation.check_symbols import misnamed, past_family
from knowledge.alttp.validation.check_values import values_of
from knowledge.alttp.validation.check_versions import labels_at
from knowledge.alttp.validation.claims import Address, Claim, addresses, phrases
from knowledge.alttp.validation.contradicted import is_disjoint, is_opposite, is_title
from knowledge.alttp.validation.found import Found, listed
from knowledge.alttp.validation.known import Row, behind, meant, named, rows_at
from knowledge.alttp.validation.meaning import OWNERS, VAGUE, Meaning, meaning, phrase_words, shares
from knowledge.alttp.validation.short_numbers import is_short_address, is_value
from knowledge.alttp.words import squeeze
from knowledge.snes.addresses import fold, show
from knowledge.snes.registers import find_register, register_at
from schemas.fact import FactKind

__all__ = ["check_claim"]

_LABEL = re.compile(
    r"\b[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+\b|\b[A-Z]+[a-z]+[A-Z][A-Za-z0-9]*\b|\b[A-Z][A-Z0-9]{3,}\b"
)
_WHOLE = re.compile(r"^[\s`*_\"']*(?:the )?[`*\"']*(?P<name>[A-Za-z_][\w.]{1,60})(?P<rest>.*)$", re.DOTALL)
_LAST = re.compile(r"(?P<name>[A-Za-z_][\w.]{1,60})[\s`*_\"')]*$")
_AIMED = re.compile(r"(?:(?<!address )(?<!location )\bof|\b(?:for|like|than))\s+(?:the )?[`*\"']*$")
_OPENED = re.compile(r"[\w.]+[`*\"']*\s*\(")
_CALLED = re.compile(
    r"\b(?:register|routine|subroutine|variable|called|named|label|labelled|known as)"
    r"\s+[`*\"']*(?P<name>[A-Za-z_][\w.]{1,60})[`*\"']*\s*$"
)
_JP = re.compile(r"\b(?:JP|Japan(?:ese)?|J ?1\.0|v?1\.0 ?\(?J|jpdasm|randomizer)\b|\(J\)", re.IGNORECASE)
_US = re.compile(r"\b(?:US|USA|U ?1\.0|U\.S\.|North American?|usdasm)\b|\(U\)")
_MOVES = re.compile(
    r"\b(?:later|earlier|lower|higher|further|moved?|moves|shift(?:s|ed)?|ahead|back|before|after|offset|differ\w*|"
    r"instead|there)\b",
    re.IGNORECASE,
)
"""How an address of one version lies to that of the other."""
_ELSEWHERE = re.compile(r"\b(?:in|on|for) (?:the )?(?:JP|US|Japanese)\b[^.;]{0,20}(?:it is|it's|it sits|that's)\W*$")
_ROM: tuple[FactKind, ...] = ("routine", "data", "sublabel")
_PASSING = frozenset(["dma", "sourc", "destin", "destination", "target"])  # what a transfer goes by
_PAGES = 0x200  # addresses below are also the values of 9 bits
_FAR = 0x20  # bytes: addresses further apart are a range of many things
_WITHIN = re.compile(
    r"\b(?:hook\w*|inside|within|middle|patch\w*|instruction|call site|branch|partway|into)\b", re.IGNORECASE
)


_Held = Literal["ram", "register"]


def _kind(address: Address) -> _Held | None:
    value = fold(address.value)
    if 0x2100 <= value < 0x4400 and (address.digits == 4 or address.digits == 6):
        return "register"
    if value >> 16 in (0x7E, 0x7F, 0x70):
        return "ram"
    return None


def _work(address: Address) -> int:
    """Return the full address that a short one means: `$F36D` is in bank $7E, as all save data is."""
    if address.digits <= 4 and 0xC000 <= address.value < 0xF500 and address.text.startswith("$"):
        return 0x7E0000 | address.value
    return address.value


def _rows(address: Address) -> tuple[Row, ...]:
    return rows_at(_work(address))


def check_claim(claim: Claim) -> Iterator[Found]:
    """Give what contradicts one claim: its name first, then its words."""
    by_name = _by_name(claim)
    if by_name is not None:
        yield from by_name
        return
    found = _by_words(claim)
    if found:
        yield found


_NOUN = frozenset(
    listed(
        "register routine function variable in and for which address label - — bit bits is to at subroutine flag "
        "byte port"
    )
)


def _name_of(claim: Claim) -> str:
    """Return the label that the phrase is, or ends with before the address; empty when it is more than a label."""
    if claim.manner in ("in", "moved", "equals"):
        last = _LAST.search(claim.phrase)
        at = claim.wide.find(last["name"]) if last else -1
        if last is None or (
            at > 0 and _AIMED.search(claim.wide, max(0, at - 40), at) and not _OPENED.match(claim.wide, at)
        ):
            return ""
        return last["name"] if _is_label(last["name"]) else ""
    called = _CALLED.search(claim.phrase)
    if called and _is_label(called["name"]):
        return called["name"]
    match = _WHOLE.match(claim.phrase)
    if match is None or not _is_label(match["name"]):
        return ""
    rest = match["rest"].strip(" `*_\"'\t\n,)")
    return match["name"] if not rest or rest.lower().split()[0] in _NOUN else ""


def _is_label(name: str) -> bool:
    """Tell whether a word is written as a label is; short ones must be registers."""
    return _LABEL.fullmatch(name) is not None or (
        2 <= len(name) <= 3 and name.isupper() and (find_register(name) is not None or past_family(name))
    )


def _by_name(claim: Claim) -> list[Found] | None:
    """Return what is wrong with the label of a claim; None when it has no label that is known."""
    name = _name_of(claim)
    rows = named(name) if name else ()
    rows = tuple(one for one in rows if one.address >= 0 or one.jp_address >= 0)
    if name and not rows and claim.manner != "define" and len(claim.addresses) == 1:
        return list(misnamed(name, claim.addresses[0])) or None
    if not rows or (claim.manner == "define" and not _is_convention(name, rows)):
        return None
    if any(_is_at(one, address, claim.wide) for one in rows for address in claim.addresses):
        return _version(claim, name, rows)
    if any(one.kind == "ram" and one.squeezed.startswith(squeeze(name)) for at in claim.addresses for one in _rows(at)):
        return []  # the name of the row there, cut short
    if any(_bears(one, name, at) for at in claim.addresses for one in labels_at(fold(at.value))):
        return []  # the same words are part of what begins there: `FloodDam` for `Module07_0D_FloodDam`
    if not all(_comparable(address, rows) for address in claim.addresses):
        return []
    best = min(rows, key=lambda one: abs(one.address - fold(claim.addresses[0].value)))
    place = _places(best)
    return [
        Found(
            "wrong-address",
            claim.addresses[0].start,
            claim.addresses[0].end,
            f"{name} is not at {claim.addresses[0].text}.",
            f"{name} is at {place}.",
            behind(best),
        )
    ]


def _bears(one: Row, name: str, at: Address) -> bool:
    """Tell whether a label in ROM begins at an address and has all words of another name in one of its own."""
    words = phrase_words(name)
    begins = fold(at.value) in (one.address, one.jp_address)
    return begins and bool(words) and any(words <= called for called in one.called)


def _is_convention(name: str, rows: tuple[Row, ...]) -> bool:
    """Tell whether a defined name is one of a disassembly rather than the author's own: only long names are."""
    return ("_" in name and len(name) >= 8 and any(one.name == name for one in rows)) or any(
        one.kind == "register" and one.name == name for one in rows
    )  # fmt: skip


def _comparable(address: Address, rows: tuple[Row, ...]) -> bool:
    """Tell whether an address is of the kind that the rows have: a RAM address cannot be a wrong routine."""
    if address.digits < 4 and not any(one.kind == "ram" and one.address < 0x7E0100 for one in rows):
        return False
    value = fold(address.value)
    rom = value & 0xFFFF >= 0x8000 and value < 0x7E0000
    if rom and address.digits <= 4:
        return False  # a short address in ROM may be in any bank
    if any(one.kind in _ROM for one in rows):
        return rom
    return not rom


def _is_at(one: Row, address: Address, wide: str) -> bool:
    value = fold(_work(address))
    if one.kind in _ROM:
        short = address.digits <= 4
        inside = one.address < value < one.address + min(one.size, 0x2000) and _WITHIN.search(wide) is not None
        same = value in (one.address, one.jp_address)
        return same or inside or (short and any(value == place & 0xFFFF for place in (one.address, one.jp_address)))
    return one.covers(value) or (value == one.address + 1 and _is_low(one))


def _is_low(one: Row) -> bool:
    """Tell whether a row is a register that has its high byte right behind it."""
    return one.kind == "register" and one.name.endswith("L") and register_at(one.address + 1) is not None


def _version(claim: Claim, name: str, rows: tuple[Row, ...]) -> list[Found]:
    """Return what is wrong when an address of one version is said to be of the other."""
    if any(pattern.search(claim.wide) for pattern in (_MOVES, _ELSEWHERE)):
        return []  # it says how far the other version's is
    said_jp, said_us = _JP.search(claim.wide) is not None, _US.search(claim.wide) is not None
    if not said_jp and not said_us:
        if _JP.search(claim.around) and len(addresses(claim.around)) > len(claim.addresses):
            return []  # the version may be that of another address
        said_jp, said_us = _JP.search(claim.around) is not None, _US.search(claim.around) is not None
    if said_jp == said_us or not all(one.kind in _ROM and one.address >= 0 and one.jp_address >= 0 for one in rows):
        return []
    at = claim.addresses[0]
    value = fold(at.value)
    best = next(iter(rows))
    wanted, version = (best.jp_address, "JP 1.0") if said_jp else (best.address, "US 1.0")
    right = [one.jp_address if said_jp else one.address for one in rows]
    other = [one.address if said_jp else one.jp_address for one in rows]
    if len(claim.addresses) > 1 or value in right or value not in other:
        return []
    problem = f"{at.text} is not the {version} address of {name}."
    return [Found("wrong-version", at.start, at.end, problem, f"In {version} it is {show(wanted)}.", behind(best))]


def _places(one: Row) -> str:
    if one.kind in _ROM and one.jp_address >= 0 and one.jp_address != one.address:
        us = f"{show(one.address)} (US 1.0), " if one.address >= 0 else ""
        return f"{us}{show(one.jp_address)} (JP 1.0)"
    return show(one.address)


def _is_small(address: Address) -> bool:
    """Tell whether a number may be a value as well as an address: `the room is $0012`."""
    return address.digits < 4 or (address.digits == 4 and address.value < _PAGES)


def _kind_of(claim: Claim) -> _Held | None:
    """Return the kind that all addresses of a claim have; None for several, and for what goes into a variable."""
    kinds: set[_Held | None] = {_kind(one._replace(value=_work(one))) for one in claim.addresses}
    if len(kinds) != 1 or (claim.manner == "moved" and "ram" in kinds):
        return None
    return kinds.pop()


def _by_words(claim: Claim) -> Found | None:
    kind = _kind_of(claim)
    if kind is None:
        return None
    first_one, *more = claim.addresses
    if any(abs(one.value - first_one.value) > _FAR for one in more):
        return None
    if any(_is_small(address) and not is_short_address(address, claim) for address in claim.addresses):
        return None
    here = [one for address in claim.addresses for one in _rows(address) if one.kind == kind]
    if not here or not _rows(first_one) or not any(one.solid for one in here):
        return None
    if any(not one.solid and one.title and one.address == fold(_work(first_one)) for one in here if one.said):
        return None
    if _BESIDE.search(claim.phrase) or _OF_CODE.search(next(phrases(claim), "")):
        return None
    for phrase in phrases(claim):
        if len(phrase) < len(claim.phrase.strip()) and _spoken_for(claim, phrase, here):
            return None
        found = _contradiction(claim, meaning(phrase), phrase, here, kind)
        if found:
            return found
    return None


_CHIPS = frozenset(["ppu", "cpu", "apu"])  # alone they say whose registers begin there
_OF_CODE = re.compile(
    r"\b(?:absolute|direct[- ]page|addressing|immediate|indirect|implied|cycles?|opcodes?|"
    r"(?:\d|two|three|four) bytes)\b",
    re.IGNORECASE,
)
"""Words of the instruction that has the address, not of what lies there."""
_BESIDE = re.compile(
    r"\b(?:(?:the )?same|similar|likewise|ditto|neighbou?rs?|next to|away from|beside|adjacent|close to|behind|"
    r"in front of|"
    r"(?:sits?|comes?|lies|follows?|stands?|goes) (?:right |directly |just )?(?:before|after|next))\b",
    re.IGNORECASE,
)
"""Words that say where something lies by what it is not."""


def _spoken_for(claim: Claim, phrase: str, here: list[Row]) -> bool:
    """Tell whether what is cut off from a claim of one word says what the row says."""
    rest = meaning(claim.phrase.replace(phrase, " ")).needed - VAGUE - OWNERS
    least = 1 if len(meaning(phrase).needed) < 2 else 2
    return any(len([word for word in rest if shares((word,), one.said, one.squeezed)]) >= least for one in here)


def _contradiction(claim: Claim, said: Meaning, phrase: str, here: list[Row], kind: _Held) -> Found | None:
    if (
        (said.needed <= _CHIPS and not {"apu", "port"} <= said.words)
        or is_value(claim, said)
        or len(said.words) > 9
        or (kind == "ram" and said.words & _PASSING)
    ):
        return None
    wide = meaning(claim.wide + " " + claim.phrase)
    solid = [one for one in here if one.solid]
    others = _others(said, kind, here, claim)
    if not others or _is_held(claim, others):
        return None
    equals = claim.manner == "equals" and claim.addresses[0].digits < 4  # `3 is $03` speaks of a number
    disjoint = is_title if equals else is_disjoint
    if not disjoint(said, wide, here, others) and not is_opposite(said, wide, here, others, manner=claim.manner):
        return None
    best = next((one for one in others if said.axes.items() <= one.all_axes.items()), others[0])
    address = claim.addresses[0]
    return Found(
        "wrong-name",
        claim.start,
        claim.end,
        f"{address.text} is not {' '.join(phrase.split())!r}: it is {_title(solid[0])}.",
        f"{_capital(_title(best))} is at {best.id}.",
        behind(solid[0]),
    )


def _is_held(claim: Claim, others: list[Row]) -> bool:
    """Tell whether a number is a value that what is spoken of may have: `the room tag is $18`."""
    first = claim.addresses[0]
    if claim.manner != "equals" or not _is_small(first):
        return False
    return any(known.value == first.value for one in others[:3] for known in values_of(one.address))


def _others(said: Meaning, kind: _Held, here: list[Row], claim: Claim) -> list[Row]:
    """Return the rows elsewhere that say all that is said."""
    near = fold(_work(claim.addresses[0]))
    mine = {one.entry for one in here}
    found = [one for one in meant(said, kind, near=near) if one.entry not in mine and one.solid]
    if kind == "register" and claim.manner == "moved":
        found = [one for one in found if _writable(one)]
    return found[:40]


def _writable(one: Row) -> bool:
    """Tell whether a register can be written: no other can be meant by what goes into one."""
    register = register_at(one.address)
    return register is None or register.writable


def _title(one: Row) -> str:
    text = behind(one).text
    described = text.partition("): ")[2].split(". ")[0]
    head = re.split(r"[;(]", described, maxsplit=1)[0].strip()
    return head[:90] or one.name


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
