"""The workspace server's files through the protocol: reading, listing, writing, editing, moving, finding projects."""

import dataclasses
import os
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent

from servers.settings import Settings
from servers.workspace.server import build

pytestmark = pytest.mark.anyio

Era = Literal["auto", "legacy"]
ROOM = b"; room one\nRoom01:\n    LDA #$01\n    STA $A0\n    RTL\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(root: Path, tmp_path: Path) -> Settings:
    return Settings(context_root=tmp_path / "context", data_dir=tmp_path / "data", project_root=root)


def put(root: Path, name: str, data: bytes) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def call(settings: Settings, tool: str, *, era: Era = "auto", **arguments: Any) -> CallToolResult:
    with anyio.fail_after(30):
        async with Client(build(settings), mode=era) as client:
            return await client.call_tool(tool, arguments)


async def good(settings: Settings, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await call(settings, tool, **arguments)
    assert not result.is_error, text_of(result)
    return result.structured_content or {}


async def bad(settings: Settings, tool: str, **arguments: Any) -> str:
    result = await call(settings, tool, **arguments)
    assert result.is_error, text_of(result)
    return text_of(result)


async def test_a_file_is_read_by_a_relative_and_by_an_absolute_path(settings: Settings, root: Path) -> None:
    put(root, "src/room.asm", ROOM)
    one = await good(settings, "read_file", path="src/room.asm")
    other = await good(settings, "read_file", path=str(root / "src" / "room.asm"))
    assert one["text"] == other["text"] == ROOM.decode()
    assert one["next_offset"] == -1 and one["etag"] == other["etag"]


@pytest.mark.parametrize(
    ("line", "lines", "text", "first"),
    [(2, 2, "Room01:\n    LDA #$01\n", 2), (-2, 0, "    STA $A0\n    RTL\n", 4), (5, 100, "    RTL\n", 5)],
)
async def test_lines_are_read_from_the_start_or_the_end(
    settings: Settings, root: Path, line: int, lines: int, text: str, first: int
) -> None:
    put(root, "room.asm", ROOM)
    found = await good(settings, "read_file", path="room.asm", line=line, lines=lines)
    assert found["text"] == text
    assert found["first_line"] == first


async def test_a_negative_offset_reads_the_end_of_a_file(settings: Settings, root: Path) -> None:
    put(root, "room.asm", ROOM)
    assert (await good(settings, "read_file", path="room.asm", offset=-8))["text"] == "    RTL\n"


async def test_the_pages_of_a_long_file_give_it_whole(settings: Settings, root: Path) -> None:
    whole = "".join(f"line {number} \u00e9\n" for number in range(5_000))
    put(root, "long.txt", whole.encode())
    text, offset = "", 0
    for _ in range(60):
        page = await good(settings, "read_file", path="long.txt", offset=offset, limit=8_000)
        text, offset = text + page["text"], page["next_offset"]
        if offset == -1:
            break
    assert text == whole


@pytest.mark.parametrize(
    ("data", "encoding", "text"),
    [
        ("\u30bc\u30eb\u30c0".encode("shift_jis"), "shift_jis", "\u30bc\u30eb\u30c0"),
        ("\ufeffZelda".encode("utf-16-le"), "auto", "Zelda"),
        ("\ufeffZelda".encode(), "auto", "Zelda"),
        ("Zelda".encode("utf-16-le"), "utf-16", "Zelda"),
        (b"\x78\x18\xfb", "hex", "000000: 78 18 FB"),
        (b"\x78\x18\xfb", "base64", "eBj7"),
        (b"caf\xe9", "latin-1", "caf\u00e9"),
    ],
)
async def test_each_encoding_is_read(settings: Settings, root: Path, data: bytes, encoding: str, text: str) -> None:
    put(root, "file", data)
    assert (await good(settings, "read_file", path="file", encoding=encoding))["text"] == text


async def test_a_binary_file_says_so_and_how_to_see_its_bytes(settings: Settings, root: Path) -> None:
    put(root, "zelda3.sfc", bytes(4_096))
    said = await bad(settings, "read_file", path="zelda3.sfc")
    assert "binary" in said and "4096 bytes" in said and "hex" in said


async def test_bytes_that_are_no_utf_8_are_shown_and_said(settings: Settings, root: Path) -> None:
    put(root, "odd.txt", b"caf\xe9\n")
    found = await good(settings, "read_file", path="odd.txt")
    assert found["text"] == "caf\\xe9\n"
    assert "not utf-8" in found["note"]


async def test_a_write_replaces_creates_and_appends(settings: Settings, root: Path) -> None:
    assert (await good(settings, "write_file", path="notes/a.txt", content="one"))["action"] == "created"
    assert (await good(settings, "write_file", path="notes/a.txt", content="two"))["action"] == "replaced"
    assert (await good(settings, "write_file", path="notes/a.txt", content="three", mode="append"))["size"] == 9
    assert (root / "notes/a.txt").read_text(encoding="utf-8") == "two\nthree"
    assert "already exists" in await bad(settings, "write_file", path="notes/a.txt", content="x", mode="create")


async def test_a_write_with_an_old_etag_is_refused(settings: Settings, root: Path) -> None:
    put(root, "a.txt", b"one")
    etag = (await good(settings, "read_file", path="a.txt"))["etag"]
    put(root, "a.txt", b"two")
    for tool, rest in (("write_file", {"content": "x"}), ("edit_file", {"old": "two", "new": "x"})):
        assert "has changed" in await bad(settings, tool, path="a.txt", etag=etag, **rest)
    assert (root / "a.txt").read_bytes() == b"two"


@pytest.mark.parametrize(
    "path",
    [".git/hooks/pre-commit", ".mcp.json", "sub/.claude/settings.json", "CLAUDE.md", "claude.md", ".VSCODE/tasks.json"],
)
async def test_what_tells_agents_what_to_run_is_never_written(settings: Settings, root: Path, path: str) -> None:
    assert "no tool writes it" in await bad(settings, "write_file", path=path, content="x")
    assert not (root / path).exists()


async def test_an_edit_replaces_exact_text_and_shows_the_difference(settings: Settings, root: Path) -> None:
    path = put(root, "room.asm", ROOM)
    done = await good(settings, "edit_file", path="room.asm", old="LDA #$01", new="LDA #$02")
    assert path.read_bytes() == ROOM.replace(b"#$01", b"#$02")
    assert "-    LDA #$01" in done["diff"] and "+    LDA #$02" in done["diff"]


async def test_a_dry_run_of_an_edit_writes_nothing(settings: Settings, root: Path) -> None:
    path = put(root, "room.asm", ROOM)
    done = await good(settings, "edit_file", path="room.asm", old="#$01", new="#$02", mode="dry_run")
    assert "+    LDA #$02" in done["diff"] and not done["written"]
    assert path.read_bytes() == ROOM


async def test_text_that_is_not_there_or_more_than_once_changes_nothing(settings: Settings, root: Path) -> None:
    path = put(root, "room.asm", ROOM + ROOM)
    twice = await bad(settings, "edit_file", path="room.asm", old="LDA #$01", new="x")
    assert "2 times (lines 3, 8)" in twice and "count=2" in twice
    never = await bad(settings, "edit_file", path="room.asm", old="LDA #$0", new="x", count=3)
    assert "2 times" in never
    missing = await bad(settings, "edit_file", path="room.asm", old="    LDA #$99", new="x")
    assert "nearest line is 3" in missing
    assert path.read_bytes() == ROOM + ROOM
    await good(settings, "edit_file", path="room.asm", old="LDA #$01", new="LDA #$02", count=2)
    assert path.read_bytes().count(b"#$02") == 2


async def test_an_edit_keeps_line_ends_and_bytes_that_are_not_utf_8(settings: Settings, root: Path) -> None:
    path = put(root, "dos.asm", b"one\r\ntwo\r\n; caf\xe9\r\n")
    await good(settings, "edit_file", path="dos.asm", old="one\ntwo\n", new="one\nthree\n")
    assert path.read_bytes() == b"one\r\nthree\r\n; caf\xe9\r\n"


async def test_a_move_renames_and_never_overwrites_unasked(settings: Settings, root: Path) -> None:
    put(root, "a", b"a")
    put(root, "b", b"b")
    assert "already exists" in await bad(settings, "move_file", source="a", destination="b")
    done = await good(settings, "move_file", source="a", destination="b", mode="replace")
    assert done["replaced"] and (root / "b").read_bytes() == b"a"
    await good(settings, "move_file", source="b", destination="deep/er/c")
    assert (root / "deep/er/c").read_bytes() == b"a"


async def test_a_folder_is_made_once(settings: Settings, root: Path) -> None:
    assert (await good(settings, "make_directory", path="a/b/c"))["made"]
    assert not (await good(settings, "make_directory", path="a/b/c"))["made"]
    assert (root / "a/b/c").is_dir()


def paths(found: dict[str, Any]) -> list[str]:
    return [entry["path"] for entry in found["entries"]]


async def test_a_folder_is_listed_alone_or_with_all_below_it(settings: Settings, root: Path) -> None:
    for name in ("main.asm", "src/a.asm", "src/deep/b.asm", "src/c.txt"):
        put(root, name, ROOM)
    assert paths(await good(settings, "list_files")) == ["main.asm", "src"]
    assert paths(await good(settings, "list_files", path="src", depth=9)) == [
        "src/a.asm",
        "src/c.txt",
        "src/deep",
        "src/deep/b.asm",
    ]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.asm", ["main.asm", "src/a.asm", "src/deep/b.asm"]),
        ("src/*.asm", ["src/a.asm"]),
        ("src/**/*.asm", ["src/a.asm", "src/deep/b.asm"]),
        ("**/b.*", ["src/deep/b.asm"]),
        ("DEEP", ["src/deep"]),
        ("*.{txt,asm}", ["main.asm", "src/a.asm", "src/c.txt", "src/deep/b.asm"]),
        ("{src/{a,c}.*,deep}", ["src/a.asm", "src/c.txt", "src/deep"]),
        ("{x}", []),
        ("a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", []),
    ],
)
async def test_a_pattern_finds_names(settings: Settings, root: Path, pattern: str, found: list[str]) -> None:
    for name in ("main.asm", "src/a.asm", "src/deep/b.asm", "src/c.txt", "a" * 250):
        put(root, name, ROOM)
    assert paths(await good(settings, "list_files", pattern=pattern)) == found


