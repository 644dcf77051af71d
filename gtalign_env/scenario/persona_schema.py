"""The authored form of a persona: a user's latent type, or a distribution over types."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gtalign_env.persona import Constant, Distribution
from gtalign_env.scenario.fields import (
    MAX_MONEY,
    MAX_TOKENS,
    AuthoredFile,
    Description,
    Name,
    Strict,
    Tags,
    Version,
    described,
    schema_line,
)
from gtalign_env.scenario.latent import Latent, StyleForm

MAX_SENSITIVITY = 1e9
"""Largest price sensitivity, points per USD: a point may be worth a nano-USD."""

MAX_COUNT = 64
"""Largest tolerance or persistence: as many as a conversation can have exchanges."""

Points = Annotated[Distribution, Latent()]
PositivePoints = Annotated[Distribution, Latent(low=0.0)]
Count = Annotated[Distribution, Latent(low=0, high=MAX_COUNT, form="count", cap=MAX_COUNT)]
Tokens = Annotated[Distribution, Latent(low=0, form="tokens", cap=MAX_TOKENS)]
Budget = Annotated[Distribution, Latent(low=0, above=True, form="money", cap=MAX_MONEY)]
Sensitivity = Annotated[Distribution, Latent(low=0.0, cap=MAX_SENSITIVITY)]
Discount = Annotated[Distribution, Latent(low=0.0, above=True, high=1.0, cap=1.0)]
Style = Annotated[Distribution, StyleForm()]


class Clarification(Strict):
    """What being asked back costs the user."""

    annoyance: Points = described(
        "γ: lost per question beyond the tolerance; negative: likes being asked.",
        "points",
        default=Constant(0.0),
    )
    tolerance: Count = described("τ: questions borne at no cost.", "questions", default=Constant(0))


class Effort(Strict):
    """What writing each kind of message costs the user."""

    vague: PositivePoints = described("Writing a vague query (VQ).", "points")
    definite: PositivePoints = described("Writing a definite query (DQ).", "points")
    reply: PositivePoints = described("Replying to a question (REPLY).", "points")
    follow_up: PositivePoints = described("Asking on after an answer (FOLLOW_UP).", "points")


class Patience(Strict):
    """How the user bears delay and wrong answers."""

    discount: Discount = described(
        "δ: multiplies value and harm once per exchange before the accepted one.",
        "1",
        default=Constant(1.0),
    )
    persistence: Count = described(
        "s: how often the default user tries again after a wrong answer.",
        "tries",
        default=Constant(1),
    )


class PersonaBody(Strict):
    """What a persona says about a user; every number may be a distribution."""

    version: Version = 1
    tags: Tags = ()
    value: Points = described("v: worth of a right answer, once accepted.", "points")
    harm: PositivePoints = described(
        "h: lost when a wrong answer is accepted.", "points", default=Constant(0.0)
    )
    conciseness: PositivePoints = described(
        "κ: lost per 100 tokens read beyond comfort_tokens in one assistant message.",
        "points / 100 tokens",
    )
    comfort_tokens: Tokens = described(
        "n₀: read at no cost, per assistant message.", "tokens", default=Constant(0)
    )
    clarification: Clarification = Field(
        default=Clarification(), description="What being asked back costs."
    )
    effort: Effort = Field(description="What writing each kind of message costs.")
    budget: Budget = described("B: hard limit per conversation.", "USD")
    price_sensitivity: Sensitivity = described("λ: lost per USD charged.", "points / USD")
    patience: Patience = Field(
        default=Patience(), description="How delay and wrong answers are borne."
    )
    outside_option: Points = described(
        "o: received on leaving, going broke or being cut off.", "points", default=Constant(0.0)
    )
    style: Style = described(
        "How the persona visibly writes: plain, terse, chatty, or a choice of these.",
        "style",
        default=Constant(0),
    )


class InlinePersona(PersonaBody):
    """A persona written inside a scenario."""

    name: Name = "inline"
    description: Description = "Written inside a scenario."


class PersonaFile(AuthoredFile, PersonaBody):
    """A persona file."""

    schema_id: Literal["gtalign/persona/1"] = schema_line("gtalign/persona/1")
    name: Name
    description: Description
