"""A run of the experts' server in the queue of this machine, so that two local models are not loaded at once."""

from typing import TYPE_CHECKING, Any

import anyio

from runner.conduct import Request, is_hosted
from runner.errors import ConfigError
from runner.queue.client import NotServed, follow, new_submission
from runner.serving.place import Place

if TYPE_CHECKING:
    from runner.serving.runs import Asked, Live

__all__ = ["join"]


async def join(place: Place, live: "Live", *, grace: float) -> bool:
    """Have the queue run what was asked, and follow it to its end; False where it has to be run here.

    It is run here where no queue is served, and where a hosted model answers, which needs no turn. The run's time
    counts from its turn on; `grace` seconds later it is cancelled.

    Raises:
        RunnerError: the job ended without a run of its own, or the queue went away while it ran.
    """
    if not place.queue.socket.exists() or _in_cloud(live.asked):
        return False
    submission = new_submission(_request(place, live.asked).model_dump(mode="json"), place.settings.context_root)
    place.aliases.keep(live.run.id, job=submission.id)
    bound = anyio.CancelScope()

    def watch(frame: dict[str, Any]) -> None:
        if "begun" in frame:
            bound.deadline = anyio.current_time() + live.asked.max_seconds + grace
        live.watch(frame)

    try:
        with bound:
            job = await follow(place.queue, submission, watch=watch)
            live.watch({"run": job.run} if job.run else {})
            if job.state != "done":
                raise ConfigError(f"job {job.id} of the queue is {job.state}: {job.detail or 'ask again'}")
    except NotServed:
        return False
    return True


def _in_cloud(asked: "Asked") -> bool:
    placed = asked.sent.placed if asked.sent else None
    return placed.choice.where == "cloud" if placed else is_hosted(asked.model)


def _request(place: Place, asked: "Asked") -> Request:
    placed = asked.sent.placed if asked.sent else None
    pinned = placed.choice.model if asked.earlier and placed else ""  # else the earlier run's model would answer
    return Request(
        prompt=asked.prompt,
        expert=asked.expert.name,
        model=asked.model or pinned,
        config=place.config,
        max_steps=asked.max_steps,
        max_seconds=asked.max_seconds,
        resume=asked.earlier.id if asked.earlier else "",
        switches=place.switches(),
        for_expert=True,
    )
