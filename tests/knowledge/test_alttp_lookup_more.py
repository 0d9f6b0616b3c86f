"""Relations, arrays, both ROM versions, names by a part, refs, and a hack's own symbols, through the lookup."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.bench_lookup import memory_mb
from knowledge.alttp.index import current
from knowledge.alttp.lookup import fact_at, lookup, resolve
from knowledge.alttp.lookup_symbols import search_symbols
from knowledge.alttp.overlay import Overlay, overlay_of
from knowledge.alttp.tables import PATHS, tables
from knowledge.snes.symbol_table import Symbol, table_of


def answer_ref(query: str) -> str:
    found = lookup(query)
    return found.answer.ref if found.answer else ""


@pytest.mark.parametrize(
    ("query", "ref", "place"),
    [
        ("$0D05", "ram:7E0D00", "sprite 5, Y coordinate, low byte"),
        ("$7E0E2F", "ram:7E0E20", "sprite 15, type id"),
        ("$0C4B", "ram:7E0C4A", "ancilla 1, type id"),
        ("$0B1A", "ram:7E0B18", "overlord 2, Y coordinate, low byte"),
        ("$7FF81D", "ram:7FF800", "garnish 29, type id"),
        ("$1A29", "ram:7E1A28", "follower trail step 1, X"),
        ("$04F3", "ram:7E04F0", "torch 3"),
    ],
)
def test_an_address_in_an_array_names_its_slot(query: str, ref: str, place: str) -> None:
    found = lookup(query)
    assert found.answer is not None
    assert found.answer.ref == ref
    assert place in found.place


def test_an_address_inside_a_routine_says_how_far_behind_its_label() -> None:
    found = lookup("$0799B0")
    assert found.answer is not None
    assert found.answer.name == "Link_ReceiveItem"
    assert found.place.startswith("$0799B0 is Link_ReceiveItem + $3 ")
    unsized = lookup("$068331")
    assert unsized.answer is not None
    assert unsized.answer.ref.startswith(("routine:", "sublabel:"))


@pytest.mark.parametrize(
    ("query", "ref"),
    [
        ("$2144", "register:2140"),
        ("$80:2100", "register:2100"),
        ("$3F0010", "ram:7E0010"),
        ("pc:0x0", "routine:008000"),
        ("$808000", "routine:008000"),
        ("alttp://ram/7EF36D", "ram:7EF36D"),
        ("sprite:41", "sprite:41"),
        ("overlord 0x03", "overlord:03"),
        ("ancilla 0x05", "ancilla:05"),
        ("module 0x07", "module:07"),
        ("submodule 0x07.0x02", "module:07.02"),
        ("module 7 submodule 2", "module:07.02"),
        ("entrance 0x01", "entrance:01"),
        ("song 0x02", "song:02"),
        ("tile type 0x20", "tile_type:20"),
        ("follower 1", "follower:01"),
        ("link state 0x11", "link_state:11"),
        ("dungeon 0x0A", "dungeon:0A"),
        ("menu item 0x14", "menu_item:14"),
    ],
)
def test_addresses_refs_and_ids_of_all_kinds_are_read(query: str, ref: str) -> None:
    assert answer_ref(query) == ref


def test_an_address_that_names_other_things_in_us_and_jp_gives_both() -> None:
    moved = next(
        entry
        for entry in map(current().entry, current().of_kind("routine"))
        if entry.cell("jp_address") not in ("", entry.cell("us_address"))
        and current().spans.at(int(entry.cell("jp_address")[1:], 16))
    )
    text = lookup(moved.cell("jp_address"), limit=20).as_text()
    assert moved.name in text
    assert f"JP 1.0 address; US 1.0 {moved.cell('us_address')}" in text


def test_a_bare_number_is_an_id_of_the_kind_that_is_asked_for() -> None:
    for kind, ref in (("sprite", "sprite:41"), ("ancilla", "ancilla:41")):
        found = lookup("0x41", "sprite" if kind == "sprite" else "ancilla")
        assert found.answer is not None
        assert found.answer.ref == ref


@pytest.mark.parametrize(
    ("query", "about", "relation"),
    [
        ("what writes $7E0010", "ram:7E0010", "writes"),
        ("who calls Sprite_Main?", "routine:068328", "calls"),
        ("which routines write to INIDISP", "register:2100", "writes_register"),
        ("where is link_health_current written", "ram:7EF36D", "writes"),
        ("what does Module07_Underworld call", "routine:0287A2", "calls"),
        ("which entrance leads to room 0x12", "room:012", "leads_to"),
        ("where does sprite 0x41 appear", "sprite:41", "appears_in"),
    ],
)
def test_a_question_about_a_relation_lists_what_stands_in_it(query: str, about: str, relation: str) -> None:
    found = lookup(query, limit=3)
    assert found.answer is not None
    assert found.answer.ref == about
    assert found.related
    assert relation in found.related[0].relation
    assert all(one.sources for one in found.related)
    assert found.total >= len(found.related)
    assert found.as_text().startswith(f"{found.relation}: {found.total}.\n- {found.related[0].id} ")


def test_the_pages_of_a_relation_join_to_the_whole() -> None:
    whole = [one.ref for one in lookup("what writes $7E0010", limit=20).related]
    paged: list[str] = []
    offset = 0
    while not paged or offset:
        page = lookup("what writes $7E0010", limit=6, offset=offset)
        paged += [one.ref for one in page.related]
        offset = page.next_offset
    assert paged == whole
    assert len(whole) > 60


def test_a_value_behind_a_register_is_no_address() -> None:
    found = lookup("$2100=$8F")
    assert found.answer is not None
    assert found.answer.ref == "register:2100"


def test_a_label_comes_before_the_local_label_at_its_address() -> None:
    found = lookup("$1BD218")
    assert found.answer is not None
    assert found.answer.ref == "data:1BD218"


def test_only_a_whole_name_resolves() -> None:
    assert resolve("Link_Main") == "routine:078000"
    assert [resolve(text) for text in ("nothing at all", "what writes $7E0010", "near Link_Main")] == ["", "", ""]


def test_a_relation_that_nothing_stands_in_says_so() -> None:
    text = lookup("what reads INIDISP").as_text()
    assert text.startswith("what reads $2100 INIDISP: nothing that the sources show.")


def test_names_are_found_by_a_part_a_beginning_and_a_pattern() -> None:
    assert any(hit.name == "Sprite_SetupHitBox" for hit in search_symbols("setuphit").symbols)
    first = search_symbols("Link_Receive", limit=1).symbols[0]
    assert first.name.startswith("Link_Receive")
    matching = search_symbols("Module??_*Load*", limit=50).symbols
    assert matching
    assert all(hit.name.lower().startswith("module") and "load" in hit.name.lower() for hit in matching)
    assert all(hit.kind == "register" for hit in search_symbols("dma", kind="register").symbols)


def test_a_mistyped_part_is_answered_with_a_near_name() -> None:
    found = search_symbols("Sprite_SetupHitbux")
    assert not found.symbols
    assert "Sprite_SetupHitBox" in found.hint


def test_pages_of_names_join_to_the_whole() -> None:
    whole = search_symbols("hitbox", limit=200)
    names: list[str] = []
    offset = 0
    while True:
        page = search_symbols("hitbox", limit=7, offset=offset)
        names += [hit.name for hit in page.symbols]
        offset = page.next_offset
        if not offset:
            break
    assert names == [hit.name for hit in whole.symbols]
    assert len(names) == whole.total


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=140), st.integers(0, 50))
def test_no_text_breaks_the_search_of_names(text: str, offset: int) -> None:
    assert search_symbols(text, offset=offset, limit=5).as_text()


def test_a_pattern_of_many_stars_costs_no_more_than_a_few_searches() -> None:
    def cost(text: str) -> float:
        started = time.process_time()
        search_symbols(text)
        return time.process_time() - started

    plain = max(min(cost("hitbox") for _ in range(3)), 1e-4)
    assert min(cost("*a*e*i*o*u*x") for _ in range(3)) < 300 * plain
    assert not search_symbols("*a" * 60).symbols


def own(*symbols: Symbol) -> Overlay:
    return overlay_of({"hack.sym": table_of(symbols)})


def test_the_users_own_symbol_wins_at_its_address_and_says_so() -> None:
    found = lookup("$7EF36D", overlay=own(Symbol("MyHealth", 0x7EF36D, comment="hearts of my hack")))
    assert found.answer is not None
    assert found.answer.name == "MyHealth"
    assert "your symbols: hack.sym" in found.answer.sources
    assert found.reason == "your symbols: address $7EF36D"
    assert found.others[0].ref == "ram:7EF36D"


def test_the_users_own_symbol_wins_by_its_name_in_any_spelling() -> None:
    mine = own(Symbol("Sprite_Main", 0x348000))
    for query in ("Sprite_Main", "sprite main", "SPRITE_MAIN", "what does Sprite_Main do"):
        found = lookup(query, overlay=mine)
        assert found.answer is not None
        assert found.answer.id == "$348000"
        assert found.reason == "your symbols: name Sprite_Main"
    assert lookup("Sprite_Main", overlay=mine).others[0].ref == "routine:068328"


def test_an_address_inside_a_symbol_of_the_user_says_which_byte() -> None:
    found = lookup("$7E1F05", overlay=own(Symbol("MyBuffer", 0x7E1F00, size=16)))
    assert found.answer is not None
    assert found.place == "$7E1F05 is byte 5 of 16 in MyBuffer"


def test_what_the_users_symbols_do_not_name_is_answered_from_the_tables() -> None:
    assert lookup("$7EF36C", overlay=own(Symbol("MyHealth", 0x7EF36D))) == lookup("$7EF36C")
    assert search_symbols("myheal", overlay=own(Symbol("MyHealth", 0x7EF36D))).symbols[0].id == "$7EF36D"


def test_of_two_symbol_files_the_later_wins() -> None:
    both = overlay_of({"a.sym": table_of([Symbol("Old", 0x7E0730)]), "b.sym": table_of([Symbol("New", 0x7E0730)])})
    found = lookup("$7E0730", overlay=both)
    assert found.answer is not None
    assert found.answer.name == "New"


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("$7EF36D", "ram:7EF36D"),
        ("link_health_current", "ram:7EF36D"),
        ("Sprite_Main", "routine:068328"),
        ("sprite 0x41", "sprite:41"),
        ("ram:7EF36D", "ram:7EF36D"),
        ("Follower_Main", ""),
        ("where is Link's health", ""),
        ("flurble wombat", ""),
        ("", ""),
    ],
)
def test_a_text_resolves_to_the_one_ref_that_it_names(text: str, ref: str) -> None:
    assert resolve(text) == ref


def test_refs_lead_back_to_their_facts() -> None:
    for kind in PATHS:
        table = tables()[kind]
        listed = [table.ref(number) for number in range(len(table.rows))]
        for ref in listed[:: max(1, len(listed) // 20)]:
            found = fact_at(ref)
            assert found is not None
            assert found.ref == ref
    assert fact_at("ram:123456") is None
    assert fact_at("nothing") is None


def test_names_of_the_index_are_found_by_their_two_halves() -> None:
    names = current().names
    for wrong in ("sprite_setuphitbxo", "sprte_setuphitbox", "spritee_setuphitbox", "sprite_setuphitbix"):
        assert "spritesetuphitbox" in {hit.name for hit in names.near(wrong.replace("_", ""))}


def test_lookups_of_all_kinds_leave_at_most_40_mib_resident_above_a_bare_server() -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc/self/statm of Linux")
    assert memory_mb() <= 40
