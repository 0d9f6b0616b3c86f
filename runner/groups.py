"""The command line `afs`: loads its groups by name from the entry points `afs.commands`, and imports none itself."""

import importlib.metadata
from typing import Any

import click

__all__ = ["afs"]


class _Groups(click.Group):
    """A group whose commands are entry points: a folder offers its own, and is imported only when it is called."""

    def _points(self) -> dict[str, importlib.metadata.EntryPoint]:
        return {point.name: point for point in importlib.metadata.entry_points(group="afs.commands")}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all groups."""
        return sorted(self._points())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one group by its name."""
        point = self._points().get(cmd_name)
        if point is None:
            return None
        command: Any = point.load()
        if not isinstance(command, click.Command):
            raise click.ClickException(f"{point.value} is not a command; reinstall the suite")
        return command


@click.group(cls=_Groups, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="afs-suite", prog_name="afs")
def afs() -> None:
    """AFS suite: MCP servers for ROM hacking, and local experts that use them."""
