"""Two programs run on the same input, and what they came to held side by side."""

from collections.abc import Mapping
from functools import lru_cache
from random import Random
from typing import NamedTuple

from knowledge.m65816.equivalence_hardware import TIMED, hardware_differences, image_differences
from knowledge.m65816.flow import Flow
from knowledge.m65816.machine import Machine
from knowledge.m65816.opcodes import FLAGS
from knowledge.m65816.outcome import HardwareAccess, Outcome, Start, Stop
from knowledge.m65816.ports.video import SIZES
from knowledge.m65816.vectors import Case
from schemas.contract import Contract, Difference

__all__ = ["ENDS", "Pair", "Result", "work"]

ENDS: tuple[Stop, ...] = ("rts", "rtl", "rti", "end")
"""Ways to end that count as one: a return, or the end of the code."""
_UNRELIABLE = ("open_bus", "unmapped", "write_only_read")
_VIDEO_READS = range(0x2138, 0x213C)
"""What reads OAM, VRAM and CGRAM."""
_ACCESS = 8
"""Instructions that take as long as one access of the hardware."""
_FRAME_CLOCKS = 1364 * 262
_PHASES = 12
_ENDED: dict[str, str] = {
    "rts": "RTS",
    "rtl": "RTL",
    "rti": "RTI",
    "end": "the end of the code",
    "outside": "control leaves the program",
    "budget": "no end within the budget",
    "stp": "STP",
    "wai": "WAI with no interrupt to come",
    "interrupt": "BRK, COP or an interrupt that leads nowhere",
}


class Result(NamedTuple):
    """What one input came to on both."""

    differences: tuple[Difference, ...]
    first: Outcome
    second: Outcome
    reads_itself: bool = False
    """Whether they differ and the original read its own instructions as data."""

    @property
    def usable(self) -> bool:
        """Whether the original ended, so that there is something to compare with."""
        return self.first.stop in ENDS

    @property
    def reliable(self) -> bool:
        """Whether the original relied on nothing that hardware answers by chance, and not on its own instructions."""
        return not self.reads_itself and not any(remark.code in _UNRELIABLE for remark in self.first.remarks)


def _reads_video(outcome: Outcome) -> bool:
    return any(one.address in _VIDEO_READS and one.kind == "read" for one in outcome.hardware)


@lru_cache(maxsize=4)
def _video(seed: int) -> Mapping[str, bytes]:
    """Return what VRAM, CGRAM (words of 15 bits) and OAM hold at the start, by the seed of all other memory."""
    random = Random(f"video {seed}")
    found = {name: random.randbytes(size) if seed else b"\x55" * size for name, size in SIZES.items()}
    found["cgram"] = bytes(byte & 0x7F if index & 1 else byte for index, byte in enumerate(found["cgram"]))
    return found


def work(outcome: Outcome) -> int:
    """Return what a run cost, in instructions: an access of the hardware is worth several, and so is a byte of DMA.

    DMA shows in the clocks, of which a cycle of the CPU takes 12 at most and a byte takes 8. Accesses of ROM and of
    nothing are in no log: where there is a remark, each instruction may have made some.
    """
    moved = max(0, outcome.clocks - 12 * outcome.cycles) // 8
    each = _ACCESS if outcome.remarks else 1
    return each * outcome.instructions + _ACCESS * (len(outcome.hardware) + moved) + 2 * len(outcome.memory)


