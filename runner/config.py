"""mcp.json: the list of servers, read so that every mistake is named by file and line.

The shape is the one that the hosts share (`mcpServers`, name -> command, args, env, cwd or url, and `timeout`, the
milliseconds of one call), with one key of our own: `toolTimeouts`, the milliseconds by tool. Keys that only a host
knows are tolerated. `${VAR}` and `${VAR:-default}` are filled in from the environment; as in a
shell, the default also stands in for an empty variable. The keys of models are not filled in: whoever writes the
file would get them.
"""

import difflib
import json
import os
import re
import shutil
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeGuard

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runner.errors import ConfigError
from runner.models.keys import KEY_VARIABLES
from schemas.frozen import Frozen
from servers.machine.wire import clean, shorten

__all__ = [
    "CONFIG_NAMES",
    "Document",
    "ServerSpec",
    "find_config",
    "load_config",
    "read_document",
    "resolve_command",
    "select",
    "shipped_config",
]

CONFIG_NAMES = ("mcp.json", ".mcp.json")
"""The names looked for in each folder, in this order."""

_SIZE_LIMIT = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:\n]')
_KEYS = frozenset(name for names in KEY_VARIABLES.values() for name in names)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


class ServerSpec(Frozen):
    """How one server is started or reached, its variables filled in."""

    name: str
    command: str = Field(default="", description="program of a stdio server; empty for one reached by url")
    args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default={}, description="added to the few variables that every server gets", repr=False)
    cwd: str = Field(default="", description="working directory, absolute; empty: the runner's own")
    url: str = Field(default="", description="address of a streamable HTTP server")
    headers: dict[str, str] = Field(default={}, description="HTTP headers for the url", repr=False)
    timeout_s: float | None = Field(default=None, description="seconds for one call; None: the toolbox's default")
    tool_timeouts_s: dict[str, float] = Field(default={}, description="seconds for a call of a tool, by its name")
    source: str = Field(default="", description="file:line that it comes from")
    disabled: bool = False
    problem: str = Field(default="", description="why it cannot be started, with the next step; empty if it can")


class Document(NamedTuple):
    """A JSON file with the line of each of its keys."""

    path: Path
    value: dict[str, Any]
    lines: Mapping[tuple[str, ...], int]

    def at(self, *keys: str) -> str:
        """Return `file:line` of a key, or of the nearest one above it."""
        for end in range(len(keys), 0, -1):
            if keys[:end] in self.lines:
                return f"{self.path}:{self.lines[keys[:end]]}"
        return f"{self.path}:1"


_LONGEST = 86_400_000
_Milliseconds = Annotated[float, Field(gt=0, le=_LONGEST)]


class _Entry(BaseModel):
    """One value of `mcpServers` as it is written."""

    model_config = ConfigDict(strict=True, extra="ignore", populate_by_name=True)

    command: str = ""
    args: list[str] = []
    env: dict[str, str] = {}
    cwd: str = ""
    type: str = ""
    url: str = ""
    http_url: str = Field(default="", alias="httpUrl")
    headers: dict[str, str] = {}
    timeout: float = Field(default=0, ge=0, le=_LONGEST)
    tool_timeouts: dict[str, _Milliseconds] = Field(default={}, alias="toolTimeouts")
    disabled: bool = False


def find_config(start: Path) -> Path | None:
    """Return the nearest mcp.json (then .mcp.json) in `start` or a folder above it.

    Whoever writes this file chooses what is run, so one that another user left in a folder that everybody may
    write to (such as /tmp) is passed over.
    """
    for folder in (start.absolute(), *start.absolute().parents):
        for name in CONFIG_NAMES:
            path = folder / name
            if path.is_file() and not _planted(path):
                return path
    return None


def _planted(path: Path) -> bool:
    if not hasattr(os, "geteuid"):
        return False
    owner, folder = path.stat().st_uid, path.parent.stat().st_mode
    return bool(folder & 0o002) and owner not in (os.geteuid(), 0)


def shipped_config() -> Path:
    """Return the mcp.json that comes with the suite: in the wheel beside this file, else in the root.

    Raises ConfigError when neither is there.
    """
    here = Path(__file__).resolve()
    for path in (here.with_name("mcp.json"), here.parents[1] / "mcp.json"):
        if path.is_file():
            return path
    raise ConfigError("the suite's own mcp.json is missing; reinstall afs-suite, or name a file of your own")


