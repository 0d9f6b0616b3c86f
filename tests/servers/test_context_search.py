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
