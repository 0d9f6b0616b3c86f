"""The beam and what follows it: blanking, NMI and IRQ, the H and V counters, all computed from the master clock.

A run starts at the upper left of the screen. Lines have 1,364 clocks and a frame 262 lines (NTSC, no interlace); the
one line of 1,360 clocks in every other frame, and the 40 clocks of refresh a line, are left out. Facts: SNESdev wiki,
Timing; bsnes, sfc/cpu/timing and sfc/cpu/mmio.
"""

from collections.abc import Callable

from knowledge.m65816.ports.traffic import Reader, Traffic, Writer

__all__ = ["FRAME", "LINE", "NEVER", "VBLANK", "Timing"]

LINE = 1364
"""Master clocks a line."""
FRAME = LINE * 262
"""Master clocks a frame."""
VBLANK = LINE * 225
"""Master clocks from the upper left to vertical blank."""
NEVER = 1 << 60
"""An event that does not come."""

_DOT = 4
_HBLANK = 274 * _DOT
_AUTO_READ = VBLANK + 130
_AUTO_READ_CLOCKS = 4224
_IRQ_DELAY = 14
_NMI, _VIRQ, _HIRQ, _AUTO = 0x80, 0x20, 0x10, 0x01


class Timing:
    """$4200, $4201, $4207-$4213, $2137 and $213C-$213F."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self.delivers = False
        """Whether NMI and IRQ reach the CPU."""
        self.changed: Callable[[], None] = lambda: None
        """Called when the next event may have moved."""
        self.writers: dict[int, Writer] = {0x4200: self._enable, 0x4201: self._pins}
        self.writers |= dict.fromkeys(range(0x4207, 0x420B), self._timer)
        self.readers: dict[int, Reader] = {
            0x2137: self._latch,
            0x213C: self._counter,
            0x213D: self._counter,
            0x213E: self._status1,
            0x213F: self._status2,
            0x4210: self._read_nmi,
            0x4211: self._read_irq,
            0x4212: self._blanking,
            0x4213: self._read_pins,
        }
        self.reset()

    def reset(self) -> None:
        """Go to the state at power-on, at the upper left of the screen."""
        self.enabled = 0
        self._pins_out = 0xFF
        self._h_time = self._v_time = 0x1FF
        self._nmi_read = self._nmi_told = 0
        self._irq = False
        self._irq_due = NEVER
        self._latched = False
        self._counters = [0, 0]
        self._second = [False, False]

    @staticmethod
    def vblanks(clock: int) -> int:
        """Return how many vertical blanks have begun by a clock."""
        return (clock + FRAME - VBLANK) // FRAME

    @staticmethod
    def in_vblank(clock: int) -> bool:
        """Return whether the beam is in vertical blank."""
        return clock % FRAME >= VBLANK

    @staticmethod
    def in_hblank(clock: int) -> bool:
        """Return whether the beam is in horizontal blank."""
        return not _DOT <= clock % LINE < _HBLANK

    def reading_joypads(self, clock: int) -> bool:
        """Return whether the automatic read of the joypads is at work."""
        return bool(self.enabled & _AUTO) and _AUTO_READ <= clock % FRAME < _AUTO_READ + _AUTO_READ_CLOCKS

    def poll(self, clock: int) -> int:
        """Return what is pending for the CPU: 1 NMI, told once; 2 IRQ, as long as its flag is set."""
        if not self.delivers:
            return 0
        pending = 0
        blanks = self.vblanks(clock)
        if blanks > self._nmi_told:
            self._nmi_told = blanks
            pending = 1 if self.enabled & _NMI else 0
        self._watch_irq(clock)
        return pending | (2 if self._irq else 0)

    def next_event(self, clock: int) -> int:
        """Return the clock at which `poll` has something to tell; NEVER when nothing is enabled."""
        if not self.delivers:
            return NEVER
        if self._irq:
            return 0
        nmi = self._nmi_told * FRAME + VBLANK if self.enabled & _NMI else NEVER
        return min(nmi, self._irq_due)

    def _watch_irq(self, clock: int) -> None:
        if clock >= self._irq_due:
            self._irq = True
            self._irq_due = self._next_irq(clock)

    def _next_irq(self, clock: int) -> int:
        """Return the first clock behind `clock` at which the timer fires."""
        mode = self.enabled & (_HIRQ | _VIRQ)
        if not mode or (mode & _HIRQ and self._h_time > 339) or (mode & _VIRQ and self._v_time > 261):
            return NEVER
        period = FRAME if mode & _VIRQ else LINE
        phase = _IRQ_DELAY + (self._h_time * _DOT if mode & _HIRQ else 0)
        phase += self._v_time * LINE if mode & _VIRQ else 0
        return phase if clock < phase else phase + ((clock - phase) // period + 1) * period

    def _enable(self, address: int, value: int, clock: int) -> None:
        self._watch_irq(clock)
        rises = value & ~self.enabled & _NMI
        blanks = self.vblanks(clock)
        if rises:  # enabling it while the flag of this vertical blank is set raises it at once
            self._nmi_told = blanks - self._nmi_flag(clock)
        elif not self.enabled & _NMI:
            self._nmi_told = blanks
        self.enabled = value
        if not value & (_HIRQ | _VIRQ):
            self._irq = False
        self._irq_due = self._next_irq(clock)
        self.changed()

    def _timer(self, address: int, value: int, clock: int) -> None:
        self._watch_irq(clock)
        old = self._h_time if address < 0x4209 else self._v_time
        new = old & 0x100 | value if address & 1 else old & 0xFF | (value & 1) << 8
        if address < 0x4209:
            self._h_time = new
        else:
            self._v_time = new
        self._irq_due = self._next_irq(clock)
        self.changed()

    def _pins(self, address: int, value: int, clock: int) -> None:
        if self._pins_out & 0x80 and not value & 0x80:
            self._latch_counters(clock)
        self._pins_out = value

    def _read_pins(self, address: int, clock: int) -> int:
        return self._pins_out

    def _nmi_flag(self, clock: int) -> bool:
        return self.in_vblank(clock) and self._nmi_read != self.vblanks(clock)

    def _read_nmi(self, address: int, clock: int) -> int:
        flag = self._nmi_flag(clock)
        if flag:
            self._nmi_read = self.vblanks(clock)
        return flag << 7 | self._traffic.open_bus() & 0x70 | 0x02

    def _read_irq(self, address: int, clock: int) -> int:
        self._watch_irq(clock)
        flag, self._irq = self._irq, False
        self.changed()
        return flag << 7 | self._traffic.open_bus() & 0x7F

    def _blanking(self, address: int, clock: int) -> int:
        value = self.in_vblank(clock) << 7 | self.in_hblank(clock) << 6 | self.reading_joypads(clock)
        return value | self._traffic.open_bus() & 0x3E

    def _latch_counters(self, clock: int) -> None:
        self._counters = [clock % LINE // _DOT, clock % FRAME // LINE]
        self._latched = True

    def _latch(self, address: int, clock: int) -> int:
        if self._pins_out & 0x80:
            self._latch_counters(clock)
        return self._traffic.open_bus()

    def _counter(self, address: int, clock: int) -> int:
        which = address - 0x213C
        value = self._counters[which]
        if self._second[which]:
            value = self._traffic.ppu2 & 0xFE | value >> 8
        self._second[which] = not self._second[which]
        self._traffic.ppu2 = value & 0xFF
        return value & 0xFF

    def _status1(self, address: int, clock: int) -> int:
        self._traffic.ppu1 = self._traffic.ppu1 & 0x10 | 0x01
        return self._traffic.ppu1

    def _status2(self, address: int, clock: int) -> int:
        field = clock // FRAME & 1
        value = field << 7 | self._latched << 6 | self._traffic.ppu2 & 0x20 | 0x03
        if self._pins_out & 0x80:
            self._latched = False
        self._second = [False, False]
        self._traffic.ppu2 = value
        return value
