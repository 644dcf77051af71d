"""The parts of a recipe that train a small network on the game without text, by SB3."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from gtalign_env.scenario.fields import Fault, Strict, described, fail


class NetworkModel(Strict):
    """What all algorithms without text share."""

    steps: int = described(
        "Environment steps, rounded up to whole updates.", "steps", ge=1, le=10**9, default=60_000
    )
    environments: int = described("Environments in step.", "environments", ge=1, default=8)
    hidden: int = described("Width of both hidden layers.", "units", ge=1, le=4096, default=64)
    learning_rate: float = described("Peak rate, linear decay.", "1", gt=0, lt=1, default=3e-3)
    save_every: int = described("Steps between checkpoints.", "steps", ge=1, default=20_000)


class PpoModel(NetworkModel):
    """Proximal policy optimisation of a small network on the game without text (SB3)."""

    horizon: int = described("Steps of each before an update.", "steps", ge=2, default=128)
    batch_size: int = described("Transitions per gradient step.", "transitions", ge=2, default=256)
    epochs: int = described("Passes over an update's transitions.", "passes", ge=1, default=10)
    entropy: float = described("Weight of the entropy bonus.", "1", ge=0, default=0.01)

    @model_validator(mode="after")
    def _whole_batches(self) -> Self:
        require_whole_batches(self.environments * self.horizon, self.batch_size)
        return self


class RecurrentPpoModel(PpoModel):
    """PPO of a policy with memory (sb3-contrib)."""

    memory: int = described("Width of the LSTM.", "units", ge=1, le=4096, default=32)


class A2cModel(NetworkModel):
    """Synchronous advantage actor-critic (SB3)."""

    horizon: int = described("Steps of each before an update.", "steps", ge=2, default=16)
    entropy: float = described("Weight of the entropy bonus.", "1", ge=0, default=0.01)


class DqnModel(NetworkModel):
    """Deep Q-learning (SB3)."""

    horizon: int = described(
        "Steps of each between two logged updates.", "steps", ge=2, default=128
    )
    buffer: int = described(
        "Transitions remembered, the latest.", "transitions", ge=1, le=10**7, default=50_000
    )
    learning_starts: int = described(
        "Steps before the first gradient step.", "steps", ge=0, default=1_000
    )
    batch_size: int = described("Transitions per gradient step.", "transitions", ge=2, default=128)
    gradient_steps: int = described(
        "Gradient steps per step of all environments.", "steps", ge=1, default=1
    )
    target_every: int = described("Steps between copies to the target.", "steps", ge=1, default=500)
    exploration: float = described(
        "Share of the steps in which random moves fade.", "1", gt=0, le=1, default=0.3
    )
    final_exploration: float = described(
        "Share of random moves from then on.", "1", ge=0, le=1, default=0.05
    )


def require_whole_batches(size: int, batch_size: int) -> None:
    """Fail a section of PPO whose update is no whole number of batches.

    Args:
        size: Transitions of an update.
        batch_size: Those of a gradient step.

    Raises:
        PydanticCustomError: It is none.
    """
    if size % batch_size:
        faults: list[Fault] = [
            (("batch_size",), f"must divide environments x horizon, {size}; got {batch_size}")
        ]
        fail(*faults)
