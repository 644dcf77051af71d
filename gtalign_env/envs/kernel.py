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
    State,
    Step,
    after_assistant,
    after_user,
    legal_count,
    legal_move,
)
from gtalign_env.core.state import keep_state, state_of
from gtalign_env.distributions import quantile
from gtalign_env.draws import ASSISTANT, FIELD, PERSONA, POLICY, USER, stream_of, uniform, word
from gtalign_env.envs.chair import N_FIELDS, Play, Report, keep_type
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


def take(chair: Any, step: Step) -> State:
    """Book what a step brings the seats, and return the state it leads to."""
    chair.user_return += step.user
    chair.assistant_return += step.assistant
    chair.unpaid += step.user if chair.seat == USER else step.assistant
    return step.state


def user_plays(game: Numbers, who: Any, chair: Any, state: State, move: int) -> Step:
    """Return what a user's move leads to, with the chance that belongs to it."""
    stream = word(chair.stream)
    settled = move == REPLY and settles(game, stream, state)
    message = message_length(game, stream, state, move)
    chair.said = move
    return after_user(game, who, state, move, settled, message)


def assistant_plays(game: Numbers, who: Any, chair: Any, state: State, move: int) -> Step:
    """Return what an assistant's move leads to, with the chance that belongs to it."""
    stream = word(chair.stream)
    right = is_right(game, stream, state, move)
    output = output_length(game, stream, state, move)
    reasoning = reasoning_length(game, stream, state)
    return after_assistant(game, who, state, move, right, chair.system, output, reasoning)


def other_plays(game: Numbers, who: Any, chair: Any, state: State) -> Step:
    """Return what the other seat's move leads to, which its policy chooses."""
    stream, turn = word(chair.stream), turn_of(state)
    if chair.seat == ASSISTANT:
        if chair.policy == ANY:
            move = any_reply(state.answered, uniform(stream, turn, USER, POLICY))
        elif state.exchange < 0:
            move = opening(chair.p_vague, uniform(stream, turn, USER, POLICY))
        else:
            move = default_reply(who, state, game.max_exchanges)
        return user_plays(game, who, chair, state, move)
    if chair.policy == ANY:
        move = any_answer(uniform(stream, turn, ASSISTANT, POLICY))
    else:
        move = plan_move(chair.policy, state.exchange)
    return assistant_plays(game, who, chair, state, move)


def chosen_person(play: Play, stream: int) -> int:
    """Return which of all personas comes to an episode with this stream of draws."""
    if play.crowd.size > 1:
        return play.first_person + int(quantile(play.crowd, uniform(stream, 0, USER, PERSONA)))
    return play.first_person


def draw_user(play: Play, people: Any, types: Any, chair: Any, room: Any) -> None:
    """Choose the user of an episode, as `Population.draw` does.

    Args:
        play: The game.
        people: All personas of the batch.
        types: All users' types, of which the chair is told its own.
        chair: The environment; its stream is the episode's.
        room: Room for the fields, shape ``(16,)``.
    """
    stream = word(chair.stream)
    person = people[chosen_person(play, stream)]
    if person.size == 0:
        chair.type_at = person.type_at
        return
    for k in range(N_FIELDS):
        room[k] = person.constants[k]
    for k in range(person.size):
        field = person.varied[k]
        room[field] = quantile(person.laws[k], uniform(stream, 0, USER, FIELD + field))
    chair.type_at = chair.own_type_at
    keep_type(types[chair.type_at], user_type(room))


def begin(plays: Any, people: Any, types: Any, chair: Any, room: Any) -> None:
    """Begin the chair's next episode; nobody has moved yet."""
    chair.episode += 1
    play = plays[chair.play]
    chair.stream = stream_of(chair.key, chair.episode)
    draw_user(play, people, types, chair, room)
    chair.system = system_length(play.game, word(chair.stream))
    chair.unpaid = chair.user_return = chair.assistant_return = 0.0
    chair.said = NO_MOVE
    chair.early = False


def open_episode(plays: Any, people: Any, types: Any, chair: Any, out: Any, room: Any) -> None:
    """Begin the chair's next episode, and let the other seat move if it is first."""
    begin(plays, people, types, chair, room)
    play, who, state = plays[chair.play], types[chair.type_at], BEFORE
    if chair.seat == ASSISTANT:
        state = take(chair, other_plays(play.game, who, chair, state))
        chair.early = state.ended != ONGOING
    keep_state(chair.state, state)
    show(play, who, chair, state, out, chair.seat)
    chair.shown = chair.play


def show(play: Play, who: Any, chair: Any, state: State, out: Any, seat: int) -> None:
    """Write all that a seat sees as an episode begins."""
    if chair.shown != chair.play:
        for k in range(N_ENTRIES):
            out[k] = 0.0
        for k in range(INTERPRETATIONS_AT - PRICE_AT):
            out[PRICE_AT + k] = play.price[k]
        out[INTERPRETATIONS_AT] = 1.0 / play.game.interpretations
    if seat == USER:
        write_type(out, who)
    look(play.game, who, chair, state, out, seat)


def look(game: Numbers, who: Any, chair: Any, state: State, out: Any, seat: int) -> None:
    """Write what a seat sees, but for what does not change in an episode."""
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


def step_chair(plays: Any, types: Any, chair: Any, out: Any, action: int) -> Report:
    """Make the own seat's move and the other's, and write what is seen then.

    Args:
        plays: The games.
        types: The users' types.
        chair: The environment; its episode is under way, or ended before the first move.
        out: The observation, shape ``(N_ENTRIES,)``.
        action: The move.
    """
    play, state = plays[chair.play], state_of(chair.state)
    game, refused = play.game, False
    if state.ended == ONGOING:
        refused = not is_legal(chair.seat, state.answered, action)
        if not refused:
            who = types[chair.type_at]
            if chair.seat == USER:
                step = user_plays(game, who, chair, state, action)
            else:
                step = assistant_plays(game, who, chair, state, action)
            state = take(chair, step)
            if state.ended == ONGOING:
                state = take(chair, other_plays(game, who, chair, state))
            keep_state(chair.state, state)
            look(game, who, chair, state, out, chair.seat)
    chair.early = False
    ended = state.ended
    reward = 0.0
    if not chair.joint:
        reward, chair.unpaid = chair.unpaid, 0.0
    elif ended != ONGOING:
        reward = joint_welfare(play.welfare, chair.user_return, chair.assistant_return)
    truncated = ended in (TRUNCATED, FAULT)
    return Report(reward, ended != ONGOING and not truncated, truncated, refused)
