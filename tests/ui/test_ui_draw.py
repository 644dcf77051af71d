"""Drawn pages are text of theirs and text of others, and the latter is never markup."""

from __future__ import annotations

from html.parser import HTMLParser

from gtalign_training.ui.draw_game import (
    ASSISTANT_PLANS,
    USER_PLANS,
    draw_facts,
    draw_matrix,
    draw_meaning,
    draw_verdict,
    named,
)
from gtalign_training.ui.draw_phase import draw_phase
from gtalign_training.ui.phase import phase_of
from gtalign_training.ui.seat import Table
from gtalign_training.ui.view import Choice, require_scenario, view_of

from .conftest import pages
from .hostile import HOSTILE


class Parsed(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(sorted(name for name, _ in attributes))))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_no_text_adds_an_element_or_an_attribute(table: Table) -> None:
    benign = [Parsed(page).elements for page in pages(table, "benign words")]
    for text in HOSTILE:
        found = [Parsed(page) for page in pages(table, text)]
        assert [page.elements for page in found] == benign, text
        for part in (0, 1, 4, 5):  # what was said is there, unchanged
            assert text in found[part].text


def test_there_are_120_different_ones() -> None:
    assert len(set(HOSTILE)) == 120
    assert all("pwn" in one for one in HOSTILE)


def test_every_cell_is_there_with_its_marks_and_numbers() -> None:
    view = view_of(require_scenario(Choice("upsell"))[0])
    page = Parsed(draw_matrix(view))
    cells = [names for tag, names in page.elements if tag == "td"]
    assert len(cells) == 14
    for words in (*USER_PLANS.values(), *ASSISTANT_PLANS.values()):
        assert words in page.text
    drawn = draw_matrix(view)
    assert drawn.count("gt-e") == len(view.equilibria)
    assert drawn.count(" gt-p") == len(view.pareto)
    assert drawn.count(" gt-o") == 1
    i, j = view.optimum
    assert f"{view.game.user[i, j]:.2f}" in page.text
    assert named(view.label) in Parsed(draw_verdict(view)).text
    assert Parsed(draw_meaning(view)).text == view.verdict()[1]
    assert "price of anarchy" in Parsed(draw_facts(view)).text


def test_the_map_marks_where_the_sliders_stand_within_its_frame() -> None:
    scenario, knobs = require_scenario(Choice("upsell"))
    values = [knob.start for knob in knobs]
    axes = (0, next(i for i, knob in enumerate(knobs) if knob.group == "user"))
    phase = phase_of(scenario, knobs, values, axes, "dilemma")
    here = draw_phase(phase, 15.0, 0.1)
    assert named(phase.at(15.0, 0.1)) in Parsed(here).text
    assert "15, 0.1" in here
    corner = draw_phase(phase, 1e9, -5.0)  # beyond the ends
    assert 'class="gt-here" transform="translate(386.00 258.00)"' in corner
