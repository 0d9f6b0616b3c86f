"""Every input, one by one, where what both programs read has at most 16 bits.

Why that is a proof: a program's result is a function of what it reads. Everything either may read is in `live_in`, a
bound over all paths, and every value of it is tried; the stack and code in RAM may not be named by address, so that
where S lies does not matter. What neither reads can only be left alone or be overwritten by a function of what was
read. Left alone against overwritten is told apart by two fills of all the rest, one for each poison, that differ in
every bit of the registers and flags; a RAM byte that only one of the two wrote counts as equal only when it holds the
poison of both fills, which cannot be since the fills differ there, and that is checked.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

from knowledge.m65816.cpu import STOPS, SWEPT, SweepStart
from knowledge.m65816.equivalence_run import ENDS, Pair
from knowledge.m65816.flow import Flow
from knowledge.m65816.live_in import Spans, Unbounded, live_in, writes_into
from knowledge.m65816.opcodes import FLAGS
from knowledge.m65816.registers import Registers
from knowledge.m65816.vectors import Case, domain
from knowledge.snes.addresses import fold
from knowledge.snes.mapping import pc_offset
from schemas.contract import Contract

__all__ = ["ASSUMED_STACK", "MOST", "Exhausted", "Space", "exhaust", "space_of"]

MOST = 1 << 16
"""Inputs that are tried, at most."""
ASSUMED_STACK = (0x0180, 0x01FF)
"""Where S is taken to lie before the call when the contract does not say."""
_DEEPEST, _ABOVE = 0x28, 0x20
"""Bytes below and above S that are the stack's own: a run of more than 32 writes, pushes among them, proves nothing."""
_CHUNK = 2048
_MOST_INSTRUCTIONS = {"python": 3_000_000, "wasm": 400_000_000}
"""By CPU: what a few seconds allow."""
_SEEDS = (0, 7919)
_FILLS = (0x55, 0xAA)
_MASKS = {"A": (0, 0x00FF), "B": (0, 0xFF00), "X": (1, 0xFFFF), "Y": (2, 0xFFFF), "S": (3, 0xFFFF), "D": (4, 0xFFFF)}
"""Field of a raw result and bits, by register."""
_LISTED = 17


class Space(NamedTuple):
    """What varies, and every value of each."""

    names: tuple[str, ...]
    values: tuple[Sequence[int], ...]

    @property
    def size(self) -> int:
        """Inputs in it."""
        total = 1
        for values in self.values:
            total *= len(values)
        return total


class Exhausted(NamedTuple):
    """What trying everything came to: no difference, or the first input with one."""

    cases: int
    different: Case | None


def space_of(flows: Sequence[Flow], contract: Contract) -> Space:
    """Return the inputs that have to be tried; raise Unbounded when they cannot be bounded or are too many."""
    names = _narrowed(contract)
    reserved = _reserved(flows, contract)
    for flow in flows:
        names |= live_in(flow, reserved)
    if writes_into(flows, reserved):
        raise Unbounded("a write that may fall into the stack or into a program")
    if contract.d is None or contract.db is None or contract.e:
        raise Unbounded("an open D or DB, or emulation mode")
    if flows[0].entries[0].address != flows[1].entries[0].address:
        raise Unbounded("programs that begin at different addresses")
    if contract.decimal is not None:
        names.discard("d")
    kept = sorted(names - {"D", "DB"})
    if len([name for name in kept if name.startswith("$")]) > 8 or any(one.size == 2 for one in contract.inputs):
        raise Unbounded("more memory than 8 single bytes")
    if not contract.m and any(one.name == "A" for one in contract.inputs):
        raise Unbounded("an input on both bytes of the accumulator")
    index = 8 if contract.x else 16
    bits = dict.fromkeys("nvdizc", 1) | {"X": index, "Y": index}
    space = Space(tuple(kept), tuple(domain(name, bits.get(name, 8), contract) for name in kept))
    if space.size > MOST:
        raise Unbounded(f"{space.size} inputs")
    return space


