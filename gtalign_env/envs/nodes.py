"""What a batch remembers of its games: the nodes of their trees that were met, each computed once.

Where lengths are constant and a persona has one type, all that chance decides in a step is whether
an answer is right and whether a reply settles the meaning. Everything else follows from the moves
before, so a step is a walk from one node to the next.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gtalign_env.core.moves import AssistantMove
from gtalign_env.core.records import Count, Small, record_dtype
from gtalign_env.envs.chair import Chair
from gtalign_env.envs.observe import N_ENTRIES

ROOM = 2**14
"""How many nodes a tree has room for. Under random play a bundled scenario has one to ten thousand,
of which a hundred hold nine conversations of ten. What finds no room is computed step by step."""

BLOCK = 256
"""How many environments are stepped at a time: what a core's innermost cache holds of their draws."""

MOVES = len(AssistantMove)
"""The most moves that a seat has."""

SCRIPTS = MOVES + 1
"""The most policies of the other seat."""

OPENINGS = 2
"""How an episode may begin: with the user's vague or definite query."""


class Node(NamedTuple):
    """A place in a game's tree where the own seat is to move, or has been told how it ended."""

    reward: float
    """What the step that led here brought."""
    returns: float
    """What the own seat has gained in an episode that is over, points; else 0."""
    terminated: bool
    truncated: bool
    over: bool
    """Either: the next step begins an episode."""
    ended: Small
    seat: Small
    answered: Small
    """The assistant's last move."""
    turn: Count
    """At which turn it is drawn whether the next answer is right."""
    other_turn: Count
    """At which turn the other draw is made: whether a reply settles the meaning, or the opening."""
    purpose: Count
    """What that draw is for, a `Purpose`."""


class Chances(NamedTuple):
    """What chance decides in the step that a move makes, as probabilities; 0 where it does not."""

    first: float
    """That the reply settles the meaning, or that an episode opens vaguely."""
    covers: float
    """That the answer covers what is meant, if the first did not happen; likewise the next."""
    then_covers: float
    knows: float
    suffices: float


class Spot(NamedTuple):
    """Where an environment of a batch stands."""

    node: Count
    """Its node; 0 where its `Chair` says all."""
    key: int
    """At a node: what the `Chair` has under these names, in its place."""
    episode: int
    stream: int


class Tree(NamedTuple):
    """The nodes met so far; node 0 is none."""

    nodes: Any
    """Records of `Node`, shape ``(ROOM,)``."""
    chances: Any
    """Records of `Chances`, shape ``(ROOM, MOVES)``."""
    following: Any
    """The node that a move leads to, shape ``(ROOM, 4 * MOVES)``: for each move after neither draw,
    the first, a right answer, both. 0 if it was not met yet, −1 if the move is illegal."""
    observations: Any
    """What is seen, shape ``(ROOM, N_ENTRIES)``."""
    talks: Any
    """The conversation, records of `Chair`, shape ``(ROOM,)``; it has the key and the episode of
    the environment that came first."""
    roots: Any
    """Where episodes begin, by persona, script and opening; 0 if it was not met yet."""
    used: Any
    """How many nodes there are, shape ``(1,)``."""


class Desk(NamedTuple):
    """Room for the work on some environments at a time, shape ``(BLOCK,)`` each."""

    streams: Any
    """Of the draws of the episode to step in, unsigned 64-bit numbers in signed form."""
    next_streams: Any
    """Of the episode after the one under way."""
    over: Any
    """Whether the next one is meant."""
    turns: Any
    other_turns: Any
    purposes: Any
    """As in `Node`."""
    first: Any
    """The draws, numbers in [0, 1): as in `Chances`."""
    covers: Any
    knows: Any
    suffices: Any
    ways: Any
    """Which branch is taken: its index in `Tree.following`."""
    there: Any
    """Where it leads to, as that says."""


def new_desk() -> Desk:
    """Return room for a block."""
    kinds = [np.int64] * 2 + [np.bool_] + [np.int64] * 3 + [np.float64] * 4 + [np.int64] * 2
    return Desk(*(np.zeros(BLOCK, kind) for kind in kinds))


def new_tree(roots: int) -> Tree:
    """Return a tree of which nothing has been met.

    Args:
        roots: In how many ways an episode can begin.
    """
    return Tree(
        nodes=np.zeros(ROOM, record_dtype(Node, 1)),
        chances=np.zeros((ROOM, MOVES), record_dtype(Chances, 1)),
        following=np.zeros((ROOM, 4 * MOVES), np.int32),
        observations=np.zeros((ROOM, N_ENTRIES), np.float32),
        talks=np.zeros(ROOM, record_dtype(Chair, 1)),
        roots=np.zeros(roots, np.int32),
        used=np.ones(1, np.int64),
    )


def with_roots(tree: Tree, roots: int) -> Tree:
    """Return the same tree with room for more ways to begin.

    Args:
        tree: The tree.
        roots: How many there are now.
    """
    more = np.zeros(roots, np.int32)
    more[: len(tree.roots)] = tree.roots
    return tree._replace(roots=more)
