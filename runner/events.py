"""What happens during a run, told as it happens: to the display, to a stream of the library, to a server's progress."""

from collections.abc import Callable
from dataclasses import dataclass

from schemas.message import ToolCall
from schemas.route import Route
from schemas.run import CallRecord, Run, ServerState, Step

__all__ = [
    "CallDone",
    "CallStarted",
    "Event",
    "ModelOpened",
    "Note",
    "OnEvent",
    "Routed",
    "RunDone",
    "RunStarted",
    "ServersReady",
    "StepDone",
    "StepStarted",
    "Text",
    "ignore_event",
]


@dataclass(frozen=True)
class Routed:
    """A prompt was given to an expert and a model, for the reason in `route.why`; a second time after a failure."""

    route: Route


@dataclass(frozen=True)
class ModelOpened:
    """The model of an agent was chosen."""

    model: str
    """provider:name"""
    why: str


@dataclass(frozen=True)
class ServersReady:
    """The servers of an agent are up, or have failed."""

    states: tuple[ServerState, ...]
    offered: int
    """How many tools the model may use."""


@dataclass(frozen=True)
class RunStarted:
    """A run begins; `run` has its id and its prompt, and nothing yet of what will happen."""

    run: Run


@dataclass(frozen=True)
class StepStarted:
    """The model is asked."""

    index: int


@dataclass(frozen=True)
class Text:
    """A piece of the model's text arrived."""

    text: str


@dataclass(frozen=True)
class CallStarted:
    """A tool is about to run."""

    call: ToolCall


@dataclass(frozen=True)
class CallDone:
    """A tool has run."""

    record: CallRecord


@dataclass(frozen=True)
class Note:
    """Something the runner wants the user to know."""

    text: str
    loud: bool = False
    """Whether the user is told even where little is shown: it changes who answers, or what it takes."""


@dataclass(frozen=True)
class StepDone:
    """A step is complete."""

    step: Step


@dataclass(frozen=True)
class RunDone:
    """The run has ended; the last event of it."""

    run: Run


Event = (
    Routed
    | ModelOpened
    | ServersReady
    | RunStarted
    | StepStarted
    | Text
    | CallStarted
    | CallDone
    | Note
    | StepDone
    | RunDone
)
OnEvent = Callable[[Event], None]


def ignore_event(_: Event) -> None:
    """Drop the event: for callers who wait for the run."""
