"""Where the daemon is, and whether it answers."""

import socket

import anyio
import pytest

from runner.errors import ConfigError
from runner.models.ollama import ollama_status
from runner.models.ollama_chat import daemon_url
from runner.models.ollama_double import OllamaDouble

pytestmark = pytest.mark.anyio


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_the_status_names_the_version_and_the_models() -> None:
    with OllamaDouble({"native": ("completion",), "other:7b": ("completion",)}) as double:
        status = await ollama_status(double.host)
    assert (status.answers, status.version) == (True, "0.24.0")
    assert status.models == ("native:latest", "other:7b")


async def test_the_status_without_a_daemon_says_how_to_start_one() -> None:
    with anyio.fail_after(5):
        status = await ollama_status(f"127.0.0.1:{_free_port()}")
    assert not status.answers and "ollama serve" in status.detail


async def test_the_status_of_something_that_never_answers_comes_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, anyio.fail_after(5):
        status = await ollama_status(f"127.0.0.1:{deaf.getsockname()[1]}")
    assert not status.answers


async def test_the_status_of_a_wrong_address_says_so() -> None:
    status = await ollama_status("ftp://x")
    assert not status.answers and "host:port" in status.detail


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("box", "http://box:11434"),
        ("box:5", "http://box:5"),
        (":11434", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:99", "http://127.0.0.1:99"),
        ("[::]:99", "http://[::1]:99"),
        ('"127.0.0.1:5"', "http://127.0.0.1:5"),
        ("http://box", "http://box:80"),
        ("https://box/ollama/", "https://box:443/ollama"),
    ],
)
async def test_the_address_takes_the_forms_that_ollama_takes(
    host: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    assert daemon_url(host) == url
    monkeypatch.setenv("OLLAMA_HOST", host)
    assert daemon_url() == url


@pytest.mark.parametrize("host", ["ftp://x", "box:port", "box:99999999", "a b", "http://[::1", "x\x00y"])
async def test_what_is_no_address_is_a_clear_error(host: str) -> None:
    with pytest.raises(ConfigError, match="host:port"):
        daemon_url(host)
