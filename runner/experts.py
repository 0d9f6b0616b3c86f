"""The experts and tool sets: read from data, the user's over ours."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from pydantic import ValidationError

from runner.errors import ConfigError
from schemas.expert import Expert
from servers.machine.wire import clean

__all__ = ["AUTO", "DEFAULT", "Experts", "load_experts"]

DEFAULT = "default"
"""The expert when none is named, and none is chosen."""
AUTO = "auto"
"""The name that stands for whomever the router chooses."""

_TABLES = ("experts", "sets")
_EXAMPLE = 'mine = ["assemble", "lint"] under [sets]'


class Experts(NamedTuple):
    """All experts by name, and the tool sets."""

    experts: Mapping[str, Expert]
    sets: Mapping[str, tuple[str, ...]]

    def find(self, name: str) -> Expert:
        """Return the expert `name`.

        Raises:
            ConfigError: there is none; the text lists those there are.
        """
        if name not in self.experts:
            known = ", ".join(sorted(set(self.experts) - {DEFAULT}))
            raise ConfigError(f"no expert named {name!r}; there are {known}")
        return self.experts[name]

    def expand(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the names of tools with each tool set replaced by what it holds, each name once."""
        found: dict[str, None] = {}
        opened: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop(0)
            if name not in self.sets:
                found[name] = None
            elif name not in opened:
                opened.add(name)
                waiting[:0] = self.sets[name]
        return tuple(found)


def load_experts(environ: Mapping[str, str] = os.environ) -> Experts:
    """Read the shipped experts and, over them, the user's file named by `AFS_EXPERTS`.

    Raises:
        ConfigError: a file is missing, is not TOML, or describes an expert wrongly.
    """
    experts: dict[str, Expert] = {}
    sets: dict[str, tuple[str, ...]] = {}
    own = environ.get("AFS_EXPERTS", "").strip()
    for path in (Path(__file__).with_name("experts.toml"), *([Path(own).expanduser()] if own else [])):
        data = _read(path)
        sets |= {
            name: _set(path, name, names) for name, names in data.get("sets", {}).items() if name not in ("", DEFAULT)
        }
        for name, table in data.get("experts", {}).items():
            experts[name] = _expert(path, name, table)
    return Experts(experts, sets)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the experts in {path} cannot be read: {error.strerror}; check AFS_EXPERTS") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not TOML: {error}; mend it, or unset AFS_EXPERTS") from error
    for name, table in data.items():
        shown = clean(name[:60])
        if name not in _TABLES:
            raise ConfigError(f"{path}: [{shown}] is no table of experts; write [experts.{shown}] in its place")
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: `{name}` is no table; write [experts.NAME], or names of tools under [sets]")
    return data


def _set(path: Path, name: str, names: object) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(tool, str) for tool in cast("list[object]", names)):
        raise ConfigError(f"{path}: the set {clean(name[:60])!r} is no list of tools; write {_EXAMPLE}")
    return tuple(cast("list[str]", names))


def _expert(path: Path, name: str, table: Any) -> Expert:
    told: dict[str, Any] = cast(dict[str, Any], table) if isinstance(table, dict) else {}
    instructions = told.get("instructions")
    if not isinstance(instructions, str):
        raise ConfigError(f"{path}: the expert {name!r} has no `instructions`; give it a summary and instructions")
    try:
        return Expert.model_validate({"name": name, **told, "instructions": instructions.strip()})
    except ValidationError as error:
        raise ConfigError(f"{path}: the expert {name!r} is not complete: {error}") from error
