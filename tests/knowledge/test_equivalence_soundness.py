"""Comparisons that must not end in a proof, nor in a refusal, that the code does not bear out."""

import importlib.util
from dataclasses import replace

import pytest

from knowledge.m65816.contracts import parse_contract
from knowledge.m65816.equivalence import Method, compare
from knowledge.m65816.outcome import CodeError
from knowledge.m65816.program import Program, snippet
from knowledge.m65816.smt import prove
from schemas.contract import Contract, Input, Verdict

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
