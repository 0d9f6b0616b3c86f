"""Comparing programs: what is proved, tested and refuted, and with which counterexample."""

import importlib.util

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.m65816.contracts import parse_contract
from knowledge.m65816.equivalence import Method, compare
from knowledge.m65816.machine import Machine
from knowledge.m65816.opcodes import FLAGS
from knowledge.m65816.outcome import CodeError, Start
from knowledge.m65816.program import snippet
from knowledge.m65816.registers import Registers
from schemas.contract import Contract, Counterexample, Input, Verdict

Z3 = importlib.util.find_spec("z3") is not None
ALL: tuple[Method, ...] = ("auto", "vectors", "smt", "exhaustive")
ZERO, STZ = "A9008510", "6410"  # LDA #$00 / STA $10, STZ $10
ADD, INC = "A510186901 8510", "E610"  # LDA $10 / CLC / ADC #$01 / STA $10, INC $10


def _compare(original: str, candidate: str, contract: Contract | None = None, **more: object) -> Verdict:
    programs = snippet(bytes.fromhex(original)), snippet(bytes.fromhex(candidate))
    return compare(*programs, contract or Contract(), **more)  # type: ignore[arg-type]  # seeds, seed and method, as the tests name them


def _replayed(data: str, found: Counterexample, contract: Contract) -> tuple[Registers, dict[int, int], str]:
    """Run a program from a counterexample as a reader would."""
    given = found.registers
    p = sum(FLAGS[name] for name in "nvdizc" if given.get(name))
    p |= (0x20 if contract.m else 0) | (0x10 if contract.x else 0)
    a = given.get("A", 0) | given.get("B", 0) << 8
    registers = Registers(
        a, given.get("X", 0), given.get("Y", 0), given["S"], given.get("D", 0), given.get("DB", 0), p=p, e=contract.e
    )
    memory = {int(address[1:], 16): value for address, value in found.memory.items()}
    outcome = Machine(snippet(bytes.fromhex(data))).run(Start(registers, memory, found.poison))
    return outcome.registers, outcome.memory, outcome.stop


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("live", ["A", "n", "z"])
def test_stz_for_lda_0_sta_is_refuted_when_what_lda_sets_is_live(method: Method, live: str) -> None:
    verdict = _compare(ZERO, STZ, parse_contract(live=live), method=method)
    assert verdict.result == "refuted"
    assert verdict.counterexample is not None
    assert verdict.counterexample.differences[0].where in (live, f"flag {live}")


@pytest.mark.parametrize("method", ALL)
def test_stz_for_lda_0_sta_is_accepted_when_a_and_the_flags_are_dead(method: Method) -> None:
    verdict = _compare(ZERO, STZ, parse_contract(clobbers="A n z"), method=method)
    assert verdict.result == ("tested" if method == "vectors" or (method == "smt" and not Z3) else "proved")


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("dead", ["A n z v", "A n z c", "n z v c"])
def test_inc_for_adding_1_is_refuted_when_a_or_the_carry_or_v_is_live(method: Method, dead: str) -> None:
    assert _compare(ADD, INC, parse_contract(clobbers=dead), method=method).result == "refuted"


@pytest.mark.parametrize("method", ALL)
def test_inc_for_adding_1_is_accepted_when_a_carry_and_v_are_dead(method: Method) -> None:
    assert _compare(ADD, INC, parse_contract(clobbers="A c v"), method=method).result in ("proved", "tested")


@pytest.mark.parametrize("method", ALL)
def test_inc_for_adding_1_is_refuted_when_decimal_mode_may_be_on(method: Method) -> None:
    contract = parse_contract(entry="decimal=any", clobbers="A n z v c")
    verdict = _compare(ADD, INC, contract, method=method)
    assert verdict.result == "refuted"
    assert verdict.counterexample is not None
    assert verdict.counterexample.registers.get("d") == 1


def test_testing_alone_never_proves() -> None:
    assert _compare(ADD, INC, parse_contract(clobbers="A n z v c"), method="vectors").result == "tested"


def test_the_same_bytes_are_proved_without_a_run_to_show() -> None:
    verdict = _compare("E610", "E610")
    assert (verdict.result, verdict.method) == ("proved", "identical")