def read_document(path: Path) -> Document:
    """Read a JSON object from a file of up to 1 MiB. Raises ConfigError with the file, line and next step."""
    text = _read_text(path)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"{path}:{error.lineno}:{error.colno}: this is not JSON: {error.msg}; correct that line"
        ) from error
    except (RecursionError, ValueError) as error:  # nested too deeply, or a number of thousands of digits
        raise ConfigError(f"{path}: this JSON is nested too deeply or too big; simplify it") from error
    if not _is_object(value):
        raise ConfigError(f'{path}:1: the file holds no JSON object; begin with {{"mcpServers": {{...}}}}')
    lines: dict[tuple[str, ...], int] = {}
    for keys, line in _keys(text):
        if keys in lines:
            raise ConfigError(
                f"{path}:{line}: the key {_show('.'.join(keys))} is there twice "
                f"(first in line {lines[keys]}); remove one"
            )
        lines[keys] = line
    return Document(path, value, lines)


def _read_text(path: Path) -> str:
    try:
        if not path.is_file():
            raise ConfigError(f"{path}: there is no such file; name an existing mcp.json")
        if path.stat().st_size > _SIZE_LIMIT:
            raise ConfigError(f"{path}: the file is larger than 1 MiB; name an mcp.json")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; check the path and its permissions") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except ValueError as error:  # a NUL in the path
        raise ConfigError(f"{_show(str(path))} is not a path; name an existing mcp.json") from error


