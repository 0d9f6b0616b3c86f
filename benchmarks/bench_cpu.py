"""The CPUs: Python against a flat-memory loop from the same generator, WebAssembly against Python, one mix of code."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from benchmarks.ratio import Ratio, in_turns, ratio_of

if TYPE_CHECKING:
    from knowledge.m65816.cpu import Cpu, CpuKind
    from knowledge.m65816.cpu_generate_python import Writer
    from knowledge.m65816.registers import Registers

__all__ = ["FAST_BOUND", "INSTRUCTIONS", "PYTHON_BOUND", "flat_loop", "flat_text", "measure"]

PYTHON_BOUND = 1 / 0.8
"""The Python CPU with page tables, clocks, journal and hardware keeps 0.8 of the flat loop's speed."""
FAST_BOUND = 1 / 50
"""The WebAssembly CPU is 50 times as fast as the Python one."""
INSTRUCTIONS = 74_000
ROUNDS = 7
REPEATS = 10
"""Runs of the mix in a round of the fast CPU and its rival: one alone is over before the processor is warm."""

MIX = {
    # REP #$30, LDX #0, LDY #0, SEP #$20, then 40 times round: LDA ($10), STA $1230,Y, LDA $008000,X, ADC $1300,Y,
    # INC $1420, JSR $8040, INX, INY, CPX #$40, BNE, LDX #0, LDY #0, BRA
    0x8000: "c230a20000a00000e220b210993012bf008000790013ee2014204080e8c8e04000d0e7a20000a0000080df",
    0x8040: "482050806860",  # PHA, JSR $8050, PLA, RTS
    0x8050: "0a60",  # ASL, RTS
}

_ENTER = """\
def run(mem, registers, budget):
 a = registers.a; x = registers.x; y = registers.y; s = registers.s; d = registers.d; db = registers.db << 16
 pc = registers.pb << 16 | registers.pc; p = registers.p
 n = p & 128; v = p & 64; di = p & 8; ii = p & 4; z = 0 if p & 2 else 1; c = p & 1
 st = p >> 4 & 3 | (4 if registers.e else 0) | (8 if d & 255 else 0)
 row = IDS[st & 7]
 cycles = 0
 for left in range(budget - 1, -1, -1):
  op = row[mem[pc]]
  length, lead, cy, deep, fetches = OPERATIONS[op]
  o = mem[pc + 1] if length == 2 else 0 if length == 1 else mem[pc + 1] | mem[pc + 2] << 8
  if length == 4:
   o |= mem[pc + 3] << 16
  nx = pc & 16711680 | pc + length & 65535
  cycles += cy
"""


@cache
def _flat_writer() -> "type[Writer]":
    from knowledge.m65816.cpu_generate_python import Writer

    class Flat(Writer):
        def text(self, node: Any) -> str:
            row = self.item.variant.opcode
            near = "(pc & 16711680 | nx + (o ^ 128) - 128 & 65535)"
            far = "(pc & 16711680 | nx + o & 65535)"
            plain = super().text(node)
            if row is None or row.access != "branch" or not plain.startswith("pc = o"):
                return plain
            return f"pc = {far if row.mode == 'relative_long' else near}"

        def flush(self) -> Iterator[str]:
            self.idle = 0
            yield from ()

        def internal(self, address: str, *, inside: bool) -> Iterator[str]:
            yield from ("cycles += 1",) if inside else ()

        def access(self, name: str, given: list[str], target: str) -> Iterator[str]:
            ea = f"({given[0]})"
            if name == "R8":
                yield f"{target} = mem[{ea}]"
            elif name[0] == "R":
                yield f"{target} = mem[{ea}] | mem[{ea} + 1] << 8"
            elif name == "W8":
                yield f"mem[{ea}] = {given[1]}"
            else:
                yield f"mem[{ea}] = ({given[1]}) & 255"
                yield f"mem[{ea} + 1] = ({given[1]}) >> 8"

    return Flat


@cache
def flat_text() -> str:
    """Return the text of a loop over the same operations on 16 MiB of flat memory that counts cycles and no more."""
    from knowledge.m65816.cpu_generate_python import tree_lines
    from knowledge.m65816.cpu_layout import operations

    made, left_out = operations(), ("WAI", "STP", "BRK", "COP")
    endings = {"cache = caches[st]": "row = IDS[st & 7]"}
    writer = _flat_writer()
    bodies = [
        [endings.get(line, line) for line in writer(item, recorded=False).lines()]
        if item.variant.opcode is not None and item.variant.opcode.mnemonic not in left_out
        else ["break"]
        for item in made
    ]
    loop = "\n".join(tree_lines(bodies, [item.weight for item in made], "  "))
    return f"{_ENTER}{loop}\n return budget - left, cycles\n"


def flat_loop() -> Callable[[], object]:
    """Return what runs the mix once on flat memory."""
    from knowledge.m65816 import cpu_python

    names: dict[str, Any] = dict(vars(cpu_python))
    exec(flat_text(), names)
    memory = bytearray(1 << 24)
    for address, text in MIX.items():
        data = bytes.fromhex(text)
        memory[address : address + len(data)] = data
    run, start = names["run"], _start()
    return lambda: run(memory, start, INSTRUCTIONS)


def _start() -> "Registers":
    from knowledge.m65816.registers import Registers

    return Registers(pc=0x8000)


def console(kind: "CpuKind") -> "Cpu":
    """Return a CPU on the memory of a LoROM cartridge that holds the mix."""
    from knowledge.m65816.cpu import open_cpu
    from knowledge.m65816.memory import PAGE, ROM

    cpu = open_cpu(kind, storage=ROM + 0x8000)
    memory = cpu.memory
    for bank in (*range(0x40), *range(0x80, 0xC0)):
        memory.show(bank << 3, 0, writable=True)
        memory.clocks[(bank << 3) + 1], memory.clocks[(bank << 3) + 2] = 6, 0
        for page in range(4):
            memory.show((bank << 3) + 4 + page, ROM + page * PAGE, writable=False)
    for page in range(16):
        memory.show((0x7E << 3) + page, page * PAGE, writable=True)
    for address, text in MIX.items():
        data = bytes.fromhex(text)
        memory.storage[ROM + address - 0x8000 : ROM + address - 0x8000 + len(data)] = data
    cpu.remap()
    return cpu


def _ours(kind: "CpuKind") -> Callable[[], object]:
    from knowledge.m65816.cpu import ANYWHERE, Quiet

    cpu, start, io = console(kind), _start(), Quiet()

    def once() -> None:
        halt = cpu.run(start, io, budget=INSTRUCTIONS, code=ANYWHERE)
        if halt.instructions != INSTRUCTIONS:
            raise RuntimeError(f"the mix stopped after {halt.instructions} instructions: {halt.stop}")

    return once


def _repeated(once: Callable[[], object]) -> Callable[[], object]:
    def often() -> None:
        for _ in range(REPEATS):
            once()

    return often


def measure(*, rounds: int = ROUNDS) -> list[Ratio]:
    """Run the mix on all three in turns."""
    python = _ours("python")
    flat = in_turns(python, flat_loop(), rounds=rounds)
    fast = in_turns(_repeated(_ours("wasm")), _repeated(python), rounds=rounds)
    mix = f"{INSTRUCTIONS} instructions"
    return [
        ratio_of("65816 in Python", flat, bound=PYTHON_BOUND, plain=f"flat-memory loop, {mix}"),
        ratio_of("65816 in WebAssembly", fast, bound=FAST_BOUND, plain=f"the Python CPU, {mix}, {REPEATS} times"),
    ]
