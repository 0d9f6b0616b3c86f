"""Vectors of texts from an embedding model of the user's own Ollama, for a search by meaning."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from servers.machine.errors import ServerError

__all__ = ["embedder"]

_PLACE = "127.0.0.1:11434"
_SECONDS = 120.0


def _url() -> str:
    host = os.environ.get("OLLAMA_HOST", "").strip() or _PLACE
    host = host if "://" in host else f"http://{host}"
    return f"{host.rstrip('/').replace('://0.0.0.0', '://127.0.0.1')}/api/embed"


def embedder(model: str, *, seconds: float = _SECONDS) -> Callable[[Sequence[str]], Sequence[Sequence[float]]]:
    """Return what turns texts into vectors by a model of Ollama (`OLLAMA_HOST`), each time within `seconds`.

    What is returned raises ServerError when Ollama does not answer, has no such model, or sends something else.
    """
    url = _url()

    def embed(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        import httpx

        try:
            reply = httpx.post(url, json={"model": model, "input": list(texts)}, timeout=seconds, trust_env=False)
            reply.raise_for_status()
            vectors = reply.json()["embeddings"]
            return [[float(number) for number in vector] for vector in vectors]
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServerError(
                f"Ollama gave no vectors for {model} ({error}); start it and `ollama pull {model}`, or unset "
                "AFS_EMBED_MODEL to search by words alone"
            ) from error
        except (KeyError, TypeError, ValueError) as error:
            raise ServerError(f"Ollama answered {model} with no vectors; is it an embedding model?") from error

    return embed
