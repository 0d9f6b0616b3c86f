"""The tool lists that servers last gave, kept so that a server need not run before one of its tools is called.

A list is kept by the launch that it came from: the command line, the program and the files that it names with their
times and sizes, the names of the variables, the suite's version. It is used only where every definition in it has been
accepted (see `runner.trust`), and held against what the server says as soon as it runs. Whatever is damaged, foreign or
not the user's own is as good as not there. Only servers on pipes have one: those in this process and those at an
address are asked each time.
"""

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

from runner.classes import Identity
from runner.config import ServerSpec, resolve_command
from runner.listing import TOOL_LIMIT
from runner.offers import Listing
from runner.trust import Pins, made_with, shipped_sha256
from servers.machine.errors import ServerError
from servers.machine.store import write_atomic
from servers.settings import version

__all__ = ["LISTS_VARIABLE", "ToolLists", "lists_folder"]

LISTS_VARIABLE = "AFS_TOOL_LISTS_DIR"
_FILE_LIMIT = 16 << 20
_PARTS: Mapping[str, tuple[type, ...]] = {
    "name": (str,),
    "description": (str,),
    "inputSchema": (dict,),
    "outputSchema": (dict, type(None)),
    "annotations": (dict, type(None)),
}


def lists_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the kept lists: `AFS_TOOL_LISTS_DIR`, else below the user's cache folder."""
    import platformdirs

    given = environ.get(LISTS_VARIABLE, "").strip()
    return Path(given).expanduser() if given else platformdirs.user_cache_path("afs-suite", appauthor=False) / "tools"


class ToolLists:
    """The kept lists, a file a launch in a folder. Nothing here raises: a list that is not there costs a start."""

    def __init__(self, folder: Path, pins: Pins) -> None:
        self._folder = folder
        self._pins = pins

    def recall(self, spec: ServerSpec, server: Identity) -> Listing | None:
        """Return the kept list of a server, or None where it has to be asked."""
        launch = _launch(spec, server)
        if launch is None:
            return None
        kept = _read(self._path(launch))
        if kept is None or kept.get("launch") != launch:
            return None
        listing = _listing(spec.name, kept.get("tools"))
        return listing if listing is not None and self._pins.pass_all(server, listing.definitions) else None

    def keep(self, spec: ServerSpec, server: Identity, definitions: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep the whole list of a server, unless it is there as it is."""
        launch = _launch(spec, server)
        if launch is None:
            return
        path = self._path(launch)
        data = json.dumps({"launch": launch, "tools": list(definitions.values())}).encode("ascii")
        try:
            if path.is_file() and path.read_bytes() == data:
                return
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomic(path, data)  # made with mode 0600
        except (ServerError, OSError):
            return

    def _path(self, launch: Mapping[str, Any]) -> Path:
        name = hashlib.sha256(json.dumps(launch, sort_keys=True).encode("ascii")).hexdigest()[:32]
        return self._folder / f"{name}.json"


def _launch(spec: ServerSpec, server: Identity) -> dict[str, Any] | None:
    """Return what tells one launch from another; None where there is none to tell: no program, or no process at all."""
    if server.inside or spec.url or spec.problem:
        return None
    program = resolve_command(spec)
    if not program:
        return None
    folder = spec.cwd or os.getcwd()
    files = [stamp for word in (program, *spec.args) if (stamp := _stamp(os.path.join(folder, word)))]
    return {
        "server": server.title,
        "ours": server.ours,
        "folder": server.folder,
        "files": files,
        "variables": sorted(spec.env),
        "suite": [version(), *made_with().values(), shipped_sha256() if server.ours else ""],
    }


def _stamp(path: str) -> list[Any]:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return []
    return [path, found.st_mtime_ns, found.st_size] if stat.S_ISREG(found.st_mode) else []


def _read(path: Path) -> dict[str, Any] | None:
    try:
        state = path.stat()
        if hasattr(os, "geteuid") and (state.st_uid != os.geteuid() or state.st_mode & 0o022):
            return None
        found = json.loads(path.read_bytes()) if state.st_size <= _FILE_LIMIT else None
    except (OSError, ValueError, RecursionError):
        return None
    return found if _is_object(found) else None


def _listing(name: str, tools: object) -> Listing | None:
    """Return a kept list as a server's own list is taken; None where anything about it is odd."""
    if not _is_list(tools) or not 0 < len(tools) <= TOOL_LIMIT:
        return None
    listing = Listing(name)
    for tool in tools:
        if not _is_object(tool) or set(tool) != set(_PARTS):
            return None
        if not all(isinstance(tool[key], kinds) for key, kinds in _PARTS.items()):
            return None
        hints: Any = tool["annotations"] or {}
        listing.take(tool, read_only=hints.get("readOnlyHint") is True)
    return None if listing.note else listing


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
