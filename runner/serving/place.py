"""Where the experts' server works: its settings, its experts, the runs that are kept, the servers an expert may use.

An expert never gets the experts' server for a tool (see `runner.depth`).
"""

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from runner.agent import find_servers
from runner.config import ServerSpec, shipped_config
from runner.depth import INSIDE, asks_experts, inside
from runner.errors import ConfigError
from runner.experts import Experts, load_experts
from runner.feedback import Feedback
from runner.queue.place import Place as QueuePlace
from runner.queue.place import place_of
from runner.recorder import Recorder
from runner.routing.switches import Switches, switches_of
from runner.serving.aliases import Aliases
from servers.settings import Settings

__all__ = ["CONFIG", "Place"]

CONFIG = "AFS_EXPERTS_CONFIG"
"""The mcp.json whose servers the experts use; unset: ours. The project's own is not looked for: a host starts this
server in any folder, and whoever writes an mcp.json chooses what is run."""


class Place:
    """What the tools of the server share; nothing is read before it is asked for."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str] = os.environ,
        *,
        scripts: bool = False,
        own_process: bool = False,
    ) -> None:
        self.settings = settings
        self.own_process = own_process
        """Whether this process is the server's own; see `runner.strays`."""
        self.scripts = scripts
        """Whether a script may stand for a model, to try the server out: it is a file of the caller's choice."""
        self._environ = environ

    @cached_property
    def recorder(self) -> Recorder:
        """The kept runs."""
        return Recorder(self.settings.context_root)

    @cached_property
    def queue(self) -> QueuePlace:
        """Where the queue of this machine is, if one is served."""
        return place_of(self.settings)

    @cached_property
    def aliases(self) -> Aliases:
        """The kept runs by every id that they were told by."""
        return Aliases(self.recorder, self.queue)

    @property
    def config(self) -> Path:
        """The mcp.json of the servers that the experts use."""
        given = self._environ.get(CONFIG, "").strip()
        return Path(given).expanduser().absolute() if given else shipped_config()

    @property
    def feedback(self) -> Feedback:
        """The ratings of the runs."""
        return Feedback(self.recorder)

    def experts(self) -> Experts:
        """Return the experts, the user's over ours. Raises ConfigError."""
        return load_experts(self._environ)

    def switches(self) -> Switches:
        """Return the user's switches of where prompts may go. Raises ConfigError."""
        return switches_of(self._environ)

    def sources(self, *names: str) -> tuple[ServerSpec, ...]:
        """Return the servers that an expert may use: of `names`, those there are; without names, all.

        Raises:
            ConfigError: the mcp.json cannot be read, or this is a server of an expert itself.
        """
        if self._environ.get(INSIDE, "").strip():
            raise ConfigError("an expert's run asks no further experts; answer with the other tools")
        specs = find_servers(self.settings, config=self.config)
        chosen = [spec for spec in specs if not asks_experts(spec)]
        named = [spec for spec in chosen if spec.name in names]
        return tuple(inside(spec) for spec in named or chosen)
