"""Names, addresses and numbers in a contract's texts, where registers and flags differ by case alone."""

import re
from collections.abc import Sequence

from knowledge.m65816.outcome import CodeError
from knowledge.snes.addresses import fold
from schemas.contract import MemoryRange

__all__ = ["FLAG_NAMES", "REGISTER_NAMES", "WIDTHS", "address_range", "is_memory", "names_in", "number", "split"]

REGISTER_NAMES = ("A", "B", "X", "Y", "S", "D", "DB")
"""A is the low byte of the accumulator, B its high byte."""
FLAG_NAMES = ("n", "v", "m", "x", "d", "i", "z", "c", "e")
WIDTHS = {"A": 0xFFFF, "B": 0xFF, "X": 0xFFFF, "Y": 0xFFFF, "S": 0xFFFF, "D": 0xFFFF, "DB": 0xFF}
"""Largest value by register; A where the entry has m16."""

_WORDS = {
    "carry": "c", "zero": "z", "negative": "n", "overflow": "v", "decimal": "d", "interrupt": "i", "emulation": "e",
    "dbr": "DB", "dp": "D", "sp": "S", "acc": "A", "accumulator": "A",
}  # fmt: skip
_GROUPS = {"flags": "n v z c", "p": "n v z c d i", "registers": "A B X Y", "regs": "A B X Y", "xy": "X Y"}
_HEX = r"\$?[0-9A-Fa-f]{1,2}:\$?[0-9A-Fa-f]{1,4}|(?:\$|0[xX])[0-9A-Fa-f]{1,6}"
_ADDRESS = rf"(?:{_HEX})(?:\.[bwlBWL]|(?:\s*(?:\.\.|-)\s*(?:{_HEX})))?"
_TOKEN = re.compile(
    rf"(?P<address>{_ADDRESS})(?![\w.$])"
    r"|(?P<kind>flags?|reg(?:ister)?)[ :](?P<kinded>[A-Za-z]+)|(?P<named>[A-Za-z]+)[ ](?P<kindly>flag|register|reg)\b"
    r"|(?P<word>[A-Za-z]+)",
    re.IGNORECASE,
)
_SPELLING = "write registers as A B X Y S D DB, flags as n v z c d i (or `flag x`), memory as $7E0010-$7E001F"


def number(text: str, what: str, *, high: int) -> int:
    """Return the value of `$1F`, `0x1F`, `%101` or `31`; raise CodeError, naming `what`, when it is none or too big."""
    match = re.fullmatch(r"(?:#?\$|0[xX])([0-9A-Fa-f]{1,8})|%([01]{1,32})|([0-9]{1,9})", text.strip())
    if match is None:
        raise CodeError(f"{what}: {text.strip()[:40]!r} is no number; write $1F, %11111 or 31")
    value = int(match[1], 16) if match[1] else int(match[2], 2) if match[2] else int(match[3])
    if value > high:
        raise CodeError(f"{what}: {text.strip()} is more than ${high:X}, which is the most that it holds")
    return value


def is_memory(address: int) -> bool:
    """Return whether an address, mirrors folded, may be RAM: WRAM, or SRAM of any mapper."""
    bank, offset = fold(address) >> 16, fold(address) & 0xFFFF
    if bank in (0x7E, 0x7F):
        return True
    return 0x70 <= bank <= 0x7D or (bank < 0x40 and 0x6000 <= offset < 0x8000)


def address_range(text: str, what: str) -> MemoryRange:
    """Return the bytes that `$7E0010`, `$7E0010.w`, `$10-$1F` or `$00:0010..$00:001F` names, mirrors folded."""
    match = re.fullmatch(rf"(?P<start>{_HEX})(?:\.(?P<size>[bwlBWL])|\s*(?:\.\.|-)\s*(?P<end>{_HEX}))?", text.strip())
    if match is None:
        raise CodeError(f"{what}: {text.strip()[:40]!r} is no address; {_SPELLING}")
    start = _address(match["start"])
    end = _address(match["end"]) if match["end"] else start + " bwl".index((match["size"] or "b").lower()) - 1
    if match["end"] and len(match["end"].lstrip("$")) <= 4 < len(match["start"].lstrip("$")) and end < 0x10000:
        end |= start & 0xFF0000
    if end < start:
        raise CodeError(f"{what}: {text.strip()} runs backwards; write the lower address first")
    folded, last = fold(start), fold(end)
    if not is_memory(start) or not is_memory(end) or last - folded != end - start:
        raise CodeError(f"{what}: {text.strip()} is not all RAM; name WRAM ($7E0000-$7FFFFF, or $0000-$1FFF) or SRAM")
    return MemoryRange(start=folded, end=last)


