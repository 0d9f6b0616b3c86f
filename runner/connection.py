"""One server during a run: started, listed, called, started again once if it dies, and always stopped.

The SDK's `Client` is entered and left in one task, `own`, as anyio's cancel scopes demand; calls are made
from other tasks. The process is started before the SDK is imported, so that both take their time together.
"""

import math
import shlex
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import anyio

from runner.call_times import CallTimes
from runner.classes import identify
from runner.config import ServerSpec, resolve_command
from runner.listing import list_tools
from runner.offers import Answer, Offer, answer
from runner.process import ServerProcess
from runner.sdk import expected, said_by
from runner.tool_lists import ToolLists
from runner.transport import TOOLS_CHANGED, over_http, over_pipes
from runner.trust import Accepted, Pins
from runner.warden import Warden
from schemas.run import ServerState
from servers.machine.wire import clean, shorten
from servers.settings import version

if TYPE_CHECKING:
    from mcp import Client
    from mcp.client import Transport
    from mcp.server import MCPServer

__all__ = ["Connection", "Outcome", "Shared", "Source"]

Source: TypeAlias = "ServerSpec | tuple[str, MCPServer[Any]]"
"""A server of an mcp.json, or one in this process under a name."""

PROBE_SECONDS = 5.0
"""A server that let a call time out has to list its tools within this, or it is started again."""


class Outcome(NamedTuple):
    """What came of a call."""

    ok: bool
    answer: Answer
    blocked: bool = False
    """The tool is not what was accepted, so it did not run."""


class Shared(NamedTuple):
    """What the servers of one toolbox share."""

    report: Callable[[ServerState], None]
    """Told whenever a server becomes ready, fails or dies."""
    pins: Pins
    warden: Warden
    lists: ToolLists | None = None
    """The kept tool lists; None: every server is started."""
    on_wake: Callable[[], None] = lambda: None
    """Called when a server starts since one of its tools was called."""


