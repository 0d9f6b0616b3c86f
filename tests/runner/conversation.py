"""One conversation for every provider: what is said, in no provider's words, and the stage that it is played on.

A provider takes part with a stage: a context manager that yields a `Stage`, listed in STAGES of
`test_conversation.py`. To add one: write a function like `openai_stage` of `stages.py` in a file `stage_<provider>.py`
beside this one, that starts the provider's double, makes the adapter that talks to it (`on_wire` does what all HTTP
doubles have alike), and says how a `ScriptedReply` is rendered for the double (a list, since one reply may take
several), which of the requests are for replies, and how the body of one is checked by the SDK's own types; then add
the function to STAGES, its row to `runner/models/capabilities.py` and make its golden file:

    AFS_RENEW_GOLDEN=1 pytest tests/runner/test_conversation.py
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
from mcp.server import MCPServer
from mcp.types import ImageContent
from pydantic import JsonValue

from runner.conversation import Conversation
from runner.events import Event, Text
from runner.models.capabilities import Capabilities
from runner.models.http_double import ScriptedReply
from runner.models.model import Model, OnText, Reply, ignore_text
from runner.toolbox import Toolbox
from schemas.expert import Expert
from schemas.message import Image, Message, ToolSpec
from schemas.run import Run

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
PROMPT_PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mMIAAAAUgBRWqmjOgAAAABJRU5ErkJggg=="
THOUGHT = "  The register\nis asked for. "
ANSWER = "$2100 is INIDISP and $420B is MDMAEN."
DECLINED = "I cannot help with that."
PARTIAL = "It was going to"

NMITIMEN: tuple[str, dict[str, JsonValue]] = ("look_up", {"query": "$4200"})
INIDISP: tuple[str, dict[str, JsonValue]] = ("look_up", {"query": "$2100"})
MDMAEN: tuple[str, dict[str, JsonValue]] = ("look_up", {"query": "$420B"})
WRONG: tuple[str, dict[str, JsonValue]] = ("look_up", {"qeury": "$420C"})
MENDED: tuple[str, dict[str, JsonValue]] = ("look_up", {"query": "$420C"})
SCREEN: tuple[str, dict[str, JsonValue]] = ("screen", {})

BUSY = (ScriptedReply(status=429, problem="slow down", retry_after=0.01), ScriptedReply(text="Ready when you are."))
TALK = (
    ScriptedReply(thinking=THOUGHT, calls=(NMITIMEN,)),
    ScriptedReply(calls=(INIDISP, MDMAEN)),
    ScriptedReply(calls=(WRONG,)),
    ScriptedReply(calls=(MENDED,)),
    ScriptedReply(calls=(SCREEN,)),
    ScriptedReply(text=ANSWER),
)
REFUSAL = (ScriptedReply(text=DECLINED, refused=True),)
DEATH = (ScriptedReply(text=PARTIAL, dropped=True),)

EXPERT = Expert(name="veran", summary="registers", instructions="You know the registers of the SNES.")


@dataclass(kw_only=True)
class Stage:
    """A provider's adapter, and the double that it talks to."""

    model: Model
    script: Callable[[list[Any]], None]
    """Adds replies, in the double's own format."""
    forget: Callable[[], None]
    """Drops those that nobody has asked for."""
    render: Callable[[ScriptedReply], list[Any]]
    """What the double is to reply, in its own format."""
    received: Callable[[], Sequence[Any]]
    """The bodies of all requests for a reply so far, as JSON values."""
    check: Callable[[Any], None]
    """Raises where a body is not valid by the SDK's own types."""


def server() -> MCPServer[Any]:
    """Return a server in this process: one tool that knows registers, one that shows a picture."""
    made: MCPServer[Any] = MCPServer("registers")

    @made.tool()
    async def look_up(query: str) -> str:
        """Look a register up."""
        names = {"$2100": "INIDISP", "$4200": "NMITIMEN", "$420B": "MDMAEN", "$420C": "HDMAEN"}
        return f"{query} is {names[query]}."

    @made.tool()
    async def screen() -> ImageContent:
        """Take a picture of the screen."""
        return ImageContent(type="image", data=PICTURE, mime_type="image/png")

    return made