def test_a_counterexample_can_be_run_again_and_shows_what_it_says() -> None:
    contract = parse_contract(clobbers="n z v c")
    original, candidate = "A510C51190 02A511 8512 60", "A511C51090 02A510 8512 60"
    assert _compare(original, candidate, contract).counterexample is None
    candidate = candidate.replace("90 02", "B0 02")
    found = _compare(original, candidate, contract).counterexample
    assert found is not None
    one, other = (_replayed(code, found, contract) for code in (original, candidate))
    assert one[0].a != other[0].a
    assert {difference.where for difference in found.differences} == {"A", "$7E0012"}
    assert len(found.registers) + len(found.memory) <= 4


def test_a_rare_input_is_found_through_the_codes_own_constants() -> None:
    original = "C2 20 C9 39 30 D0 02 E6 10 E2 20 60".replace(" ", "")  # CMP #$3039 / BNE / INC $10
    candidate = "C2 20 C9 39 30 E2 20 60".replace(" ", "")
    verdict = _compare(original, candidate, method="vectors")
    assert verdict.result == "refuted"
    found = verdict.counterexample
    assert found is not None
    assert (found.registers["B"], found.registers["A"]) == (0x30, 0x39)


def test_another_way_to_return_is_a_difference() -> None:
    for candidate in ("6B", "40", "EA", "DB", "80FE"):
        verdict = _compare("60", candidate)
        assert verdict.result == "refuted"
        assert verdict.counterexample is not None
        assert verdict.counterexample.differences[0].where == "how it ends"


def test_bytes_pushed_and_pulled_are_dead_below_the_stack_pointer() -> None:
    pushed = parse_contract(clobbers="n z")
    assert _compare("48A9058510 68 60", "A9058510 60", parse_contract(clobbers="A n z")).result == "proved"
    assert _compare("48A9058510 68 60", "A9058510 60", pushed).result == "refuted"
    assert _compare("48 68 60", "60", pushed).result == "proved"
    assert _compare("48 68 60", "60", pushed, method="vectors").result == "tested"


def test_bytes_above_the_stack_pointer_are_live() -> None:
    verdict = _compare("A9058304 60", "A9058304 A9068305 A905 60", parse_contract(clobbers="n z"), method="vectors")
    assert verdict.result == "refuted"


def test_the_order_of_hardware_writes_counts_unless_only_the_images_do() -> None:
    one, other = "A90F8D0021 8D0521", "A90F8D0521 8D0021"
    assert _compare(one, other).result == "refuted"
    assert _compare(one, other, Contract(hardware="final")).result == "tested"


def test_final_images_are_compared_byte_by_byte() -> None:
    set_colour = "A9058D2121 A91F8D2221 A97C8D2221"
    assert _compare(set_colour, set_colour + "EA", Contract(hardware="final")).result in ("tested", "proved")
    other = set_colour.replace("A91F", "A91E")
    verdict = _compare(set_colour, other, Contract(hardware="final"))
    assert verdict.result == "refuted"
    assert verdict.counterexample is not None
    assert verdict.counterexample.differences[0].where.startswith("cgram")


def test_a_faster_candidate_is_not_refuted_for_reading_the_beam_sooner() -> None:
    slow = "EAEAEAEAEAEAEAEAEAEAEAEA AD3721 AD3C21 8510 AD3C21 60"
    fast = "AD3721 AD3C21 8510 AD3C21 60"
    assert _compare(slow, fast, seeds=1).result == "tested"
    assert _compare(slow, fast.replace("8510", "8511"), seeds=1).result == "refuted"


def test_a_wait_for_an_answer_that_is_left_out_is_a_difference() -> None:
    contract = parse_contract(clobbers="A n z c")
    handshake = "A5108D4021 CD4021 D0FB 60"
    assert _compare(handshake, handshake.replace("D0FB", "EAEA"), contract, seeds=2).result == "refuted"
    assert _compare(handshake, "A510EA8D4021 CD4021 D0FB 60", contract, seeds=2).result == "tested"


def test_an_acknowledgement_that_is_left_out_is_a_difference() -> None:
    contract = parse_contract(clobbers="A n z")
    assert _compare("AD1042 E610 60", "E610 60", contract).result == "refuted"
    assert _compare("AD1042 E610 60", "E610 AD1042 60", contract, seeds=2).result == "tested"


def test_clobbered_memory_is_not_compared() -> None:
    contract = parse_contract(clobbers="A n z $0012-$0013")
    assert _compare("A510 8512 8514 60", "A510 8514 60", contract).result == "proved"
    assert _compare("A510 8512 8514 60", "A510 8512 60", contract).result == "refuted"