class Connection:
    """A server and everything known about it. `own` runs it; `call` may be used once `settled` is set."""

    def __init__(
        self,
        source: Source,
        *,
        connect_timeout: float,
        call_timeout: float,
        shared: Shared,
    ) -> None:
        self._spec = source if isinstance(source, ServerSpec) else ServerSpec(name=source[0])
        self._server = None if isinstance(source, ServerSpec) else source[1]
        self._connect_timeout = connect_timeout
        self._shared = shared
        self.name = self._spec.name
        self.identity = identify(self._spec, inside=self._server is not None)
        self._times = CallTimes(self._spec, call_timeout, ours=bool(self.identity.ours))
        self.accepted = Accepted(shared.pins, self.identity, self.name)
        self.offers: tuple[Offer, ...] = ()
        self.state = ServerState(name=self.name, state="failed", detail="not started yet")
        self._needed = anyio.Event()
        self.started = anyio.Event()
        """Set when its process runs, or when that did not work out."""
        self.settled = anyio.Event()
        """Set when it is ready or has failed."""
        self._process: ServerProcess | None = None
        self._client: Client | None = None
        self._listed = self._whole = self._finished = self._lost = self._suspect = False
        self._reason = self._note = ""
        self._told = self._looked = 0  # how often its tools were said to have changed, and had been when last listed
        self._scope: anyio.CancelScope | None = None
        self._wake = anyio.Event()
        self._changed = anyio.Event()
        self._recall()

    def _recall(self) -> None:
        """Offer the tools of a kept list, if there is one: the server then starts when one of them is called."""
        lists = self._shared.lists
        if lists is not None and (kept := lists.recall(self._spec, self.identity)) is not None:
            self.accepted.recall(kept.definitions)
            self.offers = kept.offers
            detail = "not started: its tools are as it last listed them"
            self.state = ServerState(name=self.name, state="ready", tools=len(self.offers), detail=detail)

    @property
    def asleep(self) -> bool:
        """Whether its tools are known and it has not been needed yet."""
        return bool(self.offers) and not self._listed and not self._needed.is_set()

    def keep_list(self) -> None:
        """Keep the list that the server gave, once it is whole, for the next run."""
        if self._shared.lists is not None and self._listed and self._whole:
            self._shared.lists.keep(self._spec, self.identity, self.accepted.latest)

    async def own(self, imported: anyio.Event) -> None:
        """Run the server until cancelled or beyond help, then stop it. The SDK is used once `imported` is set.

        One that is asleep is run once it is called.
        """
        with anyio.CancelScope() as self._scope:
            if self.asleep:
                self.settled.set()
                await self._needed.wait()
            await self._own(imported)

    def leave_out(self) -> None:
        """Give a server up that is not ready yet: it takes no part in this run."""
        self._report(
            "failed", f"not ready when others were, so it is left out; name {self.name} with --servers to wait"
        )
        if self._scope is not None:
            self._scope.cancel()

    async def _own(self, imported: anyio.Event) -> None:
        try:
            problem = self._spec.problem or _missing_program(self._spec)
            if problem:
                self._report("failed", problem)
                return
            self._reason = await self._live(imported)
            if not self._listed:
                self._report("failed", f"{self._reason}; {self._next_step()}")
                return
            second = await self._live(imported)
            self._reason = f"{self._reason}; started again: {second}"
            self._report("died", f"{self._reason}; {self._next_step()}")
        finally:
            self._finished = True
            self._change(None)
            self.started.set()
            self.settled.set()

    async def _live(self, imported: anyio.Event) -> str:
        """Run the server once; return why it ended."""
        self._lost = self._suspect = False
        self._process = None
        self._wake = anyio.Event()
        reason = ""
        scope = anyio.CancelScope(deadline=anyio.current_time() + self._connect_timeout)
        try:
            with scope:
                async with self._reached(imported) as target:
                    reason = await self._converse(target, scope)
        except expected() as error:
            reason = await self._why(error)
        if scope.cancelled_caught:
            hint = self._process.hint() if self._process else ""
            reason = "; ".join(filter(None, (f"it did not answer within {self._connect_timeout:g} s", hint)))
        return reason

    async def _converse(self, target: "Transport | MCPServer[Any]", scope: anyio.CancelScope) -> str:
        from mcp import Client
        from mcp.types import Implementation

        about = Implementation(name="afs-run", version=version())
        async with Client(target, client_info=about, message_handler=self._heard) as client:
            await self._list(client)
            scope.deadline = math.inf
            self._change(client)
            again = f"started again, since {self._reason}" if self._reason else ""
            self._report("ready", "; ".join(filter(None, (again, self._note))))
            self.settled.set()
            try:
                return await self._watch(client)
            finally:
                self._change(None)

    @asynccontextmanager
    async def _reached(self, imported: anyio.Event) -> "AsyncGenerator[Transport | MCPServer[Any]]":
        if self._server is not None or self._spec.url:
            self.started.set()
            await imported.wait()
        if self._server is not None:
            yield self._server
        elif self._spec.url:
            async with over_http(self._spec.url, headers=self._spec.headers) as transport:
                yield transport
        else:
            self._process = await ServerProcess.start(
                (resolve_command(self._spec), *self._spec.args), env=self._spec.env, cwd=self._spec.cwd
            )
            self._shared.warden.watch(self._process.pid)
            try:
                self.started.set()
                await imported.wait()
                yield over_pipes(self._process, on_change=self._doubt_tools, on_end=self._rouse)
            finally:
                await self._process.stop()
                self._shared.warden.forget(self._process.pid)

    async def _list(self, client: "Client") -> None:
        """Take the tools that the pins let pass; later lists are held against the first one."""
        told = self._told
        listed = await list_tools(client, self.name)
        note = self.accepted.take(listed.tools.definitions)
        self._whole = not listed.note
        if not self._listed:
            note = "; ".join(filter(None, (listed.note, note)))
            self._listed = True
        if not self.offers:
            self.offers = tuple(item for item in listed.tools.offers if item.remote_name not in self.accepted.blocked)
        self._note = "; ".join(filter(None, (self._note, note)))
        self._looked = told

    async def _heard(self, message: object) -> None:
        """Take in what a server says unasked (over pipes, `over_pipes` has seen it before)."""
        if getattr(message, "method", "") == TOOLS_CHANGED and self._process is None:
            self._doubt_tools()

    def _doubt_tools(self) -> None:
        """Have the tools looked at again; until then no call goes out."""
        self._told += 1
        self._rouse()

    async def _review(self, client: "Client") -> bool:
        """Look at the tools again; False where the server does not list them."""
        known = self._note
        if self.accepted.worn_out:
            self._looked = self._told
            self._change(client)
            return True
        try:
            with anyio.move_on_after(PROBE_SECONDS) as scope:
                await self._list(client)
        except expected():
            return False
        if scope.cancelled_caught:
            return False
        if self._note != known:
            self._report("ready", self._note)
        self._change(client)
        return True

    async def _watch(self, client: "Client") -> str:
        """Wait until the server ends or stops answering; return why."""
        while True:
            await self._wake.wait()
            self._wake = anyio.Event()
            answers = True
            if self._looked < self._told and not self._ended():
                answers = await self._review(client)
            if self._suspect and not self._ended():
                answers = answers and await self._answers(client)
                self._suspect = False
            if self._process is not None and self._ended():
                return await self._process.reason()
            if self._lost:
                return "the connection was lost"
            if not answers:
                return "it stopped answering"

    async def _answers(self, client: "Client") -> bool:
        try:
            with anyio.move_on_after(min(PROBE_SECONDS, self._times.usual)):
                await client.session.list_tools()
                return True
        except expected():
            return False
        return False

    def _ended(self) -> bool:
        return self._process is not None and self._process.ended.is_set()

    async def call(self, offer: Offer, arguments: Mapping[str, Any]) -> Outcome:
        """Call a tool. A read-only one is called again when the server died meanwhile; any other is reported."""
        if self.asleep:
            self._needed.set()
            self._shared.on_wake()
        repeat = offer.read_only
        while True:
            client = await self._ready()
            if client is None:
                return _failure(f"the server {self.name} is not running: {self._reason}; go on without its tools")
            if why := self.accepted.refusal(offer.remote_name):
                return _failure(why)._replace(blocked=True)
            try:
                return await self._call_once(client, offer, arguments)
            except expected() as error:
                if not self._is_lost(client, error):
                    self._doubt()
                    return _failure(f"{offer.spec.name} failed: {said_by(error)}")
            self._drop(client)
            if not repeat:
                return await self._report_loss(offer)
            repeat = False

    async def _call_once(self, client: "Client", offer: Offer, arguments: Mapping[str, Any]) -> Outcome:
        seconds = self._times.of(offer.remote_name, arguments)
        with anyio.move_on_after(seconds):
            result = await client.call_tool(offer.remote_name, dict(arguments))
            return Outcome(not result.is_error, answer(result.content, result.structured_content))
        self._suspect = True
        self._rouse()
        return _failure(
            f"{offer.spec.name} gave no answer within {seconds:g} s and was cancelled; ask for less, or go without it"
        )

    async def _ready(self) -> "Client | None":
        """Return the client, after waiting for a server that is being started again."""
        if self._client is None or self._looked < self._told:
            with anyio.move_on_after(self._connect_timeout + 3):
                while (self._client is None or self._looked < self._told) and not self._finished:
                    await self._changed.wait()
        return self._client if self._looked == self._told else None

    def _is_lost(self, client: "Client", error: Exception) -> bool:
        if self._client is not client:
            return True
        if self._process is not None:
            return self._ended()
        closed = (anyio.ClosedResourceError, anyio.BrokenResourceError)
        return isinstance(error, closed) or getattr(error, "code", 0) == _CONNECTION_CLOSED

    def _doubt(self) -> None:
        """Have a server that cannot be watched (over HTTP) checked after an error."""
        if self._spec.url:
            self._suspect = True
            self._rouse()

    def _rouse(self) -> None:
        """Have the owner look: something may have ended."""
        self._wake.set()

    def _drop(self, client: "Client") -> None:
        if self._client is client:
            self._lost = True
            self._change(None)
            self._rouse()

    async def _report_loss(self, offer: Offer) -> Outcome:
        alive = await self._ready() is not None
        now = "It was started again." if alive else "It is not running any more."
        return _failure(
            f"the server {self.name} ended during {offer.spec.name}: {self._reason}. {now} "
            "Whether the call took effect is unknown: look before you call it again."
        )

    async def _why(self, error: Exception) -> str:
        if self._process is not None and self._ended():
            return await self._process.reason()
        return said_by(error)

    def _next_step(self) -> str:
        if self._server is not None:
            return "look at its log"
        if self._spec.url:
            return f"check that {self._spec.url} answers, or leave {self.name} out with --servers"
        command = shorten(shlex.join((self._spec.command, *self._spec.args)), 120)
        return f"run `{command}` by hand to see more, or leave {self.name} out with --servers"

    def _change(self, client: "Client | None") -> None:
        self._client = client
        self._changed.set()
        self._changed = anyio.Event()

    def _report(self, state: Any, detail: str) -> None:
        count = len(self.offers) if state == "ready" else 0
        line = shorten(clean(detail).replace("\n", " "), 500)
        self.state = ServerState(name=self.name, state=state, tools=count, detail=line)
        self._shared.report(self.state)


_CONNECTION_CLOSED = -32000


def _missing_program(spec: ServerSpec) -> str:
    if not spec.command or resolve_command(spec):
        return ""
    advice = "reinstall afs-suite" if spec.command.startswith("afs-") else "install it"
    return f"the command {spec.command!r} was not found; {advice}, or correct {spec.source or 'its entry'}"


def _failure(text: str) -> Outcome:
    return Outcome(ok=False, answer=Answer(text=shorten(clean(text), 2000), structured=None))
