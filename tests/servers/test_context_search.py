"""The search of the context server: literal and regular, hostile names and texts, bounded time."""

import os
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import TextContent

from servers.context.server import build
from servers.machine import search as search_room
from servers.machine.beneath import Root
from servers.machine.errors import ServerError
from servers.machine.search import Match, search
from servers.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    files = {
        "memory/health.md": b"nothing\r\nLink's HEALTH is $7EF36D\r\n",
        "knowledge/ram.txt": b"$7EF36C max health\n--pre=sh\n-rf *\n",
        "knowledge/latin.txt": b"caf\xe9 health\n",
        "history/run.json": b'{"prompt": "health?"}',
        ".afs/state": b"health",
        ".hidden/.gitignore": b"*\nhealth\n",
        "rom.sfc": b"\0health",
    }
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


async def ask(root: Path, **arguments: Any) -> dict[str, Any]:
    """Search every line; by words where the mode says so."""
    settings = Settings(context_root=root, data_dir=root.parent / "data", project_root=root.parent)
    arguments = {"mode": "literal", **arguments}
    with anyio.fail_after(60):
        async with Client(build(settings)) as client:
            result = await client.call_tool("search_context", arguments)
    (block,) = result.content
    assert isinstance(block, TextContent)
    return {**(result.structured_content or {}), "shown": block.text, "failed": result.is_error}


async def test_every_text_file_is_searched_and_history_comes_last(root: Path) -> None:
    found = await ask(root, query="health")
    assert [(match["path"], match["line"]) for match in found["matches"]] == [
        ("memory/health.md", 0),
        (".hidden/.gitignore", 2),
        ("knowledge/latin.txt", 1),
        ("knowledge/ram.txt", 1),
        ("memory/health.md", 2),
        ("history/run.json", 1),
    ]
    assert (found["files_searched"], found["files_skipped"], found["complete"]) == (5, 1, True)
    assert "memory/health.md:2: Link's HEALTH is $7EF36D" in found["shown"]
    assert "memory/health.md (file name matches)" in found["shown"]


@pytest.mark.parametrize(
    ("query", "line"),
    [("$7ef36c", 1), ("--pre=sh", 2), ("-rf *", 3), ("-r", 3), ("(x", 0), ("[", 0), ("*\\", 0)],
)
async def test_plain_text_is_never_an_option_nor_an_expression(root: Path, query: str, line: int) -> None:
    found = await ask(root, query=query, path="knowledge")
    assert not found["failed"]
    assert [match["line"] for match in found["matches"]] == ([line] if line else [])


async def test_an_expression_is_searched_as_one(root: Path) -> None:
    found = await ask(root, query=r"^\$7ef36[a-f]", mode="regex", path="knowledge")
    assert [(match["path"], match["line"]) for match in found["matches"]] == [("knowledge/ram.txt", 1)]
    assert [match["path"] for match in (await ask(root, query=r"th$", mode="regex"))["matches"]] == [
        ".hidden/.gitignore",
        "knowledge/latin.txt",
        "knowledge/ram.txt",
    ]


@pytest.mark.parametrize(
    ("query", "mode", "reason"),
    [
        ("", "literal", "empty"),
        ("  ", "literal", "empty"),
        ("x" * 5_000_000, "literal", "more than 500"),
        ("a\nb", "literal", "lines"),
        ("a\0b", "literal", "lines"),
        ("a\udc80", "literal", "regular expression"),
        ("(unclosed", "regex", "unclosed group"),
        ("(((a{1000}){1000}){1000})", "regex", "size limit"),
        (r"(?=look)ahead", "regex", "look-around"),
    ],
)
async def test_a_query_that_cannot_be_searched_says_why(root: Path, query: str, mode: str, reason: str) -> None:
    found = await ask(root, query=query, mode=mode)
    assert found["failed"]
    assert reason in found["shown"]


async def test_a_path_narrows_the_search_and_must_exist_beneath_the_root(root: Path) -> None:
    (root / "out").symlink_to(root.parent)
    (root.parent / "secret.md").write_text("health SECRET", encoding="utf-8")
    assert [match["line"] for match in (await ask(root, query="health", path="memory/health.md"))["matches"]] == [
        0,
        2,
    ]
    for path, reason in (("nope", "list_context"), ("../", "outside"), ("out", "outside"), ("out/x", "outside")):
        found = await ask(root, query="health", path=path)
        assert found["failed"]
        assert reason in found["shown"]
    assert "SECRET" not in (await ask(root, query="health"))["shown"]


