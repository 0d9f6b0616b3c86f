"""The scratchpad server through the protocol: notes that many agents write at once and none loses."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, TextContent

from servers.machine.wire import RESULT_LIMIT
from servers.scratchpad.changing import COUNT_LIMIT, FILE_LIMIT
from servers.scratchpad.server import build
from servers.settings import Settings

pytestmark = pytest.mark.anyio

Era = Literal["auto", "legacy"]


@pytest.fixture(params=["auto", "legacy"])
def era(request: pytest.FixtureRequest) -> Era:
    return "legacy" if request.param == "legacy" else "auto"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "context"


@pytest.fixture
def pad(root: Path) -> Path:
    folder = root / "scratchpad"
    folder.mkdir(parents=True)
    return folder


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    assert len(block.text) <= RESULT_LIMIT
    return block.text


async def call(root: Path, tool: str, *, era: Era = "auto", **arguments: Any) -> CallToolResult:
    settings = Settings(context_root=root, data_dir=root / "data")
    with anyio.fail_after(30):
        async with Client(build(settings), mode=era) as client:
            return await client.call_tool(tool, arguments)


async def good(root: Path, tool: str, *, era: Era = "auto", **arguments: Any) -> dict[str, Any]:
    result = await call(root, tool, era=era, **arguments)
    assert not result.is_error, text_of(result)
    fields: dict[str, Any] = result.structured_content or {}
    return {**fields, "shown": text_of(result)}


async def refused(root: Path, tool: str, *, era: Era = "auto", **arguments: Any) -> str:
    result = await call(root, tool, era=era, **arguments)
    assert result.is_error
    return text_of(result)


async def test_a_note_is_written_appended_read_and_listed_in_both_halves(root: Path, era: Era) -> None:
    wrote = await good(root, "write_scratchpad", era=era, filename="todo.md", content="# Todo")
    told = f"(etag {wrote['etag']}; what was before is version 1)"
    assert wrote["shown"] == f"wrote todo.md in the shared scratchpad: 6 bytes, now 6 bytes {told}"
    added = await good(root, "append_scratchpad", era=era, filename="todo.md", content="- one\n")
    assert (added["action"], added["size"]) == ("appended to", 13)
    read = await good(root, "read_scratchpad", era=era, filename="todo.md")
    assert (read["text"], read["etag"]) == ("# Todo\n- one\n", added["etag"])
    assert read["shown"].endswith("\n\n# Todo\n- one\n")
    listed = await good(root, "list_scratchpad", era=era)
    assert listed["files"] == [{"filename": "todo.md", "scope": "shared", "size": 13}]
    assert "todo.md (13 bytes, shared)" in listed["shown"]
    assert (root / "scratchpad" / "todo.md").read_bytes() == b"# Todo\n- one\n"


async def test_reading_without_a_name_reads_the_state(root: Path, era: Era) -> None:
    await good(root, "write_scratchpad", era=era, filename="state.md", content="goal: health")
    assert (await good(root, "read_scratchpad", era=era))["filename"] == "state.md"
    assert (await good(root, "read_scratchpad", era=era, filename="scratchpad/state.md"))["size"] == 12


async def test_reading_a_missing_note_tells_the_model_to_list(root: Path, era: Era) -> None:
    for _ in range(2):
        error = await refused(root, "read_scratchpad", era=era, filename="nope.md")
        assert "list_scratchpad" in error
        assert "write_scratchpad" in error
        assert "write_scratchpad" in (await good(root, "list_scratchpad", era=era))["shown"]
        root.mkdir(exist_ok=True)
    assert os.listdir(root) == []


async def test_a_root_of_layout_version_2_keeps_shared_notes_in_common(root: Path) -> None:
    (root / ".afs").mkdir(parents=True)
    (root / ".afs" / "layout.toml").write_text("version = 2\n", encoding="utf-8")
    await good(root, "write_scratchpad", filename="state.md", content="x")
    assert (root / "scratchpad" / "common" / "state.md").read_bytes() == b"x"
    (root / ".afs" / "layout.toml").write_text("version = [", encoding="utf-8")
    assert "layout.toml" in await refused(root, "write_scratchpad", filename="state.md", content="y")
    (root / ".afs" / "layout.toml").write_text("version = 9", encoding="utf-8")
    assert "version 9" in await refused(root, "read_scratchpad")


@pytest.mark.parametrize(
    "filename", ["../memory/x.md", "/etc/x", "out/x", "", "  ", "a\0b", "x\n.md", "n" * 300, "x" * 5_000_000, "dir"]
)
async def test_hostile_names_are_errors_and_write_nothing(root: Path, pad: Path, filename: str) -> None:
    (root / "memory").mkdir()
    (pad / "out").symlink_to("../memory")
    (pad / "dir").mkdir()
    for tool in ("write_scratchpad", "append_scratchpad"):
        assert len(await refused(root, tool, filename=filename, content="x")) < 1_000
    assert os.listdir(root / "memory") == []
    assert sorted(os.listdir(pad)) == ["dir", "out"]


async def test_a_scratchpad_that_is_a_link_out_of_the_root_is_refused(root: Path) -> None:
    (root.parent / "outside").mkdir()
    root.mkdir()
    (root / "scratchpad").symlink_to("../outside")
    assert "outside the root" in await refused(root, "write_scratchpad", filename="x.md", content="x")
    assert "outside the root" in await refused(root, "read_scratchpad", filename="x.md")
    assert os.listdir(root.parent / "outside") == []


async def test_limits_are_said_and_keep_what_is_there(root: Path, pad: Path) -> None:
    (pad / "full.md").write_bytes(b"x" * FILE_LIMIT)
    for tool in ("write_scratchpad", "append_scratchpad"):
        assert "1000000" in await refused(root, tool, filename="full.md", content="y" * 5_000_000)
    assert "another file" in await refused(root, "append_scratchpad", filename="full.md", content="y")
    assert (pad / "full.md").stat().st_size == FILE_LIMIT
    for number in range(COUNT_LIMIT - 1):
        (pad / f"{number}.md").touch()
    assert "1000 files" in await refused(root, "write_scratchpad", filename="one-more.md", content="x")
    assert (await good(root, "append_scratchpad", filename="7.md", content="x"))["size"] == 1
    assert (await good(root, "list_scratchpad", limit=500))["total"] == COUNT_LIMIT


async def test_a_lone_surrogate_is_refused_and_the_server_lives(root: Path) -> None:
    with anyio.fail_after(30):
        async with Client(build(Settings(context_root=root, data_dir=root))) as client:
            bad = await client.call_tool("write_scratchpad", {"filename": "a.md", "content": "\ud800"})
            fine = await client.call_tool("write_scratchpad", {"filename": "a.md", "content": "ok"})
    assert bad.is_error
    assert "surrogate" in text_of(bad)
    assert not fine.is_error


APPENDER = """
import sys
from pathlib import Path
from servers.scratchpad.writing import append_file
from servers.settings import Settings
root = Path(sys.argv[1])
settings = Settings(context_root=root, data_dir=root)
for number in range(25):
    append_file(settings, "log.md", f"{sys.argv[2]} {number} " + sys.argv[2] * 2000)
