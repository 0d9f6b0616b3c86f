"""The bus: answers the CPU wherever there is no plain memory, and says what real hardware would not answer reliably.

What nothing answers reads as open bus: the byte that the data lines still hold. That is taken to be the last byte of
the instruction, or the byte before it in a 16-bit access; pointers of indirect modes are left out.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from knowledge.m65816.cpu import NEVER, Cpu
from knowledge.m65816.layout import Layout, access_clocks
from knowledge.m65816.memory import HARDWARE, PAGE, PAGES, WRAM
from knowledge.m65816.opcodes import OPCODES
from knowledge.m65816.outcome import Script
from knowledge.m65816.ports.apu import Apu
from knowledge.m65816.ports.arithmetic import Arithmetic
from knowledge.m65816.ports.dma import DMA_LIMIT, Dma
from knowledge.m65816.ports.joypads import Joypads
from knowledge.m65816.ports.timing import Timing
from knowledge.m65816.ports.traffic import Ports, Reader, Traffic, Writer
from knowledge.m65816.ports.video import Video
from knowledge.m65816.ports.wram_port import WramPort

__all__ = ["Bus", "Console"]

_STILL = Script()
_REGISTERS = frozenset((*range(0x2100, 0x2134), *range(0x2181, 0x2184), *range(0x4200, 0x420E)))
"""Registers that can be written, whether or not a family keeps what is written."""
_PPU1_BUS = frozenset(address for address in range(0x2104, 0x212B) if address & 0x0F in (4, 5, 6, 8, 9, 10))
"""Write-only registers that answer with what PPU1 last put out (bsnes, sfc/ppu/mmio)."""


@lru_cache(maxsize=2)
def _clock_table(fast: bool) -> tuple[int, ...]:  # noqa: FBT001  # the key of the cache
    return tuple(access_clocks(page, fast=fast) for page in range(PAGES))


class Console:
    """All families of ports, built when the first program asks for hardware."""

    def __init__(self, bus: "Bus") -> None:
        traffic = bus.traffic
        self.timing = Timing(traffic)
        self.timing.changed = bus.look_again
        self.video = Video(traffic, self.timing)
        self.arithmetic = Arithmetic(traffic, bus.cycles)
        self.joypads = Joypads(traffic, self.timing)
        self.apu = Apu()
        self.wram_port = WramPort(bus.peek, bus.put)
        self.dma = Dma(traffic, bus, read=bus.read_port, writer=bus.writer)
        self.dma.speed = bus.fetch_clocks
        families: tuple[Ports, ...] = (
            self.timing,
            self.video,
            self.arithmetic,
            self.joypads,
            self.apu,
            self.wram_port,
            self.dma,
        )
        self.families = families
        self.readers: dict[int, Reader] = {}
        self.writers: dict[int, Writer] = {0x420D: bus.select_speed}
        for family in families:
            self.readers |= family.readers
            self.writers |= family.writers

    def reset(self, script: Script, video: Mapping[str, bytes]) -> None:
        """Go back to power-on, then take the script and the video memories of a start."""
        for family in self.families:
            family.reset()
        self.timing.delivers = script.nmi
        self.joypads.script(script.joypads)
        self.apu.script(script.apu)
        self.video.load(video)


class _Last(NamedTuple):
    """The last byte that the bus answered."""

    pc: int
    address: int
    clock: int
    value: int


_NOTHING = _Last(-1, -1, -1, 0)


class Bus:
    """The `Io` of a machine. `journal` holds the storage offsets that DMA and the WRAM port wrote."""

    def __init__(self, cpu: Cpu, layout: Layout, *, fast_rom: bool) -> None:
        self._cpu, self._layout = cpu, layout
        self._memory = cpu.memory
        self._storage = cpu.memory.storage
        self._fast_start = fast_rom
        self._fast: bool | None = None
        self._console: Console | None = None
        self._used = False
        self._last = _NOTHING
        self._address = self._clock = -1
        self.event = NEVER
        self.journal: dict[int, None] = {}
        self.traffic = Traffic()
        self.traffic.open_bus = self.open_bus

    @property
    def console(self) -> Console:
        """The hardware."""
        if self._console is None:
            self._console = Console(self)
        self._used = True
        return self._console

    @property
    def used(self) -> bool:
        """Whether this run met anything but plain memory."""
        return self._used

    @property
    def spent(self) -> bool:
        """Whether DMA was to move more than it may in one run."""
        return self._console is not None and self._console.dma.moved > DMA_LIMIT

    def reset(self, script: Script, video: Mapping[str, bytes]) -> None:
        """Go to the state in which a run starts."""
        wants = bool(video) or script != _STILL
        if self._used or wants:
            self.traffic.reset()
            self.journal = {}
            self.event = NEVER
            if wants or self._console is not None:
                self.console.reset(script, video)
            self._last = _NOTHING
        self._used = wants
        self.set_speed(fast=self._fast_start)

    def set_speed(self, *, fast: bool) -> None:
        """Let ROM in banks $80-$FF answer in 6 clocks, or in 8."""
        if fast != self._fast:
            self._fast = fast
            self._memory.clocks[:] = _clock_table(fast)
            self._cpu.remap()

    def select_speed(self, address: int, value: int, clock: int) -> None:
        """Take a write to $420D."""
        self.set_speed(fast=bool(value & 1))

    # the face towards the CPU

    def read(self, address: int, clock: int, pc: int) -> int:
        """Return the byte at an address that is no plain memory."""
        self._used = True
        self._address, self._clock, self.traffic.pc = address, clock, pc
        low = address & 0xFFFF
        if address & 0x400000 or not 0x2000 <= low < 0x6000:
            value = self._read_nothing(address)
        else:
            reader = self.console.readers.get(low)
            value = self._read_stray(low) if reader is None else reader(low, clock)
            self.traffic.note(clock, low, value, "read", "cpu")
        self._last = _Last(pc, address, clock, value)
        return value

    def write(self, address: int, value: int, clock: int, pc: int) -> int:
        """Take a byte at an address that is no plain memory; return the clocks that DMA takes."""
        self._used = True
        self.traffic.pc = pc
        low = address & 0xFFFF
        if address & 0x400000 or not 0x2000 <= low < 0x6000:
            self._write_nothing(address)
            return 0
        self.traffic.note(clock, low, value, "write", "cpu")
        if low == 0x420B:
            return self.console.dma.start(value, clock)
        self.writer(low)(low, value, clock)
        return 0

    def poll(self, clock: int) -> int:
        """Return the interrupts that are pending: 1 NMI, 2 IRQ."""
        timing = self.console.timing
        pending = timing.poll(clock)
        self.event = timing.next_event(clock)
        return pending

    def look_again(self) -> None:
        """Ask to be polled before the next instruction."""
        self.event = 0

    def look(self, pc: int, address: int) -> None:
        """Remark a read of plain memory that holds nothing of the program."""
        self._used = True
        self.traffic.pc = pc
        text = f"No block holds a byte at ${address:06X}: what a read answers here is made up."
        self.traffic.remark("unmapped", address, text)

    def video(self) -> dict[str, bytes]:
        """Return the video memories that the program touched."""
        return {} if self._console is None else self._console.video.contents()

    # the face towards the ports

    def read_port(self, address: int, clock: int) -> int:
        """Return what a register answers."""
        reader = self.console.readers.get(address)
        return self._read_stray(address) if reader is None else reader(address, clock)

    def writer(self, address: int) -> Writer:
        """Return what takes the bytes that are written to a register."""
        writer = self.console.writers.get(address)
        if writer is not None:
            return writer
        return self._kept if address in _REGISTERS else self._write_stray

    def peek(self, offset: int) -> int:
        """Return a byte of WRAM."""
        return self._storage[WRAM + offset]

    def put(self, offset: int, value: int) -> None:
        """Write a byte of WRAM or SRAM, by its offset in the storage."""
        self._storage[offset] = value
        self.journal[offset] = None

    def poke(self, address: int, value: int) -> None:
        """Write a byte for DMA."""
        offset = self._memory.writes[address // PAGE]
        if offset == HARDWARE:
            self._write_nothing(address)
        else:
            self.put(offset + address % PAGE, value)

    def read_block(self, address: int, count: int) -> bytes:
        """Return bytes for DMA, from an address on, within its bank."""
        found = bytearray()
        bank = address & 0xFF0000
        while len(found) < count:
            page, low = divmod(address, PAGE)
            size = min(count - len(found), PAGE - low)
            offset = self._memory.reads[page]
            if offset == HARDWARE:
                found += bytes((self._read_nothing(address),)) * size
            else:
                found += self._storage[offset + low : offset + low + size]
            address = bank | address + size & 0xFFFF
        return bytes(found)

    def fetch_clocks(self) -> int:
        """Return the master clocks of a fetch by the instruction at work."""
        return self._memory.clocks[self.traffic.pc // PAGE] or 8

    def cycles(self, since: int, clock: int) -> int:
        """Return how many CPU cycles lie between a write that began at `since` and an access at `clock`.

        An estimate, exact for code in fast ROM without slow data: 6 clocks a cycle there, 7.125 on average in slow ROM,
        where each instruction mixes fetches of 8 clocks with internal cycles of 6.
        """
        passed = max(0, clock - since - 6)
        return passed // 6 if self.fetch_clocks() == 6 else passed * 8 // 57

    # where nothing answers

    def open_bus(self) -> int:
        """Return what the data lines still hold."""
        last, pc = self._last, self.traffic.pc
        if last.pc == pc and last.address + 1 == self._address and 0 <= self._clock - last.clock <= 12:
            return last.value
        opcode = self._storage_byte(pc)
        if opcode < 0:
            return last.value
        end = self._storage_byte(pc & 0xFF0000 | pc + OPCODES[opcode].size - 1 & 0xFFFF)
        return last.value if end < 0 else end

    def _storage_byte(self, address: int) -> int:
        offset = self._memory.reads[address // PAGE]
        return -1 if offset == HARDWARE else self._storage[offset + address % PAGE]

    def _kept(self, address: int, value: int, clock: int) -> None:
        """Take a byte of which only the log keeps something."""

    def _write_stray(self, address: int, value: int, clock: int) -> None:
        if address in self.console.readers:
            self.traffic.remark("read_only_write", address, f"${address:04X} can only be read: the write does nothing.")
        else:
            self.traffic.remark("unmapped", address, f"No register lies at ${address:04X}: the write does nothing.")

    def _read_stray(self, address: int) -> int:
        """Answer for a register that cannot be read, or is none."""
        if address in _REGISTERS:
            text = f"${address:04X} can only be written: what a read answers is open bus."
            self.traffic.remark("write_only_read", address, text)
        else:
            text = f"No register lies at ${address:04X}: what a read answers is open bus."
            self.traffic.remark("open_bus", address, text)
        return self.traffic.ppu1 if address in _PPU1_BUS else self.open_bus()

    def _read_nothing(self, address: int) -> int:
        text = f"Nothing is mapped at ${address:06X} in {self._layout.mapper}: what a read answers is open bus."
        self.traffic.remark("unmapped", address, text)
        return self.open_bus()

    def _write_nothing(self, address: int) -> None:
        if self._memory.reads[address // PAGE] == HARDWARE:
            text = f"Nothing is mapped at ${address:06X} in {self._layout.mapper}: the write does nothing."
            self.traffic.remark("unmapped", address, text)
        else:
            text = f"${address:06X} is ROM: the write does nothing."
            self.traffic.remark("rom_write", address, text)
