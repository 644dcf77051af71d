from __future__ import annotations

import struct
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gtalign_env.core.moves import ASSISTANT_LABELS
from gtalign_env.errors import MissingExtraError, RunError
from gtalign_training.plots import learning_curves, move_mix, welfare_bars
from gtalign_training.plots.curves import smooth
from gtalign_training.plots.look import MOVE_COLOURS, SERIES, by_row
from gtalign_training.run_folder import RunFolder


def png_size(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    return int(width), int(height)


def is_drawn(path: Path) -> bool:
    """Whether there is more than a blank page."""
    from matplotlib.image import imread

    pixels = np.asarray(imread(path))[..., :3]
    return bool((pixels < 0.9).mean() > 0.01)


def logged(path: Path, stage: str, steps: int = 40, **more: float) -> RunFolder:
    path.mkdir(exist_ok=True)
    folder = RunFolder(path)
    for step in range(1, steps + 1):
        values = {"joint_welfare": step / steps, "user_welfare": 0.5, "assistant_welfare": 2.0}
        folder.log(stage, step, {**values, **more})
    return folder


def context(
    regime: str, style: str = "terse", opening: str = "VQ", **changes: Any
) -> dict[str, Any]:
    even = dict.fromkeys(ASSISTANT_LABELS, 1 / 7)
    return {
        "regime": regime,
        "style": style,
        "opening": opening,
        "oracle": "CQ",
        "margin": 0.12,
        "before": even,
        "after": {"CQ": 1.0},
        **changes,
    }


def row(name: str, centre: float) -> dict[str, Any]:
    triple = (centre, centre - 0.1, centre + 0.1)
    return {"name": name, "user": triple, "assistant": triple, "welfare": triple}


# Learning curves


@pytest.mark.parametrize("stage", ["grpo", "ppo"])
@pytest.mark.parametrize("levels", [(None, None), (1.2, 0.4)])
def test_learning_curves_are_drawn(
    tmp_path: Path, stage: str, levels: tuple[float | None, float | None]
) -> None:
    folder = logged(tmp_path, stage)
    out = tmp_path / "plots" / "curves.png"
    assert learning_curves(folder, out, optimum=levels[0], start=levels[1]) == out
    assert png_size(out)[0] == 1200
    assert is_drawn(out)


def test_the_form_has_a_panel_of_its_own(tmp_path: Path) -> None:
    without = learning_curves(logged(tmp_path / "a", "grpo"), tmp_path / "a.png")
    with_form = learning_curves(
        logged(tmp_path / "b", "grpo", well_formed=0.97), tmp_path / "b.png"
    )
    assert png_size(with_form)[1] > png_size(without)[1]


def test_levels_are_part_of_the_picture(tmp_path: Path) -> None:
    folder = logged(tmp_path, "grpo")
    plain = learning_curves(folder, tmp_path / "plain.png").read_bytes()
    again = learning_curves(folder, tmp_path / "again.png").read_bytes()
    level = learning_curves(folder, tmp_path / "level.png", optimum=0.9).read_bytes()
    assert plain == again
    assert plain != level


def test_one_step_and_gaps_can_be_drawn(tmp_path: Path) -> None:
    folder = logged(tmp_path, "ppo", steps=1)
    assert is_drawn(learning_curves(folder, tmp_path / "one.png"))
    folder.log("ppo", 2, {"episodes": 0})
    folder.log("ppo", 3, {"joint_welfare": float("nan"), "user_welfare": 1.0})
    folder.log("ppo", 4, {"joint_welfare": 0.5})
    assert is_drawn(learning_curves(folder, tmp_path / "gaps.png"))


def test_a_run_without_metrics_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(RunError, match=r"must hold metrics .*none in metrics\.jsonl; train first"):
        learning_curves(folder, tmp_path / "curves.png")
    folder.log("sft", 1, {"loss": 2.0})
    with pytest.raises(RunError, match="must hold metrics"):
        learning_curves(folder, tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()


def test_smoothing_keeps_constants_and_averages_neighbours() -> None:
    assert smooth(np.full(9, 2.5), 3) == pytest.approx(2.5)
    assert smooth(np.array([0.0, 3.0, 6.0, 0.0]), 1) == pytest.approx([1.5, 3.0, 3.0, 3.0])
    assert smooth(np.array([1.0, 5.0]), 0) == pytest.approx([1.0, 5.0])


# Move mix


def test_the_move_mix_is_drawn_for_any_number_of_contexts(tmp_path: Path) -> None:
    heights = []
    for styles in (("terse",), ("terse", "chatty"), ("plain", "terse", "chatty")):
        rows = [
            context(regime, style, opening)
            for regime in ("reasoning_api", "subscription", "reasoning_free_questions")
            for style in styles
            for opening in ("VQ", "DQ")
        ]
        out = move_mix({"contexts": rows}, tmp_path / f"{len(styles)}.png")
        width, height = png_size(out)
        assert width == 1200
        assert is_drawn(out)
        heights.append(height)
    assert heights[0] == heights[1] < heights[2]  # four stand side by side
    assert heights[1] < 600  # read at a glance
    out = move_mix({"contexts": [context("one", oracle="DA:concise")]}, tmp_path / "one.png")
    assert png_size(out)[0] == 1200


def test_odd_names_of_regimes_are_only_text(tmp_path: Path) -> None:
    name = r"$\frac{1}{0}$ <b> {x} % " + "long" * 20
    assert is_drawn(move_mix({"contexts": [context(name)]}, tmp_path / "odd.png"))


def test_the_optimal_move_is_marked(tmp_path: Path) -> None:
    right = move_mix({"contexts": [context("a", oracle="CQ")]}, tmp_path / "a.png")
    other = move_mix({"contexts": [context("a", oracle="AQ:verbose")]}, tmp_path / "b.png")
    assert right.read_bytes() != other.read_bytes()


def test_a_mix_without_contexts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="at least one context"):
        move_mix({"contexts": []}, tmp_path / "mix.png")


# Welfares


def test_welfares_are_drawn(tmp_path: Path) -> None:
    rows = [row("before", -0.5), row("after", 1.5), row("always DA:concise", 1.0)]
    out = welfare_bars(rows, tmp_path / "bars.png", optimum=1.9)
    assert png_size(out)[0] == 1200
    assert is_drawn(out)
    plain = welfare_bars(rows, tmp_path / "plain.png")
    assert plain.read_bytes() != out.read_bytes()


def test_an_interval_may_be_a_point_up_to_rounding(tmp_path: Path) -> None:
    point = (0.1 + 0.2, 0.3 + 1e-16, 0.3)
    assert point[0] > point[2]
    rows = [{"name": "constant", "user": point, "assistant": point, "welfare": point}]
    assert is_drawn(welfare_bars(rows, tmp_path / "bars.png"))


def test_welfares_of_nobody_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="at least one assistant"):
        welfare_bars([], tmp_path / "bars.png")


