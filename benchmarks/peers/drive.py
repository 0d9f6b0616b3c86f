"""The smallest program for each peer that is a library: its own agent, its own loop, nothing of ours.

Run by the Python of the peer's environment, where this project is not: `python -P drive.py PEER URL PROMPT STEPS
SERVER...`. What a peer does by itself is left as it is; the limit of steps is given where it takes one.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import NamedTuple

__all__: list[str] = []


class _Work(NamedTuple):
    url: str
    prompt: str
    steps: int
    command: str
    arguments: list[str]


async def _pydantic_ai(work: _Work) -> str:
    ai, mcp = import_module("pydantic_ai"), import_module("pydantic_ai.mcp")
    models, providers = import_module("pydantic_ai.models.openai"), import_module("pydantic_ai.providers.openai")
    pipes = import_module("fastmcp.client.transports")
    model = models.OpenAIChatModel("m", provider=providers.OpenAIProvider(base_url=work.url, api_key="none"))
    transport = pipes.StdioTransport(command=work.command, args=work.arguments, keep_alive=False)
    agent = ai.Agent(model, toolsets=[mcp.MCPToolset(transport)])
    async with agent:
        done = await agent.run(work.prompt, usage_limits=ai.UsageLimits(request_limit=work.steps))
    return str(done.output)


async def _mcp_use(work: _Work) -> str:
    peer, models = import_module("mcp_use"), import_module("langchain_openai")
    server = {"command": work.command, "args": work.arguments}
    client = peer.MCPClient.from_dict({"mcpServers": {"bench": server}})
    model = models.ChatOpenAI(model="m", base_url=work.url, api_key="none")
    agent = peer.MCPAgent(llm=model, client=client, max_steps=work.steps)
    try:
        return str(await agent.run(work.prompt))
    finally:
        await client.close_all_sessions()


async def _openai_agents(work: _Work) -> str:
    peer, servers, openai = import_module("agents"), import_module("agents.mcp"), import_module("openai")
    peer.set_tracing_disabled(True)
    client = openai.AsyncOpenAI(base_url=work.url, api_key="none")
    model = peer.OpenAIChatCompletionsModel(model="m", openai_client=client)
    params = {"command": work.command, "args": work.arguments}
    async with servers.MCPServerStdio(params=params, cache_tools_list=True) as server:
        agent = peer.Agent(name="bench", instructions="Use the tools.", mcp_servers=[server], model=model)
        done = await peer.Runner.run(agent, work.prompt, max_turns=work.steps)
    return str(done.final_output)


async def _ollmcp(work: _Work) -> str:
    peer = import_module("mcp_client_for_ollama.client")
    client = peer.MCPClient(model="m", host=work.url, provider="openai", api_key="none", persist_api_key=False)
    client.hil_manager.set_enabled(False)
    client.loop_limit = work.steps
    server = {"type": "stdio", "command": work.command, "args": work.arguments}
    await client.connect_to_servers(server_configs={"bench": server})
    try:
        return str(await client.process_query(work.prompt))
    finally:
        await client.cleanup()


_PEERS: dict[str, Callable[[_Work], Awaitable[str]]] = {
    "pydantic-ai": _pydantic_ai,
    "mcp-use": _mcp_use,
    "openai-agents": _openai_agents,
    "mcp-client-for-ollama": _ollmcp,
}


async def _main(peer: str, work: _Work) -> None:
    sys.stdout.write(await _PEERS[peer](work))


if __name__ == "__main__":
    _, _name, _url, _prompt, _steps, _command, *_rest = sys.argv
    asyncio.run(_main(_name, _Work(_url, _prompt, int(_steps), _command, _rest)))
