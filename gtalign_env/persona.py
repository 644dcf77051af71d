"""Personas: a user's latent type, and the distributions it is drawn from (docs: the game, Persona).

A type is drawn once per episode, one uniform number a field, by inverse distribution functions,
so the same seed gives the same type in every layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import product
from typing import NamedTuple

from gtalign_env.distributions import Choice as Choice
from gtalign_env.distributions import Constant as Constant
from gtalign_env.distributions import Distribution as Distribution
from gtalign_env.distributions import Law, quantile
from gtalign_env.distributions import LogNormal as LogNormal
from gtalign_env.distributions import Normal as Normal
from gtalign_env.distributions import Uniform as Uniform
from gtalign_env.draws import Purpose
from gtalign_env.errors import SolverError

MOST_FINITE = 100_000
"""Types that a persona of choices may have; they are enumerated one by one."""


class UserType(NamedTuple):
    """One user's latent preferences; symbols as in the game's table."""

    value: float
    """v: worth of a right answer once accepted, points."""
    harm: float
    """h: lost when a wrong answer is accepted, points."""
    conciseness: float
    """κ: lost per 100 tokens read beyond the comfort length of a message, points."""
    comfort_tokens: int
    """n₀: read at no cost, tokens a message."""
    annoyance: float
    """γ: lost per question beyond the tolerance, points."""
    tolerance: int
    """τ: questions borne at no cost."""
    effort_vague: float
    """e: cost of writing a vague query, points; likewise the three below."""
    effort_definite: float
    effort_reply: float
    effort_follow_up: float
    budget: int
    """B: hard limit per conversation, pico-USD."""
    price_sensitivity: float
    """λ: points per USD."""
    discount: float
    """δ: multiplies v and h once per exchange before the accepted one."""
    persistence: int
    """s: how often the default user tries again after a wrong answer."""
    outside_option: float
    """o: received on leaving, going broke or being cut off, points."""
    style: int
    """The visible way of writing, an index into STYLES: the one field others can see."""


def user_type(values: Sequence[float]) -> UserType:
    """Return the type of these values, in the order of its fields; counts and money are rounded."""
    return UserType(
        value=float(values[0]),
        harm=float(values[1]),
        conciseness=float(values[2]),
        comfort_tokens=round(values[3]),
        annoyance=float(values[4]),
        tolerance=round(values[5]),
        effort_vague=float(values[6]),
        effort_definite=float(values[7]),
        effort_reply=float(values[8]),
        effort_follow_up=float(values[9]),
        budget=round(values[10]),
        price_sensitivity=float(values[11]),
        discount=float(values[12]),
        persistence=round(values[13]),
        outside_option=float(values[14]),
        style=round(values[15]),
    )


@dataclass(frozen=True)
class Persona:
    """The distribution of a user's type: one distribution a field, fields as in `UserType`."""

    name: str
    value: Distribution
    harm: Distribution
    conciseness: Distribution
    comfort_tokens: Distribution
    annoyance: Distribution
    tolerance: Distribution
    effort_vague: Distribution
    effort_definite: Distribution
    effort_reply: Distribution
    effort_follow_up: Distribution
    budget: Distribution
    price_sensitivity: Distribution
    discount: Distribution
    persistence: Distribution
    outside_option: Distribution
    style: Distribution

    @cached_property
    def distributions(self) -> tuple[Distribution, ...]:
        """The distributions in the order of `UserType`."""
        return tuple(getattr(self, field.name) for field in fields(self)[1:])

    @property
    def is_finite(self) -> bool:
        """Whether finitely many types are possible, so that expectations can be exact."""
        return all(isinstance(d, Constant | Choice) for d in self.distributions)

    @cached_property
    def _only(self) -> UserType | None:
        """The one type there is, where nothing is random."""
        if not all(isinstance(d, Constant) for d in self.distributions):
            return None
        return user_type([d.mean for d in self.distributions])

    def draw(self, uniform: Callable[[int], float]) -> UserType:
        """Return a type.

        Args:
            uniform: Gives the number in [0, 1) of a purpose.
        """
        if self._only is not None:
            return self._only
        return user_type(
            [
                d.value if isinstance(d, Constant) else d.quantile(uniform(Purpose.FIELD + i))
                for i, d in enumerate(self.distributions)
            ]
        )

    def types(self, bins: int) -> list[tuple[float, UserType]]:
        """Return weighted types: exact for finite fields, ``bins`` equal shares for others.

        A bin is represented by its conditional mean, so means of quantities that are linear in a
        field stay exact whatever the number of bins.
        """
        grids = [d.points(bins) for d in self.distributions]
        return [
            (math.prod(weight for _, weight in point), user_type([value for value, _ in point]))
            for point in product(*grids)
        ]

    def spread(self, n: int) -> list[tuple[float, UserType]]:
        """Return ``n`` equally likely types, spread evenly over all random fields at once.

        For many continuous fields, where a grid would need too many types.

        1. Give every type a place in [0, 1) for each field, by an additive recurrence whose steps
           are powers of the inverse of a generalised golden ratio.
        2. Let each field run through its own ``n`` bins once, in the order of these places; so
           means of quantities that are linear in a field stay exact.

        References:
            McKay, Beckman and Conover (1979), on Latin hypercubes (step 2). Kuipers and
            Niederreiter (1974), "Uniform distribution of sequences" (the recurrence).
        """
        varied = sum(not isinstance(d, Constant) for d in self.distributions)
        ratio = 2.0
        for _ in range(64):  # the root of x^(varied + 1) = x + 1, by fixed-point iteration
            ratio = (1.0 + ratio) ** (1.0 / (varied + 1))
        columns: list[list[float]] = []
        step = 1.0
        for d in self.distributions:
            values = [d.quantile((k + 0.5) / n) for k in range(n)]
            if not isinstance(d, Constant):
                step /= ratio
                if not isinstance(d, Choice):
                    values = [value for value, _ in d.points(n)]
                places = sorted(range(n), key=lambda i, step=step: (i + 0.5) * step % 1.0)  # type: ignore[misc]  # default argument binds the loop variable
                values = [value for _, value in sorted(zip(places, values, strict=True))]
            columns.append(values)
        return [(1.0 / n, user_type(row)) for row in zip(*columns, strict=True)]


