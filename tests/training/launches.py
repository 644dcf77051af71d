"""Runs in two processes of this machine, for tests: how they are started, killed and compared."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from gtalign_training.run_folder import RunFolder

from .conftest import small_recipe

CONFIGS = Path(__file__).parents[2] / "training" / "accelerate"


ENVIRONMENT = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "DS_ACCELERATOR": "cpu"}

TWO = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
"""Starts two processes as torch does it, at a free port."""


def by_accelerate(config: str, script: str, *options: str) -> list[str]:
    """Return the words that let accelerate start two processes of a script in float32."""
    return [
        "accelerate.commands.accelerate_cli",
        "launch",
        *("--config_file", str(CONFIGS / config)),
        *("--num_processes", "2"),
        *("--mixed_precision", "no"),
        *("--main_process_port", "0"),
        *options,
        str(Path(__file__).with_name(script)),
    ]


LAUNCHED = {
    # accelerate's own launcher needs MPI for processes on a CPU; torch's needs nothing
    "copies": [*TWO, "-m", "gtalign_training.cli"],
    "shards": by_accelerate("fsdp.yaml", "fsdp_on_a_cpu.py"),
    "zero": by_accelerate("deepspeed-zero2.yaml", "deepspeed_on_a_cpu.py"),
    "zero-3": by_accelerate("deepspeed-zero2.yaml", "deepspeed_on_a_cpu.py", "--zero_stage", "3"),
    "zero-bf16": by_accelerate(
        "deepspeed-zero2.yaml", "deepspeed_on_a_cpu.py", "--mixed_precision", "bf16"
    ),
    "zero-spoilt": by_accelerate("deepspeed-zero2.yaml", "deepspeed_spoilt.py"),
}
"""What starts two processes on this machine: both with all weights, each with half of them, or each
with half of the optimiser's state; and what must not go well."""


def launched(how: str, *words: str) -> subprocess.Popen[str]:
    """Start ``gtalign train`` in two processes."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", *LAUNCHED[how], "train", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **ENVIRONMENT},
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


def kill_after(step: int, child: subprocess.Popen[str], run: Path, stage: str = "grpo") -> None:
    """Kill all processes of a run once a step has been logged."""
    until = time.monotonic() + 300
    while not any(row["step"] >= step for row in RunFolder(run).metrics(stage)):
        assert time.monotonic() < until
        assert child.poll() is None, child.communicate()[1][-3000:]
        time.sleep(0.02)
    # torch starts each process in a session of its own: none of them dies with the launcher's group
    for process in [*psutil.Process(child.pid).children(recursive=True), child]:
        process.kill()
    child.communicate()
    assert RunFolder(run).read("run.json")["status"] == "running"


def sft_weights(run: Path) -> dict[str, Any]:
    return weights(run / "sft")
