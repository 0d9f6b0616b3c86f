"""What a value means in a hardware register: examples from the documents by hand, every register, and hostile text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.m65816.ports.dma import _PATTERNS as PATTERNS  # pyright: ignore[reportPrivateUsage]  # the measured model
from knowledge.snes.bit_fields import decode, encode, fields
from knowledge.snes.register_text import TEXT_LIMIT, RegisterTextError, decode_text, decode_value
from knowledge.snes.registers import find_register, register_at, registers

EXAMPLES = [
    # asked, what the summary says, all of it
    ("$2100=$8F", ["forced blank on", "brightness 15 (full)"]),
    ("$2100=$0F", ["forced blank off", "brightness 15 (full)"]),
    ("$2100=$80", ["forced blank on", "brightness 0 (dark)"]),
    ("$2100=$07", ["brightness 7"]),
    ("$2101=$02", ["size 0 (8x8 and 16x16)", "VRAM word $4000, byte $8000"]),
    ("$2101=$63", ["size 3 (16x16 and 32x32)", "VRAM word $6000, byte $C000"]),
    ("$2101=$A0", ["32x32 and 64x64"]),
    ("$2101=$08", ["second page of tiles $2000 words"]),
    ("$2103=$80", ["priority rotate on", "low table"]),
    ("$2102=$0100", ["OAM word address $100", "high table"]),
    ("$2105=$09", ["bg3 priority on", "mode 1 (BG1 and BG2 of 16 colours, BG3 of 4)"]),
    ("$2105=$07", ["mode 7 (one layer of 256 colours, rotated and scaled)"]),
    ("$2105=$00", ["mode 0 (four layers of 4 colours)"]),
    ("$2105=$03", ["mode 3 (BG1 of 256 colours, BG2 of 16)"]),
    ("$2106=$F1", ["blocks of 16x16 pixels", "bg1 on"]),
    ("$2106=$00", ["blocks of 1x1 pixels", "off: bg4, bg3, bg2, bg1"]),
    ("$2107=$13", ["VRAM word $1000, byte $2000", "two screens"]),
    ("$210B=$22", ["bg2 2 (tiles from VRAM word $2000", "bg1 2 (tiles from VRAM word $2000"]),
    ("$210C=$07", ["bg4 0 (tiles from VRAM word $0000", "bg3 7 (tiles from VRAM word $7000"]),
    ("$210F=$0123", ["291 pixels"]),
    ("$2115=$80", ["after the high byte", "remap 0 (none)", "step 0 (1 word)"]),
    ("$2115=$81", ["after the high byte", "32 words"]),
    ("$2115=$03", ["after the low byte", "128 words"]),
    ("$2115=$84", ["rotates 8 bits, for tiles of 4 colours"]),
    ("$2116=$6000", ["VRAM word address $6000, byte $C000"]),
    ("$211B=$0100", ["1 as signed 8.8"]),
    ("$211B=$FF80", ["-0.5 as signed 8.8", "-128 as factor"]),
    ("$211F=$1FFF", ["(-1)"]),
    ("$211F=$0400", ["(1024)"]),
    ("$2121=$80", ["byte $100 of CGRAM"]),
    ("$2122=$7FFF", ["blue 31 (31 of 31)", "green 31", "red 31"]),
    ("$2122=$001F", ["blue 0", "green 0", "red 31"]),
    ("$2122=$03E0", ["green 31 (31 of 31)"]),
    ("$2123=$33", ["bg2 w1 on on", "bg2 w1 inv on (outside the window)", "bg1 w1 on on"]),
    ("$2126=$F010", ["window 1 from column 16 to 240"]),
    ("$212A=$E4", ["bg4 3 (XNOR)", "bg3 2 (XOR)", "bg2 1 (AND)", "bg1 0 (OR)"]),
    ("$212B=$04", ["color 1 (AND)", "obj 0 (OR)"]),
    ("$212C=$17", ["obj on, bg3 on, bg2 on, bg1 on", "off: bg4"]),
    ("$212D=$01", ["bg1 on", "off: obj, bg4, bg3, bg2"]),
    ("$2130=$02", ["black 0 (nowhere)", "the sub screen is added", "prevent 0 (nowhere)"]),
    ("$2130=$C0", ["black 3 (everywhere)"]),
    ("$2130=$20", ["prevent 2 (inside the colour window)"]),
    ("$2131=$72", ["half on", "backdrop on", "obj on", "bg2 on", "subtract off (colours are added)"]),
    ("$2131=$B3", ["subtract on (colours are subtracted)", "bg1 on"]),
    ("$2132=$E0", ["blue on", "green on", "red on", "level 0"]),
    ("$2132=$3F", ["red on", "level 31 (31 of 31)", "off: blue, green"]),
    ("$2133=$04", ["overscan on (239 lines)"]),
    ("$213F=$13", ["pal on (50 Hz, PAL)", "version 3"]),
    ("$213F=$03", ["pal off (60 Hz, NTSC)"]),
    ("$213C=$0155", ["dot 341"]),
    ("$2183=$01", ["bank $7F"]),
    ("$2181=$F36D", ["offset $F36D"]),
    ("$4200=$81", ["nmi on", "autojoy on", "off: virq, hirq"]),
    ("$4200=$B1", ["nmi on, virq on, hirq on, autojoy on"]),
    ("$4202=$0A0B", ["starts 11 times 10, 110 after 8 CPU cycles"]),
    ("$4204=$03E8", ["dividend 1000"]),
    ("$4206=$00", ["divide by zero"]),
    ("$4207=$0100", ["H compare at dot 256"]),
    ("$4209=$0090", ["V compare at line 144"]),
    ("$420B=$01", ["channels $01 (0)"]),
    ("$420B=$81", ["channels $81 (0, 7)"]),
    ("$420C=$00", ["channels $00 (none)"]),
    ("$420D=$01", ["fastrom on (3.58 MHz"]),
    ("$420D=$00", ["fastrom off (2.68 MHz"]),
    ("$4210=$C2", ["nmi flag on (vertical blank has begun)", "version 2", "unused bits set: $40"]),
    ("$4212=$81", ["vblank on", "autojoy busy on (wait"]),
    ("$4218=$80", ["A on", "id 0 (standard pad)"]),
    ("$4219=$90", ["B on, Start on"]),
    ("$4218=$1080", ["A on", "Start on"]),
    ("$4300=$01", ["A bus (memory) to B bus", "unit 1 (2 bytes to p, p+1)", "A address moves"]),
    ("$4300=$80", ["B bus ($21xx) to A bus (memory)", "unit 0 (1 byte to p)"]),
    ("$4310=$09", ["A address stands still", "unit 1"]),
    ("$4370=$42", ["an HDMA table holds pointers to the data", "unit 2 (2 bytes to p, p)"]),
    ("$4300=$1801", ["unit 1 (2 bytes to p, p+1)", "$2118, VMDATAL"]),
    ("$4301=$22", ["$2122, CGDATA"]),
    ("$4361=$04", ["$2104, OAMDATA"]),
    ("$4302=$8000", ["A-bus offset $8000"]),
    ("$4304=$7E", ["bank $7E"]),
    ("$4305=$0800", ["2,048 bytes"]),
    ("$4305=$0000", ["65,536 bytes"]),
    ("$430A=$85", ["a transfer on every line", "lines 5 (5 left)"]),
]


@pytest.mark.parametrize(("asked", "said"), EXAMPLES, ids=[asked for asked, _ in EXAMPLES])
def test_a_value_from_the_documents_is_said_in_their_words(asked: str, said: list[str]) -> None:
    (found,) = decode_text(asked)

    assert [words for words in said if words not in found.summary] == [], found.summary


def test_every_register_decodes_every_byte_and_every_bit_is_in_a_field_or_said_to_be_unused() -> None:
    for register in registers():
        owned = 0
        for field in fields(register):
            owned |= field.mask
        for value in range(0x100):
            found = decode(register, value)
            assert found.unused == value & ~owned, found
            assert (found.unused == 0) == ("unused bits" not in found.summary)
            assert found.summary in str(found)
            assert {part.name: part.value for part in found.fields} == {
                field.name: (value & field.mask) >> field.low for field in fields(register)
            }


@given(st.sampled_from(registers()), st.integers(0, 0xFFFF), st.booleans())
@settings(deadline=None, max_examples=300)
def test_two_bytes_are_decoded_for_every_register_as_contents_and_as_a_store(
    register: object,
    value: int,
    store: bool,  # noqa: FBT001  # drawn by hypothesis
) -> None:
    row = find_register(str(getattr(register, "name", "")))
    assert row is not None

    found = decode(row, value, width=16, store=store)

    assert (found.width, found.value) == (16, value)
    assert found.notes, "two bytes always need a word on how they combine"


def test_the_fields_of_a_register_lie_in_its_bits_and_only_mode_7_scroll_shares_bits() -> None:
    shared: set[str] = set()
    for register in registers():
        seen = 0
        for field in fields(register):
            assert 0 <= field.low <= field.high < 8 * register.width, register.name
            shared |= {register.name} if seen & field.mask else set()
            seen |= field.mask
        names = [field.name for field in fields(register)]
        assert len(names) == len(set(names)) and names, register.name
    assert shared <= {"BG1HOFS", "BG1VOFS"}


def test_the_dma_patterns_are_those_of_the_measured_model() -> None:
    dmap = find_register("DMAP0")
    assert dmap is not None
    for unit, pattern in enumerate(PATTERNS):
        words = decode(dmap, unit).fields[-1].words
        count, ports = words.split(" bytes to " if unit else " byte to ")
        offsets = [
            int(port.partition("+")[2] or 0) for port in ports.replace(", as 2", "").replace(", as 3", "").split(", ")
        ]
        assert offsets == list(pattern[: int(count)]), words


@pytest.mark.parametrize(
    "text",
    [
        "$2100=$8F",
        "INIDISP #$8F",
        "2100 8f",
        "lda #$8f : sta $2100",
        "LDA.b #$8F\n  STA.w INIDISP ; screen off",
        "INIDISP = %10001111",
        "$2100 = 143",
        "inidisp,0x8F",
        "$80:2100=$8F",
        "0x002100 = 8Fh",
        "what does $8F mean in INIDISP?",
        "write $8F to $2100",
        "!INIDISP = $8F",
        "ldx #$8F\nstx $002100",
    ],
)
def test_one_setting_is_read_in_many_spellings(text: str) -> None:
    (found,) = decode_text(text)

    assert (found.register.name, found.value) == ("INIDISP", 0x8F)


def test_a_name_and_a_value_are_read_apart() -> None:
    assert (
        decode_value("$2100", "#$8F").summary
        == decode_value("INIDISP", 143).summary
        == decode_value(0x2100, "%10001111").summary
    )


def test_code_gives_each_store_and_follows_the_width_of_what_was_loaded() -> None:
    text = "rep #$20\nlda #$6000\nsta $2116\nsep #$20\nlda #$01 : sta $420B\nstz $4200\nlda $10 : sta $2100"

    found = decode_text(text)

    assert [one.spelled for one in found] == [
        "VMADDL ($2116) = $6000",
        "MDMAEN ($420B) = $01",
        "NMITIMEN ($4200) = $00",
    ]


def test_a_word_stored_to_a_write_twice_register_is_said_to_reach_the_next_one() -> None:
    (found,) = decode_text("rep #$20 : lda #$0123 : sta $210D")

    assert found.summary.startswith("$23 to BG1HOFS, $01 to BG1VOFS")
    assert any("one byte of two" in note for note in found.notes)


def test_a_write_to_a_read_only_register_and_a_read_of_a_write_only_one_are_said() -> None:
    (written,) = decode_text("lda #$01 : sta $4210")
    (read,) = decode_text("read $8F from $2100")

    assert "read-only" in written.notes[0]
    assert "write-only" in read.notes[0]


def test_a_bare_number_says_how_it_was_read() -> None:
    (found,) = decode_text("$4200=80")

    assert found.value == 80
    assert "decimal" in found.notes[-1]


def test_unused_bits_are_said() -> None:
    assert "unused bits set: $70" in decode_text("$2100=$FF")[0].summary


@pytest.mark.parametrize(
    ("address", "name", "says"),
    [
        (0x2100, "INIDISP", "blanking"),
        (0x2101, "OBSEL", "object size"),
        (0x2105, "BGMODE", "background mode"),
        (0x2115, "VMAIN", "VRAM address stepping"),
        (0x2118, "VMDATAL", "VRAM data"),
        (0x2122, "CGDATA", "CGRAM data"),
        (0x2140, "APUIO0", "APU port 0"),
        (0x4200, "NMITIMEN", "interrupt"),
        (0x420B, "MDMAEN", "DMA"),
        (0x420C, "HDMAEN", "HDMA"),
        (0x4210, "RDNMI", "NMI flag"),
        (0x4218, "JOY1L", "joypad 1"),
        (0x4300, "DMAP0", "transfer control"),
    ],
)
def test_an_address_is_the_register_that_the_manuals_name(address: int, name: str, says: str) -> None:
    register = register_at(address)
    assert register is not None
    assert (register.name, says in register.description) == (name, True)


def test_encoding_the_fields_undoes_decoding_them() -> None:
    for register in registers():
        if register.name in ("BG1HOFS", "BG1VOFS"):
            continue
        for value in (0x00, 0x5A, 0xFF):
            found = decode(register, value)
            assert encode(register, {part.name: part.value for part in found.fields}) == value & ~found.unused


def test_a_field_that_is_not_there_is_refused_with_those_that_are() -> None:
    inidisp = register_at(0x2100)
    assert inidisp is not None
    assert encode(inidisp, {"forced blank": 1, "brightness": 15}) == 0x8F
    with pytest.raises(ValueError, match="forced_blank, brightness"):
        encode(inidisp, {"volume": 1})
    with pytest.raises(ValueError, match="0 to 15"):
        encode(inidisp, {"brightness": 16})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "write"),
        ("$2100", "write"),
        ("hello there", "no hardware register"),
        ("INIDSP=$8F", "did you mean INIDISP"),
        ("$2100=banana", "no number"),
        ("$2100=$123456", "one byte or two"),
        ("$2100=$8F=$90", "one value"),
        ("$7E0010=$07", "no hardware register"),
        ("x" * (TEXT_LIMIT + 1), "at most"),
    ],
)
def test_what_is_no_setting_is_refused_with_the_next_step(text: str, said: str) -> None:
    with pytest.raises(RegisterTextError, match=said):
        decode_text(text)


@given(st.text(max_size=300) | st.text(alphabet="lda#$sx2100=8F :;\n%", max_size=300))
@settings(deadline=None, max_examples=300)
def test_any_text_is_decoded_or_refused(text: str) -> None:
    try:
        found = decode_text(text)
    except RegisterTextError as error:
        assert str(error)
    else:
        assert found
