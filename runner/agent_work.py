"""What the commands of `afs agent` and `afs-run` do; kept apart, since `--help` and `--version` need none of it."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import click

from runner.columns import width
from runner.conduct import EXIT_CODES, Request, preview_request, run_request
from runner.conversation import Preview
from runner.display import call_line, route_line
from runner.errors import OutOfTime, RunnerError
from runner.feedback import Feedback, rating_line
from runner.feedback_cli import ask_rating
from runner.recorder import Recorder, run_json
from runner.routing.switches import switches_of
from schemas.run import Run
from servers.machine.errors import ServerError
from servers.machine.wire import clean
from servers.settings import Settings

__all__ = ["answer", "list_runs", "show_kept"]


def _settings(context_root: Path | None) -> Settings:
    settings = Settings.from_environment()
    if context_root is None:
        return settings
    if str(context_root) == ".":
        raise click.UsageError("--context-root . would fill this folder; name the root, e.g. --context-root ./.context")
    return settings.at(context_root)


def answer(options: dict[str, Any], prompt: str, context_root: Path | None) -> None:
    """Run a prompt with the options of `afs-run`, print what came of it, and exit with its status."""
    names = {key: _names(options[key]) for key in ("tools", "servers", "allow", "fuse")}
    budgets = ("max_steps", "max_tokens", "max_seconds", "context_budget")
    plain = ("expert", "model", "config", "resume", "critic", "strategy", "plan", "unchecked", *budgets)
    quiet = options["quiet"] or options["as_json"]
    chosen = {key: options[key] for key in plain}
    switches = _guard(lambda: switches_of(**{key: options[key] for key in ("offline", "local_only", "max_cost")}))
    request = Request.model_validate({"prompt": prompt, "quiet": quiet, "switches": switches, **names, **chosen})
    settings = _settings(context_root)
    if options["dry_run"]:
        _preview(_guard(lambda: preview_request(request, settings)), as_json=options["as_json"])
        return
    run = _guard(lambda: _run(request, settings, options), as_json=options["as_json"])
    _print(run, as_json=options["as_json"])
    if not (quiet or options["no_rate"]):
        ask_rating(run, Feedback(Recorder(settings.context_root)))
    sys.exit(EXIT_CODES[run.stop])


def _run(request: Request, settings: Settings, options: dict[str, Any]) -> Run:
    from runner.queue.join import run_or_join

    if options["alone"]:
        return run_request(request, settings)
    return run_or_join(request, settings, priority=options["priority"], deadline=options["deadline"])


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _preview(found: Preview, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found.model_dump(mode="json")))
        return
    window = f" of {found.window}" if found.window else ""
    asked = ", ".join(f"{source['tool']} ({source['seconds']} s)" for source in found.context)
    for label, text in (
        *([("route", route_line(found.route))] if found.route else []),
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


class _Stopped(click.ClickException):
    """Nothing failed, and there is no answer."""

    exit_code = EXIT_CODES["budget"]


def _guard(work: Any, *, as_json: bool = False) -> Any:
    try:
        return work()
    except (RunnerError, ServerError) as error:
        kept = getattr(error, "run", None)
        if kept is not None:
            _print(kept, as_json=as_json)
        failure = _Stopped if isinstance(error, OutOfTime) else click.ClickException
        raise failure(clean(str(error))) from error
    except KeyboardInterrupt:
        click.echo("afs-run: interrupted; the run is kept, go on with --resume last", err=True)
        sys.exit(EXIT_CODES["interrupted"])


def show_kept(run_id: str, context_root: Path | None, *, as_json: bool) -> None:
    """Print a kept run."""
    from rich.console import Console

    from runner.display import show_run

    recorder = Recorder(_settings(context_root).context_root)
    run = _guard(lambda: recorder.load(run_id))
    rating = _guard(Feedback(recorder).last_words).get(run.id)
    out: Any = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="backslashreplace")  # an ASCII terminal still shows the run
    if as_json:
        click.echo(run_json(run))
    else:
        show_run(run, Console())
        if rating is not None:
            click.echo(f"\nrated {rating_line(rating)}")


def list_runs(limit: int, context_root: Path | None, *, as_json: bool) -> None:
    """Print a line or two for each of the newest kept runs."""
    recorder = Recorder(_settings(context_root).context_root)
    ratings = _guard(Feedback(recorder).last_words)
    for line in recorder.lines(limit):
        rating = ratings.get(line.id)
        if as_json:
            click.echo(json.dumps({**line._asdict(), "rating": rating.rating if rating else 0}))
        else:
            mark = f"{rating.rating:+d}" if rating else ""
            for text in _run_lines(f"{line.id}  {line.stop:<11}  {mark:<2}", clean(line.model), line.prompt):
                click.echo(text)


def _run_lines(about: str, model: str, prompt: str) -> list[str]:
    """Return a run's line; what there is no room for goes to a line of its own, and only the prompt is ever cut."""
    shown = repr(clean(prompt[:70]))
    if len(f"{about}  {model:<28}  {shown}") <= width():
        return [f"{about}  {model:<28}  {shown}"]
    whole = f"{about}  {model}"
    return [*([whole] if len(whole) <= width() else [about.rstrip(), f"    {model}"]), f"    {shown}"[: width()]]
