"""Static counts of cycles and clocks against exact runs of the machine."""

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.m65816.cycles import VBLANK_CLOCKS, Count, count, count_lines, measure, scanlines, vblank_share
from knowledge.m65816.flow import Entry, analyse
from knowledge.m65816.flow_state import State
from knowledge.m65816.machine import Machine
from knowledge.m65816.opcodes import OPCODES, Opcode
from knowledge.m65816.outcome import Outcome, Start
from knowledge.m65816.program import Block, Listing, Program, SourceLine, snippet
from knowledge.m65816.registers import Registers

NATIVE = State(m=1, x=1, e=0, d=0, db=0)
LEAVES = ("jump", "call", "return", "branch")
HALTS = ("BRK", "COP", "STP", "WAI", "WDM")


def run(program: Program, registers: Registers | None = None, *, budget: int = 200_000) -> Outcome:
    return Machine(program, cpu="python").run(Start(registers=registers or Registers()), budget=budget, profile=True)


def counted(text: str, state: State = NATIVE) -> Count:
    return count(snippet(bytes.fromhex(text)), Entry(0x8000, state))


def exact(text: str) -> None:
    """Both bounds are what a run takes."""
    outcome, found = run(snippet(bytes.fromhex(text)), budget=3_000_000), counted(text)
    assert found.bounds.cycles == (outcome.cycles, outcome.cycles)
    assert found.bounds.slow == (outcome.clocks, outcome.clocks)


def texts(found: Count) -> str:
    return "; ".join(reason.text for reason in found.reasons)


def straight() -> Iterator[tuple[Opcode, int, int, int]]:
    for row in OPCODES:
        if row.access not in LEAVES and row.mnemonic not in HALTS:
            yield from ((row, m, x, 0) for m in (0, 1) for x in (0, 1))
            yield row, 1, 1, 1


def test_every_straight_instruction_costs_what_the_cpu_takes() -> None:
    different: list[str] = []
    places = ((0, 0x8000), (0x1F0, 0xC08000), (0x2100, 0x8000))
    for number, (row, m, x, e) in enumerate(straight()):
        d, address = places[number % 3]
        data = bytes((row.code, 0x10, 0x02, 0x7E))[: row.length(m, x)] + b"\xdb"
        start = Registers(a=3, x=4, y=0xF5, d=d, db=0x7E, p=0x20 * m | 0x10 * x | 4, e=e)
        outcome = run(snippet(data, address=address), start)
        found = count(snippet(data, address=address), Entry(address, State(m, x, e, d, 0x7E, 3, 0, 4, 0xF5))).bounds
        least, most = found.cycles
        assert most is not None
        assert found.slow[1] is not None
        inside = least <= outcome.cycles <= most and found.slow[0] <= outcome.clocks <= found.slow[1]
        tight = least == most and found.slow[0] == found.slow[1]
        if not inside or not (tight or "indirect" in row.mode):
            different.append(f"{row.mnemonic} {row.mode} m={m} x={x} e={e} d={d:04X}")
    assert different == []


def test_fast_rom_is_counted_as_the_machine_takes_it() -> None:
    data = bytes.fromhex("A205CAD0FD8D0021A510EE00026B")
    program = Program((Block(0x808000, data),), fast_rom=True)
    outcome = run(program)
    found = count(program, Entry(0x808000, NATIVE)).bounds
    assert found.fast == (outcome.clocks, outcome.clocks)
    assert found.slow[0] > found.fast[0]


def test_a_loop_with_a_known_count_is_multiplied_exactly() -> None:
    exact("A205 CA D0FD 60")
    exact("C210 A20008 9E0000 CA CA D0F9 60")
    exact("A903 3A D0FD 60")


def test_nested_loops_with_known_counts_are_exact() -> None:
    exact("A20A A005 88 D0FD CA D0F8 60")


def test_calls_are_counted_with_the_values_they_are_made_with() -> None:
    exact("A203 200B80 A205 200B80 60 CA D0FD 60")


