"""`afs mcp`: the hosts' files come from mcp.json, and what was in them stays."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from runner.config import load_config, shipped_config
from runner.hosts import HOSTS, mcp, plan

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(folder)
    return folder


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(mcp, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def servers(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    entries: dict[str, Any] = loaded["mcpServers"]
    return entries


def test_the_committed_files_agree_with_mcp_json() -> None:
    changes = [plan(host, ROOT / "mcp.json", folder=ROOT, user=False) for host in HOSTS]
    assert [change.diff for change in changes] == ["", ""]
    assert [change.path.read_text(encoding="utf-8") for change in changes] == [change.text for change in changes]


def test_the_committed_files_name_no_path_of_a_machine() -> None:
    for name in ("mcp.json", ".mcp.json", ".gemini/settings.json"):
        for entry in servers(ROOT / name).values():
            assert "/" not in entry["command"]
            assert entry["args"] == []


def test_a_project_gets_both_files_with_commands_by_name(project: Path) -> None:
    assert run("install").exit_code == 0
    claude = servers(project / ".mcp.json")["asar"]
    assert (claude["type"], claude["command"], claude["alwaysLoad"]) == ("stdio", "afs-asar", True)
    assert claude["env"]["AFS_ASAR"] == "${AFS_ASAR:-}"
    gemini = servers(project / ".gemini" / "settings.json")["asar"]
    assert gemini == {"command": "afs-asar", "args": [], "env": claude["env"]}


def test_the_users_files_get_commands_by_path_and_are_private(project: Path) -> None:
    assert run("install", "--scope", "user").exit_code == 0
    home = project.parent / "home"
    for path in (home / ".claude.json", home / ".gemini" / "settings.json"):
        command = Path(servers(path)["alttp"]["command"])
        assert command.is_absolute() and command.name == "afs-alttp" and os.access(command, os.X_OK)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(project.iterdir()) == []


def test_one_client_alone_is_installed(project: Path) -> None:
    assert run("install", "--client", "gemini").exit_code == 0
    assert [path.name for path in project.iterdir()] == [".gemini"]


def test_everything_else_in_a_file_stays_and_a_backup_is_kept(project: Path) -> None:
    path = project / ".gemini" / "settings.json"
    path.parent.mkdir()
    before = {
        "ui": {"theme": "é"},
        "mcpServers": {"mine": {"command": "x"}, "asar": {"command": "old", "trust": True, "env": {"MORE": "1"}}},
        "last": [1, None],
    }
    path.write_text(json.dumps(before), encoding="utf-8")
    path.chmod(0o640)
    assert run("install").exit_code == 0
    after = json.loads(path.read_text(encoding="utf-8"))
    assert list(after) == ["ui", "mcpServers", "last"]
    assert (after["ui"], after["last"]) == (before["ui"], before["last"])
    assert after["mcpServers"]["mine"] == {"command": "x"}
    assert after["mcpServers"]["asar"]["command"] == "afs-asar"
    assert after["mcpServers"]["asar"]["trust"] is True
    assert set(after["mcpServers"]["asar"]["env"]) == {"MORE", "AFS_ASAR", "AFS_DATA_DIR", "AFS_PROJECT_ROOT"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert json.loads((path.parent / "settings.json.bak").read_text(encoding="utf-8")) == before


def test_a_second_install_changes_nothing_and_an_earlier_backup_is_not_overwritten(project: Path) -> None:
    path = project / ".mcp.json"
    for number, name in enumerate((".mcp.json.bak", ".mcp.json.bak1")):
        path.write_text(f'{{"round": {number}}}', encoding="utf-8")
        assert run("install").exit_code == 0
        assert json.loads((project / name).read_text(encoding="utf-8")) == {"round": number}
    written = path.stat().st_mtime_ns
    assert "up to date" in run("install").output
    assert path.stat().st_mtime_ns == written
    assert len(list(project.glob(".mcp.json*"))) == 3


def test_a_link_to_a_dotfile_stays_a_link(project: Path) -> None:
    target = project / "dotfiles.json"
    target.write_text("{}", encoding="utf-8")
    (project / ".mcp.json").symlink_to(target)
    assert run("install", "--client", "claude").exit_code == 0
    assert (project / ".mcp.json").is_symlink() and "asar" in servers(target)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1,\n // mine\n}', ":2:"),
        ('{"mcpServers":\n[]}', ":1: mcpServers is not an object"),
        ('{"k": 1,\n"k": 2}', ":2: the key 'k' is there twice"),
    ],
)
def test_a_file_that_cannot_be_understood_is_left_as_it_is(project: Path, text: str, says: str) -> None:
    path = project / ".mcp.json"
    path.write_text(text, encoding="utf-8")
    result = run("install")
    assert result.exit_code == 1 and f"{path}{says}" in result.output
    assert path.read_text(encoding="utf-8") == text
    assert [found.name for found in project.iterdir()] == [".mcp.json"]


def test_check_shows_the_difference_and_nothing_else_of_the_file(project: Path) -> None:
    assert run("install").exit_code == 0
    assert run("install", "--check").exit_code == 0
    path = project / ".mcp.json"
    loaded = json.loads(path.read_text(encoding="utf-8"))
    loaded["mcpServers"]["asar"]["command"] = "other"
    loaded["mcpServers"]["mine"] = {"command": "x", "env": {"TOKEN": "hush"}}
    path.write_text(json.dumps(loaded), encoding="utf-8")
    result = run("install", "--check")
    assert result.exit_code == 1
    assert '-    "command": "other"' in result.output and '+    "command": "afs-asar"' in result.output
    assert "hush" not in result.output
    assert json.loads(path.read_text(encoding="utf-8")) == loaded


def test_a_dry_run_writes_nothing(project: Path) -> None:
    result = run("install", "--dry-run")
    assert result.exit_code == 0 and "afs-asar" in result.output
    assert list(project.iterdir()) == []


def test_an_http_server_is_entered_under_each_hosts_key(project: Path) -> None:
    config = project / "mcp.json"
    config.write_text('{"mcpServers": {"far": {"url": "http://127.0.0.1:9/mcp"}}}', encoding="utf-8")
    assert run("install", "--config", str(config)).exit_code == 0
    assert servers(project / ".mcp.json")["far"] == {
        "type": "http",
        "url": "http://127.0.0.1:9/mcp",
        "alwaysLoad": True,
    }
    assert servers(project / ".gemini" / "settings.json")["far"] == {"httpUrl": "http://127.0.0.1:9/mcp"}


def test_a_command_that_is_not_there_is_not_installed_by_path(project: Path) -> None:
    config = project / "mcp.json"
    config.write_text('{"mcpServers": {\n"a": {"command": "no-such-program"}}}', encoding="utf-8")
    result = run("install", "--scope", "user", "--config", str(config))
    assert result.exit_code == 1 and f"{config}:2: the command 'no-such-program' was not found" in result.output


def test_list_shows_every_server_and_its_program(project: Path) -> None:
    result = run("list")
    assert result.exit_code == 0
    for spec in load_config(shipped_config(), environ={}):
        assert spec.name in result.output and spec.command in result.output


def test_list_reads_the_nearest_file_and_fails_on_a_problem(project: Path) -> None:
    text = """{"mcpServers": {"ok": {"url": "http://h/mcp"}, "off": {"command": "x", "disabled": true},
              "var": {"command": "${NO_SUCH_VARIABLE}"}, "gone": {"command": "no-such-program"}}}"""
    (project / "mcp.json").write_text(text, encoding="utf-8")
    result = run("list")
    assert result.exit_code == 1
    assert "disabled in the file" in result.output
    assert "NO_SUCH_VARIABLE is not set" in result.output
    assert "'no-such-program' was not found" in result.output
    assert run("list", "--config", "none.json").exit_code == 1
