"""Comparisons that must not end in a proof, nor in a refusal, that the code does not bear out."""

import importlib.util
from dataclasses import replace

import pytest

from knowledge.m65816.contracts import parse_contract
from knowledge.m65816.equivalence import Method, compare
from knowledge.m65816.outcome import CodeError
from knowledge.m65816.program import Program, snippet
from knowledge.m65816.smt import prove
from knowledge.snes.mapping import Mapper
from schemas.contract import Contract, Input, MemoryRange, Verdict

Z3 = importlib.util.find_spec("z3") is not None
PROOFS: tuple[Method, ...] = ("auto", "smt", "exhaustive")
FLAGS = frozenset("nzvc")


def _code(text: str, address: int = 0x008000) -> Program:
    return snippet(bytes.fromhex(text), address=address)


def _compare(
    original: str, candidate: str, contract: Contract, *, at: int = 0x008000, method: Method = "auto"
) -> Verdict:
    return compare(_code(original, at), _code(candidate, at), contract, method=method)


# what a proof may not rest on


@pytest.mark.parametrize("method", PROOFS)
@pytest.mark.parametrize("stack", ["$1fff", "$02ff", "$0100..$017f", "$0100..$01ff", "$0200..$0300"])
def test_an_s_outside_what_the_solver_assumes_proves_nothing(stack: str, method: Method) -> None:
    contract = parse_contract(entry="m16 x16", clobbers="n z c v", inputs=[f"S={stack}"])
    assert _compare("A510 60", "A510 C9EFBE D003 A9ADDE 60", contract, method=method).result == "refuted"


@pytest.mark.skipif(not Z3, reason="z3 is absent: install the extra smt")
def test_the_solver_still_proves_under_an_s_within_what_it_assumes() -> None:
    contract = parse_contract(clobbers="n z", inputs=["S=$01e0..$01ff"])
    assert _compare("48 A507 68 60", "60", contract, method="smt").method == "smt"
    shown = parse_contract(entry="x16", clobbers="n z c X", inputs=["S=$01e0..$01ff"])
    rare = "BA E0DD01 D002 E610 60"  # TSX / CPX #$01DD / BNE / INC $10: S = $01E0 before the call, 3 lower within
    proof = prove(_code(rare), _code("60"), shown)
    assert proof.result == "differs"
    assert proof.model is not None
    assert proof.model.registers["S"] == 0x01DD
    assert prove(_code(rare.replace("DD01", "DC01")), _code("60"), shown).result == "equal"


def test_two_inputs_on_one_accumulator_are_an_error() -> None:
    contract = Contract(m=0, x=0, inputs=(Input(name="A", values=(0x1234,)), Input(name="B", values=(0x55,))))
    with pytest.raises(CodeError, match="16 bits"):
        _compare("60", "60", contract)
    twice = (Input(name="$0010", values=(1,)), Input(name="$7E0010", values=(2,)))
    with pytest.raises(CodeError, match="two inputs"):
        _compare("60", "60", Contract(inputs=twice))
    with pytest.raises(CodeError, match="S lies in"):
        _compare("60", "60", Contract(e=1, inputs=(Input(name="S", values=(0x0300,)),)))


@pytest.mark.parametrize("method", PROOFS)
def test_code_in_ram_that_patches_itself_is_not_proved(method: Method) -> None:
    contract = parse_contract(clobbers="n z c")
    original = "A9A5 8F06807E 60 20 60"  # LDA #$A5 / STA $7E8006: the RTS there becomes LDA $20
    candidate = "A9A5 8F06807E 60 20 C937 D002 A900 60"
    assert _compare(original, candidate, contract, at=0x7E8000, method=method).result != "proved"


@pytest.mark.parametrize("method", PROOFS)
def test_code_in_ram_is_not_proved_when_an_indexed_write_may_reach_it(method: Method) -> None:
    contract = parse_contract(entry="x16", clobbers="A n z c", inputs=["X=0..$ff"])
    original = "A9EA 9F00807E 60"  # STA $7E8000,X
    assert _compare(original, "A9EA EA 9F00807E 60", contract, at=0x7E8000, method=method).result != "proved"


