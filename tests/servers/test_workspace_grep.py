"""`grep_codebase` through the protocol, by the program and by the library: every match, and nothing from outside."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent

from servers.settings import Settings
from servers.workspace.server import build

pytestmark = pytest.mark.anyio

ROOM = b"; a room\nRoom01:\n    LDA #$01\n    STA $A0 ; the room\n    RTL\n"


@pytest.fixture(params=["program", "library"])
def backend(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Search by `rg`, and as on a machine that has none."""
    if request.param == "library":
        monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    elif shutil.which("rg") is None:
        pytest.skip("the program rg is absent: install ripgrep")
    yield request.param


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(root: Path, tmp_path: Path) -> Settings:
    return Settings(context_root=tmp_path / "context", data_dir=tmp_path / "data", project_root=root)


both = pytest.mark.usefixtures("backend")


def put(root: Path, name: str | bytes, data: bytes) -> None:
    path = os.path.join(os.fsencode(root), os.fsencode(name))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


async def call(settings: Settings, **arguments: Any) -> CallToolResult:
    with anyio.fail_after(60):
        async with Client(build(settings)) as client:
            return await client.call_tool("grep_codebase", arguments)


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def good(settings: Settings, **arguments: Any) -> dict[str, Any]:
    result = await call(settings, **arguments)
    assert not result.is_error, text_of(result)
    return result.structured_content or {}


async def bad(settings: Settings, **arguments: Any) -> str:
    result = await call(settings, **arguments)
    assert result.is_error, text_of(result)
    return text_of(result)


def places(page: dict[str, Any]) -> list[tuple[str, int]]:
    """The matches of a page, as path and line."""
    return [(file["path"], row["line"]) for file in page["files"] for row in file["lines"] if row["column"]]


async def every(settings: Settings, **arguments: Any) -> list[tuple[str, int]]:
    """The matches of all pages."""
    found: list[tuple[str, int]] = []
    offset = 0
    for _ in range(500):
        page = await good(settings, **arguments, offset=offset)
        found += places(page)
        offset = page["next_offset"]
        if offset == -1:
            return found
    raise AssertionError("the pages do not end")


@both
async def test_a_match_comes_with_its_path_line_column_and_text(settings: Settings, root: Path) -> None:
    put(root, "src/room.asm", ROOM)
    result = await call(settings, pattern="room01")
    assert "1 matching lines in 1 of 1 files searched" in text_of(result)
    assert "src/room.asm (1)\n  2:1: Room01:" in text_of(result)
    page: dict[str, Any] = result.structured_content or {}
    assert page["files"] == [
        {"path": "src/room.asm", "matches": 1, "lines": [{"line": 2, "column": 1, "text": "Room01:"}], "note": ""}
    ]
    assert page["complete"] and page["next_offset"] == -1


@both
async def test_lines_around_a_match_are_marked_and_each_comes_once(settings: Settings, root: Path) -> None:
    put(root, "room.asm", ROOM)
    page = await good(settings, pattern="room", context=1)
    (file,) = page["files"]
    assert [(row["line"], row["column"] > 0) for row in file["lines"]] == [
        (1, True),
        (2, True),
        (3, False),
        (4, True),
        (5, False),
    ]
    assert "  3-     LDA #$01" in text_of(await call(settings, pattern="room", context=1))


@both
@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ({"pattern": "a.c"}, [1, 2, 4]),
        ({"pattern": "a.c", "mode": "literal"}, [2, 4]),
        ({"pattern": "a.c", "mode": "word"}, [2]),
        ({"pattern": "A.C"}, []),
        ({"pattern": "A.C", "case": "ignore"}, [1, 2, 4]),
        ({"pattern": "ABC", "case": "ignore", "mode": "literal"}, [1]),
        ({"pattern": "-e --pre=sh"}, [3]),
        ({"pattern": "--files"}, [5]),
        ({"pattern": "^x{2,3}y$|(?P<z>--f)"}, [5]),
    ],
)
async def test_each_mode_finds_its_lines(
    settings: Settings, root: Path, arguments: dict[str, Any], lines: list[int]
) -> None:
    put(root, "file.txt", b"abc\nan a.c one\n-e --pre=sh\nxa.cx\n--files\n")
    assert [line for _, line in places(await good(settings, **arguments))] == lines


