"""Plain questions about files, over a planted home: the answers are right and every path in them is there."""

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client

from servers.machine import embed
from servers.settings import Settings
from servers.workspace.asking import answer
from servers.workspace.asking_question import read_question
from servers.workspace.asking_time import read_span
from servers.workspace.opened import Opened
from servers.workspace.scan_walk import PATIENT
from servers.workspace.server import build
from tests.planted import QUESTIONS, plant
from tests.planted_attic import QUESTIONS as ATTIC_QUESTIONS
from tests.planted_attic import plant_attic
from tests.planted_barn import QUESTIONS as BARN_QUESTIONS
from tests.planted_barn import plant_barn
from tests.planted_bench import QUESTIONS as BENCH_QUESTIONS
from tests.planted_bench import plant_bench
from tests.planted_cabin import QUESTIONS as CABIN_QUESTIONS
from tests.planted_cabin import plant_cabin
from tests.planted_cellar import QUESTIONS as CELLAR_QUESTIONS
from tests.planted_cellar import plant_cellar
from tests.planted_drive import QUESTIONS as DRIVE_QUESTIONS
from tests.planted_drive import plant_drive
from tests.planted_garage import QUESTIONS as GARAGE_QUESTIONS
from tests.planted_garage import plant_garage
from tests.planted_hut import QUESTIONS as HUT_QUESTIONS
from tests.planted_hut import plant_hut
from tests.planted_loft import QUESTIONS as LOFT_QUESTIONS
from tests.planted_loft import plant_loft
from tests.planted_mac import QUESTIONS as MAC_QUESTIONS
from tests.planted_mac import plant_mac
from tests.planted_mill import QUESTIONS as MILL_QUESTIONS
from tests.planted_mill import plant_mill
from tests.planted_other import QUESTIONS as OTHER_QUESTIONS
from tests.planted_other import plant_other
from tests.planted_pier import QUESTIONS as PIER_QUESTIONS
from tests.planted_pier import plant_pier
from tests.planted_shed import QUESTIONS as SHED_QUESTIONS
from tests.planted_shed import plant_shed
from tests.planted_shelves import QUESTIONS as SHELVES_QUESTIONS
from tests.planted_shelves import plant_shelves
from tests.planted_tinkerer import QUESTIONS as TINKERER_QUESTIONS
from tests.planted_tinkerer import plant_tinkerer
from tests.planted_ways import Question, fair, right

pytestmark = pytest.mark.anyio

NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)
RIGHT = 0.96
RIGHT_OF_LISTS = 0.9
"""Of questions with whole groups and with nothing for an answer; a few depend on the day: this month, this year."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    plant(folder)
    return folder


@pytest.fixture
def settings(root: Path, tmp_path: Path) -> Settings:
    return Settings(context_root=tmp_path / "context", data_dir=tmp_path / "data", project_root=root)


async def ask(settings: Settings, question: str, **arguments: Any) -> dict[str, Any]:
    with anyio.fail_after(60):
        async with Client(build(settings)) as client:
            result = await client.call_tool("ask_files", {"question": question, **arguments})
    assert not result.is_error, result.content
    return result.structured_content or {}


def test_questions_are_answered_by_what_was_meant(root: Path, settings: Settings) -> None:
    opened = Opened(settings)
    wrong: list[str] = []
    for question, wanted in QUESTIONS:
        found = [row.path for row in answer(opened, question, "", PATIENT, limit=10).found]
        assert [path for path in found if not (root / path).exists()] == []
        if not set(found[:3]) & set(wanted):
            wrong.append(f"{question}: {found[:3]}")
    assert len(wrong) <= (1 - RIGHT) * len(QUESTIONS), wrong


def test_another_home_is_asked_a_hundred_questions(tmp_path: Path, settings: Settings) -> None:
    home = tmp_path / "other"
    home.mkdir()
    plant_other(home)
    opened = Opened(dataclasses.replace(settings, project_root=home))
    wrong: list[str] = []
    for question, wanted in OTHER_QUESTIONS:
        found = [row.path for row in answer(opened, question, "", PATIENT, limit=10).found]
        assert [path for path in found if not (home / path).exists()] == []
        if not set(found[:3]) & set(wanted):
            wrong.append(f"{question}: {found[:3]}")
    opened.close()
    assert len(OTHER_QUESTIONS) > 100
    assert len(wrong) <= (1 - RIGHT) * len(OTHER_QUESTIONS), wrong


@pytest.mark.parametrize(
    ("plant_home", "questions", "judge"),
    [
        (plant_tinkerer, TINKERER_QUESTIONS, right),
        (plant_shelves, SHELVES_QUESTIONS, right),
        (plant_attic, ATTIC_QUESTIONS, right),
        (plant_bench, BENCH_QUESTIONS, fair),
        (plant_drive, DRIVE_QUESTIONS, fair),
        (plant_mac, MAC_QUESTIONS, fair),
        (plant_cellar, CELLAR_QUESTIONS, fair),
        (plant_garage, GARAGE_QUESTIONS, fair),
        (plant_shed, SHED_QUESTIONS, fair),
        (plant_loft, LOFT_QUESTIONS, fair),
        (plant_hut, HUT_QUESTIONS, fair),
        (plant_barn, BARN_QUESTIONS, fair),
        (plant_cabin, CABIN_QUESTIONS, fair),
        (plant_pier, PIER_QUESTIONS, fair),
        (plant_mill, MILL_QUESTIONS, fair),
    ],
    ids=[
        "tinkerer",
        "shelves",
        "attic",
        "bench",
        "drive",
        "mac",
        "cellar",
        "garage",
        "shed",
        "loft",
        "hut",
        "barn",
        "cabin",
        "pier",
        "mill",
    ],
)
def test_lists_copies_and_things_that_are_not_there_are_told_as_they_are(
    plant_home: Callable[[Path], None],
    questions: tuple[Question, ...],
    judge: Callable[[Question, Sequence[str]], bool],
    tmp_path: Path,
    settings: Settings,
) -> None:
    home = tmp_path / "shelves"
    home.mkdir()
    plant_home(home)
    opened = Opened(dataclasses.replace(settings, project_root=home))
    wrong: list[str] = []
    for question in questions:
        found = [row.path for row in answer(opened, question.text, "", PATIENT, limit=10).found]
        assert [path for path in found if not (home / path).exists()] == []
        if not judge(question, found):
            wrong.append(f"{question.text}: {found[:3]}")
    opened.close()
    assert len(questions) == 40
    assert len(wrong) <= (1 - RIGHT_OF_LISTS) * len(questions), wrong


async def test_words_that_no_name_has_are_told(settings: Settings) -> None:
    told = await ask(settings, "where is the unheardof zelda3 rom?")
    assert told["found"]
    assert "no name here has: unheardof" in told["summary"]


async def test_a_slip_in_the_word_for_a_kind_is_mended(settings: Settings, root: Path) -> None:
    (root / "databases").mkdir()
    (root / "databases/ledger.sqlite").write_bytes(b"SQLite format 3")
    told = await ask(settings, "where is my databse")
    assert told["question"] == "where is my databse"
    assert "kinds: database" in told["understood"]
    assert "databases/ledger.sqlite" in str(told["found"])


async def test_a_time_is_enough_where_no_name_has_the_words(settings: Settings, root: Path) -> None:
    (root / "fresh.bin").write_bytes(b"\x01")
    told = await ask(settings, "files that I frobnicated today")
    assert "fresh.bin" in [row["path"] for row in told["found"][:3]]
    assert "no name here has: frobnicated" in told["summary"]


async def test_what_files_mention_is_looked_for_in_their_text(settings: Settings, root: Path) -> None:
    (root / "Documents/plain.md").write_text("The Armos Knights hop in a ring.\n", encoding="utf-8")
    told = await ask(settings, "which files mention armos knights")
    assert told["found"][0]["path"] == "Documents/plain.md"


async def test_a_text_that_has_most_of_the_words_is_found_where_no_name_has_one(settings: Settings, root: Path) -> None:
    (root / "Documents/plain.md").write_text("Lanterns light\nevery crypt near Ordon.\n", encoding="utf-8")
    told = await ask(settings, "which crypts do lanterns illuminate at ordon")
    assert told["found"][0]["path"] == "Documents/plain.md"
    assert (await ask(settings, "crypts of the parish council"))["found"] == []


async def test_a_word_that_no_name_has_is_looked_for_in_the_texts_of_what_has_the_others(
    settings: Settings, root: Path
) -> None:
    (root / "quagmire").mkdir()
    for name, text in (("one.asm", "; walking\n"), ("two.asm", "; somersaults\n"), ("three.asm", "; running\n")):
        (root / "quagmire" / name).write_text(text, encoding="utf-8")
    told = await ask(settings, "where is the somersault code of quagmire?")
    assert told["found"][0]["path"] == "quagmire/two.asm"


async def test_assembly_of_a_game_that_no_name_tells_is_known_by_its_text(settings: Settings, root: Path) -> None:
    assert (await ask(settings, "where is the Terranigma or Secret of Evermore disassembly"))["found"] == []
    (root / "lowlands").mkdir()
    (root / "lowlands/bank_00.asm").write_text("; Secret of Evermore, bank 0\n", encoding="utf-8")
    told = await ask(settings, "where is the Secret of Evermore disassembly")
    assert told["found"][0]["path"] == "lowlands/bank_00.asm"


async def test_a_time_that_nothing_is_of_is_told_and_left_out(settings: Settings, root: Path) -> None:
    (root / "quagmire.ips").write_bytes(b"PATCH")
    told = await ask(settings, "the quagmire patch from 2019")
    assert told["summary"].startswith("nothing of that time")
    assert told["found"][0]["path"] == "quagmire.ips"


async def test_a_name_of_several_words_is_not_found_by_its_first(settings: Settings, root: Path) -> None:
    (root / "Lanternfish.ips").write_bytes(b"PATCH")
    assert (await ask(settings, "the hack I made for Lanternfish of Evermore"))["found"] == []
    assert (await ask(settings, "the Lanternfish hack"))["found"][0]["path"] == "Lanternfish.ips"


async def test_a_folder_of_a_folder_of_projects_is_one_where_somebody_wrote_code(
    settings: Settings, root: Path
) -> None:
    for path in ("wip/gloom/levels/001.mwl", "wip/gloom/gloom.smc", "wip/sorted/inner/tool.tcl", "wip/pictures/a.png"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"\x01")
    found = [row["path"] for row in (await ask(settings, "which projects did I work on today?"))["found"]]
    assert {"wip/gloom", "wip/sorted/inner"} <= set(found)
    assert not {"wip/gloom/levels", "wip/sorted", "wip/pictures"} & set(found)


async def test_a_path_that_is_gone_is_in_no_answer(root: Path, settings: Settings) -> None:
    assert "Downloads/linux-mint.iso" in str(await ask(settings, "where is the linux iso?"))
    (root / "Downloads/linux-mint.iso").unlink()
    assert "linux-mint.iso" not in str((await ask(settings, "where is the linux iso?"))["found"])


async def test_an_answer_says_how_the_question_was_read_and_how_much_there_is(settings: Settings) -> None:
    told = await ask(settings, "largest ROMs over 100 KB")
    assert told["understood"] == "kinds: rom; at least 100000 bytes; order: size"
    assert "files" in told["summary"]
    assert [row["size"] for row in told["found"]] == sorted((row["size"] for row in told["found"]), reverse=True)


async def test_sizes_may_have_two_ends(settings: Settings) -> None:
    told = await ask(settings, "files between 1 MB and 5 MB")
    assert told["understood"] == "at least 1000000 bytes; at most 5000000 bytes; only: files"
    assert told["found"]
    assert all(1_000_000 <= row["size"] <= 5_000_000 for row in told["found"])


async def test_a_question_may_be_about_one_folder(settings: Settings) -> None:
    told = await ask(settings, "largest files", path="roms")
    assert all(row["path"].startswith("roms/") for row in told["found"])


async def test_a_model_that_does_not_answer_leaves_the_search_by_words(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:1")
    told = await ask(dataclasses.replace(settings, embed_model="nomic-embed-text"), "where are my ROM hacks?")
    assert told["found"][0]["path"] == "roms/hacks"
    assert "by words alone" in told["notes"][0]


async def test_a_search_by_meaning_is_joined_with_that_by_words(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vectors(texts: Sequence[str]) -> list[list[float]]:
        return [[1.0, 0.1] if "thesis" in text or "dissertation" in text else [0.1, 1.0] for text in texts]

    def embedder(_model: str, *, seconds: float) -> Callable[[Sequence[str]], list[list[float]]]:
        assert seconds > 0
        return vectors

    monkeypatch.setattr(embed, "embedder", embedder)
    told = await ask(dataclasses.replace(settings, embed_model="some"), "my dissertation")
    assert "Documents/thesis" in [row["path"] for row in told["found"][:3]]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("in 2023", "2023-01-01", "2024-01-01"),
        ("before march 2024", "", "2024-03-01"),
        ("since 2025", "2025-01-01", ""),
        ("older than 6 months", "", "2026-05-22"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("last month", "2026-10-01", ""),
        ("this week", "2026-11-16", ""),
        ("in the last 10 days", "2026-11-11", ""),
        ("yesterday", "2026-11-20", ""),
        ("in august", "2026-08-01", "2026-09-01"),
        ("on friday", "2026-11-20", "2026-11-21"),
        ("since monday", "2026-11-16", ""),
        ("before last saturday", "", "2026-11-14"),
        ("today or yesterday", "2026-11-20", ""),
        ("nobody has used it since 2023", "", "2023-01-01"),
        ("not touched for two years", "", "2024-11-21"),
    ],
)
def test_spans_of_time_are_read_as_people_mean_them(text: str, start: str, end: str) -> None:
    span = read_span(text, NOW)
    assert span is not None

    def day(nanoseconds: int) -> str:
        return datetime.datetime.fromtimestamp(nanoseconds // 10**9, datetime.UTC).strftime("%Y-%m-%d")

    assert (day(span.start) if span.start else "") == start
    assert (day(span.end) if span.end < 1 << 62 else "") == end


@given(st.text(max_size=600))
def test_any_text_can_be_read_as_a_question(text: str) -> None:
    wish = read_question(text, NOW)
    assert len(wish.text) <= 500
    assert all(word == word.casefold() for word in wish.words)


@pytest.mark.parametrize(
    "question", ["\x00", "\ud800\ud801", "\ud800 rom", "' OR 1=1 --", '" NEAR(', "%_%", "(" * 400, "ﷺ" * 100, "*.*"]
)
def test_hostile_questions_are_answered(settings: Settings, question: str) -> None:
    told = answer(Opened(settings), question, "", PATIENT, limit=5)
    assert told.complete
