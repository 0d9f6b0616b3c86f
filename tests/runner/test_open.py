"""Which model `--model` opens, and what it says when there is none."""

from pathlib import Path

import pytest

from runner.errors import ConfigError
from runner.models.open import PROVIDERS, open_model
from schemas.expert import Expert
from servers.settings import Settings

pytestmark = pytest.mark.anyio

EXPERT = Expert(name="veran", summary="s", instructions="i", models={"claude": "claude-sonnet-5-5"})
KEYS = ("ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY")


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AFS_KEYS_FILE", str(tmp_path / "keys.toml"))


async def name_of(wanted: str) -> str:
    opened = await open_model(wanted, EXPERT, Settings.from_environment({}))
    await opened.model.close()
    return opened.model.name


@pytest.mark.parametrize(
    ("wanted", "variable", "name"),
    [
        ("claude:claude-opus-5-5", "ANTHROPIC_API_KEY", "claude:claude-opus-5-5"),
        ("anthropic:claude-opus-5-5", "ANTHROPIC_API_KEY", "claude:claude-opus-5-5"),
        ("claude", "ANTHROPIC_API_KEY", "claude:claude-sonnet-5-5"),
        ("gemini:gemini-3.8-flash", "GEMINI_API_KEY", "gemini:gemini-3.8-flash"),
        ("google:gemini-3.8-flash", "GOOGLE_API_KEY", "gemini:gemini-3.8-flash"),
        ("openai:org/model:free", "OPENAI_API_KEY", "openai:org/model:free"),
    ],
)
async def test_a_hosted_provider_opens_by_either_name(
    monkeypatch: pytest.MonkeyPatch, wanted: str, variable: str, name: str
) -> None:
    monkeypatch.setenv(variable, "dummy-key-0123456789")
    assert await name_of(wanted) == name


@pytest.mark.parametrize("wanted", ["claude:claude-opus-5-5", "gemini:gemini-3.8-flash"])
async def test_without_a_key_the_error_says_where_to_put_it(wanted: str) -> None:
    with pytest.raises(ConfigError, match=r"_API_KEY, or write .*keys\.toml"):
        await name_of(wanted)


@pytest.mark.parametrize("wanted", ["gemini", "openai:", "gemini:a b", "scripted"])
async def test_a_provider_alone_wants_a_name_where_the_expert_has_none(wanted: str) -> None:
    with pytest.raises(ConfigError, match="names no model"):
        await name_of(wanted)


async def test_what_is_no_model_gets_the_list_of_providers() -> None:
    with pytest.raises(ConfigError) as caught:
        await name_of("no model")
    assert all(provider in str(caught.value) for provider in PROVIDERS)
