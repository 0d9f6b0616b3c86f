"""The experts and tool sets: read from data, the user's over ours."""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from pydantic import ValidationError

from runner.errors import ConfigError
from runner.misfits import line_of, misfit_in
from schemas.expert import Expert
from servers.machine.wire import clean

__all__ = ["AUTO", "DEFAULT", "Experts", "load_experts"]

DEFAULT = "default"
"""The expert when none is named, and none is chosen."""
AUTO = "auto"
"""The name that stands for whomever the router chooses."""

_TABLES = ("experts", "sets")
_SET_EXAMPLE = 'mine = ["assemble", "lint"] under [sets]'
_SETS, _EXPERTS = r"\[[ \t]*sets[ \t]*\]", r"\[[ \t]*experts[ \t]*\]"


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
            known = ", ".join((DEFAULT, *sorted(set(self.experts) - {DEFAULT})))
            raise ConfigError(f"no expert named {clean(name[:60])!r}; there are {known}")
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
        file = _read(path)
        sets |= {
            name: _set(file, name, names)
            for name, names in file.data.get("sets", {}).items()
            if name not in ("", DEFAULT)
        }
        for name, table in file.data.get("experts", {}).items():
            experts[name] = _expert(file, name, table)
    return Experts(experts, sets)


class _File(NamedTuple):
    path: Path
    text: str
    data: Mapping[str, Mapping[str, Any]]


def _read(path: Path) -> _File:
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"the experts in {path} cannot be read: {error.strerror}; check AFS_EXPERTS") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not TOML: {error}; mend it, or unset AFS_EXPERTS") from error
    for name, table in data.items():
        shown = clean(name[:60])
        if name not in _TABLES:
            raise ConfigError(f"{path}: [{shown}] is no table of experts; write [experts.{shown}] in its place")
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: `{name}` is no table; write [experts.NAME], or names of tools under [sets]")
    return _File(path, text, data)


def _set(file: _File, name: str, names: object) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(tool, str) for tool in cast("list[object]", names)):
        at = f"{file.path}{line_of(file.text, _SETS, field=name)}"
        raise ConfigError(f"{at}: the set {clean(name[:60])!r} is no list of tools; write {_SET_EXAMPLE}")
    return tuple(cast("list[str]", names))


def _expert(file: _File, name: str, table: Any) -> Expert:
    shown = clean(name[:60])
    header = rf"\[[ \t]*experts[ \t]*\.[ \t]*[\"']?{re.escape(name)}[\"']?[ \t]*\]"
    if not isinstance(table, dict):
        at = f"{file.path}{line_of(file.text, _EXPERTS, field=name)}"
        told = f"`{shown}` under [experts] is no table; write [experts.{shown}]"
        raise ConfigError(f"{at}: {told} with a `summary` and `instructions`, each text in quotes")
    given = cast("dict[str, Any]", table)
    instructions = given.get("instructions")
    stripped = {"instructions": instructions.strip()} if isinstance(instructions, str) else {}
    try:
        return Expert.model_validate({**given, "name": name, **stripped})
    except ValidationError as error:
        found = misfit_in(error, fields=[field for field in Expert.model_fields if field != "name"])
        at = f"{file.path}{line_of(file.text, header, field=found.field)}: [experts.{shown}]"
        if found.field == "name":
            raise ConfigError(f"{at} is no name; use a-z, 0-9 and - and begin with a letter") from None
        raise ConfigError(f"{at} {found.text}") from None
