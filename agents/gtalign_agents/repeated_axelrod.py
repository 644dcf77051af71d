"""Strategies of the axelrod library as agents of the repeated game.

They know two moves, so a plan that is not the seat's cooperate counts as defection. Randomness
comes from the first number a player is given, which seeds the strategy's own generator; so a match
repeats. Strategies that read their opponent's source or state are refused: they cannot be seated.

References:
    Knight et al. (2016), "An open framework for the reproducible study of the iterated prisoner's
    dilemma", https://github.com/Axelrod-Python/Axelrod.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from gtalign_agents.repeated import Chair, Strategy
from gtalign_env.errors import MissingExtraError, ScenarioError, suggest

CHEATS = ("inspects_source", "manipulates_source", "manipulates_state")
"""What no strategy may do here."""


class AxelrodPlayer:
    """A strategy of the library in one match.

    Args:
        strategy: Class of the strategy.
        chair: Where it sits.
    """

    def __init__(self, strategy: type[Any], chair: Chair) -> None:
        axelrod = _library()
        self._moves = axelrod.Action.C, axelrod.Action.D
        self._own = chair.cooperation.own(chair.seat)
        self._other_c = chair.cooperation.other(chair.seat)[0]
        self._player = strategy()
        self._opponent = axelrod.MockPlayer()
        self._stochastic = bool(axelrod.Classifiers["stochastic"](self._player))
        self._seeded = False
        self._player.set_match_attributes(
            length=-1 if chair.rounds is None else chair.rounds,
            game=_stakes(chair),
            noise=chair.noise,
        )

    def act(self, u: float) -> int:
        """Return the strategy's plan."""
        if self._stochastic and not self._seeded:
            self._player.set_seed(int(u * 2**32))
            self._seeded = True
        move = self._player.strategy(self._opponent)
        return self._own[0] if move == self._moves[0] else self._own[1]

    def observe(self, own: int, other: int) -> None:
        """Add the round to both histories."""
        mine = self._moves[own != self._own[0]]
        theirs = self._moves[other != self._other_c]
        self._player.update_history(mine, theirs)
        self._opponent.update_history(theirs, mine)


def find_strategy(name: str) -> Strategy:
    """Return a strategy by its name or class.

    Args:
        name: Such as ``Tit For Tat`` or ``TitForTat``.

    Raises:
        MissingExtraError: The library is not installed.
        ScenarioError: There is no such strategy, or it cheats.
    """
    axelrod = _library()
    table = _strategies()
    if name not in table:
        raise ScenarioError(
            f"after axelrod@ comes a strategy of the axelrod library, such as Tit For Tat; "
            f"got {name!r}.{suggest(name, table)}"
        )
    strategy = table[name]
    sample = strategy()
    if any(axelrod.Classifiers[cheat](sample) for cheat in CHEATS):
        raise ScenarioError(
            f"axelrod's {name!r} reads or changes its opponent, so it cannot be seated; choose "
            "one that only looks at what was played"
        )
    return partial(AxelrodPlayer, strategy)


def first_tournament() -> list[str]:
    """Return the agents of Axelrod's first tournament, as names of ours."""
    return [f"axelrod@{strategy.name}" for strategy in _library().axelrod_first_strategies]


@cache
def _strategies() -> dict[str, type[Any]]:
    every = _library().all_strategies
    return {one.__name__: one for one in every} | {one.name: one for one in every}


def _stakes(chair: Chair) -> Any:
    """Return the seat's payoffs of the dilemma, for strategies that ask for R, P, S and T."""
    own = chair.game.user if chair.seat == "user" else chair.game.assistant.T
    (c, d), (cc, dd) = chair.cooperation.own(chair.seat), chair.cooperation.other(chair.seat)
    r, s, t, p = (float(own[cell]) for cell in ((c, cc), (c, dd), (d, cc), (d, dd)))
    return _library().Game(r=r, s=s, t=t, p=p)


def _library() -> Any:
    try:
        import axelrod
    except ImportError:
        raise MissingExtraError("an axelrod strategy", "axelrod") from None
    return axelrod
