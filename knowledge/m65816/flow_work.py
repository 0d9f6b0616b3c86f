"""A state while an instruction changes it: registers written by width, flags that follow, the stack."""

from typing import Final

from knowledge.m65816.flow_state import CALLERS_STACK, RETURN_ADDRESS, RETURN_BANK, TOUCHED, Pushed, State
from knowledge.m65816.instruction import Instruction
from knowledge.m65816.registers import M, N, X, Z

__all__ = ["ACCUMULATOR", "ALL", "DEEPEST", "INDEX", "A", "B", "Pulled", "Work", "byte_flags"]

A: Final = TOUCHED["A"]
B: Final = TOUCHED["B"]
ACCUMULATOR: Final = A | B
INDEX: Final = {"X": TOUCHED["X"], "Y": TOUCHED["Y"]}
ALL: Final = 2 * CALLERS_STACK - 1
"""All bits of `State.touched`."""
DEEPEST: Final = 256
"""Pushes that are told apart; with more on the stack it is unknown."""

Pulled = Pushed
"""What a pull brings: like what was pushed, put together or cut to the width of the pull."""


class Work:
    """The fields of a State, to be written; `state()` gives the new State."""

    __slots__ = ("a", "b", "d", "db", "e", "known", "m", "p", "stack", "touched", "x", "xr", "yr")

    def __init__(self, state: State) -> None:
        (
            self.m, self.x, self.e, self.d, self.db, self.a, self.b, self.xr, self.yr,
            self.p, self.known, self.stack, self.touched,
        ) = state  # fmt: skip

    def state(self) -> State:
        """Return what it came to."""
        return State(
            self.m, self.x, self.e, self.d, self.db, self.a, self.b, self.xr, self.yr,
            self.p, self.known, self.stack, self.touched,
        )  # fmt: skip

    def forget(self, flags: int) -> None:
        """Let the flags be unknown."""
        self.known &= ~flags
        self.p &= ~flags
        self.touched |= flags

    def know(self, flags: int, values: int) -> None:
        """Set the flags to the bits in `values`."""
        self.known |= flags
        self.p = self.p & ~flags | values & flags
        self.touched |= flags

    def judge(self, value: int | None, bits: int) -> None:
        """Set N and Z by a result of 8 or 16 bits."""
        if value is None:
            self.forget(N | Z)
        else:
            self.know(N | Z, (N if value >> bits - 1 & 1 else 0) | (0 if value else Z))

    @property
    def accumulator(self) -> int | None:
        """The accumulator in the width that M says; None when either is unknown."""
        if self.m == 1:
            return self.a
        if self.m is None or self.a is None or self.b is None:
            return None
        return self.b << 8 | self.a

    def set_accumulator(self, value: int | None) -> None:
        """Write the accumulator in the width that M says, and N and Z."""
        if self.m == 1:
            self.a = value
            self.touched |= A
            self.judge(value, 8)
            return
        if value is None or self.m is None:
            self.a = self.b = value = None
        else:
            self.a, self.b = value & 0xFF, value >> 8
        self.touched |= ACCUMULATOR
        self.judge(value, 16)

    def index(self, name: str) -> int | None:
        """Return X or Y; None when unknown."""
        return self.xr if name == "X" else self.yr

    def set_index(self, name: str, value: int | None) -> None:
        """Write X or Y in the width that the X flag says, and N and Z."""
        if self.x is None:
            value = None
        elif value is not None:
            value &= 0xFF if self.x else 0xFFFF
        if name == "X":
            self.xr = value
        else:
            self.yr = value
        self.touched |= INDEX[name]
        self.judge(value, 8 if self.x else 16)

    def set_widths(self, m: int | None, x: int | None) -> None:
        """Write M and X as far as emulation mode lets them; 8-bit index registers lose their high bytes."""
        if self.e == 1:
            m = x = 1
        elif self.e is None:
            m, x = m or None, x or None
        if self.x != x and x != 0 and self.x != 1:
            self.narrow(certain=x == 1)
        self.m, self.x = m, x

    def narrow(self, *, certain: bool) -> None:
        """Cut the index registers to 8 bits, or let them be unknown where it is not certain that they are cut."""
        for name in ("X", "Y"):
            value = self.index(name)
            if value is not None and value > 0xFF:
                value = value & 0xFF if certain else None
            if name == "X":
                self.xr = value
            else:
                self.yr = value
        self.touched |= INDEX["X"] | INDEX["Y"]

    def push(self, kind: str, size: int | None, instruction: Instruction, value: int | None, touched: int = 0) -> None:
        """Put something on the stack; `value` None means unknown."""
        known = 0 if value is None or size is None else (1 << 8 * size) - 1
        self.push_item(Pushed(kind, size, (value or 0) & known, known, touched, instruction.address))

    def push_item(self, item: Pushed) -> None:
        """Put a finished item on the stack."""
        if self.stack is not None:
            self.stack = (*self.stack, item) if len(self.stack) < DEEPEST else None

    def pull(self, size: int | None, kind: str) -> Pulled | None:
        """Take bytes from the stack; None when nothing is known about them.

        An unknown size meets a push of unknown size of the same register, when M and X are those of the entry.
        """
        if self.stack is None:
            return None
        top = self.stack[-1] if self.stack else None
        same = top is not None and top.kind == kind and not self.touched & (M | X)
        if top is not None and top.size == size and (size is not None or same):
            self.stack = self.stack[:-1]
            return top
        return self._pull_bytes(size)

    def _pull_bytes(self, size: int | None) -> Pulled | None:
        """Cut or put together what was pushed in other widths."""
        rest, value, known, got = list(self.stack or ()), 0, 0, 0
        origin = rest[-1].origin if rest else 0
        while size is not None and got < size and rest and rest[-1].size is not None:
            item = rest.pop()
            have = item.size or 0
            take = min(size - got, have)
            mask = (1 << 8 * take) - 1
            value |= (item.value & mask) << 8 * got
            known |= (item.known & mask) << 8 * got
            got += take
            if take < have:
                left = Pushed("part", have - take, item.value >> 8 * take, item.known >> 8 * take, ALL, item.origin)
                rest.append(left)
        if size is None or got < size:
            self.stack = None
            if not rest:
                self.touched |= RETURN_ADDRESS | RETURN_BANK | CALLERS_STACK
            return None
        self.stack = tuple(rest)
        return Pushed("part", size, value, known, ALL, origin)

    def overwrite(self, first: int, size: int) -> None:
        """Forget what a stack-relative write hits: `first` bytes above S, counted from 1."""
        if self.stack is None:
            return
        at, items = 1, list(self.stack)
        for number in range(len(items) - 1, -1, -1):
            have = items[number].size
            if have is None:
                self.stack = None
                return
            if first < at + have and at < first + size:
                items[number] = items[number]._replace(known=0, value=0, touched=ALL, kind="part")
            at += have
        self.stack = tuple(items)
        low, high = max(first, at) - at, first + size - 1 - at
        if low <= 1 and high >= 0:
            self.touched |= RETURN_ADDRESS
        if low <= 2 <= high:
            self.touched |= RETURN_BANK
        if high > 2:
            self.touched |= CALLERS_STACK


def byte_flags(state: Work) -> tuple[int, int]:
    """Return P as PHP would push it: the bits and which of them are known."""
    m, x = state.m, state.x
    value = state.p | (0x20 if m else 0) | (0x10 if x else 0)
    known = state.known | (0 if m is None else 0x20) | (0 if x is None else 0x10)
    return value, known