def _narrowed(contract: Contract) -> set[str]:
    """Return the inputs that may not hold everything: they vary even where nobody reads them.

    A candidate may rely on them by writing back the one value that is there.
    """
    bits = dict.fromkeys("nvdizc", 1) | dict.fromkeys("XY", 8 if contract.x else 16)
    names = [one.name for one in contract.inputs if one.name not in ("S", "D", "DB") and one.size == 1]
    return {name for name in names if len(domain(name, bits.get(name, 8), contract)) < 1 << bits.get(name, 8)}


def _reserved(flows: Sequence[Flow], contract: Contract) -> Spans:
    """Return the memory that a proof needs to itself: the stack, and blocks in WRAM. Raise Unbounded where unknown."""
    first, last = ASSUMED_STACK
    wanted = next((one for one in contract.inputs if one.name == "S"), None)
    if wanted is not None:
        first, last = min(wanted.values, default=wanted.low), max(wanted.values, default=wanted.high)
    first, last = 0x7E0000 + first - _DEEPEST, 0x7E0000 + last + _ABOVE
    if first < 0x7E0000 or last >= 0x7E2000:
        raise Unbounded("a stack that may leave $0000-$1FFF")
    if len({flow.program.mapper for flow in flows}) > 1:
        raise Unbounded("two mappers")
    spans: list[tuple[int, int]] = []
    for block in (block for flow in flows for block in flow.program.blocks):
        mapper, start = flows[0].program.mapper, fold(block.address)
        if start >> 17 == 0x3F:
            spans.append((start, start + len(block.data) - 1))
        elif mapper == "norom" or pc_offset(block.address, mapper) is None:
            raise Unbounded("a program that is neither in ROM nor in WRAM")
    if any(low <= last and high >= first for low, high in spans):
        raise Unbounded("a program in the stack")
    spans.append((first, last))
    named = [int(one.name[1:], 16) for one in contract.inputs if one.name.startswith("$")]
    if any(low <= place <= high for place in named for low, high in spans):
        raise Unbounded("an input in the stack or in a program")
    return spans


