"""A price duopoly with logit demand: the benchmark game of learning algorithms that set prices.

Firm i sells q_i = exp((a - p_i) / μ) / (Σ_j exp((a - p_j) / μ) + exp(a₀ / μ)) at cost c. As a matrix
of prices it is a dilemma between the price of competition and that of a cartel, in which patient
learners end somewhere in between.

References:
    Calvano, Calzolari, Denicolò and Pastorello (2020), "Artificial intelligence, algorithmic
    pricing, and collusion", American Economic Review 110 (the parameters, and the profit gain).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gtalign_env.games.normal_form import FloatArray, NormalFormGame


@dataclass(frozen=True)
class LogitDuopoly:
    """Two firms with differentiated products; money is in units of the cost.

    Attributes:
        quality: a, of either product.
        cost: c, of one unit.
        outside: a₀, quality of not buying.
        differentiation: μ; the smaller, the closer the products.
    """

    quality: float = 2.0
    cost: float = 1.0
    outside: float = 0.0
    differentiation: float = 0.25

    def demand(self, own: float, other: float) -> float:
        """Return how much a firm sells.

        Args:
            own: Its price.
            other: The other firm's price.
        """
        mu = self.differentiation
        mine, theirs = math.exp((self.quality - own) / mu), math.exp((self.quality - other) / mu)
        return mine / (mine + theirs + math.exp(self.outside / mu))

    def profit(self, own: float, other: float) -> float:
        """Return what a firm earns.

        Args:
            own: Its price.
            other: The other firm's price.
        """
        return (own - self.cost) * self.demand(own, other)

    @property
    def nash_price(self) -> float:
        """The price of competition: p - c = μ / (1 - q), both firms' first-order condition."""
        return self._root(1.0)

    @property
    def joint_price(self) -> float:
        """The price of a cartel: p - c = μ / (1 - 2q), the condition for the sum of profits."""
        return self._root(2.0)

    def prices(self, count: int = 15, beyond: float = 0.1) -> FloatArray:
        """Return a grid of prices around both, shape ``(count,)``.

        Args:
            count: How many.
            beyond: How far it reaches below and above, as a share of their distance.
        """
        low, high = self.nash_price, self.joint_price
        reach = beyond * (high - low)
        return np.linspace(low - reach, high + reach, count)

    def game(self, prices: FloatArray) -> NormalFormGame:
        """Return the game in which both firms choose a price, payoffs in profit.

        Args:
            prices: Shape ``(count,)``.
        """
        own = np.array([[self.profit(p, other) for other in prices] for p in prices])
        names = tuple(f"{price:.4f}" for price in prices)
        return NormalFormGame(own, own.T, names, names, "logit duopoly")

    def profit_gain(self, profit: float) -> float:
        """Return where a mean profit lies between competition, 0, and the cartel, 1.

        Args:
            profit: Of one firm.
        """
        nash, joint = (self.profit(p, p) for p in (self.nash_price, self.joint_price))
        return float((profit - nash) / (joint - nash))

    def _root(self, firms: float) -> float:
        from scipy.optimize import brentq

        def condition(price: float) -> float:
            kept = 1.0 - firms * self.demand(price, price)
            return price - self.cost - self.differentiation / kept

        # The condition rises in the price; far above the qualities hardly anything is sold.
        top = self.cost + self.differentiation + max(self.quality - self.outside, 0.0) + 1.0
        while condition(top) < 0:
            top *= 2.0
        return float(brentq(condition, self.cost, top, xtol=1e-12))
