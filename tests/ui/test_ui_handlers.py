"""Whatever fails behind a control is said on the page, and nothing stale stays on it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gtalign_env.errors import ScenarioError
from gtalign_training.ui.handlers import handler
from gtalign_training.ui.tab_seat import seed_of
from tests.browser import WAIT, Visitor, soon

from .conftest import address_of, environment
from .test_ui_page import holding, pick, slide, until

BROKEN = """
import gtalign_training.ui.explore as explore
import gtalign_training.ui.tab_game as tab_game
from gtalign_training.cli import main

def breaking(draw, when, what):
    def drawn(*given):
        if when(*given):
            raise ZeroDivisionError(what)
        return draw(*given)
    return drawn

matrix = breaking(explore.draw_matrix, lambda view: "output=50000000" in str(view.spec.regime), "no <matrix>")
explore.draw_matrix = matrix
explore.draw_phase = breaking(explore.draw_phase, lambda phase, x, y: phase.asked == "equilibrium", "no map")
tab_game.draw_about = breaking(tab_game.draw_about, lambda scenario: scenario.name == "help_desk", "no words")
main()
"""
"""A playground in which three ways of drawing fail, each at something else that a person may choose."""


def bad(problem: Exception) -> str:
    raise problem


def test_what_cannot_be_played_says_why_and_what_nobody_foresaw_where(
    capsys: pytest.CaptureFixture[str],
) -> None:
    act = handler(bad, lambda notice: [notice, ""], "drawing the map")
    shown, rest = act(ScenarioError("no price <0>"))
    assert "cannot be played" in shown
    assert "no price &lt;0&gt;" in shown
    assert rest == ""
    assert capsys.readouterr().err == ""
    shown, rest = act(KeyError("<b>"))
    assert rest == ""
    for part in (
        "Drawing the map failed",
        "KeyError: &#x27;&lt;b&gt;&#x27;",
        "test_ui_handlers.py",
    ):
        assert part in shown
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "in bad" in said


def test_a_seat_does_not_say_what_an_error_says() -> None:
    shown = handler(bad, str, "your move", secret=True)(KeyError("conciseness 0.4"))
    assert "KeyError" in shown
    assert "conciseness" not in shown


def test_of_several_answers_those_before_the_failure_are_shown() -> None:
    def act() -> Iterator[str]:
        yield "thinking"
        raise RuntimeError

    first, second = handler(act, str, "your move")()
    assert first == "thinking"
    assert "RuntimeError" in second


def test_a_seed_is_a_whole_number_or_left_out() -> None:
    assert seed_of(" 12 ") == 12
    assert seed_of("") != seed_of(None)
    for text in ("-1", "1.5", "one", "²"):
        with pytest.raises(ScenarioError, match="whole number"):
            seed_of(text)


def test_a_failure_leaves_nothing_stale_on_the_page(visit: Visitor, tmp_path: Path) -> None:
    pytest.importorskip("gradio", reason="gradio is not installed (the extra ui)")
    program = tmp_path / "broken.py"
    program.write_text(BROKEN, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(program), "ui", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        seen = visit(address_of(process))
        seen.page.wait_for_selector(".gt-matrix", timeout=WAIT)
        failed = "went wrong in the playground"
        slide(seen, "price of output (USD per 1M tokens)", "50")
        until(seen, ".gt-result", holding(failed))
        soon(seen.page.locator(".gt-matrix")).to_have_count(0)
        soon(seen.page.locator(".gt-phase")).to_have_count(
            1
        )  # its own picture, of the same sliders
        soon(seen.page.locator(".gt-problem")).to_contain_text("no <matrix>")
        seen.page.get_by_role("button", name="Back to the scenario's own numbers").click()
        seen.page.wait_for_selector(".gt-matrix", timeout=WAIT)
        seen.page.get_by_role("radio", name="equilibrium").check()
        until(seen, ".gt-pictures", holding(failed))
        soon(seen.page.locator(".gt-phase")).to_have_count(0)
        seen.page.get_by_role("radio", name="dilemma").check()
        seen.page.wait_for_selector(".gt-phase", timeout=WAIT)
        pick(seen, "Scenario", "help_desk")
        until(seen, ".gt-result", holding(failed))
        soon(seen.page.locator(".gt-matrix, .gt-phase, .gt-about")).to_have_count(0)
        price = seen.page.get_by_label(re.compile("^number input for price of output"))
        soon(price).to_be_hidden()
        pick(seen, "Scenario", "small_screen")
        seen.page.wait_for_selector(".gt-matrix", timeout=WAIT)
        soon(seen.page.locator(".gt-problem")).to_have_count(0)
        seen.check()
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    for what in ("no <matrix>", "no map", "no words"):
        assert f"ZeroDivisionError: {what}" in said
