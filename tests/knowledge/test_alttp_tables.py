"""The fact tables: what their generator promises, what they hold, and what the report says of them."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from knowledge.alttp.generate import REVIEWS, TABLES, ReviewError, main, render
from knowledge.alttp.report import BUDGET, data_size, report
from knowledge.alttp.report import main as report_main
from knowledge.alttp.sources import REPOSITORY
from knowledge.alttp.tables import PATHS, Rows, Table, check, fact, load, tables
from schemas.fact import FactKind

FOLDER = TABLES["ram"].parent
RAW: dict[FactKind, str] = {
    "sprite": "alttp_sprites.csv",
    "overlord": "alttp_overlords.csv",
    "ancilla": "alttp_ancillae.csv",
    "garnish": "alttp_garnish.csv",
    "item": "alttp_items.csv",
    "menu_item": "alttp_menu_items.csv",
    "module": "alttp_modules.csv",
    "link_state": "alttp_link_states.csv",
    "sprite_state": "alttp_sprite_states.csv",
    "entrance": "alttp_entrances.csv",
    "tile_type": "alttp_tile_types.csv",
    "dungeon": "alttp_dungeons.csv",
    "follower": "alttp_followers.csv",
    "register": "snes_registers.csv",
}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def reviews() -> list[dict[str, str]]:
    return [row for name in REVIEWS if (FOLDER / name).is_file() for row in rows(FOLDER / name)]


@pytest.fixture(scope="session")
def raw(shared: Path) -> Path:
    folder = shared / "facts"
    if not folder.is_dir():
        pytest.skip("the raw fact tables are absent")
    return folder


@pytest.fixture(scope="session")
def rendered(raw: Path) -> dict[str, str]:
    return render(raw)


def test_the_tables_are_what_the_generator_gives(rendered: dict[str, str]) -> None:
    stale = [name for name, text in rendered.items() if TABLES[name].read_text(encoding="utf-8") != text]
    assert not stale


def test_a_stale_table_is_reported(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = tmp_path / "items.csv"
    stale.write_text(TABLES["items"].read_text(encoding="utf-8").replace("Bow", "Bew"), encoding="utf-8")
    monkeypatch.setitem(TABLES, "items", stale)
    assert main(["--facts", str(raw), "--check"]) == 1
    assert main(["--facts", str(raw)]) == 0
    assert "Bow" in stale.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        ("ram,$123456,size,2,x", "review.csv, line 2: ram has no row"),
        ("ram,$7E0010,sise,2,x", "review.csv, line 2: ram has no column sise"),
        ("rams,$7E0010,size,2,x", "review.csv, line 2: no table 'rams'"),
        ("ram,$7E0010,size,2, ", "review.csv, line 2: no reason"),
    ],
)
def test_an_edit_that_can_not_be_applied_is_an_error_with_its_line(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edit: str, complaint: str
) -> None:
    (tmp_path / "review.csv").write_text(f"table,id,column,value,reason\n{edit}\n", encoding="utf-8")
    (tmp_path / "gathered.csv").write_bytes((FOLDER / "gathered.csv").read_bytes())
    monkeypatch.setattr("knowledge.alttp.generate.FOLDER", tmp_path)
    with pytest.raises(ReviewError, match=re.escape(complaint)):
        render(raw)


def test_every_row_of_every_table_is_a_fact_with_sources_and_its_own_ref() -> None:
    refs: set[str] = set()
    for table in tables().values():
        for number, row in enumerate(table.rows):
            stated = fact(table, row)
            assert stated.sources, row
            assert set(stated.sources) <= REPOSITORY.keys(), row
            assert stated.rom_version, row
            assert stated.independent_groups > 0, row
            assert stated.ref == table.ref(number), row
            refs.add(stated.ref)
    assert len(refs) == sum(len(table.rows) for table in tables().values())


def test_the_tables_hold_what_they_are_known_to_hold() -> None:
    counts = {kind: len(table.rows) for kind, table in tables().items()}
    us = {kind: sum(bool(row[0]) for row in tables()[kind].rows) for kind in ("routine", "data")}
    assert counts["register"] >= 190
    assert counts["ram"] >= 5_000
    assert us["routine"] >= 4_900
    assert us["data"] >= 4_300
    assert counts["sublabel"] >= 12_000
    assert (counts["room"], counts["overworld"]) == (296, 160)
    assert (counts["room_object"], counts["door_type"], counts["secret"], counts["room_effect"]) == (440, 52, 28, 8)
    assert counts["song"] >= 194
    assert all(counts.values())


@pytest.mark.parametrize(("kind", "name"), RAW.items())
def test_a_table_by_id_has_every_row_of_its_raw_table(raw: Path, kind: FactKind, name: str) -> None:
    assert len(tables()[kind].rows) == len(rows(raw / name))


def test_every_label_of_the_rom_is_there(raw: Path) -> None:
    kinds = Counter(row["kind"] for row in rows(raw / "alttp_rom_routines.csv"))
    alone = Counter(row["kind"] for row in rows(raw / "alttp_rom_jp_only.csv"))
    assert len(tables()["routine"].rows) == kinds["code"] + alone["code"]
    assert len(tables()["data"].rows) == kinds["data"] + kinds["unknown"] + alone["data"]


def test_every_local_label_is_there_under_its_full_name(raw: Path) -> None:
    table = tables()["sublabel"]
    named: set[tuple[str, str]] = set()
    for row in table.rows:
        stated = fact(table, row)
        named.add((stated.us_address, stated.name))
        named.update((stated.us_address, alias.removesuffix(" (usdasm)")) for alias in stated.aliases)
    assert named == {(row["us_address"], row["label"]) for row in rows(raw / "alttp_rom_sublabels.csv")}


@pytest.mark.parametrize("kind", tables())
def test_a_row_is_found_by_its_key_and_by_no_other(kind: FactKind) -> None:
    table = tables()[kind]
    for number in range(0, len(table.rows), 7):
        assert table.find(table.key(number)) == number
    for nonsense in ("", "zz", "7", "FFFFFF", "JP000000", "SFX9.99", "0x", "\udcff", "7E0010,"):
        assert table.find(nonsense) == -1


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ("ram:7E0010", "MODE"),
        ("register:2100", "INIDISP"),
        ("routine:0799AD", "Link_ReceiveItem"),
        ("routine:JP01E6B0", ""),
        ("module:07.02", "Interroom Transition"),
        ("module:07.02.01", "Load Next Room"),
        ("song:01", "Opening with the Triforce"),
        ("song:SFX2.05", "Sword clink"),
        ("item:4A", "Flute, activated"),
        ("overworld:00", "Lost Woods"),
        ("room_object:219", "Chest"),
        ("door_type:1C", "Small key door"),
    ],
)
def test_a_ref_is_the_kind_and_the_key(ref: str, name: str) -> None:
    kind, _, key = ref.partition(":")
    table = next(table for table in tables().values() if table.kind == kind)
    number = table.find(key)
    assert (fact(table, table.rows[number]).name if number >= 0 else "") == name


def test_rows_are_in_the_order_of_their_keys_and_no_key_comes_twice() -> None:
    check(tables())
    for table in tables().values():
        keys = [table.key(number) for number in range(len(table.rows))]
        assert len(set(keys)) == len(keys)


def test_a_row_with_a_wrong_number_of_cells_is_an_error_with_its_line() -> None:
    table = Table("item", {"id": 0, "name": 1}, Rows("items.csv", b"id,name\n0x00,a\n0x01,b,c\n"))
    assert table.rows[0] == ["0x00", "a"]
    with pytest.raises(ValueError, match=r"items\.csv, row 3: 3 cells where the header has 2"):
        check({"item": table})


def test_rows_out_of_order_are_an_error() -> None:
    table = Table("item", {"id": 0, "name": 1}, Rows("items.csv", b"id,name\n0x01,a\n0x00,b\n"))
    with pytest.raises(ValueError, match="out of order"):
        check({"item": table})


def test_rows_are_a_sequence() -> None:
    some = Rows("items.csv", b'id,name\n0x00,a\n0x01,"b, c"\n')
    assert list(some) == some[:] == [["0x00", "a"], ["0x01", "b, c"]]
    assert (some[-1], len(some)) == (["0x01", "b, c"], 2)
    with pytest.raises(IndexError, match="none numbered 2"):
        some[2]


def test_loading_splits_no_row(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes(b"id,name\n0x00,a,b\n")
    assert len(load({"item": path})["item"].rows) == 1


def test_every_description_is_a_draft_or_reviewed() -> None:
    reviewed = {(row["table"], row["id"]) for row in reviews()}
    for table in tables().values():
        name = PATHS[table.kind].stem
        for row in table.rows:
            stated = fact(table, row)
            if stated.description and not stated.draft:
                assert (name, stated.id.rpartition(" ")[2]) in reviewed, stated.ref


def test_a_verified_row_has_two_groups_and_was_reviewed() -> None:
    for table in tables().values():
        for row in table.rows:
            stated = fact(table, row)
            if stated.confidence == "verified":
                assert stated.independent_groups >= 2, stated.ref
                assert stated.description, stated.ref
                assert not stated.draft, stated.ref


def test_every_review_has_a_reason() -> None:
    assert all(row["reason"].strip() for row in reviews())


def test_no_table_quotes_the_source_that_is_none() -> None:
    for path in TABLES.values():
        assert "yaze" not in path.read_text(encoding="utf-8").lower()


def test_the_names_that_the_sources_are_known_to_have_wrong_are_not_taken() -> None:
    names: dict[str, str] = {}
    for table in tables().values():
        for row in table.rows:
            stated = fact(table, row)
            names[stated.ref] = " ".join((stated.name, *stated.aliases))
    assert "Bottle" not in names["item:4A"]
    assert "kLink" not in names["ram:7E00F6"]
    assert "Master Sword" not in names["overworld:01"]
    for number in (0x2181, 0x2182, 0x2183):
        table = tables()["register"]
        row = table.rows[table.find(f"{number:04X}")]
        assert table.cell(row, "access") == "w"


def test_no_name_reads_like_a_sentence() -> None:
    for table in tables().values():
        if table.kind in ("room", "item", "room_tag", "room_object", "song", "entrance", "tile_type", "secret"):
            for row in table.rows:
                assert not re.search(r"[.!?]| (?:is|are|you|your|again) ", fact(table, row).name + " "), row


def test_all_data_keeps_to_the_budget_with_room_to_spare() -> None:
    assert data_size() < BUDGET * 5 // 6


def test_the_report_counts_every_row_and_finds_none_without_a_source() -> None:
    outcome = CliRunner().invoke(report_main)
    found = report()
    assert outcome.exit_code == 0
    assert found.sound
    assert str(sum(table.rows for table in found.tables)) in outcome.output
    assert f"{found.edges} edges" in outcome.output
    for table in found.tables:
        assert sum(table.confidence.values()) == table.rows
        assert table.name in outcome.output


def test_a_row_without_a_source_is_reported() -> None:
    bare = Rows("items.csv", b"id,name,save_address,save_value,sources\n0x00,a,$7EF340,0x01,\n")
    table = Table("item", {name: place for place, name in enumerate(bare.header)}, bare)
    found = report({"item": table})
    assert not found.sound
    assert found.tables[0].without_source == ("item:00",)


def test_the_sources_page_names_every_source() -> None:
    page = (FOLDER / "SOURCES.md").read_text(encoding="utf-8")
    for short, repository in REPOSITORY.items():
        assert re.search(rf"\| `{short}` \| {re.escape(repository)}\b.* \| [0-9a-f]{{7}} \| ", page), short


def test_no_label_of_the_rom_runs_past_its_bank() -> None:
    for kind in ("routine", "data"):
        table = tables()[kind]
        for row in table.rows:
            size, address = table.cell(row, "size"), table.cell(row, "us_address")
            assert not (size and address) or (int(address[1:], 16) & 0xFFFF) + int(size) <= 0x10000, row
