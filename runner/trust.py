"""Pins: what the tools of a server were when they were accepted, so that a change shows before a model sees it.

A pin is the SHA-256 of a tool's definition. Those of the suite's own servers come with it; a stranger's are taken
when it is first used, which the user is told, and kept in the user's folder of settings.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, NamedTuple, cast

from runner.classes import Identity
from runner.errors import ConfigError
from servers.machine.errors import ServerError
from servers.machine.store import write_atomic
from servers.machine.wire import clean, shorten
from servers.settings import version

__all__ = [
    "PINS_VARIABLE",
    "Accepted",
    "Check",
    "Pins",
    "Shown",
    "blocked_by",
    "definition",
    "digest",
    "made_with",
    "pins_folder",
    "shipped_sha256",
    "shown",
]

PINS_VARIABLE = "AFS_PINS_DIR"
LISTS_LIMIT = 20
"""How often a server may list its tools anew in a run; after that none of them is used any more."""
_SHOWN_LIMIT = 16_384
"""Characters of a definition that are kept to show a change."""
_FILE_LIMIT = 64 << 20
_MADE_WITH = ("mcp", "pydantic")
"""The libraries that write the definitions of the suite's own servers: with others, these have other pins."""


def definition(tool: Any) -> dict[str, Any]:
    """Return what counts of a tool, as the SDK read it: name, description, schemas, annotations."""
    notes = tool.annotations
    return {
        "name": tool.name,
        "description": tool.description or "",
        "inputSchema": tool.input_schema,
        "outputSchema": tool.output_schema,
        "annotations": notes.model_dump(by_alias=True, exclude_none=True, mode="json") if notes else None,
    }


def digest(defined: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a definition as canonical JSON: sorted keys, no spaces, ASCII."""
    text = json.dumps(defined, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


class Shown(NamedTuple):
    """A definition as it is kept: its pin, and its text for showing what changed."""

    sha256: str
    text: str


def shown(defined: Mapping[str, Any]) -> Shown:
    """Return a definition's pin and its text, cleaned and bounded."""
    pin = digest(defined)
    whole = json.dumps(defined, sort_keys=True, indent=1, ensure_ascii=False, default=str)
    text = clean(shorten(whole, _SHOWN_LIMIT))
    if len(whole) > _SHOWN_LIMIT:  # a change in what is left out is to show, too
        text += f"\n{len(whole):,} characters in all, SHA-256 {pin}"
    return Shown(pin, text)


class Check(NamedTuple):
    """What came of comparing the tools of a server with its pins."""

    blocked: Mapping[str, str]
    """Tools that are not to be used, and why: `changed` or `new`."""
    note: str = ""
    """What the user should know: taken on first use, or which are blocked and how to accept them."""
    digests: Mapping[str, str] = {}
    """The SHA-256 of each tool."""


def pins_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the user's pins: `AFS_PINS_DIR`, else below the user's folder of settings."""
    import platformdirs

    given = environ.get(PINS_VARIABLE, "").strip()
    return Path(given).expanduser() if given else platformdirs.user_config_path("afs-suite", appauthor=False) / "pins"


class Pins:
    """The pins of all servers: those that come with the suite, and the user's in a folder, a file a server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def check(self, server: Identity, name: str, defined: Mapping[str, Mapping[str, Any]]) -> Check:
        """Compare the tools of a server (name -> definition) with its pins; on first use these are taken.

        `name` is the server's in mcp.json, for the notes. Never raises: pins that cannot be read block every tool.
        """
        digests = {tool: digest(item) for tool, item in defined.items()}
        if server.inside or not defined:
            return Check({}, digests=digests)
        try:
            known = self.known(server)
        except ConfigError as error:
            return Check(dict.fromkeys(defined, "not checked"), f"its tools are disabled: {error}", digests)
        if not known:
            return Check({}, self._first(server, defined), digests)
        blocked = blocked_by(known, digests)
        return Check(blocked, _blocked_note(blocked, name) if blocked else "", digests)

    def pass_all(self, server: Identity, defined: Mapping[str, Mapping[str, Any]]) -> bool:
        """Tell whether every one of these tools has been accepted as it is; nothing is taken on first use."""
        try:
            known = self.known(server)
        except ConfigError:
            return False
        return bool(known) and not blocked_by(known, {tool: digest(item) for tool, item in defined.items()})

    def accept(self, server: Identity, defined: Mapping[str, Mapping[str, Any]]) -> Path:
        """Take the tools of a server as they are now; return the file that keeps this.

        Raises:
            ServerError: it cannot be written; the text says why.
        """
        path = self._path(server)
        kept = {tool: shown(item)._asdict() for tool, item in defined.items()}
        data = json.dumps({"server": server.title, "folder": server.folder, "tools": kept}, indent=1)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(path, data.encode("ascii"))  # made with mode 0600
        return path

    def kept(self, server: Identity) -> Mapping[str, Shown] | None:
        """Return the user's pins of a server with what the tools were then; None where there are none.

        Raises:
            ConfigError: the file cannot be read, or is not the user's own.
        """
        path = self._path(server)
        try:
            state = path.stat()
            if hasattr(os, "geteuid") and (state.st_uid != os.geteuid() or state.st_mode & 0o022):
                raise ConfigError(f"others can write {path}; look at it, then run `chmod 600 {path}` or remove it")
            if state.st_size > _FILE_LIMIT:
                raise ConfigError(f"{path} is too large; remove it, and accept the server's tools with `afs mcp trust`")
            tools = json.loads(path.read_bytes())["tools"]
            return {str(tool): Shown(str(item["sha256"]), str(item["text"])) for tool, item in tools.items()}
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}; check its permissions") from error
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise ConfigError(f"{path} is damaged; accept the server's tools anew with `afs mcp trust`") from error

    def known(self, server: Identity) -> tuple[Mapping[str, str], ...]:
        """Return the pins (tool -> SHA-256) that a tool may have: what the user accepted, what comes with the suite.

        Raises:
            ConfigError: as `kept`.
        """
        kept, shipped = self.kept(server), _shipped_pins(server.ours)
        accepted = [{tool: item.sha256 for tool, item in kept.items()}] if kept is not None else []
        return (*accepted, *([shipped] if shipped is not None else []))

    def _first(self, server: Identity, defined: Mapping[str, Mapping[str, Any]]) -> str:
        try:
            self.accept(server, defined)
        except (ServerError, OSError) as error:
            return f"its tools are used as they are now, which could not be kept: {error}"
        if server.ours:
            return ""
        return f"used for the first time ({shorten(server.title, 200)}): tools pinned as they are now: {len(defined)}"

    def _path(self, server: Identity) -> Path:
        how = [server.title, server.folder]
        if server.ours:  # the suite's own change with the suite
            how = [server.ours, version(), *made_with().values()]
        return self._folder / f"{hashlib.sha256(json.dumps(how).encode()).hexdigest()[:32]}.json"


