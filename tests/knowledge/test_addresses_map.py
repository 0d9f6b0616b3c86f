"""Addresses translated under every mapper, and the registers that they name."""

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.snes.addresses import AddressError, copier_header, translate
from knowledge.snes.mapping import MAPPERS, Mapper, pc_offset
from knowledge.snes.memory_map import Region, clocks, mirrors, region, rom_address, sram_address
from knowledge.snes.registers import describe_register, find_register, register_at, registers
from servers.machine.asar import Assembly, assemble_code, find_asar
from servers.machine.errors import ServerError
from servers.settings import Settings

HERE = Settings.from_environment()
CARTRIDGES: tuple[Mapper, ...] = ("lorom", "hirom", "exlorom", "exhirom", "sa1rom", "sfxrom")
MAPPER: st.SearchStrategy[Mapper] = st.sampled_from(CARTRIDGES)
ADDRESS = st.integers(0, 0xFFFFFF)


def asar_there() -> bool:
    try:
        find_asar(HERE)
    except ServerError:
        return False
    return True


def assembled(code: str) -> Assembly:
    async def run() -> Assembly:
        return await assemble_code(code, HERE)

    return anyio.run(run)


@given(ADDRESS, MAPPER)
@settings(deadline=None)
def test_the_area_is_rom_exactly_where_the_mapper_shows_rom(address: int, mapper: Mapper) -> None:
    found = translate(address, mapper)
    system_area = address & 0x408000 == 0 or address & 0xFE0000 == 0x7E0000
    assert found.pc_offset == (None if system_area else pc_offset(address, mapper))
    assert (found.area == "rom") == (found.pc_offset is not None)


@given(ADDRESS, MAPPER)
@settings(deadline=None)
def test_the_canonical_address_shows_the_same_byte_and_is_its_own(address: int, mapper: Mapper) -> None:
    found = translate(address, mapper)
    again = translate(found.address, mapper)
    assert again.address == found.address
    assert again.area == found.area
    if found.area not in ("register", "open_bus"):
        assert region(found.address, mapper) == region(address, mapper)


@given(ADDRESS, MAPPER)
@settings(deadline=None)
def test_mirrors_are_all_the_places_of_a_byte_and_no_other(address: int, mapper: Mapper) -> None:
    wanted = region(address, mapper)
    places = {
        bank << 16 | part.offset for part in mirrors(address, mapper) for bank in range(part.first, part.last + 1)
    }
    assert (address in places) == (wanted.area != "open_bus")
    assert {region(place, mapper) for place in places} <= {wanted}
    for page in range(0, 0x1000000, 0x10000):
        for place in (page | address & 0xFFFF, page | address & 0xFFFF ^ 0x8000):
            assert wanted.area == "open_bus" or (place in places) == (region(place, mapper) == wanted)


@given(st.integers(0, 0x7FFFFF), MAPPER)
@settings(deadline=None)
def test_a_pc_offset_comes_back_from_its_address_with_and_without_header(offset: int, mapper: Mapper) -> None:
    address = rom_address(offset, mapper)
    if address is None:
        with pytest.raises(AddressError, match="check the mapper"):
            translate(f"pc:0x{offset:X}", mapper)
        return
    assert pc_offset(address, mapper) == offset
    bare = translate(f"pc:0x{offset:X}", mapper)
    assert (bare.address, bare.pc_offset, bare.headered_offset) == (address, offset, offset + 512)
    assert translate(f"pc:0x{offset + 512:X}", mapper, header=True).address == address


@given(ADDRESS, MAPPER)
@settings(deadline=None)
def test_every_rom_and_sram_byte_that_an_address_shows_has_a_usual_address(address: int, mapper: Mapper) -> None:
    area, offset = region(address, mapper)
    if area == "rom":
        assert pc_offset(rom_address(offset, mapper) or -1, mapper) == offset
    if area == "sram":
        assert region(sram_address(offset, mapper) or 0, mapper) == Region("sram", offset)


