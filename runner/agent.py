"""The library face: an expert with its model and its servers, ready for prompts.

    async with Agent("nayru", servers=("asar", "alttp")) as agent:
        run = await agent.run("Write a routine that clears the OAM buffer.")
        async for event in agent.stream("And now with a loop.", earlier=run):
            ...

The model is opened and the servers are started when the block is entered, and both are ended when it is left; between
two runs nothing of them is kept but what is passed as `earlier`. `finish` judges each answer before it is given and may
send a diagnosis back to the model (see `runner.finish`); `hooks` are called around each step (see `runner.hooks`).
"""

import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import TaskGroup
from pydantic import JsonValue

from runner.asking import Policy
from runner.audit import AUDIT_NAME
from runner.config import ServerSpec, find_config, load_config, select, shipped_config
from runner.conversation import EVERYTHING, Conversation, Preview, allowed
from runner.depth import asks_experts
from runner.errors import ConfigError, RunnerError
from runner.events import Event, ModelOpened, Note, OnEvent, ServersReady, ignore_event
from runner.experts import DEFAULT, load_experts
from runner.finish import Finish
from runner.hooks import Hooks
from runner.loop import Limits
from runner.models.bounds import UNBOUNDED, Bounds, is_elsewhere
from runner.models.model import Model
from runner.models.open import Opened, open_model
from runner.narrowing import is_small
from runner.opening import default_budget
from runner.recorder import Recorder
from runner.tool_lists import lists_folder
from runner.toolbox import Source, Toolbox
from schemas.expert import Expert
from schemas.message import ToolSpec
from schemas.run import Run
from servers.settings import Settings

__all__ = ["CONNECT_SECONDS", "Agent", "find_servers"]

CONNECT_SECONDS = 20.0
"""Longest wait for the servers to be ready; those that are not by then are left out."""


def find_servers(
    settings: Settings, names: Sequence[str] = (), *, config: Path | None = None
) -> tuple[ServerSpec, ...]:
    """Return the servers with these names, or all that are enabled, of `config`, the nearest mcp.json or ours.

    The experts' own server is started only where it is named: no expert asks experts by itself.

    Raises:
        ConfigError: the file cannot be understood, or a name is not in it.
    """
    path = config or find_config(Path.cwd()) or shipped_config()
    overrides = {"AFS_CONTEXT_ROOT": str(settings.context_root), "AFS_DATA_DIR": str(settings.data_dir)}
    found = select(load_config(path, overrides=overrides), names)
    return found if names else tuple(spec for spec in found if not asks_experts(spec))


