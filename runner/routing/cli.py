"""`afs agent route`, `stats`, `modelfile` and `train-router`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.columns import columns, folded, width
from runner.errors import ConfigError, RunnerError
from servers.machine.errors import ServerError
from servers.machine.wire import clean

if TYPE_CHECKING:
    from runner.routing.placing import Looked
    from runner.routing.router import Explained
    from runner.routing.stats import Aim, Group, Report
    from runner.routing.training import Tested, Trained

__all__ = ["modelfile_command", "route_command", "stats_command", "train_router_command"]


class _Told(click.ClickException):
    """An error of ours, shown without control characters."""

    def __init__(self, error: Exception) -> None:
        super().__init__(clean(str(error)))


@click.command("route")
@click.argument("prompt", nargs=-1, required=True)
@click.option("-e", "--expert", default="", help="choose only where this expert would answer")
@click.option("--offline", is_flag=True, help="choose as without a network (AFS_OFFLINE=1)")
@click.option("--local-only", is_flag=True, help="choose as when nothing may leave this machine (AFS_LOCAL_ONLY=1)")
@click.option("--max-cost", type=click.FloatRange(0), default=None, help="US dollars, at most (AFS_MAX_COST)")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    default=None,
    help="complexity that goes to the cloud (AFS_ROUTE_THRESHOLD, 0.7)",
)
@click.option("--json", "as_json", is_flag=True, help="print everything as JSON")
def route_command(prompt: tuple[str, ...], **options: Any) -> None:
    """Say which expert PROMPT goes to, where `afs-run` would run it now, and why. Nothing is run, nothing is sent."""
    import anyio

    text = _text(prompt)
    try:
        told = anyio.run(_route, text, options)
    except (RunnerError, ServerError) as error:
        raise _Told(error) from error
    if options["as_json"]:
        click.echo(json.dumps(told, indent=1))
    else:
        click.echo("\n".join(columns([(label, clean(text)) for label, text in _lines(told)])))


async def _route(text: str, options: dict[str, Any]) -> dict[str, Any]:
    from runner.experts import load_experts
    from runner.routing.placing import look
    from runner.routing.switches import switches_of
    from servers.settings import Settings

    experts = load_experts()
    named = experts.find(options["expert"]) if options["expert"] else None
    switches = switches_of(**{key: options[key] for key in ("offline", "local_only", "max_cost", "threshold")})
    looked = await look(text, experts, Settings.from_environment(), switches=switches, expert=named)
    return {**_told(looked.explained), "where": _where(looked), "notes": list(looked.notes)}


def _text(words: tuple[str, ...]) -> str:
    if words != ("-",):
        return " ".join(words)
    return sys.stdin.buffer.read(800_000).decode("utf-8", "replace")


def _told(explained: "Explained") -> dict[str, Any]:
    from runner.routing.intents import EXPERT_OF

    found = explained.route
    shares = sorted(explained.judgement.probabilities.items(), key=lambda item: -item[1])
    return {
        "intent": found.intent,
        "expert": found.expert,
        "confidence": found.confidence,
        "why": found.why,
        "scores": {EXPERT_OF[intent]: round(share, 4) for intent, share in shares},
        "reasons": [{"what": reason.what, "weight": reason.weight} for reason in explained.reasons],
        "keywords": {hit.expert: list(hit.words) for hit in explained.hits},
        "complexity": {"value": explained.complexity.value, "parts": dict(explained.complexity.parts)},
    }


def _where(looked: "Looked") -> dict[str, str]:
    """Say where it would run now; nowhere is an answer, too: it tells what to set up."""
    from runner.routing.placing import placed_at

    try:
        found = placed_at(looked)
    except ConfigError as error:
        return {"where": "nowhere", "model": "", "why": str(error)}
    return {"where": found.choice.where, "model": found.choice.model, "why": found.choice.why}


def _lines(told: dict[str, Any]) -> list[tuple[str, str]]:
    where, complexity = told["where"], told["complexity"]
    scores = [f"{name} {share:.0%}" for name, share in told["scores"].items() if share >= 0.01]
    parts = [f"{name} {value:.2f}" for name, value in complexity["parts"].items() if value]
    words = [f"{item['what']} {item['weight']:+.2f}" for item in told["reasons"]]
    keywords = [f"{name}: {', '.join(found)}" for name, found in told["keywords"].items()]
    return [
        ("intent", f"{told['intent']} ({told['confidence']:.0%})"),
        ("expert", told["expert"]),
        ("why", told["why"]),
        ("scores", ", ".join(scores)),
        ("reasons", ", ".join(words) or "nothing"),
        ("keywords", "; ".join(keywords) or "none"),
        ("complexity", f"{complexity['value']:.2f} ({', '.join(parts) or 'nothing'})"),
        ("where", f"{', '.join(filter(None, (where['where'], where['model'])))}: {where['why']}"),
        *(("note", note) for note in told["notes"]),
    ]


@click.command("stats")
@click.option("--limit", type=click.IntRange(1, 100_000), default=1_000, show_default=True, help="newest runs to read")
@click.option("--days", type=click.FloatRange(0), default=0.0, help="only runs of so many last days; 0 is all")
@click.option("--context-root", type=click.Path(path_type=Path), help="AFS context root (AFS_CONTEXT_ROOT, ~/.context)")
@click.option("--json", "as_json", is_flag=True, help="print the report as JSON")
def stats_command(limit: int, days: float, context_root: Path | None, **options: Any) -> None:
    """Show time, cost, tokens, local share and fallbacks of the kept runs, by expert and model."""
    from runner.feedback import Feedback
    from runner.recorder import Recorder
    from runner.routing.stats import newest, report
    from servers.settings import Settings

    settings = Settings.from_environment()
    root = settings.context_root if context_root is None else settings.at(context_root).context_root
    recorder = Recorder(root)
    runs, damaged = newest(recorder, limit=limit, days=min(days, 36_500.0))
    try:
        found = report(runs, damaged=damaged, ratings=Feedback(recorder).last_words())
    except RunnerError as error:
        raise _Told(error) from error
    if options["as_json"]:
        click.echo(found.model_dump_json(indent=1))
        return
    click.echo("\n".join(clean(line) for line in _report_lines(found)))


_FIGURES = " runs   ok median s slow s    tokens   cost $ local again   +1   -1"


def _report_lines(found: "Report") -> list[str]:
    lines = [_FIGURES.rjust(_table_width()), *_group_lines(found.total)]
    for title, groups in (("by expert", found.experts), ("by model", found.models)):
        lines += [title, *(line for group in groups for line in _group_lines(group))]
    lines.append("aims")
    for aim in found.aims:
        lines += folded(f"  {aim.name:<28} ", _aim_text(aim))
    lines += folded("", "again: answered by a second choice; slow: nine of ten runs took less")
    return lines + ([f"{found.damaged} kept runs cannot be read"] if found.damaged else [])


def _table_width() -> int:
    return min(width(), len(_FIGURES) + 34)


def _group_lines(group: "Group") -> list[str]:
    """Return the line of a group; a name that is too long for it stands whole on a line of its own."""
    tokens = group.prompt_tokens + group.answer_tokens
    share = f"{group.local / group.runs:.0%}" if group.runs else "-"
    figures = (
        f"{group.runs:>5}{group.answered:>5}{group.median_seconds:>9.1f}{group.slow_seconds:>7.1f}{tokens:>10}"
        f"{group.cost:>9.4f}{share:>6}{group.fallbacks:>6}{group.good:>5}{group.bad:>5}"
    )
    room, name = _table_width() - len(figures), f"  {group.name}"
    return [name.ljust(room) + figures] if len(name) <= room else [name, " " * room + figures]


def _aim_text(aim: "Aim") -> str:
    told = "not measured yet" if aim.value is None else f"{aim.value:.0%} of {aim.of}"
    return f"{told}, was {aim.start}, aim {aim.goal}: {aim.how}"


@click.command("modelfile")
@click.argument("expert")
@click.option("--from", "made_from", default="", help="model or GGUF file to start from; default the expert's")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="file to write; default standard output"
)
@click.option("--force", is_flag=True, help="replace the file if it is there")
def modelfile_command(expert: str, made_from: str, output: Path | None, **options: Any) -> None:
    """Write an Ollama Modelfile of EXPERT: what it starts from, its parameters, instructions and examples."""
    from runner.experts import load_experts
    from runner.modelfile import modelfile

    try:
        text = modelfile(load_experts().find(expert), made_from=made_from)
        if output is None:
            click.echo(text, nl=False)
            return
        _write(output, text, force=options["force"])
    except (RunnerError, ServerError) as error:
        raise _Told(error) from error
    click.echo(f"{clean(str(output))} is written; run `ollama create NAME -f {clean(str(output))}`", err=True)


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        with path.open("w" if force else "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{path} is there already; replace it with --force, or name another --output") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}; name another --output") from error


@click.command("train-router")
@click.option(
    "--prompts", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="your own labelled prompts (CSV)"
)
@click.option(
    "--unseen",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="prompts to test on, never trained on",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="file for the weights; default the shipped one",
)
@click.option("--check", is_flag=True, help="write nothing; fail if the weights do not come from the prompts")
def train_router_command(prompts: Path | None, unseen: Path | None, output: Path | None, **options: Any) -> None:
    """Train the router's classifier and report its accuracy and calibration on authors that it has not seen.

    Needs scikit-learn (the extra train-router). The CSV files have the columns prompt,intent,conflict,author,template.
    """
    from runner.routing import training
    from runner.routing.classifier import WEIGHTS, read_weights

    target = output or WEIGHTS
    try:
        trained = training.train(
            training.read_prompts(prompts or training.PROMPTS),
            tell=lambda line: click.echo(f"training {line}", err=True),
        )
        if options["check"]:
            found = training.differences(trained.data, target)
            if found:
                raise ConfigError(
                    f"{target} differs in {', '.join(found)}; write it again with `afs agent train-router`"
                )
        else:
            training.write_weights(trained.data, target)
        tested = training.measure(read_weights(target), training.read_prompts(unseen)) if unseen else None
    except (RunnerError, ServerError) as error:
        raise _Told(error) from error
    click.echo("\n".join(_training_lines(trained, tested)))
    click.echo(f"{target} " + ("comes from the prompts" if options["check"] else "is written"))


def _training_lines(trained: "Trained", unseen: "Tested | None") -> list[str]:
    lines = [f"without the author {name:<10} {_tested_line(told)}" for name, told in trained.by_author.items()]
    lines += [f"all of them                   {_tested_line(trained.all_authors)}"]
    lines += [f"those with conflicting words  {_tested_line(trained.conflicts)}"]
    return lines + ([f"unseen file                   {_tested_line(unseen)}"] if unseen else [])


def _tested_line(told: "Tested") -> str:
    interval = f"95% interval {told.low:.3f} to {told.high:.3f}"
    return (
        f"{told.accuracy:.3f} ({told.right} of {told.of}; {interval}; calibration error {told.calibration_error:.3f})"
    )
