"""The runner's own time for a step, with the scripted model and one echo tool, against the bare SDK client's call."""

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from benchmarks.ratio import Pair, Ratio, ratio_of

if TYPE_CHECKING:
    from mcp import Client

    from runner.toolbox import Toolbox

__all__ = ["BOUND", "measure"]

BOUND = 1.5
ROUNDS = 7
STEPS = 60
"""Calls of one round: a run of the loop with as many steps."""
ECHO = """\
from mcp.server import MCPServer

server = MCPServer("echo")


@server.tool()
async def echo(text: str) -> str:
    return text


server.run()
"""


async def _plain(client: "Client", number: int) -> float:
    start = time.perf_counter()
    for step in range(STEPS):
        await client.call_tool("echo", {"text": f"round {number} step {step}"})
    return (time.perf_counter() - start) * 1000 / STEPS


async def _ours(toolbox: "Toolbox", number: int) -> float:
    from runner.loop import Limits, Loop
    from runner.models.model import Reply
    from runner.models.scripted import ScriptedModel, calls, text
    from schemas.message import Message, Usage

    asked = [calls(("echo", {"text": f"round {number} step {step}"})) for step in range(STEPS)]
    script = [Reply(message=message, usage=Usage(prompt_tokens=1)) for message in asked]  # no words for it to count
    loop = Loop(
        model=ScriptedModel([*script, text("done")]),
        toolbox=toolbox,
        limits=Limits(max_steps=STEPS + 1),
        messages=[Message(role="user", text="echo")],
        offered=toolbox.tools,
    )
    start = time.perf_counter()
    await loop.run()
    taken = (time.perf_counter() - start) * 1000 / STEPS
    if loop.stop != "answer" or len(loop.steps) != STEPS + 1:
        raise RuntimeError(f"the run stopped after {len(loop.steps)} steps: {loop.stop} {loop.error}")
    return taken


async def _measure(rounds: int) -> Pair:
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters

    from runner.asking import Policy
    from runner.config import ServerSpec
    from runner.toolbox import Toolbox

    ours: list[float] = []
    plain: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        script = Path(place, "echo_server.py")
        script.write_text(ECHO, encoding="utf-8")
        spec = ServerSpec(name="echo", command=sys.executable, args=(str(script),))
        params = StdioServerParameters(command=sys.executable, args=[str(script)])
        policy = Policy(allow=("*",), pins=Path(place, "pins"))
        async with Toolbox([spec], policy=policy) as toolbox, Client(params) as client:
            for number in range(rounds + 1):
                pair = await _ours(toolbox, number), await _plain(client, number)
                if number:
                    ours.append(pair[0])
                    plain.append(pair[1])
    return Pair(ours, plain)


def measure(*, rounds: int = ROUNDS) -> list[Ratio]:
    """Run the loop and the bare client in turns, each over a stdio echo server of its own."""
    times = anyio.run(_measure, rounds)
    return [ratio_of("step of the runner", times, bound=BOUND, plain=f"SDK client call, {STEPS} a round")]
