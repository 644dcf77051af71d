"""Conversations to imitate: the format, the facts and every move, but no strategy.

Moves are drawn evenly, so a model that imitates them knows how to play and not what to play: what
it does better later, it learnt from welfare. The payoffs mean nothing, or the move is the best one by
them: then a model learns to do as its matrix says, and not what a matrix should say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gtalign_agents.calibration import cell_of
from gtalign_agents.fourblock import FourBlock, render
from gtalign_agents.prompts import system_message
from gtalign_env.core.moves import STYLES, AssistantMove
from gtalign_env.core.policies import AssistantSeat, UserSeat
from gtalign_env.draws import Purpose, Seat
from gtalign_env.envs.talk import Talk
from gtalign_training.language.chat import ChatTokens, Tokens
from gtalign_training.language.tiny.language import SEEN, SKETCHES, analysis, reason_for, sketch

IMITATED = 1 / 10
"""Share of the conversations whose payoffs are imitated where choices follow from them. A dozen numbers
that nobody can foresee drown what is to be learnt of them: how to read them."""

_NUMBER = re.compile(r"-?\d+\.\d+")


@dataclass(frozen=True)
class Demonstration:
    """One conversation as tokens; the mask is 1 where the model is to imitate."""

    input_ids: Tokens
    mask: list[int]


def written_block(
    talk: Talk,
    move: AssistantMove,
    response: str,
    rng: np.random.Generator,
    *,
    read: bool = False,
) -> FourBlock:
    """Return four blocks around a response: what is plain to see, any payoffs, the choice.

    Args:
        talk: The talk so far; the user spoke last.
        move: What the response does.
        response: The visible message.
        rng: Draws the payoffs.
        read: Whether the choice follows from the payoffs; without it they mean nothing.
    """
    conversation = talk.conversation
    last = conversation.user_moves[-1]
    style = STYLES[conversation.who.style]
    return FourBlock(
        thinking=SEEN[last],
        payoff=reason_for(cell_of(last, move), rng)
        if read
        else sketch(int(rng.integers(SKETCHES))),
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
    read: bool = False,
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
        read: Whether choices follow from the written payoffs.
    """
    for index in range(count):
        yield demonstrate(
            open_talk(index), user, policy, chat, rng, instructions, blocks=blocks, read=read
        )


def demonstrate(
    talk: Talk,
    user: UserSeat,
    policy: AssistantSeat | None,
    chat: ChatTokens,
    rng: np.random.Generator,
    instructions: str,
    *,
    blocks: bool,
    read: bool = False,
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
        read: Whether choices follow from the written payoffs.
    """
    conversation = talk.conversation
    ids: Tokens = []
    mask: list[int] = []
    imitated = not (read and blocks) or rng.random() < IMITATED
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
        text = response
        if blocks:
            text = render(written_block(talk, move, response, rng, read=read))
        written = chat.tokenizer.encode(text, add_special_tokens=False)
        talk.say_assistant(response)
        ids += [*tail, *written, chat.tokenizer.eos_token_id]
        own = [1] * len(written) if imitated else _without_numbers(chat, text)
        mask += [*(0 for _ in tail), *own, 1]
    return Demonstration(ids, mask)


def _without_numbers(chat: ChatTokens, text: str) -> list[int]:
    """Return 1 for every token of a turn but 0 for the numbers of its matrix."""
    begin, end = text.index("<payoff>"), text.index("</payoff>")
    numbers = [match.span() for match in _NUMBER.finditer(text, begin, end)]
    spans = chat.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return [
        int(not any(first < stop and last > start for start, stop in numbers))
        for first, last in spans["offset_mapping"]
    ]
