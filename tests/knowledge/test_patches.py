"""Patches checked before they are applied: hooks, free space, protected data, header and size."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.m65816.flow import Entry, analyse
from knowledge.m65816.flow_state import State
from knowledge.m65816.program import Block, Program
from knowledge.snes.header import checksum_of, compute_checksum, find_mapper, read_header
from knowledge.snes.mapping import MAPPERS, Mapper, pc_offset
from knowledge.snes.patch_hooks import KnownCode, known_code
from knowledge.snes.patch_report import RULES, PatchReport
from knowledge.snes.patch_space import tags
from knowledge.snes.patch_writes import LARGEST_ROM, Patch, PatchError
from knowledge.snes.patches import check_patch
from schemas.contract import MemoryRange

FREE = 0x00F000
"""Free space in the ROM below."""
CODE = bytes.fromhex("A510 8D0021 A920 8512 6B")
"""$008000: LDA $10, STA $2100, LDA #$20, STA $12, RTL (M = 1)."""


def rom(*, mapper: Mapper = "lorom", size: int = 0x10000, code: bytes = CODE) -> bytes:
    """A ROM with code at $008000, bytes that are not free behind it, free space from $00F000, and a good header."""
    image = bytearray(random.Random(7).randbytes(size).replace(b"STAR", b"STAB"))
    image[0 : len(code)] = code
    image[0x7000:0x7FC0] = bytes(0x7FC0 - 0x7000)
    start = pc_offset(0x00FFC0, mapper) or 0
    image[start : start + 0x40] = bytes(0x40)
    image[start : start + 21] = b"A TEST OF PATCHES    "
    image[start + 0x15 : start + 0x1A] = bytes(
        (0x21 if mapper == "hirom" else 0x20, 0, (size // 1024 - 1).bit_length(), 0, 1)
    )
    image[start + 0x3C : start + 0x3E] = b"\x00\x80"
    return with_checksum(bytes(image), mapper)


def with_checksum(image: bytes, mapper: Mapper) -> bytes:
    place = pc_offset(0x00FFDC, mapper) or 0
    value = compute_checksum(image, mapper)
    return image[:place] + (value ^ 0xFFFF).to_bytes(2, "little") + value.to_bytes(2, "little") + image[place + 4 :]


def check(
    *blocks: tuple[int, str], at: int | None = 0x8000, original: bytes = b"", m: int = 1, x: int = 1
) -> PatchReport:
    """Check one patch; by default the instruction at $008000 is known, with 8-bit widths."""
    code = KnownCode({at: (m, x)} if at is not None else {})
    patch = Patch("patch", tuple(Block(address, bytes.fromhex(data)) for address, data in blocks))
    return check_patch(original or rom(), [patch], code=code)


def found(report: PatchReport) -> dict[str, str]:
    """Severity by id, without the checksum, which every change upsets."""
    return {item.id: item.severity for item in report.findings if item.id != "AFSP23"}


ROUTINE = (FREE, "EA A510 8D0021 6B")


def test_a_hook_over_whole_instructions_with_its_routine_in_free_space_is_clean() -> None:
    report = check((0x8000, "2200F000 EA"), ROUTINE)
    assert found(report) == {}
    assert report.ok
    (hook,) = report.hooks
    assert (hook.instruction, hook.size, hook.back) == ("JSL $00F000", 5, 0x8005)
    assert hook.replaced == ("$008000 LDA (A5 10)", "$008002 STA (8D 00 21)")
    assert report.written == 12


def test_leftover_bytes_behind_a_call_are_an_error_that_says_how_many_nops_are_missing() -> None:
    report = check((0x8000, "2200F000"), ROUTINE)
    assert found(report) == {"AFSP02": "error"}
    finding = report.findings[0]
    assert "1 NOPs" in finding.next_step
    assert "$008005" in finding.next_step
    assert "STA (8D 00 21)" in finding.message


def test_leftover_bytes_behind_a_jump_are_a_note_with_the_place_to_come_back_to() -> None:
    report = check((0x8000, "5C00F000"), ROUTINE)
    assert found(report) == {"AFSP02": "note"}
    assert "$008005" in report.findings[0].next_step


def test_a_hook_in_the_middle_of_an_instruction_is_an_error() -> None:
    report = check((0x8003, "2200F000"), ROUTINE)
    assert found(report)["AFSP01"] == "error"
    assert "$008002" in report.findings[0].next_step


def test_a_cut_that_depends_on_the_widths_is_a_warning_until_they_are_given() -> None:
    original = rom(code=bytes.fromhex("A90102 8512 8514 6B"))
    blocks = (Block(0x8000, bytes.fromhex("2200F000 EA")), Block(FREE, b"\x6b"))
    patch = [Patch("patch", blocks)]
    unknown = check_patch(original, patch)
    assert found(unknown)["AFSP02"] == "warning"
    assert found(unknown)["AFSP06"] == "note"
    assert "M = 1" in next(item.message for item in unknown.findings if item.id == "AFSP02")
    sure = check_patch(original, patch, code=KnownCode({0x8000: (0, 1)}))
    assert found(sure) == {}
    assumed = check_patch(original, patch, widths=(0, None))
    assert found(assumed) == {"AFSP06": "note"}


def test_what_the_flow_found_tells_where_instructions_begin_and_who_jumps_in() -> None:
    code = bytes.fromhex("C220 A93412 8510 8514 80FC 6B")
    original = rom(code=code)
    program = Program((Block(0x8000, original[: len(code)]),))
    flow = analyse(program, [Entry(0x8000, State(m=1, x=1))])
    known = known_code(flow)
    assert known.starts[0x8005] == (0, 1)
    blocks = (Block(0x8002, bytes.fromhex("2200F000 EA")), Block(FREE, b"\x6b"))
    assert found(check_patch(original, [Patch("p", blocks)], code=known)) == {}
    blocks = (Block(0x8005, bytes.fromhex("2200F000")), Block(FREE, b"\x6b"))
    report = check_patch(original, [Patch("p", blocks)], code=known)
    assert found(report) == {"AFSP05": "error"}
    assert "$008009 jumps to $008007" in report.findings[0].message


def test_a_known_instruction_behind_a_jump_says_nothing_about_what_follows_it() -> None:
    original = rom(code=bytes.fromhex("4C0090 A510 8D0021 6B"))
    report = check((0x8003, "2200F000 EA"), ROUTINE, original=original)
    assert found(report) == {"AFSP06": "note"}


def test_an_operand_may_be_changed_in_place_when_it_is_announced() -> None:
    original = rom()
    patch = [Patch("p", (Block(0x8006, b"\x55"),))]
    report = check_patch(original, patch, code=KnownCode({0x8000: (1, 1)}))
    assert found(report) == {"AFSP14": "warning"}
    assert found(check_patch(original, patch, expected={0x8006: b"\x20"})) == {}


def test_a_change_in_place_that_moves_instructions_is_an_error() -> None:
    report = check((0x8005, "C2"))
    assert "AFSP02" not in found(report)  # REP #$20 is as long as LDA #$20
    for address, opcode in ((0x8005, "AF"), (0x8000, "AD")):  # takes in the next instruction, or a part of it
        assert found(check((address, opcode)))["AFSP02"] == "error"


def test_a_cut_off_jump_is_an_error() -> None:
    assert found(check((0x8000, "2200F0"), ROUTINE))["AFSP03"] == "error"


def test_a_hook_that_leads_to_fill_bytes_is_an_error_that_knows_about_banks() -> None:
    assert found(check((0x8000, "2200F000 EA")))["AFSP04"] == "error"
    report = check((0x8002, "2000F0"), (0x01F000, "60"), original=rom(size=0x20000))
    (finding,) = [item for item in report.findings if item.id == "AFSP04"]
    assert "use JSL (and RTL)" in finding.next_step


def test_a_long_write_that_begins_like_a_jump_is_data() -> None:
    report = check((0x8100, "20" * 65))
    assert found(report) == {"AFSP14": "warning"}
    assert report.hooks == ()


def test_a_hook_into_work_ram_is_trusted() -> None:
    assert found(check((0x8000, "2200207F EA"))) == {}


def test_code_that_cannot_be_moved_is_noted() -> None:
    original = rom(code=bytes.fromhex("48 80FD 8512 6B"))
    report = check((0x8000, "2200F000 EA"), (FREE, "6B"), original=original)
    assert [item.id for item in report.findings if item.id != "AFSP23"] == ["AFSP07", "AFSP07"]
    assert "return address" in report.findings[0].message
    assert "relative" in report.findings[1].message


def test_two_patches_that_write_the_same_bytes_clash_unless_the_values_agree() -> None:
    one, two = Patch("one", (Block(FREE, b"\xea\x6b"),)), Patch("two", (Block(FREE + 1, b"\x60"),))
    report = check_patch(rom(), [one, two])
    assert found(report) == {"AFSP10": "error"}
    assert report.findings[0].patch == "two"
    assert "'one'" in report.findings[0].message
    same = Patch("two", (Block(FREE + 1, b"\x6b"),))
    assert found(check_patch(rom(), [one, same])) == {"AFSP10": "note"}
    mirrored = Patch("two", (Block(FREE | 0x800000, b"\x60"),))
    assert found(check_patch(rom(), [one, mirrored])) == {"AFSP10": "error"}
    assert found(check((FREE, "EA6B"), (FREE + 1, "60"))) == {"AFSP11": "warning"}


def test_a_write_where_there_is_no_rom_is_an_error() -> None:
    assert found(check((0x7E0010, "EA"), (0x700000, "EA"), (0x00FFFF, "EAEA")))["AFSP12"] == "error"


def test_a_write_outside_the_allowed_ranges_is_an_error() -> None:
    patch = [Patch("p", (Block(FREE, bytes(range(1, 17))),))]
    whole = MemoryRange(start=FREE, end=FREE + 15)
    assert found(check_patch(rom(), patch, allowed=[whole])) == {}
    halves = [MemoryRange(start=0x80F000, end=0x80F007), MemoryRange(start=FREE + 8, end=FREE + 15)]
    assert found(check_patch(rom(), patch, allowed=halves)) == {}
    report = check_patch(rom(), patch, allowed=halves[:1])
    assert found(report) == {"AFSP13": "error"}
    assert "from $00F008" in report.findings[0].message
    with pytest.raises(PatchError, match="no range of ROM"):
        check_patch(rom(), patch, allowed=[MemoryRange(start=0x7E0000, end=0x7E0001)])


def test_other_original_bytes_than_expected_are_an_error_with_both() -> None:
    report = check_patch(rom(), [], expected={0x8000: b"\xa5\x10", 0x8002: b"\x9c", 0x700000: b"\x01"})
    assert [item.message for item in report.findings] == [
        "the original has 8D here, 9C was expected",
        "the original has nothing here, 01 was expected",
    ]


def test_rats_tags_are_kept() -> None:
    tag = b"STAR" + (15).to_bytes(2, "little") + (15 ^ 0xFFFF).to_bytes(2, "little") + bytes(16)
    original = rom()
    place = 0x7100
    original = original[:place] + tag + original[place + len(tag) :]
    assert [item for item in tags(original)] == [(place, 16)]
    assert found(check((0x00F100 + 2, "00"), original=original)) == {"AFSP16": "error"}
    assert found(check((0x00F100 + 9, "6B"), original=original)) == {"AFSP17": "warning"}
    assert found(check((0x00F100 + 24, "6B"), original=original)) == {}
    again = tag[:8] + b"\x6b" * 16
    assert found(check((0x00F100, again.hex()), original=original)) == {"AFSP17": "warning"}


def test_a_tag_of_a_wrong_complement_or_behind_the_end_protects_nothing() -> None:
    assert tags(b"STAR\x00\x00\x00\x00" + bytes(8)) == []
    assert tags(b"STAR\x0f\x00\xf0\xff" + bytes(8)) == []
    assert tags(b"STAR") == []


def test_header_and_vectors_are_watched_but_size_and_checksum_may_change() -> None:
    assert found(check((0x00FFC0, "42"))) == {"AFSP20": "warning"}
    assert found(check((0x00FFFC, "34"))) == {"AFSP21": "warning"}
    assert found(check((0x00FFD7, "07"))) == {}
    assert found(check((0x00FFDC, "12345678"))) == {}


def test_growth_size_byte_and_checksum_are_told() -> None:
    report = check((0x028000, "EA6B"))
    assert found(report) == {"AFSP22": "warning", "AFSP24": "note"}
    assert "db $07" in next(item.next_step for item in report.findings if item.id == "AFSP22")
    assert (report.size_before, report.size_after) == (0x10000, 0x10002)
    assert report.checksum_before is not None and report.checksum_before.ok
    assert report.checksum_after is not None and not report.checksum_after.ok
    assert "AFSP23" in {item.id for item in report.findings}
    assert [bank.bank for bank in report.banks] == [0x02]


def test_a_rom_larger_than_its_mapper_is_an_error() -> None:
    patch = [Patch("p", (Block(0x00FF00, b"\xea"),))]
    report = check_patch(rom(), patch, image=rom() + bytes(0x400000))
    assert found(report)["AFSP25"] == "error"


def test_a_bank_that_is_filled_is_told_with_what_is_left() -> None:
    report = check((FREE, "EA" * (0xFC0 - 100)))
    assert found(report) == {"AFSP30": "note"}
    (bank,) = report.banks
    assert (bank.bank, bank.size, bank.free_after) == (0, 0x8000, 100)
    assert bank.free_before >= 0xFC0


def test_a_patch_that_changes_nothing_is_clean() -> None:
    assert check((0x8000, CODE.hex())).findings == ()
    assert check().findings == ()


def test_every_finding_has_a_known_id_and_a_next_step() -> None:
    reports = [check((0x8003, "2200F000")), check((0x7E0000, "00")), check((0x00FFC0, "00"), (0x00FFC0, "01"))]
    findings = [item for report in reports for item in report.findings]
    assert {item.id for item in findings} <= set(RULES)
    assert all(item.next_step and str(item).startswith(item.severity) for item in findings)


def test_findings_are_bounded_and_the_rest_is_counted() -> None:
    blocks = tuple(Block(0x8000 + 2 * place, b"\x01") for place in range(1, 1000))
    report = check_patch(rom(), [Patch("p", blocks)])
    assert len(report.findings) == 200
    assert report.left_out > 500


def test_a_rom_that_is_too_large_is_refused() -> None:
    with pytest.raises(PatchError, match="more than"):
        check_patch(bytes(LARGEST_ROM + 1), [])


ADDRESSES = st.integers(0x8000, 0xFFFF) | st.integers(0, 0x3FFFF) | st.integers(-5, 0x1000005)


@given(
    size=st.sampled_from([0, 1, 0x7FFF, 0x8000, 0x10000, 0x18000]),
    blocks=st.lists(st.tuples(ADDRESSES, st.binary(max_size=12)), max_size=8),
    starts=st.dictionaries(ADDRESSES, st.tuples(st.sampled_from([0, 1, None]), st.sampled_from([0, 1, None]))),
    targets=st.dictionaries(ADDRESSES, ADDRESSES),
    mapper=st.sampled_from(MAPPERS),
    expected=st.dictionaries(ADDRESSES, st.binary(max_size=3)),
)
@settings(deadline=None)
def test_no_patch_breaks_the_check(
    size: int,
    blocks: list[tuple[int, bytes]],
    starts: dict[int, tuple[int | None, int | None]],
    targets: dict[int, int],
    mapper: Mapper,
    expected: dict[int, bytes],
) -> None:
    patch = Patch("p", tuple(Block(address, data) for address, data in blocks))
    original = random.Random(size).randbytes(size)
    try:
        report = check_patch(
            original, [patch, patch], mapper=mapper, code=KnownCode(starts, targets), expected=expected
        )
    except PatchError:
        return
    assert {item.id for item in report.findings} <= set(RULES)


@given(st.sampled_from([bytes.fromhex(text) for text in ("2200F000", "5C00F000", "2000F0", "EA", "A9")]), st.data())
@settings(deadline=None)
def test_a_call_with_enough_nops_never_cuts_an_instruction(first: bytes, data: st.DataObject) -> None:
    """However long the hook, NOPs up to the next instruction make it whole."""
    extra = data.draw(st.integers(0, 6))
    boundaries = [0, 2, 5, 7, 9, 10]
    end = next(place for place in boundaries if place >= min(10, len(first) + extra))
    padded = (first if first != b"\xa9" else b"\xa9\x00") + b"\xea" * 12
    report = check((0x8000, padded[: max(end, 2)].hex()), ROUTINE)
    assert "AFSP02" not in {item.id for item in report.findings if item.severity != "note"}


@pytest.mark.parametrize("mapper", ["lorom", "hirom"])
def test_a_header_is_read_and_its_mapper_found(mapper: Mapper) -> None:
    image = rom(mapper=mapper, size=0x20000)
    header = read_header(image, mapper)
    assert header is not None
    assert (header.title, header.rom_size, header.sram_size) == ("A TEST OF PATCHES", 0x20000, 0)
    assert (header.country, header.reset, header.fast_rom) == ("USA and Canada", 0x8000, False)
    guess = find_mapper(image)
    assert guess.mapper == mapper
    assert guess.score > 0.6
    found_sum = checksum_of(image, mapper)
    assert found_sum is not None and found_sum.ok


def test_a_rom_without_header_is_lorom_with_no_score() -> None:
    assert find_mapper(b"")[:2] == ("lorom", 0.0)
    assert read_header(b"", "hirom") is None
    assert checksum_of(bytes(0x7FFF), "lorom") is None


@pytest.mark.parametrize(
    ("size", "parts"), [(0x60000, (1, 2)), (0x70000, (1, 1, 2)), (0x30000, (1, 2)), (0x40000, (1,))]
)
def test_the_checksum_mirrors_a_size_that_is_no_power_of_two(size: int, parts: tuple[int, ...]) -> None:
    image = bytearray(random.Random(1).randbytes(size))
    image[0x7FDC:0x7FE0] = b"\xff\xff\x00\x00"
    total, place, part = 0, 0, 1 << size.bit_length() - 1
    for times in parts:
        total += times * sum(image[place : place + part])
        place, part = place + part, part // 2
    assert place == size
    assert compute_checksum(bytes(image), "lorom") == total & 0xFFFF


@given(st.binary(max_size=400), st.sampled_from(MAPPERS))
def test_any_bytes_have_a_header_or_none(data: bytes, mapper: Mapper) -> None:
    image = data * 200
    assert find_mapper(image).score <= 1
    header = read_header(image, mapper)
    assert header is None or header.offset + 0x40 <= len(image)
    assert 0 <= compute_checksum(image, mapper) <= 0xFFFF
