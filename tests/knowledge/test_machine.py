"""A machine: where it starts, how it stops, what it reports, and that it starts again from the same place."""

import pytest

from knowledge.m65816.cpu import SweepStart
from knowledge.m65816.machine import Machine
from knowledge.m65816.outcome import CodeError, Outcome, Script, Start
from knowledge.m65816.program import Block, Program, snippet
from knowledge.m65816.registers import Registers
from knowledge.snes.mapping import Mapper
from tests.oracle.rom import Code

RTS, RTL, RTI, STP, WAI, BRK, NOP = (bytes((code,)) for code in (0x60, 0x6B, 0x40, 0xDB, 0xCB, 0x00, 0xEA))


def codes(outcome: Outcome) -> list[str]:
    return [remark.code for remark in outcome.remarks]


def reads(address: int) -> bytes:
    """LDA.l address : RTL"""
    code = Code()
    code.read(address)
    return bytes(code.data) + RTL


def run(code: bytes, start: Start | None = None, *, address: int = 0x008000, mapper: Mapper = "lorom") -> Outcome:
    return Machine(snippet(code, address=address, mapper=mapper), cpu="python").run(start or Start())


@pytest.mark.parametrize(
    ("code", "stop"),
    [(RTS, "rts"), (RTL, "rtl"), (NOP, "end"), (STP, "stp"), (WAI, "wai"), (BRK + NOP, "interrupt")],
)
def test_a_run_says_how_it_stopped(code: bytes, stop: str) -> None:
    assert run(code).stop == stop


@pytest.mark.parametrize(("budget", "clock"), [(0, 0), (-1, 0), (10, -1)])
def test_a_run_without_time_is_refused(budget: int, clock: int) -> None:
    with pytest.raises(CodeError, match="cannot be run"):
        Machine(snippet(RTL), cpu="python").run(budget=budget, clock=clock)


def test_a_routine_in_a_whole_rom_still_finds_its_way_back() -> None:
    for end, stop in ((RTS, "rts"), (RTL, "rtl")):
        program = Program((Block(0x05C000, NOP + end),), rom=bytes(0x100000))
        assert Machine(program, cpu="python").run().stop == stop


def test_a_jump_to_where_nothing_is_stops_outside() -> None:
    assert run(bytes((0x4C, 0x00, 0x90))).stop == "outside"


def test_an_endless_loop_ends_with_the_budget() -> None:
    outcome = Machine(snippet(bytes((0x80, 0xFE))), cpu="python").run(budget=1000)

    assert (outcome.stop, outcome.instructions) == ("budget", 1000)


@pytest.mark.parametrize("e", [0, 1])
def test_an_interrupt_frame_is_one_that_rti_takes_down_whole(e: int) -> None:
    outcome = run(RTI, Start(registers=Registers(s=0x01F0, e=e, p=0x35), frame="interrupt"))

    assert (outcome.stop, outcome.registers.s, outcome.registers.p) == ("rti", 0x01F0, 0x35)


@pytest.mark.parametrize("e", [0, 1])
def test_rtl_leaves_the_stack_as_the_caller_had_it(e: int) -> None:
    assert run(RTL, Start(registers=Registers(s=0x01F0, e=e))).registers.s == 0x01F0


def test_memory_tells_the_last_value_of_all_that_was_written_and_nothing_else() -> None:
    code = Code()
    for address, value in ((0x7E1234, 1), (0x001234, 2), (0x7F8000, 3), (0x700010, 4)):
        code.load(value)
        code.store(address)

    outcome = run(bytes(code.data) + RTL, Start(memory={0x7E4000: 9}))

    assert outcome.memory == {0x7E1234: 2, 0x7F8000: 3, 0x700010: 4}


def test_a_start_sets_bytes_and_runs_of_bytes_across_pages_and_banks() -> None:
    start = Start(memory={0x7EFFFE: b"\x11\x22\x33\x44", 0x001FFF: 0x55, 0xF00000: 0x66})

    seen = [run(reads(address), start).registers.a for address in (0x7EFFFE, 0x7F0001, 0x7E1FFF, 0x700000)]

    assert seen == [0x11, 0x44, 0x55, 0x66]


def test_uninitialised_memory_differs_from_seed_to_seed_and_is_the_same_for_one_seed() -> None:
    machine = Machine(snippet(reads(0x7E3456)), cpu="python")

    found = [machine.run(Start(poison=seed)).registers.a for seed in (0, 1, 2, 1, 0)]

    assert found[0] == found[4] == 0x55
    assert found[1] == found[3] != found[2]


