"""Steps as walks on the trees of `gtalign_env.envs.nodes`; scalar code, compiled over batches.

1. An episode begins at a root, which its persona and the opening choose.
2. A step makes the few draws that may matter and goes on to the node that they and the move lead
   to. It makes them all and branches on none: a wrong guess of the processor costs more than a draw.
3. A node that was not met before is computed from the one before by `gtalign_env.envs.kernel`, which
   makes every other step too. So a walk gives what that gives, to the last bit.
4. Where a tree has no room any more, the environment goes on without it until the episode is over.
"""

from __future__ import annotations

from typing import Any

from gtalign_env.core.chance import covering, knowing, settling, sufficing
from gtalign_env.core.moves import ONGOING, REPLY, answers, asks
from gtalign_env.core.numbers import Numbers
from gtalign_env.core.plans import opening, plan_move
from gtalign_env.core.policies import ANY
from gtalign_env.core.records import copied, whole
from gtalign_env.core.rules import after_user
from gtalign_env.core.state import keep_state, state_of
from gtalign_env.draws import (
    ASSISTANT,
    CLEAR,
    COVERS,
    KNOWS,
    POLICY,
    SUFFICES,
    USER,
    before_mixing,
    mixed,
    stream_of,
    uniform,
    word,
)
from gtalign_env.envs.chair import Report
from gtalign_env.envs.kernel import chosen_person, is_legal, open_episode, step_chair
from gtalign_env.envs.nodes import MOVES, OPENINGS, SCRIPTS
from gtalign_env.envs.observe import N_ENTRIES

NO_NODE, ILLEGAL = 0, -1


def look_ahead(spots: Any, tree: Any, desk: Any, begin: int, end: int) -> bool:
    """Put on the desk what the draws of some environments depend on; returns whether one walks.

    Args:
        spots: Where they stand, shape ``(n,)``.
        tree: The tree.
        desk: Room for them, see `Desk`.
        begin: First environment.
        end: The one after the last, at most ``BLOCK`` further on.
    """
    some = False
    for j in range(end - begin):
        spot = spots[word(begin + j)]
        node = tree.nodes[word(spot.node)]
        some |= spot.node != NO_NODE
        desk.over[j] = node.over
        desk.streams[j] = spot.stream
        desk.next_streams[j] = whole(before_mixing(spot.key, spot.episode + 1))
        desk.turns[j] = node.turn
        desk.other_turns[j] = node.other_turn
        desk.purposes[j] = node.purpose
    return some


def draw(desk: Any, count: int) -> None:
    """Make the draws on the desk: one loop each, so that a processor makes several at a time.

    Args:
        desk: See `Desk`.
        count: How many environments.
    """
    for j in range(count):
        desk.next_streams[j] = whole(mixed(word(desk.next_streams[j])))
    for j in range(count):
        desk.streams[j] = desk.next_streams[j] if desk.over[j] else desk.streams[j]
    draw_first(desk.streams, desk.other_turns, desk.purposes, desk.first, count)
    draw_one(desk.streams, desk.turns, COVERS, desk.covers, count)
    draw_one(desk.streams, desk.turns, KNOWS, desk.knows, count)
    draw_one(desk.streams, desk.turns, SUFFICES, desk.suffices, count)


def draw_first(streams: Any, turns: Any, purposes: Any, out: Any, count: int) -> None:
    """Write draws of the user's, all arguments of shape ``(BLOCK,)``."""
    for j in range(count):
        out[j] = uniform(word(streams[j]), turns[j], USER, purposes[j])


def draw_one(streams: Any, turns: Any, purpose: int, out: Any, count: int) -> None:
    """Write draws of the assistant's for one purpose, likewise."""
    for j in range(count):
        out[j] = uniform(word(streams[j]), turns[j], ASSISTANT, purpose)


def branch(spots: Any, tree: Any, desk: Any, actions: Any, begin: int, end: int) -> None:
    """Choose the branches that some environments take, after `draw`.

    What happens is drawn below its probability, as in `chance.happens`; never where that is 0.

    Args:
        spots: Where they stand, shape ``(n,)``.
        tree: The tree.
        desk: With the draws.
        actions: The moves, shape ``(n,)``.
        begin: First environment.
        end: The one after the last.
    """
    for j in range(end - begin):
        here, action = word(spots[word(begin + j)].node), actions[word(begin + j)]
        chances = tree.chances[here, word(action)]
        first = desk.first[j] < chances.first
        covers = chances.then_covers if first else chances.covers
        right = (
            (desk.covers[j] < covers)
            & (desk.knows[j] < chances.knows)
            & (desk.suffices[j] < chances.suffices)
        )
        way = action * 4 + right * 2 + first
        desk.ways[j] = way
        desk.there[j] = tree.following[here, word(way)]


