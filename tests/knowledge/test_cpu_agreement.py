"""The Python CPU and the WebAssembly CPU are one: random code, random bytes, interrupts on, every cycle compared."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.m65816.cpu import ANYWHERE, IRQ, NEVER, NMI, POKES, Cpu, Halt, Quiet, Record, SweepStart, open_cpu
from knowledge.m65816.memory import PAGE, PAGES
from knowledge.m65816.opcodes import OPCODES
from knowledge.m65816.registers import Registers

STORAGE_PAGES = 24
WRITABLE_PAGES = 16


class Noisy:
    """Hardware that answers by a rule, holds the CPU now and then, and interrupts it."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.event = step
        self.told: list[tuple[int, ...]] = []
        self.line = 0

    def read(self, address: int, clock: int, pc: int) -> int:
        self.told.append((0, address, clock, pc))
        if address & 0xFF == 0x11:
            self.line, self.event = 0, 0
        return (address * 7 + clock) & 0xFF

    def write(self, address: int, value: int, clock: int, pc: int) -> int:
        self.told.append((1, address, value, clock, pc))
        return 8 * value if address & 0xF == 0xB else 0

    def poll(self, clock: int) -> int:
        self.told.append((2, clock))
        if clock >= self.event:
            self.event = clock + self.step
            self.line = 0 if self.line else IRQ
            return self.line | (NMI if clock % 3 == 0 else 0)
        return self.line


def place(page: int) -> int:
    """Return the page of the storage that a page of the address space shows; -1: hardware."""
    if page & 0x3FF < 0x200 and page & 7 in (1, 2):
        return -1
    return page * 5 % STORAGE_PAGES


def fill(cpu: Cpu, data: bytes) -> None:
    cpu.memory.storage[: len(data)] = data
    for page in range(PAGES):
        shown = place(page)
        cpu.memory.clocks[page] = (0, 6, 8, 12, 10)[shown % 5]
        if shown >= 0:
            cpu.memory.show(page, shown * PAGE, writable=shown < WRITABLE_PAGES)
    cpu.remap()


@pytest.fixture(scope="module")
def pair() -> tuple[Cpu, Cpu]:
    return open_cpu("python", storage=STORAGE_PAGES * PAGE), open_cpu("wasm", storage=STORAGE_PAGES * PAGE)


def word(rng: random.Random) -> int:
    return rng.choice((0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, rng.randrange(0x10000)))


def registers(rng: random.Random) -> Registers:
    return Registers(
        a=word(rng),
        x=word(rng),
        y=word(rng),
        s=word(rng),
        d=rng.choice((0, 0, 0xFF00, word(rng))),
        db=rng.randrange(256),
        pb=rng.randrange(256),
        pc=rng.choice((word(rng), rng.randrange(0x8000, 0x10000))),
        p=rng.randrange(256),
        e=int(rng.random() < 0.3),
    )


def well_formed(rng: random.Random) -> bytes:
    """Return storage of whole instructions that neither stop nor leave often."""
    left_out = {"STP", "BRK", "COP", "WAI", "JMP", "JSR", "JSL", "RTS", "RTL", "RTI", "XCE"}
    rows = [row for row in OPCODES if row.mnemonic not in left_out]
    out = bytearray()
    while len(out) < STORAGE_PAGES * PAGE:
        row = rng.choice(rows)
        out += bytes((row.code, *rng.randbytes(row.size - 1)))
    return bytes(out[: STORAGE_PAGES * PAGE])


def runs(cpu: Cpu, data: bytes, start: Registers, *, budgets: tuple[int, ...]) -> tuple[object, ...]:
    """Run in slices and return all that can be seen."""
    fill(cpu, data)
    io = Noisy(1364)
    halt = Halt(start, "budget", 0, 0, 0, ())
    seen: list[Halt] = []
    for budget in budgets:
        halt = cpu.run(
            halt.registers, io, budget=budget, code=ANYWHERE, stops=(0x123456,), clock=halt.clock, pending=halt.pending
        )
        seen.append(halt)
        if halt.stop != "budget":
            break
    return seen, bytes(cpu.memory.storage), io.told, io.event


def recorded(cpu: Cpu, data: bytes, start: Registers, *, budget: int) -> tuple[Record, bytes, list[tuple[int, ...]]]:
    fill(cpu, data)
    io = Noisy(1364)
    record = cpu.record(start, io, budget=budget, code=ANYWHERE)
    return record, bytes(cpu.memory.storage), io.told


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("kind", ["random bytes", "whole instructions"])
def test_both_cpus_agree_on_a_long_random_program(pair: tuple[Cpu, Cpu], kind: str, seed: int) -> None:
    rng = random.Random(f"{kind} {seed}")
    data = rng.randbytes(STORAGE_PAGES * PAGE) if kind == "random bytes" else well_formed(rng)
    start = registers(rng)
    python, wasm = (runs(cpu, data, start, budgets=(1, 7, 500, 2000, 1)) for cpu in pair)
    assert python == wasm


