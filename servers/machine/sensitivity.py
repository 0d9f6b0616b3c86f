"""Sensitivity of a context's files: which are never indexed, and which never leave it for training.

The user's rules stand in `.afs/sensitivity.toml` (or below `[sensitivity]` in `afs.toml`): lists `never_index` and
`never_export` of patterns as in `.gitignore`. A note may say of itself `sensitivity = "never_index"`,
`"never_export"` or `"restricted"` (both) in its front matter. Keys and passwords are neither, whatever the rules say.
"""

import fnmatch
import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import cast

from servers.machine.artifacts import front_matter
from servers.machine.beneath import Root
from servers.machine.errors import ServerError
from servers.machine.globs import matcher
from servers.machine.layout_policies import said_by

__all__ = ["HEAD", "RULES", "SECRETS", "Rules", "is_secret", "sensitivity_of"]

RULES = ".afs/sensitivity.toml"
"""The user's rules, below the context root."""
HEAD = 32_768
"""Bytes of a file that hold its front matter."""

SECRETS = (
    ".env",
    ".env.*",
    "*.env",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".git-credentials",
    ".htpasswd",
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".password-store",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "*.gpg",
    "*.asc",
    "credentials",
    "credentials.*",
    "secrets",
    "secrets.*",
    ".secrets",
    "service-account*.json",
    "token.json",
    "*_token",
    "*.token",
)
"""Names of files and folders that hold keys and passwords, at any depth."""

_LINE = re.compile(rb"^[ \t]*sensitivity[ \t]*[:=](.*(?:\r?\n[ \t]*-.*)*)", re.MULTILINE | re.IGNORECASE)
_WORD = re.compile(r"[a-z_]+")
_INDEX = frozenset(["never_index", "restricted"])
_EXPORT = frozenset(["never_export", "restricted", "private"])


class Rules:
    """The rules of one context root. Paths are relative to it, as text or as bytes."""

    def __init__(self, *, never_index: Sequence[str] = (), never_export: Sequence[str] = ()) -> None:
        """Take the patterns of each kind; a pattern that cannot be read is a problem, not an error."""
        self.problems: list[str] = []
        self._index = self._all(never_index)
        self._export = self._all(never_export)

    def indexable(self, path: str | bytes, *, head: bytes = b"") -> bool:
        """Tell whether search and packs may show a file; `head` (its first `HEAD` bytes) may hold front matter."""
        return self._free(path, head, self._index, _INDEX)

    def exportable(self, path: str | bytes, *, head: bytes = b"") -> bool:
        """Tell whether a file may go into training data; `head` as for `indexable`."""
        return self._free(path, head, self._export, _EXPORT)

    def _free(
        self, path: str | bytes, head: bytes, patterns: Sequence[Callable[[bytes], bool]], words: frozenset[str]
    ) -> bool:
        raw = _folded(path)
        if is_secret(raw) or any(meant(raw) for meant in patterns):
            return False
        return words.isdisjoint(_said(head))

    def _all(self, patterns: Sequence[str]) -> tuple[Callable[[bytes], bool], ...]:
        out: list[Callable[[bytes], bool]] = []
        for pattern in patterns:
            try:
                out += _matchers(pattern)
            except ServerError as error:
                self.problems.append(f"{RULES}: {error}")
        return tuple(out)


def _folded(path: str | bytes) -> bytes:
    return (os.fsencode(path) if isinstance(path, str) else path).lower()


def _said(head: bytes) -> set[str]:
    """Return what a file says of its own sensitivity: one word or a list of them.

    Front matter that is no TOML, or has no end here, is taken by its words: what may be meant to be hidden is.
    """
    start = head.removeprefix(b"\xef\xbb\xbf")[:3]
    if start not in (b"+++", b"---"):
        return set()
    values = front_matter(head).values
    if not values:
        lines = b" ".join(_LINE.findall(head.partition(b"\n")[2].partition(b"\n" + start)[0]))
        return set(_WORD.findall(lines.decode("utf-8", "replace").lower()))
    value = values.get("sensitivity")
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    return {item.strip().lower() for item in items if isinstance(item, str)}


def _matchers(pattern: str) -> list[Callable[[bytes], bool]]:
    """Return what a pattern means: the name itself (at any depth where it has no `/`), and all below it."""
    text = pattern.strip().lower().rstrip("/")
    if not text:
        return []
    start = text.lstrip("/") if "/" in text else f"**/{text}"
    return [matcher(f"{start}/**"), *([] if "/" not in start else [matcher(start)])]


_IS_SECRET = re.compile("|".join(fnmatch.translate(name) for name in SECRETS).encode("ascii"), re.DOTALL)


@lru_cache(1 << 16)
def _is_secret_name(name: bytes) -> bool:
    return _IS_SECRET.match(name) is not None


def is_secret(path: str | bytes) -> bool:
    """Tell whether a path has a name in it that keys and passwords have."""
    return any(map(_is_secret_name, _folded(path).split(b"/")))


def sensitivity_of(root: Root) -> Rules:
    """Return the rules of a context root; rules that cannot be read are problems, and the rest holds."""
    own, shared = said_by(root, RULES), said_by(root, "afs.toml")
    tables = [own.values, _table(own.values.get("sensitivity")), _table(shared.values.get("sensitivity"))]
    problems = [said.problem for said in (own, shared) if said.problem]
    rules = Rules(
        never_index=[item for table in tables for item in _patterns(table, "never_index", problems)],
        never_export=[item for table in tables for item in _patterns(table, "never_export", problems)],
    )
    rules.problems += problems
    return rules


def _table(value: object) -> Mapping[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _patterns(table: Mapping[str, object], key: str, problems: list[str]) -> list[str]:
    value = table.get(key, [])
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    found = [item for item in items if isinstance(item, str)]
    if len(found) < len(items):
        problems.append(f"{RULES}: {key} is no list of patterns; write it as in {key} = ['memory/private/**']")
    return found