def test_the_state_of_one_run_is_not_seen_by_the_next() -> None:
    code = Code()
    code.read(0x7E0100)
    code.put("INC", "accumulator")
    code.store(0x7E0100)
    code.store(0x002118)
    code.put("REP", "immediate_8", 0x20)
    code.load(0x7FFF)
    code.put("LDX", "immediate_x", 0)
    code.put("LDY", "immediate_x", 0)
    code.put("MVN", "block_move", 0x7F7E)
    machine = Machine(snippet(bytes(code.data) + RTL), cpu="python")
    start = Start(memory={0x7E0100: 0x40}, video={"vram": bytes(0x10000)})

    first, second = machine.run(start), machine.run(start)

    assert first == second
    assert machine.run(Start()).memory[0x7E0100] == 0x56
    assert machine.run(start) == first


def test_bytes_beyond_the_blocks_are_remarked_where_a_whole_page_is_missing() -> None:
    outcome = run(reads(0x00A000))

    assert codes(outcome) == ["unmapped"]
    assert "$00A000" in outcome.remarks[0].message
    assert outcome.remarks[0].pc == 0x008000


def test_a_watched_run_also_remarks_bytes_that_share_a_page_with_the_code() -> None:
    machine = Machine(snippet(reads(0x009000)), cpu="python")

    assert codes(machine.run(watch=True)) == ["unmapped"]
    assert codes(machine.run()) == []


def test_a_watched_run_of_a_routine_with_a_table_remarks_nothing() -> None:
    program = Program((Block(0x008000, reads(0x009000)), Block(0x009000, b"\x42")))

    outcome = Machine(program, cpu="python").run(watch=True)

    assert (outcome.registers.a, outcome.remarks) == (0x42, ())


def test_open_bus_is_the_last_byte_of_the_instruction_and_is_remarked() -> None:
    code = Code()
    code.put("LDA", "absolute", 0x21C3)

    outcome = run(bytes(code.data) + RTL)

    assert (outcome.registers.a, codes(outcome)) == (0x21, ["open_bus"])


def test_a_write_to_rom_changes_nothing_and_is_remarked() -> None:
    code = Code()
    code.load(0x12)
    code.store(0x008000)
    code.read(0x008000)

    outcome = run(bytes(code.data) + RTL)

    assert (outcome.registers.a, codes(outcome)) == (0xA9, ["rom_write"])


def test_the_same_remark_is_made_once_however_often_a_loop_earns_it() -> None:
    code = Code()
    code.put("LDX", "immediate_x", 50)
    code.put("LDA", "absolute", 0x2100)
    code.put("DEX")
    code.put("BNE", "relative", -6)

    outcome = run(bytes(code.data) + RTL)

    assert (codes(outcome), len(outcome.hardware)) == (["write_only_read"], 50)


def test_a_read_only_register_keeps_its_value_and_the_write_is_remarked() -> None:
    code = Code()
    code.store(0x004218)

    assert codes(run(bytes(code.data) + RTL)) == ["read_only_write"]


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (Program(()), "no bytes"),
        (snippet(b""), "no bytes"),
        (snippet(NOP, address=0x002100), "neither ROM nor RAM"),
        (snippet(NOP * 3, address=0x001FFE), "neither ROM nor RAM"),
        (snippet(NOP * 3, address=0x00FFFE), "crosses the end of its bank"),
        (snippet(NOP, address=0x1000000), "no SNES address"),
        (snippet(NOP, address=-1), "no SNES address"),
        (Program((Block(0x008000, NOP * 4), Block(0x808003, NOP))), "cover the same bytes"),
        (Program((Block(0x7E0000, NOP * 4), Block(0x000003, NOP))), "cover the same bytes"),
        (Program((Block(0x008000, NOP),), entry=0x009000), "lies in none of the blocks"),
        (Program((Block(0x008000, NOP),), "nonesuch"), "no mapper"),  # type: ignore[arg-type]  # wrong on purpose
    ],
)
def test_a_program_that_cannot_be_laid_out_is_refused_with_the_reason(program: Program, says: str) -> None:
    with pytest.raises(CodeError, match=says):
        Machine(program, cpu="python")


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (Start(memory={0x008000: 1}), "neither WRAM nor SRAM"),
        (Start(memory={0x002118: 1}), "neither WRAM nor SRAM"),
        (Start(memory={0x1000000: 1}), "neither WRAM nor SRAM"),
        (Start(memory={-1: b"12"}), "neither WRAM nor SRAM"),
        (Start(memory={0x7FFFFF: b"12"}), "neither WRAM nor SRAM"),
        (Start(memory={0x7E0000: 256}), "is no byte"),
        (Start(registers=Registers(a=0x10000)), "A = 0x10000 does not fit"),
        (Start(registers=Registers(db=-1)), "DB = -0x1 does not fit"),
        (Start(registers=Registers(e=2)), "E = 0x2 does not fit"),
        (Start(registers=Registers(s=0x2100)), "S = \\$2100 points to no memory"),
        (Start(registers=Registers(s=0x0001)), "S = \\$0001 points to no memory"),
        (Start(video={"vram": b""}), "65,536 bytes"),
        (Start(video={"aram": b""}), "no video memory"),
        (Start(script=Script(joypads=((0x10000,),))), "buttons"),
        (Start(script=Script(apu=((4, 0),))), "APU"),
    ],
)
def test_a_start_that_cannot_be_is_refused_with_the_reason(start: Start, says: str) -> None:
    machine = Machine(snippet(RTL), cpu="python")

    with pytest.raises(CodeError, match=says):
        machine.run(start)
    assert machine.run().stop == "rtl"


