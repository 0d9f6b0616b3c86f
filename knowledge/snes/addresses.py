"""SNES addresses as people write them: spellings read, mirrors folded, and each translated under any mapper."""

import re
from typing import NamedTuple

from knowledge.snes.mapping import MAPPERS, Mapper
from knowledge.snes.memory_map import Area, BankRange, Clocks, clocks, mirrors, region, rom_address, sram_address
from knowledge.snes.registers import canonical, describe_register, register_at

__all__ = [
    "COPIER_HEADER",
    "AddressError",
    "Spelled",
    "Translation",
    "copier_header",
    "fold",
    "lorom_address",
    "lorom_offset",
    "read_address",
    "show",
    "spelled",
    "translate",
]

COPIER_HEADER = 512
"""Bytes that a copier put before the ROM in some `.smc` files."""

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


_DIGITS = re.compile(rf"{_HEX}{{1,6}}")
_AREAS: dict[Area, str] = {
    "wram": "work RAM (WRAM)",
    "rom": "ROM",
    "sram": "cartridge RAM (SRAM)",
    "register": "hardware register",
    "coprocessor": "coprocessor (its registers or RAM)",
    "open_bus": "open bus (nothing is mapped here)",
}


class AddressError(ValueError):
    """A text or number that is no address of this mapper; the text names the next step."""


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


def copier_header(size: int) -> int:
    """Return the bytes to skip in a ROM file of this size: 512 when a copier header is before the ROM, else 0."""
    return COPIER_HEADER if size % 1024 == COPIER_HEADER else 0


class Translation(NamedTuple):
    """All there is to say of one address under one mapper."""

    asked: str
    """As it was written."""
    mapper: Mapper
    given: int
    """The SNES address that was asked for, or that shows the offset that was asked for."""
    address: int
    """The one SNES address that stands for all its mirrors."""
    area: Area
    area_offset: int
    """Byte within WRAM, the ROM or the SRAM; the 16-bit address of a register; -1 for open bus."""
    mirrors: tuple[BankRange, ...]
    """Every place that shows the same byte, itself among them."""
    pc_offset: int | None
    """Offset in the ROM file without copier header; None where no ROM is."""
    headered_offset: int | None
    """The same in a file with the 512 bytes of a copier header."""
    register: str
    """The register's name, address, access and meaning; empty elsewhere."""
    clocks: Clocks
    """Master clocks of one access at `given`."""
    notes: tuple[str, ...] = ()
    """What was assumed, or is doubtful."""

    @property
    def bank(self) -> int:
        """Bank of the address that was asked for."""
        return self.given >> 16

    @property
    def offset(self) -> int:
        """Offset in the bank of the address that was asked for."""
        return self.given & 0xFFFF

    def __str__(self) -> str:
        """Return it as lines of text."""
        lines = [
            f"{self.asked} is SNES ${self.given:06X} (bank ${self.bank:02X}, offset ${self.offset:04X}; {self.mapper})"
        ]
        inside = "" if self.area in ("register", "open_bus") else f", byte ${self.area_offset:X}"
        lines.append(f"area: {_AREAS[self.area]}{inside}")
        if self.register:
            lines.append(f"register: {self.register}")
        lines.append(f"canonical address: ${self.address:06X}")
        if self.mirrors:
            lines.append(f"shows the same byte: {', '.join(map(str, self.mirrors))}")
        if self.pc_offset is not None and self.headered_offset is not None:
            lines.append(
                f"PC offset: 0x{self.pc_offset:06X}; with a 512-byte copier header 0x{self.headered_offset:06X}"
            )
        slow, fast = self.clocks
        lines.append(f"one access takes {slow} master clocks" + (f", {fast} with FastROM on" if fast != slow else ""))
        return "\n".join([*lines, *self.notes])


def read_address(text: str) -> Spelled:
    """Return the one address that a text is. AddressError when there is none, or more than one."""
    plain = text.strip()
    if _DIGITS.fullmatch(plain):
        return Spelled(int(plain, 16), len(plain), pc=False, bare=True, text=plain)
    found = spelled(plain[:200])
    if len(found) == 1:
        return found[0]
    said = ", ".join(address.text for address in found[:5])
    raise AddressError(
        f"{len(found)} addresses in one text ({said}); ask for one at a time"
        if found
        else f"no address in {plain[:60]!r}; write $7E0010, 80:8000 or pc:0x1234"
    )


def translate(asked: int | str, mapper: Mapper, *, header: bool = False, size: int = 0) -> Translation:
    """Return all there is to say of an address: a number or a text such as `$80:8000` or `pc:0x1234`.

    `header` says that a PC offset in the text counts the 512 bytes of a copier header; `size` is the ROM's size in
    bytes without it (0: unknown). AddressError when it is no address, or no place of this mapper.
    """
    if mapper not in MAPPERS:
        raise AddressError(f"no mapper {str(mapper)[:40]!r}; it is one of {', '.join(MAPPERS)}")
    notes: list[str] = []
    if isinstance(asked, int):
        given, text = asked, f"${asked:06X}"
        if not 0 <= given <= 0xFFFFFF:
            raise AddressError(f"{asked:#x} is no SNES address; it has 24 bits, $000000 to $FFFFFF")
    else:
        found = read_address(asked)
        text, given = found.text, _at_offset(found, mapper, header=header) if found.pc else found.value
        if not found.pc and not found.banked:
            notes.append("no bank was written: bank $00 is assumed")
    return _translated(text, given, mapper, notes, size)


def _at_offset(found: Spelled, mapper: Mapper, *, header: bool) -> int:
    offset = found.value - (COPIER_HEADER if header else 0)
    if offset < 0:
        raise AddressError(f"{found.text} lies within the copier header, which no SNES address shows")
    address = rom_address(offset, mapper)
    if address is None:
        raise AddressError(
            f"no SNES address shows ROM offset 0x{offset:X} in {mapper}; check the mapper and the offset"
        )
    return address


def _translated(text: str, given: int, mapper: Mapper, notes: list[str], size: int) -> Translation:
    area, offset = region(given, mapper)
    pc = offset if area == "rom" else None
    if pc is not None and size and pc >= size:
        notes.append(f"the ROM has {size} bytes: this address is behind its end, and shows a mirror or open bus")
    register = register_at(given) if area == "register" else None
    if area == "register" and register is None:
        notes.append("no register is documented at this address: a read gives open bus")
    return Translation(
        asked=text,
        mapper=mapper,
        given=given,
        address=_canonical(given, mapper),
        area=area,
        area_offset=offset,
        mirrors=mirrors(given, mapper),
        pc_offset=pc,
        headered_offset=None if pc is None else pc + COPIER_HEADER,
        register=describe_register(register.address) if register else "",
        clocks=clocks(given),
        notes=tuple(notes),
    )


def _canonical(address: int, mapper: Mapper) -> int:
    """Return the one address that stands for all mirrors of `address` under a mapper."""
    area, offset = region(address, mapper)
    if area == "wram":
        return 0x7E0000 | offset
    if area in ("register", "coprocessor"):
        return canonical(offset) if area == "register" else offset
    found = rom_address(offset, mapper) if area == "rom" else sram_address(offset, mapper) if area == "sram" else None
    return address if found is None else found
