"""Asking the user on the terminal whether a tool may run, while the display is still."""

import os
import sys
from collections.abc import Callable
from typing import TextIO

import anyio

from runner.asking import Ask, Question, Reply

__all__ = ["terminal_ask"]

_TRIES = 3
_LINE = 4096


def terminal_ask(pause: Callable[[], None], *, source: TextIO | None = None, sink: TextIO | None = None) -> Ask | None:
    """Return the asker on this terminal; None where standard input or standard error is none.

    `pause` is called before a question is written: it takes down what moves on the screen.
    """
    source, sink = source or sys.stdin, sink or sys.stderr
    if source is None or sink is None or not (source.isatty() and sink.isatty()):
        return None
    number, out = source.fileno(), sink

    async def ask(question: Question) -> Reply:
        pause()
        _forget_typed(number)
        _write(out, _text(question))
        for _ in range(_TRIES):
            _write(out, f"  run it? {_choices(question)} ")
            await anyio.wait_readable(number)
            typed = os.read(number, _LINE)
            word = typed.decode("utf-8", "replace").strip().casefold()
            if not typed or word in ("", "n", "no"):
                break
            if word in ("y", "yes"):
                return "yes"
            if word in ("a", "always") and question.may_always:
                return "always"
        return "no"

    return ask


def _text(question: Question) -> str:
    lines = [f"\nThe model wants to run {question.tool} of {question.server}:"]
    lines += [f"    {line}" for line in question.arguments or ("(no arguments)",)]
    lines.append(f"  {question.why}.\n")
    return "\n".join(lines)


def _choices(question: Question) -> str:
    return "[y]es, [N]o, [a]lways until something from outside is read:" if question.may_always else "[y]es, [N]o:"


def _write(sink: TextIO, text: str) -> None:
    try:
        sink.write(text)
    except UnicodeError:
        sink.write(text.encode("ascii", "backslashreplace").decode("ascii"))
    sink.flush()


def _forget_typed(number: int) -> None:
    """Drop what was typed before the question was there: it can be no answer to it."""
    if sys.platform == "win32":
        return
    import termios

    termios.tcflush(number, termios.TCIFLUSH)