class Accepted:
    """The tools of one server in a run: the first list is held against the pins, every later one against the first."""

    def __init__(self, pins: Pins, server: Identity, name: str) -> None:
        self._pins = pins
        self._server = server
        self._name = name
        self._first: dict[str, str] | None = None
        self._lists = 0
        self.blocked: dict[str, str] = {}
        """Tools, by their names on the server, that are not to be used, and why."""
        self.latest: Mapping[str, Mapping[str, Any]] = {}
        """The definitions of the last list."""

    @property
    def worn_out(self) -> bool:
        """Whether the server has listed its tools so often that none is used and no list is worth reading."""
        return self._lists > LISTS_LIMIT

    def recall(self, defined: Mapping[str, Mapping[str, Any]]) -> None:
        """Begin with a kept list in which everything has been accepted; what the server gives is held against it."""
        self.latest = defined
        self._first = {tool: digest(item) for tool, item in defined.items()}

    def take(self, defined: Mapping[str, Mapping[str, Any]]) -> str:
        """Take in a list of tools; return what the user should know of it."""
        self._lists += 1
        self.latest = defined
        if self._first is None:
            check = self._pins.check(self._server, self._name, defined)
            self.blocked.update(check.blocked)
            self._first = {tool: pin for tool, pin in check.digests.items() if tool not in check.blocked}
            return check.note
        blocked = blocked_by([self._first], {tool: digest(item) for tool, item in defined.items()})
        if self.worn_out:
            blocked |= dict.fromkeys(self._first, "listed too often")
        fresh = {tool: why for tool, why in blocked.items() if tool not in self.blocked}
        self.blocked.update(fresh)
        return f"in the run, {_blocked_note(fresh, self._name)}" if fresh else ""

    def refusal(self, tool: str) -> str:
        """Return what a model is told that calls a tool which is blocked; empty for any other."""
        why = self.blocked.get(tool)
        if why is None:
            return ""
        return (
            f"{clean(shorten(tool, 64))} is disabled ({why}): {self._name} describes it otherwise than when it was "
            f"accepted. Go on without it; the user can look at it with `afs mcp trust {self._name}`"
        )


def blocked_by(known: Sequence[Mapping[str, str]], digests: Mapping[str, str]) -> dict[str, str]:
    """Return the tools that no set of pins knows as they are, and whether each is new or has changed."""
    kinds = {tool: "changed" if any(tool in pins for pins in known) else "new" for tool in digests}
    return {tool: kind for tool, kind in kinds.items() if digests[tool] not in [pins.get(tool) for pins in known]}


def _blocked_note(blocked: Mapping[str, str], name: str) -> str:
    counts = [f"{kind}: {_few([tool for tool, why in blocked.items() if why == kind])}" for kind in _kinds(blocked)]
    return f"disabled until `afs mcp trust {name}` shows and accepts them: {'; '.join(counts)}"


def _kinds(blocked: Mapping[str, str]) -> list[str]:
    return sorted(set(blocked.values()))


def _few(tools: list[str]) -> str:
    more = f" and {len(tools) - 5} more" if len(tools) > 5 else ""
    return ", ".join(clean(shorten(tool, 64)) for tool in tools[:5]) + more


@cache
def made_with() -> Mapping[str, str]:
    """Return the versions of the libraries that write the definitions of the suite's own servers."""
    found: dict[str, str] = {}
    for package in _MADE_WITH:
        try:
            found[package] = installed(package)
        except PackageNotFoundError:  # vendored or frozen: the pins are taken on first use
            found[package] = ""
    return found


_SHIPPED = Path(__file__).with_name("pins.json")


@cache
def _shipped() -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", json.loads(_SHIPPED.read_bytes())) if _SHIPPED.is_file() else {}


@cache
def shipped_sha256() -> str:
    """Return the SHA-256 of the pins that come with the suite: it changes with the tools of its servers."""
    return hashlib.sha256(_SHIPPED.read_bytes()).hexdigest() if _SHIPPED.is_file() else ""


def _shipped_pins(script: str) -> Mapping[str, str] | None:
    """Return the pins (tool -> SHA-256) of a console script that come with the suite.

    None: it has none, or they were made with other libraries than are installed.
    """
    if not script or _shipped().get("made_with") != made_with():
        return None
    return cast("Mapping[str, str] | None", _shipped()["servers"].get(script))
