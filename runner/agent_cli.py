"""`afs agent` and `afs-run`: run a prompt, list and show what was run, list the experts."""

import math
import select
import sys
from pathlib import Path
from typing import Any, TextIO

import click

from runner.groups import Later

__all__ = ["agent", "run_prompt"]

PROMPT_LIMIT = 200_000
"""Characters of a prompt: more than any local context holds."""

_CONTEXT_ROOT = click.option(
    "--context-root", type=click.Path(path_type=Path), help="AFS context root (AFS_CONTEXT_ROOT, ~/.context)"
)

_LATER = {
    **{name: f"runner.queue.cli:{name}_command" for name in ("cancel", "queue", "serve", "submit")},
    **{name: f"runner.routing.cli:{name}_command" for name in ("modelfile", "route", "stats")},
    "train-router": "runner.routing.cli:train_router_command",
    **{name: f"runner.experts_cli:{name}_command" for name in ("experts", "trace")},
    "rate": "runner.feedback_cli:rate_command",
}


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


def _finite(_: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        unit = "US dollars" if parameter.name == "max_cost" else "seconds"
        raise click.BadParameter(f"write a number of {unit}", param=parameter)
    return value


@click.command("run", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("prompt", nargs=-1)
@click.option("-e", "--expert", default="", help="who answers: din, nayru, farore, ...; default the router's choice")
@click.option(
    "-m",
    "--model",
    default="",
    help="provider:name (embedded, ollama, openai, claude, gemini, scripted)",
)
@click.option("-t", "--tools", default="", help="tools or tool sets (afs, triforce), by commas; default the expert's")
@click.option("-s", "--servers", default="", help="servers of mcp.json to start, by commas; default all")
@click.option("--allow", default="", help="tools (tool or server.tool, by commas) that may run programs unasked")
@click.option("--local-only", is_flag=True, help="nothing of the prompt leaves this machine (AFS_LOCAL_ONLY=1)")
@click.option("--offline", is_flag=True, help="choose as without a network (AFS_OFFLINE=1)")
@click.option(
    "--max-cost",
    type=click.FloatRange(0),
    default=None,
    callback=_finite,
    help="US dollars that hosted models may cost, at most (AFS_MAX_COST)",
)
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
@click.option("--critic", default="", help="an expert that judges each answer and sends it back to mend, e.g. farore")
@click.option("--fuse", default="", help="experts (by commas) that all answer; one answer is chosen, dissent is told")
@click.option(
    "--strategy", type=click.Choice(["consensus", "weighted", "best"]), default="consensus", help="how --fuse chooses"
)
@click.option("--plan", is_flag=True, help="part the prompt into steps for several experts")
@click.option("--unchecked", is_flag=True, help="give answers as they are, without asking tools about them")
@click.option("--resume", default="", help="continue a kept run by its id, or `last`")
@_CONTEXT_ROOT
@click.option("--json", "as_json", is_flag=True, help="print the whole run as JSON")
@click.option("-q", "--quiet", is_flag=True, help="print the answer only")
@click.option(
    "--priority",
    type=click.Choice(["training", "interactive", "analysis", "scheduled"]),
    default="interactive",
    help="place in the queue, where `afs agent serve` runs one",
)
@click.option("--deadline", type=click.FloatRange(0), default=0.0, callback=_finite, help="seconds; in a queue only")
@click.option("--alone", is_flag=True, help="run here even where a queue is served")
@click.option("--dry-run", is_flag=True, help="show what would be sent to the model, and send nothing")
@click.option("--no-rate", is_flag=True, help="do not ask at the terminal whether the answer served (AFS_NO_RATE=1)")
@click.version_option(package_name="afs-suite")
def run_prompt(prompt: tuple[str, ...], context_root: Path | None, **options: Any) -> None:
    """Run PROMPT on a model with the tools of the MCP servers, and print the answer.

    PROMPT is read from standard input when it is `-` or missing. Steps are shown on standard error. Exit status:
    0 an answer, 1 an error, 2 wrong usage, 3 stopped without an answer, 4 the model failed, 130 interrupted.
    """
    from runner.agent_work import answer

    answer(options, _prompt(prompt, optional=bool(options["resume"])), context_root)


@click.group(cls=Later, later=_LATER)
def agent() -> None:
    """Run prompts on experts, and look at what was run."""


agent.add_command(run_prompt)


@agent.command("show")
@click.argument("run_id", metavar="RUN")
@_CONTEXT_ROOT
@click.option("--json", "as_json", is_flag=True, help="print the run as JSON")
def show(run_id: str, context_root: Path | None, **options: Any) -> None:
    """Print a kept run: its id, the end of its id, or `last`."""
    from runner.agent_work import show_kept

    show_kept(run_id, context_root, as_json=options["as_json"])


@agent.command("runs")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@_CONTEXT_ROOT
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
def runs(limit: int, context_root: Path | None, **options: Any) -> None:
    """List the kept runs, newest first."""
    from runner.agent_work import list_runs

    list_runs(limit, context_root, as_json=options["as_json"])
