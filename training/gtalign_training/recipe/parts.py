"""The parts of a recipe that every algorithm shares: what is played, by which model, how it is measured."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from gtalign_env.scenario.fields import Fault, Strict, described, fail


class GameModel(Strict):
    """What is played."""

    scenario: str = Field(description="Name or path of the scenario.")
    pricing: tuple[str, ...] = Field(
        min_length=1, description="Regimes; every conversation plays one of them, drawn evenly."
    )
    tasks: str = Field(default="general_knowledge", description="Name or path of the task set.")
    held_out: tuple[str, ...] = Field(
        default=(),
        description="Those of the regimes that a language model imitates and is measured under, and "
        "never learns under.",
    )
    p_vague: float = described(
        "How often the default user opens with a vague query.", "1", ge=0, le=1, default=0.5
    )


class TinyModel(Strict):
    """A model built from nothing; its language covers the marked questions of the task set."""

    kind: Literal["tiny"]
    layers: int = described("Number of layers.", "layers", ge=1, le=24, default=2)
    hidden: int = described("Width; a multiple of 32.", "dimensions", ge=32, le=4096, default=64)

    @model_validator(mode="after")
    def _whole_heads(self) -> Self:
        if self.hidden % 32:
            faults: list[Fault] = [(("hidden",), f"must be a multiple of 32; got {self.hidden}")]
            fail(*faults)
        return self


class LoraModel(Strict):
    """Low-rank adapters: the base weights stay frozen."""

    rank: int = described("Rank of the adapters.", "dimensions", ge=1, le=1024, default=16)
    alpha: int = described("Scale of the adapters.", "1", ge=1, le=4096, default=32)
    dropout: float = described("Dropout inside the adapters.", "1", ge=0, lt=1, default=0.0)


class PretrainedModel(Strict):
    """Any Hugging Face causal language model with a chat template."""

    kind: Literal["pretrained"]
    path: str = Field(description="Folder, or name on the hub.")
    lora: LoraModel | None = Field(default=None, description="Adapters; all weights without them.")


class EvaluationModel(Strict):
    """How the result is measured: on conversations never trained on."""

    conversations: int = described(
        "Conversations per regime.", "conversations", ge=2, le=10**7, default=300
    )
    seed: int = described("Seed of the held-out conversations.", "1", ge=0, default=1_000_003)
    batch_size: int = described("Conversations in step.", "conversations", ge=1, default=256)
