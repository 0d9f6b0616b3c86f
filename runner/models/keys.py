"""Keys of the providers: from the environment, or from one file that only its owner can read.

The file is TOML, a key a line (`claude = "..."`, `gemini = "..."`, `openai = "..."`), in the user's config directory
or where AFS_KEYS_FILE says. A key goes to the provider's client and nowhere else: `without_keys` takes it out of
whatever text is shown or kept.
"""

import contextlib
import functools
import os
import re
import stat
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from runner.errors import ConfigError

__all__ = [
    "KEY_VARIABLES",
    "hide",
    "key_for",
    "key_place",
    "keys_file",
    "known_keys",
    "need_key",
    "without_keys",
]

KEY_VARIABLES: dict[str, tuple[str, ...]] = {
    "claude": ("ANTHROPIC_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "openai": ("OPENAI_API_KEY",),
}
"""Provider -> the environment variables that may hold its key, the first that is set wins."""

_ALSO_SECRET = ("OLLAMA_API_KEY",)
"""What else is a key: of a daemon, which asks for it only where it is not on this machine."""
_OTHER_NAMES = {"anthropic": "claude", "google": "gemini"}
_LARGEST_FILE = 64 * 1024
_LONGEST_KEY = 4096
_SHORTEST_SECRET = 8
_SAYS_WHERE = ("HOME", "XDG_CONFIG_HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA")
"""Variables that move the user's config directory, on one system or another."""
_SHOWN = "[key]"
_LOOKS_LIKE_A_KEY = re.compile(r"\b(?:sk-[A-Za-z0-9_-]{16,}|AIza[A-Za-z0-9_-]{30,}|AQ\.[A-Za-z0-9_-]{30,})")


class _Found(NamedTuple):
    key: str
    place: str


def keys_file(environ: Mapping[str, str] | None = None) -> Path:
    """Return where the file of keys is looked for: AFS_KEYS_FILE, else `keys.toml` in the user's config directory."""
    given = (os.environ if environ is None else environ).get("AFS_KEYS_FILE", "").strip()
    if given:
        return Path(given).expanduser().absolute()
    return _usual_file(*(os.environ.get(name, "") for name in _SAYS_WHERE))


@functools.lru_cache(maxsize=8)
def _usual_file(*_where: str) -> Path:
    """Return where the file lies by the variables that say where; asked for at each result of a tool."""
    import platformdirs

    return platformdirs.user_config_path("afs-suite", appauthor=False) / "keys.toml"


def key_for(provider: str, *, environ: Mapping[str, str] | None = None) -> str:
    """Return the key of a provider (`claude`, `gemini`, `openai`), or an empty string where there is none.

    Raises:
        ConfigError: the key is no key, or the file of keys can be read by others, is a link, or is not TOML.
    """
    return _find(provider, os.environ if environ is None else environ).key


def key_place(provider: str, *, environ: Mapping[str, str] | None = None) -> str:
    """Return where a provider's key was found, a variable or a file, never the key; empty where there is none.

    Raises:
        ConfigError: as `key_for`.
    """
    return _find(provider, os.environ if environ is None else environ).place


def need_key(provider: str, *, environ: Mapping[str, str] | None = None) -> str:
    """Return the key of a provider that answers nobody without one.

    Raises:
        ConfigError: there is none; or as `key_for`.
    """
    env = os.environ if environ is None else environ
    found = _find(provider, env)
    if not found.key:
        name = _OTHER_NAMES.get(provider, provider)
        raise ConfigError(
            f"no key for {name}; set {KEY_VARIABLES[name][0]}, "
            f'or write `{name} = "..."` into {keys_file(env)} and run `chmod 600 {keys_file(env)}`'
        )
    return found.key


def without_keys(text: str, *, environ: Mapping[str, str] | None = None) -> str:
    """Return `text` with every key that is known here, and whatever else looks like one, replaced by `[key]`."""
    return _LOOKS_LIKE_A_KEY.sub(_SHOWN, hide(text, known_keys(environ)))


def hide(text: str, keys: Iterable[str]) -> str:
    """Return `text` with each of these keys replaced by `[key]`, in their order, and nothing else."""
    for key in keys:
        text = text.replace(key, _SHOWN)
    return text


def known_keys(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return every key that is known here and long enough to be told from other text, the longest first."""
    env = os.environ if environ is None else environ
    variables = [*_ALSO_SECRET, *(name for names in KEY_VARIABLES.values() for name in names)]
    known = [value for name in variables if (value := env.get(name, "").strip())]
    with contextlib.suppress(ConfigError):  # a file that is refused gives no key, so none of it can be in the text
        known += _in_file(keys_file(env)).values()
    return tuple(sorted({key for key in known if len(key) >= _SHORTEST_SECRET}, key=len, reverse=True))


def _find(provider: str, environ: Mapping[str, str]) -> _Found:
    name = _OTHER_NAMES.get(provider, provider)
    if name not in KEY_VARIABLES:
        raise ConfigError(f"{provider!r} takes no key; keys are for {', '.join(KEY_VARIABLES)}")
    for variable in KEY_VARIABLES[name]:
        if given := environ.get(variable, "").strip():
            return _Found(_checked(given, variable), variable)
    path = keys_file(environ)
    kept = _in_file(path).get(name, "")
    return _Found(_checked(kept, str(path)), str(path)) if kept else _Found("", "")


def _checked(key: str, place: str) -> str:
    """Refuse what an HTTP header cannot carry: the client's own error would quote it."""
    if len(key) > _LONGEST_KEY or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(f"what {place} holds is no key (one word of printable ASCII); copy it there again")
    return key


def _in_file(path: Path) -> dict[str, str]:
    """Return provider -> key of a file of keys; nothing where there is no file."""
    data = _read_private(path)
    if not data:
        return {}
    try:
        values = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        told = 'write one line for each key, e.g. claude = "..."'
        raise ConfigError(f"{path} is not TOML ({type(error).__name__}); {told}") from None
    found: dict[str, str] = {}
    for given, value in values.items():
        name = _OTHER_NAMES.get(given, given)
        if name not in KEY_VARIABLES or not isinstance(value, str):
            raise ConfigError(f'{path}: it holds keys of {", ".join(KEY_VARIABLES)} only, each as NAME = "..."')
        found[name] = value.strip()
    return found


def _read_private(path: Path) -> bytes:
    """Read a file that nobody else can read, opened first and looked at then, through no link."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        opened = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"{path} cannot be opened ({told}); make it a plain file of your own (no link) and run `chmod 600 {path}`"
        ) from None
    try:
        _check_private(os.fstat(opened), path)
        with os.fdopen(opened, "rb", closefd=False) as file:
            data = file.read(_LARGEST_FILE + 1)
    finally:
        os.close(opened)
    if len(data) > _LARGEST_FILE:
        raise ConfigError(f"{path} is larger than {_LARGEST_FILE} bytes; keep only keys in it")
    return data


def _check_private(state: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(state.st_mode):
        raise ConfigError(f"{path} is no plain file; put the keys in one and run `chmod 600 {path}`")
    if os.name != "posix":
        return
    if state.st_uid != os.geteuid():
        raise ConfigError(f"{path} belongs to another user; make a file of your own and set AFS_KEYS_FILE to it")
    if state.st_mode & 0o077:
        raise ConfigError(f"{path} can be read by others (mode {state.st_mode & 0o777:o}); run `chmod 600 {path}`")
