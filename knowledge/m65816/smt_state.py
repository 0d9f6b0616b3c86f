"""The symbolic machine: registers, flags, stack and memory as values, and what both programs start from."""

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from knowledge.m65816.program import Program
from knowledge.m65816.smt_values import Bits, Unsupported, Value
from knowledge.snes.mapping import pc_offset
from schemas.contract import Contract

__all__ = ["STACK_HIGH", "STACK_LOW", "Address", "Image", "State", "World", "in_stack", "start_state"]

STACK_LOW, STACK_HIGH = 0x0180, 0x01FF
"""Where the stack pointer lies at entry, by assumption; the bytes about it are the stack's own."""
_STACK_AREA = (0x7E0100, 0x7E021F)
_RETURNS = (0x7E0000 + STACK_LOW, 0x7E0004 + STACK_HIGH)
"""Where the return address may lie."""
_DEEPEST = 0x70
_LARGEST_TABLE = 512


def in_stack(first: int, last: int) -> bool:
    """Return whether any WRAM byte from `first` to `last`, in banks $7E and $7F, may be one of the stack's."""
    return first <= _STACK_AREA[1] and last >= _STACK_AREA[0]


class Address(NamedTuple):
    """A 24-bit SNES address and the interval that it lies in."""

    value: Value
    low: int
    high: int


class Image:
    """The constant bytes of a program, by address, mirrors included."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._bytes: dict[int, int] = {}
        for block in program.blocks:
            for index, byte in enumerate(block.data):
                offset = pc_offset(block.address + index, program.mapper)
                if program.mapper == "norom" or offset is None:
                    raise Unsupported("code outside the ROM")
                self._bytes[offset] = byte

    def byte(self, address: int) -> int | None:
        """Return the ROM byte at an address; None where there is none."""
        offset = pc_offset(address, self.program.mapper)
        if offset is None:
            return None
        if offset in self._bytes:
            return self._bytes[offset]
        return self.program.rom[offset] if offset < len(self.program.rom) else None


@dataclass
class World:
    """What both programs share: the free values they start from, and the reads that a model has to explain."""

    bits: Bits
    memory: Any
    """z3 array of 24-bit addresses to bytes: RAM at entry, WRAM by its address in banks $7E and $7F."""
    stack: Any
    """z3 array of 16-bit offsets from S at entry to bytes: the caller's stack at entry."""
    names: dict[str, Value]
    """Free registers and flags by name."""
    bounds: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    """Smallest and largest 16-bit value by the address of its low byte, from the contract's inputs."""
    reads: list[Any] = field(default_factory=list[Any])
    stack_reads: list[int] = field(default_factory=list[int])
    touched: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Intervals of RAM that either program names."""
    stored: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Those of them that are written."""
    uses_stack: bool = False
    fixed: dict[str, int] = field(default_factory=dict[str, int])
    """Registers, flags and `$7E0010` that the contract gives one value."""
    emulation: bool = False

    def check_apart(self) -> None:
        """Raise Unsupported when named memory may be the stack's.

        Without a push or a pull, reads there are only reads of a free value; a write may still go to where the return
        address lies.
        """
        returned = any(first <= _RETURNS[1] and last >= _RETURNS[0] for first, last in self.stored)
        if returned or (self.uses_stack and any(in_stack(*span) for span in self.touched)):
            raise Unsupported("memory named by address that may lie in the stack")


