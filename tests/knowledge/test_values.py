"""What a value of the game's memory means: by hand, against the id tables, and for what is no value at all."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.alttp.tables import tables
from knowledge.alttp.values import ValueTextError, decodable, decode_value
from knowledge.alttp.values_table import kinds, places, rows_of

EXAMPLES = [
    # what, value, words, ref
    ("$7E0010", "0x07", "Underworld", "module:07"),
    ("game mode", 9, "Overworld", "module:09"),
    ("main_module_index", "$14", "Attract", "module:14"),
    ("game mode", "07.02", "module 0x07 Underworld, submodule 0x02", "module:07.02"),
    ("$10", "0x0207", "submodule 0x02", "module:07.02"),
    ("submodule", "$07/$02", "submodule 0x02", "module:07.02"),
    ("direction", 0, "up (north)", ""),
    ("$2F", 2, "down (south)", ""),
    ("link_direction_facing", "$04", "left (west)", ""),
    ("DIR", "%110", "right (east)", ""),
    ("$7E0067", 8, "up", ""),
    ("$F4", "$90", "B, Start", ""),
    ("$7E00F6", "0x80", "A", ""),
    ("$F2", "0x30", "L, R", ""),
    ("$7E005D", "0x04", "Swimming", "link_state:04"),
    ("Link state", "$17", "Bunny", "link_state:17"),
    ("sprite state", 9, "Active", "sprite_state:09"),
    ("$0DD3", "$0B", "Stunned", "sprite_state:0B"),
    ("$0E20", "$00", "Raven", "sprite:00"),
    ("sprite", "0x09", "Moldorm", "sprite:09"),
    ("$0C4A", "$01", "Somaria", "ancilla:01"),
    ("$7EF3CC", 1, "Zelda", "follower:01"),
    ("tile type", "0x08", "deep water", "tile_type:08"),
    ("song", "0xF1", "fade out", "song:F1"),
    ("$012C", 0, "nothing is asked for", ""),
    ("$7E0130", "$09", "Dark World", "song:09"),
    ("$040C", "$04", "Eastern Palace", "dungeon:04"),
    ("dungeon", "0xFF", "No dungeon", "dungeon:FF"),
    ("$A0", "$12", "Sanctuary", "room:012"),
    ("room", "0x104", "Link's house", "room:104"),
    ("$8A", "$18", "Kakariko", "overworld:18"),
    ("$010E", 2, "Sanctuary", "entrance:02"),
    ("item", "$0B", "Bow", "item:0B"),
    ("$0202", 10, "Quake", "menu_item:0A"),
    ("$0303", 14, "hookshot", ""),
    ("$7EF340", 4, "silver bow and arrows", ""),
    ("boomerang", 2, "red boomerang", ""),
    ("$7EF344", 1, "mushroom", ""),
    ("$7EF34C", 3, "bird awake", ""),
    ("mirror", 2, "magic mirror", ""),
    ("$7EF354", 2, "titan's mitt", ""),
    ("sword", 4, "golden sword", ""),
    ("$7EF359", 0, "none", ""),
    ("$7EF35A", 3, "mirror shield", ""),
    ("$7EF35B", 1, "blue mail", ""),
    ("$7EF35C", 2, "empty bottle", ""),
    ("$7EF35F", 8, "good bee", ""),
    ("$7EF36D", "0x28", "5 hearts", ""),
    ("max health", "$A0", "20 hearts", ""),
    ("health", 4, "0.5 hearts", ""),
    ("magic", "$80", "full", ""),
    ("rupees", "$03E7", "999 rupees", ""),
    ("$7EF370", 7, "50 bombs", ""),
    ("pendants", "$04", "Courage (green)", ""),
    ("$7EF37A", "0x02", "Palace of Darkness", ""),
    ("$7EF379", "0x06", "run, swim", ""),
    ("$7EF3C5", 2, "Zelda rescued", ""),
    ("map icon", 8, "Ganon's Tower", ""),
    ("$7EF3C8", 1, "sanctuary", ""),
    ("$7EF3CA", "$40", "Dark World", ""),
    ("floor", "$FF", "basement B1", ""),
    ("floor", 0, "floor 1F", ""),
    ("$7EF366", "$2000", "Eastern Palace", ""),
    ("$7EF024", "0x0010", "chest 0", ""),
    ("$012E", "0x4C", "Explosion, from the right", "song:SFX2.0C"),
    ("$012F", "8", "Enemy hurt", "song:SFX3.08"),
    ("ambient sound", "$83", "Rain, from the left", "song:SFX1.03"),
    ("$AD", 0, "No effect", "room_effect:00"),
]


@pytest.mark.parametrize(("what", "value", "words", "ref"), EXAMPLES)
def test_a_known_value_is_said_in_words_with_its_source(what: str, value: str | int, words: str, ref: str) -> None:
    found = decode_value(what, value)

    assert found.known
    assert words in found.words
    assert found.ref == ref
    assert found.sources and found.rom_version
    assert found.words in str(found)


def test_every_id_of_a_table_is_decoded_as_that_row() -> None:
    for kind in kinds():
        if kind.rows is None:
            continue
        table = tables()[kind.rows]
        for number in range(len(table.rows)):
            key = table.key(number)
            if kind.prefix != f"{key.partition('.')[0]}." * ("." in key):
                continue
            key = key.removeprefix(kind.prefix)
            if not (key == "00" and kind.name in ("ancilla", "overlord", "garnish", "song")):
                assert decode_value(kind.name, f"0x{key}").ref == table.ref(number)


def test_every_module_and_submodule_is_decoded_as_its_row() -> None:
    table = tables()["module"]
    for number in range(len(table.rows)):
        assert decode_value("game mode", f"0x{table.key(number)}").ref == table.ref(number)


def test_every_kind_is_held_where_a_ram_row_is_and_has_words_or_a_table() -> None:
    for kind in kinds():
        for place in kind.places:
            assert tables()["ram"].find(f"{place.address:06X}") >= 0, (kind.name, f"{place.address:06X}")
        assert bool(rows_of(kind)) == (kind.how in ("words", "bits")), kind.name
        assert kind.sources and all(row.sources for row in rows_of(kind)), kind.name


def test_no_address_and_no_name_stands_for_two_kinds() -> None:
    addresses = [
        place.address + slot * kind.width // 8
        for kind in kinds()
        for place in kind.places
        for slot in range(place.slots)
    ]
    names = [name.lower() for kind in kinds() for name in (kind.name, *kind.aliases)]
    assert len(addresses) == len(set(addresses)) == len(places())
    assert sorted(names) == sorted(set(names))


def test_what_an_item_writes_to_the_save_file_is_decoded_as_that_item() -> None:
    other = {"Mitts": "mitt", "Silver arrows": "silver"}
    checked = 0
    table = tables()["item"]
    for row in table.rows:
        name, address = table.cell(row, "name"), int(table.cell(row, "save_address").removeprefix("$"), 16)
        value = int(table.cell(row, "save_value"), 16)
        if value >= 0x80 or address not in places() or address > 0x7EF35B:
            continue
        found = decode_value(address, value)
        told = f"{found.what} {found.words}".lower()
        assert found.known
        assert other.get(name, re.split(r" \(|,", name)[0].split()[-1]).lower() in told, (name, told)
        checked += 1
    assert checked > 30


def test_the_bits_of_dungeon_items_follow_the_dungeon_ids() -> None:
    table = tables()["dungeon"]
    for number in range(len(table.rows)):
        key = int(table.key(number), 16)
        if key < 0x80:
            assert decode_value("big keys", 1 << 15 - key // 2).words == table.cell(table.rows[number], "name")


@pytest.mark.parametrize(
    ("what", "place"),
    [
        ("$0E25", "slot 5"),
        ("$800E2F", "slot 15"),
        ("$7EF35E", "bottle 3"),
        ("$700359", "save file 1"),
        ("$700859", "save file 2"),
        ("$701259", "save file 1, copy"),
        ("$7EF2B0", "overworld 0x30"),
    ],
)
def test_an_address_in_an_array_or_a_save_file_names_its_place(what: str, place: str) -> None:
    assert decode_value(what, 1).place == place


def test_a_mirror_of_an_address_and_a_name_mean_the_same() -> None:
    spellings = [
        "$7E0010",
        "7e0010",
        "0x7E0010",
        "$10",
        "$0010",
        "$00:0010",
        "$800010",
        "MODE",
        "GameMode",
        "ram:7E0010",
    ]

    assert {decode_value(what, 7).ref for what in spellings} == {"module:07"}


@pytest.mark.parametrize(
    "what", ["direction", "sword", "sprite state", "follower", "dungeon", "Link state", "map icon"]
)
def test_a_value_that_no_source_explains_is_said_to_be_not_known(what: str) -> None:
    found = decode_value(what, 0xEE)

    assert not found.known
    assert found.words == "not a known value"
    assert found.ref == ""


def test_an_unknown_submodule_still_names_its_module() -> None:
    found = decode_value("game mode", "07.FF")

    assert not found.known
    assert found.ref == "module:07"


def test_a_submodule_alone_asks_for_its_module() -> None:
    found = decode_value("$7E0011", 2)

    assert not found.known
    assert "07.02" in found.words


def test_bits_that_mean_nothing_are_said() -> None:
    found = decode_value("pendants", 0x14)

    assert not found.known
    assert found.words == "Courage (green); not known: 0x10"


def test_a_register_and_the_queue_of_one_are_decoded_by_its_bit_fields() -> None:
    direct, queued = decode_value("INIDISP", "$8F"), decode_value("$7E0013", "$8F")

    assert direct.words == queued.words
    assert "brightness 15" in direct.words
    assert direct.about == "register:2100"


def test_a_bare_number_says_that_it_was_read_as_decimal() -> None:
    found = decode_value("max health", "24")

    assert found.words == "3 hearts"
    assert "decimal" in found.notes[0]


@pytest.mark.parametrize(
    ("what", "value", "said"),
    [
        ("bananas", 1, "no values are known"),
        ("directon", 1, "did you mean direction"),
        ("$7E1234", 1, "no values are known"),
        ("$7E00A1", 1, "high byte of room"),
        ("direction", "left", "no number"),
        ("direction", "$100", "does not fit"),
        ("room", "$10000", "does not fit"),
        ("direction", -1, "no number"),
        ("x" * 300, 1, "at most"),
        ("direction", "1" * 300, "at most"),
        ("", 1, "no values are known"),
    ],
)
def test_what_cannot_be_decoded_is_refused_with_the_next_step(what: str, value: str | int, said: str) -> None:
    with pytest.raises(ValueTextError, match=said):
        decode_value(what, value)


def test_all_that_can_be_decoded_is_listed_and_decodes() -> None:
    listed = decodable()

    assert len(listed) > 90
    for one in listed:
        assert decode_value(one.name, 0).what == one.name
        for alias in one.aliases:
            assert decode_value(alias, 0).what == one.name
        for address in one.addresses:
            assert decode_value(address.partition("-")[0], 0).what == one.name


@given(st.text(max_size=60), st.text(max_size=30) | st.integers())
@settings(deadline=None, max_examples=300)
def test_any_text_is_decoded_or_refused(what: str, value: str | int) -> None:
    try:
        found = decode_value(what, value)
    except ValueError as error:
        assert str(error)
    else:
        assert found.words


@given(st.sampled_from(kinds()), st.integers(0, 0xFFFF))
@settings(deadline=None, max_examples=300)
def test_every_value_of_every_kind_is_said_in_words(kind: object, value: int) -> None:
    name, width = str(getattr(kind, "name", "")), int(getattr(kind, "width", 8))

    assert str(decode_value(name, value & (0xFF if width == 8 else 0xFFFF)))