# Look


def brightness(colour: str) -> float:
    """Relative luminance of sRGB (WCAG 2.1)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_move_has_a_colour_and_verbosity_darkens_it() -> None:
    assert tuple(MOVE_COLOURS) == ASSISTANT_LABELS
    for kind in ("DA", "AQ"):
        shades = [
            brightness(MOVE_COLOURS[f"{kind}:{v}"]) for v in ("concise", "standard", "verbose")
        ]
        for light, dark in pairwise(shades):
            assert (light + 0.05) / (dark + 0.05) > 1.5


def test_welfares_have_different_colours() -> None:
    assert len({series.colour for series in SERIES}) == len(SERIES)


def test_a_legend_reads_row_by_row() -> None:
    # a legend of 5 in 3 columns has 2, 2 and 1 entries in them
    assert by_row("abcde", 3) == ["a", "d", "b", "e", "c"]
    assert by_row("abcd", 4) == ["a", "b", "c", "d"]


def test_the_global_style_is_left_alone(tmp_path: Path) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    welfare_bars([row("before", 1.0)], tmp_path / "bars.png")
    assert dict(mpl.rcParams) == before
    assert (
        "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
    )


def test_without_matplotlib_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r'plots needs .* "gtalign-env\[report\]"'):
        welfare_bars([row("before", 1.0)], tmp_path / "bars.png")
