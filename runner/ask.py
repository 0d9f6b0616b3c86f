"""The seam of everything that asks several experts: `ask(prompt, expert) -> Run`, and the run that is made of runs.

The critic loop, fusion, the generalist and plans know of experts only this: an `Ask` that takes a prompt and the name
of an expert and returns a `Run`, its answer checked (see `runner.checks`). What they return is a `Run` of its own,
whose parts are kept as runs too and named in its metadata.
"""

import time
from collections.abc import Awaitable, Sequence
from typing import Protocol

from pydantic import JsonValue

from runner.conversation import unstarted
from runner.errors import KeepError, RunnerError
from schemas.message import Message, Usage
from schemas.run import Run, Stop
from schemas.verdict import Checked, Verdict

__all__ = ["Ask", "ask_safely", "bare", "joined", "tokens_of"]

VERDICT_LINE = "\n\nVerdict: "
"""What stands between an answer and the verdict on it, see `runner.checks.verdict_text`."""


class Ask(Protocol):
    """Has an expert answer a prompt."""

    def __call__(self, prompt: str, expert: str, *, earlier: Run | None = None) -> Awaitable[Run]:
        """Return the run of `expert` on `prompt`; `earlier` is a run of the same expert to go on from.

        A failure of the model or of a tool is in the run. Raises ConfigError where there is no such expert or model.
        """
        ...


async def ask_safely(ask: Ask, prompt: str, expert: str) -> Run:
    """Ask; what prevents a run becomes a run that says why, so that one expert's failure is not that of all."""
    try:
        return await ask(prompt, expert)
    except RunnerError as error:
        if isinstance(error, KeepError) and error.run is not None:
            return error.run
        return unstarted(prompt, expert, "none", None).model_copy(update={"stop": "model_error", "error": str(error)})


def bare(run: Run) -> str:
    """Return the answer of a run without the verdict that stands under it."""
    text, line, _ = run.answer.rpartition(VERDICT_LINE)
    return text if line else run.answer


def tokens_of(run: Run) -> int:
    """Return the tokens of a run, those with it that its provider had not counted when it broke off."""
    uncounted = run.metadata.get("uncounted")
    return run.usage.total + (uncounted if isinstance(uncounted, int) else 0)


def joined(
    prompt: str,
    parts: Sequence[Run],
    *,
    expert: str,
    answer: str,
    verdict: Verdict,
    checks: Sequence[Checked] = (),
    stop: Stop = "answer",
    error: str = "",
    begun: float,
    metadata: dict[str, JsonValue],
) -> Run:
    """Return the run that is made of `parts`; `begun` is when it began, by the monotonic clock in seconds."""
    models = list(dict.fromkeys(part.model for part in parts))
    blank = unstarted(prompt, expert, models[0] if len(models) == 1 else ",".join(models), None)
    usage = sum((part.usage for part in parts), Usage())
    said = [Message(role="assistant", text=answer)] if answer else []
    return blank.model_copy(
        update={
            "started": parts[0].started if parts else blank.started,
            "seconds": round(time.monotonic() - begun, 3),
            "stop": stop,
            "error": error,
            "answer": answer,
            "verdict": verdict,
            "checks": tuple(checks),
            "grounded": bool(parts) and all(part.grounded for part in parts),
            "messages": (*blank.messages, *said),
            "usage": usage,
            "metadata": {"parts": [part.id for part in parts], **metadata},
        }
    )
