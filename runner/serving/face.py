"""The face of the experts' server: as every server's, with work that goes on beside the calls."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from mcp.types import CallToolResult, InputRequiredResult

from servers.machine.face import Face

__all__ = ["ExpertsFace"]


class ExpertsFace(Face):
    """A face that holds something open while it serves."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Any = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool, as any face; a rating may be a number too, which a model writes as often as a text."""
        rating = arguments.get("rating")
        if isinstance(rating, int) and not isinstance(rating, bool):
            arguments = {**arguments, "rating": f"{rating:+d}"}
        return await super().call_tool(name, arguments, context)

    def while_serving(self, held: Callable[[object], AbstractAsyncContextManager[Any]]) -> None:
        """Enter `held` before the first request and leave it after the last; it is given the SDK's server."""
        self._lowlevel_server.lifespan = held
