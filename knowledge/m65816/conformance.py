"""`python -m knowledge.m65816.conformance FOLDER`: the CPUs against a folder of single-step cases, cycle by cycle.

The cases are those of the public SingleStepTests suite for the 65816: files `XX.n.json` and `XX.e.json`, plain or
gzipped, each an array of cases with `initial` and `final` state and the `cycles` of the bus as [address, value, pins].
A case stops after 100 cycles, which only block moves reach: those are compared up to there.
"""

import gzip
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import click

from knowledge.m65816.cpu import ANYWHERE, VDA, VPA, VPB, WRITE, BusCycle, Cpu, CpuKind, Quiet, Record, open_cpu
from knowledge.m65816.memory import PAGE, PAGES
from knowledge.m65816.outcome import CodeError
from knowledge.m65816.registers import Registers

__all__ = ["Tally", "check_case", "check_file", "flat_cpu", "main"]

FAULTS = ("registers", "memory", "cycles", "bus")
_PINS = ((0, "d", VDA), (1, "p", VPA), (2, "v", VPB), (3, "w", WRITE))
_STEP = 7
"""Cycles of one byte of a block move."""


class Tally(NamedTuple):
    """What the cases of one file came to on one CPU."""

    name: str
    cpu: CpuKind
    cases: int
    faults: tuple[int, int, int, int]
    """Cases that differ in registers, memory, number of cycles, order or content of the bus."""
    shown: int
    """Internal cycles that show another address on the pins: told, but no fault, since nothing is accessed."""
    first: str
    """The first case that differs, and how."""


def flat_cpu(kind: CpuKind) -> Cpu:
    """Return a CPU with 16 MiB of plain memory and nothing else, as the suite has."""
    cpu = open_cpu(kind, storage=PAGE * PAGES)
    for page in range(PAGES):
        cpu.memory.show(page, page * PAGE, writable=True)
        cpu.memory.clocks[page] = 8
    cpu.remap()
    return cpu


def _registers(state: dict[str, Any]) -> Registers:
    names = ("a", "x", "y", "s", "d", "dbr", "pbr", "pc", "p", "e")
    return Registers(*(int(state[name]) for name in names))


def _bus(cycles: Sequence[Sequence[Any]]) -> list[tuple[int, int, int]]:
    rows: list[tuple[int, int, int]] = []
    for address, value, pins in cycles:
        kind = sum(bit for place, letter, bit in _PINS if pins[place] == letter)
        rows.append((int(address), -1 if value is None else int(value), kind if kind & (VDA | VPA) else 0))
    return rows


def _touching(bus: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Return the bus with what internal cycles show left out."""
    return [cycle if cycle[2] else (0, -1, 0) for cycle in bus]


def _rest(cpu: Cpu, record: Record, cycles: int) -> tuple[Registers, list[BusCycle]]:
    """Return where a block move stands a few cycles into its next step, and those cycles; memory is put back."""
    storage, start = cpu.memory.storage, record.halt.registers.copy()
    destination = storage[start.pb << 16 | start.pc + 1 & 0xFFFF] << 16 | start.y
    kept = storage[destination]
    more = cpu.record(start, Quiet(), budget=1, code=ANYWHERE)
    storage[destination] = kept
    bus = list(more.bus[:cycles])
    start.pc = start.pc + sum(1 for cycle in bus if cycle.kind & VPA) & 0xFFFF
    return start, bus


def check_case(cpu: Cpu, case: dict[str, Any]) -> tuple[tuple[bool, ...], int]:
    """Run one case on a `flat_cpu`; return which of FAULTS it shows, and internal cycles with another address."""
    start, final, storage = _registers(case["initial"]), case["final"], cpu.memory.storage
    wanted = _bus(case.get("cycles", ()))
    for address, value in case["initial"]["ram"]:
        storage[address] = value
    moving = storage[start.pb << 16 | start.pc] in (0x44, 0x54)
    record = cpu.record(start, Quiet(), budget=max(1, len(wanted) // _STEP) if moving else 1, code=ANYWHERE)
    registers, bus, cycles = record.halt.registers, list(record.bus), record.halt.cycles
    if moving and 0 < len(wanted) - cycles < _STEP:
        registers, rest = _rest(cpu, record, len(wanted) - cycles)
        bus, cycles = bus + rest, len(wanted)
    ram = dict(cast("list[tuple[int, int]]", final["ram"]))
    memory = all(storage[address] == value for address, value in ram.items())
    faults = (
        registers != _registers(final),
        not memory or not set(record.halt.written) <= set(ram),
        cycles != len(wanted) and record.halt.stop not in ("wai", "stp"),
        _touching(bus) != _touching(wanted[: len(bus)]),
    )
    for address in (*ram, *(address for address, _ in case["initial"]["ram"]), *record.halt.written):
        storage[address] = 0
    pairs = zip(bus, wanted, strict=False)
    return faults, sum(1 for ours, theirs in pairs if not ours.kind and ours.address != theirs[0])


def check_file(cpu: Cpu, path: Path) -> Tally:
    """Run all cases of a file. Raises CodeError when it is not such a file."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        cases = cast("list[dict[str, Any]]", json.loads(data))
        counts, shown, first = [0, 0, 0, 0], 0, ""
        for case in cases:
            faults, differ = check_case(cpu, case)
            shown += differ
            for number, fault in enumerate(faults):
                counts[number] += fault
            if any(faults) and not first:
                first = f"{case['name']}: {', '.join(name for name, bad in zip(FAULTS, faults, strict=True) if bad)}"
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise CodeError(f"{path.name} is no file of single-step cases ({error}); name the suite's v1 folder") from error
    a, b, c, d = counts
    return Tally(path.name.split(".json")[0], cpu.kind, len(cases), (a, b, c, d), shown, first)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.endswith((".json", ".json.gz")))


def _rows(tallies: Sequence[Tally]) -> Iterator[str]:
    yield f"{'file':6} {'cpu':7} {'cases':>7} " + " ".join(f"{name:>9}" for name in FAULTS) + "   first"
    for tally in tallies:
        if any(tally.faults):
            counts = " ".join(f"{count:9}" for count in tally.faults)
            yield f"{tally.name:6} {tally.cpu:7} {tally.cases:7} {counts}   {tally.first}"
    for kind in sorted({tally.cpu for tally in tallies}):
        own = [tally for tally in tallies if tally.cpu == kind]
        cases, shown = sum(tally.cases for tally in own), sum(tally.shown for tally in own)
        counts = " ".join(f"{sum(tally.faults[number] for tally in own):9}" for number in range(len(FAULTS)))
        yield f"{'all':6} {kind:7} {cases:7} {counts}   {len(own)} files, {shown} other addresses in internal cycles"


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--cpu", "which", type=click.Choice(["python", "wasm", "both"]), default="both", show_default=True)
def main(*, folder: Path, which: str) -> None:
    """Run every case in FOLDER; print the files that differ and the sums; exit with 1 when any case differs."""
    kinds: tuple[CpuKind, ...] = ("python", "wasm") if which == "both" else (cast("CpuKind", which),)
    files = _files(folder)
    if not files:
        raise click.UsageError(f"no .json or .json.gz file in {folder}; name the folder that holds 00.n.json and on")
    try:
        tallies = [check_file(cpu, path) for cpu in map(flat_cpu, kinds) for path in files]
    except CodeError as error:
        raise click.ClickException(str(error)) from error
    for row in _rows(tallies):
        click.echo(row)
    if any(any(tally.faults) for tally in tallies):
        sys.exit(1)


if __name__ == "__main__":
    main()
