"""Inputs to try two programs on: corner values, constants of the code itself and seeded random ones.

What varies are the registers and flags, and the bytes of RAM that the code names. Pointers are kept within WRAM and
wide index registers mostly near their table, since a run that wanders into hardware tells nothing about either program.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal, NamedTuple

from knowledge.m65816.contract_names import is_memory
from knowledge.m65816.flow import Flow, Node
from knowledge.m65816.opcodes import FLAGS
from knowledge.m65816.outcome import Script
from knowledge.m65816.registers import Registers
from knowledge.snes.addresses import fold
from schemas.contract import Contract, Input

__all__ = ["CORNERS", "Case", "Mined", "Place", "cases", "domain", "mine", "places"]

CORNERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x09, 0x99, 0x0100, 0x00FE)
_STACKS = (0x01FF, 0x01FF, 0x01EF, 0x01DA)
_BANKS = (0x7E, 0x7F, 0x7E, 0x00)
_PAGES = (0x0000, 0x0300, 0x0021, 0x0210, 0x0F01)
_REGIONS = (24, 24, 260, 260)
"""Bytes behind the start of an indexed table in RAM that some cases fill on purpose."""
_POISONS = 1024
"""Seeds of memory that one seed of the caller may use up."""
_MOST_DIRECTED = 96
_MOST_PLACES = 160
_MOST_ANSWERS = 64
"""Constants of the code with which the APU ports answer, at most."""

_SILENT = Script()
_PADS = frozenset((0x4016, 0x4017, *range(0x4218, 0x4220)))
_APU = frozenset(range(0x2140, 0x2144))

Role = Literal["value", "flag", "pointer", "bank", "index"]


class Case(NamedTuple):
    """One input: registers, bytes of memory by SNES address, the seed of all other memory, and the world outside."""

    registers: Registers
    memory: dict[int, int]
    poison: int
    script: Script = _SILENT


@dataclass(frozen=True)
class Place:
    """Something that an input sets: a register, a flag, or one or two bytes of RAM."""

    name: str
    size: int
    """Bits."""
    role: Role = "value"
    address: int = -1
    wanted: Input | None = None
    limit: int = 0
    """For an index: the largest value that keeps it near its table; 0: any."""

    def allows(self, value: int) -> bool:
        """Return whether the contract lets it hold this value."""
        if not 0 <= value < 1 << self.size:
            return False
        if self.wanted is None:
            return True
        return value in self.wanted.values if self.wanted.values else self.wanted.low <= value <= self.wanted.high

    def any_value(self, random: Random) -> int:
        """Return a value that the contract allows, each as likely as the other."""
        if self.wanted is None:
            return random.randrange(1 << self.size)
        if self.wanted.values:
            return random.choice(self.wanted.values)
        return random.randint(self.wanted.low, min(self.wanted.high, (1 << self.size) - 1))


@dataclass
class Mined:
    """What the code itself suggests to try."""

    values: set[int] = field(default_factory=set[int])
    memory: dict[int, tuple[int, Role]] = field(default_factory=dict[int, tuple[int, Role]])
    """Bits and role by address."""
    regions: set[int] = field(default_factory=set[int])
    outside: set[int] = field(default_factory=set[int])
    """Registers of the joypads and the APU that are read."""
    near: dict[str, int] = field(default_factory=dict[str, int])
    """Largest useful value of X and Y as 16-bit indexes in bank 0."""
    free: Callable[[int], bool] = is_memory
    """Whether the byte at an address may be set: RAM that both programs have and that holds neither of them."""


def mine(flows: Sequence[Flow], contract: Contract, *, free: Callable[[int], bool] = is_memory) -> Mined:
    """Return the constants and the RAM addresses that occur in the programs.

    `free` says which bytes may be set, by SNES address: none that the mapper lacks, none of the programs' own.
    """
    mined = Mined(free=free)
    for flow in flows:
        for node in flow.nodes.values():
            _mine_node(mined, node, contract)
    for address, (size, role) in list(mined.memory.items()):
        if not free(address):
            del mined.memory[address]
        elif size == 16 and not free(address + 1):
            mined.memory[address] = (8, "value" if role == "pointer" else role)
    return mined


def _mine_node(mined: Mined, node: Node, contract: Contract) -> None:
    ins = node.instruction
    mode, operand = ins.opcode.mode, ins.operand
    if mode.startswith("immediate") and ins.opcode.mnemonic not in ("REP", "SEP", "BRK", "COP", "WDM"):
        top = 0xFFFF if ins.size == 3 else 0xFF
        mined.values |= {operand - 1 & top, operand, operand + 1 & top}
        return
    if mode.startswith("stack") or ins.opcode.access not in ("read", "write", "modify", "push", "jump", "call"):
        return
    bank = contract.db if node.state.db is None else node.state.db
    page = contract.d if node.state.d is None else node.state.d
    if mode.startswith("direct"):
        if page is not None:
            _mine_direct(mined, node, page + operand & 0xFFFF, bank)
    elif mode.startswith("absolute_long"):
        _note(mined, node, operand)
    elif mode.startswith("absolute") and bank is not None and ins.opcode.access in ("read", "write", "modify"):
        _note(mined, node, bank << 16 | operand)


def _mine_direct(mined: Mined, node: Node, address: int, bank: int | None) -> None:
    mode = node.instruction.opcode.mode
    if "indirect" not in mode:
        _note(mined, node, address)
        return
    if is_memory(address) and mode != "direct_x_indirect":
        mined.memory[fold(address)] = (16, "pointer")
        if "long" in mode:
            mined.memory[fold(address + 2)] = (8, "bank")
        mined.near["pointer"] = 0 if bank in (0x7E, 0x7F) or "long" in mode else 0x1F00
    elif is_memory(address):
        for offset in range(0, 8, 2):
            mined.memory[fold(address + offset)] = (16, "pointer")


def _note(mined: Mined, node: Node, address: int) -> None:
    ins, state = node.instruction, node.state
    if address & 0x7FFFFF < 0x400000 and ins.opcode.access == "read":
        mined.outside |= {address & 0xFFFF, address + 1 & 0xFFFF} & (_PADS | _APU)
    if address > 0xFFFFFF or not is_memory(address):
        return
    place = fold(address)
    mode = ins.opcode.mode
    flag = state.m if ins.opcode.width == "m" else state.x if ins.opcode.width == "x" else 0
    if mode.endswith(("_x", "_y")):
        mined.regions.add(place)
        if address & 0x7FFFFF < 0x400000 and address & 0xFFFF < 0x2000:
            name = mode[-1].upper()
            mined.near[name] = min(mined.near.get(name, 0xFFFF), 0x1FF0 - (address & 0xFFFF))
        return
    size = 8 if flag == 1 else 16
    known = mined.memory.get(place, (0, "value"))
    if known[1] == "value":
        mined.memory[place] = (max(size, known[0]), "value")


def places(contract: Contract, mined: Mined) -> list[Place]:
    """Return what the cases vary, the registers first."""
    wanted = {one.name: one for one in contract.inputs}
    index = 8 if contract.x else 16
    found = [Place("B", 8, wanted=wanted.get("B"))]
    whole = wanted.get("A") if not contract.m else None
    if whole is not None and (whole.values or whole.high > 0xFF or whole.low > 0xFF or "B" not in wanted):
        found = [Place("A", 16, wanted=whole)]
    else:
        found.append(Place("A", 8, wanted=wanted.get("A")))
    for name in ("X", "Y"):
        limit = mined.near.get(name, 0) if index == 16 else 0
        found.append(Place(name, index, "index" if limit > 0 else "value", wanted=wanted.get(name), limit=limit))
    flags = "nvizc" + ("d" if contract.decimal is None else "")
    found += [Place(name, 1, "flag", wanted=wanted.get(name)) for name in flags]
    settled: set[int] = set()
    for one in contract.inputs:
        if one.name.startswith("$"):
            address = int(one.name[1:], 16)
            found.append(Place(one.name, 8 * one.size, address=fold(address), wanted=one))
            settled |= set(range(fold(address), fold(address) + one.size))
    for address, (size, role) in sorted(mined.memory.items()):
        span = {address} if size == 8 else {address, address + 1}
        if span & settled:
            found += [Place(f"${at:06X}", 8, address=at) for at in sorted(span - settled)]
        else:
            limit = mined.near.get("pointer", 0) if role == "pointer" else 0
            found.append(Place(f"${address:06X}", size, role, address, limit=limit))
    return found[:_MOST_PLACES]


def cases(contract: Contract, mined: Mined, *, seeds: int, seed: int) -> Iterator[Case]:
    """Yield inputs: corners first, then the code's own constants, then random ones; each under two poisons.

    Equal arguments give equal inputs. `seeds` sets how many random ones there are; `seed` chooses them.
    """
    setting = _Setting(contract, mined)
    random = Random(f"65816 {seed}")
    for number, values in enumerate(setting.series(random, seeds)):
        case = setting.case(values, random, number)
        first = _POISONS * seed + 2 * (number // 24) + 1
        poisons = (first if number % 4 else 0, first + 1)
        for poison in poisons if number % 2 else reversed(poisons):
            yield case._replace(poison=poison)


class _Setting:
    """The places of one comparison and how values are put into them."""

    def __init__(self, contract: Contract, mined: Mined) -> None:
        self.contract = contract
        self.places = places(contract, mined)
        self.outside = mined.outside
        self.pool = tuple(sorted(mined.values)) or CORNERS
        self.all = (*CORNERS, *self.pool)
        self.pairs = self._pairs()
        settled = {p.address for p in self.places} | {p.address + 1 for p in self.places if p.size == 16}
        self.regions = [
            [(at, mined.free(at) and at not in settled) for at in range(first, min(first + max(_REGIONS), 0x800000))]
            for first in sorted(mined.regions)
        ]
        """By region, its addresses and whether each may be filled."""

    def series(self, random: Random, seeds: int) -> Iterator[list[int]]:
        """Yield one value for each place, case by case."""
        for number, corner in enumerate(CORNERS):
            yield [corner & (1 << p.size) - 1 if p.role != "flag" else (number + i) % 2 for i, p in self._numbered()]
        for _ in range(12):
            yield self._near(random)
        yield from self._directed(random)
        for number in range(8 * seeds):
            way = (self._mixed, self._random, self._near, self._mixed)[number % 4]
            yield way(random)

    def _pairs(self) -> list[tuple[int, int]]:
        """Return the places of one byte that may be read together as a word, low byte first: A and B, neighbours."""
        at = {place.address: index for index, place in self._numbered() if place.size == 8 and place.address >= 0}
        found = [(index, at[address + 1]) for address, index in at.items() if address + 1 in at]
        names = [place.name for place in self.places if place.size == 8]
        if "A" in names and "B" in names:
            by_name = {place.name: index for index, place in self._numbered()}
            found.append((by_name["A"], by_name["B"]))
        return found

    def _numbered(self) -> Iterator[tuple[int, Place]]:
        return enumerate(self.places)

    def _near(self, random: Random) -> list[int]:
        """Values that are equal or one apart, as comparisons like to be tried."""
        pivot = random.choice(self.all) if random.random() < 0.7 else random.randrange(0x10000)
        values = [pivot + random.choice((-1, 0, 0, 0, 1)) & (1 << place.size) - 1 for place in self.places]
        if random.random() < 0.5:
            for pair in self.pairs:
                self._put(values, pair, pivot + random.choice((-1, 0, 0, 0, 1)))
        return values

    @staticmethod
    def _put(values: list[int], pair: tuple[int, int], value: int) -> None:
        """Put a 16-bit value into two places of a byte each."""
        values[pair[0]], values[pair[1]] = value & 0xFF, value >> 8 & 0xFF

    def _mixed(self, random: Random) -> list[int]:
        return [self._some(place, random) for place in self.places]

    def _some(self, place: Place, random: Random) -> int:
        way = random.randrange(5)
        top = (1 << place.size) - 1
        if way == 0:
            return random.choice(CORNERS) & top
        if way == 1:
            return random.choice(self.pool) & top
        return random.randrange(24) & top if way == 2 else random.randrange(top + 1)

    def _random(self, random: Random) -> list[int]:
        return [random.randrange(1 << place.size) for place in self.places]

    def _directed(self, random: Random) -> Iterator[list[int]]:
        """Every constant of the code in every place, in an order that reaches all places soon."""
        chances: list[tuple[int | tuple[int, int], int]] = [
            (index, value)
            for index, place in self._numbered()
            if place.role in ("value", "index")
            for value in self.pool
            if value < 1 << place.size
        ]
        chances += [(pair, value) for pair in self.pairs for value in self.pool if value > 0xFF]
        random.shuffle(chances)
        for where, value in chances[:_MOST_DIRECTED]:
            values = self._mixed(random)
            if isinstance(where, tuple):
                self._put(values, where, value)
            else:
                values[where] = value
            yield values

    def case(self, values: Sequence[int], random: Random, number: int) -> Case:
        """Return the values as an input that the contract allows."""
        registers: dict[str, int] = {}
        memory: dict[int, int] = {}
        if number % 3 == 2:
            self._fill(memory, random)
        for place, value in zip(self.places, values, strict=True):
            settled = self._settle(place, value, random)
            if place.address < 0:
                registers[place.name] = settled
            else:
                memory[place.address] = settled & 0xFF
                if place.size == 16:
                    memory[place.address + 1] = settled >> 8
        script = self._script(random, number) if self.outside and number % 12 != 11 else _SILENT
        return Case(self._registers(registers, random, number), memory, 0, script)

    def _script(self, random: Random, number: int) -> Script:
        """Return buttons and APU answers; once those are used up, the APU ports echo.

        Code that waits for an answer waits for one of its own constants: those are the first answers, or follow some
        random ones, on all ports in step so that a word is read as a word.
        """
        pads = tuple((random.choice((0, 0x8000, 0x0F30, random.randrange(0x10000))),) for _ in range(2))
        ports = sorted(self.outside & _APU)
        answers = tuple(
            (port & 3, random.choice(self.all) & 0xFF)
            for port in ports
            for _ in range(random.randrange(4) if number % 3 else 0)
        )
        answers += tuple((port & 3, self._answer(value, port)) for value in self.pool[:_MOST_ANSWERS] for port in ports)
        return Script(joypads=pads, apu=answers)

    @staticmethod
    def _answer(value: int, port: int) -> int:
        return value >> 8 if value > 0xFF and port & 1 else value & 0xFF

    def _fill(self, memory: dict[int, int], random: Random) -> None:
        size = random.choice(_REGIONS)
        one = random.choice(self.all) & 0xFF
        for region in self.regions:
            for address, fillable in region[:size]:
                if fillable:
                    memory[address] = one if size > 100 else random.choice(self.all) & 0xFF

    def _settle(self, place: Place, value: int, random: Random) -> int:
        if place.wanted is not None:
            return value if place.allows(value) else place.any_value(random)
        if place.role == "pointer":
            low, high = (0x0200, place.limit) if place.limit else (0x2000, 0xFE00)
            pointer = random.randrange(low, high)
            return pointer | 0xFE if value & 1 else pointer
        if place.role == "bank":
            return 0x7E | value & 1
        if place.role == "index" and value > place.limit and random.random() < 0.9:
            return value % (place.limit + 1)
        return value

    def _registers(self, given: dict[str, int], random: Random, number: int) -> Registers:
        contract = self.contract
        a = given["A"] if "B" not in given else given["B"] << 8 | given["A"]
        p = sum(FLAGS[name] for name in "nvizcd" if given.get(name))
        p |= FLAGS["d"] if contract.decimal else 0
        p |= (FLAGS["m"] if contract.m else 0) | (FLAGS["x"] if contract.x else 0)
        return Registers(
            a=a,
            x=given["X"],
            y=given["Y"],
            s=self._chosen("S", _STACKS, random, number),
            d=self._chosen("D", _PAGES, random, number) if contract.d is None else contract.d,
            db=self._chosen("DB", _BANKS, random, number) if contract.db is None else contract.db,
            p=p,
            e=contract.e,
        )

    def _chosen(self, name: str, usual: Sequence[int], random: Random, number: int) -> int:
        wanted = next((one for one in self.contract.inputs if one.name == name), None)
        if wanted is None:
            return usual[number % len(usual)]
        return Place(name, 8 if name == "DB" else 16, wanted=wanted).any_value(random)


def domain(name: str, size: int, contract: Contract) -> Sequence[int]:
    """Return every value that the contract allows in a register, flag or byte of `size` bits."""
    wanted = next((one for one in contract.inputs if one.name == name), None)
    if wanted is None:
        return range(1 << size)
    if wanted.values:
        return wanted.values
    return range(wanted.low, min(wanted.high, (1 << size) - 1) + 1)
