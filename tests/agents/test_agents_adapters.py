"""Networks and plain callables in either seat: legal, reproducible, and as the environments see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest

from gtalign_agents.adapters import CallableSeat, NetworkSeat, observe
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.policies import random_assistant, random_user
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import UserView
from gtalign_env.draws import Draws, Purpose, Seat
from gtalign_env.errors import EpisodeError

TINY: dict[str, Any] = {"n_steps": 32, "batch_size": 32, "n_epochs": 1, "device": "cpu", "seed": 0}


def trained(algorithm: Any, seat: str) -> Any:
    env = gymnasium.make("gtalign/Conversation-v0", seat=seat)
    model = algorithm("MlpPolicy", env, policy_kwargs={"net_arch": [8]}, **TINY)
    return model.learn(32)


@pytest.fixture(scope="module")
def maskable() -> Any:
    """A tiny MaskablePPO of the user's seat."""
    from sb3_contrib import MaskablePPO

    return trained(MaskablePPO, "user")


@pytest.fixture(scope="module")
def plain() -> Any:
    """A tiny PPO of the assistant's seat."""
    from stable_baselines3 import PPO

    return trained(PPO, "assistant")


def views(spec: GameSpec, seat: Seat, episodes: int = 12) -> list[Any]:
    """Return what a seat sees in random play."""
    seen = []
    for number in range(episodes):
        talk = Conversation(spec, Draws(5, number))
        while talk.state.ending is None:
            view: Any = (
                talk.user_view() if talk.state.to_move is Seat.USER else talk.assistant_view()
            )
            u = talk.chance(talk.state.to_move, Purpose.POLICY)
            if talk.state.to_move is seat:
                seen.append((view, u))
            if talk.state.to_move is Seat.USER:
                talk.step_user(random_user(view, u))
            else:
                talk.step_assistant(random_assistant(view, u))
    return seen


@pytest.mark.parametrize("greedy", [True, False])
def test_a_masked_network_plays_legally_and_the_same_again(
    maskable: Any, priced: Callable[[str], GameSpec], greedy: bool
) -> None:
    seat = NetworkSeat(maskable, greedy=greedy)
    seen = views(priced("per_token"), Seat.USER)
    moves = [seat(view, u) for view, u in seen]
    for (view, _), move in zip(seen, moves, strict=True):
        assert move in legal_user_moves(view.state)
        shares = seat.shares(view)
        assert shares.sum() == pytest.approx(1.0)
        assert all(shares[i] == 0.0 for i in UserMove if i not in legal_user_moves(view.state))
    assert moves == [seat(view, u) for view, u in seen]
    assert {type(move) for move in moves} == {UserMove}


@pytest.mark.parametrize("greedy", [True, False])
def test_a_network_that_knows_no_masks_plays_legally_too(
    priced: Callable[[str], GameSpec], greedy: bool
) -> None:
    from stable_baselines3 import PPO

    env = gymnasium.make("gtalign/Conversation-v0", seat="user")
    seat = NetworkSeat(PPO("MlpPolicy", env, **TINY), greedy=greedy)
    for view, u in views(priced("per_token"), Seat.USER):
        assert seat(view, u) in legal_user_moves(view.state)
        assert seat.shares(view).sum() == pytest.approx(1.0)


def test_a_greedy_network_does_what_the_library_predicts(
    maskable: Any, plain: Any, priced: Callable[[str], GameSpec]
) -> None:
    spec = priced("per_token")
    for view, u in views(spec, Seat.USER):
        observation, mask = observe(view)
        expected, _ = maskable.predict(observation, action_masks=mask, deterministic=True)
        assert NetworkSeat(maskable)(view, u) == int(expected)
    for view, u in views(spec, Seat.ASSISTANT):
        expected, _ = plain.predict(observe(view)[0], deterministic=True)
        assert NetworkSeat(plain)(view, u) == int(expected)


def test_a_drawing_network_draws_by_its_shares(
    plain: Any, priced: Callable[[str], GameSpec]
) -> None:
    seat = NetworkSeat(plain, greedy=False)
    view, _ = views(priced("per_token"), Seat.ASSISTANT, 1)[0]
    n = 2000
    counts = np.bincount([seat(view, (i + 0.5) / n) for i in range(n)], minlength=7)
    assert counts / n == pytest.approx(seat.shares(view), abs=2 / n)
    assert seat(view, np.nextafter(1.0, 0.0)) in AssistantMove


def test_a_network_sees_what_the_environment_shows(priced: Callable[[str], GameSpec]) -> None:
    """Played as an opponent inside the environment, and fed the environment's observations."""
    shown: list[Any] = []

    def spy(observation: Any, mask: Any) -> int:
        shown.append((observation, mask))
        return int(np.flatnonzero(mask)[0])

    spec = priced("per_message")
    inside = gymnasium.make(
        "gtalign/Conversation-v0", scenario=spec, seat="assistant", opponent=CallableSeat(spy)
    )
    inside.reset(seed=4)
    while not any(inside.step(int(AssistantMove.AQ_CONCISE))[2:4]):
        pass
    outside = gymnasium.make(
        "gtalign/Conversation-v0",
        scenario=spec,
        seat="user",
        opponent=lambda view, u: AssistantMove.AQ_CONCISE,
    )
    observation, info = outside.reset(seed=4)
    for seen, mask in shown:
        assert np.array_equal(seen, observation)
        assert np.array_equal(mask, info["action_mask"])
        observation, _, _, _, info = outside.step(int(np.flatnonzero(mask)[0]))
    assert len(shown) == spec.max_exchanges + 1
    assert "ending" in info


def test_wrong_models_are_refused_with_what_to_do(
    maskable: Any, priced: Callable[[str], GameSpec]
) -> None:
    view, u = views(priced("per_token"), Seat.ASSISTANT, 1)[0]
    with pytest.raises(
        EpisodeError, match="the assistant has 7 moves; this model was trained on 6"
    ):
        NetworkSeat(maskable)(view, u)
    from stable_baselines3 import DQN

    env = gymnasium.make("gtalign/Conversation-v0")
    with pytest.raises(ValueError, match=r"DQN has none\. Adapt it by CallableSeat"):
        NetworkSeat(DQN("MlpPolicy", env, buffer_size=10, device="cpu"))


@pytest.mark.parametrize("chosen", [3, 9, -1, 0.5, "VQ"])
def test_a_callable_that_chooses_no_legal_move_is_told_so(
    priced: Callable[[str], GameSpec], chosen: Any
) -> None:
    view, u = views(priced("per_token"), Seat.USER, 1)[0]
    assert isinstance(view, UserView)
    with pytest.raises(EpisodeError, match=r"a legal move: 0 \(VQ\), 1 \(DQ\); got"):
        CallableSeat(lambda observation, mask: chosen)(view, u)
