"""The trials of an evaluation, kept one JSON line each, so that one that was stopped goes on where it was."""

import json
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from pydantic import Field, ValidationError

from benchmarks.experts.prompt import ExpertName, Prompt
from schemas.frozen import Frozen
from schemas.run import Stop
from schemas.verdict import Verdict
from servers.machine.errors import ServerError
from servers.machine.store import append_line

__all__ = ["ARMS", "Arm", "Attempt", "Trial", "Trials"]

Arm = Literal["without", "with"]
ARMS: tuple[Arm, ...] = get_args(Arm)


class Attempt(Frozen):
    """One answer on the way to the last one, and the verdict of the tools on it."""

    answer: str
    verdict: Verdict


class Trial(Frozen):
    """One prompt put to its expert in one arm. What the answer is worth is found when the report is made."""

    prompt: str = Field(description="the id of the prompt")
    digest: str = Field(description="of the prompt's text at that time")
    expert: ExpertName
    arm: Arm
    model: str
    stop: Stop
    error: str = ""
    answer: str = ""
    verdict: Verdict = "unchecked"
    attempts: tuple[Attempt, ...] = ()
    seconds: float = 0.0
    tokens: int = 0


class _Key(NamedTuple):
    prompt: str
    digest: str
    arm: str
    model: str


class Trials:
    """The trials of one model in a file; of two of the same prompt and arm the later one counts."""

    def __init__(self, path: Path, *, model: str) -> None:
        self.path = path
        self.unreadable = 0
        """Lines that are no trial, e.g. one that was cut off."""
        self._model = model
        self._kept = {_key(trial): trial for trial in self._read()}

    def of(self, prompt: Prompt, arm: Arm) -> Trial | None:
        """Return the trial of a prompt, as it reads now, in an arm; None where there is none yet."""
        return self._kept.get(_Key(prompt.id, prompt.digest(), arm, self._model))

    def keep(self, trial: Trial) -> None:
        """Keep a trial. Raises ServerError with the next step when the file cannot be written."""
        append_line(self.path, trial.model_dump_json().encode())
        self._kept[_key(trial)] = trial

    def _read(self) -> list[Trial]:
        found: list[Trial] = []
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return found
        except OSError as error:
            raise ServerError(f"{self.path} cannot be read ({error.strerror}); name another file with --out") from error
        for line in text.split("\n"):
            if not line.strip():
                continue
            try:
                found.append(Trial.model_validate(json.loads(line)))
            except (ValidationError, json.JSONDecodeError, RecursionError):
                self.unreadable += 1
        return found


def _key(trial: Trial) -> _Key:
    return _Key(trial.prompt, trial.digest, trial.arm, trial.model)