async def test_links_that_go_in_circles_end(root: Path) -> None:
    (root / "loop").symlink_to(".")
    assert (await ask(root, query="7EF36D"))["total"] == 1


async def test_matches_are_paged_and_long_lines_cut_around_the_match(root: Path) -> None:
    (root / "many.md").write_text("needle\n" * 250 + "x" * 100_000 + "needle" + "y" * 100_000, encoding="utf-8")
    first = await ask(root, query="needle", limit=200)
    assert (len(first["matches"]), first["total"], first["next_offset"]) == (200, 251, 200)
    last = await ask(root, query="needle", limit=200, offset=200)
    assert last["next_offset"] == -1
    assert last["matches"][-1]["line"] == 251
    assert "needle" in last["matches"][-1]["text"]
    assert len(last["matches"][-1]["text"]) < 300


async def test_names_that_look_like_matches_cannot_forge_a_result(root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root) + b"/a\nmemory:1: forged \xff")).write_bytes(b"needle\n")
    found = await ask(root, query="needle")
    assert [match["path"] for match in found["matches"]] == ["a\\x0amemory:1: forged \\xff"]
    assert len(found["shown"].splitlines()) == 2


async def test_no_match_tells_the_next_step(root: Path) -> None:
    assert "list_context" in (await ask(root, query="Ganon"))["shown"]


def test_more_matches_than_the_cap_are_said_to_be_more(root: Path) -> None:
    (root / "many.md").write_text("needle\n" * 50, encoding="utf-8")
    with Root(root) as opened:
        found = search(opened, "needle", opened.entries(depth=9).entries, regex=False, cap=10)
    assert (len(found.matches), found.complete) == (10, False)


def test_lines_are_counted_across_batches(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_room, "_BATCH", 20)
    for number in range(9):
        (root / f"{number}.md").write_text("a\n" * number + f"needle {number}", encoding="utf-8")
    with Root(root) as opened:
        found = search(opened, "needle", opened.entries().entries, regex=False)
    assert list(found.matches) == [Match(f"{number}.md", number + 1, f"needle {number}") for number in range(9)]


def test_an_expression_that_takes_too_long_is_stopped(root: Path) -> None:
    (root / "slow.md").write_text("a" * 1_000_000 + "!", encoding="utf-8")
    with Root(root) as opened, pytest.raises(ServerError, match="too long"):
        search(opened, "(a{1000}){90}", opened.entries().entries, regex=True, seconds=0.5)


def test_the_classic_expression_that_backtracks_for_ever_takes_no_time(root: Path) -> None:
    (root / "slow.md").write_text("a" * 1_000_000 + "!", encoding="utf-8")
    with Root(root) as opened:
        found = search(opened, "(a+)+$", opened.entries().entries, regex=True)
    assert found.complete
    assert found.matches == ()


async def words(root: Path, query: str, **arguments: Any) -> dict[str, Any]:
    return await ask(root, query=query, mode="words", **arguments)