def _address(text: str) -> int:
    bank, colon, offset = text.replace("$", "").partition(":")
    if colon:
        return int(bank, 16) << 16 | int(offset, 16)
    return int(bank, 16)


def split(text: str, what: str) -> tuple[list[str], list[MemoryRange]]:
    """Return the words of a list (`x flag` comes back as `flag x`) and its memory ranges."""
    words: list[str] = []
    ranges: list[MemoryRange] = []
    place = 0
    for match in _TOKEN.finditer(text):
        _refuse_rest(text[place : match.start()], what)
        place = match.end()
        if match["address"]:
            ranges.append(address_range(match["address"], what))
        elif match["kinded"] or match["named"]:
            kind = (match["kind"] or match["kindly"]).lower()
            words.append(f"{'flag' if kind.startswith('flag') else 'register'} {match['kinded'] or match['named']}")
        else:
            words.append(match["word"])
    _refuse_rest(text[place:], what)
    return words, ranges


def _refuse_rest(text: str, what: str) -> None:
    rest = re.sub(r"[\s,;&+]+|\band\b", "", text)
    if rest:
        raise CodeError(f"{what}: {rest[:40]!r} is not understood; {_SPELLING}")


def names_in(words: Sequence[str], what: str, notes: list[str]) -> set[str]:
    """Return the settled names of registers and flags; what could be two things adds a note on how it was read.

    Capital letters are registers and small ones flags. A small letter that is no flag (a, b, y, s) is a register, and
    then a small x beside it is the register too; capitals that are no register (N V Z C I M E) are flags.
    """
    small = any(word in ("a", "b", "y") for word in words)
    found: set[str] = set()
    for word in words:
        if word.lower() != "and":
            found |= _settle(word, what, notes, small=small)
    return found


def _settle(word: str, what: str, notes: list[str], *, small: bool) -> set[str]:
    kind, space, name = word.partition(" ")
    if space:
        return {_of_kind(kind, name, what)}
    if word.lower() in _WORDS:
        return {_WORDS[word.lower()]}
    if word.lower() in _GROUPS and word not in FLAG_NAMES:
        return set(_GROUPS[word.lower()].split())
    if word.upper() == "DB":
        return {"DB"}
    if len(word) > 1:
        if set(word.lower()) <= set("nvmxdizc") and len(set(word)) == len(word):
            return set(word.lower())
        raise CodeError(f"{what}: {word[:40]!r} is no register or flag; {_SPELLING}")
    return {_letter(word, what, notes, small=small)}


def _of_kind(kind: str, name: str, what: str) -> str:
    settled = _WORDS.get(name.lower(), name.lower() if kind == "flag" else name.upper())
    if settled not in (FLAG_NAMES if kind == "flag" else REGISTER_NAMES):
        raise CodeError(f"{what}: there is no {kind} {name[:40]!r}; {_SPELLING}")
    return settled


def _letter(letter: str, what: str, notes: list[str], *, small: bool) -> str:
    if letter in ("x", "d"):
        if letter == "x" and small:
            notes.append(
                f"x in {what} is read as register X, like the other small letters there; write `flag x` for XF"
            )
            return "X"
        notes.append(f"{letter} in {what} is read as flag {letter}; write {letter.upper()} for the register")
        return letter
    if letter == "C":
        notes.append(f"C in {what} is read as the carry flag; write A B for the 16-bit accumulator")
    if letter in REGISTER_NAMES or letter in FLAG_NAMES:
        return letter
    if letter.upper() in REGISTER_NAMES:
        return letter.upper()
    if letter.lower() in FLAG_NAMES:
        return letter.lower()
    raise CodeError(f"{what}: {letter!r} is no register or flag; {_SPELLING}")
