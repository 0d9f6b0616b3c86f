"""The context server through the protocol, in both eras: reading, listing, writing, and what it refuses."""

import os
import sys
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, TextContent

from servers.context.server import build
from servers.machine.wire import RESULT_LIMIT
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
def settings(root: Path, tmp_path: Path) -> Settings:
    return Settings(context_root=root, data_dir=tmp_path / "data")


def put(root: Path, name: str, data: bytes) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    assert len(block.text) <= RESULT_LIMIT
    return block.text


async def call(settings: Settings, tool: str, *, era: Era = "auto", **arguments: Any) -> CallToolResult:
    with anyio.fail_after(30):
        async with Client(build(settings), mode=era) as client:
            return await client.call_tool(tool, arguments)


async def good(settings: Settings, tool: str, *, era: Era = "auto", **arguments: Any) -> dict[str, Any]:
    result = await call(settings, tool, era=era, **arguments)
    assert not result.is_error, text_of(result)
    fields: dict[str, Any] = result.structured_content or {}
    return {**fields, "shown": text_of(result)}


async def refused(settings: Settings, tool: str, *, era: Era = "auto", **arguments: Any) -> str:
    result = await call(settings, tool, era=era, **arguments)
    assert result.is_error
    return text_of(result)


async def test_what_is_written_is_read_back_with_its_etag_in_both_halves(settings: Settings, era: Era) -> None:
    written = await good(settings, "write_context", era=era, path="memory/a.md", content="Link: $7EF36D\n")
    assert written["shown"] == (f"created memory/a.md: wrote 14 bytes, now 14 bytes (etag {written['etag']})")
    read = await good(settings, "read_context", era=era, path="memory/a.md")
    assert (read["text"], read["etag"], read["size"], read["next_offset"]) == (
        "Link: $7EF36D\n",
        written["etag"],
        14,
        -1,
    )
    assert read["shown"] == f"memory/a.md (from byte 0 of 14, etag {read['etag']})\n\nLink: $7EF36D\n"


async def test_the_tools_are_offered_with_their_hints(settings: Settings, era: Era) -> None:
    async with Client(build(settings), mode=era) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    writers = {"write_context", "mount_context", "create_note", "create_handoff"}
    assert {"read_context", "list_context", "search_context", "list_notes", "read_handoff", *writers} <= set(tools)
    hints = {name: tool.annotations for name, tool in tools.items()}
    assert {name for name, hint in hints.items() if hint and hint.read_only_hint} == set(tools) - writers


async def test_building_a_server_touches_no_file(settings: Settings, root: Path) -> None:
    build(settings)
    assert not root.exists()


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("read_context", {"path": "a.md"}), ("list_context", {}), ("search_context", {"query": "x"})],
)
async def test_reading_before_there_is_a_root_names_the_tool_that_makes_it(
    settings: Settings, root: Path, era: Era, tool: str, arguments: dict[str, Any]
) -> None:
    error = await refused(settings, tool, era=era, **arguments)
    assert str(root) in error
    assert "write_context" in error
    assert not root.exists()


async def test_reading_a_missing_file_tells_the_model_to_list_and_offers_a_near_name(
    settings: Settings, root: Path, era: Era
) -> None:
    put(root, "memory/todo.md", b"x")
    error = await refused(settings, "read_context", era=era, path="memory/tood.md")
    assert "did you mean 'memory/todo.md'" in error
    assert "list_context" in await refused(settings, "read_context", era=era, path="zzz/qqq")
    assert "did you mean" in await refused(settings, "list_context", era=era, path="memry")


async def test_overwriting_needs_mode_replace_and_a_fresh_etag(settings: Settings, era: Era) -> None:
    first = await good(settings, "write_context", era=era, path="a.md", content="one")
    assert "mode replace" in await refused(settings, "write_context", era=era, path="a.md", content="two")
    two = {"path": "a.md", "content": "two", "mode": "replace", "etag": first["etag"]}
    assert (await good(settings, "write_context", era=era, **two))["action"] == "replaced"
    assert "has changed" in await refused(settings, "write_context", era=era, **two)
    added = await good(settings, "write_context", era=era, path="a.md", content="three", mode="append")
    assert (added["action"], added["size"]) == ("appended to", 9)
    assert (await good(settings, "read_context", era=era, path="a.md"))["text"] == "two\nthree"


