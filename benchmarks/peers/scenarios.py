"""What each runner is put through: what the model says in turn, and how what came of it is judged."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from runner.models.http_double import ScriptedReply

__all__ = ["BEHAVIOURS", "FINISHED", "STEPS", "Event", "Judged", "Scenario", "Trial", "turns"]

FINISHED = "All of it is done."
"""What the model says in the end."""
STEPS = 50
"""The limit of steps that each runner is given: far beyond what any script needs."""
ENOUGH = 10
"""Most requests of a run that stops because a call is made again and again, and not for its limit of steps."""
LARGE = 1_000_000
BOUNDED = 100_000
"""Most characters of a result that is bounded: about what a model can read at once."""


class Event(NamedTuple):
    """A line of the echo server's log."""

    event: str
    process: int
    about: str


class Trial(NamedTuple):
    """One run of one runner, as it was seen from outside."""

    exit_code: int | None
    """None: it was killed when its time was over."""
    said: str
    """Its standard output."""
    problem: str
    """The last line of its standard error."""
    requests: tuple[Mapping[str, Any], ...]
    """The bodies of the requests that the model got."""
    log: tuple[Event, ...]
    left: int
    """How many servers were still there when it had ended; they were ended then."""
    cold_ms: float
    """From its start to the first request."""
    gaps_ms: tuple[float, ...]
    """From the end of each reply of the model to the next request."""
    memory_mb: float
    """Its own at the largest, until the last request; 0: not known on this system."""
    cpu_ms: float
    """Of the processor, likewise."""

    @property
    def finished(self) -> bool:
        """Whether it gave the model's last words as its answer, and says that all went well."""
        return self.exit_code == 0 and FINISHED in self.said

    @property
    def ended(self) -> str:
        """How it ended, in a few words."""
        if self.exit_code is None:
            return "killed, out of time"
        words = "the answer" if self.finished else "no answer" if not self.said.strip() else "another answer"
        return f"exit status {self.exit_code}, {words}"

    def results(self) -> tuple[str, ...]:
        """Return what the model was told of tools by the last request, in order."""
        messages = self.requests[-1].get("messages", ()) if self.requests else ()
        return tuple(_text(message.get("content")) for message in messages if message.get("role") == "tool")

    def called(self, tool: str) -> tuple[str, ...]:
        """Return what the calls of a tool that really ran were about."""
        return tuple(event.about for event in self.log if event.event == tool)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts: Sequence[Any] = content or ()
    return "".join(str(part.get("text", "")) for part in parts)


class Judged(NamedTuple):
    """Whether a behaviour is as it should be, and what was seen."""

    handled: bool
    seen: str


def _good(seen: str) -> Judged:
    return Judged(handled=True, seen=seen)


def _bad(seen: str) -> Judged:
    return Judged(handled=False, seen=seen)


class Scenario(NamedTuple):
    """A script of the model, and the judge of the run; `judge` is not asked about a measurement."""

    name: str
    replies: tuple[ScriptedReply, ...]
    judge: Callable[[Trial], Judged]


def _call(name: str, arguments: Any) -> ScriptedReply:
    return ScriptedReply(calls=((name, arguments),))


def turns(number: int) -> Scenario:
    """Return the work that is timed: so many steps of one call each, then an answer."""
    replies = tuple(_call("echo", {"text": f"turn {turn}"}) for turn in range(number))
    return Scenario(f"{number} turns", replies, _all_turns)


def _all_turns(trial: Trial) -> Judged:
    wanted = [f"turn {turn}" for turn in range(len(trial.requests) - 1)]
    return Judged(trial.finished and list(trial.called("echo")) == wanted, trial.ended)


def _parallel(trial: Trial) -> Judged:
    order = [event.event for event in trial.log if event.event.startswith("slow")]
    at_once = order[:2] == ["slow", "slow"]
    whole = trial.finished and {"slow: a", "slow: b"} <= {_found(text, r"slow: [ab]") for text in trial.results()}
    return Judged(at_once and whole, "at the same time" if at_once else "one after another" if whole else trial.ended)


