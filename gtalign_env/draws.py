"""Counter-based random numbers: every draw is a function of what it is for.

A draw is named by (scenario hash, seed, episode, turn, seat, purpose). No generator runs along,
so nothing depends on the order of calls, on the process, or on how many draws others made:
replaying turn 7 alone gives turn 7. The mixing is a few operations on 64-bit integers.

References:
    Steele, Lea and Flood (2014), "Fast splittable pseudorandom number generators", sec. 2.3
    (the 64-bit finaliser). Salmon et al. (2011), "Parallel random numbers: as easy as 1, 2, 3"
    (the counter-based idea).
"""

from __future__ import annotations

from enum import IntEnum
from hashlib import blake2b
from typing import NamedTuple

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_EPISODE = 0xD1342543DE82EF95
_TO_UNIT = 2.0**-53


class Seat(IntEnum):
    """Whose draw it is; WORLD is neither player."""

    USER = 0
    ASSISTANT = 1
    WORLD = 2


USER, ASSISTANT, WORLD = (int(seat) for seat in Seat)


class Purpose(IntEnum):
    """What a draw decides. New purposes go at the end: numbers are part of every stream."""

    PERSONA = 0
    """Which persona of a mixture."""
    CLEAR = 1
    """Whether a reply settles the meaning."""
    COVERS = 2
    """Whether an uninformed answer covers the meaning."""
    KNOWS = 3
    """Whether the assistant knows the answer."""
    SUFFICES = 4
    """Whether an answer of this verbosity is good enough."""
    LENGTH = 5
    """Length of a message, tokens."""
    REASONING = 6
    """Length of the reasoning, tokens."""
    POLICY = 7
    """A scripted agent's own choice."""
    PHRASE = 8
    """Which of several wordings."""
    QUESTION = 9
    """Which question of a task set."""
    MEANT = 10
    """Which interpretation the user means."""
    DISTRACTOR = 11
    """Which wrong answer is given."""
    TREMBLE = 12
    """Whether a hand slips in a repeated game, and onto which plan."""
    CONTINUE = 13
    """Whether a repeated game goes on."""
    SIGNAL = 14
    """What both seats of a repeated game see before they move."""
    FIELD = 32
    """First of the persona's fields; field i is FIELD + i."""


# The purposes that the rules draw for, as plain numbers.
PERSONA, CLEAR, COVERS, KNOWS, SUFFICES, LENGTH, REASONING, POLICY = (
    int(purpose) for purpose in Purpose if purpose <= Purpose.POLICY
)
FIELD = int(Purpose.FIELD)

word = int
"""An unsigned 64-bit number; where these functions are compiled it stands for the machine's own."""


def mixed(x: int) -> int:
    """Return a 64-bit number that looks drawn at random, and tells which it was made from."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def stream_key(digest: str, seed: int) -> int:
    """Return the 64-bit key of a (scenario hash, seed) pair.

    Args:
        digest: The scenario's hash.
        seed: Any integer.
    """
    return int.from_bytes(blake2b(f"{digest}:{seed}".encode(), digest_size=8).digest(), "big")


class Draws(NamedTuple):
    """The random numbers of one episode."""

    key: int
    episode: int

    @property
    def stream(self) -> int:
        """What all draws of the episode begin with, a 64-bit number."""
        return stream_of(self.key, self.episode)

    def uniform(self, turn: int, seat: int, purpose: int) -> float:
        """Return this draw's number in [0, 1), a multiple of 2⁻⁵³."""
        return uniform(self.stream, turn, seat, purpose)


def stream_of(key: int, episode: int) -> int:
    """Return what all draws of an episode begin with, a 64-bit number."""
    return mixed(before_mixing(key, episode))


def before_mixing(key: int, episode: int) -> int:
    """Return what the 64-bit number of an episode is made from."""
    return (word(key) + word(episode) * _EPISODE) & _MASK


def uniform(stream: int, turn: int, seat: int, purpose: int) -> float:
    """Return a draw's number in [0, 1), a multiple of 2⁻⁵³.

    Args:
        stream: Of which episode, see `stream_of`.
        turn: Index of the exchange.
        seat: Whose draw it is, a `Seat`.
        purpose: What it decides, a `Purpose`.
    """
    x = mixed((stream + word((turn << 16) | (seat << 8) | purpose) * _GOLDEN) & _MASK)
    return (mixed((x + _GOLDEN) & _MASK) >> 11) * _TO_UNIT
