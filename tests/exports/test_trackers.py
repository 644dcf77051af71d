"""One protocol, three trackers: the same series in each, and training that survives any of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from gtalign_env.errors import MissingExtraError, RunError
from gtalign_training.cli import main
from gtalign_training.recipe import Recipe, load_recipe
from gtalign_training.run_folder import RunFolder
from gtalign_training.trackers import TRACKERS, follow, hand_over, series, tracker_of

Series = dict[tuple[str, int], float]
CLOSE = 1e-12


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A folder with the series of two stages, as training leaves it."""
    folder = tmp_path / "first"
    folder.mkdir()
    rng = np.random.default_rng(0)
    with (folder / "metrics.jsonl").open("w", encoding="utf-8") as file:
        for stage, steps in (("sft", 6), ("ppo", 5)):
            for step in range(1, steps + 1):
                row = {
                    "stage": stage,
                    "step": 10 * step,
                    "loss": rng.random(),
                    "joint_welfare": rng.normal(),
                }
                file.write(json.dumps(row | {"note": "text", "broken": None, "flag": True}) + "\n")
    (folder / "recipe.json").write_text('{"name": "first"}', encoding="utf-8")
    return folder


def expected(folder: Path) -> Series:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return {
        (f"{row['stage']}/{name}", row["step"]): row[name]
        for row in rows
        for name in ("loss", "joint_welfare")
    }


