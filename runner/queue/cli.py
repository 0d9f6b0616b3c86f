"""`afs agent serve`, `queue`, `cancel` and `submit`."""

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from runner.errors import RunnerError
from runner.queue.job import PRIORITIES, as_line, had_ended
from runner.queue.place import Place, place_of
from servers.machine.errors import ServerError
from servers.machine.wire import clean
from servers.settings import Settings

if TYPE_CHECKING:
    from runner.queue.board import Rules

__all__ = ["cancel_command", "queue_command", "serve_command", "submit_command"]

T = TypeVar("T")


def _told(work: Callable[[], T]) -> T:
    try:
        return work()
    except (RunnerError, ServerError) as error:
        raise click.ClickException(clean(str(error))) from error
    except KeyboardInterrupt:
        sys.exit(130)


def _limits(_: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in values:
        model, _equals, number = value.rpartition("=")
        if not model or not number.isdecimal() or not 0 < int(number) < 1000:
            raise click.BadParameter("write MODEL=NUMBER, e.g. ollama:nayru-v5=2", param=parameter)
        found[model] = int(number)
    return found


@click.command("serve")
@click.option("--at-once", type=click.IntRange(1, 64), default=1, show_default=True, help="jobs that run at once")
@click.option(
    "--limit", multiple=True, callback=_limits, metavar="MODEL=N", help="of one model, if not 1; `local` where none"
)
@click.option("--age", type=click.FloatRange(1), default=600.0, show_default=True, help="seconds worth one class")
@click.option("--training", multiple=True, help="program or pid file; while it runs, all but training jobs wait")
@click.option("--max-load", type=click.FloatRange(0), default=4.0, show_default=True, help="for each processor")
@click.option("--min-memory", type=click.FloatRange(0), default=512.0, show_default=True, help="MiB that must be free")
@click.option("--max-gpu", type=click.FloatRange(0, 1), default=0.9, show_default=True, help="share of time in use")
@click.option("--min-gpu-memory", type=click.FloatRange(0), default=0.0, show_default=True, help="MiB, of one card")
@click.option("--drain", type=click.FloatRange(0), default=60.0, show_default=True, help="seconds to end what runs")
def serve_command(**options: Any) -> None:
    """Serve the queue of this data folder until a signal ends it; the first lets what runs come to its end.

    Priorities: training, interactive, analysis, scheduled. `--max-load` and `--max-gpu` hold analysis and scheduled
    jobs back; 0 switches a bound off.
    """
    import anyio

    from runner.queue.server import serve

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    place = place_of(Settings.from_environment())
    click.echo(f"afs agent serve: the queue of {clean(str(place.folder))}", err=True)
    _told(lambda: anyio.run(serve, place, _rules(options)))


def _rules(options: dict[str, Any]) -> "Rules":
    from runner.queue.board import Rules
    from runner.queue.order import Slots
    from runner.queue.watch import Bounds

    return Rules(
        slots=Slots(total=options["at_once"], models=options["limit"]),
        bounds=Bounds(
            load=options["max_load"],
            free_mb=options["min_memory"],
            card_busy=options["max_gpu"],
            card_free_mb=options["min_gpu_memory"],
            training=options["training"],
        ),
        age=options["age"],
        drain_seconds=options["drain"],
    )


@click.command("queue")
@click.option("--all", "everything", is_flag=True, help="also what has ended")
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def queue_command(**options: Any) -> None:
    """List what runs and what waits, each with its place and what it waits for."""
    place = place_of(Settings.from_environment())
    listed = _told(lambda: _listed(place, everything=options["everything"]))
    if options["as_json"]:
        click.echo(json.dumps(listed))
        return
    click.echo(clean(_state(listed)))
    for line in cast("list[dict[str, Any]]", listed["jobs"]):
        where = f"{line['place']:>3}" if line["place"] else "   "
        about = f"{line['run']} " if line["run"] else ""
        text = f"{where}  {line['id']}  {line['state']:<11} {line['priority']:<11} {line['prompt'][:50]!r}"
        click.echo(clean(f"{text}  {about}{line['reason']}".rstrip()).replace("\n", " "))


def _state(listed: dict[str, Any]) -> str:
    if not listed.get("pid"):
        return "no queue is served; start one with afs agent serve"
    machine = listed["machine"]
    free = "" if machine["free_mb"] is None else f", {machine['free_mb']:.0f} MiB free"
    parts = [f"served by process {listed['pid']}; load {machine['load']:.1f} for each processor{free}"]
    parts += [f"{machine['training']} is training"] if machine["training"] else []
    parts += ["ending"] if listed["draining"] else []
    parts += [listed["problem"]] if listed["problem"] else []
    return "; ".join(parts)


def _listed(place: Place, *, everything: bool) -> dict[str, Any]:
    """Return what the server says, or where none serves, what lies in the database."""
    import anyio

    from runner.queue.client import NotServed, ask_queue
    from runner.queue.job import ENDED
    from runner.queue.order import in_turn
    from runner.queue.store import Store

    no_jobs: list[dict[str, Any]] = []
    listed: dict[str, Any]
    try:
        listed = anyio.run(ask_queue, place, {"op": "list"})
    except NotServed:
        listed = {"jobs": no_jobs, "pid": 0}
    if not place.database.exists():
        return listed
    store = Store(place.database)
    try:
        if not listed["pid"]:
            waiting = enumerate(in_turn(store.jobs("waiting"), store.age()), 1)
            kept = [as_line(job, reason="its server is gone") for job in store.jobs("running")]
            listed["jobs"] = kept + [as_line(job, place=number) for number, job in waiting]
        if everything:
            listed["jobs"] += [as_line(job) for job in store.jobs(*sorted(ENDED), limit=1000)]
    finally:
        store.close()
    return listed


@click.command("cancel")
@click.argument("job")
def cancel_command(job: str) -> None:
    """Cancel JOB, by its id or the end of it; what a running one has done is kept."""
    place = place_of(Settings.from_environment())
    click.echo(clean(_told(lambda: _cancel(place, job))))


def _cancel(place: Place, name: str) -> str:
    import anyio

    from runner.queue.client import NotServed, ask_queue
    from runner.queue.store import Store

    try:
        answer = anyio.run(ask_queue, place, {"op": "cancel", "id": name})
    except NotServed:
        if not place.database.exists():
            raise
    else:
        return f"{answer.get('cancelled')}: {answer.get('detail')}"
    store = Store(place.database)
    try:
        job = store.job(name)
        done = store.end(job, "cancelled", detail="cancelled while no queue was served")
        if not done:
            raise had_ended(store.job(job.id))
        return f"{job.id}: cancelled"
    finally:
        store.close()


@click.command("submit")
@click.argument("prompt", nargs=-1, required=True)
@click.option("-e", "--expert", default="", help="who answers")
@click.option("-m", "--model", default="", help="provider:name")
@click.option("-t", "--tools", default="", help="tools or tool sets, by commas")
@click.option("-s", "--servers", default="", help="servers of mcp.json, by commas")
@click.option("--max-steps", type=click.IntRange(1, 200), default=10, show_default=True)
@click.option("--priority", type=click.Choice(PRIORITIES), default="scheduled", show_default=True)
@click.option("--deadline", type=click.FloatRange(0), default=0.0, help="seconds from now; 0 is none")
@click.option("--context-root", type=click.Path(path_type=Path), help="AFS context root")
def submit_command(prompt: tuple[str, ...], **options: Any) -> None:
    """Put PROMPT into the queue and leave it there; print the id of the job."""
    import anyio

    from runner.conduct import Request
    from runner.conversation import asked
    from runner.queue.client import new_submission, submit
    from runner.routing.switches import switches_of

    settings = Settings.from_environment()
    root = options["context_root"]
    settings = settings.at(root) if root else settings
    request = Request(
        prompt=_told(lambda: asked(" ".join(prompt), None)),
        expert=options["expert"],
        model=options["model"],
        tools=_names(options["tools"]),
        servers=_names(options["servers"]),
        max_steps=options["max_steps"],
        switches=_told(switches_of),
    )
    submission = new_submission(
        request.model_dump(mode="json"),
        settings.context_root,
        priority=options["priority"],
        deadline=options["deadline"],
    )
    click.echo(_told(lambda: anyio.run(submit, place_of(settings), submission)))


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())
