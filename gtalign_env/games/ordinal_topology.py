"""Where a 2×2 game stands among all 144 strict ordinal ones: the topology of Robinson and Goforth.

1. A game is *oriented*: a seat's plan is C where it lets the other seat have its best payoff. So
   each seat's best payoff is either R (with the other's: both want one cell) or T.
2. Six orders begin with T and six with R; each is the payoffs of one symmetric game (`DISCORD`,
   `WIN_WIN`). The two seats' orders together are the game: 12 × 12 = 144.
3. The number g_lrc: layer 1 where both best payoffs are T's (discord), 3 where both are R's
   (win-win), 2 where the user's alone is R and 4 where the assistant's alone is; row r and column c
   are the places of the user's and of the assistant's order in its six.

Neighbours of a game come of swapping two payoffs of adjacent rank of one seat: the two lowest
(*low*), the two in the middle (*middle*), the two highest (*high*). The six of a row are in the
order of low and middle swaps, which never leave a layer; a high swap does.

An asymmetric game has the two symmetric games' names, user first. Exchanging the seats mirrors g_lrc
into g_lcr, and layer 2 into layer 4; which of the two mirror images is in which is a convention.
12 symmetric games and 66 pairs of mirror images are the 78 games of Rapoport and Guyer.

References:
    Robinson and Goforth (2005), "The Topology of the 2×2 Games: A New Periodic Table"; Bruns
    (2015), "Names for games: locating 2×2 games", Games 6 (names and abbreviations); Rapoport and
    Guyer (1966), "A taxonomy of 2×2 games".
"""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import product
from typing import Literal, NamedTuple

from gtalign_env.errors import suggest
from gtalign_env.games.ordinal import Ranks

SwapName = Literal["low", "middle", "high"]
SWAPS: tuple[SwapName, ...] = ("low", "middle", "high")
"""Which two ranks of a seat change places: 0 and 1, 1 and 2, 2 and 3."""

SeatName = Literal["user", "assistant"]


class Order(NamedTuple):
    """One seat's payoffs in order, and the symmetric game in which both seats have it.

    Attributes:
        pattern: Letters R, S, T, P, greatest payoff first.
        name: Of the symmetric game.
        short: Its abbreviation.
    """

    pattern: str
    name: str
    short: str


DISCORD = (
    Order("TRPS", "prisoner's dilemma", "Pd"),
    Order("TRSP", "chicken", "Ch"),
    Order("TSRP", "battle", "Ba"),  # of the sexes; also called leader
    Order("TSPR", "hero", "Hr"),
    Order("TPSR", "compromise", "Cm"),
    Order("TPRS", "deadlock", "Dl"),
)
"""The best payoff is T; places 1 to 6."""

WIN_WIN = (
    Order("RTSP", "concord", "Nc"),  # also called no conflict
    Order("RTPS", "stag hunt", "Sh"),
    Order("RPTS", "assurance", "As"),
    Order("RPST", "coordination", "Co"),
    Order("RSPT", "peace", "Pc"),
    Order("RSTP", "harmony", "Ha"),
)
"""The best payoff is R; places 1 to 6."""

ORDERS = (*DISCORD, *WIN_WIN)


class Orientation(NamedTuple):
    """Which plan of each seat is C and which is D, as (cooperate, defect), indices 0 and 1."""

    user: tuple[int, int]
    assistant: tuple[int, int]


class OrdinalGame(NamedTuple):
    """One of the 144 strict ordinal games.

    Attributes:
        user: Order of the user's payoffs.
        assistant: Order of the assistant's payoffs.
    """

    user: Order
    assistant: Order

    @property
    def layer(self) -> int:
        """1 discord, 2 and 4 mixed, 3 win-win."""
        return {(0, 0): 1, (1, 0): 2, (1, 1): 3, (0, 1): 4}[
            int(self.user in WIN_WIN), int(self.assistant in WIN_WIN)
        ]

    @property
    def row(self) -> int:
        """Place of the user's order among the six of its kind, from 1."""
        return _place(self.user)

    @property
    def column(self) -> int:
        """Place of the assistant's order among the six of its kind, from 1."""
        return _place(self.assistant)

    @property
    def number(self) -> str:
        """The name g_lrc, such as ``"g111"``."""
        return f"g{self.layer}{self.row}{self.column}"

    @property
    def label(self) -> str:
        """Both orders' abbreviations, user first, such as ``"PdPd"``."""
        return self.user.short + self.assistant.short

    @property
    def name(self) -> str:
        """The symmetric game's name, or both orders' names, user first."""
        if self.user == self.assistant:
            return self.user.name
        return f"{self.user.name} x {self.assistant.name}"

    @property
    def mirror(self) -> OrdinalGame:
        """The same game with the seats exchanged."""
        return OrdinalGame(self.assistant, self.user)


