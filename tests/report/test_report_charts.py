"""What stands on the charts can be read: no name lies on another, on a mark, on a line, or is cut."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gtalign_env.core.exact import normal_form
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_pricing, load_scenario
from gtalign_training.plots.curves import smooth
from gtalign_training.report.charts.curves import _crosses, curve_chart
from gtalign_training.report.charts.field import even_ticks
from gtalign_training.report.charts.flow import flow_chart
from gtalign_training.report.charts.svg import NARROW, WIDE, scale_of, text_box
from gtalign_training.report.games import game_part
from gtalign_training.report.page import Report, page_of
from gtalign_training.report.parts import Curve, Folder, Part, Table
from gtalign_training.report.readers import read_folders
from gtalign_training.report.sections import build
from gtalign_training.statistics import Interval
from gtalign_training.studies.maps import Scale
from tests.browser import Visitor
from tests.report.conftest import Page
from tests.report.test_report_pages import opened

MEETING = """() => {
  const out = [];
  for (const svg of document.querySelectorAll("svg.svg")) {
    if (!svg.getClientRects().length) continue;
    const names = [...svg.querySelectorAll("text.named")];
    const marks = [...svg.querySelectorAll("circle.dot, circle.ring, path.star, path.diamond")];
    const box = (n) => n.getBoundingClientRect();
    const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    names.forEach((one, k) => {
      for (const other of [...names.slice(k + 1), ...marks]) {
        if (meet(box(one), box(other))) out.push(one.textContent + " / " + (other.textContent || other.className.baseVal));
      }
    });
    if (svg.querySelector(".hull") && names.length < 4) out.push("hardly a name is there");
  }
  return out;
}"""

OUTSIDE = """() => [...document.querySelectorAll("svg.svg")].flatMap((svg) => {
  if (!svg.getClientRects().length) return [];
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text")].filter((t) => {
    const box = t.getBoundingClientRect();
    return box.left < frame.left - 1 || box.right > frame.right + 1;
  }).map((t) => t.textContent);
})"""


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of games whose points lie close to each other, with much that is marked."""
    games: list[Part] = []
    for name, price in (
        ("help_desk", "subscription"),
        ("upsell", None),
        ("help_desk", "reasoning_api"),
    ):
        scenario = load_scenario(name)
        if price is not None:
            scenario = scenario.with_pricing(load_pricing(price))
        spec = compile_scenario(scenario)
        matrix = normal_form(spec)
        u, a = float(matrix.user[0, 0]), float(matrix.assistant[0, 0])
        exact = {"user": Interval(u, u, u), "assistant": Interval(a, a, a)}
        spread = {"user": Interval(u, u - 0.3, u + 0.3), "assistant": Interval(a, a - 0.1, a + 0.1)}
        part = game_part(spec, matrix, played=(("one", exact), ("two", spread)))
        games.append(replace(part, optimum=(u + 0.1, a, 1.0)))
    folder = Folder("crowded", "folder", "crowded", (), parts=tuple(games))
    file = tmp_path_factory.mktemp("crowded") / "page.html"
    file.write_text(page_of(Report((folder,))), encoding="utf-8")
    return file


@pytest.mark.parametrize("width", [390, 1280])
def test_names_of_points_meet_nothing_and_no_text_leaves_its_chart(
    width: int, page: Page, crowded: Path, visit: Visitor
) -> None:
    for file in (page("moves"), crowded):
        seen = opened(visit, file, width=width)
        assert seen.page.locator("text.named").count() > 0
        assert seen.page.evaluate(MEETING) == []
        assert seen.page.evaluate(OUTSIDE) == []


def test_only_what_has_intervals_is_said_to_have_them(crowded: Path) -> None:
    text = crowded.read_text(encoding="utf-8")
    assert "played: two, 95\u202f% intervals" in text
    assert "played: one, 95" not in text
    assert "played: one" in text


@pytest.mark.parametrize("name", ["moves", "training", "sweep"])
def test_the_head_of_a_page_shows_all_sections_without_a_scrollbar(
    name: str, page: Page, visit: Visitor
) -> None:
    seen = opened(visit, page(name), width=1280)
    assert (
        seen.page.evaluate("(n => n.scrollWidth - n.clientWidth)(document.querySelector('nav'))")
        <= 0
    )
    last = seen.page.locator("nav a").last
    target = str(last.get_attribute("href"))
    last.click()
    head = seen.page.evaluate("document.querySelector('body > header').offsetHeight")
    seen.page.wait_for_timeout(200)
    assert seen.page.locator(target).bounding_box()["y"] >= head  # not hidden below it
    seen.page.set_viewport_size({"width": 390, "height": 800})
    bar = "(n => n.offsetHeight - n.clientHeight)(document.querySelector('nav'))"
    assert seen.page.evaluate(bar) == 0


