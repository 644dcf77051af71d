"""Best responses: nobody in the table does better against the opponent that they know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gtalign_agents.responses import BestUser
from gtalign_agents.table import assistant_agent, find_agent, seated, user_agent
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.mixed import assistant_mix, user_mix
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.oracle import Value
from gtalign_env.core.play_out import evaluate_profile
from gtalign_env.core.policies import OFF_PATH
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Draws
from gtalign_env.errors import ScenarioError


def value(spec: GameSpec, user: str, assistant: str) -> Value:
    one, other = find_agent(user, "user")[0], find_agent(assistant, "assistant")[0]
    return evaluate_profile(
        spec,
        user_mix(user_agent(user), stochastic=one.traits.stochastic),
        assistant_mix(assistant_agent(assistant), stochastic=other.traits.stochastic),
    )


@pytest.mark.parametrize("pricing", ["per_token", "subscription"])
@pytest.mark.parametrize(
    "opponent", ["CQ", "AQ:verbose", "clarify_once", "greedy_revenue", "random"]
)
def test_no_user_of_the_table_does_better_than_the_best_response(
    priced: Callable[[str], GameSpec], pricing: str, opponent: str
) -> None:
    spec = replace(priced(pricing), max_exchanges=3)
    best = value(spec, f"best_response@{opponent}", opponent).user
    others = {
        row.name: value(spec, row.name, opponent).user
        for row in seated("user")
        if row.name != "best_response"
    }
    assert max(others.values()) <= best + 1e-12
    assert min(others.values()) < best - 0.1


@pytest.mark.parametrize("opponent", ["default", "patient", "over_asker"])
def test_no_assistant_of_the_table_earns_more_than_the_selfish_oracle(
    priced: Callable[[str], GameSpec], opponent: str
) -> None:
    spec = replace(priced("per_token"), max_exchanges=3)
    best = value(spec, opponent, f"selfish_oracle@{opponent}").assistant
    others = {
        row.name: value(spec, opponent, row.name).assistant
        for row in seated("assistant")
        if row.name != "selfish_oracle"
    }
    assert max(others.values()) <= best + 1e-12
    assert min(others.values()) < best - 0.1


def test_at_histories_that_their_opponent_never_makes_they_go_on_as_documented(
    priced: Callable[[str], GameSpec],
) -> None:
    spec = priced("per_token")
    talk = Conversation(spec, Draws(1, 0))
    user = user_agent("best_response@DA:concise")
    talk.step_user(user(talk.user_view(), 0.0))
    talk.step_assistant(AssistantMove.CQ)
    assert user(talk.user_view(), 0.0) is UserMove.REPLY  # as the default user
    strange = Conversation(spec, Draws(1, 0))
    selfish = assistant_agent("selfish_oracle@DQ")
    strange.step_user(UserMove.VQ)
    assert selfish(strange.assistant_view(), 0.0) is OFF_PATH


def test_the_opponent_is_named_after_the_at_sign() -> None:
    best = user_agent("best_response@oracle@0.9")
    assert isinstance(best, BestUser)
    assert best.assistant.p_vague == 0.9  # type: ignore[attr-defined]  # the oracle's
    with pytest.raises(ScenarioError, match=r"Did you mean 'DA:concise'"):
        user_agent("best_response@DA:consice")
    with pytest.raises(ScenarioError, match=r"the user is one of default.*got 'CQ'"):
        assistant_agent("selfish_oracle@CQ")
