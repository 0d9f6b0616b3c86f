"""Flow analysis with lint, and flow analysis alone, against the Python CPU on two hundred times as many instructions.

The goal is 20,000 instructions a second where the Python CPU runs four million: their ratio is what is held.
"""

from benchmarks.ratio import Ratio, in_turns, ratio_of
from knowledge.m65816.flow import Entry, analyse
from knowledge.m65816.flow_state import State
from knowledge.m65816.lint.check import lint
from knowledge.m65816.machine import Machine
from knowledge.m65816.program import Program, snippet

__all__ = ["BOUND", "ROUNDS", "measure"]

BOUND = 1.0
ROUNDS = 3
TIMES = 200
"""Instructions that the CPU runs for each one that is analysed."""
_PIECE = bytes.fromhex("a910 8510 c210 a20000 b520 9d0002 e8 e01000 d0f5 e210 a500 f002 e600 18 6910 8512 9c0021")
_PIECES = 420
_LOOP = snippet(bytes.fromhex("a5 10 18 69 01 85 10 80 f7"))


def program() -> Program:
    """Return a routine of some 8,000 instructions with a loop and a branch in every twenty."""
    return snippet(_PIECE * _PIECES + b"\x60")


def measure() -> list[Ratio]:
    """Analyse and lint in turns with the run."""
    code, entries = program(), [Entry(0x8000, State(m=1, x=1, d=0, db=0))]
    count = len(analyse(code, entries).nodes)
    machine = Machine(_LOOP, cpu="python")

    def plain() -> object:
        return machine.run(budget=TIMES * count)

    plain_way = f"the Python CPU on {TIMES} times as many instructions"
    flow = in_turns(lambda: analyse(code, entries), plain, rounds=ROUNDS)
    both = in_turns(lambda: lint(code, entries=entries), plain, rounds=ROUNDS)
    return [
        ratio_of(f"flow analysis of {count:,} instructions", flow, bound=BOUND, plain=plain_way),
        ratio_of(f"flow analysis and lint of {count:,} instructions", both, bound=BOUND, plain=plain_way),
    ]
