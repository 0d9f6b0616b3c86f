"""`afs mcp`: what mcp.json offers, and its servers entered into the settings of Claude Code and Gemini CLI.

mcp.json is the one list; the hosts' files are generated from it and merged, so that everything else in them
stays as it is. A file is replaced whole or not at all, and what was there before is kept beside it.
"""

import difflib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import click

from runner.config import (
    Document,
    ServerSpec,
    find_config,
    load_config,
    read_document,
    resolve_command,
    shipped_config,
)
from runner.errors import ConfigError
from runner.trust_cli import trust
from servers.machine.errors import ServerError
from servers.machine.store import write_atomic

__all__ = ["HOSTS", "Host", "Plan", "apply", "mcp", "plan"]


class Host(NamedTuple):
    """A host and the files that it reads its servers from."""

    name: str
    project_file: str
    """Under the project's folder."""
    user_file: str
    """Under the home folder."""
    entry: Callable[[dict[str, Any]], dict[str, Any]]
    """Turns an entry of mcp.json into the host's."""


def _claude(entry: dict[str, Any]) -> dict[str, Any]:
    # Claude Code connects in the background; only alwaysLoad has the tools there on the first turn.
    kind = "http" if "url" in entry else "stdio"
    return {"type": kind, **entry, "alwaysLoad": True}


def _gemini(entry: dict[str, Any]) -> dict[str, Any]:
    return {("httpUrl" if key == "url" else key): value for key, value in entry.items() if key != "type"}


HOSTS = (
    Host("claude", ".mcp.json", ".claude.json", _claude),
    Host("gemini", ".gemini/settings.json", ".gemini/settings.json", _gemini),
)


class Plan(NamedTuple):
    """What a host's file should be."""

    path: Path
    text: str
    mode: int
    """Its permissions, if it has to be made."""
    diff: str
    """The change to our entries, and nothing of the rest of the file; empty when there is none."""


def plan(host: Host, config: Path, *, folder: Path, user: bool) -> Plan:
    """Work out a host's file under `folder` (the project, or the home folder when `user`) from an mcp.json.

    Other servers stay, and so do keys of our own entries that mcp.json does not name. Raises ConfigError, which
    names file and line, when either file cannot be understood.
    """
    path = folder / (host.user_file if user else host.project_file)
    found = read_document(path) if path.exists() else None
    value: dict[str, Any] = dict(found.value) if found else {}
    servers = _servers(found) if found else {}
    wanted = {name: host.entry(entry) for name, entry in _entries(config, absolute=user).items()}
    now = {name: servers[name] for name in wanted if name in servers}
    ours = {name: _merged(now.get(name), entry) for name, entry in wanted.items()}
    text = _json({**value, "mcpServers": {**servers, **ours}})
    return Plan(path, text, 0o600 if user else 0o644, "" if ours == now else _diff(path, _json(now), _json(ours)))


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _diff(path: Path, now: str, wanted: str) -> str:
    old, new = now.splitlines(keepends=True), wanted.splitlines(keepends=True)
    return "".join(difflib.unified_diff(old, new, fromfile=f"{path} (now)", tofile=f"{path} (from mcp.json)"))


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _merged(now: Any, wanted: Any) -> Any:
    """Return `wanted` with the keys of `now` that it does not name."""
    if not (_is_object(now) and _is_object(wanted)):
        return wanted
    return {**now, **{name: _merged(now.get(name), value) for name, value in wanted.items()}}


def _servers(found: Document) -> dict[str, Any]:
    servers = found.value.get("mcpServers", {})
    if not _is_object(servers):
        raise ConfigError(f"{found.at('mcpServers')}: mcpServers is not an object; correct it by hand first")
    return servers


def _entries(config: Path, *, absolute: bool) -> dict[str, dict[str, Any]]:
    """Return the entries of an mcp.json with their `${VAR:-default}` as written."""
    specs = {spec.name: spec for spec in load_config(config)}  # refuses what could not be used
    written: dict[str, dict[str, Any]] = read_document(config).value["mcpServers"]
    entries = {name: dict(written[name]) for name, spec in specs.items() if not spec.disabled}
    if absolute:
        for name, entry in entries.items():
            if "command" in entry:
                entry["command"] = _absolute(specs[name])
    return entries


