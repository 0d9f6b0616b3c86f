"""What a run starts from and what it came to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from knowledge.m65816.registers import Registers

__all__ = [
    "CodeError",
    "Cost",
    "HardwareAccess",
    "Outcome",
    "Remark",
    "RemarkCode",
    "Script",
    "Start",
    "Stop",
    "TraceLine",
]

Stop = Literal["rts", "rtl", "rti", "end", "outside", "budget", "stp", "wai", "interrupt"]
"""Why a run stopped: it returned to its caller; it ran past the last byte of the code (`end`); it went to bytes that
are no part of the program (`outside`); the instruction budget was used up; STP; WAI with no interrupt to come; BRK,
COP or a vector that leads nowhere (`interrupt`)."""


RemarkCode = Literal[
    "open_bus",
    "write_only_read",
    "read_only_write",
    "rom_write",
    "early_result",
    "unmapped",
    "video_busy",
    "dma",
    "log_full",
]
"""What a remark is about; `log_full` is about the log itself: more was accessed than it holds."""


class CodeError(ValueError):
    """A program, start or contract that cannot be run or compared; the text names the next step."""


class HardwareAccess(NamedTuple):
    """One byte read from or written to a hardware register."""

    clock: int
    """Master clocks since the start."""
    address: int
    """16-bit register address, the bank left out."""
    value: int
    kind: Literal["read", "write"]
    by: Literal["cpu", "dma"]
    pc: int
    """SNES address of the instruction."""


class Remark(NamedTuple):
    """Something the run met that real hardware would answer in a way not to rely on."""

    code: RemarkCode
    message: str
    pc: int


class TraceLine(NamedTuple):
    """The state before one instruction."""

    registers: Registers
    cycles: int
    clocks: int


class Cost(NamedTuple):
    """What the instructions at one address cost over the whole run."""

    times: int
    cycles: int
    clocks: int


@dataclass(frozen=True)
class Script:
    """What the outside world answers while the program runs."""

    joypads: tuple[tuple[int, ...], ...] = ()
    """Buttons a frame for each pad, 16 bits each (`$4218` order: BYsS^v<>AXLR0000); the last one stays."""
    apu: tuple[tuple[int, int], ...] = ()
    """Values the APU ports show: (port 0-3, value), the next one each time the port is read; after the last a port
    echoes what was last written to it."""
    nmi: bool = False
    """Whether NMI and IRQ are delivered, and vblank passes by the clock; off: the program runs alone."""


@dataclass(frozen=True)
class Start:
    """The state a run begins in."""

    registers: Registers = field(default_factory=Registers)
    """PB and PC are taken from the program's start, whatever stands here."""
    memory: Mapping[int, int | bytes] = field(default_factory=dict[int, int | bytes])
    """Bytes by SNES address (WRAM, SRAM); a `bytes` value fills on from its address."""
    poison: int = 0
    """Seed of what uninitialised memory holds; 0: all $55. Two seeds differ in nearly every byte."""
    frame: Literal["call", "interrupt"] = "call"
    """What lies on the stack: a return address that RTS and RTL both find, or an interrupt's frame for RTI."""
    video: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """First contents of `vram` (65,536 bytes), `cgram` (512), `oam` (544), where they matter."""
    script: Script = Script()


@dataclass(frozen=True)
class Outcome:
    """What a run came to. Equal starts give equal outcomes."""

    registers: Registers
    stop: Stop
    instructions: int
    cycles: int
    """CPU cycles, as data sheets count them."""
    clocks: int
    """Master clocks (21.477 MHz NTSC): 6, 8 or 12 a cycle."""
    memory: dict[int, int]
    """Last value of every byte of WRAM and SRAM that was written, by its first address ($7E0000..., SRAM as mapped)."""
    hardware: tuple[HardwareAccess, ...] = ()
    remarks: tuple[Remark, ...] = ()
    profile: dict[int, Cost] = field(default_factory=dict[int, Cost])
    """Cost by address of the instruction, on request."""
    trace: tuple[TraceLine, ...] = ()
    video: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """`vram`, `cgram`, `oam` at the end, where the program touched them."""
