"""`grep_codebase` under attack and in trouble: hostile patterns and trees, cancels, what may not be read."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent

from servers.machine.errors import ServerError
from servers.machine.ripgrep_query import Query
from servers.settings import Settings
from servers.workspace.grep import Search
from servers.workspace.opened import Opened
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
async def test_a_line_of_many_megabytes_is_shown_around_its_match(settings: Settings, root: Path) -> None:
    put(root, "one", b"first\n" + b"x" * 9_000_000 + b"needle" + b"y" * 9_000_000 + b"\nneedle\n")
    (file,) = (await good(settings, pattern="needle"))["files"]
    assert [(row["line"], row["column"]) for row in file["lines"]] == [(2, 9_000_001), (3, 1)]
    assert "xneedley" in file["lines"][0]["text"] and len(file["lines"][0]["text"]) < 300


@both
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"pattern": ""}, "empty"),
        ({"pattern": "(a"}, "unclosed group"),
        ({"pattern": "a\nb"}, "spans lines"),
        ({"pattern": "a\0b"}, "NUL"),
        ({"pattern": "x" * 1_000_000}, "more than 2000"),
        ({"pattern": "(a{500}){500}{500}"}, "size limit"),
        ({"pattern": "(?<=a)b"}, "look-around"),
        ({"pattern": "a", "path": "nothing"}, "list_files"),
        ({"pattern": "a", "path": "../.."}, "outside"),
        ({"pattern": "a", "path": "/etc"}, "outside"),
        ({"pattern": "a", "path": "out"}, "outside"),
        ({"pattern": "a", "path": "pipe"}, "regular file"),
        ({"pattern": "a", "globs": [""]}, "glob"),
        ({"pattern": "a", "globs": ["x" * 600]}, "glob"),
        ({"pattern": "a", "offset": 5}, "past the end"),
    ],
)
async def test_what_cannot_be_searched_says_why(
    settings: Settings, root: Path, arguments: dict[str, Any], said: str
) -> None:
    put(root, "a", b"a\n")
    os.mkfifo(root / "pipe")
    (root / "out").symlink_to("/etc")
    answer = await bad(settings, **arguments)
    assert said in answer
    assert len(answer) < 1_000


@both
async def test_an_expression_that_backtracks_elsewhere_is_quick_here(settings: Settings, root: Path) -> None:
    put(root, "a", b"a" * 1_000_000 + b"!\n")
    page = await good(settings, pattern="(a+)+$", limit=1)
    assert page["matches"] == 0


@both
async def test_a_tree_of_three_hundred_folders_is_searched_to_its_end(settings: Settings, root: Path) -> None:
    fd = os.open(root, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("deeper", dir_fd=fd)
        inner = os.open("deeper", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    with os.fdopen(os.open("file", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=fd), "wb") as file:
        file.write(b"needle\n")
    os.close(fd)
    page = await good(settings, pattern="needle")
    assert page["matches"] == 1
    assert places(page) == [("deeper/" * 300 + "file", 1)]


@both
async def test_a_root_that_disappears_is_said_and_the_server_lives(settings: Settings, root: Path) -> None:
    put(root, "a", b"needle\n")
    with anyio.fail_after(60):
        async with Client(build(settings)) as client:
            assert not (await client.call_tool("grep_codebase", {"pattern": "needle"})).is_error
            shutil.rmtree(root)
            gone = await client.call_tool("grep_codebase", {"pattern": "needle"})
            assert gone.is_error and "not there" in text_of(gone)
            put(root, "b", b"needle\n")
            assert not (await client.call_tool("grep_codebase", {"pattern": "needle"})).is_error


AS_NOBODY = """
import os, sys
from pathlib import Path
from servers.machine.ripgrep_query import Query
from servers.settings import Settings
from servers.workspace.grep import Search
from servers.workspace.opened import Opened

root = Path(sys.argv[1])
opened = Opened(Settings(context_root=root / "c", data_dir=root / "d", project_root=root))
for user in (0, 65534):
    os.setgroups([]); os.setgid(user); os.setuid(user)
    page = Search(opened, Query("needle"), context=0).run("", limit=10, offset=0)
    sys.stdout.write(f"{page.matches} {page.complete} {page.note}\\n")
