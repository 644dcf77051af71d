"""One run in several processes: shared batches, one writer, the same weights everywhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from gtalign_env.errors import RunError
from gtalign_training.language.models import load_assistant
from gtalign_training.language.processes import Processes, require_same, require_together
from gtalign_training.language.shards import require_usable_shards
from gtalign_training.recipe import load_recipe
from gtalign_training.run_folder import RunFolder

from .conftest import small_recipe

CONFIGS = Path(__file__).parents[2] / "training" / "accelerate"


LAUNCHED = {
    # accelerate's own launcher needs MPI for processes on a CPU; torch's needs nothing
    "copies": ["torch.distributed.run", "--nproc-per-node", "2", "-m", "gtalign_training.cli"],
    "shards": [
        "accelerate.commands.accelerate_cli",
        "launch",
        "--config_file",
        str(CONFIGS / "fsdp.yaml"),
        "--num_processes",
        "2",
        "--mixed_precision",
        "no",
        str(Path(__file__).with_name("fsdp_on_a_cpu.py")),
    ],
}
"""What starts two processes on this machine: both with all weights, or each with half of them."""


def launched(how: str, *words: str) -> subprocess.Popen[str]:
    """Start ``gtalign train`` in two processes, in a session of their own."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", *LAUNCHED[how], "train", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )


def finished(child: subprocess.Popen[str]) -> str:
    """Return what a run that went well has printed."""
    printed, errors = child.communicate(timeout=500)
    assert child.returncode == 0, errors[-3000:]
    return printed


def written(path: Path, section: dict[str, Any], **changes: Any) -> Path:
    """Write a recipe whose rewards are random, so that an untrained model learns something."""
    data = small_recipe().plain() | {"reward": "random", "name": path.stem} | changes
    data["grpo"] |= {"prompts": 4, "group": 2, "turn_tokens": 24, "save_every": 1} | section
    data["evaluation"] |= {"conversations": 2}
    path.write_text(json.dumps(data))
    return path


