"""How a server starts: built with the garbage collector at rest, then run on stdio.

A start is a twelfth sooner when the collector does not walk again and again over what stays for good.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.machine.face import Face
    from servers.settings import Settings

__all__ = ["serve"]

_THRESHOLDS = (10_000, 20, 20)
"""Objects, and rounds, between collections: a call leaves few circles, and looking for them is a twentieth of it."""


def serve(build: Callable[[Settings], Face], told: Callable[[Settings], Settings] | None = None) -> None:
    """Build a server by the settings of the environment and serve on stdio; `build` imports the server's parts.

    `told` adds to the settings what the command line says.
    """
    gc.disable()
    from servers.settings import Settings

    settings = Settings.from_environment()
    face = build(told(settings) if told else settings)
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    gc.enable()
    face.serve()