def test_a_name_that_is_too_long_for_a_line_takes_two_and_is_not_cut() -> None:
    drawn = flow_chart(
        "x",
        [("output", 0.004), ("reasoning", 0.001)],
        "all",
        [("computing: output", 1e-6), ("provider’s margin", 0.004999)],
    )
    wide, narrow = drawn.split(f'viewBox="0 0 {NARROW}')
    assert "…" not in drawn
    assert ">provider’s margin<" in wide
    for word in (">provider’s<", ">margin<", ">billed for<", ">went to<"):
        assert word in narrow
    assert "&lt;1" in narrow  # a little is not nothing


def test_both_sides_of_a_flow_are_headed_where_they_are() -> None:
    drawn = flow_chart("x", [("output", 0.004)], "all", [("margin", 0.004)])
    for head, name in (("billed for", "output"), ("went to", "margin")):
        (first, second) = (
            re.findall(rf'<text x="([\d.]+)"[^>]*>{word}<', drawn) for word in (head, name)
        )
        assert first == second  # wide and narrow


def test_the_name_of_a_level_lies_on_no_line() -> None:
    xs = tuple(float(k) for k in range(200))
    high = tuple(2.75 + 0.02 * np.sin(x) for x in xs)  # where the name of 2.6 would stand
    low = tuple(-1 + 3.4 * (1 - np.exp(-x / 30)) for x in xs)
    curves = [Curve("L", "assistant", xs, high), Curve("W", "joint", xs, low)]
    drawn = curve_chart("x", curves, "step", "points", [("exact optimum of W", 2.6)])
    looks = r'<text x="([\d.]+)" y="([\d.]+)" class="tick level-name" text-anchor="(\w+)"'
    for width, half in zip((WIDE, NARROW), drawn.split("</svg>"), strict=False):
        height = 300 if width > 500 else 250
        x = scale_of(xs, 46.0, width - 12.0, margin=0.01)
        y = scale_of([*high, *low, 2.6], height - 44.0, 26.0, margin=0.05)
        for across, up, anchor in re.findall(looks, half):
            box = text_box(float(across), float(up), "exact optimum of W", anchor)
            for one in curves:
                for ys in (one.y, smooth(np.array(one.y), 5).tolist()):
                    assert not _crosses([(x(a), y(b)) for a, b in zip(one.x, ys, strict=True)], box)
    assert re.findall(looks, drawn)


def test_where_a_level_has_no_room_for_its_name_the_key_has_it() -> None:
    xs = tuple(float(k) for k in range(60))
    dense = tuple(2.6 + (-1) ** k * 0.5 for k in range(60))
    drawn = curve_chart("x", [Curve("W", "joint", xs, dense)], "step", "points", [("best", 2.6)])
    assert "level-name" not in drawn
    assert 'class="level l0"' in drawn


@pytest.mark.parametrize(("points", "most"), [(31, 5), (31, 7), (21, 5), (5, 5), (4, 4), (2, 5)])
def test_ticks_of_a_map_are_evenly_spaced(points: int, most: int) -> None:
    scale = Scale("price", "USD", np.linspace(0.0, 30.0, points), log=False)
    places, told = zip(*even_ticks(scale, most), strict=True)
    assert 2 <= len(places) <= most + 1
    steps = np.diff(places)
    assert np.allclose(steps, steps[0])
    numbers = [float(one) for one in told]
    assert np.allclose(np.interp(places, range(points), scale.numbers), numbers)
    uneven = Scale("price", "USD", np.geomspace(0.01, 1.0, points), log=True)
    steps = np.diff([place for place, _ in even_ticks(uneven, most)])
    assert np.allclose(steps, steps[0])


def test_columns_of_words_begin_at_the_left_and_those_of_numbers_end_at_the_right() -> None:
    drawn = build(
        Table(
            "x",
            ("property", "points", "share", "where"),
            (("a", "1,200", "exact", "price 0 to 1"), ("b", "–", "2 %", "")),
        )
    )
    looks = re.findall(r'<td class="(\w+)"', drawn)
    assert looks == ["number", "number", "words"] * 2


def test_a_training_without_text_says_how_its_headline_was_measured(folders: Path) -> None:
    (found,) = read_folders([folders / "training"])
    assert "likeliest moves" in found.headline_note
    notes = {part.title: part.note for part in found.parts}
    assert "sampled moves" in notes["How it learnt (PPO)"]
    assert "probabilities" in notes["First moves by price, user and question"]
    drawn = {part.title: build(part) for part in found.parts}
    assert "nats" not in drawn["Loss (PPO)"]  # its terms have several units


def test_a_sweep_tells_the_whole_game_from_its_restriction(folders: Path) -> None:
    (found,) = read_folders([folders / "sweep"])
    drawn = "".join(build(part) for part in found.parts)
    assert "strict PD inside" in drawn
    assert "Social dilemma: of the whole game" in drawn
    assert "The restriction: {DQ, VQ} × {DA:concise, AQ:standard}." in drawn
    assert "strict PD, social dilemma" not in drawn
    assert "2×2 part" not in drawn
