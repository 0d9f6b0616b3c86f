"""Policies of a context root's folders: which of them a tool may write, by the layout and by the user's own word.

| folder                     | version 2  | version 1  | why                                                       |
|----------------------------|------------|------------|-----------------------------------------------------------|
| `history`                  | read_only  | read_only  | the recorder of runs alone writes it                      |
| `memory`                   | writable   | read_only  | 2: notes and handoffs of tools; 1: the user's own word    |
| `scratchpad`               | writable   | writable   | working notes                                             |
| `knowledge`                | read_only  | read_only  | reference material that a person has chosen               |
| `tools`                    | executable | executable | what is run must not be written by what runs it           |
| `human`                    | read_only  | -          | a person's decisions and approvals                        |
| `hivemind` `global` `items`| -          | writable   | messages and shared state of version 1                    |

A root with no mark of either version (made by the first write of a tool) has the folders of version 1, and all
but `history` can be written. `[policies]` in `.afs/layout.toml`, `directories` or `policies` in `metadata.json`, and
`[[directories]]` in `afs.toml` or `hafs.toml` say otherwise; none of them opens `history` or `.afs`.
"""

import json
from collections.abc import Mapping
from typing import Literal, NamedTuple, cast

from servers.machine.beneath import NotThereError, Root
from servers.machine.errors import ServerError

__all__ = ["PLAIN", "VERSION_1", "VERSION_2", "Own", "Policy", "Said", "own_policies", "said_by"]

Policy = Literal["read_only", "writable", "executable"]
"""What tools may do in a folder; `executable` is read and run, not written."""

VERSION_1: Mapping[str, Policy] = {
    "memory": "read_only",
    "knowledge": "read_only",
    "tools": "executable",
    "scratchpad": "writable",
    "history": "read_only",
    "hivemind": "writable",
    "global": "writable",
    "items": "writable",
}
VERSION_2: Mapping[str, Policy] = {
    "history": "read_only",
    "memory": "writable",
    "scratchpad": "writable",
    "knowledge": "read_only",
    "tools": "executable",
    "human": "read_only",
}
PLAIN: Mapping[str, Policy] = {
    name: "read_only" if name == "history" else "writable" for name in ("memory", "knowledge", "scratchpad", "history")
}
"""Policies of a root that no version has marked."""

_CONFIGS = ("afs.toml", "hafs.toml")
_METADATA = "metadata.json"
_LIMIT = 256_000


class Said(NamedTuple):
    """What one file says, as nested plain values; `problem` where it cannot be understood."""

    values: Mapping[str, object]
    there: bool = False
    problem: str = ""


class Own(NamedTuple):
    """What the user's files say of the folders."""

    policies: Mapping[str, Policy]
    names: Mapping[str, str]
    """The folder of a category where it is another than the category's own name."""
    by_hand: tuple[str, ...]
    """Paths below the root that only a person writes."""
    marked: bool
    """Whether one of the files of version 1 is there."""
    problems: tuple[str, ...]


def said_by(root: Root, path: str) -> Said:
    """Read a TOML or JSON file of the root; a file that is not there says nothing."""
    import tomllib

    try:
        chunk = root.read(path, limit=_LIMIT, tagged=False)
    except NotThereError:
        return Said({})
    except ServerError as error:
        return Said({}, there=True, problem=str(error))
    try:
        text = chunk.data.decode("utf-8")
        values: object = json.loads(text) if path.endswith(".json") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        form = "JSON" if path.endswith(".json") else "TOML"
        return Said({}, there=True, problem=f"{path} is no {form} ({error}); repair or remove it")
    if not isinstance(values, dict):
        return Said({}, there=True, problem=f"{path} holds no object; repair or remove it")
    return Said(cast("dict[str, object]", values), there=True)


def own_policies(root: Root, marker: Mapping[str, object]) -> Own:
    """Return what the user's files say; the marker's `[policies]` have the last word."""
    policies: dict[str, Policy] = {}
    names: dict[str, str] = {}
    problems: list[str] = []
    files = {name: said_by(root, name) for name in (*_CONFIGS, _METADATA)}
    for said in files.values():
        problems += [said.problem] if said.problem else []
        for key in ("directories", "afs_directories"):
            _folders(said.values.get(key), policies, names)
        _policies(said.values.get("policies"), policies)
    _policies(marker.get("policies"), policies)
    by_hand = files[_METADATA].values.get("manual_only")
    return Own(
        policies={name: policy for name, policy in policies.items() if name != "history"},
        names={name: folder for name, folder in names.items() if name != folder},
        by_hand=tuple(item for item in _strings(by_hand) if item.strip("/")),
        marked=any(said.there for said in files.values()),
        problems=tuple(problems),
    )


def _strings(value: object) -> list[str]:
    return [item for item in cast("list[object]", value) if isinstance(item, str)] if isinstance(value, list) else []


def _policy(value: object) -> Policy | None:
    if value == "writable":
        return "writable"
    if value == "executable":
        return "executable"
    return "read_only" if value == "read_only" else None


def _policies(value: object, policies: dict[str, Policy]) -> None:
    """Take a table of folder -> policy; what is no policy is left out, so that the default holds."""
    for name, item in cast("dict[str, object]", value).items() if isinstance(value, dict) else ():
        policy = _policy(item)
        if policy is not None:
            policies[name] = policy


def _folders(value: object, policies: dict[str, Policy], names: dict[str, str]) -> None:
    """Take folders as a list of tables (`name`, `role`, `policy`) or as a table of category -> folder."""
    if isinstance(value, dict):
        for role, item in cast("dict[str, object]", value).items():
            if isinstance(item, dict):
                _folder({"role": role, **cast("dict[str, object]", item)}, policies, names)
            elif isinstance(item, str):
                _folder({"role": role, "name": item}, policies, names)
    for item in cast("list[object]", value) if isinstance(value, list) else ():
        if isinstance(item, dict):
            _folder(cast("dict[str, object]", item), policies, names)


def _folder(item: Mapping[str, object], policies: dict[str, Policy], names: dict[str, str]) -> None:
    name, role = item.get("name"), item.get("role")
    category = role if isinstance(role, str) and role else name
    if not isinstance(category, str) or not category:
        return
    if isinstance(name, str) and name and "/" not in name and name not in (".", "..", ".afs", "history"):
        names[category] = name
    policy = _policy(item.get("policy"))
    if policy is not None:
        policies[category] = policy
