"""The joypads: read automatically in vertical blank ($4218-$421F) or bit by bit ($4016, $4017), from a script.

Facts: bsnes, sfc/cpu/mmio and sfc/controller/gamepad.
"""

from collections.abc import Sequence

from knowledge.m65816.ports.timing import FRAME, Timing
from knowledge.m65816.ports.traffic import Reader, Traffic, Writer

__all__ = ["Joypads"]

_AUTO = 0x01


class Joypads:
    """Up to four pads: 0 and 1 on the first data line of the ports, 2 and 3 on the second."""

    def __init__(self, traffic: Traffic, timing: Timing) -> None:
        self._traffic, self._timing = traffic, timing
        self._pads: Sequence[Sequence[int]] = ()
        self.readers: dict[int, Reader] = {0x4016: self._serial, 0x4017: self._serial}
        self.readers |= dict.fromkeys(range(0x4218, 0x4220), self._read)
        self.writers: dict[int, Writer] = {0x4016: self._strobe}
        self.reset()

    def reset(self) -> None:
        """Let go of all buttons."""
        self._pads = ()
        self._strobed = False
        self._shifts = [0] * 4
        self._blanks = 0
        self._frame = 0

    def script(self, pads: Sequence[Sequence[int]]) -> None:
        """Press buttons: for each pad 16 bits a frame, the last ones held."""
        self._pads = pads

    def _buttons(self, pad: int, frame: int) -> int:
        frames = self._pads[pad] if pad < len(self._pads) else ()
        return frames[min(frame, len(frames) - 1)] if frames else 0

    def _read(self, address: int, clock: int) -> int:
        if self._timing.reading_joypads(clock):
            self._traffic.remark(
                "early_result",
                address,
                f"${address:04X} was read while the automatic joypad read is at work: wait until bit 0 of $4212 is 0.",
            )
        self._catch_up(clock)
        # $4218 pad 0, $421A pad 1, $421C pad 2 and $421E pad 3: a pad on a second data line comes behind both ports
        word = self._buttons((address - 0x4218) >> 1, self._frame)
        return word >> (address & 1) * 8 & 0xFF

    def _catch_up(self, clock: int) -> None:
        """Take over the buttons of the last vertical blank, when they are read at all."""
        blanks = self._timing.vblanks(clock)
        if blanks > self._blanks and (self._timing.enabled & _AUTO or not self._timing.delivers):
            self._frame = blanks - 1
        self._blanks = blanks

    def _strobe(self, address: int, value: int, clock: int) -> None:
        falls = self._strobed and not value & 1
        self._strobed = bool(value & 1)
        if falls:
            frame = clock // FRAME
            # the bits behind the sixteen are ones where a pad is there, zeros where none is
            self._shifts = [self._buttons(pad, frame) << 16 | 0xFFFF for pad in range(4)]
            for pad in range(max(2, len(self._pads)), 4):
                self._shifts[pad] = 0

    def _serial(self, address: int, clock: int) -> int:
        port = address - 0x4016
        bits = self._bit(port, clock) | self._bit(port + 2, clock) << 1
        if port:
            return self._traffic.open_bus() & 0xE0 | 0x1C | bits
        return self._traffic.open_bus() & 0xFC | bits

    def _bit(self, pad: int, clock: int) -> int:
        if self._strobed:
            return self._buttons(pad, clock // FRAME) >> 15 & 1
        word = self._shifts[pad]
        self._shifts[pad] = word << 1 & 0xFFFFFFFF | word & 1
        return word >> 31
