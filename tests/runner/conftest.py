"""What the tests of the runner share: pins and tool lists of their own, so that no test reads or writes the user's."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def pins_of_the_test(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of pins that a toolbox takes for the user's."""
    folder = tmp_path_factory.mktemp("pins")
    monkeypatch.setenv("AFS_PINS_DIR", str(folder))
    monkeypatch.setenv("AFS_TOOL_LISTS_DIR", str(folder / "lists"))
    monkeypatch.delenv("AFS_TOOL_CLASSES", raising=False)
    return folder
