"""An ablation: run folders that are made once, go on, and are told together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gtalign_env.errors import RunError
from gtalign_training import pipeline
from gtalign_training.ablation import (
    Variant,
    mean_over_seeds,
    recipe_of,
    rewards_of,
    seeds_of,
    variants,
    vary_of,
)
from gtalign_training.ablation.runs import _start_of
from gtalign_training.cli import main
from gtalign_training.grid import compare
from gtalign_training.recipe import Recipe
from gtalign_training.run_folder import RunFolder, write_json

from .conftest import small_recipe

pytestmark = [  # from inside the trainers; nothing that a caller could change
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def invoked(tmp_path: Path, *more: str, code: int = 0) -> Any:
    file = tmp_path / "tiny-grpo.yaml"
    if not file.exists():
        data = small_recipe(grpo={"steps": 1}, sft={"steps": 2}, evaluation={"conversations": 2})
        file.write_text(json.dumps(data.plain()))
    done = CliRunner().invoke(main, ["ablation", str(file), "--out", str(tmp_path / "runs"), *more])
    assert done.exit_code == code, done.output
    return done


class Runs:
    """Stands for training: writes what a run leaves, and remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.fails: set[str] = set()

    def __call__(self, recipe: Recipe, path: Path, *, resume: bool = False, **rest: Any) -> None:
        folder = RunFolder.open(path, recipe, [], resume=resume)
        self.asked.append((path.name, resume))
        if path.name in self.fails:
            raise RunError("stopped")
        gain = {"scenario": 1.0, "random": 0.0}[recipe.reward] + recipe.seed
        row = {"name": "after", "well_formed": 0.5, "gap_closed": [gain / 10, 0, 0]}
        row |= {key: [gain, 0, 0] for key in ("welfare", "user", "assistant")}
        before = {"name": "before", "welfare": [0.0, 0, 0]}
        result = {
            "rows": [before, row],
            "directions": [{"held": True}, {"held": False}],
            "optimum": {"welfare": 2.0},
        }
        write_json(folder / "evaluation.json", result)
        folder.mark(status="done")


def compared(folders: list[Path], **options: Any) -> dict[str, Any]:
    """Stand for a comparison: the second run lies 0.5 behind the first, 0.6 for odd seeds."""
    first, second = map(str, folders)
    gap = 0.6 if second.endswith("1") else 0.5
    point = {"coverage_by_instance": 1.0, "regret_by_instance": 0.0, "hypervolume_of_mean": 0.25}
    return {
        "frontier": [
            {"contender": name, "on_frontier_of_means": name == first, **point}
            for name in (first, second)
        ],
        "differences": [
            {"contender": second, "by": "all", "measure": "W", "difference": [-gap, 0, 0]},
            {"contender": second, "by": "all", "measure": "U", "difference": [9.0, 0, 0]},
        ],
        "dominance": [
            {"contender": second, "instances": 8, "strict": {"first": 1, "second": 4}},
        ],
    }


def test_a_stopped_ablation_goes_on_and_repeats_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Runs()
    monkeypatch.setattr(pipeline, "run", runs)
    monkeypatch.setattr(compare, "compare", compared)
    options = ("--rewards", "scenario,random", "--seeds", "0-1")
    runs.fails = {"random-seed0"}
    assert "stopped" in invoked(tmp_path, *options, code=2).output
    assert [name for name, _ in runs.asked] == ["scenario-seed0", "random-seed0"]
    runs.fails, runs.asked = set(), []
    page = tmp_path / "results" / "page.md"
    done = invoked(tmp_path, *options, "--json", "--page", str(page))
    assert runs.asked == [
        ("random-seed0", True),
        ("scenario-seed1", False),
        ("random-seed1", False),
    ]
    first, second = json.loads(done.stdout)
    assert (first["reward"], first["seeds"]) == ("scenario", [0, 1])
    assert first["measures"]["welfare"][0] == pytest.approx(1.5)
    assert second["measures"]["directions"] == [0.5, 0.0]
    assert second["together"]["difference"][0] == pytest.approx(-0.55)
    assert second["together"]["dominates"] == [0.125, 0.0]
    text = page.read_text()
    assert "| scenario | four-blocks | 2 | 1.50 ± 6.35 |" in text  # t(1) 12.71 x 0.707 / 1.414
    assert "| random | four-blocks | 2 | -0.55 ± 0.64 | 0.12 ± 0.00 | 0.50 ± 0.00 |" in text
    assert "--seeds 0-1" in text
    assert "exists already" in invoked(tmp_path, *options, "--page", str(page), code=2).output
    told = invoked(tmp_path, "--rewards", "scenario", "--seeds", "1-2", "--dry-run").stdout
    assert told.splitlines()[0].startswith("done ")
    assert told.splitlines()[1].startswith("to do ")


