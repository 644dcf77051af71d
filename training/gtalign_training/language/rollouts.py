"""Conversations between scripted users and a language model, all in step.

All live conversations advance together: one batched call per turn. Tokens that the user wrote
carry mask 0, so no trainer learns to write them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from gtalign_agents.fourblock import FourBlock, parse
from gtalign_agents.prompts import system_message
from gtalign_env.core.moves import AssistantMove
from gtalign_env.core.policies import UserSeat
from gtalign_env.draws import Purpose, Seat
from gtalign_env.envs.talk import Talk
from gtalign_env.envs.transcript import Transcript, transcript_of
from gtalign_env.errors import FormatError, ModelError
from gtalign_env.welfare import Welfare
from gtalign_training.language.chat import ChatTokens, Tokens

Generate = Callable[[list[Tokens]], list[Tokens]]
"""Continues a batch of sequences; returns only what was written, with the end token if any."""


@dataclass
class Turn:
    """What the model wrote in one turn."""

    text: str
    block: FourBlock | None
    """The four blocks, or None where they are malformed or not asked for."""
    rule: str | None
    """The broken rule of the grammar, if one is."""
    tokens: int = 0
    """How many of the rollout's tokens it is."""
    before: tuple[float, float] = (0.0, 0.0)
    """U and L of the conversation when the turn began, points."""


@dataclass
class Rollout:
    """One conversation as a trainer needs it.

    Attributes:
        seed: What the conversation was drawn from.
        talk: The conversation; private to the trainer.
        prompt_ids: Tokens before the first answer.
        completion_ids: All tokens after it, the user's among them.
        mask: 1 for a token of the model, 0 for one of the user; as long as `completion_ids`.
        turns: What the model wrote.
        fault: What failed, if something other than the model's own writing did.
    """

    seed: int
    talk: Talk
    prompt_ids: Tokens
    completion_ids: Tokens = field(default_factory=list)
    mask: list[int] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    fault: str | None = None

    @property
    def well_formed(self) -> bool:
        """Whether every turn kept to the grammar."""
        return all(turn.rule is None for turn in self.turns)

    def transcript(self, seed: int) -> Transcript:
        """Return the conversation as runs keep it.

        Args:
            seed: Of what it was drawn from.
        """
        return transcript_of(
            self.talk.conversation,
            seed=seed,
            episode=self.seed,
            texts=[message.text for message in self.talk.messages],
            written=[turn.text for turn in self.turns],
        )

    @property
    def welfare(self) -> float | None:
        """The scenario's W(U, L) of the conversation, as `score` counts it."""
        return self.score(self.talk.conversation.spec.welfare)

    def score(self, welfare: Welfare) -> float | None:
        """Return W(U, L); at most 0 where a turn was malformed, None after a fault.

        Args:
            welfare: The aggregator.
        """
        if self.fault is not None:
            return None
        score = welfare(*self.talk.conversation.returns)
        return score if self.well_formed else min(0.0, score)

    def turn_rewards(self, welfare: Welfare) -> list[float] | None:
        """Return what each of the model's turns gained; None after a fault.

        A turn gains the rise of W(U, L) from when it began to when the next one begins, so the
        gains sum to `score` less the W of nothing said yet. What a malformed turn costs is charged
        to the first of them.

        Args:
            welfare: The aggregator.
        """
        score = self.score(welfare)
        if score is None:
            return None
        final = welfare(*self.talk.conversation.returns)
        reached = [welfare(*turn.before) for turn in self.turns] + [final]
        gains = [after - before for before, after in pairwise(reached)]
        for index, turn in enumerate(self.turns):
            if turn.rule is not None:
                gains[index] += score - final
                break
        return gains

    @property
    def first_move(self) -> AssistantMove | None:
        """The assistant's first move."""
        moves = self.talk.conversation.assistant_moves
        return moves[0] if moves else None


def play(
    talks: Sequence[tuple[int, Talk]],
    user: UserSeat,
    chat: ChatTokens,
    generate: Generate,
    instructions: str = "",
    *,
    blocks: bool = True,
) -> list[Rollout]:
    """Play conversations to their end and return them in order.

    A malformed completion reaches the user as an empty message. A `ModelError`, from
    the user's policy or from generation, is a fault of the conversations it concerns.

    Args:
        talks: Pairs of seed and talk, nothing said yet.
        user: The user's policy; its words are the scripted ones.
        chat: Renders the tokens.
        generate: The model.
        instructions: What the system message says before the price.
        blocks: Whether a turn is four blocks, of which the user sees the last, or the message alone.
    """
    rollouts = []
    for seed, talk in talks:
        rollout = Rollout(seed, talk, [])
        rollouts.append(rollout)
        text = _user_turn(rollout, user)
        rollout.prompt_ids = chat.prompt(
            system_message(talk.conversation.spec, instructions), text or ""
        )
    live = [rollout for rollout in rollouts if _is_live(rollout)]
    while live:
        try:
            written = generate([r.prompt_ids + r.completion_ids for r in live])
        except ModelError as error:
            for rollout in live:
                _fail(rollout, error)
            break
        for rollout, tokens in zip(live, written, strict=True):
            rollout.completion_ids += tokens
            rollout.mask += [1] * len(tokens)
            _assistant_turn(rollout, chat, tokens, blocks)
            if _is_live(rollout):
                text = _user_turn(rollout, user)
                if text is not None and _is_live(rollout):
                    tail = chat.next_turn(text)
                    rollout.completion_ids += tail
                    rollout.mask += [0] * len(tail)
        live = [rollout for rollout in live if _is_live(rollout)]
    return rollouts


def _is_live(rollout: Rollout) -> bool:
    return rollout.talk.conversation.state.ending is None


def _user_turn(rollout: Rollout, user: UserSeat) -> str | None:
    """Let the user speak; return what it said, or None after a fault."""
    conversation = rollout.talk.conversation
    try:
        move = user(conversation.user_view(), conversation.chance(Seat.USER, Purpose.POLICY))
    except ModelError as error:
        _fail(rollout, error)
        return None
    text = rollout.talk.word_user(move)
    rollout.talk.say_user(text)
    return text


def _assistant_turn(rollout: Rollout, chat: ChatTokens, tokens: Tokens, blocks: bool) -> None:
    text, ended = chat.decode(tokens)
    block, rule = None, None
    if not ended:
        rule = "unfinished"
    elif blocks:
        try:
            block = parse(text)
        except FormatError as error:
            rule = error.rule
    elif not text.strip():
        rule = "empty_response"
    before = rollout.talk.conversation.returns
    rollout.turns.append(Turn(text, block, rule, len(tokens), before))
    if rule is not None:
        rollout.talk.say_assistant("", text)
    elif block is None:
        rollout.talk.say_assistant(text)
    else:
        rollout.talk.say_assistant(block.response, block.thinking + block.analyze)


def _fail(rollout: Rollout, error: ModelError) -> None:
    rollout.fault = error.kind
    rollout.talk.conversation.fault()
