"""The part of a recipe that lets both seats learn, in turns."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from gtalign_env.scenario.fields import Strict, described
from gtalign_training.recipe.strategic import require_whole_batches


class SelfplayModel(Strict):
    """Alternating best responses: one seat learns against the other, which stays as it is."""

    learner: Literal["exact", "ppo"] = Field(
        default="ppo",
        description="`exact` computes each best response, `ppo` learns it (sb3-contrib).",
    )
    seat: Literal["both", "user", "assistant"] = Field(
        default="both", description="Who learns; a seat that does not stays as it starts."
    )
    rounds: int = described(
        "How often each learning seat has its turn.", "rounds", ge=1, le=10_000, default=6
    )
    user: str = Field(default="default", description="The user at the start, an agent.")
    assistant: str = Field(
        default="DA:standard", description="The assistant at the start, an agent."
    )
    tremble: float = described(
        "exact: share of moves that the other seat is taken to make by mistake, so that a response "
        "knows what to do everywhere.",
        "1",
        gt=0,
        lt=0.5,
        default=1e-3,
    )
    types: int = described(
        "Types per persona that stand in for a continuous one.", "types", ge=1, le=512, default=8
    )
    steps: int = described(
        "ppo: environment steps of a turn, rounded up to whole updates.",
        "steps",
        ge=1,
        le=10**9,
        default=4096,
    )
    environments: int = described("ppo: environments in step.", "environments", ge=1, default=8)
    horizon: int = described("ppo: steps of each before an update.", "steps", ge=2, default=64)
    batch_size: int = described(
        "ppo: transitions per gradient step.", "transitions", ge=2, default=256
    )
    epochs: int = described("ppo: passes over an update's transitions.", "passes", ge=1, default=10)
    hidden: int = described("ppo: width of both hidden layers.", "units", ge=1, le=4096, default=32)
    learning_rate: float = described(
        "ppo: rate of the first round, linear decay.", "1", gt=0, lt=1, default=3e-3
    )
    entropy: float = described("ppo: weight of the entropy bonus.", "1", ge=0, default=0.02)

    @model_validator(mode="after")
    def _whole_batches(self) -> Self:
        require_whole_batches(self.environments * self.horizon, self.batch_size)
        return self

    @property
    def learning(self) -> tuple[str, ...]:
        """The seats that learn, in the order of their turns: the assistant first."""
        return ("assistant", "user") if self.seat == "both" else (self.seat,)
