"""What is known for certain about the important addresses of the game, asked through the lookup.

The first list holds rows that an earlier knowledge base had wrong, each with what it said and what is true; the
others hold further truths, each a fact on which at least two disassemblies agree.
"""

from typing import NamedTuple

import pytest

from knowledge.alttp.lookup import lookup
from schemas.fact import Fact


class Wrong(NamedTuple):
    """A row that was wrong: what it said must not be in the description, what is true must."""

    address: str
    said: str
    truth: str


WRONG = [
    Wrong("$0D00", "x coordinate", "y coordinate, low byte"),
    Wrong("$0D10", "y coordinate", "x coordinate, low byte"),
    Wrong("$0D20", "x coordinate", "y coordinate, high byte"),
    Wrong("$0D30", "y coordinate", "x coordinate, high byte"),
    Wrong("$0D40", "x velocity", "y velocity"),
    Wrong("$0D50", "y velocity", "x velocity"),
    Wrong("$0D60", "z speed", "y sub-pixel"),
    Wrong("$0F00", "height", "pause"),
    Wrong("$0E70", "stun", "collision"),
    Wrong("$0B58", "respawn", "stun timer"),
    Wrong("$0E60", "recoil", "property flags 3"),
    Wrong("$0E40", "priority", "harmless"),
    Wrong("$7EF36B", "magic", "heart pieces"),
    Wrong("$2C", "random", "z sub-pixel"),
    Wrong("$E2", "bg1", "bg2 horizontal scroll"),
    Wrong("$E4", "bg2", "bg3 horizontal scroll"),
    Wrong("$E6", "bg2", "bg1 vertical scroll"),
    Wrong("$E3", "pause", "high byte of the bg2 horizontal scroll"),
    Wrong("$0205", "cursor", "bottle submenu row"),
    Wrong("$F2", "newly", "joypad 1 low byte held"),
    Wrong("$5E", "pose", "speed setting"),
    Wrong("$16", "nmi flag", "hud update flag"),
    Wrong("$0130", "sfx 3", "last non-zero song"),
    Wrong("$7EF362", "target", "displayed rupees"),
    Wrong("$7EF34F", "number of bottles", "selected bottle"),
]

RIGHT_PLACE = [
    ("sprite height Z coordinate", "$7E0F70"),
    ("sprite Z velocity", "$7E0F80"),
    ("sprite stun timer", "$7E0B58"),
    ("sprite OAM attributes", "$7E0F50"),
    ("magic power", "$7EF36E"),
    ("heart pieces", "$7EF36B"),
    ("random number state", "$7E0FA1"),
    ("BG2 vertical scroll camera Y", "$7E00E8"),
    ("item menu cursor", "$7E0202"),
    ("lag flag", "$7E0012"),
    ("displayed rupees", "$7EF362"),
    ("how many rupees does Link have", "$7EF360"),
    ("selected bottle", "$7EF34F"),
    ("ambient sound request", "$7E012D"),
]

