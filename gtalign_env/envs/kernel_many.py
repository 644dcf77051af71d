"""What is compiled over many environments of a batch.

`gtalign_env.envs.batch.kernels` compiles the functions that take arrays; see `gtalign_env.envs.kernel`.
"""

from __future__ import annotations

from typing import Any

from gtalign_env.core.moves import ONGOING
from gtalign_env.core.records import copied, streamed
from gtalign_env.core.rules import legal_count, legal_move
from gtalign_env.draws import USER, word
from gtalign_env.envs.chair import Report
from gtalign_env.envs.kernel import open_episode, step_chair
from gtalign_env.envs.nodes import BLOCK
from gtalign_env.envs.observe import N_ENTRIES
from gtalign_env.envs.walk import (
    ILLEGAL,
    NO_NODE,
    branch,
    draw,
    enter,
    grow,
    leave,
    look_ahead,
)


def write_mask(seat: int, answered: int, mask: Any) -> None:
    """Write which moves a seat may play now; the assistant's mask never changes.

    Args:
        seat: The seat.
        answered: The assistant's last move.
        mask: Shape ``(moves,)``.
    """
    if seat == USER:
        for k in range(len(mask)):
            mask[k] = 0
        for k in range(legal_count(answered)):
            mask[legal_move(answered, k)] = 1


def open_many(
    plays: Any,
    people: Any,
    types: Any,
    chairs: Any,
    spots: Any,
    tree: Any,
    seen: Any,
    told: Any,
    room: Any,
    which: Any,
) -> None:
    """Begin an episode in some environments of a batch.

    Args:
        plays: The games.
        people: The personas.
        types: The users' types.
        chairs: The environments, shape ``(n,)``.
        spots: Where they stand, likewise.
        tree: What is known of the games, see `Tree`.
        seen: What is shown: observations and masks, see `Seen`.
        told: What is told, see `Told`.
        room: Room for a type, shape ``(16,)``.
        which: Indices of the environments.
    """
    for i in which:
        spot = spots[i]
        open_row(plays, people, types, chairs[i], spot, tree, seen, told, room, i)
        if spot.node != NO_NODE:
            copied(tree.observations[spot.node], seen.observations[i], N_ENTRIES)


def open_row(
    plays: Any,
    people: Any,
    types: Any,
    chair: Any,
    spot: Any,
    tree: Any,
    seen: Any,
    told: Any,
    room: Any,
    i: int,
) -> None:
    """Begin an episode in one environment of a batch; at a node, what is seen there is not shown."""
    node = enter(plays, people, types, chair, tree, spot, room)
    if node != NO_NODE:
        tell_node(tree.nodes[node], seen, told, i)
    else:
        open_episode(plays, people, types, chair, seen.observations[i], room)
        write_mask(chair.seat, chair.state.answered, seen.masks[i])
        tell(chair, told, i, Report(0.0, False, False, False))


def step_many(
    plays: Any,
    people: Any,
    types: Any,
    chairs: Any,
    spots: Any,
    tree: Any,
    seen: Any,
    told: Any,
    room: Any,
    desk: Any,
    actions: Any,
    handed: Any,
    copies: bool,
    streams: bool,
    begin: int,
    end: int,
) -> None:
    """Step a part of a batch; an environment whose end was told begins its next episode instead.

    Args:
        plays: The games.
        people: The personas.
        types: The users' types.
        chairs: The environments, shape ``(n,)``.
        spots: Where they stand, likewise.
        tree: What is known of the games, see `Tree`.
        seen: What is shown: observations and masks, see `Seen`.
        told: What is told, see `Told`.
        room: Room for a type, shape ``(16,)``.
        desk: Room for draws, see `Desk`.
        actions: Shape ``(n,)``.
        handed: What is handed out as observations, shape ``(n, N_ENTRIES)``.
        copies: Whether that is another array than the one in ``seen``.
        streams: Whether it is too large for caches, so that it had better be written past them.
        begin: First environment.
        end: The one after the last.
    """
    for first in range(begin, end, BLOCK):
        last = min(first + BLOCK, end)
        if look_ahead(spots, tree, desk, first, last):
            draw(desk, last - first)
            branch(spots, tree, desk, actions, first, last)
        for j in range(last - first):
            i = word(first + j)
            spot = spots[i]
            if spot.node != NO_NODE:
                there = desk.there[j]
                if there > NO_NODE:
                    spot.node, spot.stream = there, desk.streams[j]
                    spot.episode += desk.over[j]
                    tell_node(tree.nodes[word(there)], seen, told, i)
                else:
                    way, action = desk.ways[j], actions[i]
                    first_time(
                        plays,
                        people,
                        types,
                        chairs[i],
                        spot,
                        tree,
                        seen,
                        told,
                        room,
                        i,
                        way,
                        action,
                    )
            elif told.terminated[i] or told.truncated[i]:
                open_row(plays, people, types, chairs[i], spot, tree, seen, told, room, i)
            else:
                step_row(plays, types, chairs[i], seen, told, i, actions[i])
            if spot.node != NO_NODE:
                if streams:
                    streamed(tree.observations[word(spot.node)], handed[i], N_ENTRIES)
                else:
                    copied(tree.observations[word(spot.node)], handed[i], N_ENTRIES)
            elif copies:
                copied(seen.observations[i], handed[i], N_ENTRIES)


