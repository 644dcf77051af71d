"""Runs `gtalign` with weights in shards on a CPU, as accelerate does it on GPUs.

accelerate 1.15 reads an FSDP configuration on a CPU and then trains whole copies, since its list of
devices that shard lacks the CPU; torch's FSDP 2 itself shards there, over gloo. This adds the CPU to
the list, and nothing else.

    accelerate launch --config_file training/accelerate/fsdp.yaml --num_processes 2 \
        --mixed_precision no tests/training/fsdp_on_a_cpu.py train RECIPE
"""

from __future__ import annotations

from typing import Any

from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType

begin = AcceleratorState.__init__


def shard(self: Any, *args: Any, **kw: Any) -> None:
    """Begin as accelerate does; then shard where it was asked to."""
    begin(self, *args, **kw)
    plugin = kw.get("fsdp_plugin")
    if plugin is not None and self.distributed_type == DistributedType.MULTI_CPU:
        self.distributed_type = DistributedType.FSDP
        self.fsdp_plugin = plugin
        PartialState._shared_state["distributed_type"] = DistributedType.FSDP


if __name__ == "__main__":
    AcceleratorState.__init__ = shard
    from gtalign_training.cli import main

    main()