def _found(text: str, pattern: str) -> str:
    match = re.search(pattern, text)
    return match[0] if match else ""


def _unknown(trial: Trial) -> Judged:
    told = trial.results()
    if not (told and trial.finished):
        return _bad(f"the run breaks off: {trial.ended}" if not trial.finished else "the model is not told")
    listed = all(re.search(rf"\b{tool}\b|_{tool}\b", told[0]) for tool in ("echo", "slow", "big"))
    return _good("an error with the tools that there are" if listed else "an error")


def _invalid_json(trial: Trial) -> Judged:
    ran = trial.called("echo")
    if "" in ran:
        return _bad("called with no arguments instead")
    told = trial.results()
    if not (told and trial.finished):
        return _bad(f"the model is not told: {trial.ended}")
    if ran:
        return Judged("cut off" in ran[0], "mended and called")
    says_why = re.search(r"json|pars|argument|decod|quote|string", told[0], re.IGNORECASE)
    return Judged(bool(says_why), "an error that says why" if says_why else "an error that hides the cause")


def _fenced(trial: Trial) -> Judged:
    ran = trial.called("echo") == ("fenced",)
    if not ran:
        return _bad("not called; taken for the answer" if trial.exit_code == 0 else trial.ended)
    return Judged(trial.finished, "called")


def _dies(trial: Trial) -> Judged:
    starts = len(trial.called("start"))
    after = [event.process for event in trial.log if event.event == "echo" and event.about.startswith("after")]
    before = {event.process for event in trial.log if event.event == "die"}
    again = len(after) == 2 and not before & set(after)
    restarted = "started again" if starts > 1 else "not started again"
    works = "and works" if again else "and its calls fail"
    return Judged(
        again and starts == 2 and trial.finished,
        f"{restarted}, {works}" + ("" if trial.finished else f"; {trial.ended}"),
    )


def _endless(trial: Trial) -> Judged:
    asked = len(trial.requests)
    honest = bool(trial.exit_code) or trial.finished
    if trial.exit_code is None:
        return _bad(f"not ended: {asked} requests, then killed")
    if asked > STEPS + 1:
        return _bad(f"not stopped: {asked} requests")
    why = "stopped" if asked <= ENOUGH else "stopped by its limit of steps"
    return Judged(1 < asked <= ENOUGH and honest, f"{why} after {asked} requests; {trial.ended}")


def _large(trial: Trial) -> Judged:
    length = sum(map(len, trial.results()))
    if not (length and trial.finished):
        return _bad(trial.ended)
    if length >= LARGE:
        return _bad(f"whole: {length:,} characters")
    return Judged(length <= BOUNDED, f"bounded: {length:,} characters")


_FENCE = 'I will call the tool.\n```json\n{"name": "{echo}", "arguments": {"text": "fenced"}}\n```\n'

BEHAVIOURS: tuple[Scenario, ...] = (
    Scenario(
        "parallel calls",
        (ScriptedReply(calls=tuple(("slow", {"milliseconds": 400, "tag": tag}) for tag in "ab")),),
        _parallel,
    ),
    Scenario("unknown tool", (_call("no_such_tool", {"text": "x"}),), _unknown),
    Scenario("invalid JSON", (_call("echo", '{"text": "cut off'),), _invalid_json),
    Scenario("fenced call", (ScriptedReply(text=_FENCE),), _fenced),
    Scenario(
        "server dies",
        (_call("echo", {"text": "before"}), _call("die", {}), *(_call("echo", {"text": f"after {n}"}) for n in (1, 2))),
        _dies,
    ),
    Scenario("same call for ever", (_call("echo", {"text": "again"}),) * (2 * STEPS), _endless),
    Scenario("1 MB result", (_call("big", {"characters": LARGE}),), _large),
)
"""What a runner should handle, in the order of the table."""
