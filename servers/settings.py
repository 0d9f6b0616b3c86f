"""What a server is told from outside: folders and paths, read once from the environment."""

import dataclasses
import importlib.metadata
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

__all__ = ["Settings", "version"]


def _folder(environ: Mapping[str, str], name: str, default: Path) -> Path:
    value = environ.get(name, "").strip()
    return Path(value).expanduser().absolute() if value else default


def _listed(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, environ.get(name, "").split(os.pathsep))))


def _graph_file(environ: Mapping[str, str]) -> Path | None:
    own, memory = (environ.get(name, "").strip() for name in ("AFS_GRAPH_FILE", "MEMORY_FILE_PATH"))
    if own:
        return Path(own).expanduser().absolute()
    return Path(memory).expanduser().absolute().with_suffix(".sqlite") if memory else None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a server. An empty variable counts as unset."""

    context_root: Path
    """Root of the AFS context (`AFS_CONTEXT_ROOT`, default `~/.context`)."""
    data_dir: Path
    """Where fetched parts (asar, the model) are kept (`AFS_DATA_DIR`, default the user's data directory)."""
    run_id: str = ""
    """The run that this server was started for (`AFS_RUN_ID`); its notes are kept apart from those of other runs."""
    project_root: Path = dataclasses.field(default_factory=Path.cwd)
    """The one folder below which patches and ROMs are read and written (`AFS_PROJECT_ROOT`, default: where the server
    was started)."""
    asar: str = ""
    """Path of the asar to use (`AFS_ASAR`); empty: found by the search order."""
    symbols: tuple[str, ...] = ()
    """Symbol files of the user's own hack, below the project root (`AFS_SYMBOLS`, separated as in `PATH`)."""
    graph: Path | None = None
    """File of the user's graph (`AFS_GRAPH_FILE`, else beside `MEMORY_FILE_PATH`, where the reference memory server
    keeps its own); none: below the data folder."""

    roots: tuple[Path, ...] = ()
    """Folders of the workspace server (`AFS_WORKSPACE_ROOTS`, separated as in `PATH`); none: the project root."""
    unsandboxed: bool = False
    """Whether `run_shell` may run without a sandbox where none works (`AFS_UNSANDBOXED=1`, `afs-workspace
    --unsandboxed`); a tool's argument can't ask for it."""

    embed_model: str = ""
    """Embedding model of Ollama for searches by meaning (`AFS_EMBED_MODEL`); empty: by words and relations alone."""

    @property
    def workspace_roots(self) -> tuple[Path, ...]:
        """The folders that the workspace server works in, the first for relative paths."""
        return self.roots or (self.project_root,)

    @property
    def graph_file(self) -> Path:
        """The SQLite file of the user's graph."""
        return self.graph or self.data_dir / "graph.sqlite"

    @property
    def code_file(self) -> Path:
        """The SQLite file of the code index, beside the graph."""
        return self.graph_file.with_name(f"{self.graph_file.stem}-code.sqlite")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings from `environ` (default: the process's own)."""
        env = os.environ if environ is None else environ
        return cls(
            context_root=_folder(env, "AFS_CONTEXT_ROOT", Path.home() / ".context"),
            data_dir=_folder(env, "AFS_DATA_DIR", platformdirs.user_data_path("afs-suite", appauthor=False)),
            project_root=_folder(env, "AFS_PROJECT_ROOT", Path.cwd()),
            run_id=env.get("AFS_RUN_ID", "").strip(),
            asar=env.get("AFS_ASAR", "").strip(),
            symbols=_listed(env, "AFS_SYMBOLS"),
            roots=tuple(Path(name).expanduser().absolute() for name in _listed(env, "AFS_WORKSPACE_ROOTS")),
            unsandboxed=env.get("AFS_UNSANDBOXED", "").strip() == "1",
            graph=_graph_file(env),
            embed_model=env.get("AFS_EMBED_MODEL", "").strip(),
        )

    def at(self, context_root: Path) -> "Settings":
        """Return the same settings with another context root."""
        return dataclasses.replace(self, context_root=context_root.expanduser().absolute())


def version() -> str:
    """Return the installed version of the suite, the same for every server."""
    return importlib.metadata.version("afs-suite")
