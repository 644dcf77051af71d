"""The cells of an evaluation: which games are played with which users, and by whom.

Every cell draws from the hash of the scenario as it stands in its file, whatever its regime and its
persona. So episode n has the same luck in all of them: the same draws decide the type, whether a
reply settles the meaning, whether an answer is right, how long messages are, and what policies that
mix do. What cannot be paired is told in the documentation of `gtalign evaluate`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from gtalign_agents.backends.named import is_model
from gtalign_agents.dialogue.replayed import is_replayed
from gtalign_env.errors import RunError
from gtalign_env.scenario.loader import Scenario, load_persona, load_pricing
from gtalign_training.grid.contenders import Contender
from gtalign_training.runs.folder import Plan
from gtalign_training.runs.words import Words

OWN = "own"
"""Stands for the scenario's own regimes, or its own personas."""

CELLS = "cells"
"""Folder of the cells' runs."""


class CellName(NamedTuple):
    """By what a cell is named."""

    scenario: str
    regime: str
    persona: str
    user: str


@dataclass(frozen=True)
class Cell:
    """One game with one user, which every assistant plays.

    Attributes:
        labels: Its name.
        game: The scenario, with the cell's regime and persona.
        user: Name of the user's policy.
        keyed_by: What its draws depend on beside the seed.
    """

    labels: CellName
    game: Scenario
    user: str
    keyed_by: str


@dataclass(frozen=True)
class Grid:
    """An evaluation: every assistant plays every cell.

    Attributes:
        cells: The cells.
        contenders: The assistants.
        episodes: Conversations of each assistant in each cell.
        seed: Of the draws.
        words: How models' messages are written; None where no model plays.
    """

    cells: tuple[Cell, ...]
    contenders: tuple[Contender, ...]
    episodes: int
    seed: int
    words: Words | None = None

    def plan(self, cell: Cell, contender: Contender) -> Plan:
        """Return what one assistant plays in one cell."""
        spoken = contender.speaks or is_model(cell.user) or is_replayed(cell.user)
        return Plan(
            cell.game,
            cell.user,
            contender.agent,
            self.seed,
            self.episodes,
            self.words if spoken else None,
            cell.keyed_by,
        )

    @property
    def runs(self) -> list[tuple[Cell, Contender]]:
        """Every cell with every assistant, in order."""
        return [(cell, contender) for cell in self.cells for contender in self.contenders]


def cells_of(
    scenarios: Sequence[Scenario],
    users: Sequence[str],
    personas: Sequence[str] = (OWN,),
    pricing: Sequence[str] = (OWN,),
    path: Sequence[Path] = (),
) -> tuple[Cell, ...]:
    """Return the cells of every scenario with every regime, persona and user.

    Args:
        scenarios: The scenarios.
        users: Names of users' policies.
        personas: Names or files; ``own`` for the scenario's.
        pricing: Likewise, of regimes.
        path: Folders to search first.

    Raises:
        RunError: Two cells would have the same name.
        ScenarioError: A name is unknown, or a file is not valid.
    """
    found: dict[CellName, Cell] = {}
    for scenario in scenarios:
        for price in pricing:
            for persona in personas:
                game = scenario
                if price != OWN:
                    game = game.with_pricing(load_pricing(price, path=path))
                if persona != OWN:
                    who = load_persona(persona, path=path)
                    game = dataclasses.replace(game, population=((1.0, who),))
                for user in users:
                    labels = CellName(
                        scenario.name, regime_of(game), "+".join(game.persona_names), user
                    )
                    if labels in found:
                        raise RunError(
                            f"the evaluation would play {' / '.join(labels)} twice: name every "
                            "scenario, regime, persona and user once, and leave out what the "
                            "scenario has already"
                        )
                    found[labels] = Cell(labels, game, user, scenario.digest)
    return tuple(found.values())


def regime_of(game: Scenario) -> str:
    """Return the names of a scenario's regimes, in the order of its schedule."""
    return " then ".join(pricing.name for _, pricing in game.schedule)


def unplayed(cell: Cell, episodes: int) -> str:
    """Return which regimes of a cell's schedule are not reached, and how they are; else nothing.

    Args:
        cell: The cell.
        episodes: Conversations that are played in it.
    """
    later = [(start, pricing.name) for start, pricing in cell.game.schedule if start >= episodes]
    if not later:
        return ""
    waiting = ", ".join(f"{name} from conversation {start:,}" for start, name in later)
    names = dict.fromkeys(pricing.name for _, pricing in cell.game.schedule)
    return (
        f"{cell.labels.scenario}: {episodes:,} conversations do not reach all of its schedule "
        f"({waiting}). To play each regime throughout: "
        f"{' '.join(f'--pricing {name}' for name in names)}; to follow the schedule: --episodes "
        f"{later[-1][0] + 1} or more"
    )


def folder_of(root: Path, cell: Cell, contender: Contender) -> Path:
    """Return the run folder of an assistant in a cell; it does not depend on what else is played.

    Args:
        root: The evaluation's folder.
        cell: The cell.
        contender: The assistant.
    """
    names = (*cell.labels, contender.name)
    slug = re.sub(r"[^\w.+-]+", "_", ".".join(Path(name).name for name in names))[:100]
    mark = blake2b("\0".join(names).encode(), digest_size=4).hexdigest()
    return root / CELLS / f"{slug}-{mark}"
