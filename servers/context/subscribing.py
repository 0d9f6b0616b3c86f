"""Subscriptions to resources of the context: a client is told when a file that it has named changes.

Both eras of the protocol are served: `resources/subscribe`, and `subscriptions/listen`. The kernel tells what
changes where it can (inotify); all that is subscribed is also looked at every second.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated
from mcp.types import (
    INVALID_PARAMS,
    EmptyResult,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from servers.machine.errors import ServerError
from servers.machine.watch import Watch, open_watch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from mcp.server.context import ServerRequestContext
    from mcp.server.session import ServerSession

    from servers.context.opened import Opened
    from servers.machine.face import Face

__all__ = ["Followed", "offer_subscriptions"]

_EVERY = 1.0
"""Seconds between two looks at what is subscribed."""
_SOON = 0.01
"""Seconds that a change is left to settle: a write is a few events."""
_MOST = 1_000


class Followed:
    """The resources that clients follow, each with the state that they were last told of."""

    def __init__(self, opened: Opened, paths: Callable[[str], tuple[str, ...] | None]) -> None:
        """Follow resources of a context; `paths` says which files and folders a URI shows, None for no such URI."""
        self._opened = opened
        self._paths = paths
        self._states: dict[str, tuple[object, ...]] = {}
        self._places: dict[str, tuple[str, ...]] = {}
        self._sessions: dict[str, dict[int, ServerSession]] = {}
        self._listening: dict[str, int] = {}
        self._bus = InMemorySubscriptionBus()
        self._listen = ListenHandler(self._bus)
        self._watch: Watch | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._telling: set[asyncio.Task[None]] = set()

    async def subscribe(self, ctx: ServerRequestContext[Any, Any], params: SubscribeRequestParams) -> EmptyResult:
        """Tell a client of the older protocol of changes from now on. Raises MCPError: there is no such resource."""
        if self._paths(params.uri) is None:
            raise MCPError(INVALID_PARAMS, "no such resource: it is context://file/<path>, context://status or a note")
        if len(self._states) >= _MOST:
            raise MCPError(INVALID_PARAMS, f"{_MOST} resources are subscribed already; unsubscribe one first")
        self._sessions.setdefault(params.uri, {})[_client(ctx.session)] = ctx.session
        self._follow((params.uri,))
        return EmptyResult()

    async def unsubscribe(self, ctx: ServerRequestContext[Any, Any], params: UnsubscribeRequestParams) -> EmptyResult:
        """Tell a client no more; what it had not subscribed is no error."""
        self._sessions.get(params.uri, {}).pop(_client(ctx.session), None)
        self._forget((params.uri,))
        return EmptyResult()

    async def listen(
        self, ctx: ServerRequestContext[Any, Any], params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """Serve one stream of the newer protocol until its client goes."""
        uris = [uri for uri in params.notifications.resource_subscriptions or () if self._paths(uri) is not None]
        with self._listened(uris[:_MOST]):
            return await self._listen(ctx, params)

    @contextlib.contextmanager
    def _listened(self, uris: list[str]) -> Generator[None]:
        for uri in uris:
            self._listening[uri] = self._listening.get(uri, 0) + 1
        self._follow(uris)
        try:
            yield
        finally:
            for uri in uris:
                self._listening[uri] -= 1
            self._forget(uris)

    def _follow(self, uris: Iterable[str]) -> None:
        for uri in uris:
            if uri not in self._states:
                self._places[uri] = self._paths(uri) or ()
                self._states[uri] = self._state(uri)
        if not self._states or self._timer is not None:
            self._watch_all()
            return
        self._loop = asyncio.get_running_loop()
        self._watch = open_watch(os.fsencode(self._opened.settings.context_root))
        if self._watch is not None:
            with contextlib.suppress(NotImplementedError):  # this loop cannot wait for a descriptor
                self._loop.add_reader(self._watch.fileno(), self._stirred)
        self._watch_all()
        self._timer = self._loop.call_later(_EVERY, self._look)

    def _watch_all(self) -> None:
        """Let the kernel tell of the folders of what is followed."""
        for uri in self._states if self._watch else ():
            for path in self._places[uri]:
                for folder in {path, path.rpartition("/")[0]}:
                    if self._watch is not None:
                        self._watch.add(os.fsencode(folder))

    def _forget(self, uris: Iterable[str]) -> None:
        for uri in uris:
            if not self._sessions.get(uri) and not self._listening.get(uri):
                self._sessions.pop(uri, None)
                self._listening.pop(uri, None)
                self._states.pop(uri, None)
                self._places.pop(uri, None)
        if not self._states:
            self.close()

    def close(self) -> None:
        """Follow nothing any more; closing twice does no harm."""
        timer, self._timer = self._timer, None
        watch, self._watch = self._watch, None
        if timer is not None:
            timer.cancel()
        if watch is not None:
            if self._loop is not None and not self._loop.is_closed():
                with contextlib.suppress(NotImplementedError, ValueError):
                    self._loop.remove_reader(watch.fileno())
            watch.close()

    def _state(self, uri: str) -> tuple[object, ...]:
        """Return what changes when the resource does."""
        found: list[object] = []
        for path in self._places[uri]:
            try:
                with self._opened.reading(path) as place:
                    found.append(place.root.state(place.path))
            except ServerError:
                found.append(None)
        return tuple(found)

    def _stirred(self) -> None:
        """Look soon, since the kernel says that something near has changed."""
        if self._watch is not None:
            self._watch.changes()
        if self._timer is not None and self._loop is not None:
            self._timer.cancel()
            self._timer = self._loop.call_later(_SOON, self._look)

    def _look(self) -> None:
        """Tell of all that has changed, and look again later."""
        for uri, before in list(self._states.items()):
            now = self._state(uri)
            if now != before:
                self._states[uri] = now
                task = asyncio.ensure_future(self._tell(uri))
                self._telling.add(task)
                task.add_done_callback(self._telling.discard)
        if self._states and self._loop is not None:
            self._watch_all()
            self._timer = self._loop.call_later(_EVERY, self._look)

    async def _tell(self, uri: str) -> None:
        await self._bus.publish(ResourceUpdated(uri=uri))
        for client, session in list(self._sessions.get(uri, {}).items()):
            try:
                await session.send_resource_updated(uri)
            except (anyio.ClosedResourceError, anyio.BrokenResourceError, MCPError):  # the client is gone
                self._sessions[uri].pop(client, None)
                self._forget((uri,))


def _client(session: ServerSession) -> int:
    """Return what is the same for all requests of one client: each request has a session object of its own."""
    return id(session.client_params)


def offer_subscriptions(face: Face, followed: Followed) -> None:
    """Serve subscriptions in both eras."""
    face.answer("resources/subscribe", SubscribeRequestParams, followed.subscribe)
    face.answer("resources/unsubscribe", UnsubscribeRequestParams, followed.unsubscribe)
    face.answer("subscriptions/listen", SubscriptionsListenRequestParams, followed.listen)
    face.at_end(followed.close)
