"""Borders by halving, against regions whose borders are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtalign_training.studies.borders import Asked, Labels, borders, refined


@given(st.lists(st.floats(0.0, 9.0), min_size=1, max_size=4, unique=True))
def test_borders_on_a_line_are_found_to_the_last_halving(cuts: list[float]) -> None:
    cuts = sorted(cuts)

    def ask(places: Asked) -> Labels:
        return np.searchsorted(cuts, places[:, 0]).astype(np.int64)

    labels = ask(np.arange(10.0)[:, None])
    found = borders(labels, ask, 30)
    steps = np.flatnonzero(np.diff(labels))
    # every step whose ends differ holds a border, and each border found is one there is
    assert {int(border.at) for border in found} >= set(steps.tolist())
    for border in found:
        assert min(abs(border.at - cut) for cut in cuts) < 1e-8
    assert [b.after for b in found][:-1] == [b.before for b in found][1:]


def disc(places: Asked) -> Labels:
    """One region of radius 3.3 around (5.2, 4.1), and a half plane behind it."""
    distance = np.hypot(places[:, 0] - 5.2, places[:, 1] - 4.1)
    return np.where(distance < 3.3, 1, np.where(places[:, 1] > 6.45, 2, 0)).astype(np.int64)


def nodes(rows: int, columns: int, step: float = 1.0) -> Asked:
    i, j = np.meshgrid(np.arange(rows) * step, np.arange(columns) * step, indexing="ij")
    return np.stack([i.ravel(), j.ravel()], axis=1)


@pytest.mark.parametrize("halvings", [1, 3, 4])
def test_a_refined_map_is_the_map_of_all_fine_points(halvings: int) -> None:
    asked = []

    def ask(places: Asked) -> Labels:
        asked.append(places)
        return disc(places)

    fine = refined(disc(nodes(11, 9)).reshape(11, 9), ask, halvings)
    step = 2**halvings
    rows, columns = 10 * step + 1, 8 * step + 1
    assert fine.shape == (rows, columns)
    assert (fine == disc(nodes(rows, columns, 1 / step)).reshape(rows, columns)).all()
    places = np.concatenate(asked)
    assert len(np.unique(places, axis=0)) == len(places)  # nothing is asked twice
    if halvings == 4:
        assert len(places) < fine.size / 5


def test_one_label_asks_for_nothing() -> None:
    def ask(places: Asked) -> Labels:
        raise AssertionError(places)

    assert (refined(np.zeros((3, 4), dtype=np.int64), ask, 3) == 0).all()
    assert borders(np.zeros(5, dtype=np.int64), ask, 3) == []
