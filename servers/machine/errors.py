"""The errors of the servers: one root, whose text reaches the model and names the next step.

ServerError
"""

__all__ = ["ServerError"]


class ServerError(Exception):
    """Something that the caller can act on. Its text is shown as it is: say what to do next."""
