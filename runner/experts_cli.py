"""`afs agent experts` and `afs agent trace`: who can be asked, and the runs of the generalist as text to train on.

What the commands need is imported when they are called: the group that lists them starts without.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.columns import columns

if TYPE_CHECKING:
    from runner.recorder import Recorder
    from schemas.expert import Expert
    from schemas.run import Run

__all__ = ["experts_command", "trace_command"]


@click.command("experts")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
def experts_command(as_json: bool) -> None:  # noqa: FBT001  # click passes its options so
    """List the experts and the tool sets."""
    from runner.errors import RunnerError
    from runner.experts import load_experts

    try:
        found = load_experts()
    except RunnerError as error:
        raise click.ClickException(str(error)) from error
    experts = [expert for _, expert in sorted(found.experts.items())]
    if as_json:
        for expert in experts:
            click.echo(expert.model_dump_json())
        return
    sets = [(f"set {name}", ", ".join(found.expand(tools))) for name, tools in sorted(found.sets.items())]
    for line in columns([*((expert.name, _about(expert)) for expert in experts), *sets]):
        click.echo(line)


def _about(expert: "Expert") -> str:
    none = "planned: no model of its own yet" if expert.planned else "no Ollama model"
    return f"{expert.summary}  [{expert.models.get('ollama', none)}]"


@click.command("trace")
@click.argument("run_ids", metavar="[RUN]...", nargs=-1)
@click.option("--context-root", type=click.Path(path_type=Path), help="AFS context root (AFS_CONTEXT_ROOT, ~/.context)")
def trace_command(run_ids: tuple[str, ...], context_root: Path | None) -> None:
    """Print runs of the generalist as training text, one JSON object a line: prompt, and completion in its protocol.

    RUN is the id of a run, the end of its id, or `last`; none: all kept runs that asked an expert and were not refuted.
    The text is as it was said: take out secrets before you train on it.
    """
    from runner.errors import RunnerError
    from runner.generalist import trace_lines
    from runner.recorder import Recorder
    from servers.settings import Settings

    settings = Settings.from_environment()
    recorder = Recorder(settings.context_root if context_root is None else settings.at(context_root).context_root)
    try:
        for name in run_ids:
            run = recorder.load(name)
            line = next(trace_lines([run]), "")
            if not line:
                raise click.ClickException(f"run {run.id} has no trace: {_why_not(run)}")
            click.echo(line)
    except RunnerError as error:
        raise click.ClickException(str(error)) from error
    if not run_ids:
        for line in trace_lines(_kept(recorder)):
            click.echo(line)


def _kept(recorder: "Recorder") -> "Iterator[Run]":
    from runner.errors import ConfigError

    for name in recorder.ids():
        try:
            yield recorder.load(name)
        except ConfigError as error:
            click.echo(str(error), err=True)


def _why_not(run: "Run") -> str:
    if run.stop != "answer" or run.verdict == "refuted":
        return f"it ended with {run.stop} and was {run.verdict}"
    return "it asked no expert; ask with --expert generalist"
