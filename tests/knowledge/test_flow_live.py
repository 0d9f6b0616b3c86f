"""Liveness, basic blocks and loops over a flow."""

from knowledge.m65816.flow import Entry, analyse
from knowledge.m65816.flow_live import live_after
from knowledge.m65816.flow_shape import blocks, loops
from knowledge.m65816.flow_state import NAMES, State
from knowledge.m65816.program import Block, Program, snippet

NATIVE = State(m=1, x=1, e=0, d=0, db=0)


def live(text: str, out: frozenset[str] = frozenset(), *, callee: str = "") -> dict[int, frozenset[str]]:
    program = Program((Block(0x8000, bytes.fromhex(text)), Block(0x8100, bytes.fromhex(callee) or b"\x60")))
    return live_after(analyse(program, [Entry(0x8000, NATIVE)]), out)


def test_a_register_that_is_loaded_again_was_dead() -> None:
    found = live("A901 A902 8510 60")
    assert "A" not in found[0x8000]
    assert "A" in found[0x8002]


def test_the_high_byte_is_live_on_its_own() -> None:
    found = live("C220 A93412 E220 A956 EB 8510 60")
    assert "B" in found[0x8002]
    assert "A" not in found[0x8005]


def test_a_narrowing_sep_does_not_replace_the_index() -> None:
    assert "X" in live("A205 E210 8610 60")[0x8000]


def test_a_flag_lives_to_its_branch_and_no_further() -> None:
    found = live("C901 F001 EA A900 60")
    assert "z" in found[0x8000]
    assert not found[0x8004] & {"z", "n", "c"}


def test_a_loop_keeps_its_counter_alive() -> None:
    found = live("A205 EA CA D0FC 60")
    assert "X" in found[0x8003]


def test_what_a_routine_reads_is_live_before_its_call() -> None:
    found = live("A901 A202 200081 60", callee="8510 60")
    assert "A" in found[0x8002]
    assert "X" not in found[0x8002]


def test_what_is_read_behind_a_call_is_live_in_the_routine() -> None:
    assert "X" in live("200081 8610 60", callee="A203 60")[0x8100]


def test_before_code_that_nobody_sees_all_is_live() -> None:
    assert live("A901 22000012 60")[0x8000] == NAMES


def test_at_the_end_lives_what_the_caller_reads() -> None:
    assert live("A901 60", frozenset({"A", "c"}))[0x8000] == {"A", "c", "S"}


def test_blocks_end_at_branches_and_begin_at_targets() -> None:
    flow = analyse(snippet(bytes.fromhex("A205EACAD0FCEA60")), [Entry(0x8000, NATIVE)])
    assert [block.addresses for block in blocks(flow, flow.routines[0x8000])] == [
        (0x8000,),
        (0x8002, 0x8003, 0x8004),
        (0x8006, 0x8007),
    ]


def test_nested_loops_are_found_with_their_bodies() -> None:
    flow = analyse(snippet(bytes.fromhex("A003A205CAD0FD88D0F860")), [Entry(0x8000, NATIVE)])
    found = {loop.head: loop for loop in loops(flow, flow.routines[0x8000])}
    assert set(found) == {0x8002, 0x8004}
    assert found[0x8004].body == (0x8004, 0x8005)
    assert found[0x8002].back == (0x8008,)