@dataclass(frozen=True)
class Population:
    """A mixture of personas: who the assistant may meet.

    Attributes:
        personas: Pairs of weight and persona; weights are positive and sum to 1.
    """

    personas: tuple[tuple[float, Persona], ...]

    @cached_property
    def law(self) -> Law:
        """The distribution of the persona's index."""
        weights = tuple(weight for weight, _ in self.personas)
        return Choice(tuple(range(len(weights))), weights).law

    @property
    def is_finite(self) -> bool:
        """Whether finitely many types are possible."""
        return all(persona.is_finite for _, persona in self.personas)

    def draw(self, uniform: Callable[[int], float]) -> tuple[int, UserType]:
        """Return the drawn persona's index and a type of it."""
        index = 0
        if len(self.personas) > 1:
            index = int(quantile(self.law, uniform(Purpose.PERSONA)))
        return index, self.personas[index][1].draw(uniform)

    def types(self, most: int) -> list[tuple[float, UserType]]:
        """Return weighted types, with as many bins a field as keep each persona under ``most``.

        Weights sum to 1. With finite populations the result is exact and ``most`` is not used.
        Where that leaves a single bin a field, ``most`` types are spread over all of them.

        Raises:
            SolverError: A finite persona has more than `MOST_FINITE` types.
        """
        out = []
        for weight, persona in self.personas:
            finite = [d for d in persona.distributions if isinstance(d, Constant | Choice)]
            fixed = math.prod(len(d.points(0)) for d in finite)
            spread = len(persona.distributions) - len(finite)
            if not spread and fixed > MOST_FINITE:
                raise SolverError(
                    f"a persona of choices has at most {MOST_FINITE:,} types, which are all "
                    f"enumerated; {persona.name!r} has {fixed:,}: give it fewer choices"
                )
            bins = math.floor((most / fixed) ** (1 / spread) + 1e-9) if spread else 1
            types = persona.types(bins) if bins > 1 or not spread else persona.spread(most)
            out += [(weight * share, who) for share, who in types]
        return out