def exhaust(pair: Pair, space: Space) -> Exhausted:
    """Run both on every input; raise Unbounded where that shows nothing (hardware, no end, too many writes)."""
    cases = 0
    allowed = pair.work + _MOST_INSTRUCTIONS[pair.first.cpu.kind]
    different: list[set[int]] = []
    for seed, fill in zip(_SEEDS, _FILLS, strict=True):
        lone: set[int] = set()
        different.append(lone)
        for chunk in _chunks(_inputs(space, pair.contract, fill, seed)):
            if pair.work > allowed:
                raise Unbounded(f"{space.size} inputs, too long to run them all")
            cases += len(chunk)
            found = _sweep(pair, chunk, lone)
            if found is not None:
                return Exhausted(cases, found)
    pair.first.prepare(pair.start(Case(Registers(), {}, _SEEDS[0])))
    fills = [_fill(pair, address, seed) for seed in _SEEDS for address in sorted(different[0] | different[1])]
    half = len(fills) // 2
    if any(one == other for one, other in zip(fills[:half], fills[half:], strict=True)):
        raise Unbounded("two fills of the memory that agree in a byte which only one program wrote")
    return Exhausted(cases // 2, None)


def _fill(pair: Pair, address: int, seed: int) -> int:
    pair.first.prepare(pair.start(Case(Registers(), {}, seed)))
    return pair.first.cpu.memory.storage[pair.first.layout.offset(address)]


def _inputs(space: Space, contract: Contract, fill: int, seed: int) -> Iterator[Case]:
    wide = fill << 8 | fill
    index = fill if contract.x else wide
    p = (FLAGS["m"] if contract.m else 0) | (FLAGS["x"] if contract.x else 0)
    p |= FLAGS["d"] if contract.decimal else 0
    if fill == _FILLS[1]:
        p |= sum(FLAGS[name] for name in "nvizc") | (FLAGS["d"] if contract.decimal is None else 0)
    s = next((min(one.values, default=one.low) for one in contract.inputs if one.name == "S"), 0x01FF)
    for values in product(*space.values):
        registers = Registers(wide, index, index, s, contract.d or 0, contract.db or 0, p=p, e=contract.e)
        memory: dict[int, int] = {}
        for name, value in zip(space.names, values, strict=True):
            _set(registers, memory, name, value)
        yield Case(registers, memory, seed)


def _set(registers: Registers, memory: dict[int, int], name: str, value: int) -> None:
    if name.startswith("$"):
        memory[int(name[1:], 16)] = value
    elif name in FLAGS:
        registers.p = registers.p & ~FLAGS[name] | (FLAGS[name] if value else 0)
    elif name == "A":
        registers.a = registers.a & 0xFF00 | value
    elif name == "B":
        registers.a = registers.a & 0xFF | value << 8
    elif name == "X":
        registers.x = value
    else:
        registers.y = value


def _chunks(cases: Iterator[Case]) -> Iterator[list[Case]]:
    chunk: list[Case] = []
    for case in cases:
        chunk.append(case)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _sweep(pair: Pair, chunk: list[Case], lone: set[int]) -> Case | None:
    """Run a chunk on both; return the first case that differs. `lone` gathers the bytes that only one wrote."""
    rows: list[Iterator[tuple[int, ...]]] = []
    budget = pair.contract.budget
    starts: list[SweepStart] = []
    for machine, most in ((pair.first, budget), (pair.second, 2 * budget + 64)):
        entry = machine.prepare(pair.start(chunk[0]._replace(memory={})))
        starts = starts or [_started(case, entry) for case in chunk]
        data = machine.sweep(starts, budget=most).data
        pair.work += sum(row[14] for row in SWEPT.iter_unpack(data))
        rows.append(SWEPT.iter_unpack(data))
    view = _View(pair)
    for case, one, other in zip(chunk, rows[0], rows[1], strict=True):
        if view.differs(one, other, case, lone):
            return case
    return None


def _started(case: Case, entry: Registers) -> SweepStart:
    """Return a start behind the frame; both programs begin at one address, with the frame in one place."""
    given = case.registers
    moved = Registers(given.a, given.x, given.y, entry.s, given.d, given.db, entry.pb, entry.pc, given.p, given.e)
    return SweepStart(moved, tuple(case.memory.items()))


class _View:
    """How two raw results are compared under a contract."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        clobbers = pair.contract.clobbers
        masks = [0, 0, 0, 0, 0]
        for name, (field, mask) in _MASKS.items():
            if name not in clobbers:
                masks[field] |= mask
        p = sum(bit for name, bit in FLAGS.items() if name not in clobbers)
        self.masks = (*enumerate(masks), (6, 0 if "DB" in clobbers else 0xFF), (8, p), (9, 0 if "e" in clobbers else 1))
        self.dead = [(one.start, one.end) for one in pair.contract.memory_clobbers]

    def differs(self, one: tuple[int, ...], other: tuple[int, ...], case: Case, lone: set[int]) -> bool:
        """Return whether two results differ in something live; raise Unbounded where they show nothing."""
        ends = [self.pair.first.ending(STOPS[one[10]], one[7]), self.pair.second.ending(STOPS[other[10]], other[7])]
        if ends[0] not in ENDS or one[12] or other[12] or STOPS[other[10]] == "io":
            raise Unbounded("an input on which the original does not end, or more than 32 writes")
        if ends[0] != ends[1] or any((one[field] ^ other[field]) & mask for field, mask in self.masks):
            return True
        if one[11] == other[11] and one[_LISTED : _LISTED + one[11]] == other[_LISTED : _LISTED + other[11]]:
            return False
        left, right = self._last(one), self._last(other)
        for address in left.keys() | right.keys():
            if self._dead(address, one[3]):
                continue
            if address not in left or address not in right:
                lone.add(address)
                before = case.memory.get(address)
                before = _stored(self.pair, address) if before is None else before
                if left.get(address, before) != right.get(address, before):
                    return True
            elif left[address] != right[address]:
                return True
        return False

    def _last(self, row: tuple[int, ...]) -> dict[int, int]:
        """Return the last value of each byte written, by its one address."""
        layout = self.pair.first.layout
        return {layout.address(layout.offset(word & 0xFFFFFF)): word >> 24 for word in row[_LISTED : _LISTED + row[11]]}

    def _dead(self, address: int, s: int) -> bool:
        if address >> 13 == 0x7E0000 >> 13 and 0 <= s - (address & 0x1FFF) < 0x80:
            return True
        return any(low <= address <= high for low, high in self.dead)


def _stored(pair: Pair, address: int) -> int:
    return pair.first.cpu.memory.storage[pair.first.layout.offset(address)]
