"""The toolbox: the tools of all servers of a run under one roof, where a call always comes back as a record.

Servers are started at the same time and each lives or fails by itself. What a model sends is checked before
it leaves, and what a server sends is cleaned and bounded before a model sees it.
"""

import difflib
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import anyio
import anyio.abc
import anyio.lowlevel

from runner.arguments import ArgumentCheck
from runner.asking import Gate, Policy
from runner.audit import Audit
from runner.calling import Calls, Desk
from runner.config import ServerSpec
from runner.connection import Connection, Shared, Source
from runner.offers import Offer, name_apart
from runner.sdk import import_sdk
from runner.strays import Strays
from runner.tool_lists import ToolLists
from runner.trust import Pins, pins_folder
from runner.warden import Warden
from schemas.message import ToolCall, ToolSpec
from schemas.run import CallRecord, ServerState
from servers.machine.wire import shorten

__all__ = ["GRACE_SECONDS", "Source", "Toolbox"]

GRACE_SECONDS = 5.0
"""How long the others get when one server is ready; twice as long as that one took, where that is more."""
_NAMES_SHOWN = 40


class Toolbox:
    """The servers of a run, as an async context manager.

    A source is a `ServerSpec` or, for a server in this process, a pair of its name and the `MCPServer`.
    Starting takes at most `connect_timeout` (and two seconds for stopping a stuck one), in seconds; once a server is
    ready, the others are waited for no longer than `grace`, but for those named in `wait_for`. `call_timeout` holds
    for servers that name none. `on_state` is told whenever a server becomes ready, fails
    or dies, `on_note` what else the user should know. Disabled specs are skipped. `policy` says which calls may run;
    None: reading, and writing by the suite's own servers. `lists` is the folder of kept tool lists: a server whose list
    is there starts when one of its tools is called; None: all are started. `own_process`: this process is the runner's
    own, and what servers leave behind in the background ends with the toolbox (see `runner.strays`).
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        connect_timeout: float = 20.0,
        grace: float = GRACE_SECONDS,
        wait_for: Collection[str] = (),
        call_timeout: float = 60.0,
        on_state: Callable[[ServerState], None] | None = None,
        on_note: Callable[[str], None] | None = None,
        policy: Policy | None = None,
        lists: Path | None = None,
        own_process: bool = False,
    ) -> None:
        self._policy = policy or Policy()
        self._grace = grace
        self._wait_for = frozenset(wait_for)
        self._patience: anyio.CancelScope | None = None
        self._begun = 0.0
        self._on_note = on_note or _ignore
        self._on_state = on_state or _ignore
        self._imported = anyio.Event()
        self._late = False
        self._warden = Warden()
        self._strays = Strays(wanted=own_process)
        times = {"connect_timeout": connect_timeout, "call_timeout": call_timeout}
        self._connections = self._connect(sources, times, lists)
        self._by_server = {connection.name: connection for connection in self._connections}
        self._offers: dict[str, Offer] = {}
        self._left_out: tuple[Offer, ...] = ()
        self._checks: dict[str, ArgumentCheck] = {}
        self._tasks: anyio.abc.TaskGroup | None = None
        self.spawned = anyio.Event()
        """Set when the servers' processes run: whatever takes this process's time may begin."""
        self._own: Calls | None = None

    def _connect(
        self, sources: Sequence[Source], times: Mapping[str, float], lists: Path | None
    ) -> Sequence[Connection]:
        pins = Pins(self._policy.pins or pins_folder())
        kept = ToolLists(lists, pins) if lists is not None else None
        shared = Shared(self._report, pins, self._warden, lists=kept, on_wake=self._woken)
        found = [
            Connection(source, **times, shared=shared)
            for source in sources
            if not (isinstance(source, ServerSpec) and source.disabled)
        ]
        names = [connection.name for connection in found]
        if len(set(names)) < len(names):
            raise ValueError(f"two servers have the same name: {', '.join(names)}; give each its own")
        return found

    def _report(self, state: ServerState) -> None:
        self._on_state(state)
        ready = state.state == "ready" and not self._by_server[state.name].identity.inside
        if self._patience is not None and ready and self._patience.deadline == math.inf:
            now = anyio.current_time()
            self._patience.deadline = now + max(self._grace, 2 * (now - self._begun))
        if state.state == "ready" and state.detail:
            self._on_note(f"{state.name}: {state.detail}")

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """The tools on offer, in the order of the servers; they stay the same for the whole run."""
        return tuple(offer.spec for offer in self._offers.values())

    @property
    def states(self) -> tuple[ServerState, ...]:
        """How each server is now, in their order; `detail` says in one line what is wrong and what to do."""
        return self._states()

    def _states(self) -> tuple[ServerState, ...]:
        return tuple(self._state(connection) for connection in self._connections)

    def _state(self, connection: Connection) -> ServerState:
        lost = [offer.remote_name for offer in self._left_out if offer.spec.server == connection.name]
        if not lost:
            return connection.state
        note = f"left out, since no name was free: {', '.join(lost[:3])}"
        detail = "; ".join(filter(None, (connection.state.detail, note)))
        return connection.state.model_copy(update={"detail": detail})

    async def __aenter__(self) -> Self:
        """Start every server and wait until each is ready, has failed, or is left out as too late."""
        self._strays.begin()
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        try:
            await self._start(self._tasks)
        except BaseException:
            await self._stop(self._tasks)
            raise
        return self

    async def _start(self, tasks: anyio.abc.TaskGroup) -> None:
        self._begun = anyio.current_time()
        self._patience = anyio.CancelScope()
        asleep = [connection for connection in self._connections if connection.asleep]
        for connection in self._connections:
            tasks.start_soon(connection.own, self._imported)
        for connection in self._connections:
            if connection not in asleep:
                await connection.started.wait()
        self.spawned.set()
        if len(asleep) < len(self._connections):
            await anyio.lowlevel.checkpoint()
            import_sdk()
            self._imported.set()
        with self._patience:
            for connection in self._connections:
                await connection.settled.wait()
        for connection in self._connections:
            if connection.name in self._wait_for:
                await connection.settled.wait()
            elif not connection.settled.is_set():
                connection.leave_out()
        found = [offer for connection in self._connections for offer in connection.offers]
        ours = [name for name, known in self._by_server.items() if known.identity.ours or known.identity.inside]
        self._offers, self._left_out = name_apart(found, ours=ours)

    def _woken(self) -> None:
        """Have the SDK imported for a server that starts late, where no other needed it."""
        if self._tasks is not None and not self._late and not self._imported.is_set():
            self._late = True
            self._tasks.start_soon(self._import_late)

    async def _import_late(self) -> None:
        await anyio.lowlevel.checkpoint()  # whoever is called at the same time is awake then
        for connection in self._connections:
            if not connection.asleep:
                await connection.started.wait()
        import_sdk()
        self._imported.set()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop every server, within about two seconds even if some are stuck."""
        if self._tasks is not None:
            await self._stop(self._tasks)

    async def _stop(self, tasks: anyio.abc.TaskGroup) -> None:
        tasks.cancel_scope.cancel()
        try:
            await tasks.__aexit__(None, None, None)
        finally:
            self._tasks = None
            self._warden.close()
            await self._strays.end()
        for connection in self._connections:
            connection.keep_list()

    def for_run(self, run: str = "", *, tainted: bool = False) -> Calls:
        """Return the tools for one run: what the user allows in it, and what it reads, counts for it alone.

        `run` is its id, for the audit; `tainted` tells that it goes on from text of outside.
        """
        desk = Desk(self._offers, self._by_server, self._checks, self._policy.classes, self._unknown, self._states)
        audit = Audit(self._policy.audit, run=run, problem=self._on_note)
        return Calls(desk, Gate(self._policy, tainted=tainted), audit)

    async def call_all(self, calls: Sequence[ToolCall]) -> tuple[CallRecord, ...]:
        """Run the calls at the same time, as `for_run` would; one record each, in order."""
        return await self._calls().call_all(calls)

    async def call(self, call: ToolCall) -> CallRecord:
        """Run a call, as `for_run` would; never raises but for cancellation."""
        return await self._calls().call(call)

    def _calls(self) -> Calls:
        """Return the calls that belong to no run; they share what was allowed and read."""
        if self._own is None:
            self._own = self.for_run()
        return self._own

    def _unknown(self, name: str) -> str:
        known = list(self._offers)
        near = difflib.get_close_matches(name[:64], known, n=3, cutoff=0.5)
        rest = [other for other in known if other not in near]
        shown = [*near, *rest][:_NAMES_SHOWN]
        more = f" and {len(known) - len(shown)} more" if len(known) > len(shown) else ""
        hint = f"did you mean {near[0]!r}? " if near else ""
        down = [state.name for state in self.states if state.state != "ready"]
        note = f" (not running: {', '.join(down)})" if down else ""
        tools = ", ".join(shown) or "none"
        return f"there is no tool {shorten(name, 64)!r}; {hint}the tools are: {tools}{more}{note}"


def _ignore(_: object) -> None:
    return