TRUTHS = [
    ("$7E0010", "main module"),
    ("$7E0011", "submodule"),
    ("$7E00B0", "sub-submodule"),
    ("$7E0012", "lag flag"),
    ("$7E0013", "inidisp ($2100)"),
    ("$7E0015", "$7ec500"),
    ("$7E0017", "upload"),
    ("$7E001A", "frame counter"),
    ("$7E001B", "indoors"),
    ("$7E001C", "tm ($212c)"),
    ("$7E0020", "y coordinate"),
    ("$7E0022", "x coordinate"),
    ("$7E0024", "z coordinate"),
    ("$7E0027", "y velocity"),
    ("$7E0028", "x velocity"),
    ("$7E002A", "y sub-pixel"),
    ("$7E002B", "x sub-pixel"),
    ("$7E002F", "0 up, 2 down, 4 left, 6 right"),
    ("$7E003A", "b and y buttons"),
    ("$7E003C", "spin attack"),
    ("$7E0046", "recoil"),
    ("$7E004B", "0x0c hides"),
    ("$7E0055", "magic cape"),
    ("$7E005B", "pit state"),
    ("$7E005D", "linkstate"),
    ("$7E0067", "8 up, 4 down, 2 left, 1 right"),
    ("$7E006C", "doorway"),
    ("$7E008A", "overworld area"),
    ("$7E009B", "hdmaen ($420c)"),
    ("$7E00A0", "underworld room id"),
    ("$7E00A2", "previous underworld room"),
    ("$7E00A4", "floor"),
    ("$7E00AE", "room tag 1"),
    ("$7E00AF", "room tag 2"),
    ("$7E00E8", "bg2 vertical scroll"),
    ("$7E00EA", "bg3 vertical scroll"),
    ("$7E00EE", "0 upper"),
    ("$7E00F0", "joypad 1 high byte held"),
    ("$7E00F4", "high byte newly pressed"),
    ("$7E00F6", "a x l r"),
    ("$7E010E", "entrance id"),
    ("$7E012C", "song request"),
    ("$7E012E", "sfx 2"),
    ("$7E012F", "sfx 3"),
    ("$7E0202", "menu"),
    ("$7E02D8", "item receipt"),
    ("$7E02E4", "cutscene"),
    ("$7E0303", "y item"),
    ("$7E031F", "invincibility"),
    ("$7E0372", "dash"),
    ("$7E0373", "damage"),
    ("$7E037B", "immune"),
    ("$7E037F", "walk through walls"),
    ("$7E0403", "chests"),
    ("$7E040C", "dungeon id"),
    ("$7E045A", "lit torches"),
    ("$7E048E", "room id"),
    ("$7E04B4", "super bomb"),
    ("$7E04C6", "1 palace of darkness"),
    ("$7E0710", "skips the uploads"),
    ("$7E0800", "oam"),
    ("$7E0A20", "one byte for each object"),
    ("$7E0AA1", "background graphics set"),
    ("$7E0B00", "overlord array: type"),
    ("$7E0BFA", "ancilla array: y coordinate, low byte"),
    ("$7E0C04", "ancilla array: x coordinate, low byte"),
    ("$7E0C4A", "ancilla array: type"),
    ("$7E0CF9", "prize luck"),
    ("$7E0D70", "x sub-pixel"),
    ("$7E0D80", "ai state"),
    ("$7E0DC0", "graphics frame"),
    ("$7E0DD0", "9 active"),
    ("$7E0DE0", "direction"),
    ("$7E0DF0", "main timer"),
    ("$7E0E20", "type id"),
    ("$7E0E50", "health"),
    ("$7E0F20", "layer"),
    ("$7E0F50", "palette"),
    ("$7E0F70", "height"),
    ("$7E0F80", "z velocity"),
    ("$7E0FA0", "slot"),
    ("$7E0FA1", "rng"),
    ("$7E0FA9", "screen y"),
    ("$7E0FC1", "stops all sprites"),
    ("$7E0FFF", "1 dark world"),
    ("$7E1CE8", "choice"),
    ("$7E1CF0", "message id"),
    ("$7EC172", "crystal switch"),
    ("$7EC300", "auxiliary palette buffer"),
    ("$7EC500", "sent to cgram"),
    ("$7EC700", "hud tilemap"),
    ("$7EF280", "overworld areas"),
    ("$7EF340", "bow"),
    ("$7EF341", "1 blue, 2 red"),
    ("$7EF343", "bombs"),
    ("$7EF344", "1 mushroom, 2 magic powder"),
    ("$7EF347", "bombos"),
    ("$7EF348", "ether"),
    ("$7EF349", "quake"),
    ("$7EF34C", "1 shovel, 2 flute"),
    ("$7EF353", "2 magic mirror"),
    ("$7EF357", "moon pearl"),
    ("$7EF359", "4 golden"),
    ("$7EF35A", "3 mirror"),
    ("$7EF35B", "0 green, 1 blue, 2 red"),
    ("$7EF35C", "6 fairy"),
    ("$7EF36C", "maximum health"),
    ("$7EF36D", "current health"),
    ("$7EF36F", "small keys"),
    ("$7EF374", "bit 2 courage"),
    ("$7EF377", "arrows"),
    ("$7EF37A", "bit 0 misery mire"),
    ("$7EF37B", "1 half, 2 quarter"),
    ("$7EF37E", "eastern palace"),
    ("$7EF389", "ganon's tower"),
    ("$7EF3C5", "3 agahnim"),
    ("$7EF3C8", "0 link's house, 1 sanctuary"),
    ("$7EF3CA", "0x40 dark world"),
    ("$7EF3CC", "1 zelda"),
    ("$7EF3CD", "y coordinate"),
    ("$7EF3CF", "x coordinate"),
    ("$7EF3D9", "6 letters"),
    ("$7EF3E5", "0x55aa"),
    ("$7EF403", "since the last dungeon"),
    ("$7EF4FE", "checksum"),
    ("$7F2000", "bg2"),
    ("$7F3000", "bg1"),
    ("$7FF800", "garnish array: type"),
]