@dataclass
class _Listened:
    """A model whose replies are kept."""

    inner: Model
    replies: list[Reply] = field(default_factory=list[Reply])

    @property
    def name(self) -> str:
        return self.inner.name

    async def load(self) -> None:
        await self.inner.load()

    async def close(self) -> None:
        await self.inner.close()

    async def reply(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        *,
        on_text: OnText = ignore_text,
        must_answer: bool = False,
    ) -> Reply:
        self.replies.append(await self.inner.reply(messages, tools, on_text=on_text, must_answer=must_answer))
        return self.replies[-1]


@dataclass(kw_only=True)
class Played:
    """What happened on a stage, scene by scene."""

    busy: Run
    talk: Run
    refusal: Run
    death: Run
    replies: list[Reply]
    pieces: list[str]
    """The text of the talk as it arrived."""
    bodies: dict[str, list[Any]]
    """Scene -> the bodies of its requests."""

    def observed(self) -> Capabilities:
        """Return what the provider turned out to be able to."""
        told = "\0".join(_strings(self.bodies["talk"]))
        steps = self.talk.steps
        return Capabilities(
            calls=any(step.calls for step in steps),
            parallel=any(len(step.calls) > 1 for step in steps),
            thinking_kept=any(step.thinking == THOUGHT for step in steps),
            thinking_replayed=THOUGHT in told,
            images_in_prompts=PROMPT_PICTURE in told,
            images_in_results=PICTURE in told,
            refusal=any(reply.refused and reply.message.text == DECLINED for reply in self.replies),
            usage=self.talk.usage.prompt_tokens > 0 and self.talk.usage.answer_tokens > 0,
            cost=self.talk.usage.cost > 0,
            streaming=len(self.pieces) > 1,
            retries=self.busy.stop == "answer",
        )


def _strings(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


async def play(stage: Stage) -> Played:
    """Play the whole conversation; each scene goes on from the one before it.

    A scene is one prompt: a provider that is busy first; calls, two at once, wrong arguments and mended ones, a
    picture in a result and an answer; a refusal; a connection that dies in mid-stream.
    """
    events: list[Event] = []
    bodies: dict[str, list[Any]] = {}
    picture = Image(data=PROMPT_PICTURE, mime_type="image/png")
    shown = Message(role="user", text="This is my screen.", images=(picture,))
    begun = Run(id="0", prompt="", model=stage.model.name, started="", messages=(shown,))
    async with Toolbox([("registers", server())]) as box:
        model = _Listened(stage.model)
        agent = Conversation(expert=EXPERT, model=model, toolbox=box, offered=box.tools, on_event=events.append)

        async def scene(name: str, prompt: str, replies: Sequence[ScriptedReply], *, earlier: Run) -> Run:
            before = len(stage.received())
            stage.script([line for reply in replies for line in stage.render(reply)])
            with anyio.fail_after(30):
                run = await agent.run(prompt, earlier=earlier)
            bodies[name] = list(stage.received())[before:]
            stage.forget()
            return run

        busy = await scene("busy", "Are you there?", BUSY, earlier=begun)
        del events[:]
        talk = await scene("talk", "What are $2100 and $420B?", TALK, earlier=busy)
        pieces = [event.text for event in events if isinstance(event, Text) and event.text]
        refusal = await scene("refusal", "Do something bad.", REFUSAL, earlier=talk)
        death = await scene("death", "And then?", DEATH, earlier=refusal)
    return Played(
        busy=busy, talk=talk, refusal=refusal, death=death, replies=model.replies, pieces=pieces, bodies=bodies
    )
