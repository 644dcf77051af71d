"""All that was played in an evaluation, and how its parts are looked at together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gtalign_training.grid.cells import CellName, Grid, folder_of
from gtalign_training.grid.columns import MEASURES, Columns, Floats, Types, columns_of, types_of
from gtalign_training.grid.optimum import Optimum
from gtalign_training.runs.folder import read_run

DIMENSIONS = CellName._fields
"""What cells differ in: scenario, regime, persona, user."""
ALL = "all"


class Group(NamedTuple):
    """Cells that are looked at together.

    Attributes:
        by: In what they agree; ``all`` for every cell.
        name: What they share; empty for every cell.
        cells: Their indices.
    """

    by: str
    name: str
    cells: tuple[int, ...]


class Results(NamedTuple):
    """What every contender got in every cell.

    Attributes:
        contenders: Their names.
        cells: The cells' names.
        columns: By contender, then by cell.
        optima: By cell.
        seed: Fixes resamples.
        reference: Index of the contender that the others are compared with.
        epsilon: Difference of a welfare that counts as none, points.
    """

    contenders: tuple[str, ...]
    cells: tuple[CellName, ...]
    columns: tuple[tuple[Columns, ...], ...]
    optima: tuple[Optimum, ...]
    seed: int
    reference: int
    epsilon: float

    @property
    def groups(self) -> list[Group]:
        """Every cell together; then, in whatever they differ, those that agree in it."""
        found = [Group(ALL, "", tuple(range(len(self.cells))))]
        for place, by in enumerate(DIMENSIONS):
            names = list(dict.fromkeys(labels[place] for labels in self.cells))
            if len(names) > 1:
                found += [
                    Group(by, name, tuple(i for i, c in enumerate(self.cells) if c[place] == name))
                    for name in names
                ]
        return found

    def valid(self, group: Group, *contenders: int) -> NDArray[np.bool_]:
        """Return which episodes have a result in every cell of a group, for all of some contenders.

        Args:
            group: The cells.
            contenders: Indices.

        Returns:
            Shape ``(n,)``.
        """
        parts = [self.columns[a][c].valid for a in contenders for c in group.cells]
        return np.asarray(np.logical_and.reduce(parts), dtype=np.bool_)

    def means(self, contender: int, group: Group, name: str) -> Floats:
        """Return an episode's mean of a column over the cells of a group, shape ``(n,)``.

        Args:
            contender: Its index.
            group: The cells.
            name: The column.
        """
        rows = [getattr(self.columns[contender][c], name) for c in group.cells]
        return np.asarray(np.mean(rows, axis=0), dtype=np.float64)

    def points(self, contender: int, group: Group, valid: NDArray[np.bool_]) -> Floats:
        """Return U and L of every valid episode in every cell of a group, shape ``(cells · n, 2)``.

        Args:
            contender: Its index.
            group: The cells.
            valid: Which episodes count.
        """
        parts = [
            np.stack(
                [self.columns[contender][c].user, self.columns[contender][c].assistant], axis=1
            )[valid]
            for c in group.cells
        ]
        return np.concatenate(parts)


def read_results(
    grid: Grid, root: Path, optima: Sequence[Optimum], reference: str, epsilon: float
) -> Results:
    """Return what lies in an evaluation's folder.

    Args:
        grid: The evaluation.
        root: Its folder.
        optima: By cell.
        reference: Name of the contender that the others are compared with.
        epsilon: Difference of a welfare that counts as none, points.
    """
    types: dict[tuple[str, str], Types] = {}
    for cell in grid.cells:  # types depend on the personas and on no price
        key = (cell.labels.scenario, cell.labels.persona)
        if key not in types:
            types[key] = types_of(cell.game, cell.keyed_by, grid.seed, grid.episodes)
    columns = tuple(
        tuple(
            columns_of(
                read_run(folder_of(root, cell, contender)).episodes,
                types[cell.labels.scenario, cell.labels.persona],
            )
            for cell in grid.cells
        )
        for contender in grid.contenders
    )
    names = tuple(contender.name for contender in grid.contenders)
    return Results(
        names,
        tuple(cell.labels for cell in grid.cells),
        columns,
        tuple(optima),
        grid.seed,
        names.index(reference),
        epsilon,
    )


def measures() -> Iterator[tuple[str, str]]:
    """Yield the three welfares: their column and their letter."""
    yield from zip(MEASURES, ("U", "L", "W"), strict=True)
