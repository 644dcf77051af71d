"""One run in several processes: shared batches, one writer, the same weights everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from gtalign_env.errors import RunError
from gtalign_training import pipeline
from gtalign_training.callbacks import silent, trainer_callbacks
from gtalign_training.checkpoints import damage
from gtalign_training.language.conversations import Batch, Conversations
from gtalign_training.language.lm_ppo import trainer as lm_ppo
from gtalign_training.language.models import Assistant, load_assistant
from gtalign_training.language.processes import Processes, require_same, require_together
from gtalign_training.language.shards import require_usable_shards
from gtalign_training.recipe import Recipe, load_recipe
from gtalign_training.run_folder import RunFolder

from .launches import (
    CONFIGS,
    ENVIRONMENT,
    TWO,
    distance,
    finished,
    kill_after,
    launched,
    sft_weights,
    weights,
    written,
)
from .test_language_trainers import short


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
    for how in ("copies", "shards"):
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
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TensorBoard's
def test_two_processes_of_lm_ppo_learn_what_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = {"steps": 5, "save_every": 1, "critic": "separate", "learning_rate": 1e-3}
    recipe = short("lm-ppo", section=section)
    file, two, killed = tmp_path / "recipe.yaml", tmp_path / "two", tmp_path / "killed"
    file.write_text(json.dumps(recipe.plain() | {"name": "recipe"}))
    finished(launched("copies", str(file), "--out", str(two)))
    kill_after(2, launched("copies", str(file), "--out", str(killed)), killed, "lm-ppo")
    finished(launched("copies", str(file), "--out", str(killed), "--resume"))
    assert distance(weights(killed), weights(two)) == 0.0

    def both(
        recipe: Recipe, conversations: Conversations, assistant: Assistant, step: int, *alone: Any
    ) -> Batch:
        rollouts = []
        for part in (0, 1):  # what one process would have played, and then what the other
            indices = range(step * 8 + part * 4, step * 8 + part * 4 + 4)
            generate = lm_ppo._generate(recipe, assistant, step, part)
            rollouts += conversations.play(indices, generate)
        return conversations.rated(rollouts, step)

    monkeypatch.setattr(lm_ppo, "_play", both)
    one = pipeline.run(load_recipe(str(file)), tmp_path / "one")
    # the two add up float32 in another order
    assert distance(weights(two), weights(one.path)) < 1e-4
    assert distance(weights(two), sft_weights(two)) > 2e-3  # it did learn something
    rows = [RunFolder(run).metrics("lm-ppo") for run in (killed, one.path)]
    assert [row["step"] for row in rows[0]] == [1, 2, 3, 4, 5]  # logged once
    for here, there in zip(*rows, strict=True):
        assert here.pop("stage") == there.pop("stage")
        assert here == pytest.approx(there, rel=1e-3, abs=1e-5)


@pytest.mark.slow
def test_processes_whose_conversations_differ_play_apart(tmp_path: Path) -> None:
    script = Path(__file__).with_name("players_apart.py")
    command = [sys.executable, "-W", "ignore", "-m", *TWO, str(script)]
    done = subprocess.run(
        [*command, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,  # a call that waits for the other process would never come back
        check=False,
        env={**os.environ, **ENVIRONMENT},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)]
    assert [len(one["said"]) for one in told] == [1, 3]
    assert told[0]["said"][0] == told[1]["said"][0]  # both hold all weights
    assert all(one["sharded"] for one in told)


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


def test_a_checkpoint_of_several_processes_has_a_part_of_each(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    state = tmp_path / "global_step3" / "zero_pp_rank_{}_mp_rank_00_optim_states.pt"
    state.parent.mkdir()
    for rank in (0, 1):
        torch.save({}, tmp_path / f"rng_state_{rank}.pth")
        torch.save({}, str(state).format(rank))
    torch.save({}, tmp_path / "scheduler.pt")
    save_file({"w": torch.zeros(2)}, tmp_path / "model.safetensors")
    (tmp_path / "trainer_state.json").write_text("{}")
    assert damage(tmp_path, 2) is None
    for missing, what in ((str(state).format(1), "optimizer.pt"), ("rng_state_1.pth", "rng_state")):
        part = tmp_path / missing
        kept = part.read_bytes()
        for bad in (kept[:99], None):
            part.unlink()
            if bad is not None:
                part.write_bytes(bad)
            assert what in str(damage(tmp_path, 2)), (missing, bad)
        part.write_bytes(kept)


def test_a_step_that_deepspeed_left_out_stops_the_run(tmp_path: Path) -> None:
    # DeepSpeed's gradients are gone by then, and it would go on with the next step
    *_, guard = trainer_callbacks(RunFolder(tmp_path), "grpo", silent)
    told = {"args": None, "state": SimpleNamespace(global_step=6), "control": None}
    for left_out in (False, True):
        optimizer = SimpleNamespace(step_was_skipped=left_out)
        with pytest.raises(RunError, match=r"step 7 is not finite") if left_out else nullcontext():
            guard.on_pre_optimizer_step(
                **told, model=SimpleNamespace(parameters=list), optimizer=optimizer
            )


def test_what_runs_in_one_process_only_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    several = Processes()
    several.count = 4
    require_together(load_recipe("tiny-grpo"), several)
    require_together(load_recipe("tiny-ppo"), several)
    with pytest.raises(RunError, match=r"^ppo runs in one process; got 4\. Several can run grpo"):
        require_together(load_recipe("strategic-ppo"), several)
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    with pytest.raises(RunError, match=r"lm-ppo runs in whole copies"):
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
        env={**os.environ, **ENVIRONMENT},
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

    file = str(CONFIGS / "deepspeed-zero2.yaml")
    words = ["--config_file", file, "--main_process_port", "0", "train.py"]
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
