"""A server that is reached by HTTP and sends more than anybody can take."""

import gzip
import json
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import anyio
import pytest

from runner.asking import Policy
from runner.config import ServerSpec
from runner.toolbox import Toolbox
from schemas.message import ToolCall
from schemas.run import CallRecord

pytestmark = pytest.mark.anyio

CHUNK = b"z" * (1 << 20)
TEXT = {"content": [{"type": "text", "text": "plain"}]}


class Flooding(BaseHTTPRequestHandler):
    """Speaks the protocol by hand; how it answers a call is the tool's name."""

    protocol_version = "HTTP/1.1"
    sent = 0
    """MiB of the endless answer that somebody took."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Offer no stream."""
        self._send(b"", status=405)

    do_DELETE = do_GET

    def do_POST(self) -> None:
        """Answer a message."""
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method, identity = message.get("method"), message.get("id")
        if method == "initialize":
            version = message["params"]["protocolVersion"]
            about = {"name": "floods", "version": "1"}
            self._result(identity, {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about})
        elif method == "tools/list":
            tools = [{"name": name, "inputSchema": {"type": "object"}} for name in ("plain", "endless", "pressed")]
            self._result(identity, {"tools": tools})
        elif method == "tools/call":
            self._called(identity, message["params"]["name"])
        elif identity is None:
            self._send(b"", status=202)
        else:
            self._send(b"", status=400)

    def _called(self, identity: int, name: str) -> None:
        if name == "endless":
            self._flood()
        elif name == "pressed":
            self._send(gzip.compress(b" " * 50_000_000), encoding="gzip")
        else:
            self._result(identity, TEXT)

    def _result(self, identity: int, result: dict[str, Any]) -> None:
        self._send(json.dumps({"jsonrpc": "2.0", "id": identity, "result": result}).encode())

    def _send(self, body: bytes, *, status: int = 200, encoding: str = "identity") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _flood(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while Flooding.sent < 2000:
                self.wfile.write(b"%x\r\n" % len(CHUNK) + CHUNK + b"\r\n")
                Flooding.sent += 1
        except OSError:
            self.close_connection = True


@contextmanager
def flooding() -> Generator[ServerSpec]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Flooding)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield ServerSpec(name="floods", url=f"http://127.0.0.1:{server.server_address[1]}/mcp")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def called(tool: str, folder: Path) -> CallRecord:
    with flooding() as spec, anyio.fail_after(60):
        async with Toolbox([spec], policy=Policy(pins=folder, allow=("*",))) as box:
            return await box.call(ToolCall(id="1", name=tool, arguments={}))


async def test_an_answer_over_http_comes_back(tmp_path: Path) -> None:
    record = await called("plain", tmp_path)
    assert (record.ok, record.text) == (True, "plain")


@pytest.mark.parametrize(("tool", "says"), [("endless", "more than 16 MiB"), ("pressed", "compressed answer")])
async def test_an_answer_over_http_that_has_no_end_is_not_taken(tool: str, says: str, tmp_path: Path) -> None:
    Flooding.sent = 0
    record = await called(tool, tmp_path)
    assert not record.ok
    assert says in record.text
    assert Flooding.sent < 200