def weights(run: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(run / "model" / "model.safetensors")


def distance(one: dict[str, Any], other: dict[str, Any]) -> float:
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def test_weights_in_shards_are_trained_and_end_whole(tmp_path: Path) -> None:
    small = {"sft": None, "model": {"kind": "tiny", "layers": 1, "hidden": 32}}
    recipe, run = written(tmp_path / "recipe.yaml", {"steps": 1}, **small), tmp_path / "run"
    told = finished(launched("shards", str(recipe), "--out", str(run), "--json"))
    assert json.loads(told)["rows"]  # told once
    assert RunFolder(run).read("run.json")["status"] == "done"
    trained = load_assistant(run / "model").model
    assert distance(dict(trained.state_dict()), weights(run)) == 0.0
    assert distance(weights(run), sft_weights(run)) > 1e-5  # it did learn something
    assert "optimizer.bin" in {path.name for path in (run / "grpo" / "checkpoint-1").iterdir()}


@pytest.mark.slow
def test_two_processes_check_a_recipe_and_one_tells_it(tmp_path: Path) -> None:
    recipe = written(tmp_path / "recipe.yaml", {"steps": 1})
    told = finished(launched("shards", str(recipe), "--dry-run"))
    assert json.loads(told)["grpo"]["prompts"] == 4  # once
    uneven = written(tmp_path / "uneven.yaml", {"prompts": 3})
    child = launched("copies", str(uneven), "--dry-run")
    _, errors = child.communicate(timeout=500)
    assert child.returncode
    assert "grpo.prompts, 3, must be a multiple of the number of processes, 2" in errors


@pytest.mark.slow
def test_two_processes_make_one_run_with_whole_weights_or_with_shards(tmp_path: Path) -> None:
    recipe = written(tmp_path / "recipe.yaml", {"steps": 5, "beta": 0.04})
    out = tmp_path / "copies"
    told = finished(launched("copies", str(recipe), "--out", str(out), "--json"))
    assert json.loads(told)["rows"]  # told once
    folder = RunFolder(out)
    assert folder.read("run.json")["status"] == "done"
    assert [row["step"] for row in folder.metrics("grpo")] == [1, 2, 3, 4, 5]  # logged once
    state = json.loads((out / "grpo" / "checkpoint-5" / "trainer_state.json").read_text())
    assert state["train_batch_size"] == 4  # half of the 8 rollouts of a step
    assert {path.name for path in (out / "grpo" / "checkpoint-5").glob("rng_state*")} == {
        "rng_state_0.pth",
        "rng_state_1.pth",
    }
    for how in LAUNCHED:
        run = tmp_path / f"{how}-killed"
        kill_after(2, launched(how, str(recipe), "--out", str(run)), run)
        with pytest.raises(RunError, match=r"was begun in 2 processes.*; got 1 process\."):
            require_same(RunFolder(run), Processes())
        finished(launched(how, str(recipe), "--out", str(run), "--resume"))
        assert RunFolder(run).read("run.json")["processes"]["sharded"] is (how == "shards")
        metrics = RunFolder(run).metrics("grpo")
        assert [row["step"] for row in metrics] == [1, 2, 3, 4, 5]
        assert metrics[-1]["kl"] > 0  # there is something to compare with, in every process
        if how == "copies":
            assert distance(weights(run), weights(out)) == 0.0
        else:  # sums in another order
            assert distance(weights(run), weights(out)) < 3e-4
    assert distance(weights(out), sft_weights(out)) > 2e-3  # it did learn something


@pytest.mark.slow
def test_processes_whose_conversations_differ_play_apart(tmp_path: Path) -> None:
    script = Path(__file__).with_name("players_apart.py")
    command = [sys.executable, "-W", "ignore", "-m", *LAUNCHED["copies"][:3], str(script)]
    done = subprocess.run(
        [*command, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,  # a call that waits for the other process would never come back
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)]
    assert [len(one["said"]) for one in told] == [1, 3]
    assert told[0]["said"][0] == told[1]["said"][0]  # both hold all weights
    assert all(one["sharded"] for one in told)


def kill_after(step: int, child: subprocess.Popen[str], run: Path) -> None:
    """Kill all processes of a run once a step has been logged."""
    until = time.monotonic() + 300
    while not any(row["step"] >= step for row in RunFolder(run).metrics("grpo")):
        assert time.monotonic() < until
        assert child.poll() is None, child.communicate()[1][-3000:]
        time.sleep(0.02)
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()


def sft_weights(run: Path) -> dict[str, Any]:
    return weights(run / "sft")


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


def test_accelerate_reads_zero_as_it_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser
    from accelerate.utils.launch import prepare_deepspeed_cmd_env

    from accelerate import DeepSpeedPlugin

    words = ["--config_file", str(CONFIGS / "deepspeed-zero2.yaml"), "train.py"]
    asked, *_ = _validate_launch_command(launch_command_parser().parse_args(words))
    asked.deepspeed_fields_from_accelerate_config = ""
    _, variables = prepare_deepspeed_cmd_env(asked)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    plugin = DeepSpeedPlugin()
    assert plugin.zero_stage == 2
    assert plugin.gradient_clipping == 1.0
    assert (plugin.offload_optimizer_device, plugin.offload_param_device) == ("none", "none")
    assert plugin.deepspeed_config["zero_optimization"]["stage"] == 2


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"is_fsdp_enabled": False}, "on accelerators only and would train whole copies here"),
        ({"fsdp_version": 1}, r"fsdp_version must be 2.*got 1"),
        ({"efficient": "true"}, "fsdp_cpu_ram_efficient_loading must be false"),
        ({"kind": "StateDictType.SHARDED_STATE_DICT"}, "must be FULL_STATE_DICT"),
        ({"is_deepspeed_enabled": True}, "zero_stage must be at most 2"),
        ({}, None),
    ],
)
def test_shards_that_would_go_wrong_are_refused(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], match: str | None
) -> None:
    is_deepspeed = changes.get("is_deepspeed_enabled", False)
    monkeypatch.setenv("ACCELERATE_USE_FSDP", str(not is_deepspeed).lower())
    monkeypatch.setenv("FSDP_CPU_RAM_EFFICIENT_LOADING", changes.get("efficient", "false"))
    fsdp = SimpleNamespace(
        fsdp_version=changes.get("fsdp_version", 2),
        state_dict_type=changes.get("kind", "StateDictType.FULL_STATE_DICT"),
    )
    state = SimpleNamespace(fsdp_plugin=fsdp, deepspeed_plugin=SimpleNamespace(zero_stage=3))
    trainer = SimpleNamespace(
        is_fsdp_enabled=changes.get("is_fsdp_enabled", True),
        is_deepspeed_enabled=is_deepspeed,
        accelerator=SimpleNamespace(state=state),
    )
    if match is None:
        require_usable_shards(trainer)
        return
    with pytest.raises(RunError, match=match):
        require_usable_shards(trainer)
