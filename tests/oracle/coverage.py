"""Writes docs/65816-coverage.md: which judge has seen which opcode, counted from the corpora themselves.

`python -m tests.oracle.coverage` writes; `--check` writes nothing and fails when the file is stale. The single-step
files are not part of the project: how many cases each has is kept in single_step.json, and `--single-step FOLDER`
counts them anew.
"""

import argparse
import gzip
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from knowledge.m65816.opcodes import BRANCHES, OPCODES, Opcode
from tests.oracle.accesses import accesses
from tests.oracle.cases import LEFT_OUT, OUTDATED, UNTIMED
from tests.oracle.corpus import FOLDER, Recorded, instructions
from tests.oracle.interrupts import interrupts
from tests.oracle.ports import port_images

__all__ = ["PAGE", "count_single_steps", "main", "page"]

PAGE: Final = FOLDER.parent.parent / "docs" / "65816-coverage.md"
_COUNTS: Final = FOLDER / "single_step.json"


class _Seen(NamedTuple):
    """What was counted: cases by (opcode, e)."""

    single: Counter[tuple[int, int]]
    emulator: Counter[tuple[int, int]]
    timed: Counter[tuple[int, int]]
    interrupted: Counter[tuple[int, int]]
    accessed: Counter[tuple[int, int]]


def count_single_steps(folder: Path) -> dict[str, int]:
    """Return the number of cases in each single-step file (`a9.n.json`, gzip or not) of a folder."""
    counts: dict[str, int] = {}
    for path in sorted(folder.glob("??.[en].json*")):
        data = path.read_bytes()
        text = gzip.decompress(data) if path.suffix == ".gz" else data
        counts[path.name[:4]] = len(json.loads(text))
    return counts


def _counted(rows: Sequence[Recorded]) -> _Seen:
    single: Counter[tuple[int, int]] = Counter()
    for name, count in json.loads(_COUNTS.read_text(encoding="utf-8")).items():
        single[int(name[:2], 16), int(name[3] == "e")] += count
    return _Seen(
        single,
        Counter((row.opcode, row.start.e) for row in rows),
        Counter((row.opcode, row.start.e) for row in rows if row.clocks >= 0),
        Counter((row.row.opcode, row.row.start.e) for row in interrupts()),
        Counter((row.opcode, row.start.e) for row in accesses()),
    )


def _cell(seen: _Seen, code: int, e: int) -> str:
    key = code, e
    parts: list[str] = []
    if seen.single[key]:
        parts.append(f"S{seen.single[key]}")
    if seen.emulator[key]:
        parts.append(f"E{seen.emulator[key]}" if seen.timed[key] else f"e{seen.emulator[key]}")
    elif seen.interrupted[key]:
        parts.append(f"i{seen.interrupted[key]}")
    if seen.accessed[key]:
        parts.append(f"A{seen.accessed[key]}")
    return " ".join(parts) or "none"


def _state(seen: _Seen, code: int, e: int) -> str:
    """Name the strongest judgement of an opcode in a mode."""
    cell = _cell(seen, code, e)
    if "S" in cell and "E" in cell:
        return "state, time and bus, by two judges in state and time"
    if "S" in cell:
        return "state, cycles and bus by the single-step files; state by the emulator"
    if "A" in cell:
        return "state, time, and the clock of a data access by the emulator; the other bus cycles by nobody"
    if "E" in cell:
        return "state and time by the emulator; the order of bus cycles by nobody"
    return "state by the emulator, time by nobody" if cell != "none" else "by nobody"


def _decimal(row: Recorded) -> bool:
    return OPCODES[row.opcode].mnemonic in ("ADC", "SBC") and bool(row.start.p & 8)


def _taken(row: Recorded) -> bool:
    here = row.start.pc + OPCODES[row.opcode].size & 0xFFFF
    return OPCODES[row.opcode].mnemonic in BRANCHES and row.end.pc != here


def _crosses(row: Recorded) -> bool:
    here = row.start.pc + OPCODES[row.opcode].size & 0xFFFF
    return _taken(row) and OPCODES[row.opcode].mnemonic != "BRL" and bool((here ^ row.end.pc) & 0xFF00)


def _by_mode(*modes: str) -> Callable[[Recorded], bool]:
    return lambda row: OPCODES[row.opcode].mode in modes


def _direct(row: Recorded) -> bool:
    return OPCODES[row.opcode].mode.startswith("direct")


_FEATURES: Final[tuple[tuple[str, Callable[[Recorded], bool]], ...]] = (
    ("decimal ADC and SBC, 8-bit", lambda row: _decimal(row) and bool(row.start.p & 0x20)),
    ("decimal ADC and SBC, 16-bit", lambda row: _decimal(row) and not row.start.p & 0x20),
    ("direct modes with DL = 0", lambda row: _direct(row) and not row.start.d & 0xFF),
    ("direct modes with DL not 0", lambda row: _direct(row) and bool(row.start.d & 0xFF)),
    ("branches taken", _taken),
    ("branches taken into another page", _crosses),
    ("branches not taken", lambda row: OPCODES[row.opcode].mnemonic in BRANCHES and not _taken(row)),
    ("indexed absolute and indirect modes", _by_mode("absolute_x", "absolute_y", "direct_indirect_y")),
    ("stack-relative modes", _by_mode("stack_relative", "stack_relative_indirect_y")),
    ("pushes", lambda row: OPCODES[row.opcode].access == "push"),
    ("pulls", lambda row: OPCODES[row.opcode].access == "pull"),
    ("jumps and calls", lambda row: OPCODES[row.opcode].access in ("jump", "call")),
    ("returns", lambda row: OPCODES[row.opcode].access == "return"),
    ("block moves", _by_mode("block_move")),
    ("stack at an end of page 1", lambda row: row.start.s in (0x100, 0x101, 0x102, 0x1FD, 0x1FE, 0x1FF)),
    ("instruction across the end of a bank", lambda row: row.start.pc + OPCODES[row.opcode].size > 0x10000),
)