async def test_history_and_the_suites_own_state_are_read_only(settings: Settings, root: Path, era: Era) -> None:
    put(root, "history/run.json", b"{}")
    (root / "link").symlink_to("history")
    for path in ("history/run.json", "history/new.json", "memory/../history/x", "link/run.json", ".afs/x"):
        error = await refused(settings, "write_context", era=era, path=path, content="x", mode="replace")
        assert "read-only" in error
        assert "memory/" in error
    assert os.listdir(root / "history") == ["run.json"]
    assert (await good(settings, "read_context", era=era, path="history/run.json"))["text"] == "{}"


async def test_pages_of_a_long_file_join_to_the_whole(settings: Settings, root: Path) -> None:
    whole = "".join(f"line {number}: Überraschung \u4e2d\u6587\n" for number in range(3000))
    put(root, "long.md", whole.encode())
    parts: list[str] = []
    offset = 0
    while offset != -1:
        page = await good(settings, "read_context", path="long.md", offset=offset, limit=30_000)
        parts.append(page["text"])
        assert page["text"].endswith("\n")
        if page["next_offset"] != -1:
            assert f"call again with offset={page['next_offset']}" in page["shown"]
        offset = page["next_offset"]
    assert "".join(parts) == whole
    assert len(parts) > 2


@pytest.mark.parametrize("data", [b"\x1b[31m" * 20_000, b"\\" * 100_000, b"x" * 100_000, b"\xff" * 100_000])
async def test_a_page_of_awkward_bytes_stays_below_the_result_limit(
    settings: Settings, root: Path, data: bytes
) -> None:
    put(root, "odd.txt", data)
    page = await good(settings, "read_context", path="odd.txt", limit=30_000)
    assert 0 < page["next_offset"] < len(data)
    assert "\x1b" not in page["shown"]
    rest = await good(settings, "read_context", path="odd.txt", limit=30_000, offset=page["next_offset"])
    assert rest["offset"] == page["next_offset"]


async def test_text_that_is_not_shown_as_it_is_says_so(settings: Settings, root: Path) -> None:
    put(root, "latin.txt", b"caf\xe9\n")
    put(root, "escape.txt", b"\x1b[2J\n")
    latin = await good(settings, "read_context", path="latin.txt")
    assert (latin["text"], "not UTF-8" in latin["note"]) == ("caf\\xe9\n", True)
    assert "control characters" in (await good(settings, "read_context", path="escape.txt"))["shown"]


async def test_a_binary_file_and_an_offset_behind_the_end_are_named(settings: Settings, root: Path) -> None:
    put(root, "rom.sfc", b"\0" * 100)
    put(root, "a.md", b"abc")
    put(root, "empty.md", b"")
    assert "binary file of 100 bytes" in await refused(settings, "read_context", path="rom.sfc")
    assert "offset 0" in await refused(settings, "read_context", path="a.md", offset=3)
    assert "list_context" in await refused(settings, "read_context", path="")
    assert (await good(settings, "read_context", path="empty.md"))["size"] == 0


@pytest.mark.parametrize(
    "path",
    ["../secret", "/etc/passwd", "link", "a\0b", "x" * 5_000_000, "fifo", "memory", "~/x", "..", "a\ud800b"],
)
async def test_hostile_paths_are_errors_and_the_server_lives(settings: Settings, root: Path, path: str) -> None:
    put(root, "memory/a.md", b"alive")
    put(root.parent, "secret", b"SECRET")
    (root / "link").symlink_to("../secret")
    os.mkfifo(root / "fifo")
    with anyio.fail_after(30):
        async with Client(build(settings)) as client:
            for arguments in ({"path": path}, {"path": path, "content": "x", "mode": "replace"}):
                tool = "write_context" if "content" in arguments else "read_context"
                if path == "~/x" and tool == "write_context":
                    continue  # `~` is a plain folder name
                result = await client.call_tool(tool, arguments)
                assert result.is_error
                assert len(text_of(result)) < 1_000
                assert "SECRET" not in text_of(result)
            alive = await client.call_tool("read_context", {"path": "memory/a.md"})
    assert "alive" in text_of(alive)
    assert (root.parent / "secret").read_bytes() == b"SECRET"