async def test_braces_cannot_stand_for_any_number_of_patterns(settings: Settings) -> None:
    assert "fewer braces" in await bad(settings, "list_files", pattern="{a,b}" * 50)


async def test_a_listing_can_be_by_size_or_by_time_and_comes_in_pages(settings: Settings, root: Path) -> None:
    for number in range(5):
        os.utime(put(root, f"f{number}", bytes(number)), ns=(0, (10 - number) * 10**9))
    assert paths(await good(settings, "list_files", order="size"))[0] == "f4"
    assert paths(await good(settings, "list_files", order="newest"))[0] == "f0"
    page = await good(settings, "list_files", limit=2, offset=2)
    assert paths(page) == ["f2", "f3"] and page["next_offset"] == 4 and page["total"] == 5


async def test_a_listed_file_tells_its_size_and_time(settings: Settings, root: Path) -> None:
    os.utime(put(root, "a.txt", b"abc"), ns=(0, 86_400 * 10**9))
    (entry,) = (await good(settings, "list_files", path="a.txt"))["entries"]
    assert entry == {"path": "a.txt", "kind": "file", "size": 3, "modified": "1970-01-02T00:00:00Z"}


async def test_a_second_root_is_reached_by_absolute_paths_as_they_are_listed(settings: Settings, root: Path) -> None:
    second = root.parent / "second"
    put(second, "b.txt", b"b")
    both = dataclasses.replace(settings, roots=(root, second))
    (path,) = paths(await good(both, "list_files", path=str(second)))
    assert path == str(second / "b.txt")
    assert (await good(both, "read_file", path=path))["text"] == "b"
    assert "outside the workspace" in await bad(settings, "read_file", path=path)