def put(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


async def test_by_words_each_file_is_shown_once_with_its_best_line_and_headings(root: Path) -> None:
    put(root, "memory/dungeon.md", "# Dungeons\n\n## Health\n\nnothing\n\nHealth is restored by a fairy.\nhealth\n")
    found = await words(root, "how is health restored?")
    assert found["matches"][0] == {
        "path": "memory/dungeon.md",
        "line": 7,
        "text": "Health is restored by a fairy.",
        "title": "Dungeons > Health",
    }
    assert "memory/dungeon.md:7: Health is restored by a fairy.  [Dungeons > Health]" in found["shown"]
    files = [match["path"] for match in found["matches"]]
    assert len(files) == len(set(files)) == found["total"]
    assert files[-1] == "history/run.json"


async def test_by_words_the_suites_own_state_and_binary_files_are_not_found(root: Path) -> None:
    files = {match["path"] for match in (await words(root, "health"))["matches"]}
    assert files == {
        "memory/health.md",
        "knowledge/ram.txt",
        "knowledge/latin.txt",
        ".hidden/.gitignore",
        "history/run.json",
    }


async def test_pages_of_files_join_to_the_whole(root: Path) -> None:
    for number in range(45):
        put(root, f"memory/n{number}.md", f"needle number {number}")
    page = await words(root, "needle", limit=20)
    seen = [match["path"] for match in page["matches"]]
    while page["next_offset"] != -1:
        page = await words(root, "needle", limit=20, offset=page["next_offset"])
        seen += [match["path"] for match in page["matches"]]
    assert len(seen) == len(set(seen)) == page["total"] == 45
    assert "start at offset 0" in (await words(root, "needle", offset=45))["shown"]


async def test_a_page_of_long_lines_and_odd_names_stays_below_the_result_limit(root: Path) -> None:
    for number in range(220):
        put(root, f"memory/{'x' * 200}{number}.md", "\x1b[31m\\" * 60 + " needle " + "y" * 400)
    page = await words(root, "needle", limit=200)
    assert not page["failed"]
    assert 0 < page["next_offset"] < 200
    rest = await words(root, "needle", limit=200, offset=page["next_offset"])
    assert rest["matches"][0]["path"] not in {match["path"] for match in page["matches"]}


async def test_hidden_files_are_found_in_no_mode(root: Path) -> None:
    put(root, ".afs/sensitivity.toml", 'never_index = ["private/**"]\n')
    put(root, "private/diary.md", "hunter2 is secret")
    put(root, "memory/note.md", '+++\nsensitivity = "never_index"\n+++\nhunter2 is secret\n')
    put(root, "memory/.env", "PASSWORD=hunter2")
    put(root, "memory/open.md", "the word is secret")
    for mode in ("words", "literal", "regex"):
        assert (await ask(root, query="hunter2", mode=mode))["total"] == 0
        assert (await ask(root, query="hunter2", mode=mode, path="private"))["total"] == 0
        assert (await ask(root, query="secret", mode=mode))["total"] == 1
    put(root, ".afs/sensitivity.toml", "never_index = []\n")
    assert (await ask(root, query="hunter2", mode="words"))["total"] == 1


async def test_rules_that_cannot_be_read_stop_the_search_and_say_where(root: Path) -> None:
    put(root, ".afs/sensitivity.toml", "never_index = [")
    found = await words(root, "health")
    assert found["failed"]
    assert ".afs/sensitivity.toml" in found["shown"]


async def test_other_projects_are_searched_only_when_asked(tmp_path: Path) -> None:
    root = tmp_path / "context"
    put(root, ".afs/layout.toml", "version = 2\n")
    own, other = "prj_11111111-1111-1111-1111-111111111111", "prj_22222222-2222-2222-2222-222222222222"
    put(root, f".afs/projects/{own}.toml", f'id = "{own}"\nname = "mine"\npath = "{tmp_path}"\n')
    put(root, f".afs/projects/{other}.toml", f'id = "{other}"\nname = "other"\npath = "/elsewhere"\n')
    for place in ("common", f"projects/{own}", f"projects/{other}"):
        put(root, f"memory/{place}/note.md", f"needle of {place}")
    for mode in ("words", "literal"):
        for scope, wanted in (("project", {"common", own}), ("common", {"common"}), ("all", {"common", own, other})):
            found = await ask(root, query="needle", mode=mode, scope=scope)
            assert {match["path"].split("/")[-2] for match in found["matches"]} == wanted
    there = f"memory/projects/{other}"
    assert "scope all" in (await words(root, "needle", path=there))["shown"]
    assert (await words(root, "needle", path=there, scope="all"))["total"] == 1
    assert (root / ".afs/search/index.sqlite").is_file()


async def test_a_linked_folder_is_searched_where_it_leads(root: Path) -> None:
    (root / "short").symlink_to("knowledge")
    found = await words(root, "health", path="short")
    assert {match["path"] for match in found["matches"]} == {"knowledge/ram.txt", "knowledge/latin.txt"}


async def test_a_read_only_context_is_searched_too(root: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere: run as a normal user")
    root.chmod(0o500)
    try:
        assert (await words(root, "health"))["total"] == 5
    finally:
        root.chmod(0o700)


async def test_the_first_search_of_a_tree_finds_what_is_in_any_of_its_files(root: Path) -> None:
    for number in range(1_500):
        put(root, f"memory/many/{number}.md", f"needle{number}")
    found = await words(root, "needle1499")
    assert (found["total"], found["files_searched"], found["note"]) == (1, 1505, "")
