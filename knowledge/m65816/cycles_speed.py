"""How many master clocks an access takes, for one address and for what is known of several.

6 clocks for hardware registers and for fast ROM, 8 for work RAM, SRAM and slow ROM, 12 for $4000-$41FF.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from knowledge.snes.memory_map import clocks

__all__ = ["ANYWHERE", "BANK_0", "Speed", "across", "at", "in_any_bank"]

_PAGE: Final = 0x200


class Speed(NamedTuple):
    """Least and most clocks of one access, with slow ROM and with fast ROM."""

    slow: int
    most_slow: int
    fast: int
    most_fast: int


ANYWHERE: Final = Speed(6, 12, 6, 12)
"""Any address."""
BANK_0: Final = Speed(6, 12, 6, 12)
"""Any address in bank $00, where the direct page and the stack lie."""


@lru_cache(maxsize=8192)
def _page(page: int) -> Speed:
    found = clocks(page * _PAGE)
    return Speed(found.slow, found.slow, found.fast, found.fast)


def at(address: int) -> Speed:
    """Return the speed at a 24-bit address."""
    return _page((address & 0xFFFFFF) // _PAGE)


def _either(speeds: list[Speed]) -> Speed:
    return Speed(
        min(each.slow for each in speeds),
        max(each.most_slow for each in speeds),
        min(each.fast for each in speeds),
        max(each.most_fast for each in speeds),
    )


@lru_cache(maxsize=4096)
def across(first: int, last: int) -> Speed:
    """Return the range of speeds from `first` to `last`, both 24-bit addresses (beyond $FFFFFF they wrap)."""
    pages = range(first // _PAGE, last // _PAGE + 1)
    if len(pages) > 0x10000 // _PAGE:
        return ANYWHERE
    return _either([at(page * _PAGE) for page in pages])


@lru_cache(maxsize=4096)
def in_any_bank(first: int, last: int) -> Speed:
    """Return the range of speeds for offsets from `first` to `last` in any data bank."""
    starts = [bank << 16 | first & 0xFFFF for bank in (0x00, 0x40, 0x80, 0xC0)]
    return _either([across(start, start + last - first) for start in starts])