@pytest.mark.parametrize("method", PROOFS)
@pytest.mark.parametrize("stack", [[], ["S=$01ef"]])
def test_a_read_of_the_stack_by_address_sees_more_than_one_s(stack: list[str], method: Method) -> None:
    contract = parse_contract(clobbers="n z", inputs=stack)
    assert _compare("48 ADFC01 FA 60", "AA 60", contract, method=method).result != "proved"


@pytest.mark.parametrize("method", PROOFS)
def test_a_return_address_written_by_address_is_not_proved_dead(method: Method) -> None:
    contract = parse_contract(clobbers="A n z $01f0-$01ff")
    assert _compare("A912 8DFE01 60", "A934 8DFE01 60", contract, method=method).result != "proved"


@pytest.mark.parametrize("method", PROOFS)
def test_a_wide_index_reaches_the_stack_through_the_next_bank(method: Method) -> None:
    contract = parse_contract(entry="x16", clobbers="A n z")
    original, candidate = "A912 9D00FE 60", "A934 9D00FE 60"  # $00FE00,X reaches $0101FF
    assert _compare(original, candidate, contract, method=method).result != "proved"


@pytest.mark.parametrize("method", PROOFS)
def test_the_same_bytes_over_another_rom_are_not_identical(method: Method) -> None:
    rom = bytearray(0x8000)
    first = replace(_code("BD0090 60"), rom=bytes(rom))
    rom[0x1037] = 1
    verdict = compare(first, replace(first, rom=bytes(rom)), parse_contract(clobbers="n z"), method=method)
    assert verdict.result == "refuted"
    assert verdict.counterexample is not None
    assert verdict.counterexample.registers["X"] == 0x37


def test_the_same_bytes_in_another_mapper_are_not_identical() -> None:
    first = _code("A510 60")
    verdict = compare(first, replace(first, mapper="hirom"), Contract())
    assert verdict.method != "identical"
    assert compare(first, first, Contract()).method == "identical"


@pytest.mark.parametrize("method", PROOFS)
def test_writing_back_the_one_value_that_an_input_holds_is_no_difference(method: Method) -> None:
    contract = parse_contract(clobbers="n z", inputs=["A=5", "$7E0010=5"])
    assert _compare("60", "A905 60", contract, method=method).result in ("proved", "tested")
    assert _compare("60", "A905 8510 60", contract, method=method).result in ("proved", "tested")


# what must not be refused or refuted


@pytest.mark.parametrize("code", ["AD0061 60", "8D0060 60", "AF008071 60", "AF006030 60", "BD0061 60"])
@pytest.mark.parametrize("mapper", ["lorom", "hirom", "exlorom", "exhirom"])
def test_ram_that_the_mapper_lacks_ends_in_a_verdict(code: str, mapper: Mapper) -> None:
    first, second = (replace(_code(text), mapper=mapper) for text in ("A901 60", code))
    assert compare(first, second, Contract(clobbers=FLAGS)).result in ("refuted", "tested")


@pytest.mark.parametrize("method", ["auto", "vectors", "exhaustive", "smt"])
@pytest.mark.parametrize("name", ["$0010", "$7e0010", "$000010", "$800010", "$10"])
def test_an_input_may_be_named_by_any_mirror_in_any_case(name: str, method: Method) -> None:
    contract = Contract(clobbers=FLAGS, inputs=(Input(name=name, low=0, high=9),))
    assert _compare("A510 C90A 9002 A900 60", "A510 60", contract, method=method).result in ("proved", "tested")


