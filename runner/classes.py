"""The classes of tools: what each may do, from our own table and the user's, never from what a server says of itself.

A server is known by how it is started. The suite's own are the console scripts beside the running Python, started
with no variables but those of the suite; whoever else takes one of their names stays a stranger. A server inside this
process is the program's own: its tools run, and their results count as the program's, unless a table says otherwise.
"""

import os
import shlex
import sysconfig
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeGuard, get_args

from runner.config import ServerSpec, resolve_command
from runner.errors import ConfigError
from servers.machine.wire import clean, shorten

__all__ = ["Classes", "Grade", "Identity", "ToolClass", "identify", "load_classes"]

ToolClass = Literal["read", "write", "exec"]
"""read: changes nothing; write: changes things inside the user's roots; exec: runs things, or reaches outside."""

_NAMES = (*get_args(ToolClass), "outside")
_TABLE_LIMIT = 1 << 20
_OWN_VARIABLES = ("AFS_", "MEMORY_FILE_PATH", "OLLAMA_HOST")
_EVERY = "*"


class Identity(NamedTuple):
    """Who a server is, by how it is started or reached."""

    title: str
    """Its whole command line or its address, cleaned: what the user is shown and what the user's table names."""
    ours: str = ""
    """The console script, where the server is one of the suite's own."""
    inside: bool = False
    """It lives in this process: the program that put it there vouches for it."""
    folder: str = ""
    """Where it is started, if that is not the runner's own folder."""


def identify(spec: ServerSpec, *, inside: bool = False) -> Identity:
    """Say who a server is; one that is `inside` this process is known by its name."""
    if inside:
        return Identity(clean(spec.name), inside=True)
    title = spec.url or shlex.join((spec.command, *spec.args))
    return Identity(clean(title), ours=_own_script(spec), folder=spec.cwd)


def _own_script(spec: ServerSpec) -> str:
    """Return the console script that a spec starts. A variable such as LD_PRELOAD would make it another program."""
    name = os.path.basename(spec.command)
    if spec.url or name not in _shipped() or not all(key.startswith(_OWN_VARIABLES) for key in spec.env):
        return ""
    program = resolve_command(spec)
    own = os.path.join(sysconfig.get_path("scripts"), name)
    try:
        return name if program and os.path.samefile(program, own) else ""
    except OSError:
        return ""


class Grade(NamedTuple):
    """What a tool may do, and where its results come from."""

    kind: ToolClass
    outside: bool
    """Its results hold what somebody else wrote."""


_UNKNOWN = Grade("exec", outside=True)
_INSIDE = Grade("write", outside=False)


class Classes(NamedTuple):
    """The suite's table with the user's over it."""

    shipped: Mapping[str, Mapping[str, Grade]]
    given: Mapping[str, Mapping[str, Grade]]

    def grade(self, server: Identity, tool: str) -> Grade:
        """Return what `tool`, by its name on the server, may do; a stranger's is `exec` until the user says else."""
        said = self.given.get(server.title) or (self.given.get(server.ours) if server.ours else None) or {}
        found = said.get(tool) or said.get(_EVERY)
        if found is None and server.ours:
            found = self.shipped[server.ours].get(tool)
        return found or (_INSIDE if server.inside else _UNKNOWN)

    def names(self, server: str) -> frozenset[str]:
        """Return the tools that the suite's table has for a console script."""
        return frozenset(self.shipped.get(server, {}))


def load_classes(environ: Mapping[str, str] = os.environ) -> Classes:
    """Return the suite's table with the user's (`AFS_TOOL_CLASSES`, a file) over it.

    Raises:
        ConfigError: the user's table cannot be understood; the text names the file and what to correct.
    """
    given = environ.get("AFS_TOOL_CLASSES", "").strip()
    return Classes(_shipped(), _read(Path(given).expanduser(), outside=(_EVERY,)) if given else {})


@cache
def _shipped() -> Mapping[str, Mapping[str, Grade]]:
    return _read(Path(__file__).with_name("tool_classes.toml"))


def _read(path: Path, *, outside: Sequence[str] = ()) -> dict[str, dict[str, Grade]]:
    """Read a table; `outside` are the tools with outside results where a server's part names none."""
    try:
        if path.stat().st_size > _TABLE_LIMIT:
            raise ConfigError(f"{path}: the file is larger than 1 MiB; name a table of tool classes")
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; correct AFS_TOOL_CLASSES or unset it") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: this is not TOML: {shorten(clean(str(error)), 200)}; correct it") from error
    return {server: _graded(path, server, table, outside) for server, table in tables.items()}


def _graded(path: Path, server: str, table: Any, usual: Sequence[str]) -> dict[str, Grade]:
    where = f"{path}: [{clean(shorten(server, 100))}]"
    if not _is_table(table) or not set(table) <= set(_NAMES) or not all(map(_is_names, table.values())):
        raise ConfigError(f'{where} takes lists of tool names under {", ".join(_NAMES)}, e.g. read = ["search"]')
    outside = table.get("outside", usual)
    found: dict[str, Grade] = {}
    for kind in get_args(ToolClass):
        for tool in table.get(kind, []):
            if tool in found:
                raise ConfigError(f"{where} has {clean(shorten(tool, 64))!r} in two classes; keep one")
            found[tool] = Grade(kind, outside=tool in outside or _EVERY in outside)
    return found


def _is_table(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)  # pyright: ignore[reportUnknownVariableType]  # a list from TOML
