"""What every test shares: anyio on asyncio, and where the shared data lies."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")  # a slow minute is no failure: times are held as ratios, by the benchmarks

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