class Fakes:
    """Stand-ins for trackio and W&B that keep what they are given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.got: dict[str, Series] = {"trackio": {}, "wandb": {}}
        self.configs: list[Any] = []
        self.finished: list[str] = []
        self.axes: dict[str, str] = {}
        for name, init in (("trackio", self._trackio), ("wandb", self._wandb)):
            module = ModuleType(name)
            module.init = init  # type: ignore[attr-defined]
            module.finish = lambda: self.finished.append("trackio")  # type: ignore[attr-defined]
            module.Settings = SimpleNamespace  # type: ignore[attr-defined]
            monkeypatch.setitem(sys.modules, name, module)

    def _trackio(self, project: str, name: str, config: Any, **settings: Any) -> Any:
        self.configs.append((project, name, config))
        sys.stdout.write("trackio talks to standard output")

        def log(metrics: dict[str, float], step: int) -> None:
            self.got["trackio"] |= {(key, step): value for key, value in metrics.items()}

        return SimpleNamespace(log=log)

    def _wandb(self, project: str, name: str, config: Any, **settings: Any) -> Any:
        self.configs.append((project, name, config))
        assert settings["settings"].console == "off"  # what is on the terminal stays there

        def log(metrics: dict[str, float]) -> None:
            (axis,) = [key for key in metrics if key.endswith("/step")]
            step = int(metrics[axis])
            for key, value in metrics.items():
                if key != axis:
                    assert self.axes[f"{key.partition('/')[0]}/*"] == axis
                    self.got["wandb"][key, step] = value

        def define_metric(name: str, step_metric: str = "", hidden: bool = False) -> None:
            if step_metric:
                self.axes[name] = step_metric

        return SimpleNamespace(
            log=log, define_metric=define_metric, finish=lambda: self.finished.append("wandb")
        )


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Fakes:
    return Fakes(monkeypatch)


def of_board(folder: Path) -> Series:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="no tensorboard"
    )
    from tensorboard.util import tensor_util  # type: ignore[import-untyped]  # it ships no types

    events = accumulator.EventAccumulator(str(folder))
    events.Reload()
    return {
        (tag, event.step): float(tensor_util.make_ndarray(event.tensor_proto))
        for tag in events.Tags()["tensors"]
        for event in events.Tensors(tag)
    } | {
        (tag, event.step): event.value
        for tag in events.Tags()["scalars"]
        for event in events.Scalars(tag)
    }


def same(got: Series, wanted: Series) -> None:
    assert got.keys() == wanted.keys()
    for key, value in wanted.items():
        assert got[key] == pytest.approx(value, abs=CLOSE, rel=0)


def test_all_trackers_get_the_same_series(trained: Path, fakes: Fakes, tmp_path: Path) -> None:
    wanted = expected(trained)
    board = tmp_path / "board"
    for name in TRACKERS:
        arguments = ["export", str(trained), "--format", name, "--out", str(board), "--json"]
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, done.stderr
        told = json.loads(done.stdout)  # and nothing else on standard output
        assert (told["steps"], told["numbers"]) == (11, 22)
    same(fakes.got["trackio"], wanted)
    same(fakes.got["wandb"], wanted)
    same(of_board(board), wanted)
    assert fakes.finished == ["trackio", "wandb"]
    assert fakes.configs == [("gtalign", "first", {"name": "first"})] * 2


def test_a_run_that_is_followed_gives_what_its_folder_gives(
    trained: Path, fakes: Fakes, tmp_path: Path
) -> None:
    told: list[int] = []
    lost: list[str] = []
    following = follow(
        list(TRACKERS),
        trained,
        {},
        lambda stage, step, steps, metrics: told.append(step),
        lost.append,
    )
    assert not fakes.configs  # nothing has begun before the first step
    for line in (trained / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        stage, step = row.pop("stage"), row.pop("step")
        following.progress(stage, step, 60, row)
    following.finish()
    same(fakes.got["trackio"], expected(trained))
    same(fakes.got["wandb"], expected(trained))
    same(of_board(trained / "trackers" / "tensorboard"), expected(trained))
    assert len(told) == 11
    assert not lost


@pytest.mark.parametrize("moment", ["start", "log", "finish"])
def test_a_tracker_that_fails_is_let_go_of_and_training_goes_on(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            def act(*given: Any) -> None:
                if name == moment:
                    raise ConnectionError("the service is down")

            return act

    monkeypatch.setitem(TRACKERS, "wandb", Broken)
    lost: list[str] = []
    told: list[int] = []
    following = follow(
        ["wandb"], tmp_path, {}, lambda stage, step, steps, metrics: told.append(step), lost.append
    )
    for step in (1, 2, 3):
        following.progress("ppo", step, 3, {"loss": 1.0})
    following.finish()
    assert told == [1, 2, 3]
    (line,) = lost
    assert "wandb failed" in line
    assert "the service is down" in line
    assert "gtalign export" in line


@pytest.mark.parametrize("name", ["trackio", "wandb"])
def test_a_missing_library_names_its_extra_before_training_begins(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=rf"gtalign-env\[{name}\]"):
        follow([name], tmp_path, {}, lambda *told: None, print)
    out = tmp_path / "run"
    done = CliRunner().invoke(
        main, ["train", "strategic-ppo", "--steps", "1", "--track", name, "--out", str(out)]
    )
    assert done.exit_code == 2
    assert f"gtalign-env[{name}]" in done.stderr
    assert not out.exists()


def test_a_recipe_and_the_command_name_trackers() -> None:
    shown = CliRunner().invoke(
        main, ["train", "strategic-ppo", "--track", "trackio", "--track", "wandb", "--dry-run"]
    )
    assert json.loads(shown.stdout)["track"] == ["trackio", "wandb"]
    wrong = CliRunner().invoke(main, ["train", "strategic-ppo", "--track", "wandv", "--dry-run"])
    assert wrong.exit_code == 2
    assert "Did you mean 'wandb'" in wrong.stderr
    data = load_recipe("strategic-ppo").model_dump(mode="json", by_alias=True) | {
        "track": ["trackio"]
    }
    assert Recipe.model_validate_json(json.dumps(data)).track == ("trackio",)
    with pytest.raises(RunError, match="a tracker is one of"):
        tracker_of("mlflow")


def test_a_run_is_followed_while_it_trains(fakes: Fakes, tmp_path: Path) -> None:
    pytest.importorskip("stable_baselines3", reason="the extra sb3 is not installed")
    out = tmp_path / "run"
    arguments = ["train", "strategic-ppo", "--steps", "1", "--out", str(out), "--json"]
    done = CliRunner().invoke(main, [*arguments, "--track", "trackio"])
    assert done.exit_code == 0, done.stderr
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    wanted = {(name, row["step"]): value for row in rows for name, value in series(row).items()}
    same(fakes.got["trackio"], wanted)
    assert json.loads(done.stdout)["optimum"]


def test_a_run_may_be_gone_on_with_under_another_tracker(tmp_path: Path) -> None:
    recipe = load_recipe("strategic-ppo")
    RunFolder.open(tmp_path, recipe, ["a"], resume=False)
    other = recipe.model_copy(update={"track": ("trackio",)})
    assert RunFolder.open(tmp_path, other, ["a"], resume=True).path == tmp_path
    with pytest.raises(RunError, match="another recipe"):
        RunFolder.open(tmp_path, recipe.model_copy(update={"seed": 9}), ["a"], resume=True)


def test_nothing_that_is_no_number_is_a_measurement() -> None:
    row = {
        "stage": "grpo", "step": 3, "loss": 1, "nan": float("nan"), "inf": float("inf"),
        "none": None, "text": "x", "flag": True,
    }  # fmt: skip
    assert series(row) == {"grpo/loss": 1.0}


def test_a_folder_without_series_is_refused(tmp_path: Path, fakes: Fakes) -> None:
    with pytest.raises(RunError, match=r"no metrics\.jsonl"):
        hand_over(tmp_path, "trackio", tmp_path)
