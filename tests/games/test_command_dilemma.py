"""``gtalign dilemma``: what it prints and what programs read from it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from gtalign_training.commands.dilemma import dilemma


def run(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(dilemma)
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, list(arguments))


def test_axelrods_dilemma_is_measured() -> None:
    data = json.loads(run("prisoners_dilemma", "--json").stdout)
    assert data["social_dilemma"] is True
    assert data["strict_pd"] == [[["cooperate", "defect"], ["cooperate", "defect"]]]
    (only,) = data["restrictions"]
    assert only["class"] == "prisoner's dilemma"
    assert only["games"] == [{"number": "g111", "label": "PdPd", "name": "prisoner's dilemma"}]
    assert only["cooperate"] == ["cooperate", "cooperate"]
    assert (only["user"]["greed"], only["user"]["fear"]) == (2, 1)
    assert len(only["neighbours"]) == 6
    assert only["nearest_change"] == only["neighbours"][0]


def test_ties_are_named_as_such() -> None:
    data = json.loads(run("gtalign_table1", "--json").stdout)
    assert [one["tied"] for one in data["restrictions"]] == [True] * 3
    assert all(len(one["games"]) > 1 and not one["neighbours"] for one in data["restrictions"])


def test_only_the_strict_dilemmas_of_a_scenario() -> None:
    all_of_them = json.loads(run("upsell", "--json").stdout)
    strict = json.loads(run("upsell", "--strict", "--json").stdout)
    assert len(all_of_them["restrictions"]) == 21
    assert {one["class"] for one in strict["restrictions"]} == {"prisoner's dilemma"}
    assert len(strict["restrictions"]) == len(strict["strict_pd"]) > 0


@pytest.mark.parametrize("target", ["prisoners_dilemma", "upsell", "gtalign_table1"])
def test_the_page_fits_80_columns_and_says_what_it_shows(target: str) -> None:
    page = run(target)
    assert page.exit_code == 0
    assert max(map(len, page.stdout.splitlines())) <= 80
    assert "Social dilemma: " in page.stdout
    assert "greed T - R and fear P - S" in page.stdout
    assert "…" not in page.stdout


def test_labels_are_explained_and_long_pages_cut() -> None:
    page = " ".join(run("prisoners_dilemma").stdout.split())
    assert "g111 PdPd" in page
    assert "assistant's payoffs: Pd prisoner's dilemma, Ch chicken." in page
    assert "Letters: R both cooperate" in page
    cut = run("upsell", "--top", "6")
    assert "6 of 21 choices of two plans" in cut.stdout
    assert "of 21 choices" not in run("upsell").stdout
    data = json.loads(run("upsell", "--top", "6", "--json").stdout)
    assert len(data["restrictions"]) == 6
    strict = [one["class"] == "prisoner's dilemma" for one in data["restrictions"]]
    assert strict == sorted(strict, reverse=True)
    assert sum(strict) == min(6, len(data["strict_pd"]))
