"""What tells others what to run: one list, refused by each tool that writes and by the sandbox alike."""

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp import Client

from servers.machine.agent_files import AGENT_FILES
from servers.machine.beneath import Root
from servers.machine.beneath_sealed import Sealed
from servers.machine.errors import ServerError
from servers.machine.shell_seals import is_sealed
from servers.settings import Settings
from servers.workspace.server import build
from tests.shell import text_of

pytestmark = pytest.mark.anyio

RULES = [rule.replace("**", "a/b").replace("*", "a") for rule in AGENT_FILES]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
async def client(work: Path, tmp_path: Path) -> AsyncIterator[Client]:
    settings = Settings(context_root=tmp_path / "c", data_dir=tmp_path / "data", project_root=work)
    async with Client(build(settings)) as connected:
        yield connected


@pytest.mark.parametrize("rule", RULES)
async def test_no_tool_writes_what_the_sandbox_seals(client: Client, work: Path, rule: str) -> None:
    (work / "x").write_text("x", encoding="utf-8")
    for path in (rule, rule.upper(), f"deep/in/{rule}", f"{rule}/below"):
        assert is_sealed(os.fsencode(path)) and is_sealed(os.fsencode(path), stat.S_IFDIR)
        for tool, arguments in (
            ("write_file", {"path": path, "content": "evil"}),
            ("make_directory", {"path": path}),
            ("move_file", {"source": "x", "destination": path}),
        ):
            result = await client.call_tool(tool, arguments)
            assert result.is_error and "read-only: " in text_of(result), (tool, path)
    assert sorted(os.listdir(work)) == ["x"]


async def test_a_file_that_says_where_a_repository_is_stays_what_it_is(client: Client, work: Path) -> None:
    (work / ".git").write_text("gitdir: ../other/.git/worktrees/work\n", encoding="utf-8")
    (work / "evil").mkdir()
    for tool, arguments in (
        ("write_file", {"path": ".git", "content": "gitdir: evil"}),
        ("write_file", {"path": ".git", "content": "evil", "mode": "append"}),
        ("edit_file", {"path": ".git", "old": "../other", "new": "evil"}),
        ("move_file", {"source": ".git", "destination": "old"}),
        ("move_file", {"source": "evil", "destination": ".git", "mode": "replace"}),
        ("write_file", {"path": "sub/.git", "content": "gitdir: ../evil"}),
    ):
        result = await client.call_tool(tool, arguments)
        assert result.is_error and "git runs" in text_of(result), tool
    with Root(work, sealed=AGENT_FILES) as root, pytest.raises(ServerError, match="git runs"):
        root.remove(".git")
    assert sorted(os.listdir(work)) == [".git", "evil"]


@pytest.mark.parametrize(
    "path",
    [".git/HEAD", ".git/refs/heads/main", ".git/info/exclude", ".github/x", ".config/x", "hooks/x", "git/config"],
)
async def test_what_only_looks_like_it_is_written(client: Client, work: Path, path: str) -> None:
    assert not is_sealed(os.fsencode(path))
    result = await client.call_tool("write_file", {"path": path, "content": "fine"})
    assert not result.is_error and (work / path).read_text(encoding="utf-8") == "fine"


@pytest.mark.parametrize(
    ("path", "kind", "expected"),
    [
        (b".git", stat.S_IFDIR, False),
        (b".git", stat.S_IFREG, True),
        (b"a/.GIT", stat.S_IFLNK, True),
        (b".git/modules", stat.S_IFDIR, False),
        (b".git/modules", stat.S_IFLNK, True),
        (b".git/modules/a/objects/ab", stat.S_IFREG, False),
        (b".git/modules/a/b/c/config", stat.S_IFREG, True),
        (b".git/worktrees/a", stat.S_IFLNK, True),
        (b".git/worktrees/a/HEAD", stat.S_IFREG, False),
        (b".config", stat.S_IFLNK, True),
        (b"config", stat.S_IFLNK, False),
    ],
)
def test_a_link_is_sealed_where_it_could_lead_to_what_is_sealed(path: bytes, kind: int, expected: object) -> None:
    assert is_sealed(path, kind) is expected


@pytest.mark.parametrize(
    ("rule", "path", "reason", "above"),
    [
        ("a/**/z", "a/z", "why", ""),
        ("a/**/z", "x/a/b/c/z/y", "why", ""),
        ("a/**/z", "a/b/c", "", "why"),
        ("a/**/z", "z", "", ""),
        ("a/*/z", "a/z", "", "why"),
        ("a/*/z", "a/a/a/z", "why", ""),
        ("a/*/z", "a/b/c", "", ""),
        ("/a/z", "a/z", "why", ""),
        ("/a/z", "a/a/z", "", ""),
        ("/a/z", "a", "", "why"),
        ("/a/z", "b/a", "", ""),
    ],
)
def test_a_rule_is_met_by_parts(rule: str, path: str, reason: str, above: str) -> None:
    sealed, parts = Sealed({rule: "why"}), path.encode().split(b"/")
    assert sealed.reason(parts) == reason
    assert reason or sealed.above(parts) == above
