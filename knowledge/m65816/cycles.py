"""What code costs: bounds from the text alone, and exact figures from a run.

CPU cycles are what data sheets count; master clocks (21.477 MHz NTSC) are what a frame is made of: 6, 8 or 12 a cycle.
A scanline has 1,364 clocks, of which the refresh of the memory takes 40; NTSC's vertical blank has 37 lines (225 to 261
of 262). Source of these: SNESdev Wiki, "Timing". Interrupts and HDMA are not counted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from knowledge.m65816.cycles_graph import Bounds, Place, bounds
from knowledge.m65816.cycles_instruction import FREE, Cost
from knowledge.m65816.cycles_paths import Explorer, Reason
from knowledge.m65816.flow import Entry, Flow, analyse
from knowledge.m65816.flow_code import Code
from knowledge.m65816.flow_shape import Loop, loops
from knowledge.m65816.instruction import Instruction
from knowledge.m65816.layout import check_program, lay_out
from knowledge.m65816.outcome import Cost as Spent
from knowledge.m65816.outcome import Outcome
from knowledge.m65816.program import Listing, Program, SourceLine

__all__ = [
    "LINE_CLOCKS",
    "VBLANK_CLOCKS",
    "VBLANK_LINES",
    "Count",
    "InstructionCount",
    "LineCount",
    "LoopCount",
    "Measured",
    "count",
    "count_lines",
    "measure",
    "scanlines",
    "vblank_share",
]

LINE_CLOCKS: Final = 1364 - 40
"""Master clocks of a scanline that are left to the CPU."""
VBLANK_LINES: Final = 37
"""Lines of an NTSC vertical blank, without overscan."""
VBLANK_CLOCKS: Final = VBLANK_LINES * LINE_CLOCKS


def scanlines(clocks: int) -> float:
    """Return how many scanlines a number of master clocks takes."""
    return clocks / LINE_CLOCKS


def vblank_share(clocks: int) -> float:
    """Return which share of an NTSC vertical blank a number of master clocks takes; 1.0 is all of it."""
    return clocks / VBLANK_CLOCKS


class InstructionCount(NamedTuple):
    """One instruction, executed once."""

    instruction: Instruction
    cost: Cost


class LoopCount(NamedTuple):
    """One round of a loop without calls or loops inside."""

    head: int
    once: Cost
    counted: bool
    """Whether the rounds are known and counted in the bounds; otherwise each round adds `once` to the least."""


@dataclass(frozen=True)
class Count:
    """What a routine costs, with its calls within the program, whatever its inputs are.

    The last of each pair is None where nothing bounds it; `reasons` says why least and most differ. Fast is with
    $420D bit 0 set, which speeds ROM in banks $80-$FF up.
    """

    entry: int
    bounds: Bounds
    size: int
    """Bytes of the instructions that can be reached, each once."""
    instructions: dict[int, InstructionCount]
    """By address, ascending."""
    reasons: tuple[Reason, ...]
    loops: tuple[LoopCount, ...]


def count(program: Program, entry: Entry | None = None, *, flow: Flow | None = None, limit: int = 200_000) -> Count:
    """Count a routine from its text: least and most over all ways through it.

    The entry says what is known at the start; without one it is the program's start in native mode with nothing known.
    `limit` bounds the instructions that are followed, each round of a loop anew. Code outside the program, pointers to
    code in RAM, waits and DMA have no bound. The stack is taken to lie in work RAM, and stores through pointers are
    taken to start no DMA. Raises CodeError for a program that could not be run: see `layout.lay_out`.
    """
    start = entry or Entry(program.start)
    check_program(program, [start.address])
    lay_out(program)
    found = flow or analyse(program, [start])
    explorer = Explorer(Code(program), found, limit=limit)
    total = explorer.explore(start.address & 0xFFFFFF, start.state)
    code = Code(program)
    rows: dict[int, InstructionCount] = {}
    for address, cost in sorted(explorer.costs.items()):
        node = found.nodes.get(address)
        instruction = node.instruction if node else code.instruction(address, 1, 1)
        if instruction is not None:
            rows[address] = InstructionCount(instruction, cost)
    reasons = dict(explorer.reasons)
    counted = _loops(found, explorer)
    for loop in counted:
        if not loop.counted:
            reasons[Reason(loop.head, "the loop from here runs an unknown number of rounds")] = None
    size = sum(row.instruction.size for row in rows.values())
    return Count(start.address, total, size, rows, tuple(sorted(reasons)), tuple(counted))


def _loops(flow: Flow, explorer: Explorer) -> list[LoopCount]:
    """Count one round of each innermost loop."""
    found: dict[int, LoopCount] = {}
    for routine in flow.routines.values():
        every = loops(flow, routine)
        for loop in every:
            inner = any(other.head != loop.head and other.head in loop.body for other in every)
            calls = any(flow.nodes[at].instruction.opcode.access == "call" for at in loop.body)
            once = FREE if inner or calls else _round(flow, loop, explorer.costs)
            found[loop.head] = LoopCount(loop.head, once, loop.head not in explorer.round)
    return [found[head] for head in sorted(found)]


def _round(flow: Flow, loop: Loop, costs: Mapping[int, Cost]) -> Cost:
    """Return the cheapest and the dearest way from the head back to it."""
    members = (loop.head, *(at for at in loop.body if at != loop.head))
    numbers = {address: number for number, address in enumerate(members)}
    places = [Place() for _ in numbers]
    for address, number in numbers.items():
        price = costs.get(address, FREE)
        for edge in flow.nodes[address].successors:
            if edge.target == loop.head:
                places[number].leaves.append(price)
            elif edge.target in numbers:
                places[number].edges.append((numbers[edge.target], price))
    found = bounds(places, endless=False)
    pairs = [(low, high or low) for low, high in found]
    return Cost(*pairs[0], *pairs[1], *pairs[2])


class LineCount(NamedTuple):
    """A line of source text with what its instructions cost, each executed once, or all that a run spent there."""

    line: SourceLine
    size: int
    cycles: tuple[int, int]
    clocks: tuple[int, int]
    times: int
    """How often a run came to its first instruction; 0 without a run."""


class _Part(NamedTuple):
    """What one address adds to its line."""

    size: int
    cycles: tuple[int, int]
    clocks: tuple[int, int]
    times: int


def count_lines(counted: Count, listing: Listing, *, fast: bool = False) -> tuple[LineCount, ...]:
    """Return the costs by line of source text: each instruction once, with slow ROM or with fast ROM."""
    parts: dict[int, _Part] = {}
    for address, (instruction, cost) in counted.instructions.items():
        clocks = (cost.fast, cost.most_fast) if fast else (cost.slow, cost.most_slow)
        parts[address] = _Part(instruction.size, (cost.cycles, cost.most_cycles), clocks, 0)
    return _by_line(parts, listing)


def _by_line(parts: Mapping[int, _Part], listing: Listing) -> tuple[LineCount, ...]:
    """Give each address to the line whose bytes begin last before it."""
    lines = sorted((line for line in listing.lines if line.address >= 0), key=lambda line: line.address)
    found: list[LineCount] = []
    ordered = sorted(parts)
    for place, line in enumerate(lines):
        end = lines[place + 1].address if place + 1 < len(lines) else line.address | 0xFFFF
        inside = [parts[address] for address in ordered if line.address <= address < max(end, line.address + 1)]
        if inside:
            found.append(_total(line, inside))
    return tuple(found)


def _total(line: SourceLine, parts: Iterable[_Part]) -> LineCount:
    every = list(parts)
    return LineCount(
        line,
        sum(part.size for part in every),
        (sum(part.cycles[0] for part in every), sum(part.cycles[1] for part in every)),
        (sum(part.clocks[0] for part in every), sum(part.clocks[1] for part in every)),
        every[0].times,
    )


@dataclass(frozen=True)
class Measured:
    """What one run cost, exactly."""

    cycles: int
    clocks: int
    instructions: int
    size: int
    """Bytes of the instructions that ran, each once; those that the flow does not know left out."""
    by_address: dict[int, Spent]
    by_line: tuple[LineCount, ...]


def measure(outcome: Outcome, *, flow: Flow | None = None, listing: Listing | None = None) -> Measured:
    """Return what a run cost, from an outcome with a profile; sizes with a flow, and lines with a listing."""
    nodes = flow.nodes if flow else {}
    sizes = {at: nodes[at].instruction.size if at in nodes else 0 for at in outcome.profile}
    parts = {
        at: _Part(sizes[at], (spent.cycles, spent.cycles), (spent.clocks, spent.clocks), spent.times)
        for at, spent in outcome.profile.items()
    }
    return Measured(
        outcome.cycles,
        outcome.clocks,
        outcome.instructions,
        sum(sizes.values()),
        dict(sorted(outcome.profile.items())),
        _by_line(parts, listing) if listing else (),
    )
