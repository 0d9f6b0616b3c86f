"""`afs-run` and the queue: a request joins the queue where one is served, and is run here where none is."""

import sys
from pathlib import Path
from typing import Any

import anyio

from runner.asking import Ask, Question, Reply
from runner.conduct import Request, goes_to_cloud, run_request, until_signal
from runner.errors import ConfigError, OutOfTime, RunnerError
from runner.queue.client import NotServed, follow, new_submission
from runner.queue.job import Job, Priority
from runner.queue.place import place_of
from runner.recorder import Recorder
from runner.terminal import terminal_ask
from schemas.run import Run
from servers.machine.wire import clean
from servers.settings import Settings

__all__ = ["run_or_join"]


def run_or_join(
    request: Request,
    settings: Settings,
    *,
    priority: Priority = "interactive",
    deadline: float = 0.0,
) -> Run:
    """Run a request to its end in the queue that is served for this data folder, or here where none is.

    A request for a hosted model, or one that the router sends to the cloud, is run here at once. `deadline` is in
    seconds from now, 0 for none, and counts in the queue alone.

    Raises:
        RunnerError: something the user can mend; the text says how.
        KeyboardInterrupt: Ctrl-C; the run is kept.
    """
    if not place_of(settings).socket.exists() or anyio.run(goes_to_cloud, request, settings):
        return run_request(request, settings)
    outcome = anyio.run(until_signal, lambda: _join(request, settings, priority, deadline))
    if isinstance(outcome, NotServed):
        return run_request(request, settings)
    if outcome is None:
        raise KeyboardInterrupt
    if isinstance(outcome, RunnerError):
        raise outcome
    return outcome


async def _join(request: Request, settings: Settings, priority: Priority, deadline: float) -> Run | RunnerError | None:
    wanted = _by_id(request, settings)
    submission = new_submission(
        wanted.model_dump(mode="json"), settings.context_root, priority=priority, deadline=deadline
    )
    shown = _Shown(quiet=request.quiet)
    job = await follow(place_of(settings), submission, watch=shown.frame, ask=_asker(shown))
    return _outcome(job, settings.context_root)


def _asker(shown: "_Shown") -> Ask | None:
    """Return who asks at this terminal; None where there is none."""
    ask = terminal_ask(lambda: None)
    if ask is None:
        return None

    async def put(question: Question) -> Reply:
        try:
            return await ask(question)
        except anyio.get_cancelled_exc_class():
            shown.line("\n   queue  the question is withdrawn")
            raise

    return put


def _by_id(request: Request, settings: Settings) -> Request:
    """Return the request with the id of the run that it goes on from: `last` may be another when its turn comes."""
    if not request.resume:
        return request
    return request.model_copy(update={"resume": Recorder(settings.context_root).load(request.resume).id})


def _outcome(job: Job, context_root: Path) -> Run | RunnerError | None:
    if job.state == "done":
        return Recorder(context_root).load(job.run)
    if job.state == "cancelled":
        return ConfigError(f"job {job.id} was cancelled; {job.detail}")
    if job.state == "expired":
        return OutOfTime(f"job {job.id}: {job.detail}")
    return ConfigError(job.detail or f"job {job.id} {job.state}; afs agent queue --all tells more")


class _Shown:
    """Shows on standard error what happens to the job."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._last = ""

    def frame(self, frame: dict[str, Any]) -> None:
        """Show one frame: a place in the queue where it is another one, and what the run shows."""
        if "said" in frame:
            self.line(clean(str(frame["said"])))
        elif not self._quiet and "place" in frame:
            text = f"   queue  place {frame['place']}: {frame.get('reason', '')}"
            if text != self._last:
                self._last = text
                self.line(clean(text))

    def line(self, text: str) -> None:
        """Show a line that is clean."""
        try:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):  # a closed terminal costs the steps, never the run
            self._quiet = True