def test_whatever_is_wrong_is_told_before_anything_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Runs()
    monkeypatch.setattr(pipeline, "run", runs)
    for options, words in {
        ("--vary", "grpo.step=1,2"): "Did you mean 'steps'",
        ("--vary", "grpo.steps=1,none"): "grpo.steps",
        ("--vary", "grpo.steps"): "FIELD=VALUE",
        ("--vary", "grpo.steps=1", "--vary", "grpo.steps=2"): "twice",
        ("--rewards", "ces:x"): "as ces:-1",
        ("--rewards", "nash:2"): "only ces",
        ("--rewards", "ces:3"): "rho",
        ("--formats", "non"): "Did you mean 'none'",
    }.items():
        assert words in invoked(tmp_path, *options, code=2).output
    assert runs.asked == []


def test_any_field_can_be_varied() -> None:
    cells = list(variants(("ces:-1",), ("none",), (0,), vary_of(["grpo.steps=1,2"])))
    assert [cell.folder for cell in cells] == [
        "ces-1-without-blocks-steps1-seed0",
        "ces-1-without-blocks-steps2-seed0",
    ]
    made = recipe_of(small_recipe(), cells[1])
    assert (made.reward, made.rho, made.grpo.steps) == ("ces", -1.0, 2)
    assert rewards_of("ces:-1, nash") == ("ces:-1", "nash")


def test_what_is_learnt_under_later_does_not_change_a_warm_start() -> None:
    prices = ["reasoning_api", "subscription"]
    one, other, all_of_them = (
        small_recipe(game={"pricing": prices, "held_out": held}).plain()
        for held in (prices[:1], prices[1:], [])
    )
    assert _start_of(one) == _start_of(other) == _start_of(all_of_them)
    assert _start_of(small_recipe(game={"pricing": prices[:1]}).plain()) != _start_of(one)


@pytest.mark.slow
def test_equal_beginnings_are_made_once(tmp_path: Path) -> None:
    done = invoked(tmp_path, "--rewards", "scenario,user_only", "--seeds", "3")
    assert "scenario" in done.stdout
    one, other = (tmp_path / "runs" / f"{name}-seed3" for name in ("scenario", "user_only"))
    assert RunFolder(one).metrics("grpo") != []
    assert RunFolder(other).metrics("sft") == []  # it was lent
    weights = Path("sft") / "model" / "model.safetensors"
    assert (one / weights).read_bytes() == (other / weights).read_bytes()
    assert RunFolder(other).read("recipe.json")["reward"] == "user_only"


def test_cells_come_seed_by_seed() -> None:
    found = [cell.folder for cell in variants(("scenario",), ("four-blocks", "none"), (0, 1))]
    assert found == [
        "scenario-seed0",
        "scenario-without-blocks-seed0",
        "scenario-seed1",
        "scenario-without-blocks-seed1",
    ]
    made = recipe_of(small_recipe(reward="ces", rho=-2.0), Variant("nash", "none", 4))
    assert (made.reward, made.rho, made.format, made.seed) == ("nash", 0.0, "none", 4)


def test_intervals_over_seeds_are_students() -> None:
    # deviation 1, t(2) = 4.303
    mean, half = mean_over_seeds([1.0, 2.0, 3.0])
    assert (mean, half) == pytest.approx((2.0, 4.3027 / 3**0.5), abs=1e-3)
    assert mean_over_seeds([1.0]) == (1.0, None)


def test_seeds_are_lists_and_ranges() -> None:
    assert seeds_of("0-2,7,1") == (0, 1, 2, 7)
    for wrong in ("", "a", "3-1", "0-5000", "-1"):
        with pytest.raises(RunError, match="--seeds"):
            seeds_of(wrong)


def test_mistakes_are_told_before_anything_is_trained(tmp_path: Path) -> None:
    for more, message in (
        (("--rewards", "user_onyl"), "Did you mean 'user_only'"),
        (("--formats", "nome"), "Did you mean 'none'"),
        (("--rewards", ","), "name at least one reward"),
    ):
        assert message in invoked(tmp_path, *more, code=2).output
    assert not (tmp_path / "runs").exists()
    done = CliRunner().invoke(main, ["ablation", "strategic-ppo", "--out", str(tmp_path / "x")])
    assert "trains without text" in done.output