@given(st.integers(-(2**40), 2**40), MAPPER)
def test_an_offset_outside_every_rom_has_no_address(offset: int, mapper: Mapper) -> None:
    if not 0 <= offset < 0x800000:
        assert rom_address(offset, mapper) is None
        assert sram_address(offset, mapper) is None


@pytest.mark.parametrize(
    ("address", "mapper", "area", "offset"),
    [
        (0x000010, "lorom", "wram", 0x10),
        (0xBF1FFF, "hirom", "wram", 0x1FFF),
        (0x7FFFFF, "exhirom", "wram", 0x1FFFF),
        (0x002100, "lorom", "register", 0x2100),
        (0x802144, "lorom", "register", 0x2144),
        (0x00437A, "hirom", "register", 0x437A),
        (0x002000, "lorom", "open_bus", -1),
        (0x004300, "sfxrom", "register", 0x4300),
        (0x003000, "sfxrom", "coprocessor", 0x3000),
        (0x002200, "sa1rom", "coprocessor", 0x2200),
        (0x006000, "lorom", "open_bus", -1),
        (0x206000, "hirom", "sram", 0),
        (0xBF7FFF, "hirom", "sram", 0x3FFFF),
        (0xA06000, "exhirom", "sram", 0),
        (0x700000, "lorom", "sram", 0),
        (0xF10001, "lorom", "sram", 0x8001),
        (0x700000, "sfxrom", "sram", 0),
        (0x400000, "sa1rom", "sram", 0),
        (0x708000, "exlorom", "open_bus", -1),
        (0xC00000, "hirom", "rom", 0),
        (0x408000, "exhirom", "rom", 0x408000),
        (0x208000, "sa1rom", "rom", 0x100000),
        (0x123456, "norom", "rom", 0x123456),
    ],
)
def test_each_area_lies_where_the_boards_put_it(address: int, mapper: Mapper, area: str, offset: int) -> None:
    assert region(address, mapper) == (area, offset)


@pytest.mark.parametrize(
    ("address", "slow", "fast"),
    [
        (0x000000, 8, 8),
        (0x7E0000, 8, 8),
        (0x002100, 6, 6),
        (0x004016, 12, 12),
        (0x8041FF, 12, 12),
        (0x004200, 6, 6),
        (0x006000, 8, 8),
        (0x008000, 8, 8),
        (0x808000, 8, 6),
        (0x806000, 8, 8),
        (0x400000, 8, 8),
        (0xC00000, 8, 6),
        (0xFF0000, 8, 6),
    ],
)
def test_an_access_takes_6_8_or_12_clocks(address: int, slow: int, fast: int) -> None:
    assert clocks(address) == (slow, fast)


def test_a_translation_reads_as_lines_that_name_everything() -> None:
    text = str(translate("$80:8000", "lorom"))
    for fact in ("SNES $808000", "ROM", "$008000", "$00:8000, $80:8000", "0x000000", "0x000200", "8 master", "6 with"):
        assert fact in text
    text = str(translate("2100", "hirom"))
    for fact in ("INIDISP ($2100, write-only)", "$00-$3F:2100", "$80-$BF:2100", "bank $00 is assumed"):
        assert fact in text


def test_an_address_behind_the_end_of_the_rom_is_told() -> None:
    assert "behind its end" in translate("$108000", "lorom", size=0x80000).notes[0]
    assert translate("$0F8000", "lorom", size=0x80000).notes == ()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", "no address"),
        ("hello", "no address"),
        ("$8000 and $9000", "one at a time"),
        ("$1234567", "no address"),
        ("\ud800", "no address"),
        (0x1000000, "24 bits"),
        (-1, "24 bits"),
        ("pc:0xFFFFFF", "check the mapper"),
    ],
)
def test_what_is_no_address_is_refused_with_the_next_step(asked: int | str, said: str) -> None:
    with pytest.raises(AddressError, match=said):
        translate(asked, "lorom")


