"""Evolution and learning as pages: complete in one file, escaped, the same as the still pictures."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gtalign_env.games.dynamics import Dynamic
from gtalign_env.games.dynamics_rest import rest_points
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_training.cli import main
from gtalign_training.plots.dynamics import dynamic_picture
from gtalign_training.plots.flow import flow_of, title_of

RUN = CliRunner()
ROCK = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
BAIT = ("<script>alert(1)</script>", "</script><b>", "scissors")


def dilemma() -> NormalFormGame:
    user = np.array([[3.0, 0.0], [5.0, 1.0]])
    return NormalFormGame(user, user.T, ("C", "D"), ("C", "D"), "pd")


@pytest.mark.parametrize("one_population", [True, False])
def test_a_page_is_complete_and_runs_nothing_of_the_game_s(
    tmp_path: Path, one_population: bool
) -> None:
    game = NormalFormGame(ROCK, ROCK.T, BAIT, BAIT, "<img src=x onerror=alert(1)>")
    dynamic = Dynamic(game, "replicator", one_population)
    page = tmp_path / "page.html"
    rng = np.random.default_rng(0)
    assert dynamic_picture(dynamic, page, rng, points=rest_points(dynamic)) == page
    text = page.read_text(encoding="utf-8")
    own = text[text.rindex('id="picture"') :]  # after the library
    assert "<script>alert" not in own
    assert "</script><b>" not in own
    assert "<img" not in own
    assert not re.search(r'(?:src|href)="https?:', own)
    assert not re.search(r"<(?:script|link)[^>]+(?:src|href)=", text)


def test_arrows_point_where_the_dynamic_goes() -> None:
    flow = flow_of(Dynamic(dilemma(), "replicator"), np.random.default_rng(0), None)
    assert (flow.arrows <= 0).all()  # defection grows in both populations
    np.testing.assert_allclose(np.hypot(*flow.arrows.T), 1.0)
    for path in flow.paths:
        assert path[-1].max() < 0.02


@pytest.mark.parametrize("kind", ["replicator", "learning"])
@pytest.mark.parametrize("ending", ["png", "svg", "html"])
def test_the_command_draws_them_in_every_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, ending: str
) -> None:
    monkeypatch.setattr("gtalign_training.commands.plot.LEARNING_ROUNDS", 2_000)
    begin = {"png": b"\x89PNG", "svg": b"<?xml", "html": b"<!doctype html>"}[ending]
    out = tmp_path / f"picture.{ending}"
    again = tmp_path / f"again.{ending}"
    for file in (out, again):
        asked = ["plot", "prisoners_dilemma", "--kind", kind, "--out", str(file)]
        result = RUN.invoke(main, asked)
        assert result.exit_code == 0, result.output
        assert file.read_bytes().startswith(begin)
    assert out.read_bytes() == again.read_bytes()


def test_titles_name_what_goes_on() -> None:
    assert title_of("fictitious", "chicken") == "Fictitious play: chicken"
    assert title_of("q_learning", "chicken") == "Q-learning: chicken"
    assert title_of("best_response", "") == "Best response"
