"""`afs agent rate`, and the question after a run at the terminal: one key, or none.

What the command needs is imported when it is called: the group that lists it starts without.
"""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.feedback import Feedback
    from schemas.rating import Rating, Score
    from schemas.run import Run

__all__ = ["ASK_SECONDS", "SWITCH", "ask_rating", "rate_command"]

SWITCH = "AFS_NO_RATE"
"""The variable that keeps the question after a run from being asked; `--no-rate` does it for one run."""
ASK_SECONDS = 15.0
"""Longest wait for the key: where nobody sits, the run still ends."""

_KEYS: Mapping[str, Score] = {"+": 1, "=": 1, "y": 1, "-": -1, "_": -1, "n": -1}
_QUESTION = "Did this serve you? [+] yes, [-] no, any other key to go on: "


@click.command("rate")
@click.argument("run_id", metavar="RUN")
@click.argument("rating", metavar="+1|-1", type=click.Choice(["+1", "1", "-1"]))
@click.option("-t", "--text", default="", help="what was good or wrong, at most 4,000 characters")
@click.option("--context-root", type=click.Path(path_type=Path), help="AFS context root (AFS_CONTEXT_ROOT, ~/.context)")
def rate_command(run_id: str, rating: str, text: str, context_root: Path | None) -> None:
    """Say of RUN (its id, the end of its id, or `last`) whether it served; the last word on a run counts."""
    from runner.errors import RunnerError
    from runner.feedback import Feedback, rating_line
    from runner.recorder import Recorder
    from servers.machine.wire import clean
    from servers.settings import Settings

    settings = Settings.from_environment()
    root = settings.context_root if context_root is None else settings.at(context_root).context_root
    try:
        said = Feedback(Recorder(root)).rate(run_id, -1 if rating == "-1" else 1, text=text)
    except RunnerError as error:
        raise click.ClickException(clean(str(error))) from error
    click.echo(f"{said.run} {rating_line(said)}")


rate_command.ignore_unknown_options = True  # `-1` is a value here, no option


def ask_rating(
    run: Run,
    feedback: Feedback,
    *,
    environ: Mapping[str, str] = os.environ,
    source: TextIO | None = None,
    sink: TextIO | None = None,
    seconds: float = ASK_SECONDS,
) -> Rating | None:
    """Ask once at the terminal whether a run with an answer served, and keep what is said.

    None: nobody was asked (no terminal, no answer, `AFS_NO_RATE`), or nothing was said within `seconds`. Ctrl-C is a
    way to say nothing. A rating that cannot be kept is told on `sink`, it does not raise.
    """
    source, sink = source or _stream("stdin"), sink or _stream("stderr")
    from runner.errors import RunnerError
    from servers.machine.wire import clean

    if run.stop != "answer" or environ.get(SWITCH, "").strip() not in ("", "0"):
        return None
    if source is None or sink is None or not (_on_terminal(source) and _on_terminal(sink)):
        return None
    rating = _KEYS.get(_key(source, sink, seconds))
    try:
        return feedback.rate(run.id, rating, by="terminal") if rating is not None else None
    except RunnerError as error:
        _write(sink, f"{clean(str(error))}\n")
        return None


def _stream(name: str) -> TextIO | None:
    """Return a standard stream; None in a program that was started without it."""
    stream: TextIO | None = getattr(sys, name)
    return stream


def _on_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _key(source: TextIO, sink: TextIO, seconds: float) -> str:
    """Return the one key that is pressed, in lower case; empty: none was, or this is no terminal of this system."""
    if sys.platform == "win32":
        return ""
    import termios
    import tty

    number = source.fileno()
    pressed = b""
    try:
        before = termios.tcgetattr(number)
        try:
            tty.setcbreak(number, termios.TCSAFLUSH)  # what was typed before the question is no answer to it
            _write(sink, _QUESTION)
            if select.select([number], [], [], seconds)[0]:
                pressed = os.read(number, 16)
        finally:
            termios.tcsetattr(number, termios.TCSADRAIN, before)
            _write(sink, "\n")
    except (OSError, termios.error, KeyboardInterrupt):
        return ""
    return pressed.decode("utf-8", "replace").lower() if len(pressed) == 1 else ""


def _write(sink: TextIO, text: str) -> None:
    try:
        sink.write(text)
        sink.flush()
    except (OSError, ValueError):  # a terminal that is gone, or cannot show it
        return
