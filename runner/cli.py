"""The entry points `afs` and `afs-run`: nothing is imported before an interrupt would end them quietly."""

import gc
import signal
import sys

__all__ = ["main", "run_main"]

_INTERRUPTED = 130
_COLLECT_AFTER = 20_000
"""New objects before garbage is looked for: a run imports some hundred thousand that stay, and nearly no garbage."""


def main() -> None:
    """Run `afs`."""
    try:
        from runner.groups import afs

        afs(prog_name="afs")
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def run_main() -> None:
    """Run `afs-run`, the same command as `afs agent run`."""
    gc.set_threshold(_COLLECT_AFTER)
    try:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _interrupted)  # until a run hears its signals itself
        from runner.agent_cli import run_prompt

        run_prompt(prog_name="afs-run")
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _interrupted(_number: int, _frame: object) -> None:
    """End with the status of an interrupt: click would make 1 of a KeyboardInterrupt."""
    sys.exit(_INTERRUPTED)