@both
async def test_ignore_rules_hold_hidden_files_are_searched_and_git_is_not(settings: Settings, root: Path) -> None:
    for name in (".github/a.yml", "a.o", "build/b", "sub/build/c", "sub/d", ".git/config", "keep.o"):
        put(root, name, b"needle\n")
    put(root, "worktree/.git", b"needle\n")
    put(root, "worktree/a.o", b"needle\n")
    put(root, ".gitignore", b"build/\n*.o\n!keep.o\n")
    put(root, "sub/.ignore", b"/d\n")
    put(root, "sub/deep/d", b"needle\n")
    found = await every(settings, pattern="needle")
    assert found == [(".github/a.yml", 1), ("keep.o", 1), ("sub/deep/d", 1), ("worktree/a.o", 1)]
    assert await every(settings, pattern="needle", path="build") == [("build/b", 1)]
    everywhere = await every(settings, pattern="needle", globs=["*"])
    assert ("build/b", 1) in everywhere and ("a.o", 1) in everywhere
    assert not [path for path, _ in everywhere if ".git/" in path or path.endswith(".git")]


@both
async def test_rules_above_a_folder_hold_up_to_the_workspace_and_none_of_what_lies_above_that(
    settings: Settings, root: Path
) -> None:
    for name in ("sub/a.o", "sub/b", "sub/only", "sub/build/c", "sub/x/only"):
        put(root, name, b"needle\n")
    put(root, ".gitignore", b"*.o\nbuild/\n/sub/only\n")
    put(root.parent, ".gitignore", b"b\nsub/\n")
    assert await every(settings, pattern="needle") == [("sub/b", 1), ("sub/x/only", 1)]
    assert ("sub/x/only", 1) in await every(settings, pattern="needle", path="sub")
    assert not {("sub/a.o", 1), ("sub/only", 1)} & set(await every(settings, pattern="needle", path="sub"))


@both
async def test_rules_are_read_as_git_reads_them(settings: Settings, root: Path) -> None:
    for name in ("blank ", "#sign", "!sign", "star*", "stars", "excluded", "kept"):
        put(root, name, b"needle\n")
    put(root, ".gitignore", b"blank\\ \n\\#sign\n\\!sign\nstar\\*\n# kept\nexcluded2  \n!kept\n")
    put(root, ".git/info/exclude", b"excluded\nkept\n")
    assert await every(settings, pattern="needle") == [("kept", 1), ("stars", 1)]


@both
@pytest.mark.parametrize(
    ("globs", "path", "names"),
    [
        (["*.asm"], "", ["a.asm", "src/b.asm", "src/old/c.asm"]),
        (["*.asm", "!old"], "", ["a.asm", "src/b.asm"]),
        (["!*.asm"], "", ["d.txt"]),
        (["src/*.asm"], "", ["src/b.asm"]),
        (["src/**/*.asm"], "", ["src/b.asm", "src/old/c.asm"]),
        (["/*.asm"], "src", ["src/b.asm"]),
        (["{a,b}.asm", "d.txt"], "", ["a.asm", "d.txt", "src/b.asm"]),
    ],
)
async def test_globs_choose_which_files_are_searched(
    settings: Settings, root: Path, globs: list[str], path: str, names: list[str]
) -> None:
    for name in ("a.asm", "src/b.asm", "src/old/c.asm", "d.txt"):
        put(root, name, b"needle\n")
    assert [path for path, _ in await every(settings, pattern="needle", globs=globs, path=path)] == names


@both
async def test_pages_give_every_match_once_in_one_order(settings: Settings, root: Path) -> None:
    for number in range(30):
        put(root, f"d{number % 3}/f{number:02}.txt", b"needle\nhay\nneedle here\n" * (1 + number % 4))
    found = await every(settings, pattern="needle", limit=7)
    assert len(found) == len(set(found)) == 146
    assert found == sorted(found)
    said = subprocess.run(["/bin/grep", "-rn", "needle", "."], cwd=root, capture_output=True, check=True).stdout
    theirs = {tuple(row.split(":", 2)[:2]) for row in said.decode().splitlines()}
    assert {(f"./{path}", str(line)) for path, line in found} == theirs


