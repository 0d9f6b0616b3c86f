"""`afs workspace`: scan folders, find duplicates, ask, plan to clean up, and do or undo such a plan."""

from __future__ import annotations

import dataclasses
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from servers.machine.errors import ServerError
from servers.machine.wire import clean
from servers.settings import Settings
from servers.workspace.opened import Opened
from servers.workspace.scan_walk import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from servers.workspace.cleanup_plan import Receipt

__all__ = ["workspace"]

_FOLDER = click.argument("folder", type=click.Path(path_type=Path), default=".")
_JSON = click.option("--json", "as_json", is_flag=True, help="print the result as one JSON object")


class _Result(Protocol):
    def as_text(self) -> str: ...
    def model_dump_json(self) -> str: ...


@contextmanager
def _errors() -> Generator[None]:
    """End the command with the text of what cannot be done."""
    try:
        yield
    except ServerError as error:
        raise click.ClickException(clean(str(error))) from error


@contextmanager
def _opened(folder: Path) -> Generator[Opened]:
    settings = Settings.from_environment()
    opened = Opened(dataclasses.replace(settings, roots=(folder.absolute(),)))
    with _errors():
        try:
            yield opened
        finally:
            opened.close()


@contextmanager
def _bar(label: str) -> Generator[Callable[[int, int], None]]:
    """Show a bar on standard error when that is a terminal."""
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = max(1, total, done)
            bar.update(done - bar.pos)

        yield progress


@contextmanager
def _pace(label: str) -> Generator[Pace]:
    with _bar(label) as progress:

        def told(done: int, total: int, _text: str) -> None:
            progress(done, total)

        yield Pace(lambda: False, told)


def _tell(result: _Result, *, as_json: bool) -> None:
    click.echo(result.model_dump_json() if as_json else clean(result.as_text()))


@click.group()
def workspace() -> None:
    """Your folders: scan them, ask about them, find duplicates, clean up with a way back."""


@workspace.command()
@_FOLDER
@click.option("--changed-only", is_flag=True, help="read only folders whose own time has changed")
@click.option("--min-size", default=1, type=click.IntRange(0), help="compare files from so many bytes on; 0: none")
@_JSON
def scan(folder: Path, *, changed_only: bool, min_size: int, as_json: bool) -> None:
    """Scan FOLDER; what was cut short goes on where it was."""
    from servers.workspace.scan import scan_tree

    with _opened(folder) as opened, _pace(f"scanning {folder}") as pace:
        found = scan_tree(opened, "", pace, changed_only=changed_only, min_size=min_size)
    _tell(found, as_json=as_json)


@workspace.command()
@_FOLDER
@click.option("--min-size", default=1, type=click.IntRange(1), help="only files of at least so many bytes")
@click.option("--kind", default="", help="only files of this kind: rom, archive, image, ...")
@click.option("--limit", default=30, type=click.IntRange(1, 200), show_default=True)
@click.option("--offset", default=0, type=click.IntRange(0), show_default=True)
@_JSON
def duplicates(folder: Path, *, min_size: int, kind: str, limit: int, offset: int, as_json: bool) -> None:
    """List files of the same content below FOLDER."""
    from servers.workspace.duplicates import find_groups

    with _opened(folder) as opened, _pace(f"comparing {folder}") as pace:
        found = find_groups(opened, "", pace, min_size=min_size, kind=kind, limit=limit, offset=offset)
    _tell(found, as_json=as_json)


@workspace.command()
@click.argument("question")
@_FOLDER
@click.option("--limit", default=10, type=click.IntRange(1, 50), show_default=True)
@_JSON
def ask(question: str, folder: Path, *, limit: int, as_json: bool) -> None:
    """Answer a QUESTION about the files below FOLDER: "where are my ROM hacks?"."""
    from servers.workspace.asking import answer

    with _opened(folder) as opened, _pace(f"looking through {folder}") as pace:
        found = answer(opened, question, "", pace, limit=limit)
    _tell(found, as_json=as_json)


@workspace.command()
@_FOLDER
@click.option("--what", default="all", type=click.Choice(["all", "duplicate", "cache", "temporary", "archive"]))
@click.option("--min-size", default=100_000, type=click.IntRange(1), show_default=True, help="bytes")
@click.option("--limit", default=40, type=click.IntRange(1, 200), show_default=True)
@_JSON
def plan(folder: Path, *, what: str, min_size: int, limit: int, as_json: bool) -> None:
    """Plan what could go to the trash below FOLDER; nothing is moved."""
    from servers.workspace.cleanup import WHATS, What, plan_tree

    with _opened(folder) as opened, _pace(f"comparing {folder}") as pace:
        sort: What = next(known for known in WHATS if known == what)
        made = plan_tree(opened, "", pace, plan="", what=sort, min_size=min_size, limit=limit, offset=0)
    _tell(made, as_json=as_json)


@workspace.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--sure", default="likely", type=click.Choice(["sure", "likely", "unsure"]), show_default=True,
              help="do what is at least so sure")  # fmt: skip
@click.option("--yes", is_flag=True, help="do not ask")
@_JSON
def apply(plan: Path, *, sure: str, yes: bool, as_json: bool) -> None:
    """Show a PLAN, ask, look at each file again and move it to the trash; `undo` puts all back."""
    from servers.workspace.cleanup_applying import apply_plan
    from servers.workspace.cleanup_plan import SURENESS, read_plan
    from servers.workspace.scan_results import amount

    with _errors():
        known = read_plan(plan)
        degrees = SURENESS[: list[str](SURENESS).index(sure) + 1]
        wanted = [action for action in known.actions if action.sure in degrees]
        for action in wanted:
            click.echo(clean(action.as_text()), err=True)
        total = f"{len(wanted)} of {len(known.actions)} actions, {amount(sum(action.size for action in wanted))}"
        if not wanted:
            raise click.ClickException(f"nothing in the plan is {sure}; try --sure unsure")
        if not yes:
            click.confirm(f"Move {total} below {clean(known.root)} to the trash?", abort=True, err=True)
        receipt_path = plan.absolute().with_name(f"{plan.stem}-receipt.json")
        if receipt_path.exists():
            raise click.ClickException(f"the plan was applied before, see {clean(str(receipt_path))}; plan again")
        with _bar("moving to the trash") as progress:
            receipt = apply_plan(known, receipt_path, sure=degrees, told=progress)
    _told(receipt, receipt_path, failed="left", as_json=as_json)


@workspace.command()
@click.argument("receipt", type=click.Path(path_type=Path))
@_JSON
def undo(receipt: Path, *, as_json: bool) -> None:
    """Put back what a RECEIPT of `apply` says was moved; nothing is overwritten."""
    from servers.workspace.cleanup_applying import undo as put_back
    from servers.workspace.cleanup_plan import read_receipt

    with _errors():
        done = put_back(read_receipt(receipt), receipt.absolute())
    _told(done, receipt.absolute(), failed="moved", as_json=as_json)


def _told(receipt: Receipt, path: Path, *, failed: str, as_json: bool) -> None:
    """Say what became of each action; exit 1 when one came to the state that is none to end in."""
    if as_json:
        click.echo(receipt.model_dump_json())
    else:
        for move in receipt.moves:
            why = f": {move.why}" if move.why else ""
            click.echo(clean(f"{move.state}: {move.path}{why}"))
        click.echo(clean(f"receipt: {path}; `afs workspace undo` takes it, and the trash can be emptied by you"))
    if any(move.state == failed for move in receipt.moves):
        raise click.exceptions.Exit(1)
