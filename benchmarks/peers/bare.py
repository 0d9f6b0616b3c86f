"""The bare loop that every runner is held against: httpx, the SDK's MCP client, and nothing that is not needed.

Run as a program: `python -P bare.py URL PROMPT STEPS SERVER...`. It streams, asks until a reply has no calls, runs
calls one after another, and tells the model of errors.
"""

import json
import sys
from typing import Any

import anyio
import httpx
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError

__all__: list[str] = []


async def _ask(http: httpx.AsyncClient, url: str, body: dict[str, Any]) -> dict[str, Any]:
    text = ""
    calls: dict[int, dict[str, Any]] = {}
    async with http.stream("POST", f"{url}/chat/completions", json=body) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            if not line.startswith("data: {"):
                continue
            for choice in json.loads(line[6:])["choices"]:
                text += choice["delta"].get("content") or ""
                for part in choice["delta"].get("tool_calls", ()):
                    if part["index"] in calls:
                        calls[part["index"]]["function"]["arguments"] += part["function"]["arguments"]
                    else:
                        calls[part["index"]] = part
    message: dict[str, Any] = {"role": "assistant", "content": text}
    return message | ({"tool_calls": list(calls.values())} if calls else {})


async def _run(client: Client, known: set[str], call: dict[str, Any]) -> dict[str, Any]:
    name = call["function"]["name"]
    try:
        if name not in known:
            raise ValueError(f"there is no tool {name}")
        result = await client.call_tool(name, json.loads(call["function"]["arguments"]))
        text = "".join(getattr(block, "text", "") for block in result.content)
    except (ValueError, MCPError, anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
        text = f"error: {type(error).__name__}: {error}"
    return {"role": "tool", "tool_call_id": call["id"], "content": text}


async def _main(url: str, prompt: str, steps: int, command: list[str]) -> int:
    started = StdioServerParameters(command=command[0], args=command[1:])
    async with Client(started) as client, httpx.AsyncClient(timeout=60, trust_env=False) as http:
        listed = (await client.list_tools()).tools
        offered = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.input_schema},
            }
            for tool in listed
        ]
        messages: list[dict[str, Any]] = [{"role": "user", "content": prompt}]
        for _ in range(steps):
            body = {"model": "m", "messages": messages, "tools": offered, "stream": True}
            message = await _ask(http, url, body)
            messages.append(message)
            if "tool_calls" not in message:
                sys.stdout.write(message["content"])
                return 0
            messages += [await _run(client, {tool.name for tool in listed}, call) for call in message["tool_calls"]]
    return 1


if __name__ == "__main__":
    sys.exit(anyio.run(_main, sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]))