@dataclass
class Agent:
    """An expert on a model with servers, as an async context manager.

    Making one raises a `RunnerError` where the expert, the mcp.json or a server's name is not there; entering it, where
    the model is not or runs cannot be kept. A server that does not start is left out, and told by an event.
    """

    expert: str | Expert = DEFAULT
    """An expert's name, or an expert of your own."""
    _: KW_ONLY
    servers: "Sequence[str | Source] | None" = None
    """Names of the mcp.json, or sources of your own (a `ServerSpec`, or a name with an `MCPServer` of this process);
    None: all that the mcp.json enables."""
    toolbox: Toolbox | None = None
    """Servers that run already, in place of `servers`; they stay the caller's to end (see `new_toolbox`)."""
    tools: Sequence[str] = ()
    """Tools or tool sets on offer; none: the expert's."""
    model: str | Model = ""
    """`provider:name`, or a `Model`, which stays the caller's to close; empty: the expert's own."""
    why: str = ""
    """Why it is this model, for whoever watches; empty: as it was found."""
    bounds: Bounds = UNBOUNDED
    """Whether a prompt may leave this machine, and what may be spent."""
    metadata: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """What each run is to hold beside what it tells itself."""
    remark: str = ""
    """What is added to the error of a run whose model failed."""
    settings: Settings = field(default_factory=Settings.from_environment)
    config: Path | None = None
    """The mcp.json; None: the nearest, else ours."""
    limits: Limits = Limits()
    policy: Policy = field(default_factory=Policy)
    """Which calls may run, and who is asked; the default is reading, and writing by the suite's own servers."""
    hooks: Hooks = Hooks()
    finish: Finish | None = None
    """Judges each answer; None: an answer is given as it is."""
    on_event: OnEvent = ignore_event
    context_budget: int | None = None
    """Tokens of context that are gathered before the first step; None: by the model, 0: none."""
    keep: bool = True
    """Whether runs are kept below the context root."""
    warm: bool = True
    """Whether the model is loaded while the servers start; otherwise by the first request."""
    connect_seconds: float = CONNECT_SECONDS
    """Longest wait for the servers; those that are not ready by then are left out."""
    own_process: bool = False
    """Whether this process is the runner's own: then what servers leave behind in the background is ended with them,
    as is all else that the process has started meanwhile (on Linux; see `runner.strays`)."""
    lists: Path | None = field(default_factory=lists_folder)
    """The folder of kept tool lists: a server whose list is there starts when one of its tools is called; None: all
    are started at once."""

    def __post_init__(self) -> None:
        """Find the expert and the servers."""
        experts = load_experts()
        self._expert = experts.find(self.expert) if isinstance(self.expert, str) else self.expert
        self._wanted = experts.expand(self.tools or self._expert.tools)
        names = [server for server in self.servers or () if isinstance(server, str)]
        needed = bool(names) or self.servers is None
        named = find_servers(self.settings, names, config=self.config) if needed else ()
        self._asked_for = [spec.name for spec in named if names]
        given = [own for own in self.servers or () if not isinstance(own, str)]
        self._sources: tuple[Source, ...] = tuple(_barred(source, self.bounds) for source in (*named, *given))
        self._recorder = Recorder(self.settings.context_root) if self.keep else None
        self._stack = AsyncExitStack()
        self._tasks: TaskGroup | None = None
        self._conversation: Conversation | None = None

    @property
    def name(self) -> str:
        """The expert's name."""
        return self._expert.name

    async def __aenter__(self) -> Self:
        """Open the model and start the servers; the model is loaded meanwhile."""
        if self._recorder is not None:
            self._recorder.check()
        opened = await self._open()
        try:
            self.on_event(ModelOpened(opened.model.name, self.why or opened.why))
            self._tasks = anyio.create_task_group()
            await self._tasks.__aenter__()
            self._stack.push_async_callback(_end, self._tasks)
            toolbox = self.toolbox or self.new_toolbox()
            ready = anyio.Event()
            if self.warm:
                self._tasks.start_soon(_load, opened.model, ready if _stalls(opened.model) else toolbox.spawned)
            if toolbox is not self.toolbox:
                await self._stack.enter_async_context(toolbox)
            ready.set()
            self._conversation = self._begin(opened.model, toolbox)
        except BaseException:
            await self._leave()
            raise
        return self

    def new_toolbox(self) -> Toolbox:
        """Return the agent's servers, not started: to be entered, and given to agents that are to share them."""
        return Toolbox(
            self._sources,
            connect_timeout=self.connect_seconds,
            wait_for=self._asked_for,
            lists=self.lists,
            own_process=self.own_process,
            on_note=lambda text: self.on_event(Note(text)),
            policy=self._audited(),
        )

    async def _open(self) -> Opened:
        if not isinstance(self.model, str):
            return Opened(self.model, "given")
        opened = await open_model(self.model, self._expert, self.settings, self.bounds)
        self._stack.push_async_callback(_close, opened.model)
        return opened

    def _audited(self) -> Policy:
        if self._recorder is None or self.policy.audit is not None:
            return self.policy
        return replace(self.policy, audit=self._recorder.folder / AUDIT_NAME)

    def _begin(self, model: Model, toolbox: Toolbox) -> Conversation:
        offered = allowed(toolbox.tools, self._wanted)
        missing = sorted(set(self._wanted) - {tool.remote_name or tool.name for tool in offered} - {EVERYTHING})
        self.on_event(ServersReady(toolbox.states, len(offered)))
        if self.tools and not offered:
            raise ConfigError(f"no server offers {', '.join(missing)}; `afs mcp list` shows the servers")
        if self.tools and missing:
            self.on_event(Note(f"no server offers {', '.join(missing)}"))
        if toolbox.tools and not offered:
            there = ", ".join(tool.name for tool in toolbox.tools[:20])
            text = f"no tool is in play: {self._expert.name} uses other tools; choose with --tools from {there}"
            self.on_event(Note(text))
        return Conversation(
            expert=self._expert,
            model=model,
            toolbox=toolbox,
            offered=offered,
            named=self._named(offered) if is_small(model.name) else None,
            recorder=self._recorder,
            limits=self.limits,
            hooks=self.hooks,
            finish=self.finish,
            on_event=self.on_event,
            metadata=self.metadata,
            remark=self.remark,
            context_budget=(
                default_budget(model.name, self._expert.num_ctx) if self.context_budget is None else self.context_budget
            ),
        )

    def _named(self, offered: Sequence[ToolSpec]) -> tuple[ToolSpec, ...] | None:
        """Return the tools that the expert names, where it takes all others as well; None: it takes no others."""
        if self.tools or (self._wanted and EVERYTHING not in self._wanted):
            return None
        names = [name for name in self._wanted if name != EVERYTHING]
        return allowed(offered, names) if names else ()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the servers and close the model."""
        await self._leave()

    async def _leave(self) -> None:
        self._tasks = self._conversation = None
        await self._stack.aclose()

    async def run(self, prompt: str, *, earlier: Run | None = None, limits: Limits | None = None) -> Run:
        """Run `prompt` to its end, and keep the run; `earlier` is a run to go on from. One run at a time.

        `limits` stand in for the agent's own. A failure of the model or of a tool ends the run or is told to the model;
        it does not raise. A blank prompt goes on with an `earlier` run that has no answer yet.

        Raises:
            ConfigError: the prompt is blank, and there is nothing to go on with.
            KeepError: the run could not be kept; its `run` attribute holds it.
        """
        return await self._ready(self.on_event, limits).run(prompt, earlier=earlier)

    async def preview(self, prompt: str, *, earlier: Run | None = None) -> Preview:
        """Return what the first request of a run would be, its context gathered; nothing is sent to the model."""
        return await self._ready(self.on_event).preview(prompt, earlier=earlier)

    async def stream(self, prompt: str, *, earlier: Run | None = None) -> AsyncGenerator[Event]:
        """Run `prompt` and yield what happens as it happens; the last event is a `RunDone` with the run.

        Leaving the loop early interrupts the run, which is kept.

        Raises:
            KeepError: as `run`.
        """
        feed = _Feed(self.on_event)
        conversation = self._ready(feed.tell)
        assert self._tasks is not None
        self._tasks.start_soon(feed.work, conversation, prompt, earlier)
        try:
            with feed.receiver:
                async for event in feed.receiver:
                    yield event
        finally:
            feed.scope.cancel()
            with anyio.CancelScope(shield=True):
                await feed.ended.wait()
        if feed.failed is not None:
            raise feed.failed

    def _ready(self, on_event: OnEvent, limits: Limits | None = None) -> Conversation:
        if self._conversation is None:
            raise ConfigError("the agent is not started; use it as `async with Agent(...) as agent:`")
        return replace(self._conversation, on_event=on_event, limits=limits or self.limits)


def _barred(source: Source, bounds: Bounds) -> Source:
    """Return a source; one on another machine is not started where nothing may leave this one."""
    if not (bounds.local_only and isinstance(source, ServerSpec) and source.url and is_elsewhere(source.url)):
        return source
    problem = (
        f"it is on another machine, and --local-only keeps everything on this one; see {source.source or source.url}"
    )
    return source.model_copy(update={"problem": problem})


class _Feed:
    """What happens in a run that goes on beside its reader."""

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event
        self._sender, self.receiver = anyio.create_memory_object_stream[Event](math.inf)
        self.scope = anyio.CancelScope()
        self.ended = anyio.Event()
        self.failed: RunnerError | None = None

    def tell(self, event: Event) -> None:
        self._on_event(event)
        with suppress(anyio.BrokenResourceError):  # nobody listens any more
            self._sender.send_nowait(event)

    async def work(self, conversation: Conversation, prompt: str, earlier: Run | None) -> None:
        try:
            with self.scope, self._sender:
                await conversation.run(prompt, earlier=earlier)
        except RunnerError as error:
            self.failed = error
        finally:
            self.ended.set()


def _stalls(model: Model) -> bool:
    """Tell whether loading a model stops this whole process, for seconds: no server would be heard meanwhile."""
    return model.name.startswith("embedded:")


async def _load(model: Model, due: anyio.Event) -> None:
    """Load the model when it is due. A failure is met again, and reported, by the first reply."""
    await due.wait()
    with suppress(RunnerError):
        await model.load()


async def _close(model: Model) -> None:
    with anyio.CancelScope(shield=True):
        await model.close()


async def _end(tasks: TaskGroup) -> None:
    tasks.cancel_scope.cancel()
    await tasks.__aexit__(None, None, None)