def orientation(user: Ranks, assistant: Ranks) -> Orientation:
    """Return which plans are C and D: a seat's C is the plan under which the other can do best.

    Args:
        user: Ranks of the user's payoffs in the cells (0,0), (0,1), (1,0), (1,1), one of them the
            greatest.
        assistant: The same of the assistant's.
    """
    row = assistant.index(max(assistant)) // 2
    column = user.index(max(user)) % 2
    return Orientation((row, 1 - row), (column, 1 - column))


@lru_cache(maxsize=24 * 24)
def ordinal_game(user: Ranks, assistant: Ranks) -> OrdinalGame:
    """Return which of the 144 games this is.

    Args:
        user: Ranks of the user's payoffs in the cells (0,0), (0,1), (1,0), (1,1), all different.
        assistant: The same of the assistant's.

    Raises:
        ValueError: Two payoffs of a seat are tied; break ties first (`ordinal.untied`).
    """
    if len(set(user)) < 4 or len(set(assistant)) < 4:
        raise ValueError(
            "a strict ordinal game has four different ranks for each seat; "
            f"got user {user} and assistant {assistant}; break ties first, see `untied`"
        )
    (c, d), (cc, dd) = orientation(user, assistant)
    mine = {"R": (c, cc), "S": (c, dd), "T": (d, cc), "P": (d, dd)}
    theirs = {"R": (c, cc), "S": (d, cc), "T": (c, dd), "P": (d, dd)}
    return OrdinalGame(_order(user, mine), _order(assistant, theirs))


def ranks_in(game: OrdinalGame) -> tuple[Ranks, Ranks]:
    """Return the ranks of user and assistant in the cells (C,C), (C,D), (D,C), (D,D).

    Args:
        game: The game; user's plans first in a cell's name.
    """
    user = {letter: 3 - i for i, letter in enumerate(game.user.pattern)}
    assistant = {letter: 3 - i for i, letter in enumerate(game.assistant.pattern)}
    return (
        (user["R"], user["S"], user["T"], user["P"]),
        (assistant["R"], assistant["T"], assistant["S"], assistant["P"]),
    )


def swapped(game: OrdinalGame, seat: SeatName, swap: SwapName) -> OrdinalGame:
    """Return the neighbour of a game in which two payoffs of a seat have changed places.

    Args:
        game: The game.
        seat: Whose payoffs.
        swap: Which two.
    """
    low = SWAPS.index(swap)
    exchanged = {low: low + 1, low + 1: low}

    def change(ranks: Ranks) -> Ranks:
        a, b, c, d = (exchanged.get(rank, rank) for rank in ranks)
        return a, b, c, d

    user, assistant = ranks_in(game)
    if seat == "user":
        return ordinal_game(change(user), assistant)
    return ordinal_game(user, change(assistant))


@cache
def strict_games() -> tuple[OrdinalGame, ...]:
    """Return all 144 games, by layer, row and column."""
    games = (OrdinalGame(user, assistant) for user, assistant in product(ORDERS, repeat=2))
    return tuple(sorted(games, key=lambda game: (game.layer, game.row, game.column)))


def find_game(name: str) -> OrdinalGame:
    """Return a game by its number, label or name: ``g111``, ``PdPd``, ``prisoner's dilemma``.

    Args:
        name: One of the three.

    Raises:
        ValueError: There is no such game.
    """
    table = {word: game for game in strict_games() for word in (game.number, game.label, game.name)}
    if name not in table:
        raise ValueError(
            "a strict ordinal game is named as g111, PdPd or prisoner's dilemma; "
            f"got {name!r}.{suggest(name, table)}"
        )
    return table[name]


def _place(order: Order) -> int:
    return (WIN_WIN if order in WIN_WIN else DISCORD).index(order) + 1


def _order(ranks: Ranks, cells: dict[str, tuple[int, int]]) -> Order:
    rank = {letter: ranks[2 * i + j] for letter, (i, j) in cells.items()}
    pattern = "".join(sorted(rank, key=rank.__getitem__, reverse=True))
    return next(order for order in ORDERS if order.pattern == pattern)
