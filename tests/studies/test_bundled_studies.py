"""What each bundled study claims in its description, from the data that the sweep computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gtalign_env.core.exact import normal_form
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.games.repeated import Cooperation, grim_discount
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.library import list_entries
from gtalign_env.scenario.sweep import load_study
from gtalign_training.studies.folder import StudyFolder
from gtalign_training.studies.maps import picture_of
from gtalign_training.studies.sweep import sweep

STUDIES = [entry.name for entry in list_entries("study")]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, StudyFolder]:
    """Return the folders of all bundled studies, swept."""
    root = tmp_path_factory.mktemp("studies")
    for name in STUDIES:
        sweep(load_study(name), root / name)
    return {name: StudyFolder(root / name) for name in STUDIES}


def columns(folder: StudyFolder) -> dict[str, Any]:
    """Return the results, each column of the study's shape."""
    table, shape = folder.results(), folder.study().shape
    return {n: table[n].to_numpy(zero_copy_only=False).reshape(shape) for n in table.column_names}


def borders_at(folder: StudyFolder, kind: str, **at: str) -> list[tuple[float, str]]:
    """Return where the label changes along the one axis left, and to what; first at its start."""
    picture = picture_of(folder, kind, at)
    (panel,) = picture.panels
    assert panel.bands is not None
    first, found = panel.bands
    return [
        (float(picture.x.numbers[0]), picture.names[first]),
        *((float(picture.x.at(np.array(b.at))), picture.names[b.after]) for b in found),
    ]


def test_every_bundled_study_has_its_finding_tested_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in STUDIES if f'swept["{name}"]' not in source] == []


@pytest.mark.parametrize("name", STUDIES)
def test_a_bundled_study_is_small_and_exact(swept: dict[str, StudyFolder], name: str) -> None:
    summary = swept[name].read("summary.json")
    assert summary["points"] <= 1000
    assert summary["exact"] is True


def test_the_band_of_prices_that_make_a_dilemma(swept: dict[str, StudyFolder]) -> None:
    folder = swept["token_price_by_conciseness"]
    band = borders_at(folder, "restriction", **{"persona.conciseness": "0.1"})
    assert [name for _, name in band] == ["other", "prisoner's dilemma", "other"]
    assert [at for at, _ in band] == pytest.approx([0.0, 2.734, 15.048], abs=5e-4)
    strict = columns(folder)["restriction.strict_pd"]
    prices = folder.study().axes[0].numbers
    begins = [prices[row][0] for row in strict.T]
    assert begins == sorted(begins, reverse=True)
    assert not strict[prices > 15.05].any()
    # just inside and outside of the band, by the single-game functions
    for price, inside in ((2.73, False), (2.74, True), (15.04, True), (15.05, False)):
        study = folder.study()
        matrix = normal_form(compile_scenario(study.scenario((price, 0.1))))
        U, L = matrix.user, matrix.assistant
        user = U[0, 0] > U[1, 0] > U[0, 5] > U[1, 5]
        assistant = L[1, 5] > L[1, 0] > L[0, 5] > L[0, 0]
        assert bool(user and assistant) is inside, price


def test_the_patience_that_sustains_cooperation(swept: dict[str, StudyFolder]) -> None:
    folder = swept["patience_by_price"]
    critical = columns(folder)["restriction.critical_discount"]
    prices = folder.study().axes[0].numbers
    known = ~np.isnan(critical)
    least = int(np.nanargmin(critical))
    assert prices[least] == 9.25
    assert critical[least] == pytest.approx(0.569, abs=5e-4)
    assert (np.diff(critical[known & (prices <= 9.25)]) < 0).all()
    assert (np.diff(critical[known & (prices >= 9.25)]) > 0).all()
    assert critical[known][[0, -1]].min() > 0.99
    assert [at for at, _ in borders_at(folder, "patience")] == pytest.approx(
        [0.0, 2.734, 15.048], abs=5e-4
    )
    study = folder.study()
    for index in (30, 74, 110):
        matrix = normal_form(compile_scenario(study.scenario(study.point(index))))
        game = NormalFormGame(matrix.user[1::-1, [0, 5]], matrix.assistant[1::-1, [0, 5]])
        found = grim_discount(game, Cooperation((0, 1), (0, 1)))
        assert critical[index] == pytest.approx(found.both, rel=1e-12)
    # the user's need falls with the price, the provider's rises: they meet at the least
    sides = []
    for price in (5.0, 9.25, 13.0):
        matrix = normal_form(compile_scenario(study.scenario((price,))))
        game = NormalFormGame(matrix.user[1::-1, [0, 5]], matrix.assistant[1::-1, [0, 5]])
        sides.append(grim_discount(game, Cooperation((0, 1), (0, 1))))
    users, providers = zip(*((one.user, one.assistant) for one in sides), strict=True)
    assert list(users) == sorted(users, reverse=True)
    assert list(providers) == sorted(providers)


def test_when_over_verbosity_pays(swept: dict[str, StudyFolder]) -> None:
    folder = swept["retention_by_margin"]
    churn = folder.study().base.provider.churn
    for weight, retention in ((25, 3.02), (50, 6.54), (75, 10.06), (100, 13.58)):
        band = borders_at(folder, "move", **{"provider.margin_weight": str(weight)})
        assert [name for _, name in band] == ["DQ x AQ:verbose", "VQ x CQ"]
        assert band[1][0] == pytest.approx(retention, abs=5e-3)
        assert (band[1][0] + churn) / weight == pytest.approx(0.1408, abs=5e-5)


def test_free_questions_are_not_asked(swept: dict[str, StudyFolder]) -> None:
    folder = swept["free_questions_by_ambiguity"]
    at = columns(folder)
    assert (at["equilibria"] == 1).all()
    assert at["worst.move"].tolist() == [["VQ x CQ"] * 11, ["DQ x DA:concise"] * 11]
    billed, free = 0, 1
    assert at["worst.user"][free] - at["worst.user"][billed] == pytest.approx(0.74, abs=5e-3)
    assert at["worst.assistant"][free] - at["worst.assistant"][billed] == pytest.approx(
        -0.366, abs=5e-4
    )
    assert at["price_of_anarchy"][billed] == pytest.approx(1.02, abs=5e-3)
    assert at["price_of_anarchy"][free] == pytest.approx(1.0, abs=5e-4)


def test_a_flat_fee_moves_welfare_and_not_play(swept: dict[str, StudyFolder]) -> None:
    folder = swept["subscription_fee_by_usage"]
    at = columns(folder)
    study = folder.study()
    usage, fees = (axis.numbers for axis in study.axes)
    share = fees[None, :] / usage[:, None]
    assert (at["equilibria"] == 1).all()
    assert (at["worst.move"] == "VQ x CQ").all()
    fits = share <= 0.1
    who = study.base.population[0][1]
    assert who.budget.mean == 0.1e12
    # with the fee in the budget U falls by λ times the share, and by nothing else
    best = at["worst.user"][0, 0]
    expected = best - who.price_sensitivity.mean * share
    assert at["worst.user"][fits] == pytest.approx(expected[fits], abs=1e-9)
    assert best / who.price_sensitivity.mean == pytest.approx(0.0197, abs=5e-5)
    outside = who.outside_option.mean - who.effort.vague.mean
    assert at["worst.user"][~fits] == pytest.approx(outside)
    assert (at["worst.charge"][~fits] == 0).all()
