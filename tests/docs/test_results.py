"""The scripts that measured `docs/results/` still run, from training to the page, on runs of seconds."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gtalign_training.ablation.variants import Variant, recipe_of
from gtalign_training.recipe import Recipe, load_recipe
from tests.docs.pages import ROOT

RESULTS = ROOT / "docs" / "results"
SCRIPTS = sorted(path.stem for path in RESULTS.glob("*.py") if path.stem != "pages")
SMALL: dict[str, dict[str, Any]] = {
    "sft": {"conversations": 64, "steps": 2, "batch_size": 4},
    "grpo": {"prompts": 2, "group": 2, "steps": 1, "save_every": 1, "turn_tokens": 48},
    "ppo": {"steps": 64, "environments": 2, "horizon": 16, "batch_size": 16, "save_every": 64},
    "selfplay": {"rounds": 1, "steps": 64},
    "evaluation": {"conversations": 2},
}

Load = Callable[[str], ModuleType]


def small(name: str) -> Recipe:
    """Return a recipe of the library or of a file, cut down to seconds."""
    found = load_recipe(name)
    data = found.plain()
    for section, values in SMALL.items():
        if data.get(section) is not None:
            known = {key: value for key, value in values.items() if key in data[section]}
            data[section] = data[section] | known
    return found.changed(data)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load a script from a copy of the folder, so that it writes a page of its own."""
    folder = shutil.copytree(RESULTS, tmp_path / "results")
    monkeypatch.syspath_prepend(str(folder))

    def loaded(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"results_{name}", folder / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        monkeypatch.setattr(module, "load_recipe", small)
        monkeypatch.setattr(sys, "argv", [f"{name}.py", str(tmp_path / "runs")])
        return module

    return loaded


def page_of(module: ModuleType) -> str:
    """Run a script; return its page's tables."""
    page: Path = module.HERE / f"{module.__name__.removeprefix('results_')}.md"
    before = page.read_text(encoding="utf-8")
    module.main()
    first = page.read_text(encoding="utf-8")
    sys.argv.append("--read")
    module.main()
    assert page.read_text(encoding="utf-8") == first  # from the run folders alone
    words, _, tables = first.partition("<!-- generated: tables -->")
    assert words == before.partition("<!-- generated: tables -->")[0]
    return tables


def test_every_page_has_its_script_and_says_how_it_is_called() -> None:
    assert sorted(path.stem for path in RESULTS.glob("*.md")) == SCRIPTS
    for name in SCRIPTS:
        assert f"python docs/results/{name}.py RUNS" in (RESULTS / f"{name}.md").read_text("utf-8")


@pytest.mark.parametrize("file", sorted(RESULTS.glob("*.yaml")), ids=lambda file: file.stem)
def test_recipes_beside_the_pages_are_valid(file: Path) -> None:
    assert load_recipe(str(file)).name == file.stem


def test_every_run_of_the_pages_is_a_valid_recipe(load: Load) -> None:
    ablation, matrices, heldout = load("ablation"), load("matrices"), load("heldout")
    base = load_recipe("tiny-ablation")
    cells: list[Variant] = [
        *ablation.rewards(),
        *ablation.changed("grpo.steps", ablation.STEPS),
        *ablation.changed("model.hidden", ablation.WIDTHS),
        *heldout.VARIANTS,
    ]
    for cell in cells:
        assert recipe_of(base, cell).seed == cell.seed
    for cell in matrices.cells():
        assert recipe_of(load_recipe(str(RESULTS / "matrices.yaml")), cell).reads_matrices


@pytest.mark.slow
def test_the_ablation(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load("ablation")
    for name, value in {
        "SEEDS": (0, 1),
        "FEWER": (0,),
        "REWARDS": ("nash", "ces:-1"),
        "STEPS": (1, 2),
        "WIDTHS": (64, 32),
    }.items():
        monkeypatch.setattr(module, name, value)
    tables = page_of(module)
    for title in ("Every reward alone", "within each seed", "by steps of GRPO", "point of W"):
        assert title in tables


@pytest.mark.slow
def test_matrices_that_are_read(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load("matrices")
    monkeypatch.setattr(module, "SEEDS", (0,))
    tables = page_of(module)
    assert tables.count("matrix edited") == 6
    assert "none: the warm start" in tables


@pytest.mark.slow
def test_what_was_held_out(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load("heldout")
    monkeypatch.setattr(module, "EPISODES", 2)
    monkeypatch.setattr(module, "VARIANTS", module.VARIANTS[:1])
    for name in ("PPO", "LANGUAGE"):
        whole = getattr(module, name)
        monkeypatch.setattr(module, name, replace(whole, runs=whole.runs[:1]))
    tables = page_of(module)
    for title in ("Network without text, by regime", "Language model, by user"):
        assert title in tables


@pytest.mark.slow
def test_two_learning_seats(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load("selfplay")
    monkeypatch.setattr(module, "SEEDS", (0, 1))
    monkeypatch.setattr(module, "PRICES", module.PRICES[:2])
    monkeypatch.setattr(module, "REWARDS", module.REWARDS[:1])
    tables = page_of(module)
    assert "Computed best responses" in tables
    assert "Both seats learn" in tables