@dataclass
class State:
    """One path: a state with the conditions under which it is reached."""

    world: World
    low: Value
    """A."""
    high: Value
    """B."""
    x: Value
    y: Value
    d: Value
    db: Value
    pb: int
    pc: int
    m: int
    narrow: int
    """The X flag."""
    flags: dict[str, Value]
    """n v d i z c, one bit each."""
    array: Any
    sp: int = 0
    """S less its value at entry."""
    pushed: dict[int, Value] = field(default_factory=dict[int, Value])
    """Stack bytes written, by offset from S at entry."""
    fresh: dict[int, Value] = field(default_factory=dict[int, Value])
    """RAM bytes written at constant addresses since the last write to an unknown one."""
    waiting: dict[int, Value] = field(default_factory=dict[int, Value])
    """Those of them that `array` has not got yet."""
    written: set[int] = field(default_factory=set[int])
    wild: tuple[tuple[int, int], ...] = ()
    """Intervals of the writes that went to an address that is not constant."""
    hardware: list[tuple[int, Value]] = field(default_factory=list[tuple[int, Value]])
    path: list[Any] = field(default_factory=list[Any])
    stop: str = ""
    steps: int = 0

    def fork(self) -> "State":
        """Return another state that goes on from here."""
        return replace(
            self,
            flags=dict(self.flags),
            pushed=dict(self.pushed),
            fresh=dict(self.fresh),
            waiting=dict(self.waiting),
            written=set(self.written),
            hardware=list(self.hardware),
            path=list(self.path),
        )

    @property
    def wide_a(self) -> Value:
        """B and A as one value of 16 bits."""
        return self.world.bits.joined(self.high, self.low, 8, 8)

    @property
    def s(self) -> Value:
        """S as a value of 16 bits."""
        return self.world.bits.add(self.world.names["S"], self.sp & 0xFFFF, 16)

    def push(self, byte: Value) -> None:
        """Push one byte."""
        self.world.uses_stack = True
        self.pushed[self.sp] = byte
        self.sp -= 1
        if self.sp < -_DEEPEST:
            raise Unsupported("a stack deeper than 112 bytes")

    def pull(self) -> Value:
        """Pull one byte."""
        self.sp += 1
        return self.stacked(0)

    def stacked(self, offset: int) -> Value:
        """Return the byte at S + offset."""
        self.world.uses_stack = True
        place = self.sp + offset
        if place > (0 if self.world.emulation else 0x20):
            raise Unsupported("stack far above S at entry")
        if place not in self.pushed:
            world = self.world
            world.stack_reads.append(place)
            index = world.bits.term(place & 0xFFFF, 16)
            return world.bits.z3.Select(world.stack, index)
        return self.pushed[place]

    def flush(self) -> Any:
        """Return RAM as one array with every write in it."""
        bits = self.world.bits
        for address, byte in self.waiting.items():
            self.array = bits.z3.Store(self.array, bits.term(address, 24), bits.term(byte, 8))
        self.waiting.clear()
        return self.array

    def read_ram(self, address: Address) -> Value:
        """Return a RAM byte."""
        world, bits = self.world, self.world.bits
        world.touched.append((address.low, address.high))
        if isinstance(address.value, int):
            if address.value in self.fresh:
                return self.fresh[address.value]
            index = bits.term(address.value, 24)
        else:
            self.flush()
            index = address.value
        world.reads.append(index)
        return bits.z3.Select(self.array, index)

    def write_ram(self, address: Address, byte: Value) -> None:
        """Write a RAM byte."""
        self.world.touched.append((address.low, address.high))
        self.world.stored.append((address.low, address.high))
        if isinstance(address.value, int):
            self.fresh[address.value] = self.waiting[address.value] = byte
            self.written.add(address.value)
            return
        self.flush()
        bits = self.world.bits
        self.array = bits.z3.Store(self.array, address.value, bits.term(byte, 8))
        self.fresh.clear()
        self.wild = (*self.wild, (address.low, address.high))


def ram_address(address: Address, bits: Bits) -> Address | None:
    """Return the address with its mirror folded onto banks $7E and $7F; None when it is not all WRAM."""
    low, high = address.low, address.high
    if 0x7E0000 <= low <= high <= 0x7FFFFF:
        return address
    bank = low >> 16
    if bank & 0x7F < 0x40 and bank == high >> 16 and high & 0xFFFF < 0x2000:
        move = 0x7E0000 - (bank << 16)
        return Address(bits.add(address.value, move & 0xFFFFFF, 24), low + move, high + move)
    return None


def register_address(address: Address) -> int | None:
    """Return the 16-bit address of a hardware register; None when it is none, or not constant."""
    if not isinstance(address.value, int) or address.value >> 16 & 0x7F >= 0x40:
        return None
    offset = address.value & 0xFFFF
    return offset if 0x2000 <= offset < 0x6000 else None


def table_byte(image: Image, address: Address, bits: Bits) -> Value:
    """Return the ROM byte at an address, from a table of at most 512 bytes when it is not constant."""
    if address.high - address.low >= _LARGEST_TABLE:
        raise Unsupported("a table of more than 512 bytes")
    row = [image.byte(place) for place in range(address.low, address.high + 1)]
    if any(byte is None for byte in row):
        raise Unsupported(f"bytes at ${address.low:06X} that are neither RAM nor part of the program")
    if isinstance(address.value, int):
        return row[0]
    value: Any = bits.term(row[-1] or 0, 8)
    for index in range(len(row) - 2, -1, -1):
        here = address.value == bits.term(address.low + index, 24)
        value = bits.z3.If(here, bits.term(row[index] or 0, 8), value)
    return value


def start_state(world: World, contract: Contract, program: Program) -> State:
    """Return the state at entry: what the contract fixes as integers, all else free."""
    names: dict[str, Value] = world.names | {name: value for name, value in world.fixed.items() if name[0] != "$"}
    bits, start = world.bits, program.start
    decimal = {False: 0, True: 1, None: names["d"]}[contract.decimal]
    flags = {name: names[name] for name in "nvizc"} | {"d": decimal}
    wide = 8 if contract.x else 16
    return State(
        world=world,
        low=names["A"],
        high=names["B"],
        x=bits.widened(names["X"], wide, 16),
        y=bits.widened(names["Y"], wide, 16),
        d=names["D"] if contract.d is None else contract.d,
        db=names["DB"] if contract.db is None else contract.db,
        pb=start >> 16,
        pc=start & 0xFFFF,
        m=contract.m,
        narrow=contract.x,
        flags=flags,
        array=world.memory,
        fresh={int(name[1:], 16): value for name, value in world.fixed.items() if name[0] == "$"},
    )
