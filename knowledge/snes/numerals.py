"""Numbers as ROM hackers write them: `$8F`, `0x8F`, `8Fh`, `%10001111`, `143` and, where letters say so, `8f`."""

import re
from typing import NamedTuple

__all__ = ["Numeral", "read_numeral"]

_LONGEST = 40
_NUMERAL = re.compile(
    r"#?(?:"
    r"(?:\$|0[xX])(?P<hex>[0-9A-Fa-f]{1,6})"
    r"|(?:%|0[bB])(?P<bits>[01][01_]{0,31})"
    r"|(?P<suffixed>[0-9A-Fa-f]{1,6})[hH]"
    r"|(?P<decimal>[0-9]{1,8})"
    r"|(?P<bare>[0-9A-Fa-f]{1,6})"
    r")"
)


class Numeral(NamedTuple):
    """A number with the width it was written in."""

    value: int
    """0 to 16,777,215."""
    bits: int
    """Bits that its digits take: 8 for `$8F`, 16 for `$008F`; for a decimal the least of 8, 16 and 24."""
    guessed: str
    """How a number without a mark was read: `decimal` or `hexadecimal`; empty for one with a mark."""


def _width(value: int) -> int:
    return 8 if value < 0x100 else 16 if value < 0x10000 else 24


def read_numeral(text: str) -> Numeral | None:
    """Return the number that a whole text is, None when it is none or has more than 24 bits."""
    match = _NUMERAL.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if match is None:
        return None
    part = match.groupdict()
    if part["decimal"]:
        value, digits, guessed = int(part["decimal"]), 0, "" if len(part["decimal"]) == 1 else "decimal"
    elif part["bits"]:
        plain = part["bits"].replace("_", "")
        value, digits, guessed = int(plain, 2), (len(plain) + 7) // 8 * 2, ""
    else:
        plain = part["hex"] or part["suffixed"] or part["bare"]
        value, digits, guessed = int(plain, 16), len(plain), "hexadecimal" if part["bare"] else ""
    if value > 0xFFFFFF:
        return None
    return Numeral(value, max(_width(value), (digits + 1) // 2 * 8), guessed)
