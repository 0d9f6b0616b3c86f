"""All paths of a program on symbolic inputs: branches that are known are followed, others fork."""

from collections.abc import Sequence
from typing import Any

from knowledge.m65816.instruction import Instruction, decode
from knowledge.m65816.opcodes import BRANCHES
from knowledge.m65816.program import Program
from knowledge.m65816.smt_address import Place, read_bytes
from knowledge.m65816.smt_merge import merged
from knowledge.m65816.smt_state import Address, Image, State, World, start_state
from knowledge.m65816.smt_step import step
from knowledge.m65816.smt_values import Unsupported
from schemas.contract import Contract

__all__ = ["explore"]

_MOST_STEPS = 1500
_MOST_MERGED_STEPS = 500
_MOST_PATHS = 48
_SUSPICIOUS = 4
"""Forks of one path from which on the solver is asked whether it can be taken."""
_MOST_QUESTIONS = 120
_QUESTION_RESOURCES = 400_000
_RETURNS = {"RTS": 2, "RTL": 3}


def explore(world: World, program: Program, contract: Contract, *, given: Sequence[Any] = ()) -> list[State]:
    """Return the state at the end of each path; raise Unsupported when the paths are too many, too long or too odd.

    `given` are conditions that hold at entry: paths that they rule out are not followed. Where plain enumeration gives
    too many paths, it is tried again with paths merged where they meet.
    """
    image = Image(program)
    ends = {block.address + len(block.data) for block in program.blocks} - {block.address for block in program.blocks}
    try:
        return _Paths(world, image, ends, given).run(start_state(world, contract, program))
    except _TooMany:
        return _Paths(world, image, ends, given, merging=True).run(start_state(world, contract, program))


class _TooMany(Unsupported):
    """More paths or steps than are followed."""


class _Paths:
    def __init__(
        self, world: World, image: Image, ends: set[int], given: Sequence[Any], *, merging: bool = False
    ) -> None:
        self.world, self.image, self.ends, self.given, self.merging = world, image, ends, given, merging
        self.steps = 0
        self.limit = _MOST_MERGED_STEPS if merging else _MOST_STEPS
        self.questions = 0

    def run(self, start: State) -> list[State]:
        """Follow all paths, the one that is furthest behind first, so that paths that part soon meet again."""
        waiting, done = [start], list[State]()
        while waiting:
            state = min(waiting, key=_place) if self.merging else waiting[-1]
            waiting.remove(state)
            if self.merging:
                state = self._gather(state, waiting)
            new = self._once(state)
            done += [one for one in new if one.stop]
            waiting += [one for one in new if not one.stop]
            if len(done) + len(waiting) > _MOST_PATHS:
                raise _TooMany(f"more than {_MOST_PATHS} paths")
        return done

    def _gather(self, state: State, waiting: list[State]) -> State:
        for other in [one for one in waiting if _place(one) == _place(state)]:
            both = merged(state, other)
            if both is not None:
                waiting.remove(other)
                state = both
        return state

    def _once(self, state: State) -> list[State]:
        self.steps += 1
        if self.steps > self.limit:
            raise _TooMany(f"more than {self.limit} instructions over all paths")
        here = _place(state)
        if here in self.ends:
            state.stop = "end"
            return [state]
        other = _advance(state, self.image, _fetch(self.image, here, state))
        return [state] if other is None else [one for one in (state, other) if self._possible(one)]

    def _possible(self, state: State) -> bool:
        """Return whether a path can be taken at all, asked where it has forked often enough to be a loop."""
        if len(state.path) < _SUSPICIOUS or self.questions >= _MOST_QUESTIONS:
            return True
        self.questions += 1
        bits = self.world.bits
        solver = bits.z3.SolverFor("QF_AUFBV", ctx=bits.context)
        solver.set("rlimit", _QUESTION_RESOURCES)
        solver.add(*self.given, *state.path)
        return bool(solver.check() != bits.z3.unsat)


def _place(state: State) -> int:
    return state.pb << 16 | state.pc


def _fetch(image: Image, address: int, state: State) -> Instruction:
    data = bytearray()
    for index in range(4):
        byte = image.byte(address & 0xFF0000 | address + index & 0xFFFF)
        if byte is None:
            break
        data.append(byte)
    if image.program.byte(address) is None:
        raise Unsupported(f"code outside the program's own bytes, at ${address:06X}")
    if not data:
        raise Unsupported(f"no code at ${address:06X}")
    try:
        return decode(bytes(data), address, m=state.m, x=state.narrow)
    except ValueError as error:
        raise Unsupported(str(error)) from error


def _advance(state: State, image: Image, ins: Instruction) -> State | None:
    """Carry out one instruction; return the second state when a branch forks."""
    name, access = ins.opcode.mnemonic, ins.opcode.access
    state.pc = ins.next & 0xFFFF
    if access == "branch":
        return _branch(state, ins)
    if access == "return":
        _return(state, name)
    elif access == "call":
        _call(state, image, ins)
    elif access == "jump":
        _jump(state, image, ins)
    else:
        step(state, image, ins)
    return None


def _branch(state: State, ins: Instruction) -> State | None:
    flag, target = BRANCHES[ins.opcode.mnemonic], (ins.target or 0) & 0xFFFF
    if not flag:
        state.pc = target
        return None
    wanted = int(ins.opcode.mnemonic in ("BMI", "BVS", "BCS", "BEQ"))
    bits = state.world.bits
    value = state.flags[flag]
    if not isinstance(value, int):
        value = bits.plain(value)
        state.flags[flag] = value
    if isinstance(value, int):
        state.pc = target if value == wanted else state.pc
        return None
    taken = state.fork()
    taken.pc = target
    for one, bit in ((taken, wanted), (state, 1 - wanted)):
        one.flags[flag] = bit
        one.path.append(value == bits.term(bit, 1))
    return taken


def _return(state: State, name: str) -> None:
    if state.sp == 0:
        state.stop = name.lower()
        if name == "RTI":
            state.flags = dict.fromkeys(state.flags, 0)
            state.m = state.narrow = 1
        return
    if name == "RTI":
        raise Unsupported("RTI from within")
    parts = [state.pull() for _ in range(_RETURNS[name])]
    if not all(isinstance(part, int) for part in parts):
        raise Unsupported(f"{name} to an unknown address")
    state.pc = (parts[0] | parts[1] << 8) + 1 & 0xFFFF
    if name == "RTL":
        state.pb = parts[2]


def _call(state: State, image: Image, ins: Instruction) -> None:
    back = ins.next - 1 & 0xFFFF
    if ins.opcode.mnemonic == "JSL":
        state.push(state.pb)
    state.push(back >> 8)
    state.push(back & 0xFF)
    _jump(state, image, ins)


def _jump(state: State, image: Image, ins: Instruction) -> None:
    target = ins.target
    if target is None:
        target = _pointed(state, image, ins)
    state.pb, state.pc = target >> 16, target & 0xFFFF


def _pointed(state: State, image: Image, ins: Instruction) -> int:
    mode = ins.opcode.mode
    base = ins.operand
    if mode == "absolute_x_indirect":
        if not isinstance(state.x, int):
            raise Unsupported("a jump through a table by an unknown X")
        base = state.pb << 16 | base + state.x & 0xFFFF
    size = 3 if mode == "absolute_indirect_long" else 2
    value = read_bytes(state, image, Place(Address(base, base, base), in_bank=True), size)
    if not isinstance(value, int):
        raise Unsupported("a jump to an unknown address")
    return value if size == 3 else state.pb << 16 | value
