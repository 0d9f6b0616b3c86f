"""Five hundred graded runs: each program on sixteen inputs, about 500 instructions each, every result checked.

The goals are 10 s on two cores on the Python CPU and 1 s on the WebAssembly one; what is held is their ratio.
"""

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from benchmarks.ratio import Ratio
from knowledge.m65816.cpu import CpuKind
from knowledge.m65816.machine import Machine
from knowledge.m65816.outcome import Start
from knowledge.m65816.program import snippet
from knowledge.m65816.registers import Registers

__all__ = ["BOUND", "INPUTS", "PROGRAMS", "grade", "measure"]

PROGRAMS, INPUTS, WORKERS = 500, 16, 2
BOUND = 0.1
"""The fast CPU's share of the Python CPU's time, at most."""
_TIMES = 83
"""Rounds of the loop: six instructions each, 500 in all."""


def _program(number: int) -> bytes:
    """Return `LDX #83; loop: LDA $10; CLC; ADC #n; STA $10; DEX; BNE loop; RTL`: $10 grows by n, 83 times."""
    return bytes((0xA2, _TIMES, 0xA5, 0x10, 0x18, 0x69, number & 0xFF, 0x85, 0x10, 0xCA, 0xD0, 0xF6, 0x6B))


def grade(numbers: Sequence[int], cpu: CpuKind) -> int:
    """Run these programs on all inputs; return the instructions run. Raises ValueError when a result is wrong."""
    ran = 0
    for number in numbers:
        machine = Machine(snippet(_program(number)), cpu=cpu)
        for value in range(INPUTS):
            first = value * 16 + number % 16
            outcome = machine.run(Start(Registers(), {0x7E0010: first}), budget=2_000)
            if outcome.memory[0x7E0010] != (first + _TIMES * number) & 0xFF or outcome.stop != "rtl":
                raise ValueError(f"program {number} with input {first} came to {outcome.memory} on the {cpu} CPU")
            ran += outcome.instructions
    return ran


def _seconds(pool: ProcessPoolExecutor, cpu: CpuKind) -> float:
    parts = [range(part, PROGRAMS, WORKERS) for part in range(WORKERS)]
    start = time.perf_counter()
    ran = sum(pool.map(grade, parts, [cpu] * WORKERS))
    took = time.perf_counter() - start
    if ran < PROGRAMS * INPUTS * 490:
        raise ValueError(f"only {ran} instructions were run")
    return took


def measure() -> list[Ratio]:
    """Time all runs on both CPUs, on two processes that are warm."""
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        for cpu in ("python", "wasm"):
            list(pool.map(grade, [range(1)] * WORKERS, [cpu] * WORKERS))
        python, fast = _seconds(pool, "python"), _seconds(pool, "wasm")
    return [
        Ratio(
            name=f"{PROGRAMS} graded runs x {INPUTS} inputs x 500 instructions",
            ours_ms=fast * 1000,
            plain_ms=python * 1000,
            bound=BOUND,
            plain="the same on the Python CPU",
        )
    ]