@both
async def test_a_page_may_hold_only_files_with_their_counts(settings: Settings, root: Path) -> None:
    for number in range(5):
        put(root, f"f{number}", b"needle\n" * (number + 1))
    page = await good(settings, pattern="needle", context=-1, limit=2, offset=2)
    assert [(file["path"], file["matches"], file["lines"]) for file in page["files"]] == [("f2", 3, []), ("f3", 4, [])]
    assert (page["matches"], page["matching_files"], page["next_offset"]) == (15, 5, 4)


async def test_the_last_pages_of_many_files_are_in_order_too(settings: Settings, root: Path) -> None:
    for number in range(1_300):
        put(root, f"d{number % 7}/f{number:04}", b"needle\n")
    names = sorted(f"d{number % 7}/f{number:04}" for number in range(1_300))
    for offset in (0, 950, 1_200):
        page = await good(settings, pattern="needle", context=-1, limit=100, offset=offset)
        assert [file["path"] for file in page["files"]] == names[offset : offset + 100]
        assert page["next_offset"] == (-1 if offset == 1_200 else offset + 100)


@both
async def test_odd_names_are_searched_and_what_is_shown_can_be_opened(settings: Settings, root: Path) -> None:
    names = [
        b"odd\xff.txt",
        b"new\nline",
        b"esc\x1b[2J",
        b"-rf",
        b"sp ace",
        b"d\xfe/x",
        "\u30bc".encode(),
        b"\\x41",
        b"\xff\xfeb",
        b"-",
    ]
    for name in names:
        put(root, name, b"needle\n")
    found = await every(settings, pattern="needle")
    assert len(found) == len(names)
    for path, _ in found:
        assert await every(settings, pattern="needle", path=path) == [(path, 1)]


@both
async def test_text_that_is_no_utf_8_and_utf_16_is_searched(settings: Settings, root: Path) -> None:
    put(root, "latin", b"caf\xe9 needle\n")
    put(root, "utf16", "\ufeffone needle\n".encode("utf-16-le"))
    put(root, "bom", b"\xef\xbb\xbfneedle\r\n")
    page = await good(settings, pattern="needle")
    texts = {file["path"]: (file["lines"][0]["text"], file["lines"][0]["column"]) for file in page["files"]}
    assert texts["latin"][0] == "caf\\xe9 needle"
    assert texts["utf16"] == ("one needle", 5)
    assert texts["bom"][0].endswith("needle")


@both
async def test_a_binary_file_that_matches_is_said_and_not_shown(settings: Settings, root: Path) -> None:
    put(root, "rom.sfc", b"\0\1\2needle\n" * 20)
    put(root, "text", b"needle\n")
    page = await good(settings, pattern="needle", limit=2)
    assert [(file["path"], len(file["lines"])) for file in page["files"]] == [("rom.sfc", 0), ("text", 1)]
    assert "binary" in page["files"][0]["note"]


@both
async def test_a_long_line_is_shortened_around_its_match(settings: Settings, root: Path) -> None:
    put(root, "min.js", b"x" * 50_000 + b" needle " + b"y" * 50_000 + b"\n")
    (file,) = (await good(settings, pattern="needle", mode="literal"))["files"]
    (row,) = file["lines"]
    assert "needle" in row["text"] and len(row["text"]) < 300
    assert row["column"] == 50_002


@both
async def test_links_are_not_followed_and_a_pipe_is_passed_over(settings: Settings, root: Path, tmp_path: Path) -> None:
    put(tmp_path, "outside/secret", b"needle\n")
    put(root, "inside", b"needle\n")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "file").symlink_to(tmp_path / "outside" / "secret")
    os.mkfifo(root / "pipe")
    assert await every(settings, pattern="needle") == [("inside", 1)]
