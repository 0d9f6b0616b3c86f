"""Shows a run as it happens: each step with its tools, arguments, results, time and tokens."""

import contextlib
import json
import os
import sys

from rich.console import Console
from rich.status import Status
from rich.text import Text as Line

from runner import events
from schemas.message import ToolCall
from schemas.route import Route
from schemas.run import CallRecord, Run, ServerState, Step
from servers.machine.wire import clean

__all__ = ["Display", "call_line", "route_line", "show_run"]

_BRIEF = 300
"""Characters of a result that are shown."""


def _brief(text: str, limit: int = _BRIEF) -> str:
    flat = clean(text).strip()
    return flat if len(flat) <= limit else f"{flat[:limit]} ... ({len(flat)} characters)"


def call_line(call: ToolCall) -> str:
    """Return a call as it would be written: `name(argument="value")`."""
    shown = ", ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in call.arguments.items())
    return clean(f"{call.name}({_brief(shown, 200)})")


def route_line(route: Route) -> str:
    """Return where a prompt went, and why, in one line."""
    again = "second choice, " if route.fallback else ""
    placed = f", {again}{route.where}: {route.model}" if route.where else ""
    return clean(f"{route.expert} ({route.intent}, {route.confidence:.0%}){placed}; {route.why}")


class Display:
    """Writes events of the loop to a console; with `quiet` only what went wrong with the servers or the model."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._status: Status | None = None
        self.prompt = ""
        """What is asked, as far as it is known before the run begins."""
        self.model = ""
        """Who answers; empty until the model is opened."""
        self.begun = False
        """Whether a run has begun, which keeps itself from then on."""

    def opening(self, model: str, why: str) -> None:
        """Say what is asked and who answers."""
        self.model = model
        self._say("prompt", _brief(self.prompt, 2000), "bold")
        self._say("model", f"{model} ({why})", "cyan")

    def servers(self, states: tuple[ServerState, ...], offered: int) -> None:
        """Say which servers take part, and always which do not."""
        ready = [f"{state.name} ({state.tools})" for state in states if state.state == "ready"]
        self._say("tools", f"{offered} in play; servers: {', '.join(ready) or 'none'}", "cyan")
        for state in states:
            if state.state != "ready":
                self._always("server", f"{state.name} {state.state}: {_brief(state.detail)}", "yellow")

    def note(self, text: str, *, loud: bool = False) -> None:
        """Show a remark; unless quiet, if it is not loud."""
        (self._always if loud else self._say)("note", _brief(text, 1000 if loud else _BRIEF), "yellow")

    def on_event(self, event: events.Event) -> None:
        """Show one event of the loop."""
        if isinstance(event, events.StepStarted):
            self._wait(f"step {event.index}: the model is thinking")
        elif isinstance(event, events.CallStarted):
            self._say("call", call_line(event.call), "green")
            self._wait(f"{event.call.name} is running")
        elif isinstance(event, events.CallDone):
            self._result(event.record)
        elif isinstance(event, events.StepDone):
            self._step(event.step)
        elif isinstance(event, events.Note):
            self.note(event.text, loud=event.loud)
        else:
            self._frame(event)

    def _frame(self, event: events.Event) -> None:
        """Show what stands around the steps."""
        if isinstance(event, events.Routed):
            self._say("route", _brief(route_line(event.route)), "cyan")
        elif isinstance(event, events.RunStarted):
            self.begun = True
        elif isinstance(event, events.ModelOpened):
            self.opening(event.model, event.why)
        elif isinstance(event, events.ServersReady):
            self.servers(event.states, event.offered)
        elif isinstance(event, events.RunDone):
            self.closing(event.run)

    def _result(self, record: CallRecord) -> None:
        self._wait("")
        style = "" if record.ok else "red"
        whole = f"; whole in {record.file}" if record.file else ""
        whole += "".join(f"; picture in {image.file}" for image in record.images if image.file)
        self._say("result" if record.ok else "failed", f"{_brief(record.text)}  [{record.seconds:.2f} s{whole}]", style)

    def _step(self, step: Step) -> None:
        self._wait("")
        used = f"{step.seconds:.1f} s, {step.usage.prompt_tokens} + {step.usage.answer_tokens} tokens"
        self._say(f"step {step.index}", used + (f"; {step.note}" if step.note else ""), "dim")

    def closing(self, run: Run) -> None:
        """Say how the run ended and where it is."""
        self._wait("")
        rests = "rests on tool results" if run.grounded else "no tool result of this run stands behind it"
        end = f"answer, {rests}" if run.stop == "answer" else run.stop
        self._say("end", f"{end}; {run.seconds:.1f} s, {run.usage.total} tokens; run {run.id}", "dim")

    def stop(self) -> None:
        """Take down what is still moving on the screen."""
        self._wait("")

    def _wait(self, what: str) -> None:
        if self._quiet or not self._console.is_terminal:
            return
        if self._status is not None:
            self._status.stop()
            self._status = None
        if what:
            self._status = self._console.status(what)
            self._status.start()

    def _say(self, label: str, text: str, style: str) -> None:
        if not self._quiet:
            self._always(label, text, style)

    def _always(self, label: str, text: str, style: str) -> None:
        lines = text.splitlines() or [""]
        try:
            self._console.print(Line(f"{label:>8}  ", style="dim") + Line(lines[0], style=style), soft_wrap=True)
            for line in lines[1:]:
                self._console.print(Line(" " * 10 + line, style=style), soft_wrap=True)
        except UnicodeError:
            self._quiet = True
        except OSError:  # a closed or full terminal costs the steps, never the run
            self._quiet = True
            if self._console.file is sys.stderr:
                _drop_what_is_buffered()


def _drop_what_is_buffered() -> None:
    """Have standard error lead nowhere: what it could not take would fail again at the end, with exit status 120."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno())
        os.close(nowhere)


def show_run(run: Run, console: Console) -> None:
    """Print a kept run, whole."""
    view = Display(console)
    view.prompt = run.prompt
    if run.metadata.get("route"):
        with contextlib.suppress(ValueError):  # kept by another version
            view.on_event(events.Routed(Route.model_validate(run.metadata["route"])))
    view.opening(run.model, f"expert {run.expert}, {run.started}")
    offered = run.metadata.get("offered")
    view.servers(run.servers, len(offered) if isinstance(offered, list) else 0)
    for step in run.steps:
        for record in step.calls:
            view.on_event(events.CallStarted(record.call))
            view.on_event(events.CallDone(record))
        view.on_event(events.StepDone(step))
    view.closing(run)
    console.print(Line(clean(run.answer or run.error)), soft_wrap=True)
