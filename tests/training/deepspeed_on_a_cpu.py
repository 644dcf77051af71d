"""Runs `gtalign` under DeepSpeed on a CPU without a compiler.

On a CPU, DeepSpeed 0.19 compiles an operation for inference when it begins, which takes a minute or
more and a compiler, and tells so on standard output. This says that it cannot be built; training is
carried by gloo either way.

    DS_ACCELERATOR=cpu accelerate launch --config_file training/accelerate/deepspeed-zero2.yaml \
        --num_processes 2 --mixed_precision no tests/training/deepspeed_on_a_cpu.py train RECIPE
"""

from __future__ import annotations

import deepspeed.ops

if __name__ == "__main__":
    deepspeed.ops.__compatible_ops__ = {}
    from gtalign_training.cli import main

    main()
