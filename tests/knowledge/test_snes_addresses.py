"""The reader of SNES addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.snes.addresses import fold, lorom_address, lorom_offset, show, spelled


@pytest.mark.parametrize(
    ("text", "value", "said"),
    [
        ("$7EF36D", 0x7EF36D, "banked"),
        ("7ef36d", 0x7EF36D, "banked"),
        ("0x7EF36D", 0x7EF36D, "banked"),
        ("F36D", 0xF36D, "short"),
        ("$00:8000", 0x8000, "banked"),
        ("80/8000", 0x808000, "banked"),
        ("$10", 0x10, "short"),
        ("pc:0x0", 0, "offset"),
        ("PC 0x1234", 0x1234, "offset"),
        ("rom offset 0x73D00", 0x73D00, "offset"),
        ("#$41", 0x41, "short"),
        ("2100h", 0x2100, "short"),
    ],
)
def test_an_address_is_read_from_its_spelling(text: str, value: int, said: str) -> None:
    (found,) = spelled(text)
    kind = "offset" if found.pc else "banked" if found.banked else "short"
    assert (found.value, kind) == (value, said)


@pytest.mark.parametrize("text", ["deadbeef", "facade", "face", "12345678", "$12345678", "x7EF36D", "100", "health"])
def test_what_is_no_address_is_not_read(text: str) -> None:
    assert spelled(text) == []


@pytest.mark.parametrize(
    ("address", "folded"),
    [
        (0x000010, 0x7E0010),
        (0x800010, 0x7E0010),
        (0x3F1FFF, 0x7E1FFF),
        (0x7E0010, 0x7E0010),
        (0x002100, 0x2100),
        (0xBF420B, 0x420B),
        (0x808000, 0x008000),
        (0xFFFFFF, 0xFFFFFF),
        (0xF00000, 0x700000),
    ],
)
def test_mirrors_fold_onto_one_address(address: int, folded: int) -> None:
    assert fold(address) == folded


@given(st.integers(0, 0x3FFFFF))
def test_a_lorom_offset_survives_the_way_there_and_back(offset: int) -> None:
    assert lorom_offset(lorom_address(offset)) == offset


def test_an_address_is_shown_as_the_tables_write_it() -> None:
    assert (show(0x2100), show(0x7EF36D), show(0x8000)) == ("$2100", "$7EF36D", "$008000")
