"""`afs graph`: the user's graph and the code index from the command line: index, search, export, import, forget."""

import json
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click

from servers.graph.opened import Opened, telling
from servers.machine.errors import ServerError
from servers.machine.wire import clean
from servers.settings import Settings

__all__ = ["graph"]

_PIECE = 1 << 16
_FORMATS = ("jsonl", "json", "graphml")
_JSON = click.option("--json", "as_json", is_flag=True, help="print the result as one JSON object")


@contextmanager
def _errors() -> Generator[Opened]:
    """Give the graphs; what they cannot do ends the command with its text."""
    try:
        with telling():
            yield Opened(Settings.from_environment())
    except ServerError as error:
        raise click.ClickException(clean(str(error))) from error


def _format(name: str, form: str) -> str:
    """Return the format that was asked for, else the one of the file's ending."""
    ending = Path(name).suffix.lstrip(".").lower()
    return form or (ending if ending in _FORMATS else "jsonl")


@click.group()
def graph() -> None:
    """Your knowledge graph and the index of your source code."""


@graph.command()
@_JSON
def stats(*, as_json: bool) -> None:
    """Say which graphs there are, where they lie and how large they are."""
    with _errors() as opened, opened.reading():
        views = (opened.graph, *opened.below())
        counted = {view.layer: view.count() for view in views}
    if as_json:
        sizes = {name: {"nodes": nodes, "edges": edges} for name, (nodes, edges) in counted.items()}
        click.echo(json.dumps({"file": str(opened.settings.graph_file), "layers": sizes}))
        return
    click.echo(f"your graph: {opened.settings.graph_file}")
    for name, (nodes, edges) in counted.items():
        click.echo(clean(f"{name:<20} {nodes:>8} nodes {edges:>8} edges"))


@graph.command("index")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", default="", help="name of the codebase (default: the folder's)")
@_JSON
def index(folder: Path, name: str, *, as_json: bool) -> None:
    """Index a disassembly or a hack's source tree; only changed files are read again."""
    import dataclasses

    from servers.graph.coding import index_tree

    with _errors() as opened, _bar(f"indexing {folder}") as progress:
        opened.settings = dataclasses.replace(opened.settings, project_root=folder.absolute())
        done = index_tree(opened, "", name or folder.absolute().name, progress=progress)
    click.echo(done.model_dump_json() if as_json else clean(done.as_text()))


@contextmanager
def _bar(label: str) -> Generator[Callable[[int, int], None]]:
    """Show a bar on standard error when that is a terminal."""
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = max(1, total)
            bar.update(done - bar.pos)

        yield progress


@graph.command()
@click.argument("question")
@click.option("--codebase", default="", help="only this codebase")
@click.option("--limit", default=10, type=click.IntRange(1, 50), show_default=True)
@_JSON
def search(question: str, codebase: str, limit: int, *, as_json: bool) -> None:
    """Search the indexed code: a plain question, a name or an address."""
    from servers.graph.coding import search_places

    with _errors() as opened:
        found = search_places(opened, question, codebase, kind="any", limit=limit, offset=0)
    click.echo(found.model_dump_json() if as_json else clean(found.as_text()))


@graph.command()
@click.argument("codebase")
def forget(codebase: str) -> None:
    """Drop a codebase from the index; its source files are not touched."""
    with _errors() as opened, opened.code() as code:
        if not code.forget(codebase):
            raise ServerError(f"no codebase {codebase[:60]!r} is indexed; `afs graph stats` lists them")
    click.echo(clean(f"forgotten: {codebase}"))


@graph.command("export")
@click.argument("output", type=click.File("w", encoding="utf-8", atomic=True), default="-")
@click.option("--format", "form", type=click.Choice(_FORMATS), default=None, help="default: by the file's ending")
def export(output: IO[str], form: str | None) -> None:
    """Write your graph to a file (- for standard output): memory-server JSONL, node-link JSON or GraphML."""
    from knowledge.graph_exchange import export_graph

    with _errors() as opened:
        for piece in export_graph(opened.graph, _known(_format(output.name, form or ""))):
            output.write(piece)


@graph.command("import")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--format", "form", type=click.Choice(_FORMATS), default=None, help="default: by the file's ending")
@_JSON
def import_(file: str, form: str | None, *, as_json: bool) -> None:
    """Add what a file holds to your graph; what cannot be read is listed, the rest goes in.

    A memory.jsonl of the reference memory server goes in as it is.
    """
    from knowledge.graph_exchange import import_graph

    try:
        source = click.open_file(file, "rb")
    except OSError as error:
        raise click.ClickException(clean(f"{file} cannot be read ({error.strerror}); name another file")) from error
    with _errors() as opened, source:
        done = import_graph(opened.graph, _pieces(source), _known(_format(file, form or "")))
    _tell(done, as_json=as_json)


def _tell(done: Any, *, as_json: bool) -> None:
    """Say what an import did; exit 1 when something did not go in."""
    if as_json:
        problems = [problem._asdict() for problem in done.problems]
        click.echo(json.dumps({**done._asdict(), "problems": problems}))
    else:
        click.echo(f"{done.nodes} nodes, {done.texts} texts and {done.edges} edges are new")
        for problem in done.problems:
            click.echo(clean(f"{problem.place}: {problem.text}"), err=True)
    if done.problem_count:
        raise click.exceptions.Exit(1)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def _known(form: str) -> Any:
    """Return a format; click has checked it."""
    return form
