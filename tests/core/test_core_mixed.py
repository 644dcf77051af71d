"""How often a policy plays each move, found from the policy alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.mixed import assistant_mix, shares, user_mix, weighted
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.policies import default_seat, random_assistant
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Draws
from gtalign_env.errors import SolverError


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(2, 40), min_size=1, max_size=9))
def test_shares_are_the_lengths_of_the_intervals(lengths: list[int]) -> None:
    edges = np.cumsum([0, *lengths]) / sum(lengths)
    if min(np.diff(edges)) < 1 / 31:
        return
    found = shares(lambda u: int(np.searchsorted(edges, u, side="right")) - 1)
    assert [move for _, move in found] == list(range(len(lengths)))
    assert [p for p, _ in found] == pytest.approx(np.diff(edges), abs=1e-15)


def test_shares_of_named_policies(quick: GameSpec) -> None:
    talk = Conversation(quick, Draws(0, 0))
    by_numbers = user_mix(lambda view, u: default_seat(0.3)(view, u))
    for mix in (by_numbers, user_mix(default_seat(0.3))):
        assert sorted((m, p) for p, m in mix(talk.user_view())) == [
            (UserMove.VQ, 0.3),
            (UserMove.DQ, pytest.approx(0.7)),
        ]
    assert user_mix(default_seat(1.0))(talk.user_view()) == ((1.0, UserMove.VQ),)
    talk.step_user(UserMove.VQ)
    every = assistant_mix(random_assistant)(talk.assistant_view())
    assert [m for _, m in every] == list(AssistantMove)
    assert [p for p, _ in every] == pytest.approx([1 / 7] * 7, abs=1e-15)


def test_a_function_that_never_settles_on_intervals_is_refused() -> None:
    with pytest.raises(SolverError, match="1,000 intervals"):
        shares(lambda u: u)


def test_weights_must_be_probabilities() -> None:
    assert weighted("ab", [0.25, 0.75]) == [(0.25, "a"), (0.75, "b")]
    assert weighted("ab", [0.0, 1.0]) == [(1.0, "b")]
    for bad in ([0.5, 0.6], [1.0], [-0.1, 1.1], [math.nan, 1.0]):
        with pytest.raises(SolverError, match="probabilities of 2 moves"):
            weighted("ab", bad)
