"""Rollouts: what reaches the trainer of a conversation, and what never does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gtalign_agents.fourblock import render
from gtalign_env.core.moves import AssistantMove, Ending, UserMove
from gtalign_env.core.policies import default_seat
from gtalign_env.core.views import UserView
from gtalign_env.envs.talk import Talk
from gtalign_env.errors import ModelError
from gtalign_training.game import open_talk, training_table
from gtalign_training.language.chat import ChatTokens, Tokens
from gtalign_training.language.demonstrations import written_block
from gtalign_training.language.models import new_assistant
from gtalign_training.language.rollouts import Rollout, play
from gtalign_training.recipe import load_recipe
from gtalign_training.statistics import rollout_metrics

RECIPE = load_recipe("tiny-grpo")
TABLE = training_table(RECIPE, knowing=True)
USER = default_seat(0.5)


@pytest.fixture(scope="module")
def chat() -> ChatTokens:
    return ChatTokens(new_assistant(RECIPE, TABLE.specs).tokenizer)


class Ghost:
    """Writes a scripted answer for every live talk, as if a model had.

    Args:
        talks: The talks, in the order of the rollouts.
        chat: Encodes.
        spoil: Changes an answer's text before it is encoded.
    """

    def __init__(
        self, talks: list[Talk], chat: ChatTokens, spoil: Callable[[str], str] = lambda text: text
    ) -> None:
        self.talks, self.chat, self.spoil = talks, chat, spoil
        self.rng = np.random.default_rng(0)
        self.sampled = 0

    def __call__(self, sequences: list[Tokens]) -> list[Tokens]:
        live = [talk for talk in self.talks if talk.conversation.state.ending is None]
        assert len(live) == len(sequences)
        out = []
        for talk in live:
            move = AssistantMove(int(self.rng.integers(7)))
            block = written_block(talk, move, talk.word_assistant(move), self.rng)
            ids = self.chat.tokenizer.encode(self.spoil(render(block)), add_special_tokens=False)
            out.append([*ids, self.chat.tokenizer.eos_token_id])
            self.sampled += len(out[-1])
        return out


def opened(count: int) -> list[tuple[int, Talk]]:
    return [(index, open_talk(TABLE, index)) for index in range(count)]


def played(chat: ChatTokens, count: int = 60) -> tuple[list[Rollout], Ghost]:
    talks = opened(count)
    ghost = Ghost([talk for _, talk in talks], chat)
    return play(talks, USER, chat, ghost), ghost


def test_mask_covers_exactly_what_the_policy_sampled(chat: ChatTokens) -> None:
    rollouts, ghost = played(chat)
    assert sum(sum(rollout.mask) for rollout in rollouts) == ghost.sampled
    for rollout in rollouts:
        assert len(rollout.mask) == len(rollout.completion_ids)


def test_masked_out_tokens_are_the_users_words(chat: ChatTokens) -> None:
    rollouts, _ = played(chat)
    several = [r for r in rollouts if len(r.turns) > 1]
    assert several
    for rollout in several:
        hidden = [t for t, m in zip(rollout.completion_ids, rollout.mask, strict=True) if not m]
        said = [m.text for m in rollout.talk.messages[2::2]][: len(rollout.turns) - 1]
        assert chat.tokenizer.decode(hidden) == "".join(
            f"\nUser: {text}\nAssistant: " for text in said
        )


def test_every_conversation_ends_and_scores_its_own_welfare(chat: ChatTokens) -> None:
    rollouts, _ = played(chat)
    for rollout in rollouts:
        conversation = rollout.talk.conversation
        assert conversation.state.ending is not None
        assert rollout.well_formed
        assert rollout.welfare == conversation.spec.welfare(*conversation.returns)


def test_same_seed_opens_the_same_conversation() -> None:
    (_, one), (_, other) = opened(3)[2], opened(3)[2]
    assert one.question is other.question
    assert one.conversation.who == other.conversation.who


def test_malformed_blocks_reach_the_user_as_nothing_and_score_zero(chat: ChatTokens) -> None:
    talks = opened(20)
    ghost = Ghost([t for _, t in talks], chat, spoil=lambda text: text.replace("<analyze>", ""))
    rollouts = play(talks, USER, chat, ghost)
    for rollout in rollouts:
        assert not rollout.well_formed
        assert rollout.welfare == 0.0
        assert {turn.rule for turn in rollout.turns} == {"outside_text"}
        assert rollout.talk.messages[1].text == ""
    assert rollout_metrics(rollouts)["well_formed"] == 0.0


def test_an_answer_that_never_ends_is_malformed(chat: ChatTokens) -> None:
    talks = opened(5)
    end = chat.tokenizer.eos_token_id
    rollouts = play(talks, USER, chat, lambda sequences: [[end + 5] * 7 for _ in sequences])
    assert {turn.rule for rollout in rollouts for turn in rollout.turns} == {"unfinished"}


def test_a_failing_user_is_a_fault_and_no_score(chat: ChatTokens) -> None:
    talks = opened(30)

    def fails(view: UserView, u: float) -> UserMove:
        if view.state.exchange >= 0 and view.state.questions:
            raise ModelError("the user's model did not answer", kind="timeout", attempts=3)
        return USER(view, u)

    rollouts = play(talks, fails, chat, Ghost([t for _, t in talks], chat))
    faulted = [rollout for rollout in rollouts if rollout.fault is not None]
    assert faulted
    assert len(faulted) < len(rollouts)
    for rollout in faulted:
        assert rollout.welfare is None
        assert rollout.talk.conversation.state.ending is Ending.FAULT
    metrics = rollout_metrics(rollouts)
    assert metrics["faults"] == pytest.approx(len(faulted) / len(rollouts))
    valid = [rollout.welfare for rollout in rollouts if rollout.welfare is not None]
    assert metrics["joint_welfare"] == pytest.approx(np.mean(valid))


def test_a_failing_model_faults_all_that_wait_for_it(chat: ChatTokens) -> None:
    def down(sequences: list[Tokens]) -> list[Tokens]:
        raise ModelError("no server", kind="connect")

    rollouts = play(opened(4), USER, chat, down)
    assert [rollout.fault for rollout in rollouts] == ["connect"] * 4
    assert rollout_metrics(rollouts) == {"faults": 1.0}


def test_latent_preferences_never_stand_in_the_prompt(chat: ChatTokens) -> None:
    rollouts, _ = played(chat)
    for rollout in rollouts:
        conversation = rollout.talk.conversation
        text = chat.tokenizer.decode(rollout.prompt_ids + rollout.completion_ids)
        persona = conversation.spec.population.personas[conversation.persona][1].name
        assert persona not in text
        assert persona.replace("_", " ") not in text
