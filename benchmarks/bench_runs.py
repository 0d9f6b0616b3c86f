"""Five hundred graded runs: each program on sixteen inputs, about 500 instructions each, every result checked.

The goals are 10 s on two cores on the Python CPU and 1 s on the WebAssembly one, where the flat-memory loop does about
a million instructions a second, the four million of these runs in two seconds: five times and half of its time.
"""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor

from benchmarks.bench_cpu import INSTRUCTIONS, flat_loop
from benchmarks.ratio import Ratio
from knowledge.m65816.cpu import CpuKind
from knowledge.m65816.machine import Machine
from knowledge.m65816.outcome import Start
from knowledge.m65816.program import snippet
from knowledge.m65816.registers import Registers

__all__ = ["BOUNDS", "INPUTS", "PROGRAMS", "flat", "grade", "measure"]

PROGRAMS, INPUTS, WORKERS = 500, 16, 2
BOUNDS: dict[CpuKind, float] = {"python": 5.0, "wasm": 0.5}
"""What the runs may take on each CPU, as a multiple of the flat-memory loop's time for as many instructions."""
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


def flat(rounds: int) -> int:
    """Run the flat-memory loop so many times; return its instructions."""
    once = flat_loop()
    for _ in range(rounds):
        once()
    return rounds * INSTRUCTIONS


def _milliseconds(pool: ProcessPoolExecutor, work: Callable[..., int], *given: Sequence[object]) -> float:
    """Share work out to the processes; return how long all of it took."""
    start = time.perf_counter()
    ran = sum(pool.map(work, *given))
    took = time.perf_counter() - start
    if ran < PROGRAMS * INPUTS * 490:
        raise ValueError(f"only {ran} instructions were run")
    return took * 1000


def measure() -> list[Ratio]:
    """Time all runs on both CPUs and the flat-memory loop, on two processes that are warm."""
    parts = [range(part, PROGRAMS, WORKERS) for part in range(WORKERS)]
    rounds = PROGRAMS * INPUTS * 500 // WORKERS // INSTRUCTIONS + 1
    found: list[Ratio] = []
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(flat, [1] * WORKERS))
        plain = _milliseconds(pool, flat, [rounds] * WORKERS)
        for cpu, bound in BOUNDS.items():
            list(pool.map(grade, [range(1)] * WORKERS, [cpu] * WORKERS))
            ours = _milliseconds(pool, grade, parts, [cpu] * WORKERS)
            name = f"{PROGRAMS} graded runs x {INPUTS} inputs x 500 instructions, {cpu}"
            text = "the flat-memory loop on as many instructions"
            found.append(Ratio(name=name, ours_ms=ours, plain_ms=plain, bound=bound, plain=text))
    return found
