"""Lines on a server's input that are no message: a request among them is answered, and the server goes on."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HELLO = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
CALL = '{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":'
SURROGATE = CALL + '{"name":"read_file","arguments":{"path":"a\\udc80b"}}}'
ODD = {
    "a lone surrogate": SURROGATE,
    "parameters that are a list": CALL + "[1]}",
    "a method that is a number": '{"jsonrpc":"2.0","id":ID,"method":5}',
}
MUTE = ["nonsense", "[]", "[" * 100_000, "7", '{"jsonrpc":"2.0","id":[1],"method":5}', '{"id":1}', "\x00", "{"]


def answers(folder: Path, lines: list[str]) -> list[dict[str, Any]]:
    """Send lines to a server on stdio, and return what it has said when its input ends."""
    asked = [json.dumps(HELLO), '{"jsonrpc":"2.0","method":"notifications/initialized"}', *lines]
    done = subprocess.run(
        [sys.executable, "-m", "servers.workspace.server", str(folder)],
        input="".join(line + "\n" for line in asked),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert "Traceback" not in done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("identity", [7, "seven"])
@pytest.mark.parametrize("line", ODD.values(), ids=ODD)
def test_a_request_that_cannot_be_read_is_answered_with_the_reason(
    line: str, identity: int | str, tmp_path: Path
) -> None:
    said = answers(tmp_path, [line.replace("ID", json.dumps(identity))])
    (answer,) = (message for message in said if message["id"] == identity)
    assert "cannot be read" in answer["error"]["message"]


def test_lines_without_a_request_are_passed_over_and_the_next_one_is_served(tmp_path: Path) -> None:
    said = answers(tmp_path, [*MUTE, SURROGATE.replace("ID", "9")])
    assert [message["id"] for message in said] == [0, 9]
