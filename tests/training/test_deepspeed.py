"""The optimiser's state in shards over two processes (DeepSpeed's ZeRO 2), over gloo."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from gtalign_env.errors import RunError
from gtalign_training.language.processes import Processes, require_same
from gtalign_training.run_folder import RunFolder, checkpoints

from .launches import distance, finished, kill_after, launched, sft_weights, weights, written

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("deepspeed") is None,
        reason='needs DeepSpeed: pip install "gtalign-env[deepspeed]"',
    ),
]


def test_a_run_with_the_optimiser_in_shards_ends_as_one_in_copies(tmp_path: Path) -> None:
    recipe = written(tmp_path / "recipe.yaml", {"steps": 5, "beta": 0.04})
    copies, whole, killed = (tmp_path / name for name in ("copies", "whole", "killed"))
    finished(launched("copies", str(recipe), "--out", str(copies)))
    told = finished(launched("zero", str(recipe), "--out", str(whole), "--json"))
    assert json.loads(told)["rows"]  # told once
    kill_after(2, launched("zero", str(recipe), "--out", str(killed)), killed)
    with pytest.raises(RunError, match=r"begun in 2 processes with the optimiser in shards \(ZeRO"):
        require_same(RunFolder(killed), Processes())
    finished(launched("zero", str(recipe), "--out", str(killed), "--resume"))

    metrics = RunFolder(killed).metrics("grpo")
    assert [row["step"] for row in metrics] == [1, 2, 3, 4, 5]  # logged once
    same = ("reward", "faults", "output_tokens", "num_tokens")
    plain = RunFolder(copies).metrics("grpo")
    assert [[row[name] for name in same] for row in metrics] == [
        [row[name] for name in same] for row in plain
    ]
    newest = checkpoints(killed / "grpo")[0]
    assert len(list(newest.glob("global_step5/*_optim_states.pt"))) == 2  # half of it each
    assert distance(weights(killed), weights(whole)) == 0.0
    # float32 sums in another order, over nine steps; Adam divides by roots of small sums
    assert distance(sft_weights(killed), sft_weights(copies)) < 1e-5
    assert distance(weights(killed), weights(copies)) < 3e-4
    assert distance(weights(killed), sft_weights(killed)) > 2e-3  # it did learn something


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("zero-3", "zero_stage must be at most 2"),
        ("zero-bf16", "mixed_precision must be no where there is no GPU; got bf16"),
        ("zero-spoilt", "the gradient of step 2 is not finite, so the step was not taken"),
    ],
)
def test_what_would_go_wrong_stops(tmp_path: Path, how: str, why: str) -> None:
    recipe, run = written(tmp_path / "recipe.yaml", {"steps": 1}), tmp_path / "run"
    child = launched(how, str(recipe), "--out", str(run))
    _, errors = child.communicate(timeout=500)
    assert child.returncode
    assert why in errors
    left = [path.name for path in checkpoints(run / "sft")]
    assert left == (["checkpoint-1"] if how == "zero-spoilt" else [])