@pytest.mark.parametrize("seed", range(16))
def test_both_cpus_record_the_same_cycles_and_recording_changes_nothing(pair: tuple[Cpu, Cpu], seed: int) -> None:
    rng = random.Random(f"record {seed}")
    data = well_formed(rng) if seed % 2 else rng.randbytes(STORAGE_PAGES * PAGE)
    start = registers(rng)
    python, wasm = (recorded(cpu, data, start, budget=1500) for cpu in pair)
    assert python == wasm
    seen, storage, told, _ = runs(pair[0], data, start, budgets=(1500,))
    assert (python[0].halt, python[1], python[2]) == (seen[0] if isinstance(seen, list) else None, storage, told)


@settings(deadline=None, max_examples=60)
@given(data=st.binary(min_size=1, max_size=64), seed=st.integers(0, 1 << 32))
def test_both_cpus_agree_on_any_bytes(pair: tuple[Cpu, Cpu], data: bytes, seed: int) -> None:
    rng = random.Random(seed)
    filled = (data * (STORAGE_PAGES * PAGE // len(data) + 1))[: STORAGE_PAGES * PAGE]
    start = registers(rng)
    python, wasm = (recorded(cpu, filled, start, budget=40) for cpu in pair)
    assert python == wasm
    assert python[0].halt.cycles <= len(python[0].bus) or any(item[0] == 2 for item in python[2])


@pytest.mark.parametrize("seed", range(8))
def test_both_cpus_sweep_alike_and_put_memory_back(pair: tuple[Cpu, Cpu], seed: int) -> None:
    rng = random.Random(f"sweep {seed}")
    data = well_formed(rng)
    starts: list[SweepStart] = []
    for _ in range(60):
        pokes: list[tuple[int, int]] = []
        while len(pokes) < rng.randrange(POKES + 1):
            address = rng.randrange(0x1000000)
            if 0 <= place(address >> 13) < WRITABLE_PAGES:
                pokes.append((address, rng.randrange(256)))
        starts.append(SweepStart(registers(rng), tuple(pokes)))
    results: list[bytes] = []
    for cpu in pair:
        fill(cpu, data)
        results.append(cpu.sweep(starts, budget=60, code=ANYWHERE).data)
        assert bytes(cpu.memory.storage) == data
    assert results[0] == results[1]


def test_a_sweep_says_what_a_run_says(pair: tuple[Cpu, Cpu]) -> None:
    rng = random.Random("one by one")
    data, kinds = well_formed(rng), set[str]()
    for cpu in pair:
        fill(cpu, data)
        starts = [SweepStart(registers(rng)) for _ in range(80)]
        for start, swept in zip(starts, cpu.sweep(starts, budget=30, code=ANYWHERE), strict=True):
            kinds.add(swept.stop)
            if swept.stop == "io":
                continue
            halt = cpu.run(start.registers, Quiet(), budget=30, code=ANYWHERE)
            told = (halt.registers, halt.stop, halt.instructions, halt.cycles, halt.clock)
            assert told == (swept.registers, swept.stop, swept.instructions, swept.cycles, swept.clocks)
            last = {address: value for address, value in swept.writes}
            if not swept.more and all(address >> 16 < 0x40 for address in last):
                assert len(last) >= len(halt.written)
            fill(cpu, data)
    assert {"io", "budget"} <= kinds


def test_an_exception_of_the_hardware_comes_out_of_both_cpus(pair: tuple[Cpu, Cpu]) -> None:
    class Broken(Quiet):
        event = NEVER

        def read(self, address: int, clock: int, pc: int) -> int:
            raise LookupError("no such register")

    for cpu in pair:
        fill(cpu, b"\x21" * (STORAGE_PAGES * PAGE))
        cpu.memory.storage[place(4) * PAGE : place(4) * PAGE + 3] = bytes.fromhex("ad0020")
        cpu.remap()
        with pytest.raises(LookupError, match="no such register"):
            cpu.run(Registers(pc=0x8000), Broken(), budget=3, code=ANYWHERE)
        assert cpu.run(Registers(pc=0x8000), Quiet(), budget=1, code=ANYWHERE).instructions == 1
