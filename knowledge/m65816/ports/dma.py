"""General DMA: $420B starts it, $43x0-$43xB say what it moves, $420C is kept for HDMA.

While it moves bytes the CPU stands still: 8 master clocks a byte, 8 a channel, and at the start up to 16 to fall into
step. HDMA is set up and logged but not carried out line by line. Facts: bsnes, sfc/cpu/dma; fullsnes, SNES DMA.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from knowledge.m65816.ports.traffic import LOG_LIMIT, Reader, Traffic, Writer

__all__ = ["DMA_LIMIT", "ABus", "Dma"]

DMA_LIMIT = 1 << 20
"""Bytes that DMA may move in one run: the work of 24 frames."""

_PATTERNS = (
    (0, 0, 0, 0),
    (0, 1, 0, 1),
    (0, 0, 0, 0),
    (0, 0, 1, 1),
    (0, 1, 2, 3),
    (0, 1, 0, 1),
    (0, 0, 0, 0),
    (0, 0, 1, 1),
)
"""By mode: what is added to the B-bus address for the next four bytes."""


class ABus(Protocol):
    """Memory as DMA sees it: 24-bit addresses."""

    def read_block(self, address: int, count: int) -> bytes:
        """Return bytes from an address on; the offset wraps within the bank."""
        ...

    def poke(self, address: int, value: int) -> None:
        """Write one byte."""
        ...


class _Transfer(NamedTuple):
    address: int
    step: int
    size: int
    ports: tuple[int, ...]
    clock: int


def _is_wram(address: int) -> bool:
    return address & 0xFE0000 == 0x7E0000 or address & 0x40E000 == 0


def _is_hidden(address: int) -> bool:
    """Return whether an A-bus address names registers that DMA cannot reach on that side."""
    low = address & 0xFFFF
    return not address & 0x400000 and (
        low & 0xFF00 == 0x2100 or low & 0xFE00 == 0x4000 or low & 0xFFE0 == 0x4200 or low & 0xFF80 == 0x4300
    )


class Dma:
    """The eight channels. `read` answers for a B-bus register, `writer` gives what takes the bytes written to one."""

    def __init__(self, traffic: Traffic, bus: ABus, *, read: Reader, writer: Callable[[int], Writer]) -> None:
        self._traffic, self._bus = traffic, bus
        self._read_port, self._writer = read, writer
        self.speed: Callable[[], int] = lambda: 8
        """Master clocks of the CPU cycle that follows: 6 or 8."""
        self.registers = bytearray(b"\xff" * 0x80)
        self.readers: dict[int, Reader] = {}
        self.writers: dict[int, Writer] = {0x420C: self._hdma}
        for channel in range(8):
            for register in (*range(12), 15):
                self.readers[0x4300 | channel << 4 | register] = self._read
                self.writers[0x4300 | channel << 4 | register] = self._write
        self.moved = 0
        """Bytes moved in this run."""
        self._clean = True

    def reset(self) -> None:
        """Go to the state at power-on: all registers $FF."""
        self.moved = 0
        if not self._clean:
            self.registers[:] = b"\xff" * 0x80
            self._clean = True

    @staticmethod
    def _slot(address: int) -> int:
        # $43xF is a mirror of $43xB, a byte that nothing uses
        return address & 0x70 | (0x0B if address & 0x0F == 0x0F else address & 0x0F)

    def _read(self, address: int, clock: int) -> int:
        return self.registers[self._slot(address)]

    def _write(self, address: int, value: int, clock: int) -> None:
        self._clean = False
        self.registers[self._slot(address)] = value

    def _hdma(self, address: int, value: int, clock: int) -> None:
        if value:
            self._traffic.remark(
                "dma", address, "HDMA was switched on: its registers are kept, its transfers per line are not run."
            )

    def start(self, channels: int, clock: int) -> int:
        """Run the channels whose bit is set, the lowest first; return the master clocks that it takes."""
        if not channels:
            return 0
        align = 8 - (clock & 7)
        spent = align + 8
        for channel in range(8):
            if channels >> channel & 1:
                spent += 8 + 8 * self._run(channel, clock + spent + 8)
        speed = self.speed()
        return spent + speed - spent % speed

    def _run(self, channel: int, clock: int) -> int:
        """Run one channel and leave its registers as they stand afterwards; return the bytes that were moved."""
        at = channel << 4
        control, port, low, high, bank, size_low, size_high = self.registers[at : at + 7]
        count = size_high << 8 | size_low or 0x10000
        if self.moved + count > DMA_LIMIT:
            self._refuse()
            return 0
        self.moved += count
        step = 0 if control & 8 else -1 if control & 0x10 else 1
        ports = tuple(0x2100 | port + offset & 0xFF for offset in _PATTERNS[control & 7])
        transfer = _Transfer(bank << 16 | high << 8 | low, step, count, ports, clock)
        self._warn(transfer)
        self._to_a(transfer) if control & 0x80 else self._to_b(transfer)
        end = (high << 8 | low) + step * count & 0xFFFF
        self.registers[at + 2 : at + 7] = bytes((end & 0xFF, end >> 8, bank, 0, 0))
        self._clean = False
        return count

    def _refuse(self) -> None:
        self.moved = DMA_LIMIT + 1
        self._traffic.remark(
            "dma", 0x420B, f"DMA would move more than {DMA_LIMIT:,} bytes in this run: it was not done."
        )

    def _warn(self, transfer: _Transfer) -> None:
        address, step, count = transfer[:3]
        low = address & 0xFFFF
        if step and not 0 <= low + step * (count - 1) <= 0xFFFF:
            text = f"The DMA from or to ${address:06X} wraps within its bank: split it where the bank ends."
            self._traffic.remark("dma", 0x420B, text)
        if _is_hidden(address):
            text = f"DMA cannot reach ${address:06X} on the A-bus: name the register by its B-bus address."
            self._traffic.remark("dma", address, text)
        if 0x2180 in transfer.ports and _is_wram(address):
            text = "DMA between WRAM and the WRAM port does not work: there is one address bus. Use MVN or a loop."
            self._traffic.remark("dma", 0x2180, text)

    def _to_b(self, transfer: _Transfer) -> None:
        address, step, count, ports, clock = transfer
        bank, low = address & 0xFF0000, address & 0xFFFF
        if step == 0:
            data = self._fetch(address, 1) * count
        elif step > 0:
            data = self._fetch(address, count)
        else:
            data = self._fetch(bank | low - count + 1 & 0xFFFF, count)[::-1]
        blocked = _is_wram(address)
        takes = [None if blocked and port == 0x2180 else self._writer(port) for port in ports]
        log, pc, room = self._traffic.accesses, self._traffic.pc, LOG_LIMIT
        for index, value in enumerate(data):
            take, port = takes[index & 3], ports[index & 3]
            if take is not None:
                if len(log) < room:
                    log.append((clock, port, value, "write", "dma", pc))
                else:
                    self._traffic.dropped += 1
                take(port, value, clock)
            clock += 8

    def _fetch(self, address: int, count: int) -> bytes:
        bank, low = address & 0xFF0000, address & 0xFFFF
        if bank & 0x400000 or low >= 0x6000 or low + count <= 0x2000:
            return self._bus.read_block(address, count)
        one = self._bus.read_block
        places = [bank | low + index & 0xFFFF for index in range(count)]
        return b"".join(b"\0" if _is_hidden(place) else one(place, 1) for place in places)

    def _to_a(self, transfer: _Transfer) -> None:
        address, step, count, ports, clock = transfer
        bank, low = address & 0xFF0000, address & 0xFFFF
        for index in range(count):
            port, place, when = ports[index & 3], bank | low, clock + index * 8
            value = 0
            if port != 0x2180 or not _is_wram(place):
                value = self._read_port(port, when)
                self._traffic.note(when, port, value, "read", "dma")
            if not _is_hidden(place):
                self._bus.poke(place, value)
            low = low + step & 0xFFFF
