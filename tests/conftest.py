"""What every test shares: anyio on asyncio, and where the shared data lies."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data beside the repository, read in place and never copied."""
    folder = Path(os.environ.get("AFS_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("the shared data folder is absent: set AFS_SHARED to it")
    return folder
