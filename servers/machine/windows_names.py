"""Which names a path may have on Windows: what means a device, a stream, another volume or another name is refused.

Source of the rules: "Naming Files, Paths, and Namespaces" of the Win32 documentation.
"""

import re

from servers.machine.errors import ServerError
from servers.machine.names import PATH_LIMIT, show

__all__ = ["parts_of"]

_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$", "clock$"]
    + [f"{port}{number}" for port in ("com", "lpt") for number in "0123456789\u00b9\u00b2\u00b3"]
)
_SHORT = re.compile(r"[^.~]{1,6}~[0-9]{1,6}(\.[^.]{0,3})?", re.DOTALL)
"""The second name, of eight and three characters, that a file may have: it would go round rules about the first."""
_FORBIDDEN = re.compile('[\0-\x1f<>"|?*]')


def parts_of(path: str) -> tuple[str, ...]:
    """Return the parts of a caller's relative path, dots resolved as Windows does, before it looks at any file.

    Both slashes part. Raises ServerError: absolute, a drive, a share, a stream, a device, a name that Windows
    would change, a way out of the root.
    """
    if len(path) > PATH_LIMIT:
        raise ServerError(f"the path has {len(path)} characters, more than {PATH_LIMIT}; use a shorter one")
    text = path.replace("\\", "/")
    if text.startswith("/"):
        raise ServerError(f"{show(path)} is absolute, a share or a device; give the path relative to the root")
    if ":" in text:
        raise ServerError(f"{show(path)} holds a ':', which means a drive or a stream; give a plain relative path")
    parts: list[str] = []
    for part in text.split("/"):
        if part == "..":
            if not parts:
                raise ServerError(f"{show(path)} leads outside the root; use a path below the root")
            parts.pop()
        elif part not in ("", "."):
            parts.append(_checked(part, path))
    return tuple(parts)


def _checked(part: str, path: str) -> str:
    stem = part.partition(".")[0].rstrip(" ").casefold()
    if stem in _DEVICES:
        raise ServerError(f"{show(path)} names a device of Windows; choose another name")
    if part.endswith((".", " ")) or _FORBIDDEN.search(part):
        raise ServerError(f"{show(path)} is a name that Windows changes or refuses; choose a plain one")
    if _SHORT.fullmatch(part):
        raise ServerError(f"{show(path)} is a short name; give the file's full name")
    return part