def test_an_offset_within_the_copier_header_is_refused() -> None:
    with pytest.raises(AddressError, match="within the copier header"):
        translate("pc:0x1FF", "lorom", header=True)


@given(text=st.text(), mapper=st.sampled_from(MAPPERS), header=st.booleans())
@settings(deadline=None)
def test_any_text_is_translated_or_refused(text: str, mapper: Mapper, *, header: bool) -> None:
    try:
        assert 0 <= translate(text, mapper, header=header).address <= 0xFFFFFF
    except AddressError as error:
        assert str(error)


@given(st.integers(0, 64).map(lambda blocks: blocks * 1024), st.sampled_from([0, 512]))
def test_a_copier_header_is_told_by_the_size_of_the_file(size: int, header: int) -> None:
    assert copier_header(size + header) == header


def test_each_register_is_found_by_address_mirror_name_and_alias() -> None:
    for register in registers():
        for bank in (0x00, 0x3F, 0x80, 0xBF):
            assert register_at(bank << 16 | register.address) == register
        assert find_register(register.name.lower()) == register
        assert find_register(register.spelled) == register
        assert register.access in ("r", "w", "rw")
        assert (register.readable, register.writable) == ("r" in register.access, "w" in register.access)
        assert register.width in (1, 2)
        assert register.name in describe_register(register.address)
    assert register_at(0x80217F) == find_register("APUIO3")
    assert find_register("VMADD") == register_at(0x2116)


@pytest.mark.parametrize("which", [0x2000, 0x7E2100, 0x402100, -1, "NOPE", "", "$7E2100", "\ud800"])
def test_what_is_no_register_is_refused(which: int | str) -> None:
    with pytest.raises(ValueError, match="no hardware register"):
        describe_register(which)


@pytest.mark.asar
@pytest.mark.skipif(not asar_there(), reason="asar is absent: afs fetch asar")
@pytest.mark.parametrize("mapper", CARTRIDGES)
def test_the_real_asar_maps_the_same_offsets_both_ways(mapper: Mapper) -> None:
    offsets = [0, 0x7FFF, 0x8000, 0x12345, 0xFFFFF, 0x1FFFFF, 0x234567, 0x3F8000, 0x3FFFFF, 0x456789, 0x6FFFFF]
    pairs = {offset: address for offset in offsets if (address := rom_address(offset, mapper)) is not None}
    code = f"{mapper}\norg $808000\n" if mapper != "sfxrom" else f"{mapper}\norg $008000\n"
    code += "".join(f"print hex(snestopc(${address:06X}))\n" for address in pairs.values()) + "nop\n"
    assembly = assembled(code)
    assert assembly.ok, assembly.diagnostics
    assert [int(line, 16) for line in assembly.prints] == list(pairs)


@pytest.mark.asar
@pytest.mark.skipif(not asar_there(), reason="asar is absent: afs fetch asar")
@pytest.mark.parametrize("mapper", CARTRIDGES)
def test_an_offset_has_an_address_exactly_where_the_real_asar_gives_one(mapper: Mapper) -> None:
    offsets = [0, 0x12345, 0x100000, 0x1FFFFF, 0x234567, 0x3F8000, 0x3FFFFF, 0x400000, 0x456789, 0x5FFFFF, 0x6FFFFF]
    code = f"{mapper}\norg $008000\n" + "".join(f"print hex(pctosnes(${offset:06X}))\n" for offset in offsets) + "nop\n"
    assembly = assembled(code)
    assert assembly.ok, assembly.diagnostics
    for offset, line in zip(offsets, assembly.prints, strict=True):
        theirs = int(line, 16)
        found = pc_offset(theirs, mapper) if theirs <= 0xFFFFFF else None
        assert (rom_address(offset, mapper) is None) == (found is None), f"{offset:06X}"
        assert found in (offset, None)