def _absolute(spec: ServerSpec) -> str:
    program = resolve_command(spec)
    if not program:
        raise ConfigError(
            f"{spec.source}: the command {spec.command!r} was not found; reinstall afs-suite, or correct it"
        )
    return os.path.abspath(program)


def apply(change: Plan) -> Path | None:
    """Write a plan: the file is replaced atomically and keeps its permissions. Returns the backup, if any.

    Raises ServerError, with the file intact, when it cannot be written.
    """
    target = change.path.resolve()  # a link into a folder of dotfiles stays a link
    backup: Path | None = None
    mode = change.mode
    if target.exists():
        mode = target.stat().st_mode & 0o7777
        backup = _free_name(target)
        _write(backup, target.read_bytes(), mode)
    _write(target, change.text.encode("utf-8"), mode)
    return backup


def _write(path: Path, data: bytes, mode: int) -> None:
    write_atomic(path, data)  # made with mode 0600: a token in it is at no time readable by others
    path.chmod(mode)


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.name}.bak{number or ''}") for number in range(1000))
    return next(name for name in names if not name.exists())


@click.group()
def mcp() -> None:
    """The servers of mcp.json, and how Claude Code and Gemini CLI get them."""


mcp.add_command(trust)

_CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="mcp.json to use; default the nearest, else the suite's own",
)


@mcp.command("list")
@_CONFIG
def list_(config: Path | None) -> None:
    """List the servers of the nearest mcp.json (else the suite's own) and the programs that they start."""
    try:
        path = config or find_config(Path.cwd()) or shipped_config()
        specs = load_config(path)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{path}")
    width = max((len(spec.name) for spec in specs), default=0)
    missing = 0
    for spec in specs:
        line = _status(spec)
        missing += line.startswith("problem")
        click.echo(f"  {spec.name:<{width}}  {line}")
    if missing:
        raise SystemExit(1)


def _status(spec: ServerSpec) -> str:
    if spec.disabled:
        return "disabled in the file"
    if spec.problem:
        return f"problem: {spec.problem}"
    if spec.url:
        return spec.url
    program = resolve_command(spec)
    if not program:
        return f"problem: the command {spec.command!r} was not found; install it, or correct {spec.source}"
    return " ".join((program, *spec.args))


@mcp.command()
@click.option("--client", type=click.Choice(["claude", "gemini", "all"]), default="all", show_default=True)
@click.option(
    "--scope",
    type=click.Choice(["project", "user"]),
    default="project",
    show_default=True,
    help="project: files in this folder, commands by name; user: files in the home folder, commands by path",
)
@click.option("--dry-run", is_flag=True, help="show what would change, write nothing")
@click.option("--check", is_flag=True, help="write nothing; exit 1 with the difference when a file disagrees")
@_CONFIG
def install(*, client: str, scope: str, dry_run: bool, check: bool, config: Path | None) -> None:
    """Enter the servers into Claude Code's and Gemini CLI's settings; everything else in them stays."""
    user = scope == "user"
    folder = Path.home() if user else Path.cwd()
    hosts = [host for host in HOSTS if client in (host.name, "all")]
    try:
        own = folder / "mcp.json"
        source = config or (own if own.is_file() and not user else shipped_config())
        click.echo(f"from {source}")
        plans = [plan(host, source, folder=folder, user=user) for host in hosts]
    except (ConfigError, OSError) as error:
        raise click.ClickException(str(error)) from error
    for change in plans:
        if not change.diff:
            click.echo(f"{change.path}: up to date")
        elif dry_run or check:
            click.echo(change.diff, nl=False)
        else:
            _install(change)
    if check and any(change.diff for change in plans):
        click.echo("Run `afs mcp install` to bring them into line.")
        raise SystemExit(1)


def _install(change: Plan) -> None:
    try:
        backup = apply(change)
    except (ServerError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{change.path}: written{f' (before: {backup})' if backup else ''}")