def enter(plays: Any, people: Any, types: Any, chair: Any, tree: Any, spot: Any, room: Any) -> int:
    """Begin the chair's next episode at a root of the tree; returns the node.

    `NO_NODE` where the episode is not one to walk, and nothing has begun.

    Args:
        plays: The games.
        people: The personas.
        types: The users' types.
        chair: The environment.
        tree: The tree.
        spot: Where it stands.
        room: Room for a type, shape ``(16,)``.
    """
    episode = chair.episode + 1
    stream = stream_of(chair.key, episode)
    person = chosen_person(plays[chair.play], word(stream))
    node: int = NO_NODE
    if people[person].fixed and chair.policy != ANY:
        first = 0
        if chair.seat == ASSISTANT:
            first = opening(chair.p_vague, uniform(word(stream), 0, USER, POLICY))
        at = (person * SCRIPTS + chair.script) * OPENINGS + first
        node = tree.roots[at]
        if node == NO_NODE:
            node = plant(plays, people, types, chair, tree, room)
            tree.roots[at] = node
    spot.node = node
    if node != NO_NODE:
        chair.episode = episode
        chair.shown = -1
        spot.key, spot.episode, spot.stream = chair.key, episode, stream
    return node


def plant(plays: Any, people: Any, types: Any, chair: Any, tree: Any, room: Any) -> int:
    """Compute the root at which the chair's next episode begins; returns it, or `NO_NODE`."""
    at: int = tree.used[0]
    if at == len(tree.nodes):
        return NO_NODE
    tree.used[0] = at + 1
    talk = tree.talks[at]
    copy_chair(chair, talk)
    talk.shown = -1
    open_episode(plays, people, types, talk, tree.observations[at], room)
    note(plays, types, tree, at, Report(0.0, False, False, False))
    return at


def grow(plays: Any, types: Any, tree: Any, here: int, stream: int, action: int) -> int:
    """Compute the node that a legal move leads to under these draws; returns it, or `NO_NODE`."""
    at: int = tree.used[0]
    if at == len(tree.nodes):
        return NO_NODE
    tree.used[0] = at + 1
    talk = tree.talks[at]
    copy_chair(tree.talks[here], talk)
    copy_talk(tree.talks[here], talk)
    talk.stream, talk.shown = stream, talk.play
    copied(tree.observations[here], tree.observations[at], N_ENTRIES)
    note(plays, types, tree, at, step_chair(plays, types, talk, tree.observations[at], action))
    return at


def note(plays: Any, types: Any, tree: Any, at: int, report: Report) -> None:
    """Write what is told at a node, and what chance will decide there.

    Args:
        plays: The games.
        types: The users' types.
        tree: The tree; the conversation at the node is known.
        at: The node.
        report: What the step that led there told.
    """
    node, talk = tree.nodes[at], tree.talks[at]
    state = state_of(talk.state)
    game, who = plays[talk.play].game, types[talk.type_at]
    node.reward, node.ended = report.reward, state.ended
    node.terminated, node.truncated = report.terminated, report.truncated
    node.over = report.terminated or report.truncated
    node.seat, node.answered = talk.seat, state.answered
    gained = talk.user_return if talk.seat == USER else talk.assistant_return
    node.returns = 0.0 if state.ended == ONGOING else gained
    node.other_turn = 0 if node.over else state.exchange + 1
    node.purpose = POLICY if node.over else CLEAR
    node.turn = state.exchange if talk.seat == ASSISTANT else state.exchange + 1
    for move in range(MOVES):
        chances = tree.chances[at, move]
        if node.over:
            chances.first = talk.p_vague if talk.seat == ASSISTANT else 0.0
        elif state.ended == ONGOING and not is_legal(talk.seat, state.answered, move):
            for k in range(4):
                tree.following[at, move * 4 + k] = ILLEGAL
        elif talk.seat == ASSISTANT:
            chances.first = settling(game) if asks(move) else 0.0
            answer_chances(game, chances, state.informed, state.informed, move)
        else:
            chances.first = settling(game) if move == REPLY else 0.0
            then = after_user(game, who, state, move, False, 0).state
            settled = after_user(game, who, state, move, True, 0).state
            answer = plan_move(talk.policy, then.exchange)
            answer_chances(game, chances, then.informed, settled.informed, answer)


def answer_chances(
    game: Numbers, chances: Any, informed: bool, then_informed: bool, move: int
) -> None:
    """Write with which chances an answer is right, if the move is one."""
    if answers(move):
        chances.covers = covering(game, informed, move)
        chances.then_covers = covering(game, then_informed, move)
        chances.knows = knowing(game)
        chances.suffices = sufficing(game, move)


def leave(chair: Any, tree: Any, spot: Any, out: Any) -> None:
    """Take an environment off the tree: from here on its chair says all.

    Args:
        chair: The environment.
        tree: The tree.
        spot: Where it stands, at a node.
        out: The observation, shape ``(N_ENTRIES,)``.
    """
    copy_talk(tree.talks[spot.node], chair)
    chair.episode, chair.stream, chair.shown = spot.episode, spot.stream, chair.play
    copied(tree.observations[spot.node], out, N_ENTRIES)
    spot.node = NO_NODE


def copy_chair(source: Any, target: Any) -> None:
    """Copy what a chair is, and which episode it plays."""
    target.seat, target.policy, target.script = source.seat, source.policy, source.script
    target.p_vague, target.joint, target.play = source.p_vague, source.joint, source.play
    target.key, target.episode = source.key, source.episode
    target.own_type_at = source.own_type_at


def copy_talk(source: Any, target: Any) -> None:
    """Copy where a chair's conversation stands, but for the episode and its draws."""
    target.type_at, target.system, target.early = source.type_at, source.system, source.early
    target.unpaid, target.said = source.unpaid, source.said
    target.user_return, target.assistant_return = source.user_return, source.assistant_return
    keep_state(target.state, state_of(source.state))
