"""What the registers, flags, stack and memory hold at one point, as terms.

Memory is a function of what was stored: each store has a number that depends on the stores before it that it may
overlap, and on nothing else. So stores that cannot meet commute, and a load knows which stores it may see.
"""

from typing import NamedTuple

from knowledge.m65816.optimize.terms import Terms

__all__ = ["ANYWHERE", "NAMES", "Key", "Place", "State", "Stored", "overlap"]

NAMES = ("A", "B", "X", "XH", "Y", "YH", "D", "DH", "DB", "n", "v", "z", "c", "d", "i")
"""Registers by byte (XH and YH are the high bytes, 0 with x = 1), and the flags."""

Key = str | tuple[int, int]
"""A register or flag by name, or a byte of memory: (space, address). Space 0 holds addresses with mirrors folded, space
1 the bytes of the stack by depth, any other is an address space whose place is the term of that number."""

ANYWHERE = -1
"""The space of a place that may be any byte of memory."""


class Place(NamedTuple):
    """Where an access goes."""

    space: int
    address: int
    reach: int = 0
    """How many bytes an index may add; the access lies between `address` and `address + reach`."""
    by: tuple[int, ...] = ()
    """The terms that the effective address depends on; empty: it is just `address`."""
    volatile: bool = False
    """Whether it is, or may be, a hardware register."""


class Stored(NamedTuple):
    """One store in the order of the program."""

    number: int
    place: Place
    value: int


def overlap(one: Place, two: Place) -> bool:
    """Return whether two places may share a byte; the stack shares none with the rest."""
    if 1 in (one.space, two.space):
        return one.space == two.space and one.address == two.address
    if one.space != two.space or one.space == ANYWHERE:
        return True
    return one.address <= two.address + two.reach and two.address <= one.address + one.reach


class State:
    """Registers, flags, stack and memory, as terms."""

    __slots__ = ("depth", "env", "events", "m", "stack", "stores", "terms", "x")

    def __init__(self, terms: Terms, *, m: int, x: int) -> None:
        self.terms = terms
        self.env: dict[Key, int] = {}
        self.m = m
        self.x = x
        self.stores: tuple[Stored, ...] = ()
        self.events = 0
        """The hardware accesses and branches so far, as one term."""
        self.stack = 0
        """The term that names the stack pointer's origin."""
        self.depth = 0
        """Where the stack pointer is, counted from its origin."""

    def copy(self) -> "State":
        """Return another state with the same contents."""
        other = State(self.terms, m=self.m, x=self.x)
        other.env = dict(self.env)
        other.stores, other.events, other.stack, other.depth = self.stores, self.events, self.stack, self.depth
        return other

    def get(self, key: Key) -> int:
        """Return what a register, a flag or a byte at a known address holds."""
        value = self.env.get(key)
        if value is not None:
            return value
        if isinstance(key, str):
            return self.terms.make("unknown", key, bits=1 if key in "nvzcdi" else 0xFF)
        if key[0] == 1:
            return self.terms.make("stack", self.stack, key[1])
        return self.terms.make("memory", *key, self.epoch(Place(*key)))

    def epoch(self, place: Place) -> int:
        """Return the term that stands for all stores so far that may have reached a place."""
        numbers = sorted(stored.number for stored in self.stores if overlap(stored.place, place))
        return self.terms.make("stores", *numbers) if numbers else 0

    def event(self, *parts: int | str) -> int:
        """Add something that must happen in this order, and return the term of the whole order."""
        self.events = self.terms.make("event", self.events, *parts)
        return self.events

    def load(self, place: Place) -> int:
        """Return the byte at a place."""
        if place.volatile:
            return self.terms.make("hardware", self.event("read", place.space, place.address, *place.by))
        if not place.by:
            return self.get((place.space, place.address))
        for stored in reversed(self.stores):
            if stored.place == place:
                return stored.value
            if overlap(stored.place, place):
                break
        return self.terms.make("load", place.space, place.address, *place.by, self.epoch(place))

    def store(self, place: Place, value: int) -> None:
        """Put a byte to a place."""
        if place.volatile:
            self.event("write", place.space, place.address, *place.by, value)
            if place.by:
                self._forget(place)
            return
        key = (place.space, place.address)
        if not place.by:
            if self.get(key) == value:
                return
            for other in [other for other in self.env if isinstance(other, tuple) and other[0] not in (1, key[0])]:
                del self.env[other]
            self.env[key] = value
            self.stores = tuple(stored for stored in self.stores if stored.place != place)
        number = self.terms.make("store", self.epoch(place), place.space, place.address, *place.by, value)
        if place.by:
            self._forget(place)
        self.stores = (*self.stores[-63:], Stored(number, place, value))
        if len(self.stores) == 64:
            self.forget_memory(number)

    def _forget(self, place: Place) -> None:
        gone = [key for key in self.env if isinstance(key, tuple) and key[0] != 1 and overlap(Place(*key), place)]
        for key in gone:
            del self.env[key]

    def forget_memory(self, reason: int) -> None:
        """Forget all memory but the stack; `reason` is a term that names what may have changed it."""
        self._forget(Place(ANYWHERE, 0))
        self.stores = (Stored(reason, Place(ANYWHERE, 0, by=(reason,)), 0),)

    def push(self, value: int) -> None:
        """Push a byte."""
        self.env[1, self.depth] = value
        self.depth -= 1

    def pull(self) -> int:
        """Pull a byte."""
        self.depth += 1
        return self.get((1, self.depth))

    def changes(self, start: tuple[Stored, ...]) -> list[int]:
        """Return the numbers of stores to places that depend on an index, those of `start` left out."""
        return sorted(stored.number for stored in self.stores if stored.place.by and stored not in start)
