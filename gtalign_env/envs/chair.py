"""What a batch of conversations is made of: named tuples of plain numbers, kept as records.

See `gtalign_env.core.records` for how a named tuple becomes a record.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gtalign_env.core.numbers import Numbers
from gtalign_env.core.records import Count, Small
from gtalign_env.core.rules import State
from gtalign_env.distributions import Law
from gtalign_env.persona import UserType
from gtalign_env.welfare import WelfareNumbers

N_FIELDS = len(UserType._fields)


class Play(NamedTuple):
    """A game to play, with who may come to it."""

    game: Numbers
    crowd: Law
    """Which persona of the population comes."""
    first_person: int
    """Where the personas of the population begin in the batch's."""
    price: tuple[float, ...]
    """The entries of an observation that describe the regime."""
    welfare: WelfareNumbers


class Person(NamedTuple):
    """The distribution of a user's type: constants, and the laws of the fields that vary."""

    constants: tuple[float, ...]
    """Value of each field; of those that vary it is not looked at."""
    type_at: Count
    """Where the one type there is stands among the batch's, if nothing varies."""
    laws: tuple[Law, ...]
    varied: tuple[int, ...]
    """Which field each law is of, by its index in `UserType`."""
    size: int
    """How many vary."""
    fixed: bool
    """Whether none does, nor any length of the game: then chance decides no number."""


class Chair(NamedTuple):
    """One environment of a batch: whose seat it is, and the conversation under way."""

    seat: Small
    policy: Small
    """Of the other seat, see `gtalign_env.core.policies.Script`; likewise the next."""
    p_vague: float
    script: Small
    """Index of both among the batch's."""
    varied: bool
    """Whether its episodes choose among several games."""
    joint: bool
    """Whether W(U, L) at the end is the reward."""
    play: Count
    key: int
    """Of all draws, an unsigned 64-bit number in signed form."""
    episode: int
    stream: int
    """Of the episode's draws, likewise."""
    shown: Count
    """Of which game its observation shows what never changes; −1 before the first."""
    own_type_at: Count
    """Where the batch has room for its user's type."""
    type_at: Count
    """Where its user's type stands: there, or with those that persons share."""
    system: Count
    """Tokens of the system prompt."""
    early: bool
    """Whether it ended before the first move, and the step that reports this is to come."""
    unpaid: float
    """What the own seat has gained since the last step, points."""
    user_return: float
    assistant_return: float
    said: Small
    """The user's last move, one that cut the conversation off included."""
    state: State


class Report(NamedTuple):
    """What a step tells, beside the observation."""

    reward: float
    terminated: bool
    truncated: bool
    refused: bool
    """Whether the action was illegal, so that nothing has changed."""


class Seen(NamedTuple):
    """What the seats of a batch are shown."""

    observations: Any
    """Shape ``(n, N_ENTRIES)``."""
    masks: Any
    """Shape ``(n, moves)``."""


class Told(NamedTuple):
    """What the seats of a batch are told: arrays of shape ``(n,)``."""

    rewards: Any
    terminated: Any
    truncated: Any
    refused: Any
    ended: Any
    """How the conversation ended, or `ONGOING`."""
    returns: Any
    """What the own seat has gained in an episode that is over, points; else 0."""


def keep_type(record: Any, who: UserType) -> None:
    """Write a type into its record."""
    record.value = who.value
    record.harm = who.harm
    record.conciseness = who.conciseness
    record.comfort_tokens = who.comfort_tokens
    record.annoyance = who.annoyance
    record.tolerance = who.tolerance
    record.effort_vague = who.effort_vague
    record.effort_definite = who.effort_definite
    record.effort_reply = who.effort_reply
    record.effort_follow_up = who.effort_follow_up
    record.budget = who.budget
    record.price_sensitivity = who.price_sensitivity
    record.discount = who.discount
    record.persistence = who.persistence
    record.outside_option = who.outside_option
    record.style = who.style
