"""The authored models of a scenario; the parts have their own modules and are gathered here."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from gtalign_env.scenario.fields import (
    MAX_EXCHANGES,
    MAX_POINTS,
    AuthoredFile,
    Description,
    Fault,
    Name,
    Strict,
    Tags,
    Version,
    described,
    fail,
    schema_line,
)
from gtalign_env.scenario.game_schema import MatrixGameFile
from gtalign_env.scenario.persona_schema import InlinePersona, PersonaFile, Tokens
from gtalign_env.scenario.pricing_schema import InlinePricing, PricingFile, RatesModel
from gtalign_env.scenario.welfare_schema import NashWelfare, WelfareModel

__all__ = [
    "MAX_EXCHANGES",
    "InlinePersona",
    "InlinePricing",
    "MatrixGameFile",
    "PersonaFile",
    "PricingFile",
    "ProviderModel",
    "ScenarioFile",
    "TaskModel",
    "WelfareModel",
]

MAX_INTERPRETATIONS = 1000


class ProviderModel(Strict):
    """The provider: what an answer costs it, and what it cares for."""

    cost: RatesModel = Field(description="What the provider's compute costs.")
    margin_weight: float = described("μ: worth of a USD of margin.", "points / USD", ge=0, le=1e9)
    retention: float = described(
        "ρ: gained when a right answer is accepted.", "points", ge=0, le=MAX_POINTS
    )
    churn: float = described(
        "ψ: lost when the user leaves, is broke, is cut off, or accepts a wrong answer.",
        "points",
        ge=0,
        le=MAX_POINTS,
    )


class AnswerTokens(Strict):
    """Length of an answer by verbosity."""

    concise: Tokens = described("A concise answer.", "tokens")
    standard: Tokens = described("A standard answer.", "tokens")
    verbose: Tokens = described("A verbose answer.", "tokens")


class TokensModel(Strict):
    """Lengths of all messages; a density is rounded to whole tokens when drawn."""

    system: Tokens = described("System prompt, sent with every exchange.", "tokens")
    vague: Tokens = described("A vague query (VQ).", "tokens")
    definite: Tokens = described("A definite query (DQ).", "tokens")
    reply: Tokens = described("A reply to a question.", "tokens")
    follow_up: Tokens = described("A follow-up after an answer.", "tokens")
    question: Tokens = described("A clarifying question.", "tokens")
    reasoning: Tokens = described("Hidden reasoning of every assistant message.", "tokens")
    answer: AnswerTokens = Field(description="An answer, by verbosity.")


class CoverageModel(Strict):
    """k: how many interpretations an uninformed answer covers, by verbosity."""

    concise: int = described("Of a concise answer.", "interpretations", ge=1, le=1000, default=1)
    standard: int = described("Of a standard answer.", "interpretations", ge=1, le=1000, default=1)
    verbose: int = described("Of a verbose answer.", "interpretations", ge=1, le=1000, default=1)


class QualityModel(Strict):
    """q: factor of the probability that an answer is right, by verbosity."""

    concise: float = described("Of a concise answer.", "1", gt=0, le=1, default=1.0)
    standard: float = described("Of a standard answer.", "1", gt=0, le=1, default=1.0)
    verbose: float = described("Of a verbose answer.", "1", gt=0, le=1, default=1.0)


class TaskModel(Strict):
    """What is asked: its ambiguity, its difficulty, its lengths."""

    interpretations: int = described(
        "K: what a vague query could mean.", "interpretations", ge=1, le=MAX_INTERPRETATIONS
    )
    p_correct: float = described(
        "Probability that a fully informed, full-quality answer is right.", "1", ge=0, le=1
    )
    reply_clarity: float = described(
        "r: probability that a reply settles the meaning.", "1", ge=0, le=1, default=1.0
    )
    tokens: TokensModel = Field(description="Lengths of all messages.")
    coverage: CoverageModel = Field(
        default=CoverageModel(), description="k: interpretations an uninformed answer covers."
    )
    quality: QualityModel = Field(
        default=QualityModel(), description="q: factor of p_correct, by verbosity."
    )

    @model_validator(mode="after")
    def _coverage_within(self) -> Self:
        faults: list[Fault] = [
            (
                ("coverage", name),
                f"must be at most interpretations, {self.interpretations}; got {count}",
            )
            for name, count in self.coverage
            if count > self.interpretations
        ]
        if faults:
            fail(*faults)
        return self


def _form(raw: Any) -> str | None:
    """Return which of the three forms a reference has: a name, written out, or a list."""
    if isinstance(raw, str):
        return "(name)"
    if isinstance(raw, list | tuple):
        return "(list)"
    return "(inline)" if isinstance(raw, dict | Strict) else None


_FORM = Discriminator(
    _form,
    custom_error_type="gtalign",
    custom_error_message="must be a name, a mapping written out in place, or a list",
)

PersonaRef = Annotated[
    Annotated[Name, Tag("(name)")] | Annotated[InlinePersona, Tag("(inline)")], _FORM
]
PricingRef = Annotated[
    Annotated[Name, Tag("(name)")] | Annotated[InlinePricing, Tag("(inline)")], _FORM
]


class PersonaShare(Strict):
    """One part of a mixture of personas."""

    persona: PersonaRef = Field(description="A name, or a persona written out.")
    weight: float = described(
        "How common it is; weights are divided by their sum.", "1", gt=0, le=1e6
    )


class PricingStep(Strict):
    """One part of a schedule of regimes."""

    from_conversation: int = described(
        "Index of the first conversation under it.", "conversations", ge=0, le=10**9
    )
    pricing: PricingRef = Field(description="A name, or a regime written out.")


class ScenarioFile(AuthoredFile):
    """A scenario file: one game."""

    schema_id: Literal["gtalign/scenario/1"] = schema_line("gtalign/scenario/1")
    name: Name
    description: Description
    version: Version = 1
    tags: Tags = ()
    persona: Annotated[
        Annotated[Name, Tag("(name)")]
        | Annotated[InlinePersona, Tag("(inline)")]
        | Annotated[tuple[PersonaShare, ...], Field(min_length=1, max_length=50), Tag("(list)")],
        _FORM,
    ] = Field(description="Who asks: a name, a persona written out, or a mixture.")
    pricing: Annotated[
        Annotated[Name, Tag("(name)")]
        | Annotated[InlinePricing, Tag("(inline)")]
        | Annotated[tuple[PricingStep, ...], Field(min_length=1, max_length=50), Tag("(list)")],
        _FORM,
    ] = Field(description="What it costs: a name, a regime written out, or a schedule.")
    provider: ProviderModel = Field(description="What answers cost, and what the provider wants.")
    task: TaskModel = Field(description="What is asked: its ambiguity, difficulty and lengths.")
    max_exchanges: int = described(
        "Exchanges after which a conversation is cut off.", "exchanges", ge=1, le=MAX_EXCHANGES
    )
    welfare: WelfareModel = Field(
        default=NashWelfare(kind="nash"), description="The joint welfare W(U, L)."
    )

    @model_validator(mode="after")
    def _schedule_ascends(self) -> Self:
        faults: list[Fault] = []
        if isinstance(self.pricing, tuple):
            starts = [step.from_conversation for step in self.pricing]
            if starts[0] != 0:
                at = ("pricing", 0, "from_conversation")
                faults.append((at, f"a schedule must begin at conversation 0; got {starts[0]}"))
            for i, (before, start) in enumerate(pairwise(starts), 1):
                if start <= before:
                    at = ("pricing", i, "from_conversation")
                    faults.append((at, f"must be above the one before, {before}; got {start}"))
        if faults:
            fail(*faults)
        return self
