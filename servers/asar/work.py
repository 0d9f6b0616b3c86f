"""Work on code that takes a while, done beside the server's own thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from servers.machine.work import in_thread

__all__ = ["in_thread_of_code"]

_RESULT = TypeVar("_RESULT")


async def in_thread_of_code(work: Callable[[], _RESULT]) -> _RESULT:
    """Do the work in a thread, which a cancelled call does not wait for. Raises ServerError for what code cannot do."""
    from knowledge.m65816.outcome import CodeError

    return await in_thread(work, CodeError)
