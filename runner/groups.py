"""The command line `afs`: loads its groups by name from the entry points `afs.commands`, and imports none itself."""

import importlib
import importlib.metadata
from collections.abc import Mapping
from typing import Any

import click

__all__ = ["Later", "afs"]


class Later(click.Group):
    """A group that imports some of its commands only when they are called, or shown in its help."""

    def __init__(self, *args: Any, later: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self._later = dict(later or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*super().list_commands(ctx), *self._later})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command by its name, importing it where it is one of the later ones."""
        place = self._later.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        module, _, name = place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


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
