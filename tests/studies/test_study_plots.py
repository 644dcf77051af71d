"""Pictures of studies and games: drawn, readable without their source, equal for equal input."""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gtalign_env.errors import MissingExtraError, RunError
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.scenario.sweep import Study
from gtalign_training.plots.studies import payoffs, phase, replies
from gtalign_training.plots.studies.colours import COLOURS, ink_on, is_hatched
from gtalign_training.plots.studies.interactive import page_of_study
from gtalign_training.plots.studies.payoffs import draw_payoffs, names_of, offsets_of
from gtalign_training.plots.studies.phase import draw_phase, note_of
from gtalign_training.plots.studies.portrait import Portrait, portrait
from gtalign_training.plots.studies.replies import draw_replies, lanes
from gtalign_training.studies.folder import StudyFolder
from gtalign_training.studies.maps import KINDS, MOVES, picture_of
from gtalign_training.studies.solved import DILEMMAS, MEANING
from gtalign_training.studies.sweep import sweep

Write = Callable[[str], Study]

Figures = list[Any]


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Figures:
    """Return a list that collects the figures that are saved."""
    found: Figures = []
    for module in (phase, payoffs, replies):
        save = module.save

        def collect(figure: Any, out: Path, save: Any = save) -> Path:
            figure.draw_without_rendering()
            found.append(figure)
            return save(figure, out)  # type: ignore[no-any-return]  # a path

        monkeypatch.setattr(module, "save", collect)
    return found


def size_of(png: Path) -> tuple[int, int]:
    data = png.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def texts(figure: Any) -> Iterator[tuple[str, Any]]:
    """Yield every text of a figure that is drawn, with its box in pixels."""
    from matplotlib.text import Text

    beyond: set[Any] = set()
    for axes in figure.findobj(lambda one: hasattr(one, "xaxis")):
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            room = 1e-9 * (high - low)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                # matplotlib keeps ticks beyond the ends, and does not draw them
                if not low - room <= tick.get_loc() <= high + room:
                    beyond |= {tick.label1, tick.label2}
    for one in figure.findobj(Text):
        if one.get_visible() and one.get_text().strip() and one not in beyond:
            # of an annotation the text alone, without the line to its point
            yield one.get_text(), Text.get_window_extent(one)