SIZES = [
    ("$7E0020", 2),
    ("$7E0022", 2),
    ("$7E002D", 1),
    ("$7E002E", 1),
    ("$7E00A0", 2),
    ("$7E00B7", 3),
    ("$7E00F0", 1),
    ("$7E0800", 512),
    ("$7E0D00", 16),
    ("$7E0B00", 8),
    ("$7E0B10", 8),
    ("$7E0C4A", 10),
    ("$7E1980", 32),
    ("$7E19A0", 32),
    ("$7EC500", 512),
    ("$7EF360", 2),
    ("$7EF36D", 1),
    ("$7EF37C", 1),
    ("$700000", 1280),
    ("$700F00", 1280),
]


def the_fact(query: str) -> Fact:
    """Return the one RAM fact that answers; no answer fails."""
    answer = lookup(query, "ram").answer
    assert answer is not None, query
    return answer


@pytest.mark.parametrize("row", WRONG, ids=lambda row: row.address)
def test_a_row_that_was_wrong_elsewhere_is_right_here(row: Wrong) -> None:
    text = the_fact(row.address).description.lower()
    assert row.truth in text
    assert row.said not in text


@pytest.mark.parametrize(("question", "address"), RIGHT_PLACE)
def test_a_meaning_that_was_misplaced_elsewhere_leads_to_its_address(question: str, address: str) -> None:
    assert the_fact(question).id == address


def test_the_pose_of_link_is_not_kept_where_his_speed_is() -> None:
    assert the_fact("$5E").id != the_fact("$0100").id
    assert "pose" in the_fact("$0100").description


@pytest.mark.parametrize(("address", "truth"), TRUTHS)
def test_an_important_address_says_what_it_holds(address: str, truth: str) -> None:
    fact = the_fact(address)
    assert fact.id == address
    assert truth in fact.description.lower()


@pytest.mark.parametrize(("address", "size"), SIZES)
def test_an_important_address_says_how_many_bytes_it_has(address: str, size: int) -> None:
    assert the_fact(address).size == size


@pytest.mark.parametrize("address", [address for address, _ in TRUTHS] + [row.address for row in WRONG])
def test_what_is_certain_is_not_a_draft(address: str) -> None:
    assert not the_fact(address).draft


def test_every_address_of_the_lists_stands_there_once() -> None:
    addresses = [address for address, _ in TRUTHS]
    assert len(addresses) == len(set(addresses)) >= 60


def test_low_and_high_byte_of_a_coordinate_name_their_axis_alike() -> None:
    for low, high, axis in (("$0D00", "$0D20", "y"), ("$0D10", "$0D30", "x"), ("$0BFA", "$0C0E", "y")):
        both = the_fact(low).description, the_fact(high).description
        assert all(f" {axis} coordinate" in text.lower() for text in both)
        assert ["low byte" in both[0], "high byte" in both[1]] == [True, True]


def test_the_save_block_says_where_us_and_jp_differ() -> None:
    for address in ("$7EF3D9", "$7EF3E1", "$7EF3E5", "$7EF3FF"):
        text = the_fact(address).description
        assert "US 1.0" in text, address
        assert "JP 1.0" in text, address
