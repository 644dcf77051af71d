"""Observations: every documented entry says what it is said to say."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pettingzoo
import pytest

from gtalign_env.core.moves import STYLES, AssistantMove, UserMove
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.draws import Seat
from gtalign_env.envs.observe import ENTRIES, regime_entries
from gtalign_env.envs.spaces import MAX_MESSAGE, Utterance
from gtalign_env.pricing import (
    Cap,
    Minimum,
    Outcome,
    PerMessage,
    PerToken,
    Rates,
    Regime,
    Subscription,
    Surge,
    Tiered,
)
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.library import list_entries
from gtalign_env.scenario.loader import load_scenario

SCENARIOS = [entry.name for entry in list_entries("scenario")]
NAMES = [entry.name for entry in ENTRIES]


def half_at(x: float, scale: float) -> float:
    return x / (abs(x) + scale)


def expected(conversation: Any) -> dict[str, float]:
    """Return the public entries, read off the conversation in their own words."""
    state, spec = conversation.state, conversation.spec
    user = conversation.user_moves[-1].label if conversation.user_moves else ""
    assistant = conversation.assistant_moves[-1].label if conversation.assistant_moves else ""
    return {
        "exchange": (state.exchange + 1) / spec.max_exchanges,
        **{f"user {move.label}": float(move.label == user) for move in UserMove},
        **{f"assistant {move.label}": float(move.label == assistant) for move in AssistantMove},
        "informed": float(state.informed),
        **{f"style {style}": float(STYLES[conversation.who.style] == style) for style in STYLES},
        "questions": half_at(state.questions, 2),
        "message": half_at(state.message, 100),
        "total output": half_at(state.total_output, 500),
        "charged": half_at(state.charged / 1e12, 0.01),
        "cost": half_at(state.cost / 1e12, 0.01),
        "free questions": float(spec.regime.free_questions),
        "interpretations": 1 / spec.interpretations,
        # the user's own
        "right": float(state.right),
        "tries": half_at(state.tries, 2),
        "budget left": 1 - state.charged / conversation.who.budget,
        "value": half_at(conversation.who.value, 5),
        "annoyance": half_at(conversation.who.annoyance, 0.5),
        "budget": half_at(conversation.who.budget / 1e12, 0.05),
        "discount": half_at(conversation.who.discount, 1),
        "outside_option": half_at(conversation.who.outside_option, 1),
    }


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_entries_say_what_they_are_named_for(scenario: str) -> None:
    rng = random.Random(1)
    env = pettingzoo.make("aec", "gtalign/Conversation-v0", scenario=scenario)
    for episode in range(60):
        env.reset(seed=3, options={"episode": episode})
        talk = env.conversation
        while True:
            seen = dict(zip(NAMES, env.observe("user_0").tolist(), strict=True))
            for name, value in expected(talk).items():
                assert seen[name] == pytest.approx(value, abs=1e-6), name
            mask = env.infos["user_0"]["action_mask"]
            if talk.state.ending is not None:
                break
            if talk.state.to_move is Seat.USER:
                legal = legal_user_moves(talk.state)
                assert [UserMove(int(i)) for i in np.flatnonzero(mask)] == sorted(legal)
                env.step(int(rng.choice(legal)))
            else:
                assert env.infos["assistant_0"]["action_mask"].tolist() == [1] * 7
                env.step(rng.randrange(7))


def test_names_are_distinct_and_have_units() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(entry.unit for entry in ENTRIES)


def test_the_price_is_in_the_observation() -> None:
    regime = Regime(
        "all",
        (
            PerToken(Rates(5_000_000, 10_000_000, 15_000_000, 0)),
            PerMessage(10**10),
            Subscription(3 * 10**10, 100, 5_000_000),
            Outcome(10**10),
        ),
        free_questions=True,
    )
    at = NAMES.index("input rate")
    assert NAMES[at : at + 9] == [
        "input rate", "cached input rate", "output rate", "reasoning rate", "message fee",
        "subscription share", "overage rate", "outcome fee", "free questions",
    ]  # fmt: skip
    assert regime_entries(regime) == pytest.approx(
        (0.5, 2 / 3, 0.75, 0, 0.5, 0.75, 0.5, 0.5, 1, 0, 0, 0)
    )
    assert regime_entries(Regime("none", ())) == (0.0,) * 12


def test_tiers_minimum_cap_and_surge_are_in_the_observation() -> None:
    parts = (
        PerToken(Rates(0, 0, 0, 0)),
        Tiered("output", (160, 500), (5_000_000, 10_000_000, 0)),
        Tiered("total", (10_000,), (15_000_000, 0)),
        Subscription(0, 60, 2_500_000),
        Minimum(10**9),
        Cap(3 * 10**10),
        Surge(Fraction(3), start=1),
    )
    spec = compile_scenario(load_scenario("quick_question"))
    env = pettingzoo.make(
        "aec", "gtalign/Conversation-v0", scenario=replace(spec, regime=Regime("r", parts))
    )

    def seen() -> dict[str, float]:
        return dict(zip(NAMES, env.observe("assistant_0").tolist(), strict=True))

    env.reset(seed=0, options={"episode": 1})
    env.step(UserMove.DQ)
    now = seen()
    assert now["minimum"] == pytest.approx(1 / 11)
    assert now["cap"] == pytest.approx(0.25)
    assert now["surge"] == pytest.approx(0.5)
    assert now["marginal input rate"] == pytest.approx(0.75)  # the tier of all tokens
    assert now["marginal output rate"] == pytest.approx(0.8)  # 5 + 15 of 25 USD per 1M tokens
    assert now["next rate"] == pytest.approx(500 / 560)  # until the overage begins
    env.step(AssistantMove.DA_CONCISE)  # 60 tokens
    now = seen()
    assert now["marginal output rate"] == pytest.approx(22.5 / 27.5)
    assert now["next rate"] == pytest.approx(500 / 600)
    env.reset(seed=0, options={"episode": 0})
    assert seen()["surge"] == 0.0


def test_games_that_differ_in_price_look_different() -> None:
    env = pettingzoo.make(
        "aec", "gtalign/Conversation-v0", pricing=["per_token", "premium_per_token"]
    )
    seen = {}
    for episode in range(20):
        env.reset(seed=1, options={"episode": episode})
        seen[env.conversation.spec.regime.name] = env.observe("assistant_0").tobytes()
    assert len(set(seen.values())) == 2


def test_utterances() -> None:
    space = Utterance(seed=1)
    twin = Utterance(seed=1)
    samples = [space.sample() for _ in range(200)]
    assert samples == [twin.sample() for _ in range(200)]
    assert len(set(samples)) > 100
    assert all(sample in space for sample in samples)
    assert "" in samples
    for text in ("", "\x00", "\ud800", "x" * MAX_MESSAGE):
        assert text in space
    for other in ("x" * (MAX_MESSAGE + 1), b"bytes", None, 3, ["text"]):
        assert other not in space
    assert space.from_jsonable(space.to_jsonable(samples)) == samples
    assert space == Utterance()
    assert hash(space) == hash(Utterance())
    assert space != Utterance(5)
    assert all(len(Utterance(5, seed=i).sample()) <= 5 for i in range(50))
    assert repr(Utterance(5)) == "Utterance(max_length=5)"
    assert not space.is_np_flattenable
    with pytest.raises(ValueError, match="at least 1 character; got 0"):
        Utterance(0)