def _keys(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the path and line of every key of a text that is JSON; list items count as 0, 1, ..."""
    open_: list[str] = []
    lists: list[bool] = []
    line, last, last_line = 1, "", 1
    for token in (match.group() for match in _TOKEN.finditer(text)):
        if token == "\n":
            line += 1
        elif token in "{[":
            open_.append("0")
            lists.append(token == "[")
        elif token in "}]":
            open_.pop()
            lists.pop()
        elif token == "," and lists[-1]:
            open_[-1] = str(int(open_[-1]) + 1)
        elif token == ":":
            open_[-1] = json.loads(last)
            yield tuple(open_), last_line
        elif token != ",":
            last, last_line = token, line


def load_config(
    path: Path, *, environ: Mapping[str, str] | None = None, overrides: Mapping[str, str] | None = None
) -> tuple[ServerSpec, ...]:
    """Read the servers of an mcp.json in its order.

    `${VAR}` is looked up in `overrides`, then in `environ` (default: the process's own). A server with a
    missing variable comes back with its `problem` set, so that the others can go on. Raises ConfigError for a file that
    cannot be understood.
    """
    document = read_document(path)
    servers = document.value.get("mcpServers")
    if not _is_object(servers):
        found = "is not an object" if "mcpServers" in document.value else "is missing"
        raise ConfigError(
            f'{document.at("mcpServers")}: the key mcpServers {found}; write {{"mcpServers": '
            '{"NAME": {"command": "PROGRAM"}}}'
        )
    known = {**(os.environ if environ is None else environ), **(overrides or {})}
    entries = {str(name): _entry(document, str(name), entry) for name, entry in servers.items()}
    return tuple(_spec(document, name, entry, known) for name, entry in entries.items())


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _entry(document: Document, name: str, entry: Any) -> _Entry:
    at = document.at("mcpServers", name)
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{at}: {_show(name)} is no server name; use up to 64 letters, digits, '_', '-' or '.'")
    if not _is_object(entry):
        raise ConfigError(f'{at}: mcpServers.{name} is not an object; write {{"command": "PROGRAM"}}')
    try:
        parsed = _Entry.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        keys = tuple(str(part) for part in first["loc"])
        where = _show(".".join(("mcpServers", name, *keys)))
        message = first["msg"].removeprefix("Input ")
        raise ConfigError(f"{document.at('mcpServers', name, *keys)}: {where} {message}; correct it") from error
    if bool(parsed.command) == bool(parsed.url or parsed.http_url):
        raise ConfigError(f'{at}: mcpServers.{name} needs either "command" or "url"; give one of them')
    return parsed


def _spec(document: Document, name: str, entry: _Entry, known: Mapping[str, str]) -> ServerSpec:
    missing: list[str] = []
    keys: list[str] = []

    def fill(text: str) -> str:
        def one(match: re.Match[str]) -> str:
            variable, default = match.group(1), match.group(2)
            if variable in _KEYS:
                keys.append(variable)
                return ""
            value = known.get(variable)
            if value is None and default is None:
                missing.append(variable)
            return (value or default or "") if default is not None else (value or "")

        return _VARIABLE.sub(one, text)

    cwd = fill(entry.cwd)
    source = document.at("mcpServers", name)
    spec = ServerSpec(
        name=name,
        command=fill(entry.command),
        args=tuple(map(fill, entry.args)),
        env={key: fill(value) for key, value in entry.env.items()},
        cwd=os.path.join(document.path.absolute().parent, os.path.expanduser(cwd)) if cwd else "",
        url=fill(entry.url or entry.http_url),
        headers={key: fill(value) for key, value in entry.headers.items()},
        timeout_s=max(1.0, entry.timeout / 1000) if entry.timeout else None,
        tool_timeouts_s={tool: max(1.0, limit / 1000) for tool, limit in entry.tool_timeouts.items()},
        source=source,
        disabled=entry.disabled,
    )
    problem = _key_asked(keys[0], source) if keys else ""
    problem = problem or (_missing(missing, source) if missing else _unusable(spec, entry.type))
    return spec.model_copy(update={"problem": problem})


def _key_asked(name: str, source: str) -> str:
    return f"it asks for {name}, the key of a model, which no server is given; take it out of {source}"


def _missing(names: Sequence[str], source: str) -> str:
    first = names[0]
    return (
        f"the variable {', '.join(dict.fromkeys(names))} is not set and has no default; "
        f"set it, or write ${{{first}:-default}} in {source}"
    )


def _unusable(spec: ServerSpec, kind: str) -> str:
    if spec.url and (kind == "sse" or not re.match(r"https?://[^/\s]", spec.url)):
        return f"{_show(spec.url)} is no streamable HTTP address; give one that begins http:// or https://"
    texts = (
        spec.command,
        *spec.args,
        spec.cwd,
        *spec.env,
        *spec.env.values(),
        *spec.headers.values(),
        spec.url,
    )
    if not all(map(_encodable, texts)):
        return f"its entry holds a NUL or half of a character; correct {spec.source}"
    if not spec.url and not spec.command.strip():
        return f"its command is empty; give one in {spec.source}"
    return ""


def _encodable(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def select(specs: Sequence[ServerSpec], names: Sequence[str]) -> tuple[ServerSpec, ...]:
    """Return the servers named, in the order of `specs`; with no names, all that are not disabled.

    A disabled server that is asked for by name is enabled; `x` also finds `afs-x`, the name of a server whose own
    one Claude Code keeps for itself. Raises ConfigError for a name that is not there.
    """
    if not names:
        return tuple(spec for spec in specs if not spec.disabled)
    known = [spec.name for spec in specs]
    wanted = [f"afs-{name}" if name not in known and f"afs-{name}" in known else name for name in names]
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise ConfigError(f"there is no server {_show(name)}; {hint}choose from: {', '.join(known) or '(none)'}")
    return tuple(spec.model_copy(update={"disabled": False}) for spec in specs if spec.name in wanted)


def resolve_command(spec: ServerSpec) -> str:
    """Return the program that a stdio server's command stands for, or "" where there is none.

    The suite's own console scripts (`afs-*`) are taken from beside the running Python, so that they are found
    without being on PATH; a command with a slash is taken from `cwd`; any other is looked up on PATH.
    """
    command = os.path.expanduser(spec.command)
    if os.path.dirname(command):
        return shutil.which(os.path.join(spec.cwd or os.getcwd(), command)) or ""
    beside = shutil.which(command, path=sysconfig.get_path("scripts")) if command.startswith("afs-") else None
    return beside or shutil.which(command, path=spec.env.get("PATH")) or ""


def _show(text: str) -> str:
    return repr(clean(shorten(text, 100)))