"""


def test_a_folder_that_may_not_be_read_is_counted(root: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("rg") is None:
        pytest.skip("only root may become another user, and the library is not theirs: install ripgrep, be root")
    put(root, "open/a", b"needle\n")
    put(root, "closed/b", b"needle\n")
    (root / "closed").chmod(0)
    for folder in (root, tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    command = [sys.executable, "-c", AS_NOBODY, str(root)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=60)
    assert done.stdout.splitlines() == ["2 True ", "1 False 1 files or folders could not be read"]


@both
def test_a_cancelled_search_ends_and_starts_nothing_more(settings: Settings, root: Path) -> None:
    put(root, "a", b"needle\n")
    search = Search(Opened(settings), Query("needle"), context=0)
    search.cancel()
    with pytest.raises(ServerError, match="cancelled"):
        search.run("", limit=10, offset=0)


async def test_a_cancelled_call_ends_the_program(settings: Settings, root: Path) -> None:
    """A pattern that matches each empty line of a sparse file keeps ripgrep busy for seconds."""
    if shutil.which("rg") is None:
        pytest.skip("the program rg is absent: install ripgrep")
    with (root / "sparse").open("wb") as file:
        file.truncate(4 << 30)
    with anyio.fail_after(20):
        async with Client(build(settings)) as client:
            with anyio.move_on_after(0.3):
                await client.call_tool("grep_codebase", {"pattern": "^$"})
            assert not (await client.call_tool("grep_codebase", {"pattern": "a", "globs": ["!sparse"]})).is_error
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if children.exists():
        started = [int(word) for word in children.read_text(encoding="ascii").split()]
        names = [Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() for pid in started]
        assert "rg" not in names


async def test_a_pattern_that_matches_everything_gives_a_page_and_a_total(settings: Settings, root: Path) -> None:
    for number in range(200):
        put(root, f"f{number:03}", b"x\n" * 500)
    page = await good(settings, pattern="x", limit=200)
    assert page["matches"] == 100_000
    assert page["matching_files"] == 200
    later = await good(settings, pattern="x", limit=3, offset=99_998)
    assert places(later) == [("f199", 499), ("f199", 500)]
    assert later["next_offset"] == -1


async def test_the_environment_of_the_user_changes_no_search(
    settings: Settings, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "rc", b"--glob=!*.asm\n")
    put(root, "a.asm", b"needle\n")
    monkeypatch.setenv("RIPGREP_CONFIG_PATH", str(tmp_path / "rc"))
    assert await every(settings, pattern="needle") == [("a.asm", 1)]


@pytest.mark.usefixtures("backend")
def test_a_folder_swapped_for_a_link_shows_nothing_from_outside(settings: Settings, root: Path, tmp_path: Path) -> None:
    for number in range(40):
        put(tmp_path, f"outside/secret{number}", b"needle SECRET\n")
        put(root, f"folder/{number}", b"needle\n")
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            os.rename(root / "folder", root / "aside")
            os.symlink(tmp_path / "outside", root / "folder")
            os.unlink(root / "folder")
            os.rename(root / "aside", root / "folder")

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        opened = Opened(settings)
        for number in range(60):
            search = Search(opened, Query("needle"), context=-(number % 2))
            said = search.run("", limit=100, offset=0).as_text()
            assert "SECRET" not in said and "secret" not in said
    finally:
        over.set()
        swapper.join()


async def test_a_search_that_takes_too_long_ends_with_what_it_has(
    settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pattern that matches each empty line of a sparse file keeps ripgrep busy for many seconds."""
    if shutil.which("rg") is None:
        pytest.skip("the program rg is absent: install ripgrep")
    monkeypatch.setattr("servers.workspace.grep.SECONDS", 1.0)
    put(root, "a", b"one\n\ntwo\n")
    with (root / "sparse").open("wb") as file:
        file.truncate(8 << 30)
    page = await good(settings, pattern="^$")
    assert not page["complete"]
    assert "search less" in page["note"]


@pytest.mark.parametrize("text", ["\u00a0\ue000", "\\'\"", "\x1b", "\u202e", "\U000e0041"])
async def test_lines_of_odd_characters_fill_no_page_too_far(settings: Settings, root: Path, text: str) -> None:
    put(root, "odd", b"".join(f"x{number}{text * 150}\n".encode() for number in range(300)))
    assert len(await every(settings, pattern="^x", limit=200, context=3)) == 300