def first_time(
    plays: Any,
    people: Any,
    types: Any,
    chair: Any,
    spot: Any,
    tree: Any,
    seen: Any,
    told: Any,
    room: Any,
    i: int,
    way: int,
    action: int,
) -> None:
    """Step an environment along a branch that was not met yet, or that is none.

    Args:
        plays: The games.
        people: The personas.
        types: The users' types.
        chair: The environment.
        spot: Where it stands, at a node.
        tree: What is known of the games, see `Tree`.
        seen: What is shown: observations and masks, see `Seen`.
        told: What is told, see `Told`.
        room: Room for a type, shape ``(16,)``.
        i: Its index in the batch.
        way: Index of the branch in ``tree.following``.
        action: The move.
    """
    here = spot.node
    if tree.nodes[here].over:
        chair.episode = spot.episode
        open_row(plays, people, types, chair, spot, tree, seen, told, room, i)
        if plays[chair.play].crowd.size <= 1 and not chair.varied:
            tree.following[here, way] = spot.node
    elif tree.following[here, way] == ILLEGAL:
        told.rewards[i], told.refused[i] = 0.0, True
    else:
        there = tree.following[here, way]  # which an environment just before may have met
        if there == NO_NODE:
            there = grow(plays, types, tree, here, spot.stream, action)
            tree.following[here, way] = there
        if there != NO_NODE:
            spot.node = there
            tell_node(tree.nodes[there], seen, told, i)
        else:
            leave(chair, tree, spot, seen.observations[i])
            step_row(plays, types, chair, seen, told, i, action)


def step_row(plays: Any, types: Any, chair: Any, seen: Any, told: Any, i: int, action: int) -> None:
    """Step one environment of a batch that is on no tree."""
    report = step_chair(plays, types, chair, seen.observations[i], action)
    write_mask(chair.seat, chair.state.answered, seen.masks[i])
    tell(chair, told, i, report)


def leave_many(chairs: Any, spots: Any, tree: Any, observations: Any, begin: int, end: int) -> None:
    """Take a part of a batch off its tree until each episode is over.

    Args:
        chairs: The environments, shape ``(n,)``.
        spots: Where they stand, likewise.
        tree: What is known of the games, see `Tree`.
        observations: Shape ``(n, N_ENTRIES)``.
        begin: First environment.
        end: The one after the last.
    """
    for i in range(begin, end):
        if spots[i].node != NO_NODE:
            leave(chairs[i], tree, spots[i], observations[i])


def tell_node(node: Any, seen: Any, told: Any, i: int) -> None:
    """Write what is told at a node into the arrays of a batch."""
    told.rewards[i] = node.reward
    told.terminated[i] = node.terminated
    told.truncated[i] = node.truncated
    told.refused[i] = False
    told.ended[i] = node.ended
    told.returns[i] = node.returns
    write_mask(node.seat, node.answered, seen.masks[i])


def tell(chair: Any, told: Any, i: int, report: Report) -> None:
    """Write what is told of a step into the arrays of a batch."""
    told.rewards[i] = report.reward
    told.terminated[i] = report.terminated
    told.truncated[i] = report.truncated
    told.refused[i] = report.refused
    ended = chair.state.ended
    told.ended[i] = ended
    gained = chair.user_return if chair.seat == USER else chair.assistant_return
    told.returns[i] = 0.0 if ended == ONGOING else gained