def _features(rows: Sequence[Recorded]) -> Iterator[str]:
    yield "| what | native | emulation |"
    yield "|---|---:|---:|"
    for name, holds in _FEATURES:
        counts = Counter(row.start.e for row in rows if holds(row))
        yield f"| {name} | {counts[0]} | {counts[1]} |"
    met = Counter((row.kind, row.row.start.e) for row in interrupts())
    for kind in ("nmi", "irq"):
        yield f"| {kind.upper()} | {met[kind, 0]} | {met[kind, 1]} |"


def _ports() -> Iterator[str]:
    kinds: Counter[str] = Counter()
    timed = 0
    for program, images in port_images():
        kinds[program.name.split(",")[0].split(" with ")[0].split(" at ")[0]] += 1
        timed += images.clocks >= 0
    yield "| programs | how many |"
    yield "|---|---:|"
    yield from (f"| {name} | {count} |" for name, count in kinds.items())
    yield f"| all | {sum(kinds.values())}, {timed} with their time |"


def _unverified(seen: _Seen) -> Iterator[str]:
    groups: dict[str, list[tuple[int, int]]] = {}
    for e in (0, 1):
        for row in OPCODES:
            groups.setdefault(_state(seen, row.code, e), []).append((row.code, e))
    yield "| opcodes and modes | judged |"
    yield "|---:|---|"
    for state, members in sorted(groups.items(), key=lambda item: -len(item[1])):
        yield f"| {len(members)} of {2 * len(OPCODES)} | {state} |"
    yield ""
    alone = sum(not seen.single[row.code, e] for row in OPCODES for e in (0, 1))
    yield f"- **Every bus cycle in its order**, and the addresses shown in internal cycles: {alone} of 512 (all without"
    yield "  an `S`). Where there is an `A`, the clock at which data is read or written is verified; those of pointers,"
    yield "  pushes and pulls are not."
    yield from (f"- **{name}**: {why}. Rests on the data sheet." for name, why in LEFT_OUT.items() if name == "STP")
    yield "- **WAI**: only as it is woken (`i`); its time by nobody."
    yield from (f"- **Time of {name}** on the emulator: {why}." for name, why in UNTIMED.items())
    for name, why in OUTDATED.items():
        yield f"- **{name}**: {why}. Held by hand-written tests only."
    yield "- **ABORT and RESET**: no program can cause them on this console. They rest on the data sheet."
    yield "- **Time of NMI and IRQ**, and the instruction after which they are taken when they come in its midst."
    yield "- **Native stack over an end of bank $00** when pushing: the capture needs the byte at S."
    yield "- **The byte at S** after each emulator case: the capture overwrites it."


def _opcode(seen: _Seen, row: Opcode) -> str:
    name = f"{row.mnemonic} {row.mode.replace('_', ' ')}"
    return f"| `{row.code:02X}` | {name} | {_cell(seen, row.code, 0)} | {_cell(seen, row.code, 1)} |"


_HEAD: Final = """\
# How the 65816 is judged

<!-- written by `python -m tests.oracle.coverage` -->

Two judges that are not ours stand behind the CPU, and one behind the ports. This page is counted from what they said.

- **S**: a public single-step suite. Registers, memory, number of cycles, and every bus cycle in order.
- **E**: bsnes (accuracy profile, v094), recorded beside the tests. Registers, all 128 KiB of WRAM, and the exact master
  clocks, taken with the PPU's H/V latch. **e**: without the clocks. **i**: met by NMI or IRQ.
- **A**: the emulator again: the clock within the instruction at which it reads or writes its data, by letting that very
  access latch the counters.

The number is that of the cases. Our CPU, in Python and in WebAssembly, agrees with each of them.
"""


def page() -> str:
    """Return the text of the page."""
    rows = tuple(instructions())
    seen = _counted(rows)
    lines = [_HEAD, "## What stays unverified", ""]
    lines += _unverified(seen)
    lines += ["", "## What the emulator's cases reach", ""]
    lines += _features(rows)
    lines += ["", "## Ports", ""]
    lines.append("Equal VRAM, CGRAM, OAM and WRAM at the end, and equal time: exact, but for up to 16 clocks each time")
    lines += ["that DMA starts, which depend on the time since power-on.", ""]
    lines += _ports()
    lines += ["", "## Opcode by opcode", "", "| opcode | instruction | native | emulation |", "|---|---|---|---|"]
    lines += (_opcode(seen, row) for row in OPCODES)
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description="Write docs/65816-coverage.md from the corpora.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail when the page is stale")
    parser.add_argument("--single-step", type=Path, help="count the files of this folder first")
    given = parser.parse_args(arguments)
    if given.single_step is not None:
        counts = count_single_steps(given.single_step)
        _COUNTS.write_text(json.dumps(counts, indent=0, sort_keys=True) + "\n", encoding="utf-8")
    text = page()
    if given.check:
        fresh = PAGE.exists() and PAGE.read_text(encoding="utf-8") == text
        if not fresh:
            sys.stderr.write(f"{PAGE.name} is stale: run `python -m tests.oracle.coverage`\n")
        return 0 if fresh else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
