"""The errors of the runner: one root, whose text is for the person at the terminal and names the next step.

RunnerError
 + ConfigError     mcp.json, an expert or an option is wrong
 + ModelError      a model could not be reached, refused, or broke off
    + ModelMissing the model is not there yet, and can be had
    + OverBudget   the next request could cost more than may be spent
 + KeepError       a run could not be kept
 + OutOfTime       its deadline came before the queue was done with it
"""

from schemas.message import Usage
from schemas.run import Run

__all__ = ["ConfigError", "KeepError", "ModelError", "ModelMissing", "OutOfTime", "OverBudget", "RunnerError"]


class RunnerError(Exception):
    """Something the user can act on."""


class ConfigError(RunnerError):
    """A configuration file or an option is wrong."""


class ModelError(RunnerError):
    """A model could not be reached, refused the request, or broke off."""

    def __init__(self, message: str, *, partial: str = "", retryable: bool = False) -> None:
        super().__init__(message)
        self.partial = partial
        """Text that had arrived before it broke off."""
        self.usage = Usage()
        """What the provider had counted by then, and what earlier tries of the same reply took."""
        self.retryable = retryable
        """Asking again may succeed (nothing is wrong with the request)."""


class ModelMissing(ModelError):
    """The model is not on this machine, and the text says how to get it."""


class OverBudget(ModelError):
    """The next request to a model could cost more than may be spent; it was not made."""


class OutOfTime(RunnerError):
    """The deadline of a job came before its end: it stopped without an answer, as on a budget."""


class KeepError(RunnerError):
    """A run could not be kept."""

    run: "Run | None" = None
    """The run itself, when it had taken place."""
