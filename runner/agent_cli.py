"""`afs agent` and `afs-run`: run a prompt, list and show what was run, list the experts."""

import io
import json
import math
import select
import sys
from pathlib import Path
from typing import Any, TextIO

import click

from runner.conduct import EXIT_CODES, Request, preview_request, run_request
from runner.conversation import Preview
from runner.display import call_line
from runner.errors import RunnerError
from schemas.run import Run
from servers.machine.errors import ServerError
from servers.machine.wire import clean
from servers.settings import Settings

__all__ = ["agent", "run_prompt"]

PROMPT_LIMIT = 200_000
"""Characters of a prompt: more than any local context holds."""

_CONTEXT_ROOT = click.option(
    "--context-root", type=click.Path(path_type=Path), help="AFS context root (AFS_CONTEXT_ROOT, ~/.context)"
)


def _settings(context_root: Path | None) -> Settings:
    settings = Settings.from_environment()
    if context_root is None:
        return settings
    if str(context_root) == ".":
        raise click.UsageError("--context-root . would fill this folder; name the root, e.g. --context-root ./.context")
    return settings.at(context_root)


def _prompt(words: tuple[str, ...], *, optional: bool) -> str:
    text = " ".join(words)
    if text == "-" or (not words and _is_piped(sys.stdin, optional=optional)):
        text = sys.stdin.buffer.read(PROMPT_LIMIT * 4 + 1).decode("utf-8", "replace")
    if not text.strip() and not optional:
        raise click.UsageError('the prompt is empty; write afs-run "your question", or pipe it in')
    if len(text) > PROMPT_LIMIT:
        raise click.UsageError(
            f"the prompt has more than {PROMPT_LIMIT:,} characters; put the material below the context root "
            "and let the model read it with read_context"
        )
    return text.strip()


def _is_piped(stdin: TextIO | None, *, optional: bool) -> bool:
    """Tell whether a prompt waits on standard input; where none is needed, only what is there at once counts."""
    if stdin is None or stdin.isatty():
        return False
    return not optional or bool(select.select([stdin], [], [], 0.2)[0])