def test_fast_rom_is_quicker_from_the_start_or_from_the_write_on() -> None:
    code = NOP * 20 + RTL
    slow = Machine(snippet(code, address=0x808000), cpu="python").run().clocks
    fast = Machine(Program((Block(0x808000, code),), fast_rom=True), cpu="python").run().clocks
    low = Machine(Program((Block(0x808000, code),), entry=0x008000, fast_rom=True), cpu="python").run().clocks
    switch = Code()
    switch.load(1)
    switch.store(0x00420D)
    machine = Machine(snippet(bytes(switch.data) + code, address=0x808000), cpu="python")

    first, again = machine.run().clocks, machine.run().clocks

    assert (slow - fast, low) == (42, slow)
    assert first == again == fast + 6 * 8 + 6  # fetches of 8 until the write of 6 has come


def test_a_profile_and_a_trace_add_up_to_the_outcome() -> None:
    code = Code()
    code.put("LDX", "immediate_x", 200)
    code.put("DEX")
    code.put("BNE", "relative", -3)
    machine = Machine(snippet(bytes(code.data) + RTL), cpu="python")

    plain, full = machine.run(), machine.run(profile=True, trace=True)

    assert (full.registers, full.cycles, full.clocks) == (plain.registers, plain.cycles, plain.clocks)
    assert full.profile[0x008002].times == 200
    assert sum(cost.cycles for cost in full.profile.values()) == plain.cycles
    assert sum(cost.clocks for cost in full.profile.values()) == plain.clocks
    assert len(full.trace) == plain.instructions
    assert [line.registers.x for line in full.trace[1:3]] == [200, 199]


@pytest.mark.parametrize("trace", [False, True])
def test_a_run_can_begin_anywhere_on_the_screen(*, trace: bool) -> None:
    code = bytes.fromhex("ad1242 10fb 6b")  # LDA $4212 : BPL back : RTL
    machine = Machine(snippet(code), cpu="python")

    outcome = machine.run(clock=1364 * 224, trace=trace)

    assert 1364 <= outcome.clocks < 1364 + 200
    assert outcome.hardware[0].clock == 24
    assert not trace or outcome.trace[0].clocks == 0


def test_a_long_recorded_run_is_the_same_as_a_plain_one() -> None:
    code = Code()
    code.put("REP", "immediate_8", 0x10)
    code.put("LDX", "immediate_x", 6000)
    code.put("STX", "absolute", 0x2180)
    code.put("DEX")
    code.put("BNE", "relative", -6)
    machine = Machine(snippet(bytes(code.data) + RTL), cpu="python")

    plain, full = machine.run(), machine.run(trace=True)

    assert (full.clocks, full.hardware, full.memory) == (plain.clocks, plain.hardware, plain.memory)
    assert len(full.trace) == plain.instructions > 10_000


def test_a_prepared_machine_sweeps_over_registers_and_bytes() -> None:
    code = Code()
    code.put("LDA", "direct", 0x10)
    code.put("ADC", "direct", 0x11)
    code.put("STA", "direct", 0x12)
    machine = Machine(snippet(bytes(code.data) + RTL), cpu="python")
    entry = machine.prepare(Start(memory={0x7E0010: 7}))

    swept = machine.sweep([SweepStart(entry, ((0x7E0011, value),)) for value in range(5)], budget=100)

    assert [row.writes for row in swept] == [((0x000012, 7 + value),) for value in range(5)]
    assert {machine.ending(row.stop, row.registers.pb) for row in swept} == {"rtl"}


def test_a_program_with_vectors_of_its_own_takes_its_interrupts() -> None:
    blocks = (
        Block(0x008000, BRK + NOP + RTL),
        Block(0x009000, bytes((0xA9, 0x42, 0x40))),
        Block(0x00FFE6, b"\x00\x90"),
    )

    outcome = Machine(Program(blocks), cpu="python").run()

    assert (outcome.stop, outcome.registers.a) == ("rtl", 0x42)