async def test_projects_are_found_by_name_language_and_remote(settings: Settings, root: Path) -> None:
    config = b'[remote "origin"]\n\turl = https://me:dummy@example.org/me/oracle.git\n'
    put(root, "hacks/oracle/.git/config", config)
    put(root, "hacks/oracle/main.asm", ROOM)
    put(root, "tools/pyproject.toml", b"")
    put(root, "tools/a.py", b"")
    put(root, "tools/node_modules/x/package.json", b"{}")
    every = (await good(settings, "ws_find"))["projects"]
    assert sorted(project["path"] for project in every) == ["hacks/oracle", "tools"]
    (oracle,) = (await good(settings, "ws_find", language="assembly"))["projects"]
    assert oracle["remote"] == "https://example.org/me/oracle.git"
    assert [one["path"] for one in (await good(settings, "ws_find", query="tools"))["projects"]] == ["tools"]
    assert (await good(settings, "ws_find", remote="oracle"))["total"] == 1


async def test_a_workspace_that_disappears_is_said_and_found_again(settings: Settings, root: Path) -> None:
    with anyio.fail_after(30):
        async with Client(build(settings)) as client:
            put(root, "a", b"1")
            assert not (await client.call_tool("read_file", {"path": "a"})).is_error
            root.rename(root.with_name("gone"))
            gone = await client.call_tool("read_file", {"path": "a"})
            assert gone.is_error and "is not there" in text_of(gone)
            put(root, "a", b"2")
            back = await client.call_tool("read_file", {"path": "a"})
            assert back.structured_content is not None and back.structured_content["text"] == "2"
