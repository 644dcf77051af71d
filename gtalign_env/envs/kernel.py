"""One seat of a conversation as scalar code over records, which is compiled over batches.

What `gtalign_env.envs.single` does with objects is done here with numbers; rules, chance, policies
and observations are the very functions that the objects call. Only `gtalign_env.core.compiled` turns
this module into machine code, so numba is imported where a batch is made and nowhere else.
"""

from __future__ import annotations

from typing import Any

from gtalign_env.core.chance import (
    is_right,
    message_length,
    output_length,
    reasoning_length,
    settles,
    system_length,
    turn_of,
)
from gtalign_env.core.moves import FAULT, NO_MOVE, ONGOING, REPLY, TRUNCATED
from gtalign_env.core.numbers import Numbers
from gtalign_env.core.plans import (
    any_answer,
    any_reply,
    default_reply,
    opening,
    plan_move,
)
from gtalign_env.core.policies import ANY
from gtalign_env.core.rules import (
    BEFORE,
    Step,
    after_assistant,
    after_user,
    legal_count,
    legal_move,
)
from gtalign_env.distributions import quantile
from gtalign_env.draws import ASSISTANT, FIELD, PERSONA, POLICY, USER, stream_of, uniform, word
from gtalign_env.envs.chair import N_FIELDS, Play, Report, keep_state, keep_type, state_of
from gtalign_env.envs.observe import (
    INTERPRETATIONS_AT,
    N_ENTRIES,
    PRICE_AT,
    write_private,
    write_public,
    write_type,
)
from gtalign_env.persona import user_type
from gtalign_env.welfare import joint_welfare


def take(chair: Any, step: Step) -> None:
    """Make a step: state, returns, and what the own seat has gained."""
    chair.user_return += step.user
    chair.assistant_return += step.assistant
    chair.unpaid += step.user if chair.seat == USER else step.assistant
    keep_state(chair.state, step.state)


def user_plays(game: Numbers, chair: Any, move: int) -> Step:
    """Make a user's move, with the chance that belongs to it."""
    stream, state = word(chair.stream), state_of(chair.state)
    settled = move == REPLY and settles(game, stream, state)
    message = message_length(game, stream, state, move)
    chair.said = move
    step = after_user(game, chair.who, state, move, settled, message)
    take(chair, step)
    return step


def assistant_plays(game: Numbers, chair: Any, move: int) -> Step:
    """Make an assistant's move, with the chance that belongs to it."""
    stream, state = word(chair.stream), state_of(chair.state)
    right = is_right(game, stream, state, move)
    output = output_length(game, stream, state, move)
    reasoning = reasoning_length(game, stream, state)
    step = after_assistant(game, chair.who, state, move, right, chair.system, output, reasoning)
    take(chair, step)
    return step


def other_plays(game: Numbers, chair: Any) -> None:
    """Make the other seat's move, by its policy."""
    state, stream = state_of(chair.state), word(chair.stream)
    if chair.seat == ASSISTANT:
        if state.exchange >= 0 and chair.policy != ANY:
            user_plays(game, chair, default_reply(chair.who, state, game.max_exchanges))
            return
        u = uniform(stream, turn_of(state), USER, POLICY)
        if chair.policy == ANY:
            user_plays(game, chair, any_reply(state.answered, u))
        else:
            user_plays(game, chair, opening(chair.p_vague, u))
    elif chair.policy == ANY:
        u = uniform(stream, turn_of(state), ASSISTANT, POLICY)
        assistant_plays(game, chair, any_answer(u))
    else:
        assistant_plays(game, chair, plan_move(chair.policy, state.exchange))


