"""Every way through a routine, apart by all that is known: the shortest and the longest, loops counted out.

Unlike flow analysis this joins nothing: two paths meet where they know the very same. A loop with a known number of
rounds is thus run round by round, and a loop that comes back to a state it was in has no bound.
"""

from collections.abc import Iterator
from typing import NamedTuple

from knowledge.m65816.cycles_graph import Bounds, Place, bounds, circles
from knowledge.m65816.cycles_instruction import FREE, INDEXED, Cost, cost, hits, worst
from knowledge.m65816.flow import Flow
from knowledge.m65816.flow_code import Code
from knowledge.m65816.flow_solve import decodings, takes
from knowledge.m65816.flow_state import RETURN_ADDRESS, RETURN_BANK, Pushed, State
from knowledge.m65816.flow_step import step
from knowledge.m65816.flow_work import DEEPEST
from knowledge.m65816.instruction import Instruction

__all__ = ["Explorer", "Reason"]

_FRAME = RETURN_ADDRESS | RETURN_BANK
_RETURNS = {"RTS": 2, "RTL": 3}


class Reason(NamedTuple):
    """Why least and most differ."""

    address: int
    text: str


class _Way(NamedTuple):
    """One way on from an instruction; no target: control leaves here."""

    cost: Cost
    target: int | None
    state: State


