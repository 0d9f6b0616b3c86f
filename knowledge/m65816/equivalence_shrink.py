"""A counterexample made small: as much as possible of the input is 0, and still the two differ."""

from collections.abc import Iterator
from dataclasses import replace

from knowledge.m65816.equivalence_run import Pair, Result
from knowledge.m65816.opcodes import FLAGS
from knowledge.m65816.vectors import Case, Mined, Place, places
from schemas.contract import Contract, Counterexample

__all__ = ["counterexample", "shrunk"]

_MOST_TRIES = 120
_MOST_WORK = 120_000
_FREE_FLAGS = ("n", "v", "d", "i", "z", "c")


def shrunk(pair: Pair, case: Case, mined: Mined) -> Case:
    """Return a case on which the two still differ, with less in it. Every case tried keeps to the contract."""
    known = places(pair.contract, mined)
    last = pair.work + _MOST_WORK
    case = _explicit(pair, case, known)
    tries = 0
    progress = True
    while progress:
        progress = False
        for smaller in _smaller(case, known, pair.contract):
            tries += 1
            if tries > _MOST_TRIES or pair.work > last:
                return case
            if _differs(pair, smaller):
                case, progress = smaller, True
                break
    return case


def _differs(pair: Pair, case: Case) -> bool:
    result = pair.run(case)
    return result.usable and result.reliable and bool(result.differences)


def _explicit(pair: Pair, case: Case, known: list[Place]) -> Case:
    """Return the case with the bytes that the code names set, so that other memory need not matter."""
    pair.first.prepare(pair.start(case))
    layout, storage = pair.first.layout, pair.first.cpu.memory.storage
    memory = dict(case.memory)
    for place in known:
        for address in range(place.address, place.address + place.size // 8) if place.address >= 0 else ():
            memory.setdefault(address, storage[layout.offset(address)])
    plain = Case(case.registers, memory, 0)
    return plain if _differs(pair, plain) else case


def _smaller(case: Case, known: list[Place], contract: Contract) -> Iterator[Case]:
    if case.poison:
        yield case._replace(poison=0)
    for place in known:
        if place.address >= 0:
            yield from _smaller_memory(case, place)
        elif place.name in _FREE_FLAGS:
            bit = FLAGS[place.name]
            if case.registers.p & bit and place.allows(0):
                yield case._replace(registers=replace(case.registers, p=case.registers.p & ~bit))
        else:
            yield from _smaller_register(case, place)
    named = {address for place in known if place.address >= 0 for address in (place.address, place.address + 1)}
    rest = {address: value for address, value in case.memory.items() if address in named}
    if len(rest) < len(case.memory):
        yield case._replace(memory=rest)
    if case.registers.s != 0x01FF and not any(one.name == "S" for one in contract.inputs):
        yield case._replace(registers=replace(case.registers, s=0x01FF))


def _smaller_memory(case: Case, place: Place) -> Iterator[Case]:
    span = range(place.address, place.address + place.size // 8)
    if not any(address in case.memory for address in span):
        return
    rest = {address: value for address, value in case.memory.items() if address not in span}
    if place.wanted is None and place.role not in ("pointer", "bank"):
        yield case._replace(memory=rest)
    old = sum(case.memory.get(address, 0) << 8 * index for index, address in enumerate(span))
    for value in _less(old):
        if place.allows(value) and place.role not in ("pointer", "bank"):
            parts = {address: value >> 8 * index & 0xFF for index, address in enumerate(span)}
            yield case._replace(memory=rest | parts)


def _smaller_register(case: Case, place: Place) -> Iterator[Case]:
    registers = case.registers
    shift, mask = {"A": (0, (1 << place.size) - 1), "B": (8, 0xFF)}.get(place.name, (0, 0xFFFF))
    field = {"A": "a", "B": "a", "X": "x", "Y": "y"}[place.name]
    old: int = getattr(registers, field)
    for value in _less(old >> shift & mask):
        if place.allows(value):
            new = old & ~(mask << shift) | value << shift
            yield case._replace(registers=replace(registers, **{field: new}))


def _less(value: int) -> tuple[int, ...]:
    return tuple(less for less in dict.fromkeys((0, 1, value & 0xFF, value >> 8, value & 0x80)) if less < value)


def counterexample(case: Case, result: Result) -> Counterexample:
    """Return a case in words: registers and flags that are not 0, memory that was set, what differed."""
    given = case.registers
    registers = {"A": given.a & 0xFF, "B": given.a >> 8, "X": given.x, "Y": given.y, "D": given.d, "DB": given.db}
    registers = {name: value for name, value in registers.items() if value} | {"S": given.s}
    registers |= {name: 1 for name in _FREE_FLAGS if given.p & FLAGS[name]}
    memory = {f"${address:06X}": value for address, value in sorted(case.memory.items())}
    return Counterexample(registers=registers, memory=memory, poison=case.poison, differences=result.differences[:8])