def draw_user(play: Play, people: Any, stream: int, values: Any, record: Any) -> None:
    """Write the user of an episode into its record, drawn as `Population.draw` does.

    Args:
        play: The game.
        people: All personas of the batch.
        stream: Of the episode's draws.
        values: Room for the fields, shape ``(16,)``.
        record: Where the type is kept.
    """
    index = 0
    if play.crowd.size > 1:
        index = int(quantile(play.crowd, uniform(stream, 0, USER, PERSONA)))
    person = people[play.first_person + index]
    if person.size == 0:
        keep_type(record, person.who)
        return
    for k in range(N_FIELDS):
        values[k] = person.constants[k]
    for k in range(person.size):
        field = person.varied[k]
        values[field] = quantile(person.laws[k], uniform(stream, 0, USER, FIELD + field))
    keep_type(record, user_type(values))


def begin(plays: Any, people: Any, chair: Any, room: Any) -> None:
    """Begin the chair's next episode; nobody has moved yet."""
    chair.episode += 1
    play, stream = plays[chair.play], stream_of(chair.key, chair.episode)
    chair.stream = stream
    draw_user(play, people, stream, room, chair.who)
    keep_state(chair.state, BEFORE)
    chair.system = system_length(play.game, stream)
    chair.unpaid = chair.user_return = chair.assistant_return = 0.0
    chair.said = NO_MOVE
    chair.early = False


def open_episode(plays: Any, people: Any, chair: Any, out: Any, room: Any) -> None:
    """Begin the chair's next episode, and let the other seat move if it is first."""
    begin(plays, people, chair, room)
    play = plays[chair.play]
    if chair.seat == ASSISTANT:
        other_plays(play.game, chair)
        chair.early = chair.state.ended != ONGOING
    show(play, chair, out, chair.seat)


def show(play: Play, chair: Any, out: Any, seat: int) -> None:
    """Write all that a seat sees."""
    for k in range(N_ENTRIES):
        out[k] = 0.0
    for k in range(INTERPRETATIONS_AT - PRICE_AT):
        out[PRICE_AT + k] = play.price[k]
    out[INTERPRETATIONS_AT] = 1.0 / play.game.interpretations
    if seat == USER:
        write_type(out, chair.who)
    look(play.game, chair, out, seat)


def look(game: Numbers, chair: Any, out: Any, seat: int) -> None:
    """Write what a seat sees, but for what does not change in an episode."""
    state, who = state_of(chair.state), chair.who
    write_public(
        out,
        game.tariff,
        game.max_exchanges,
        who.style,
        state.exchange,
        chair.said,
        state.answered,
        state.informed,
        state.questions,
        state.message,
        state.total_input,
        state.total_output,
        state.total_reasoning,
        state.charged,
        state.cost,
    )
    if seat == USER:
        write_private(out, who, state.right, state.tries, state.charged)


def is_legal(seat: int, answered: int, action: int) -> bool:
    """Return whether a seat may play this after the assistant's last move."""
    if seat == ASSISTANT:
        return True
    legal = False
    for k in range(legal_count(answered)):
        legal = legal or legal_move(answered, k) == action
    return legal


def step_chair(plays: Any, chair: Any, out: Any, action: int) -> Report:
    """Make the own seat's move and the other's, and write what is seen then.

    Args:
        plays: The games.
        chair: The environment; its episode is under way, or ended before the first move.
        out: The observation, shape ``(N_ENTRIES,)``.
        action: The move.
    """
    play = plays[chair.play]
    refused = False
    if chair.state.ended == ONGOING:
        refused = not is_legal(chair.seat, chair.state.answered, action)
        if not refused:
            if chair.seat == USER:
                user_plays(play.game, chair, action)
            else:
                assistant_plays(play.game, chair, action)
            if chair.state.ended == ONGOING:
                other_plays(play.game, chair)
            look(play.game, chair, out, chair.seat)
    chair.early = False
    ended = chair.state.ended
    reward = 0.0
    if not chair.joint:
        reward, chair.unpaid = chair.unpaid, 0.0
    elif ended != ONGOING:
        reward = joint_welfare(play.welfare, chair.user_return, chair.assistant_return)
    truncated = ended in (TRUNCATED, FAULT)
    return Report(reward, ended != ONGOING and not truncated, truncated, refused)
