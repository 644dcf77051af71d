"""`Agent`: a policy with a name and declared traits, which one contract test holds it to.

A conversation agent makes a policy of `gtalign_env.core.policies`, ``policy(view, u) -> move``: a
pure function of what its seat may know and of one number in [0, 1) that is all its randomness. So
agents have no state between moves, need no reset and play the same in every process.

References:
    Knight et al. (2016), "An open framework for the reproducible study of the iterated prisoner's
    dilemma" (Axelrod): the classifier that every strategy declares, and the tests that check it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Game = Literal["conversation", "repeated"]
SeatOf = Literal["user", "assistant", "either"]

CONVERSATION: frozenset[Game] = frozenset({"conversation"})
REPEATED_GAME: frozenset[Game] = frozenset({"repeated"})


@dataclass(frozen=True)
class Traits:
    """What is true of an agent, as declared; the contract test finds what is not.

    Attributes:
        stochastic: Whether its move may depend on the random number it is given.
        sees_type: Whether it looks at latent preferences: its own, in the user's seat. No
            assistant can.
        needs_model: Whether it calls a language model or a trained network.
        memory: How many of the latest moves of either seat its move may depend on, beside the
            number of the exchange, the bill and what is counted; None where all may count.
        games: What it can play.
    """

    stochastic: bool
    sees_type: bool
    needs_model: bool
    memory: int | None
    games: frozenset[Game]


@dataclass(frozen=True)
class Agent:
    """One row of the table of agents.

    Attributes:
        name: What commands call it.
        seat: Where it can sit.
        description: What it does, one line.
        traits: What is true of it.
        make: Returns a fresh policy. Takes the text after ``@`` of a name like
            ``best_response@CQ`` where ``argument`` is not empty, otherwise nothing.
        argument: What may follow the name after ``@``, in words; empty where nothing may.
    """

    name: str
    seat: SeatOf
    description: str
    traits: Traits
    make: Callable[..., Any]
    argument: str = ""

    def sits(self, seat: str) -> bool:
        """Return whether it can sit in a seat, ``user`` or ``assistant``."""
        return self.seat in (seat, "either")
