"""What lies at each SNES address: WRAM, ROM, SRAM, a register or nothing; how fast it is; and where else it shows.

Sources: the ROM follows asar 1.91's mappers (`mapping`); SRAM, work RAM and access times follow the memory map pages of
the snesdev wiki and the boards that bsnes lists. Boards differ in how much of an SRAM area they wire up.
"""

from functools import lru_cache
from typing import Literal, NamedTuple

from knowledge.snes.mapping import Mapper, pc_offset, snes_address

__all__ = ["Area", "BankRange", "Clocks", "Region", "clocks", "mirrors", "region", "rom_address", "sram_address"]

Area = Literal["wram", "rom", "sram", "register", "coprocessor", "open_bus"]
_PAGE = 0x2000
_LARGEST_ROM = 0x800000


class Region(NamedTuple):
    """What a SNES address shows."""

    area: Area
    offset: int
    """Byte within the area: of WRAM (0-$1FFFF), of the ROM file without copier header, of the SRAM; the 16-bit address
    of a register or of what a coprocessor answers; -1 for open bus."""


class BankRange(NamedTuple):
    """The same 16-bit address in several banks, both ends included."""

    first: int
    last: int
    offset: int

    def __str__(self) -> str:
        """Return `$00-$3F:2100`, or `$7E:0010` for one bank."""
        banks = f"${self.first:02X}" if self.first == self.last else f"${self.first:02X}-${self.last:02X}"
        return f"{banks}:{self.offset:04X}"


class Clocks(NamedTuple):
    """Master clocks of one access: 6, 8 or 12."""

    slow: int
    """With $420D bit 0 clear."""
    fast: int
    """With $420D bit 0 set (FastROM)."""


def _system(address: int) -> bool:
    """Tell whether the address lies in banks $00-$3F or $80-$BF, which show work RAM and registers."""
    return not address & 0x400000


def _sram(address: int, mapper: Mapper) -> int | None:
    bank, offset = address >> 16, address & 0xFFFF
    window = _system(address) and 0x6000 <= offset < 0x8000
    if mapper in ("hirom", "exhirom"):
        return (bank & 0x1F) * _PAGE + offset - 0x6000 if window and bank & 0x20 else None
    if mapper in ("sa1rom", "sfxrom"):
        if window:
            return offset - 0x6000
        first, last = (0x40, 0x4F) if mapper == "sa1rom" else (0x70, 0x71)
        return (bank - first) << 16 | offset if first <= bank <= last else None
    if mapper in ("lorom", "exlorom") and bank & 0x70 == 0x70 and offset < 0x8000:
        return (bank & 0x0F) << 15 | offset
    return None


def _coprocessor(offset: int, mapper: Mapper) -> bool:
    if mapper == "sa1rom":
        return 0x2200 <= offset < 0x2400 or 0x3000 <= offset < 0x3800
    return mapper == "sfxrom" and 0x3000 <= offset < 0x3500


def _registers(offset: int) -> bool:
    return 0x2100 <= offset < 0x2184 or 0x4016 <= offset < 0x4018 or 0x4200 <= offset < 0x4220 or (
        0x4300 <= offset < 0x4380
    )  # fmt: skip


def region(address: int, mapper: Mapper) -> Region:
    """Return what a 24-bit SNES address shows under a mapper. ValueError outside 24 bits."""
    if not 0 <= address <= 0xFFFFFF:
        raise ValueError(f"{address:#x} is no SNES address; it has 24 bits, $000000 to $FFFFFF")
    offset = address & 0xFFFF
    if mapper == "norom":
        return Region("rom", address)
    if address & 0xFE0000 == 0x7E0000:
        return Region("wram", address & 0x1FFFF)
    if _system(address) and offset < 0x2000:
        return Region("wram", offset)
    if _system(address) and offset < 0x6000:
        if _coprocessor(offset, mapper):
            return Region("coprocessor", offset)
        return Region("register", offset) if _registers(offset) else Region("open_bus", -1)
    rom = pc_offset(address, mapper)
    if rom is not None:
        return Region("rom", rom)
    sram = _sram(address, mapper)
    return Region("open_bus", -1) if sram is None else Region("sram", sram)


def clocks(address: int) -> Clocks:
    """Return the master clocks of one access to a 24-bit address; the mapper has no part in it."""
    offset = address & 0xFFFF
    if _system(address) and 0x2000 <= offset < 0x6000:
        return Clocks(12, 12) if 0x4000 <= offset < 0x4200 else Clocks(6, 6)
    fast = address & 0x800000 and (not _system(address) or offset >= 0x8000)
    return Clocks(8, 6 if fast else 8)


def rom_address(offset: int, mapper: Mapper) -> int | None:
    """Return the SNES address that a ROM offset (without copier header) is usually written with; None when no address
    shows it."""
    if not 0 <= offset < (0x1000000 if mapper == "norom" else _LARGEST_ROM):
        return None
    candidates = [snes_address(offset, mapper)]
    if mapper == "exhirom":
        candidates.append(offset & 0x3FFFFF)
    return next((address for address in candidates if pc_offset(address, mapper) == offset), None)


def sram_address(offset: int, mapper: Mapper) -> int | None:
    """Return the SNES address of a byte of SRAM; None when no address shows it."""
    if mapper in ("lorom", "exlorom"):
        low = 0x700000 | offset << 1 & 0xFF0000 | offset & 0x7FFF
        address = low | 0x800000 if low >= 0x7E0000 else low
    elif mapper in ("hirom", "exhirom"):
        address = 0x200000 | (offset // _PAGE) << 16 | 0x6000 | offset % _PAGE
    else:
        address = (0x400000 if mapper == "sa1rom" else 0x700000) + offset
    inside = 0 <= offset < 0x100000 and address <= 0xFFFFFF
    return address if inside and region(address, mapper) == Region("sram", offset) else None


@lru_cache(maxsize=256)
def mirrors(address: int, mapper: Mapper) -> tuple[BankRange, ...]:
    """Return every place that shows the same byte as `address`, itself among them; open bus has none."""
    wanted = region(address, mapper)
    if wanted.area == "open_bus":
        return ()
    low = address & _PAGE - 1
    same = [page | low for page in range(0, 0x1000000, _PAGE) if region(page | low, mapper) == wanted]
    found: list[BankRange] = []
    for place in sorted(same, key=lambda place: (place & 0xFFFF, place)):
        bank, offset = place >> 16, place & 0xFFFF
        if found and found[-1].offset == offset and found[-1].last == bank - 1:
            found[-1] = found[-1]._replace(last=bank)
        else:
            found.append(BankRange(bank, bank, offset))
    return tuple(sorted(found))