"""


def test_appends_of_eight_processes_lose_nothing_and_do_not_mix(root: Path) -> None:
    command = [sys.executable, "-c", APPENDER, str(root)]
    workers = [subprocess.Popen([*command, letter]) for letter in "abcdefgh"]
    assert [worker.wait(timeout=120) for worker in workers] == [0] * 8
    lines = (root / "scratchpad" / "log.md").read_text(encoding="utf-8").splitlines()
    wanted = {f"{letter} {number} " + letter * 2000 for letter in "abcdefgh" for number in range(25)}
    assert len(lines) == 200
    assert set(lines) == wanted
    for letter in "abcdefgh":  # each one's lines are in the order it wrote them
        own = [int(line.split()[1]) for line in lines if line.startswith(letter)]
        assert own == sorted(own)
    assert os.listdir(root / "scratchpad") == ["log.md"]


WRITER = """
import itertools, os, sys
from pathlib import Path
from servers.scratchpad.writing import write_file
from servers.settings import Settings
root = Path(sys.argv[1])
settings = Settings(context_root=root, data_dir=root)
for number in itertools.count():
    write_file(settings, "big.md", "ab"[number % 2] * 900_000)
    os.write(1, b".")
"""


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(root: Path) -> None:
    for writes in (1, 2, 3):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.read(writes) == b"." * writes
            writer.kill()
        data = (root / "scratchpad" / "big.md").read_bytes()
        assert data in (b"a" * 900_000, b"b" * 900_000)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KB, which only root can mount."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, timeout=60, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], timeout=60, check=True)


async def test_a_full_disk_keeps_the_old_note_and_the_server_lives(small_disk: Path, era: Era) -> None:
    await good(small_disk, "write_scratchpad", era=era, filename="a.md", content="old")
    for tool in ("write_scratchpad", "append_scratchpad"):
        error = await refused(small_disk, tool, era=era, filename="a.md", content="x" * 200_000)
        assert "disk is full" in error
    assert (await good(small_disk, "read_scratchpad", era=era, filename="a.md"))["text"] == "old"
    assert os.listdir(small_disk / "scratchpad") == ["a.md"]
    await good(small_disk, "append_scratchpad", era=era, filename="a.md", content="new")


async def test_a_read_only_root_is_read_and_says_why_it_is_not_written(small_disk: Path, era: Era) -> None:
    await good(small_disk, "write_scratchpad", era=era, filename="a.md", content="old")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], timeout=60, check=True)
    for name in ("a.md", "new/b.md"):
        error = await refused(small_disk, "write_scratchpad", era=era, filename=name, content="x")
        assert "read-only" in error
    assert (await good(small_disk, "read_scratchpad", era=era, filename="a.md"))["text"] == "old"


async def test_the_installed_server_answers_over_stdio(root: Path, era: Era) -> None:
    script = Path(sys.executable).with_name("afs-scratchpad")
    if not script.exists():
        pytest.skip("the console script afs-scratchpad is not installed beside this Python")
    server = StdioServerParameters(command=str(script), env={"AFS_CONTEXT_ROOT": str(root)})
    with anyio.fail_after(60):
        async with Client(server, mode=era) as client:
            added = await client.call_tool("append_scratchpad", {"filename": "state.md", "content": "one"})
            read = await client.call_tool("read_scratchpad", {})
    assert "wrote state.md" in text_of(added)
    assert text_of(read).endswith("\n\none")
