"""The three arithmetic units: multiply and divide of the CPU chip with their latency, and the PPU's multiplier.

The CPU's unit does one step of shift-and-add a CPU cycle: 8 for a product, 16 for a quotient; a read before that sees
the steps done so far. Facts: bsnes, sfc/cpu/timing (alu_edge) and sfc/ppu/mmio; SNES Development Manual for 8 and 16.
"""

from collections.abc import Callable

from knowledge.m65816.ports.traffic import Reader, Traffic, Writer

__all__ = ["Arithmetic"]

_PRODUCT, _QUOTIENT = 8, 16


class Arithmetic:
    """$4202-$4206 with $4214-$4217, and $211B/$211C with $2134-$2136.

    `cycles(since, clock)` says how many CPU cycles passed between two master clocks.
    """

    def __init__(self, traffic: Traffic, cycles: Callable[[int, int], int]) -> None:
        self._traffic, self._cycles = traffic, cycles
        self.readers: dict[int, Reader] = {}
        self.readers |= dict.fromkeys(range(0x4214, 0x4218), self._read)
        self.readers |= dict.fromkeys(range(0x2134, 0x2137), self._read_product)
        self.writers: dict[int, Writer] = {
            0x4202: self._factor,
            0x4203: self._multiply,
            0x4204: self._dividend,
            0x4205: self._dividend,
            0x4206: self._divide,
            0x211B: self._matrix,
            0x211C: self._matrix,
        }
        self.writers |= dict.fromkeys((0x210D, 0x210E, *range(0x211D, 0x2121)), self._latch)
        self.reset()

    def reset(self) -> None:
        """Go to the state at power-on: all ones in the factors, nothing at work."""
        self._a, self._dividend_value = 0xFF, 0xFFFF
        self._high = self._low = self._shift = 0  # $4214/5, $4216/7, and the operand that is shifted
        self._left = 0
        self._divides = False
        self._since = 0
        self._m7a = self._m7b = self._m7_latch = 0

    def _factor(self, address: int, value: int, clock: int) -> None:
        self._a = value

    def _dividend(self, address: int, value: int, clock: int) -> None:
        shift = (address & 1) * 8
        self._dividend_value = self._dividend_value & ~(0xFF << shift) | value << shift

    def _multiply(self, address: int, value: int, clock: int) -> None:
        if self._begin(address, clock, 0):
            self._left, self._divides = _PRODUCT, False
            self._high, self._shift = value << 8 | self._a, value

    def _divide(self, address: int, value: int, clock: int) -> None:
        if self._begin(address, clock, self._dividend_value):
            self._left, self._divides = _QUOTIENT, True
            self._shift = value << 16

    def _begin(self, address: int, clock: int, low: int) -> bool:
        self._settle(clock)
        self._low = low
        if self._left:
            self._traffic.remark(
                "early_result",
                address,
                f"${address:04X} was written while a multiply or divide was at work: hardware ignores it. "
                "Wait until the first result is read.",
            )
            return False
        self._since = clock
        return True

    def _settle(self, clock: int) -> None:
        """Do the steps that there was time for since the last look."""
        if not self._left:
            return
        total = _QUOTIENT if self._divides else _PRODUCT
        steps = min(self._left, max(0, self._cycles(self._since, clock) - (total - self._left)))
        for _ in range(steps):
            self._step()
        self._left -= steps

    def _step(self) -> None:
        if self._divides:
            self._shift >>= 1
            fits = self._low >= self._shift
            self._high = (self._high << 1 | fits) & 0xFFFF
            self._low -= self._shift if fits else 0
            return
        if self._high & 1:
            self._low = (self._low + self._shift) & 0xFFFF
        self._high >>= 1
        self._shift <<= 1

    def _read(self, address: int, clock: int) -> int:
        self._settle(clock)
        if self._left:
            needed = _QUOTIENT if self._divides else _PRODUCT
            self._traffic.remark(
                "early_result",
                address,
                f"${address:04X} was read {self._left} CPU cycles too early: the result takes {needed} cycles. "
                "Put instructions between the start and the read.",
            )
        value = self._low if address & 2 else self._high
        return value >> (address & 1) * 8 & 0xFF

    def _latch(self, address: int, value: int, clock: int) -> None:
        self._m7_latch = value

    def _matrix(self, address: int, value: int, clock: int) -> None:
        word = value << 8 | self._m7_latch
        self._m7_latch = value
        if address == 0x211B:
            self._m7a = word
        else:
            self._m7b = word

    def _read_product(self, address: int, clock: int) -> int:
        a = (self._m7a ^ 0x8000) - 0x8000
        b = (self._m7b >> 8 ^ 0x80) - 0x80
        value = a * b >> (address - 0x2134) * 8 & 0xFF
        self._traffic.ppu1 = value
        return value
