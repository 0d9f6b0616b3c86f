"""The two arms of an evaluation: an expert alone with its tools, and the same under our checks and the critic loop."""

import time
from dataclasses import dataclass

from benchmarks.experts.prompt import Prompt
from benchmarks.experts.trials import Arm, Attempt, Trial
from runner.agent import Agent
from runner.ask import bare
from runner.checks import checking
from runner.config import shipped_config
from runner.critic import CriticBudget, run_critic_loop
from runner.errors import ConfigError
from runner.events import Event, ServersReady
from runner.experts import Experts
from runner.finish import Finish, Judged, Tools
from runner.loop import Limits
from runner.models.model import Model
from runner.toolbox import Source
from schemas.expert import Expert
from schemas.run import Run
from servers.settings import Settings

__all__ = ["Bench", "unchecked"]


def unchecked(expert: Expert) -> Expert:
    """Return an expert of whom no proof is asked: what the arm without checks measures."""
    return expert.model_copy(update={"proof": "", "must_prove": False, "check": "none"})


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What all trials share: one model, the servers and the limits."""

    model: Model
    experts: Experts
    settings: Settings
    servers: "tuple[str | Source, ...]" = ("asar", "alttp", "graph")
    """The servers whose tools the four experts and the checks need; the same in both arms."""
    max_seconds: float = 600.0
    """Of one trial, all of its answers together."""
    iterations: int = 3
    """Answers of the critic loop, at most."""

    async def trial(self, prompt: Prompt, arm: Arm) -> Trial:
        """Put a prompt to its expert; a failure of the model or a server is part of the trial.

        Raises:
            RunnerError: the expert or the servers are not there.
        """
        begun = time.monotonic()
        attempts: list[Attempt] = []
        if arm == "with":
            run = await self._with(prompt, attempts)
        else:
            run = await self._without(prompt)
            attempts = [Attempt(answer=run.answer, verdict=run.verdict)] if run.answer else []
        return Trial(
            prompt=prompt.id,
            digest=prompt.digest(),
            expert=prompt.expert,
            arm=arm,
            model=self.model.name,
            stop=run.stop,
            error=run.error,
            answer=bare(run),
            verdict=run.verdict,
            attempts=tuple(attempts),
            seconds=round(time.monotonic() - begun, 1),
            tokens=run.usage.total,
        )

    async def _without(self, prompt: Prompt) -> Run:
        expert = unchecked(self.experts.find(prompt.expert))
        async with self._agent(expert, Limits(max_seconds=self.max_seconds)) as agent:
            return await agent.run(prompt.prompt)

    async def _with(self, asked: Prompt, attempts: list[Attempt]) -> Run:
        deadline = time.monotonic() + self.max_seconds

        async def ask(prompt: str, expert: str, *, earlier: Run | None = None) -> Run:
            found = self.experts.find(expert)
            finish = checking(found)
            if prompt == asked.prompt or earlier is not None:  # else it is the critic who is asked
                finish = _noted(finish, attempts)
            limits = Limits(max_seconds=max(0.1, deadline - time.monotonic()))
            async with self._agent(found, limits, finish) as agent:
                return await agent.run(prompt, earlier=earlier)

        budget = CriticBudget(iterations=self.iterations, max_seconds=self.max_seconds)
        return await run_critic_loop(asked.prompt, asked.expert, ask=ask, budget=budget)

    def _agent(self, expert: Expert, limits: Limits, finish: Finish | None = None) -> Agent:
        return Agent(
            expert,
            model=self.model,
            servers=self.servers,
            settings=self.settings,
            config=shipped_config(),
            limits=limits,
            finish=finish,
            on_event=_stopped,
            keep=False,
        )


def _stopped(event: Event) -> None:
    """End the evaluation where a server did not start: a trial without tools measures nothing."""
    if isinstance(event, ServersReady):
        down = [state for state in event.states if state.state != "ready"]
        if down:
            detail = f"{down[0].name}: {down[0].detail or down[0].state}"
            raise ConfigError(f"a server did not start ({detail}); mend it and start again, what was done is kept")


def _noted(finish: Finish, attempts: list[Attempt]) -> Finish:
    """Return a `Finish` that also notes each answer with the verdict on it."""

    async def noting(run: Run, toolbox: Tools) -> Judged:
        judged = await finish(run, toolbox)
        attempts.append(Attempt(answer=bare(judged.run), verdict=judged.run.verdict))
        return judged

    return noting
