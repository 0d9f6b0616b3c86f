"""The layout of a context root: version 1 (plain folders) or 2 (folders with `common/` and `projects/`)."""

import tomllib
from typing import Literal

from servers.machine.beneath import NotThereError, Root
from servers.machine.errors import ServerError

__all__ = ["MARKER", "layout_version", "scratchpad_of"]

MARKER = ".afs/layout.toml"
"""The file that says which version a root has; a root without it has version 1."""


def layout_version(root: Root) -> Literal[1, 2]:
    """Return the layout version of a context root.

    Raises ServerError when the marker is there and cannot be understood: guessing would misplace files.
    """
    try:
        text = root.read(MARKER, limit=64_000, tagged=False).data.decode("utf-8")
        version = tomllib.loads(text).get("version")
    except NotThereError:
        return 1
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ServerError(f"{MARKER} of the context root is no TOML ({error}); repair or remove it") from error
    if version == 1:
        return 1
    if version == 2:
        return 2
    raise ServerError(f"{MARKER} of the context root says version {version!r}, not 1 or 2; repair or remove it")


def scratchpad_of(root: Root) -> str:
    """Return the path of the shared scratchpad below a context root."""
    return "scratchpad/common" if layout_version(root) == 2 else "scratchpad"
