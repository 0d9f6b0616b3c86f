"""What a program costs, measured: the same inputs run on it as on every other candidate."""

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from knowledge.m65816.flow import Entry, analyse
from knowledge.m65816.flow_state import State
from knowledge.m65816.machine import Machine
from knowledge.m65816.outcome import Start
from knowledge.m65816.program import Program
from knowledge.m65816.vectors import Case, cases, mine
from schemas.contract import Contract

__all__ = ["Measure", "inputs", "measure"]

_RUNS = 24
_ENOUGH = 200_000
"""Instructions after which no further input is run."""


class Measure(NamedTuple):
    """The cost of one run over the inputs tried."""

    clocks: float
    """Master clocks, the mean."""
    cycles: float
    """CPU cycles, the mean."""
    least: int
    """Master clocks of the shortest run."""
    most: int
    """Master clocks of the longest run."""
    size: int
    """Bytes in the program's blocks."""
    runs: int
    """Inputs that ended; 0: none did, and nothing above but the size means anything."""


def inputs(program: Program, contract: Contract, *, seed: int) -> list[Case]:
    """Return inputs to measure on: corners, the program's own constants and random ones."""
    entry = Entry(program.start, State(m=contract.m, x=contract.x, e=contract.e, d=contract.d, db=contract.db))
    return list(
        islice(cases(contract, mine([analyse(program, (entry,))], contract), seeds=8, seed=seed), 0, 4 * _RUNS, 4)
    )


def measure(program: Program, contract: Contract, given: Sequence[Case], *, interrupt: bool) -> Measure:
    """Run a program on inputs and return what it costs."""
    machine = Machine(program)
    clocks: list[int] = []
    cycles = instructions = 0
    for case in given:
        if instructions > _ENOUGH:
            break
        start = Start(case.registers, case.memory, case.poison, "interrupt" if interrupt else "call")
        outcome = machine.run(start, budget=contract.budget)
        instructions += outcome.instructions
        if outcome.stop in ("rts", "rtl", "rti", "end"):
            clocks.append(outcome.clocks)
            cycles += outcome.cycles
    runs = len(clocks)
    if not runs:
        return Measure(0.0, 0.0, 0, 0, program.size, 0)
    return Measure(sum(clocks) / runs, cycles / runs, min(clocks), max(clocks), program.size, runs)