class Explorer:
    """Goes all ways through a routine, at most `limit` instructions in all."""

    def __init__(self, code: Code, flow: Flow, *, limit: int) -> None:
        self.code = code
        self.left = limit
        self.costs: dict[int, Cost] = {}
        """Cost of one execution, by address."""
        self.reasons: dict[Reason, None] = {}
        self.unbounded = False
        """Whether some way holds something that is not counted."""
        self.clocks_unbounded = False
        """Whether some way starts DMA."""
        self.selects_speed = False
        """Whether some way writes $420D."""
        self.round: set[int] = set()
        """Addresses that lie on a way back to themselves with nothing changed."""
        self._meets = {
            at for at, node in flow.nodes.items() if len(node.predecessors) != 1 or node.predecessors[0] >= at
        }
        self._prices: dict[tuple[int | None, ...], Cost] = {}
        self._places: list[Place] = []
        self._numbers: dict[tuple[int, State], int] = {}
        self._starts: list[tuple[int, State]] = []
        self._work: list[int] = []

    def explore(self, address: int, state: State) -> Bounds:
        """Go all ways from an entry and return the bounds."""
        self._number(address, state.settled()._replace(stack=(), touched=0))
        while self._work and self.left > 0:
            self._leave(self._work.pop())
        if self._work or self.left <= 0:
            self._lose(address, "there are more ways through it than are followed")
        for number in self._work:
            self._places[number].leaves.append(FREE)
        self.round = {self._starts[number][0] for number in circles(self._places)}
        found = bounds(self._places, endless=bool(self.unbounded or self.round))
        if self.selects_speed:
            either = min(found.slow[0], found.fast[0]), found.slow[1]
            found = Bounds(found.cycles, either, either)
        if self.clocks_unbounded:
            found = Bounds(found.cycles, (found.slow[0], None), (found.fast[0], None))
        return found

    def _number(self, address: int, state: State) -> int:
        if state.touched & ~_FRAME:
            state = state._replace(touched=state.touched & _FRAME)
        number = self._numbers.setdefault((address, state), len(self._places))
        if number == len(self._places):
            self._places.append(Place())
            self._starts.append((address, state))
            self._work.append(number)
        return number

    def _leave(self, number: int) -> None:
        """Follow the ways on from a place up to the next places."""
        address, state = self._starts[number]
        total, place = FREE, self._places[number]
        while self.left > 0:
            ways = list(self._ways(address, state))
            self.left -= 1
            if len(ways) == 1 and ways[0].target is not None and ways[0].target not in self._meets:
                total, address, state = total.plus(ways[0].cost), ways[0].target, ways[0].state
                continue
            for way in ways:
                if way.target is None:
                    place.leaves.append(total.plus(way.cost))
                else:
                    place.edges.append((self._number(way.target, way.state), total.plus(way.cost)))
            return
        place.leaves.append(total)

    def _note(self, address: int, text: str) -> None:
        self.reasons[Reason(address, text)] = None

    def _lose(self, address: int, text: str) -> None:
        self.unbounded = True
        self._note(address, text)

    def _ways(self, address: int, state: State) -> Iterator[_Way]:
        """Yield what one instruction leads to."""
        found = decodings(self.code, address, state)
        if not found:
            yield _Way(FREE, None, state)
        if len(found) > 1:
            self._note(address, "the width (M or X) is unknown, and so where the next instruction begins")
        for instruction, known in found:
            access, name = instruction.opcode.access, instruction.opcode.mnemonic
            if access == "branch":
                yield from self._branch(instruction, known)
                continue
            price = self._price(instruction, known)
            if access == "call":
                yield self._call(instruction, known, price)
            elif access == "jump":
                yield from self._jump(instruction, known, price)
            elif access == "return":
                yield self._return(instruction, known, price)
            elif name in ("BRK", "COP", "STP", "WAI"):
                yield from self._halt(instruction, known, price)
            else:
                yield _Way(price, instruction.next, step(known, instruction))

    def _price(self, instruction: Instruction, state: State, *, taken: bool = False) -> Cost:
        row = instruction.opcode
        key: tuple[int | None, ...] = (instruction.address, row.code, taken, *state[:5])
        if row.mode in INDEXED or row.access == "move":
            key = (*key, state.xr, state.yr, state.a, state.b)
        price = self._prices.get(key)
        if price is None:
            price = self._prices[key] = cost(instruction, state, taken=taken)
            old = self.costs.get(instruction.address)
            self.costs[instruction.address] = price if old is None else worst(old, price)
            for text in price.reasons:
                self._note(instruction.address, text)
            self._watch(instruction, state)
        return price

    def _watch(self, instruction: Instruction, state: State) -> None:
        """Look for writes that change what time costs."""
        if hits(instruction, state, 0x420B):
            self.clocks_unbounded = True
            self._note(instruction.address, "DMA takes 8 clocks a byte, which is not counted")
        if hits(instruction, state, 0x420D):
            self.selects_speed = True
            self._note(instruction.address, "$420D makes ROM in banks $80-$FF fast or slow")

    def _branch(self, instruction: Instruction, state: State) -> Iterator[_Way]:
        falls, taken = takes(instruction, state)
        if falls and taken:
            self._note(instruction.address, "the branch may be taken or not")
        if falls:
            yield _Way(self._price(instruction, state), instruction.next, state)
        if taken and instruction.target is not None:
            yield _Way(self._price(instruction, state, taken=True), instruction.target, state)

    def _targets(self, instruction: Instruction, state: State) -> int | None:
        if instruction.target is not None:
            return instruction.target
        mode, bank = instruction.opcode.mode, instruction.address & 0xFF0000
        if mode == "absolute_x_indirect":
            word = None if state.xr is None else self.code.constant(bank | instruction.operand + state.xr & 0xFFFF, 2)
            return None if word is None else bank | word
        size = 3 if mode == "absolute_indirect_long" else 2
        word = self.code.constant(instruction.operand, size)
        return word if word is None or size == 3 else bank | word

    def _jump(self, instruction: Instruction, state: State, price: Cost) -> Iterator[_Way]:
        target = self._targets(instruction, state)
        table = self.code.table(instruction.address & 0xFF0000 | instruction.operand) if target is None else ()
        if instruction.opcode.mode == "absolute_x_indirect" and table:
            self._note(instruction.address, "the jump goes where X says")
            yield from (_Way(price, each, state) for each in table)
        elif target is not None and self.code.has(target):
            yield _Way(price, target, state)
        else:
            self._lose(instruction.address, "where the jump goes is not part of the program, or unknown: not counted")
            yield _Way(price, None, state)

    def _call(self, instruction: Instruction, state: State, price: Cost) -> _Way:
        target = self._targets(instruction, state)
        if target is None or not self.code.has(target):
            self._lose(instruction.address, "the code called here is not part of the program, or unknown: not counted")
            after = state._replace(a=None, b=None, xr=None, yr=None, p=0, known=0)
            return _Way(price, instruction.next, after)
        size = 3 if instruction.opcode.mnemonic == "JSL" else 2
        back = instruction.address + instruction.size - 1 & 0xFFFF
        value = instruction.address & 0xFF0000 | back if size == 3 else back
        item = Pushed("return", size, value, (1 << 8 * size) - 1, 0, 0)
        deep = state.stack is None or len(state.stack) >= DEEPEST
        stack = None if deep or state.stack is None else (*state.stack, item)
        return _Way(price, target, state._replace(stack=stack))

    def _return(self, instruction: Instruction, state: State, price: Cost) -> _Way:
        size = _RETURNS.get(instruction.opcode.mnemonic)
        lost = state.touched & (_FRAME if size == 3 else RETURN_ADDRESS)
        if size is None or (state.stack == () and not lost):
            if size is None and state.stack != ():
                self._lose(instruction.address, "where the return goes is unknown")
            return _Way(price, None, state)
        value, known, got, rest = 0, 0, 0, list(state.stack or ())
        while rest and got < size and rest[-1].size is not None:
            item = rest.pop()
            value, known, got = value | item.value << 8 * got, known | item.known << 8 * got, got + (item.size or 0)
        if got != size or known != (1 << 8 * size) - 1:
            self._lose(instruction.address, "where the return goes is unknown")
            return _Way(price, None, state)
        bank = value & 0xFF0000 if size == 3 else instruction.address & 0xFF0000
        return _Way(price, bank | value + 1 & 0xFFFF, state._replace(stack=tuple(rest)))

    def _halt(self, instruction: Instruction, state: State, price: Cost) -> Iterator[_Way]:
        name = instruction.opcode.mnemonic
        if name == "STP":
            yield _Way(price, None, state)
            return
        self._lose(instruction.address, f"{name} leads to an interrupt, which is not counted")
        yield _Way(FREE, None, state)
        if name == "WAI":
            yield _Way(price, instruction.next, state)
