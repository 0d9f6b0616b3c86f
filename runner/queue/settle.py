"""What becomes of a job whose worker ended without saying so: it goes on, begins anew, or is told as interrupted.

No call that may have been made is made again behind the model's back: a job goes on from a kept run that tells of
each call which was begun; one whose run does not ends as interrupted.
"""

from pathlib import Path
from typing import Literal

from runner.errors import ConfigError
from runner.queue.job import Job
from runner.queue.store import Store
from runner.recorder import Recorder
from schemas.run import Run

__all__ = ["MOST_ATTEMPTS", "Ending", "end_as_told", "has_its_run", "settle"]

MOST_ATTEMPTS = 3
"""So often is a job begun; one that ends its worker each time would do so for ever."""

Ending = Literal["cancel", "expire", "stop"]
"""Why a worker was told to end its run."""


def settle(store: Store, job: Job, why: str) -> None:
    """Settle the attempt `job`, of whose worker nothing is left; `why` says what happened."""
    run = _kept(job)
    if run is not None and _came_to_its_end(run):
        store.end(job, "done", run=run.id, detail=run.stop)
        return
    goes_on = run.id if run is not None else job.resume
    if job.attempt >= MOST_ATTEMPTS:
        store.end(job, "interrupted", detail=f"{why}, {job.attempt} times; {_step(goes_on)}")
    elif job.called <= _known(run):
        store.back(job, resume=goes_on, detail=f"{why}; it goes on" if goes_on else f"{why}; it begins anew")
    else:
        store.end(job, "interrupted", detail=f"{why}, after tools may have run; {_step(goes_on)}")


def end_as_told(store: Store, job: Job, why: Ending) -> None:
    """Write down what became of the attempt `job`, which was ended before it came to its end."""
    kept = f"; what was done is kept, go on with afs-run --resume {job.run}" if _kept(job) else ""
    if why == "cancel":
        store.end(job, "cancelled", detail=f"cancelled while it ran{kept}")
    elif why == "expire":
        store.end(job, "expired", detail=f"its deadline came while it ran{kept}")
    else:
        settle(store, job, "the queue was stopped")


def has_its_run(job: Job) -> bool:
    """Tell whether the run of an attempt was kept as one that came to its end, whatever its worker said after that."""
    run = _kept(job)
    return run is not None and _came_to_its_end(run)


def _came_to_its_end(run: Run) -> bool:
    return run.stop not in ("running", "interrupted")


def _known(run: Run | None) -> int:
    """Return of how many calls a kept run tells."""
    return sum(len(step.calls) for step in run.steps) if run is not None else 0


def _step(run: str) -> str:
    return f"go on with afs-run --resume {run}" if run else "ask again if that is harmless"


def _kept(job: Job) -> Run | None:
    if not job.run:
        return None
    try:
        return Recorder(Path(job.submission.context_root)).load(job.run)
    except ConfigError:
        return None
