"""One run in several processes: shared batches, one writer, the same weights everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gtalign_env.errors import RunError
from gtalign_training.processes import Processes, require_together
from gtalign_training.recipe import load_recipe
from gtalign_training.run_folder import RunFolder

from .conftest import small_recipe

CONFIGS = Path(__file__).parents[2] / "training" / "accelerate"


@pytest.mark.slow
def test_two_processes_on_a_cpu_make_one_run(tmp_path: Path) -> None:
    data = small_recipe().plain() | {"reward": "random"}
    data["grpo"] |= {"steps": 2, "prompts": 4, "group": 2, "turn_tokens": 24, "save_every": 1}
    data["sft"] |= {"steps": 10}
    data["evaluation"] |= {"conversations": 2}
    recipe, out = tmp_path / "recipe.yaml", tmp_path / "run"
    recipe.write_text(json.dumps(data))
    # accelerate's own launcher needs MPI for processes on a CPU; torch's needs nothing
    launch = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
    ]
    command = ["-m", "gtalign_training.cli", "train", str(recipe), "--out", str(out), "--json"]
    done = subprocess.run(
        [*launch, *command],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout)["rows"]  # told once
    folder = RunFolder(out)
    assert folder.read("run.json")["status"] == "done"
    assert [row["step"] for row in folder.metrics("grpo")] == [1, 2]  # logged once
    state = json.loads((out / "grpo" / "checkpoint-2" / "trainer_state.json").read_text())
    assert state["train_batch_size"] == 4  # half of the 8 rollouts of a step
    assert {path.name for path in (out / "grpo" / "checkpoint-2").glob("rng_state*")} == {
        "rng_state_0.pth",
        "rng_state_1.pth",
    }


@pytest.mark.parametrize("name", ["fsdp", "deepspeed-zero2"])
def test_a_configuration_is_one_that_accelerate_takes(name: str) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    file = CONFIGS / f"{name}.yaml"
    config = load_config_from_file(str(file))
    assert config.num_processes == yaml.safe_load(file.read_text())["num_processes"]


def test_batches_are_shared_evenly_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = Processes()
    assert (alone.count, alone.first, alone.share(7, "grpo.prompts")) == (1, True, 7)
    alone.wait()
    alone.count = 2
    assert alone.share(8, "grpo.prompts") == 4
    with pytest.raises(RunError, match=r"grpo\.prompts, 7, must be a multiple of the number"):
        alone.share(7, "grpo.prompts")


def test_what_runs_in_one_process_only_says_so() -> None:
    several = Processes()
    several.count = 4
    require_together(load_recipe("tiny-grpo"), several)
    with pytest.raises(RunError, match=r"lm-ppo runs in one process; got 4\. Several can run grpo"):
        require_together(load_recipe("tiny-ppo"), several)


@pytest.mark.slow
def test_the_benchmark_shares_a_step_out_among_its_phases() -> None:
    script = Path(__file__).parents[2] / "benchmarks" / "training.py"
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            str(script),
            "--steps",
            "3",
            "--sft",
            "2",
            "--tflops",
            "0.1",
        ],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = {line[:10].strip(): line[10:].split() for line in done.stdout.splitlines()[3:]}
    assert set(rows) == {"ours", "plain TRL"}
    for cells in rows.values():
        assert float(cells[0]) > 0
        assert sum(float(cell.rstrip("%")) for cell in cells[1:5]) == pytest.approx(100, abs=0.3)
        assert 0 < float(cells[7].rstrip("%")) < 100
