"""sandbox-exec's part: a profile for macOS, in its own language, that allows what is named and nothing else.

Written from Apple's own profiles below `/System/Library/Sandbox/Profiles`; no machine of ours could run it, so that
a canary decides there, as everywhere, whether it is used.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["SANDBOX_EXEC", "limited", "profile", "sealed_patterns"]

SANDBOX_EXEC = Path("/usr/bin/sandbox-exec")
_SYSTEM = ("/usr", "/bin", "/sbin", "/System", "/Library/Developer", "/private/var/db/dyld", "/private/var/select")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
_HEAD = """(version 1)
(deny default)
(allow process-fork)
(allow process-exec)
(allow signal (target same-sandbox))
(allow sysctl-read)
(allow file-read-metadata)
(allow file-read* (literal "/"))
"""


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def profile(
    *, readable: Sequence[Path], writable: Sequence[Path], sealed: Sequence[str] = (), processes: bool = True
) -> str:
    """Return a profile: files to read, folders to write in, and patterns of paths that are never written.

    The network, other programs and services stay denied; without `processes` it starts no other.
    """
    reads = [f"(subpath {_quoted(str(path))})" for path in (*map(Path, _SYSTEM), *readable, *writable)]
    writes = [f"(subpath {_quoted(str(path))})" for path in writable]
    devices = [f"(literal {_quoted(name)})" for name in _DEVICES]
    lines = [
        _HEAD if processes else _HEAD.replace("(allow process-fork)\n", ""),
        f"(allow file-read* {' '.join([*reads, *devices])})",
        f"(allow file-write* {' '.join([*writes, *devices])})",
        *(f"(deny file-write* (regex {_quoted(pattern)}))" for pattern in sealed),
    ]
    return "\n".join(lines) + "\n"


def sealed_patterns(workspace: Path, rules: Iterable[str]) -> list[str]:
    """Return the patterns of what is sealed below a workspace, at any depth and in any case of letters.

    In a rule `*` is any one part of a path, and `**` any number of them.
    """
    return [f"^{_literal(str(workspace))}/(.*/)?{_pattern(rule)}(/|$)" for rule in rules]


def _pattern(rule: str) -> str:
    parts = ["(.*/)?" if part == "**" else f"{_caseless(part)}/" for part in rule.split("/")]
    return "".join(parts).removesuffix("/")


def _literal(text: str) -> str:
    return re.sub(r"([\\^$.|?*+()\[\]{}])", r"\\\1", text)


def _caseless(part: str) -> str:
    if part == "*":
        return "[^/]+"
    return "".join(f"[{letter.lower()}{letter.upper()}]" if letter.isalpha() else _literal(letter) for letter in part)


def limited(words: Sequence[str], *, cpu_seconds: int, file_bytes: int, open_files: int) -> list[str]:
    """Return the words that start `words` with limits, set by a shell: macOS has no program for it."""
    bounds = f"ulimit -t {cpu_seconds} -f {file_bytes // 512} -n {open_files} -c 0"
    return ["/bin/sh", "-c", f'{bounds}; exec "$@"', "sh", *words]
