"""Who is compared: how each runner is installed and started, with the same model, server, prompt and limit."""

import json
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

__all__ = ["BARE", "HERE", "OURS", "PEERS", "PROMPT", "RUNNERS", "Place", "Runner", "Started"]

PROMPT = "Use the echo tool as needed, then give the final answer."
HERE = Path(__file__).parent
"""Where the programs of the comparison are."""


class Place(NamedTuple):
    """Where and with what a runner is started."""

    python: Path
    """Of the runner's own environment."""
    folder: Path
    """Its working directory and its home, empty at first."""
    url: str
    """Of the model, with `/v1`."""
    steps: int
    server: tuple[str, ...]
    """The command of the echo server."""


class Started(NamedTuple):
    """How a runner is started in a place."""

    command: tuple[str, ...]
    env: Mapping[str, str] = {}
    """Beside PATH and HOME."""
    files: Mapping[str, str] = {}
    """What it finds in its folder: name -> text."""


class Runner(NamedTuple):
    """One runner: `packages` are what pip installs for it; none where it needs nothing that is not here."""

    name: str
    start: Callable[[Place], Started]
    packages: tuple[str, ...] = ()
    python: tuple[int, int] = (3, 11)
    """The oldest Python that its newest version runs on."""


def _bare(place: Place) -> Started:
    words = (str(place.python), "-P", str(HERE / "bare.py"), place.url, PROMPT, str(place.steps), *place.server)
    return Started(words)


def _ours(place: Place) -> Started:
    """With the user's word that the echo server's tools only read, but for `die`, which is allowed by name."""
    command, *arguments = place.server
    options = {
        "--model": "openai:m",
        "--context-budget": "0",
        "--config": str(place.folder / "mcp.json"),
        "--tools": "echo,slow,big,die",
        "--allow": "bench.die",
        "--max-steps": str(place.steps),
    }
    words = [word for pair in options.items() for word in pair]
    title = json.dumps(" ".join(place.server))
    env = {
        "OPENAI_BASE_URL": place.url,
        "AFS_TOOL_CLASSES": str(place.folder / "classes.toml"),
        "AFS_CONTEXT_ROOT": str(place.folder / "context"),
        "AFS_DATA_DIR": str(place.folder / "data"),
        "AFS_PINS_DIR": str(place.folder / "pins"),
    }
    files = {
        "mcp.json": json.dumps({"mcpServers": {"bench": {"command": command, "args": arguments}}}),
        "classes.toml": f'[{title}]\nread = ["echo", "slow", "big"]\nexec = ["die"]\n',
    }
    script = str(Path(sysconfig.get_path("scripts"), "afs-run"))
    return Started((script, "--quiet", "--alone", "--no-rate", *words, PROMPT), env, files)


def _library(name: str, env: Mapping[str, str] | None = None) -> Callable[[Place], Started]:
    def start(place: Place) -> Started:
        words = (str(place.python), "-P", str(HERE / "drive.py"), name, place.url, PROMPT, str(place.steps))
        return Started((*words, *place.server), env or {})

    return start


def _fast_agent(place: Place) -> Started:
    command, *arguments = place.server
    config = {
        "default_model": "generic.m",
        "generic": {"api_key": "none", "base_url": place.url},
        "mcp": {"servers": {"bench": {"command": command, "args": arguments}}},
    }
    path = place.folder / "fast-agent.yaml"
    words = ("go", "--config-path", str(path), "--servers", "bench", "--model", "generic.m", "--message", PROMPT)
    program = str(place.python.with_name("fast-agent"))
    return Started((program, *words, "--quiet", "--no-home", "--no-shell"), {}, {path.name: json.dumps(config)})


BARE = Runner("bare loop", _bare)
OURS = Runner("afs-run", _ours)
PEERS: tuple[Runner, ...] = (
    Runner("pydantic-ai", _library("pydantic-ai"), ("pydantic-ai-slim[openai,mcp]",)),
    Runner("mcp-use", _library("mcp-use", {"MCP_USE_ANONYMIZED_TELEMETRY": "false"}), ("mcp-use", "langchain-openai")),
    Runner("openai-agents", _library("openai-agents", {"OPENAI_AGENTS_DISABLE_TRACING": "1"}), ("openai-agents",)),
    Runner("fast-agent", _fast_agent, ("fast-agent-mcp",), (3, 13)),
    Runner("mcp-client-for-ollama", _library("mcp-client-for-ollama"), ("mcp-client-for-ollama",)),
)
RUNNERS: tuple[Runner, ...] = (BARE, OURS, *PEERS)
"""All, in the order of the table."""
