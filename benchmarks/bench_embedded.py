"""The embedded model: its time for a token against the engine called bare, and its peak memory against its limit."""

import json
import subprocess
import sys
import time
from typing import Any

import anyio
import anyio.to_thread

from benchmarks.ratio import Pair, Ratio, ratio_of
from runner.errors import ModelMissing
from runner.models.action import action_messages, action_schema
from runner.models.embedded import MAX_TOKENS, EmbeddedModel, start_llama
from runner.models.weights import find_weights
from schemas.message import Message
from servers.settings import Settings

__all__ = ["BOUND", "MEMORY_LIMIT_MB", "measure"]

BOUND = 1 / 0.9
"""At least 0.9 x the tokens per second of the bare engine, as a ratio of the times for a token."""
MEMORY_LIMIT_MB = 2500.0
ROUNDS = 3
CONTEXT = 8192
_MESSAGES = (
    Message(role="system", text="You explain."),
    Message(role="user", text="Explain in about eighty words what an assembler does."),
)
_PEAK = """
import anyio, pathlib
from benchmarks.bench_embedded import one_reply
anyio.run(one_reply)
status = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
print(next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")))
"""


def _model() -> EmbeddedModel:
    path = find_weights(Settings.from_environment())
    if path is None:
        raise ModelMissing("the embedded model is not here; run `afs fetch model`")
    return EmbeddedModel(path, num_ctx=CONTEXT)


async def one_reply() -> None:
    """Load the model, let it reply once, and close it: the work whose peak memory is measured."""
    model = _model()
    try:
        await model.reply(_MESSAGES, (), must_answer=True)
    finally:
        await model.close()


async def _ours(model: EmbeddedModel) -> float:
    start = time.perf_counter()
    reply = await model.reply(_MESSAGES, (), must_answer=True)
    return (time.perf_counter() - start) * 1000 / reply.usage.answer_tokens


async def _bare(engine: Any) -> float:
    schema = action_schema((), must_answer=True)
    body = {
        "messages": action_messages(_MESSAGES, ()),
        "response_format": {"type": "json_schema", "json_schema": {"name": "action", "strict": True, "schema": schema}},
        "temperature": 0.0,
        "max_tokens": MAX_TOKENS,
        "cache_prompt": True,
    }
    start = time.perf_counter()
    answer = await anyio.to_thread.run_sync(engine.handle_chat_completions, body)
    told: Any = json.loads(answer) if isinstance(answer, str | bytes) else answer
    return (time.perf_counter() - start) * 1000 / int(told["usage"]["completion_tokens"])


async def _measure(rounds: int) -> Pair:
    model = _model()
    path = find_weights(Settings.from_environment())
    if path is None:
        raise ModelMissing("the embedded model is not here; run `afs fetch model`")
    engine = await anyio.to_thread.run_sync(start_llama, path, CONTEXT, "bare")
    ours: list[float] = []
    plain: list[float] = []
    try:
        for number in range(rounds + 1):
            pair = await _ours(model), await _bare(engine)
            if number:
                ours.append(pair[0])
                plain.append(pair[1])
    finally:
        await model.close()
    return Pair(ours, plain)


def measure(*, rounds: int = ROUNDS) -> list[Ratio]:
    """Let both say the same in turns, then measure the peak memory of a process of its own.

    Raises:
        ModelMissing: the model is not there.
    """
    times = anyio.run(_measure, rounds)
    done = subprocess.run([sys.executable, "-c", _PEAK], capture_output=True, check=True, encoding="utf-8")
    memory = Ratio(
        name="peak memory of the embedded model (MB in place of ms)",
        ours_ms=float(done.stdout),
        plain_ms=MEMORY_LIMIT_MB,
        bound=1.0,
        plain="its limit",
    )
    return [ratio_of("token of the embedded model", times, bound=BOUND, plain="the engine called bare"), memory]