def test_inputs_narrow_what_has_to_agree() -> None:
    halve, table = "4A60", "AABF058000 60 000001010202".replace("058000", "068000")
    clobbers = "X n z c"
    assert _compare(halve, table, parse_contract(clobbers=clobbers, inputs=["A=0..5"])).result == "proved"
    assert _compare(halve, table, parse_contract(clobbers=clobbers)).result == "refuted"


def test_an_interrupt_handler_is_compared_from_an_interrupts_frame() -> None:
    contract = parse_contract(clobbers="n z")
    assert _compare("48E61068 40", "E61040", contract, method="vectors").result == "tested"
    assert _compare("48E61068 40", "48E61168 40", contract, method="vectors").result == "refuted"


def test_emulation_mode_is_compared_too() -> None:
    contract = parse_contract(entry="e=1", clobbers="A n z")
    assert _compare("A9008510 60", "6410 60", contract).result in ("proved", "tested")
    assert _compare("A9008510 60", "6411 60", contract).result == "refuted"


def test_an_original_that_runs_away_is_an_error_that_says_so() -> None:
    for code, hint in (("80FE", "budget"), ("4C0090", "no part of the program"), ("DB", "STP"), ("0000", "BRK")):
        with pytest.raises(CodeError, match=hint):
            _compare(code, "60")


def test_inputs_on_which_the_original_runs_too_long_are_left_out_and_counted() -> None:
    wait = "C210 88 D0FD E210 60".replace(" ", "")  # REP #$10 / DEY / BNE / SEP
    contract = parse_contract(entry="m8 x16", clobbers="n z x Y").model_copy(update={"budget": 600})
    verdict = _compare(wait, wait + "EA", contract, method="vectors")
    assert verdict.result == "tested"
    assert any("left out" in assumption for assumption in verdict.assumptions)


def test_empty_code_and_senseless_arguments_are_errors() -> None:
    for original, candidate in (("", "60"), ("60", "")):
        with pytest.raises(CodeError, match="no bytes"):
            _compare(original, candidate)
    with pytest.raises(CodeError, match="method"):
        _compare("60", "60", method="guess")
    with pytest.raises(CodeError, match="seeds"):
        _compare("60", "60", seeds=0)


def test_equal_arguments_give_equal_verdicts_and_other_seeds_other_inputs() -> None:
    contract = parse_contract(clobbers="A c v")
    one, other = (_compare(ADD, "E611", contract, method="vectors", seed=7) for _ in range(2))
    assert one == other
    seen = {str(_compare(ADD, "E611", contract, method="vectors", seed=seed).counterexample) for seed in range(4)}
    assert seen


@settings(deadline=None, max_examples=60)
@given(st.binary(min_size=1, max_size=10), st.binary(min_size=1, max_size=10))
def test_any_bytes_are_compared_or_refused_with_a_reason(original: bytes, candidate: bytes) -> None:
    contract = Contract(budget=300)
    try:
        verdict = compare(snippet(original), snippet(candidate), contract, seeds=1)
    except CodeError as error:
        assert len(str(error)) > 20
    else:
        assert verdict.result in ("proved", "tested", "refuted")
        assert (verdict.counterexample is not None) == (verdict.result == "refuted")


@settings(deadline=None, max_examples=40)
@given(st.binary(min_size=1, max_size=10))
def test_any_code_that_ends_equals_itself(data: bytes) -> None:
    try:
        verdict = compare(snippet(data), snippet(data), Contract(budget=300), seeds=1)
    except CodeError as error:
        assert len(str(error)) > 20
    else:
        assert verdict.result == "proved"


def test_an_input_on_which_the_original_reads_its_own_code_refutes_nothing() -> None:
    # lda $0000,x; clc; adc #$0001; rts with m = x = 0: X = $8000 loads the first bytes of the code itself
    original = snippet(bytes.fromhex("BD 00 00 18 69 01 00 60"))
    candidate = snippet(bytes.fromhex("BD 00 00 1A 60"))
    contract = Contract(m=0, x=0, clobbers=frozenset("vc"), inputs=(Input(name="X", values=(0x0010, 0x8000)),))
    verdict = compare(original, candidate, contract)
    assert verdict.result != "refuted"
    wrong = compare(original, snippet(bytes.fromhex("BD 00 00 3A 60")), contract)
    assert wrong.result == "refuted"
