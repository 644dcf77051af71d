"""The authored form of the joint welfare W(U, L)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gtalign_env.scenario.fields import MAX_POINTS, Strict, described, fail


class Weights(Strict):
    """How much each side counts; only their ratio orders outcomes."""

    user: float = described("Weight of the user's welfare.", "1", ge=0, le=1e6)
    assistant: float = described("Weight of the assistant's welfare.", "1", ge=0, le=1e6)

    @model_validator(mode="after")
    def _someone_counts(self) -> Self:
        if self.user + self.assistant <= 0:
            fail((("user",), "one of the two weights must be above 0"))
        return self


EQUAL = Weights(user=0.5, assistant=0.5)


class Disagreement(Strict):
    """What each side has without agreement; gains are counted from here."""

    user: float = described("d_u.", "points", ge=-MAX_POINTS, le=MAX_POINTS)
    assistant: float = described("d_l.", "points", ge=-MAX_POINTS, le=MAX_POINTS)


class UtilitarianWelfare(Strict):
    """The weighted sum of both welfares."""

    kind: Literal["utilitarian"]
    weights: Weights = EQUAL


class NashWelfare(Strict):
    """Cobb-Douglas of the gains over the disagreement point (Nash's product at alpha 0.5)."""

    kind: Literal["nash"]
    alpha: float = described("Exponent of the user's gain.", "1", ge=0, le=1, default=0.5)
    disagreement: Disagreement | None = Field(
        default=None, description="By default both sides' outside options."
    )


class EgalitarianWelfare(Strict):
    """The smaller of both welfares."""

    kind: Literal["egalitarian"]


class CesWelfare(Strict):
    """Constant elasticity of substitution of the gains over the disagreement point."""

    kind: Literal["ces"]
    rho: float = described("Substitution parameter; 0 is Cobb-Douglas.", "1", ge=-1000, le=1)
    weights: Weights = EQUAL
    disagreement: Disagreement | None = Field(
        default=None, description="By default both sides' outside options."
    )

    @model_validator(mode="after")
    def _both_count(self) -> Self:
        total = self.weights.user + self.weights.assistant
        if min(self.weights.user, self.weights.assistant) < 1e-9 * total:
            fail((("weights",), "ces needs both weights above 0; else use user_only or its pair"))
        return self


class UserOnlyWelfare(Strict):
    """The user's welfare alone."""

    kind: Literal["user_only"]


class AssistantOnlyWelfare(Strict):
    """The assistant's welfare alone."""

    kind: Literal["assistant_only"]


WelfareModel = Annotated[
    UtilitarianWelfare
    | NashWelfare
    | EgalitarianWelfare
    | CesWelfare
    | UserOnlyWelfare
    | AssistantOnlyWelfare,
    Field(discriminator="kind"),
]
