"""The optimiser over routines with slack, tight ones and ones with live results, and over code that nobody wrote."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, Literal, NamedTuple

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.m65816.equivalence import compare
from knowledge.m65816.opcodes import OPCODES, Opcode
from knowledge.m65816.optimize.reasons import RULES
from knowledge.m65816.optimize.search import Optimized, optimize
from knowledge.m65816.outcome import CodeError
from knowledge.m65816.program import Block, Program, snippet
from schemas.contract import Contract, Input
from servers.machine.asar import assemble_code, find_asar
from servers.machine.errors import ServerError
from servers.settings import Settings

CORPUS = Path(__file__).parent / "optimize_corpus"
RESULTS = ("A", "B", "X", "Y", "n", "v", "z", "c")
HERE = Settings.from_environment()


class Routine(NamedTuple):
    """One routine of the corpus."""

    name: str
    code: str
    program: Program
    contract: Contract


def contract_of(fields: str) -> Contract:
    """Read `out=A,c m=0 x=0 inputs=$7E0010:0:2`; what is not in `out` is dead, note= is for the reader."""
    values: dict[str, Any] = {}
    dead, inputs = set(RESULTS), list[Input]()
    for part in fields.split("note=", maxsplit=1)[0].split():
        key, _, value = part.partition("=")
        if key == "out":
            dead -= set(value.split(","))
        elif key == "inputs":
            name, low, high = value.split(":")
            inputs.append(Input(name=name, low=int(low), high=int(high)))
        else:
            values[key] = None if value == "None" else int(value)
    return Contract(clobbers=frozenset(dead), inputs=tuple(inputs), **values)


def corpus(kind: str) -> Iterator[Routine]:
    data = json.loads((CORPUS / "bytes.json").read_text(encoding="utf-8"))
    parts = (CORPUS / f"{kind}.asm").read_text(encoding="utf-8").split("\n;; ")[1:]
    for part in parts:
        head, _, code = part.partition("\n")
        name, _, fields = (text.strip() for text in head.partition("|"))
        yield Routine(name, code, snippet(bytes.fromhex(data[f"{kind}/{name}"])), contract_of(fields))


def code(text: str) -> bytes:
    return bytes.fromhex(text.replace(" ", ""))


def of(text: str, contract: Contract, **more: Any) -> Optimized:
    return optimize(snippet(code(text)), contract, **more)


def dead(*live: str, **fields: Any) -> Contract:
    return Contract(clobbers=frozenset(RESULTS) - set(live), **fields)


def best(text: str, contract: Contract, **more: Any) -> str:
    found = of(text, contract, seeds=4, **more).best
    return "" if found is None else found.program.blocks[0].data.hex(" ")


def asar_is_there() -> bool:
    try:
        find_asar(HERE)
    except ServerError:
        return False
    return True


@pytest.mark.asar
@pytest.mark.anyio
@pytest.mark.skipif(not asar_is_there(), reason="asar is absent: afs fetch asar")
@pytest.mark.parametrize("kind", ["slack_tuned", "slack_frozen", "tight", "live"])
async def test_the_stored_bytes_are_what_asar_makes_of_the_text(kind: str) -> None:
    routines = list(corpus(kind))
    text = "".join(
        f"org ${0x8000 + 0x100 * number:06X}\nnamespace {one.name}\n{one.code}\nnamespace off\n"
        for number, one in enumerate(routines)
    )
    with anyio.fail_after(60):
        assembly = await assemble_code(text, HERE)
    assert assembly.ok, assembly.diagnostics
    made = {block.address: block.data for block in assembly.blocks}
    for number, one in enumerate(routines):
        data = one.program.blocks[0].data
        assert len(made[0x8000 + 0x100 * number]) == len(data), one.name


@pytest.mark.parametrize("kind", ["slack_tuned", "slack_frozen"])
def test_routines_with_slack_lose_a_fifth_of_their_clocks_and_every_result_stands_with_fresh_seeds(kind: str) -> None:
    routines, savings = list(corpus(kind)), list[float]()
    assert len(routines) == 30
    for one in routines:
        found = optimize(one.program, one.contract, seeds=2)
        savings.append(found.best.saving if found.best else 0.0)
        if found.best is not None:
            assert found.best.measure.clocks < found.original.clocks, one.name
            assert (
                compare(one.program, found.best.program, one.contract, seeds=8, seed=9041, method="vectors").result
                != "refuted"
            ), one.name
    assert median(savings) >= 0.20


def test_tight_routines_are_left_as_they_are() -> None:
    routines = list(corpus("tight"))
    assert len(routines) == 20
    assert [one.name for one in routines if optimize(one.program, one.contract, seeds=4).best is not None] == []


def test_live_flags_and_registers_arrive() -> None:
    routines = list(corpus("live"))
    assert len(routines) == 20
    for one in routines:
        found = optimize(one.program, one.contract, seeds=4).best
        if found is not None:
            assert compare(one.program, found.program, one.contract, seeds=32, seed=77).result != "refuted", one.name


@pytest.mark.parametrize(
    ("text", "contract", "expected"),
    [
        ("A9 00 85 10 60", dead(), "64 10 60"),  # lda #0, sta $10 -> stz $10
        ("A9 00 85 10 60", dead("A"), ""),
        ("A5 10 18 69 01 85 10 60", dead(), "e6 10 60"),  # lda, clc, adc #1, sta -> inc
        ("A5 10 18 69 01 85 10 60", dead("A", "c"), ""),
        ("AF 10 00 7E 85 11 60", dead("A"), "a5 10 85 11 60"),
        ("A5 10 29 80 D0 02 E6 11 60", dead(), "a5 10 30 02 e6 11 60"),  # and #$80, bne -> bmi
        ("20 04 80 60 E6 10 60", dead(), "e6 10 60"),  # jsr, rts -> the routine itself
        ("C2 20 A5 10 85 12 E2 20 C2 20 A5 14 85 16 E2 20 60", dead(), "c2 20 a5 10 85 12 a5 14 85 16 e2 20 60"),
        ("A5 10 C9 05 D0 03 4C 0C 80 E6 11 60 E6 12 60", dead(), "a5 10 c9 05 f0 03 e6 11 60 e6 12 60"),
    ],
)
def test_a_rewrite_is_made_where_its_results_are_dead_and_only_there(
    text: str, contract: Contract, expected: str
) -> None:
    assert best(text, contract) == expected


def test_a_counter_that_nobody_reads_turns_round_but_not_when_the_passes_depend_on_each_other() -> None:
    copy = "A2 00 BD 00 03 9D 20 03 E8 E0 08 D0 F5 60"
    assert best(copy, dead(), growth=0) == "a2 07 bd 00 03 9d 20 03 ca 10 f7 60"
    assert best(copy, dead()) == "c2 20 a2 06 bd 00 03 9d 20 03 ca ca 10 f6 e2 20 60"
    assert best(copy, dead("X")) == ""
    shift_by_one = "A2 00 BD 00 03 9D 01 03 E8 E0 08 D0 F5 60"
    assert best(shift_by_one, dead()) == ""


def test_hardware_reads_and_loops_that_pass_time_stay() -> None:
    acknowledge = "AD 10 42 AD 10 42 60"
    assert best(acknowledge, dead()) == ""
    assert best("A2 20 CA D0 FD 60", dead()) == ""
    assert best("A5 10 8D 02 42 A5 11 8D 03 42 EA EA EA AD 16 42 85 12 60", dead()) == ""


def test_memory_that_the_contract_calls_dead_need_not_be_stored() -> None:
    spill = "A5 10 85 20 A5 20 85 11 60"
    kept, lost = dead(), Contract(clobbers=frozenset(RESULTS), memory_clobbers=({"start": 0x7E0020, "end": 0x7E0020},))  # type: ignore[arg-type]  # pydantic builds the range
    assert best(spill, kept) == "a5 10 85 20 85 11 60"
    assert best(spill, lost) == "a5 10 85 11 60"


def test_data_behind_the_code_stays_at_its_address() -> None:
    program = snippet(code("A9 00 85 10 A6 11 BD 0C 80 85 12 60 01 02 03 04"))
    contract = dead(inputs=(Input(name="$7E0011", high=3),))
    found = optimize(program, contract, seeds=4).best
    assert found is not None
    assert found.program.byte(0x800C) == 1
    assert found.program.byte(0x800F) == 4


def test_a_routine_that_is_called_once_is_taken_in_and_one_in_another_bank_as_well() -> None:
    near, far = Block(0x008000, code("22 00 80 01 A5 10 85 12 6B")), Block(0x018000, code("A9 00 85 10 6B"))
    found = optimize(Program((near, far)), dead(), seeds=4).best
    assert found is not None
    assert found.program.blocks == (Block(0x008000, code("64 10 64 12 6B")),)


def test_each_rewrite_names_its_rule_its_place_and_why_it_is_safe() -> None:
    found = of("A9 00 85 10 A5 10 85 11 60", dead(), seeds=4).best
    assert found is not None
    assert found.rewrites
    for one in found.rewrites:
        assert one.rule in RULES
        assert one.why
        assert one.address >= 0x8000
        assert one.before
    assert any("not live" in one.why or "the same" in one.why for one in found.rewrites)


def test_equal_arguments_give_equal_results() -> None:
    text = "A5 10 0A 85 12 A5 10 0A 0A 0A 18 65 12 85 12 60"
    one, two = of(text, dead(), seeds=4, seed=5), of(text, dead(), seeds=4, seed=5)
    assert one == two


def test_bytes_may_be_wanted_rather_than_clocks_and_room_given() -> None:
    text = "A5 10 C9 05 D0 05 E6 11 4C 0F 80 E6 12 E6 13 E6 14 60"
    small, quick = of(text, dead(), goal="bytes", seeds=4), of(text, dead(), growth=16, seeds=4)
    assert small.best is not None
    assert quick.best is not None
    assert small.best.measure.size <= quick.best.measure.size
    assert quick.best.measure.clocks <= small.best.measure.clocks


def test_progress_is_told_and_may_end_the_search() -> None:
    told: list[int] = []

    def stop(looked: int) -> None:
        told.append(looked)
        if len(told) == 3:
            raise TimeoutError("enough")

    with pytest.raises(TimeoutError):
        of("A9 00 85 10 A9 00 85 11 A9 00 85 12 60", dead(), on_progress=stop)
    assert told == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no bytes|no code|entry"),
        ("80 FE", "no input lets the code end|does not end"),
        ("6C 00 03", "no input|leave|end|return"),
        ("A2 00 7C 04 80 60 08 80", "table|end|return"),
        ("62 00 00 60", "depends on where"),
    ],
)
def test_what_cannot_be_optimised_is_refused_with_the_next_step(text: str, said: str) -> None:
    with pytest.raises(CodeError, match=said):
        of(text, dead(budget=500), seeds=1)


NAMES = (
    *("LDA", "STA", "ADC", "SBC", "CLC", "SEC", "AND", "ORA", "EOR", "INC", "DEC", "ASL", "LSR", "CMP", "STZ", "ROL"),
    *("ROR", "TSB", "TRB", "BIT", "XBA", "LDX", "STX", "TAX", "TXA", "INX", "DEY"),
)
COMMON: tuple[Opcode, ...] = tuple(
    row for row in OPCODES if row.mnemonic in NAMES and "indirect" not in row.mode and not row.mode.startswith("stack")
)


def some_code(seed: int, *, m: Literal[0, 1]) -> bytes:
    """Code as nobody writes it: a few operands, so that much of it is redundant, and branches that go on."""
    chance, data, branches = random.Random(seed), bytearray(), list[int]()
    for _ in range(chance.randint(3, 10)):
        row = chance.choice(COMMON)
        size = row.length(m, 1)
        operand = chance.choice((0, 1, 0x80, 0xFF)) if row.mode.startswith("immediate") else chance.randint(0x10, 0x12)
        bank = 0x7E << 16 if size == 4 else 0
        data += bytes((row.code,)) + (operand | bank).to_bytes(3, "little")[: size - 1]
        if chance.random() < 0.15:
            branches.append(len(data) + 1)
            data += bytes((chance.choice((0x10, 0x30, 0x90, 0xB0, 0xD0, 0xF0)), 0))
    return bytes(data) + b"\x60"


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1 << 30), st.sampled_from((0, 1)), st.sets(st.sampled_from(RESULTS)))
def test_whatever_the_code_no_rewrite_that_terms_propose_is_refuted(
    seed: int, m: Literal[0, 1], gone: set[str]
) -> None:
    program, contract = snippet(some_code(seed, m=m)), Contract(m=m, clobbers=frozenset(gone))
    found = optimize(program, contract, seeds=2)
    assert found.refuted == 0
    if found.best is not None:
        assert compare(program, found.best.program, contract, seeds=4, seed=3).result != "refuted"


BODY = (
    *("BD 00 03", "9D 00 03", "7D 01 03", "9D 01 03", "18", "FE 08 03", "A9 00", "65 30", "85 30", "A5 30", "E6 30"),
    *("9E 20 03", "0A", "8A", "49 01", "18 65 30 85 30", "B5 40", "95 48", "90 02 E6 31", "F0 02 E6 32", "B0 02 E6 31"),
)


def some_loop(seed: int) -> bytes:
    """A loop as nobody writes it: up, down or tested at its top, over tables that meet each other."""
    chance = random.Random(seed)
    shape, step, passes = chance.choice(("up", "down", "top")), chance.choice((1, 1, 2)), chance.choice((3, 4, 6))
    first = {"up": chance.choice((0, 0, step)), "down": passes, "top": 0}[shape]
    data = bytearray((0xA2, first)) + code(chance.choice(("", "A9 00", "64 30", "A9 00 85 30", "18")))
    head, end = len(data), first + step * passes
    data += bytes((0xE0, end, 0xF0, 0)) if shape == "top" else b""
    data += b"".join(code(chance.choice(BODY)) for _ in range(chance.randint(1, 5)))
    if shape == "top":
        data += b"\xe8" * step + bytes((0x4C, head, 0x80))
        data[head + 3] = len(data) - head - 4
    else:
        count = (
            b"\xe8" * step + bytes((0xE0, end, 0xD0))
            if shape == "up"
            else code(chance.choice(("CA E0 FF D0", "CA 10")))
        )
        data += count + bytes((head - len(data) - len(count) - 1 & 0xFF,))
    return bytes(data) + code(chance.choice(("", "85 33", "86 34", "A9 01 85 30"))) + b"\x60"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1 << 30), st.sets(st.sampled_from(RESULTS), min_size=4))
def test_whatever_the_loop_no_rewrite_that_terms_propose_is_refuted(seed: int, gone: set[str]) -> None:
    program, contract = snippet(some_loop(seed)), Contract(clobbers=frozenset(gone), budget=3000)
    assert optimize(program, contract, seeds=2).refuted == 0


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=24), st.sampled_from((0, 1)), st.sampled_from((0, 1)))
def test_fuzzed_bytes_end_in_a_result_or_a_clear_error(data: bytes, m: Literal[0, 1], x: Literal[0, 1]) -> None:
    try:
        found = optimize(snippet(data), Contract(m=m, x=x, budget=200), seeds=1, candidates=300)
    except CodeError as error:
        assert str(error)
    else:
        assert found.best is None or found.best.verdict.result != "refuted"


def test_a_loop_within_a_loop_loses_what_is_the_same_on_each_pass() -> None:
    nested = "A0 00 A2 00 A9 00 9D 00 09 E8 E0 08 D0 F6 C8 C0 04 D0 EF 60"
    found = of(nested, dead(), seeds=4)
    assert found.refuted == 0
    assert found.best is not None
    assert found.best.saving >= 0.25


def test_a_loop_that_tests_at_its_top_tests_at_its_bottom() -> None:
    copy = "A2 00 E0 08 F0 0A BD 00 06 9D 40 06 E8 4C 02 80 60"
    found = of(copy, dead(), seeds=4, growth=0)
    assert found.best is not None
    assert found.best.saving >= 0.2
    assert found.best.measure.size <= found.original.size


def test_the_sign_ends_a_count_down_only_from_below_the_sign_bit() -> None:
    short, long = "A2 07 FE 00 0D CA E0 FF D0 F8 60", "A2 90 FE 00 0D CA E0 FF D0 F8 60"
    assert best(short, dead()) == "a2 07 fe 00 0d ca 10 fa 60"
    assert best(long, dead()) == ""


@pytest.mark.parametrize(
    ("rule", "text", "least"),
    [
        ("wider_loop", "A2 00 A9 00 9D 00 06 E8 E0 20 D0 F6 60", 0.5),
        ("one_width", "C2 20 A2 00 C2 20 BD 00 02 18 65 10 9D 00 02 E2 20 E8 E8 E0 20 D0 ED 60", 0.2),
        ("gather_widths", "C2 20 A5 40 85 44 E2 20 A9 01 85 48 C2 20 A9 34 12 85 4A E2 20 60", 0.1),
        ("carry_by_branch", "A5 30 18 69 01 85 30 A5 31 69 00 85 31 60", 0.4),
        ("both_ways", "A5 21 C5 23 90 01 60 60", 0.05),
        ("needless_push", "DA 5A A2 0A FE 00 05 CA D0 FA 7A FA 60", 0.05),
        ("store_behind", "C2 30 A9 00 00 A2 3E 00 18 7F 00 20 7E 85 10 CA CA 10 F5 E2 30 60", 0.1),
    ],
)
def test_slack_of_each_kind_goes_by_its_rule_and_the_result_stands(rule: str, text: str, least: float) -> None:
    found = of(text, dead(), seeds=4).best
    assert found is not None
    assert rule in [one.rule for one in found.rewrites]
    assert found.saving >= least
    fresh = compare(snippet(code(text)), found.program, dead(), seeds=8, seed=4711, method="vectors")
    assert fresh.result != "refuted"


@pytest.mark.parametrize(
    "text",
    [
        "A2 0F 9E 00 04 CA 10 FA 60",
        "A2 0F BD 00 04 9D 00 05 CA 10 F7 60",
        "E6 10 D0 02 E6 11 60",
        "A0 0F B1 00 99 00 04 88 10 F8 60",
        "F8 A5 10 18 69 01 85 10 A5 11 69 00 85 11 D8 60",
        "A5 10 F0 02 C6 10 60",
    ],
)
def test_tight_code_is_not_made_longer_for_speed_unless_asked(text: str) -> None:
    assert of(text, dead(), seeds=4).best is None


def test_a_register_that_the_loop_changes_is_still_saved_when_it_is_live() -> None:
    text = "DA A2 0A FE 00 05 CA D0 FA FA 60"
    assert best(text, dead("X")) == ""
    assert best(text, dead()) == "a2 0a fe 00 05 ca d0 fa 60"
