"""A job: a request that the queue has taken on, with what became of it so far."""

from typing import Literal, get_args

from pydantic import Field, JsonValue, field_validator

from runner.errors import ConfigError
from schemas.frozen import Frozen

__all__ = [
    "CARRIED",
    "ENDED",
    "HELD_BACK",
    "PRIORITIES",
    "Job",
    "Priority",
    "State",
    "Submission",
    "as_line",
    "had_ended",
]

Priority = Literal["training", "interactive", "analysis", "scheduled"]
"""Whose turn it is first, highest to lowest."""
PRIORITIES: tuple[Priority, ...] = get_args(Priority)

State = Literal["waiting", "running", "done", "failed", "cancelled", "expired", "interrupted"]
"""`done` has a kept run, whatever that came to; `failed` has none; `interrupted` was begun and can't be told to be
harmless to begin again."""
ENDED: frozenset[State] = frozenset({"done", "failed", "cancelled", "expired", "interrupted"})

CARRIED = (
    *("AFS_CONTEXT_ROOT", "AFS_PROJECT_ROOT", "AFS_WORKSPACE_ROOTS", "AFS_SYMBOLS", "AFS_ASAR", "AFS_GRAPH_FILE"),
    *("MEMORY_FILE_PATH", "AFS_EMBED_MODEL", "OLLAMA_HOST", "AFS_EXPERTS", "AFS_TOOL_CLASSES", "AFS_PINS_DIR"),
    *("AFS_KEYS_FILE", "AFS_PRICES", "AFS_LOCAL_ONLY", "AFS_OFFLINE", "AFS_MAX_COST", "AFS_ROUTE_THRESHOLD"),
)
"""Variables of the one who asks that the run sees. No key is among them: what is submitted lies on the disk."""
HELD_BACK = ("AFS_LOCAL_ONLY", "AFS_OFFLINE")
"""Those that hold for every run of a server which has them, unless the one who asks says otherwise."""

_PATH = 4096
_SHOWN = 100


class Submission(Frozen):
    """What a client hands in."""

    id: str = Field(pattern=r"^[0-9a-f]{16}$", description="chosen by the client, so that it can take it back unheard")
    priority: Priority = "interactive"
    request: dict[str, JsonValue] = Field(description="a request as `afs-run` makes it of its options")
    cwd: str = Field(max_length=_PATH, description="the folder in which it is run")
    context_root: str = Field(max_length=_PATH, description="where the run is kept")
    environ: dict[str, str] = Field(default={}, description="variables for the run, of those in CARRIED")
    deadline: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="seconds from now; 0: none")

    @field_validator("environ")
    @classmethod
    def _carried(cls, environ: dict[str, str]) -> dict[str, str]:
        return {name: value[:_PATH] for name, value in environ.items() if name in CARRIED}

    @property
    def model(self) -> str:
        """The model whose limit counts: as asked for, or `local` where the runner chooses."""
        return str(self.request.get("model") or "local")


class Job(Frozen):
    """A submission in the queue. Times are seconds since 1970."""

    submission: Submission
    number: int = Field(description="in the order of arrival")
    state: State = "waiting"
    submitted: float
    deadline: float = Field(default=0.0, description="when it has to have ended; 0: whenever")
    attempt: int = Field(default=0, description="how often it was begun")
    called: int = Field(default=0, description="how many calls of tools this attempt has begun")
    run: str = Field(default="", description="id of the run of this attempt, kept or not yet")
    resume: str = Field(default="", description="id of the kept run with which the next attempt goes on")
    detail: str = Field(default="", description="why it ended as it did, with the next step")
    begun: float = 0.0
    ended: float = 0.0

    @property
    def id(self) -> str:
        """The id that the client chose."""
        return self.submission.id

    @property
    def priority(self) -> Priority:
        """The class that it was submitted in."""
        return self.submission.priority

    @property
    def model(self) -> str:
        """The model whose limit counts."""
        return self.submission.model


def had_ended(job: Job) -> ConfigError:
    """Return what to tell one who cancels a job that has ended."""
    step = f"; its run is {job.run}, afs agent show {job.run}" if job.run else ""
    return ConfigError(f"job {job.id} had ended already: {job.state}{step}")


def as_line(job: Job, *, place: int = 0, reason: str = "") -> dict[str, JsonValue]:
    """Return a job for a list: `place` counts from 1 for what waits, `reason` says why it does."""
    return {
        "id": job.id,
        "state": job.state,
        "priority": job.priority,
        "place": place,
        "reason": reason or job.detail,
        "model": job.model,
        "prompt": str(job.submission.request.get("prompt", ""))[:_SHOWN],
        "submitted": job.submitted,
        "begun": job.begun,
        "ended": job.ended,
        "deadline": job.deadline,
        "attempt": job.attempt,
        "run": job.run or job.resume,
    }
