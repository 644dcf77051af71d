"""Agents of `gtalign/RepeatedGame-v0`: tit for tat and its kin, and one that learns.

An agent's ``make()`` returns a strategy, and a strategy sits down on a chair: it is told the game,
its seat and which plans cooperate, and returns a `Player` for one match. Most players are finite
automata, so that their payoffs against each other are known exactly (`gtalign_env.games.automata`).

References:
    Axelrod (1984), "The Evolution of Cooperation"; Nowak and Sigmund (1992), "Tit for tat in
    heterogeneous populations" (generous tit for tat); Kraines and Kraines (1989) and Nowak and
    Sigmund (1993), win-stay lose-shift; Brown (1951), "Iterative solution of games by fictitious
    play".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from gtalign_agents.base import REPEATED_GAME, Agent, Traits
from gtalign_env.errors import ScenarioError, suggest
from gtalign_env.games.automata import Automaton
from gtalign_env.games.normal_form import NormalFormGame, Seat
from gtalign_env.games.repeated import Cooperation, counting, memory_one


class Chair(NamedTuple):
    """Where a strategy sits down.

    Attributes:
        game: The game of each round.
        seat: ``user`` or ``assistant``.
        cooperation: Which plans cooperate.
        rounds: Rounds of the match, or the most there can be; None where it is not told.
        noise: Probability that a hand trembles.
    """

    game: NormalFormGame
    seat: Seat
    cooperation: Cooperation
    rounds: int | None = None
    noise: float = 0.0


class Player(Protocol):
    """A strategy in one match."""

    def act(self, u: float) -> int:
        """Return a plan.

        Args:
            u: A number in [0, 1): all its randomness of this round.
        """

    def observe(self, own: int, other: int) -> None:
        """Take in a round as carried out.

        Args:
            own: Own plan, which a trembling hand may have changed.
            other: The other seat's plan.
        """


Strategy = Callable[[Chair], Player]


class AutomatonPlayer:
    """A player that follows an automaton.

    Args:
        automaton: Made for the seat.
    """

    def __init__(self, automaton: Automaton) -> None:
        self.automaton = automaton
        self._state = automaton.start
        self._rising = np.cumsum(automaton.outputs, axis=1).tolist()
        self._moves = automaton.moves.tolist()

    def act(self, u: float) -> int:
        """Return the first plan whose cumulative probability exceeds ``u``."""
        rising: list[float] = self._rising[self._state]
        for plan, most in enumerate(rising):
            if u < most:
                return plan
        return int(self.automaton.outputs[self._state].argmax())  # rounding left a sum below 1

    def observe(self, own: int, other: int) -> None:
        """Move to the next state."""
        self._state = self._moves[self._state][own][other]


class FictitiousPlayer:
    """A player that best-replies to how often the other seat has played each plan.

    Args:
        chair: Where it sits.
    """

    def __init__(self, chair: Chair) -> None:
        own = chair.game.user if chair.seat == "user" else chair.game.assistant.T
        self._payoffs = own
        self._worth = own.mean(axis=1)  # before the first round all plans count as likely

    def act(self, u: float) -> int:
        """Return the plan of greatest payoff against the past; the first of equals."""
        return int(self._worth.argmax())

    def observe(self, own: int, other: int) -> None:
        """Count the other's plan."""
        self._worth = self._worth + self._payoffs[:, other]


@dataclass(frozen=True)
class AutomatonStrategy:
    """A strategy that is a finite automaton in every game.

    Attributes:
        build: Returns the automaton for (game, seat, cooperation).
    """

    build: Callable[[NormalFormGame, Seat, Cooperation], Automaton]

    def __call__(self, chair: Chair) -> AutomatonPlayer:
        """Return the player for a chair."""
        return AutomatonPlayer(self.automaton(chair))

    def automaton(self, chair: Chair) -> Automaton:
        """Return the automaton for a chair, whose payoffs can be solved for."""
        return self.build(chair.game, chair.seat, chair.cooperation)


def remembering(
    name: str, cooperates: tuple[float, float, float, float], first: float
) -> AutomatonStrategy:
    """Return the strategy that looks at the last round; see `memory_one`."""
    return AutomatonStrategy(partial(memory_one, name, cooperates, first))


def enduring(name: str, tolerance: int, forgives: bool) -> AutomatonStrategy:
    """Return the strategy that counts defections in a row; see `counting`."""
    return AutomatonStrategy(partial(counting, name, tolerance, forgives))


def generous(share: str = "0.333") -> AutomatonStrategy:
    """Return tit for tat that forgives a defection with a probability.

    Args:
        share: The probability, as text.

    Raises:
        ScenarioError: It is no probability.
    """
    forgives = _probability("generous_tit_for_tat", share)
    return remembering("generous_tit_for_tat", (1.0, forgives, 1.0, forgives), 1.0)


