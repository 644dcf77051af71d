"""The parts of a recipe that train a language model: one section per algorithm."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from gtalign_env.scenario.fields import Fault, Strict, described, fail

Credit = Literal["conversation", "turn"]
"""``conversation``: every token of the model answers for the whole conversation's reward; ``turn``:
for what was gained from its own turn on."""


class SftModel(Strict):
    """The warm start: imitation of conversations without strategy."""

    conversations: int = described(
        "Different conversations to imitate.", "conversations", ge=1, le=10**7, default=6000
    )
    steps: int = described("Optimiser steps.", "steps", ge=0, le=10**7, default=1500)
    batch_size: int = described("Conversations a step.", "conversations", ge=1, default=16)
    learning_rate: float = described("Peak rate, linear decay to 0.", "1", gt=0, lt=1, default=4e-3)
    matrices: Literal["fixed", "read"] = Field(
        default="fixed",
        description="tiny: one of eight matrices, whatever is chosen; or numbers by which the choice is best.",
    )


class SamplingModel(Strict):
    """What all algorithms share that let the model speak."""

    steps: int = described("Optimiser steps.", "steps", ge=1, le=10**7, default=100)
    learning_rate: float = described("Peak rate.", "1", gt=0, lt=1, default=4e-4)
    temperature: float = described("Of sampling.", "1", gt=0, le=10, default=1.0)
    turn_tokens: int = described("Longest answer of one turn.", "tokens", ge=1, default=80)
    save_every: int = described("Steps between checkpoints.", "steps", ge=1, default=25)
    most_faults: float = described(
        "Share of faulted rollouts in a step that stops the run.", "1", ge=0, le=1, default=0.1
    )


class OnlineModel(SamplingModel):
    """What the algorithms share that play new conversations at every step."""

    prompts: int = described("Different conversations a step.", "conversations", ge=1, default=16)
    schedule: Literal["constant", "linear", "cosine"] = Field(
        default="linear", description="How the rate goes on; all but constant end at 0."
    )
    warmup: float = described(
        "Share of the steps in which the rate rises from 0.", "1", ge=0, lt=1, default=0.0
    )
    entropy: float = described("Weight of the entropy bonus.", "1", ge=0, default=0.0)
    credit: Credit = Field(
        default="conversation",
        description="What a token answers for: its `conversation`, or what came from its `turn` on.",
    )
    micro_batch: int | None = Field(
        default=None,
        ge=1,
        description="Rollouts held in memory at once by a backward pass; all of them without it.",
        json_schema_extra={"unit": "rollouts"},
    )


class GrpoModel(OnlineModel):
    """Group-relative policy optimisation on conversations with simulated users."""

    group: int = described("Tries at each conversation.", "rollouts", ge=2, le=1024, default=8)
    beta: float = described("Weight of the KL term to the start.", "1", ge=0, default=0.0)
    engine: Literal["transformers", "vllm"] = Field(
        default="transformers",
        description="What writes the turns: the trained model itself, or vLLM beside it.",
    )
    engine_memory: float = described(
        "vllm: share of the memory that it holds, the GPU's or a CPU's.",
        "1",
        gt=0,
        lt=1,
        default=0.3,
    )

    @model_validator(mode="after")
    def _whole_micro_batches(self) -> Self:
        _require_divisor(self.micro_batch, self.prompts * self.group, "prompts x group")
        return self

    @model_validator(mode="after")
    def _temperature_that_vllm_keeps(self) -> Self:
        if self.engine == "vllm" and self.temperature < 0.01:
            raise ValueError(
                f"temperature must be at least 0.01 where engine is vllm, got {self.temperature:g}: vLLM "
                "samples no colder, and the trainer would take it for another policy"
            )
        return self


class RlooModel(GrpoModel):
    """REINFORCE whose baseline is the mean of the other tries at the same conversation."""


class LmPpoModel(OnlineModel):
    """Proximal policy optimisation of a language model, with a learnt value of every token."""

    prompts: int = described("Conversations a step.", "conversations", ge=1, default=128)
    batch_size: int = described(
        "Conversations per gradient step.", "conversations", ge=1, default=32
    )
    epochs: int = described("Passes over a step's conversations.", "passes", ge=1, default=1)
    clip: float = described(
        "How far a token's probability ratio may count.", "1", gt=0, lt=1, default=0.2
    )
    value_clip: float = described(
        "How far a value may move in a step and count, points.", "points", gt=0, default=0.5
    )
    critic: Literal["separate", "shared"] = Field(
        default="separate",
        description="A second model for the values, as large as the first, or a head on it.",
    )
    critic_rate: float = described("Peak rate of the critic.", "1", gt=0, lt=1, default=8e-4)
    value_weight: float = described(
        "Weight of the value loss, where the critic is shared.", "1", gt=0, default=0.1
    )
    discount: float = described("Discount per token.", "1", gt=0, le=1, default=1.0)
    gae_lambda: float = described(
        "Lambda of the advantages, per token.", "1", ge=0, le=1, default=1
    )
    kl: float = described(
        "Cost of leaving the start, per nat, charged token by token.", "points", ge=0, default=0.0
    )

    @model_validator(mode="after")
    def _whole_batches(self) -> Self:
        _require_divisor(self.batch_size, self.prompts, "prompts", "batch_size")
        _require_divisor(self.micro_batch, self.batch_size, "batch_size")
        return self


class TriesModel(SamplingModel):
    """What the algorithms share that train on tries made beforehand."""

    conversations: int = described(
        "Different conversations to try.", "conversations", ge=1, le=10**7, default=1000
    )
    tries: int = described("Tries at each conversation.", "rollouts", ge=1, le=1024, default=8)


class BestOfKModel(TriesModel):
    """Imitation of the best of several tries at each conversation."""

    source: Literal["model", "oracle"] = Field(
        default="model",
        description="Whose tries: the model's own, or the Bayes oracle's in the bundled words.",
    )
    batch_size: int = described("Conversations a step.", "conversations", ge=1, default=16)


class DpoModel(TriesModel):
    """Direct preference optimisation: the best of several tries is preferred to the worst."""

    tries: int = described("Tries at each conversation.", "rollouts", ge=2, le=1024, default=8)
    learning_rate: float = described("Peak rate.", "1", gt=0, lt=1, default=1e-5)
    batch_size: int = described("Pairs a step.", "pairs", ge=1, default=16)
    beta: float = described("Strength of the pull to the start.", "1", gt=0, default=0.1)
    imitation: float = described(
        "Weight of imitating the preferred try, so that its own likelihood does not fall.",
        "1",
        ge=0,
        default=1.0,
    )
    margin: float = described(
        "Least difference of reward within a pair.", "points", ge=0, default=0.1
    )


def _require_divisor(part: int | None, whole: int, of: str, field: str = "micro_batch") -> None:
    if part is not None and whole % part:
        faults: list[Fault] = [((field,), f"must divide {of}, {whole}; got {part}")]
        fail(*faults)
