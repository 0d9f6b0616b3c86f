"""How deep experts ask experts: never by default, and once at most where a user names the experts' server for a run.

A run starts no experts' server unless it is named. The servers of an expert that was asked through such a server are
told by `AFS_INSIDE_EXPERT`, so that one among them, under whatever name, refuses to ask further.
"""

from pathlib import Path

from runner.config import ServerSpec

__all__ = ["INSIDE", "asks_experts", "inside"]

INSIDE = "AFS_INSIDE_EXPERT"
"""Set for the servers of an expert that a server asked."""
_COMMAND = "afs-experts"


def asks_experts(spec: ServerSpec) -> bool:
    """Tell whether a server is the experts' own, by its name or by what it starts."""
    words = [Path(word).stem for word in (spec.command, *spec.args)]
    return spec.name in ("experts", _COMMAND) or _COMMAND in words


def inside(spec: ServerSpec) -> ServerSpec:
    """Return the server, told that it works for an expert."""
    return spec.model_copy(update={"env": {**spec.env, INSIDE: "1"}})
