"""`afs context`: lay a context root out, see its state, mend it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from servers.machine.errors import ServerError
from servers.machine.wire import clean
from servers.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator

    from servers.context.laying import LaidOut
    from servers.context.opened import Opened
    from servers.context.repairing import Repaired

__all__ = ["context"]

_JSON = click.option("--json", "as_json", is_flag=True, help="print the result as one JSON object")
_ROOT = click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="folder of the context (default: AFS_CONTEXT_ROOT, else ~/.context)",
)


@contextmanager
def _opened(root: Path | None, project: Path | None = None) -> Generator[Opened]:
    """Give the context; what cannot be done ends the command with its text."""
    import dataclasses

    from servers.context.opened import Opened

    settings = Settings.from_environment()
    settings = settings.at(root) if root else settings
    if project:
        settings = dataclasses.replace(settings, project_root=project.expanduser().absolute())
    try:
        yield Opened(settings)
    except ServerError as error:
        raise click.ClickException(clean(str(error))) from error


def _say(*lines: str) -> None:
    for line in lines:
        click.echo(clean(line))


@click.group()
def context() -> None:
    """The context that your agents share: notes, handoffs, memory, knowledge."""


@context.command()
@_ROOT
@click.option("--layout", type=click.Choice(["1", "2"]), default=None, help="version (default: its own, else 2)")
@click.option("--project", type=click.Path(path_type=Path, file_okay=False, exists=True), default=None, help="folder")
@click.option("--name", default="", help="name of the project (default: its folder's)")
@click.option("--no-project", is_flag=True, help="register no project")
@_JSON
def init(
    *,
    root: Path | None,
    layout: Literal["1", "2"] | None,
    project: Path | None,
    name: str,
    no_project: bool,
    as_json: bool,
) -> None:
    """Lay the context out and register the project that you are in; what is there stays. Run it in each project."""
    from servers.context.laying import lay_out, project_folder, register

    version: Literal[0, 1, 2] = 0 if layout is None else 1 if layout == "1" else 2
    with _opened(root) as opened:
        place = opened.root(create=True)
        done = lay_out(place, version=version)
        folder = None if no_project else project_folder(project or Path.cwd())
        if folder is not None:
            known, new = register(place, folder, name)
            done = done._replace(project=known, registered=new)
    where = str(opened.settings.context_root)
    if as_json:
        click.echo(json.dumps({"root": where, **done._asdict(), "project": done.project and done.project._asdict()}))
        return
    _say(*_told(done, where), *([] if folder or no_project else ["no project: your home folder is none"]))


def _told(done: LaidOut, where: str) -> list[str]:
    lines = [f"{where}: layout version {done.version}, {len(done.made)} folders and files made"]
    lines += [f"moved {line}" for line in done.moved]
    lines += [f"take it back with: afs context repair --undo {done.undo}"] if done.undo else []
    if done.project:
        new = "registered the project" if done.registered else "the project is known:"
        lines.append(f"{new} {done.project.name} ({done.project.id}): {', '.join(done.project.paths)}")
    return lines


@context.command()
@_ROOT
@_JSON
def status(*, root: Path | None, as_json: bool) -> None:
    """Show the layout, its policies, projects, what each folder holds, and what is wrong."""
    from servers.context.status import status as state

    with _opened(root) as opened:
        found = state(opened, deep=True)
    if as_json:
        click.echo(found.model_dump_json())
    else:
        _say(found.as_text())


@context.command()
@_ROOT
@click.option("--dry-run", is_flag=True, help="only say what would be done")
@click.option("--undo", "record", default="", metavar="NAME", help="take back what an earlier run moved")
@_JSON
def repair(*, root: Path | None, dry_run: bool, record: str, as_json: bool) -> None:
    """Mend the context: make missing folders, put broken pieces aside. Nothing is deleted; --undo takes it back."""
    from servers.context.moved import undo
    from servers.context.repairing import repair as mend

    with _opened(root) as opened:
        if record:
            taken = undo(opened.root(), record)
            lines = [f"moved back {path}" for path in taken.back] + [f"left: {text}" for text in taken.left]
            _say(json.dumps(taken._asdict()) if as_json else "\n".join(lines or ["nothing was moved"]))
            if taken.left:
                raise click.exceptions.Exit(1)
            return
        found = mend(opened, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(found._asdict()))
    else:
        _say(*_repaired(found))
    if found.failed:
        raise click.exceptions.Exit(1)


def _repaired(found: Repaired) -> list[str]:
    lines = [*found.done] or ["nothing to mend"]
    lines += [f"could not mend {line}" for line in found.failed]
    lines += [f"take it back with: afs context repair --undo {found.undo}"] if found.undo else []
    return lines + (["for you to look at:", *found.told] if found.told else [])


@context.command()
@click.argument("name")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
@_ROOT
def mount(*, name: str, folder: Path | None, root: Path | None) -> None:
    """Let agents read FOLDER as mounts/NAME/...; without FOLDER, take the mount away."""
    from servers.context.mounts import mount as share

    with _opened(root) as opened:
        path = str(folder.expanduser().absolute()) if folder else ""
        asked = share(opened, name, path, "")
        done = share(opened, name, path, asked.confirm) if asked.confirm else asked
    _say(done.as_text())
