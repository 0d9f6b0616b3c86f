"""`afs mcp trust`: what a server's tools say they are now, against what was accepted; and accepting it."""

import difflib
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import click

from runner.classes import identify
from runner.config import ServerSpec, find_config, load_config, select, shipped_config
from runner.errors import ConfigError
from runner.trust import Pins, blocked_by, digest, pins_folder, shown
from servers.machine.errors import ServerError
from servers.machine.wire import clean, shorten

__all__ = ["changes", "trust"]

_CONNECT_SECONDS = 20.0


@click.command()
@click.argument("server")
@click.option("--yes", is_flag=True, help="accept without a question")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="mcp.json to use; default the nearest")
def trust(*, server: str, yes: bool, config: Path | None) -> None:
    """Show what has changed in the tools of SERVER since they were accepted, and accept them as they are now.

    Starts the server to ask it for its tools, and calls none of them. Exit status 1: they were not accepted.
    """
    try:
        path = config or find_config(Path.cwd()) or shipped_config()
        (spec,) = select(load_config(path), (server,))
        who, pins = identify(spec), Pins(pins_folder())
        click.echo(f"{spec.name}: {who.title}")
        found = anyio.run(_listed, spec)
        kept = pins.kept(who)
        old = {tool: item.text for tool, item in kept.items()} if kept is not None else None
        known = pins.known(who)
        gone = [tool for tool in old or {} if tool not in found]
        if known and not blocked_by(known, {tool: digest(item) for tool, item in found.items()}) and not gone:
            click.echo(f"all {len(found)} tools are as they were accepted")
            return
        click.echo(changes(old or {}, found), nl=False)
        if not (yes or _agreed()):
            click.echo("not accepted: tools that changed or are new stay disabled")
            raise SystemExit(1)
        click.echo(f"accepted: {len(found)} tools, kept in {pins.accept(who, found)}")
    except (ConfigError, ServerError, OSError) as error:
        raise click.ClickException(clean(str(error))) from error


def _agreed() -> bool:
    if not sys.stdin.isatty():
        click.echo("nobody is here to agree: look at the above, then run it again with --yes", err=True)
        return False
    return click.confirm("Accept these tools?", default=False)


def changes(old: Mapping[str, str], found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what differs between kept texts of tools and what a server says now: lines to read, cleaned."""
    parts: list[str] = []
    for tool in [*found, *(tool for tool in old if tool not in found)]:
        before = old.get(tool, "")
        after = shown(found[tool]).text if tool in found else ""
        if before != after:
            what = "new" if not before else "changed" if after else "gone"
            lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
            parts += [f"{clean(shorten(tool, 64))}: {what}", *(f"  {line}" for line in list(lines)[2:])]
    return "".join(f"{line}\n" for line in parts)


async def _listed(spec: ServerSpec) -> Mapping[str, Mapping[str, Any]]:
    """Start a server, and return the definitions of its tools."""
    from runner.connection import Connection, Shared
    from runner.sdk import import_sdk
    from runner.warden import Warden

    with tempfile.TemporaryDirectory() as folder:  # its pins count for nothing: the question is what it says now
        warden = Warden()
        shared = Shared(_ignore, Pins(Path(folder)), warden)
        connection = Connection(spec, connect_timeout=_CONNECT_SECONDS, call_timeout=1, shared=shared)
        imported = anyio.Event()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(connection.own, imported)
                await connection.started.wait()
                import_sdk()
                imported.set()
                await connection.settled.wait()
                tasks.cancel_scope.cancel()
        finally:
            warden.close()
    if connection.state.state != "ready":
        raise ConfigError(f"{spec.name} could not be asked: {connection.state.detail}")
    return connection.accepted.latest


def _ignore(_: object) -> None:
    return