def _finite(_: click.Context, parameter: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter("write a number of seconds", param=parameter)
    return value


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


@click.command("run", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("prompt", nargs=-1)
@click.option("-e", "--expert", default="", help="who answers: din, nayru, farore, veran, majora, ...")
@click.option("-m", "--model", default="", help="provider:name (ollama, embedded, scripted), or an Ollama model")
@click.option("-t", "--tools", default="", help="tools or tool sets (afs, triforce), by commas; default the expert's")
@click.option("-s", "--servers", default="", help="servers of mcp.json to start, by commas; default all")
@click.option("--allow", default="", help="tools (tool or server.tool, by commas) that may run programs unasked")
@click.option("--config", type=click.Path(path_type=Path), help="mcp.json to use; default the nearest, else ours")
@click.option("--max-steps", type=click.IntRange(1, 200), default=10, show_default=True)
@click.option("--max-tokens", type=click.IntRange(0), default=0, help="budget of tokens for the run; 0 is no limit")
@click.option(
    "--max-seconds", type=click.FloatRange(0), default=0.0, callback=_finite, help="budget of time; 0 is no limit"
)
@click.option(
    "--context-budget",
    type=click.IntRange(0, 100_000),
    default=None,
    help="tokens of context to gather before the first step; 0 none; default by the model, none for the embedded one",
)
@click.option("--resume", default="", help="continue a kept run by its id, or `last`")
@_CONTEXT_ROOT
@click.option("--json", "as_json", is_flag=True, help="print the whole run as JSON")
@click.option("-q", "--quiet", is_flag=True, help="print the answer only")
@click.option("--dry-run", is_flag=True, help="show what would be sent to the model, and send nothing")
@click.version_option(package_name="afs-suite")
def run_prompt(prompt: tuple[str, ...], context_root: Path | None, **options: Any) -> None:
    """Run PROMPT on a model with the tools of the MCP servers, and print the answer.

    PROMPT is read from standard input when it is `-` or missing. Steps are shown on standard error. Exit status:
    0 an answer, 1 an error, 2 wrong usage, 3 stopped without an answer, 4 the model failed, 130 interrupted.
    """
    text = _prompt(prompt, optional=bool(options["resume"]))
    request = Request(
        prompt=text,
        expert=options["expert"],
        model=options["model"],
        tools=_names(options["tools"]),
        servers=_names(options["servers"]),
        config=options["config"],
        max_steps=options["max_steps"],
        max_tokens=options["max_tokens"],
        max_seconds=options["max_seconds"],
        resume=options["resume"],
        context_budget=options["context_budget"],
        allow=_names(options["allow"]),
        quiet=options["quiet"] or options["as_json"],
    )
    settings = _settings(context_root)
    if options["dry_run"]:
        _preview(_guard(lambda: preview_request(request, settings)), as_json=options["as_json"])
        return
    run = _guard(lambda: run_request(request, settings), as_json=options["as_json"])
    _print(run, as_json=options["as_json"])
    sys.exit(EXIT_CODES[run.stop])


def _preview(found: Preview, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found.model_dump(mode="json")))
        return
    window = f" of {found.window}" if found.window else ""
    asked = ", ".join(f"{source['tool']} ({source['seconds']} s)" for source in found.context)
    for label, text in (
        ("expert", found.expert),
        ("model", found.model),
        ("servers", ", ".join(f"{state.name} {state.state} ({state.tools})" for state in found.servers)),
        ("tools", ", ".join(found.tools)),
        ("context", asked),
        ("tokens", f"about {found.tokens}{window} in the first request; nothing was sent"),
    ):
        click.echo(f"{label:>8}  {clean(text) or 'none'}")
    for message in found.messages:
        calls = "; ".join(call_line(call) for call in message.calls)
        click.echo(f"\n[{message.role}]\n{clean('; '.join(filter(None, (message.text, calls))))}")


def _print(run: Run, *, as_json: bool) -> None:
    from runner.recorder import run_json

    try:
        if as_json:
            click.echo(run_json(run))
        elif run.answer:
            click.echo(clean(run.answer))
    except OSError as error:
        sys.stdout = None  # what is buffered for it would fail again at the end
        raise click.ClickException(
            f"the answer could not be written ({error.strerror}); it is kept in run {run.id}"
        ) from error
    if run.error:
        click.echo(f"afs-run: {clean(run.error)}", err=True)


def _guard(work: Any, *, as_json: bool = False) -> Any:
    try:
        return work()
    except (RunnerError, ServerError) as error:
        kept = getattr(error, "run", None)
        if kept is not None:
            _print(kept, as_json=as_json)
        raise click.ClickException(clean(str(error))) from error
    except KeyboardInterrupt:
        click.echo("afs-run: interrupted; the run is kept, go on with --resume last", err=True)
        sys.exit(EXIT_CODES["interrupted"])


@click.group()
def agent() -> None:
    """Run prompts on experts, and look at what was run."""


agent.add_command(run_prompt)


@agent.command("show")
@click.argument("run_id", metavar="RUN")
@_CONTEXT_ROOT
@click.option("--json", "as_json", is_flag=True, help="print the run as JSON")
def show(run_id: str, context_root: Path | None, **options: Any) -> None:
    """Print a kept run: its id, the end of its id, or `last`."""
    from rich.console import Console

    from runner.display import show_run
    from runner.recorder import Recorder, run_json

    run = _guard(lambda: Recorder(_settings(context_root).context_root).load(run_id))
    out: Any = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="backslashreplace")  # an ASCII terminal still shows the run
    if options["as_json"]:
        click.echo(run_json(run))
    else:
        show_run(run, Console())


@agent.command("runs")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@_CONTEXT_ROOT
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
def runs(limit: int, context_root: Path | None, **options: Any) -> None:
    """List the kept runs, newest first."""
    from runner.recorder import Recorder

    for line in Recorder(_settings(context_root).context_root).lines(limit):
        if options["as_json"]:
            click.echo(json.dumps(line._asdict()))
        else:
            click.echo(clean(f"{line.id}  {line.stop:<11}  {line.model:<28}  {line.prompt[:70]!r}"))


@agent.command("experts")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
def experts(**options: Any) -> None:
    """List the experts and the tool sets."""
    from runner.experts import load_experts

    found = _guard(load_experts)
    for name, expert in sorted(found.experts.items()):
        if options["as_json"]:
            click.echo(expert.model_dump_json())
        else:
            click.echo(f"{name:<9} {expert.summary}  [{expert.models.get('ollama', 'no Ollama model')}]")
    if not options["as_json"]:
        for name, tools in sorted(found.sets.items()):
            click.echo(f"set {name}: {', '.join(found.expand(tools))}")
