"""Flow analysis: what is known at each instruction, where control goes, and what stays unknown."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.m65816.flow import Entry, Flow, analyse
from knowledge.m65816.flow_state import State
from knowledge.m65816.program import Block, Program, snippet

NATIVE = State(m=1, x=1, e=0, d=0, db=0)


def flow_of(text: str, state: State = NATIVE, *, rest: dict[int, str] | None = None) -> Flow:
    blocks = [
        Block(0x8000, bytes.fromhex(text)),
        *(Block(at, bytes.fromhex(more)) for at, more in (rest or {}).items()),
    ]
    return analyse(Program(tuple(blocks)), [Entry(0x8000, state)])


def widths(flow: Flow) -> dict[int, tuple[int | None, int | None]]:
    return {address & 0xFFFF: (node.state.m, node.state.x) for address, node in flow.nodes.items()}


def kinds(flow: Flow, routine: int = 0x8000) -> set[str]:
    return {one.kind for one in flow.routines[routine].exits}


def test_rep_and_sep_set_the_widths_that_the_next_immediates_are_read_with() -> None:
    flow = flow_of("C230 A93412 E220 A956 A27856 60")
    assert [node.instruction.size for node in flow.nodes.values()] == [2, 3, 2, 2, 3, 1]
    assert widths(flow)[0x8007] == (1, 0)


def test_plp_gives_back_the_widths_that_php_pushed() -> None:
    flow = flow_of("08 C230 A90000 28 A900 60")
    assert widths(flow)[0x8007] == (1, 1)
    assert flow.nodes[0x8007].instruction.size == 2


def test_a_join_of_two_widths_is_kept_with_both_ways() -> None:
    flow = flow_of("F002 C220 EA 60")
    node = flow.nodes[0x8004]
    assert node.state.m is None
    assert {state.m for state in node.states} == {0, 1}
    join = next(join for join in flow.joins if join.address == 0x8004)
    assert (join.field, {join.first.path[-2], join.second.path[-2]}) == ("m", {0x8000, 0x8002})


def test_an_immediate_reached_with_both_widths_is_a_conflict_with_both_ways() -> None:
    flow = flow_of("F002 C220 A91260 60")
    conflict = next(conflict for conflict in flow.conflicts if conflict.address == 0x8004)
    assert {conflict.first.size, conflict.second.size} == {2, 3}
    assert conflict.first_way.path[0] == conflict.second_way.path[0] == 0x8000


def test_an_unknown_width_is_followed_both_ways_and_nothing_is_claimed() -> None:
    flow = flow_of("A912 60 EA", State())
    assert flow.nodes[0x8000].state.m is None
    assert {0x8002, 0x8003} <= set(flow.nodes)


def test_a_routine_that_changes_the_width_changes_it_for_its_caller() -> None:
    flow = flow_of("201080 A93412 60", rest={0x8010: "C220 60"})
    assert flow.nodes[0x8003].instruction.size == 3
    assert flow.routines[0x8010].callers == (0x8000,)
    assert "m" in flow.routines[0x8010].clobbers


def test_a_routine_is_summed_up_once_for_each_state_it_is_called_with() -> None:
    flow = flow_of("201080 A900 C220 201080 A90000 60", rest={0x8010: "EA 60"})
    assert {state.m for state in flow.nodes[0x8010].states} == {0, 1}
    assert [flow.nodes[at].instruction.size for at in (0x8003, 0x800A)] == [2, 3]


def test_what_a_routine_saves_and_restores_is_not_clobbered() -> None:
    flow = flow_of("201080 60", rest={0x8010: "08 48 DA 8B 4B AB E230 A900 A200 AB FA 68 28 60"})
    clobbers = flow.routines[0x8010].clobbers
    assert not clobbers & {"A", "X", "DB", "m", "x", "n", "z", "Y", "D"}


def test_a_constant_survives_a_call_that_leaves_its_register_alone() -> None:
    flow = flow_of("A205 201080 8A 60", rest={0x8010: "A907 60"})
    assert (flow.nodes[0x8005].state.xr, flow.nodes[0x8005].state.a) == (5, 7)


def test_recursion_ends_and_its_result_is_known() -> None:
    flow = flow_of("F003 200080 C210 60")
    assert flow.complete
    assert kinds(flow) == {"rts"}


def test_a_call_to_code_that_is_not_there_is_an_assumption() -> None:
    flow = flow_of("A205 22345612 A900 60")
    assert [one.address for one in flow.assumptions] == [0x8002]
    assert flow.nodes[0x8006].state.xr is None
    assert flow.nodes[0x8006].state.m == 1
    assert flow.nodes[0x8002].successors[0].assumed


def test_phk_plb_makes_the_data_bank_known() -> None:
    program = snippet(bytes.fromhex("8B4BABAD0080AB6B"), address=0x128000)
    flow = analyse(program, [Entry(0x128000, State(m=1, x=1))])
    assert flow.nodes[0x128003].state.db == 0x12
    assert flow.nodes[0x128007].state.db is None
    assert "DB" not in flow.routines[0x128000].clobbers


def test_xce_with_a_known_carry_switches_the_mode() -> None:
    flow = flow_of("18 FB C230 A90000 38 FB A900 60", State(m=1, x=1, e=1))
    assert flow.nodes[0x8004].state.e == 0
    assert flow.nodes[0x8009].state[:3] == (1, 1, 1)


def test_in_emulation_mode_rep_does_not_widen() -> None:
    assert widths(flow_of("C230 A900 60", State(e=1)))[0x8002] == (1, 1)


def test_a_branch_on_a_known_flag_goes_one_way() -> None:
    flow = flow_of("18 9002 0202 60")
    assert set(flow.nodes) == {0x8000, 0x8001, 0x8005}


def test_a_jump_table_that_ends_at_its_first_target_is_followed() -> None:
    flow = flow_of("7C0380 0780 0880 60 C220 60")
    assert flow.tables[0].targets == (0x8007, 0x8008)
    assert {0x8007, 0x8008} <= set(flow.nodes)


def test_a_jump_table_whose_end_cannot_be_read_is_unknown() -> None:
    flow = flow_of("7C0380 0090 0980 60 C220 60")
    assert flow.tables == ()
    assert kinds(flow) == {"unknown"}


def test_an_indexed_jump_with_a_known_index_has_one_target() -> None:
    assert 0x8009 in flow_of("A202 7C0580 0090 0980 60").nodes


def test_pushing_an_address_and_returning_is_a_jump_to_it() -> None:
    flow = flow_of("F40F80 60", rest={0x8010: "60"})
    assert 0x8010 in flow.nodes
    assert kinds(flow) == {"rts"}


def test_a_return_to_an_unknown_pushed_address_is_unknown() -> None:
    assert kinds(flow_of("A510 48 A511 48 60")) == {"unknown"}


def test_a_routine_that_pulls_its_return_address_is_not_taken_to_return() -> None:
    flow = flow_of("201080 12", rest={0x8010: "68 68 60"})
    assert 0x8003 not in flow.nodes
    assert kinds(flow, 0x8010) == {"unknown"}


def test_a_routine_that_writes_an_argument_of_its_caller_returns_all_the_same() -> None:
    flow = flow_of("F40000 201080 68 68 60", rest={0x8010: "A905 8303 60"})
    assert flow.nodes[0x8006].state.depth == 2
    assert [item.known for item in flow.nodes[0x8006].state.stack or ()] == [0]
    assert kinds(flow) == {"rts"}


def test_a_routine_that_writes_its_return_address_is_not_taken_to_return() -> None:
    flow = flow_of("201080 60", rest={0x8010: "A905 8301 60"})
    assert 0x8003 not in flow.nodes


def test_paths_that_disagree_about_the_stack_are_kept() -> None:
    flow = flow_of("F001 48 60")
    assert flow.nodes[0x8003].state.stack is None
    assert [join.field for join in flow.joins] == ["stack"]


def test_the_depth_of_the_stack_is_known_on_each_path() -> None:
    flow = flow_of("48 C210 DA F43412 68 60")
    assert flow.nodes[0x8008].state.depth == 4
    assert [item.kind for item in flow.nodes[0x8008].state.stack or ()] == ["A", "X", "part"]


def test_an_rtl_that_answers_a_jsr_does_not_come_back() -> None:
    flow = flow_of("201080 60", rest={0x8010: "6B"})
    assert 0x8003 not in flow.nodes
    assert kinds(flow, 0x8010) == {"rtl"}


def test_phk_before_a_jsr_lets_rtl_answer_it() -> None:
    assert 0x8004 in flow_of("4B 201080 60", rest={0x8010: "6B"}).nodes


def test_code_that_runs_past_its_last_byte_ends_there() -> None:
    assert [(one.kind, one.address) for one in flow_of("A900 EA").routines[0x8000].exits] == [("end", 0x8002)]


def test_a_mirror_of_the_code_is_the_code() -> None:
    flow = flow_of("5C058080 EA 60")
    assert 0x808005 in flow.nodes


def test_a_loop_makes_its_counter_unknown_and_ends() -> None:
    flow = flow_of("A200 E8 E010 D0FB 60")
    assert flow.nodes[0x8002].state.xr is None
    assert flow.complete


def test_arithmetic_on_known_values_is_done() -> None:
    flow = flow_of("D8 18 A97F 6902 EB A901 0A C220 60")
    state = flow.nodes[0x800C].state
    assert (state.accumulator, state.flag("c")) == (0x8102, 0)


def test_the_limit_ends_the_analysis_and_says_so() -> None:
    flow = analyse(snippet(b"\xea" * 1000), limit=100)
    assert (flow.complete, len(flow.nodes)) == (False, 100)


def test_an_empty_program_has_no_flow() -> None:
    assert analyse(Program(())).nodes == {}


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=400), st.lists(st.integers(0, 0x1FFFFFF), max_size=3))
def test_no_bytes_and_no_entries_bring_it_down(data: bytes, more: list[int]) -> None:
    flow = analyse(snippet(data), [Entry(0x8000, State()), *(Entry(at) for at in more)], limit=20_000)
    for address, node in flow.nodes.items():
        assert node.instruction.address == address
        assert all(edge.target in flow.nodes for edge in node.successors)
        assert all(source in flow.nodes for source in node.predecessors)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10_000))
def test_a_bank_of_noise_ends_within_the_limit(seed: int) -> None:
    data = random.Random(seed).randbytes(0x8000)
    flow = analyse(snippet(data), [Entry(0x8000 + at) for at in range(0, 0x8000, 97)], limit=10_000)
    assert 0 < len(flow.nodes) <= 10_000
