"""The face of the experts' server: as every server's, with work that goes on beside the calls."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from servers.machine.face import Face

__all__ = ["ExpertsFace"]


class ExpertsFace(Face):
    """A face that holds something open while it serves."""

    def while_serving(self, held: Callable[[object], AbstractAsyncContextManager[Any]]) -> None:
        """Enter `held` before the first request and leave it after the last; it is given the SDK's server."""
        self._lowlevel_server.lifespan = held
