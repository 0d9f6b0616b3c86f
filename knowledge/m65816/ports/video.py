"""VRAM, CGRAM and OAM behind their ports, with their latches, steps and the times at which they cannot be reached.

While the picture is drawn the PPU needs these memories for itself: a byte written then is lost and a read answers
nothing to rely on. Facts: bsnes, sfc/ppu/mmio; SNES Development Manual, chapter 27.
"""

from collections.abc import Mapping

from knowledge.m65816.ports.timing import Timing
from knowledge.m65816.ports.traffic import Reader, Traffic, Writer

__all__ = ["SIZES", "Video"]

SIZES = {"vram": 0x10000, "cgram": 0x200, "oam": 0x220}
"""Bytes in each memory."""
_STEPS = (1, 32, 128, 128)
_REMAPS = ((0, 0), (0x1F, 5), (0x3F, 6), (0x7F, 7))
"""By VMAIN bits 3-2: the bits that move up by three, and how far the three bits above them move down."""
_BLANKS = {name: bytes(size) for name, size in SIZES.items()}


class Video:
    """$2100, $2102-$2104, $2115-$2119, $2121, $2122, $2138-$213B."""

    def __init__(self, traffic: Traffic, timing: Timing) -> None:
        self._traffic, self._timing = traffic, timing
        self.vram, self.cgram, self.oam = (bytearray(size) for size in SIZES.values())
        self._stale: set[str] = set(SIZES)
        self.touched: set[str] = set()
        """Which memories the program read or wrote, or was given."""
        self.readers: dict[int, Reader] = {
            0x2138: self._read_oam,
            0x2139: self._read_vram,
            0x213A: self._read_vram,
            0x213B: self._read_cgram,
        }
        self.writers: dict[int, Writer] = {
            0x2100: self._display,
            0x2102: self._aim_oam,
            0x2103: self._aim_oam,
            0x2104: self._write_oam,
            0x2115: self._vram_mode,
            0x2116: self._aim_vram,
            0x2117: self._aim_vram,
            0x2118: self._write_vram,
            0x2119: self._write_vram,
            0x2121: self._aim_cgram,
            0x2122: self._write_cgram,
        }
        self.reset()

    def reset(self) -> None:
        """Go to the state at power-on: all memories zero, the picture off."""
        self.load({})
        self._forced = True
        self._vmain = self._vram_address = self._vram_latch = 0
        self._cgram_address = self._cgram_latch = 0
        self._oam_start = self._oam_address = self._oam_latch = self._oam_blanks = 0

    def load(self, contents: Mapping[str, bytes]) -> None:
        """Fill the memories; those not given are zero."""
        for name in self._stale | contents.keys():
            memory: bytearray = getattr(self, name)
            memory[:] = contents.get(name, _BLANKS[name])
        self._stale = set(contents)
        self.touched = set(contents)

    def contents(self) -> dict[str, bytes]:
        """Return the memories that were touched."""
        return {name: bytes(getattr(self, name)) for name in SIZES if name in self.touched}

    def _reach(self, name: str, address: int, clock: int) -> bool:
        """Return whether a memory can be reached now, and say so where it cannot."""
        if name not in self.touched:
            self.touched.add(name)
            self._stale.add(name)
        timing = self._timing
        if not timing.delivers or self._forced or timing.in_vblank(clock):
            return True
        if name == "cgram" and timing.in_hblank(clock):
            return True
        self._traffic.remark(
            "video_busy",
            address,
            f"${address:04X} was used while the picture is drawn, when {name.upper()} cannot be reached: "
            "wait for vertical blank, or set bit 7 of $2100.",
        )
        return False

    def _display(self, address: int, value: int, clock: int) -> None:
        self._forced = bool(value & 0x80)

    # VRAM: words of 16 bits

    def _vram_mode(self, address: int, value: int, clock: int) -> None:
        self._vmain = value

    def _vram_byte(self) -> int:
        """Return where the word at the address lies, after the remap, in bytes."""
        word = self._vram_address
        bits, width = _REMAPS[self._vmain >> 2 & 3]
        if bits:
            word = word & ~(bits << 3 | 7) | (word & bits) << 3 | word >> width & 7
        return word << 1 & 0xFFFE

    def _fetch(self, clock: int, address: int) -> None:
        at = self._vram_byte()
        self._vram_latch = self.vram[at] | self.vram[at + 1] << 8 if self._reach("vram", address, clock) else 0

    def _step_vram(self, address: int) -> bool:
        """Return whether an access to the low (even) or high (odd) port steps the address."""
        return bool(self._vmain & 0x80) == bool(address in (0x2119, 0x213A))

    def _aim_vram(self, address: int, value: int, clock: int) -> None:
        shift = (address & 1) * 8
        self._vram_address = self._vram_address & ~(0xFF << shift) | value << shift
        if not self._timing.delivers or self._forced or self._timing.in_vblank(clock):
            at = self._vram_byte()
            self._vram_latch = self.vram[at] | self.vram[at + 1] << 8

    def _write_vram(self, address: int, value: int, clock: int) -> None:
        if self._reach("vram", address, clock):
            self.vram[self._vram_byte() | address & 1] = value
        if self._step_vram(address):
            self._vram_address = (self._vram_address + _STEPS[self._vmain & 3]) & 0xFFFF

    def _read_vram(self, address: int, clock: int) -> int:
        high = address == 0x213A
        value = self._vram_latch >> 8 if high else self._vram_latch & 0xFF
        self.touched.add("vram")
        if self._step_vram(address):
            self._fetch(clock, address)
            self._vram_address = (self._vram_address + _STEPS[self._vmain & 3]) & 0xFFFF
        self._traffic.ppu1 = value
        return value

    # CGRAM: words of 15 bits, low byte first

    def _aim_cgram(self, address: int, value: int, clock: int) -> None:
        self._cgram_address = value << 1

    def _write_cgram(self, address: int, value: int, clock: int) -> None:
        at = self._cgram_address
        if not at & 1:
            self._cgram_latch = value
        elif self._reach("cgram", address, clock):
            self.cgram[at - 1], self.cgram[at] = self._cgram_latch, value & 0x7F
        self._cgram_address = (at + 1) & 0x1FF

    def _read_cgram(self, address: int, clock: int) -> int:
        at = self._cgram_address
        self._reach("cgram", address, clock)
        value = self.cgram[at]
        if at & 1:
            value = self._traffic.ppu2 & 0x80 | value & 0x7F
        self._cgram_address = (at + 1) & 0x1FF
        self._traffic.ppu2 = value
        return value

    # OAM: 256 words, written in pairs, then 32 bytes one by one

    def _aim_oam(self, address: int, value: int, clock: int) -> None:
        if address == 0x2102:
            self._oam_start = self._oam_start & 0x200 | value << 1
        else:
            self._oam_start = (value & 1) << 9 | self._oam_start & 0x1FE
        self._oam_address = self._oam_start
        self._oam_blanks = self._timing.vblanks(clock)

    def _oam_at(self, clock: int) -> int:
        """Return the address, which vertical blank sets back to the start while the picture is on."""
        if self._timing.delivers and not self._forced and self._timing.vblanks(clock) > self._oam_blanks:
            self._oam_address = self._oam_start
        self._oam_blanks = self._timing.vblanks(clock)
        return self._oam_address

    def _write_oam(self, address: int, value: int, clock: int) -> None:
        at = self._oam_at(clock)
        if not at & 1:
            self._oam_latch = value
        if (at & 1 or at & 0x200) and self._reach("oam", address, clock):
            if at & 0x200:
                self.oam[at & 0x21F] = value
            else:
                self.oam[at - 1], self.oam[at] = self._oam_latch, value
        self._oam_address = (at + 1) & 0x3FF

    def _read_oam(self, address: int, clock: int) -> int:
        at = self._oam_at(clock)
        self._reach("oam", address, clock)
        value = self.oam[at & 0x21F if at & 0x200 else at]
        self._oam_address = (at + 1) & 0x3FF
        self._traffic.ppu1 = value
        return value
