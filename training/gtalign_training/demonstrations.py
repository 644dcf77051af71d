"""Conversations to imitate: the format, the facts and every move, but no strategy.

Moves and payoffs are drawn evenly, so a model that imitates them knows how to play and not what
to play: what it does better later, it learnt from welfare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gtalign_agents.fourblock import FourBlock, render
from gtalign_agents.prompts import system_message
from gtalign_env.core.moves import STYLES, AssistantMove
from gtalign_env.core.policies import AssistantSeat, UserSeat
from gtalign_env.draws import Purpose, Seat
from gtalign_env.envs.talk import Talk
from gtalign_training.chat import ChatTokens, Tokens
from gtalign_training.tiny.language import SEEN, SKETCHES, analysis, sketch


@dataclass(frozen=True)
class Demonstration:
    """One conversation as tokens; the mask is 1 where the model is to imitate."""

    input_ids: Tokens
    mask: list[int]


def written_block(
    talk: Talk, move: AssistantMove, response: str, rng: np.random.Generator
) -> FourBlock:
    """Return four blocks around a response: what is plain to see, any payoffs, the choice.

    Args:
        talk: The talk so far; the user spoke last.
        move: What the response does.
        response: The visible message.
        rng: Draws the payoffs.
    """
    conversation = talk.conversation
    last = conversation.user_moves[-1]
    style = STYLES[conversation.who.style]
    return FourBlock(
        thinking=SEEN[last],
        payoff=sketch(int(rng.integers(SKETCHES))),
        analyze=analysis(conversation.spec.regime, style, last, move),
        response=response,
    )


def demonstrations(
    open_talk: Callable[[int], Talk],
    user: UserSeat,
    chat: ChatTokens,
    count: int,
    rng: np.random.Generator,
    instructions: str = "",
    *,
    policy: AssistantSeat | None = None,
    blocks: bool = True,
) -> Iterator[Demonstration]:
    """Yield conversations with evenly drawn moves, or with those of a policy.

    Args:
        open_talk: Opens the talk of an index.
        user: The user's policy.
        chat: Renders the tokens.
        count: How many.
        rng: Draws payoffs, and moves or what the policy leaves to chance.
        instructions: What the system message says before the price.
        policy: The assistant's moves; evenly drawn ones without it.
        blocks: Whether a turn is four blocks or the message alone.
    """
    for index in range(count):
        yield demonstrate(open_talk(index), user, policy, chat, rng, instructions, blocks=blocks)


def demonstrate(
    talk: Talk,
    user: UserSeat,
    policy: AssistantSeat | None,
    chat: ChatTokens,
    rng: np.random.Generator,
    instructions: str,
    *,
    blocks: bool,
) -> Demonstration:
    """Return one conversation as tokens, played to its end.

    Args:
        talk: The talk, nothing said yet.
        user: The user's policy.
        policy: The assistant's moves; evenly drawn ones without it.
        chat: Renders the tokens.
        rng: Draws payoffs, and moves or what the policy leaves to chance.
        instructions: What the system message says before the price.
        blocks: Whether a turn is four blocks or the message alone.
    """
    conversation = talk.conversation
    ids: Tokens = []
    mask: list[int] = []
    while conversation.state.ending is None:
        u = conversation.chance(Seat.USER, Purpose.POLICY)
        text = talk.word_user(user(conversation.user_view(), u))
        talk.say_user(text)
        if conversation.state.ending is not None:
            break
        system = system_message(conversation.spec, instructions)
        tail = chat.next_turn(text) if ids else chat.prompt(system, text)
        if policy is None:
            move = AssistantMove(int(rng.integers(len(AssistantMove))))
        else:
            move = policy(conversation.assistant_view(), rng.random())
        response = talk.word_assistant(move)
        text = render(written_block(talk, move, response, rng)) if blocks else response
        written = chat.tokenizer.encode(text, add_special_tokens=False)
        talk.say_assistant(response)
        ids += [*tail, *written, chat.tokenizer.eos_token_id]
        mask += [0] * len(tail) + [1] * (len(written) + 1)
    return Demonstration(ids, mask)
