"""Experts ask no experts unless their server is named."""

import json
from pathlib import Path

from runner.agent import find_servers
from servers.settings import Settings


def test_a_run_starts_the_experts_server_only_where_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    servers = {"experts": {"command": "afs-experts"}, "asar": {"command": "afs-asar"}}
    path.write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
    settings = Settings(context_root=tmp_path, data_dir=tmp_path)
    assert [spec.name for spec in find_servers(settings, config=path)] == ["asar"]
    assert [spec.name for spec in find_servers(settings, ["experts"], config=path)] == ["experts"]
