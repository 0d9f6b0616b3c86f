"""The worklist of flow analysis: states travel along edges, join where they meet, and return from calls.

A point is an address in a context with its M, X and E; a context is a routine with the M, X, E, D and DB it is called
with. Points are packed into one integer, so that the tables stay small.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from knowledge.m65816.flow_code import Code
from knowledge.m65816.flow_state import CALLERS_STACK, RETURN_ADDRESS, RETURN_BANK, TOUCHED, Pushed, State, join
from knowledge.m65816.flow_step import step
from knowledge.m65816.flow_work import ALL
from knowledge.m65816.instruction import Instruction
from knowledge.m65816.opcodes import BRANCHES

__all__ = ["Context", "Edge", "EdgeKind", "ExitKind", "Solver", "address_of", "decodings", "takes"]

EdgeKind = Literal["next", "taken", "jump", "call", "after_call"]
"""To the next instruction; a branch that is taken; a jump; into a routine; behind a call, once the routine returned."""
ExitKind = Literal["rts", "rtl", "rti", "stp", "brk", "cop", "unknown", "outside", "end"]
"""How control leaves: a return, STP, a software interrupt, a jump whose target is unknown, a jump to bytes that are no
part of the program, or the last byte of a block passed (`end`)."""

_CONTEXTS = 16
"""Contexts of one routine that keep D and DB apart."""
_REMARKS = 200
"""Joins and conflicts that are kept of each kind."""
_REGISTERS = sum(TOUCHED[name] for name in ("A", "B", "X", "Y", "n", "v", "d", "i", "z", "c"))
_POPPED = {"RTS": 2, "RTL": 3}
_ENDS: dict[str, ExitKind] = {"RTI": "rti", "STP": "stp", "BRK": "brk", "COP": "cop"}


class Edge(NamedTuple):
    """One way from an instruction to another."""

    target: int
    kind: EdgeKind
    assumed: bool = False
    """Behind a call to code that is no part of the program, or that can't be followed: assumed to return, with M, X, E,
    D, DB and S as they were."""


@dataclass(slots=True)
class Context:
    """A routine as it is called with one M, X, E, D and DB."""

    number: int
    address: int
    exits: dict[tuple[int, ExitKind, int], State] = field(default_factory=dict[tuple[int, ExitKind, int], State])
    """State before the exit, by its address, kind and M, X, E."""
    callers: dict[int, Instruction] = field(default_factory=dict[int, Instruction])
    """Points that call it, with the call."""


def _widths(state: State) -> int:
    m, x, e = state.m, state.x, state.e
    return (2 if m is None else m) * 9 + (2 if x is None else x) * 3 + (2 if e is None else e)


def address_of(point: int) -> int:
    """Return the address of a point."""
    return point >> 5 & 0xFFFFFF


def decodings(code: Code, address: int, state: State) -> list[tuple[Instruction, State]]:
    """Return the instruction at an address, with the state; two where an unknown width decides over its length."""
    m, x = state.m, state.x
    one = code.instruction(address, 1 if m is None else m, 1 if x is None else x)
    if one is None or (m is not None and x is not None):
        return [] if one is None else [(one, state)]
    mode = one.opcode.mode
    if (mode != "immediate_m" or m is not None) and (mode != "immediate_x" or x is not None):
        return [(one, state)]
    if mode == "immediate_m":
        wide = code.instruction(address, 0, 1 if x is None else x)
        ways = state._replace(m=1), state._replace(m=0)
    else:
        wide = code.instruction(address, 1 if m is None else m, 0)
        ways = state._replace(x=1), state._replace(x=0)
    return [(one, ways[0])] if wide is None else [(one, ways[0]), (wide, ways[1])]


def takes(instruction: Instruction, state: State) -> tuple[bool, bool]:
    """Return whether a branch may fall through and whether it may be taken, by the flags that are known."""
    name = instruction.opcode.mnemonic
    flag = BRANCHES[name]
    if not flag:
        return False, True
    value = state.flag(flag)
    if value is None:
        return True, True
    taken = bool(value) == (name in ("BMI", "BVS", "BCS", "BEQ"))
    return not taken, taken


class Solver:
    """The analysis while it runs."""

    def __init__(self, code: Code, *, limit: int) -> None:
        self.code = code
        self.limit = limit
        self.states: dict[int, State] = {}
        self.parents: dict[int, int] = {}
        self.contexts: list[Context] = []
        self.edges: dict[int, dict[Edge, None]] = {}
        self.decoded: dict[int, dict[Instruction, int]] = {}
        """Instructions by address, each with the first point that decoded it."""
        self.joins: dict[tuple[int, str], tuple[int, ...]] = {}
        """By address and field: the points before the join on both ways, and the points joined."""
        self.tables: dict[tuple[int, int], tuple[int, ...]] = {}
        self.assumed: dict[int, str] = {}
        self._numbers: dict[tuple[int, int, int | None, int | None], int] = {}
        self._variants: dict[int, int] = {}
        self._many: dict[int, int] = {}
        self._work: list[int] = []

    def run(self) -> bool:
        """Go on until nothing changes; return False when the limit ended it."""
        left = self.limit
        while self._work and left > 0:
            self._visit(self._work.pop())
            left -= 1
        return not self._work

    def enter(self, address: int, state: State, caller: int = -1) -> Context:
        """Let control begin a routine in a state, as an entry or from a call."""
        state = state.settled()._replace(stack=(), touched=0)
        widths = _widths(state)
        if self._many.get(address, 0) >= _CONTEXTS:
            state = state._replace(d=None, db=None)
        key = address, widths, state.d, state.db
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.contexts)
            self._many[address] = self._many.get(address, 0) + 1
            self.contexts.append(Context(number, address))
        self._arrive(number, address, state, caller)
        return self.contexts[number]

    def _arrive(self, context: int, address: int, state: State, source: int) -> None:
        place = context << 24 | address
        point = place << 5 | _widths(state)
        old = self.states.get(point)
        if old is None:
            self.states[point] = state
            self.parents[point] = source
            self._work.append(point)
            other = self._variants.setdefault(place, point)
            if other != point:
                self._disagree(address, other, point, source)
            return
        joined = join(old, state)
        if joined is old:
            return
        if joined.stack is None or joined.d is None or joined.db is None:
            self._lost(address, (old, state), point, source)
        self.states[point] = joined
        self._work.append(point)

    def _lost(self, address: int, both: tuple[State, State], point: int, source: int) -> None:
        """Keep what a join made unknown that both ways knew."""
        one, two = both
        before = self.parents[point]
        if one.d is not None and two.d is not None and one.d != two.d:
            self._remember((address, "d"), before, source, point, point)
        if one.db is not None and two.db is not None and one.db != two.db:
            self._remember((address, "db"), before, source, point, point)
        if one.stack is None or two.stack is None or [i.size for i in one.stack] == [i.size for i in two.stack]:
            return
        self._remember((address, "stack"), before, source, point, point)

    def _disagree(self, address: int, other: int, point: int, source: int) -> None:
        before = self.parents[other]
        if before < 0 or source < 0 or address_of(before) == address_of(source):
            return
        old, new = self.states[other], self.states[point]
        for name in ("m", "x", "e"):
            if getattr(old, name) != getattr(new, name):
                self._remember((address, name), before, source, other, point)

    def _remember(self, place: tuple[int, str], *points: int) -> None:
        if len(self.joins) < _REMARKS:
            self.joins.setdefault(place, points)

    def _visit(self, point: int) -> None:
        address = address_of(point)
        found = decodings(self.code, address, self.states[point])
        if not found:
            self._exit(point, "outside", self.states[point])
        for instruction, state in found:
            self.decoded.setdefault(address, {}).setdefault(instruction, point)
            access = instruction.opcode.access
            if access == "branch":
                falls, taken = takes(instruction, state)
                if falls:
                    self._go(point, instruction.next, "next", state)
                if taken and instruction.target is not None:
                    self._go(point, instruction.target, "taken", state)
            elif access == "jump":
                self._jump(point, instruction, state)
            elif access == "call":
                self._call(point, instruction, state)
            elif access == "return" or instruction.opcode.mnemonic in _ENDS:
                self._return(point, instruction, state)
            else:
                self._go(point, instruction.next, "next", step(state, instruction))

    def _go(self, point: int, target: int, kind: EdgeKind, state: State, *, assumed: bool = False) -> None:
        self.edges.setdefault(address_of(point), {})[Edge(target, kind, assumed)] = None
        self._arrive(point >> 29, target, state, point)

    def _targets(self, instruction: Instruction, state: State) -> tuple[int, ...]:
        """Return where a jump or call can go; nothing when that is unknown."""
        if instruction.target is not None:
            return (instruction.target,)
        mode, operand, bank = instruction.opcode.mode, instruction.operand, instruction.address & 0xFF0000
        if mode == "absolute_x_indirect":
            if state.xr is not None:
                word = self.code.constant(bank | operand + state.xr & 0xFFFF, 2)
                return () if word is None else (bank | word,)
            table = self.code.table(bank | operand)
            if table:
                self.tables[instruction.address, bank | operand] = table
                self.assumed[instruction.address] = "the jump table ends where its first target begins"
            return table
        size = 3 if mode == "absolute_indirect_long" else 2
        word = self.code.constant(operand, size)
        return () if word is None else (word,) if size == 3 else (bank | word,)

    def _jump(self, point: int, instruction: Instruction, state: State) -> None:
        targets = self._targets(instruction, state)
        for target in targets:
            if self.code.has(target):
                self._go(point, target, "jump", state)
            else:
                self._exit(point, "outside", state)
        if not targets:
            self._exit(point, "unknown", state)

    def _call(self, point: int, instruction: Instruction, state: State) -> None:
        targets = self._targets(instruction, state)
        for target in targets:
            if not self.code.has(target):
                self._unseen(point, instruction, state)
                continue
            self.edges.setdefault(instruction.address, {})[Edge(target, "call")] = None
            context = self.enter(target, state, point)
            context.callers[point] = instruction
            for (_, kind, _), exit_state in list(context.exits.items()):
                self._resume(point, instruction, kind, exit_state)
        if not targets:
            self._unseen(point, instruction, state)

    def _unseen(self, point: int, instruction: Instruction, state: State) -> None:
        """Go on behind a call to code that is not there."""
        self.assumed.setdefault(
            instruction.address, "the code called here is not part of the program: M, X, E, D, DB and S stay"
        )
        self._go(point, instruction.next, "after_call", _shaken(state), assumed=True)

    def _return(self, point: int, instruction: Instruction, state: State) -> None:
        name = instruction.opcode.mnemonic
        kind: ExitKind = "rts" if name == "RTS" else "rtl" if name == "RTL" else _ENDS[name]
        size = _POPPED.get(name)
        lost = state.touched & (RETURN_ADDRESS | RETURN_BANK if name == "RTL" else RETURN_ADDRESS)
        if size is None or not (state.stack or lost):
            self._exit(point, kind, state)
            return
        target, rest = _popped(state, size, instruction.address)
        if target is not None and self.code.has(target):
            self._go(point, target, "jump", state._replace(stack=rest))
            return
        self._exit(point, "unknown" if lost or state.depth == size else kind, state)

    def _exit(self, point: int, kind: ExitKind, state: State) -> None:
        context = self.contexts[point >> 29]
        key = address_of(point), kind, point & 31
        old = context.exits.get(key)
        joined = state if old is None else join(old, state)
        if joined is old:
            return
        context.exits[key] = joined
        for caller, instruction in list(context.callers.items()):
            self._resume(caller, instruction, kind, joined)

    def _resume(self, point: int, instruction: Instruction, kind: ExitKind, left: State) -> None:
        """Let a call go on behind itself with what its routine left."""
        for other, state in decodings(self.code, instruction.address, self.states[point]):
            if other != instruction:
                continue
            if kind in ("unknown", "outside") and not left.touched & RETURN_ADDRESS and not left.stack:
                self.assumed.setdefault(
                    instruction.address, "the code called here goes where nobody can see, and returns"
                )
                self._go(point, instruction.next, "after_call", _back(state, _shaken(left)), assumed=True)
            elif kind in ("rts", "rtl") and not left.stack:
                stack = _unwound(instruction.opcode.mnemonic, kind, state)
                if stack is not False:
                    back = _back(state, left)._replace(stack=None if left.stack is None else stack)
                    self._go(point, instruction.next, "after_call", _overwritten(back, left))


def _overwritten(state: State, left: State) -> State:
    """Return the state behind a call whose routine may have written what its caller has on the stack."""
    if not left.touched & (CALLERS_STACK | RETURN_BANK) or state.stack is None:
        return state
    if not state.stack:
        return state._replace(touched=state.touched | RETURN_ADDRESS | RETURN_BANK | CALLERS_STACK)
    stack = tuple(Pushed("part", item.size, 0, 0, ALL, item.origin) for item in state.stack)
    return state._replace(stack=stack)


def _unwound(call: str, kind: ExitKind, state: State) -> tuple[Pushed, ...] | Literal[False] | None:
    """Return the caller's stack after a return, False when the return does not answer the call.

    `PHK` before a JSR is the usual way to call a routine that ends with RTL.
    """
    if (call == "JSL") == (kind == "rtl"):
        return state.stack
    if call == "JSR" and state.stack and state.stack[-1].kind == "PB":
        return state.stack[:-1]
    return False


def _popped(state: State, size: int, address: int) -> tuple[int | None, tuple[Pushed, ...] | None]:
    """Return where a return goes that finds pushed bytes, None when unknown, and the stack behind it."""
    value, known, got = 0, 0, 0
    rest = list(state.stack or ())
    while rest and got < size and rest[-1].size is not None:
        item = rest.pop()
        value, known = value | item.value << 8 * got, known | item.known << 8 * got
        got += item.size or 0
    if got != size or known != (1 << 8 * size) - 1:
        return None, None
    bank = value & 0xFF0000 if size == 3 else address & 0xFF0000
    return bank | value + 1 & 0xFFFF, tuple(rest)


def _shaken(state: State) -> State:
    """Return what is left of a state behind code that nobody can see."""
    return state._replace(a=None, b=None, xr=None, yr=None, p=0, known=0, touched=state.touched | _REGISTERS)


def _back(state: State, left: State) -> State:
    """Return the state behind a call from the state before it and the state that the routine left."""
    touched = left.touched
    flags = touched & 0xFF
    known = left.known & flags | state.known & ~flags
    return State(
        left.m,
        left.x,
        left.e,
        left.d if touched & TOUCHED["D"] else state.d,
        left.db if touched & TOUCHED["DB"] else state.db,
        left.a if touched & TOUCHED["A"] else state.a,
        left.b if touched & TOUCHED["B"] else state.b,
        left.xr if touched & TOUCHED["X"] else state.xr,
        left.yr if touched & TOUCHED["Y"] else state.yr,
        (left.p & flags | state.p & ~flags) & known,
        known,
        state.stack,
        state.touched | touched & (RETURN_ADDRESS - 1),
    )
