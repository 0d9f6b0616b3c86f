"""Work that takes a while, done beside the server's own thread, with errors that a model can read."""

import contextlib
from collections.abc import Callable, Generator
from typing import TypeVar

import anyio.to_thread

from servers.machine.errors import ServerError

__all__ = ["in_thread", "told"]

_RESULT = TypeVar("_RESULT")


@contextlib.contextmanager
def told(*errors: type[Exception]) -> Generator[None]:
    """Turn these errors, whose text names the next step, into a ServerError of the same text."""
    try:
        yield
    except errors as error:
        raise ServerError(str(error)) from error


async def in_thread(work: Callable[[], _RESULT], *errors: type[Exception]) -> _RESULT:
    """Do the work in a thread, which a cancelled call does not wait for. Raises ServerError in place of `errors`."""
    with told(*errors):
        return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