def test_pushed_values_come_back_exactly() -> None:
    exact("08 C230 A90300 48 E230 68 3A D0FD 68 28 60")


def test_a_block_move_of_known_length_is_exact() -> None:
    exact("C230 A91F00 A20002 A00003 547E7E 60")


def test_a_branch_nobody_knows_gives_the_cheaper_and_the_dearer_way() -> None:
    found = counted("A510 F003 A511 60 EAEAEA 60")
    assert found.bounds.cycles == (3 + 2 + 3 + 6, 3 + 3 + 6 + 6)
    assert "branch" in texts(found)


def test_a_loop_nobody_can_count_has_no_most_but_the_price_of_a_round() -> None:
    found = counted("A610 CA D0FD 60")
    assert found.bounds.cycles == (3 + 2 + 2 + 6, None)
    assert [(loop.head, loop.counted, loop.once.most_cycles) for loop in found.loops] == [(0x8002, False, 5)]
    assert "unknown number of rounds" in texts(found)


def test_an_unknown_direct_page_costs_a_cycle_more_at_most() -> None:
    found = counted("A510 60", State(m=1, x=1, db=0))
    assert found.bounds.cycles == (9, 10)
    assert "D is unknown" in texts(found)


def test_an_unknown_index_may_cross_a_page() -> None:
    assert counted("BD8012 60").bounds.cycles == (10, 11)
    assert counted("BD0012 60").bounds.cycles == (10, 10)


def test_unknown_widths_give_a_range() -> None:
    assert counted("A510 60", State(d=0)).bounds.cycles == (9, 10)


def test_code_that_is_not_there_has_no_bound() -> None:
    found = counted("22341200 60")
    assert found.bounds.cycles == (14, None)
    assert "not part of the program" in texts(found)


def test_an_endless_loop_has_no_bound_and_ends_the_count() -> None:
    assert counted("80FE").bounds.cycles == (0, None)


def test_recursion_has_no_bound_and_ends_the_count() -> None:
    assert counted("A510 F003 200080 60").bounds.cycles[1] is None


def test_dma_leaves_cycles_bounded_and_clocks_not() -> None:
    found = counted("A901 8D0B42 60")
    assert (found.bounds.cycles, found.bounds.slow[1]) == ((12, 12), None)


def test_memory_of_unknown_speed_gives_a_range_of_clocks_alone() -> None:
    found = counted("B210 60")
    assert found.bounds.cycles == (11, 11)
    assert found.bounds.slow == (82 - 2, 82 + 4)


def test_bytes_lines_and_vblank_are_told() -> None:
    assert counted("A510 F003 A511 60 EAEAEA 60").size == 11
    assert (scanlines(1324), vblank_share(VBLANK_CLOCKS)) == (1.0, 1.0)


def test_costs_are_given_by_line_of_the_source() -> None:
    lines = tuple(SourceLine("main.asm", number, text, at) for number, text, at in (
        (1, "lda.b $10 : sta.b $11", 0x8000), (2, "; note", -1), (3, "rts", 0x8004)
    ))  # fmt: skip
    listing = Listing(lines)
    program = snippet(bytes.fromhex("A510851160"))
    static = count_lines(count(program, Entry(0x8000, NATIVE)), listing)
    flow = analyse(program, [Entry(0x8000, NATIVE)])
    dynamic = measure(run(program), flow=flow, listing=listing)
    assert [(each.line.line, each.cycles, each.size) for each in static] == [(1, (6, 6), 4), (3, (6, 6), 1)]
    assert [(each.line.line, each.cycles, each.times) for each in dynamic.by_line] == [(1, (6, 6), 1), (3, (6, 6), 1)]
    assert (dynamic.cycles, dynamic.size) == (12, 5)


@settings(deadline=None, max_examples=40)
@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_can_be_counted(data: bytes) -> None:
    found = count(snippet(data), Entry(0x8000, State()), limit=5_000)
    assert all(most is None or least <= most for least, most in found.bounds)
