"""A server that misbehaves as its first argument says; run as a program, it speaks the protocol by hand.

The second argument, where given, is a folder: each life leaves a file there, named after its process id.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

MODE = sys.argv[1]
LIVES = Path(sys.argv[2]) if len(sys.argv) > 2 else None
CAPABILITIES: dict[str, Any] = {"tools": {}}
ABOUT = {"name": "hostile", "version": "1"}
READ_ONLY = {"readOnlyHint": True}
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"text": {"type": "string"}}}


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def raw(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": "d", "inputSchema": SCHEMA, **more}


def tools() -> list[dict[str, Any]]:
    special: dict[str, list[dict[str, Any]]] = {
        "hugedesc": [tool("t", description="d" * 10_000_000)],
        "hugeschema": [tool("t", inputSchema={**SCHEMA, "x": "s" * 100_000}), tool("u")],
        "manytools": [tool(f"t{index}") for index in range(700)],
        "badnames": [tool("t"), tool("t"), tool("a b\x1b[31m"), tool("-"), tool("n" * 5000), tool("x\u202ey")],
        "evil": [tool("t", description="see \x1b[2J\u202e\U000e0041 this")],
        "remote": [tool("t", inputSchema={**SCHEMA, "$ref": "http://127.0.0.1:1/schema"})],
        "readonly-die": [tool("t", annotations=READ_ONLY)],
    }
    return special.get(MODE, [tool("t")])


def listing(turn: int) -> dict[str, Any]:
    if MODE == "badlist":
        return {"tools": [{"name": 5}, "rubbish"]}
    if MODE == "pages":
        return {"tools": [tool(f"t{turn}")], "nextCursor": f"c{turn}"}
    if MODE == "samepage":
        return {"tools": [tool("t")], "nextCursor": "again"}
    return {"tools": tools()}


def before_call(lives: int) -> None:
    if MODE == "hang" or (MODE == "hang-once" and lives == 1):
        time.sleep(60)
    if MODE == "die" or (MODE in ("die-once", "readonly-die") and lives == 1):
        sys.stderr.write("first line\nout of \x1b[31mcheese\n")
        sys.stderr.flush()
        os._exit(3)
    if MODE == "flood":
        while True:
            raw(b"A" * 65536)
    if MODE == "rubbish":
        while True:
            raw(b"rubbish\n" * 8192)


def called(identity: Any, arguments: dict[str, Any], lives: int) -> None:
    before_call(lives)
    text: dict[str, Any] = {"type": "text", "text": f"life {lives}: {arguments.get('text', '')}"}
    results: dict[str, dict[str, Any]] = {
        "big": {"content": [{"type": "text", "text": "z" * 50_000_000}]},
        "long": {"content": [{"type": "text", "text": "z" * 1_000_000}]},
        "badresult": {"content": "nope"},
        "empty": {"content": []},
        "deep": {"content": [], "structuredContent": {"a": json.loads("[" * 150 + "]" * 150)}},
        "failing": {"content": [{"type": "text", "text": "no such thing"}], "isError": True},
        "surrogate": {"content": [{"type": "text", "text": "\ud800 \x1b[2J"}]},
    }
    if MODE == "wrongid":
        identity = 9999
    if MODE == "rpcerror":
        say({"jsonrpc": "2.0", "id": identity, "error": {"code": -32000, "message": "I will not"}})
        return
    if MODE == "sampling":
        say({"jsonrpc": "2.0", "id": 77, "method": "sampling/createMessage", "params": {"messages": []}})
    say({"jsonrpc": "2.0", "id": identity, "result": results.get(MODE, {"content": [text]})})
    if MODE == "answer-and-die":
        os._exit(0)


def begin() -> int:
    lives = 1
    if LIVES is not None:
        (LIVES / str(os.getpid())).touch()
        lives = len(list(LIVES.iterdir()))
    if MODE == "stuck":  # ignores what it is asked, and a polite end
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
    if MODE == "child":
        subprocess.Popen([sys.executable, __file__, "sleep", *sys.argv[2:]])
    if MODE == "sleep":
        time.sleep(60)
    if MODE == "crash":
        sys.exit("cannot start: the cheese is missing")
    if MODE == "environment":
        sys.exit("environment: " + ",".join(sorted(os.environ)))
    if MODE == "banner":
        raw(b"hello banner\n\xff not json\n[1,2]\n\n")
    return lives


def main() -> None:
    lives = begin()
    turn = 0
    for line in sys.stdin:
        message = json.loads(line)
        identity, method = message.get("id"), message.get("method")
        if MODE == "noinit":
            time.sleep(60)
        if method == "initialize":
            version = message["params"]["protocolVersion"]
            result = {"protocolVersion": version, "capabilities": CAPABILITIES, "serverInfo": ABOUT}
            say({"jsonrpc": "2.0", "id": identity, "result": result})
        elif method == "tools/list":
            turn += 1
            say({"jsonrpc": "2.0", "id": identity, "result": listing(turn)})
        elif method == "tools/call":
            called(identity, message["params"].get("arguments") or {}, lives)
        elif identity is not None and method:
            say({"jsonrpc": "2.0", "id": identity, "error": {"code": -32601, "message": "no"}})
    if MODE == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)


main()
