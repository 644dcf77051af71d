"""What the runs of an evaluation came to, as arrays: one row an episode, in their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gtalign_env.core.moves import STYLES
from gtalign_env.envs.table import Table
from gtalign_env.scenario.loader import Scenario
from gtalign_training.runs.episode import Episode

Floats = NDArray[np.float64]
MEASURES = ("user", "assistant", "welfare")
"""U, L and W of a conversation, points."""


class Columns(NamedTuple):
    """One assistant in one cell; every array has shape ``(n,)``.

    Attributes:
        valid: Whether the episode was finished without a fault; other rows mean nothing.
        user: U, points.
        assistant: L, points.
        welfare: W, points.
        right: 1 where a right answer was accepted, else 0.
        charged: Billed, USD.
        output: Visible tokens.
        reasoning: Hidden tokens.
        budget_use: Share of the budget that was spent.
        contexts: What the assistant could tell apart before its first move: regime, style, opening.
        first_moves: CellName; empty where it never moved.
        faults: How often an episode failed, by kind.
    """

    valid: NDArray[np.bool_]
    user: Floats
    assistant: Floats
    welfare: Floats
    right: Floats
    charged: Floats
    output: Floats
    reasoning: Floats
    budget_use: Floats
    contexts: tuple[tuple[str, str, str], ...]
    first_moves: tuple[str, ...]
    faults: dict[str, int]


class Types(NamedTuple):
    """Who asked, by episode: drawn again, as the logs keep types to themselves.

    Attributes:
        budgets: pico-USD, shape ``(n,)``.
        styles: How they write, n of them.
    """

    budgets: Floats
    styles: tuple[str, ...]


def types_of(game: Scenario, keyed_by: str | None, seed: int, episodes: int) -> Types:
    """Return who asks in each episode of a run.

    Args:
        game: The scenario that was played.
        keyed_by: What its draws depend on beside the seed; None for the scenario's own hash.
        seed: Of the run.
        episodes: How many.
    """
    table = Table(game)
    table.keyed_by = keyed_by
    table.seed(seed)
    drawn = [table.open(episode).who for episode in range(episodes)]
    return Types(
        np.array([who.budget for who in drawn], dtype=np.float64),
        tuple(STYLES[who.style] for who in drawn),
    )


def columns_of(episodes: Mapping[int, Episode], types: Types) -> Columns:
    """Return a run's episodes as arrays.

    Args:
        episodes: By index; what is missing counts as not valid.
        types: Who asked; its length is the number of episodes.
    """
    from gtalign_training.metrics import budget_use

    n = len(types.styles)
    found = [episodes.get(index) for index in range(n)]
    faults: dict[str, int] = {}
    for one in found:
        kind = "missing" if one is None else None if one.fault is None else one.fault.kind
        if kind is not None:
            faults[kind] = faults.get(kind, 0) + 1
    valid = np.array([one is not None and one.fault is None for one in found], dtype=np.bool_)

    def column(name: str, scale: float = 1.0) -> Floats:
        return np.array(
            [
                float(getattr(one, name) or 0) * scale if ok and one is not None else np.nan
                for one, ok in zip(found, valid, strict=True)
            ]
        )

    charged = column("charged")
    return Columns(
        valid,
        column("user"),
        column("assistant"),
        column("welfare"),
        column("right"),
        charged / 1e12,
        column("output"),
        column("reasoning"),
        budget_use(charged, types.budgets),
        tuple(
            (one.regime, style, one.user_moves[0] if one.user_moves else "")
            if one is not None
            else ("", style, "")
            for one, style in zip(found, types.styles, strict=True)
        ),
        tuple(
            one.assistant_moves[0] if ok and one is not None and one.assistant_moves else ""
            for one, ok in zip(found, valid, strict=True)
        ),
        dict(sorted(faults.items())),
    )
