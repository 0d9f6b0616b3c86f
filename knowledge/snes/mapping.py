"""Where a SNES address lies in the ROM file, and back, for each mapper that asar knows."""

from typing import Literal, get_args

__all__ = ["MAPPERS", "Mapper", "pc_offset", "snes_address"]

Mapper = Literal["lorom", "hirom", "exlorom", "exhirom", "sa1rom", "sfxrom", "norom"]
MAPPERS: tuple[str, ...] = get_args(Mapper)

_SA1_BANKS = {0: 0x000000, 1: 0x100000, 4: 0x200000, 5: 0x300000}


def _lorom(address: int) -> int:
    return (address & 0x7F0000) >> 1 | (address & 0x7FFF)


def _sa1rom(address: int) -> int | None:
    if address & 0x408000 == 0x008000:
        bank = _SA1_BANKS.get(address >> 21)
        return None if bank is None else bank | (address & 0x1F0000) >> 1 | (address & 0x7FFF)
    return address & 0x3FFFFF if address & 0xC00000 == 0xC00000 else None


def _sfxrom(address: int) -> int | None:
    if address & 0x600000 == 0x600000 or address & 0x408000 == 0 or address & 0x800000:
        return None
    return address & 0x3FFFFF if address & 0x400000 else _lorom(address)


def _exlorom(address: int) -> int | None:
    if address & 0xF00000 == 0x700000:
        return None
    return _lorom(address) if address & 0x800000 else _lorom(address) + 0x400000


def pc_offset(address: int, mapper: Mapper) -> int | None:
    """Return the offset in the ROM file of a SNES address, as asar 1.91 maps it; None where no ROM is mapped.

    For sa1rom the banks are those at power-on. Held to asar's own `snestopc` by a test.
    """
    if mapper == "norom":
        return address
    if mapper == "sa1rom":
        return _sa1rom(address)
    if mapper == "sfxrom":
        return _sfxrom(address)
    if address & 0xFE0000 == 0x7E0000 or address & 0x408000 == 0:
        return None
    if mapper == "lorom":
        return None if address & 0x708000 == 0x700000 else _lorom(address)
    if mapper == "exlorom":
        return _exlorom(address)
    high = 0x400000 if mapper == "exhirom" and not address & 0x800000 else 0
    return high | address & 0x3FFFFF


def snes_address(offset: int, mapper: Mapper) -> int:
    """Return the SNES address that a ROM offset is usually written with: the first mirror that shows ROM."""
    if mapper == "sa1rom":
        return (offset & 0x200000) << 2 | (offset & 0x1F8000) << 1 | offset & 0x7FFF | 0x8000
    if mapper in ("lorom", "exlorom", "sfxrom"):
        low = (offset & 0x3FFFFF) << 1 & 0x7F0000 | offset & 0x7FFF | 0x8000
        fast = (mapper == "exlorom" and offset < 0x400000) or low & 0xFE0000 == 0x7E0000
        return low | 0x800000 if fast else low
    if mapper == "norom":
        return offset
    return offset & 0x3FFFFF | (0x400000 if mapper == "exhirom" and offset >= 0x400000 else 0xC00000)
