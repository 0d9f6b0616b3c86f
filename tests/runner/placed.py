"""A machine of a test with a double of Ollama and one of the cloud, its folders, and the commands run on it."""

import json
import os
import subprocess
import sysconfig
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runner.models import ollama_wire
from runner.models.gemini_double import GeminiDouble
from runner.models.http_double import ScriptedReply
from runner.models.ollama_double import OllamaDouble
from tests.runner.queued import until

BIN = Path(sysconfig.get_path("scripts"))
KEY = "dummy-key-0123456789"
VERAN, GEMINI = "veran-v4:latest", "gemini-3.8-flash"
EASY = "What is $2100?"
HARD = (
    "Explain why the whole system of all banks sometimes fails on real hardware, step by step, "
    "and then explain the entire architecture, and also the worst-case, and finally every module, "
    "then the race conditions, plus a proof"
)
RIGHT, WRONG = "$2100 is INIDISP.", "$2100 is the register VMAIN."


class Place:
    """A machine with Ollama, its folders, and keys for the cloud."""

    def __init__(self, folder: Path, ollama: OllamaDouble, gemini: GeminiDouble) -> None:
        self.folder, self.ollama, self.gemini = folder, ollama, gemini
        self.environ = {
            "AFS_CONTEXT_ROOT": str(folder / "context"),
            "AFS_DATA_DIR": str(folder / "data"),
            "AFS_KEYS_FILE": str(folder / "keys.toml"),
            "OLLAMA_HOST": ollama.host,
            "GEMINI_API_KEY": KEY,
            "GOOGLE_GEMINI_BASE_URL": gemini.url,
            "GOOGLE_API_KEY": "",
            "ANTHROPIC_API_KEY": "",
            "OPENAI_API_KEY": "",
        }

    def afs(self, *words: str, command: str = "afs-run", **environ: str) -> subprocess.CompletedProcess[bytes]:
        env = {**os.environ, **self.environ, **environ}
        told = [str(BIN / command), *words]
        return subprocess.run(told, env=env, cwd=self.folder, capture_output=True, timeout=90, check=False)

    def run(self, *words: str, **environ: str) -> dict[str, Any]:
        done = self.afs("--json", "--servers", "alttp", "--context-budget", "0", *words, **environ)
        assert KEY.encode() not in done.stdout + done.stderr
        assert done.stdout, done.stderr.decode()
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def kept(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / f"context/history/runs/{name}.json").read_bytes())
        return found

    def locally(self, *texts: str, **trouble: Any) -> None:
        replies = [ollama_wire.ScriptedReply(content=text) for text in texts]
        self.ollama.script([*replies, *([ollama_wire.ScriptedReply(**trouble)] if trouble else [])])

    def above(self, *texts: str) -> None:
        self.gemini.script([ScriptedReply(text=text) for text in texts])

    @property
    def asked(self) -> tuple[int, int]:
        """How often the local model and the cloud were asked."""
        return len(self.ollama.bodies("/api/chat")), len(self.gemini.bodies(":streamGenerateContent"))

    @contextmanager
    def queue_served(self) -> Generator[None]:
        """Serve the queue of this machine until the block ends."""
        told = [str(BIN / "afs"), "agent", "serve", "--max-load", "0", "--min-memory", "0"]
        quiet = subprocess.DEVNULL
        env = {**os.environ, **self.environ}
        with subprocess.Popen(told, env=env, cwd=self.folder, stdout=quiet, stderr=quiet) as server:
            try:
                until((self.folder / "data/queue/socket").exists)
                yield
            finally:
                server.terminate()


@contextmanager
def machine(folder: Path) -> Generator[Place]:
    """Give a machine, and see to it that its key is in no file of it afterwards."""
    with OllamaDouble({VERAN: ("completion",)}) as ollama, GeminiDouble([GEMINI], key=KEY) as gemini:
        yield Place(folder, ollama, gemini)
        assert KEY not in "".join(
            path.read_text(encoding="utf-8", errors="replace") for path in folder.rglob("*") if path.is_file()
        )


def action(text: str) -> str:
    """Return an answer as a model without tools of its own gives it."""
    return json.dumps({"action": "answer", "answer": text})
