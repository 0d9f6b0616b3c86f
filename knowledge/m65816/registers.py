"""The registers of the 65C816, as one plain record."""

from dataclasses import dataclass, replace

__all__ = ["C", "D", "I", "M", "N", "Registers", "V", "X", "Z"]

N, V, M, X, D, I, Z, C = 0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01  # noqa: E741  # the flags' own names


@dataclass(slots=True)
class Registers:
    """All registers. Widths in bits: a, x, y, s, d, pc 16; db, pb, p 8; e 1.

    With M = 1 the high byte of `a` is the hidden B; with X = 1 the high bytes of `x` and `y` are 0; with e = 1 `s`
    lies in page 1 and M and X are 1. The default is native mode, 8-bit, interrupts off, as a snippet expects.
    """

    a: int = 0
    x: int = 0
    y: int = 0
    s: int = 0x01FF
    d: int = 0
    db: int = 0
    pb: int = 0
    pc: int = 0
    p: int = M | X | I
    e: int = 0

    def copy(self) -> "Registers":
        """Return another record with the same values."""
        return replace(self)

    def settled(self) -> "Registers":
        """Return a copy in which every rule above holds: what the CPU would make of these values."""
        p = self.p | M | X if self.e else self.p
        index = 0xFF if p & X else 0xFFFF
        s = 0x0100 | self.s & 0xFF if self.e else self.s
        return replace(self, p=p, s=s, x=self.x & index, y=self.y & index)

    def __str__(self) -> str:
        """Return the line that traces and error texts show."""
        flags = "".join(
            name.upper() if self.p & bit else name
            for name, bit in zip("nvmxdizc", (N, V, M, X, D, I, Z, C), strict=True)
        )
        return (
            f"A=${self.a:04X} X=${self.x:04X} Y=${self.y:04X} S=${self.s:04X} D=${self.d:04X} DB=${self.db:02X} "
            f"PC=${self.pb:02X}{self.pc:04X} P={flags}{' E' if self.e else ''}"
        )