def coin(share: str = "0.5") -> AutomatonStrategy:
    """Return the strategy that cooperates with a probability, whatever happened.

    Args:
        share: The probability, as text.

    Raises:
        ScenarioError: It is no probability.
    """
    heads = _probability("coin", share)
    return remembering("coin", (heads, heads, heads, heads), heads)


def axelrod_strategy(name: str = "Tit For Tat") -> Strategy:
    """Return a strategy of the axelrod library; see `gtalign_agents.repeated_axelrod`.

    Args:
        name: Its name or class, such as ``Tit For Tat`` or ``TitForTat``.
    """
    from gtalign_agents.repeated_axelrod import find_strategy

    return find_strategy(name)


def _probability(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise ScenarioError(f"after {name}@ comes a probability in [0, 1]; got {text!r}")
    return value


def _traits(memory: int | None, stochastic: bool = False) -> Traits:
    return Traits(
        stochastic=stochastic,
        sees_type=False,
        needs_model=False,
        memory=memory,
        games=REPEATED_GAME,
    )


_SHARE = "a probability in [0, 1]"

REPEATED: tuple[Agent, ...] = (
    Agent(
        "always_cooperate",
        "either",
        "Cooperates in every round.",
        _traits(0),
        partial(remembering, "always_cooperate", (1.0, 1.0, 1.0, 1.0), 1.0),
    ),
    Agent(
        "always_defect",
        "either",
        "Defects in every round.",
        _traits(0),
        partial(remembering, "always_defect", (0.0, 0.0, 0.0, 0.0), 0.0),
    ),
    Agent(
        "tit_for_tat",
        "either",
        "Cooperates first, then does what the other did.",
        _traits(1),
        partial(remembering, "tit_for_tat", (1.0, 0.0, 1.0, 0.0), 1.0),
    ),
    Agent(
        "suspicious_tit_for_tat",
        "either",
        "Defects first, then does what the other did.",
        _traits(1),
        partial(remembering, "suspicious_tit_for_tat", (1.0, 0.0, 1.0, 0.0), 0.0),
    ),
    Agent(
        "tit_for_two_tats",
        "either",
        "Defects only after two defections in a row.",
        _traits(2),
        partial(enduring, "tit_for_two_tats", 2, True),
    ),
    Agent(
        "generous_tit_for_tat",
        "either",
        "Tit for tat that forgives one defection in three, or the share after @.",
        _traits(1, stochastic=True),
        generous,
        _SHARE,
    ),
    Agent(
        "grim",
        "either",
        "Cooperates until anybody defects, then defects for ever.",
        _traits(None),
        partial(enduring, "grim", 1, False),
    ),
    Agent(
        "pavlov",
        "either",
        "Stays after the other cooperated, shifts after it defected (win-stay, lose-shift).",
        _traits(1),
        partial(remembering, "pavlov", (1.0, 0.0, 0.0, 1.0), 1.0),
    ),
    Agent(
        "coin",
        "either",
        "Cooperates with probability one half, or the one after @.",
        _traits(0, stochastic=True),
        coin,
        _SHARE,
    ),
    Agent(
        "fictitious_play",
        "either",
        "Best reply to how often the other has played each of its plans.",
        _traits(None),
        lambda: FictitiousPlayer,
    ),
    Agent(
        "axelrod",
        "either",
        "A strategy of the axelrod library, by its name after @.",
        _traits(None, stochastic=True),
        axelrod_strategy,
        "a strategy of the axelrod library, such as Tit For Tat",
    ),
)
"""Every agent of the repeated game."""


def repeated_agent(name: str) -> Strategy:
    """Return the strategy that a name like ``grim`` or ``axelrod@Tit For Tat`` stands for.

    Args:
        name: Name of a row of `REPEATED`, followed by ``@`` and an argument where it takes one.

    Raises:
        ScenarioError: No such agent plays repeated games, or it takes no argument.
    """
    table = {agent.name: agent for agent in REPEATED}
    base, at, argument = name.partition("@")
    if base not in table:
        raise ScenarioError(
            f"an agent of the repeated game is one of {', '.join(table)}; "
            f"got {name!r}.{suggest(base, table)}"
        )
    agent = table[base]
    if at and not agent.argument:
        raise ScenarioError(f"{base!r} takes nothing after its name; got {name!r}")
    if at and not argument:
        raise ScenarioError(f"after {base}@ comes {agent.argument}; got nothing")
    strategy: Strategy = agent.make(argument) if argument else agent.make()
    return strategy
