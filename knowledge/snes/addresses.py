"""SNES addresses as people write them: spellings read, mirrors folded, LoROM offsets turned both ways."""

import re
from typing import NamedTuple

__all__ = ["Spelled", "fold", "lorom_address", "lorom_offset", "show", "spelled"]

_HEX = "[0-9A-Fa-f]"
_SPELLINGS = re.compile(
    rf"(?<![\w$])(?:"
    rf"(?P<pc>(?:pc|file|rom)(?:[ _-]?(?:offset|address|addr))?[ :=]*(?:\$|0x)?(?P<pcd>{_HEX}{{1,6}}))"
    rf"|(?:\$|0x|\#?\$)?(?P<bank>{_HEX}{{2}})[:/](?:\$|0x)?(?P<offset>{_HEX}{{4}})"
    rf"|(?:[\#!]?\$|0[xX])(?P<marked>{_HEX}{{1,6}})"
    rf"|(?P<bare>(?=\w*\d)(?:{_HEX}{{6}}|{_HEX}{{4}}))"
    rf"|(?P<suffixed>\d{_HEX}{{1,6}})h"
    rf")(?!\w)",
    re.IGNORECASE,
)


class Spelled(NamedTuple):
    """An address found in a text."""

    value: int
    """The number, 0 to $FFFFFF; an offset in the ROM file when `pc`."""
    digits: int
    """Hex digits that were written: five or six name a bank, four or fewer do not."""
    pc: bool
    """Written as an offset in a headerless ROM file."""
    bare: bool
    """Written without `$`, `0x` or a colon, so that it may be a plain number."""
    text: str
    """As it was written."""

    @property
    def banked(self) -> bool:
        """True when the bank was written."""
        return self.digits > 4


def spelled(text: str) -> list[Spelled]:
    """Return the addresses in a text, in order: `$7EF36D`, `7ef36d`, `0xF36D`, `$00:8000`, `pc:0x1234`."""
    found: list[Spelled] = []
    for match in _SPELLINGS.finditer(text):
        part = match.groupdict()
        digits = part["pcd"] or part["marked"] or part["bare"] or part["suffixed"]
        if part["bank"]:
            digits = part["bank"] + part["offset"]
        pc = bool(part["pc"])
        found.append(Spelled(int(digits, 16), len(digits), pc, bool(part["bare"]), match.group().strip()))
    return found


def lorom_address(offset: int) -> int:
    """Return the CPU address ($00-$7D banks, upper half) of an offset in a headerless LoROM file."""
    return (offset >> 15) << 16 | 0x8000 | offset & 0x7FFF


def lorom_offset(address: int) -> int:
    """Return the offset in a headerless LoROM file of a CPU address in the upper half of a bank."""
    return (address >> 16 & 0x7F) << 15 | address & 0x7FFF


def fold(address: int) -> int:
    """Return the one address that stands for all mirrors of `address` in a LoROM cartridge.

    Banks $80-$FF fold onto $00-$7F (but $FE-$FF stay ROM, since $7E-$7F are work RAM), the first 8 KiB of
    banks $00-$3F fold onto $7E0000, and the register space $2000-$5FFF of those banks folds onto bank $00.
    """
    bank, offset = address >> 16, address & 0xFFFF
    if 0x80 <= bank < 0xFE:
        bank -= 0x80
    if bank < 0x40 and offset < 0x2000:
        return 0x7E0000 | offset
    if bank < 0x40 and offset < 0x6000:
        return offset
    return bank << 16 | offset


def show(address: int) -> str:
    """Return an address as the tables write it: `$7EF36D`, and four digits for a register (`$2100`)."""
    return f"${address:04X}" if 0x2000 <= address < 0x6000 else f"${address:06X}"
