"""The context server over trees of both layouts, made by `afs context init` and by hand: policies and projects."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, TextContent

from servers.context.cli import context
from servers.context.server import build
from servers.settings import Settings

pytestmark = pytest.mark.anyio

V1 = ("memory", "knowledge", "tools", "scratchpad", "history", "hivemind", "global", "items")
V2 = ("history", "memory", "scratchpad", "knowledge", "tools", "human")
OWN, OTHER = "prj_" + "a" * 32, "prj_" + "b" * 32


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def call(settings: Settings, tool: str, **arguments: Any) -> CallToolResult:
    with anyio.fail_after(30):
        async with Client(build(settings)) as client:
            return await client.call_tool(tool, arguments)


async def good(settings: Settings, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await call(settings, tool, **arguments)
    assert not result.is_error, text_of(result)
    fields: dict[str, Any] = result.structured_content or {}
    return {**fields, "shown": text_of(result)}


async def refused(settings: Settings, tool: str, **arguments: Any) -> str:
    result = await call(settings, tool, **arguments)
    assert result.is_error, text_of(result)
    return text_of(result)


def put(root: Path, name: str, text: str = "x") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def record(root: Path, ident: str, folder: Path) -> None:
    lines = [
        f'project_id = "{ident}"',
        f'scope_id = "project:{ident}"',
        f'name = "{folder.name}"',
        f'path = "{folder}"',
    ]
    put(root, f".afs/projects/{ident}.toml", "\n".join([*lines, "aliases = []", ""]))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "context"


@pytest.fixture
def hack(tmp_path: Path) -> Path:
    folder = tmp_path / "src" / "hack"
    (folder / ".git").mkdir(parents=True)
    (folder / "asm" / "sprites").mkdir(parents=True)
    return folder


@pytest.fixture
def settings(root: Path, hack: Path, tmp_path: Path) -> Settings:
    return Settings(context_root=root, data_dir=tmp_path / "data", project_root=hack / "asm" / "sprites")


@pytest.fixture(params=["version", "layout_version"])
def tree_2(root: Path, hack: Path, request: pytest.FixtureRequest) -> Path:
    """A version 2 tree by hand, its marker in either spelling."""
    for name in V2:
        put(root, f"{name}/common/seen.md", f"{name} of all")
        put(root, f"{name}/projects/{OWN}/own.md", f"{name} of mine")
        put(root, f"{name}/projects/{OTHER}/other.md", f"{name} of others")
    put(root, ".afs/layout.toml", f"{request.param} = 2\n")
    record(root, OWN, hack)
    record(root, OTHER, hack.parent / "elsewhere")
    return root


@pytest.fixture
def tree_1(root: Path) -> Path:
    """A version 1 tree by hand."""
    for name in V1:
        put(root, f"{name}/seen.md", f"{name} of all")
    put(root, "projects/hack/scratchpad/own.md", "mine")
    put(root, "projects/hack/memory/own.md", "mine")
    put(root, "projects/zelda/scratchpad/other.md", "others")
    put(root, "metadata.json", json.dumps({"created_at": "2026-01-01", "directories": {}, "agents": []}))
    return root


async def test_version_2_is_written_by_its_policies_and_a_refusal_names_what_can_be(
    settings: Settings, tree_2: Path
) -> None:
    for name in ("history", "knowledge", "tools", "human"):
        for path in (f"{name}/common/new.md", f"{name}/new.md", f"{name}/projects/{OWN}/own.md"):
            error = await refused(settings, "write_context", path=path, content="x", mode="replace")
            assert "read-only" in error
            assert "memory/common/, scratchpad/common/" in error
    for name in ("memory", "scratchpad"):
        done = await good(settings, "write_context", path=f"{name}/common/new.md", content="x")
        assert done["path"] == f"{name}/common/new.md"
    assert not list(tree_2.glob("history/**/new.md"))


async def test_version_1_is_written_by_its_policies_in_each_project_too(settings: Settings, tree_1: Path) -> None:
    for path in ("memory/new.md", "knowledge/new.md", "tools/new.sh", "history/x", "projects/hack/memory/own.md"):
        error = await refused(settings, "write_context", path=path, content="x", mode="replace")
        assert "read-only" in error
        assert "scratchpad/" in error
    for path in ("scratchpad/a.md", "hivemind/a.md", "global/a.md", "items/a.md", "projects/hack/scratchpad/a.md"):
        assert (await good(settings, "write_context", path=path, content="x"))["path"] == path
    assert "another project" in await refused(
        settings, "write_context", path="projects/zelda/scratchpad/a.md", content="x"
    )
    (tree_1 / "open").symlink_to("memory")
    assert "read-only" in await refused(settings, "write_context", path="open/a.md", content="x")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metadata.json", '{"policies": {"memory": "writable", "history": "writable"}}'),
        ("metadata.json", '{"directories": {"memory": {"policy": "writable"}}}'),
        ("hafs.toml", '[[afs_directories]]\nname = "memory"\npolicy = "writable"\n'),
        ("afs.toml", '[[directories]]\nrole = "memory"\nname = "memory"\npolicy = "writable"\n'),
        (".afs/layout.toml", 'version = 1\n[policies]\nmemory = "writable"\nhistory = "writable"\n'),
    ],
)
async def test_the_users_own_word_opens_a_folder_but_never_history(
    settings: Settings, tree_1: Path, name: str, text: str
) -> None:
    put(tree_1, name, text)
    assert (await good(settings, "write_context", path="memory/new.md", content="x"))["action"] == "created"
    assert "recorder" in await refused(settings, "write_context", path="history/new.md", content="x")


async def test_folders_with_another_name_have_the_policy_of_their_category(settings: Settings, tree_1: Path) -> None:
    put(tree_1, "metadata.json", '{"directories": {"knowledge": "docs"}, "manual_only": ["scratchpad/plan.md"]}')
    put(tree_1, "docs/a.md")
    assert "read_only" in await refused(settings, "write_context", path="docs/a.md", content="y", mode="replace")
    assert "only a person" in await refused(settings, "write_context", path="scratchpad/plan.md", content="y")


async def test_files_of_another_project_are_seen_only_when_asked_for(settings: Settings, tree_2: Path) -> None:
    for path in (
        f"memory/projects/{OTHER}/other.md",
        f"memory/./common/../projects/{OTHER}/other.md",
        f"memory/pro\\x6aects/{OTHER}/other.md",
    ):
        assert "scope all" in await refused(settings, "read_context", path=path)
        assert (await good(settings, "read_context", path=path, scope="all"))["text"] == "memory of others"
    assert (await good(settings, "read_context", path=f"memory/projects/{OWN}/own.md"))["text"] == "memory of mine"
    assert (await good(settings, "read_context", path="memory/common/seen.md"))["text"] == "memory of all"
    shown = (await good(settings, "list_context", depth=5))["shown"]
    assert OWN in shown
    assert OTHER not in shown.replace(f".afs/projects/{OTHER}.toml", "")
    assert f"memory/projects/{OTHER}/other.md" in (await good(settings, "list_context", depth=5, scope="all"))["shown"]
    assert "another project" in await refused(
        settings, "write_context", path=f"memory/projects/{OTHER}/x.md", content="x"
    )


async def test_a_link_to_another_projects_files_shows_and_writes_nothing(settings: Settings, tree_2: Path) -> None:
    note = "2026-01-01T000000Z--plan--0123456789.md"
    put(tree_2, f"memory/projects/{OTHER}/notes/{note}", "# Plan of others")
    (tree_2 / "memory/common/one.md").symlink_to(f"../projects/{OTHER}/other.md")
    (tree_2 / "memory/common/all").symlink_to(tree_2 / f"memory/projects/{OTHER}")
    (tree_2 / "memory/common/notes").symlink_to(f"../projects/{OTHER}/notes")
    (tree_2 / f"memory/projects/{OWN}/mine.md").symlink_to("../../common/seen.md")
    for path in ("memory/common/one.md", "memory/one.md", "memory/common/all/other.md", "memory/all/other.md"):
        assert "scope all" in await refused(settings, "read_context", path=path)
        assert "scope all" in await refused(settings, "search_context", query="others", path=path)
        assert (await good(settings, "read_context", path=path, scope="all"))["text"] == "memory of others"
        for mode in ("replace", "append"):
            wrong = await refused(settings, "write_context", path=path, content="x", mode=mode)
            assert "another project" in wrong
    assert "scope all" in await refused(settings, "list_context", path="memory/common/all")
    assert "another project" in await refused(settings, "create_note", title="x", text="y", scope="common")
    assert (await good(settings, "list_notes"))["notes"] == []
    assert "no note" in await refused(settings, "create_note", title="x", text="y", revises="0123456789")
    assert (await good(settings, "read_context", path="memory/mine.md"))["text"] == "memory of all"
    async with Client(build(settings)) as client:
        with pytest.raises(MCPError, match="another project"):
            await client.read_resource("context://file/memory/common/one.md")
    assert (tree_2 / f"memory/projects/{OTHER}/other.md").read_text(encoding="utf-8") == "memory of others"
    assert [path.name for path in (tree_2 / f"memory/projects/{OTHER}/notes").iterdir()] == [note]


async def test_version_1_keeps_other_projects_apart_too(settings: Settings, tree_1: Path) -> None:
    assert (await good(settings, "read_context", path="projects/hack/scratchpad/own.md"))["text"] == "mine"
    assert "scope all" in await refused(settings, "read_context", path="projects/zelda/scratchpad/other.md")
    assert "zelda" not in (await good(settings, "list_context", path="projects", depth=3))["shown"]
    other = await good(settings, "read_context", path="projects/zelda/scratchpad/other.md", scope="all")
    assert other["text"] == "others"
    assert (await good(settings, "read_context", path="scratchpad/own.md"))["path"] == "projects/hack/scratchpad/own.md"


async def test_a_short_path_finds_the_projects_own_file_then_that_of_all(settings: Settings, tree_2: Path) -> None:
    assert (await good(settings, "read_context", path="memory/own.md"))["path"] == f"memory/projects/{OWN}/own.md"
    assert (await good(settings, "read_context", path="memory/seen.md"))["path"] == "memory/common/seen.md"
    new = await good(settings, "write_context", path="memory/new.md", content="1")
    assert new["path"] == f"memory/projects/{OWN}/new.md"
    again = await good(settings, "write_context", path="memory/new.md", content="2", mode="append")
    assert (again["path"], again["action"]) == (new["path"], "appended to")
    shared = await good(settings, "write_context", path="memory/all.md", content="x", scope="common")
    assert shared["path"] == "memory/common/all.md"
    kept = await good(settings, "write_context", path="memory/seen.md", content="y", mode="replace")
    assert kept["path"] == "memory/common/seen.md"


async def test_without_a_project_all_is_shared_and_scope_project_says_what_to_do(
    settings: Settings, tree_2: Path, tmp_path: Path
) -> None:
    lost = Settings(context_root=tree_2, data_dir=tmp_path / "data", project_root=tmp_path)
    assert (await good(lost, "write_context", path="memory/new.md", content="1"))["path"] == "memory/common/new.md"
    error = await refused(lost, "write_context", path="memory/p.md", content="1", scope="project")
    assert "afs context init" in error
    assert "scope all" in await refused(lost, "read_context", path=f"memory/projects/{OWN}/own.md")


async def test_the_nearest_registered_folder_is_the_project(settings: Settings, tree_2: Path, hack: Path) -> None:
    record(tree_2, "prj_" + "c" * 32, hack / "asm")
    found = await good(settings, "context_status")
    assert (found["project"], found["project_name"], found["projects"]) == ("prj_" + "c" * 32, "asm", 3)


@pytest.mark.parametrize("marker", ["version = 3\n", "not toml [", 'version = "2"\n', "\0"])
async def test_a_marker_that_cannot_be_read_stops_writing_not_reading(
    settings: Settings, tree_2: Path, marker: str
) -> None:
    put(tree_2, ".afs/layout.toml", marker)
    assert "layout.toml" in await refused(settings, "write_context", path="memory/common/x.md", content="x")
    assert (await good(settings, "read_context", path="memory/common/seen.md"))["text"] == "memory of all"


@pytest.mark.parametrize("arguments", [[], ["--layout", "1"]])
async def test_a_tree_made_by_init_is_known_and_can_be_worked_in(
    settings: Settings, root: Path, hack: Path, arguments: list[str]
) -> None:
    made = CliRunner().invoke(context, ["init", "--root", str(root), "--project", str(hack / "asm"), *arguments])
    assert made.exit_code == 0, made.output
    found = await good(settings, "context_status")
    assert (found["version"], found["marked"], found["problems"]) == (1 if arguments else 2, True, [])
    assert found["project_name"] == "hack"
    written = await good(settings, "write_context", path="scratchpad/a.md", content="one")
    assert (await good(settings, "read_context", path="scratchpad/a.md"))["path"] == written["path"]
    assert {row["name"] for row in found["categories"]} >= set(V1 if arguments else V2)


async def test_status_tells_policies_sizes_and_what_is_wrong(settings: Settings, tree_2: Path, tmp_path: Path) -> None:
    put(tree_2, ".afs/projects/prj_broken.toml", "no toml [")
    put(tree_2, "loose.md")
    (tree_2 / "memory" / "common" / "out").symlink_to(tmp_path)
    (tree_2 / f"memory/projects/{OTHER}/theirs").symlink_to(tmp_path)
    found = await good(settings, "context_status")
    rows = {row["name"]: row for row in found["categories"]}
    assert (rows["memory"]["policy"], rows["memory"]["files"], rows["tools"]["policy"]) == ("writable", 3, "executable")
    said = "\n".join(found["problems"])
    for part in ("prj_broken.toml", "loose.md", "memory/common/out", "elsewhere"):
        assert part in said
    assert "theirs" not in said
    for part in ("prj_broken.toml", "elsewhere"):
        assert part in found["shown"]
