"""The whole set of equilibria of a degenerate game, out of its extreme points.

The equilibria of a bimatrix game are a finite union of maximal Nash subsets. Such a subset is X × Y,
all mixtures of some extreme strategies X of the user with all of some extreme strategies Y of the
assistant, where every pair is an equilibrium; it is a maximal clique of the graph that joins the two
strategies of each extreme equilibrium. Subsets that share an extreme equilibrium are connected.

References:
    Winkels (1979), "An algorithm to determine all equilibrium points of a bimatrix game"; Avis,
    Rosenberg, Savani and von Stengel (2010), "Enumeration of Nash equilibria for two-player games",
    sec. 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

Mixture = tuple[float, ...]


class NashSubset(NamedTuple):
    """Any mixture of the ``user`` strategies with any of the ``assistant``'s is an equilibrium.

    Attributes:
        user: Extreme strategies of the user, probabilities of length m each.
        assistant: Extreme strategies of the assistant, probabilities of length n each.
        members: The extreme equilibria in it, as indices of the equilibria given.
    """

    user: tuple[Mixture, ...]
    assistant: tuple[Mixture, ...]
    members: tuple[int, ...]


@dataclass(frozen=True)
class Component:
    """Equilibria that are connected: one can go from any to any other without leaving them.

    Attributes:
        members: The extreme equilibria in it, as indices of the equilibria given.
        subsets: The maximal Nash subsets whose union it is.
    """

    members: tuple[int, ...]
    subsets: tuple[NashSubset, ...]

    @property
    def isolated(self) -> bool:
        """Whether the component is one equilibrium."""
        return len(self.members) == 1


def nash_components(
    profiles: Sequence[tuple[Mixture, Mixture]], same: float
) -> tuple[Component, ...]:
    """Return the connected components of the set of all equilibria.

    1. Number the different strategies of each seat.
    2. The assistants' sets of maximal cliques are what some of the users' neighbourhoods have in
       common; close the neighbourhoods under intersection.
    3. Join subsets that share an extreme equilibrium.

    Args:
        profiles: All extreme equilibria, as the mixtures of user and assistant.
        same: Probability within which two mixtures are one.

    Returns:
        The components by their first member; every extreme equilibrium is in exactly one.
    """
    xs, x_of = _numbered([x for x, _ in profiles], same)
    ys, y_of = _numbered([y for _, y in profiles], same)
    member = {pair: e for e, pair in enumerate(zip(x_of, y_of, strict=True))}
    replies = [frozenset(y for y in range(len(ys)) if (x, y) in member) for x in range(len(xs))]
    common: set[frozenset[int]] = set()
    for reply in replies:
        common |= {reply} | {reply & other for other in common}
    subsets = []
    for shared in common - {frozenset()}:
        users = [x for x, reply in enumerate(replies) if shared <= reply]
        members = sorted(member[x, y] for x in users for y in shared)
        subsets.append(
            NashSubset(
                tuple(xs[x] for x in users), tuple(ys[y] for y in sorted(shared)), tuple(members)
            )
        )
    return _joined(sorted(subsets, key=lambda subset: subset.members))


def _numbered(mixtures: Sequence[Mixture], same: float) -> tuple[list[Mixture], list[int]]:
    """Return the different mixtures, and which of them each is."""
    kept: list[Mixture] = []
    which = []
    for mixture in mixtures:
        near = (
            k
            for k, other in enumerate(kept)
            if max(abs(p - q) for p, q in zip(mixture, other, strict=True)) <= same
        )
        number = next(near, len(kept))
        if number == len(kept):
            kept.append(mixture)
        which.append(number)
    return kept, which


def _joined(subsets: Sequence[NashSubset]) -> tuple[Component, ...]:
    groups: list[list[NashSubset]] = []
    for subset in subsets:
        touched = [g for g in groups if any(set(subset.members) & set(s.members) for s in g)]
        groups = [g for g in groups if g not in touched]
        groups.append([*(s for g in touched for s in g), subset])
    components = [
        Component(
            tuple(sorted({e for subset in group for e in subset.members})),
            tuple(sorted(group, key=lambda subset: subset.members)),
        )
        for group in groups
    ]
    return tuple(sorted(components, key=lambda component: component.members))
