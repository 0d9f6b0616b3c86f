"""The guard against calls that are repeated without end: the same tool with the same arguments, alone or in turns."""

import json
from collections import Counter
from collections.abc import Iterable

from schemas.message import ToolCall
from schemas.run import CallRecord

__all__ = ["RepeatGuard"]


class RepeatGuard:
    """Counts the calls of a run by tool and arguments. Equal calls of one step count once."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()
        self._results: Counter[str] = Counter()

    def made(self, calls: Iterable[ToolCall]) -> int:
        """Count the calls of a step; return how often the most frequent of them has been made in this run."""
        keys = {_key(call) for call in calls}
        self._calls.update(keys)
        return max((self._calls[key] for key in keys), default=0)

    def brought(self, records: Iterable[CallRecord]) -> int:
        """Count the results of a step; return how often the most frequent call has brought the same result."""
        keys = {json.dumps([_key(record.call), record.text]) for record in records}
        self._results.update(keys)
        return max((self._results[key] for key in keys), default=0)


def _key(call: ToolCall) -> str:
    return json.dumps([call.name, call.arguments], sort_keys=True)
