"""Programs that work the hardware, and what they keep in work RAM for a test to look at."""

from knowledge.m65816.machine import Machine
from knowledge.m65816.outcome import Outcome, Script, Start
from knowledge.m65816.program import Block, Program
from tests.oracle.rom import Code

__all__ = ["TABLE", "Work", "codes", "kept"]

TABLE = bytes(range(1, 65))


class Work(Code):
    """A program that keeps what it reads at $7E4000 on."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = 0

    def keep(self, register: int) -> None:
        self.read(register)
        self.store(0x7E4000 + self.kept)
        self.kept += 1

    def word(self, register: int, value: int) -> None:
        self.write(register, value & 0xFF)
        self.write(register + 1, value >> 8)

    def dma(self, control: int, port: int, address: int, count: int, *, channel: int = 0) -> None:
        for index, value in enumerate((control, port, address & 0xFF, address >> 8 & 0xFF, address >> 16)):
            self.write(0x4300 + channel * 16 + index, value)
        self.word(0x4305 + channel * 16, count)
        self.write(0x420B, 1 << channel)

    def loop(self, register: int, branch: str) -> None:
        """LDA.w register, and back while the branch is taken."""
        self.put("LDA", "absolute", register)
        self.put(branch, "relative", -5)

    def run(self, script: Script | None = None, *, budget: int = 100_000, start: Start | None = None) -> Outcome:
        blocks = (Block(0x008000, bytes(self.data) + b"\x6b"), Block(0x018000, TABLE))
        return Machine(Program(blocks), cpu="python").run(start or Start(script=script or Script()), budget=budget)

    def kept_of(self, outcome: Outcome) -> list[int]:
        return [outcome.memory[0x7E4000 + index] for index in range(self.kept)]


def kept(work: Work, script: Script | None = None) -> list[int]:
    outcome = work.run(script)
    assert outcome.stop == "rtl"
    return work.kept_of(outcome)


def codes(outcome: Outcome) -> list[str]:
    return [remark.code for remark in outcome.remarks]