def test_clobbered_memory_may_be_named_by_any_mirror() -> None:
    for start in (0x10, 0x800010, 0x7E0010):
        contract = Contract(clobbers=FLAGS | {"A"}, memory_clobbers=(MemoryRange(start=start, end=start + 15),))
        assert _compare("A905 8510 60", "A906 8510 60", contract).result == "proved"
        assert _compare("A905 8530 60", "A906 8530 60", contract).result == "refuted"
    sram = Contract(clobbers=FLAGS | {"A"}, memory_clobbers=(MemoryRange(start=0xF00010, end=0xF0001F),))
    assert _compare("A905 8F100070 60", "A906 8F100070 60", sram).result == "proved"
    narrow = Contract(clobbers=FLAGS, inputs=(Input(name="$F00010", low=0, high=9),))
    assert _compare("AF100070 C90A 9002 A900 60", "AF100070 60", narrow).result == "tested"
    with pytest.raises(CodeError, match="neither WRAM nor SRAM"):
        _compare("60", "EA60", Contract(inputs=(Input(name="$306000", values=(1,)),)))


@pytest.mark.parametrize("method", ["auto", "vectors", "exhaustive"])
def test_code_in_ram_may_read_its_own_data(method: Method) -> None:
    verdict = _compare("AF05807E 60 42", "A942 EAEA 60 42", Contract(), at=0x7E8000, method=method)
    assert verdict.result in ("proved", "tested")
    assert _compare("AF05807E 60 42", "A943 EAEA 60 42", Contract(), at=0x7E8000, method=method).result == "refuted"


@pytest.mark.parametrize(
    ("original", "candidate"),
    [
        ("9C1621 9C1721 AD3921 AD3921 8510 AD3921 8511 60", "9C1621 9C1721 AD3921 8510 AD3921 8511 60"),
        ("9C2121 AD3B21 AD3B21 8510 60", "9C2121 AD3B21 8510 60"),
        ("9C0221 9C0321 AD3821 8510 AD3821 8511 60", "9C0221 9C0321 AD3821 8511 AD3821 8510 60"),
    ],
)
def test_a_read_of_video_memory_sees_what_lies_there(original: str, candidate: str) -> None:
    contract = parse_contract(clobbers="A n z")
    assert _compare(original, candidate, contract).result == "refuted"
    assert _compare(original, original.replace("60", "EA60"), contract).result == "tested"


# what cannot be waited for


@pytest.mark.parametrize(
    ("wait", "other"),
    [
        ("AD4021 C9CC D0F9 60", "EA AD4021 C9CC D0F9 60"),
        ("AD4021 C9AA D0F9 AD4121 C937 D0F9 60", "AD4021 C9AA D0F9 EA AD4121 C937 D0F9 60"),
        ("C220 AD4021 C9CC12 D0F8 E220 60", "C220 EA AD4021 C9CC12 D0F8 E220 60"),
    ],
)
def test_a_wait_for_an_answer_of_the_apu_is_answered(wait: str, other: str) -> None:
    contract = parse_contract(clobbers="A B n z c v")
    assert _compare(wait, other, contract).result == "tested"
    assert _compare(wait, "60", contract).result == "refuted"


def test_a_comparison_of_final_images_says_what_it_leaves_out() -> None:
    verdict = _compare("A90F 8D0021 60", "A90F 60", Contract(hardware="final"))
    assert verdict.result == "tested"
    assert any("$2100" in assumption and "left out" in assumption for assumption in verdict.assumptions)
    assert not any("$2100" in assumption for assumption in _compare("60", "EA60", Contract()).assumptions)


# how much is run


def _accesses(original: str) -> int:
    """Return how many inputs are run on code that is costly, against the same code behind a NOP."""
    verdict = _compare(original, "EA" + original, parse_contract(clobbers="A n z"))
    assert verdict.result == "tested"
    return verdict.cases


def test_code_whose_runs_are_costly_is_tried_on_fewer_inputs() -> None:
    cheap = _accesses("AD4021 8510 60")
    dma = _accesses("A901 8D0B42 60")  # 65,536 bytes of DMA a run
    wait = _accesses("AD1242 30FB AD1242 10FB 60")  # a whole frame
    assert 1 <= dma <= 8
    assert dma < wait < cheap // 2
