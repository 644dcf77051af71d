"""The joint between the game with text and the game without: scripted seats play the same.

Words are made of a move by one module and read back by another; right and wrong are drawn in one
game and judged from the text in the other. Every step, charge and ending must be equal all the
same, whatever the seats do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import pettingzoo
import pytest

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import ASSISTANT_LABELS, USER_LABELS
from gtalign_env.core.policies import AssistantSeat, UserSeat, assistant_policy, user_policy
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Purpose, Seat
from gtalign_env.envs.dialogue_aec import DialogueAEC
from gtalign_env.envs.table import Table
from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_scenario, load_tasks
from tests.contracts.cases import FEW, SCENARIOS, slow_but

MOST = max(len(question.interpretations) for question in load_tasks("many_meanings").questions)

PAIRS = [
    ("default", "DA:concise"),
    ("default", "DA:standard"),
    ("VQ", "DA:verbose"),
    ("VQ", "CQ"),
    ("default", "AQ:concise"),
    ("VQ", "AQ:standard"),
    ("DQ", "AQ:verbose"),
    ("default", "random"),
    ("random", "random"),
    ("random", "AQ:verbose"),
]
EPISODES = 40  # of every pair, on every scenario


def noisy() -> GameSpec:
    """Return a game in which every chance matters: unclear replies, half-known, half-good answers."""
    spec = compile_scenario(load_scenario("mixed_crowd"))
    return replace(
        spec,
        name="noisy",
        reply_clarity=0.5,
        p_correct=0.6,
        interpretations=3,
        coverage=(1, 1, 2),
        quality=(0.4, 0.6, 0.9),
    )


GAMES: list[Any] = [*slow_but(FEW, SCENARIOS), noisy()]


def seats(user: str, assistant: str) -> tuple[UserSeat, AssistantSeat]:
    return user_policy(user), assistant_policy(assistant)


def play(talk: Conversation, user: UserSeat, assistant: AssistantSeat) -> Conversation:
    """Play an episode without words."""
    while talk.state.ending is None:
        seat = talk.state.to_move
        u = talk.chance(seat, Purpose.POLICY)
        if seat is Seat.USER:
            talk.step_user(user(talk.user_view(), u))
        else:
            talk.step_assistant(assistant(talk.assistant_view(), u))
    return talk


def first_episode(game: str | GameSpec, pair: int) -> int:
    """Return where to begin, so that a schedule is met on both sides of its change."""
    if isinstance(game, GameSpec):
        return pair * EPISODES
    change = [start for start, _ in load_scenario(game).schedule if start > 0]
    return max(0, change[0] - EPISODES // 2) if change else pair * EPISODES


@pytest.mark.parametrize("game", GAMES, ids=lambda game: getattr(game, "name", game))
def test_scripted_words_play_the_game_without_words(game: str | GameSpec) -> None:
    table = Table(game)
    table.seed(9)
    env = pettingzoo.make("aec", "gtalign/Dialogue-v0", scenario=game)
    assert isinstance(env, DialogueAEC)
    moves = set()
    for pair, (user_name, assistant_name) in enumerate(PAIRS):
        user, assistant = seats(user_name, assistant_name)
        start = first_episode(game, pair)
        for episode in range(start, start + EPISODES):
            expected = play(table.open(episode), user, assistant)
            env.reset(seed=9, options={"episode": episode})
            talk = env.conversation
            assert (talk.who, talk.persona) == (expected.who, expected.persona)
            for rewards in expected.rewards:
                u = talk.chance(talk.state.to_move, Purpose.POLICY)
                if talk.state.to_move is Seat.USER:
                    env.step(env.talk.word_user(user(talk.user_view(), u)))
                else:
                    env.step(env.talk.word_assistant(assistant(talk.assistant_view(), u)))
                assert (env.rewards["user_0"], env.rewards["assistant_0"]) == rewards
            assert talk.user_moves == expected.user_moves
            assert talk.assistant_moves == expected.assistant_moves
            assert talk.state == expected.state
            assert talk.ledger.lines == expected.ledger.lines
            assert len(env.talk.messages) == len(expected.rewards)
            moves |= {move.label for move in talk.user_moves}
            moves |= {move.label for move in talk.assistant_moves}
    assert moves == {*USER_LABELS, *ASSISTANT_LABELS}  # every one was said, and read back


@pytest.mark.parametrize("seat", ["assistant", "user"])
@pytest.mark.parametrize("game", GAMES, ids=lambda game: getattr(game, "name", game))
def test_single_seats_agree_in_both_ids(game: str | GameSpec, seat: str) -> None:
    for pair, opponent in enumerate(
        ("default", "random") if seat == "assistant" else ("CQ", "random")
    ):
        plain = gymnasium.make(
            "gtalign/Conversation-v0", scenario=game, seat=seat, opponent=opponent
        )
        words = gymnasium.make("gtalign/Dialogue-v0", scenario=game, seat=seat, opponent=opponent)
        user, assistant = seats("random", "random")
        start = first_episode(game, pair)
        for episode in range(start, start + EPISODES):
            options = {"episode": episode}
            (seen, _), (read, _) = (
                plain.reset(seed=3, options=options),
                words.reset(seed=3, options=options),
            )
            done = False
            while not done:
                assert (read["observation"] == seen).all()
                talk = plain.unwrapped.conversation  # type: ignore[attr-defined]  # ours
                u = talk.chance(talk.state.to_move, Purpose.POLICY)
                if talk.state.ending is not None:  # broke before the first move: nothing to say
                    move, text = 0, ""
                elif seat == "user":
                    move = user(talk.user_view(), u)
                    text = words.unwrapped.talk.word_user(move)  # type: ignore[attr-defined]  # ours
                else:
                    move = assistant(talk.assistant_view(), u)
                    text = words.unwrapped.talk.word_assistant(move)  # type: ignore[attr-defined]  # ours
                seen, *paid, info = plain.step(int(move))
                read, *said, told = words.step(text)
                assert paid == said
                del info["action_mask"], told["action_mask"]
                assert info == told
                done = bool(paid[1] or paid[2])
            assert plain.unwrapped.conversation.state == words.unwrapped.conversation.state  # type: ignore[attr-defined]  # ours


def test_a_task_set_without_enough_interpretations_is_refused() -> None:
    many = replace(noisy(), interpretations=MOST + 1)
    with pytest.raises(
        ScenarioError, match=f"no question with {MOST + 1} interpretations.*the most is {MOST}"
    ):
        gymnasium.make("gtalign/Dialogue-v0", scenario=many)
