"""How long a call of a tool may take: as mcp.json says of the tool, else of its server, else the usual time."""

from collections.abc import Mapping
from typing import Any

from runner.config import ServerSpec

__all__ = ["CallTimes"]

_LONGEST_WORK = 600
_MARGIN = 10.0


class CallTimes:
    """The limits of one server's calls, in seconds."""

    def __init__(self, spec: ServerSpec, usual: float, *, ours: bool) -> None:
        self.usual = spec.timeout_s or usual
        """For tools of which nothing else is said."""
        self._by_tool = spec.tool_timeouts_s
        self._ours = ours

    def of(self, tool: str, arguments: Mapping[str, Any]) -> float:
        """Return the limit of a call of `tool`, by its name on the server.

        A tool of the suite's own that is given a time for its work, as `run_shell` is, has that and a little more.
        """
        if tool in self._by_tool:
            return self._by_tool[tool]
        given = arguments.get("timeout_seconds") if self._ours else None
        if isinstance(given, int | float) and 0 < given <= _LONGEST_WORK:
            return max(self.usual, given + _MARGIN)
        return self.usual
