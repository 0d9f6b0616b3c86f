"""A program taken apart into lines with symbolic targets, and put together again with its branches relocated.

Code shrinks and its branches move; data stays where it is, since its address stands in operands. A run of code is
refilled from its first address and never grows over what lies behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from knowledge.m65816.flow import Entry, Flow, Node, analyse
from knowledge.m65816.flow_state import State
from knowledge.m65816.instruction import relocate
from knowledge.m65816.opcodes import find
from knowledge.m65816.optimize.line import EITHER_M, UNKNOWN, Line
from knowledge.m65816.outcome import CodeError
from knowledge.m65816.program import Block, Program
from schemas.contract import Contract

__all__ = ["Code", "Placed", "Run", "put_together", "take_apart"]

_INVERSE = {"BPL": "BMI", "BMI": "BPL", "BVC": "BVS", "BVS": "BVC", "BCC": "BCS", "BCS": "BCC", "BNE": "BEQ"}
_INVERSE["BEQ"] = "BNE"


class Run(NamedTuple):
    """Code without a gap, at its place."""

    address: int
    room: int
    """Bytes up to what lies behind it; what is the last of its block may go on to the end of the bank."""
    lines: tuple[Line, ...]
    fixed: bool
    """Whether something that is not code lies right behind it."""


@dataclass(frozen=True)
class Code:
    """A program as lines."""

    program: Program
    """The original."""
    runs: tuple[Run, ...]
    data: tuple[Block, ...]
    """All bytes that are no code, at their addresses."""
    entry: int
    """Key of the line where it starts."""

    @property
    def size(self) -> int:
        """Bytes of code."""
        return sum(line.size for run in self.runs for line in run.lines)

    @property
    def lines(self) -> list[Line]:
        """All lines in the order of their addresses."""
        return [line for run in self.runs for line in run.lines]

    def with_lines(self, run: int, lines: Sequence[Line]) -> "Code":
        """Return the code with the lines of one run replaced."""
        runs = list(self.runs)
        runs[run] = runs[run]._replace(lines=tuple(lines))
        return Code(self.program, tuple(runs), self.data, self.entry)

    def edited(self, start: int, end: int, lines: Sequence[Line]) -> "Code | None":
        """Return the code with the lines from index `start` up to but not with `end` replaced, within one run.

        What led to a line that goes leads to the line that takes its place. None where that cannot be.
        """
        first = 0
        for number, run in enumerate(self.runs):
            if first <= start and end <= first + len(run.lines):
                old = run.lines
                lines = self._fresh(lines, start, end)
                new = (*old[: start - first], *lines, *old[end - first :])
                moved = _moved(old, new, start - first, end - first, len(lines))
                code = self.with_lines(number, new)
                used = {line.aim for line in code.lines} | {self.entry}
                lost = {key for key, to in moved.items() if to is None} & used
                return None if lost else code._aimed({key: to for key, to in moved.items() if to is not None})
            first += len(run.lines)
        return None

    def _fresh(self, lines: Sequence[Line], start: int, end: int) -> tuple[Line, ...]:
        """Return lines to be put in, each with a key that no other line has.

        What led to the first line that goes has to lead to the first that comes, so only that one may have its key;
        but for a branch among the new lines that names it.
        """
        there = self.lines
        used = {line.key for line in (*there[:start], *there[end:])}
        lowest, done = min(0, *(line.key for line in there)), list[Line]()
        top = there[start].key
        inner = any(line.aim == top for line in lines)
        for number, line in enumerate(lines):
            if line.key in used or (number and line.key == top and not inner):
                lowest -= 1
                line = line._replace(key=lowest)
            used.add(line.key)
            done.append(line)
        return tuple(done)

    def _aimed(self, moved: dict[int, int]) -> "Code":
        runs = tuple(
            run._replace(
                lines=tuple(line if line.aim not in moved else line._replace(aim=moved[line.aim]) for line in run.lines)
            )
            for run in self.runs
        )
        return Code(self.program, runs, self.data, moved.get(self.entry, self.entry))


class Placed(NamedTuple):
    """Code with its addresses."""

    program: Program
    addresses: dict[int, int]
    """Address by key of the line."""


def _moved(old: Sequence[Line], new: Sequence[Line], start: int, end: int, size: int) -> dict[int, int | None]:
    """Return who takes the place of each line that goes; None where nothing is left behind it."""
    kept = {line.key for line in new}
    moved: dict[int, int | None] = {}
    for line in old[start:end]:
        if line.key not in kept:
            place = start if line is old[start] else start + size
            moved[line.key] = new[place].key if place < len(new) else None
    return moved


def _refuse(reason: str, step: str) -> CodeError:
    return CodeError(f"{reason}; {step}")


def _widths(node: Node) -> tuple[int, int]:
    instruction = node.instruction
    seen = {(instruction.m, instruction.x)}
    seen |= {(state.m, state.x) for state in node.states if state.m is not None and state.x is not None}
    at = f"${instruction.address:06X}"
    either = instruction.opcode.mnemonic in EITHER_M and len({x for _, x in seen}) == 1
    if node.state.x is None or ((node.state.m is None or len(seen) > 1) and not either):
        raise _refuse(f"M or X is not the same on all paths to {at}", "optimise each routine alone, with its own entry")
    if node.state.e != 0:
        raise _refuse(f"the code at {at} may run in emulation mode", "only native mode is optimised: say e=0")
    m = node.state.m
    return (UNKNOWN if m is None or len(seen) > 1 else m), node.state.x


def _line(node: Node, known: dict[int, Node]) -> Line:
    instruction = node.instruction
    m, x = _widths(node)
    opcode, target = instruction.opcode, instruction.target
    at = f"${instruction.address:06X}"
    if "indirect" in opcode.mode and any(e.target in known for e in node.successors if e.kind in ("jump", "call")):
        raise _refuse(f"{at} jumps through a table to code of this program", "optimise each target alone")
    if opcode.mnemonic in ("PER", "BRK", "COP"):
        raise _refuse(f"{opcode.mnemonic} at {at} depends on where the code lies", "leave it out of what is optimised")
    aim = target if target in known else None
    if opcode.mode in ("relative", "relative_long") and aim is None:
        raise _refuse(f"{at} branches out of the program", "give the program with the code that it branches to")
    return Line(instruction.address, opcode, instruction.operand, m, x, aim)


def _state(contract: Contract) -> State:
    return State(m=contract.m, x=contract.x, e=contract.e, d=contract.d, db=contract.db)


def _flow(program: Program, contract: Contract) -> Flow:
    flow = analyse(program, (Entry(program.start, _state(contract)),))
    if not flow.nodes:
        raise _refuse("there is no code at the entry", "give the bytes of a routine, and where it starts")
    if flow.conflicts or not flow.complete:
        raise _refuse("the code is decoded in two ways, or is too large", "optimise each routine alone")
    return flow


def take_apart(program: Program, contract: Contract) -> Code:
    """Return a program as lines; raises CodeError where it cannot be moved safely."""
    nodes = _flow(program, contract).nodes
    runs: list[Run] = []
    data: list[Block] = []
    for block in program.blocks:
        _take_block(block, nodes, runs, data)
    owned = {line.key for run in runs for line in run.lines}
    if program.start not in owned:
        raise _refuse("the entry lies outside the blocks of the program", "give the bytes that it starts with")
    return Code(program, tuple(runs), tuple(data), program.start)


def _take_block(block: Block, nodes: dict[int, Node], runs: list[Run], data: list[Block]) -> None:
    end, place, last = block.address + len(block.data), block.address, block.address
    lines: list[Line] = []

    def close(*, fixed: bool) -> None:
        if lines:
            room = place - lines[0].key if fixed else 0x10000 - (lines[0].key & 0xFFFF)
            runs.append(Run(lines[0].key, room, tuple(lines), fixed))
            lines.clear()

    while place < end:
        node = nodes.get(place)
        if node is not None and place + node.instruction.size <= end:
            if not lines and last < place:
                data.append(Block(last, block.data[last - block.address : place - block.address]))
            lines.append(_line(node, nodes))
            place += node.instruction.size
            last = place
        else:
            close(fixed=True)
            place += 1
    close(fixed=False)
    if last < end:
        data.append(Block(last, block.data[last - block.address :]))


def _addresses(code: Code) -> dict[int, int]:
    found: dict[int, int] = {}
    for run in code.runs:
        place = run.address
        for line in run.lines:
            found[line.key] = place
            place += line.size
    return found


def _sized(code: Code) -> Code:
    """Let branches that do not reach become jumps."""
    for _ in range(len(code.lines) + 1):
        places = _addresses(code)
        changes = False
        for number, run in enumerate(code.runs):
            lines: list[Line] = []
            for line in run.lines:
                lines += _reaching(line, places, fresh=min(0, *places) - len(lines) - 1)
            if len(lines) != len(run.lines) or lines != list(run.lines):
                changes, code = True, code.with_lines(number, lines)
                break
        if not changes:
            return code
    return code


def _reaching(line: Line, places: dict[int, int], *, fresh: int) -> list[Line]:
    if line.opcode.mode != "relative" or line.aim is None or line.aim not in places:
        return [line]
    if relocate(line.at(places[line.key]), places[line.key], places[line.aim]) is not None:
        return [line]
    jump = find("JMP", "absolute")
    if jump is None or line.name == "BRA":
        return [line._replace(opcode=jump or line.opcode)]
    inverse = find(_INVERSE[line.name], "relative")
    behind = Line(fresh, jump, 0, line.m, line.x, line.aim)
    return [line._replace(opcode=inverse or line.opcode, operand=3, aim=None), behind]


def _bytes(line: Line, places: dict[int, int]) -> bytes | None:
    here = line.at(places[line.key])
    if line.aim is None:
        return here.data
    target = places.get(line.aim)
    if target is None:
        return None
    if line.opcode.mode in ("relative", "relative_long"):
        moved = relocate(here, here.address, target)
        return None if moved is None else moved.data
    return here._replace(operand=target & (0xFFFFFF if line.opcode.mode == "absolute_long" else 0xFFFF)).data


def put_together(code: Code) -> Placed | None:
    """Return the program that the lines make; None when it does not fit or a branch does not reach."""
    code = _sized(code)
    places = _addresses(code)
    blocks: list[Block] = []
    for run in code.runs:
        parts = [_bytes(line, places) for line in run.lines]
        if any(part is None for part in parts):
            return None
        data = b"".join(part for part in parts if part is not None)
        if len(data) > run.room:
            return None
        if data:
            blocks.append(Block(run.address, data))
    first = code.program.blocks[0].address
    joined = sorted([*blocks, *code.data], key=lambda block: (block.address != first, block.address))
    program = Program(tuple(joined), code.program.mapper, places[code.entry], code.program.rom, code.program.fast_rom)
    return Placed(program, places)