def check_readable(figure: Any) -> None:
    """Check that no text of a figure covers another or leaves the picture."""
    found = list(texts(figure))
    assert len(found) > 5
    for text, box in found:
        assert box.x0 > -2 and box.y0 > -2, text  # noqa: PT018  two sides of one corner
        assert box.x1 < figure.bbox.width + 2, text
        assert box.y1 < figure.bbox.height + 2, text
    for (one, a), (other, b) in combinations(found, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        up = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across <= 2 or up <= 2, (one, other)


# Phase diagrams


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("held", [{}, {"persona.conciseness": "0.1"}], ids=["map", "line"])
def test_every_kind_is_drawn_and_nothing_overlaps(
    folder: StudyFolder, figures: Figures, tmp_path: Path, kind: str, held: dict[str, str]
) -> None:
    shown = picture_of(folder, kind, held, 2)
    out = draw_phase(shown, tmp_path / "picture.png")
    assert size_of(out)[0] == 1200
    (figure,) = figures
    check_readable(figure)
    said = " ".join(text for text, _ in texts(figure))
    written = re.sub(r"(?<=[._:/])\n(?=[a-z])", "", said).replace("\n", " ")
    assert KINDS[kind].title in written
    assert "price (USD per 1M tokens)" in said
    assert "free questions: no" in said
    assert "free questions: yes" in said
    assert "Study drawn" in said
    assert ("conciseness (points / 100 tokens)" in written) is not bool(held)
    assert bool(held) is ("persona.conciseness 0.1 points / 100 tokens" in written)
    assert (MEANING in written) is (shown.names == DILEMMAS and (kind == "class" or bool(held)))
    assert "strict PD, social" not in written  # people read other words than programs
    restricted = KINDS[kind].column.startswith("restriction")
    assert ("{DQ, VQ} × {DA:concise, AQ:standard}" in written) is restricted


@pytest.mark.parametrize("ending", ["png", "svg", "html"])
def test_equal_pictures_are_equal_files(folder: StudyFolder, tmp_path: Path, ending: str) -> None:
    shown = picture_of(folder, "restriction", {"pricing.free.questions": "true"}, 2)
    draw = page_of_study if ending == "html" else draw_phase
    first = draw(shown, tmp_path / f"a.{ending}").read_bytes()
    assert first == draw(shown, tmp_path / f"b.{ending}").read_bytes()
    other = picture_of(folder, "restriction", {"pricing.free.questions": "false"}, 2)
    assert first != draw(other, tmp_path / f"c.{ending}").read_bytes()
    if ending == "svg":
        assert b"<svg" in first[:600]
        assert b"prisoner's dilemma" in first


def test_a_map_of_labels_agrees_with_the_results_at_the_points(folder: StudyFolder) -> None:
    shown = picture_of(folder, "move", {"pricing.free.questions": "false"}, 3)
    (panel,) = shown.panels
    assert panel.codes is not None
    assert panel.codes.shape == (4 * 8 + 1, 6 * 8 + 1)
    table = folder.results(["worst.move"])["worst.move"].to_numpy(zero_copy_only=False)
    expected = table.reshape(7, 5, 2)[:, :, 0].T
    assert (np.array(MOVES)[panel.codes[::8, ::8]] == expected).all()
    assert shown.title == "Worst equilibrium: upsell, free questions: no"


def test_axes_are_held_by_name_and_nearest_value(folder: StudyFolder) -> None:
    shown = picture_of(
        folder, "welfare", {"persona.conciseness": "0.09", "pricing.free.questions": "true"}
    )
    (panel,) = shown.panels
    assert panel.lines is not None
    study = folder.study()
    table = folder.results(["worst.welfare"])["worst.welfare"].to_numpy()
    index = int(np.abs(study.axes[1].numbers - 0.1).argmin())
    expected = table.reshape(7, 5, 2)[:, index, 1]
    assert panel.lines["worst.welfare"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("kind", "held", "said"),
    [
        ("class", {"persona.concisness": "1"}, "Did you mean 'persona.conciseness'?"),
        ("class", {"persona.conciseness": "much"}, "must be a number; got 'much'"),
        ("class", {"pricing.free.questions": "maybe"}, "must be one of False, True"),
        (
            "class",
            {"persona.conciseness": "1", "pricing.components.per_token.rates.output": "1"},
            "no axis of numbers left to draw",
        ),
    ],
)
def test_what_cannot_be_held_is_refused(
    folder: StudyFolder, kind: str, held: dict[str, str], said: str
) -> None:
    with pytest.raises(RunError) as caught:
        picture_of(folder, kind, held)
    assert said in str(caught.value)


def test_what_a_study_lacks_cannot_be_drawn(study_of: Write, tmp_path: Path) -> None:
    plain = study_of("axes: [{field: persona.harm, values: [1, 2]}]\ncompute: [equilibria]\n")
    sweep(plain, tmp_path / "plain")
    with pytest.raises(RunError, match="needs a study with a restriction"):
        picture_of(StudyFolder(tmp_path / "plain"), "patience")
    with pytest.raises(RunError, match="needs a study with welfare in compute"):
        picture_of(StudyFolder(tmp_path / "plain"), "anarchy")
    assert picture_of(StudyFolder(tmp_path / "plain"), "move").panels[0].lines == {}
    many = study_of("""\
        axes:
          - {field: persona.harm, values: [1, 2]}
          - {field: persona.value, values: [1, 2]}
          - {field: provider.churn, values: [1, 2, 3, 4, 5]}
        """)
    sweep(many, tmp_path / "many")
    with pytest.raises(RunError, match=r"provider\.churn would make 5: hold some by --at"):
        picture_of(StudyFolder(tmp_path / "many"), "class")
    drawn = study_of("axes: [{field: persona.harm, sobol: {from: 0, to: 1}}]\nsamples: 4\n")
    sweep(drawn, tmp_path / "drawn")
    with pytest.raises(RunError, match="a map needs a grid"):
        picture_of(StudyFolder(tmp_path / "drawn"), "class")


def test_axes_without_labels_are_named_in_full(
    study_of: Write, figures: Figures, tmp_path: Path
) -> None:
    study = study_of("""\
        axes:
          - {field: pricing.components.per_token.rates.output, grid: {from: 0, to: 30, points: 4}}
          - {field: persona.conciseness, log_grid: {from: 0.01, to: 1, points: 3}}
          - {field: pricing.free.questions, values: [false, true]}
        """)
    sweep(study, tmp_path / "out")
    folder = StudyFolder(tmp_path / "out")
    draw_phase(picture_of(folder), tmp_path / "map.png")
    price = {"pricing.components.per_token.rates.output": "10"}
    draw_phase(picture_of(folder, "welfare", price), tmp_path / "line.png")
    for figure in figures:
        check_readable(figure)
        written = " ".join("".join(text.split()) for text, _ in texts(figure))
        assert "pricing.components.per_token.rates.output" in written
        assert "0.01" in written  # the logarithmic axis, in plain numbers
        assert "mathdefault" not in written


def test_what_is_approximate_is_not_called_exact(study_of: Write, tmp_path: Path) -> None:
    axes = "axes: [{field: persona.harm, grid: {from: 0, to: 1, points: 3}}]\n"
    sweep(study_of(axes), tmp_path / "out")
    shown = picture_of(StudyFolder(tmp_path / "out"), "class")
    assert shown.exact
    assert "on the exact game" in note_of(shown)
    approximate = note_of(replace(shown, exact=False))
    assert "exact" not in approximate
    assert "on the approximate game" in approximate


# Pages


def test_pages_are_complete_and_escape_what_comes_from_files(
    study_of: Write, tmp_path: Path
) -> None:
    evil = "<script>alert(1)</script> & <b>"
    study = study_of(
        f"axes: [{{field: persona.harm, label: {evil!r}, grid: {{from: 0, to: 1, points: 3}}}}]\n"
    )
    sweep(study, tmp_path / "out")
    shown = picture_of(StudyFolder(tmp_path / "out"), "class")
    page = page_of_study(shown, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page
    assert "<title>Social dilemma, or a strict PD inside: upsell</title>" in page
    assert "<script src=" not in page
    assert "plotly" in page
    assert len(page) > 1_000_000  # the library is inside
    assert size_of(draw_phase(shown, tmp_path / "page.png"))[0] == 1200


def test_without_plotly_the_extra_is_named(
    folder: StudyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    shown = picture_of(folder, "welfare", {"pricing.free.questions": "true"})
    with pytest.raises(MissingExtraError, match=r'"gtalign-env\[studies\]"'):
        page_of_study(shown, tmp_path / "page.html")


# Games


def shown_game(user: Any, assistant: Any) -> Portrait:
    return portrait(NormalFormGame(np.array(user), np.array(assistant)), "a game")


def random_game(seed: int, shape: tuple[int, int]) -> Portrait:
    stream = np.random.default_rng(seed)
    return shown_game(stream.normal(size=shape), stream.normal(size=shape))


@pytest.mark.parametrize("shape", [(2, 2), (2, 7), (3, 3), (5, 4)])
def test_games_are_drawn_and_nothing_overlaps(
    figures: Figures, tmp_path: Path, shape: tuple[int, int]
) -> None:
    shown = random_game(3, shape)
    assert size_of(draw_payoffs(shown, tmp_path / "payoffs.png"))[0] == 1200
    assert size_of(draw_replies(shown, tmp_path / "replies.png"))[0] == 1200
    for figure in figures:
        check_readable(figure)


def test_large_games_have_room_for_long_names(figures: Figures, tmp_path: Path) -> None:
    stream = np.random.default_rng(3)
    user, assistant = stream.normal(size=(2, 6, 12))
    asks = tuple(f"ask a long question in style {i}" for i in range(6))
    answers = tuple(f"answer with detail level {j}" for j in range(12))
    game = NormalFormGame(user, assistant, asks, answers, "large")
    shown = portrait(game, "large")
    assert names_of(shown) == {}
    draw_payoffs(shown, tmp_path / "payoffs.png")
    assert "72 cells, too many to name" in " ".join(text for text, _ in texts(figures[0]))
    draw_replies(shown, tmp_path / "replies.png")
    assert {"answer with detail level 11", "ask a long question in\nstyle 5"} <= {
        text for text, _ in texts(figures[1])
    }
    check_readable(figures[0])
    width, height = figures[1].bbox.size
    for text, box in texts(figures[1]):
        inside = box.x0 > -2 and box.y0 > -2 and box.x1 < width + 2 and box.y1 < height + 2
        assert inside, text


def test_every_gain_has_its_arrow_and_equilibria_have_none() -> None:
    for seed in range(20):
        shown = random_game(seed, (3, 4))
        game = shown.game
        drawn = {
            (round(y + 0.3), round(x)) if lane.seat == "assistant" else (round(y), round(x + 0.3))
            for lane in lanes(shown)
            for _, (x, y) in lane.arrows
        }
        assert drawn == {end for _, end in shown.arrows}
        leaving = {start for start, _ in shown.arrows}
        assert leaving.isdisjoint(shown.pure)
        for start, end in shown.arrows:
            own = game.user if start.user != end.user else game.assistant
            assert own[end] > own[start]


def test_the_polygon_holds_all_cells_and_marks_the_dilemma() -> None:
    shown = shown_game([[3, 0], [5, 1]], [[3, 5], [0, 1]])
    assert sorted(map(tuple, shown.hull.tolist())) == [(0, 5), (1, 1), (3, 3), (5, 0)]
    assert shown.pure == {(1, 1)}
    assert set(shown.pareto) == {(0, 0), (0, 1), (1, 0)}
    assert dict(shown.agreements)["Nash bargaining"] == pytest.approx((3, 3))
    assert names_of(shown)[(3.0, 3.0)] == "u0 x a0"


def test_cells_of_equal_payoffs_share_a_name() -> None:
    shown = shown_game([[1, 1], [1, 1]], [[2, 2], [2, 2]])
    assert names_of(shown) == {(1.0, 2.0): "u0 x a0, u0 x a1 and 2 more"}


def test_names_are_placed_clear_of_each_other_and_of_the_points() -> None:
    stream = np.random.default_rng(0)
    at = [(float(x), float(y)) for x, y in stream.uniform(40, 500, (14, 2))]
    names = ["VQ x DA:standard"] * 14
    boxes = []
    for (x, y), (dx, dy) in zip(at, offsets_of(at, names, (540.0, 540.0)), strict=True):
        assert 0 < max(abs(dx), abs(dy)) <= 30
        width, height = 60.0, 8.0  # less than is reserved
        left = x + dx - (0 if dx > 0 else width if dx < 0 else width / 2)
        low = y + dy - (0 if dy > 0 else height if dy < 0 else height / 2)
        boxes.append((left, low, left + width, low + height))
    for a, b in combinations(boxes, 2):
        assert min(a[2], b[2]) <= max(a[0], b[0]) or min(a[3], b[3]) <= max(a[1], b[1])
    for (left, low, right, high), (x, y) in product(boxes, at):
        assert not (left < x < right and low < y < high)


# Colours


def test_every_label_has_a_colour_of_its_own_or_is_hatched() -> None:
    for kind in KINDS.values():
        looks = [(COLOURS[name], is_hatched(name)) for name in kind.names]
        assert len(set(looks)) == len(looks)


def test_names_in_regions_can_be_read() -> None:
    assert ink_on("#ffffff") == "#000000"
    assert ink_on("#08519c") == "#ffffff"
