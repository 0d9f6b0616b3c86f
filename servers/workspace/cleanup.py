"""Planning to clean up: the tool, which writes a plan and a script that only shows, and moves nothing."""

from __future__ import annotations

import os
import secrets
import time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from mcp.server.mcpserver import Context
from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.errors import ServerError
from servers.machine.face import APPENDS, Face
from servers.machine.names import escape
from servers.machine.paging import END, page_of
from servers.machine.store import write_atomic
from servers.machine.times import utc
from servers.workspace.cleanup_making import made_actions
from servers.workspace.cleanup_plan import SURENESS, Action, Plan, read_plan, script_of
from servers.workspace.scan import paced
from servers.workspace.scan_place import scope_at
from servers.workspace.scan_results import amount
from servers.workspace.scan_running import made_ready

if TYPE_CHECKING:
    from pathlib import Path

    from servers.workspace.opened import Opened
    from servers.workspace.scan_walk import Pace

__all__ = ["WHATS", "Planned", "offer_cleanup", "plan_tree"]

What = Literal["all", "duplicate", "cache", "temporary", "archive"]
WHATS: tuple[What, ...] = ("all", "duplicate", "cache", "temporary", "archive")
"""What a plan may be about."""


class Planned(Frozen):
    """A plan that was written, and a page of it. Nothing was moved or deleted."""

    plan: str = Field(description="name of the plan, for the next page")
    plan_file: str = Field(description="the plan as JSON; `afs workspace apply` takes it")
    script_file: str = Field(description="a shell script that shows what the plan would do, and does nothing")
    root: str = Field(description="folder that the paths are below")
    total: int = Field(description="actions")
    bytes: int = Field(description="what they would free once the trash is emptied")
    sums: tuple[str, ...] = Field(description="for each degree of sureness: actions and bytes")
    actions: tuple[Action, ...]
    offset: int
    next_offset: int = Field(description="offset of the next page; -1 on the last one")
    notes: tuple[str, ...] = ()

    def as_text(self) -> str:
        """Return the sums, then each action."""
        head = [
            f"plan {self.plan}: {self.total} actions, {amount(self.bytes)} ({self.bytes}) below {self.root}; "
            f"{len(self.actions)} shown from {self.offset}. Nothing was moved or deleted.",
            *self.sums,
            f"to look: sh {self.script_file}; to do it, after asking: afs workspace apply {self.plan_file}",
        ]
        more = [] if self.next_offset == END else [f"more: call again with plan={self.plan} offset={self.next_offset}"]
        return "\n".join([*head, *(action.as_text() for action in self.actions), *self.notes, *more])


def plan_tree(
    opened: Opened, path: str, pace: Pace, *, plan: str, what: What, min_size: int, limit: int, offset: int
) -> Planned:
    """Make and write a plan, or show more of the one named. Raises ServerError."""
    folder = opened.settings.data_dir / "plans"
    if plan:
        if not (plan.isalnum() and plan.isascii()):
            raise ServerError("a plan's name has only letters and digits; give the one that plan_cleanup returned")
        return _page(read_plan(folder / f"{plan}.json"), folder, limit=limit, offset=offset)
    with scope_at(opened, path) as scope:
        ready = made_ready(scope, pace, depth="all", min_size=max(1, min_size))
        made = made_actions(scope, what=what, min_size=min_size)
        late = () if ready.complete else ("not all files are compared yet: plan again to go on",)
        name = time.strftime("%Y%m%d", time.gmtime()) + secrets.token_hex(5)
        root = escape(os.fsencode(scope.path))
        new = Plan(
            id=name, made=utc(time.time_ns()), root=root, actions=made.actions, notes=(*late, *made.notes)
        )  # fmt: skip
    write_atomic(folder / f"{name}.json", new.model_dump_json(indent=1).encode())
    write_atomic(folder / f"{name}.sh", script_of(new, folder / f"{name}.json"))
    return _page(new, folder, limit=limit, offset=offset)


def _page(plan: Plan, folder: Path, *, limit: int, offset: int) -> Planned:
    page = page_of(plan.actions, offset=offset, limit=limit, weigh=lambda action: len(action.as_text()) + 200)
    sums: list[str] = []
    for sure in SURENESS:
        some = [action.size for action in plan.actions if action.sure == sure]
        sums.append(f"{sure}: {len(some)} actions, {amount(sum(some))} ({sum(some)})")
    return Planned(
        plan=plan.id,
        plan_file=str(folder / f"{plan.id}.json"),
        script_file=str(folder / f"{plan.id}.sh"),
        root=plan.root,
        total=len(plan.actions),
        bytes=sum(action.size for action in plan.actions),
        sums=tuple(sums),
        actions=page.items,
        offset=offset,
        next_offset=page.next_offset,
        notes=plan.notes,
    )


def offer_cleanup(face: Face, opened: Opened) -> None:
    """Offer `plan_cleanup`."""

    @face.offer(APPENDS, title="Plan to clean up")
    async def plan_cleanup(
        path: Annotated[str, Field(description="folder to clean up; empty: the whole workspace root")] = "",
        what: Annotated[
            What, Field(description="duplicate: copies; cache: what programs make again; temporary, archive: leftovers")
        ] = "all",
        *,
        min_size: Annotated[int, Field(ge=1, description="only what has at least so many bytes, 1 or more")] = 100_000,
        plan: Annotated[str, Field(description="name of a plan made before, to see more of it; empty: a new one")] = "",
        limit: Annotated[int, Field(ge=1, le=200, description="actions to return, 1 to 200")] = 40,
        offset: Annotated[int, Field(ge=0, description="actions to skip, 0 or more, for the next page")] = 0,
        seconds: Annotated[int, Field(ge=1, le=3_600, description="stop comparing after this time, 1 to 3,600 s")] = 50,
        ctx: Context,
    ) -> Planned:
        """Plan what could go to the trash, as JSON and as a script that only shows. No tool moves or deletes it.

        Each action says why and how sure that is. The user does it with `afs workspace apply PLAN`, and can undo it.
        """
        work = partial(plan_tree, opened, path, plan=plan, what=what, min_size=min_size, limit=limit, offset=offset)
        return await paced(ctx, seconds, work)
