"""Times as everybody reads them: UTC, to the second."""

import datetime

__all__ = ["utc"]


def utc(nanoseconds: int) -> str:
    """Return nanoseconds since 1970 as `2026-11-21T14:30:00Z`; empty for 0 and for what no calendar holds."""
    if not nanoseconds:
        return ""
    try:
        moment = datetime.datetime.fromtimestamp(nanoseconds // 1_000_000_000, datetime.UTC)
    except (OverflowError, OSError, ValueError):
        return ""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