class Pair:
    """Two machines that are started alike again and again."""

    def __init__(self, machines: tuple[Machine, Machine], contract: Contract, flow: Flow) -> None:
        """Take the machines of the original and of the candidate; `flow` is the original's."""
        self.first, self.second = machines
        self._own = [(offset, offset + len(data)) for machine in machines for offset, data in machine.layout.ram]
        self._shows_video = False
        self._latest: tuple[Case, Result] | None = None
        self.contract = contract
        routine = flow.routines.get(flow.entries[0].address)
        self.interrupt = routine is not None and any(one.kind == "rti" for one in routine.exits)
        self._code = frozenset(
            self.first.layout.offset(node.instruction.address + index)
            for node in flow.nodes.values()
            for index in range(node.instruction.size)
        )
        self.work = 0
        """What both together have cost so far, by `work`."""
        self._deepest = 0
        self._dead = [(one.start, one.end) for one in contract.memory_clobbers]

    @property
    def frame(self) -> int:
        """Bytes that lie on the stack at the first instruction."""
        return 4 if self.interrupt and not self.contract.e else 3

    def start(self, case: Case) -> Start:
        """Return what a machine starts from on a case."""
        frame = "interrupt" if self.interrupt else "call"
        video: Mapping[str, bytes] = _video(case.poison) if self._shows_video else {}
        return Start(case.registers, case.memory, case.poison, frame, video, case.script)  # type: ignore[arg-type]  # mypy widens the literals of a conditional

    def free(self, address: int) -> bool:
        """Return whether a byte may be set at the start: both have RAM there, and neither its own bytes."""
        offset = self.first.layout.offset(address) if address <= 0xFFFFFF else -1
        if offset < 0 or self.second.layout.offset(address) < 0:
            return False
        return not any(low <= offset < high for low, high in self._own)

    def run(self, case: Case) -> Result:
        """Run both on a case and say how they differ."""
        if self._latest is not None and self._latest[0] is case:
            return self._latest[1]
        result = self._run(case)
        if not self._shows_video and (_reads_video(result.first) or _reads_video(result.second)):
            self._shows_video = True
            result = self._run(case)
        self._latest = case, result
        return result

    def _run(self, case: Case) -> Result:
        start, budget = self.start(case), self.contract.budget
        first = self.first.run(start, budget=budget)
        if first.stop not in ENDS:
            self.work += work(first)
            return Result((), first, first)
        second = self.second.run(start, budget=2 * budget + 64)
        self.work += work(first) + work(second)
        found = self._differences(first, second, start)
        if found and any(self._timed(first)) and self._later_agrees(start, first, second):
            found = ()
        return Result(found, first, second, reads_itself=bool(found) and self._reads_itself(start))

    def _reads_itself(self, start: Start) -> bool:
        """Return whether the original reads bytes of its own instructions as data: what it then does, no other code
        can do."""
        return not self._code.isdisjoint(self.first.data_reads(start, budget=self.contract.budget))

    def _timed(self, outcome: Outcome) -> list[HardwareAccess]:
        return [one for one in outcome.hardware if one.kind == "read" and one.address in TIMED]

    def _later_agrees(self, start: Start, first: Outcome, second: Outcome) -> bool:
        """Return whether the original comes to what the candidate came to, when it is started at another clock.

        Code that reads the beam's position has no one outcome. So that a faster candidate is not refuted for reading
        it sooner, it may do what the original does from another start: first those at which a reading of the original
        falls on the clock of the candidate's reading, then a dozen over the frame.
        """
        shifts = [
            (two.clock - one.clock) % _FRAME_CLOCKS
            for one, two in zip(self._timed(first), self._timed(second), strict=False)
        ]
        shifts = list(dict.fromkeys(shifts))[:4] + [n * _FRAME_CLOCKS // _PHASES + 7 * n for n in range(1, _PHASES)]
        for shift in shifts:
            again = self.first.run(start, budget=self.contract.budget, clock=shift)
            self.work += work(again)
            if again.stop in ENDS and not self._differences(again, second, start):
                return True
        return False

    def _differences(self, first: Outcome, second: Outcome, start: Start) -> tuple[Difference, ...]:
        if first.stop != second.stop:
            ends = (_ENDED[first.stop], _ENDED[second.stop])
            return (Difference(where="how it ends", original=ends[0], candidate=ends[1]),)
        found = self._register_differences(first, second)
        found += self._memory_differences(first, second, start)
        if first.hardware or second.hardware:
            look = image_differences if self.contract.hardware == "final" else hardware_differences
            found += look(first, second)
        return tuple(found)

    def _register_differences(self, first: Outcome, second: Outcome) -> list[Difference]:
        one, other = first.registers, second.registers
        if one == other:
            return []
        rows = [
            ("A", one.a & 0xFF, other.a & 0xFF, 2),
            ("B", one.a >> 8, other.a >> 8, 2),
            ("X", one.x, other.x, 4),
            ("Y", one.y, other.y, 4),
            ("S", one.s, other.s, 4),
            ("D", one.d, other.d, 4),
            ("DB", one.db, other.db, 2),
        ]
        clobbers = self.contract.clobbers
        found = [
            Difference(where=name, original=f"${left:0{digits}X}", candidate=f"${right:0{digits}X}")
            for name, left, right, digits in rows
            if left != right and name not in clobbers
        ]
        flags = [(name, one.p & bit, other.p & bit) for name, bit in FLAGS.items()] + [("e", one.e, other.e)]
        found += [
            Difference(where=f"flag {name}", original=str(int(left != 0)), candidate=str(int(right != 0)))
            for name, left, right in flags
            if left != right and name not in clobbers
        ]
        return found

    def _memory_differences(self, first: Outcome, second: Outcome, start: Start) -> list[Difference]:
        if first.memory == second.memory:
            return []
        found: list[tuple[int, int, int]] = []
        for address in sorted(first.memory.keys() | second.memory.keys()):
            left = first.memory.get(address)
            right = second.memory.get(address)
            left = self._untouched(self.first, address) if left is None else left
            right = self._untouched(self.second, address) if right is None else right
            if left != right and not any(low <= address <= high for low, high in self._dead):
                found.append((address, left, right))
        return [
            Difference(where=f"${address:06X}", original=f"${left:02X}", candidate=f"${right:02X}")
            for address, left, right in found
            if not self._is_dead_stack(address, first, start)
        ]

    def _untouched(self, machine: Machine, address: int) -> int:
        """Return a byte that the machine's last run did not write."""
        offset = machine.layout.offset(address)
        return machine.cpu.memory.storage[offset] if offset >= 0 else -1

    def _is_dead_stack(self, address: int, first: Outcome, start: Start) -> bool:
        """Return whether a byte lies below S at the end, where one of the two pushed and pulled.

        How deep they went is seen by running them again step by step, the first time that it matters.
        """
        below = first.registers.s - (address & 0x1FFF)
        if address >> 13 != 0x7E0000 >> 13 or not 0 <= below < 0x100:
            return False
        if below >= self._deepest:
            for machine in (self.first, self.second):
                self._deepest = max(self._deepest, first.registers.s - self._lowest(machine, start))
        return below < self._deepest

    def _lowest(self, machine: Machine, start: Start) -> int:
        trace = machine.run(start, budget=2 * self.contract.budget + 64, trace=True).trace
        self.work += len(trace)
        return min(line.registers.s for line in trace)
