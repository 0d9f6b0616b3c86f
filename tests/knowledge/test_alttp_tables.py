"""The fact tables: what their generator promises."""

import csv
import re
from pathlib import Path

import pytest

from knowledge.alttp.generate import TABLES, main, render
from knowledge.alttp.sources import REPOSITORY
from knowledge.alttp.tables import PATHS, fact, load

FOLDER = TABLES["ram"].parent


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def raw(shared: Path) -> Path:
    folder = shared / "facts"
    if not folder.is_dir():
        pytest.skip("the raw fact tables are absent")
    return folder


def test_the_tables_are_what_the_generator_gives(raw: Path) -> None:
    assert main(["--facts", str(raw), "--check"]) == 0


def test_a_stale_table_is_reported(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = tmp_path / "items.csv"
    stale.write_text(TABLES["items"].read_text(encoding="utf-8").replace("Bow", "Bew"), encoding="utf-8")
    monkeypatch.setitem(TABLES, "items", stale)
    assert main(["--facts", str(raw), "--check"]) == 1
    assert main(["--facts", str(raw)]) == 0
    assert stale.read_text(encoding="utf-8") == render(raw)["items"]


def test_an_edit_of_no_row_is_an_error(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "review.csv").write_text("table,id,column,value,reason\nram,$123456,size,2,x\n", encoding="utf-8")
    monkeypatch.setattr("knowledge.alttp.generate._ALTTP", tmp_path)
    with pytest.raises(KeyError, match="no size of ram"):
        render(raw)


def test_every_row_of_every_table_is_a_fact_with_sources() -> None:
    for table in load(PATHS).values():
        for row in table.rows:
            stated = fact(table, row)
            assert stated.sources, row
            assert set(stated.sources) <= REPOSITORY.keys(), row
            assert stated.rom_version, row


def test_rows_are_in_a_stable_order_and_no_id_comes_twice() -> None:
    for name, column in (("ram", "address"), ("routines", "us_address"), ("sprites", "id"), ("items", "id")):
        ids = [row[column] for row in rows(TABLES[name])]
        assert ids == sorted(set(ids)), name


def test_every_description_is_a_draft_or_reviewed() -> None:
    reviewed = {(row["table"], row["id"]) for row in rows(FOLDER / "review.csv")}
    for name, column in (("ram", "address"), ("routines", "us_address")):
        for row in rows(TABLES[name]):
            if row["description"] and not row["draft"]:
                assert (name, row[column]) in reviewed


def test_every_review_has_a_reason() -> None:
    assert all(row["reason"] for row in rows(FOLDER / "review.csv"))


def test_no_table_quotes_the_source_that_is_none() -> None:
    for path in TABLES.values():
        assert "yaze" not in path.read_text(encoding="utf-8").lower()


def test_the_tables_together_stay_under_three_megabytes() -> None:
    assert sum(path.stat().st_size for path in TABLES.values()) < 3_000_000


def test_the_sources_page_names_every_source() -> None:
    page = (FOLDER / "SOURCES.md").read_text(encoding="utf-8")
    for short, repository in REPOSITORY.items():
        assert re.search(rf"\| `{short}` \| {re.escape(repository)}\b.* \| [0-9a-f]{{7}} \| ", page), short
