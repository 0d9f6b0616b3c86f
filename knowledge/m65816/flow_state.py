"""What is known about the CPU at one point of a program: a lattice in which None means unknown."""

from typing import Final, NamedTuple

from knowledge.m65816.opcodes import FLAGS
from knowledge.m65816.registers import M, X

__all__ = ["CALLERS_STACK", "NAMES", "RETURN_ADDRESS", "RETURN_BANK", "TOUCHED", "Pushed", "State", "join", "names"]

TOUCHED: Final[dict[str, int]] = FLAGS | {
    "A": 0x100,
    "B": 0x200,
    "X": 0x400,
    "Y": 0x800,
    "D": 0x1000,
    "DB": 0x2000,
    "S": 0x4000,
    "e": 0x8000,
}
"""Bit of each register and flag in `State.touched`; flags have the bits that they have in P."""
RETURN_ADDRESS: Final = 0x10000
"""Bit in `State.touched`: the routine pulled or wrote what lies beneath its own pushes, its return address."""
RETURN_BANK: Final = 0x20000
"""Likewise for the byte behind it: the bank when the call was a JSL, else the caller's."""
CALLERS_STACK: Final = 0x40000
"""Likewise for what lies beneath those: what the caller pushed."""
NAMES: Final[frozenset[str]] = frozenset(TOUCHED)
"""Every register and flag, by the names that `opcodes.effects` uses, PB left out."""


class Pushed(NamedTuple):
    """One thing on the stack that this routine pushed."""

    kind: str
    """Register pushed: A (also for B:A), X, Y, P, D, DB, PB; `value` for PEA, PEI and PER; `part` for what is left of
    something pulled in another width; `return` for a return address."""
    size: int | None
    """Bytes; None when the width was unknown."""
    value: int
    """The bits that are known, little-endian."""
    known: int
    """Which bits of `value` are known."""
    touched: int
    """What of the pushed registers had been written since the routine began, as in `State.touched`."""
    origin: int
    """SNES address of the instruction that pushed it."""


class State(NamedTuple):
    """The registers before an instruction, as far as they are known on every path that was joined here.

    `a` and `b` are the accumulator's bytes, `xr` and `yr` the index registers (8 bits when x = 1). `touched` tells what
    may have been written since the routine began and was not restored from the stack.
    """

    m: int | None = None
    x: int | None = None
    e: int | None = 0
    d: int | None = None
    db: int | None = None
    a: int | None = None
    b: int | None = None
    xr: int | None = None
    yr: int | None = None
    p: int = 0
    """The known ones of the flags N V D I Z C; 0 where unknown. M and X are above."""
    known: int = 0
    """Which flags in `p` are known."""
    stack: tuple[Pushed, ...] | None = ()
    """What this routine pushed and did not pull, the top last; None when paths disagree or S was loaded."""
    touched: int = 0

    def flag(self, name: str) -> int | None:
        """Return a flag by its small letter (n v m x d i z c e): 0, 1 or None."""
        if name in "mxe":
            return self.m if name == "m" else self.x if name == "x" else self.e
        bit = FLAGS[name]
        return (1 if self.p & bit else 0) if self.known & bit else None

    @property
    def accumulator(self) -> int | None:
        """All 16 bits of the accumulator, when both bytes are known."""
        return None if self.a is None or self.b is None else self.b << 8 | self.a

    @property
    def depth(self) -> int | None:
        """Bytes on the stack that this routine pushed; None when unknown."""
        if self.stack is None:
            return None
        total = 0
        for item in self.stack:
            if item.size is None:
                return None
            total += item.size
        return total

    def settled(self) -> "State":
        """Return the state with what follows from it: in emulation mode M and X are 1."""
        return self._replace(m=1, x=1) if self.e == 1 else self

    def with_flags(self, **flags: int) -> "State":
        """Return the state with flags set, by small letter: `with_flags(c=1, d=0)`; M, X and E have fields."""
        p, known = self.p, self.known
        for name, value in flags.items():
            bit = FLAGS[name]
            p, known = (p | bit if value else p & ~bit), known | bit
        return self._replace(p=p & ~(M | X), known=known & ~(M | X))


def names(touched: int) -> frozenset[str]:
    """Return the registers and flags whose bits are set."""
    return frozenset(name for name, bit in TOUCHED.items() if touched & bit)


def _join_stacks(old: tuple[Pushed, ...] | None, new: tuple[Pushed, ...] | None) -> tuple[Pushed, ...] | None:
    if old is new or old == new:
        return old
    if old is None or new is None or len(old) != len(new):
        return None
    joined: list[Pushed] = []
    for one, two in zip(old, new, strict=True):
        if one.size != two.size:
            return None
        known = one.known & two.known & ~(one.value ^ two.value)
        kind = one.kind if one.kind == two.kind else "part"
        joined.append(Pushed(kind, one.size, one.value & known, known, one.touched | two.touched, one.origin))
    return tuple(joined)


def join(old: State, new: State) -> State:
    """Return what holds on both paths; `old` itself when the new path tells nothing else."""
    if old == new:
        return old
    known = old.known & new.known & ~(old.p ^ new.p)
    joined = State(
        old.m if old.m == new.m else None,
        old.x if old.x == new.x else None,
        old.e if old.e == new.e else None,
        old.d if old.d == new.d else None,
        old.db if old.db == new.db else None,
        old.a if old.a == new.a else None,
        old.b if old.b == new.b else None,
        old.xr if old.xr == new.xr else None,
        old.yr if old.yr == new.yr else None,
        old.p & known,
        known,
        _join_stacks(old.stack, new.stack),
        old.touched | new.touched,
    )
    return old if joined == old else joined
