"""Work that takes a while, done beside the server's own thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import anyio.to_thread

from servers.machine.errors import ServerError

if TYPE_CHECKING:
    pass

__all__ = ["in_thread"]

_RESULT = TypeVar("_RESULT")


async def in_thread(work: Callable[[], _RESULT]) -> _RESULT:
    """Do the work in a thread, which a cancelled call does not wait for. Raises ServerError for what code cannot do."""
    from knowledge.m65816.outcome import CodeError

    try:
        return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
    except CodeError as error:
        raise ServerError(str(error)) from error
