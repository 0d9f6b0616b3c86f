"""Keys: where they come from, and where they never go."""

import os
from pathlib import Path

import pytest

from runner.errors import ConfigError
from runner.models.keys import key_for, key_place, keys_file, need_key, without_keys

DUMMY = "dummy-key-0123456789"
OTHER = "another-dummy-9876543210"


def written(path: Path, text: str, *, mode: int = 0o600) -> dict[str, str]:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return {"AFS_KEYS_FILE": str(path)}


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    env = written(tmp_path / "keys.toml", f'claude = "{OTHER}"\n')
    assert (key_for("claude", environ=env), key_place("claude", environ=env)) == (OTHER, str(tmp_path / "keys.toml"))
    env["ANTHROPIC_API_KEY"] = f" {DUMMY} "
    assert (key_for("claude", environ=env), key_place("claude", environ=env)) == (DUMMY, "ANTHROPIC_API_KEY")


def test_both_names_of_a_provider_mean_the_same(tmp_path: Path) -> None:
    env = written(tmp_path / "keys.toml", f'anthropic = "{DUMMY}"\ngoogle = "{OTHER}"\n')
    assert [key_for(name, environ=env) for name in ("claude", "anthropic")] == [DUMMY] * 2
    assert [key_for(name, environ=env) for name in ("gemini", "google")] == [OTHER] * 2


def test_gemini_takes_either_variable_and_its_own_first(tmp_path: Path) -> None:
    env = {"AFS_KEYS_FILE": str(tmp_path / "none.toml"), "GOOGLE_API_KEY": OTHER}
    assert key_for("gemini", environ=env) == OTHER
    assert key_for("gemini", environ={**env, "GEMINI_API_KEY": DUMMY}) == DUMMY


def test_without_a_key_nothing_is_returned_and_need_key_says_what_to_set(tmp_path: Path) -> None:
    env = {"AFS_KEYS_FILE": str(tmp_path / "none.toml"), "ANTHROPIC_API_KEY": "  "}
    assert (key_for("claude", environ=env), key_place("claude", environ=env)) == ("", "")
    with pytest.raises(ConfigError, match=r"set ANTHROPIC_API_KEY, or write .*`chmod 600"):
        need_key("anthropic", environ=env)


def test_the_file_lies_in_the_users_config_directory() -> None:
    assert keys_file({}).name == "keys.toml" and "afs-suite" in str(keys_file({}))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_file_that_others_can_read_is_refused_with_the_command_that_mends_it(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys.toml"
    env = written(path, f'claude = "{DUMMY}"\n', mode=mode)
    with pytest.raises(ConfigError, match=f"chmod 600 {path}") as caught:
        key_for("claude", environ=env)
    assert DUMMY not in str(caught.value)


def test_a_link_is_never_followed(tmp_path: Path) -> None:
    written(tmp_path / "real.toml", f'claude = "{DUMMY}"\n')
    (tmp_path / "keys.toml").symlink_to(tmp_path / "real.toml")
    with pytest.raises(ConfigError, match="no link"):
        key_for("claude", environ={"AFS_KEYS_FILE": str(tmp_path / "keys.toml")})


def test_a_pipe_or_a_folder_in_place_of_the_file_ends_in_an_error_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", mode=0o600)
    for place in (tmp_path / "pipe", tmp_path):
        with pytest.raises(ConfigError, match="plain file"):
            key_for("claude", environ={"AFS_KEYS_FILE": str(place)})


def test_a_broken_file_is_named_and_nothing_of_it_is_quoted(tmp_path: Path) -> None:
    for text in (f'claude = "{DUMMY}', f'{DUMMY} = "x"', f"[claude]\nkey = '{DUMMY}'", "claude = 7", "\x00" * 70_000):
        env = written(tmp_path / "keys.toml", text)
        with pytest.raises(ConfigError) as caught:
            key_for("claude", environ=env)
        assert DUMMY not in str(caught.value) and caught.value.__cause__ is None


@pytest.mark.parametrize("key", ["two words", "caf\u00e9-0123456789", "line\nbreak", "x" * 5000])
def test_what_no_header_can_carry_is_refused_without_quoting_it(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError, match="no key") as caught:
        key_for("openai", environ={"OPENAI_API_KEY": key, "AFS_KEYS_FILE": str(tmp_path / "none")})
    assert key not in str(caught.value)


def test_a_provider_without_keys_is_said_to_be_one() -> None:
    with pytest.raises(ConfigError, match="claude, gemini, openai"):
        key_for("ollama", environ={})


def test_known_keys_and_what_looks_like_one_are_taken_out_of_a_text(tmp_path: Path) -> None:
    env = {**written(tmp_path / "keys.toml", f'gemini = "{OTHER}"\n'), "ANTHROPIC_API_KEY": DUMMY}
    unknown = "sk-ant-" + "x" * 24
    told = without_keys(f"bad x-api-key {DUMMY}, key={OTHER}, {unknown}", environ=env)
    assert told == "bad x-api-key [key], key=[key], [key]"
    assert without_keys("a task-list of risks", environ=env) == "a task-list of risks"


def test_a_refused_file_does_not_stop_a_text_from_being_cleaned(tmp_path: Path) -> None:
    env = {**written(tmp_path / "keys.toml", "nonsense", mode=0o644), "OPENAI_API_KEY": DUMMY}
    assert without_keys(DUMMY, environ=env) == "[key]"
