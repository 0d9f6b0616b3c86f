"""The WRAM port, $2180-$2183: a 17-bit address that steps on by itself. Facts: bsnes, sfc/cpu/mmio."""

from collections.abc import Callable

from knowledge.m65816.ports.traffic import Reader, Writer

__all__ = ["WramPort"]


class WramPort:
    """Reads and writes WRAM through $2180; `peek` and `poke` take an offset of 17 bits."""

    def __init__(self, peek: Callable[[int], int], poke: Callable[[int, int], None]) -> None:
        self._peek, self._poke = peek, poke
        self.address = 0
        self.readers: dict[int, Reader] = {0x2180: self._read}
        self.writers: dict[int, Writer] = {0x2180: self._write}
        self.writers |= dict.fromkeys((0x2181, 0x2182, 0x2183), self._aim)

    def reset(self) -> None:
        """Point at the first byte."""
        self.address = 0

    def _read(self, address: int, clock: int) -> int:
        value = self._peek(self.address)
        self.address = (self.address + 1) & 0x1FFFF
        return value

    def _write(self, address: int, value: int, clock: int) -> None:
        self._poke(self.address, value)
        self.address = (self.address + 1) & 0x1FFFF

    def _aim(self, address: int, value: int, clock: int) -> None:
        shift = (address - 0x2181) * 8
        self.address = (self.address & ~(0xFF << shift) | value << shift) & 0x1FFFF
