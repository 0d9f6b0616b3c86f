"""How long `compare` takes on a pair of about ten instructions, against running the vectors alone without a proof."""

import statistics
import time

from benchmarks.ratio import Ratio, in_turns, ratio_of
from knowledge.m65816.contracts import parse_contract
from knowledge.m65816.equivalence import Method, compare
from knowledge.m65816.machine import Machine
from knowledge.m65816.outcome import Start
from knowledge.m65816.program import snippet

__all__ = ["BOUND", "CANDIDATE", "CONTRACT", "ORIGINAL", "measure", "milliseconds"]

BOUND = 1.5
"""The most that `compare` may take, as a multiple of starting both programs as often as it may have to."""
ORIGINAL = snippet(bytes.fromhex("A510 18 6512 8514 A511 6513 8515 A514 0A 8516 60"))
"""LDA $10 / CLC / ADC $12 / STA $14 / LDA $11 / ADC $13 / STA $15 / LDA $14 / ASL / STA $16 / RTS."""
CANDIDATE = snippet(bytes.fromhex("C220 A510 18 6512 8514 E220 A514 0A 8516 60"))
"""The same with one 16-bit addition."""
CONTRACT = parse_contract(clobbers="A B n v z c")
_ROUNDS = 21
_STARTS = 400


def _compared(method: Method = "auto") -> None:
    compare(ORIGINAL, CANDIDATE, CONTRACT, method=method)


def _plain() -> None:
    """Start both as often as testing alone may: the work that a proof saves."""
    for program in (ORIGINAL, CANDIDATE):
        machine = Machine(program)
        for number in range(_STARTS):
            machine.run(Start(memory={0x10: number & 0xFF}, poison=1 + number // 100))


def measure() -> Ratio:
    """Return how `compare` stands against plain runs, in one process and in turns."""
    return ratio_of("compare_code", in_turns(_compared, _plain, rounds=_ROUNDS), bound=BOUND, plain="800 plain runs")


def milliseconds(method: Method = "auto", *, rounds: int = _ROUNDS) -> float:
    """Return the median time of one comparison by a method."""
    times: list[float] = []
    for _ in range(rounds):
        start = time.perf_counter()
        _compared(method)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)
