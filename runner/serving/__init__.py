"""The tools of the `experts` server."""