async def test_content_above_the_limit_or_with_a_lone_surrogate_changes_nothing(settings: Settings, root: Path) -> None:
    put(root, "a.md", b"old")
    for content, reason in (("x" * 5_000_000, "1000000"), ("a\udc80", "surrogate")):
        error = await refused(settings, "write_context", path="a.md", content=content, mode="replace")
        assert reason in error
    assert (root / "a.md").read_bytes() == b"old"


async def test_a_listing_pages_and_its_odd_names_can_be_read(settings: Settings, root: Path, era: Era) -> None:
    for number in range(5):
        put(root, f"memory/{number}.md", b"x" * number)
    Path(os.fsdecode(os.fsencode(root) + b"/\xff\n\x1b[31m.md")).write_bytes(b"odd")
    first = await good(settings, "list_context", era=era, path="memory", limit=3)
    assert [entry["path"] for entry in first["entries"]] == ["memory/0.md", "memory/1.md", "memory/2.md"]
    assert "memory/2.md (2 bytes)" in first["shown"]
    second = await good(settings, "list_context", era=era, path="memory", offset=first["next_offset"])
    assert [entry["size"] for entry in second["entries"]] == [3, 4]
    top = await good(settings, "list_context", era=era)
    assert "memory/\n" in top["shown"]
    (odd,) = [entry["path"] for entry in top["entries"] if entry["kind"] == "file"]
    assert odd == "\\xff\\x0a\\x1b[31m.md"
    assert (await good(settings, "read_context", era=era, path=odd))["text"] == "odd"


async def test_a_folder_of_many_long_names_is_paged_below_the_result_limit(settings: Settings, root: Path) -> None:
    for number in range(300):
        for character, times in (("\u4e2d", 80), ("\x1b", 240)):
            put(root, f"{number:03}{character * times}.md", b"")
    seen: list[str] = []
    offset = 0
    while offset != -1:
        page = await good(settings, "list_context", limit=500, offset=offset)
        seen += [entry["path"] for entry in page["entries"]]
        offset = page["next_offset"]
    assert len(set(seen)) == 600


async def test_a_root_that_cannot_be_made_is_an_error_and_the_server_lives(tmp_path: Path, era: Era) -> None:
    (tmp_path / "file").write_bytes(b"x")
    settings = Settings(context_root=tmp_path / "file" / "context", data_dir=tmp_path)
    for tool, arguments in (
        ("write_context", {"path": "a.md", "content": "x"}),
        ("read_context", {"path": "a.md"}),
    ):
        assert "a file, not a folder" in await refused(settings, tool, era=era, **arguments)


async def test_the_installed_server_answers_over_stdio(root: Path, tmp_path: Path, era: Era) -> None:
    script = Path(sys.executable).with_name("afs-context")
    if not script.exists():
        pytest.skip("the console script afs-context is not installed beside this Python")
    server = StdioServerParameters(command=str(script), env={"AFS_CONTEXT_ROOT": str(root)}, cwd=str(tmp_path))
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).write_bytes(b"")
    with anyio.fail_after(60):
        async with Client(server, mode=era) as client:
            written = await client.call_tool("write_context", {"path": "a.md", "content": "over stdio"})
            Path(os.fsdecode(os.fsencode(root) + b"/\xff\x1b.md")).write_bytes(b"odd")
            listed = await client.call_tool("list_context", {})
            read = await client.call_tool("read_context", {"path": "a.md"})
    assert "created a.md" in text_of(written)
    assert "\\xff\\x1b.md" in text_of(listed)
    assert "over stdio" in text_of(read)
