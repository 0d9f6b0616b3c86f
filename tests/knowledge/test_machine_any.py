"""Machines under random programs and bytes, on both CPUs, and what a short run costs."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.m65816.cpu import CPU_KINDS, CpuKind, Quiet, open_cpu
from knowledge.m65816.machine import Machine
from knowledge.m65816.outcome import CodeError, Script, Start
from knowledge.m65816.program import Block, Program, snippet
from knowledge.m65816.registers import Registers
from tests.oracle.rom import Code

NOP, RTL = b"\xea", b"\x6b"


WRITABLE = [
    *(0x7E0010, 0x001F00, 0x700100, 0x008000, 0x2100, 0x2102, 0x2104, 0x2115, 0x2116, 0x2118, 0x2119, 0x211B, 0x211C),
    *(0x2121, 0x2122, 0x2140, 0x2180, 0x2181, 0x2182, 0x4016, 0x4200, 0x4202, 0x4203, 0x4204, 0x4206, 0x4207, 0x4209),
    *(0x420B, 0x420D, 0x4300, 0x4301, 0x4302, 0x4305),
]
READABLE = [
    *(0x7E0010, 0x00E000, 0x2100, 0x2134, 0x2137, 0x2138, 0x2139, 0x213A, 0x213B, 0x213C, 0x213F, 0x2140, 0x2180),
    *(0x3000, 0x4016, 0x4017, 0x4210, 0x4211, 0x4212, 0x4214, 0x4216, 0x4218, 0x4305),
]
STEPS = st.one_of(
    st.tuples(st.sampled_from(["write", "wide"]), st.sampled_from(WRITABLE), st.integers(0, 0xFFFF)),
    st.tuples(st.sampled_from(["read", "keep"]), st.sampled_from(READABLE), st.integers(0, 0xFFFF)),
    st.tuples(st.just("loop"), st.just(0), st.integers(1, 40)),
)


def hardware_program(steps: list[tuple[str, int, int]]) -> bytes:
    code = Code()
    code.write(0x4306, 0)
    for index, (kind, address, value) in enumerate(steps):
        if kind == "write":
            code.write(address, value & 0xFF)
        elif kind == "wide":
            code.put("REP", "immediate_8", 0x20)
            code.write(address, value)
            code.put("SEP", "immediate_8", 0x20)
        elif kind == "loop":
            code.put("LDX", "immediate_x", value)
            code.put("DEX")
            code.put("BNE", "relative", -3)
        else:
            code.read(address)
            if kind == "keep":
                code.store(0x7E2000 + index)
    return bytes(code.data) + RTL


@settings(deadline=None, max_examples=60)
@given(steps=st.lists(STEPS, max_size=40), nmi=st.booleans(), poison=st.integers(0, 3))
def test_both_cpus_see_the_same_console(steps: list[tuple[str, int, int]], *, nmi: bool, poison: int) -> None:
    try:
        open_cpu("wasm")
    except CodeError as error:
        pytest.skip(str(error))
    code = hardware_program(steps)
    handler = bytes((0x48, 0xAF, 0x11, 0x42, 0x00, 0x68, 0x40))  # PHA, LDA.l $4211, PLA, RTI
    blocks = (Block(0x808000, code), Block(0x80F000, handler), Block(0x80FFEA, b"\x00\xf0\x00\x00\x00\xf0"))
    script = Script(joypads=((0x8010, 0x1234), (0xFFF0,)), apu=((0, 1), (1, 2), (0, 3)), nmi=nmi)
    start = Start(registers=Registers(p=0x30), poison=poison, script=script)

    outcomes = [Machine(Program(blocks), cpu=kind).run(start, budget=3000) for kind in CPU_KINDS]

    assert outcomes[0] == outcomes[1]


@settings(deadline=None, max_examples=150)
@given(code=st.binary(min_size=1, max_size=60), p=st.integers(0, 255), e=st.integers(0, 1), nmi=st.booleans())
def test_any_bytes_run_to_an_end_that_has_a_name(code: bytes, p: int, e: int, *, nmi: bool) -> None:
    machine = Machine(snippet(code), cpu="python")
    start = Start(registers=Registers(p=p, e=e), script=Script(nmi=nmi))

    outcome = machine.run(start, budget=500)

    assert outcome.stop in ("rts", "rtl", "rti", "end", "outside", "budget", "stp", "wai", "interrupt")
    assert outcome.instructions <= 500
    assert machine.run(start, budget=500) == outcome


def clocked(work: object, times: int) -> float:
    assert callable(work)
    best = float("inf")
    for _ in range(5):
        begin = time.process_time()
        for _ in range(times):
            work()
        best = min(best, time.process_time() - begin)
    return best / times


@pytest.mark.parametrize("kind", ["python"])
def test_a_short_run_costs_little_more_than_the_cpu_alone(kind: CpuKind) -> None:
    code = Code()
    for address in range(0x10, 0x14):
        code.put("LDA", "direct", address)
        code.put("STA", "direct", address + 0x10)
    data = bytes(code.data) + NOP + RTL
    machine = Machine(snippet(data), cpu=kind)
    machine.run()
    bare = open_cpu(kind, storage=machine.layout.storage)
    memory = machine.cpu.memory
    bare.memory.reads[:], bare.memory.writes[:] = memory.reads, memory.writes
    bare.memory.storage[:] = memory.storage
    bare.remap()
    entry, io = machine.prepare(Start()), Quiet()

    alone = clocked(lambda: bare.run(entry, io, budget=100, code=machine.code, stops=machine.stops), 200)
    whole = clocked(machine.run, 200)

    assert whole < alone * 4
